"""How a reader gets the cache object from where it is published, unless it has it already.

`CacheStore` is all that a reader needs of a store: one request that is small when nothing has
changed. Opening one imports no client library; the first request does.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from smq.catalog import LARGEST

FILE_NAME = "metadata_cache.json"


@dataclass(frozen=True, slots=True)
class Fetched:
    """The object's bytes. `generation` names this state of it, `updated` is when it came to be."""

    data: bytes
    generation: str
    updated: datetime


class FetchError(Exception):
    """The store cannot be asked or refuses; `str(error)` is one line for the person."""


class AbsentError(FetchError):
    """The store answers, and has no such object."""


class CacheStore(Protocol):
    url: str
    is_remote: bool
    """Whether asking means waiting for a network."""

    def fetch(self, known: str | None) -> Fetched | None:
        """The object, or None when its generation is still `known`.

        Raises AbsentError and FetchError.
        """


class LocalFile:
    """A cache in a file, or in a directory under its usual name."""

    is_remote = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self.url = str(path)

    def fetch(self, known: str | None) -> Fetched | None:
        try:
            path = self._path / FILE_NAME if self._path.is_dir() else self._path
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                # Opening a named pipe would wait for a writer for ever.
                raise FetchError(f"{path} is not a regular file")
            generation = f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
            if generation == known:
                return None
            with path.open("rb") as file:
                # One byte more than is allowed shows that it is too large without reading it all.
                data = file.read(LARGEST + 1)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise AbsentError(f"there is no {self._path}") from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise FetchError(f"{self._path} cannot be read: {reason}") from error
        return Fetched(data, generation, datetime.fromtimestamp(status.st_mtime, UTC))

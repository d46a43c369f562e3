"""How a reader gets the cache object from where it is published, unless it has it already.

`CacheStore` is all that a reader needs of a store: one request that is small when nothing has
changed. Making one imports no client library; the first request does, in whatever thread it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from smq_metasync.stores import UNCHANGED, Store, StoreError, open_store


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


class PublishedCache:
    """The cache at a place as people write it; relative paths start from `directory`."""

    def __init__(self, location: str, directory: Path, timeout: float = 30.0) -> None:
        self.is_remote = "://" in location
        self.url = location if self.is_remote else str(directory / Path(location).expanduser())
        self._location = location
        self._directory = directory
        self._timeout = timeout
        self._store: Store | None = None

    def fetch(self, known: str | None) -> Fetched | None:
        try:
            if self._store is None:
                self._store = open_store(self._location, self._directory, self._timeout)
            found = self._store.read(known)
        except StoreError as error:
            raise FetchError(str(error)) from error
        if found is None:
            raise AbsentError(f"there is no {self.url}")
        if found is UNCHANGED:
            return None
        return Fetched(found.data, found.generation, found.updated)

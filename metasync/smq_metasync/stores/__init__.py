"""Where the metadata cache lives: one object that is replaced as a whole, and its history.

A write says which generation it was made from. If somebody else wrote in the meantime it is
refused with `Conflict`, so nobody's data is lost without being looked at. A reader sees the old
object or the new one, whatever happens to the writer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Final, Literal, Protocol

from smq_metasync.location import FILE_NAME

SNAPSHOTS = "snapshots"
LARGEST = 256 * 1024 * 1024
"""Bytes; a larger object is no cache of ours."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The object as it was read; `generation` is different after every write."""

    data: bytes
    generation: str
    updated: datetime
    """When it was written, by the clock of the store."""


class Unchanged(Enum):
    """The object is still the generation that the caller has."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


class StoreError(Exception):
    """The store cannot be read or written; `str(error)` is one line for the person.

    `transient` means that the same call may work later.
    """

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class Conflict(StoreError):
    """Somebody else wrote the object after it was read."""


class Store(Protocol):
    """Safe to use from several threads and processes at once."""

    location: str
    """As people write it: a path or `gs://bucket/name`."""

    def read(self, unless: str | None = None) -> Stored | Literal[Unchanged.UNCHANGED] | None:
        """The object; None when there is none, UNCHANGED while it is the generation `unless`.

        Raises StoreError.
        """

    def write(self, data: bytes, expected: str | None) -> str:
        """Replace the generation `expected`, None being no object at all; gives the new one.

        Raises Conflict when the object is another by now, and StoreError.
        """

    def keep_snapshot(self, name: str, data: bytes) -> None:
        """Keep a state under a name of its own; one that exists stays. Raises StoreError."""

    def snapshots(self) -> tuple[str, ...]:
        """The names of the states that are kept, the newest first. Raises StoreError."""

    def read_snapshot(self, name: str) -> bytes:
        """Raises StoreError, also when there is none of that name."""

    def drop_snapshot(self, name: str) -> None:
        """Forget a state; one that is gone already is no error. Raises StoreError."""


def open_store(location: str, directory: Path, timeout: float = 60.0) -> Store:
    """The store at a place as people write it; nothing is read, written or created yet.

    Relative paths start from `directory`. `timeout` is how many seconds an operation may take
    with all its retries. Raises StoreError for a place that cannot be meant, and when the client
    of the place is not installed.
    """
    if location.startswith("gs://"):
        # The client is heavy, and most caches are files.
        from smq_metasync.stores.gcs import GcsStore

        return GcsStore(location, timeout)
    scheme, found, _ = location.partition("://")
    if found:
        raise StoreError(
            f"a cache cannot be kept at {scheme}://; give a path or gs://bucket/{FILE_NAME}"
        )
    from smq_metasync.stores.local import LocalStore

    return LocalStore(directory / Path(location).expanduser(), timeout)


def snapshot_name(moment: datetime, run_id: str) -> str:
    """The name of a state: sortable by time, in UTC, and different for each run."""
    return f"{moment.strftime('%Y-%m-%dT%H-%M-%SZ')}-{run_id[:8]}.json"

"""The cache as a file: written beside its place and moved there in one step.

A lock, which the system takes away from a process that dies, makes looking and moving one act.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

from smq_metasync.location import FILE_NAME
from smq_metasync.stores import (
    LARGEST,
    SNAPSHOTS,
    UNCHANGED,
    Conflict,
    Stored,
    StoreError,
    Unchanged,
)

_ABANDONED_SECONDS = 3600.0
_POLL_SECONDS = 0.02
_SUFFIX = ".part"


class LocalStore:
    """A file, or the file of the usual name in a directory."""

    def __init__(self, path: Path, timeout: float = 60.0) -> None:
        is_file = path.suffix == ".json" and not path.is_dir()
        self._path = path if is_file else path / FILE_NAME
        self._timeout = timeout
        self.location = str(self._path)

    @property
    def path(self) -> Path:
        return self._path

    def read(self, unless: str | None = None) -> Stored | Literal[Unchanged.UNCHANGED] | None:
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                generation = _generation(status)
                if generation == unless:
                    return UNCHANGED
                if status.st_size > LARGEST:
                    raise StoreError(f"{self.location} is too large for a cache")
                updated = datetime.fromtimestamp(status.st_mtime, UTC)
                return Stored(file.read(), generation, updated)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused("read", self._path, error) from error

    def write(self, data: bytes, expected: str | None) -> str:
        with self._writing():
            if self._generation() != expected:
                raise Conflict(f"somebody else wrote {self.location} in the meantime")
            return self._replace(self._path, data)

    def keep_snapshot(self, name: str, data: bytes) -> None:
        target = self._path.parent / SNAPSHOTS / name
        with self._writing():
            try:
                target.parent.mkdir(exist_ok=True)
            except OSError as error:
                raise _refused("write", target, error) from error
            if not target.exists():
                self._replace(target, data)

    def snapshots(self) -> tuple[str, ...]:
        directory = self._path.parent / SNAPSHOTS
        try:
            names = [path.name for path in directory.iterdir() if path.suffix == ".json"]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _refused("read", directory, error) from error
        return tuple(sorted(names, reverse=True))

    def read_snapshot(self, name: str) -> bytes:
        path = self._path.parent / SNAPSHOTS / Path(name).name
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise StoreError(f"there is no snapshot {name}") from error
        except OSError as error:
            raise _refused("read", path, error) from error

    def drop_snapshot(self, name: str) -> None:
        path = self._path.parent / SNAPSHOTS / Path(name).name
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _refused("remove", path, error) from error

    def _generation(self) -> str | None:
        try:
            return _generation(self._path.stat())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused("read", self._path, error) from error

    def _replace(self, target: Path, data: bytes) -> str:
        temporary: Path | None = None
        try:
            descriptor, name = tempfile.mkstemp(
                prefix=f".{target.name}.", suffix=_SUFFIX, dir=target.parent
            )
            temporary = Path(name)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            # A cache is for everybody who may look into the directory.
            temporary.chmod(0o644)
            generation = _generation(temporary.stat())
            temporary.replace(target)
            temporary = None
        except OSError as error:
            raise _refused("write", target, error) from error
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
        _make_lasting(target.parent)
        return generation

    @contextmanager
    def _writing(self) -> Iterator[None]:
        directory = self._path.parent
        try:
            if not directory.exists():
                directory.mkdir(parents=True)
                if directory.name == ".smq":
                    # What is collected is for this machine, not for the repository around it.
                    (directory / ".gitignore").write_text("*\n", encoding="utf-8")
            lock = (directory / f".{self._path.name}.lock").open("ab")
        except OSError as error:
            raise _refused("write", self._path, error) from error
        with lock:
            self._take(lock)
            try:
                self._sweep()
                yield
            finally:
                _give_back(lock)

    def _take(self, lock: IO[bytes]) -> None:
        until = time.monotonic() + self._timeout
        while not _try_lock(lock):
            if time.monotonic() >= until:
                raise StoreError(
                    f"another collector is writing {self.location} and does not end",
                    transient=True,
                )
            time.sleep(_POLL_SECONDS)

    def _sweep(self) -> None:
        """Remove what collectors that were killed while writing have left behind."""
        before = time.time() - _ABANDONED_SECONDS
        for directory in (self._path.parent, self._path.parent / SNAPSHOTS):
            for path in directory.glob(f".*{_SUFFIX}"):
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < before:
                        path.unlink()


def _generation(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns}-{status.st_ino}-{status.st_size}"


def _refused(what: str, path: Path, error: OSError) -> StoreError:
    reason = (error.strerror or str(error)).lower()
    return StoreError(f"cannot {what} {path}: {reason}")


def _make_lasting(directory: Path) -> None:
    """The new name survives a power cut as well, where the system can promise that."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(lock: IO[bytes]) -> bool:
        try:
            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _give_back(lock: IO[bytes]) -> None:
        lock.seek(0)
        msvcrt.locking(lock.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(lock: IO[bytes]) -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _give_back(lock: IO[bytes]) -> None:
        fcntl.flock(lock, fcntl.LOCK_UN)

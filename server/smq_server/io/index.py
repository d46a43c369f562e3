"""What reading the files of a workspace gave, kept between runs in the user's own cache.

One file for each workspace: a header that says who wrote it, then one piece for each file, with
the time stamp and the hash of the text it was read from. A piece is used only for that text.
Anything odd about the file, its directory or its owner means that there is no index: it can be
deleted, damaged or shared by two servers at any time, and costs nothing but time.
"""

from __future__ import annotations

import io
import marshal
import os
import pickle
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from smq.syntax import Document
from smq.workspace import File
from smq_server import __version__

FORMAT = 1
_MAGIC = b"smq-index\n"
_RACY = 2_000_000_000
"""Nanoseconds: a file written that shortly before its stamp was taken may change unseen."""

Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """One file's reading: of which text, and what."""

    stamp: Stamp
    taken: int
    digest: bytes
    data: bytes

    def holds_for(self, stamp: Stamp) -> bool:
        """Whether a file with that stamp surely has the same text."""
        return stamp == self.stamp and stamp[0] < self.taken - _RACY


Pieces = Mapping[str, Piece]


@dataclass(frozen=True, slots=True)
class Index:
    """All pieces of a workspace, and something about them together that only fits their sum."""

    pieces: Pieces
    extra: bytes = b""


NOTHING = Index({})


def digest_of(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def pack(file: File, stamp: Stamp) -> Piece:
    """A file's reading as a piece."""
    text = file.document.text
    return Piece(stamp, time.time_ns(), digest_of(text), dump((text, *file.reading)))


def unpack(uri: str, piece: Piece) -> File | None:
    """The file of a piece; None when the piece is damaged."""
    try:
        text, declarations, queries, problems = load(piece.data)
        return File(Document(uri, text), None, declarations, queries, problems)
    except DAMAGE:
        return None


def read_index(root: Path, directory: Path | None = None) -> Index:
    """The index of a workspace; an empty one for whatever reason there is none."""
    path = _path(root, directory or cache_directory())
    try:
        if not _is_ours_alone(path.parent) or not _is_ours_alone(path):
            return NOTHING
        data = path.read_bytes()
        if not data.startswith(_MAGIC):
            return NOTHING
        header, pieces, extra = marshal.loads(memoryview(data)[len(_MAGIC) + 16 :])
        whole = blake2b(memoryview(data)[len(_MAGIC) + 16 :], digest_size=16).digest()
        if header != _header() or whole != data[len(_MAGIC) : len(_MAGIC) + 16]:
            return NOTHING
        return Index({uri: Piece(tuple(s), t, g, d) for uri, (s, t, g, d) in pieces.items()}, extra)
    except (OSError, ValueError, TypeError, EOFError, AttributeError, RecursionError):
        return NOTHING


def write_index(root: Path, index: Index, directory: Path | None = None) -> bool:
    """Replace the index of a workspace in one step; False when the cache cannot be written."""
    path = _path(root, directory or cache_directory())
    pieces = {uri: (p.stamp, p.taken, p.digest, p.data) for uri, p in index.pieces.items()}
    contents: Any = (_header(), pieces, index.extra)
    body = marshal.dumps(contents)
    whole = blake2b(body, digest_size=16).digest()
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_ours_alone(path.parent):
            return False
        descriptor, temporary = tempfile.mkstemp(prefix=".index-", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + whole)
            file.write(body)
        Path(temporary).replace(path)
        temporary = None
    except OSError:
        return False
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return True


def forget_index(root: Path, directory: Path | None = None) -> None:
    """Remove the index of a workspace, if there is one and it can be removed."""
    with suppress(OSError):
        _path(root, directory or cache_directory()).unlink(missing_ok=True)


def cache_directory() -> Path:
    """The user's directory for what can be made again, by the custom of the system."""
    chosen = os.environ.get("SMQ_CACHE_DIR")
    if chosen:
        return Path(chosen)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "smq" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "smq"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "smq"


def _path(root: Path, directory: Path) -> Path:
    name = blake2b(os.fsencode(root), digest_size=12).hexdigest()
    return directory / f"{name}.index"


def _header() -> tuple[object, ...]:
    # A build of tomorrow may read the same text otherwise, so its sources count as well.
    return (FORMAT, __version__, sys.version_info[:3], sys.implementation.name, _sources())


def _sources() -> str:
    """A mark of the code that reads files, which changes with every change of it."""
    import smq

    mark = blake2b(digest_size=12)
    for directory in sorted(Path(place) for place in smq.__path__):
        for path in sorted(directory.rglob("*.py")):
            status = path.stat()
            mark.update(f"{path.name} {status.st_mtime_ns} {status.st_size}\n".encode())
    return mark.hexdigest()


def _is_ours_alone(path: Path) -> bool:
    """Whether nobody else can have written there. Raises OSError when it is not there."""
    if os.name == "nt":
        return path.exists()
    status = path.stat()
    return status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o022


# The pieces: plain values and our own value classes, nothing else, in either direction.

DAMAGE: tuple[type[Exception], ...] = (
    pickle.UnpicklingError, ValueError, TypeError, EOFError, AttributeError, IndexError, KeyError,
    ImportError, RecursionError, MemoryError, UnicodeError,
)  # fmt: skip
_OURS = (
    "smq.graph.symbols",
    "smq.syntax.nodes",
    "smq.text.span",
    "smq.query.written",
    "smq.problem",
)


"""What reading damaged bytes can raise."""


def dump(value: object) -> bytes:
    stream = io.BytesIO()
    _Writer(stream, 5).dump(value)
    return stream.getvalue()


def load(data: bytes) -> Any:
    """The value again. Raises one of several errors for bytes that `dump` has not made."""
    return _Reader(io.BytesIO(data)).load()


class _Writer(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if is_dataclass(kind):
            return restored, (kind, *[getattr(value, name) for name in _names(kind)])
        return NotImplemented


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module in _OURS:
            kind = super().find_class(module, name)
            if isinstance(kind, type):
                return kind
        elif (module, name) == (__name__, "restored"):
            return restored
        elif (module, name) == ("builtins", "frozenset"):
            return frozenset
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an index")


def restored(kind: type, *values: object) -> object:
    """A value of one of our classes with these fields."""
    value: object = object.__new__(kind)
    for put, part in zip(_setters(kind), values, strict=True):
        put(value, part)
    return value


_NAMES: dict[type, tuple[str, ...]] = {}
_SETTERS: dict[type, tuple[Callable[[object, object], None], ...]] = {}


def _names(kind: type) -> tuple[str, ...]:
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = tuple(part.name for part in fields(kind))
    return names


def _setters(kind: type) -> Iterable[Callable[[object, object], None]]:
    """How to fill a frozen value's slots: as its own constructor does, at half the cost."""
    setters = _SETTERS.get(kind)
    if setters is None:
        slots = (getattr(kind, name) for name in _names(kind))
        setters = _SETTERS[kind] = tuple(slot.__set__ for slot in slots)
    return setters

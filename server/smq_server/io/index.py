"""What reading the files of a workspace gave, kept between runs in the user's own cache.

One file for each workspace: a header that says who wrote it, then one piece for each file, with
its time stamp and the text it was read from. A piece is used only for that text. Beside them stands
what was found in all of these files together, by whom and under which settings. Anything odd about
the index, its directory or its owner means that there is none: it can be deleted, damaged or shared
by two processes at any time, and costs nothing but time.
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
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache, partial
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, cast

from smq.graph.symbols import TableName
from smq.syntax import Document
from smq.text import Location, Span
from smq.workspace import Configuration, File
from smq.workspace.files import Reading
from smq_server import __version__
from smq_server.io.files import Stamp

FORMAT = 2
_MAGIC = b"smq-index\n"
_KEPT = 4
"""So many results are kept: of the editor, of the command line, and under other settings."""
_RACY = 2_000_000_000
"""Nanoseconds: a file written that shortly before its stamp was taken may change unseen."""


class Piece(NamedTuple):
    """One file's reading: of which text, and what."""

    stamp: Stamp
    taken: int
    text: str
    data: bytes
    uses_refs: bool = False
    """Whether a dbt manifest has something to say about it; told without looking into it."""

    def holds_for(self, stamp: Stamp) -> bool:
        """Whether a file with that stamp surely has the same text."""
        return stamp == self.stamp and stamp[0] < self.taken - _RACY


Pieces = Mapping[str, Piece]


@dataclass(frozen=True, slots=True)
class Index:
    """All pieces of a workspace, and what was found in them together, by what finds it."""

    pieces: Pieces
    found: Mapping[str, bytes] = field(default_factory=dict)

    def with_found(self, pieces: Pieces, key: str, found: bytes) -> Index:
        """The index after somebody looked. What others found stays if they saw the same texts."""
        kept: dict[str, bytes] = {}
        if self.pieces.keys() == pieces.keys() and all(
            piece.text == pieces[uri].text for uri, piece in self.pieces.items()
        ):
            kept = {other: each for other, each in self.found.items() if other != key}
        newest = list(kept.items())[1 - _KEPT :]
        return Index(pieces, {**dict(newest), key: found})


NOTHING = Index({})


def pack(file: File, stamp: Stamp) -> Piece:
    """A file's reading as a piece."""
    return Piece(stamp, time.time_ns(), file.document.text, *packed(file))


def packed(file: File) -> tuple[bytes, bool]:
    """What a piece has of a file's reading: its bytes, and whether a dbt manifest adds to it."""
    return dump(file.reading), file.declarations.uses_refs


def unpack(uri: str, piece: Piece) -> File | None:
    """The file of a piece; None when the piece is damaged."""
    reading = _reading(piece)
    return None if reading is None else File(Document(uri, piece.text), None, *reading)


def unpack_later(uri: str, piece: Piece) -> File:
    """The file of a piece, which is looked into when somebody asks what the file says."""
    return File.kept(Document(uri, piece.text), lambda: _reading(piece))


def _reading(piece: Piece) -> Reading | None:
    try:
        declarations, queries, problems = load(piece.data)
    except DAMAGE:
        return None
    return declarations, queries, problems


def read_index(root: Path, directory: Path | None = None) -> Index:
    """The index of a workspace; an empty one for whatever reason there is none."""
    path = _path(root, directory or cache_directory())
    if is_switched_off():
        return NOTHING
    try:
        if not _is_ours_alone(path.parent) or not _is_ours_alone(path):
            return NOTHING
        data = path.read_bytes()
        if not data.startswith(_MAGIC):
            return NOTHING
        header, pieces, found = marshal.loads(memoryview(data)[len(_MAGIC) + 16 :])
        whole = blake2b(memoryview(data)[len(_MAGIC) + 16 :], digest_size=16).digest()
        if header != _header() or whole != data[len(_MAGIC) : len(_MAGIC) + 16]:
            return NOTHING
        return Index({u: Piece(tuple(s), *rest) for u, (s, *rest) in pieces.items()}, found)
    except (OSError, ValueError, TypeError, EOFError, AttributeError, RecursionError):
        return NOTHING


def write_index(root: Path, index: Index, directory: Path | None = None) -> bool:
    """Replace the index of a workspace in one step; False when the cache cannot be written."""
    if is_switched_off():
        return True
    path = _path(root, directory or cache_directory())
    pieces = {
        uri: (p.stamp, p.taken, p.text, p.data, p.uses_refs) for uri, p in index.pieces.items()
    }
    contents: Any = (_header(), pieces, dict(index.found))
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


def found_key(
    who: str, configuration: Configuration, refs: Mapping[str, TableName], catalog: str
) -> str:
    """Under which name something found is kept: all that counts for it beside the files' texts.

    `catalog` is the digest of what was known of the warehouse.
    """
    whole = repr((who, configuration, sorted(refs.items()), catalog))
    return blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def is_switched_off() -> bool:
    """Whether the person wants nothing to be kept between runs."""
    return os.environ.get("SMQ_NO_CACHE", "") not in ("", "0", "false")


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
    places = [Path(place) for place in smq.__path__]
    # What the SQL library reads otherwise is found otherwise.
    library = find_spec("sqlglot")
    if library is not None and library.origin:
        version = Path(library.origin).with_name("_version.py")
        if version.exists():
            mark.update(version.read_bytes())
    for directory in sorted(places):
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
"""What reading damaged bytes can raise."""
_OURS = (
    "smq.graph.symbols",
    "smq.syntax.nodes",
    "smq.text.span",
    "smq.query.written",
    "smq.problem",
)


def dump(value: object) -> bytes:
    stream = io.BytesIO()
    _Writer(stream, 5).dump(value)
    return stream.getvalue()


def load(data: bytes) -> Any:
    """The value again. Raises one of several errors for bytes that `dump` has not made."""
    return _Reader(io.BytesIO(data)).load()


class _Writer(pickle.Pickler):
    """Writes a value of ours as its class and the values of its fields."""

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind in (Span, Location):
            return kind, (tuple(value),)
        if is_dataclass(kind):
            return kind, tuple([getattr(value, name) for name in _names(cast("Any", kind))])
        return NotImplemented


class _Reader(pickle.Unpickler):
    """Reads what the writer writes; where that names a class, it finds what makes its values."""

    def find_class(self, module: str, name: str) -> Any:
        if module in _OURS:
            kind = super().find_class(module, name)
            if isinstance(kind, type):
                return _maker(kind)
        elif (module, name) == ("builtins", "frozenset"):
            return frozenset
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an index")


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(part.name for part in fields(kind))


@cache
def _maker(kind: Any) -> Callable[..., object]:
    """What makes a value from those of its fields, as its own constructor does.

    Half of reading an index is calling these, so each is a function of its own that fills the
    slots of a frozen value one after the other, which costs half of what a loop does.
    """
    if kind in (Span, Location):
        return partial(tuple.__new__, kind)
    if not is_dataclass(kind):
        return cast("Callable[..., object]", kind)
    names = _names(cast("Any", kind))
    # Names of ours begin with two underscores, so that no field has one of them.
    known: dict[str, Any] = {f"__put_{name}": getattr(kind, name).__set__ for name in names}
    known |= {"__new": object.__new__, "__kind": kind}
    puts = "".join(f"    __put_{name}(__made, {name})\n" for name in names)
    source = f"def make({', '.join(names)}):\n    __made = __new(__kind)\n{puts}    return __made\n"
    exec(source, known)
    return cast("Callable[..., object]", known["make"])

"""Reading and writing single files."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from smq.problem import Problem
from smq.syntax import Document, size_limit
from smq.text import Location, Span
from smq_server.io.failure import Failure
from smq_server.io.uris import display, uri_of

Stamp = tuple[int, int]
"""When a file was last written, in nanoseconds, and how many bytes it has."""


def read_document(path: Path, uri: str | None = None) -> Document | Problem:
    """The file as a document, or the problem (family FIL) that says why there is none."""
    uri = uri or uri_of(path)
    try:
        # Not `open` first: a named pipe would wait for a writer for ever.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            return _problem("FIL101", uri, reason=f"it is {kind}")
        if status.st_size > size_limit(uri):
            return too_large(uri, status.st_size)
        data = path.read_bytes()
    except OSError as error:
        return _problem("FIL101", uri, reason=(error.strerror or str(error)).lower())
    return decode(uri, data)


def stamp(path: Path) -> Stamp | None:
    """What tells whether a file has changed; None when it is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116 - as cheap as it gets, it is asked of every file
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size


def decode(uri: str, data: bytes) -> Document | Problem:
    """The document of a file's bytes, which must be UTF-8, with or without a byte-order mark."""
    if len(data) > size_limit(uri):
        return too_large(uri, len(data))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _problem("FIL102", uri, offset=0, guess="UTF-16", binary=False)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        binary = b"\x00" in data[:8192]
        return _problem(
            "FIL102", uri, offset=error.start, guess=_guess(data, binary), binary=binary
        )
    if "\x00" in text:
        return _problem("FIL102", uri, offset=text.index("\x00"), guess="", binary=True)
    return Document(uri, text)


def too_large(uri: str, size: int) -> Problem:
    return _problem("FIL103", uri, size=size, limit=size_limit(uri))


def _guess(data: bytes, binary: bool) -> str:
    """The encoding that Korean editors on Windows write, if the file looks like it."""
    if binary:
        return ""
    try:
        text = data.decode("cp949")
    except UnicodeDecodeError:
        return ""
    return "CP949 (EUC-KR)" if any("가" <= char <= "힣" for char in text) else ""


def _problem(code: str, uri: str, **args: object) -> Problem:
    return Problem(code, Location(uri, Span(0, 0)), args)


def write_text(path: Path, text: str) -> None:
    """Replace the file's text in one step, keeping its permissions; a link keeps its target.

    Raises Failure when the file cannot be written; it then has its old text.
    """
    write_pieces(path, (text,))


def write_pieces(path: Path, pieces: Iterable[str]) -> None:
    """The same with a text that comes in pieces; also what they raise leaves the old text."""
    target = Path(os.path.realpath(path))
    temporary: str | None = None
    try:
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        if mode is not None and not os.access(target, os.W_OK):
            raise PermissionError(13, "the file is read-only")
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode if mode is not None else 0o666 & ~_umask())
        Path(temporary).replace(target)
        temporary = None
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(f"cannot write {display(path)}: {reason.lower()}") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    # There is no way to ask for it without setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""Where a command reads and writes, and how loud it is."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO


@dataclass(slots=True)
class Streams:
    """Standard streams as text in UTF-8, and the person's wishes about them.

    `verbosity` is 0, less when asked to be quiet, more for each `-v`. `color` is for stdout and
    `error_color` for findings on stderr, each only where a person reads it. `terminal` is True
    when a person reads stdout.
    """

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]
    color: bool = False
    error_color: bool = False
    terminal: bool = False
    verbosity: int = 0

    def write(self, text: str) -> None:
        """Data, as it is."""
        self.stdout.write(text)

    def message(self, text: str, verbosity: int = 0) -> None:
        """A line for the person, if they want to hear that much."""
        if self.verbosity >= verbosity:
            self.stderr.write(text + "\n")

    def read_bytes(self) -> bytes:
        """All of standard input, undecoded, so that one reader decides about encodings."""
        buffer = getattr(self.stdin, "buffer", None)
        if buffer is not None:
            data: bytes = buffer.read()
            return data
        return self.stdin.read().encode("utf-8", "surrogatepass")


def standard(environ: Mapping[str, str] | None = None) -> Streams:
    """The process's own streams, switched to UTF-8 whatever the locale says."""
    codecs.register_error("smq-output", _replace)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="smq-output", newline="\n")
    environ = os.environ if environ is None else environ
    terminal = _is_terminal(sys.stdout)
    wanted = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Streams(
        sys.stdin,
        sys.stdout,
        sys.stderr,
        environ,
        color=terminal and wanted,
        error_color=wanted and _is_terminal(sys.stderr),
        terminal=terminal,
    )


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:
        return False


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes of a file name that are no UTF-8 go out as they came in, half characters escaped."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if "\udc80" <= char <= "\udcff":
        return bytes([ord(char) - 0xDC00]), error.start + 1
    return f"\\u{ord(char):04x}", error.start + 1

"""Bytes in, bodies of messages out: the framing of the protocol, and the pipes of a process.

Reading has a thread of its own, because a pipe cannot be waited for on every system's event loop,
and because a pool shared with anything else would let slow work stop the reading.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

LENGTH_LIMIT = 1 << 30
"""A longer body is no message but a broken length; its header is passed over."""

_LENGTH = re.compile(rb"^\s*content-length\s*:\s*(\d+)\s*$", re.IGNORECASE | re.MULTILINE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = 1 << 16


class Framing:
    """Cuts a stream into bodies, however the bytes arrive.

    Header names are read in any case, unknown ones are passed over; a header without a usable
    length is dropped whole, so that the next one can be understood.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._wanted: int | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while True:
            if self._wanted is None and not self._read_header():
                return
            assert self._wanted is not None
            if len(self._buffer) < self._wanted:
                return
            body = bytes(self._buffer[: self._wanted])
            del self._buffer[: self._wanted]
            self._wanted = None
            yield body

    def _read_header(self) -> bool:
        while True:
            # Blank lines between messages are nobody's header.
            stripped = self._buffer.lstrip(b"\r\n")
            if len(stripped) != len(self._buffer):
                self._buffer = stripped
            end = _HEADER_END.search(self._buffer)
            if end is None:
                return False
            header = bytes(self._buffer[: end.start()])
            del self._buffer[: end.end()]
            length = _LENGTH.search(header)
            if length is not None and len(length[1]) < 16 and int(length[1]) <= LENGTH_LIMIT:
                self._wanted = int(length[1])
                return True


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class PipeWriter:
    """The client's end of standard output."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        self._stream.write(framed(data))
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


class SocketWriter:
    """The client's end of a connection."""

    def __init__(self, stream: asyncio.StreamWriter) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        self._stream.write(framed(data))

    def close(self) -> None:
        self._stream.close()


def read_pipe(
    stream: BinaryIO,
    loop: asyncio.AbstractEventLoop,
    receive: Callable[[bytes], object],
    ended: Callable[[], object],
) -> None:
    """Hand every body to `receive` on the loop, and call `ended` there when the pipe closes.

    Returns at once; a daemon thread reads.
    """
    descriptor = stream.fileno()

    def read() -> None:
        framing = Framing()
        try:
            while data := os.read(descriptor, _CHUNK):
                for body in framing.feed(data):
                    loop.call_soon_threadsafe(receive, body)
        except OSError:
            # The other end has gone in a less polite way.
            pass
        try:
            loop.call_soon_threadsafe(ended)
        except RuntimeError:
            # The loop has been closed by `exit` in the meantime.
            return

    threading.Thread(target=read, name="smq-lsp-reader", daemon=True).start()

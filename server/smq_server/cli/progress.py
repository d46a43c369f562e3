"""A line on the terminal that says how long something has been going on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_QUIET_SECONDS = 1.0
_ERASE = "\r\x1b[K"


@contextmanager
def waiting(what: str, stream: TextIO) -> Iterator[None]:
    """Show and refresh the line while the block runs, if the stream is a terminal.

    Nothing is shown of what takes less than a second, and nothing is left behind.
    """
    if not stream.isatty():
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_show, args=(what, stream, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _show(what: str, stream: TextIO, done: threading.Event) -> None:
    started = time.monotonic()
    shown = False
    while not done.wait(_QUIET_SECONDS):
        stream.write(f"{_ERASE}{what} … {time.monotonic() - started:.0f} s (Ctrl-C cancels)")
        stream.flush()
        shown = True
    if shown:
        stream.write(_ERASE)
        stream.flush()

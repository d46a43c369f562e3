"""Work on many files, shared with copies of this process.

One process of Python uses one processor. Where the system can copy a process with all that it
knows, a copy does a part of the work and sends back what it found, as the bytes that would be kept
between runs anyway. Copies only compute: they write nothing and live for one piece of work. What a
copy cannot do, or does not say in good order, this process does itself, so that sharing changes
how long the work takes and nothing else.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from smq_server.io.index import DAMAGE, dump, load

Item = TypeVar("Item")
Found = TypeVar("Found")

_MOST = 4
"""Processes: each has a copy of whatever it touches, and reading its answer is serial work."""


def processes() -> int:
    """How many processes may share work here; 1 where they cannot.

    A process with threads cannot be copied safely, and only Linux says surely that it has none.
    `SMQ_JOBS` sets a limit.
    """
    if sys.platform != "linux":
        return 1
    wish = os.environ.get("SMQ_JOBS", "")
    try:
        if len(list(Path("/proc/self/task").iterdir())) > 1:
            return 1
        free = len(os.sched_getaffinity(0))
    except OSError:
        return 1
    return max(1, min(int(wish) if wish.isascii() and wish.isdigit() else _MOST, free))


def share(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Found], count: int
) -> Iterator[Found]:
    """What `work` gives for the items in `count` parts, in no order of meaning.

    The values of all parts but the first have to be such as `dump` can write.
    """
    if count < 2:
        yield work(items)
        return
    parts = [items[number::count] for number in range(count)]
    copies = [(part, _copy(work, part)) for part in parts[1:]]
    try:
        yield work(parts[0])
        for part, copy in copies:
            data = copy.answer() if copy is not None else None
            try:
                found: Found = load(data) if data is not None else work(part)
            except DAMAGE:
                found = work(part)
            yield found
    finally:
        for _, copy in copies:
            if copy is not None:
                copy.end()


@dataclass(slots=True)
class _Copy:
    """A running copy, which will write into a pipe."""

    process: int
    pipe: int
    is_ended: bool = False

    def answer(self) -> bytes | None:
        """All that it has to say; None when it came to a bad end."""
        with os.fdopen(os.dup(self.pipe), "rb") as stream:
            data = stream.read()
        _, status = os.waitpid(self.process, 0)
        self.is_ended = True
        return data if status == 0 else None

    def end(self) -> None:
        os.close(self.pipe)
        if not self.is_ended:
            with suppress(OSError):
                os.kill(self.process, signal.SIGKILL)
                os.waitpid(self.process, 0)


def _copy(work: Callable[[Sequence[Item]], object], part: Sequence[Item]) -> _Copy | None:
    """Start a copy of this process that works on a part; None when there can be none."""
    reading, writing = os.pipe()
    try:
        process = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return None
    if process == 0:
        os.close(reading)
        _be_a_copy(work, part, writing)
    os.close(writing)
    return _Copy(process, reading)


def _be_a_copy(
    work: Callable[[Sequence[Item]], object], part: Sequence[Item], writing: int
) -> NoReturn:
    status = 1
    try:
        # Ctrl-C is for all processes of a terminal, and the first one answers it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # Looking for garbage would touch, and so copy, all memory that is shared still.
        gc.freeze()
        data = dump(work(part))
        with os.fdopen(writing, "wb") as stream:
            stream.write(data)
        status = 0
    finally:
        # Nothing of what the first process has to do at its end: no handlers, no buffers.
        os._exit(status)

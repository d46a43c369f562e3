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
import select
import signal
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from smq_server.io.index import DAMAGE, dump, load

Item = TypeVar("Item")
Found = TypeVar("Found")

_MOST = 4
"""Processes: each has a copy of whatever it touches, and reading its answer is serial work."""

_PARTS = 128
"""Of the work: so small that all processes end at about the same time. One byte numbers them."""

_PIPE = 1 << 20
"""Bytes that a copy can say before anybody listens, which is several parts of any work here."""

_HEADER = struct.Struct("=BQ")


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
    """What `work` gives for the items, part by part, in no order of meaning.

    Items stay beside their neighbours in a part, and whoever is free takes the next part. The
    values of all parts have to be such as `dump` can write.
    """
    if count < 2:
        yield work(items)
        return
    parts = _parts(items)
    done = [False] * len(parts)
    tickets = _tickets(len(parts))
    copies = [_copy(work, parts, tickets) for _ in range(min(count, len(parts)) - 1)]
    alive = [copy for copy in copies if copy is not None]
    try:
        while ticket := os.read(tickets, 1):
            done[ticket[0]] = True
            yield work(parts[ticket[0]])
            # Between parts, so that no copy has to wait until its answer is taken.
            yield from _answers(alive, done, 0)
        while any(copy.is_talking for copy in alive):
            yield from _answers(alive, done, None)
        for number, part in enumerate(parts):
            if not done[number]:
                yield work(part)
    finally:
        os.close(tickets)
        for copy in alive:
            copy.end()


def _parts(items: Sequence[Item]) -> list[Sequence[Item]]:
    count = min(len(items), _PARTS)
    bounds = [len(items) * number // count for number in range(count + 1)] if count else []
    return [items[start:end] for start, end in pairwise(bounds)]


def _tickets(count: int) -> int:
    """A pipe with the number of each part as one byte, which only one process can read."""
    reading, writing = os.pipe()
    os.write(writing, bytes(range(count)))
    os.close(writing)
    return reading


def _answers(copies: Sequence[_Copy], done: list[bool], patience: float | None) -> Iterator[Any]:
    """What copies have said, once one of them has or patience is at its end (None: never)."""
    talking = {copy.pipe: copy for copy in copies if copy.is_talking}
    for pipe in select.select(list(talking), [], [], patience)[0]:
        for number, data in talking[pipe].answers():
            try:
                found = load(data)
            except DAMAGE:
                continue
            done[number] = True
            yield found


@dataclass(slots=True)
class _Copy:
    """A running copy, which writes answers into a pipe: the number of a part, a length, bytes."""

    process: int
    pipe: int
    heard: bytearray = field(default_factory=bytearray)
    is_talking: bool = True

    def answers(self) -> Iterator[tuple[int, bytes]]:
        """The answers that are whole by now."""
        more = os.read(self.pipe, _PIPE)
        self.is_talking = bool(more)
        self.heard += more
        while len(self.heard) >= _HEADER.size:
            number, size = _HEADER.unpack_from(self.heard)
            end = _HEADER.size + size
            if len(self.heard) < end:
                return
            yield number, bytes(self.heard[_HEADER.size : end])
            del self.heard[:end]

    def end(self) -> None:
        os.close(self.pipe)
        with suppress(OSError):
            # One that has said everything has ended, or is about to.
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)


def _widen(pipe: int) -> None:
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


def _copy(
    work: Callable[[Sequence[Item]], object], parts: Sequence[Sequence[Item]], tickets: int
) -> _Copy | None:
    """Start a copy of this process that works on parts; None when there can be none."""
    reading, writing = os.pipe()
    try:
        process = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return None
    if process == 0:
        os.close(reading)
        _be_a_copy(work, parts, tickets, writing)
    os.close(writing)
    return _Copy(process, reading)


def _be_a_copy(
    work: Callable[[Sequence[Item]], object],
    parts: Sequence[Sequence[Item]],
    tickets: int,
    writing: int,
) -> NoReturn:
    status = 1
    try:
        # Ctrl-C is for all processes of a terminal, and the first one answers it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # Looking for garbage would touch, and so copy, all memory that is shared still.
        gc.freeze()
        _widen(writing)
        with os.fdopen(writing, "wb") as stream:
            while ticket := os.read(tickets, 1):
                data = dump(work(parts[ticket[0]]))
                stream.write(_HEADER.pack(ticket[0], len(data)) + data)
                stream.flush()
        status = 0
    finally:
        # Nothing of what the first process has to do at its end: no handlers, no buffers.
        os._exit(status)

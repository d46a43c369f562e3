"""Long work in short slices on the event loop, so that the editor is answered in between.

A busy thread would take the interpreter from every request for milliseconds at a time; slices of
a few milliseconds give the same work at a bounded wait. Work is a generator that yields wherever
it can pause. Work of an engine or a network waits, so it has threads of its own here, apart from
the reader's.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

Work = Generator[None, None, None]
T = TypeVar("T")

_WORK = "smq-lsp-work"
SLICE = 0.004
"""Seconds that one slice may take; a single step between two yields may be longer."""


class Scheduler:
    """Runs works by priority (the least first); one of a key replaces the earlier one."""

    def __init__(self, failed: Callable[[Exception, str], object]) -> None:
        self._failed = failed
        self._call_soon: Callable[[Callable[[], None]], object] | None = None
        self._call_later: Callable[[float, Callable[[], None]], object] | None = None
        self._is_urgent: Callable[[], bool] = lambda: False
        self._later: list[Callable[[], None]] = []
        self.between: Callable[[], object] = lambda: None
        """Called in each turn in which nothing is urgent, before any work."""
        self._works: dict[str, tuple[int, int, Work]] = {}
        self._queue: list[tuple[int, int, str]] = []
        self._numbers = itertools.count()
        self._is_due = False

    def bind(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        call_later: Callable[[float, Callable[[], None]], object],
        is_urgent: Callable[[], bool],
    ) -> None:
        """Take turns on a loop, behind whatever is urgent. Unbound, only `drain` runs anything."""
        self._call_soon = call_soon
        self._call_later = call_later
        self._is_urgent = is_urgent
        if self._works:
            self.wake()

    @property
    def is_idle(self) -> bool:
        return not self._works

    def submit(self, key: str, priority: int, work: Work) -> None:
        """Run `work` in slices; work of the same key that has not ended is cancelled."""
        self.cancel(key)
        number = next(self._numbers)
        self._works[key] = priority, number, work
        heapq.heappush(self._queue, (priority, number, key))
        self.wake()

    def cancel(self, key: str) -> None:
        found = self._works.pop(key, None)
        if found is not None:
            found[2].close()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something small after a while."""
        if self._call_later is not None:
            self._call_later(seconds, action)
        else:
            self._later.append(action)

    def drain(self) -> None:
        """Run everything to its end now, in the same order; what was put off comes last."""
        while self._works or self._later:
            self._slice(float("inf"))
            later, self._later = self._later, []
            for action in later:
                action()

    def wake(self) -> None:
        """Take a turn when what is urgent has been done."""
        if not self._is_due and self._call_soon is not None:
            self._is_due = True
            self._call_soon(self._turn)

    def _turn(self) -> None:
        self._is_due = False
        if not self._is_urgent():
            self.between()
            self._slice(time.perf_counter() + SLICE)
        if self._works:
            self.wake()

    def _slice(self, until: float) -> None:
        while self._queue:
            _, number, key = self._queue[0]
            found = self._works.get(key)
            if found is None or found[1] != number:
                heapq.heappop(self._queue)
                continue
            try:
                next(found[2])
            except StopIteration:
                self._forget(key, number)
            except Exception as error:  # noqa: BLE001 - one work's defect must not stop the others
                self._forget(key, number)
                self._failed(error, f"work {key}")
            if time.perf_counter() >= until:
                return

    def _forget(self, key: str, number: int) -> None:
        # Unless it has put new work of its own key in its place.
        if key in self._works and self._works[key][1] == number:
            del self._works[key]


async def in_slices(steps: Generator[None, None, T]) -> T:
    """What a generator returns, run in slices between which the loop does other things."""
    until = time.perf_counter() + SLICE
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        if time.perf_counter() >= until:
            await asyncio.sleep(0)
            until = time.perf_counter() + SLICE


def in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    """Run something that waits (an engine, a network) in a daemon thread of its own.

    Daemon, so that a warehouse that never answers cannot keep the server from ending.
    """
    result: Future[T] = Future()

    def run() -> None:
        if not result.set_running_or_notify_cancel():
            return
        try:
            value: Any = work()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            result.set_exception(error)
        else:
            result.set_result(value)

    threading.Thread(target=run, name=_WORK, daemon=True).start()
    return asyncio.wrap_future(result)


def work_has_ended(within: float) -> bool:
    """Whether nothing is in a thread any more, for which so many seconds are waited."""
    until = time.monotonic() + within
    for thread in threading.enumerate():
        if thread.name == _WORK:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                return False
    return True


def run_beside(work: Callable[[], None]) -> None:
    """Run something that waits in a daemon thread, of which nobody awaits the end."""
    threading.Thread(target=work, name="smq-lsp-beside", daemon=True).start()

"""Waiting for an engine in such a way that Ctrl-C reaches it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from smq_metasync.engines import Engine

T = TypeVar("T")

_POLL_SECONDS = 0.2


def cancellable(engine: Engine, call: Callable[[], T]) -> T:
    """What the call returns or raises; Ctrl-C cancels at the engine, then raises KeyboardInterrupt.

    Drivers notice a signal late or never while they compute, so the call runs in a thread of its
    own and this one listens.
    """
    work = _Work(call)
    thread = threading.Thread(target=work.do, daemon=True)
    with _listening() as asked:
        thread.start()
        while thread.is_alive():
            thread.join(_POLL_SECONDS)
            if asked.is_set() and thread.is_alive():
                # Again and again: what is asked before the engine begins to work is lost.
                engine.cancel()
    if asked.is_set():
        raise KeyboardInterrupt
    if work.error is not None:
        raise work.error
    (result,) = work.results
    return result


@contextmanager
def _listening() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, so that it cannot come at a moment that leaves the thread alone.

    Only the main thread may listen; in any other the event stays unset.
    """
    asked = threading.Event()
    in_main = threading.current_thread() is threading.main_thread()
    # Who starts a command in the background may have said that Ctrl-C is not for it.
    if not in_main or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield asked
        return
    before = signal.signal(signal.SIGINT, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


class _Work(Generic[T]):
    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self.results: list[T] = []
        self.error: BaseException | None = None

    def do(self) -> None:
        try:
            self.results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is wanted
            self.error = error

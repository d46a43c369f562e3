"""Waiting for an engine in such a way that Ctrl-C reaches it."""

from __future__ import annotations

import threading
from collections.abc import Callable
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
    threading.Thread(target=work.do, daemon=True).start()
    try:
        while not work.done.wait(_POLL_SECONDS):
            pass
    except KeyboardInterrupt:
        # Again and again: what was asked before the engine began to work is lost. Somebody who
        # presses Ctrl-C once more does not want to wait for this either.
        while not work.done.is_set():
            engine.cancel()
            work.done.wait(_POLL_SECONDS)
        raise
    if work.error is not None:
        raise work.error
    (result,) = work.results
    return result


class _Work(Generic[T]):
    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self.done = threading.Event()
        self.results: list[T] = []
        self.error: BaseException | None = None

    def do(self) -> None:
        try:
            self.results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is wanted
            self.error = error
        finally:
            self.done.set()

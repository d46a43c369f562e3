"""Garbage is looked for when a message has been answered, and older garbage when nobody types."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from smq_server.lsp.garbage import Garbage


class Cycle:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def stopped() -> Iterator[None]:
    """A process whose entry has turned collecting off."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        gc.enable()


def _much() -> weakref.ref[Cycle]:
    """Garbage worth a look; the reference tells whether it is still there."""
    cycles = [Cycle() for _ in range(10_000)]
    return weakref.ref(cycles[-1])


@pytest.mark.usefixtures("stopped")
def test_a_message_that_leaves_garbage_asks_for_a_turn_which_removes_it() -> None:
    garbage = Garbage(lambda seconds, action: None)
    garbage.take_over()
    gc.collect(0)
    assert not garbage.heard()
    left = _much()
    assert left() is not None, "not while the message is being answered"
    assert garbage.heard()
    garbage.between()
    assert left() is None
    assert not garbage.heard()


@pytest.mark.usefixtures("stopped")
def test_what_survives_is_looked_at_when_nobody_types() -> None:
    later: list[Callable[[], None]] = []
    now = [0.0]
    garbage = Garbage(lambda seconds, action: later.append(action), lambda: now[0])
    garbage.take_over()
    kept = [Cycle()]
    survivor = weakref.ref(kept[0])
    gc.collect(0)
    for _ in range(12):
        _much()
        garbage.heard()
        garbage.between()
    kept.clear()
    garbage.between()
    assert survivor() is not None
    garbage.heard()
    assert len(later) == 1, "one look is planned, however many messages come"
    later.pop()()
    assert survivor() is not None, "a message has just come"
    now[0] = 10.0
    later.pop()()
    garbage.heard()
    later.pop()()
    assert survivor() is not None, "a message has waited for a long answer"
    now[0] = 20.0
    later.pop()()
    later.pop()()
    assert survivor() is None


def test_where_collecting_is_on_nothing_is_changed() -> None:
    thresholds = gc.get_threshold()
    garbage = Garbage(lambda seconds, action: None)
    garbage.take_over()
    assert gc.get_threshold() == thresholds
    _much()
    assert not garbage.heard()

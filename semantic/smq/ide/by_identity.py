"""Answers about things that outlive the graphs and snapshots they are in."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
V = TypeVar("V")


class ByIdentity(Generic[T, V]):
    """What a function says about very many things, each asked for once and not with every key.

    Told apart by which thing it is and not by what it says: comparing two metrics costs more than
    most answers. `given` is what else the answer depends on. At most `most` answers are kept; then
    all are forgotten, which costs less than knowing which of them was asked for last.
    """

    __slots__ = ("_answer", "_known", "_most")

    def __init__(self, answer: Callable[..., V], most: int) -> None:
        self._answer = answer
        self._most = most
        # The thing itself is kept too, so that no other one gets its number meanwhile.
        self._known: dict[Any, tuple[T, V]] = {}

    def __call__(self, thing: T, *given: Hashable) -> V:
        key = (id(thing), *given) if given else id(thing)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= self._most:
                self._known.clear()
            known = self._known[key] = (thing, self._answer(thing, *given))
        return known[1]

"""Formulas of a graph that hold for the one made from it, because nothing in them has changed.

A keystroke in a model file makes another graph, in which a single metric means something else, or
none at all. Expanding all metrics of the file again would take longer than the rest of its work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from smq.graph.symbols import Metric
from smq.text import nfc

_WORD = re.compile(r"\w+")
_ONE_WORD = re.compile(r"\w+\Z")
_OTHERWISE_WRITTEN = re.compile(r"[\"`\[\\{]")
"""What names can be written in so that their letters are not simply there."""

Key = tuple[str, str]
"""A metric's name, and the dialect of the expressions."""


class Carried:
    """The formulas of an earlier graph whose models meant the same, and which of them still hold.

    Only formulas of plain expressions over names are told to hold: they know no places, so they
    also hold for a metric that has moved.
    """

    __slots__ = ("_changed", "_formulas", "_levels", "_metrics")

    def __init__(
        self, formulas: Mapping[Key, Any], changed: frozenset[str], metrics: Mapping[str, Metric]
    ) -> None:
        self._formulas = formulas
        self._changed = changed
        """Metrics that came, went or mean something else."""
        self._metrics = metrics
        can_be_found = all(map(_ONE_WORD.match, changed))
        self._levels: dict[str, int | None] | None = {} if can_be_found else None
        """How many metrics stand on each other up to one; None for one that may have changed."""

    def formula(self, key: Key, room: int) -> Any:
        """The formula of a metric that stands on at most `room` levels, itself counted; None when
        it is unknown or may have changed."""
        found = self._formulas.get(key)
        if found is None or self._levels is None:
            return None
        levels = self._level(key[0], self._levels, room)
        return found if levels is not None and levels <= room else None

    def _level(self, name: str, known: dict[str, int | None], room: int) -> int | None:
        if name in known:
            return known[name]
        # Until it is known: a metric that stands on itself holds nothing.
        known[name] = None
        metric = self._metrics.get(name)
        words = _words(metric) if metric is not None else None
        if words is None or room < 1 or not self._changed.isdisjoint(words | {name}):
            return None
        level = 1
        for word in words:
            if word != name and word in self._metrics:
                below = self._level(word, known, room - 1)
                if below is None:
                    return None
                level = max(level, below + 1)
        known[name] = level
        return level


def _words(metric: Metric) -> set[str] | None:
    """All words of a metric that is an expression and nothing else, names among them."""
    others = (
        metric.measure,
        metric.numerator,
        metric.denominator,
        metric.inputs,
        metric.filters,
        metric.window,
        metric.cumulative,
        metric.conversion,
        metric.beyond,
    )
    if metric.expr is None or any(others) or _OTHERWISE_WRITTEN.search(metric.expr.text):
        return None
    return set(_WORD.findall(nfc(metric.expr.text)))

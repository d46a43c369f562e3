"""Formulas of earlier graphs that hold for the one made from them, because nothing in them has
changed.

A keystroke in a model file makes another graph, in which a single metric or model means something
else, or none at all. Expanding all metrics that somebody asks for again would take longer than the
rest of its work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smq.graph.leading import Mentions
from smq.graph.symbols import Metric
from smq.text import nfc

_WORD = re.compile(r"\w+")
_ONE_WORD = re.compile(r"(?!_)\w+(?<!_)\Z")
_OTHERWISE_WRITTEN = re.compile(r"[\"`\[\\{]")
"""What names can be written in so that their letters are not simply there."""
_LAYERS = 8
"""Graphs whose formulas are looked through one by one; those before them are put together."""

_TEXTS = 5_000
"""Metrics of which it is remembered what they may mention."""

Key = tuple[str, str]
"""A metric's name, and the dialect of the expressions."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What came, went or means something else."""

    metrics: frozenset[str] = frozenset()
    models: Mentions = field(default_factory=Mentions)
    """How the models are mentioned whose change a formula can see."""

    def __or__(self, other: Changes) -> Changes:
        return Changes(self.metrics | other.metrics, self.models | other.models)

    @property
    def can_be_found(self) -> bool:
        """Whether every name can be told from other words by its letters alone."""
        names = (*self.metrics, *self.models.prefixes, *self.models.members)
        return all(map(_ONE_WORD.match, names))


@dataclass(frozen=True, slots=True)
class Layer:
    """The formulas of one earlier graph, and what has changed since."""

    formulas: Mapping[Key, Any]
    changes: Changes
    levels: dict[str, int | None] = field(default_factory=dict)
    """How many metrics stand on each other up to one; None for one that may have changed."""


class Carried:
    """The formulas of earlier graphs, and which of them still hold.

    Only formulas of plain expressions over names are told to hold: they know no places, so they
    also hold for a metric that has moved.
    """

    __slots__ = ("_layers", "_metrics", "_texts")

    def __init__(
        self,
        layers: tuple[Layer, ...],
        metrics: Mapping[str, Metric],
        texts: dict[int, tuple[Metric, _Text | None]],
    ) -> None:
        self._layers = layers
        self._metrics = metrics
        self._texts = texts
        """What metrics may mention, by their identity; for all graphs that come from another."""

    @classmethod
    def after(
        cls,
        earlier: Carried | None,
        formulas: Mapping[Key, Any],
        changes: Changes,
        metrics: Mapping[str, Metric],
    ) -> Carried | None:
        """What holds after some changes of what was known before them."""
        if not changes.can_be_found:
            return None
        layers = [Layer(formulas, changes)] if formulas else []
        for layer in earlier._layers if earlier is not None else ():
            layers.append(Layer(layer.formulas, layer.changes | changes))
        if len(layers) > _LAYERS:
            old, oldest = layers[-2:]
            # What has changed since the oldest is all that has changed since the other one, too.
            layers[-2:] = [Layer({**oldest.formulas, **old.formulas}, oldest.changes)]
        return cls(tuple(layers), metrics, earlier._texts if earlier is not None else {})

    def formula(self, key: Key, room: int) -> Any:
        """The formula of a metric that stands on at most `room` levels, itself counted; None when
        it is unknown or may have changed."""
        for layer in self._layers:
            found = layer.formulas.get(key)
            if found is not None:
                levels = self._level(key[0], layer, room)
                if levels is not None and levels <= room:
                    return found
        return None

    def _text_of(self, metric: Metric) -> _Text | None:
        known = self._texts.get(id(metric))
        if known is None:
            if len(self._texts) >= _TEXTS:
                self._texts.clear()
            known = self._texts[id(metric)] = metric, _text_of(metric)
        return known[1]

    def _level(self, name: str, layer: Layer, room: int) -> int | None:
        known, changes = layer.levels, layer.changes
        if name in known:
            return known[name]
        # Until it is known: a metric that stands on itself holds nothing.
        known[name] = None
        metric = self._metrics.get(name)
        text = self._text_of(metric) if metric is not None else None
        if text is None or room < 1 or name in changes.metrics or text.may_mention(changes):
            return None
        level = 1
        for word in text.words:
            if word != name and word in self._metrics:
                below = self._level(word, layer, room - 1)
                if below is None:
                    return None
                level = max(level, below + 1)
        known[name] = level
        return level


@dataclass(frozen=True, slots=True)
class _Text:
    """All that a metric may mention."""

    words: frozenset[str]
    beginnings: frozenset[str]
    """Of `a__b__c` also `a` and `a__b`: a member without a prefix, with what follows it."""
    parts: frozenset[str]
    """Also `b` and `b__c`."""

    def may_mention(self, changes: Changes) -> bool:
        return not (
            changes.metrics.isdisjoint(self.words)
            and changes.models.members.isdisjoint(self.beginnings)
            and changes.models.prefixes.isdisjoint(self.parts)
        )


def _text_of(metric: Metric) -> _Text | None:
    """None for a metric that is more than an expression."""
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
    words = set(_WORD.findall(nfc(metric.expr.text)))
    if metric.declared_with:
        # Rows that nothing names are those of the model that it is declared with.
        words.add(metric.declared_with)
    beginnings: set[str] = set()
    parts: set[str] = set()
    for word in words:
        pieces = word.split("__")
        for start in range(len(pieces)):
            some = {"__".join(pieces[start:end]) for end in range(start + 1, len(pieces) + 1)}
            parts |= some
            if start == 0:
                beginnings |= some
    return _Text(frozenset(words), frozenset(beginnings), frozenset(parts))

"""Leaves, and metrics as formulas over them: the values between a metric and its plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlglot import exp

from smq.expr import Template, woven
from smq.graph.references import RowRef
from smq.problem import Problem
from smq.text import Location


class InnerRef(NamedTuple):
    """A member of a model that a subquery of a condition selects from, under an alias there."""

    alias: str
    model: str
    kind: Literal["dimension", "entity", "measure", "column"]
    name: str
    grain: str | None = None


class MetricValue(NamedTuple):
    """`{{ Metric('m', group_by=['entity']) }}`: for each row the metric of its entity."""

    metric: str
    by: tuple[RowRef, ...]

    @property
    def alias(self) -> str:
        return "_".join((self.metric, "by", *(ref.name for ref in self.by)))


ConditionRef = RowRef | InnerRef | MetricValue


@dataclass(frozen=True, slots=True, eq=False)
class RowCondition:
    """A boolean over row values; the template's slots are numbered into `refs`."""

    template: Template
    refs: tuple[ConditionRef, ...]
    text: str
    tables: tuple[tuple[int, str, str], ...] = ()
    """Tables of subqueries: (the template's table slot, model, alias)."""
    origin: str = ""
    at: Location | None = None
    """Where a metric's own filter is written; None for a query's, which `origin` names."""

    @property
    def key(self) -> str:
        return f"{self.text.strip()}|{'|'.join(str(ref) for ref in self.refs)}"

    @property
    def outer(self) -> tuple[RowRef, ...]:
        """The row values of the leaf itself, without those of subqueries."""
        found: dict[RowRef, None] = {}
        for ref in self.refs:
            if isinstance(ref, RowRef):
                found[ref] = None
            elif isinstance(ref, MetricValue):
                found.update(dict.fromkeys(ref.by))
        return tuple(found)

    @property
    def metric_values(self) -> tuple[MetricValue, ...]:
        return tuple(dict.fromkeys(r for r in self.refs if isinstance(r, MetricValue)))


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One aggregate over the rows of `base`; `tree` has placeholders numbered into `refs`."""

    key: str
    name: str
    function: str
    base: str
    tree: exp.Expr
    refs: tuple[RowRef, ...]
    filters: tuple[RowCondition, ...] = ()
    fill: int | float | None = None
    time: RowRef | None = None
    """The base's aggregation time dimension, which `metric_time` means for this leaf."""

    def __deepcopy__(self, memo: object) -> Leaf:
        return self


class LateName(NamedTuple):
    """A name in a metric's own window, which only a query's groupBy can settle."""

    name: str
    location: Location


Slot = Leaf | RowRef | LateName

MAX_NODES = 5_000
"""The most nodes that a formula may have. A metric that uses another twice doubles it, so a few
dozen of them in a row would be larger than any engine reads."""
MAX_DEPTH = 200
"""How deeply the operators of a formula may be nested."""


class TooLarge(Exception):
    """A formula that would be too large or nested too deeply once everything in it is written."""


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """`tree` has placeholders numbered into `slots`; row references stand for group values."""

    tree: exp.Expr
    slots: tuple[Slot, ...]
    windowed: bool = False
    data_type: str | None = None
    size: tuple[int, int] = (0, 0)
    """Nodes and depth of the tree, if they have been counted."""

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(slot for slot in self.slots if isinstance(slot, Leaf))


@dataclass(frozen=True, slots=True)
class Broken:
    """A metric that cannot be computed, and why; the places are in the model files."""

    problems: tuple[Problem, ...]


class Weaver:
    """Joins formulas into one tree, numbering equal leaves once."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self._numbers: dict[object, int] = {}
        self._nodes = 0

    def slot(self, value: Slot) -> exp.Expr:
        key: object = value.key if isinstance(value, Leaf) else value
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.slots)
            self.slots.append(value)
        return exp.Placeholder(this=str(number))

    def embed(self, formula: Formula) -> exp.Expr:
        """The formula's tree with slots of this weaver. Raises TooLarge before it grows."""
        if isinstance(formula.tree, exp.Placeholder):
            return self.slot(formula.slots[int(formula.tree.this)])
        nodes, depth = formula.size if formula.size[0] else measured(formula.tree)
        self._nodes += nodes
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise TooLarge
        return woven(formula.tree, lambda place: self.slot(formula.slots[int(place.this)]))


def measured(tree: exp.Expr) -> tuple[int, int]:
    """How many nodes a tree has, and how deep it is. Raises TooLarge for more than is allowed."""
    nodes = depth = 0
    level = [tree]
    while level:
        nodes += len(level)
        depth += 1
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise TooLarge
        level = [inner for node in level for inner in node.iter_expressions()]
    return nodes, depth

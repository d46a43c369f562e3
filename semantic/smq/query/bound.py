"""A bound query: every name resolved to a symbol, every filter put into its stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlglot import exp

from smq.graph.leaves import InnerRef, Leaf, RowCondition
from smq.graph.references import RowRef
from smq.graph.symbols import Metric
from smq.query.written import Item, WrittenQuery

PostSlot = Leaf | RowRef
"""After aggregation an expression holds leaves' values and, as row references, group values."""


@dataclass(frozen=True, slots=True, eq=False)
class PostExpression:
    """An expression over aggregated rows; `tree` has placeholders numbered into `slots`."""

    tree: exp.Expr
    slots: tuple[PostSlot, ...]
    windowed: bool = False

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(slot for slot in self.slots if isinstance(slot, Leaf))


class Group(NamedTuple):
    """One `groupBy` item: `name` is the output column as written."""

    name: str
    ref: RowRef
    item: Item


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """One `metrics` item."""

    name: str
    expression: PostExpression
    kind: Literal["metric", "expression"]
    item: Item
    metric: Metric | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RowFilter:
    condition: RowCondition
    item: Item


@dataclass(frozen=True, slots=True, eq=False)
class PostFilter:
    expression: PostExpression
    item: Item
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class OrderKey:
    """Sort by a group or an output (by number), or by an expression that is not selected."""

    group: int | None
    output: int | None
    expression: PostExpression | None
    descending: bool
    item: Item


class Instance(NamedTuple):
    """One table of a written FROM clause: a model under an alias."""

    alias: str
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class WrittenJoin:
    """One join of a written clause; `on` has placeholders numbered into `refs`."""

    instance: Instance
    side: Literal["", "LEFT", "RIGHT", "FULL", "CROSS"]
    on: exp.Expr | None
    refs: tuple[RowRef | InnerRef, ...]
    equalities: tuple[tuple[RowRef, RowRef], ...]
    """Pairs that plain `=` conditions under AND compare."""


@dataclass(frozen=True, slots=True, eq=False)
class WrittenFrom:
    """The `joins` clause, bound: it decides which rows there are."""

    first: Instance
    joins: tuple[WrittenJoin, ...]
    item: Item

    @property
    def instances(self) -> tuple[Instance, ...]:
        return (self.first, *(join.instance for join in self.joins))


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What an SMQ asks for. Only a query without errors is bound whole."""

    written: WrittenQuery
    groups: tuple[Group, ...]
    outputs: tuple[Output, ...]
    row_filters: tuple[RowFilter, ...]
    group_filters: tuple[PostFilter, ...]
    window_filters: tuple[PostFilter, ...]
    order: tuple[OrderKey, ...]
    limit: int | None
    joins: WrittenFrom | None

    def leaves(self) -> tuple[Leaf, ...]:
        """Every distinct leaf, in the order of first use: outputs, filters, sort keys."""
        found: dict[str, Leaf] = {}
        expressions = [output.expression for output in self.outputs]
        expressions += [f.expression for f in (*self.group_filters, *self.window_filters)]
        expressions += [key.expression for key in self.order if key.expression is not None]
        for expression in expressions:
            for leaf in expression.leaves:
                found.setdefault(leaf.key, leaf)
        return tuple(found.values())

"""The plan: scans that aggregate rows to the query's grain, and what is done with their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from smq.graph.leaves import Leaf, RowCondition
from smq.graph.paths import Edge
from smq.graph.references import RowRef
from smq.query.bound import Query, WrittenFrom


class Join(NamedTuple):
    """One LEFT JOIN along a to-one edge; `left` is the alias it starts from."""

    alias: str
    left: str
    edge: Edge


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """One pass over a base model: its rows, to-one joins, filters, groups, aggregates.

    The grain is one row per combination of the query's groups. `addresses` tell under which alias
    each row reference is read; `times` what `metric_time` means here.
    """

    name: str
    base: str
    alias: str
    joins: tuple[Join, ...]
    filters: tuple[RowCondition, ...]
    leaves: tuple[Leaf, ...]
    addresses: Mapping[RowRef, str]
    time: RowRef | None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Scans combined on all groups; with a written FROM clause there is one for all leaves."""

    query: Query
    scans: tuple[Scan, ...]
    columns: Mapping[str, str]
    """The column that holds a leaf's value between a scan and the final SELECT, by leaf key."""
    time_grain: str | None
    """The grain of a bare metric_time among groups: the coarsest of the leaves' own."""
    written: WrittenFrom | None = None

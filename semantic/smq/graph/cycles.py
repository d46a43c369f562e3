"""Metrics that come back to themselves by more steps than formulas are expanded."""

from __future__ import annotations

from collections.abc import Iterator

from smq.expr import parse_expression
from smq.graph.graph import SemanticGraph
from smq.graph.symbols import Metric, Sql


def long_cycle(graph: SemanticGraph, metric: str, dialect: str) -> tuple[str, ...] | None:
    """A cycle that the metric runs into, from a metric on it back to the same; None without one.

    It begins with the metric itself where that is on the cycle which is found first.
    """
    ends: dict[str, tuple[str, ...] | None] = graph.memo.setdefault(("cycles", dialect), {})
    way: list[str] = []
    places: dict[str, int] = {}
    ahead: list[Iterator[str]] = []

    def enter(name: str) -> None:
        places[name] = len(way)
        way.append(name)
        ahead.append(_used(graph, graph.metrics[name], dialect))

    if metric not in ends:
        enter(metric)
    while ahead:
        used = next(ahead[-1], None)
        if used is None:
            ends.setdefault(way[-1], None)
            del places[way.pop()]
            ahead.pop()
        elif used in places:
            cycle = (*way[places[used] :], used)
            ends.update((name, cycle) for name in way)
            break
        elif used not in ends:
            enter(used)
        elif ends[used] is not None:
            ends.update((name, ends[used]) for name in way)
            break
    cycle_found = ends[metric]
    if cycle_found is None or metric not in cycle_found:
        return cycle_found
    start = cycle_found.index(metric)
    return (*cycle_found[start:-1], *cycle_found[:start], metric)


def _used(graph: SemanticGraph, metric: Metric, dialect: str) -> Iterator[str]:
    """The metrics that a metric's definition names, in the order in which it does."""
    inputs = [given for given in (metric.numerator, metric.denominator) if given is not None]
    inputs += metric.inputs
    conditions = [item.sql for item in metric.filters]
    for given in inputs:
        if given.name in graph.metrics:
            yield given.name
        conditions += [item.sql for item in given.filters]
    if metric.expr is not None:
        others = {given.alias or given.name for given in inputs}
        yield from _named(graph, metric.expr, dialect, others)
    for condition in conditions:
        yield from _named(graph, condition, dialect, set(), calls_only=True)


def _named(
    graph: SemanticGraph, sql: Sql, dialect: str, others: set[str], calls_only: bool = False
) -> Iterator[str]:
    for use in parse_expression(sql.text, dialect).uses:
        if use.call is not None:
            name = use.call.name if use.call.kind == "Metric" else ""
        elif calls_only or use.in_aggregate or len(use.parts) > 1 or use.parts[0] in others:
            continue
        else:
            name = use.parts[0]
        if name in graph.metrics:
            yield name

"""Build the plan of a query: find each leaf's joins, share scans, or say what cannot be joined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smq.graph.graph import SemanticGraph
from smq.graph.leaves import Leaf, RowCondition
from smq.graph.paths import Path
from smq.graph.references import RowRef
from smq.graph.symbols import GRAINS
from smq.plan.nodes import Join, Plan, Scan
from smq.plan.reach import Reach, needs
from smq.problem import Problem
from smq.query.bound import Query


@dataclass(slots=True, eq=False)
class Planned:
    """`plan` is None exactly when there are problems."""

    plan: Plan | None
    problems: list[Problem]


def build(query: Query, graph: SemanticGraph) -> Planned:
    """The plan of a bound query, or every reason why its parts cannot be joined."""
    reach = Reach(query, graph)
    leaves = query.leaves()
    found: list[tuple[Leaf, dict[RowRef, Path]]] = []
    for leaf in leaves:
        paths = reach.paths(leaf)
        if paths is not None:
            found.append((leaf, paths))
    if reach.problems:
        return Planned(None, reach.disconnected() or reach.problems)
    timed = uses_metric_time(query)
    grain = time_grain(leaves, graph) if timed else None
    problems = _grain_problems(query, leaves, graph) if timed else []
    if problems:
        return Planned(None, problems)
    scans = _scans(query, found, timed)
    names = _columns(query, leaves)
    return Planned(Plan(query, tuple(scans), names, grain, query.joins), [])


def uses_metric_time(query: Query) -> bool:
    """Whether every leaf needs its own time, for a group or a filter of the query."""
    return any(need.ref.kind == "metric_time" for need in needs(query))


def _filters_time(leaf: Leaf) -> bool:
    return any(ref.kind == "metric_time" for condition in leaf.filters for ref in condition.outer)


def own_grain(graph: SemanticGraph, ref: RowRef | None) -> str | None:
    if ref is None or ref.kind != "dimension":
        return None
    return graph.index(ref.model).dimensions[ref.name].grain


def time_grain(leaves: Iterable[Leaf], graph: SemanticGraph) -> str | None:
    """What a bare metric_time is truncated to as a group: the coarsest of the leaves' own grains.

    A filter on it compares each leaf's time at the leaf's own grain instead.
    """
    known = [grain for leaf in leaves if (grain := own_grain(graph, leaf.time)) is not None]
    return max(known, key=GRAINS.index) if known else None


def _grain_problems(query: Query, leaves: Iterable[Leaf], graph: SemanticGraph) -> list[Problem]:
    problems: list[Problem] = []
    for need in needs(query):
        if need.ref.kind != "metric_time" or need.ref.grain not in GRAINS:
            continue
        for leaf in leaves:
            own = own_grain(graph, leaf.time)
            if own is not None and GRAINS.index(need.ref.grain) < GRAINS.index(own):
                args = {
                    "name": need.ref.written,
                    "grain": need.ref.grain,
                    "own": own,
                    "grains": GRAINS[GRAINS.index(own) :],
                }
                problems.append(Problem("NAM118", need.location, args))
                break
    return problems


# Scans.


@dataclass(slots=True, eq=False)
class _Open:
    """A scan being filled."""

    base: str
    time: RowRef | None
    filters: tuple[RowCondition, ...]
    leaves: list[Leaf]
    paths: dict[RowRef, Path]


def _scans(query: Query, found: list[tuple[Leaf, dict[RowRef, Path]]], timed: bool) -> list[Scan]:
    shared = tuple(row_filter.condition for row_filter in query.row_filters)
    opened: dict[tuple[object, ...], _Open] = {}
    for leaf, paths in found:
        time = leaf.time if timed or _filters_time(leaf) else None
        if query.joins is not None:
            # One FROM clause serves every leaf; its filters apply inside the aggregates.
            key: tuple[object, ...] = (leaf.base, time, tuple(c.key for c in leaf.filters))
        else:
            key = (leaf.base, time, tuple(sorted(c.key for c in leaf.filters)))
        scan = opened.get(key)
        if scan is None:
            scan = opened[key] = _Open(leaf.base, time, (*shared, *leaf.filters), [], {})
        scan.leaves.append(leaf)
        scan.paths.update(paths)
    names = _scan_names(query, list(opened.values()))
    return [_closed(scan, name) for scan, name in zip(opened.values(), names, strict=True)]


def _closed(scan: _Open, name: str) -> Scan:
    """Number the joins: one alias for each distinct path, named after the model it reaches."""
    aliases: dict[Path, str] = {(): scan.base}
    taken = {scan.base}
    joins: list[Join] = []
    for path in sorted(scan.paths.values(), key=len):
        for length in range(1, len(path) + 1):
            prefix = path[:length]
            if prefix in aliases:
                continue
            edge = prefix[-1]
            alias = edge.right
            if alias in taken:
                alias = f"{edge.right}_{'_'.join(edge.entities)}"
            number = 2
            while alias in taken:
                alias = f"{edge.right}_{number}"
                number += 1
            taken.add(alias)
            aliases[prefix] = alias
            joins.append(Join(alias, aliases[prefix[:-1]], edge))
    addresses = {ref: aliases[path] for ref, path in scan.paths.items()}
    return Scan(
        name,
        scan.base,
        scan.base,
        tuple(joins),
        scan.filters,
        tuple(scan.leaves),
        addresses,
        scan.time,
    )


def _scan_names(query: Query, scans: list[_Open]) -> list[str]:
    """Names for what each scan holds: `orders_by_month`, `accounts_in_total`."""
    parts = [group.ref.grain or group.ref.name for group in query.groups]
    suffix = "in_total" if not parts else "by_" + "_and_".join(parts[:2])
    if len(parts) > 2:
        suffix += "_and_more"
    names: list[str] = []
    bases = [scan.base for scan in scans]
    for scan in scans:
        name = f"{scan.base}_{suffix}"
        if bases.count(scan.base) > 1:
            name = f"{scan.leaves[0].name}_{suffix}"
        candidate, number = name, 2
        while candidate in names:
            candidate = f"{name}_{number}"
            number += 1
        names.append(candidate)
    return names


def _columns(query: Query, leaves: Iterable[Leaf]) -> dict[str, str]:
    """A column name for each leaf, apart from the group columns and from each other."""
    taken = {group.name.casefold() for group in query.groups}
    found: dict[str, str] = {}
    for leaf in leaves:
        name, number = leaf.name, 2
        while name.casefold() in taken:
            name = f"{leaf.name}_{number}"
            number += 1
        taken.add(name.casefold())
        found[leaf.key] = name
    return found


__all__ = ["Planned", "build", "needs", "own_grain", "time_grain", "uses_metric_time"]

"""From a plan to one canonical SELECT tree: flat where one scan answers, else combined scans.

Several scans are aggregated apart, stacked with UNION ALL and grouped by the keys once more. That
is null-safe by nature and needs no FULL JOIN; each stacked column has at most one value per key,
so MAX hands it on and aggregates nothing again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlglot import exp

from smq.expr import Template, copied, fill
from smq.graph.formula import expand
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import Formula, LateName, Leaf, MetricValue, RowCondition
from smq.graph.references import METRIC_TIME, RowRef
from smq.plan.build import build
from smq.plan.nodes import Plan, Scan
from smq.problem import Problem
from smq.query.bound import Group, Output, PostExpression, Query
from smq.sql.clauses import written_select
from smq.sql.finish import as_column, conjunction, filled, finish, free_name, group_by, of_leaf
from smq.sql.physical import Physical, PhysicalFault, column, name, time_kind, value_kind

COMBINED = "combined"
MAX_INNER = 50
"""The most `Metric('m', group_by=[…])` of filters in a statement. Each is a query of its own, and
the filters of its metric may have more of them."""


def emit(
    plan: Plan,
    graph: SemanticGraph,
    dialect: str,
    inline: bool,
    trace: bool = False,
    around: Physical | None = None,
) -> tuple[exp.Select, Physical]:
    """The canonical tree, and what it reads. `dialect` is the one the models are written in.

    With `trace` also values and relations say in `meta["of"]` which symbol they come from.
    `around` is that of the query in which this one stands.
    """
    physical = Physical(graph, dialect, plan.time_grain, trace)
    if around is not None:
        physical.inner = around.inner
    times = {scan.time for scan in plan.scans if scan.time is not None}
    dimensions = [graph.index(time.model).dimensions[time.name] for time in times]
    physical.time_is_mixed = len({value_kind(dimension) for dimension in dimensions}) > 1
    kinds = {time_kind(dimension, plan.time_grain) for dimension in dimensions}
    physical.time_kind = kinds.pop() if len(kinds) == 1 else "time" if kinds else ""
    if plan.written is not None:
        return written_select(plan, physical, graph, metric_joins, inline), physical
    if len(plan.scans) == 1:
        return _flat(plan, physical), physical
    return _combined(plan, physical, inline), physical


# One scan.


def _flat(plan: Plan, physical: Physical) -> exp.Select:
    scan = plan.scans[0]
    values = scan_values(scan, plan, physical)
    groups = [values[group.ref] for group in plan.query.groups]
    select = scan_select(scan, values, plan, physical)

    def leaf_value(leaf: Leaf) -> exp.Expr:
        return filled(aggregate(leaf, values, physical), leaf)

    def group(number: int) -> exp.Expr:
        return copied(groups[number])

    return finish(select, plan, physical, leaf_value, group, grouped=True)


def scan_values(scan: Scan, plan: Plan, physical: Physical) -> dict[RowRef, exp.Expr]:
    """Every row value that a scan's leaves, filters and groups name, as SQL."""
    values: dict[RowRef, exp.Expr] = {}
    physical.keys = {join.alias: (join.edge.right, join.edge.pairs[0][1]) for join in scan.joins}

    def add(ref: RowRef) -> None:
        if ref in values:
            return
        if ref.kind == "metric_time":
            assert scan.time is not None, "the planner has found the time dimension"
            values[ref] = physical.time(scan.time, scan.addresses[scan.time], ref.grain)
        else:
            values[ref] = physical.value(ref, scan.addresses[ref])

    for leaf in scan.leaves:
        for ref in leaf.refs:
            add(ref)
    for condition in scan.filters:
        for ref in condition.outer:
            add(ref)
    for group in plan.query.groups:
        add(group.ref)
    return values


def scan_select(
    scan: Scan, values: dict[RowRef, exp.Expr], plan: Plan, physical: Physical
) -> exp.Select:
    """FROM, LEFT JOINs and WHERE of a scan; the SELECT list is the caller's."""
    select = exp.Select(from_=exp.From(this=physical.relation(scan.base, scan.alias)))
    joins = []
    for join in scan.joins:
        conditions = [
            exp.EQ(
                this=physical.entity(join.edge.left, left, join.left),
                expression=physical.entity(join.edge.right, right, join.alias),
            )
            for left, right in join.edge.pairs
        ]
        node = exp.Join(
            this=physical.table(join.edge.right, join.alias),
            side="LEFT",
            on=conjunction(conditions),
        )
        node.meta["origin"] = f"join:{join.edge.left}:{join.edge.right}"
        if physical.trace:
            node.meta["of"] = ("join", join.edge.left, join.edge.right, *join.edge.entities)
        joins.append(node)
    joins.extend(metric_joins(scan.filters, values, plan, physical))
    if joins:
        select.set("joins", joins)
    seen = _as_filters_see(scan, values, physical)
    conditions2 = [physical.condition(condition, seen) for condition in scan.filters]
    if conditions2:
        select.set("where", exp.Where(this=conjunction(conditions2)))
    return select


def _as_filters_see(
    scan: Scan, values: dict[RowRef, exp.Expr], physical: Physical
) -> dict[RowRef, exp.Expr]:
    """A bare `metric_time` in a filter is the metric's own time, at its own grain.

    Only where it is a group do all metrics share the coarsest grain: cut to months, no day of
    February would be after its tenth.
    """
    if scan.time is None:
        return values
    bare = RowRef("metric_time", "", METRIC_TIME)
    if bare not in values:
        return values
    own = physical.time(scan.time, scan.addresses[scan.time], None, own=True)
    return {**values, bare: own}


def metric_joins(
    conditions: Iterable[RowCondition],
    values: Mapping[RowRef, exp.Expr],
    plan: Plan,
    physical: Physical,
) -> list[exp.Join]:
    """A to-one join for each `Metric('m', group_by=[…])`: the metric's rows, one for each key.

    The inner query sees none of the outer one's filters. Raises PhysicalFault.
    """
    joins: dict[MetricValue, exp.Join] = {}
    for condition in conditions:
        for value in condition.metric_values:
            if value in joins:
                continue
            item = plan.query.outputs[0].item
            physical.inner.append(value.metric)
            if len(physical.inner) > MAX_INNER:
                raise PhysicalFault(Problem("EXP121", item.location, {}))
            keys = [f"key_{number}" for number, _ in enumerate(value.by, start=1)]
            groups = tuple(Group(key, ref, item) for key, ref in zip(keys, value.by, strict=True))
            formula = expand(physical.graph, value.metric, physical.dialect)
            assert isinstance(formula, Formula), "the binder has expanded it"
            slots = tuple(slot for slot in formula.slots if not isinstance(slot, LateName))
            expression = PostExpression(formula.tree, slots, formula.windowed)
            output = Output(value.metric, expression, "metric", item)
            inner = Query(plan.query.written, groups, (output,), (), (), (), (), None, None)
            planned = build(inner, physical.graph)
            if planned.plan is None:
                raise PhysicalFault(planned.problems[0])
            select, read = emit(
                planned.plan, physical.graph, physical.dialect, inline=True, around=physical
            )
            physical.tables.update(read.tables)
            physical.columns.update(read.columns)
            on = [
                exp.EQ(this=values[ref].copy(), expression=column(value.alias, key))
                for key, ref in zip(keys, value.by, strict=True)
            ]
            joins[value] = exp.Join(
                this=exp.Subquery(this=select, alias=exp.TableAlias(this=name(value.alias))),
                side="LEFT",
                on=conjunction(on),
            )
    return list(joins.values())


def aggregate(leaf: Leaf, values: dict[RowRef, exp.Expr], physical: Physical) -> exp.Expr:
    """A leaf's aggregate call over the row values."""
    template = Template("", "", physical.leaf_tree(leaf))
    tree = fill(template, lambda slot: copied(values[leaf.refs[slot]]))
    tree.meta["origin"] = f"leaf:{leaf.name}"
    return of_leaf(tree, leaf)


# Several scans.


def _combined(plan: Plan, physical: Physical, inline: bool) -> exp.Select:
    query = plan.query
    parts: list[tuple[str, exp.Select]] = []
    taken = {table.rsplit(".", 1)[-1].casefold() for table in physical.tables}
    taken |= {model.casefold() for model in physical.graph.models}
    for scan in plan.scans:
        values = scan_values(scan, plan, physical)
        select = scan_select(scan, values, plan, physical)
        groups = [copied(values[group.ref]) for group in query.groups]
        select.set(
            "expressions",
            [
                *(
                    as_column(value, group.name, group.item.path)
                    for value, group in zip(groups, query.groups, strict=True)
                ),
                *(
                    as_column(
                        aggregate(leaf, values, physical),
                        plan.columns[leaf.key],
                        f"leaf:{leaf.name}",
                    )
                    for leaf in scan.leaves
                ),
            ],
        )
        group_by(select, [copied(value) for value in groups])
        parts.append((free_name(scan.name, taken), select))
    if query.groups:
        return _stacked(plan, parts, physical, inline)
    return _crossed(plan, parts, physical, inline)


def _stacked(
    plan: Plan, parts: list[tuple[str, exp.Select]], physical: Physical, inline: bool
) -> exp.Select:
    query = plan.query
    keys = [group.name for group in query.groups]
    leaves = [leaf for scan in plan.scans for leaf in scan.leaves]
    branches: list[exp.Expr] = []
    for (part, part_select), scan in zip(parts, plan.scans, strict=True):
        own = {leaf.key for leaf in scan.leaves}
        cells: list[exp.Expr] = [column(part, key) for key in keys]
        for leaf in leaves:
            cell = plan.columns[leaf.key]
            if leaf.key in own:
                cells.append(column(part, cell))
            else:
                cells.append(exp.Alias(this=exp.Null(), alias=name(cell)))
        source = _source(part, part_select, inline)
        branches.append(exp.Select(expressions=cells, from_=exp.From(this=source)))
    stacked: exp.Expr = branches[0]
    for branch in branches[1:]:
        stacked = exp.Union(this=stacked, expression=branch, distinct=False)
    source = exp.Subquery(this=stacked, alias=exp.TableAlias(this=name(COMBINED)))
    select = exp.Select(from_=exp.From(this=source))
    if not inline:
        _with(select, parts)

    def leaf_value(leaf: Leaf) -> exp.Expr:
        cell = column(COMBINED, plan.columns[leaf.key])
        return filled(of_leaf(_handed_on(leaf, cell), leaf), leaf)

    def group(number: int) -> exp.Expr:
        return column(COMBINED, keys[number])

    return finish(select, plan, physical, leaf_value, group, grouped=True)


def _crossed(
    plan: Plan, parts: list[tuple[str, exp.Select]], physical: Physical, inline: bool
) -> exp.Select:
    """Without groups every scan is one row, and the rows stand side by side."""
    homes = {
        leaf.key: part
        for (part, _), scan in zip(parts, plan.scans, strict=True)
        for leaf in scan.leaves
    }
    sources = [_source(part, part_select, inline) for part, part_select in parts]
    select = exp.Select(from_=exp.From(this=sources[0]))
    select.set("joins", [exp.Join(this=source, kind="CROSS") for source in sources[1:]])
    if not inline:
        _with(select, parts)

    def leaf_value(leaf: Leaf) -> exp.Expr:
        return filled(of_leaf(column(homes[leaf.key], plan.columns[leaf.key]), leaf), leaf)

    def group(number: int) -> exp.Expr:
        raise AssertionError("a query without groups has no group to name")

    return finish(select, plan, physical, leaf_value, group, grouped=False)


def _handed_on(leaf: Leaf, cell: exp.Expr) -> exp.Expr:
    """The one value among the stacked rows of a key."""
    if leaf.function in ("LOGICAL_OR", "LOGICAL_AND", "BOOL_OR", "BOOL_AND"):
        return exp.LogicalOr(this=cell)
    if leaf.function in ("ARRAY_AGG", "LIST", "JSON_ARRAY_AGG", "ARRAY_UNIQUE_AGG"):
        return exp.AnyValue(this=cell)
    return exp.Max(this=cell)


def _source(part: str, select: exp.Select, inline: bool) -> exp.Expr:
    if inline:
        return exp.Subquery(this=select, alias=exp.TableAlias(this=name(part)))
    return exp.Table(this=name(part))


def _with(select: exp.Select, parts: list[tuple[str, exp.Select]]) -> None:
    ctes = [
        exp.CTE(this=part_select, alias=exp.TableAlias(this=name(part)))
        for part, part_select in parts
    ]
    select.set("with_", exp.With(expressions=ctes))

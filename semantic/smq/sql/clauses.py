"""SELECT over a written FROM clause: its joins decide which rows exist, not what metrics mean.

A base row that the clause repeats still counts once in each group: a flag marks one of its copies
(ROW_NUMBER over groups and the base's key), and aggregates read only flagged rows. Rows in which
the base is missing (the outer side of a join) contribute nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from sqlglot import exp

from smq.expr import Template, copied, fill
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import InnerRef, Leaf, RowCondition
from smq.graph.paths import column_text, keys
from smq.graph.references import RowRef
from smq.graph.symbols import Entity, Model
from smq.plan.nodes import Plan
from smq.problem import Problem
from smq.query.bound import WrittenFrom, WrittenJoin
from smq.sql.finish import conjunction, filled, finish, free_name, of_leaf
from smq.sql.physical import NUMBER, Physical, PhysicalFault, column, name

JOINED = "joined"
_ONCE_ANYWAY = frozenset({"MIN", "MAX", "COUNT_DISTINCT", "LOGICAL_OR", "LOGICAL_AND", "ANY_VALUE"})
"""Aggregates that repeated rows do not change."""
_ONE_ARGUMENT = (
    exp.Sum,
    exp.Avg,
    exp.Min,
    exp.Max,
    exp.Median,
    exp.Count,
    exp.ApproxDistinct,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Variance,
    exp.VariancePop,
)


class Shape(NamedTuple):
    """What a FROM clause does to its tables' rows, by alias."""

    repeated: frozenset[str]
    nullable: frozenset[str]
    settles: Mapping[str, frozenset[str]]
    """For each table those that have at most one row beside each of its rows."""

    def determines(self, base: str, other: str) -> bool:
        """Whether a row of `base` settles which row of `other` stands beside it."""
        reached: set[str] = set()
        frontier = {base}
        while frontier:
            reached |= frontier
            frontier = {a for known in frontier for a in self.settles.get(known, ())} - reached
        return other in reached


def shape_of(clause: WrittenFrom, graph: SemanticGraph) -> Shape:
    """Which tables' rows the clause may repeat, and which it may leave empty.

    A join repeats nothing on the left when equalities cover a key of the joined table; the joined
    table is not repeated when they cover a key of a table that is itself unrepeated.
    """
    single = {clause.first.alias}
    seen = [clause.first.alias]
    models = {instance.alias: instance.model for instance in clause.instances}
    nullable: set[str] = set()
    settles: dict[str, set[str]] = {}
    for join in clause.joins:
        alias = join.instance.alias
        own: set[str] = set()
        others: dict[str, set[str]] = {}
        for left, right in join.equalities:
            if right.instance != alias:
                left, right = right, left
            if right.instance == alias and left.instance != alias:
                own.add(_column_of(right, graph))
                others.setdefault(left.instance, set()).add(_column_of(left, graph))
        joined_once = any(
            other in single and _covers(graph, models[other], columns)
            for other, columns in others.items()
        )
        if not _covers(graph, join.instance.model, own):
            single.clear()
        elif len(others) == 1:
            settles.setdefault(next(iter(others)), set()).add(alias)
        for other, columns in others.items():
            if _covers(graph, models[other], columns):
                settles.setdefault(alias, set()).add(other)
        if joined_once:
            single.add(alias)
        if join.side in ("LEFT", "FULL"):
            nullable.add(alias)
        if join.side in ("RIGHT", "FULL"):
            nullable.update(seen)
        seen.append(alias)
    settled = {alias: frozenset(found) for alias, found in settles.items()}
    return Shape(frozenset(set(seen) - single), frozenset(nullable), settled)


def unkeyed_fan_out(plan: Plan, graph: SemanticGraph) -> list[Problem]:
    """A warning for each leaf whose base the clause may repeat and that has no key to undo it."""
    clause = plan.written
    if clause is None:
        return []
    shape = shape_of(clause, graph)
    found: dict[str, Problem] = {}
    for scan in plan.scans:
        for leaf in scan.leaves:
            alias = _alias_of(leaf.base, clause)
            if alias in shape.repeated and leaf.function not in _ONCE_ANYWAY:
                model = graph.models[leaf.base]
                if not keys(model):
                    args = {"metric": leaf.name, "model": leaf.base}
                    found[leaf.base] = Problem("JOI111", clause.item.location, args)
    return list(found.values())


MetricJoins = Callable[
    [Iterable[RowCondition], Mapping[RowRef, exp.Expr], Plan, Physical], list[exp.Join]
]


def written_select(
    plan: Plan, physical: Physical, graph: SemanticGraph, metric_joins: MetricJoins, inline: bool
) -> exp.Select:
    """The canonical tree of a plan with a written FROM clause. Raises PhysicalFault.

    `metric_joins` gives the joins that metric values in filters need; `inline` puts a subquery in
    place of a CTE.
    """
    return _Clause(plan, physical, graph, metric_joins, inline).select()


class _Clause:
    def __init__(
        self,
        plan: Plan,
        physical: Physical,
        graph: SemanticGraph,
        metric_joins: MetricJoins,
        inline: bool,
    ) -> None:
        self.metric_joins = metric_joins
        self.inline = inline
        assert plan.written is not None
        self.plan = plan
        self.clause = plan.written
        self.physical = physical
        self.graph = graph
        self.shape = shape_of(self.clause, graph)
        self.leaves = [leaf for scan in plan.scans for leaf in scan.leaves]
        models = {instance.alias: instance.model for instance in self.clause.instances}
        physical.keys = {
            alias: (models[alias], _never_null(graph.models[models[alias]]))
            for alias in sorted(self.shape.nullable)
        }
        for leaf in self.leaves:
            key = self._key(leaf.base)
            if self._needs_once(leaf) and key[0].kind != "primary":
                # A unique entity may be NULL in many rows, and they are as many rows.
                physical.numbered[_alias_of(leaf.base, self.clause)] = key
        self.values: dict[RowRef, exp.Expr] = {}

    def select(self) -> exp.Select:
        plan = self.plan
        self._refuse_undetermined()
        time = self._time()
        groups = [self._value(group.ref, time) for group in plan.query.groups]
        if any(self._needs_once(leaf) for leaf in self.leaves):
            return self._deduplicated(groups, time)
        tests = {leaf.key: self._test(leaf, time) for leaf in self.leaves}
        values = {leaf.key: self._call(leaf, time) for leaf in self.leaves}
        select = self._from(time)

        def leaf_value(leaf: Leaf) -> exp.Expr:
            test = tests[leaf.key]
            call = copied(values[leaf.key])
            if test is not None:
                call = of_leaf(guarded(call, test.copy()), leaf)
            return filled(call, leaf)

        return finish(
            select, plan, self.physical, leaf_value, lambda n: copied(groups[n]), grouped=True
        )

    def _refuse_undetermined(self) -> None:
        """A repeated base row whose aggregate reads several rows of another table has no value."""
        for leaf in self.leaves:
            alias = _alias_of(leaf.base, self.clause)
            if alias not in self.shape.repeated:
                continue
            for ref in leaf.refs:
                other = self._instance(ref)
                if other != alias and not self.shape.determines(alias, other):
                    args = {"metric": leaf.name, "base": leaf.base, "model": ref.model}
                    raise PhysicalFault(Problem("JOI118", self.clause.item.location, args))

    # With flags.

    def _deduplicated(self, groups: list[exp.Expr], time: RowRef | None) -> exp.Select:
        query = self.plan.query
        cells: list[exp.Expr] = [
            exp.Alias(this=copied(value), alias=name(group.name))
            for value, group in zip(groups, query.groups, strict=True)
        ]
        homes: dict[tuple[str, RowRef], str] = {}
        flags: dict[str, str | None] = {}
        taken = {group.name.casefold() for group in query.groups}
        exported: dict[str, str] = {}
        for leaf in self.leaves:
            for ref in leaf.refs:
                value = self._value(ref, time)
                key = value.sql()
                if key not in exported:
                    exported[key] = free_name(ref.name, taken)
                    cells.append(exp.Alias(this=value.copy(), alias=name(exported[key])))
                homes[leaf.key, ref] = exported[key]
            flag = self._flag(leaf, groups, time)
            flags[leaf.key] = None
            if flag is not None:
                key = flag.sql()
                if key not in exported:
                    exported[key] = free_name(f"{leaf.name}_counts", taken)
                    cells.append(exp.Alias(this=flag, alias=name(exported[key])))
                flags[leaf.key] = exported[key]
        inner = self._from(time)
        inner.set("expressions", cells)
        joined = free_name(JOINED, {model.casefold() for model in self.graph.models})
        as_joined = exp.TableAlias(this=name(joined))
        if self.inline:
            subquery = exp.Subquery(this=inner, alias=as_joined)
            select = exp.Select(from_=exp.From(this=subquery))
        else:
            select = exp.Select(from_=exp.From(this=exp.Table(this=name(joined))))
            cte = exp.CTE(this=inner, alias=as_joined)
            select.set("with_", exp.With(expressions=[cte]))

        def leaf_value(leaf: Leaf) -> exp.Expr:
            template = Template("", "", self.physical.leaf_tree(leaf))
            call = fill(template, lambda n: column(joined, homes[leaf.key, leaf.refs[n]]))
            flag = flags[leaf.key]
            if flag is not None:
                one = exp.Literal.number(1)
                call = guarded(call, exp.EQ(this=column(joined, flag), expression=one))
            return filled(of_leaf(call, leaf), leaf)

        def group(number: int) -> exp.Expr:
            return column(joined, query.groups[number].name)

        return finish(select, self.plan, self.physical, leaf_value, group, grouped=True)

    def _flag(self, leaf: Leaf, groups: list[exp.Expr], time: RowRef | None) -> exp.Expr | None:
        """1 on the rows that the leaf reads: where its base is there, once for each base row."""
        test = self._test(leaf, time, always=True)
        if not self._needs_once(leaf):
            test = self._test(leaf, time)
            if test is None:
                return None
            return exp.Case(ifs=[exp.If(this=test, true=exp.Literal.number(1))])
        alias = _alias_of(leaf.base, self.clause)
        key = self._identity(leaf.base, alias)
        partition = [value.copy() for value in groups] + [value.copy() for value in key]
        if leaf.filters:
            # Rows that pass the leaf's filter are numbered apart, so that one of them is first.
            conditions = self._filters(leaf, time)
            passes = exp.Case(
                ifs=[exp.If(this=conditions, true=exp.Literal.number(1))],
                default=exp.Literal.number(0),
            )
            partition.append(passes)
        number = exp.Window(
            this=exp.RowNumber(),
            partition_by=partition,
            order=exp.Order(expressions=[exp.Ordered(this=key[0].copy(), nulls_first=False)]),
            over="OVER",
        )
        first: exp.Expr = exp.EQ(this=number, expression=exp.Literal.number(1))
        if test is not None:
            first = exp.And(this=test, expression=first)
        return exp.Case(ifs=[exp.If(this=first, true=exp.Literal.number(1))])

    # Pieces.

    def _from(self, time: RowRef | None) -> exp.Select:
        # Conditions come before tables, because they may ask a table for its marker column.
        on = [self._on(join) for join in self.clause.joins]
        filters = [f.condition for f in self.plan.query.row_filters]
        conditions = [self._condition(condition, time) for condition in filters]
        filters += [condition for leaf in self.leaves for condition in leaf.filters]
        values = {ref: self._value(ref, time) for f in filters for ref in f.outer}
        select = exp.Select(from_=exp.From(this=self._table(self.clause.first.alias)))
        joins = []
        for join, condition in zip(self.clause.joins, on, strict=True):
            node = exp.Join(this=self._table(join.instance.alias))
            if join.side in ("LEFT", "RIGHT", "FULL"):
                node.set("side", join.side)
            else:
                node.set("kind", join.side or "INNER")
            if condition is not None:
                node.set("on", condition)
            node.meta["origin"] = self.clause.item.path
            joins.append(node)
        joins.extend(self.metric_joins(filters, values, self.plan, self.physical))
        if joins:
            select.set("joins", joins)
        if conditions:
            select.set("where", exp.Where(this=conjunction(conditions)))
        return select

    def _on(self, join: WrittenJoin) -> exp.Expr | None:
        if join.on is None:
            return None
        template = self.physical.agreed(Template("", "", join.on), join.refs)
        return fill(template, lambda slot: self._own(join.refs[slot]))

    def _table(self, alias: str) -> exp.Expr:
        model = next(i.model for i in self.clause.instances if i.alias == alias)
        return self.physical.table(model, alias)

    def _own(self, ref: RowRef | InnerRef) -> exp.Expr:
        assert isinstance(ref, RowRef)
        return self.physical.value(ref, ref.instance)

    def _time(self) -> RowRef | None:
        times = {scan.time for scan in self.plan.scans if scan.time is not None}
        if len(times) > 1:
            item = next(
                (g.item for g in self.plan.query.groups if g.ref.kind == "metric_time"),
                self.clause.item,
            )
            names = tuple(sorted(time.written for time in times))
            raise PhysicalFault(Problem("JOI116", item.location, {"times": names}))
        return next(iter(times), None)

    def _instance(self, ref: RowRef) -> str:
        return ref.instance or _alias_of(ref.model, self.clause)

    def _value(self, ref: RowRef, time: RowRef | None) -> exp.Expr:
        found = self.values.get(ref)
        if found is None:
            if ref.kind == "metric_time":
                assert time is not None, "the planner has found the time dimension"
                found = self.physical.time(time, self._instance(time), ref.grain)
            else:
                found = self.physical.value(ref, self._instance(ref))
            self.values[ref] = found
        return copied(found)

    def _condition(self, condition: RowCondition, time: RowRef | None) -> exp.Expr:
        values = {ref: self._value(ref, time) for ref in condition.outer}
        return self.physical.condition(condition, values)

    def _filters(self, leaf: Leaf, time: RowRef | None) -> exp.Expr:
        return conjunction([self._condition(c, time) for c in leaf.filters])

    def _call(self, leaf: Leaf, time: RowRef | None) -> exp.Expr:
        template = Template("", "", self.physical.leaf_tree(leaf))
        tree = fill(template, lambda n: self._value(leaf.refs[n], time))
        tree.meta["origin"] = f"leaf:{leaf.name}"
        return of_leaf(tree, leaf)

    def _test(self, leaf: Leaf, time: RowRef | None, always: bool = False) -> exp.Expr | None:
        """When a row of the clause counts for a leaf: its base is there and its filters hold."""
        alias = _alias_of(leaf.base, self.clause)
        test: exp.Expr | None = None
        if alias in self.shape.nullable and (always or not self._ignores_missing(leaf, alias)):
            test = self.physical.present(alias)
        if leaf.filters:
            filters = self._filters(leaf, time)
            if isinstance(filters, exp.Or):
                filters = exp.Paren(this=filters)
            test = filters if test is None else exp.And(this=test, expression=filters)
        return test

    def _ignores_missing(self, leaf: Leaf, alias: str) -> bool:
        """Whether the aggregate skips a missing base by itself: it reads one of its columns."""
        tree = leaf.tree
        if isinstance(tree, exp.WithinGroup):
            inner: exp.Expr = tree.expression.expressions[0].this
        else:
            inner = tree.this
        if isinstance(inner, exp.Distinct):
            inner = inner.expressions[0]
        if not isinstance(inner, exp.Placeholder) or not isinstance(
            tree, (*_ONE_ARGUMENT, exp.WithinGroup)
        ):
            return False
        value = self._value(leaf.refs[int(inner.this)], None)
        return isinstance(value, exp.Column) and value.table == alias

    def _identity(self, model: str, alias: str) -> list[exp.Expr]:
        """What tells the rows of a base apart: its primary key, else a number for each row."""
        if alias in self.physical.numbered:
            return [column(alias, NUMBER)]
        return [self.physical.entity(model, entity, alias) for entity in self._key(model)]

    def _key(self, model: str) -> tuple[Entity, ...]:
        found = keys(self.graph.models[model])
        return found[0] if found else ()

    def _needs_once(self, leaf: Leaf) -> bool:
        alias = _alias_of(leaf.base, self.clause)
        return (
            alias in self.shape.repeated
            and leaf.function not in _ONCE_ANYWAY
            and bool(self._key(leaf.base))
        )


def guarded(call: exp.Expr, test: exp.Expr) -> exp.Expr:
    """The aggregate over only the rows where `test` holds."""

    def case(value: exp.Expr) -> exp.Expr:
        return exp.Case(ifs=[exp.If(this=test.copy(), true=value)])

    if isinstance(call, exp.Filter):
        condition = call.expression.this
        if isinstance(condition, (exp.Or, exp.Xor)):
            condition = exp.Paren(this=condition.copy())
        both = exp.And(this=test, expression=condition)
        return exp.Filter(this=call.this, expression=exp.Where(this=both))
    if isinstance(call, exp.Count) and not call.expressions:
        counted = call.this
        if isinstance(counted, exp.Distinct):
            wrapped = [case(value.copy()) for value in counted.expressions]
            return exp.Count(this=exp.Distinct(expressions=wrapped), big_int=True)
        value = exp.Literal.number(1) if isinstance(counted, exp.Star) else counted.copy()
        return exp.Count(this=case(value), big_int=True)
    if isinstance(call, _ONE_ARGUMENT) and not call.expressions:
        inner = call.this
        if isinstance(inner, exp.Distinct):
            wrapped = [case(value.copy()) for value in inner.expressions]
            call.set("this", exp.Distinct(expressions=wrapped))
        else:
            call.set("this", case(inner.copy()))
        return call
    if isinstance(call, exp.WithinGroup):
        for ordered in call.expression.expressions:
            ordered.set("this", case(ordered.this.copy()))
        return call
    return exp.Filter(this=call, expression=exp.Where(this=test))


def _never_null(model: Model) -> Entity | None:
    """A part of the primary key; a unique entity may be NULL in a row that is there."""
    return next((entity for entity in model.entities if entity.kind == "primary"), None)


def _alias_of(model: str, clause: WrittenFrom) -> str:
    aliases = [i.alias for i in clause.instances if i.model == model]
    return model if model in aliases or not aliases else aliases[0]


def _column_of(ref: RowRef, graph: SemanticGraph) -> str:
    index = graph.index(ref.model)
    if ref.kind == "entity":
        return column_text(index.entities[ref.name]).strip()
    if ref.kind == "dimension":
        expr = index.dimensions[ref.name].expr
        return expr.text.strip() if expr else ref.name
    if ref.kind == "measure":
        expr = index.measures[ref.name].expr
        return expr.text.strip() if expr else ref.name
    return ref.name


def _covers(graph: SemanticGraph, model: str, columns: Iterable[str]) -> bool:
    known = set(columns)
    return any(
        all(column_text(entity).strip() in known for entity in key)
        for key in keys(graph.models[model])
    )

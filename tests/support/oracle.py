"""The meaning of a query, computed row by row from its definition.

A second implementation that shares nothing with the compiler: no SQL, no plans, no cleverness.
`answer` gives the rows of a query or raises `Refused` where the language calls it an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cmp_to_key

from tests.support.oracle_expressions import (
    Expr,
    Leaf,
    MetricOf,
    Name,
    Op,
    Over,
    Value,
    Within,
    aggregate,
    comparable,
    conjuncts,
    evaluate,
    membership,
    names,
    walk,
)
from tests.support.oracle_graph import Reference
from tests.support.oracle_metrics import Meaning, is_metric_time, name_text
from tests.support.oracle_windows import null_last, window
from tests.support.oracle_world import (
    GRAINS,
    Clause,
    Dimension,
    Query,
    Refused,
    Row,
    Unsure,
    World,
)

Key = tuple[Value, ...]
JoinedRow = dict[str, Row | None]


@dataclass
class Group:
    """One aggregated row: the groupBy values by their text, and the leaves' values."""

    keys: dict[str, Value]
    leaves: dict[Leaf, Value] = field(default_factory=dict)


@dataclass
class Answer:
    """`columns` hold None where the compiler names the column. `order` has one tuple of sort
    values for each row before the limit, so that a checker can tell ties from mistakes."""

    columns: list[str | None]
    rows: list[tuple[Value, ...]]
    unlimited: list[tuple[Value, ...]]
    order: list[tuple[Value, ...]]
    descending: list[bool]


def answer(world: World, query: Query) -> Answer:
    """The rows of a query. Raises Refused for an error of the spec, Unsure where it is silent."""
    return _Evaluation(world, query).answer()


class _Evaluation:
    def __init__(self, world: World, query: Query) -> None:
        self.world = world
        self.query = query
        self.meaning = Meaning(world, query)
        self.graph = self.meaning.graph
        self._by_entity: dict[MetricOf, dict[Value, Value]] = {}

    def answer(self) -> Answer:
        query = self.query
        self.meaning.check_shape()
        outputs = [self.meaning.select(select) for select in query.metrics]
        order = [(self.meaning.order_key(text), descending) for text, descending in query.order_by]
        parts = [part for written in query.filters for part in conjuncts(written)]
        before, after, late = self.meaning.stages(parts)
        trees = [*outputs, *after, *late, *(tree for tree, _ in order)]
        for tree in trees:
            self.meaning.check_names(tree)
        leaves = list(dict.fromkeys(n for t in trees for n in walk(t) if isinstance(n, Leaf)))
        if not leaves:
            raise Unsure("a query of windows without a metric")
        if query.clause is None:
            groups = self._automatic(leaves, before)
        else:
            groups = self._written(query.clause, leaves, before)
        groups = [g for g in groups if all(self._value(tree, g) is True for tree in after)]
        windows = self._windows([*outputs, *late, *(tree for tree, _ in order)], groups)
        kept = [
            i
            for i, group in enumerate(groups)
            if all(self._value(tree, group, windows, i) is True for tree in late)
        ]
        rows: list[tuple[Key, Key]] = []
        for i in kept:
            values = tuple(self._value(tree, groups[i], windows, i) for tree in outputs)
            sort = tuple(self._value(tree, groups[i], windows, i) for tree, _ in order)
            rows.append(((*groups[i].keys.values(), *values), sort))
        directions = [descending for _, descending in order]

        def by_sort_values(left: tuple[Key, Key], right: tuple[Key, Key]) -> int:
            return compare_keys(left[1], right[1], directions)

        rows.sort(key=cmp_to_key(by_sort_values))
        unlimited = [row for row, _ in rows]
        return Answer(
            columns=[*query.group_by, *(select.output for select in query.metrics)],
            rows=unlimited if query.limit is None else unlimited[: query.limit],
            unlimited=unlimited,
            order=[sort for _, sort in rows],
            descending=directions,
        )

    # --- rows to groups -----------------------------------------------------------------

    def _automatic(self, leaves: list[Leaf], filters: list[Expr]) -> list[Group]:
        groups: dict[Key, Group] = {}
        metric_grain = self._metric_grain(leaves)
        if not self.query.group_by:
            groups[()] = Group({})
        for leaf in leaves:
            collected: dict[Key, list[Value]] = {}
            if not self.query.group_by:
                collected[()] = []
            # Paths are checked even when the base has no rows.
            for text in self.query.group_by:
                self._reach(leaf.base, text)
            self._check_reach(leaf, filters)
            for row in self.world.models[leaf.base].table.rows:
                env = self._row_env(leaf.base, row, metric_grain)
                # A filter compares the metric's own time, not that which groups share.
                own = self._row_env(leaf.base, row, None)
                if all(
                    evaluate(part, own) is True
                    for written in (*filters, *leaf.filters)
                    for part in conjuncts(written)
                ):
                    values = [env(Name(text)) for text in self.query.group_by]
                    key = tuple(comparable(value) for value in values)
                    groups.setdefault(key, Group(dict(zip(self.query.group_by, key, strict=True))))
                    values_here = collected.setdefault(key, [])
                    # FILTER is the aggregate's own: a group that it empties is still a group.
                    if leaf.agg.where is None or evaluate(leaf.agg.where, env) is True:
                        value = True if leaf.agg.arg is None else evaluate(leaf.agg.arg, env)
                        values_here.append(value)
            for key, values in collected.items():
                groups[key].leaves[leaf] = aggregate(leaf.agg.func, values, leaf.agg.fraction)
        return list(groups.values())

    def _check_reach(self, leaf: Leaf, filters: list[Expr]) -> None:
        """Refuses what rows of the leaf's base cannot read, also when there are no rows."""
        inside = [part for part in (leaf.agg.arg, leaf.agg.where) if part is not None]
        for expr in (*filters, *leaf.filters, *inside):
            for name in names(expr):
                self._reach(leaf.base, self._written_name(name))
            for node in walk(expr):
                if isinstance(node, MetricOf):
                    self.graph.path(leaf.base, self._owner(node.entity))
                    self._metric_by_entity(node)

    def _reach(self, base: str, text: str) -> None:
        if is_metric_time(text):
            own = self._own_time(base)
            reference = Reference(own.name, model=base, grain=text.partition("__")[2] or None)
            self.graph.check_grain(self.world.models[base], reference)
        else:
            reference = self.graph.reference(text)
            _, model = self.graph.locate(base, reference)
            self.graph.check_grain(model, reference)

    def _written_name(self, text: str) -> str:
        """A bare dimension or measure with its model's prefix."""
        try:
            if not is_metric_time(text):
                self.graph.reference(text)
            return text
        except Refused:
            if any(text.startswith(m + "__") for m in self.world.models):
                raise
        models = self.world.models.values()
        homes = [m.name for m in models if m.dimension(text) or m.measure(text)]
        if len(homes) != 1:
            raise Refused(f"{text} is in {homes}")
        return f"{homes[0]}__{text}"

    def _row_env(self, base: str, row: Row, metric_grain: str | None) -> Callable[[Expr], Value]:
        def env(node: Expr) -> Value:
            if isinstance(node, Within):
                return self._within(node, evaluate(node.left, env))
            if isinstance(node, MetricOf):
                key = self._entity_value(base, row, node.entity)
                return None if key is None else self._metric_by_entity(node).get(key)
            text = self._written_name(name_text(node))
            if is_metric_time(text):
                model = self.world.models[base]
                grain = text.partition("__")[2] or metric_grain
                reference = Reference(str(model.agg_time), model=base, grain=grain)
                return self.graph.item_value(model, row, reference)
            reference = self.graph.reference(text)
            path, model = self.graph.locate(base, reference)
            return self.graph.item_value(model, self.graph.follow(row, path), reference)

        return env

    def _within(self, node: Within, left: Value) -> Value:
        model = self.world.models[node.model]
        choices = []
        for row in model.table.rows:
            env = self._row_env(model.name, row, None)
            if node.where is None or evaluate(node.where, env) is True:
                choices.append(env(Name(f"{node.model}__{node.item}")))
        return membership(left, choices, negated=node.negated)

    def _owner(self, entity: str) -> str:
        """The one model that an entity identifies."""
        owners = [m.name for m in self.world.models.values() if (entity,) in m.keys]
        parts = [m for m in self.world.models.values() for key in m.keys if entity in key]
        if len(owners) != 1 or len(parts) != 1:
            raise Unsure(f"{entity} identifies {owners}")
        return owners[0]

    def _entity_value(self, base: str, row: Row, entity: str) -> Value:
        owner = self.world.models[self._owner(entity)]
        there = self.graph.follow(row, self.graph.path(base, owner.name))
        declared = owner.entity(entity)
        assert declared is not None
        return None if there is None else comparable(there[declared.column])

    def _metric_by_entity(self, node: MetricOf) -> dict[Value, Value]:
        """The metric of each entity that has rows, without the filters of the query around it."""
        known = self._by_entity.get(node)
        if known is not None:
            return known
        tree = self.meaning.metric(node.metric, (), ())
        groups: dict[Value, Group] = {}
        for leaf in dict.fromkeys(n for n in walk(tree) if isinstance(n, Leaf)):
            self.graph.path(leaf.base, self._owner(node.entity))
            self._check_reach(leaf, [])
            collected: dict[Value, list[Value]] = {}
            for row in self.world.models[leaf.base].table.rows:
                env = self._row_env(leaf.base, row, None)
                if not all(
                    evaluate(part, env) is True for w in leaf.filters for part in conjuncts(w)
                ):
                    continue
                key = self._entity_value(leaf.base, row, node.entity)
                values = collected.setdefault(key, [])
                if leaf.agg.where is None or evaluate(leaf.agg.where, env) is True:
                    values.append(True if leaf.agg.arg is None else evaluate(leaf.agg.arg, env))
            for key, values in collected.items():
                found = aggregate(leaf.agg.func, values, leaf.agg.fraction)
                groups.setdefault(key, Group({})).leaves[leaf] = found
        values_by_key = {key: self._value(tree, group) for key, group in groups.items()}
        self._by_entity[node] = values_by_key
        return values_by_key

    def _metric_grain(self, leaves: list[Leaf]) -> str | None:
        """The grain of a bare metric_time: the coarsest of the metrics' own."""
        if not any(is_metric_time(text) for text in self.query.group_by):
            return None
        grains = []
        for leaf in leaves:
            grains.append(self._own_time(leaf.base).grain or "day")
        return max(grains, key=GRAINS.index)

    def _own_time(self, base: str) -> Dimension:
        model = self.world.models[base]
        dimension = model.dimension(model.agg_time or "")
        if dimension is None:
            if any(d.grain for d in model.dimensions):
                raise Unsure(f"which time dimension of {base} is metric_time")
            raise Refused(f"{base} has no aggregation time dimension")
        return dimension

    # --- written joins ------------------------------------------------------------------

    def _written(self, clause: Clause, leaves: list[Leaf], filters: list[Expr]) -> list[Group]:
        joined = self.clause_rows(clause)
        present = {clause.first, *(join.model for join in clause.joins)}
        for text in self.query.group_by:
            self._joined_model(text, present)
        for leaf in leaves:
            if leaf.base not in present:
                raise Refused(f"the clause does not join {leaf.base}")
            if not self.world.models[leaf.base].keys:
                raise Unsure(f"{leaf.base} has no key by which its rows count once")
        for expr in (*filters, *(p for leaf in leaves for p in leaf.filters)):
            if any(isinstance(node, MetricOf) for node in walk(expr)):
                raise Unsure("a metric of an entity over a written join")
            for name in names(expr):
                self._joined_model(name, present)
        for leaf in leaves:
            for part in (leaf.agg.arg, leaf.agg.where):
                for name in names(part) if part is not None else ():
                    self._joined_model(name, present)
        for leaf in leaves:
            self._check_settled(clause, leaf, present)
        groups: dict[Key, list[JoinedRow]] = {}
        if not self.query.group_by:
            groups[()] = []
        for row in joined:
            env = self._joined_env(row)
            if all(evaluate(part, env) is True for w in filters for part in conjuncts(w)):
                key = tuple(comparable(env(Name(text))) for text in self.query.group_by)
                groups.setdefault(key, []).append(row)
        return [
            Group(
                dict(zip(self.query.group_by, key, strict=True)),
                {leaf: self._once_each(leaf, rows) for leaf in leaves},
            )
            for key, rows in groups.items()
        ]

    def _check_settled(self, clause: Clause, leaf: Leaf, present: set[str]) -> None:
        """Whatever else a row expression reads must be settled by the base row: joined on a whole
        key to it, or to what is settled itself. Otherwise one base row has several values."""
        used = {name for part in (leaf.agg.arg, leaf.agg.where) if part for name in names(part)}
        wanted = {self._joined_model(name, present) for name in used}
        aliases = {j.alias or j.model: j.model for j in clause.joins}
        aliases[clause.alias or clause.first] = clause.first
        settled = {leaf.base}
        for _ in clause.joins:
            for model in present - settled:
                equal = {
                    mine[1]
                    for join in clause.joins
                    for part in (conjuncts(join.on) if join.on is not None else ())
                    if isinstance(part, Op) and part.op == "="
                    for mine, other in self._sides(part, aliases)
                    if mine[0] == model and other[0] in settled
                }
                keys = self.world.models[model].keys
                columns = {e.name: e.column for e in self.world.models[model].entities}
                if any({columns[name] for name in key} <= equal for key in keys):
                    settled = settled | {model}
        if wanted - settled:
            raise Unsure(f"{sorted(wanted - settled)} may have several rows for one of {leaf.base}")

    def _sides(
        self, equality: Op, aliases: dict[str, str]
    ) -> list[tuple[tuple[str, str], tuple[str, str]]]:
        """The (model, column) pairs of an equality of two columns, in both orders."""
        found = []
        for arg in equality.args:
            if not isinstance(arg, Name):
                return []
            if arg.dotted:
                alias, _, column = arg.text.partition(".")
                found.append((aliases[alias], self._column(aliases[alias], column)))
                continue
            for model in sorted(self.world.models.values(), key=lambda m: -len(m.name)):
                if arg.text.startswith(model.name + "__"):
                    item = arg.text[len(model.name) + 2 :]
                    found.append((model.name, self._column(model.name, item)))
                    break
        left, right = found
        return [(left, right), (right, left)]

    def _column(self, model: str, item: str) -> str:
        """The column that an item of an ON condition stands for; none for an expression."""
        home = self.world.models[model]
        if home.dimension(item) or home.measure(item):
            return ""
        entity = home.entity(item)
        return entity.column if entity else item

    def _once_each(self, leaf: Leaf, rows: list[JoinedRow]) -> Value:
        """The leaf over the distinct base rows among joined rows; a missing base is no row."""
        seen: dict[int, Value] = {}
        for row in rows:
            base_row = row[leaf.base]
            if base_row is None:
                continue
            env = self._joined_env(row)
            passes = all(evaluate(part, env) is True for w in leaf.filters for part in conjuncts(w))
            if passes and (leaf.agg.where is None or evaluate(leaf.agg.where, env) is True):
                value = True if leaf.agg.arg is None else evaluate(leaf.agg.arg, env)
                if seen.setdefault(id(base_row), value) != value:
                    raise Unsure("one base row has two values under this clause")
        return aggregate(leaf.agg.func, list(seen.values()), leaf.agg.fraction)

    def clause_rows(self, clause: Clause) -> list[JoinedRow]:
        """The nested-loop join as it is written."""
        models = [clause.first, *(join.model for join in clause.joins)]
        if len(set(models)) < len(models):
            raise Unsure("one model twice in a clause")
        unknown = [model for model in models if model not in self.world.models]
        if unknown:
            raise Refused(f"unknown models {unknown}")
        aliases = {j.alias or j.model: j.model for j in clause.joins}
        aliases[clause.alias or clause.first] = clause.first
        rows: list[JoinedRow] = [
            {clause.first: row} for row in self.world.models[clause.first].table.rows
        ]
        for join in clause.joins:
            right_rows = self.world.models[join.model].table.rows
            result: list[JoinedRow] = []
            matched: set[int] = set()
            for left in rows:
                found = False
                for right in right_rows:
                    both = {**left, join.model: right}
                    env = self._joined_env(both, aliases)
                    if join.on is None or evaluate(join.on, env) is True:
                        result.append(both)
                        matched.add(id(right))
                        found = True
                if not found and join.kind in ("LEFT", "FULL"):
                    result.append({**left, join.model: None})
            if join.kind in ("RIGHT", "FULL"):
                earlier = models[: models.index(join.model)]
                result += [
                    {**dict.fromkeys(earlier), join.model: right}
                    for right in right_rows
                    if id(right) not in matched
                ]
            rows = result
        return rows

    def _joined_model(self, text: str, present: set[str]) -> str:
        if is_metric_time(text):
            raise Unsure("metric_time over a written join")
        reference = self.graph.reference(self._written_name(text))
        if reference.model is None:
            raise Unsure("an entity path over a written join")
        if reference.model not in present:
            raise Refused(f"the clause does not join {reference.model}")
        return reference.model

    def _joined_env(
        self, row: JoinedRow, aliases: dict[str, str] | None = None
    ) -> Callable[[Expr], Value]:
        def env(node: Expr) -> Value:
            if isinstance(node, Name) and node.dotted:
                assert aliases is not None
                alias, _, column = node.text.partition(".")
                return self._joined_item(aliases[alias], column, row)
            if isinstance(node, Within):
                return self._within(node, evaluate(node.left, env))
            if isinstance(node, MetricOf):
                raise Unsure("a metric of an entity over a written join")
            text = name_text(node)
            if aliases is not None:
                for name in sorted(self.world.models, key=len, reverse=True):
                    if text.startswith(name + "__") and name in row:
                        return self._joined_item(name, text[len(name) + 2 :], row)
            reference = self.graph.reference(self._written_name(text))
            model = self.world.models[str(reference.model)]
            return self.graph.item_value(model, row[model.name], reference)

        return env

    def _joined_item(self, model_name: str, item: str, row: JoinedRow) -> Value:
        """A column in an ON condition: a dimension, entity, measure or plain column."""
        model, base_row = self.world.models[model_name], row[model_name]
        if base_row is None:
            return None
        if model.dimension(item) or model.measure(item):
            reference = Reference(item, model=model_name, is_measure=bool(model.measure(item)))
            return self.graph.item_value(model, base_row, reference)
        entity = model.entity(item)
        return base_row[entity.column if entity else item]

    # --- groups to rows -----------------------------------------------------------------

    def _value(
        self,
        tree: Expr,
        group: Group,
        windows: dict[Over, list[Value]] | None = None,
        index: int = 0,
    ) -> Value:
        def env(node: Expr) -> Value:
            if isinstance(node, Leaf):
                return group.leaves.get(node)
            if isinstance(node, Over):
                assert windows is not None
                return windows[node][index]
            return group.keys[name_text(node)]

        return evaluate(tree, env)

    def _windows(self, trees: list[Expr], groups: list[Group]) -> dict[Over, list[Value]]:
        found = {node for tree in trees for node in walk(tree) if isinstance(node, Over)}
        return {over: window(over, groups, self._value) for over in found}


def compare_keys(left: Key, right: Key, descending: list[bool]) -> int:
    """Order of two rows by their sort values, NULLs last in both directions."""
    for a, b, down in zip(left, right, descending, strict=True):
        sign = null_last(a, b, descending=down)
        if sign:
            return sign
    return 0

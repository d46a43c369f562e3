"""Expressions of a query: what is computed after aggregation, and the four filter stages."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from smq.expr import NameUse, Template, conjuncts, is_boolean, parse_expression
from smq.graph.formula import (
    Broken,
    ConditionRef,
    Formula,
    InnerRef,
    LateName,
    MetricValue,
    RowCondition,
    Weaver,
    call_readings,
    expand,
    measure_leaf,
    member_ref,
    metric_value,
)
from smq.graph.graph import SemanticGraph
from smq.graph.references import RowRef, readings, splits
from smq.problem import Problem, Related
from smq.query.bound import Group, Output, PostExpression, PostFilter, PostSlot, RowFilter
from smq.query.names import Failure, Names
from smq.query.written import Item
from smq.text import Location, nearest

Meaning = RowRef | InnerRef | MetricValue | Formula | Output


class Expressions:
    """Binds the expressions of one query; `outputs` are known once metrics are bound."""

    def __init__(
        self,
        graph: SemanticGraph,
        names: Names,
        dialect: str,
        groups: list[Group],
        problems: list[Problem],
    ) -> None:
        self.graph = graph
        self.names = names
        self.dialect = dialect
        self.groups = groups
        self.problems = problems
        self.outputs: list[Output] = []

    # Parsing.

    def parse(self, item: Item) -> Template:
        """The item's expression. Raises Failure with the place inside the string."""
        template = parse_expression(item.text, self.dialect)
        if template.fault is None:
            return template
        fault = template.fault
        code = {"statement": "EXP102", "several": "EXP102", "jinja": "EXP112"}.get(
            fault.kind, "EXP101"
        )
        args = {"text": item.text, "detail": fault.detail}
        raise Failure(Problem(code, item.part(fault.start, fault.end), args))

    # Metrics by name.

    def metric(self, name: str, item: Item, at: tuple[int, int]) -> PostExpression:
        """A metric's value at the query's grain. Raises Failure when its definition is broken."""
        weaver = Weaver()
        formula = self.formula(name, item, at)
        tree = weaver.embed(self._settled(formula, item))
        return self._finished(tree, weaver, formula.windowed)

    def formula(self, name: str, item: Item, at: tuple[int, int]) -> Formula:
        formula = expand(self.graph, name, self.dialect)
        if isinstance(formula, Broken):
            cause = formula.problems[0]
            related = tuple(Related(p.location, p.code) for p in formula.problems)
            args = {"name": name, "cause": cause.code, "facts": _plain(cause.args)}
            raise Failure(Problem("NAM124", item.part(*at), args, related))
        return formula

    def _settled(self, formula: Formula, item: Item) -> Formula:
        """Names in a metric's own window, resolved against the query's groupBy."""
        slots: list[object] = []
        for slot in formula.slots:
            if isinstance(slot, LateName):
                slots.append(self._late(slot, item))
            elif isinstance(slot, RowRef):
                slots.append(self.grouped(slot, item, (0, len(item.text)), "EXP104"))
            else:
                slots.append(slot)
        return Formula(formula.tree, tuple(slots), formula.windowed)  # type: ignore[arg-type]

    def _late(self, late: LateName, item: Item) -> RowRef:
        same = [g.ref for g in self.groups if g.ref.name == late.name]
        if len(same) == 1:
            return same[0]
        owners = [f"{m}__{late.name}" for m in self.graph.models_with(late.name)]
        args = {"reference": owners[0] if owners else late.name, "candidates": tuple(owners)}
        related = (Related(late.location, "the metric's window names it"),)
        raise Failure(Problem("EXP104", item.location, args, related))

    # After aggregation.

    def post(self, item: Item, template: Template, meanings: dict[int, Meaning]) -> PostExpression:
        """The template over aggregated rows. Raises Failure."""
        weaver = Weaver()
        windowed = template.has_window
        values: dict[int, exp.Expr] = {}
        for use in template.uses:
            meaning = meanings[use.slot]
            at = (use.start, use.end)
            if isinstance(meaning, Formula):
                if meaning.windowed and use.in_window:
                    args = {"name": use.name}
                    raise Failure(Problem("EXP110", item.part(*at), args))
                windowed = windowed or meaning.windowed
                value = weaver.embed(self._settled(meaning, item))
            elif isinstance(meaning, Output):
                if meaning.expression.windowed and use.in_window:
                    args = {"name": use.name}
                    raise Failure(Problem("EXP110", item.part(*at), args))
                windowed = windowed or meaning.expression.windowed
                inner = meaning.expression
                value = weaver.embed(Formula(inner.tree, inner.slots, inner.windowed))
            elif isinstance(meaning, MetricValue):
                args = {
                    "text": item.text[use.start : use.end],
                    "detail": "a metric by an entity is a value of rows, before aggregation",
                }
                raise Failure(Problem("EXP112", item.part(*at), args))
            elif isinstance(meaning, InnerRef):
                raise Failure(Problem("EXP106", item.part(*at), {"table": meaning.model}))
            elif meaning.kind == "measure":
                value = weaver.slot(self._own_aggregate(meaning, item, use))
            else:
                code = "EXP104" if use.in_window else "EXP107"
                value = weaver.slot(self.grouped(meaning, item, at, code))
            values[use.slot] = value
        assert template.tree is not None
        holder = exp.Paren(this=template.tree.copy())
        for node in list(holder.find_all(exp.Placeholder)):
            value = values[int(node.this)].copy()
            node.replace(_as_operand(value, node, holder))
        for division in holder.find_all(exp.Div):
            division.set("typed", False)
        tree = holder.this.pop()
        return self._finished(tree, weaver, windowed)

    def _finished(self, tree: exp.Expr, weaver: Weaver, windowed: bool) -> PostExpression:
        slots: list[PostSlot] = []
        for slot in weaver.slots:
            assert not isinstance(slot, LateName), "late names are settled before weaving"
            slots.append(slot)
        return PostExpression(tree, tuple(slots), windowed)

    def _own_aggregate(self, ref: RowRef, item: Item, use: NameUse) -> PostSlot:
        if not use.in_window:
            metrics = self.metrics_on(ref)
            args = {"name": use.name, "reference": ref.written, "metrics": metrics}
            raise Failure(Problem("EXP108", item.part(use.start, use.end), args))
        leaf = measure_leaf(self.graph, ref.model, ref.name)
        if leaf is None:
            args2 = {"name": use.name, "reference": ref.written, "metrics": self.metrics_on(ref)}
            raise Failure(Problem("EXP109", item.part(use.start, use.end), args2))
        return leaf

    def grouped(self, ref: RowRef, item: Item, at: tuple[int, int], code: str) -> RowRef:
        """The group that a reference after aggregation means. Raises Failure with `code`."""
        for group in self.groups:
            if group.ref == ref:
                return ref
        loose = [
            g.ref
            for g in self.groups
            if (g.ref.kind, g.ref.model, g.ref.name, g.ref.grain)
            == (ref.kind, ref.model, ref.name, ref.grain)
            and (not g.ref.via or not ref.via)
        ]
        if len(loose) == 1:
            return loose[0]
        args = {"reference": ref.written, "candidates": (ref.written,)}
        raise Failure(Problem(code, item.part(*at), args))

    def metrics_on(self, ref: RowRef) -> tuple[str, ...]:
        """Metrics that aggregate a measure, in the order of their definition."""
        found = []
        for name in self.graph.metrics:
            formula = expand(self.graph, name, self.dialect)
            if isinstance(formula, Formula) and any(
                inner.kind == "measure" and (inner.model, inner.name) == (ref.model, ref.name)
                for leaf in formula.leaves
                for inner in leaf.refs
            ):
                found.append(name)
        return tuple(found[:8])

    # Filters.

    def filter(self, item: Item) -> Iterator[RowFilter | PostFilter]:
        """The conditions of a filter, each in its stage. Raises Failure at the first mistake."""
        template = self.parse(item)
        if template.alias is not None:
            args = {"text": item.text, "detail": "a filter takes no alias"}
            raise Failure(Problem("EXP101", item.part(*template.alias_at), args))
        for part in conjuncts(template):
            yield self._condition(item, part)

    def _condition(self, item: Item, part: Template) -> RowFilter | PostFilter:
        if not is_boolean(part):
            raise Failure(Problem("EXP105", item.location, {"text": item.text}))
        self._no_aggregates(item, part)
        scopes = self._inner_models(item, part)
        meanings = {use.slot: self.meaning(item, use, part, scopes) for use in part.uses}
        if part.has_window or any(isinstance(m, (Formula, Output)) for m in meanings.values()):
            if part.tables:
                raise Failure(Problem("EXP106", item.location, {"table": part.tables[0].name}))
            return PostFilter(self.post(item, part, meanings), item, item.text)
        tables = tuple((t.slot, scopes[t.slot][1], scopes[t.slot][0]) for t in part.tables)
        refs: list[ConditionRef] = []
        for use in part.uses:
            meaning = meanings[use.slot]
            assert isinstance(meaning, (RowRef, InnerRef, MetricValue))
            refs.append(meaning)
        condition = RowCondition(part, tuple(refs), item.text, tables, item.path)
        return RowFilter(condition, item)

    def _no_aggregates(self, item: Item, part: Template) -> None:
        for function in part.functions:
            if function.scope or function.windowed or function.in_window:
                continue
            in_part = [use for use in part.uses if use.in_aggregate]
            if not in_part and not part.has_aggregate:
                continue
            raise Failure(self.aggregate_problem(item, part, function.name, in_part))

    def aggregate_problem(
        self, item: Item, template: Template, function: str, inside: list[NameUse]
    ) -> Problem:
        """An aggregate call where only metrics may stand: around a metric, or around a column."""
        names = [use.name for use in inside]
        call = next(
            (f for f in template.functions if not f.windowed and not f.scope and not f.in_window),
            None,
        )
        start = call.start if call else 0
        end = self._call_end(item.text, start)
        metrics = [name for name in names if name in self.graph.metrics]
        if metrics:
            args: dict[str, object] = {"function": function, "metric": metrics[0]}
            return Problem("NAM107", item.part(start, end), args)
        suggestions: tuple[str, ...] = ()
        for use in inside:
            for ref in self._row_refs(use):
                suggestions = suggestions or self.metrics_on(ref)
        args = {"function": function, "names": tuple(names), "metrics": suggestions}
        return Problem("EXP103", item.part(start, end), args)

    def _call_end(self, text: str, start: int) -> int:
        depth = 0
        for at in range(start, len(text)):
            if text[at] == "(":
                depth += 1
            elif text[at] == ")":
                depth -= 1
                if depth == 0:
                    return at + 1
        return len(text.rstrip())

    def _row_refs(self, use: NameUse) -> tuple[RowRef, ...]:
        if "__" in use.name:
            found = readings(self.graph, use.name, self.names.grains)
            return tuple(ref for ref in found if isinstance(ref, RowRef))
        return self.names.bare(use.name) or self.names.elsewhere(use.name)

    # Names inside expressions.

    def meaning(
        self,
        item: Item,
        use: NameUse,
        template: Template,
        scopes: dict[int, tuple[str, str]] | None = None,
    ) -> Meaning:
        """What one name means: alias, metric, row value, in that order. Raises Failure."""
        if use.scope:
            inner = self._inner(item, use, template, scopes or {})
            if inner is not None:
                return inner
        if use.call is not None:
            return self._call(item, use)
        if len(use.parts) > 1:
            return self._dotted(item, use)
        name = use.parts[0]
        if not use.scope:
            for output in self.outputs:
                if output.kind == "expression" and output.name == name:
                    return output
            if name in self.graph.metrics:
                return self.formula(name, item, (use.start, use.end))
        place = self._place(item, use)
        if "__" in name or name == "metric_time":
            return self.names.row(name, place)
        return self._bare(item, use, name)

    def _place(self, item: Item, use: NameUse):  # type: ignore[no-untyped-def]
        def place(start: int, end: int) -> Location:
            # A quoted name is longer in the text than it is; then the whole of it is marked.
            if use.end - use.start != len(use.name):
                return item.part(use.start, use.end)
            return item.part(use.start + start, use.start + end)

        return place

    def _call(self, item: Item, use: NameUse) -> Meaning:
        call = use.call
        assert call is not None
        at = item.part(use.start, use.end)
        if call.kind == "Metric":
            if call.name not in self.graph.metrics:
                args: dict[str, object] = {
                    "name": call.name,
                    "nearest": nearest(call.name, self.graph.metrics),
                }
                raise Failure(Problem("NAM101", at, args))
            formula = self.formula(call.name, item, (use.start, use.end))
            if not call.group_by:
                return formula
            value = metric_value(self.graph, call, self.names.grains)
            if value is None:
                detail = f"{', '.join(call.group_by)} is not one entity"
                args = {"text": item.text[use.start : use.end], "detail": detail}
                raise Failure(Problem("EXP112", at, args))
            return value
        found = call_readings(self.graph, use, self.names.grains)
        if len(found) > 1:
            args = {"name": call.name, "readings": tuple(self.names.explain(r) for r in found)}
            raise Failure(Problem("NAM115", at, args))
        if not found:
            raise Failure(self.names.unknown(call.name, lambda start, end: at))
        return self.names.checked(found[0], found[0].written, lambda start, end: at)

    def _dotted(self, item: Item, use: NameUse) -> Meaning:
        """`alias.column` of a written FROM clause, or `model.dimension` by mistake."""
        at = item.part(use.start, use.end)
        head, rest = use.parts[0], "__".join(use.parts[1:])
        if head in self.names.instances and len(use.parts) == 2:
            model = self.names.instances[head]
            ref = member_ref(self.graph, model, use.parts[1])
            if ref is not None:
                return RowRef(ref.kind, model, ref.name, None, (), head)
        name = f"{head}__{rest}"
        found = readings(self.graph, name, self.names.grains)
        fix = name if found else ""
        raise Failure(Problem("NAM127", at, {"name": use.name, "reference": fix}))

    def _bare(self, item: Item, use: NameUse, name: str) -> RowRef:
        at = item.part(use.start, use.end)
        if not use.in_window:
            for output in self.outputs:
                if output.name == name and output.kind == "metric":
                    break
        found = self.names.bare(name)
        if len(found) == 1:
            args: dict[str, object] = {"name": name, "reference": found[0].written}
            self.problems.append(Problem("NAM113", at, args))
            return self.names._bound_to_instance(found[0], lambda a, b: at, name)
        if found:
            args = {"name": name, "candidates": tuple(ref.written for ref in found)}
            raise Failure(Problem("NAM114", at, args))
        elsewhere = self.names.elsewhere(name)
        if elsewhere:
            args = {"name": name, "candidates": tuple(ref.written for ref in elsewhere)}
            raise Failure(Problem("NAM114", at, args))
        near = nearest(
            name,
            (
                *(o.name for o in self.outputs),
                *self.graph.metrics,
                *(
                    f"{model}__{part.name}"
                    for model in self.names.scope
                    if model in self.graph.models
                    for part in self.graph.models[model].dimensions
                ),
            ),
        )
        raise Failure(Problem("NAM120", at, {"name": name, "nearest": near}))

    # Subqueries over models.

    def _inner_models(self, item: Item, part: Template) -> dict[int, tuple[str, str]]:
        """For each table of a subquery its (alias, model). Raises Failure for a raw table."""
        found: dict[int, tuple[str, str]] = {}
        for table in part.tables:
            if table.name not in self.graph.models:
                at = item.part(table.start, table.end)
                near = nearest(table.name, self.graph.models)
                raise Failure(Problem("EXP106", at, {"table": table.name, "nearest": near}))
            alias = table.alias or f"{table.name}_{table.scope}"
            found[table.slot] = (alias, table.name)
        return found

    def _inner(
        self, item: Item, use: NameUse, template: Template, scopes: dict[int, tuple[str, str]]
    ) -> InnerRef | None:
        scope = use.scope
        while scope:
            tables = [t for t in template.tables if t.scope == scope]
            for table in tables:
                alias, model = scopes[table.slot]
                found = self._inner_member(use, alias, table.alias or table.name, model, tables)
                if found is not None:
                    return found
            scope = template.scopes[scope] if scope < len(template.scopes) else 0
        if len(use.parts) == 1 and "__" not in use.parts[0]:
            args = {"name": use.name, "nearest": ()}
            raise Failure(Problem("NAM120", item.part(use.start, use.end), args))
        return None

    def _inner_member(
        self, use: NameUse, alias: str, written: str, model: str, tables: list[object]
    ) -> InnerRef | None:
        def ref(rest: str) -> InnerRef | None:
            member = member_ref(self.graph, model, rest)
            if member is not None and member.kind != "metric_time":
                return InnerRef(alias, model, member.kind, member.name)
            # As in a written FROM clause, what is no member is a plain column of the model.
            return InnerRef(alias, model, "column", rest) if prefixed else None

        prefixed = True
        if len(use.parts) == 2 and use.parts[0] in (written, model):
            return ref(use.parts[1])
        if len(use.parts) != 1:
            return None
        name = use.parts[0]
        for left, right in splits(name):
            if left in (written, model):
                found = ref(right)
                if found is not None:
                    return found
        prefixed = False
        return ref(name) if len(tables) == 1 else None


def _plain(args: object) -> str:
    """The facts of a cause in one line, for a message about its effect."""
    if isinstance(args, dict):
        parts = []
        for key, value in args.items():
            if isinstance(value, tuple):
                value = (" → " if key == "cycle" else ", ").join(str(v) for v in value)
            if value not in ("", None):
                parts.append(f"{key}: {value}")
        return "; ".join(parts)
    return ""


def _as_operand(value: exp.Expr, place: exp.Expr, holder: exp.Expr) -> exp.Expr:
    """Parenthesised where it is an operator inside another one."""
    is_operator = isinstance(value, (exp.Binary, exp.Unary)) and not isinstance(value, exp.Paren)
    inside = place.parent is not holder and not isinstance(place.parent, (exp.Paren, exp.Func))
    return exp.Paren(this=value) if is_operator and inside else value

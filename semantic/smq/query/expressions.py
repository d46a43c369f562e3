"""Expressions of a query: what is computed after aggregation, and the four filter stages."""

from __future__ import annotations

import re

from sqlglot import exp

from smq.expr import NameUse, TableUse, Template, conjuncts, copied, is_boolean, parse_expression
from smq.graph.aggregates import measure_leaf
from smq.graph.data_types import value_kind
from smq.graph.formula import expand, ungrouped
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import (
    Broken,
    ConditionRef,
    Formula,
    InnerRef,
    LateName,
    Leaf,
    MetricValue,
    RowCondition,
    Slot,
    TooLarge,
    Weaver,
)
from smq.graph.members import (
    at_own_grain,
    call_readings,
    member_ref,
    metric_value,
    metrics_about,
)
from smq.graph.references import METRIC_TIME, RowRef, readings, splits
from smq.problem import Problem, Related
from smq.query.aggregates import MisplacedCall, misplaced
from smq.query.bound import Group, Output, PostExpression, PostFilter, PostSlot, RowFilter
from smq.query.names import Failure, Names, Place, each
from smq.query.written import Item
from smq.text import Location, nearest

Meaning = RowRef | InnerRef | MetricValue | Formula | Output

_NUMERIC = frozenset({"SUM", "COUNT", "COUNT_DISTINCT", "AVG", "MEDIAN", "PERCENTILE"})
_IN_SOURCES = ("query", "unnest", "field")
_STATEMENT = re.compile(
    r"(?i)\s*(select|with|insert|update|delete|merge|drop|create|alter|truncate|grant|copy|call|set)"
    r"\s+\S"
)


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
        self.lost_outputs: set[str] = set()
        """Names of `metrics` items with a mistake: those who use them need not hear of it again."""
        self.lost_groups: set[str] = set()
        """What `groupBy` items with a mistake were probably meant to be."""

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
        if fault.kind == "syntax" and _STATEMENT.match(item.text):
            args["detail"] = "a whole statement"
            raise Failure(Problem("EXP102", item.location, args))
        raise Failure(Problem(code, item.part(fault.start, fault.end), args))

    # Metrics by name.

    def metric(self, name: str, item: Item, at: tuple[int, int]) -> PostExpression:
        """A metric's value at the query's grain. Raises Failure when its definition is broken."""
        weaver = Weaver()
        formula = self.formula(name, item, at)
        tree = self._embedded(weaver, self._settled(formula, item, at, name), item)
        return self._finished(tree, weaver, formula.windowed)

    def _embedded(self, weaver: Weaver, formula: Formula, item: Item) -> exp.Expr:
        try:
            return weaver.embed(formula)
        except TooLarge as error:
            raise Failure(Problem("EXP121", item.location, {})) from error

    def formula(self, name: str, item: Item, at: tuple[int, int]) -> Formula:
        formula = expand(self.graph, name, self.dialect)
        if isinstance(formula, Broken):
            cause = formula.problems[0]
            related = tuple(Related(p.location, "the cause") for p in formula.problems)
            args = {"name": name, "cause": cause.code, "facts": tuple(cause.args.items())}
            raise Failure(Problem("NAM124", item.part(*at), args, related))
        return formula

    def _settled(self, formula: Formula, item: Item, at: tuple[int, int], metric: str) -> Formula:
        """Names in a metric's own window, resolved against the query's groupBy."""

        def settled(slot: Slot) -> Slot:
            if isinstance(slot, LateName):
                return self._late(slot, item, at, metric)
            if isinstance(slot, RowRef):
                return self.grouped(at_own_grain(self.graph, slot), item, at, "EXP104", metric)
            return slot

        slots = tuple(each(formula.slots, settled))
        return Formula(formula.tree, slots, formula.windowed, size=formula.size)

    def _late(self, late: LateName, item: Item, at: tuple[int, int], metric: str) -> RowRef:
        same = [g.ref for g in self.groups if g.ref.name == late.name]
        if len(same) == 1:
            return same[0]
        if late.name in self.lost_groups:
            raise Failure
        owners = tuple(f"{m}__{late.name}" for m in self.graph.models_with(late.name))
        reference = owners[0] if owners else late.name
        args = {"reference": reference, "candidates": owners, "metric": metric}
        related = (Related(late.location, "the metric's window names it"),)
        raise Failure(Problem("EXP104", item.part(*at), args, related))

    # After aggregation.

    def post(self, item: Item, template: Template, meanings: dict[int, Meaning]) -> PostExpression:
        """The template over aggregated rows. Raises Failure."""
        weaver = Weaver()
        found = each(template.uses, lambda use: self._value(use, meanings[use.slot], item, weaver))
        values = {use.slot: value for use, value in zip(template.uses, found, strict=True)}
        windowed = template.has_window or any(
            _is_windowed(meaning) for meaning in meanings.values()
        )
        assert template.tree is not None
        holder = exp.Paren(this=copied(template.tree))
        for node in list(holder.find_all(exp.Placeholder)):
            value = copied(values[int(node.this)])
            node.replace(_as_operand(value, node, holder))
        for division in holder.find_all(exp.Div):
            division.set("typed", False)
        tree = holder.this.pop()
        return self._finished(tree, weaver, windowed)

    def _value(self, use: NameUse, meaning: Meaning, item: Item, weaver: Weaver) -> exp.Expr:
        at = (use.start, use.end)
        if use.in_window and _is_windowed(meaning):
            raise Failure(Problem("EXP110", item.part(*at), {"name": use.name}))
        if isinstance(meaning, Formula):
            return self._embedded(weaver, self._settled(meaning, item, at, use.name), item)
        if isinstance(meaning, Output):
            inner = meaning.expression
            within = Formula(inner.tree, inner.slots, inner.windowed)
            return self._embedded(weaver, within, item)
        if isinstance(meaning, MetricValue):
            args = {
                "text": item.text[use.start : use.end],
                "detail": "a metric by an entity is a value of rows, before aggregation",
            }
            raise Failure(Problem("EXP112", item.part(*at), args))
        if isinstance(meaning, InnerRef):
            args2 = {"table": meaning.model, "model": meaning.model, "nearest": ()}
            raise Failure(Problem("EXP106", item.part(*at), args2))
        if meaning.kind == "measure":
            return weaver.slot(self._own_aggregate(meaning, item, use))
        code = "EXP104" if use.in_window else "EXP107"
        return weaver.slot(self.grouped(meaning, item, at, code))

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

    def grouped(
        self, ref: RowRef, item: Item, at: tuple[int, int], code: str, metric: str = ""
    ) -> RowRef:
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
        if self.is_lost(ref):
            raise Failure
        args = {"reference": ref.written, "candidates": (ref.written,), "metric": metric}
        raise Failure(Problem(code, item.part(*at), args))

    def is_lost(self, ref: RowRef) -> bool:
        """A `groupBy` item that probably means this has a mistake; mending it brings it back."""
        return bool({ref.written, ref.name} & self.lost_groups)

    def metrics_on(self, ref: RowRef, function: str = "") -> tuple[str, ...]:
        """Metrics that aggregate a row value, those with the given function alone first."""
        found: list[tuple[bool, str]] = []
        for name in metrics_about(self.graph, ref.model):
            formula = expand(self.graph, name, self.dialect)
            if isinstance(formula, Broken):
                continue
            leaves = [leaf for leaf in formula.leaves if _reads(leaf, ref)]
            if leaves:
                alone = len(formula.leaves) == 1 and leaves[0].function == function
                found.append((not (alone and isinstance(formula.tree, exp.Placeholder)), name))
        found.sort(key=lambda pair: pair[0])
        return tuple(name for _, name in found[:8])

    # Filters.

    def filter(self, item: Item) -> list[RowFilter | PostFilter]:
        """The conditions of a filter, each in its stage. Raises Failure with every mistake."""
        template = self.parse(item)
        if template.alias is not None:
            args = {"text": item.text, "detail": "a filter takes no alias"}
            raise Failure(Problem("EXP101", item.part(*template.alias_at), args))
        calls = misplaced(template)
        problems = [self.aggregate_problem(item, template, call) for call in calls]
        try:
            found = each(conjuncts(template), lambda part: self._condition(item, part))
        except Failure as failure:
            raise Failure(*problems, *failure.problems) from failure
        if problems:
            raise Failure(*problems)
        return found

    def _condition(self, item: Item, part: Template) -> RowFilter | PostFilter:
        scopes = self._inner_models(item, part)
        # What an aggregate that may not be there takes is no further mistake.
        uses = [use for use in part.uses if not use.in_aggregate or use.scope]
        found = each(uses, lambda use: self.meaning(item, use, part, scopes))
        meanings = {use.slot: meaning for use, meaning in zip(uses, found, strict=True)}
        if len(uses) < len(part.uses):
            raise Failure
        self._check_condition(item, part, meanings)
        if part.has_window or any(isinstance(m, (Formula, Output)) for m in meanings.values()):
            if part.tables:
                table = part.tables[0]
                args = {"table": table.name, "model": table.name, "nearest": ()}
                raise Failure(Problem("EXP106", item.part(table.start, table.end), args))
            return PostFilter(self.post(item, part, meanings), item, item.text)
        tables = tuple((t.slot, scopes[t.slot][1], scopes[t.slot][0]) for t in part.tables)
        refs: list[ConditionRef] = []
        for use in part.uses:
            meaning = meanings[use.slot]
            assert isinstance(meaning, (RowRef, InnerRef, MetricValue))
            refs.append(meaning)
        condition = RowCondition(part, tuple(refs), item.text, tables, item.path)
        return RowFilter(condition, item)

    def _check_condition(self, item: Item, part: Template, meanings: dict[int, Meaning]) -> None:
        """Raises Failure for what is surely neither true nor false, or can never be computed."""
        assert part.tree is not None
        if not is_boolean(part) or (part.is_bare_name and self._is_value(meanings)):
            raise Failure(Problem("EXP105", item.location, {"text": item.text}))
        for node in part.tree.find_all(exp.In):
            if not node.expressions and not any(node.args.get(key) for key in _IN_SOURCES):
                args = {"text": item.text, "detail": "IN needs at least one value"}
                raise Failure(Problem("EXP101", item.location, args))

    def _is_value(self, meanings: dict[int, Meaning]) -> bool:
        """Whether a filter that is one name alone is known to be a number, a text or a date."""
        (meaning,) = meanings.values()
        written: str | None = None
        if isinstance(meaning, Formula):
            written = meaning.data_type
            if written is None and {leaf.function for leaf in meaning.leaves} <= _NUMERIC:
                return True
        elif isinstance(meaning, RowRef) and meaning.kind in ("dimension", "measure"):
            index = self.graph.index(meaning.model)
            members = index.dimensions if meaning.kind == "dimension" else index.measures
            written = members[meaning.name].data_type
        return written is not None and value_kind(written) not in ("boolean", "other", None)

    def aggregate_problem(self, item: Item, template: Template, call: MisplacedCall) -> Problem:
        """An aggregate where only metrics may stand: around a metric, a column, or nothing."""
        place = item.part(call.start, call.end)
        if call.needs_over:
            return Problem("EXP116", place, {"function": call.function})
        inside = [use for use in template.uses if call.start <= use.start < call.end]
        metrics = [use.name for use in inside if use.name in self.graph.metrics]
        args: dict[str, object] = {"function": call.function}
        if metrics:
            same = call.function == "SUM" or call.leaf_function in self._functions(metrics[0])
            args |= {"metric": metrics[0], "inner": call.inner(item.text), "same": same}
            return Problem("NAM107", place, args)
        refs = [ref for use in inside for ref in self._row_refs(use)]
        known = [self.metrics_on(ref, call.leaf_function) for ref in refs]
        suggestions = next((names for names in known if names), ())
        names = tuple(use.name for use in inside)
        args |= {"call": item.text[call.start : call.end], "names": names, "metrics": suggestions}
        return Problem("EXP103", place, args)

    def _functions(self, metric: str) -> set[str]:
        """The aggregates that a metric is made of."""
        formula = expand(self.graph, metric, self.dialect)
        return set() if isinstance(formula, Broken) else {leaf.function for leaf in formula.leaves}

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
            if name in self.lost_outputs:
                raise Failure
        place = self._place(item, use)
        if "__" in name or name == METRIC_TIME:
            return self._prefixed(item, use, name, place)
        return self._bare(item, use, self.names.bare(name), self.names.elsewhere(name))

    def _prefixed(self, item: Item, use: NameUse, name: str, place: Place) -> RowRef:
        try:
            return self.names.row(name, place)
        except Failure as failure:
            if any(problem.code == "NAM112" for problem in failure.problems):
                # `order_date__month` has a separator and still is a bare name.
                found = self.names.bare_readings(name)
                inside = tuple(ref for ref in found if ref.model in self.names.scope)
                return self._bare(item, use, inside, found)
            raise

    def _place(self, item: Item, use: NameUse) -> Place:
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
                    "nearest": self.names.near_metrics(call.name),
                }
                place = self._place_in_call(item, use)
                raise Failure(Problem("NAM101", place(0, len(call.name)), args))
            formula = self.formula(call.name, item, (use.start, use.end))
            if not call.group_by:
                return formula
            value = metric_value(self.graph, call, self.names.grains)
            if value is None:
                detail = f"{', '.join(call.group_by)} is not one entity"
                args = {"text": item.text[use.start : use.end], "detail": detail}
                raise Failure(Problem("EXP112", at, args))
            loose = ungrouped(formula, value.by)
            if loose is not None:
                detail = f"the window of '{call.name}' needs '{loose}', which it is not grouped by"
                args = {"text": item.text[use.start : use.end], "detail": detail}
                raise Failure(Problem("EXP112", at, args))
            return value
        found = call_readings(self.graph, use, self.names.grains)
        if len(found) > 1:
            args = {"name": call.name, "readings": tuple(self.names.explain(r) for r in found)}
            raise Failure(Problem("NAM115", at, args))
        name = f"{call.name}__{call.grain}" if call.grain else call.name
        if not found:
            raise Failure(self.names.unknown(name, self._place_in_call(item, use)))
        ref = self.names.bound_to_instance(found[0], lambda start, end: at, name)
        return self.names.checked(ref, name, self._place_in_call(item, use))

    def _place_in_call(self, item: Item, use: NameUse) -> Place:
        """Places in `name__grain` as they stand in `{{ TimeDimension('name', 'grain') }}`."""
        call = use.call
        assert call is not None
        text = item.text[use.start : use.end]
        at = text.find(call.name)
        behind = at + len(call.name)
        grain = re.search(re.escape(call.grain or ""), text[behind:], re.IGNORECASE)

        def place(start: int, end: int) -> Location:
            if at < 0:
                return item.part(use.start, use.end)
            if end <= len(call.name):
                return item.part(use.start + at + start, use.start + at + end)
            if start > len(call.name) and grain is not None:
                first = use.start + behind
                return item.part(first + grain.start(), first + grain.end())
            return item.part(use.start, use.end)

        return place

    def _dotted(self, item: Item, use: NameUse) -> Meaning:
        """`alias.column` of a written FROM clause, or `model.dimension` by mistake."""
        head, rest = use.parts[0], "__".join(use.parts[1:])
        model = self.names.instances.get(head)
        if model is not None:
            ref = member_ref(self.graph, model, rest)
            if ref is not None:
                return RowRef(ref.kind, model, ref.name, None, (), head)
        elif self.names.clause_is_broken and head not in self.graph.models:
            raise Failure
        name = f"{model or head}__{rest}"
        found = readings(self.graph, name, self.names.grains)
        if any(isinstance(reading, RowRef) for reading in found):
            args = {"name": use.name, "reference": f"{head}__{rest}"}
            raise Failure(Problem("NAM127", item.part(use.start, use.end), args))
        shift = len(model or head) - len(head)

        def place(start: int, end: int) -> Location:
            if use.end - use.start != len(use.name) or len(use.parts) != 2:
                return item.part(use.start, use.end)
            # The dot is one character where the separator of the name has two.
            first = use.start + (start - shift - 1 if start > len(model or head) else start)
            last = use.start + (end - shift if end <= len(model or head) else end - shift - 1)
            return item.part(first, last)

        raise Failure(self.names.unknown(name, place, found))

    def _bare(
        self, item: Item, use: NameUse, inside: tuple[RowRef, ...], all_of: tuple[RowRef, ...]
    ) -> RowRef:
        """A name without a model, which exactly one model in the query must have."""
        at = item.part(use.start, use.end)
        name = use.name
        if len(inside) == 1:
            ref = self.names.bound_to_instance(inside[0], lambda a, b: at, name)
            self.problems.append(Problem("NAM113", at, {"name": name, "reference": ref.written}))
            return ref
        refs = inside or all_of
        if refs:
            candidates = tuple(ref.written for ref in refs)
            args = {"name": name, "candidates": candidates, "inside": bool(inside)}
            raise Failure(Problem("NAM114", at, args))
        outputs = nearest(name, (output.name for output in self.outputs))
        near = tuple(dict.fromkeys((*outputs, *self.names.near(name))))[:3]
        if not near and use.quoted == (True,) and item.text[use.start : use.start + 1] == '"':
            raise Failure(Problem("NAM128", at, {"text": name}))
        raise Failure(Problem("NAM120", at, {"name": name, "nearest": near}))

    # Subqueries over models.

    def _inner_models(self, item: Item, part: Template) -> dict[int, tuple[str, str]]:
        """For each table of a subquery its (alias, model). Raises Failure for a raw table."""
        found: dict[int, tuple[str, str]] = {}
        for table in part.tables:
            if table.name not in self.graph.models:
                at = item.part(table.start, table.end)
                args = {
                    "table": table.name,
                    "model": "",
                    "nearest": self.names.near_models(table.name),
                }
                raise Failure(Problem("EXP106", at, args))
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
            members = [m for t in tables for m in self.names.members(scopes[t.slot][1])]
            args = {"name": use.name, "nearest": nearest(use.name, members)}
            raise Failure(Problem("NAM120", item.part(use.start, use.end), args))
        return None

    def _inner_member(
        self, use: NameUse, alias: str, written: str, model: str, tables: list[TableUse]
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


def _is_windowed(meaning: Meaning) -> bool:
    if isinstance(meaning, Output):
        return meaning.expression.windowed
    return isinstance(meaning, Formula) and meaning.windowed


def _reads(leaf: Leaf, ref: RowRef) -> bool:
    return any((own.model, own.name) == (ref.model, ref.name) for own in leaf.refs)


def _as_operand(value: exp.Expr, place: exp.Expr, holder: exp.Expr) -> exp.Expr:
    """Parenthesised where it is an operator inside another one."""
    is_operator = isinstance(value, (exp.Binary, exp.Unary)) and not isinstance(value, exp.Paren)
    inside = place.parent is not holder and not isinstance(place.parent, (exp.Paren, exp.Func))
    return exp.Paren(this=value) if is_operator and inside else value

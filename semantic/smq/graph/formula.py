"""A metric as a formula over leaves: the aggregates that must be computed from rows.

A leaf is (aggregate, row expression, row filters, base model); each base row counts once. Every
metric of any kind and dialect becomes one expression over such leaves, which `plan` then computes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from sqlglot import exp

from smq.expr import NameUse, Template, parse_expression, woven
from smq.graph.aggregates import AggregateCall, leaf_of, measure_leaf, outline_of, time_dimension
from smq.graph.cycles import long_cycle
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import (
    Broken,
    ConditionRef,
    Formula,
    LateName,
    Leaf,
    MetricValue,
    RowCondition,
    Slot,
    TooLarge,
    Weaver,
    measured,
)
from smq.graph.members import (
    call_readings,
    member_ref,
    metric_value,
    nearest_members,
    row_readings,
)
from smq.graph.references import RowRef, all_grains, metric_time, readings
from smq.graph.symbols import Filter, FrameWindow, Input, Measure, Metric, Model, Sql
from smq.problem import Problem
from smq.text import Location, Span

MAX_LEVELS = 64
"""How many metrics may stand on each other; beyond it a metric is refused as too large."""

SHOWN_OF_CYCLE = 12
"""How many names of a cycle of metrics a problem holds at most."""

Wanted = Literal["metric", "measure", "dimension", "row"]
"""What an unknown name must have been, by where it stands; a row's value inside an aggregate."""


def expand(graph: SemanticGraph, metric: str, dialect: str) -> Formula | Broken:
    """The formula of a metric. Raises KeyError for an unknown name; cycles come back broken."""
    return _Expander(graph, dialect).metric(metric)


def ungrouped(formula: Formula, by: Iterable[RowRef]) -> str | None:
    """What the windows of a formula read beside these groups, if anything."""
    groups = frozenset(by)
    for slot in formula.slots:
        if isinstance(slot, LateName):
            return slot.name
        if isinstance(slot, RowRef) and slot not in groups:
            return slot.written
    return None


def _of_cycle(metric: Metric, cycle: tuple[str, ...]) -> Problem:
    """The problem of a cycle that begins and ends with the metric; of a long one with its ends."""
    if len(cycle) <= SHOWN_OF_CYCLE:
        return Problem("MET101", metric.name_at, {"cycle": cycle})
    ends = (*cycle[: SHOWN_OF_CYCLE - 3], *cycle[-3:])
    args = {"cycle": ends, "left_out": len(cycle) - len(ends)}
    return Problem("MET101", metric.name_at, args)


class _Fault(Exception):
    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


class _Expander:
    def __init__(self, graph: SemanticGraph, dialect: str) -> None:
        self.graph = graph
        self.dialect = dialect
        self.grains = all_grains(graph)
        self.chain: list[str] = []

    def metric(self, name: str) -> Formula | Broken:
        key = name, self.dialect
        known = self.graph.formulas
        cached: Formula | Broken | None = known.get(key)
        if cached is None and self.graph.carried is not None:
            earlier = self.graph.carried.formula(key, MAX_LEVELS - len(self.chain))
            if isinstance(earlier, Formula):
                cached = known[key] = earlier
        if cached is not None:
            return cached
        metric = self.graph.metrics[name]
        if name in self.chain:
            cycle = (*self.chain[self.chain.index(name) :], name)
            return Broken((_of_cycle(metric, cycle),))
        self.chain.append(name)
        try:
            if len(self.chain) > MAX_LEVELS:
                raise _Fault([self._too_deep()])
            result: Formula | Broken = self._expand(metric)
        except _Fault as fault:
            result = Broken(fault.problems)
        except (TooLarge, RecursionError):
            result = Broken((Problem("MET110", metric.name_at, {"metric": name}),))
        finally:
            self.chain.pop()
        # A metric inside a cycle, or too far below another one, is broken differently from each
        # entry point; keep none of them.
        if not self.chain or isinstance(result, Formula):
            known[key] = result
        return result

    def _too_deep(self) -> Problem:
        """What is wrong with the chain: a metric that comes back to itself, or only its length."""
        first = self.graph.metrics[self.chain[0]]
        cycle = long_cycle(self.graph, first.name, self.dialect)
        if cycle is None:
            return Problem("MET110", first.name_at, {"metric": first.name})
        return _of_cycle(self.graph.metrics[cycle[0]], cycle)

    def _expand(self, metric: Metric) -> Formula:
        if metric.beyond:
            raise _Fault(
                Problem("MET104", place, {"metric": metric.name, "feature": feature})
                for feature, place in metric.beyond
            )
        if metric.kind == "ratio" and metric.numerator and metric.denominator:
            formula = self._ratio(metric, metric.numerator, metric.denominator)
        elif metric.measure is not None:
            formula = self._of_measure(metric, metric.measure)
        elif metric.expr is not None:
            formula = self._of_expression(metric, metric.expr)
        else:
            raise _Fault(
                [
                    Problem(
                        "MET104",
                        metric.name_at,
                        {"metric": metric.name, "feature": f"{metric.kind} without a definition"},
                    )
                ]
            )
        if metric.filters:
            formula = self._filtered(formula, metric.filters, metric)
        if metric.window is not None:
            formula = self._over_window(metric, formula, metric.window)
        return replace(formula, data_type=metric.data_type, size=measured(formula.tree))

    # The kinds.

    def _of_measure(self, metric: Metric, given: Input) -> Formula:
        model, measure = self._find_measure(metric, given.name, given.name_at)
        if measure.non_additive is not None:
            args = {"metric": metric.name, "feature": "non_additive_dimension"}
            raise _Fault([Problem("MET104", measure.non_additive.location, args)])
        if given.join_to_timespine:
            args = {"metric": metric.name, "feature": "join_to_timespine"}
            raise _Fault([Problem("MET104", given.name_at, args)])
        leaf = leaf_of(self.graph, model, measure, (), given.fill_nulls_with)
        if leaf is None:
            written = f"{model.name}__{measure.name}"
            facts = {"metric": metric.name, "measure": written, "agg": measure.agg}
            raise _Fault([Problem("MET107", given.name_at, facts)])
        formula = Formula(exp.Placeholder(this="0"), (leaf,))
        return self._filtered(formula, given.filters, metric) if given.filters else formula

    def _ratio(self, metric: Metric, top: Input, bottom: Input) -> Formula:
        weaver = Weaver()
        numerator = weaver.embed(self._input(metric, top))
        denominator = weaver.embed(self._input(metric, bottom))
        tree = exp.Div(
            this=_wrapped(numerator),
            expression=exp.Nullif(this=denominator, expression=exp.Literal.number(0)),
            typed=False,
            safe=False,
        )
        return Formula(tree, tuple(weaver.slots))

    def _input(self, metric: Metric, given: Input) -> Formula:
        if given.offset_window or given.offset_to_grain:
            feature = "offset_window" if given.offset_window else "offset_to_grain"
            args = {"metric": metric.name, "feature": feature}
            raise _Fault([Problem("MET104", given.name_at, args)])
        if given.name in self.graph.metrics:
            formula = self._known(given.name)
        elif any(given.name in self.graph.index(m).measures for m in self._models(given.name)):
            formula = self._of_measure(metric, replace(given, filters=()))
        else:
            raise _Fault([self._unknown(metric, given.name, given.name_at, "metric")])
        return self._filtered(formula, given.filters, metric) if given.filters else formula

    def _known(self, name: str) -> Formula:
        formula = self.metric(name)
        if isinstance(formula, Broken):
            raise _Fault(formula.problems)
        return formula

    def _of_expression(self, metric: Metric, sql: Sql) -> Formula:
        template = parse_expression(sql.text, self.dialect)
        if template.fault is not None:
            place = _part(sql, template.fault.start, template.fault.end)
            args = {"text": sql.text, "detail": template.fault.detail}
            raise _Fault([Problem("MET105", place, args)])
        if template.tables:
            args = {"metric": metric.name, "feature": "a subquery in a metric"}
            raise _Fault([Problem("MET104", sql.location, args)])
        inputs = {(given.alias or given.name): given for given in metric.inputs}
        return _Expression(self, metric, sql, template, inputs).formula()

    def _over_window(self, metric: Metric, formula: Formula, window: FrameWindow) -> Formula:
        if formula.windowed:
            args = {"metric": metric.name, "feature": "a window over a window"}
            raise _Fault([Problem("MET104", window.location, args)])
        weaver = Weaver()
        value = weaver.embed(formula)
        functions = {leaf.function for leaf in formula.leaves}
        function: exp.Expr
        if functions == {"MIN"}:
            function = exp.Min(this=value)
        elif functions == {"MAX"}:
            function = exp.Max(this=value)
        elif functions <= {"AVG", "MEDIAN", "PERCENTILE"}:
            function = exp.Avg(this=value)
        else:
            function = exp.Sum(this=value)
        base = formula.leaves[0].base if formula.leaves else None
        partition = [self._window_key(weaver, metric, key, base)[0] for key in window.partition_by]
        ordered: list[exp.Expr] = []
        for key in window.order_by:
            slot, descending = self._window_key(weaver, metric, key, base)
            ordered.append(exp.Ordered(this=slot, desc=descending, nulls_first=False))
        node = exp.Window(this=function, partition_by=partition, over="OVER")
        if ordered:
            node.set("order", exp.Order(expressions=ordered))
        if window.frame is not None:
            node.set("spec", self._frame(metric, window.frame))
        return Formula(node, tuple(weaver.slots), windowed=True)

    def _window_key(
        self, weaver: Weaver, metric: Metric, key: Sql, base: str | None
    ) -> tuple[exp.Expr, bool]:
        words = key.text.split()
        descending = len(words) == 2 and words[1].lower() == "desc"
        if len(words) > 2 or (len(words) == 2 and words[1].lower() not in ("asc", "desc")):
            args = {"text": key.text, "detail": "a window key is one name, with ASC or DESC"}
            raise _Fault([Problem("MET105", key.location, args)])
        name = words[0] if words else ""
        if name.startswith("-"):
            name, descending = name[1:], True
        ref = metric_time(name, self.grains)
        if ref is None:
            found = [r for r in readings(self.graph, name, self.grains) if isinstance(r, RowRef)]
            if len(found) > 1:
                args2 = {
                    "metric": metric.name,
                    "name": name,
                    "readings": tuple(r.written for r in found),
                }
                raise _Fault([Problem("MET109", key.location, args2)])
            ref = found[0] if found else None
        if ref is None and base is not None and name in self.graph.index(base).dimensions:
            ref = RowRef("dimension", base, name)
        if ref is None and not self.graph.models_with(name):
            raise _Fault([self._unknown(metric, name, key.location, "dimension")])
        slot: Slot = ref if ref is not None else LateName(name, key.location)
        return weaver.slot(slot), descending

    def _frame(self, metric: Metric, frame: Sql) -> exp.Expr:
        probe = parse_expression(f"SUM(x) OVER (ORDER BY y {frame.text})", self.dialect)
        spec = probe.tree.args.get("spec") if probe.tree is not None else None
        if spec is None:
            args = {"text": frame.text, "detail": "not a window frame"}
            raise _Fault([Problem("MET105", frame.location, args)])
        return spec.copy()  # type: ignore[no-any-return]

    # Filters.

    def _filtered(self, formula: Formula, filters: Iterable[Filter], metric: Metric) -> Formula:
        weaver = Weaver()
        wanted = tuple(filters)
        slots: dict[str, Leaf] = {}
        for leaf in formula.leaves:
            conditions = tuple(self._condition(metric, item.sql, leaf.base) for item in wanted)
            added = (*leaf.filters, *conditions)
            slots[leaf.key] = replace(
                leaf,
                filters=added,
                key=f"{leaf.key}|where {' and '.join(c.key for c in conditions)}",
                name=metric.name if len(formula.leaves) == 1 else f"{metric.name}_{leaf.name}",
            )

        def value(place: exp.Expr) -> exp.Expr:
            slot = formula.slots[int(place.this)]
            return weaver.slot(slots[slot.key] if isinstance(slot, Leaf) else slot)

        return Formula(woven(formula.tree, value), tuple(weaver.slots), formula.windowed)

    def _condition(self, metric: Metric, sql: Sql, base: str) -> RowCondition:
        template = parse_expression(sql.text, self.dialect)
        if template.fault is not None:
            place = _part(sql, template.fault.start, template.fault.end)
            args = {"text": sql.text, "detail": template.fault.detail}
            raise _Fault([Problem("MET105", place, args)])
        if template.has_aggregate or template.has_window or template.tables:
            args = {
                "metric": metric.name,
                "feature": "aggregates and subqueries in a metric filter",
            }
            raise _Fault([Problem("MET104", sql.location, args)])
        refs: list[ConditionRef] = []
        for use in template.uses:
            if use.call is not None and use.call.kind == "Metric":
                refs.append(self._metric_value(metric, sql, use))
            else:
                refs.append(self._row_name(metric, sql, use, base, "dimension"))
        return RowCondition(template, tuple(refs), sql.text, at=sql.location)

    def _metric_value(self, metric: Metric, sql: Sql, use: NameUse) -> MetricValue:
        call = use.call
        assert call is not None
        place = _part(sql, use.start, use.end)
        if call.name not in self.graph.metrics:
            raise _Fault([self._unknown(metric, call.name, place, "metric")])
        # Expanding it here finds a metric that filters itself.
        formula = self._known(call.name)
        value = metric_value(self.graph, call, self.grains)
        if value is None:
            args = {"metric": metric.name, "feature": "Metric(…) without one entity to group by"}
            raise _Fault([Problem("MET104", place, args)])
        loose = ungrouped(formula, value.by)
        if loose is not None:
            feature = f"Metric('{call.name}'), whose window needs '{loose}',"
            raise _Fault([Problem("MET104", place, {"metric": metric.name, "feature": feature})])
        return value

    # Names.

    def _row_name(
        self, metric: Metric, sql: Sql, use: NameUse, base: str | None, wanted: Wanted
    ) -> RowRef:
        place = _part(sql, use.start, use.end)
        if use.call is not None:
            found = call_readings(self.graph, use, self.grains)
            name = use.call.name
        else:
            name = use.parts[0] if len(use.parts) == 1 else "__".join(use.parts)
            found = row_readings(self.graph, name, self.grains)
        if not found and (use.call is None or "__" not in name):
            found = self._bare(name, base, metric.declared_with)
        if len(found) > 1:
            args = {
                "metric": metric.name,
                "name": name,
                "readings": tuple(ref.written for ref in found),
            }
            raise _Fault([Problem("MET109", place, args)])
        if not found:
            raise _Fault([self._unknown(metric, name, place, wanted)])
        return found[0]

    def _bare(self, name: str, base: str | None, declared_with: str | None) -> tuple[RowRef, ...]:
        for model in (base, declared_with):
            if model is not None and model in self.graph.models:
                ref = member_ref(self.graph, model, name)
                if ref is not None:
                    return (ref,)
        found = (member_ref(self.graph, model, name) for model in self._models(name))
        return tuple(ref for ref in found if ref is not None)

    def _models(self, member: str) -> tuple[str, ...]:
        return self.graph.models_with(member)

    def _find_measure(self, metric: Metric, name: str, place: Location) -> tuple[Model, Measure]:
        if "__" in name:
            for reading in readings(self.graph, name, self.grains):
                if isinstance(reading, RowRef) and reading.kind == "measure":
                    model = self.graph.models[reading.model]
                    return model, self.graph.index(reading.model).measures[reading.name]
        owners = [m for m in self._models(name) if name in self.graph.index(m).measures]
        if metric.declared_with in owners:
            owners = [str(metric.declared_with)]
        if len(owners) > 1:
            args = {
                "metric": metric.name,
                "name": name,
                "readings": tuple(f"{owner}__{name}" for owner in owners),
            }
            raise _Fault([Problem("MET109", place, args)])
        if not owners:
            raise _Fault([self._unknown(metric, name, place, "measure")])
        return self.graph.models[owners[0]], self.graph.index(owners[0]).measures[name]

    def _unknown(self, metric: Metric, name: str, place: Location, wanted: Wanted) -> Problem:
        near = nearest_members(self.graph, name, exclude=metric.name)
        facts = {"metric": metric.name, "name": name, "nearest": near, "wanted": wanted}
        return Problem("MET102", place, facts)


class _Expression:
    """One metric `expr`: its aggregates become leaves, its metric names their formulas."""

    def __init__(
        self,
        expander: _Expander,
        metric: Metric,
        sql: Sql,
        template: Template,
        inputs: dict[str, Input],
    ) -> None:
        self.expander = expander
        self.graph = expander.graph
        self.metric = metric
        self.sql = sql
        self.template = template
        self.inputs = inputs
        self.weaver = Weaver()
        self.leaves: list[Leaf] = []
        self.windowed = template.has_window

    def formula(self) -> Formula:
        template = self.template
        for function in template.functions:
            if function.in_aggregate and not function.windowed:
                place = self._part(function.start, function.end)
                args = {"metric": self.metric.name, "inner": function.name}
                raise _Fault([Problem("MET106", place, args)])
        outline = outline_of(template)
        by_slot = {use.slot: self._row(use) for use in template.uses if use.in_aggregate}
        bases = [self._base_of(root.arguments, by_slot) for root in outline.roots]
        known = {base for base in bases if base is not None}
        for root, base in zip(outline.roots, bases, strict=True):
            home = base or self._lone(root, known, by_slot)
            leaf = self._leaf(root, home, by_slot, outline.is_whole)
            self.weaver.slot(leaf)
            self.leaves.append(leaf)
        tree = woven(outline.tree, self._value)
        return Formula(tree, tuple(self.weaver.slots), self.windowed)

    def _value(self, place: exp.Expr) -> exp.Expr:
        """What stands in a place of the outline: a leaf, or a name outside every aggregate."""
        kind, number = place.this[0], int(place.this[1:])
        if kind == "L":
            return self.weaver.slot(self.leaves[number])
        return self._outer(self.template.uses[number])

    def _part(self, start: int, end: int) -> Location:
        return _part(self.sql, start, end)

    def _row(self, use: NameUse) -> RowRef:
        name = use.parts[0]
        if use.call is None and len(use.parts) == 1 and "__" not in name:
            is_metric = name in self.inputs or name in self.graph.metrics
            ref = self.expander._bare(name, None, self.metric.declared_with)
            if is_metric and not ref:
                args = {"metric": self.metric.name, "inner": name}
                raise _Fault([Problem("MET106", self._part(use.start, use.end), args)])
        return self.expander._row_name(self.metric, self.sql, use, None, "row")

    def _base_of(self, slots: tuple[int, ...], by_slot: dict[int, RowRef]) -> str | None:
        """The base that an aggregate's arguments tell; None for COUNT(*) and constants."""
        refs = [by_slot[slot] for slot in slots]
        models = list(dict.fromkeys(ref.model for ref in refs if ref.model))
        if len(models) <= 1:
            return models[0] if models else None
        direct = list(dict.fromkeys(ref.model for ref in refs if ref.model and not ref.via))
        candidates = [
            model
            for model in (direct or models)
            if all(other in self.graph.joins.distances(model) for other in models)
        ]
        if len(candidates) != 1:
            args = {"metric": self.metric.name, "models": tuple(models)}
            raise _Fault([Problem("MET103", self.sql.location, args)])
        return candidates[0]

    def _lone(self, root: AggregateCall, known: set[str], by_slot: dict[int, RowRef]) -> str:
        """The base of COUNT(*): that of the other leaves, else the declaring model.

        Where neither tells, the model that its FILTER reads does.
        """
        if len(known) == 1:
            return next(iter(known))
        if not known:
            if self.metric.declared_with in self.graph.models:
                return str(self.metric.declared_with)
            filtered = self._base_of(root.slots, by_slot)
            if filtered is not None:
                return filtered
        args = {"metric": self.metric.name, "models": tuple(sorted(known))}
        raise _Fault([Problem("MET103", self.sql.location, args)])

    def _leaf(
        self, root: AggregateCall, base: str, by_slot: dict[int, RowRef], whole: bool
    ) -> Leaf:
        refs = tuple(by_slot[slot] for slot in root.slots)
        names = "|".join(ref.written for ref in refs)
        inner = refs[0].name if refs else "rows"
        name = self.metric.name if whole else f"{root.function.lower()}_{inner}"
        time = time_dimension(self.graph, self.graph.models[base], self._agg_time(refs, base))
        key = f"{base}|{root.sql}|{names}"
        return Leaf(key, name, root.function, base, root.tree, refs, time=time)

    def _agg_time(self, refs: Iterable[RowRef], base: str) -> str | None:
        for ref in refs:
            if ref.kind == "measure" and ref.model == base:
                return self.graph.index(base).measures[ref.name].agg_time_dimension
        return None

    def _outer(self, use: NameUse) -> exp.Expr:
        """A name outside every aggregate: a metric, or a measure with its own aggregation."""
        name = use.parts[0] if len(use.parts) == 1 else "__".join(use.parts)
        place = self._part(use.start, use.end)
        if use.call is not None:
            args = {"metric": self.metric.name, "feature": f"{use.call.kind}(…) in an expression"}
            raise _Fault([Problem("MET104", place, args)])
        if name in self.inputs:
            return self._embedded(self.expander._input(self.metric, self.inputs[name]))
        if name in self.graph.metrics and (name != self.metric.name or "__" not in name):
            owners = [m for m in self.graph.models_with(name) if name in self._measures(m)]
            if name != self.metric.name or not owners:
                return self._embedded(self.expander._known(name))
        wanted: Wanted = "dimension" if use.role in ("partition", "order") else "metric"
        ref = self.expander._row_name(self.metric, self.sql, use, None, wanted)
        if use.in_window and ref.kind != "measure":
            return self.weaver.slot(ref)
        if ref.kind != "measure":
            args = {"metric": self.metric.name, "name": ref.written}
            raise _Fault([Problem("MET108", place, args)])
        leaf = measure_leaf(self.graph, ref.model, ref.name)
        if leaf is None:
            agg = self._measures(ref.model)[ref.name].agg
            facts = {"metric": self.metric.name, "measure": ref.written, "agg": agg}
            raise _Fault([Problem("MET107", place, facts)])
        return self.weaver.slot(leaf)

    def _measures(self, model: str) -> dict[str, Measure]:
        return self.graph.index(model).measures

    def _embedded(self, formula: Formula) -> exp.Expr:
        if formula.windowed:
            self.windowed = True
        return _wrapped(self.weaver.embed(formula))


def _wrapped(tree: exp.Expr) -> exp.Expr:
    """Parenthesised when it is an operator, so that it stays one operand."""
    is_operator = isinstance(tree, (exp.Binary, exp.Unary)) and not isinstance(tree, exp.Paren)
    return exp.Paren(this=tree) if is_operator else tree


def _part(sql: Sql, start: int, end: int) -> Location:
    if sql.node is None:
        return sql.location
    return Location(sql.location.uri, sql.node.source(Span(start, max(start, end))))

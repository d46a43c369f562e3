"""A metric as a formula over leaves: the aggregates that must be computed from rows.

A leaf is (aggregate, row expression, row filters, base model); each base row counts once. Every
metric of any kind and dialect becomes one expression over such leaves, which `plan` then computes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from sqlglot import exp

from smq.expr import Call, NameUse, Template, fill, parse_expression
from smq.graph.graph import SemanticGraph
from smq.graph.references import METRIC_TIME, RowRef, all_grains, metric_time, readings
from smq.graph.symbols import Filter, FrameWindow, Input, Measure, Metric, Model, Sql
from smq.problem import Problem
from smq.text import Location, Span, nearest


@dataclass(frozen=True, slots=True)
class InnerRef:
    """A member of a model that a subquery of a condition selects from, under an alias there."""

    alias: str
    model: str
    kind: Literal["dimension", "entity", "measure", "column"]
    name: str
    grain: str | None = None


@dataclass(frozen=True, slots=True)
class MetricValue:
    """`{{ Metric('m', group_by=['entity']) }}`: for each row the metric of its entity."""

    metric: str
    by: tuple[RowRef, ...]

    @property
    def alias(self) -> str:
        return "_".join((self.metric, "by", *(ref.name for ref in self.by)))


ConditionRef = RowRef | InnerRef | MetricValue


@dataclass(frozen=True, slots=True, eq=False)
class RowCondition:
    """A boolean over row values; the template's slots are numbered into `refs`."""

    template: Template
    refs: tuple[ConditionRef, ...]
    text: str
    tables: tuple[tuple[int, str, str], ...] = ()
    """Tables of subqueries: (the template's table slot, model, alias)."""
    origin: str = ""

    @property
    def key(self) -> str:
        return f"{self.text.strip()}|{'|'.join(str(ref) for ref in self.refs)}"

    @property
    def outer(self) -> tuple[RowRef, ...]:
        """The row values of the leaf itself, without those of subqueries."""
        found: dict[RowRef, None] = {}
        for ref in self.refs:
            if isinstance(ref, RowRef):
                found[ref] = None
            elif isinstance(ref, MetricValue):
                found.update(dict.fromkeys(ref.by))
        return tuple(found)

    @property
    def metric_values(self) -> tuple[MetricValue, ...]:
        return tuple(dict.fromkeys(r for r in self.refs if isinstance(r, MetricValue)))


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One aggregate over the rows of `base`; `tree` has placeholders numbered into `refs`."""

    key: str
    name: str
    function: str
    base: str
    tree: exp.Expr
    refs: tuple[RowRef, ...]
    filters: tuple[RowCondition, ...] = ()
    fill: int | float | None = None
    time: RowRef | None = None
    """The base's aggregation time dimension, which `metric_time` means for this leaf."""

    def __deepcopy__(self, memo: object) -> Leaf:
        return self


@dataclass(frozen=True, slots=True)
class LateName:
    """A name in a metric's own window, which only a query's groupBy can settle."""

    name: str
    location: Location


Slot = Leaf | RowRef | LateName


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """`tree` has placeholders numbered into `slots`; row references stand for group values."""

    tree: exp.Expr
    slots: tuple[Slot, ...]
    windowed: bool = False
    data_type: str | None = None

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(slot for slot in self.slots if isinstance(slot, Leaf))


@dataclass(frozen=True, slots=True)
class Broken:
    """A metric that cannot be computed, and why; the places are in the model files."""

    problems: tuple[Problem, ...]


class Weaver:
    """Joins formulas into one tree, numbering equal leaves once."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self._numbers: dict[object, int] = {}

    def slot(self, value: Slot) -> exp.Expr:
        key: object = value.key if isinstance(value, Leaf) else value
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.slots)
            self.slots.append(value)
        return exp.Placeholder(this=str(number))

    def embed(self, formula: Formula) -> exp.Expr:
        if isinstance(formula.tree, exp.Placeholder):
            return self.slot(formula.slots[int(formula.tree.this)])
        tree = formula.tree.copy()
        for node in list(tree.find_all(exp.Placeholder)):
            node.replace(self.slot(formula.slots[int(node.this)]))
        return tree


def expand(graph: SemanticGraph, metric: str, dialect: str) -> Formula | Broken:
    """The formula of a metric. Raises KeyError for an unknown name; cycles come back broken."""
    return _Expander(graph, dialect).metric(metric)


def measure_leaf(graph: SemanticGraph, model: str, measure: str) -> Leaf | None:
    """A measure aggregated with its own aggregation; None when it has none."""
    found = graph.index(model).measures[measure]
    return _measure_leaf(graph, graph.models[model], found, (), None)


def time_dimension(graph: SemanticGraph, model: Model, name: str | None = None) -> RowRef | None:
    """What metric_time means on a model: the named or default one, or the only one it has."""
    wanted = name or model.agg_time_dimension
    if wanted is not None:
        known = graph.index(model.name).dimensions.get(wanted)
        return RowRef("dimension", model.name, wanted) if known and known.is_time else None
    times = [d.name for d in model.dimensions if d.is_time and d.validity is None]
    return RowRef("dimension", model.name, times[0]) if len(times) == 1 else None


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
        key = ("formula", name, self.dialect)
        cached: Formula | Broken | None = self.graph.memo.get(key)
        if cached is not None:
            return cached
        metric = self.graph.metrics[name]
        if name in self.chain:
            cycle = (*self.chain[self.chain.index(name) :], name)
            return Broken((Problem("MET101", metric.name_at, {"cycle": cycle}),))
        self.chain.append(name)
        try:
            result: Formula | Broken = self._expand(metric)
        except _Fault as fault:
            result = Broken(fault.problems)
        except RecursionError:
            detail = {"metric": name, "feature": "metrics nested this deeply"}
            result = Broken((Problem("MET104", metric.name_at, detail),))
        finally:
            self.chain.pop()
        # A metric inside a cycle is broken differently from each entry point; keep none of them.
        if not self.chain or isinstance(result, Formula):
            self.graph.memo[key] = result
        return result

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
        return replace(formula, data_type=metric.data_type)

    # The kinds.

    def _of_measure(self, metric: Metric, given: Input) -> Formula:
        model, measure = self._find_measure(metric, given.name, given.name_at)
        if measure.agg is None:
            args = {"metric": metric.name, "measure": f"{model.name}__{measure.name}"}
            raise _Fault([Problem("MET107", given.name_at, args)])
        if measure.non_additive is not None:
            args = {"metric": metric.name, "feature": "non_additive_dimension"}
            raise _Fault([Problem("MET104", measure.non_additive.location, args)])
        if given.join_to_timespine:
            args = {"metric": metric.name, "feature": "join_to_timespine"}
            raise _Fault([Problem("MET104", given.name_at, args)])
        leaf = _measure_leaf(self.graph, model, measure, (), given.fill_nulls_with)
        assert leaf is not None
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
            raise _Fault([self._unknown(metric, given.name, given.name_at)])
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
            raise _Fault([self._unknown(metric, name, key.location)])
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
        tree = formula.tree.copy()
        holder = exp.Paren(this=tree)
        for node in list(holder.find_all(exp.Placeholder)):
            slot = formula.slots[int(node.this)]
            node.replace(weaver.slot(slots[slot.key] if isinstance(slot, Leaf) else slot))
        return Formula(holder.this.pop(), tuple(weaver.slots), formula.windowed)

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
                refs.append(self._row_name(metric, sql, use, base))
        return RowCondition(template, tuple(refs), sql.text)

    def _metric_value(self, metric: Metric, sql: Sql, use: NameUse) -> MetricValue:
        call = use.call
        assert call is not None
        place = _part(sql, use.start, use.end)
        if call.name not in self.graph.metrics:
            raise _Fault([self._unknown(metric, call.name, place)])
        # Expanding it here finds a metric that filters itself.
        self._known(call.name)
        value = metric_value(self.graph, call, self.grains)
        if value is None:
            args = {"metric": metric.name, "feature": "Metric(…) without one entity to group by"}
            raise _Fault([Problem("MET104", place, args)])
        return value

    # Names.

    def _row_name(self, metric: Metric, sql: Sql, use: NameUse, base: str | None) -> RowRef:
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
            raise _Fault([self._unknown(metric, name, place)])
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
            raise _Fault([self._unknown(metric, name, place)])
        return self.graph.models[owners[0]], self.graph.index(owners[0]).measures[name]

    def _unknown(self, metric: Metric, name: str, place: Location) -> Problem:
        near = nearest_members(self.graph, name, exclude=metric.name)
        return Problem("MET102", place, {"metric": metric.name, "name": name, "nearest": near})


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
        outline = _outline(template)
        by_slot = {use.slot: self._row(use) for use in template.uses if use.in_aggregate}
        bases = [self._base_of(root.arguments, by_slot) for root in outline.roots]
        known = {base for base in bases if base is not None}
        for root, base in zip(outline.roots, bases, strict=True):
            home = base or self._lone(root, known, by_slot)
            leaf = self._leaf(root, home, by_slot, outline.is_whole)
            self.weaver.slot(leaf)
            self.leaves.append(leaf)
        tree = outline.tree
        if isinstance(tree, exp.Placeholder):
            return self._finished(self._value(tree))
        holder = exp.Paren(this=tree.copy())
        for node in list(holder.find_all(exp.Placeholder)):
            node.replace(self._value(node))
        return self._finished(holder.this.pop())

    def _finished(self, tree: exp.Expr) -> Formula:
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
        return self.expander._row_name(self.metric, self.sql, use, None)

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

    def _lone(self, root: _Root, known: set[str], by_slot: dict[int, RowRef]) -> str:
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

    def _leaf(self, root: _Root, base: str, by_slot: dict[int, RowRef], whole: bool) -> Leaf:
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
        ref = self.expander._row_name(self.metric, self.sql, use, None)
        if use.in_window and ref.kind != "measure":
            return self.weaver.slot(ref)
        if ref.kind != "measure":
            args = {"metric": self.metric.name, "name": ref.written}
            raise _Fault([Problem("MET108", place, args)])
        leaf = measure_leaf(self.graph, ref.model, ref.name)
        if leaf is None:
            args = {"metric": self.metric.name, "measure": ref.written}
            raise _Fault([Problem("MET107", place, args)])
        return self.weaver.slot(leaf)

    def _measures(self, model: str) -> dict[str, Measure]:
        return self.graph.index(model).measures

    def _embedded(self, formula: Formula) -> exp.Expr:
        if formula.windowed:
            self.windowed = True
        return _wrapped(self.weaver.embed(formula))


def row_readings(graph: SemanticGraph, name: str, grains: frozenset[str]) -> tuple[RowRef, ...]:
    """The row values a prefixed name may mean; empty for none."""
    time = metric_time(name, grains)
    if time is not None:
        return (time,)
    return tuple(r for r in readings(graph, name, grains) if isinstance(r, RowRef))


def call_readings(graph: SemanticGraph, use: NameUse, grains: frozenset[str]) -> tuple[RowRef, ...]:
    """The row values that `{{ Dimension(…) }}`, `TimeDimension` or `Entity` may mean."""
    call = use.call
    assert call is not None
    name = "__".join((*call.entity_path, call.name))
    if call.kind == "Entity" and "__" not in name:
        return _entity_readings(graph, name)
    if call.grain is not None:
        name = f"{name}__{call.grain}"
    return row_readings(graph, name, grains)


def metric_value(graph: SemanticGraph, call: Call, grains: frozenset[str]) -> MetricValue | None:
    """What `Metric('m', group_by=[…])` means; None unless each name is one entity or dimension."""
    by: list[RowRef] = []
    for name in call.group_by:
        found = row_readings(graph, name, grains) if "__" in name else _entity_readings(graph, name)
        if len(found) != 1:
            return None
        by.append(found[0])
    return MetricValue(call.name, tuple(by)) if by else None


def _entity_readings(graph: SemanticGraph, name: str) -> tuple[RowRef, ...]:
    """The models that an entity identifies; where none does, those that have it at all."""
    owners = [m.name for m in graph.models.values() if name in graph.index(m.name).entities]
    keyed = graph.joins.keyed_by(name)
    return tuple(RowRef("entity", m, name) for m in owners if not keyed or m in keyed)


def member_ref(graph: SemanticGraph, model: str, name: str) -> RowRef | None:
    """A dimension, measure or entity of a model by its bare name, in that order."""
    index = graph.index(model)
    if name in index.dimensions:
        return RowRef("dimension", model, name)
    if name in index.measures:
        return RowRef("measure", model, name)
    return RowRef("entity", model, name) if name in index.entities else None


def nearest_members(graph: SemanticGraph, name: str, exclude: str = "") -> tuple[str, ...]:
    """Metrics and `model__member` names like an unknown one, best first."""
    candidates: list[str] = [metric for metric in graph.metrics if metric != exclude]
    prefix = name.split("__", 1)[0]
    for model in graph.models.values():
        if "__" not in name or model.name == prefix or len(graph.models) <= 50:
            for part in (*model.measures, *model.dimensions):
                candidates.append(f"{model.name}__{part.name}" if "__" in name else part.name)
    return nearest(name, candidates[:5_000])


def _measure_leaf(
    graph: SemanticGraph,
    model: Model,
    measure: Measure,
    filters: tuple[RowCondition, ...],
    fill_with: int | float | None,
) -> Leaf | None:
    if measure.agg is None:
        return None
    value = exp.Placeholder(this="0")
    tree = _aggregate(measure, value)
    if tree is None:
        return None
    ref = RowRef("measure", model.name, measure.name)
    key = f"{model.name}|{tree.sql()}|{ref.written}|{fill_with}"
    time = time_dimension(graph, model, measure.agg_time_dimension)
    function = _function_name(tree)
    return Leaf(key, measure.name, function, model.name, tree, (ref,), filters, fill_with, time)


def _aggregate(measure: Measure, value: exp.Expr) -> exp.Expr | None:
    """The aggregations of the dbt semantic layer, by its names."""
    match measure.agg:
        case "sum":
            return exp.Sum(this=value)
        case "sum_boolean":
            one, zero = exp.Literal.number(1), exp.Literal.number(0)
            case = exp.Case(ifs=[exp.If(this=value, true=one)], default=zero)
            return exp.Sum(this=case)
        case "count":
            return exp.Count(this=value, big_int=True)
        case "count_distinct":
            return exp.Count(this=exp.Distinct(expressions=[value]), big_int=True)
        case "average" | "avg":
            return exp.Avg(this=value)
        case "min":
            return exp.Min(this=value)
        case "max":
            return exp.Max(this=value)
        case "median":
            return exp.Median(this=value)
        case "percentile":
            share = exp.Literal.number(repr(measure.percentile or 0.5))
            kind = exp.PercentileDisc if measure.discrete_percentile else exp.PercentileCont
            order = exp.Order(expressions=[exp.Ordered(this=value, nulls_first=False)])
            return exp.WithinGroup(this=kind(this=share), expression=order)
        case _:
            return None


@dataclass(frozen=True, slots=True, eq=False)
class _Root:
    """One outermost aggregate call; `tree` has placeholders numbered into `slots`."""

    tree: exp.Expr
    slots: tuple[int, ...]
    arguments: tuple[int, ...]
    """The slots outside of FILTER: those that tell the base."""
    function: str
    sql: str


@dataclass(frozen=True, slots=True, eq=False)
class _Outline:
    """An expression with its aggregates cut out: `L0` stands for a root, `u3` for a name."""

    tree: exp.Expr
    roots: tuple[_Root, ...]
    is_whole: bool


def _outline(template: Template) -> _Outline:
    """The outline of a template; templates of one shape share it."""
    known = template.memo.get("outline")
    if isinstance(known, _Outline):
        return known
    assert template.tree is not None
    holder = exp.Paren(this=template.tree.copy())
    _true_division(holder)
    found = _aggregate_roots(holder)
    is_whole = len(found) == 1 and found[0] is holder.this
    inside: set[int] = set()
    roots: list[_Root] = []
    for number, node in enumerate(found):
        argument = node
        while isinstance(argument, exp.Filter):
            argument = argument.this
        arguments = tuple(int(place.this) for place in argument.find_all(exp.Placeholder))
        places = list(node.find_all(exp.Placeholder))
        slots = tuple(int(place.this) for place in places)
        inside.update(id(place) for place in places)
        for index, place in enumerate(places):
            place.set("this", str(index))
        root = exp.Placeholder(this=f"L{number}")
        node.replace(root)
        inside.add(id(root))
        roots.append(_Root(node, slots, arguments, _function_name(node), node.sql()))
    for place in list(holder.find_all(exp.Placeholder)):
        if id(place) not in inside:
            place.set("this", f"u{place.this}")
    outline = _Outline(holder.this.pop(), tuple(roots), is_whole)
    template.memo["outline"] = outline
    return outline


def _aggregate_roots(holder: exp.Expr) -> list[exp.Expr]:
    """The outermost aggregate calls that are no window functions, with FILTER and WITHIN GROUP."""
    found: list[exp.Expr] = []
    wrappers = (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)
    for node in holder.find_all(exp.AggFunc, bfs=False):
        root: exp.Expr = node
        while isinstance(root.parent, wrappers) and root.parent.this is root:
            root = root.parent
        if isinstance(root.parent, exp.Window) and root.parent.this is root:
            continue
        ancestor = root.parent
        inside = False
        while ancestor is not None:
            if ancestor in found and any(ancestor is known for known in found):
                inside = True
                break
            ancestor = ancestor.parent
        if not inside:
            found.append(root)
    return found


def _function_name(tree: exp.Expr) -> str:
    while isinstance(tree, (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)):
        tree = tree.this
    if isinstance(tree, (exp.PercentileCont, exp.PercentileDisc)):
        return "PERCENTILE"
    if isinstance(tree, exp.Count) and isinstance(tree.this, exp.Distinct):
        return "COUNT_DISTINCT"
    return tree.sql_name() if isinstance(tree, exp.Func) else tree.key.upper()


def _true_division(tree: exp.Expr) -> None:
    """Metric values divide as numbers: 1 / 2 is one half in every dialect."""
    for node in tree.find_all(exp.Div):
        node.set("typed", False)


def _wrapped(tree: exp.Expr) -> exp.Expr:
    """Parenthesised when it is an operator, so that it stays one operand."""
    is_operator = isinstance(tree, (exp.Binary, exp.Unary)) and not isinstance(tree, exp.Paren)
    return exp.Paren(this=tree) if is_operator else tree


def _part(sql: Sql, start: int, end: int) -> Location:
    if sql.node is None:
        return sql.location
    return Location(sql.location.uri, sql.node.source(Span(start, max(start, end))))


__all__ = [
    "METRIC_TIME",
    "Broken",
    "Formula",
    "LateName",
    "Leaf",
    "RowCondition",
    "Weaver",
    "call_readings",
    "expand",
    "fill",
    "measure_leaf",
    "member_ref",
    "nearest_members",
    "row_readings",
    "time_dimension",
]

"""What the names of a query mean: metrics unfolded into trees over leaves."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from tests.support.oracle_expressions import (
    Agg,
    Expr,
    Leaf,
    Lit,
    Name,
    Op,
    Over,
    Template,
    names,
    substitute,
    walk,
)
from tests.support.oracle_graph import Graph
from tests.support.oracle_world import (
    GRAINS,
    Input,
    Metric,
    Model,
    Query,
    Refused,
    Select,
    Unsure,
    World,
)


class Meaning:
    """The items of one query as trees over leaves and groupBy names."""

    def __init__(self, world: World, query: Query) -> None:
        self.world = world
        self.query = query
        self.graph = Graph(world)
        self.aliases = {s.alias: s.expr for s in query.metrics if s.alias is not None}

    def check_shape(self) -> None:
        query = self.query
        if not query.metrics:
            raise Refused("No metrics specified in request")
        outputs = [s.output for s in query.metrics if s.output is not None]
        if len(set(outputs)) < len(outputs) or len(set(query.group_by)) < len(query.group_by):
            raise Refused("selected twice")
        if query.limit is not None and query.limit < 0:
            raise Refused("a negative limit")
        for text in query.group_by:
            if text in self.world.metrics and not is_metric_time(text):
                raise Refused(f"{text} is a metric")
            if not is_metric_time(text):
                reference = self.graph.reference(text)
                if reference.is_measure:
                    raise Refused(f"{text} is a measure")

    def select(self, select: Select) -> Expr:
        if not isinstance(select.expr, Name) and any(
            isinstance(node, Agg) for node in walk(select.expr)
        ):
            raise Refused("an aggregate around a metric")
        return self._expand(select.expr)

    def order_key(self, text: str) -> Expr:
        if text in self.aliases:
            return self._expand(self.aliases[text])
        if text in self.query.group_by:
            return Name(text)
        if text in self.world.metrics:
            return self._expand(Name(text))
        raise Refused(f"cannot order by {text}")

    def stages(self, parts: list[Expr]) -> tuple[list[Expr], list[Expr], list[Expr]]:
        """Row filters as written; group and window filters expanded."""
        before: list[Expr] = []
        after: list[Expr] = []
        late: list[Expr] = []
        for part in parts:
            used = names(part)
            metric_like = [n for n in used if n in self.aliases or n in self.world.metrics]
            has_window = any(isinstance(node, Over) for node in walk(part))
            if not metric_like and not has_window:
                if any(isinstance(node, Agg) for node in walk(part)):
                    raise Refused("an aggregate in a filter")
                before.append(part)
                continue
            tree = self._expand(part)
            (late if any(isinstance(n, Over) for n in walk(tree)) else after).append(tree)
        return before, after, late

    def _expand(self, expr: Expr, *, inside_window: bool = False) -> Expr:
        """Metrics and aliases replaced by trees over leaves and groupBy names."""

        def swap(node: Expr) -> Expr | None:
            if isinstance(node, Over):
                if inside_window:
                    raise Refused("a window inside a window")
                return self._expand_window(node)
            if isinstance(node, Template):
                return self._expand_name(name_text(node), inside_window)
            if isinstance(node, Name):
                return self._expand_name(node.text, inside_window)
            return None

        return substitute(expr, swap)

    def _expand_name(self, text: str, inside_window: bool) -> Expr:
        if text in self.world.metrics:
            return self.metric(text, (), ())
        if text in self.aliases and not inside_window:
            return self._expand(self.aliases[text])
        if text in self.query.group_by:
            return Name(text)
        if inside_window:
            return self._bare_in_window(text)
        raise Refused(f"{text} is not in groupBy")

    def _expand_window(self, over: Over) -> Over:
        def inner(expr: Expr) -> Expr:
            tree = self._expand(expr, inside_window=True)
            if any(isinstance(node, Over) for node in walk(tree)):
                raise Refused("a window inside a window")
            return tree

        return replace(
            over,
            args=tuple(inner(arg) for arg in over.args),
            partition=tuple(inner(part) for part in over.partition),
            order=tuple(replace(s, expr=inner(s.expr)) for s in over.order),
        )

    def _bare_in_window(self, text: str) -> Expr:
        """A measure, or a bare dimension or measure that one model has."""
        if "__" in text:
            try:
                reference = self.graph.reference(text)
            except Refused:
                reference = None
            if reference is not None:
                if not reference.is_measure:
                    raise Refused(f"{text} is not in groupBy")
                return self._own_aggregate(self.world.models[str(reference.model)], reference.item)
        models = self.world.models.values()
        with_dimension = [m for m in models if m.dimension(text)]
        with_measure = [m for m in models if m.measure(text)]
        if len(with_dimension) == 1 and not with_measure:
            full = f"{with_dimension[0].name}__{text}"
            if full not in self.query.group_by:
                raise Refused(f"{full} is not in groupBy")
            return Name(full)
        if len(with_measure) == 1 and not with_dimension:
            if with_measure[0].name not in self.models_in_query:
                raise Unsure(f"{with_measure[0].name} is in the query by this measure alone")
            return self._own_aggregate(with_measure[0], text)
        if not with_dimension and not with_measure:
            raise Refused(f"{text} is not known")
        raise Unsure(f"{text} is in several models")

    @cached_property
    def models_in_query(self) -> set[str]:
        """The models of groupBy items and of the metrics that are written by name."""
        found = set()
        for text in self.query.group_by:
            if not is_metric_time(text):
                found.add(self.graph.reference(text).model)
        for select in self.query.metrics:
            for name in names(select.expr):
                if name in self.world.metrics:
                    tree = self.metric(name, (), ())
                    found |= {n.base for n in walk(tree) if isinstance(n, Leaf)}
        return {model for model in found if model is not None}

    def _own_aggregate(self, model: Model, name: str) -> Expr:
        """A measure aggregated with its own aggregation, over its own model."""
        measure = model.measure(name)
        assert measure is not None
        if measure.agg is None:
            raise Refused(f"{name} has no aggregation of its own")
        row = Name(f"{model.name}__{name}")
        func, fraction = measure.agg, measure.fraction
        arg: Expr = row
        match measure.agg:
            case "average":
                func = "avg"
            case "sum_boolean":
                func, arg = "sum", Op("case", (row, Lit(1), Lit(0)))
            case "percentile":
                func = "percentile_disc" if measure.discrete else "percentile_cont"
        return Leaf(Agg(func, arg, None, fraction), (), model.name)

    def metric(self, name: str, filters: tuple[Expr, ...], above: tuple[str, ...]) -> Expr:
        """A metric's value as a tree over leaves that carry all its filters."""
        if name in above:
            raise Refused(" → ".join((*above, name)))
        metric = self.world.metrics.get(name)
        if metric is None:
            raise Refused(f"Metric '{name}' not found")
        filters = (*filters, *metric.filters)
        tree = self._metric_value(metric, filters, (*above, name))
        if metric.window is None:
            return tree
        return replace(self._expand_window(metric.window), args=(tree,))

    def _metric_value(
        self, metric: Metric, filters: tuple[Expr, ...], above: tuple[str, ...]
    ) -> Expr:
        def used(item: Input) -> Expr:
            return _filled(self.metric(item.name, (*filters, *item.filters), above), item)

        match metric.kind:
            case "simple":
                item = metric.inputs[0]
                model = self._home(item.name)
                leaf = self._own_aggregate(model, item.name.removeprefix(model.name + "__"))
                assert isinstance(leaf, Leaf)
                return _filled(
                    replace(leaf, filters=(*filters, *item.filters)),
                    item,
                )
            case "ratio":
                top, bottom = (used(item) for item in metric.inputs)
                return Op("/", (top, Op("nullif", (bottom, Lit(0)))))
            case "derived":
                inputs = {item.alias or item.name: item for item in metric.inputs}
                assert metric.expr is not None
                return substitute(
                    metric.expr,
                    lambda n: (
                        used(inputs[n.text])
                        if isinstance(n, Name) and n.text in inputs
                        else self.metric(n.text, filters, above)
                        if isinstance(n, Name)
                        else None
                    ),
                )
        assert metric.expr is not None
        return self._expression_metric(metric.expr, filters, above)

    def _expression_metric(
        self, expr: Expr, filters: tuple[Expr, ...], above: tuple[str, ...]
    ) -> Expr:
        bases = {
            self._base(node.arg)
            for node in walk(expr)
            if isinstance(node, Agg) and node.arg is not None
        }

        def swap(node: Expr) -> Expr | None:
            if isinstance(node, Agg):
                if node.arg is not None:
                    base = self._base(node.arg)
                elif len(bases) == 1:
                    base = next(iter(bases))
                else:
                    raise Refused("the base of COUNT(*) cannot be told")
                return Leaf(node, filters, base)
            if isinstance(node, Name):
                return self.metric(node.text, filters, above)
            return None

        return substitute(expr, swap)

    def _home(self, measure: str) -> Model:
        models = self.world.models.values()
        homes = [m for m in models if m.measure(measure)]
        if not homes:
            reference = self.graph.reference(measure)
            if not reference.is_measure:
                raise Refused(f"{measure} is no measure")
            return self.world.models[str(reference.model)]
        if len(homes) > 1:
            raise Unsure(f"{measure} is in several models")
        return homes[0]

    def _base(self, expr: Expr) -> str:
        """The model from which all models of a row expression are reachable."""
        used = {self.graph.reference(name).model for name in names(expr)}
        if None in used:
            raise Unsure("an entity path in a row expression")
        used_names = {str(model) for model in used}
        bases = [
            m
            for m in sorted(used_names)
            if all(self.graph.shortest(m, other) for other in used_names)
        ]
        if not bases:
            raise Refused(f"no base among {sorted(used_names)}")
        if len(bases) > 1:
            raise Unsure(f"several bases among {sorted(used_names)}")
        return bases[0]

    def check_names(self, tree: Expr) -> None:
        """Every name that is left must be a groupBy item."""
        for name in names(tree):
            if name not in self.query.group_by:
                raise Refused(f"{name} is not in groupBy")


def _filled(tree: Expr, item: Input) -> Expr:
    return tree if item.fill is None else Op("coalesce", (tree, Lit(item.fill)))


def is_metric_time(text: str) -> bool:
    """Whether a name is `metric_time`, with or without a grain."""
    head, _, grain = text.partition("__")
    return head == "metric_time" and (not grain or grain in GRAINS)


def name_text(node: Expr) -> str:
    """The name a node stands for; a template call means the name inside."""
    if isinstance(node, Template):
        return f"{node.text}__{node.grain}" if node.grain else node.text
    assert isinstance(node, Name), node
    return node.text

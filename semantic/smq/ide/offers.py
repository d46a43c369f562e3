"""The names and words that a query can take at some place, ranked by what its metrics reach.

Everything is yielded best first, and only what fits the typed text is looked at closely: a
workspace may have 20,000 metrics and 50,000 dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from smq.expr import parse_expression
from smq.graph.graph import SemanticGraph
from smq.graph.overlaid import layers
from smq.graph.references import METRIC_TIME, all_grains, readings, splits
from smq.graph.symbols import GRAINS, Dimension, Measure, Metric, Model
from smq.ide.by_identity import ByIdentity
from smq.ide.choosing import HERE, Completion, Typed, blob_of, in_a_line, letters
from smq.ide.functions import FUNCTIONS
from smq.ide.reach import Reachable, Route
from smq.ide.sql_context import SqlContext, frame_words
from smq.query.written import WrittenQuery
from smq.text import Span
from smq.workspace import Snapshot

_JUDGED = 300
"""Metrics of which it is found out whether they reach the query's groups."""
_FUZZY = 5_000
"""With more metrics than this, letters must stand together: looking for them apart takes long."""
_OUT_OF_REACH = 20
"""Models whose members are offered only to say why they cannot be used."""


class Offers:
    """See the module. `typed` is the text that the offers will be chosen by."""

    def __init__(self, snapshot: Snapshot, query: WrittenQuery | None, typed: str) -> None:
        self.graph = snapshot.graph
        self.dialect = snapshot.configuration.dialect
        self.query = query
        self.typed = Typed(typed)
        self.reachable = Reachable(self.graph, self.dialect, query)
        self._others: tuple[Model, ...] | None = None

    # Metrics

    def metrics(self, rank: int = 0) -> Iterator[Completion]:
        """The metrics that fit; those that reach the query's groups and filters first."""
        for metric in islice(self._fitting_metrics(), _JUDGED):
            why = self.reachable.obstacle(metric.name)
            yield _metric(metric, rank, why) if why else _free_metric(metric, rank)

    def _fitting_metrics(self) -> Iterator[Metric]:
        """First those whose name begins so, then those that hold the text, then the others."""
        metrics = self.graph.metrics
        wanted = self.typed.letters
        if not wanted:
            yield from metrics.values()
            return
        yield from (metrics[name] for name in _named(metrics, _START + wanted))
        yield from (
            metrics[name]
            for name in _named(metrics, wanted)
            if not _begins_with(metrics[name], wanted)
        )
        is_small = len(metrics) <= _FUZZY
        if is_small or self.typed.is_initials:
            fits = self.typed.may_be_in if is_small else self.typed.is_in
            for metric in metrics.values():
                blob = _letters_of(metric)
                if wanted not in blob and fits(blob):
                    yield metric

    def windows(self, span: Span) -> Iterator[Completion]:
        """A running total over the query's own metric and groups."""
        metric = next(iter(self.reachable.metrics), None) or next(iter(self.graph.metrics), None)
        if metric is None:
            return
        groups = self.reachable.groups
        order = groups[-1] if groups else METRIC_TIME
        body = f"SUM(${{1:{metric}}}) OVER (ORDER BY ${{2:{order}}}) AS ${{3:running_total}}"
        words = "A window over the aggregated rows of this query."
        detail = "SUM(…) OVER (ORDER BY …)"
        yield Completion("running total", "snippet", span, body, 95, detail, words, snippet=True)
        body = f"RANK() OVER (ORDER BY ${{1:{metric}}} DESC) AS ${{2:rank}}"
        detail = "RANK() OVER (ORDER BY … DESC)"
        yield Completion("rank", "snippet", span, body, 96, detail, words, snippet=True)

    # Dimensions and measures

    def dimensions(self) -> Iterator[Completion]:
        """Every dimension as `model__dimension`, what all metrics reach first."""
        if self.reachable.has_metric_time:
            detail = "each metric's own time"
            yield Completion(METRIC_TIME, "time", HERE, METRIC_TIME, 1, detail, filter=METRIC_TIME)
        for model, route in self._models():
            yield from self._dimensions_of(model, route)

    def _dimensions_of(self, model: Model, route: Route) -> Iterator[Completion]:
        if not route.entities:
            # Without a choice of paths only the names themselves could mean several things.
            yield from (
                item
                if self._is_one_thing(item.label)
                else self._dimension(dimension, item.label, route)
                for dimension, item in _dimensions(model, route)
            )
            return
        for dimension in model.dimensions:
            name = f"{model.name}__{dimension.name}"
            yield self._dimension(dimension, name, route)
            for entity in route.entities:
                by = f"{entity}__{dimension.name}"
                if self._is_one_thing(by) and self.reachable.has_route_by(model.name, entity):
                    clear = Route(1, f"{model.name} by {entity}")
                    yield self._dimension(dimension, by, clear)

    def _dimension(self, dimension: Dimension, name: str, route: Route) -> Completion:
        why = route.why_not
        if not why and not self._is_one_thing(name):
            why = "means several things"
        return _dimension(dimension, name, route, why)

    def _is_one_thing(self, name: str) -> bool:
        # Only names in which a second model could begin or end can be read twice.
        return name.count("__") < 2 or len(readings(self.graph, name, self._grains)) == 1

    @property
    def _grains(self) -> frozenset[str]:
        return all_grains(self.graph)

    def measures(self, rank: int = 32) -> Iterator[Completion]:
        """Every measure as `model__measure`, the nearest at the given rank."""
        for model, route in self._models():
            yield from _measures(model, route, rank)

    def _models(self) -> Iterator[tuple[Model, Route]]:
        """Models with a member that fits: reachable ones nearest first, then the others."""
        near = self.reachable.near
        beginning = [name for name in near if self._begins(name)]
        seen = set(beginning)
        for name in (*beginning, *(name for name in near if name not in seen)):
            model = self.graph.models.get(name)
            if model is not None and self.typed.may_be_in(_blob(model)):
                yield model, self.reachable.route(name)
        reached = set(near)
        # What cannot be used is offered to say why: as many as somebody might look at.
        if self._others is None:
            others = (m for m in self.graph.models.values() if m.name not in reached)
            fitting = (model for model in others if self.typed.is_in(_blob(model)))
            self._others = tuple(islice(fitting, _OUT_OF_REACH))
        for model in self._others:
            yield model, self.reachable.route(model.name)

    def _begins(self, model: str) -> bool:
        wanted = self.typed.letters
        own = letters(model)
        return bool(wanted) and (own.startswith(wanted) or wanted.startswith(own + "__"))

    def grains(self, typed: str, span: Span) -> Iterator[Completion]:
        """`model__dimension__grain` once the dimension is written."""
        for left, _ in [*splits(typed), (typed.rstrip("_"), "")]:
            dimension = self._named(left)
            if left != METRIC_TIME and (dimension is None or not dimension.is_time):
                continue
            own = None if left == METRIC_TIME else dimension.grain if dimension else None
            first = GRAINS.index(own) if own else GRAINS.index("second")
            if own is None and dimension is not None and dimension.data_type == "date":
                first = GRAINS.index("day")
            for number, grain in enumerate(GRAINS[first:]):
                name = f"{left}__{grain}"
                yield Completion(name, "grain", span, name, number, f"by {grain}", filter=name)
            return

    def _named(self, name: str) -> Dimension | None:
        found = readings(self.graph, name, self._grains)
        if len(found) == 1 and getattr(found[0], "kind", "") == "dimension":
            ref = found[0]
            return self.graph.index(ref.model).dimensions.get(getattr(ref, "name", ""))
        return None

    # Sort keys and clauses

    def sort_keys(
        self, span: Span, taken: frozenset[str], descending: bool
    ) -> Iterator[Completion]:
        """The query's own columns in both directions, then metrics that it does not select."""
        names: dict[str, str] = {}
        for item in self.query.metrics if self.query else ():
            alias = parse_expression(item.text, self.dialect).alias
            names[alias or item.text] = "metric of this query"
        for group in self.reachable.groups:
            names[group] = "group of this query"
        bare = {name.lstrip("-") for name in taken}
        for number, (name, detail) in enumerate(names.items()):
            if name in bare:
                continue
            if not descending:
                up = f"ascending · {detail}"
                yield Completion(name, "alias", span, name, 2 * number, up, filter=name)
            label, down = f"-{name}", f"descending · {detail}"
            yield Completion(
                label, "alias", span, label, 2 * number + 1, down, filter=label, words=name
            )
        sign = "-" if descending else ""
        for metric in self.metrics(rank=60):
            if metric.label not in names and metric.label not in bare:
                yield replace(
                    metric,
                    label=sign + metric.label,
                    insert=sign + metric.insert,
                    filter=sign + metric.filter,
                    words=f"{metric.insert} {metric.words}",
                )

    # Inside expressions

    def in_expression(
        self, key: str, word: str, span: Span, context: SqlContext
    ) -> Iterator[Completion]:
        """Names, functions and words of SQL, as the text before the cursor asks for them."""
        if context.position == "string":
            return
        yield from keywords(key, span, context)
        if context.frame or context.position == "operator":
            return
        if context.window and context.last == "(":
            return
        yield from self._aliases(key, span)
        if key == "metrics" and not context.window:
            yield from self.metrics()
            if context.calls:
                yield from self.measures()
        elif context.window:
            yield from self._grouped(span)
            yield from self.metrics(rank=40)
        else:
            yield from self.grains(word, span)
            yield from self.dimensions()
            yield from self.metrics(rank=20)
            yield from self.measures()
        yield from functions(key, span)

    def _aliases(self, key: str, span: Span) -> Iterator[Completion]:
        if key != "filters" or self.query is None:
            return
        for item in self.query.metrics:
            alias = parse_expression(item.text, self.dialect).alias
            if alias is not None:
                yield Completion(alias, "alias", span, alias, 0, item.text, filter=alias)

    def _grouped(self, span: Span) -> Iterator[Completion]:
        """Dimensions for a window: it sees those that the query groups by, and no others."""
        groups = self.reachable.groups
        for number, group in enumerate(groups):
            detail = "group of this query"
            yield Completion(group, "dimension", span, group, number, detail, filter=group)
        for item in self.dimensions():
            if item.label not in groups:
                why = item.why_not or "a window sees it only when it is in groupBy, too"
                yield replace(item, rank=item.rank + 50, why_not=why)


_OPERATORS = (
    "AND",
    "OR",
    "IN",
    "NOT IN",
    "BETWEEN",
    "LIKE",
    "NOT LIKE",
    "IS NULL",
    "IS NOT NULL",
)
_DIRECTIONS = ("ASC", "DESC", "NULLS FIRST", "NULLS LAST")
_FRAMES = tuple(
    f"{unit} BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW" for unit in ("ROWS", "RANGE", "GROUPS")
)


def usual_grains(graph: SemanticGraph) -> tuple[str, ...]:
    """Days and what is longer first, then what calendars add, then what is finer than a day."""
    custom = sorted(all_grains(graph) - set(GRAINS))
    day = GRAINS.index("day")
    return (*GRAINS[day:], *custom, *GRAINS[:day])


def keywords(key: str, span: Span, context: SqlContext) -> Iterator[Completion]:
    """Words of SQL that can stand at the cursor."""
    words: tuple[str, ...]
    if context.frame:
        words = frame_words(context.frame)
    elif context.window:
        if context.last == "(":
            words = ("PARTITION BY", "ORDER BY")
        elif context.position == "operator":
            words = (*_DIRECTIONS, *_FRAMES) if context.sorted else ("ORDER BY",)
        else:
            words = ("CASE",)
    elif context.position == "operator":
        words = ("AS",) if key == "metrics" else _OPERATORS
        if context.after_call:
            words = ("OVER", "FILTER", *words)
        if context.case:
            words = ("THEN", "ELSE", "END", "WHEN", *words)
            words = (*words, *_OPERATORS) if key == "metrics" else words
    else:
        words = ("NOT", "CASE", "NULL", "TRUE", "FALSE", "DISTINCT", "DATE", "INTERVAL")
    is_first = context.position == "operator" or context.frame or context.last == "("
    first = 0 if is_first and (context.position == "operator" or context.window) else 75
    for number, word in enumerate(words):
        yield Completion(word, "keyword", span, word, first + number, filter=word)


def functions(key: str, span: Span) -> Iterator[Completion]:
    """SQL functions with their parameters."""
    for function in FUNCTIONS.values():
        if function.name == "CASE":
            continue
        body = f"{function.name}($0)" if function.parameters else f"{function.name}()"
        why = ""
        if function.group == "aggregate" and key == "filters":
            # A metric is what aggregates; an aggregate of its own is right only in a window.
            why = "aggregates belong into metrics"
        yield Completion(
            function.name,
            "function",
            span,
            body,
            70,
            function.signature,
            function.text,
            function.name,
            snippet=bool(function.parameters),
            why_not=why,
        )


def _filter(name: str, label: str | None) -> str:
    return f"{name} {label}" if label else name


# Offers are remembered for as long as what they are about, which outlives the graphs it is in.


def _metric(metric: Metric, rank: int, why: str) -> Completion:
    return Completion(
        metric.name,
        "metric",
        HERE,
        metric.name,
        rank,
        in_a_line(metric.label, metric.data_type, why),
        metric.description or "",
        _filter(metric.name, metric.label),
        why_not=why,
        words=metric.label or "",
    )


def _type_of(dimension: Dimension) -> str | None:
    """`varchar`; for a time with the grain it has: `date by day`."""
    if not dimension.is_time:
        return dimension.data_type
    kind = dimension.data_type or "time"
    return f"{kind} by {dimension.grain}" if dimension.grain else kind


def _dimension(dimension: Dimension, name: str, route: Route, why: str) -> Completion:
    return Completion(
        name,
        "time" if dimension.is_time else "dimension",
        HERE,
        name,
        2 + min(route.distance, 90),
        in_a_line(dimension.label, _type_of(dimension), why or route.path),
        dimension.description or "",
        _filter(name, dimension.label),
        why_not=why,
        words=dimension.label or "",
    )


def _measure(measure: Measure, name: str, route: Route, rank: int) -> Completion:
    return Completion(
        name,
        "measure",
        HERE,
        name,
        rank + min(route.distance, 90),
        in_a_line(measure.label, route.why_not or route.path),
        measure.description or "",
        _filter(name, measure.label),
        why_not=route.why_not,
        words=measure.label or "",
    )


def _offers_of_dimensions(model: Model, route: Route) -> tuple[tuple[Dimension, Completion], ...]:
    return tuple(
        (each, _dimension(each, f"{model.name}__{each.name}", route, route.why_not))
        for each in model.dimensions
    )


def _offers_of_measures(model: Model, route: Route, rank: int) -> tuple[Completion, ...]:
    return tuple(
        _measure(each, f"{model.name}__{each.name}", route, rank) for each in model.measures
    )


def _offer_of_metric(metric: Metric, rank: int) -> Completion:
    return _metric(metric, rank, "")


_free_metric: ByIdentity[Metric, Completion] = ByIdentity(_offer_of_metric, most=5_000)
"""The offer of a metric that nothing stands in the way of, at a rank."""
_dimensions: ByIdentity[Model, tuple[tuple[Dimension, Completion], ...]] = ByIdentity(
    _offers_of_dimensions, most=500
)
"""A model's dimensions under their usual names, each with its offer, along a route."""
_measures: ByIdentity[Model, tuple[Completion, ...]] = ByIdentity(_offers_of_measures, most=500)


# All metrics as one text, because looking into twenty thousand texts takes longer than a keystroke.
_START, _NAME, _END = "\0", "\1", "\2"


def _entry_of(metric: Metric) -> str:
    return f"{_START}{_letters_of(metric)}{_NAME}{metric.name}{_END}"


def _letters_of(metric: Metric) -> str:
    return f"{letters(metric.name)}\n{letters(metric.label or '')}"


def _begins_with(metric: Metric, wanted: str) -> bool:
    return letters(metric.name).startswith(wanted)


def _entries(text: str, wanted: str) -> Iterator[str]:
    """The names of the entries whose letters hold a text, in their order."""
    at = text.find(wanted)
    while at >= 0:
        end = text.index(_END, at)
        name = text.rindex(_NAME, 0, end)
        if at < name:
            yield text[name + 1 : end]
        at = text.find(wanted, end)


def _named(metrics: Mapping[str, Metric], wanted: str) -> Iterator[str]:
    """The names of the metrics whose letters hold a text; those that changed lately come last."""
    base, changed, gone = layers(metrics)
    for name in _entries(_all_letters(base), wanted):
        if name not in changed and name not in gone:
            yield name
    yield from _entries("".join(map(_entry, changed.values())), wanted)


def _blob_of(model: Model) -> str:
    return blob_of(
        name
        for part in (*model.dimensions, *model.measures)
        for name in (f"{model.name}__{part.name}", part.label or "")
    )


_entry: ByIdentity[Metric, str] = ByIdentity(_entry_of, most=100_000)
"""A metric's letters and its name."""
_all_letters: ByIdentity[Mapping[str, Metric], str] = ByIdentity(
    lambda metrics: "".join(map(_entry, metrics.values())), most=8
)
"""The entries of very many metrics, of which the next graph mostly has the same."""
_blob: ByIdentity[Model, str] = ByIdentity(_blob_of, most=20_000)
"""The letters of a model's members with their prefix."""

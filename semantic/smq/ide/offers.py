"""The names and words that a query can take at some place, ranked by what its metrics reach.

Everything is yielded best first, and only what fits the typed text is looked at closely: a
workspace may have 20,000 metrics and 50,000 dimensions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from smq.expr import name_in_sql, parse_expression
from smq.graph.members import row_readings
from smq.graph.overlaid import layers
from smq.graph.references import METRIC_TIME, RowRef, all_grains, readings, splits
from smq.graph.symbols import GRAINS, Dimension, Measure, Metric, Model
from smq.ide.around import Around
from smq.ide.by_identity import ByIdentity
from smq.ide.choosing import HERE, Completion, Typed, blob_of, in_a_line, letters
from smq.ide.reach import Reachable, Route
from smq.ide.sql_context import SqlContext
from smq.ide.sql_words import functions, keywords
from smq.plan.build import own_grain
from smq.query.written import WrittenQuery
from smq.text import Span
from smq.workspace import Snapshot

_JUDGED = 300
"""Metrics of which it is found out whether they reach the query's groups."""
_JUDGED_FOR_THEMSELVES = 50
"""Of very many metrics, those looked into where the query asks nothing of them yet: whether one can
be computed at all is worth saying, but not an eighth of a second before the first list."""
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

    def metrics(self, rank: int = 0, by: tuple[str, ...] = ()) -> Iterator[Completion]:
        """The metrics that fit; those that reach the query's groups and filters first, or those
        that can be grouped `by` names where a call has groups of its own."""
        has_needs = bool(by) or self.reachable.has_needs
        is_large = len(self.graph.metrics) > _FUZZY and not has_needs
        judged = _JUDGED_FOR_THEMSELVES if is_large else _JUDGED
        for number, metric in enumerate(islice(self._fitting_metrics(), _JUDGED)):
            why = self._obstacle(metric.name, by) if number < judged else ""
            yield _metric(metric, rank, why) if why else _free_metric(metric, rank)

    def _obstacle(self, metric: str, by: tuple[str, ...]) -> str:
        if by:
            return self.reachable.obstacle_for_each(metric, by)
        return self.reachable.obstacle(metric)

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
        metric = self._own_metric()
        if metric is None:
            return
        words = "A window over the aggregated rows of this query."
        groups = self.reachable.groups
        last = groups[-1] if groups else METRIC_TIME
        order = next((group for group in groups if self._is_time(group)), last)
        body = f"SUM(${{1:{metric}}}) OVER (ORDER BY ${{2:{order}}}) AS ${{3:running_total}}"
        detail = "SUM(…) OVER (ORDER BY …)"
        why = "" if groups else "runs along something in groupBy, which is empty"
        yield Completion(
            "running total",
            "snippet",
            span,
            body,
            95,
            detail,
            words,
            snippet=True,
            why_not=why,
        )
        body = f"RANK() OVER (ORDER BY ${{1:{metric}}} DESC) AS ${{2:rank}}"
        detail = "RANK() OVER (ORDER BY … DESC)"
        yield Completion("rank", "snippet", span, body, 96, detail, words, snippet=True)

    def _own_metric(self) -> str | None:
        """A metric that a window can be computed over, of the query if it has one."""
        for name in (*self.reachable.metrics, *islice(self.graph.metrics, _JUDGED)):
            if not self.reachable.is_windowed(name) and not self.reachable.obstacle(name):
                return name_in_sql(name, self.dialect)
        return None

    def _is_time(self, name: str) -> bool:
        refs = row_readings(self.graph, name, self._grains)
        return any(
            ref.kind == "metric_time"
            or (
                ref.kind == "dimension" and self.graph.index(ref.model).dimensions[ref.name].is_time
            )
            for ref in refs
        )

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
            ref = self._time(left)
            if ref is None:
                continue
            why = self.reachable.unreached(ref)
            for number, grain in enumerate(self._grains_of(ref)):
                name = f"{left}__{grain}"
                detail = in_a_line(f"by {grain}", why)
                yield Completion(
                    name, "grain", span, name, number, detail, filter=name, why_not=why
                )
            return

    def grains_of(self, name: str) -> tuple[str, ...]:
        """The grains of a time by its name; none where it is no time."""
        ref = self._time(name)
        return self._grains_of(ref) if ref is not None else ()

    def _time(self, name: str) -> RowRef | None:
        """The time that a name without a grain means, if it is one."""
        found = row_readings(self.graph, name, self._grains)
        if len(found) != 1 or found[0].grain is not None or not self._is_time(name):
            return None
        return found[0]

    def _grains_of(self, ref: RowRef) -> tuple[str, ...]:
        """The grains that a time can be cut to, the finest first, and those that calendars add."""
        first = GRAINS.index("second")
        if ref.kind == "metric_time":
            owns = [own_grain(self.graph, base.time) for base in self.reachable.bases]
            first = max((GRAINS.index(own) for own in owns if own), default=first)
        else:
            dimension = self.graph.index(ref.model).dimensions[ref.name]
            if dimension.grain is not None:
                first = GRAINS.index(dimension.grain)
            elif dimension.data_type == "date":
                first = GRAINS.index("day")
        return (*GRAINS[first:], *sorted(self._grains - set(GRAINS)))

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

    def sorted_by(self, items: Iterable[Completion], typed: str) -> Iterator[Completion]:
        """Dimensions as sort keys: rows have one value of those alone that the query groups by."""
        sign = "-" if typed.startswith("-") else ""
        for item in items:
            name = item.insert
            why = item.why_not
            if not why and not name.endswith("__") and not self.reachable.is_grouped(name):
                why = "sorts only when it is in groupBy, too"
            yield replace(item, label=sign + name, insert=sign + name, filter=name, why_not=why)

    # Inside expressions

    def in_expression(
        self, key: str, word: str, span: Span, context: SqlContext, beside: Around
    ) -> Iterator[Completion]:
        """Names, functions and words of SQL, as the text around the cursor asks for them."""
        if context.position == "string":
            return
        yield from keywords(key, span, context)
        if context.frame or context.position == "operator":
            return
        if context.window and context.last == "(":
            return
        yield from (self._spoken(item) for item in self._names(key, word, span, context, beside))
        yield from functions(key, span)

    def _names(
        self, key: str, word: str, span: Span, context: SqlContext, beside: Around
    ) -> Iterator[Completion]:
        if beside.is_table:
            for model in self.graph.models.values():
                label = model.label or ""
                yield Completion(model.name, "model", span, model.name, 0, label, words=label)
        elif beside.tables:
            yield from self._of_tables(beside.tables)
        elif beside.in_window and (key == "filters" or context.window):
            yield from self._over_windows(self._aliases(key, span))
            yield from self._grouped(span)
            yield from self._over_windows(self.metrics(rank=40))
            if not context.window:
                yield from self._window_measures()
        elif key == "metrics":
            if beside.in_window:
                yield from self._over_windows(self.metrics())
                yield from self._window_measures()
            else:
                yield from self.metrics()
        else:
            yield from self._aggregated(self._aliases(key, span), beside)
            yield from self.as_rows(self.grains(word, span), beside)
            yield from self.as_rows(self.dimensions(), beside)
            yield from self._aggregated(self.metrics(rank=20), beside)
            yield from self.as_rows(self.measures(), beside)

    def _of_tables(self, tables: tuple[str, ...]) -> Iterator[Completion]:
        """What a subquery can read: the members of the models that it selects from."""
        for name in tables:
            model = self.graph.models.get(name)
            if model is not None:
                for _, item in _dimensions(model, Route()):
                    yield item
                yield from _measures(model, Route(), 32)

    def _spoken(self, item: Completion) -> Completion:
        """The offer as SQL reads it: a name that is a word of SQL stands in quotes."""
        written = name_in_sql(item.insert, self.dialect)
        if written == item.insert:
            return item
        return replace(item, insert=json.dumps(written, ensure_ascii=False)[1:-1])

    def as_rows(self, items: Iterator[Completion], beside: Around) -> Iterator[Completion]:
        """Values of rows; beside what is aggregated they must have one value in each result row."""
        metric = next((name for name in beside.names if self._is_aggregated(name)), None)
        for item in items:
            if metric is None or item.why_not or item.kind == "entity":
                yield item
            elif item.kind == "measure":
                yield replace(item, why_not=f"is a value of rows, and {metric} aggregates them")
            elif self.reachable.is_grouped(item.label):
                yield item
            else:
                yield replace(item, why_not=f"beside {metric} it must be in groupBy, too")

    def _aggregated(self, items: Iterator[Completion], beside: Around) -> Iterator[Completion]:
        """Metrics; values of rows beside them must be in the result."""
        row = next((name for name in beside.names if self._is_loose_row(name)), None)
        for item in items:
            if row is not None and not item.why_not:
                item = replace(item, why_not=f"beside it {row} must be in groupBy, too")
            yield item

    def _is_aggregated(self, name: str) -> bool:
        return name in self.graph.metrics or name in self._own_aliases

    def _is_loose_row(self, name: str) -> bool:
        return not self._is_aggregated(name) and not self.reachable.is_grouped(name)

    @property
    def _own_aliases(self) -> dict[str, str]:
        """The query's names for its expressions, each with what it names."""
        found: dict[str, str] = {}
        for item in self.query.metrics if self.query is not None else ():
            alias = parse_expression(item.text, self.dialect).alias
            if alias is not None:
                found[alias] = item.text
        return found

    def _aliases(self, key: str, span: Span) -> Iterator[Completion]:
        if key == "filters":
            for alias, text in self._own_aliases.items():
                yield Completion(alias, "alias", span, alias, 0, text, filter=alias)

    def _over_windows(self, items: Iterator[Completion]) -> Iterator[Completion]:
        """What a window can be computed over: nothing that is a window itself."""
        windows = self.reachable.windowed_aliases
        for item in items:
            is_window = item.label in windows or (
                item.kind == "metric" and self.reachable.is_windowed(item.label)
            )
            if is_window and not item.why_not:
                item = replace(item, why_not="is a window already")
            yield item

    def _window_measures(self) -> Iterator[Completion]:
        """Measures as windows take them: aggregated by themselves, like a metric of their own."""
        for model, _ in self._models():
            for measure, item in zip(model.measures, _measures(model, Route(), 32), strict=True):
                why = self.reachable.measure_obstacle(model.name, measure.name)
                if why:
                    detail = in_a_line(measure.label, why)
                    item = replace(item, why_not=why, detail=detail)
                yield item

    def _grouped(self, span: Span) -> Iterator[Completion]:
        """Dimensions for a window: it sees those that the query groups by, and no others."""
        groups = self.reachable.groups
        for number, group in enumerate(groups):
            detail = "group of this query"
            yield Completion(group, "dimension", span, group, number, detail, filter=group)
        for item in self.dimensions():
            if item.label in groups:
                continue
            item = replace(item, rank=item.rank + 50)
            if not item.why_not and not self.reachable.is_grouped(item.label):
                item = replace(item, why_not="a window sees it only when it is in groupBy, too")
            yield item


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

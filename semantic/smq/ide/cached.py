"""What queries can take where no models are: the names that the metadata cache carries.

Each offer says how old it is. What every metric of the query can be grouped by comes first, as the
cache says; what one of them cannot is last, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from smq.catalog import Known
from smq.catalog.semantic import MemberName, MetricName, SemanticNames
from smq.catalog.words import collected, synced
from smq.expr import parse_expression
from smq.graph.references import METRIC_TIME, splits
from smq.graph.symbols import GRAINS
from smq.ide.choosing import HERE, Completion, in_a_line, letters
from smq.ide.offers import Offers
from smq.query.written import WrittenQuery
from smq.text import Span
from smq.workspace import Snapshot

_SHOWN = 1_000
"""Metrics, and dimensions, that are looked at closely for one list."""


def offers_for(snapshot: Snapshot, query: WrittenQuery | None, typed: str) -> Offers:
    """What a query of this workspace can take: by its models, or by the cache where it has none."""
    if isinstance(snapshot.catalog, Known) and snapshot.knows_names_only:
        return CachedOffers(snapshot, query, typed, snapshot.catalog)
    return Offers(snapshot, query, typed)


class CachedOffers(Offers):
    """The same lists from the cache's names."""

    def __init__(
        self, snapshot: Snapshot, query: WrittenQuery | None, typed: str, known: Known
    ) -> None:
        super().__init__(snapshot, query, typed)
        self.names = known.semantic
        self._age = synced(known)
        self._groups = tuple(item.text for item in query.group_by) if query else ()
        self._metrics = list(_metrics_of(self.names, query, self.dialect)) if query else []

    def metrics(self, rank: int = 0, by: tuple[str, ...] = ()) -> Iterator[Completion]:
        fitting = (
            metric
            for metric in self.names.metrics
            if self.typed.may_be_in(f"{letters(metric.name)}\n{letters(metric.label)}")
        )
        for metric in islice(fitting, _SHOWN):
            why = self._cannot_have(metric, by or self._groups)
            yield Completion(
                metric.name,
                "metric",
                HERE,
                metric.name,
                rank,
                in_a_line(metric.label, metric.type, why, self._age),
                metric.description,
                f"{metric.name} {metric.label}".strip(),
                why_not=why,
                words=metric.label,
            )

    def _cannot_have(self, metric: MetricName, groups: tuple[str, ...]) -> str:
        allowed = self.names.groupable(metric.name)
        for group in groups if allowed is not None else ():
            path = _bare(self.names, group)
            if self.names.dimension(path) is not None and path not in (allowed or ()):
                return f"cannot be grouped by {path}"
        return ""

    def dimensions(self) -> Iterator[Completion]:
        if self._metrics or self.names.metrics:
            detail = in_a_line("each metric's own time", self._age)
            yield Completion(METRIC_TIME, "time", HERE, METRIC_TIME, 1, detail, filter=METRIC_TIME)
        fitting = (
            dimension
            for model in self.names.models
            for dimension in model.dimensions
            if self.typed.may_be_in(f"{letters(dimension.path)}\n{letters(dimension.label)}")
        )
        for dimension in islice(fitting, _SHOWN):
            yield self._cached_dimension(dimension)

    def _cached_dimension(self, dimension: MemberName) -> Completion:
        path, why = dimension.path, ""
        for metric in self._metrics:
            allowed = self.names.groupable(metric.name)
            if allowed is not None and path not in allowed:
                why = f"{metric.name} cannot be grouped by it"
                break
        return Completion(
            path,
            "time" if dimension.is_time else "dimension",
            HERE,
            path,
            2,
            in_a_line(dimension.label, dimension.type, why, self._age),
            dimension.description,
            f"{path} {dimension.label}".strip(),
            why_not=why,
            words=dimension.label,
        )

    def measures(self, rank: int = 32) -> Iterator[Completion]:
        for model in self.names.models:
            for measure in model.measures:
                yield Completion(
                    measure.path,
                    "measure",
                    HERE,
                    measure.path,
                    rank,
                    in_a_line(measure.label, self._age),
                    measure.description,
                    f"{measure.path} {measure.label}".strip(),
                    words=measure.label,
                )

    def _window_measures(self) -> Iterator[Completion]:
        yield from self.measures()

    def grains(self, typed: str, span: Span) -> Iterator[Completion]:
        for left, _ in [*splits(typed), (typed.rstrip("_"), "")]:
            dimension = self.names.dimension(left)
            if left != METRIC_TIME and (dimension is None or not dimension.is_time):
                continue
            own = dimension.grain if dimension is not None else ""
            is_date = dimension is not None and dimension.type.lower() == "date"
            first = GRAINS.index(own) if own in GRAINS else GRAINS.index("second")
            if own not in GRAINS and (is_date or left == METRIC_TIME):
                first = GRAINS.index("day")
            for number, grain in enumerate(GRAINS[first:]):
                name = f"{left}__{grain}"
                yield Completion(name, "grain", span, name, number, f"by {grain}", filter=name)
            return

    def clauses(self, span: Span) -> Iterator[Completion]:
        # Keys are not in the cache, so no clause can be written out.
        yield from ()


def about_cached(snapshot: Snapshot, name: str) -> str | None:
    """A name of the cache in Markdown; None for one that it does not carry."""
    catalog = snapshot.catalog
    if not isinstance(catalog, Known) or not snapshot.knows_names_only:
        return None
    names = catalog.semantic
    metric = names.metric(name)
    if metric is not None:
        parts = [_head(metric.name, metric.label, "metric", metric.type), metric.description]
        allowed = names.groupable(name)
        if allowed is not None:
            some = ", ".join(f"`{path}`" for path in sorted(allowed)[:8])
            rest = f" and {len(allowed) - 8} more" if len(allowed) > 8 else ""
            parts.append(f"Can be grouped by {some}{rest}" if allowed else "Has no groups")
        return "\n\n".join(part for part in (*parts, collected(catalog)) if part)
    path = _bare(names, name)
    dimension = names.dimension(path)
    if dimension is None:
        return None
    kind = f"{'time ' if dimension.is_time else ''}dimension of `{dimension.model}`"
    head = _head(path, dimension.label, kind, dimension.type)
    grain = name[len(path) + 2 :]
    cut = f"By {grain}: the start of each {grain}" if grain else ""
    parts = [head, dimension.description, cut, collected(catalog)]
    return "\n\n".join(part for part in parts if part)


def _metrics_of(names: SemanticNames, query: WrittenQuery, dialect: str) -> Iterator[MetricName]:
    for item in query.metrics:
        for use in parse_expression(item.text, dialect).uses:
            metric = names.metric(use.name)
            if metric is not None:
                yield metric


def _bare(names: SemanticNames, name: str) -> str:
    if names.dimension(name) is not None:
        return name
    rest, _, grain = name.rpartition("__")
    return rest if rest and grain in GRAINS else name


def _head(name: str, label: str, kind: str, data_type: str) -> str:
    words = f" — {label}" if label else ""
    return f"**{name}**{words} · {kind}{f' `{data_type}`' if data_type else ''}"

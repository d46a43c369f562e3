"""Where a definition contradicts itself: names used twice, references in one model that miss.

What only other files can settle (sources, keys of other models, metrics) is looked for by rules
over the whole graph.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from smq.graph.symbols import Measure, Metric, Model, SavedQuery, Symbol
from smq.problem import Problem, Related
from smq.text import Location, nearest

_NAME = re.compile(r"[^\W\d]\w*\Z")
_SUFFIX = re.compile(r"\w+\Z")
RESERVED = frozenset({"metric_time"})
"""Names that queries already give a meaning of their own."""

SQL_WORDS = frozenset(
    [
        "all",
        "and",
        "any",
        "as",
        "asc",
        "between",
        "by",
        "case",
        "cast",
        "cross",
        "current_date",
        "current_timestamp",
        "desc",
        "distinct",
        "else",
        "end",
        "except",
        "exists",
        "false",
        "from",
        "full",
        "group",
        "having",
        "in",
        "inner",
        "intersect",
        "interval",
        "into",
        "is",
        "join",
        "left",
        "like",
        "limit",
        "not",
        "null",
        "offset",
        "on",
        "or",
        "order",
        "outer",
        "over",
        "partition",
        "right",
        "select",
        "set",
        "table",
        "then",
        "true",
        "union",
        "using",
        "when",
        "where",
        "window",
        "with",
    ]
)
"""Words that an expression cannot use as a name."""


def of_model(model: Model) -> Iterator[Problem]:
    """What a model contradicts itself in."""
    yield from _unspeakable("semantic model", model, _NAME)
    yield from _doubles(model, "entity", model.entities)
    yield from _doubles(model, "dimension", model.dimensions)
    yield from _doubles(model, "measure", model.measures)
    yield from _shared(model)
    for what, members in (("dimension", model.dimensions), ("measure", model.measures)):
        for member in members:
            yield from _unspeakable(what, member, _SUFFIX)
    yield from _times(model)


def of_metric(metric: Metric) -> Iterator[Problem]:
    """What is wrong with a metric's own name."""
    return _unspeakable("metric", metric, _NAME)


def of_saved_query(query: SavedQuery) -> Iterator[Problem]:
    """What is wrong with a saved query's own name."""
    return _unspeakable("saved query", query, _NAME)


def _unspeakable(what: str, symbol: Symbol, pattern: re.Pattern[str]) -> Iterator[Problem]:
    name = symbol.name
    if not pattern.match(name):
        character = next((c for c in name if not (c.isalnum() or c == "_")), name[0])
        reason = "character"
    elif name.lower() in RESERVED:
        character, reason = "", "reserved"
    elif pattern is _NAME and name.lower() in SQL_WORDS:
        yield Problem("MOD210", symbol.name_at, {"what": what, "name": name})
        return
    else:
        return
    facts = {"what": what, "name": name, "reason": reason, "character": character}
    yield Problem("MOD204", symbol.name_at, facts)


def _doubles(model: Model, what: str, members: Sequence[Symbol]) -> Iterator[Problem]:
    first: dict[str, Symbol] = {}
    for member in members:
        known = first.setdefault(member.name, member)
        if known is not member:
            related = Related(known.name_at, f"the first {what} '{member.name}'")
            facts = {"what": what, "name": member.name, "model": model.name}
            yield Problem("MOD201", member.name_at, facts, (related,))


def _shared(model: Model) -> Iterator[Problem]:
    dimensions = {dimension.name: dimension for dimension in model.dimensions}
    for measure in model.measures:
        dimension = dimensions.get(measure.name)
        if dimension is not None:
            related = Related(dimension.name_at, f"the dimension '{dimension.name}'")
            facts = {"name": measure.name, "model": model.name}
            yield Problem("MOD202", measure.name_at, facts, (related,))


def _times(model: Model) -> Iterator[Problem]:
    yield from _time(model, model.agg_time_dimension, model.agg_time_dimension_at, "")
    for measure in model.measures:
        wanted, at = measure.agg_time_dimension, measure.agg_time_dimension_at
        yield from _time(model, wanted, at, measure.name)
        yield from _non_additive(model, measure)


def _time(model: Model, wanted: str | None, at: Location | None, measure: str) -> Iterator[Problem]:
    if wanted is None or at is None:
        return
    facts: dict[str, object] = {"name": wanted, "model": model.name, "measure": measure}
    found = next((d for d in model.dimensions if d.name == wanted), None)
    if found is None:
        times = [d.name for d in model.dimensions if d.is_time]
        yield Problem(
            "REF105", at, {**facts, "nearest": nearest(wanted, times), "known": tuple(times)}
        )
    elif not found.is_time:
        related = Related(found.name_at, f"the dimension '{wanted}'")
        facts["type"] = found.data_type or "categorical"
        yield Problem("REF106", at, facts, (related,))


def _non_additive(model: Model, measure: Measure) -> Iterator[Problem]:
    given = measure.non_additive
    if given is None:
        return
    yield from _time(model, given.dimension, given.location, measure.name)
    entities = [entity.name for entity in model.entities]
    if model.primary_entity:
        entities.append(model.primary_entity)
    for name, at in zip(given.groupings, given.groupings_at, strict=True):
        if name not in entities:
            near = nearest(name, entities)
            facts = {"name": name, "model": model.name, "measure": measure.name, "nearest": near}
            yield Problem("REF107", at, facts)

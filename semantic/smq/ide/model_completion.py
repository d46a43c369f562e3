"""Completion in semantic-model files: keys and values by schema, names by what is defined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from smq.graph.symbols import Dimension, Entity, Measure, Model, RefCall
from smq.ide.choosing import Completion, Completions, chosen, in_a_line
from smq.ide.constructs import constructs
from smq.ide.functions import FUNCTIONS
from smq.ide.model_schema import allows_text, described, schemas_at
from smq.ide.offers import Offers
from smq.ide.sql_context import SqlContext, sql_context
from smq.ide.sql_words import functions, keywords, usual_grains
from smq.ide.templates import in_template, template_at, whole_calls
from smq.ide.warehouse import column_offers, table_offers
from smq.ide.yaml_spot import YamlSpot, yaml_spot
from smq.text import nfc
from smq.workspace import Snapshot

_MEASURES = frozenset({"measure", "base_measure", "conversion_measure"})
_METRICS = frozenset({"numerator", "denominator", "metrics", "base_metric", "conversion_metric"})
_WINDOWS = frozenset({"partition_by", "order_by"})
_SQL = frozenset({"expr", "filter", "where"})
_GRAINS = frozenset({"grain_to_date", "offset_to_grain"})
_GROUPS = frozenset({"aggregate", "window"})
_FIRST = ("semantic_models", "metrics", "sources", "saved_queries", "models")
"""The sections that people write most, which come first in an empty file."""
_PARAMETERS = {
    "simple": ("measure", "window"),
    "ratio": ("numerator", "denominator"),
    "derived": ("expr", "metrics"),
    "cumulative": ("measure", "window", "grain_to_date", "cumulative_type_params"),
    "conversion": ("conversion_type_params",),
}
"""What metrics of a kind are made of."""
_PERIODS = ("7 days", "1 week", "1 month", "1 quarter", "1 year")
_TEXTS = {
    "window": _PERIODS,
    "offset_window": _PERIODS,
    "start": ("UNBOUNDED PRECEDING", "6 PRECEDING", "CURRENT ROW", "1 FOLLOWING"),
    "end": ("CURRENT ROW", "UNBOUNDED FOLLOWING", "1 FOLLOWING", "1 PRECEDING"),
}
"""Values that are text of any kind to the schema, with examples of what is meant."""
_CALL = re.compile(r"(?P<name>\w+)\(\s*(?:['\"](?P<first>\w+)['\"]\s*,\s*)?(?P<quote>['\"]?)\Z")


def model_completions(snapshot: Snapshot, uri: str, offset: int) -> Completions:
    """What can be written at an offset of a model file."""
    if uri not in snapshot:
        return Completions()
    spot = yaml_spot(snapshot.parsed(uri), offset)
    if spot is None:
        return Completions()
    return chosen(_offers(snapshot, spot), spot.word, spot.span)


def _offers(snapshot: Snapshot, spot: YamlSpot) -> Iterator[Completion]:
    if not spot.path and _is_about_something_else(spot):
        return
    if spot.kind == "key":
        yield from _keys(spot)
        if _is_empty_list(spot):
            yield from constructs(spot, is_list_empty=True)
        elif spot.fresh and not spot.flow:
            yield from constructs(spot)
        if not spot.fresh or not allows_text(spot.path):
            return
    yield from _values(spot)
    yield from _names(snapshot, spot)


def _is_about_something_else(spot: YamlSpot) -> bool:
    """Whether a file has sections that we do not know, and none that we do: most YAML has."""
    mapping = spot.mapping(0)
    pairs = mapping.pairs if mapping is not None else ()
    keys = {pair.key.text for pair in pairs if not spot.is_at(pair.key)}
    known = {name for node in schemas_at(()) for name in node.get("properties", {})}
    # Half of the world's files begin with a version.
    return bool(keys - known) and keys.isdisjoint(known - {"version"})


# Keys and values by schema.


def _is_empty_list(spot: YamlSpot) -> bool:
    """Whether what is typed stands alone where the schema wants a list."""
    mapping = spot.mapping(len(spot.path))
    is_alone = mapping is not None and len(mapping.pairs) == 1 and not spot.flow
    return is_alone and any("items" in node for node in schemas_at(spot.path))


def _keys(spot: YamlSpot) -> Iterator[Completion]:
    mapping = spot.mapping(len(spot.path))
    present = {pair.key.text for pair in mapping.pairs} if mapping else set()
    seen: set[str] = set()
    of_kind = _PARAMETERS.get(spot.metric_kind, ()) if spot.path[-1:] == ("type_params",) else ()
    for node in schemas_at(spot.path):
        required = set(node.get("required", ()))
        for name, about in node.get("properties", {}).items():
            if name in present or name in seen:
                continue
            seen.add(name)
            is_required = name in required
            rank = _FIRST.index(name) - 40 if not spot.path and name in _FIRST else len(seen)
            detail = "required" if is_required else ""
            if name in of_kind:
                rank, detail = of_kind.index(name) - 40, f"for a {spot.metric_kind} metric"
            yield Completion(
                name,
                "key",
                spot.span,
                name if spot.has_value else f"{name}: ",
                rank - (50 if is_required else 0),
                detail,
                described(about),
                name,
            )


def _values(spot: YamlSpot) -> Iterator[Completion]:
    if spot.before.strip() or (spot.path[-1:] and spot.path[-1] in _SQL):
        return
    seen: set[str] = set()
    for node in schemas_at(spot.path):
        values = [*node.get("enum", ()), *([node["const"]] if "const" in node else ())]
        kinds = node.get("type")
        if kinds == "boolean" or (isinstance(kinds, list) and "boolean" in kinds):
            values += [True, False]
        for value in values:
            word = str(value).lower() if isinstance(value, bool) else str(value)
            # A second spelling of the same word in other letters is accepted and not offered.
            if value is not None and word not in seen and word.upper() not in seen:
                seen.add(word)
                about = described(node)
                yield Completion(word, "value", spot.span, word, len(seen), "", about, word)


# Names by what is defined.


def _names(snapshot: Snapshot, spot: YamlSpot) -> Iterator[Completion]:
    steps = [step for step in spot.path if isinstance(step, str)]
    if not steps:
        return
    top, key = steps[0], steps[-1]
    over = steps[-2] if len(steps) > 1 else ""
    subject = over if key == "name" else key
    if key in _TEXTS and not spot.before.strip():
        for number, text in enumerate(_TEXTS[key]):
            yield Completion(text, "value", spot.span, text, number, filter=text)
    elif key in _GRAINS:
        for number, grain in enumerate(usual_grains(snapshot.graph)):
            yield Completion(grain, "grain", spot.span, grain, number)
    elif key in _SQL or over in ("filter", "where"):
        yield from _sql(snapshot, spot, top)
    elif subject in _MEASURES:
        yield from _measures(snapshot, spot)
    elif subject in _METRICS and ("type_params" in steps or "query_params" in steps):
        # A metric that stands on itself would be a circle.
        own = spot.text(2, "name") if top == "metrics" else ""
        offers = Offers(snapshot, None, spot.word)
        yield from (item for item in offers.metrics() if item.label != own)
    elif top == "saved_queries" and key in ("group_by", "order_by"):
        yield from _sort_keys(snapshot, spot)
    elif key in _WINDOWS:
        offers = Offers(snapshot, None, spot.word)
        yield from offers.grains(spot.word, spot.span)
        yield from offers.dimensions()
    elif (key == "name" and over == "entities") or key == "entity":
        yield from _entities(snapshot, spot)
    elif key == "agg_time_dimension" or (key == "name" and over == "non_additive_dimension"):
        yield from _times(snapshot, spot)
    elif key == "window_groupings":
        model = _model(snapshot, spot)
        for entity in model.entities if model else ():
            yield Completion(entity.name, "entity", spot.span, entity.name, 0, entity.kind)
    elif key in ("table", "model"):
        yield from _relations(snapshot, spot, key)


def _sql(snapshot: Snapshot, spot: YamlSpot, top: str) -> Iterator[Completion]:
    offers = Offers(snapshot, None, spot.word)
    template = template_at(spot.before, spot.behind)
    if template is not None:
        yield from in_template(offers, template, spot.span)
        return
    context = sql_context(spot.before)
    if context.position == "string":
        return
    is_filter = "filter" in spot.path or "where" in spot.path
    yield from keywords("filters" if is_filter else "expr", spot.span, context)
    if context.position == "operator":
        return
    if top == "semantic_models":
        yield from _columns(snapshot, spot)
    else:
        yield from _members(offers, spot.text(2, "name"), is_filter, context)
    for item in functions("filters" if is_filter else "expr", spot.span):
        if FUNCTIONS[item.label].group not in _GROUPS or top != "semantic_models":
            yield item


def _members(
    offers: Offers, own: str, is_filter: bool, context: SqlContext
) -> Iterator[Completion]:
    """Measures inside of an aggregate, metrics outside of any, dimensions first in a filter: what
    makes sense there comes first, and what cannot be is left out."""
    is_aggregated = any(
        FUNCTIONS[call.upper()].group == "aggregate"
        for call in context.calls
        if call.upper() in FUNCTIONS
    )
    if not is_aggregated:
        metrics = offers.metrics(60 if is_filter else -60)
        yield from (item for item in metrics if item.label != own)
    yield from offers.measures(-28 if is_aggregated else 32)
    yield from offers.dimensions()


def _sort_keys(snapshot: Snapshot, spot: YamlSpot) -> Iterator[Completion]:
    """What a saved query can be grouped by: calls of dbt, or names as queries write them."""
    offers = Offers(snapshot, None, spot.word)
    template = template_at(spot.before, spot.behind, braces=False)
    if template is not None and template.call:
        yield from in_template(offers, template, spot.span)
    elif not spot.before.strip():
        yield from whole_calls(offers, spot.span)
        yield from offers.grains(spot.word, spot.span)
        yield from (replace(item, rank=item.rank + 10) for item in offers.dimensions())


def _relations(snapshot: Snapshot, spot: YamlSpot, key: str) -> Iterator[Completion]:
    """Tables: as calls of sources, as dbt's references, as they are named in the warehouse."""
    graph = snapshot.graph
    call = _CALL.search(spot.before)
    if call is not None:
        quote = "" if call["quote"] else "'"
        name, first = call["name"], call["first"]
        if name == "ref":
            found = dict.fromkeys(_references(snapshot), "")
        elif name == "source" and first is None:
            found = {each.source: "" for each in graph.sources.values()}
        else:
            wanted = first if name == "source" else name
            found = {
                each.name: ".".join(each.table.parts)
                for each in graph.sources.values()
                if each.source == wanted
            }
        for text, detail in found.items():
            insert = f"{quote}{text}{quote}"
            yield Completion(text, "source", spot.span, insert, 0, detail, filter=text)
        return
    if spot.before.strip():
        return
    for name in _references(snapshot) if key == "model" else ():
        text = f"ref('{name}')"
        yield Completion(text, "source", spot.span, text, 0, "model of dbt", filter=text)
    for source in graph.sources.values():
        text = f"{source.source}('{source.name}')"
        if key == "model":
            text = f"source('{source.source}', '{source.name}')"
        table = ".".join(source.table.parts)
        yield Completion(text, "source", spot.span, text, 1, table, filter=text)
    if key == "table":
        yield from table_offers(snapshot, spot.word, spot.span)


def _references(snapshot: Snapshot) -> tuple[str, ...]:
    """What `ref('…')` can name: dbt's own models, and those that other files name."""
    written = [
        model.relation.model
        for model in snapshot.graph.models.values()
        if isinstance(model.relation, RefCall)
    ]
    return tuple(dict.fromkeys((*snapshot.refs, *written)))


def _measures(snapshot: Snapshot, spot: YamlSpot) -> Iterator[Completion]:
    for model in snapshot.graph.models.values():
        for measure in model.measures:
            yield Completion(
                measure.name,
                "measure",
                spot.span,
                measure.name,
                0,
                in_a_line(measure.label, measure.agg, model.name),
                measure.description or "",
                words=measure.label or "",
            )


def _entities(snapshot: Snapshot, spot: YamlSpot) -> Iterator[Completion]:
    names = dict.fromkeys(
        entity.name
        for model in snapshot.graph.models.values()
        for entity in model.entities
        if entity.kind != "foreign"
    )
    for name in names:
        keyed = ", ".join(snapshot.graph.joins.keyed_by(name))
        yield Completion(name, "entity", spot.span, name, 0, f"key of {keyed}")


def _times(snapshot: Snapshot, spot: YamlSpot) -> Iterator[Completion]:
    model = _model(snapshot, spot)
    for dimension in model.dimensions if model else ():
        if dimension.is_time:
            name = dimension.name
            yield Completion(name, "time", spot.span, name, 0, dimension.label or "")


def _columns(snapshot: Snapshot, spot: YamlSpot) -> Iterator[Completion]:
    """The columns of the model's table, if the warehouse is known; else those that the model names
    elsewhere."""
    model = _model(snapshot, spot)
    if model is None:
        return
    real = tuple(column_offers(snapshot, model, spot.span))
    if real:
        yield from real
        return
    parts: tuple[Entity | Dimension | Measure, ...] = (
        *model.entities,
        *model.dimensions,
        *model.measures,
    )
    found = dict.fromkeys(part.expr.text if part.expr else part.name for part in parts)
    for column in found:
        if column.replace("_", "").isalnum():
            detail = f"column of {model.name}"
            yield Completion(column, "column", spot.span, column, 0, detail)


def _model(snapshot: Snapshot, spot: YamlSpot) -> Model | None:
    """The model in whose item the cursor stands."""
    name = spot.text(2, "name")
    return snapshot.graph.models.get(nfc(name)) if name else None

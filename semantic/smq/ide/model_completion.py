"""Completion in semantic-model files: keys and values by schema, names by what is defined."""

from __future__ import annotations

from collections.abc import Iterator

from smq.graph.symbols import Dimension, Entity, Measure, Model
from smq.ide.choosing import Completion, Completions, chosen
from smq.ide.constructs import constructs
from smq.ide.functions import FUNCTIONS
from smq.ide.model_schema import allows_text, described, schemas_at
from smq.ide.offers import Offers
from smq.ide.sql_context import sql_context
from smq.ide.warehouse import column_offers, table_offers
from smq.ide.yaml_spot import YamlSpot, yaml_spot
from smq.syntax import Mapping, Scalar
from smq.text import nfc
from smq.workspace import Snapshot

_MEASURES = frozenset({"measure", "base_measure", "conversion_measure"})
_METRICS = frozenset({"numerator", "denominator", "metrics", "base_metric", "conversion_metric"})
_WINDOWS = frozenset({"partition_by", "order_by"})
_SQL = frozenset({"expr", "filter", "where"})


def model_completions(snapshot: Snapshot, uri: str, offset: int) -> Completions:
    """What can be written at an offset of a model file."""
    if uri not in snapshot:
        return Completions()
    spot = yaml_spot(snapshot.parsed(uri), offset)
    if spot is None:
        return Completions()
    return chosen(_offers(snapshot, spot), spot.word, spot.span)


def _offers(snapshot: Snapshot, spot: YamlSpot) -> Iterator[Completion]:
    if spot.kind == "key":
        yield from _keys(spot)
        if spot.fresh and not spot.flow:
            yield from constructs(spot)
        if not spot.fresh or not allows_text(spot.path):
            return
    yield from _values(spot)
    yield from _names(snapshot, spot)


# Keys and values by schema.


def _keys(spot: YamlSpot) -> Iterator[Completion]:
    mapping = spot.mapping(len(spot.path))
    present = {pair.key.text for pair in mapping.pairs} if mapping else set()
    seen: set[str] = set()
    for node in schemas_at(spot.path):
        required = set(node.get("required", ()))
        for name, about in node.get("properties", {}).items():
            if name in present or name in seen:
                continue
            seen.add(name)
            is_required = name in required
            yield Completion(
                name,
                "key",
                spot.span,
                name if spot.has_value else f"{name}: ",
                len(seen) - (50 if is_required else 0),
                "required" if is_required else "",
                described(about),
                name,
            )


def _values(spot: YamlSpot) -> Iterator[Completion]:
    if spot.before.strip():
        return
    seen: set[str] = set()
    for node in schemas_at(spot.path):
        values = [*node.get("enum", ()), *([node["const"]] if "const" in node else ())]
        kinds = node.get("type")
        if kinds == "boolean" or (isinstance(kinds, list) and "boolean" in kinds):
            values += [True, False]
        for value in values:
            word = str(value).lower() if isinstance(value, bool) else str(value)
            if value is not None and word not in seen:
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
    if key in _SQL or over in ("filter", "where"):
        yield from _sql(snapshot, spot, top)
    elif subject in _MEASURES:
        yield from _measures(snapshot, spot)
    elif subject in _METRICS and ("type_params" in steps or "query_params" in steps):
        yield from Offers(snapshot, None, spot.word).metrics()
    elif key in _WINDOWS:
        yield from Offers(snapshot, None, spot.word).dimensions()
    elif (key == "name" and over == "entities") or key == "entity":
        yield from _entities(snapshot, spot)
    elif key in ("agg_time_dimension", "window_groupings") or (
        key == "name" and over == "non_additive_dimension"
    ):
        yield from _times(snapshot, spot)
    elif key == "table" and not spot.before.strip():
        for source in snapshot.graph.sources.values():
            call = f"{source.source}('{source.name}')"
            table = ".".join(source.table.parts)
            yield Completion(call, "source", spot.span, call, 0, table, filter=call)
        yield from table_offers(snapshot, spot.word, spot.span)


def _sql(snapshot: Snapshot, spot: YamlSpot, top: str) -> Iterator[Completion]:
    context = sql_context(spot.before)
    if context.position == "string":
        return
    offers = Offers(snapshot, None, spot.word)
    own = _text(spot.mapping(2), "name")
    if top == "semantic_models":
        yield from _columns(snapshot, spot)
    else:
        yield from (item for item in offers.metrics(rank=20) if item.label != own)
        yield from offers.measures()
        yield from offers.dimensions()
    for function in FUNCTIONS.values():
        aggregates = function.group in ("aggregate", "window")
        if not aggregates or top != "semantic_models":
            yield Completion(
                function.name,
                "function",
                spot.span,
                f"{function.name}($0)",
                70,
                function.signature,
                function.text,
                function.name,
                snippet=True,
            )


def _measures(snapshot: Snapshot, spot: YamlSpot) -> Iterator[Completion]:
    for model in snapshot.graph.models.values():
        for measure in model.measures:
            parts = (measure.label, measure.agg, model.name)
            yield Completion(
                measure.name,
                "measure",
                spot.span,
                measure.name,
                0,
                " · ".join(part for part in parts if part),
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
    name = _text(spot.mapping(2), "name")
    return snapshot.graph.models.get(nfc(name)) if name else None


def _text(mapping: Mapping | None, key: str) -> str:
    value = mapping.get(key) if mapping is not None else None
    return value.text.strip() if isinstance(value, Scalar) else ""

"""What a metric is made of and what is made of it: metrics, measures, columns, and queries.

Calls go down from a metric to the metrics and measures it names, and up to the metrics and queries
that name it. Types go from a measure or dimension up to its model, and down from a model to its
members; from an entity up to the models it is the key of, and down to those that refer to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from smq.graph.symbols import Dimension, Entity, Measure, Metric, Model
from smq.ide.index import mention_at, mentions, places
from smq.ide.mentions import Key, Mention
from smq.query.written import WrittenQuery
from smq.text import Location, Span
from smq.workspace import Snapshot

Kind = Literal["metric", "measure", "dimension", "entity", "model", "column", "query"]


@dataclass(frozen=True, slots=True)
class Item:
    """One box of a hierarchy; `name_at` lies in `whole`, both in one file.

    A client hands an item back as its place, so `item_at` finds it again by `name_at`.
    """

    name: str
    kind: Kind
    name_at: Location
    whole: Location
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """An item and the places, in the caller's file, that name what is called."""

    item: Item
    places: tuple[Span, ...]


def item_at(snapshot: Snapshot, uri: str, offset: int) -> Item | None:
    """The item that the name at an offset stands for, at its definition."""
    mention = mention_at(snapshot, uri, offset)
    if mention is not None:
        found = _item(snapshot, mention.key, Location(uri, mention.span))
        if found is not None:
            return found
    for query in snapshot.queries(uri) if uri in snapshot else ():
        if query.node is not None and query.node.span.start == offset:
            return _query(query)
    return None


def calls_from(snapshot: Snapshot, item: Item) -> tuple[Call, ...]:
    """What an item is made of: a metric's metrics, measures and dimensions; a measure's columns."""
    if item.whole.uri not in snapshot:
        return ()
    inner = ("column",) if item.kind in ("measure", "dimension", "entity") else _PARTS
    found: dict[Key, list[Mention]] = {}
    for mention in mentions(snapshot, item.whole.uri):
        is_inside = item.whole.span.covers(mention.span)
        if is_inside and mention.role == "reference" and mention.key[0] in inner:
            found.setdefault(mention.key, []).append(mention)
    calls = []
    for key, uses in found.items():
        called = _item(snapshot, key, Location(item.whole.uri, uses[0].span))
        if called is not None:
            calls.append(Call(called, tuple(use.span for use in uses)))
    return tuple(calls) or _own_column(snapshot, item)


def _own_column(snapshot: Snapshot, item: Item) -> tuple[Call, ...]:
    """Without SQL of its own, a member is the column of its name."""
    mention = mention_at(snapshot, item.name_at.uri, item.name_at.span.start)
    if mention is None or mention.key[0] not in ("measure", "dimension"):
        return ()
    index = snapshot.graph.index(mention.key[1])
    members = index.measures if mention.key[0] == "measure" else index.dimensions
    member = members.get(mention.key[2])
    if member is None or member.expr is not None:
        return ()
    place = item.name_at
    column = Item(member.name, "column", place, place, f"column of {mention.key[1]}")
    return (Call(column, (place.span,)),)


def calls_to(snapshot: Snapshot, item: Item) -> tuple[Call, ...]:
    """The metrics and queries that name an item."""
    mention = mention_at(snapshot, item.name_at.uri, item.name_at.span.start)
    if mention is None:
        return ()
    found: dict[Item, list[Span]] = {}
    for location, each in places(snapshot, mention.key):
        if each.role == "reference":
            caller = _caller(snapshot, location)
            if caller is not None:
                found.setdefault(caller, []).append(location.span)
    return tuple(Call(caller, tuple(spans)) for caller, spans in found.items())


def supertypes(snapshot: Snapshot, item: Item) -> tuple[Item, ...]:
    """The model of a member; the models that a metric counts rows of; the models that an entity is
    the key of."""
    from smq.ide.definition import bases_of

    mention = mention_at(snapshot, item.name_at.uri, item.name_at.span.start)
    if mention is None:
        return ()
    key = mention.key
    names: tuple[str, ...] = ()
    if key[0] in ("dimension", "measure", "column"):
        names = (key[1],)
    elif key[0] == "metric":
        names = bases_of(snapshot, key[1])
    elif key[0] == "entity":
        names = snapshot.graph.joins.keyed_by(key[1])
    found = (_item(snapshot, ("model", name), item.name_at) for name in names)
    return tuple(model for model in found if model is not None)


def subtypes(snapshot: Snapshot, item: Item) -> tuple[Item, ...]:
    """The members of a model; the models that hold the key of another one for an entity."""
    if item.kind == "entity":
        holders = (
            each
            for each in snapshot.graph.models.values()
            if any(e.name == item.name and e.kind == "foreign" for e in each.entities)
        )
        found = (_item(snapshot, ("model", each.name), item.name_at) for each in holders)
        return tuple(each for each in found if each is not None)
    model = snapshot.graph.models.get(item.name) if item.kind == "model" else None
    if model is None:
        return ()
    members: tuple[Entity | Dimension | Measure, ...] = (
        *model.entities,
        *model.dimensions,
        *model.measures,
    )
    return tuple(_member(snapshot, model, member) for member in members)


_PARTS = ("metric", "measure", "dimension", "entity")


def _item(snapshot: Snapshot, key: Key, used_at: Location) -> Item | None:
    graph = snapshot.graph
    match key[0]:
        case "metric" if key[1] in graph.metrics:
            return metric_item(graph.metrics[key[1]])
        case "model" if key[1] in graph.models:
            model = graph.models[key[1]]
            whole = model.span_at or model.name_at
            return Item(model.name, "model", model.name_at, whole, model.label or "")
        case "dimension" | "measure" if key[1] in graph.models:
            index = graph.index(key[1])
            members = index.dimensions if key[0] == "dimension" else index.measures
            member = members.get(key[2])
            return _member(snapshot, index.model, member) if member is not None else None
        case "entity":
            for location, mention in places(snapshot, key):
                if mention.role == "definition":
                    return Item(key[1], "entity", location, location)
        case "column":
            return Item(key[2], "column", used_at, used_at, f"column of {key[1]}")
    return None


def metric_item(metric: Metric) -> Item:
    """A metric as an item."""
    whole = metric.span_at or metric.name_at
    if not whole.span.covers(metric.name_at.span):
        whole = metric.name_at
    return Item(metric.name, "metric", metric.name_at, whole, metric.label or "")


def _member(snapshot: Snapshot, model: Model, member: Entity | Dimension | Measure) -> Item:
    kind: Kind = "entity"
    if isinstance(member, Dimension):
        kind = "dimension"
    elif isinstance(member, Measure):
        kind = "measure"
    whole = member.name_at
    if member.expr is not None and member.expr.location.uri == whole.uri:
        ends = (whole.span, member.expr.location.span)
        span = Span(min(end.start for end in ends), max(end.end for end in ends))
        whole = Location(whole.uri, span)
    return Item(member.name, kind, member.name_at, whole, model.name)


def _query(query: WrittenQuery) -> Item:
    assert query.node is not None
    asked = ", ".join(item.text for item in query.metrics) or f"query {query.index + 1}"
    name = query.name or query.description or asked
    start = query.node.span.start
    place = Location(query.uri, Span(start, start))
    return Item(name, "query", place, query.location, query.uri.rpartition("/")[2])


def _caller(snapshot: Snapshot, place: Location) -> Item | None:
    """The metric, member or query that a place belongs to."""
    for query in snapshot.queries(place.uri):
        if query.node is not None and query.node.span.covers(place.span):
            return _query(query)
    declared = snapshot.file(place.uri).declarations
    for metric in declared.metrics:
        if metric.span_at is not None and metric.span_at.span.covers(place.span):
            return metric_item(metric)
    for model in declared.models:
        for member in _members(model):
            found = _member(snapshot, model, member)
            if found.whole.span.covers(place.span):
                return found
    return None


def _members(model: Model) -> Iterator[Entity | Dimension | Measure]:
    yield from model.entities
    yield from model.dimensions
    yield from model.measures

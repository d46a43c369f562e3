"""Small words at the side: inlay hints in a file, code lenses above its queries and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from smq.graph.members import row_readings
from smq.graph.references import all_grains
from smq.ide.index import places
from smq.ide.queries import compiled
from smq.query.written import WrittenQuery
from smq.text import Location, Span, nfc
from smq.workspace import Snapshot


@dataclass(frozen=True, slots=True)
class InlayHint:
    """A label behind an offset."""

    offset: int
    label: str
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Lens:
    """A line above a range. `action` says what a click does, `query` which query it is about."""

    span: Span
    title: str
    action: Literal["compile", "run", "explain", "cost", "references", "preview"]
    query: int = 0
    places: tuple[Location, ...] = ()
    metric: str = ""
    """The metric that a preview is about."""


def inlay_hints(snapshot: Snapshot, uri: str, span: Span) -> tuple[InlayHint, ...]:
    """Join paths and types behind the items of queries, uses behind the names of metrics."""
    if uri not in snapshot:
        return ()
    found: list[InlayHint] = []
    for query in snapshot.queries(uri):
        if query.node is not None and _touch(query.node.span, span):
            found.extend(_query_hints(snapshot, query))
    for metric in snapshot.file(uri).declarations.metrics:
        if _touch(metric.name_at.span, span):
            uses = len(_uses(snapshot, metric.name))
            word = "use" if uses == 1 else "uses"
            found.append(InlayHint(metric.name_at.span.end, f"{uses} {word}"))
    return tuple(hint for hint in found if span.contains(hint.offset))


def lenses(snapshot: Snapshot, uri: str) -> tuple[Lens, ...]:
    """What can be done with each query; how often each metric of a model file is used."""
    if uri not in snapshot:
        return ()
    found: list[Lens] = []
    for query in snapshot.queries(uri):
        if query.node is None:
            continue
        top = Span(query.node.span.start, query.node.span.start)
        found.append(Lens(top, "Compile", "compile", query.index))
        found.append(Lens(top, "Run", "run", query.index))
        found.append(Lens(top, "Explain", "explain", query.index))
        found.append(Lens(top, "Cost", "cost", query.index))
    for metric in snapshot.file(uri).declarations.metrics:
        used = _uses(snapshot, metric.name)
        count = len(_queries_at(snapshot, used))
        title = f"used by {count} quer{'y' if count == 1 else 'ies'}"
        found.append(Lens(metric.name_at.span, title, "references", places=tuple(used)))
        found.append(Lens(metric.name_at.span, "Run preview", "preview", metric=metric.name))
    return tuple(found)


def _queries_at(snapshot: Snapshot, places: list[Location]) -> set[tuple[str, int]]:
    """The queries that hold some of the places; a file may have several."""
    return {
        (place.uri, query.index)
        for place in places
        for query in snapshot.queries(place.uri)
        if query.node is not None and query.node.span.covers(place.span)
    }


def _uses(snapshot: Snapshot, metric: str) -> list[Location]:
    return [
        location
        for location, mention in places(snapshot, ("metric", metric))
        if mention.role == "reference"
    ]


def _query_hints(snapshot: Snapshot, query: WrittenQuery) -> Iterator[InlayHint]:
    result = compiled(snapshot, query)
    if not result.queries:
        return
    one = result.queries[0]
    types = {column.origin: column.data_type for column in one.columns}
    bases = dict.fromkeys(leaf.base for leaf in one.leaves)
    for items in (query.metrics, query.group_by):
        for item in items:
            parts = []
            if types.get(item.path):
                parts.append(str(types[item.path]))
            column = next((c for c in one.columns if c.origin == item.path), None)
            if column is not None and column.kind == "dimension" and not query.joins:
                route = _route(snapshot, item.text, list(bases))
                if route:
                    parts.append(route)
            if parts:
                yield InlayHint(item.node.span.end, " · ".join(parts))
    if query.limit is not None and not query.order_by and query.node is not None:
        pair = query.node.pair("limit")
        if pair is not None and pair.value is not None:
            yield InlayHint(pair.value.span.end, "any rows: no orderBy")


def _route(snapshot: Snapshot, name: str, bases: list[str]) -> str:
    """The longest way from a base of the query to the model of a dimension; empty for its own."""
    graph = snapshot.graph
    found = row_readings(graph, nfc(name.strip()), all_grains(graph))
    ways = [graph.paths(base, ref.model, ref.via) for ref in found[:1] for base in bases]
    way = max((paths[0] for paths in ways if len(paths) == 1), key=len, default=())
    return " → ".join((way[0].left, *(edge.right for edge in way))) if way else ""


def _touch(one: Span, other: Span) -> bool:
    return one.start <= other.end and other.start <= one.end

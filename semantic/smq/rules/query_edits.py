"""Edits of queries that several rules offer: another name in its place, an item moved or added."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from smq.format.json_edit import add_item, literal, query_at, remove_item
from smq.format.keys import find_pair
from smq.problem import Fix, Problem, Safety
from smq.query.written import Item, ListKey, WrittenQuery
from smq.rules.registry import Context
from smq.rules.slips import is_slip, likeliest
from smq.syntax import Mapping, Scalar, Sequence
from smq.text import Edit, Location, nearest

OFFERED = 5
"""More fixes for one finding are a list to read and no help."""


def escaped(text: str) -> str:
    """A text as it is written inside a JSON string."""
    return literal(text)[1:-1]


def names(problem: Problem, key: str) -> tuple[str, ...]:
    """The names among a problem's facts under a key; none when it has no such fact."""
    value = problem.args.get(key)
    return value if isinstance(value, tuple) else ()


def replaced(location: Location, text: str) -> tuple[Edit, ...]:
    """Write another text in the place of one, both inside a JSON string."""
    return (Edit(*location, escaped(text)),)


def replacements(
    location: Location, wanted: Iterable[str], safety: Safety = "unsafe"
) -> Iterator[Fix]:
    """Put one of these names there, the likeliest first."""
    for name in list(wanted)[:OFFERED]:
        yield Fix(f"Change to '{name}'", replaced(location, name), safety)


def corrections(location: Location, written: str, near: Iterable[str]) -> Iterator[Fix]:
    """Put one of the nearest names there; safe if there is one that only a slip tells apart."""
    likely = likeliest(written, near)
    safety: Safety = "safe" if len(likely) == 1 and is_slip(written, likely[0]) else "unsafe"
    yield from replacements(location, likely, safety)


def near_first(written: str, candidates: Iterable[str]) -> list[str]:
    """All names, those like the written one first."""
    known = list(candidates)
    return list(dict.fromkeys((*nearest(written, known, limit=len(known) or 1), *known)))


# --- where a problem stands -------------------------------------------------------------------


def query_around(problem: Problem, context: Context) -> WrittenQuery | None:
    """The query that a problem stands in."""
    queries: tuple[WrittenQuery, ...] = context.file(problem.location.uri).queries
    start = problem.location.span.start
    index = bisect_right(queries, start, key=lambda query: query.location.span.start)
    if index and queries[index - 1].location.span.covers(problem.location.span):
        return queries[index - 1]
    return None


def query_node(problem: Problem, context: Context) -> Mapping | None:
    """The object of the query that a problem stands in, as it is written."""
    return query_at(context.parsed(problem.location.uri), problem.location.span.start)


def item_around(problem: Problem, context: Context) -> Item | None:
    """The item of a query's list that a problem stands in."""
    query = query_around(problem, context)
    if query is None:
        return None
    lists = (query.metrics, query.group_by, query.filters, query.order_by, query.joins)
    for items in lists:
        for item in items:
            if item.location.span.covers(problem.location.span):
                return item
    return None


def place_of(text: str, problem: Problem, context: Context) -> Location | None:
    """Where a longer text that holds the problem's place stands in its item."""
    item = item_around(problem, context)
    if item is None:
        return None
    at = item.text.find(text)
    while at >= 0:
        place = item.part(at, at + len(text))
        if place.span.covers(problem.location.span):
            return place
        at = item.text.find(text, at + 1)
    return None


def written_at(location: Location, context: Context) -> str:
    """The characters of the file at a place."""
    return location.span.cut(context.parsed(location.uri).document.text)


# --- items ------------------------------------------------------------------------------------


def added(problem: Problem, context: Context, key: ListKey, text: str) -> tuple[Edit, ...]:
    """Append an item to a list of the query; no edits when it is there already."""
    parsed = context.parsed(problem.location.uri)
    node = query_node(problem, context)
    if node is None or text in _texts(problem, context, key):
        return ()
    return add_item(parsed.document, node, key, text)


def removed(problem: Problem, context: Context, key: ListKey) -> tuple[Edit, ...]:
    """Remove the item that the problem stands in from its list."""
    parsed = context.parsed(problem.location.uri)
    node = query_node(problem, context)
    pair = find_pair(node, key) if node is not None else None
    if pair is None or not isinstance(pair.value, Sequence):
        return ()
    for index, item in enumerate(pair.value.items):
        if isinstance(item, Scalar) and item.span.covers(problem.location.span):
            return remove_item(parsed.document, pair.value, index)
    return ()


def grouping(problem: Problem, context: Context, dimensions: Iterable[str]) -> Iterator[Fix]:
    """Add one of these dimensions to `groupBy`, which makes the rows finer."""
    for name in list(dimensions)[:OFFERED]:
        edits = added(problem, context, "groupBy", name)
        if edits:
            yield Fix(f"Add '{name}' to groupBy", edits, "unsafe")


def moving(
    problem: Problem, context: Context, source: ListKey, target: ListKey, name: str
) -> Iterator[Fix]:
    """Take the item out of one list and write its name into another."""
    out = removed(problem, context, source)
    if out:
        into = added(problem, context, target, name)
        yield Fix(f"Move '{name}' to {target}", (*out, *into), "unsafe")


def _texts(problem: Problem, context: Context, key: ListKey) -> tuple[str, ...]:
    query = query_around(problem, context)
    if query is None:
        return ()
    lists = {
        "metrics": query.metrics,
        "groupBy": query.group_by,
        "filters": query.filters,
        "orderBy": query.order_by,
        "joins": query.joins,
    }
    return tuple(item.text for item in lists[key])

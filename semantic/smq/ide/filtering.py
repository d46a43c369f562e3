"""Turn a filter that queries repeat into a metric that has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from smq.expr import parse_expression
from smq.format.json_edit import literal, remove_item
from smq.format.keys import find_pair
from smq.graph.formula import expand
from smq.graph.leaves import Formula
from smq.ide.index import mentions
from smq.ide.queries import compiled, item_at, query_at
from smq.query.written import Item, WrittenQuery
from smq.rules.model_additions import added_metrics, free_name
from smq.syntax import Sequence
from smq.text import Edit
from smq.workspace import Snapshot

_MOST = 5
"""Metrics of one query that get a filtered twin; with more the filter is better where it is."""
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Move:
    """`metrics` are the new ones; `queries` counts those that lose the filter."""

    metrics: tuple[str, ...]
    queries: int
    edits: tuple[Edit, ...]


def filter_into_metrics(snapshot: Snapshot, uri: str, offset: int) -> Move | None:
    """Define each metric of the query once more, with the filter at the offset, and use it.

    Every other query that has the same filter and only such metrics is changed with it. None where
    the filter is not one on rows, or the query's metrics are not all plain names.
    """
    query = query_at(snapshot, uri, offset)
    item = item_at(query, offset) if query is not None else None
    if query is None or item is None or item.key != "filters":
        return None
    names = _plain_metrics(snapshot, query, item)
    if names is None:
        return None
    graph = snapshot.graph
    twins: dict[str, str] = {}
    for name in names:
        taken = {*graph.metrics, *twins.values()}
        twins[name] = free_name(f"{name}_{_slug(item.text)}", taken)
    added = _definitions(snapshot, twins, item.text)
    if added is None:
        return None
    edits = list(added)
    count = 0
    for other, own in _same(snapshot, item, set(names)):
        changed = _without(snapshot, other, own, twins)
        if changed:
            edits += changed
            count += 1
    return Move(tuple(twins.values()), count, tuple(edits)) if count else None


def _plain_metrics(snapshot: Snapshot, query: WrittenQuery, item: Item) -> tuple[str, ...] | None:
    """The query's metrics, if the item is a filter on rows that each of them can have."""
    names = [each.text for each in query.metrics]
    graph = snapshot.graph
    if query.joins or not names or len(names) > _MOST:
        return None
    if not all(name in graph.metrics for name in names):
        return None
    result = compiled(snapshot, query)
    stages = dict(result.queries[0].stages) if result.queries else {}
    if item.text not in stages.get("rows", ()):
        return None
    template = parse_expression(item.text, snapshot.configuration.dialect)
    if template.tables or any("__" not in use.name or use.call for use in template.uses):
        return None
    for name in names:
        formula = expand(graph, name, snapshot.configuration.dialect)
        if not isinstance(formula, Formula) or formula.windowed:
            return None
    # A filter or a sort key over a metric that is not selected would need a twin too.
    used = {
        mention.key[1]
        for mention in mentions(snapshot, query.uri)
        if mention.key[0] == "metric" and query.location.span.covers(mention.span)
    }
    return tuple(names) if used <= set(names) else None


def _definitions(
    snapshot: Snapshot, twins: dict[str, str], condition: str
) -> tuple[Edit, ...] | None:
    """The new metrics, each beside its original, or else with the model whose rows that counts."""
    by_file: dict[str, list[tuple[str, str, str]]] = {}
    for name, twin in twins.items():
        formula = expand(snapshot.graph, name, snapshot.configuration.dialect)
        assert isinstance(formula, Formula)
        if not formula.leaves:
            return None
        new = (twin, name, condition)
        home = snapshot.graph.metrics[name].name_at.uri
        if home not in snapshot or added_metrics(snapshot.parsed(home), [new]) is None:
            home = snapshot.graph.models[formula.leaves[0].base].name_at.uri
        by_file.setdefault(home, []).append(new)
    edits = []
    for uri, metrics in by_file.items():
        edit = added_metrics(snapshot.parsed(uri), metrics) if uri in snapshot else None
        if edit is None:
            return None
        edits.append(edit)
    return tuple(edits)


def _same(snapshot: Snapshot, item: Item, names: set[str]) -> Iterator[tuple[WrittenQuery, Item]]:
    """Every query with this filter whose metrics all have a twin; the item's own comes along."""
    for uri in snapshot.uris:
        if not uri.endswith(".smq.json") and uri != item.uri:
            continue
        for query in snapshot.queries(uri) if uri in snapshot else ():
            for own in query.filters:
                if own.text == item.text:
                    found = _plain_metrics(snapshot, query, own)
                    if found is not None and set(found) <= names:
                        yield query, own


def _without(
    snapshot: Snapshot, query: WrittenQuery, item: Item, twins: dict[str, str]
) -> list[Edit]:
    document = snapshot.document(query.uri)
    pair = find_pair(query.node, "filters") if query.node is not None else None
    if pair is None or not isinstance(pair.value, Sequence):
        return []
    edits = list(remove_item(document, pair.value, item.index))
    for mention in mentions(snapshot, query.uri):
        if mention.key[0] == "metric" and query.location.span.covers(mention.span):
            twin = twins.get(mention.key[1])
            if twin is not None:
                edits.append(Edit(query.uri, mention.span, literal(twin)[1:-1]))
    return edits


def _slug(condition: str) -> str:
    """A short word for a condition: the text it compares with, else `filtered`."""
    quoted = re.findall(r"'([^']*)'", condition)
    words = _WORD.findall(quoted[0]) if len(quoted) == 1 else []
    found = "_".join(words[:3]).lower()
    return found[:24] if found and not found[0].isdigit() else "filtered"

"""Completion in query files: what can be asked next, the surest first.

In `groupBy`, `filters` and `orderBy` the dimensions that *every* metric of the query can reach come
first, nearest first, with their join path. What is ambiguous or out of reach comes last and says
why. The lists are cut at a length an editor can show; the cut is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from smq.ide.around import around
from smq.ide.cached import offers_for
from smq.ide.choosing import Completion, Completions, chosen
from smq.ide.entity_paths import entity_paths
from smq.ide.joining import clauses, in_clause
from smq.ide.offers import Offers
from smq.ide.spot import Spot, spot_at
from smq.ide.sql_context import sql_context
from smq.ide.templates import in_template, template_at
from smq.query.written import KEYS, SPELLINGS, WrittenQuery
from smq.syntax import Scalar
from smq.text import Span, nfc
from smq.workspace import Snapshot

__all__ = ["Completion", "Completions", "completions"]


def completions(snapshot: Snapshot, uri: str, offset: int) -> Completions:
    """What can be written at an offset of a query file."""
    if uri not in snapshot or snapshot.document(uri).kind != "smq":
        return Completions()
    spot = spot_at(snapshot.parsed(uri), offset)
    if spot is None:
        return Completions()
    text = snapshot.document(uri).text
    typed = text[spot.replace.start : max(offset, spot.replace.start)].lstrip('"')
    if spot.kind == "document":
        return chosen(_document(spot), "", spot.replace)
    if spot.kind == "key":
        return chosen(_keys(spot), typed, spot.replace)
    if spot.kind == "value":
        return chosen(_values(spot), typed, spot.replace)
    return _items(snapshot, uri, spot, offset)


# Documents, keys, values.


def _document(spot: Spot) -> Iterator[Completion]:
    body = '{\n  "metrics": ["$1"],\n  "groupBy": ["$2"]\n}$0'
    yield Completion("query", "snippet", spot.replace, body, detail="a new query", snippet=True)


_KEY_WORDS = {
    "metrics": ("what to compute", '["$0"]'),
    "groupBy": ("the grain: dimensions as model__dimension", '["$0"]'),
    "filters": ("conditions, all of which must hold", '["$0"]'),
    "orderBy": ("sort keys; a leading - descends", '["$0"]'),
    "limit": ("the most rows to return", "${0:10}"),
    "joins": ("one FROM … JOIN … clause instead of automatic joins", '["FROM $0"]'),
    "name": ("a name for the query", '"$0"'),
    "description": ("the question in words", '"$0"'),
    "$schema": ("the JSON Schema of this file", '"$0"'),
}


def _keys(spot: Spot) -> Iterator[Completion]:
    assert spot.query is not None
    present = {
        SPELLINGS.get(pair.key.text, pair.key.text)
        for pair in spot.query.pairs
        if pair.key is not spot.scalar
    }
    own = [pair for pair in spot.query.pairs if pair.key is spot.scalar]
    has_value = bool(own) and own[0].value is not None
    for number, key in enumerate(KEYS):
        if key in present:
            continue
        words, value = _KEY_WORDS[key]
        name = json.dumps(key)
        insert = name if has_value else f"{name.replace('$', chr(92) + '$')}: {value}"
        yield Completion(
            key, "key", spot.replace, insert, number, words, filter=key, snippet=not has_value
        )


def _values(spot: Spot) -> Iterator[Completion]:
    if spot.key == "limit":
        for number, value in enumerate(("10", "100", "1000", "null")):
            yield Completion(value, "value", spot.replace, value, number, filter=value)
    elif spot.key in _KEY_WORDS and spot.scalar is None:
        words, value = _KEY_WORDS[spot.key]
        label = value.replace("$0", "")
        yield Completion(label, "value", spot.replace, value, 0, words, snippet=True)


# Items of lists.


def _items(snapshot: Snapshot, uri: str, spot: Spot, offset: int) -> Completions:
    query = _written(snapshot, uri, spot)
    if spot.scalar is None:
        return _between(snapshot, query, uri, spot, offset)
    before = _decoded_before(spot.scalar, offset)
    is_name = _is_one_name(before) and _is_one_name(spot.scalar.text)
    if spot.key in ("groupBy", "orderBy") or (spot.key == "metrics" and is_name):
        typed = before.lstrip("-") if spot.key == "orderBy" else before
        offers = offers_for(snapshot, query, typed)
        content = spot.scalar.content

        def whole() -> Iterator[Completion]:
            if spot.key != "metrics":
                further = (
                    *offers.grains(typed, content),
                    *entity_paths(offers, typed, content),
                )
                is_sorted = spot.key == "orderBy"
                yield from offers.sorted_by(further, before) if is_sorted else further
            yield from _whole(offers, spot, content, before)
            if spot.key == "metrics":
                yield from offers.windows(content)

        return chosen(whole(), typed, content, before)
    word = _word_before(before)
    span = _word_span(spot.scalar, offset, word)
    head = before[: len(before) - len(word)]
    context = sql_context(head)
    offers = offers_for(snapshot, query, word)
    if spot.key == "joins":
        return chosen(in_clause(offers, head, span, context), word, span)
    tail = spot.scalar.text[_end_of_word(spot.scalar.text, len(before)) :]
    beside = around(head, tail, context, offers.dialect)
    template = template_at(head, tail)
    if template is not None:
        arguments = in_template(offers, template, span)
        if template.names_rows:
            arguments = offers.as_rows(arguments, beside)
        return chosen(arguments, word, span)

    def within() -> Iterator[Completion]:
        is_row = not (beside.in_window or beside.is_table or beside.tables)
        if spot.key == "filters" and context.position == "operand" and is_row:
            paths = entity_paths(offers, word, span)
            yield from offers.as_rows(paths, beside)
        yield from offers.in_expression(spot.key, word, span, context, beside)

    return chosen(within(), word, span)


def _between(
    snapshot: Snapshot, query: WrittenQuery | None, uri: str, spot: Spot, offset: int
) -> Completions:
    """Between the strings of a list: a whole string is offered, in quotes."""
    text = snapshot.document(uri).text
    typed = text[spot.replace.start : offset]
    offers = offers_for(snapshot, query, typed)
    quoted = (
        replace(item, insert=json.dumps(item.insert, ensure_ascii=False))
        for item in _whole(offers, spot, spot.replace, "")
        if not item.snippet
    )
    return chosen(quoted, typed, spot.replace)


def _whole(offers: Offers, spot: Spot, span: Span, typed: str) -> Iterator[Completion]:
    taken = _taken(spot)
    if spot.key == "metrics":
        yield from (item for item in offers.metrics() if item.label not in taken)
    elif spot.key == "groupBy":
        yield from (item for item in offers.dimensions() if item.label not in taken)
    elif spot.key == "orderBy":
        yield from offers.sort_keys(span, taken, typed.startswith("-"))
    elif spot.key == "filters":
        yield from offers.dimensions()
        yield from offers.metrics(rank=50)
    elif spot.key == "joins":
        yield from clauses(offers, span)


def _taken(spot: Spot) -> frozenset[str]:
    items = spot.sequence.items if spot.sequence else ()
    return frozenset(
        nfc(item.text) for item in items if isinstance(item, Scalar) and item is not spot.scalar
    )


def _written(snapshot: Snapshot, uri: str, spot: Spot) -> WrittenQuery | None:
    """The query without the item that is being written, which must not rank its own offers."""
    for query in snapshot.queries(uri):
        if query.node is spot.query:
            if spot.scalar is None or spot.key not in ("metrics", "groupBy", "filters", "orderBy"):
                return query
            place = spot.scalar.span
            return replace(
                query,
                metrics=tuple(i for i in query.metrics if i.node.span != place),
                group_by=tuple(i for i in query.group_by if i.node.span != place),
                filters=tuple(i for i in query.filters if i.node.span != place),
                order_by=tuple(i for i in query.order_by if i.node.span != place),
            )
    return None


def _decoded_before(scalar: Scalar, offset: int) -> str:
    decoded = scalar.source_map.to_decoded(offset)
    if decoded is None:
        return scalar.text if offset >= scalar.span.end else ""
    return scalar.text[:decoded]


def _is_one_name(text: str) -> bool:
    return all(char.isalnum() or char in "_." for char in text)


def _word_before(text: str) -> str:
    start = len(text)
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    return text[start:]


def _word_span(scalar: Scalar, offset: int, word: str) -> Span:
    decoded = scalar.source_map.to_decoded(offset)
    at = len(scalar.text) if decoded is None else decoded
    span = scalar.source(Span(at - len(word), _end_of_word(scalar.text, at)))
    # Behind a backslash that has just been typed, the cursor is inside of an escape.
    return Span(span.start, max(span.end, offset))


def _end_of_word(text: str, at: int) -> int:
    while at < len(text) and (text[at].isalnum() or text[at] == "_"):
        at += 1
    return at

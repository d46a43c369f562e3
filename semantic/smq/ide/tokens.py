"""Semantic tokens: what each word of a file is, the SQL inside strings included."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from smq.graph.symbols import Dimension, Entity, Measure, Metric, Sql
from smq.ide.functions import find_function
from smq.ide.index import mentions
from smq.query.written import Item
from smq.syntax import Scalar
from smq.text import Span
from smq.workspace import Snapshot

TokenType = Literal[
    "metric",
    "model",
    "dimension",
    "measure",
    "entity",
    "grain",
    "alias",
    "column",
    "function",
    "keyword",
    "number",
    "string",
    "operator",
]

_KINDS: dict[str, TokenType] = {
    "metric": "metric",
    "model": "model",
    "dimension": "dimension",
    "measure": "measure",
    "entity": "entity",
    "grain": "grain",
    "metric_time": "dimension",
    "alias": "alias",
    "column": "column",
    "function": "function",
}
_WORDS = frozenset(
    [
        "and",
        "or",
        "not",
        "in",
        "is",
        "null",
        "between",
        "like",
        "ilike",
        "case",
        "when",
        "then",
        "else",
        "end",
        "as",
        "over",
        "partition",
        "by",
        "order",
        "asc",
        "desc",
        "rows",
        "range",
        "groups",
        "unbounded",
        "preceding",
        "following",
        "current",
        "row",
        "exclude",
        "ties",
        "no",
        "others",
        "distinct",
        "filter",
        "where",
        "within",
        "group",
        "nulls",
        "first",
        "last",
        "from",
        "join",
        "left",
        "right",
        "full",
        "inner",
        "cross",
        "outer",
        "on",
        "select",
        "true",
        "false",
        "cast",
        "date",
        "timestamp",
        "interval",
        "exists",
    ]
)
_SQL = re.compile(
    r"(?P<string>'(?:[^']|'')*')|(?P<number>\b\d+(?:\.\d+)?\b)|(?P<word>[^\W\d]\w*)"
    r"|(?P<operator><>|<=|>=|!=|\|\||[-+*/%=<>])"
)


@dataclass(frozen=True, slots=True)
class Token:
    """One coloured stretch; `definition` where the name is given."""

    span: Span
    type: TokenType
    definition: bool = False


def tokens(snapshot: Snapshot, uri: str) -> tuple[Token, ...]:
    """The tokens of a file in the order of the text; none overlaps another."""
    if uri not in snapshot:
        return ()
    named = [
        Token(m.span, _KINDS[m.key[0]], m.role == "definition")
        for m in mentions(snapshot, uri)
        if m.key[0] in _KINDS
    ]
    starts = sorted(token.span.start for token in named)
    words = [
        token
        for text, place in _sql(snapshot, uri)
        for token in _sql_tokens(text, place)
        # A string that holds a name is the argument of a template's call, and shown as that name.
        if token.type != "string" or not _holds(starts, token.span)
    ]
    taken: list[Token] = []
    for token in sorted([*named, *words], key=lambda t: (t.span.start, t.type in ("keyword",))):
        if token.span.end <= token.span.start:
            continue
        if not taken or token.span.start >= taken[-1].span.end:
            taken.append(token)
    return tuple(taken)


def _holds(starts: list[int], span: Span) -> bool:
    at = bisect_right(starts, span.start)
    return at < len(starts) and starts[at] < span.end


Place = Callable[[int, int], Span]
"""Where a range of a decoded text stands in its file."""


def _sql(snapshot: Snapshot, uri: str) -> Iterator[tuple[str, Place]]:
    """Every SQL text of a file."""
    for query in snapshot.queries(uri):
        for item in (*query.metrics, *query.filters, *query.joins):
            yield item.text, _in_item(item)
    declared = snapshot.file(uri).declarations
    for metric in declared.metrics:
        for sql in _of_metric(metric):
            if sql.node is not None and sql.location.uri == uri:
                yield sql.text, _in_node(sql.node)
    for model in declared.models:
        members: tuple[Entity | Dimension | Measure, ...] = (
            *model.entities,
            *model.dimensions,
            *model.measures,
        )
        for member in members:
            if member.expr is not None and member.expr.node is not None:
                yield member.expr.text, _in_node(member.expr.node)


def _of_metric(metric: Metric) -> Iterator[Sql]:
    if metric.expr is not None:
        yield metric.expr
    inputs = (metric.measure, metric.numerator, metric.denominator, *metric.inputs)
    for condition in metric.filters:
        yield condition.sql
    for given in inputs:
        yield from (condition.sql for condition in given.filters) if given is not None else ()
    if metric.window is not None:
        yield from (*metric.window.partition_by, *metric.window.order_by)
        if metric.window.frame is not None:
            yield metric.window.frame


def _in_item(item: Item) -> Place:
    return lambda start, end: item.part(start, end).span


def _in_node(node: Scalar) -> Place:
    return lambda start, end: node.source(Span(start, end))


def _sql_tokens(text: str, place: Place) -> Iterator[Token]:
    """Words of SQL in an expression; names are what the mentions say."""
    for match in _SQL.finditer(text):
        kind = match.lastgroup
        span = place(match.start(), match.end())
        if kind == "word":
            word = match.group()
            if word.lower() in _WORDS:
                yield Token(span, "keyword")
            elif find_function(word) and text[match.end() :].lstrip().startswith("("):
                yield Token(span, "function")
        elif kind in ("string", "number", "operator"):
            yield Token(span, kind)  # type: ignore[arg-type]  # one of the three just tested

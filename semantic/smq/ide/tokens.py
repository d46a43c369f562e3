"""Semantic tokens: what each word of a file is, the SQL inside strings included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from smq.ide.functions import find_function
from smq.ide.index import mentions
from smq.query.written import Item
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
    words = [token for item in _sql_items(snapshot, uri) for token in _sql_tokens(item)]
    taken: list[Token] = []
    for token in sorted([*named, *words], key=lambda t: (t.span.start, t.type in ("keyword",))):
        if token.span.end <= token.span.start:
            continue
        if not taken or token.span.start >= taken[-1].span.end:
            taken.append(token)
    return tuple(taken)


def _sql_items(snapshot: Snapshot, uri: str) -> Iterator[Item]:
    for query in snapshot.queries(uri):
        yield from query.metrics
        yield from query.filters
        yield from query.joins


def _sql_tokens(item: Item) -> Iterator[Token]:
    """Words of SQL in an expression; names are what the mentions say."""
    for match in _SQL.finditer(item.text):
        kind = match.lastgroup
        span = item.part(match.start(), match.end()).span
        if kind == "word":
            word = match.group()
            if word.lower() in _WORDS:
                yield Token(span, "keyword")
            elif find_function(word) and item.text[match.end() :].lstrip().startswith("("):
                yield Token(span, "function")
        elif kind in ("string", "number", "operator"):
            yield Token(span, kind)  # type: ignore[arg-type]  # one of the three just tested

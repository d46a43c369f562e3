"""What an SQL expression can go on with, seen from the text before the cursor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Position = Literal["operand", "operator", "string"]

_TOKEN = re.compile(
    r"(?P<string>'(?:[^']|'')*')|(?P<open>'(?:[^']|'')*\Z)|(?P<quoted>\"[^\"]*\"?|`[^`]*`?)"
    r"|(?P<number>\b\d+(?:\.\d+)?\b)|(?P<word>[^\W\d]\w*)|(?P<other>\S)"
)
_EXPECTING = frozenset(
    (
        *("and", "or", "not", "in", "is", "between", "like", "ilike", "escape", "any", "all"),
        *("case", "when", "then", "else", "distinct", "interval", "exists"),
        *("select", "from", "where", "join", "on", "using", "as", "group", "by"),
        *("left", "right", "full", "inner", "outer", "cross"),
        *("over", "partition", "order", "rows", "range", "groups", "preceding", "exclude"),
        *("filter", "within"),
    )
)
"""Words behind which a value or a name is due, and no operator."""


@dataclass(frozen=True, slots=True)
class SqlContext:
    """`position` says whether a value or an operator is due; `clause` is the last clause word of a
    FROM clause; `window` whether the cursor is inside `OVER (…)`; `last` is the token before."""

    position: Position = "operand"
    window: bool = False
    after_call: bool = False
    clause: str = ""
    last: str = ""
    calls: tuple[str, ...] = ()
    """The functions that are open around the cursor, the innermost last."""


def sql_context(before: str) -> SqlContext:
    """The context at the end of `before`, from which the word being typed is left out."""
    position: Position = "operand"
    opened: list[str] = []
    last = previous = clause = ""
    call_closed = after_call = False
    for match in _TOKEN.finditer(before):
        kind, text = match.lastgroup, match.group()
        if kind == "open":
            return SqlContext("string")
        previous, last = last, text.lower()
        after_call = False
        if kind in ("string", "quoted", "number"):
            position = "operator"
        elif kind == "word":
            position = "operand" if last in _EXPECTING else "operator"
            if last in ("from", "join", "on"):
                clause = last
        elif last == "(":
            opened.append(previous)
            position = "operand"
        elif last == ")":
            call_closed = bool(opened) and bool(opened.pop())
            after_call = call_closed
            position = "operator"
        elif last not in (".", ";"):
            position = "operand"
    window = "over" in opened
    return SqlContext(position, window, after_call, clause, last, tuple(opened))

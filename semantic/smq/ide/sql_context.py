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
_FRAME_UNITS = frozenset({"rows", "range", "groups"})


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
    frame: tuple[str, ...] = ()
    """The words of a window's frame so far, from ROWS, RANGE or GROUPS on."""
    sorted: bool = False
    """Whether the window has its ORDER BY."""
    case: bool = False
    """Whether a CASE is open."""
    qualifier: str = ""
    """The name before the dot at the cursor, as it is written."""


def sql_context(before: str) -> SqlContext:
    """The context at the end of `before`, from which the word being typed is left out."""
    position: Position = "operand"
    opened: list[str] = []
    last = previous = clause = written = qualifier = ""
    call_closed = after_call = is_sorted = False
    frame: list[str] = []
    cases = 0
    for match in _TOKEN.finditer(before):
        kind, text = match.lastgroup, match.group()
        if kind == "open":
            return SqlContext("string")
        previous, last = last, text.lower()
        qualifier, written = (written, text) if last == "." else ("", text)
        after_call = False
        if frame and last != ")":
            frame.append(last)
        if kind in ("string", "quoted", "number"):
            position = "operator"
        elif kind == "word":
            position = "operand" if last in _EXPECTING else "operator"
            if last in ("from", "join", "on"):
                clause = last
            elif last in _FRAME_UNITS and opened[-1:] == ["over"] and not frame:
                frame = [last]
            elif last == "by":
                is_sorted = previous == "order"
            elif last in ("case", "end"):
                cases += 1 if last == "case" else -1
        elif last == "(":
            opened.append(previous)
            frame, is_sorted = [], False
            position = "operand"
        elif last == ")":
            call_closed = bool(opened) and bool(opened.pop())
            after_call = call_closed
            frame, is_sorted = [], False
            position = "operator"
        elif last == "}":
            # The end of a template, which stands for a name.
            position = "operator"
        elif last not in (".", ";"):
            position = "operand"
    window = "over" in opened
    return SqlContext(
        position,
        window,
        after_call,
        clause,
        last,
        tuple(opened),
        tuple(frame),
        is_sorted,
        cases > 0,
        qualifier,
    )


def frame_words(frame: tuple[str, ...]) -> tuple[str, ...]:
    """What a frame can go on with, the usual first; `frame` as in the context."""
    last, between = frame[-1], "between" in frame
    bounds = ("CURRENT ROW", "UNBOUNDED PRECEDING", "1 PRECEDING", "1 FOLLOWING")
    if last in _FRAME_UNITS:
        usual = "BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        return (usual, "BETWEEN 6 PRECEDING AND CURRENT ROW", "BETWEEN", *bounds[1:], bounds[0])
    if last == "between":
        return ("UNBOUNDED PRECEDING", "1 PRECEDING", "CURRENT ROW", "1 FOLLOWING")
    if last == "and":
        return ("CURRENT ROW", "UNBOUNDED FOLLOWING", "1 FOLLOWING", "1 PRECEDING")
    if last == "current":
        return ("ROW",)
    if last == "unbounded" or last[-1:].isdigit() or last.endswith("'"):
        return ("PRECEDING", "FOLLOWING")
    if last == "exclude":
        return ("CURRENT ROW", "GROUP", "TIES", "NO OTHERS")
    if between and "and" not in frame:
        return ("AND CURRENT ROW", "AND UNBOUNDED FOLLOWING", "AND")
    return () if "exclude" in frame else ("EXCLUDE CURRENT ROW", "EXCLUDE TIES", "EXCLUDE GROUP")

"""The words that SQL itself gives a place: its keywords and functions, and the usual grains."""

from __future__ import annotations

from collections.abc import Iterator

from smq.graph.graph import SemanticGraph
from smq.graph.references import all_grains
from smq.graph.symbols import GRAINS
from smq.ide.choosing import Completion
from smq.ide.functions import FUNCTIONS
from smq.ide.sql_context import SqlContext, frame_words
from smq.text import Span

_OPERATORS = (
    "AND",
    "OR",
    "IN",
    "NOT IN",
    "BETWEEN",
    "LIKE",
    "NOT LIKE",
    "IS NULL",
    "IS NOT NULL",
)
_DIRECTIONS = ("ASC", "DESC", "NULLS FIRST", "NULLS LAST")
_FRAMES = tuple(
    f"{unit} BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW" for unit in ("ROWS", "RANGE", "GROUPS")
)


def keywords(key: str, span: Span, context: SqlContext) -> Iterator[Completion]:
    """Words of SQL that can stand at the cursor."""
    words: tuple[str, ...]
    if context.frame:
        words = frame_words(context.frame)
    elif context.window:
        if context.last == "(":
            words = ("PARTITION BY", "ORDER BY")
        elif context.position == "operator":
            words = (*_DIRECTIONS, *_FRAMES) if context.sorted else ("ORDER BY",)
        else:
            words = ("CASE",)
    elif context.position == "operator":
        words = ("AS",) if key == "metrics" else _OPERATORS
        if context.after_call:
            words = ("OVER", "FILTER", *words)
        if context.case:
            words = ("THEN", "ELSE", "END", "WHEN", *words)
            words = (*words, *_OPERATORS) if key == "metrics" else words
    else:
        words = ("NOT", "CASE", "NULL", "TRUE", "FALSE", "DISTINCT", "DATE", "INTERVAL")
    is_first = context.position == "operator" or context.frame or context.last == "("
    first = 0 if is_first and (context.position == "operator" or context.window) else 75
    for number, word in enumerate(words):
        yield Completion(word, "keyword", span, word, first + number, filter=word)


def functions(key: str, span: Span) -> Iterator[Completion]:
    """SQL functions with their parameters."""
    for function in FUNCTIONS.values():
        if function.name == "CASE":
            continue
        body = f"{function.name}($0)" if function.parameters else f"{function.name}()"
        why = ""
        if function.group == "aggregate" and key == "filters":
            # A metric is what aggregates; an aggregate of its own is right only in a window.
            why = "aggregates belong into metrics"
        yield Completion(
            function.name,
            "function",
            span,
            body,
            70,
            function.signature,
            function.text,
            function.name,
            snippet=bool(function.parameters),
            why_not=why,
        )


def usual_grains(graph: SemanticGraph) -> tuple[str, ...]:
    """Days and what is longer first, then what calendars add, then what is finer than a day."""
    custom = sorted(all_grains(graph) - set(GRAINS))
    day = GRAINS.index("day")
    return (*GRAINS[day:], *custom, *GRAINS[:day])

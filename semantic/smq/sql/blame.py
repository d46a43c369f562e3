"""Where people wrote what an engine cannot say: the words in the query, or in a metric it names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.expr import parse_expression
from smq.graph.graph import SemanticGraph
from smq.graph.symbols import Sql
from smq.problem import Related
from smq.query.written import Item
from smq.text import Location, Span

_FRAME = re.compile(r"(?i)\b(?:ROWS|RANGE|GROUPS)\b[^()]*")
_ALIASES = {
    "PERCENTILE_CONT": ("PERCENTILE_CONT", "MEDIAN", "QUANTILE_CONT", "PERCENTILE"),
    "PERCENTILE_DISC": ("PERCENTILE_DISC", "QUANTILE_DISC"),
    "APPROX_QUANTILE": ("APPROX_QUANTILE", "APPROX_PERCENTILE"),
}
_DEEPEST = 16


def place_of(
    item: Item, words: str, graph: SemanticGraph, dialect: str
) -> tuple[Location, tuple[Related, ...]]:
    """The narrowest place in an item that says `words`, else the item with the metric that does.

    `words` is a function's name, or `frame` for the frame of a window.
    """
    span = _span(item.text, words, dialect)
    if span is not None:
        return item.part(span.start, span.end), ()
    template = parse_expression(item.text, dialect)
    for use in template.uses:
        for metric, location in _in_metrics(graph, use.name, words, dialect, 0):
            related = Related(location, f"The metric '{metric}' says it here.")
            return item.part(use.start, use.end), (related,)
    return item.location, ()


def place_in(sql: Sql, words: str, dialect: str) -> Location | None:
    """The narrowest place in a model's expression that says `words`."""
    span = _span(sql.text, words, dialect)
    if span is None:
        return None
    if sql.node is None:
        return sql.location
    return Location(sql.location.uri, sql.node.source(span))


def _in_metrics(
    graph: SemanticGraph, name: str, words: str, dialect: str, depth: int
) -> Iterator[tuple[str, Location]]:
    metric = graph.metrics.get(name)
    if metric is None or depth > _DEEPEST:
        return
    if metric.expr is not None:
        found = place_in(metric.expr, words, dialect)
        if found is not None:
            yield name, found
            return
        for use in parse_expression(metric.expr.text, dialect).uses:
            if use.name != name:
                yield from _in_metrics(graph, use.name, words, dialect, depth + 1)
    for given in (metric.numerator, metric.denominator, *metric.inputs):
        if given is not None and given.name != name:
            yield from _in_metrics(graph, given.name, words, dialect, depth + 1)


def _span(text: str, words: str, dialect: str) -> Span | None:
    if words == "frame":
        match = _FRAME.search(text)
        return Span(match.start(), match.start() + len(match[0].rstrip())) if match else None
    if not words:
        return None
    for name in _ALIASES.get(words, (words,)):
        match = re.search(rf"(?i)\b{re.escape(name)}\s*\(", text)
        if match is not None:
            return Span(match.start(), _call_end(text, match.end() - 1))
    return None


def _call_end(text: str, opening: int) -> int:
    """Behind the parenthesis that closes the one at an offset; texts in quotes are skipped."""
    depth, quote = 0, ""
    for at in range(opening, len(text)):
        character = text[at]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"`":
            quote = character
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if not depth:
                return at + 1
    return len(text)

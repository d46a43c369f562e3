"""The shape of a file: what can be folded, how a selection grows, which paths are links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from smq.graph.symbols import RefCall, SourceCall
from smq.ide.definition import definitions
from smq.ide.index import mentions
from smq.syntax import Alias, Mapping, Node, Scalar
from smq.text import Location, Span
from smq.workspace import Snapshot


@dataclass(frozen=True, slots=True)
class Fold:
    """A range of lines that can be closed; a comment block is its own kind."""

    first_line: int
    last_line: int
    is_comment: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A name that opens another place."""

    span: Span
    target: Location | str
    """A place of the workspace, or an address as it is written."""
    tooltip: str


def folds(snapshot: Snapshot, uri: str) -> tuple[Fold, ...]:
    """What a key or an item of a list holds in several lines, and runs of comment lines.

    Each line begins one fold at most, the longest: editors show one arrow at a line.
    """
    if uri not in snapshot:
        return ()
    parsed, lines = snapshot.parsed(uri), snapshot.lines(uri)
    found: dict[int, Fold] = {}
    for root in parsed.roots:
        for span in _spans(root):
            first = lines.line_of(span.start)
            last = lines.line_of(max(span.start, span.end - 1))
            if last > first and (first not in found or last > found[first].last_line):
                found[first] = Fold(first, last)
    run: list[int] = []
    for comment in (*parsed.comments, None):
        line = lines.line_of(comment.start) if comment is not None else -1
        end = lines.line_of(max(comment.start, comment.end - 1)) if comment is not None else -1
        if run and line != run[1] + 1:
            if run[1] > run[0]:
                found.setdefault(run[0], Fold(run[0], run[1], True))
            run = []
        if comment is not None:
            run = [run[0] if run else line, end]
    return tuple(found[key] for key in sorted(found))


def selection(snapshot: Snapshot, uri: str, offset: int) -> tuple[Span, ...]:
    """The spans that hold an offset, the narrowest first: segment, string, item, list, file."""
    if uri not in snapshot:
        return (Span(offset, offset),)
    parsed = snapshot.parsed(uri)
    found = {Span(0, len(parsed.document.text))}
    for root in parsed.roots:
        # Between the lines of one text, the nearest word of it does not reach the offset.
        found.update(span for span in _around(root, offset) if span.contains(offset))
    for mention in mentions(snapshot, uri):
        if mention.span.contains(offset):
            found.add(mention.span)
    ordered = sorted(found, key=lambda span: span.end - span.start)
    chain: list[Span] = []
    for span in ordered:
        if not chain or (span != chain[-1] and span.covers(chain[-1])):
            chain.append(span)
    return tuple(chain)


def links(snapshot: Snapshot, uri: str) -> tuple[Link, ...]:
    """Tables that a file of the workspace declares, and the schema that a query names."""
    if uri not in snapshot:
        return ()
    found: list[Link] = []
    for query in snapshot.queries(uri):
        pair = query.node.pair("$schema") if query.node is not None else None
        value = pair.value if pair is not None else None
        if isinstance(value, Scalar) and value.text.startswith(("https://", "http://", "file:")):
            found.append(Link(value.content, value.text, "Open the schema"))
    for model in snapshot.file(uri).declarations.models:
        if model.relation_at is None or model.relation_at.uri != uri:
            continue
        if isinstance(model.relation, (SourceCall, RefCall)):
            span = model.relation_at.span
            # The last name in the call is the table, the first one the source it is in.
            targets = definitions(snapshot, uri, span.end - 2) or definitions(
                snapshot, uri, span.start
            )
            if targets:
                found.append(Link(span, targets[0].name, "Open where the table is declared"))
    return tuple(found)


def _spans(node: Node | None) -> Iterator[Span]:
    """Pairs, items, and what stands in brackets; not the block of a key, which its pair has."""
    stack: list[Node | None] = [node]
    while stack:
        current = stack.pop()
        if current is None or isinstance(current, Alias | Scalar):
            continue
        if current.flow:
            yield current.span
        if isinstance(current, Mapping):
            yield from (pair.span for pair in current.pairs)
            stack.extend(pair.value for pair in current.pairs)
        else:
            yield from (item.span for item in current.items if item is not None)
            stack.extend(current.items)


def _parts(scalar: Scalar, offset: int) -> Iterator[Span]:
    """Inside of a text: the whole name, the brackets around it, and the condition it stands in."""
    at = scalar.source_map.to_decoded(offset)
    if at is None:
        return
    text = scalar.text
    start, end = at, at
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    if end > start:
        yield scalar.source(Span(start, end))
    opened = [0]
    for match in _BRACKETS.finditer(text):
        if match.group() in "([{":
            opened.append(match.start())
        elif match.group() in ")]}" and len(opened) > 1:
            first = opened.pop()
            if first <= at <= match.end():
                yield scalar.source(Span(first, match.end()))
                if first < at <= match.start():
                    yield from _conditions(scalar, Span(first + 1, match.start()), at)
    yield from _conditions(scalar, Span(0, len(text)), at)


def _conditions(scalar: Scalar, within: Span, at: int) -> Iterator[Span]:
    """The part between AND and OR, on the level of the brackets, that holds a place."""
    depth, first = 0, within.start
    ends = [*_STEPS.finditer(scalar.text, within.start, within.end), None]
    if not any(match is not None and match["word"] for match in ends):
        return
    for match in ends:
        if match is not None and not match["word"]:
            depth += {"(": 1, ")": -1}.get(match.group(), 0)
        elif depth == 0 or match is None:
            last = match.start() if match is not None else within.end
            if first <= at <= last:
                part = scalar.text[first:last]
                left = first + len(part) - len(part.lstrip())
                yield scalar.source(Span(left, max(left, first + len(part.rstrip()))))
            first = match.end() if match is not None else last


_QUOTED = r"'(?:[^']|'')*'"
_BRACKETS = re.compile(rf"{_QUOTED}|[()\[\]{{}}]")
_STEPS = re.compile(rf"{_QUOTED}|[()]|\b(?P<word>AND|OR)\b", re.IGNORECASE)


def _around(node: Node | None, offset: int) -> Iterator[Span]:
    while node is not None and not isinstance(node, Alias) and node.span.contains(offset):
        yield node.span
        if isinstance(node, Scalar):
            if node.content.contains(offset):
                yield node.content
                yield from _parts(node, offset)
            return
        inner: Node | None = None
        if isinstance(node, Mapping):
            for pair in node.pairs:
                if pair.span.contains(offset):
                    yield pair.span
                    if pair.key.span.contains(offset):
                        yield pair.key.span
                    elif pair.value is not None and pair.value.span.contains(offset):
                        inner = pair.value
        else:
            for item in node.items:
                if item is not None and item.span.contains(offset):
                    inner = item
        node = inner

"""Edits of YAML text that cure its syntax: quoting, indenting a whole entry, removing a pair."""

from __future__ import annotations

import re

from smq.syntax import Mapping, Node, Parsed, Sequence
from smq.text import Edit, LineIndex, Span

_INDENT = re.compile(r"[ ]*+")


def quoted(text: str) -> str:
    """The text as a quoted YAML scalar with as few changes inside as possible."""
    if "'" in text and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def quote(uri: str, text: str, start: int, end: int) -> Edit:
    return Edit(uri, Span(start, end), quoted(text[start:end]))


def reindented(parsed: Parsed, offset: int, found: int, expected: int) -> tuple[Edit, ...]:
    """Move the entry on the line of `offset` from one column to another.

    Lines nested in it move along when they were indented for its present column, and stay when
    they fit the column it goes to.
    """
    text, uri = parsed.document.text, parsed.document.uri
    lines = LineIndex(text)
    first = lines.line_of(offset)
    start = _content(text, lines, first)
    edits = [Edit(uri, Span(start - found, start), " " * expected)]
    nested: list[tuple[int, int]] = []
    end = _entry_end(parsed.roots, text, start)
    for number in range(first + 1, lines.line_of(end) + 1 if end is not None else first + 1):
        content = _content(text, lines, number)
        if lines.line_text(number).strip():
            nested.append((content, content - lines.line_start(number)))
    if nested and _moves_along(min(width for _, width in nested), found, expected):
        for content, width in nested:
            moved = max(0, width + expected - found)
            edits.append(Edit(uri, Span(content - width, content), " " * moved))
    return tuple(edits)


def _moves_along(width: int, found: int, expected: int) -> bool:
    if width <= expected:
        return True
    usual = (2, 4)
    return width - found in usual and width - expected not in usual


def _content(text: str, lines: LineIndex, number: int) -> int:
    match = _INDENT.match(text, lines.line_start(number))
    assert match is not None
    return match.end()


def _entry_end(roots: tuple[Node | None, ...], text: str, start: int) -> int | None:
    """Where the pair or the list item that begins at `start` ends."""
    stack = [root for root in roots if root is not None]
    while stack:
        node = stack.pop()
        if not node.span.start <= start <= node.span.end:
            continue
        if isinstance(node, Mapping):
            for pair in node.pairs:
                if pair.key.span.start == start:
                    return pair.span.end
                if pair.value is not None:
                    stack.append(pair.value)
        elif isinstance(node, Sequence):
            for item in node.items:
                if item is None:
                    continue
                if text[start : item.span.start].strip() == "-" and text[start] == "-":
                    return item.span.end
                stack.append(item)
    return None


def removed_pair(parsed: Parsed, pair: Span) -> Edit:
    """Remove a key with its value: in a block its lines, between brackets with its comma."""
    text, uri = parsed.document.text, parsed.document.uri
    lines = LineIndex(text)
    start, end = pair
    last = lines.line_of(max(start, end - 1))
    behind = lines.line_start(last + 1) if last + 1 < lines.line_count else len(text)
    if _in_flow(parsed.roots, pair):
        before = len(text[:start].rstrip())
        if text[before - 1 : before] == ",":
            return Edit(uri, Span(before - 1, end), "")
        comma = re.compile(r"\s*,\s*").match(text, end)
        return Edit(uri, Span(start, comma.end() if comma else end), "")
    line = lines.line_start(lines.line_of(start))
    if not text[line:start].strip():
        return Edit(uri, Span(line, behind), "")
    # The first key of a list item leaves the dash to the next one.
    following = re.compile(r"\s*").match(text, behind)
    assert following is not None
    return Edit(uri, Span(start, following.end()), "")


def _in_flow(roots: tuple[Node | None, ...], pair: Span) -> bool:
    stack = [root for root in roots if root is not None]
    while stack:
        node = stack.pop()
        if not node.span.covers(pair):
            continue
        if isinstance(node, Mapping):
            if any(each.span == pair for each in node.pairs):
                return node.flow
            stack.extend(each.value for each in node.pairs if each.value is not None)
        elif isinstance(node, Sequence):
            stack.extend(item for item in node.items if item is not None)
    return False

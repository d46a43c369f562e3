"""Small edits to a query in its file, which keep its layout, its comments and its line ends.

Every function returns the edits of one change, against the document that the tree was read
from; for a second change apply them and read again. A comment on the line of something removed
goes with it, a comment above it stays. Used by fixes, by editSmq and by code actions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence as Values

from smq.format.keys import find_pair, rank
from smq.format.width import MAX_COLUMNS, columns
from smq.syntax import Document, Mapping, Node, Pair, Parsed, Scalar, Sequence, index_at
from smq.text import Edit, Span

_BLANK = re.compile(r"[ \t]*+")
_SAME_LINE = re.compile(r"(?>(?:[ \t]++|/\*[^\r\n]*?\*/)*)(?://[^\r\n]*+)?")
_BLOCKS = re.compile(r"(?>(?:[ \t]*+/\*[^\r\n]*?\*/)*)")
_GAP = re.compile(r"(?>(?:[ \t\r\n]++|//[^\r\n]*+|/\*[\s\S]*?\*/)*)")
_LINE_END = re.compile(r"\r\n|\n|\r")

Plain = str | int | float | bool | None


def literal(value: Plain | Values[Plain]) -> str:
    """A value as JSON on one line; characters outside of ASCII stand as they are."""
    if isinstance(value, (str, int, float)) or value is None:
        text = json.dumps(value, ensure_ascii=False)
        # Half of a surrogate pair cannot be saved to a file, its escape can.
        return text if text.isascii() else _LONE.sub(lambda m: f"\\u{ord(m[0]):04x}", text)
    return "[" + ", ".join(literal(item) for item in value) + "]"


_LONE = re.compile(r"[\ud800-\udfff]")


def add_item(document: Document, query: Mapping, key: str, text: str) -> tuple[Edit, ...]:
    """Append a string to a list, which is created, in its place among the keys, if missing."""
    pair = find_pair(query, key)
    if pair is None:
        return set_value(document, query, key, (text,))
    value = pair.value
    if not isinstance(value, Sequence):
        items = [text]
        if isinstance(value, Scalar) and isinstance(value.value, str) and value.text.strip():
            items.insert(0, value.text)
        return set_value(document, query, key, items)
    if len(value.items) == 1 and _is_blank(value.items[0]):
        return (_replace(document, value.items[0].span, literal(text)),)  # type: ignore[union-attr]
    return insert_child(document, value, len(value.items), literal(text))


def remove_item(document: Document, items: Sequence, index: int) -> tuple[Edit, ...]:
    """Remove the item at an index, holes counted. Raises IndexError when there is none."""
    return remove_child(document, items, index)


def replace_item(document: Document, item: Node, text: str) -> tuple[Edit, ...]:
    """Write another string in the place of an item."""
    return (_replace(document, item.span, literal(text)),)


def set_value(
    document: Document, query: Mapping, key: str, value: Plain | Values[Plain]
) -> tuple[Edit, ...]:
    """Give a key a value, in the place of the one it has; the key is created if missing."""
    pair = find_pair(query, key)
    written = _laid_out(document, query, literal(key), value)
    if pair is None:
        return insert_child(document, query, _position(query, key), f"{literal(key)}: {written}")
    if pair.value is not None:
        return (_replace(document, pair.value.span, written),)
    gap = _GAP.match(document.text, pair.key.span.end)
    colon = gap.end() if gap else pair.key.span.end
    if document.text[colon : colon + 1] == ":":
        return (_replace(document, Span(colon + 1, colon + 1), f" {written}"),)
    return (_replace(document, Span(pair.key.span.end, pair.key.span.end), f": {written}"),)


def remove_key(document: Document, query: Mapping, pair: Pair) -> tuple[Edit, ...]:
    """Remove a pair of the query."""
    return remove_child(document, query, query.pairs.index(pair))


def rename_key(document: Document, pair: Pair, name: str) -> tuple[Edit, ...]:
    """Write another key in the place of one."""
    return (_replace(document, pair.key.span, literal(name)),)


def containers(parsed: Parsed, offset: int) -> tuple[Mapping | Sequence, ...]:
    """The objects and lists around an offset, outermost first."""
    found: list[Mapping | Sequence] = []
    node = _child_at(parsed.roots, offset)
    while isinstance(node, (Mapping, Sequence)) and node.span.start <= offset < node.span.end:
        found.append(node)
        node = _child_at(node.items if isinstance(node, Sequence) else node.pairs, offset)
    return tuple(found)


def _child_at(children: Values[Node | Pair | None], offset: int) -> Node | None:
    index = index_at(children, offset)
    child = None if index is None else children[index]
    return child.value if isinstance(child, Pair) else child


def scalar_at(parsed: Parsed, offset: int) -> Scalar | None:
    """The string, number or word, key or value, that covers an offset."""
    around = containers(parsed, offset)
    if not around:
        children: list[Node | None] = list(parsed.roots)
    elif isinstance(around[-1], Sequence):
        children = list(around[-1].items)
    else:
        children = [node for pair in around[-1].pairs for node in (pair.key, pair.value)]
    for child in children:
        if isinstance(child, Scalar) and child.span.start <= offset < child.span.end:
            return child
    return None


def query_at(parsed: Parsed, offset: int) -> Mapping | None:
    """The query object around an offset: the outermost object."""
    for node in containers(parsed, offset):
        if isinstance(node, Mapping):
            return node
    return None


def _laid_out(document: Document, query: Mapping, key: str, value: Plain | Values[Plain]) -> str:
    """The value on one line, or a long list with one item on each."""
    text = document.text
    line = literal(value)
    if isinstance(value, (str, int, float)) or value is None or len(value) < 2:
        return line
    first = next((pair.span.start for pair in query.pairs), query.span.start)
    indent = _indent(text, first)
    if not _starts_line(text, first) or columns(f"{indent}{key}: {line},") <= MAX_COLUMNS:
        return line
    newline = _newline(text)
    items = ",".join(f"{newline}{indent}  {literal(item)}" for item in value)
    return f"[{items}{newline}{indent}]"


# --- children of objects and lists ------------------------------------------------------------


def insert_child(
    document: Document, parent: Mapping | Sequence, index: int, written: str
) -> tuple[Edit, ...]:
    """Write a child (an item, or a whole `"key": value`) before the one at `index`, or last."""
    text = document.text
    spans = _children(parent)
    newline = _newline(text)
    if not spans:
        return _insert_first(document, parent, written, newline)
    if index <= 0:
        first = spans[0].start
        # An object whose `{` is missing begins with its first key.
        if not _starts_line(text, first) or text[parent.span.start] not in "{[":
            return (_insert(document, first, f"{written}, "),)
        # Behind the opening bracket, so that comments above the first child stay with it.
        opened = _end_of(_SAME_LINE, text, parent.span.start + 1)
        return (_insert(document, opened, f"{newline}{_indent(text, first)}{written},"),)
    previous = spans[min(index, len(spans)) - 1]
    comma = _comma(text, previous.end)
    if comma is not None:
        after = comma + 1
        line = _end_of(_SAME_LINE, text, after)
        if _at_line_end(text, line):
            own = _indent(text, _line_of_child(text, previous, parent))
            return (_insert(document, line, f"{newline}{own}{written},"),)
        if index >= len(spans):
            return (_insert(document, after, f" {written},"),)
        return (_insert(document, spans[index].start, f"{written}, "),)
    line = _end_of(_SAME_LINE, text, previous.end)
    if _at_line_end(text, line):
        own = _indent(text, _line_of_child(text, previous, parent))
        return (
            _insert(document, previous.end, ","),
            _insert(document, line, f"{newline}{own}{written}"),
        )
    return (_insert(document, _end_of(_BLOCKS, text, previous.end), f", {written}"),)


def remove_child(document: Document, parent: Mapping | Sequence, index: int) -> tuple[Edit, ...]:
    """Remove a child with its comma and the rest of its line. Raises IndexError without one."""
    text = document.text
    children = parent.pairs if isinstance(parent, Mapping) else parent.items
    child = children[index]
    if child is None:
        raise IndexError(f"there is a hole at {index}")
    span = child.span
    before = next((each.span for each in reversed(children[:index]) if each is not None), None)
    comma = _comma(text, span.end)
    end = span.end if comma is None else comma + 1
    edits: list[Edit] = []
    if comma is None and before is not None:
        # The last child goes and there is no comma behind it, so the one before it goes too.
        at = _comma(text, before.end)
        if at is not None:
            edits.append(_replace(document, Span(at, at + 1), ""))
    line = _end_of(_SAME_LINE, text, end)
    if _starts_line(text, span.start) and _at_line_end(text, line):
        start = _line_start(text, span.start)
        ended = _LINE_END.match(text, line)
        edits.append(_replace(document, Span(start, ended.end() if ended else line), ""))
        return tuple(edits)
    if _at_line_end(text, line) and before is not None:
        # `"a", "b" // why`: the comment is the line's and stays.
        start = _back_over_blanks(text, span.start)
        edits.append(_replace(document, Span(start, end), ""))
        return tuple(edits)
    if any(children[index + 1 :]):
        stop = _end_of(_BLANK, text, end)
        edits.append(_replace(document, Span(span.start, stop), ""))
        return tuple(edits)
    start = span.start if before is None else _back_over_blanks(text, span.start)
    edits.append(_replace(document, Span(start, end), ""))
    return tuple(edits)


def _insert_first(
    document: Document, parent: Mapping | Sequence, written: str, newline: str
) -> tuple[Edit, ...]:
    text = document.text
    inside = text[parent.span.start + 1 : parent.span.end - 1]
    if _LINE_END.search(inside) is None:
        if inside.strip():
            return (_insert(document, parent.span.end - 1, f"{written} "),)
        return (_replace(document, Span(parent.span.start + 1, parent.span.end - 1), written),)
    outer = _indent(text, parent.span.start)
    if inside.strip():
        # Only comments: the child comes below them.
        last = parent.span.start + 1 + len(inside.rstrip())
        return (_insert(document, last, f"{newline}{outer}  {written}"),)
    return (
        _replace(
            document,
            Span(parent.span.start + 1, parent.span.end - 1),
            f"{newline}{outer}  {written}{newline}{outer}",
        ),
    )


def _children(parent: Mapping | Sequence) -> list[Span]:
    if isinstance(parent, Mapping):
        return [pair.span for pair in parent.pairs]
    return [item.span for item in parent.items if item is not None]


def _position(query: Mapping, key: str) -> int:
    """Behind the last of the keys that are written before this one."""
    own = rank(key)
    position = 0 if own is not None else len(query.pairs)
    for index, pair in enumerate(query.pairs):
        other = rank(pair.key.text)
        if own is not None and other is not None and other < own:
            position = index + 1
    return position


def _is_blank(item: Node | None) -> bool:
    return isinstance(item, Scalar) and isinstance(item.value, str) and not item.text.strip()


# --- places in the text -------------------------------------------------------------------------


def _replace(document: Document, span: Span, text: str) -> Edit:
    return Edit(document.uri, span, text)


def _insert(document: Document, at: int, text: str) -> Edit:
    return Edit(document.uri, Span(at, at), text)


def _end_of(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start


def _comma(text: str, end: int) -> int | None:
    """The comma behind a child, past comments."""
    at = _end_of(_GAP, text, end)
    return at if text.startswith(",", at) else None


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _indent(text: str, offset: int) -> str:
    start = _line_start(text, offset)
    indent = _BLANK.match(text, start)
    return indent[0] if indent else ""


def _starts_line(text: str, offset: int) -> bool:
    return not text[_line_start(text, offset) : offset].strip(" \t\ufeff")


def _at_line_end(text: str, offset: int) -> bool:
    return offset >= len(text) or text[offset] in "\r\n"


def _line_of_child(text: str, child: Span, parent: Mapping | Sequence) -> int:
    """An offset on a line with the indentation of the parent's children."""
    for span in _children(parent):
        if _starts_line(text, span.start):
            return span.start
    return child.start


def _back_over_blanks(text: str, offset: int) -> int:
    while offset > 0 and text[offset - 1] in " \t":
        offset -= 1
    return offset


def _newline(text: str) -> str:
    match = _LINE_END.search(text)
    return match[0] if match else "\n"

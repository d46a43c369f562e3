"""Edits of model files that several rules offer: renaming, removing an item, adding a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smq.problem import Fix, Problem, Safety
from smq.syntax import Mapping, Node, Parsed, Sequence, index_at
from smq.text import Edit, Location, Span


def replacements(
    location: Location, names: Iterable[str], safety: Safety = "unsafe"
) -> Iterator[Fix]:
    """Put one of these names there, the likeliest first."""
    for name in names:
        yield Fix(f"Change to '{name}'", (Edit(*location, name),), safety)


def insertion(problem: Problem) -> Iterator[Fix]:
    """Add the key that the check of the shape proposed with `insert` and `insert_at`."""
    at, text = problem.args.get("insert_at"), problem.args.get("insert")
    if isinstance(at, int) and isinstance(text, str):
        edit = Edit(problem.location.uri, Span(at, at), text)
        yield Fix(f"Add `{text.strip(', ').strip()}`", (edit,), "unsafe")


def removed_item(parsed: Parsed, span: Span) -> Edit | None:
    """The edit that removes the list item around a span; None when there is no such item."""
    found = item_around(parsed.roots, span)
    if found is None:
        return None
    sequence, index = found
    item = sequence.items[index]
    assert item is not None, "an item around a span has text"
    text, uri = parsed.document.text, parsed.document.uri
    if sequence.flow:
        return Edit(uri, _with_comma(text, sequence, index, item), "")
    dash = text.rfind("-", sequence.span.start, item.span.start)
    start = _line_start(text, dash)
    if dash < 0 or text[start:dash].strip():
        return None
    end = item.span.start + len(text[item.span.start : item.span.end].rstrip())
    line_end = text.find("\n", end)
    return Edit(uri, Span(start, len(text) if line_end < 0 else line_end + 1), "")


def item_around(roots: Iterable[Node | None], span: Span) -> tuple[Sequence, int] | None:
    """The innermost list with a mapping around the span, and that mapping's index."""
    found: tuple[Sequence, int] | None = None
    stack = [root for root in roots if root is not None and root.span.covers(span)]
    while stack:
        node = stack.pop()
        if isinstance(node, Sequence):
            index = _index_around(node.items, span)
            item = node.items[index] if index is not None else None
            if index is not None and item is not None:
                if isinstance(item, Mapping):
                    found = node, index
                stack.append(item)
        elif isinstance(node, Mapping):
            inner = (pair.value for pair in node.pairs)
            stack.extend(value for value in inner if value is not None and value.span.covers(span))
    return found


def _index_around(items: tuple[Node | None, ...], span: Span) -> int | None:
    """The item that covers the span. A list may have thousands, each with a problem of its own."""
    # At the end of an item a span without characters still belongs to it.
    for offset in (span.start, span.start - 1):
        index = index_at(items, offset)
        item = items[index] if index is not None else None
        if item is not None and item.span.covers(span):
            return index
    return None


def _with_comma(text: str, sequence: Sequence, index: int, item: Node) -> Span:
    items = sequence.items
    behind = next((each for at in range(index + 1, len(items)) if (each := items[at])), None)
    before = next((each for at in range(index - 1, -1, -1) if (each := items[at])), None)
    if behind is not None:
        return Span(item.span.start, behind.span.start)
    return Span(before.span.end if before is not None else item.span.start, item.span.end)


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1

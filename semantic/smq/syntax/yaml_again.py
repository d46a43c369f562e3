"""Reading a YAML file again after a small change: only the entry that changed is read.

The smallest entry of a block around the change (`key: value`, or an item of a list) is read by
itself, which in a file without faults says the same as reading it among its siblings; what stands
behind it is moved, its insides only when somebody looks at them. Whatever is not that simple is
left to a reading of the whole file: faults, anchors, entries that begin or end otherwise than
before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from smq.syntax.nodes import (
    Alias,
    Document,
    Later,
    Mapping,
    Node,
    Pair,
    Parsed,
    Scalar,
    Sequence,
    Splice,
)
from smq.text import Span

_LARGEST = 20_000
"""Characters of the largest entry that is worth reading by itself."""
_DEEPEST = 50
_ATTEMPTS = 3
"""Entries around one another that are tried, the smallest first."""

Reader = Callable[[Document], Parsed]


class _NotSimpleError(Exception):
    """Something that only reading the whole file settles."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A block on the way from the root to the change, and which of its entries leads there.

    `start` is where the entry's first line begins, `end` where what follows it does.
    """

    block: Mapping | Sequence
    index: int
    start: int
    end: int


def read_again(document: Document, before: Parsed, read: Reader) -> tuple[Parsed, Splice] | None:
    """What `read` makes of a document, by way of what it made of an earlier text of it; None when
    only reading the whole can tell."""
    old, new = before.document.text, document.text
    if not before.complete or before.problems or len(before.roots) != 1:
        return None
    start, end = _damage(old, new)
    steps = _steps(before.roots[0], old, start, end)
    for depth in range(len(steps), max(0, len(steps) - _ATTEMPTS), -1):
        step = steps[depth - 1]
        if step.end - step.start > _LARGEST:
            break
        try:
            found = _spliced(document, before, steps[:depth], read)
        except _NotSimpleError:
            return None
        if found is not None:
            shift = len(new) - len(old)
            return found, Splice(tuple(step.index for step in steps[:depth]), shift)
    return None


def _damage(old: str, new: str) -> tuple[int, int]:
    """The range of the old text that the new one has otherwise."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    start = low
    low, high = 0, min(len(old), len(new)) - start
    while low < high:
        middle = (low + high + 1) // 2
        if old[len(old) - middle : len(old) - low] == new[len(new) - middle : len(new) - low]:
            low = middle
        else:
            high = middle - 1
    return start, len(old) - low


def _steps(root: Node | None, text: str, start: int, end: int) -> list[_Step]:
    """The entries around a range, the outermost first."""
    steps: list[_Step] = []
    node, limit = root, len(text)
    while isinstance(node, (Mapping, Sequence)) and not (node.flow or node.anchor or node.tag):
        entries = node.pairs if isinstance(node, Mapping) else node.items
        starts = [entry.span.start for entry in entries if entry is not None]
        index = bisect_right(starts, start) - 1
        if index < 0 or len(starts) != len(entries):
            break
        line = _line_start(text, starts[index])
        before = text[line : starts[index]]
        dash = before.strip(" ")
        if dash != ("" if isinstance(node, Mapping) else "-"):
            break
        if index + 1 < len(starts):
            limit = _line_start(text, starts[index + 1])
        # The end of the last line must stay, or else the next line would become part of it.
        if end >= limit and limit < len(text):
            break
        steps.append(_Step(node, index, line, limit))
        entry = entries[index]
        node = entry.value if isinstance(entry, Pair) else entry
    return steps


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _spliced(document: Document, before: Parsed, steps: list[_Step], read: Reader) -> Parsed | None:
    """The tree with the last step's entry read anew; None when it does not stand by itself."""
    last = steps[-1]
    shift = len(document.text) - len(before.document.text)
    alone = read(Document(document.uri, document.text[last.start : last.end + shift]))
    root = alone.roots[0] if len(alone.roots) == 1 else None
    if not alone.complete or alone.problems or type(root) is not type(last.block):
        return None
    assert isinstance(root, (Mapping, Sequence))
    if root.flow or root.anchor or root.tag:
        return None
    entry: Pair | Node
    if isinstance(root, Mapping) and isinstance(last.block, Mapping):
        old_pair = last.block.pairs[last.index]
        if len(root.pairs) != 1 or root.pairs[0].key.text != old_pair.key.text:
            return None
        if root.pairs[0].key.span.start + last.start != old_pair.key.span.start:
            return None
        if before.bound:
            _moved_pair(old_pair, 0, 0)
        entry = _moved_pair(root.pairs[0], last.start, len(steps))
    elif isinstance(root, Sequence) and isinstance(last.block, Sequence):
        item, old_item = root.items[0], last.block.items[last.index]
        if len(root.items) != 1 or item is None or old_item is None:
            return None
        if before.bound:
            _moved(old_item, 0, 0)
        entry = _moved(item, last.start, len(steps))
    else:
        return None
    for step in reversed(steps):
        if isinstance(step.block, Mapping):
            if not isinstance(entry, Pair):
                key = step.block.pairs[step.index].key
                entry = Pair(Span(key.span.start, entry.span.end), key, entry)
            entry = _with_pair(step.block, step.index, entry, shift, before.bound)
        else:
            assert not isinstance(entry, Pair)
            entry = _with_item(step.block, step.index, entry, shift, before.bound)
    assert not isinstance(entry, Pair)
    comments = (
        *(span for span in before.comments if span.start < last.start),
        *(_moved_span(span, last.start) for span in alone.comments),
        *(_moved_span(span, shift) for span in before.comments if span.start >= last.end),
    )
    return Parsed(document, (entry,), (), comments, bound=before.bound)


def _with_pair(block: Mapping, index: int, pair: Pair, shift: int, is_bound: bool) -> Mapping:
    behind = block.pairs[index + 1 :]
    if shift and is_bound:
        behind = tuple([_moved_pair(each, shift, 0) for each in behind])
    elif shift:
        behind = _pairs_later(behind, shift)
    pairs = (*block.pairs[:index], pair, *behind)
    return Mapping(Span(block.span.start, pairs[-1].span.end), pairs)


def _with_item(block: Sequence, index: int, item: Node, shift: int, is_bound: bool) -> Sequence:
    behind = block.items[index + 1 :]
    if shift and is_bound:
        behind = tuple([_moved(each, shift, 0) for each in behind if each is not None])
    elif shift:
        behind = _items_later(behind, shift)
    items = (*block.items[:index], item, *behind)
    end = items[-1].span.end if items[-1] is not None else block.span.end + shift
    return Sequence(Span(block.span.start, end), items)


# Moving without looking inside, where nothing is bound to anything else.


def _pairs_later(pairs: tuple[Pair, ...], by: int) -> tuple[Pair, ...]:
    return tuple(
        [
            Pair(
                _moved_span(pair.span, by),
                pair.key.moved(by),
                _later(pair.value, by) if pair.value is not None else None,
            )
            for pair in pairs
        ]
    )


def _items_later(items: tuple[Node | None, ...], by: int) -> tuple[Node | None, ...]:
    return tuple([_later(item, by) if item is not None else None for item in items])


def _later(node: Node, by: int) -> Node:
    """The node so many characters further on; what it holds is moved when somebody asks for it."""
    if type(node) is Scalar:
        return node.moved(by)
    assert isinstance(node, (Mapping, Sequence))
    # Asked for once, because another thread may be filling it.
    later = node.later
    span = _moved_span(node.span, by)
    if isinstance(node, Mapping):
        moved = Mapping(span, (), node.flow, None, node.tag)
        del moved.pairs
        pairs, way = (later.entries, later.by) if later else (node.pairs, 0)
        moved.later = Later(pairs, way + by, _pairs_later)
        return moved
    sequence = Sequence(span, (), node.flow, None, node.tag)
    del sequence.items
    items, way = (later.entries, later.by) if later else (node.items, 0)
    sequence.later = Later(items, way + by, _items_later)
    return sequence


# Moving all of it. Half of the time goes into making objects, and a named tuple's constructor
# costs twice this one.

_new = tuple.__new__


def _moved_span(span: Span, by: int) -> Span:
    return _new(Span, (span[0] + by, span[1] + by))


def _moved_pair(pair: Pair, by: int, depth: int) -> Pair:
    key, value, (start, end) = pair.key, pair.value, pair.span
    moved = _moved(key, by, depth)
    assert isinstance(moved, Scalar)
    return Pair(
        _new(Span, (start + by, end + by)),
        moved,
        _moved(value, by, depth + 1) if value is not None else None,
    )


def _moved(node: Node, by: int, depth: int) -> Node:
    """The node so many characters further on. Raises _NotSimpleError for anchors and aliases,
    which bind it to others."""
    if type(node) is Scalar:
        if node.anchor is not None:
            raise _NotSimpleError
        return node.moved(by)
    if isinstance(node, Alias) or node.anchor is not None or depth > _DEEPEST:
        raise _NotSimpleError
    span = _moved_span(node.span, by)
    if isinstance(node, Mapping):
        pairs = tuple([_moved_pair(pair, by, depth) for pair in node.pairs])
        return Mapping(span, pairs, node.flow, None, node.tag)
    assert isinstance(node, Sequence)
    items = tuple(
        [_moved(item, by, depth + 1) if item is not None else None for item in node.items]
    )
    return Sequence(span, items, node.flow, None, node.tag)

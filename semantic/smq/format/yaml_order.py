"""The order of keys in what model files declare: a thing's name first.

In entities, dimensions and measures the type follows it. Only these keys move, and only where
nothing else could lose its place: no comment between the pairs, no blank line, no anchor or
alias. All others keep the order a person gave them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.syntax import Alias, Mapping, Node, Parsed, Scalar, Sequence
from smq.text import Edit, Span, apply_edits

_FIRST = {"name": 0}
_FIRST_OF_PARTS = {"name": 0, "type": 1}
_DECLARED = ("semantic_models", "metrics")
_PARTS = ("entities", "dimensions", "measures")
_SAME_LINE = re.compile(r"[ \t]*(?:#[^\r\n]*)?")
_COLON = re.compile(r"[ \t]*:")


def order(parsed: Parsed) -> str:
    """The text with the keys of declarations in their order."""
    text = parsed.document.text
    edits: list[Edit] = []
    for root in parsed.roots:
        for key in _DECLARED:
            for declared in _items(root, key):
                moved: list[Edit] = []
                for part in _PARTS:
                    for item in _items(declared, part):
                        moved += _ordered(parsed, item, _FIRST_OF_PARTS)
                # A model's own keys move in the next round, when those of its parts stand.
                edits += moved or _ordered(parsed, declared, _FIRST)
    return apply_edits(text, edits)


def _items(node: Node | None, key: str) -> Iterator[Mapping]:
    if isinstance(node, Mapping):
        for pair in node.pairs:
            if pair.key.text == key and isinstance(pair.value, Sequence):
                yield from (item for item in pair.value.items if isinstance(item, Mapping))


def _ordered(parsed: Parsed, mapping: Mapping, first: dict[str, int]) -> list[Edit]:
    text, uri = parsed.document.text, parsed.document.uri
    wanted = sorted(mapping.pairs, key=lambda pair: first.get(pair.key.text, len(first)))
    if wanted == list(mapping.pairs) or _is_fixed(mapping, text):
        return []
    if len({pair.key.text for pair in mapping.pairs}) < len(mapping.pairs):
        return []
    slots = _flow_slots(parsed, mapping) if mapping.flow else _block_slots(parsed, mapping)
    if slots is None:
        return []
    place = {id(pair): slot for pair, slot in zip(mapping.pairs, slots, strict=True)}
    return [
        Edit(uri, slot, place[id(pair)].cut(text))
        for slot, pair in zip(slots, wanted, strict=True)
        if place[id(pair)] != slot
    ]


def _flow_slots(parsed: Parsed, mapping: Mapping) -> list[Span] | None:
    if any(mapping.span.covers(comment) for comment in parsed.comments):
        return None
    return [pair.span for pair in mapping.pairs]


def _block_slots(parsed: Parsed, mapping: Mapping) -> list[Span] | None:
    """The text of each pair with the comment on its last line; None when one cannot move."""
    text = parsed.document.text
    slots: list[Span] = []
    for index, pair in enumerate(mapping.pairs):
        if not _COLON.match(text, pair.key.span.end) or pair.value is None:
            return None
        rest = _SAME_LINE.match(text, pair.span.end)
        end = rest.end() if rest else pair.span.end
        if index + 1 < len(mapping.pairs):
            between = text[end : mapping.pairs[index + 1].key.span.start]
            if between.strip(" \t\r\n") or len(re.findall(r"\r\n|\n|\r", between)) != 1:
                return None
        elif end < len(text) and text[end] not in "\r\n":
            return None
        slots.append(Span(pair.key.span.start, end))
        if end == len(text):
            # What ends without a line end would gain one, and that may be part of its value.
            return None
    return slots


def _is_fixed(node: Node | None, text: str) -> bool:
    """Whether the order of what is inside matters: an alias must not come before its anchor, and
    a block scalar that keeps the blank lines behind it would keep others elsewhere.
    """
    waiting: list[Node | None] = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, Alias) or (found is not None and found.anchor):
            return True
        if isinstance(found, Mapping):
            for pair in found.pairs:
                if pair.key.text == "<<":
                    return True
                waiting += [pair.key, pair.value]
        elif isinstance(found, Sequence):
            waiting += found.items
        elif isinstance(found, Scalar) and found.style in ("literal", "folded"):
            header = text[found.span.start : found.span.start + 3]
            if "+" in header:
                return True
    return False

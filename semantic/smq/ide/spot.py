"""Where in a query file the cursor stands: a key, an item of a list, a value, or between them.

It works on the tree with holes that a broken file gives, because one completes while typing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from smq.query.written import SPELLINGS
from smq.syntax import Mapping, Node, Pair, Parsed, Scalar, Sequence
from smq.text import Span

_NOWHERE = Span(0, 0)
Kind = Literal["key", "item", "value", "document"]


@dataclass(frozen=True, slots=True)
class Spot:
    """`scalar` is the string under the cursor, None between strings; `key` is canonical.

    `replace` is what a whole new string or key takes the place of, quotes included.
    """

    kind: Kind
    query: Mapping | None
    key: str = ""
    scalar: Scalar | None = None
    sequence: Sequence | None = None
    replace: Span = _NOWHERE


def spot_at(parsed: Parsed, offset: int) -> Spot | None:
    """The spot of an offset; None inside comments and outside of any query."""
    if any(comment.start < offset <= comment.end for comment in parsed.comments):
        return None
    root = parsed.root
    if root is None:
        # In front of a byte order mark nothing of the file can stand.
        offset = max(offset, 1 if parsed.document.text.startswith("\ufeff") else 0)
        return Spot("document", None, replace=Span(offset, offset))
    query = _query(root, parsed, offset)
    if query is None:
        if not _takes_query(root, parsed, offset):
            return None
        return Spot("document", None, replace=Span(offset, offset))
    pair = _pair(query, offset)
    if pair is None:
        return Spot("key", query, replace=_word(parsed.document.text, offset))
    if offset <= pair.key.span.end:
        return Spot("key", query, scalar=pair.key, replace=pair.key.span)
    key = SPELLINGS.get(pair.key.text, pair.key.text)
    value = pair.value
    if isinstance(value, Sequence) and _inside(value, parsed, offset):
        for item in value.items:
            if isinstance(item, Scalar) and item.span.start < offset <= item.span.end:
                if offset == item.span.end and _closed(item, parsed):
                    break
                return Spot("item", query, key, item, value, item.span)
        return Spot("item", query, key, None, value, _word(parsed.document.text, offset))
    if isinstance(value, Scalar) and value.span.start <= offset <= value.span.end:
        return Spot("value", query, key, value, None, value.span)
    if value is None:
        return Spot("value", query, key, None, None, _word(parsed.document.text, offset))
    return Spot("key", query, replace=_word(parsed.document.text, offset))


def _takes_query(root: Node, parsed: Parsed, offset: int) -> bool:
    """Whether a query can be written outside of all queries: a file is one, or one list of them."""
    if isinstance(root, Sequence):
        is_before_end = offset < root.span.end or not _is_closed(root, parsed)
        return root.span.start < offset and is_before_end
    return not isinstance(root, Mapping)


def _query(root: Node, parsed: Parsed, offset: int) -> Mapping | None:
    candidates = root.items if isinstance(root, Sequence) else (root,)
    for node in candidates:
        if isinstance(node, Mapping) and node.span.start < offset < node.span.end:
            return node
    # A query that is not closed yet goes on to the end of what is written.
    last = candidates[-1] if candidates else None
    if isinstance(last, Mapping) and offset > last.span.start and not _is_closed(last, parsed):
        return last
    return None


def _is_closed(node: Mapping | Sequence, parsed: Parsed) -> bool:
    """Whether the bracket at the end is its own, and not of something that stands in it."""
    inner = node.pairs if isinstance(node, Mapping) else node.items
    end = max((part.span.end for part in inner if part is not None), default=node.span.start + 1)
    bracket = "}" if isinstance(node, Mapping) else "]"
    return end < node.span.end and parsed.document.text[node.span.end - 1] == bracket


def _pair(query: Mapping, offset: int) -> Pair | None:
    """The pair whose key or value the offset belongs to."""
    for pair in query.pairs:
        end = pair.span.end
        if pair.span.start <= offset <= end:
            return pair
        if pair.value is None and end < offset:
            following = [p for p in query.pairs if p.span.start > pair.span.start]
            behind = following[0].span.start if following else query.span.end
            if offset <= behind and pair.span.end > pair.key.span.end:
                return pair
    return None


def _inside(sequence: Sequence, parsed: Parsed, offset: int) -> bool:
    closed = parsed.document.text[sequence.span.end - 1 : sequence.span.end] == "]"
    return sequence.span.start < offset and (
        offset < sequence.span.end or (not closed and offset == sequence.span.end)
    )


def _closed(item: Scalar, parsed: Parsed) -> bool:
    text = item.span.cut(parsed.document.text)
    return len(text) > 1 and text.endswith('"') and not text.endswith('\\"')


def _word(text: str, offset: int) -> Span:
    """The characters of a bare word around the offset, which a completion takes the place of."""
    start = offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_$"):
        start -= 1
    end = offset
    while end < len(text) and (text[end].isalnum() or text[end] in "_$"):
        end += 1
    return Span(start, end)

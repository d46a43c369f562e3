"""The edits that turn one text into another, small enough that cursors and comments stay put."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import accumulate

from smq.text import Edit, Span

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
# Comparing lines takes the square of their number at worst.
_MAX_LINES = 4_000


def changes(uri: str, old: str, new: str) -> tuple[Edit, ...]:
    """Edits of `old` that give `new`; none when they are equal."""
    if old == new:
        return ()
    before, after = _LINE.findall(old), _LINE.findall(new)
    if len(before) > _MAX_LINES or len(after) > _MAX_LINES:
        return (_edit(uri, old, new, Span(0, len(old)), Span(0, len(new))),)
    ends, new_ends = [0, *accumulate(map(len, before))], [0, *accumulate(map(len, after))]
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return tuple(
        _edit(uri, old, new, Span(ends[i], ends[j]), Span(new_ends[k], new_ends[m]))
        for tag, i, j, k, m in matcher.get_opcodes()
        if tag != "equal"
    )


def _edit(uri: str, old: str, new: str, span: Span, by: Span) -> Edit:
    """One edit without what both sides begin and end with."""
    start, end = span
    first, last = by
    while start < end and first < last and old[start] == new[first]:
        start, first = start + 1, first + 1
    while start < end and first < last and old[end - 1] == new[last - 1]:
        end, last = end - 1, last - 1
    # An edit must not cut a CRLF in two: an editor counts it as one line end.
    if start > 0 and old[start - 1] == "\r" and old.startswith("\n", start):
        start, first = start - 1, first - 1
    if end > 0 and old[end - 1] == "\r" and old.startswith("\n", end):
        end, last = end + 1, last + 1
    return Edit(uri, Span(start, end), new[first:last])

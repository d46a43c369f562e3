"""Replacing parts of a text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from smq.text.span import Span


class Edit(NamedTuple):
    """Replace `span` of the document `uri` by `text`; an empty span inserts."""

    uri: str
    span: Span
    text: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Apply edits of one document, given in any order, against the original offsets.

    Insertions at one place keep their order. Raises ValueError when two edits overlap or one
    lies outside the text, because applying half of a fix would damage the file.
    """
    ordered = sorted(edits, key=lambda edit: edit.span)
    parts: list[str] = []
    done = 0
    for edit in ordered:
        start, end = edit.span
        if start < done or end < start or end > len(text):
            raise ValueError(f"edit {edit.span} overlaps another one or leaves the text")
        parts.append(text[done:start])
        parts.append(edit.text)
        done = end
    parts.append(text[done:])
    return "".join(parts)

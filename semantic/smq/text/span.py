"""A stretch of one document's text."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """Half-open range of code-point offsets, ``start <= end``."""

    start: int
    end: int

    def contains(self, offset: int) -> bool:
        """True also at the end, because a cursor stands between characters."""
        return self.start <= offset <= self.end

    def covers(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end

    def shift(self, by: int) -> Span:
        return Span(self.start + by, self.end + by)

    def cut(self, text: str) -> str:
        return text[self.start : self.end]


class Location(NamedTuple):
    """A span in a named document."""

    uri: str
    span: Span

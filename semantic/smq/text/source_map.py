"""From a decoded scalar back to the characters in the file that wrote it."""

from __future__ import annotations

from bisect import bisect_right

from smq.text.span import Span


class SourceMap:
    """Maps offsets in a decoded string to offsets in the source text.

    `segments` are (decoded_start, source_start, decoded_length, source_length), ascending and
    covering the decoded string. A segment with equal lengths maps character by character; any
    other (an escape, a folded line end) maps as one piece.
    """

    __slots__ = ("_keys", "_segments")

    def __init__(self, segments: tuple[tuple[int, int, int, int], ...]) -> None:
        self._segments = segments
        self._keys = [segment[0] for segment in segments]

    @classmethod
    def shifted(cls, source_start: int, length: int) -> SourceMap:
        """The map of a string that stands in the source as it is."""
        return cls(((0, source_start, length, length),))

    @property
    def segments(self) -> tuple[tuple[int, int, int, int], ...]:
        return self._segments

    def start(self, offset: int) -> int:
        """Source offset where the decoded character at `offset` begins."""
        if not self._segments:
            return 0
        index = max(0, bisect_right(self._keys, offset) - 1)
        decoded, source, decoded_length, source_length = self._segments[index]
        inside = offset - decoded
        if inside >= decoded_length:
            return source + source_length
        return source + inside if decoded_length == source_length else source

    def end(self, offset: int) -> int:
        """Source offset just behind the decoded character before `offset`."""
        if offset <= 0:
            return self.start(0)
        index = max(0, bisect_right(self._keys, offset - 1) - 1)
        decoded, source, decoded_length, source_length = self._segments[index]
        inside = min(offset - decoded, decoded_length)
        return source + inside if decoded_length == source_length else source + source_length

    def to_source(self, span: Span) -> Span:
        start = self.start(span.start)
        return Span(start, max(start, self.end(span.end)) if span.end > span.start else start)

    def to_decoded(self, source_offset: int) -> int | None:
        """Decoded offset of a source offset; None outside the scalar's content."""
        for decoded, source, decoded_length, source_length in self._segments:
            if source <= source_offset < source + source_length:
                inside = source_offset - source
                return decoded + (inside if decoded_length == source_length else 0)
        if self._segments:
            decoded, source, decoded_length, source_length = self._segments[-1]
            if source_offset == source + source_length:
                return decoded + decoded_length
        return None

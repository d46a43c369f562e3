"""Lines and columns of a text, in the units that editors count."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]

# The protocol's line ends. str.splitlines knows more of them and would shift every range.
_LINE_END = re.compile(r"\r\n|\n|\r")


class LineIndex:
    """Converts offsets to (line, column), both from 0, and back.

    Columns are counted in the given encoding's units: bytes, UTF-16 code units or code points.
    Positions past the end of a line or of the text are clamped, as the protocol asks. With
    `is_marked` a byte order mark at the start takes no column: editors read it as a fact about
    the file and keep it out of the text that they show.
    """

    __slots__ = ("_ends", "_starts", "_text")

    def __init__(self, text: str, is_marked: bool = False) -> None:
        self._text = text
        first = 1 if is_marked and text.startswith("\ufeff") else 0
        if "\r" in text:
            found = [match.span() for match in _LINE_END.finditer(text)]
            self._starts = [first, *(end for _, end in found)]
            self._ends = [*(start for start, _ in found), len(text)]
        else:
            # Each key asks for the lines of a new text, and this way takes half the time.
            behind = list(accumulate([len(line) + 1 for line in text.split("\n")]))
            self._starts = [first, *behind[:-1]]
            self._ends = [end - 1 for end in behind]

    @property
    def line_count(self) -> int:
        return len(self._starts)

    def line_of(self, offset: int) -> int:
        return max(0, bisect_right(self._starts, offset) - 1)

    def line_text(self, line: int) -> str:
        """The line without its line end."""
        return self._text[self._starts[line] : self._ends[line]]

    def line_start(self, line: int) -> int:
        return self._starts[line]

    def position(self, offset: int, encoding: Encoding = "utf-32") -> tuple[int, int]:
        offset = max(0, min(offset, len(self._text)))
        line = self.line_of(offset)
        start = self._starts[line]
        end = min(offset, self._ends[line])
        return line, _width(self._text[start:end], encoding)

    def offset(self, line: int, column: int, encoding: Encoding = "utf-32") -> int:
        if line < 0:
            return 0
        if line >= len(self._starts):
            return len(self._text)
        start, end = self._starts[line], self._ends[line]
        if column <= 0:
            return start
        segment = self._text[start:end]
        if encoding == "utf-32" or segment.isascii():
            return min(start + column, end)
        passed = 0
        for index, char in enumerate(segment):
            passed += _width(char, encoding)
            # A column inside a character names the character's start.
            if passed > column:
                return start + index
            if passed == column:
                return start + index + 1
        return end


def _width(segment: str, encoding: Encoding) -> int:
    if encoding == "utf-32" or segment.isascii():
        return len(segment)
    if encoding == "utf-8":
        return len(segment.encode("utf-8", "surrogatepass"))
    return len(segment) + sum(1 for char in segment if ord(char) > 0xFFFF)

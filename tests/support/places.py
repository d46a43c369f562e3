"""A client's own idea of lines, columns and ranges; shares no code with the server's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Span = tuple[int, int]


class Wrong(AssertionError):
    """An answer that no client could use."""


class Ruler:
    """The lines of one text, with columns in the units of one encoding."""

    def __init__(self, text: str, encoding: str) -> None:
        self.text = text
        self._encoding = encoding
        self._lines: list[Span] = []
        start = 0
        for line in re.split("(\r\n|\n|\r)", text)[::2]:
            self._lines.append((start, start + len(line)))
            start += len(line) + (2 if text.startswith("\r\n", start + len(line)) else 1)

    def __len__(self) -> int:
        return len(self._lines)

    def width(self, text: str) -> int:
        if self._encoding == "utf-32" or text.isascii():
            return len(text)
        if self._encoding == "utf-8":
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text.encode("utf-16-le", "surrogatepass")) // 2

    def position(self, offset: int) -> dict[str, int]:
        """The position of an offset that does not lie within a line's end."""
        low, high = 0, len(self._lines) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._lines[middle][0] <= offset:
                low = middle
            else:
                high = middle - 1
        start, end = self._lines[low]
        assert offset <= end, "no client can point between CR and LF"
        return {"line": low, "character": self.width(self.text[start:offset])}

    def range(self, start: int, end: int) -> dict[str, Any]:
        return {"start": self.position(start), "end": self.position(end)}

    def offset(self, position: Mapping[str, int]) -> int:
        """Raises Wrong for a position that is not one of this text."""
        line, character = position["line"], position["character"]
        if not 0 <= line < len(self._lines):
            raise Wrong(f"line {line} of {len(self._lines)}")
        start, end = self._lines[line]
        words = self.text[start:end]
        if words.isascii() or self._encoding == "utf-32":
            if not 0 <= character <= len(words):
                raise Wrong(f"column {character} of a line with {len(words)}: {words!r}")
            return start + character
        column = number = 0
        while number < len(words) and column < character:
            code = ord(words[number])
            if self._encoding == "utf-16":
                column += 1 + (code > 0xFFFF)
            else:
                column += 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
            number += 1
        if column != character:
            raise Wrong(f"column {character} is within a character or behind the end of {words!r}")
        return start + number

    def span(self, given: Mapping[str, Any]) -> Span:
        """Raises Wrong for a range that is not one of this text."""
        start, end = self.offset(given["start"]), self.offset(given["end"])
        if start > end:
            raise Wrong(f"the range {given} ends before it starts")
        return start, end


class Texts:
    """All that a client has, at one moment: texts by URI, measured in one encoding."""

    def __init__(self, texts: Mapping[str, str], encoding: str) -> None:
        self._texts = texts
        self.encoding = encoding
        self._rulers: dict[str, Ruler] = {}

    def __contains__(self, uri: str) -> bool:
        return uri in self._texts

    def ruler(self, uri: str) -> Ruler:
        """Raises Wrong for a document that the client does not have."""
        if uri not in self._rulers:
            if uri not in self._texts:
                raise Wrong(f"there is no {uri}")
            self._rulers[uri] = _ruler(self._texts[uri], self.encoding)
        return self._rulers[uri]

    def span(self, uri: str, given: Mapping[str, Any]) -> Span:
        return self.ruler(uri).span(given)

    def cut(self, uri: str, given: Mapping[str, Any]) -> str:
        start, end = self.span(uri, given)
        return self.ruler(uri).text[start:end]

    def edited(self, uri: str, edits: list[Any]) -> str:
        """The text after edits of one answer. Raises Wrong where they overlap."""
        text = self.ruler(uri).text
        parts, done = [], 0
        # Stable: insertions at one place keep their order, and stand before what is replaced there.
        for (start, end), new in sorted(
            ((self.span(uri, edit["range"]), edit["newText"]) for edit in edits),
            key=lambda each: each[0],
        ):
            if start < done:
                raise Wrong(f"edits of {uri} overlap at {start}: {edits}")
            parts += [text[done:start], new]
            done = end
        return "".join((*parts, text[done:]))


_RULERS: dict[tuple[str, str], Ruler] = {}


def _ruler(text: str, encoding: str) -> Ruler:
    """The same text is measured many times."""
    found = _RULERS.get((text, encoding))
    if found is None:
        if len(_RULERS) > 200:
            _RULERS.clear()
        found = _RULERS[text, encoding] = Ruler(text, encoding)
    return found

"""Blocks of model files indented by two, and list items as the file mostly has them.

Dashes stand either under the key of their list or two columns to its right; both are usual, so
the more frequent one of the file wins. Lines inside of strings move with the line on which the
string begins, which keeps their value. Comments move with what they stand above.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from smq.syntax import Mapping, Node, Parsed, Sequence

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_STEP = 2


class _UnsafeError(Exception):
    """A shape whose indentation this module does not understand well enough to change."""


def indent(parsed: Parsed) -> str:
    """The text with its blocks indented anew; as it is where that would not be safe."""
    text = parsed.document.text
    if re.search(r"^[ ]*\t", text, re.MULTILINE):
        return text
    lines = _Lines(parsed)
    try:
        for root in parsed.roots:
            lines.block(root, 0)
    except _UnsafeError:
        return text
    return lines.text()


class _Lines:
    def __init__(self, parsed: Parsed) -> None:
        text = parsed.document.text
        self._text = text
        self._lines: list[str] = _LINE.findall(text)
        self._starts: list[int] = []
        offset = 0
        for line in self._lines:
            self._starts.append(offset)
            offset += len(line)
        # How far each line moves, and how many blanks behind its dashes are too many or few.
        self._shift: dict[int, int] = {}
        self._dashes: dict[int, list[tuple[int, int]]] = {}
        self._inset = _STEP if _mostly_inset(parsed, self) else 0
        self._comments = {self.line(comment.start) for comment in parsed.comments}

    def line(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def column(self, offset: int) -> int:
        mark = 1 if offset and self._text.startswith("\ufeff") and self.line(offset) == 0 else 0
        return offset - self._starts[self.line(offset)] - mark

    # --- what moves -----------------------------------------------------------------------

    def block(self, node: Node | None, wanted: int, *, inline: bool = False) -> None:
        """Bring a block to a column; `inline` for one that begins behind a dash."""
        if node is None:
            return
        if isinstance(node, Mapping) and not node.flow:
            self._refuse_properties(node)
            self._mapping(node, wanted, inline)
        elif isinstance(node, Sequence) and not node.flow:
            self._refuse_properties(node)
            self._sequence(node, wanted, inline)
        elif not inline:
            # A scalar or a flow collection on a line of its own moves as a whole.
            self._follow(node, wanted - self.column(node.span.start), own=True)

    def _refuse_properties(self, node: Mapping | Sequence) -> None:
        if node.anchor or node.tag:
            raise _UnsafeError

    def _mapping(self, node: Mapping, wanted: int, inline: bool) -> None:
        actual = self.column(node.span.start)
        for index, pair in enumerate(node.pairs):
            start = pair.key.span.start
            first = self.line(start)
            if self.column(start) != actual or pair.key.anchor or pair.key.tag:
                raise _UnsafeError
            if index or not inline:
                self._move(first, start, wanted - actual)
            if self.line(pair.key.span.end) != first:
                raise _UnsafeError
            value = pair.value
            if value is None:
                continue
            if self.line(value.span.start) == first:
                self._follow(value, wanted - actual, own=False)
            elif isinstance(value, Sequence) and not value.flow:
                self.block(value, wanted + self._inset)
            else:
                self.block(value, wanted + _STEP)

    def _sequence(self, node: Sequence, wanted: int, inline: bool) -> None:
        actual = self.column(node.span.start)
        at = node.span.start
        for index, item in enumerate(node.items):
            dash = self._dash(at, actual)
            line = self.line(dash)
            if index or not inline:
                self._move(line, dash, wanted - actual)
            if item is None:
                raise _UnsafeError
            at = item.span.end
            if self.line(item.span.start) != line:
                self.block(item, wanted + _STEP)
                continue
            gap = item.span.start - dash - 1
            if self._text[dash + 1 : item.span.start].strip(" "):
                # An anchor or a tag stands between.
                self._follow(item, wanted - actual, own=False)
                if isinstance(item, (Mapping, Sequence)) and not item.flow:
                    raise _UnsafeError
                continue
            self._dashes.setdefault(line, []).append((dash, gap))
            if isinstance(item, (Mapping, Sequence)) and not item.flow:
                self.block(item, wanted + _STEP, inline=True)
            else:
                self._follow(item, wanted - actual, own=False)

    def _dash(self, offset: int, column: int) -> int:
        """The next dash at a column, over blank lines and comments."""
        line = self.line(offset)
        if self.column(offset) == column and self._text.startswith("-", offset):
            return offset
        for number in range(line + 1, len(self._lines)):
            text = self._lines[number]
            bare = text.strip(" \r\n")
            if bare and not bare.startswith("#"):
                if len(text) - len(text.lstrip(" ")) == column and bare.startswith("-"):
                    return self._starts[number] + column
                break
        raise _UnsafeError

    def _move(self, line: int, start: int, by: int) -> None:
        before = self._text[self._starts[line] : start].lstrip("\ufeff")
        if before.strip(" ") or line in self._shift:
            raise _UnsafeError
        self._shift[line] = by

    def _follow(self, node: Node, by: int, own: bool) -> None:
        """Move the lines of a value with the line on which it begins."""
        first, last = self.line(node.span.start), self.line(max(node.span.end - 1, 0))
        if own:
            self._move(first, node.span.start, by)
        for line in range(first + 1, last + 1):
            self._shift[line] = by

    # --- the text -------------------------------------------------------------------------

    def text(self) -> str:
        moved = [self._moved(number) for number in range(len(self._lines))]
        return "".join(moved)

    def _moved(self, number: int) -> str:
        line = self._lines[number]
        by = self._shift.get(number)
        if by is None:
            if not line.strip():
                return line
            by = self._comment_shift(number) if number in self._comments else 0
        for dash, gap in sorted(self._dashes.get(number, ()), reverse=True):
            at = dash - self._starts[number] + 1
            line = line[:at] + " " + line[at + gap :]
        if by > 0:
            return " " * by + line if line.strip() else line
        blanks = len(line) - len(line.lstrip(" "))
        return line[min(-by, blanks) :]

    def _comment_shift(self, number: int) -> int:
        """A comment moves with the next line if it stands at its column, else with one before."""
        column = self._indent(number)
        for after in range(number + 1, len(self._lines)):
            if after in self._shift:
                if self._indent(after) == column:
                    return self._shift[after]
                break
        for before in range(number - 1, -1, -1):
            if before in self._shift and self._indent(before) <= column:
                return self._shift[before]
        return 0

    def _indent(self, number: int) -> int:
        line = self._lines[number].lstrip("\ufeff")
        return len(line) - len(line.lstrip(" "))


def _mostly_inset(parsed: Parsed, lines: _Lines) -> bool:
    """Whether most lists of a file stand to the right of their key."""
    inset = flush = 0
    waiting: list[Node | None] = list(parsed.roots)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Sequence):
            waiting += node.items
        elif isinstance(node, Mapping):
            for pair in node.pairs:
                value = pair.value
                waiting.append(value)
                if isinstance(value, Sequence) and not value.flow:
                    key = lines.column(pair.key.span.start)
                    if lines.column(value.span.start) > key:
                        inset += 1
                    else:
                        flush += 1
    return inset >= flush

"""Decoding of literal and folded blocks, whose extent is told by their indentation alone."""

from __future__ import annotations

import re

from smq.syntax.nodes import Scalar, Style
from smq.syntax.yaml_scalars import DOCUMENT_MARK, LINE, LINE_END, PLAIN, STRUCTURE_LIKE, Pieces
from smq.syntax.yaml_state import State
from smq.text import Span

_HEADER = re.compile(r"[|>](?:([1-9])([-+]?)|([-+])([1-9]?))?(?=[ \t\r\n#]|\Z)")


def read_block(state: State, start: int, parent: int) -> tuple[Scalar, int] | None:
    """The literal or folded scalar whose header is at `start`, and the start of the next line.

    `parent` is the indentation of the collection it stands in. None when there is no header.
    """
    text = state.text
    header = _HEADER.match(text, start)
    if header is None:
        return None
    folded = text[start] == ">"
    chomp = header.group(2) or header.group(3) or ""
    digit = header.group(1) or header.group(4)
    line = LINE.match(text, header.end())
    assert line is not None
    after = line.group(2).strip(" \t")
    if after:
        at = text.index(after, header.end())
        if after[0] == "#":
            state.comments.append(Span(at, at + len(after)))
        else:
            # Text on the header's line belongs to nothing, and is not content either.
            state.report("SYN223", at, at + len(after), text=after)
    block = _Block(state, parent, max(parent, 0) + int(digit) if digit else None)
    position = block.read(line.end())
    end = block.lines[-1][1] if block.lines else header.end()
    pieces = block.join(folded, chomp)
    decoded, segments = pieces.finish(-1, end)
    style: Style = "folded" if folded else "literal"
    return Scalar(Span(start, end), decoded, decoded, style, segments), position


class _Block:
    """The lines of a block scalar without their indentation, and the line ends around them."""

    __slots__ = ("_indent", "_parent", "_state", "leading", "lines")

    def __init__(self, state: State, parent: int, indent: int | None) -> None:
        self._state = state
        self._parent = parent
        self._indent = indent
        # Line ends of blank lines before the first content.
        self.leading: list[tuple[int, int]] = []
        # Start and end of content, and the line ends behind it: its own, then of blank lines.
        self.lines: list[tuple[int, int, list[tuple[int, int]]]] = []

    def read(self, position: int) -> int:
        """Take lines as long as they belong to the block; the start of the first that does not."""
        text = self._state.text
        size = len(text)
        breaks = self.leading
        widest: tuple[int, int] | None = None
        while position < size:
            line = LINE.match(text, position)
            assert line is not None
            content = line.group(2)
            first = line.end(1)
            width = first - position
            indent = self._indent
            if not content and (indent is None or width <= indent):
                if indent is None and (widest is None or width > widest[1] - widest[0]):
                    widest = (position, first)
            else:
                start = self._content_start(position, first, content)
                if start is None:
                    break
                if indent is None and widest is not None and self._indent is not None:
                    self._check_leading(widest)
                breaks = []
                self.lines.append((start, line.end(2), breaks))
            if line.group(3):
                breaks.append(line.span(3))
            position = line.end()
        return position

    def _content_start(self, line: int, first: int, content: str) -> int | None:
        """Where the content of a line starts; None when the line ends the block."""
        indent, width = self._indent, first - line
        if not width and DOCUMENT_MARK.match(content):
            return None
        if indent is None and content[0] != "\t" and width > self._parent:
            # Loaders want a block at the top of a file indented; a comment in column 0 is one.
            if not width and content[0] == "#":
                return None
            self._indent = width
            return first
        if indent is not None and width >= indent:
            return line + indent
        if content[0] == "\t":
            return self._tabs(line, first, content)
        if content[0] == "#" or STRUCTURE_LIKE.match(content):
            return None
        if width <= self._parent:
            deeper = self._next_width(first, first + len(content))
            if deeper is None or (indent is not None and deeper < indent):
                return None
            indent = self._indent = indent or deeper
        assert indent is not None
        # A line that lost some of its spaces, or was broken in two, is still content.
        where = (line, first) if width else (first, first + len(content))
        self._state.damage("SYN215", *where, kind="block", found=width, expected=indent)
        return first

    def _tabs(self, line: int, first: int, content: str) -> int | None:
        stripped = content.lstrip(" \t")
        start = first + len(content) - len(stripped)
        if not stripped and self._indent is None:
            return None
        expected = self._indent if self._indent is not None else max(self._parent, 0) + 2
        self._state.report("SYN201", line, start, expected=expected)
        return start

    def _next_width(self, start: int, position: int) -> int | None:
        """How deep the block goes on behind a line that is too far left; None if it does not."""
        text = self._state.text
        colon = PLAIN.match(text, start)
        assert colon is not None
        if text[colon.end() : colon.end() + 1] == ":" or text[start] == "?":
            return None
        while (break_ := LINE_END.match(text, position)) is not None:
            line = LINE.match(text, break_.end())
            assert line is not None
            if line.group(2):
                width = line.end(1) - line.start()
                deep = width > self._parent and not STRUCTURE_LIKE.match(text, line.end(1))
                return width if deep else None
            position = line.end(2)
        return None

    def _check_leading(self, widest: tuple[int, int]) -> None:
        """Blank lines wider than the content make loaders take their width for the indentation."""
        start, end = widest
        indent = self._indent or 0
        if end - start > indent:
            self._state.report(
                "SYN215", start, end, kind="blank", found=end - start, expected=indent
            )

    def join(self, folded: bool, chomp: str) -> Pieces:
        text = self._state.text
        pieces = Pieces()
        if self.lines or chomp == "+":
            self._add_breaks(pieces, self.leading)
        for index, (start, end, breaks) in enumerate(self.lines):
            pieces.copy(text[start:end], start)
            if index + 1 == len(self.lines):
                kept = breaks if chomp == "+" else breaks[:1] if chomp == "" else []
                self._add_breaks(pieces, kept)
            elif (
                folded and text[start] not in " \t" and text[self.lines[index + 1][0]] not in " \t"
            ):
                if len(breaks) == 1:
                    pieces.decode(" ", breaks[0][0], self.lines[index + 1][0])
                else:
                    self._add_breaks(pieces, breaks[1:])
            else:
                self._add_breaks(pieces, breaks)
        return pieces

    def _add_breaks(self, pieces: Pieces, breaks: list[tuple[int, int]]) -> None:
        text = self._state.text
        for start, end in breaks:
            if text[start:end] == "\n":
                pieces.copy("\n", start)
            else:
                pieces.decode("\n", start, end)

"""Which open collection a line belongs to, by its column, also when the column is wrong.

YAML's rule is exact: a deeper line opens the awaited value, an equal one is the next entry, a
shallower one closes. Where a line fits none of these it is placed by what it is, a key or an
item, next to its likely neighbours, and the problem says where it should stand.
"""

from __future__ import annotations

import re

from smq.syntax.nodes import Mapping, Node, Scalar, Sequence
from smq.syntax.yaml_flow import MISSING_SPACE
from smq.syntax.yaml_frames import MAP, ROOT, SEQ, Frame, Frames
from smq.syntax.yaml_scalars import ITEM_WITH_KEY, KEY_LIKE
from smq.syntax.yaml_state import State
from smq.text import Span

_LINE = re.compile(r"[^\r\n]*+(?:\r\n|\n|\r|\Z)")
_TO_NEXT_CONTENT = re.compile(r"(?>(?:[ \t]*+(?:#[^\r\n]*+)?(?:\r\n|\n|\r))*)([ ]*+)")


class Placement:
    """Finds or opens the frame for a line, closing those that end before it."""

    __slots__ = ("_frames", "_stack", "_state")

    def __init__(self, state: State, frames: Frames) -> None:
        self._state = state
        self._frames = frames
        self._stack = frames.stack

    def find(self, column: int) -> tuple[int, bool]:
        """Index of the innermost frame that a line at `column` may be in, and if it fits exactly.

        Not exact means that the frame's entries stand further left.
        """
        stack = self._stack
        index = len(stack) - 1
        while index > 0 and stack[index].indent > column and stack[index].proper != column:
            index -= 1
        frame = stack[index]
        if index > 0 and frame.proper == column:
            frame.indent = column
        return index, index > 0 and frame.indent == column

    def key(
        self, column: int, line: int, start: int, text: str, following: int, whole: bool
    ) -> Frame:
        """The mapping for a key at `start`, ready to take it.

        `following` is where the next line begins, `whole` whether this one has the whole value.
        """
        stack, frames = self._stack, self._frames
        top = stack[-1]
        if column < top.indent or (column == top.indent and top.kind == SEQ and top.waiting):
            stray = self._host_of_stray(column, start, text, following, whole)
            if stray is not None:
                self._misplaced(line, start, len(text), column, stray.proper)
                return self._take_key(stray)
        index, exact = self.find(column)
        frame = stack[index]
        if exact:
            if frame.kind == SEQ and _is_flush(stack, index):
                index -= 1
            elif frame.kind == SEQ:
                return self._key_among_items(index, column, line, start, text)
            return self._take_key(frames.close_to(index))
        if index == len(stack) - 1:
            if frame.waiting:
                return frames.push(MAP, column, start)
            return self._key_too_deep(frame, column, line, start, text, following)
        return self._key_too_shallow(index, column, line, start, text, following)

    def item(self, column: int, line: int, start: int, following: int) -> int:
        """Make the innermost frame the sequence for a dash at `start`.

        Returns how many columns further right the line should have stood.
        """
        stack, frames = self._stack, self._frames
        index, exact = self.find(column)
        frame = stack[index]
        innermost = index == len(stack) - 1
        if not innermost:
            stray = self._sequence_of_stray(index, column, following)
            if stray is not None:
                return self._join_items(stray, column, line, start)
        if exact and frame.kind == SEQ:
            frames.flush(frames.close_to(index))
            return 0
        if innermost and frame.waiting:
            frames.push(SEQ, column, start)
            return 0
        if innermost and not exact:
            return self._item_too_deep(frame, column, line, start)
        child = None if innermost else stack[index + 1]
        if child is not None and child.kind == SEQ:
            return self._join_items(index + 1, column, line, start)
        if innermost and frame.loose:
            return self._item_in_mapping(frame, column, start)
        below = index
        while below > 0 and stack[below].kind != SEQ:
            below -= 1
        if below > 0:
            return self._join_items(below, column, line, start)
        nested = child is not None and child.pairs and frame.key is not None and not frame.explicit
        if nested and not exact:
            return self._first_item_without_dash(index, column, line)
        if child is not None:
            frame = frames.close_to(index if exact else index + 1)
        return self._item_in_mapping(frame, column, start)

    # Keys where no key should be

    def _key_among_items(self, index: int, column: int, line: int, start: int, text: str) -> Frame:
        """A key in the column of the dashes: of the item above, or an item without its dash."""
        child = self._stack[index + 1] if index + 1 < len(self._stack) else None
        if child is not None and child.kind == MAP and child.first_key != text:
            self._misplaced(line, start, len(text), column, child.proper)
            return self._take_key(self._frames.close_to(index + 1))
        return self._item_without_dash(index, child, column, line, start, text)

    def _key_too_shallow(
        self, index: int, column: int, line: int, start: int, text: str, following: int
    ) -> Frame:
        frame, child = self._stack[index], self._stack[index + 1]
        if child.kind == MAP:
            if frame.kind == SEQ and child.first_key == text:
                return self._item_without_dash(index, child, column, line, start, text)
            self._frames.close_to(index + 1)
            if not self._is_first_line_odd(child, column, following):
                self._misplaced(line, start, len(text), column, child.proper)
                child.indent = column
            return self._take_key(child)
        if frame.kind == MAP:
            self._misplaced(line, start, len(text), column, frame.proper)
            self._frames.close_to(index)
            frame.indent = column
            return self._take_key(frame)
        if frame.kind == SEQ:
            return self._item_without_dash(index, None, column, line, start, text)
        self._frames.close_to(index)
        return self._second_root(frame, MAP, column, start, len(text))

    def _key_too_deep(
        self, frame: Frame, column: int, line: int, start: int, text: str, following: int
    ) -> Frame:
        frames = self._frames
        last = frame.last if frame.key is None else None
        if frame.kind == MAP:
            if frame.loose and isinstance(last, Scalar):
                frames.take_back(frame)
                return frames.push(MAP, column, start)
            if self._is_key_alone(frame, column):
                assert isinstance(last, Scalar)
                return self._key_from_scalar(frame, last, column, start)
            if not self._is_first_line_odd(frame, column, following):
                self._misplaced(line, start, len(text), column, frame.proper)
                frame.indent = column
            return self._take_key(frame)
        if isinstance(last, Scalar):
            return self._key_from_scalar(frame, last, column, start)
        if isinstance(last, Mapping) and last.flow:
            return self._reopen(frame, last, column, start, len(text))
        if frame.kind == ROOT:
            return self._second_root(frame, MAP, column, start, len(text))
        index = self._stack.index(frame)
        return self._item_without_dash(index, None, column, line, start, text)

    def _is_first_line_odd(self, frame: Frame, column: int, following: int) -> bool:
        """Whether the one entry above, and not the key at `column`, stands in the wrong column.

        The line behind decides. If so the problem is told there, and the frame is put right.
        """
        stack = self._stack
        if len(frame.pairs) + (frame.key is not None) != 1 or frame.proper != frame.indent:
            return False
        width, kind = self.peek(following)
        below = stack[-2]
        by = column - frame.indent
        line = frame.start - self.column(frame.start)
        item = self._state.text[line : frame.start].strip() == "-"
        if item and (below.kind != SEQ or below.items or below.proper != below.indent):
            return False
        found = below.indent if item else frame.indent
        behind = (MAP, column), (SEQ, found + by if item else -1)
        base = stack[-3] if item else below
        if (kind, width) not in behind or found + by < base.indent + (base.kind != MAP or not item):
            return False
        self._misplaced(line, line + found, 1, found, found + by)
        frame.indent = frame.proper = column
        if item:
            below.indent = below.proper = found + by
        return True

    def _take_key(self, frame: Frame) -> Frame:
        if frame.key is not None or frame.waiting:
            self._frames.flush(frame)
        return frame

    def _item_without_dash(
        self, index: int, child: Frame | None, column: int, line: int, start: int, text: str
    ) -> Frame:
        indent = child.indent if child is not None else column + 2
        frame = self._frames.close_to(index)
        self._frames.flush(frame)
        self._state.damage(
            "SYN205", start, start + len(text), line=line, expected=frame.proper, text=text
        )
        frame.waiting = True
        frame.end = start
        return self._frames.push(MAP, max(indent, frame.indent + 1), start)

    def _key_from_scalar(self, frame: Frame, scalar: Scalar, column: int, start: int) -> Frame:
        """What looked like a text was a key: the line below it shows."""
        self._frames.take_back(frame)
        self._state.withdraw_hint(scalar.span)
        own = max(self.column(scalar.span.start), frame.indent + 1)
        mapping = self._frames.push(MAP, own, scalar.span.start)
        self.half_typed(mapping, scalar)
        if column > own and mapping.waiting:
            return self._frames.push(MAP, column, start)
        if column != own:
            mapping.indent = column
        return self._take_key(mapping)

    def _is_key_alone(self, frame: Frame, column: int) -> bool:
        """Whether the last value stands below its key in a column: the first key of a block,

        half typed, as the entries below it in that column show.
        """
        last = frame.last
        if frame.waiting or frame.key is not None or not isinstance(last, Scalar) or not last.text:
            return False
        between = self._state.text[frame.pairs[-1].key.span.end : last.span.start]
        return ("\n" in between or "\r" in between) and self.column(last.span.start) == column

    def half_typed(self, frame: Frame, scalar: Scalar) -> None:
        """Give a mapping a key that has no colon, or none that YAML would see."""
        start = scalar.span.start
        match = MISSING_SPACE.match(scalar.text)
        if match is not None and scalar.style == "plain" and scalar.segments is None:
            colon = start + match.end(1)
            self._state.damage("SYN203", colon, colon + 1, key=match.group(1))
            frame.key = self._state.plain(start, match.group(1))
            frame.waiting = True
            self._frames.give(frame, self._state.plain(colon + 1, match.group(2)))
            frame.loose = True
            return
        self._state.damage("SYN202", *scalar.span, key=scalar.text)
        frame.key = scalar
        frame.end = scalar.span.end
        frame.waiting = True

    def _reopen(self, frame: Frame, flow: Mapping, column: int, start: int, width: int) -> Frame:
        """Entries below a flow mapping: its bracket was one too many, or never closed."""
        if self._state.text[flow.span.end - 1] == "}":
            self._state.damage("SYN226", start, start + width)
        self._frames.take_back(frame)
        mapping = self._frames.push(MAP, column, flow.span.start)
        mapping.pairs = list(flow.pairs)
        mapping.anchor, mapping.tag = flow.anchor, flow.tag
        return mapping

    def _second_root(self, frame: Frame, kind: int, column: int, start: int, width: int) -> Frame:
        """Content behind a document that was complete; it is kept as one more document."""
        self._state.damage("SYN227", start, start + width)
        frame.waiting = True
        return self._frames.push(kind, column, start)

    # Items where no item should be

    def _join_items(self, index: int, column: int, line: int, start: int) -> int:
        frame = self._frames.close_to(index)
        self._frames.flush(frame)
        self._misplaced(line, start, 1, column, frame.proper)
        shift = frame.proper - column
        frame.indent = column
        return shift

    def _first_item_without_dash(self, index: int, column: int, line: int) -> int:
        """Items below a mapping in their place: that was the first item, without its dash."""
        frames = self._frames
        frame = frames.close_to(index)
        first = frames.take_back(frame)
        assert isinstance(first, Mapping)
        key = first.pairs[0].key
        own = self.column(key.span.start)
        self._state.damage(
            "SYN205", *key.span, line=key.span.start - own, expected=column, text=key.text
        )
        frames.push(SEQ, column, first.span.start).items.append(first)
        return 0

    def _item_too_deep(self, frame: Frame, column: int, line: int, start: int) -> int:
        if frame.kind == SEQ:
            return self._join_items(self._stack.index(frame), column, line, start)
        if frame.kind == MAP:
            return self._item_in_mapping(frame, column, start)
        last = frame.last
        if isinstance(last, Scalar):
            self._key_from_scalar_with_items(frame, last, column, start)
        else:
            self._second_root(frame, SEQ, column, start, 1)
        return 0

    def _key_from_scalar_with_items(
        self, frame: Frame, scalar: Scalar, column: int, start: int
    ) -> None:
        self._frames.take_back(frame)
        self._state.withdraw_hint(scalar.span)
        own = self.column(scalar.span.start)
        mapping = self._frames.push(MAP, own, scalar.span.start)
        self.half_typed(mapping, scalar)
        if not mapping.waiting:
            self._frames.take_back(mapping)
        self._frames.push(SEQ, column, start)

    def _item_in_mapping(self, frame: Frame, column: int, start: int) -> int:
        """An item below a key that has its value already."""
        frames = self._frames
        if frame.key is not None or frame.waiting:
            frames.flush(frame)
        last: Node | None = frame.last
        if isinstance(last, Scalar):
            if not frame.loose:
                self._state.damage("SYN206", start, start + 1, value=last.text[:60])
            frames.take_back(frame)
            frames.push(SEQ, column, start)
            return 0
        self._state.damage("SYN206", start, start + 1, value="")
        if isinstance(last, Sequence):
            frames.take_back(frame)
            sequence = frames.push(SEQ, column, last.span.start)
            sequence.items = list(last.items)
            sequence.anchor, sequence.tag = last.anchor, last.tag
            return 0
        frame.key = Scalar(Span(start, start), None, "")
        frame.end = start
        frame.waiting = True
        frames.push(SEQ, column, start)
        return 0

    # Looking around

    def column(self, offset: int) -> int:
        """How far right in its line an offset is."""
        text = self._state.text
        size = 256
        while True:
            # Looking back in steps, because a search to the start of a file costs its length.
            start = max(0, offset - size)
            found = max(text.rfind("\n", start, offset), text.rfind("\r", start, offset))
            if found >= 0 or start == 0:
                return offset - found - 1 - (found < 0 and text[:1] == "\ufeff")
            size *= 4

    def peek(self, position: int) -> tuple[int, int]:
        """Indentation and kind, MAP for a key and SEQ for an item, of the next line with content.

        The kind is ROOT for anything else, such as text that may continue a scalar.
        """
        text = self._state.text
        match = _TO_NEXT_CONTENT.match(text, position)
        assert match is not None
        start = match.end()
        width = start - match.start(1)
        if KEY_LIKE.match(text, start):
            return width, MAP
        return width, SEQ if ITEM_WITH_KEY.match(text, start) else ROOT

    def enclosed(self, index: int, column: int, following: int) -> int | None:
        """Index of the frame above `index` that the next line goes on with, as if this were not."""
        width, kind = self.peek(following)
        if width <= column or kind == ROOT:
            return None
        stack = self._stack
        for found in range(len(stack) - 1, index, -1):
            if stack[found].indent == width and stack[found].kind == kind:
                return found
        return None

    def _host_of_stray(
        self, column: int, start: int, text: str, following: int, whole: bool
    ) -> Frame | None:
        """The mapping of an entry too far left, when the lines behind it go on further inside.

        Below `key: word` no deeper entry can stand, so the next line gives the entry away. Below
        `key:` a block may stand, but then nothing between the key and the block's column.
        """
        stack = self._stack
        top = stack[-1]
        next_width, kind = self.peek(following)
        if next_width <= column:
            return None
        if not whole:
            # Blocks are rarely this deep below their key; looking further costs too much for all.
            if top.kind != MAP or next_width <= min(top.indent, column + 4):
                return None
            next_width, kind = self._behind_block(following, next_width)
            if next_width <= column:
                return None
        if kind == ROOT:
            return None
        host = next((f for f in range(len(stack) - 1, 0, -1) if stack[f].indent == next_width), 0)
        fits = host > 0 and stack[host].kind == kind
        if fits and stack[host - 1].kind == SEQ and stack[host].first_key == text:
            # The key that the items begin with more likely begins one, without its dash.
            return None
        if top.kind == MAP:
            if fits or kind != MAP or not self._is_key_alone(top, next_width):
                return top if fits else None
            assert isinstance(top.last, Scalar)
            return self._key_from_scalar(top, top.last, next_width, start)
        deeper = kind == MAP and next_width > top.indent
        if top.waiting:
            return self._frames.push(MAP, next_width, start) if deeper else None
        if not fits and not deeper:
            return None
        if isinstance(top.last, Scalar):
            return self._key_from_scalar(top, top.last, self.column(top.last.span.start), start)
        if isinstance(top.last, Mapping) and top.last.flow:
            return self._reopen(top, top.last, max(next_width, top.indent + 1), start, len(text))
        return None

    def _behind_block(self, position: int, width: int) -> tuple[int, int]:
        """Indentation and kind of the first line less deep than the block at `position`."""
        text = self._state.text
        start = position
        found, kind = width, ROOT
        while found >= width and position < len(text) and self._state.budget > 0:
            match = _TO_NEXT_CONTENT.match(text, position)
            assert match is not None
            found = match.end() - match.start(1)
            if found >= width:
                rest = _LINE.match(text, match.end())
                assert rest is not None
                position = rest.end()
        self._state.budget -= position - start
        return self.peek(position) if found < width else (0, kind)

    def _sequence_of_stray(self, index: int, column: int, following: int) -> int | None:
        """The sequence of an item too far left, whose second line stands where it should."""
        width, kind = self.peek(following)
        stack = self._stack
        if kind != MAP or width <= column:
            return None
        for found in range(len(stack) - 1, index + 1, -1):
            frame, below = stack[found], stack[found - 1]
            if frame.kind == MAP and below.kind == SEQ and frame.indent == width:
                return found - 1
        return None

    def _misplaced(self, line: int, start: int, width: int, found: int, expected: int) -> None:
        where = (line, start) if found else (start, start + width)
        self._state.damage("SYN215", *where, kind="entry", found=found, expected=expected)


def _is_flush(stack: list[Frame], index: int) -> bool:
    """Whether a sequence stands in the very column of the mapping it is a value in."""
    below = stack[index - 1]
    return below.kind == MAP and below.indent == stack[index].indent

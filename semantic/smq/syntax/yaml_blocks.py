"""Reads a YAML file line by line into documents.

Most lines are `key: word`, `- key: word` or `key:`, and one regular expression reads those. All
others take the long way through `_line` and `_inline`. No line is ever read twice, except by the
speculation of flow collections, which has a budget.
"""

from __future__ import annotations

import re

from smq.syntax.nodes import Node, Pair, Scalar
from smq.syntax.yaml_atoms import INDICATOR, read_atom, read_properties
from smq.syntax.yaml_block_scalars import read_block
from smq.syntax.yaml_flow import JINJA
from smq.syntax.yaml_frames import (
    EXPLICIT_KEY,
    MAP,
    ROOT,
    SEQ,
    Frame,
    Frames,
)
from smq.syntax.yaml_line_ends import (
    REST,
    after_line_end,
    comment,
    line_rest,
    skip_line,
    to_line_end,
)
from smq.syntax.yaml_placement import Placement
from smq.syntax.yaml_scalars import (
    DOCUMENT_MARK,
    ITEM_WITH_KEY,
    KEY_LIKE,
    continue_plain,
    goes_on,
)
from smq.syntax.yaml_state import State, set_properties
from smq.syntax.yaml_values import NUMERIC_START, WORDS
from smq.text import Span

# Indentation, dash, key, and the raw rest of the line behind the colon.
_COMMON = re.compile(
    r"([ ]*+)(-[ ]++)?([^\W\d]\w*+):(?:([ ]++)([^\s#][^\r\n]*+))?[ ]*+(?:\r\n|\n|\r|\Z)"
)
_NOT_PLAIN = frozenset("-?:,[]{}#&*!|>'\"%@`")

_SPACES = re.compile(r"[ ]*+")
_BLANKS = re.compile(r"[ \t]*+")
_DASH_AND_WORD = re.compile(r"-(?=[^\s-])")
_JUNK_DASH = re.compile(r"[^\s#](?=-[ \t])")
_ITEM_OR_NOTHING = re.compile(r"-[ \t]*+(?:[\r\n#]|\Z)")
_WORD_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-")
_JUNK = re.compile(
    rf"[^\s\w#](?:[ \t]*+(?={ITEM_WITH_KEY.pattern})|[ \t]++(?={KEY_LIKE.pattern}))"
    rf"|\w[ \t]{{2,}}+(?={ITEM_WITH_KEY.pattern})"
)
_QUOTED_KEY_OR_VALUE = re.compile(
    r"""(?:"(?>(?:[^"\\\r\n]++|\\.)*)"|'(?>(?:[^'\r\n]++|'')*)')[ \t]*+(?:[:#\r\n]|\Z)"""
)
_WORD = re.compile(r"[^\W\d][\w-]*+\Z")
_VERSION = re.compile(r"%YAML[ \t]++1\.[0-9]++[ \t]*+(?:#|\Z)")


class BlockReader:
    """Reads one file; `read` returns the documents' roots, and raises TooDeepError."""

    __slots__ = ("_explicit", "_frames", "_place", "_roots", "_size", "_stack", "_state", "_text")

    def __init__(self, state: State) -> None:
        self._state = state
        self._text = state.text
        self._size = len(state.text)
        self._frames = Frames(state)
        self._stack = self._frames.stack
        self._place = Placement(state, self._frames)
        self._roots: list[Node | None] = []
        # A `---` makes a document even of nothing.
        self._explicit = False

    def read(self, position: int) -> None:
        text, size, stack, frames = self._text, self._size, self._stack, self._frames
        common, plain = _COMMON.match, self._state.plain
        # Half the time goes into objects; the named tuple's own constructor costs twice this one.
        new = tuple.__new__
        while position < size:
            match = common(text, position)
            if match is None:
                position = self._line(position)
                continue
            spaces, dash, word, gap, raw = match.groups()
            column = len(spaces)
            start = position + column
            line, position = position, match.end()
            top = stack[-1]
            if dash is not None:
                above = stack[-2] if len(stack) > 1 else top
                shift = 0
                if above.kind == SEQ and above.indent == column and top.indent > column:
                    frames.close()
                elif top.kind != SEQ or top.indent != column or top.waiting:
                    # Only `- key: word` has nothing on deeper lines that belong to the key.
                    shift = self._place.item(column, line, start, position if raw else -1)
                sequence = stack[-1]
                sequence.waiting = True
                column += len(dash)
                sequence.end = start + 1
                start += len(dash)
                top = frames.push(MAP, column, start)
                top.proper = column + shift
            elif top.kind != MAP or top.indent != column:
                whole = raw is not None and raw[0] not in "|>&!"
                top = self._place.key(column, line, start, word, position, whole)
            elif top.waiting or top.key is not None:
                frames.flush(top)
            end = start + len(word)
            if word in WORDS:
                key = plain(start, word)
            else:
                key = Scalar(new(Span, (start, end)), word, word)
            if raw is None:
                top.key = key
                top.end = end + 1
                top.waiting = True
                continue
            first = raw[0]
            if (
                first in _NOT_PLAIN
                or (":" in raw and (": " in raw or ":\t" in raw or raw[-1] == ":"))
                or ("#" in raw and (" #" in raw or "\t#" in raw))
            ):
                top.key = key
                top.end = end + 1
                top.waiting = True
                position = self._inline(end + 1 + len(gap), line, False)
                continue
            if raw[-1] in " \t":
                raw = raw.rstrip(" \t")
            begin = end + 1 + len(gap)
            if first in NUMERIC_START or raw in WORDS:
                value = plain(begin, raw)
            else:
                value = Scalar(new(Span, (begin, begin + len(raw))), raw, raw)
            top.pairs.append(Pair(new(Span, (start, begin + len(raw))), key, value))
            top.loose = False

    def finish(self) -> tuple[Node | None, ...]:
        """Close what is open and return the roots read so far."""
        self._end_document()
        return tuple(self._roots)

    def _end_document(self) -> None:
        root = self._frames.close_to(0)
        self._frames.flush(root)
        if root.items:
            self._roots.extend(root.items)
        elif self._explicit:
            self._roots.append(None)
        self._explicit = False
        self._state.anchors = {}

    # Lines

    def _line(self, line: int) -> int:
        """Read the line that starts at `line`; the start of the next one not read."""
        text = self._text
        match = _SPACES.match(text, line)
        assert match is not None
        start = match.end()
        char = text[start : start + 1]
        if char == "" or char in "\r\n":
            return after_line_end(self._state, start)
        if char == "#":
            return comment(self._state, start)
        column = start - line
        if char == "\t":
            match = _BLANKS.match(text, start)
            assert match is not None
            if text[match.end() : match.end() + 1] in ("", "\r", "\n", "#"):
                return line_rest(self._state, match.end())
            if self._continues(column):
                return self._continue(column)
            start = match.end()
            column = self._tabs(line, start)
            char = text[start]
        elif column == 0 and char in "-.%":
            mark = DOCUMENT_MARK.match(text, start)
            if mark is not None:
                return self._document_mark(start)
            if char == "%" and self._is_before_document():
                return self._directive(start)
        if char not in _WORD_START and (junk := _JUNK.match(text, start)) is not None:
            found = self._behind_junk(column, line, start, junk.end())
            if found is not None:
                return found
        if char in "-?:" and INDICATOR.match(text, start):
            if char == "-":
                return self._dash(column, line, start)
            if char == "?":
                return self._question(column, line, start)
            return self._colon(column, line, start)
        if self._continues(column):
            return self._continue(column)
        index, exact = self._place.find(column)
        below = self._stack[index - 1]
        # Keys may stand in the column of the dashes only behind a list that is not indented.
        if exact and self._stack[index].kind == SEQ and below.indent != column:
            # `-name` and `x- name` among items are items with a character too few or too many.
            if _DASH_AND_WORD.match(text, start):
                self._state.damage("SYN204", start, start + 1)
                return self._item(column, line, start, 1)
            if _JUNK_DASH.match(text, start) and not _QUOTED_KEY_OR_VALUE.match(text, start):
                self._state.damage("SYN226", start, start + 1)
                return self._item(column, line, start + 1, 0)
        return self._entry(column, line, start)

    def _behind_junk(self, column: int, line: int, start: int, position: int) -> int | None:
        """Read on behind one character typed into the indentation of a line.

        What stands behind it has to stand where an entry is due, or one column too far right.
        """
        text = self._text
        top = self._stack[-1]
        char = text[start]
        if char in "\"'" and _QUOTED_KEY_OR_VALUE.match(text, start):
            return None
        index, exact = self._place.find(column)
        frame = self._stack[index]
        if char in "?:" and ((exact and frame.explicit) or self._awaits(column) or char == "?"):
            return None
        dash = text[position] == "-"
        if self._awaits(column) and not (char in "}],%@`&*!|>" and (dash or char not in "&*!|>")):
            return None
        kind = SEQ if dash else MAP
        due = [open_.indent for open_ in self._stack if open_.kind == kind]
        target = position - line
        if target - 1 in due or (target not in due and top.waiting and target > top.indent + 1):
            target -= 1
        elif target not in due:
            return None
        self._state.damage("SYN226", start, start + 1)
        if dash:
            return self._item(target, line, position, target - position + line)
        return self._entry(target, line, position)

    def _entry(self, column: int, line: int, start: int) -> int:
        """A line that starts with a key, or with a node that is a whole value or item."""
        text = self._text
        position, anchor, tag, props = read_properties(self._state, start)
        if text[position : position + 1] in ("", "\r", "\n", "#"):
            return self._lone_properties(column, start, position, anchor, tag, props)
        if text[position] == "{" and (jinja := JINJA.match(text, position)) is not None:
            rest = REST.match(text, jinja.end())
            if rest is not None and not rest.group().strip(" \t") and not self._awaits(column):
                self._state.damage("SYN218", start, jinja.end(), text=jinja.group())
                return after_line_end(self._state, rest.end())
        if text[position] in "|>":
            block = self._block(column, position, anchor, tag, props)
            if block is not None:
                return block
        node: Node
        if props >= 0 and text[position] == ":" and INDICATOR.match(text, position):
            node, end, colon = Scalar(Span(position, position), None, ""), position, position
        else:
            node, end, colon = read_atom(
                self._state, position, self._limit(column), len(self._stack), True, tag
            )
        if colon < 0:
            if props >= 0:
                node = set_properties(self._state, node, anchor, tag)
            return self._text_line(column, line, node, end)
        key = self._state.key(set_properties(self._state, node, anchor, tag))
        following, whole = self._behind_key(colon + 1)
        frame = self._place.key(column, line, start, key.text, following, whole)
        frame.key = key
        frame.end = colon + 1
        frame.waiting = True
        return self._inline(colon + 1, line, False)

    def _text_line(self, column: int, line: int, node: Node, end: int) -> int:
        """A line with a node that is no key: a value or item, or a key half typed."""
        stack, frames, place = self._stack, self._frames, self._place
        index, exact = place.find(column)
        innermost = index == len(stack) - 1
        frame = stack[index]
        if innermost and not exact:
            if frame.waiting:
                return self._give(frame, node, end)
            self._state.damage("SYN226", *to_line_end(self._state, node.span.start))
            return skip_line(self._state, end)
        if self._belongs_above(index, column, node):
            return self._text_too_far_left(column, line, node, end)
        if exact and frame.kind == SEQ and stack[index - 1].indent == column:
            index -= 1
        elif not exact and stack[index + 1].kind == MAP:
            index += 1
        frame = stack[index]
        if frame.kind == SEQ or frame.kind == ROOT:
            if frame.kind == ROOT:
                index += 1
            frame = frames.close_to(index)
            frames.flush(frame)
            self._state.damage(
                "SYN205",
                *node.span,
                line=line,
                expected=frame.proper,
                text=node.span.cut(self._text),
            )
            frame.waiting = True
            return self._give(frame, node, end)
        frame = frames.close_to(index)
        frames.flush(frame)
        if isinstance(node, Scalar):
            place.half_typed(frame, node)
        else:
            self._state.damage("SYN226", *node.span)
        return line_rest(self._state, end)

    def _dash(self, column: int, line: int, start: int) -> int:
        if self._continues(column):
            return self._continue(column)
        return self._item(column, line, start, 0)

    def _item(self, column: int, line: int, start: int, missing: int) -> int:
        """A list item whose dash is at `start`; `missing` counts columns it lacks behind it."""
        shift = self._place.item(column, line, start, -1) + missing
        frame = self._stack[-1]
        frame.waiting = True
        frame.end = start + 1
        return self._inline(start + 1, line, True, shift)

    def _question(self, column: int, line: int, start: int) -> int:
        """`? key`, the form for keys that are no plain words."""
        if self._continues(column):
            return self._continue(column)
        frame = self._place.key(column, line, start, "?", self._size, False)
        frame.explicit = EXPLICIT_KEY
        frame.waiting = True
        frame.end = start + 1
        return self._inline(start + 1, line, True)

    def _colon(self, column: int, line: int, start: int) -> int:
        """`: value` after `? key`; without one, a value whose key is missing."""
        top = self._stack[-1]
        if self._lacks_colon(top, start):
            top.end = start + 1
            return self._inline(start + 1, line, False)
        index, exact = self._place.find(column)
        frame = self._stack[index]
        if exact and frame.kind == MAP and frame.explicit:
            self._frames.close_to(index)
            if frame.explicit == EXPLICIT_KEY:
                frame.key = Scalar(Span(frame.end, frame.end), None, "")
        else:
            frame = self._place.key(column, line, start, "", self._size, False)
            frame.key = Scalar(Span(start, start), None, "")
            self._state.report("SYN225", start, start + 1)
        frame.explicit = 0
        frame.end = start + 1
        frame.waiting = True
        return self._inline(start + 1, line, True)

    def _lacks_colon(self, frame: Frame, start: int) -> bool:
        """Whether a colon on its own line is the one that the key just above it lacks."""
        if frame.kind != MAP or not frame.waiting or frame.key is None or frame.explicit:
            return False
        if not self._state.problems or self._state.problems[-1].code != "SYN202":
            return False
        span = frame.key.span
        gap = self._text[span.end : start].strip()
        return self._state.problems[-1].location.span == span and not gap

    # What stands behind an indicator

    def _inline(self, position: int, line: int, may_nest: bool, shift: int = 0) -> int:
        """Read the rest of a line for the innermost frame; the start of the next line.

        `may_nest` tells whether a block collection may begin on this line, as behind a dash.
        """
        text, state, frames, stack = self._text, self._state, self._frames, self._stack
        node: Node
        while True:
            match = _BLANKS.match(text, position)
            assert match is not None
            position = match.end()
            start = position
            position, anchor, tag, props = read_properties(self._state, position)
            char = text[position : position + 1]
            frame = stack[-1]
            if char == "" or char in "\r\n#":
                if props >= 0:
                    frame.node_anchor, frame.node_tag, frame.props = anchor, tag, props
                return line_rest(self._state, position)
            if char in "-?:" and INDICATOR.match(text, position):
                if (
                    not may_nest
                    and char == "-"
                    and (
                        ITEM_WITH_KEY.match(text, position)
                        or _ITEM_OR_NOTHING.match(text, position)
                    )
                ):
                    state.damage("SYN206", position, position + 1, value="")
                    may_nest = True
                if may_nest and props < 0:
                    column = position - line
                    nested = frames.push(SEQ if char == "-" else MAP, column, position)
                    nested.proper = column + shift
                    nested.waiting = True
                    nested.end = position + 1
                    if char == "?":
                        nested.explicit = EXPLICIT_KEY
                    elif char == ":":
                        nested.key = Scalar(Span(position, position), None, "")
                        state.report("SYN225", position, position + 1)
                    position += 1
                    continue
            if char in "|>":
                block = read_block(state, position, min(frame.indent, frame.proper))
                if block is not None:
                    scalar, position = block
                    frames.give(frame, set_properties(state, scalar, anchor, tag))
                    return position
            if props >= 0 and may_nest and char == ":" and INDICATOR.match(text, position):
                node, end, colon = Scalar(Span(position, position), None, ""), position, position
            else:
                limit = min(frame.indent, frame.proper)
                node, end, colon = read_atom(state, position, limit, len(stack), may_nest, tag)
            if colon < 0:
                if props >= 0:
                    node = set_properties(state, node, anchor, tag)
                return self._give(frame, node, end)
            key = state.key(set_properties(state, node, anchor, tag))
            column = start - line
            nested = frames.push(MAP, column, start)
            nested.proper = column + shift
            nested.key = key
            nested.waiting = True
            nested.end = colon + 1
            position = colon + 1
            may_nest = False

    def _lone_properties(
        self,
        column: int,
        start: int,
        position: int,
        anchor: str | None,
        tag: str | None,
        props: int,
    ) -> int:
        """An anchor or tag on its own line, for the node on the next one."""
        index, exact = self._place.find(column)
        frame = self._stack[index]
        if frame.waiting and index == len(self._stack) - 1 and not exact:
            frame.node_anchor, frame.node_tag, frame.props = anchor, tag, props
        else:
            self._state.damage("SYN226", start, props)
        return line_rest(self._state, position)

    def _block(
        self, column: int, position: int, anchor: str | None, tag: str | None, props: int
    ) -> int | None:
        """A block scalar whose header stands on a line of its own."""
        frame = self._stack[-1]
        if not frame.waiting:
            return None
        # Loaders take a block in the column of its key, too.
        if column < frame.indent:
            rest = REST.match(self._text, position)
            assert rest is not None
            width, kind = self._place.peek(after_line_end(self._state, rest.end()))
            if width <= frame.indent or kind != ROOT:
                return None
            self._misplaced_text(column, position - column, frame.indent + 2)
        block = read_block(self._state, position, min(frame.indent, frame.proper))
        if block is None:
            return None
        scalar, following = block
        self._frames.give(frame, set_properties(self._state, scalar, anchor, tag))
        return following

    # Giving values, and text that goes on

    def _give(self, frame: Frame, node: Node, end: int) -> int:
        self._frames.give(frame, node)
        return line_rest(self._state, end)

    def _awaits(self, column: int) -> bool:
        frame = self._stack[-1]
        return frame.waiting and column > frame.indent

    def _limit(self, column: int) -> int:
        frame = self._stack[-1]
        return frame.indent if self._awaits(column) else column - 1

    def _continues(self, column: int) -> bool:
        """Whether a line is the next of a plain scalar: deeper than its frame, and no key."""
        frame = self._stack[-1]
        if frame.waiting or column <= frame.indent:
            return False
        last = frame.key if frame.explicit else frame.last
        return isinstance(last, Scalar) and goes_on(self._text, last, frame.indent)

    def _continue(self, limit: int, column: int = -1, line: int = 0) -> int:
        """Read on in the plain scalar that the innermost frame has last."""
        frame = self._stack[-1]
        last = frame.key if frame.explicit else frame.last
        assert isinstance(last, Scalar)
        if column < 0:
            limit = frame.indent
        else:
            self._misplaced_text(column, line, frame.indent + 2)
        scalar, position = continue_plain(self._state, last, limit)
        if frame.explicit:
            frame.key = scalar
            frame.end = scalar.span.end
        else:
            self._frames.replace_last(frame, scalar)
        return line_rest(self._state, position)

    def _misplaced_text(self, column: int, line: int, expected: int) -> None:
        where = (line, line + column) if column else to_line_end(self._state, line)
        self._state.damage("SYN215", *where, kind="text", found=column, expected=expected)

    def _belongs_above(self, index: int, column: int, node: Node) -> bool:
        """Whether text too far left is part of the entry above, because the lines below go on."""
        line_end = REST.match(self._text, node.span.end)
        assert line_end is not None
        found = self._place.enclosed(index, column, after_line_end(self._state, line_end.end()))
        if found is None:
            return False
        # One word may be a parent key without its colon, if the lines below could be its value.
        word = isinstance(node, Scalar) and _WORD.match(node.text)
        return found > index + 1 or not word

    def _text_too_far_left(self, column: int, line: int, node: Node, end: int) -> int:
        """Text that is the awaited value, or goes on with the value above, or cannot be placed."""
        top = self._stack[-1]
        if top.waiting:
            self._misplaced_text(column, line, top.indent + 2)
            return self._give(top, node, end)
        last = top.last
        if isinstance(last, Scalar) and goes_on(self._text, last, column - 1):
            return self._continue(column - 1, column, line)
        self._misplaced_text(column, line, top.indent + 2)
        return skip_line(self._state, end)

    def _behind_key(self, position: int) -> tuple[int, bool]:
        """The start of the next line, and whether a value ends on the line of `position`."""
        match = _BLANKS.match(self._text, position)
        assert match is not None
        open_ = self._text[match.end() : match.end() + 1] in ("", "\r", "\n", *"#|>&!")
        rest = REST.match(self._text, position)
        assert rest is not None
        return after_line_end(self._state, rest.end()), not open_

    def _tabs(self, line: int, start: int) -> int:
        """Report tabs in an indentation, and the column that was most likely meant."""
        run = self._text[line:start]
        tabs = run.count("\t")
        columns = [len(run) - tabs + tabs * width for width in (2, 4, 1, 8, 3)]
        frame = self._stack[-1]
        indents = [open_.indent for open_ in reversed(self._stack[1:])]
        if frame.waiting:
            # The awaited block comes first to mind, as deep as people indent.
            fitting = [column for column in columns if column > frame.indent]
        else:
            fitting = [indent for indent in indents if indent in columns]
        column = fitting[0] if fitting else columns[0]
        self._state.damage("SYN201", line, start, expected=column)
        return column

    # Documents

    def _is_before_document(self) -> bool:
        root = self._stack[0]
        return len(self._stack) == 1 and root.waiting and not root.items and root.props < 0

    def _document_mark(self, start: int) -> int:
        text = self._text
        if text[start] == "." or not self._is_before_document() or self._explicit:
            self._end_document()
            self._frames.restart(start)
        if text[start] == ".":
            return line_rest(self._state, start + 3)
        self._explicit = True
        return self._inline(start + 3, start, False)

    def _directive(self, start: int) -> int:
        rest = REST.match(self._text, start)
        assert rest is not None
        written = rest.group().rstrip(" \t")
        known = _VERSION.match(written) or written.startswith("%TAG ")
        if not known or self._explicit:
            self._state.report("SYN228", start, start + len(written), text=written[:60])
        return after_line_end(self._state, rest.end())

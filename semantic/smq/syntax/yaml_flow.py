"""Flow collections: `{name: a, type: b}` and `[a, b]`, on one line or many, whole or damaged.

A collection is first read as YAML defines it, where indentation means nothing between brackets.
If that finds damage, it is read again with the indentation as a guide to where the writer meant
it to end, so that one missing bracket does not swallow the rest of the file.
"""

from __future__ import annotations

import re

from smq.syntax.nodes import Mapping, Node, Pair, Scalar, Sequence
from smq.syntax.yaml_scalars import (
    DOCUMENT_MARK,
    FLOW_PLAIN,
    KEY_LIKE,
    LINE_END,
    Pieces,
    read_quoted,
)
from smq.syntax.yaml_state import (
    MAX_DEPTH,
    DamagedError,
    State,
    TooDeepError,
    set_properties,
)
from smq.syntax.yaml_values import WORDS
from smq.text import Span

JINJA = re.compile(r"\{[{%][^\r\n]{0,2000}?[}%]\}")
ALIAS = re.compile(r"\*[^\s,\[\]{}:]++(?>(?::(?=[^\s,\[\]{}])[^\s,\[\]{}:]*+)*)")
ANCHOR = re.compile(r"&([^\s,\[\]{}]++)(?<!:)(?=[ \t\r\n,\]}]|\Z)")
TAG = re.compile(r"!(?:<[^>\s]*+>|[^\s,\[\]{}]*+)(?=[ \t\r\n,\]}]|\Z)")
MISSING_SPACE = re.compile(r"([^\W\d]\w*+):(?![:/\s])(\S[^\r\n]*)")

_FAST_PAIR = re.compile(r"[ ]*+([^\W\d]\w*+):[ ]++([^\W\d_][^:#,\[\]{}'\"\r\n\t]*+)([,}])")
_FAST_ITEM = re.compile(r"[ ]*+([^\W\d_][^:#,\[\]{}'\"\r\n\t]*+)([,\]])")
_BLANKS = re.compile(r"[ \t]*+")
_COMMENT = re.compile(r"#[^\r\n]*+")
_INDENT = re.compile(r"[ ]*+")
_DASH = re.compile(r"-(?=[ \t\r\n]|\Z)")
_REST_CLEAN = re.compile(r"[ \t]*+(?:[#:\r\n]|\Z)")
_PLAIN_FORBIDDEN = "@`%|>&*!"
_ENTRY_REST = re.compile(r"[^,\[\]{}\r\n]*+")
_LOOK_AHEAD = re.compile(r"[^\r\n]{0,500}")
_CLOSER = {True: "}", False: "]"}


class _Level:
    """One open collection, and the entry being read: an item or key, its colon, its value."""

    __slots__ = (
        "anchor",
        "colon",
        "entries",
        "is_map",
        "item",
        "line_indent",
        "node_anchor",
        "node_tag",
        "pairs",
        "props",
        "question",
        "start",
        "tag",
        "value",
    )

    def __init__(self, is_map: bool, start: int, line_indent: int) -> None:
        self.is_map = is_map
        self.start = start
        self.line_indent = line_indent
        self.pairs: list[Pair] = []
        self.entries: list[Node | None] = []
        self.item: Node | None = None
        self.colon = -1
        self.value: Node | None = None
        self.anchor: str | None = None
        self.tag: str | None = None
        self.node_anchor: str | None = None
        self.node_tag: str | None = None
        self.props = -1
        # Where `?` announced a key, which may be empty.
        self.question = -1

    @property
    def complete(self) -> bool:
        """Whether only a comma, a colon or the closing bracket may follow."""
        return self.value is not None or (self.item is not None and self.colon < 0)


def read_flow(state: State, start: int, depth: int, limit: int) -> tuple[Node, int, bool]:
    """The collection whose bracket is at `start`, its end, and whether it was closed.

    `limit` is the indentation of the block collection around it, `depth` how deep that is nested.
    Raises TooDeepError.
    """
    simple = _read_simple(state, start)
    if simple is not None:
        return simple
    text = state.text
    if state.budget > 0 and not state.strict:
        mark = state.mark()
        state.strict = True
        flow = _Flow(state, depth, limit)
        try:
            node, end, closed = flow.read(start)
        except DamagedError:
            closed = False
        finally:
            state.strict = False
        if closed and (not LINE_END.search(text, start, end) or _REST_CLEAN.match(text, end)):
            return node, end, True
        state.budget -= flow.end - start
        state.reset(mark)
    return _Flow(state, depth, limit).read(start)


def _read_simple(state: State, start: int) -> tuple[Node, int, bool] | None:
    """The collection when it is one line of plain words, as most are."""
    text = state.text
    position = start + 1
    if text[start] == "{":
        pairs: list[Pair] = []
        while (match := _FAST_PAIR.match(text, position)) is not None:
            key, value, closer = match.groups()
            key_start = match.start(1)
            value_start = match.start(2)
            if key in WORDS:
                return None
            value = value.rstrip(" ")
            if value in WORDS:
                return None
            value_end = value_start + len(value)
            pairs.append(
                Pair(
                    Span(key_start, value_end),
                    Scalar(Span(key_start, key_start + len(key)), key, key),
                    Scalar(Span(value_start, value_end), value, value),
                )
            )
            position = match.end()
            if closer == "}":
                state.check_keys(pairs)
                return Mapping(Span(start, position), tuple(pairs), True), position, True
        return None
    items: list[Node | None] = []
    while (match := _FAST_ITEM.match(text, position)) is not None:
        item, closer = match.groups()
        item = item.rstrip(" ")
        if item in WORDS:
            return None
        item_start = match.start(1)
        items.append(Scalar(Span(item_start, item_start + len(item)), item, item))
        position = match.end()
        if closer == "]":
            return Sequence(Span(start, position), tuple(items), True), position, True
    return None


class _Flow:
    """Reads one outermost flow collection with an explicit stack."""

    __slots__ = ("_depth", "_inline", "_levels", "_limit", "_line", "_state", "_text", "end")

    def __init__(self, state: State, depth: int, limit: int) -> None:
        self._state = state
        self._text = state.text
        self._depth = depth
        self._limit = limit
        self._levels: list[_Level] = []
        self._inline = True
        # Start of the line being read; the line of the first bracket counts as none.
        self._line = -1
        self.end = 0

    def read(self, start: int) -> tuple[Node, int, bool]:
        text = self._text
        after = _after_blanks(text, start + 1)
        # Content behind the bracket: the writer did not mean to spread entries over lines.
        self._inline = text[after : after + 1] not in ("", "\r", "\n", "#")
        self._push(start)
        position = self.end
        while True:
            token = self._skip(position)
            if token is None:
                return self._give_up(), self.end, False
            position = token
            char = text[position]
            level = self._levels[-1]
            if char == ",":
                self._end_entry(level, position)
                self.end = position + 1
            elif char in "}]":
                node = self._closer(position, char)
                if node is not None:
                    return node, self.end, True
            elif char == ":" and self._is_colon(level, position):
                self._colon(level, position)
            elif char == "?" and text[position + 1 : position + 2] in ("", " ", "\t", "\r", "\n"):
                if level.complete:
                    self._end_entry(level, None)
                    self._state.damage("SYN212", position, position + 1, at=position)
                level.question = position
                self.end = position + 1
            else:
                self._atom(level, position)
            position = self.end

    # Entering and leaving collections

    def _push(self, start: int) -> None:
        if self._depth + len(self._levels) >= MAX_DEPTH:
            self.end = max(self.end, start)
            if self._state.strict:
                raise DamagedError
            raise TooDeepError(start)
        line_indent = self._limit
        if self._levels:
            parent = self._levels[-1]
            if self._line >= 0:
                line_indent = _indent_width(self._text, self._line)
        level = _Level(self._text[start] == "{", start, line_indent)
        if self._levels:
            level.anchor, level.tag = parent.node_anchor, parent.node_tag
            parent.node_anchor = parent.node_tag = None
            parent.props = -1
        self._levels.append(level)
        self.end = start + 1

    def _pop(self, end: int) -> Node | None:
        """Close the innermost collection; the node when it was the outermost."""
        level = self._levels.pop()
        self._end_entry(level, None)
        span = Span(level.start, end)
        node: Node
        if level.is_map:
            self._state.check_keys(level.pairs)
            node = Mapping(span, tuple(level.pairs), True)
        else:
            node = Sequence(span, tuple(level.entries), True)
        node = set_properties(self._state, node, level.anchor, level.tag)
        if not self._levels:
            return node
        self._place(self._levels[-1], node)
        return None

    def _closer(self, position: int, char: str) -> Node | None:
        is_map = char == "}"
        levels = self._levels
        if levels[-1].is_map != is_map:
            if any(level.is_map == is_map for level in levels):
                while levels[-1].is_map != is_map:
                    self._unclosed(levels[-1])
                    self._pop(self.end)
            else:
                expected = _CLOSER[levels[-1].is_map]
                self._state.damage("SYN211", position, position + 1, found=char, expected=expected)
                ahead = _LOOK_AHEAD.match(self._text, position + 1)
                if ahead is not None and expected in ahead.group():
                    self.end = position + 1
                    return None
        self.end = position + 1
        return self._pop(self.end)

    def _unclosed(self, level: _Level, closers: str | None = None, at: int | None = None) -> None:
        bracket = self._text[level.start]
        self._state.damage(
            "SYN210",
            level.start,
            level.start + 1,
            bracket=bracket,
            closer=closers or _CLOSER[level.is_map],
            at=self.end if at is None else at,
        )

    def _give_up(self) -> Node:
        """End every open collection where the text stopped being part of it."""
        levels = self._levels
        comments = self._state.comments
        while comments and comments[-1].start >= self.end:
            # Comments behind the end will be read with the lines they stand on.
            comments.pop()
        closers = "".join(_CLOSER[level.is_map] for level in reversed(levels))
        self._unclosed(levels[0], closers)
        while True:
            node = self._pop(self.end)
            if node is not None:
                return node

    # Between tokens

    def _skip(self, position: int) -> int | None:
        """The next token; None where the collection has to end without its bracket."""
        text = self._text
        size = len(text)
        while True:
            position = _after_blanks(text, position)
            if position >= size:
                return None
            char = text[position]
            if char == "#":
                comment = _COMMENT.match(text, position)
                assert comment is not None
                end = position + len(comment.group().rstrip(" \t"))
                self._state.comments.append(Span(position, end))
                position = comment.end()
            elif char in "\r\n":
                break_ = LINE_END.match(text, position)
                assert break_ is not None
                position = break_.end()
                if self._ends_before_line(position):
                    return None
            else:
                return position

    def _ends_before_line(self, line: int) -> bool:
        text = self._text
        self._line = line
        width = _indent_width(text, line)
        first = line + width
        if not width and DOCUMENT_MARK.match(text, first):
            return True
        if self._state.strict:
            return False
        if _DASH.match(text, first):
            return True
        if not KEY_LIKE.match(text, first):
            return False
        levels = self._levels
        if self._inline and levels[-1].complete and not levels[-1].props >= 0:
            return True
        while len(levels) > 1 and width <= levels[-1].line_indent:
            # A comma before the missing bracket is the one that follows it.
            comma = text[self.end - 1] == ","
            end = self.end - comma
            self._unclosed(levels[-1], at=end)
            self._pop(end)
            if comma:
                self._end_entry(levels[-1], None)
        return width <= levels[-1].line_indent and len(levels) == 1

    # Entries

    def _place(self, level: _Level, node: Node) -> None:
        if level.props >= 0:
            node = set_properties(self._state, node, level.node_anchor, level.node_tag)
            level.node_anchor = level.node_tag = None
            level.props = -1
        if level.colon >= 0:
            level.value = node
        else:
            level.item = node

    def _end_entry(self, level: _Level, comma: int | None) -> None:
        """Add the entry read so far; a comma without one is reported."""
        if level.props >= 0:
            self._place(level, Scalar(Span(level.props, level.props), None, ""))
        item, colon = level.item, level.colon
        if level.question >= 0 and colon < 0:
            # `? key` without a value, in a sequence too, is a pair.
            colon = self.end - 1 if item is None else item.span.end - 1
        level.question = -1
        if item is None and colon < 0:
            if comma is not None:
                self._state.damage("SYN213", comma, comma + 1)
                if not level.is_map:
                    level.entries.append(None)
        elif colon >= 0:
            pair = self._pair(item, colon, level.value)
            if level.is_map:
                level.pairs.append(pair)
            else:
                level.entries.append(Mapping(pair.span, (pair,), True))
        elif level.is_map:
            assert item is not None
            level.pairs.append(self._lone_key(item))
        else:
            level.entries.append(item)
        level.item = level.value = None
        level.colon = -1

    def _pair(self, item: Node | None, colon: int, value: Node | None) -> Pair:
        if item is None:
            key = Scalar(Span(colon, colon), None, "")
            self._state.report("SYN225", colon, colon + 1)
        else:
            key = self._state.key(item)
        end = value.span.end if value is not None else colon + 1
        return Pair(Span(key.span.start, end), key, value)

    def _lone_key(self, item: Node) -> Pair:
        """A key without a colon; `{a:1}` is one to YAML, and a missing space to everybody else."""
        if isinstance(item, Scalar) and item.style == "plain" and item.segments is None:
            match = MISSING_SPACE.match(item.text)
            if match is not None:
                start, colon = item.span.start, item.span.start + match.end(1)
                self._state.damage("SYN203", colon, colon + 1, key=match.group(1))
                value = self._state.plain(colon + 1, match.group(2))
                key = self._state.plain(start, match.group(1))
                return Pair(item.span, key, value)
        return Pair(item.span, self._state.key(item), None)

    def _is_colon(self, level: _Level, position: int) -> bool:
        if self._text[position + 1 : position + 2] in ("", " ", "\t", "\r", "\n", *",[]{}"):
            return True
        item = level.item
        return level.colon < 0 and item is not None and not _is_plain(item)

    def _colon(self, level: _Level, position: int) -> None:
        self.end = position + 1
        if level.colon < 0:
            item = level.item
            if (
                item is not None
                and _is_plain(item)
                and LINE_END.search(self._text, item.span.start, item.span.end)
            ):
                # A key is on one line; more lines of it mean that a comma is missing.
                self._state.damage(
                    "SYN216", position, position + 1, start=item.span.start, end=position
                )
            level.colon = position
            return
        value = level.value
        if isinstance(value, Scalar) and _is_plain(value) and value.segments is None:
            head, blank, word = value.text.rpartition(" ")
            if blank and word and head.strip() and level.is_map:
                self._split_at_missing_comma(level, value, head, word, position)
                return
        self._second_colon(level, position)

    def _split_at_missing_comma(
        self, level: _Level, value: Scalar, head: str, word: str, colon: int
    ) -> None:
        """`{a: x b: y}` lacks a comma before its second key."""
        key_start = value.span.end - len(word)
        value_end = value.span.start + len(head.rstrip())
        self._state.damage("SYN212", key_start, value.span.end, at=value_end)
        level.value = self._state.plain(value.span.start, head.rstrip(), value.tag)
        self._end_entry(level, None)
        level.item = self._state.plain(key_start, word)
        level.colon = colon

    def _second_colon(self, level: _Level, position: int) -> None:
        """`{a: b: c}`: the value is meant to be the text with its colon."""
        text = self._text
        rest = _ENTRY_REST.match(text, position + 1)
        assert rest is not None
        end = position + 1 + len(rest.group().rstrip(" \t"))
        value = level.value
        start = value.span.start if value is not None else position
        self._state.damage("SYN216", position, position + 1, start=start, end=end)
        if value is None or (isinstance(value, Scalar) and _is_plain(value)):
            written = text[start:end]
            level.value = Scalar(Span(start, end), written, written)
        self.end = end

    def _atom(self, level: _Level, position: int) -> None:
        text, state = self._text, self._state
        char = text[position]
        if level.complete:
            self._end_entry(level, None)
            end = position + 1 if char in "[{\"'" else _plain_end(text, position)
            state.damage("SYN212", position, end, at=self.end)
        if char in "&!":
            match = (ANCHOR if char == "&" else TAG).match(text, position)
            if match is not None:
                if char == "&":
                    level.node_anchor = match.group(1)
                    state.anchor(level.node_anchor, None)
                else:
                    level.node_tag = match.group()
                level.props = self.end = match.end()
                return
        node: Node | None = None
        if char in "[{":
            jinja = JINJA.match(text, position) if char == "{" else None
            if jinja is None:
                self._push(position)
                return
            end = jinja.end()
            state.damage("SYN218", position, end, text=jinja.group())
            node = Scalar(Span(position, end), jinja.group(), jinja.group())
        elif char in "\"'":
            limit = None if state.strict else self._limit
            node, end = read_quoted(state, position, limit, flow=True)
        elif char == "*" and (match := ALIAS.match(text, position)) is not None:
            end = match.end()
            node = state.alias(position, end)
        else:
            node, end = self._plain(position, level.node_tag)
        self.end = end
        self._place(level, node)

    def _plain(self, position: int, tag: str | None) -> tuple[Scalar, int]:
        text, state = self._text, self._state
        end = _plain_end(text, position)
        first = text[position]
        if first in _PLAIN_FORBIDDEN or _DASH.match(text, position):
            state.damage("SYN217", position, position + 1, char=first, start=position, end=end)
        following = self._next_plain_line(end)
        if following is None:
            return state.plain(position, text[position:end], tag), end
        pieces = Pieces()
        pieces.copy(text[position:end], position)
        while following is not None:
            start, breaks = following
            pieces.decode("\n" * (breaks - 1) or " ", end, start)
            end = _plain_end(text, start)
            pieces.copy(text[start:end], start)
            following = self._next_plain_line(end)
        decoded, segments = pieces.finish(position, position)
        return Scalar(Span(position, end), decoded, decoded, "plain", segments), end

    def _next_plain_line(self, end: int) -> tuple[int, int] | None:
        """Where the next line continues a plain scalar, and the line ends before it."""
        text = self._text
        position = _after_blanks(text, end)
        breaks = 0
        while (break_ := LINE_END.match(text, position)) is not None:
            breaks += 1
            line = break_.end()
            position = _after_blanks(text, line)
        if not breaks or position >= len(text) or text[position] in ",[]{}#":
            return None
        if text[position] == ":" and self._is_colon_text(position):
            return None
        if position == line and DOCUMENT_MARK.match(text, position):
            return None
        if not self._state.strict and (
            _DASH.match(text, position) or KEY_LIKE.match(text, position)
        ):
            return None
        return position, breaks

    def _is_colon_text(self, position: int) -> bool:
        return self._text[position + 1 : position + 2] in ("", " ", "\t", "\r", "\n", *",[]{}")


def _is_plain(node: Node) -> bool:
    return isinstance(node, Scalar) and node.style == "plain"


def _plain_end(text: str, position: int) -> int:
    match = FLOW_PLAIN.match(text, position)
    assert match is not None
    return max(position + 1, position + len(match.group().rstrip(" \t")))


def _after_blanks(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    assert match is not None
    return match.end()


def _indent_width(text: str, line: int) -> int:
    match = _INDENT.match(text, line)
    assert match is not None
    return match.end() - line

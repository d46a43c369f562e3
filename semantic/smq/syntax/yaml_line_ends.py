"""The ends of YAML lines: comments, line breaks, and what stands where nothing can."""

from __future__ import annotations

import re

from smq.syntax.yaml_scalars import LINE_END
from smq.syntax.yaml_state import State
from smq.text import Span

REST = re.compile(r"[^\r\n]*+")

_BLANKS = re.compile(r"[ \t]*+")
_COMMENT = re.compile(r"#[^\r\n]*+")


def after_line_end(state: State, position: int) -> int:
    """The start of the next line, for a position at the end of one."""
    match = LINE_END.match(state.text, position)
    return match.end() if match is not None else position


def to_line_end(state: State, position: int) -> tuple[int, int]:
    """From a position to the end of its line, blanks there left out."""
    rest = REST.match(state.text, position)
    assert rest is not None
    return position, position + len(rest.group().rstrip(" \t"))


def skip_line(state: State, position: int) -> int:
    """The start of the next line, whatever stands before it."""
    rest = REST.match(state.text, position)
    assert rest is not None
    return after_line_end(state, rest.end())


def comment(state: State, position: int) -> int:
    """Keep the comment that begins here; the start of the next line."""
    match = _COMMENT.match(state.text, position)
    assert match is not None
    end = position + len(match.group().rstrip(" \t"))
    state.comments.append(Span(position, end))
    return after_line_end(state, match.end())


def line_rest(state: State, position: int) -> int:
    """Pass the rest of a line, which may be blanks and a comment; anything else is damage."""
    text = state.text
    match = _BLANKS.match(text, position)
    assert match is not None
    position = match.end()
    char = text[position : position + 1]
    if char == "" or char in "\r\n":
        return after_line_end(state, position)
    if char == "#":
        return comment(state, position)
    state.damage("SYN226", *to_line_end(state, position))
    return skip_line(state, position)

"""One node of a YAML line: a word, a quoted text, an alias or a flow collection, with its
properties before it and, where it is a key, its colon behind it."""

from __future__ import annotations

import re

from smq.syntax.nodes import Node, Scalar
from smq.syntax.yaml_flow import ALIAS, ANCHOR, JINJA, TAG, read_flow
from smq.syntax.yaml_scalars import PLAIN, plain_line, read_quoted, requote
from smq.syntax.yaml_state import State
from smq.text import Span

INDICATOR = re.compile(r"[-?:](?=[ \t\r\n]|\Z)")

_BLANKS = re.compile(r"[ \t]*+")
_REST = re.compile(r"[^\r\n]*+")
_KEY_END = re.compile(r"[ \t]*+:(?=[ \t\r\n]|\Z)")
_YAML_TYPES = "null bool int float str map seq set omap pairs binary timestamp merge"
_KNOWN_TAGS = frozenset(["!", *("!!" + name for name in _YAML_TYPES.split())])


def read_atom(
    state: State, position: int, limit: int, depth: int, may_key: bool, tag: str | None
) -> tuple[Node, int, int]:
    """One scalar, alias or flow collection on this line, its end, and its colon as a key.

    The colon is -1 for what is no key.
    """
    text = state.text
    char = text[position]
    if char in "\"'":
        return _quoted(state, position, limit, may_key)
    if char == "{" and (jinja := JINJA.match(text, position)) is not None:
        end = max(jinja.end(), plain_line(text, jinja.end())[0])
        state.damage("SYN218", position, end, text=text[position:end])
        return _text_scalar(state, position, end), end, -1
    if char in "[{":
        node, end, closed = read_flow(state, position, depth, limit)
        return node, end, _key_colon(state, end) if may_key and closed else -1
    if char == "*" and (match := ALIAS.match(text, position)) is not None:
        end = match.end()
        return state.alias(position, end), end, _key_colon(state, end) if may_key else -1
    return _plain(state, position, may_key, tag)


def read_properties(state: State, position: int) -> tuple[int, str | None, str | None, int]:
    """Anchor and tag at a position: what follows them, both, and where they end or -1."""
    text = state.text
    anchor: str | None = None
    tag: str | None = None
    props = -1
    while text[position : position + 1] in ("&", "!"):
        is_anchor = text[position] == "&"
        match = (ANCHOR if is_anchor else TAG).match(text, position)
        if match is None:
            break
        if is_anchor:
            anchor = match.group(1)
            # Until its node is whole, an alias of that name would contain itself.
            state.anchor(anchor, None)
        else:
            tag = match.group()
            if tag not in _KNOWN_TAGS:
                state.report("SYN222", position, position + len(tag), tag=tag)
        props = match.end()
        blanks = _BLANKS.match(text, props)
        assert blanks is not None
        position = blanks.end()
    return position, anchor, tag, props


def _plain(state: State, position: int, may_key: bool, tag: str | None) -> tuple[Node, int, int]:
    text = state.text
    match = PLAIN.match(text, position)
    assert match is not None
    end = match.end()
    colon = end if end < len(text) and text[end] == ":" and may_key else -1
    nested = None
    if colon < 0:
        end, nested = plain_line(text, position)
    else:
        end = position + len(match.group().rstrip(" \t"))
    if end == position:
        end = position + 1
    char = text[position]
    if char in ",[]{}&*!|>%@`" or INDICATOR.match(text, position):
        state.damage("SYN217", position, position + 1, char=char, start=position, end=end)
    elif nested is not None:
        state.damage("SYN216", nested, nested + 1, start=position, end=end)
    if nested is not None:
        return _text_scalar(state, position, end), end, colon
    return state.plain(position, text[position:end], tag), end, colon


def _quoted(state: State, position: int, limit: int, may_key: bool) -> tuple[Node, int, int]:
    text = state.text
    before = len(state.problems)
    scalar, end = read_quoted(state, position, limit, may_key=may_key)
    unclosed = len(state.problems) > before and state.problems[-1].code == "SYN207"
    if may_key:
        colon = _key_colon(state, end)
        if colon >= 0:
            return scalar, end, colon
        if not unclosed and text[end : end + 1] == ":":
            state.damage("SYN203", end, end + 1, key=scalar.text)
            return scalar, end, end
    if not unclosed:
        rest = _REST.match(text, end)
        assert rest is not None
        behind = rest.group().rstrip(" \t")
        if behind.endswith(text[position]) and behind[:1] not in " \t#":
            # `"say "hi" there"`: the last quote of the line is the one that closes.
            last = end + len(behind)
            state.damage("SYN208", position, last, quote=text[position])
            return requote(state, position, last), last, -1
    return scalar, end, -1


def _key_colon(state: State, end: int) -> int:
    match = _KEY_END.match(state.text, end)
    return match.end() - 1 if match is not None else -1


def _text_scalar(state: State, start: int, end: int) -> Scalar:
    written = state.text[start:end]
    return Scalar(Span(start, end), written, written)

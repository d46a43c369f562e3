"""Decoding of scalars: quotes, escapes and folded lines, each with its way back.

Every function takes the place where a scalar starts and returns the scalar and where reading goes
on. Decoded pieces remember the source they came from, so that a position in an expression inside
a folded block is a position in the file.
"""

from __future__ import annotations

import re

from smq.syntax.nodes import Scalar, Style
from smq.syntax.yaml_state import State
from smq.text import Span

LINE_END = re.compile(r"\r\n|\n|\r")

# A key on its own line: one word, or a quoted text, and a colon that ends a word.
_KEY_WORD = (
    r"""(?:[^\s:#"'{}\[\],&*!|>%@`?-][^\s:]*+|[?-][^\s:]++|"(?>(?:[^"\\\r\n]++|\\.)*)"|'(?>(?:[^'\r\n]++|'')*)')"""
    r"""[ \t]*+:(?=[ \t\r\n]|\Z)"""
)
KEY_LIKE = re.compile(_KEY_WORD)
STRUCTURE_LIKE = re.compile(rf"{_KEY_WORD}|-(?=[ \t\r\n]|\Z)")
ITEM_WITH_KEY = re.compile(rf"-[ \t]+(?>(?:-[ \t]+)*)(?:{_KEY_WORD}|\{{[^\r\n]*?:[ \t])")
DOCUMENT_MARK = re.compile(r"(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")

# Plain text up to where YAML ends it on a line: a colon before a blank, a `#` behind one.
PLAIN = re.compile(r"(?>(?:[^:#\r\n]++|:(?![ \t\r\n]|\Z)|(?<![ \t\r\n])#)*)")
FLOW_PLAIN = re.compile(
    r"(?>(?:[^:#,\[\]{}\r\n]++|:(?![ \t\r\n,\[\]{}]|\Z)|(?<![ \t\r\n,\[\]{}])#)*)"
)

LINE = re.compile(r"([ ]*+)([^\r\n]*+)(\r\n|\n|\r|\Z)")
_REST_OF_LINE = re.compile(r"[^\r\n]*+")
_UNCLOSED_KEY = re.compile(r"[\"'][^\"'\r\n:]*+(?=:(?:[ \t\r\n]|\Z))")
_FLOW_REST = re.compile(r"[^\r\n,\]}]*+")

_SIMPLE = {'"': re.compile(r'"([^"\\\r\n]*+)"'), "'": re.compile(r"'([^'\r\n]*+)'(?!')")}
_WHOLE = {
    '"': re.compile(r'"(?>(?:[^"\\]++|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'(?>(?:[^']++|'')*)'"),
}
_STYLE: dict[str, Style] = {'"': "double", "'": "single"}
_BEHIND_QUOTE = re.compile(r"[ \t]*+(?=[\r\n#,\]}:]|\Z)")
_CLEAN_LINE_END = re.compile(r"[ \t]*+(?=[\r\n#]|\Z)")

_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "/": "/",
    "\\": "\\",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_FOLD = r"[ \t]*(?:\r\n|\n|\r)(?:[ \t]*(?:\r\n|\n|\r))*[ \t]*"
_SINGLE_TOKEN = re.compile(rf"(?P<fold>{_FOLD})|(?P<quote>'')|(?P<text>[^'\r\n \t]+|[ \t]+|')")
_DOUBLE_TOKEN = re.compile(
    rf"(?P<fold>{_FOLD})"
    rf"|(?P<joined>\\(?:\r\n|\n|\r)(?:[ \t]*(?:\r\n|\n|\r))*[ \t]*)"
    r"|\\(?:x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8}))"
    r"|\\(?P<escape>.)"
    r"|(?P<text>[^\\\r\n \t]+|[ \t]+|\\)",
    re.DOTALL,
)
_LOW_SURROGATE = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")


class Pieces:
    """A decoded text in the making, with where each piece comes from."""

    __slots__ = ("_length", "_literal", "_parts", "_segments")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._segments: list[tuple[int, int, int, int]] = []
        self._length = 0
        self._literal = False

    def copy(self, text: str, source: int) -> None:
        """Add text that stands in the source as it is."""
        size = len(text)
        if not size:
            return
        if self._literal:
            decoded, start, length, _ = self._segments[-1]
            if start + length == source:
                self._segments[-1] = (decoded, start, length + size, length + size)
                self._parts.append(text)
                self._length += size
                return
        self._segments.append((self._length, source, size, size))
        self._parts.append(text)
        self._length += size
        self._literal = True

    def decode(self, text: str, source: int, end: int) -> None:
        """Add text that other characters in the source stand for."""
        if text:
            self._segments.append((self._length, source, len(text), end - source))
            self._parts.append(text)
            self._length += len(text)
            self._literal = False

    def finish(
        self, origin: int, empty: int
    ) -> tuple[str, tuple[tuple[int, int, int, int], ...] | None]:
        """The text and its segments; None for text that stands in one piece at `origin`.

        An empty text gets one empty segment at `empty`, so that it too has a place.
        """
        text = "".join(self._parts)
        if not text:
            return text, None if empty == origin else ((0, empty, 0, 0),)
        first = self._segments[0]
        if len(self._segments) == 1 and self._literal and first[1] == origin:
            return text, None
        return text, tuple(self._segments)


def read_quoted(
    state: State, start: int, limit: int | None, *, flow: bool = False, may_key: bool = False
) -> tuple[Scalar, int]:
    """The quoted scalar at `start`, and where it ends.

    A quote without a partner is closed where the writer most likely forgot it: before the colon
    of a key, at the end of its line or of the lines that are indented deeper than `limit` and
    are no keys.
    """
    text = state.text
    quote = text[start]
    simple = _SIMPLE[quote].match(text, start)
    if simple is not None:
        end = simple.end()
        if not flow or _BEHIND_QUOTE.match(text, end) or text[end] in " \t\"'":
            content = simple.group(1)
            return Scalar(Span(start, end), content, content, _STYLE[quote]), end
    whole = _WHOLE[quote].match(text, start)
    if whole is not None and _is_one_scalar(state, start, whole.end(), limit, flow):
        end = whole.end()
        return _decode_quoted(state, start, start + 1, end - 1, end), end
    key = _UNCLOSED_KEY.match(text, start) if may_key else None
    end = key.end() if key is not None else _unclosed_end(text, start, limit, flow)
    state.damage("SYN207", start, end, quote=quote)
    return _decode_quoted(state, start, start + 1, end, end), end


def _is_one_scalar(state: State, start: int, end: int, limit: int | None, flow: bool) -> bool:
    """Whether the next quote found closes this one, and is not the opening quote of another."""
    text = state.text
    first_end = LINE_END.search(text, start, end)
    if first_end is None:
        return not flow or bool(_BEHIND_QUOTE.match(text, end)) or text[end] in " \t\"'"
    behind = _BEHIND_QUOTE if flow else _CLEAN_LINE_END
    if not behind.match(text, end):
        return False
    if limit is None:
        return True
    position = first_end.end()
    while position < end:
        line = LINE.match(text, position)
        assert line is not None
        width = line.end(1) - position
        if width <= limit and STRUCTURE_LIKE.match(text, line.end(1)):
            return False
        if not width and DOCUMENT_MARK.match(text, position):
            return False
        position = line.end() if line.group(3) else end
    return True


def _unclosed_end(text: str, start: int, limit: int | None, flow: bool) -> int:
    if flow:
        match = _FLOW_REST.match(text, start)
        assert match is not None
        return start + max(1, len(match.group().rstrip(" \t")))
    match = _REST_OF_LINE.match(text, start)
    assert match is not None
    end = start + len(match.group().rstrip(" \t"))
    position = match.end()
    while limit is not None and (break_ := LINE_END.match(text, position)):
        line = LINE.match(text, break_.end())
        assert line is not None
        content = line.group(2)
        deep = line.end(1) - line.start() > limit
        if not deep or not content.strip(" \t") or content[0] == "#":
            break
        if STRUCTURE_LIKE.match(text, line.end(1)):
            break
        end = line.start(2) + len(content.rstrip(" \t"))
        position = line.end(2)
    return end


def requote(state: State, start: int, end: int) -> Scalar:
    """A quoted scalar whose content holds its own quote, not escaped: all of it up to `end`."""
    return _decode_quoted(state, start, start + 1, end - 1, end)


def _decode_quoted(state: State, start: int, inner: int, inner_end: int, end: int) -> Scalar:
    quote = state.text[start]
    pieces = Pieces()
    if quote == '"':
        _decode_double(state, pieces, inner, inner_end)
    else:
        _decode_single(state, pieces, inner, inner_end)
    decoded, segments = pieces.finish(inner, inner)
    return Scalar(Span(start, end), decoded, decoded, _STYLE[quote], segments)


def _decode_single(state: State, pieces: Pieces, position: int, end: int) -> None:
    text = state.text
    for token in _SINGLE_TOKEN.finditer(text, position, end):
        kind = token.lastgroup
        if kind == "text":
            pieces.copy(token.group(), token.start())
        elif kind == "quote":
            pieces.decode("'", token.start(), token.end())
        else:
            pieces.decode(_folded(token.group()), token.start(), token.end())


def _decode_double(state: State, pieces: Pieces, position: int, end: int) -> None:
    text = state.text
    while position < end:
        token = _DOUBLE_TOKEN.match(text, position, end)
        assert token is not None
        position = token.end()
        kind = token.lastgroup
        start = token.start()
        if kind == "text":
            pieces.copy(token.group(), start)
        elif kind == "fold":
            pieces.decode(_folded(token.group()), start, position)
        elif kind == "joined":
            pieces.decode("\n" * (_line_ends(token.group()) - 1), start, position)
        elif kind == "escape":
            char = _ESCAPES.get(token.group("escape"))
            if char is None:
                state.report("SYN209", start, position, escape=token.group(), kind="unknown")
                pieces.copy(token.group(), start)
            else:
                pieces.decode(char, start, position)
        else:
            position = _decode_code_point(state, pieces, token, end)


def _decode_code_point(state: State, pieces: Pieces, token: re.Match[str], end: int) -> int:
    start, position = token.span()
    number = int(token.group(token.lastgroup or 0), 16)
    if 0xD800 <= number < 0xDC00 and token.lastgroup == "u":
        low = _LOW_SURROGATE.match(state.text, position, end)
        if low is not None:
            position = low.end()
            number = 0x10000 + ((number - 0xD800) << 10) + int(low.group(1), 16) - 0xDC00
            state.report(
                "SYN209", start, position, escape=low.string[start:position], kind="surrogates"
            )
            pieces.decode(chr(number), start, position)
            return position
    if 0xD800 <= number < 0xE000 or number > 0x10FFFF:
        state.report("SYN209", start, position, escape=token.group(), kind="no-character")
        pieces.decode("\ufffd", start, position)
    else:
        pieces.decode(chr(number), start, position)
    return position


def _folded(fold: str) -> str:
    return "\n" * (_line_ends(fold) - 1) or " "


def _line_ends(text: str) -> int:
    return len(LINE_END.findall(text))


def continue_plain(state: State, scalar: Scalar, limit: int) -> tuple[Scalar, int]:
    """A plain scalar with the lines that continue it, and the start of the line behind them.

    `scalar` was read from its first line. Lines indented deeper than `limit` belong to it, until
    a comment, a key on its own line, or an item with a key.
    """
    text = state.text
    state.withdraw_hint(scalar.span)
    pieces = Pieces()
    start, end = scalar.span
    pieces.copy(text[start:end], start)
    colon: int | None = None
    while True:
        line_end = _REST_OF_LINE.match(text, end)
        assert line_end is not None
        position = line_end.end()
        if text[end:position].strip(" \t"):
            break
        found = _next_plain_line(text, position, limit)
        if found is None:
            break
        first, last, breaks, nested = found
        pieces.decode("\n" * (breaks - 1) or " ", end, first)
        pieces.copy(text[first:last], first)
        if nested is not None and colon is None:
            colon = nested
        end = last
    decoded, segments = pieces.finish(start, start)
    if colon is not None:
        state.report("SYN216", colon, colon + 1, start=start, end=end)
    whole = Scalar(Span(start, end), decoded, decoded, "plain", segments, scalar.anchor, scalar.tag)
    return whole, position


def goes_on(text: str, scalar: Scalar, limit: int) -> bool:
    """Whether the scalar is plain and `continue_plain` would find a line that continues it."""
    if scalar.style != "plain" or not scalar.text:
        return False
    position = scalar.span.end
    rest = _REST_OF_LINE.match(text, position)
    assert rest is not None
    if rest.group().strip(" \t"):
        return False
    return _next_plain_line(text, rest.end(), limit) is not None


def _next_plain_line(
    text: str, position: int, limit: int
) -> tuple[int, int, int, int | None] | None:
    """Start and end of the next continuing text, the line ends before it, its stray colon."""
    breaks = 0
    while (break_ := LINE_END.match(text, position)) is not None:
        breaks += 1
        line = LINE.match(text, break_.end())
        assert line is not None
        content = line.group(2).lstrip(" \t")
        if not content:
            position = line.end(2)
            continue
        first = line.end(2) - len(content)
        if line.end(1) - line.start() <= limit or content[0] == "#":
            return None
        if first == line.start() and DOCUMENT_MARK.match(text, first):
            return None
        if KEY_LIKE.match(text, first) or ITEM_WITH_KEY.match(text, first):
            return None
        last, nested = plain_line(text, first)
        return first, last, breaks, nested
    return None


def plain_line(text: str, start: int) -> tuple[int, int | None]:
    """Where plain text ends on its line, and the first colon in it that would make it a key."""
    nested: int | None = None
    end = start
    while True:
        match = PLAIN.match(text, end)
        assert match is not None
        end = match.end()
        if end >= len(text) or text[end] != ":":
            break
        if nested is None:
            nested = end
        end += 1
    while end > start and text[end - 1] in " \t":
        end -= 1
    return end, nested

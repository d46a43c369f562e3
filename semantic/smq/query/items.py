"""The text of a list item as consumers compare it: trimmed and in NFC, with its places exact.

macOS writes Hangul decomposed (NFD): it looks the same and matches nothing. Names are therefore
read in NFC, but what stands inside an SQL string literal is data and stays as it is written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

from smq.syntax import Scalar
from smq.text import Span, is_nfc, nfc

Segment = tuple[int, int, int, int]

# Between `{{` and `}}` quotes hold names, outside of them they hold values.
_TEMPLATE_OR_LITERAL = re.compile(r"\{\{.*?\}\}|'(?:[^']|'')*'", re.DOTALL)


def normalised(text: str) -> str:
    """The text with its names in NFC and its string literals untouched."""
    if is_nfc(text):
        return text
    return "".join(part if literal else nfc(part) for part, literal in _parts(text))


def readable(node: Scalar) -> Scalar:
    """A scalar whose text is trimmed and normalised, and whose places are those of `node`."""
    text = node.text
    stripped = text.strip()
    if is_nfc(text):
        return node if stripped == text else _trimmed(node, text, stripped)
    composed = _mapped(node, text, stripped, compose=True)
    # Marks may compose across our pieces, or change their order, so that no map has a place for
    # each: the places matter more than the form.
    if composed is not None and composed.text == normalised(text).strip():
        return composed
    return node if stripped == text else _trimmed(node, text, stripped)


def merged(nodes: Sequence[Scalar]) -> Scalar:
    """One scalar that reads as several with a space between them, with the places of each."""
    segments: list[Segment] = []
    length = 0
    for node in nodes:
        if segments:
            segments.append((length, segments[-1][1] + segments[-1][3], 1, 0))
            length += 1
        for at, start, decoded, written in node.source_map.segments:
            segments.append((length + at, start, decoded, written))
        length += len(node.text)
    text = " ".join(node.text for node in nodes)
    span = Span(nodes[0].span.start, nodes[-1].span.end)
    return Scalar(span, text, text, "double", tuple(segments))


def _trimmed(node: Scalar, text: str, stripped: str) -> Scalar:
    return _mapped(node, text, stripped, compose=False) or node


def _mapped(node: Scalar, text: str, stripped: str, *, compose: bool) -> Scalar | None:
    """The trimmed text, its names composed or not; None when there is no map for it."""
    begin = len(text) - len(text.lstrip())
    source = node.source_map
    written: list[str] = []
    segments: list[Segment] = []
    decoded = 0
    for piece, start, end in _pieces(text, begin, begin + len(stripped), compose):
        at, to = source.start(start), source.end(end)
        same = len(piece) == to - at == end - start
        if len(piece) == to - at > 1 and piece != text[start:end]:
            return None
        last = segments[-1] if segments else None
        if same and last and last[2] == last[3] and last[1] + last[3] == at:
            segments[-1] = (last[0], last[1], last[2] + len(piece), last[3] + to - at)
        else:
            segments.append((decoded, at, len(piece), to - at))
        written.append(piece)
        decoded += len(piece)
    if not segments:
        segments.append((0, source.start(begin), 0, 0))
    result = "".join(written)
    return replace(node, text=result, value=result, segments=tuple(segments))


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text cut into stretches, each with whether it is a string literal."""
    done = 0
    for match in _TEMPLATE_OR_LITERAL.finditer(text):
        yield text[done : match.start()], False
        yield match[0], match[0][0] == "'"
        done = match.end()
    yield text[done:], False


def _pieces(text: str, start: int, stop: int, compose: bool) -> Iterator[tuple[str, int, int]]:
    """Cut text[start:stop] into characters, as NFC composes them, with where each one stands."""
    offset = 0
    for part, literal in _parts(text):
        begin, end = max(offset, start), min(offset + len(part), stop)
        at = begin
        while at < end:
            to = at + 1
            if compose and not literal:
                while to < end and _joins(text[at:to], text[to]):
                    to += 1
            piece = text[at:to]
            yield (nfc(piece) if compose and not literal else piece), at, to
            at = to
        offset += len(part)


def _joins(before: str, char: str) -> bool:
    """Whether a character composes with, or reorders among, those before it."""
    if char.isascii():
        return False
    return unicodedata.combining(char) != 0 or nfc(before + char) != nfc(before) + nfc(char)

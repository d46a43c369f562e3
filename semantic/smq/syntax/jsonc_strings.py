"""What the inside of a JSON string means, and where each decoded character is written.

Knows nothing of the document around the string: faults are handed back with source offsets, and
the reader turns them into problems.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Segment = tuple[int, int, int, int]

_ESCAPE = re.compile(
    r"\\u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})"
    r"|\\u([0-9A-Fa-f]{4})"
    r"|\\(.?)",
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x1f]+")
_SIMPLE = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}


class Fault(NamedTuple):
    """A fault inside a string, at source offsets."""

    code: str
    start: int
    end: int
    args: dict[str, object]


class Decoded(NamedTuple):
    """`segments` is None when the text stands in the source character by character."""

    text: str
    segments: tuple[Segment, ...] | None
    faults: tuple[Fault, ...]


def decode(raw: str, start: int, quote: str = '"') -> Decoded:
    """Decode the characters between the quotes; `start` is the source offset of the first one.

    A wrong escape is kept as it is written, because the reader cannot know what was meant. Half
    of a surrogate pair becomes U+FFFD, because no file could hold the text otherwise.
    """
    faults: list[Fault] = []
    control = _CONTROL.search(raw)
    if control:
        begin, end = start + control.start(), start + control.end()
        faults.append(Fault("SYN113", begin, end, {"character": f"U+{ord(control[0][0]):04X}"}))
    if "\\" not in raw:
        return Decoded(raw, None, tuple(faults))
    parts: list[str] = []
    segments: list[Segment] = []
    decoded = done = 0

    def add(value: str, begin: int, end: int) -> None:
        nonlocal decoded
        parts.append(value)
        segments.append((decoded, start + begin, len(value), end - begin))
        decoded += len(value)

    for match in _ESCAPE.finditer(raw):
        begin, end = match.span()
        if begin > done:
            add(raw[done:begin], done, begin)
        value, code = _meaning(match, quote)
        if code:
            faults.append(Fault(code, start + begin, start + end, {"escape": match[0]}))
        add(value, begin, end)
        done = end
    if done < len(raw):
        add(raw[done:], done, len(raw))
    return Decoded("".join(parts), tuple(segments), tuple(faults))


def _meaning(match: re.Match[str], quote: str) -> tuple[str, str | None]:
    """What one escape stands for, and the code of what is wrong with it."""
    high, low, unit, simple = match.groups()
    if high is not None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)), None
    if unit is not None:
        code = int(unit, 16)
        return ("\ufffd", "SYN115") if 0xD800 <= code < 0xE000 else (chr(code), None)
    if simple in _SIMPLE:
        return _SIMPLE[simple], None
    # 'it\'s' in a string with single quotes says what was meant; the quotes are the one fault.
    return (simple, None) if simple and simple == quote else (match[0], "SYN114")

"""How many columns of a terminal a text takes, and the text as it is safe to show there."""

from __future__ import annotations

import unicodedata

_TAB = 4
# Conjoining vowels and finals are drawn inside the syllable that the initial began.
_JAMO = range(0x1160, 0x1200)
_LINE_ENDS = {0x85, 0x2028, 0x2029}


def width(text: str) -> int:
    """Columns on a terminal: two for wide East Asian characters, none for combining ones."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if char.isascii():
        return 1
    if ord(char) in _JAMO or unicodedata.combining(char):
        return 0
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def visible(text: str) -> str:
    """The text without characters that would move the cursor or change colours."""
    if text.isprintable():
        return text
    return "".join(map(_visible_char, text))


def _visible_char(char: str) -> str:
    code = ord(char)
    if char == "\t":
        return " " * _TAB
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F or 0x80 <= code < 0xA0 or code in _LINE_ENDS:
        return "\ufffd"
    # Marks that turn the reading direction can make code look like other code.
    if unicodedata.category(char) == "Cf" and unicodedata.bidirectional(char) != "BN":
        return "\ufffd"
    return char

"""How wide a text stands on a terminal, where Korean letters take two columns."""

from __future__ import annotations

from unicodedata import category, east_asian_width

ELLIPSIS = "…"


def display_width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(map(_char_width, text))


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text with spaces up to the width, before it when it stands on the right."""
    space = " " * (width - display_width(text))
    return space + text if right else text + space


def cut(text: str, width: int) -> str:
    """The text, or as much of its beginning as the width has room for, then an ellipsis."""
    if display_width(text) <= width:
        return text
    room = width - 1
    kept = []
    for char in text:
        room -= _char_width(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + ELLIPSIS


def _char_width(char: str) -> int:
    code = ord(char)
    if code < 0x300:
        return 1
    # Vowels and final consonants of a decomposed Korean syllable stand on its first consonant.
    if 0x1160 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FF:
        return 0
    if east_asian_width(char) in "WF":
        return 2
    return 0 if category(char) in ("Mn", "Me", "Cf") else 1

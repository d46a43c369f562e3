"""How wide a line is on the screen, where Hangul takes two columns."""

from __future__ import annotations

import unicodedata

MAX_COLUMNS = 100


def columns(text: str) -> int:
    """The columns a text takes in a fixed-width font: wide characters two, marks none."""
    if text.isascii():
        return len(text)
    return sum(_width(char) for char in text)


def _width(char: str) -> int:
    # Conjoining vowels and finals are drawn within the syllable that their initial has opened.
    if "\u1160" <= char <= "\u11ff" or unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1

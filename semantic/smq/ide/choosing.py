"""Offers of completion, and which of them fit what is typed.

Hangul is compared by the keys that were pressed, so that a syllable that is half typed finds its
word: `곡` is how an input method shows the first three letters of `고객`. Initial consonants alone
(`ㄱㄱ`) find it too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from smq.text import Span

LIMIT = 200
"""Offers in one answer; editors show a dozen, and ask again when the list is incomplete."""
_CONSIDERED = 1_000
_LONGEST = 100
"""Letters that are still looked for one after another; a longer text is found whole or not."""

Kind = Literal[
    "key",
    "metric",
    "model",
    "dimension",
    "time",
    "measure",
    "entity",
    "grain",
    "alias",
    "function",
    "keyword",
    "value",
    "snippet",
    "column",
    "source",
]


@dataclass(frozen=True, slots=True)
class Completion:
    """One offer: `insert` takes the place of the text that `span` covers. Smaller `rank` first.

    `filter` is what the client compares with the typed text, `words` are further words by which
    the offer is found, `insert` may hold `$0`-style places when `snippet`; its further lines count
    their indentation from that of the line that it is put into. `why_not` is set on what would not
    work, and says why.
    """

    label: str
    kind: Kind
    span: Span
    insert: str
    rank: int = 0
    detail: str = ""
    documentation: str = ""
    filter: str = ""
    snippet: bool = False
    why_not: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Completions:
    """The offers in their order; `incomplete` asks the client to ask again after more typing."""

    items: tuple[Completion, ...] = ()
    incomplete: bool = False


HERE = Span(-1, -1)
"""The span of offers that are remembered: `chosen` is told where they are to be put."""


def in_a_line(*parts: str | None) -> str:
    """The parts of a detail that there are."""
    return " · ".join(part for part in parts if part)


def chosen(
    items: Iterator[Completion], typed: str, here: Span, written: str | None = None
) -> Completions:
    """The offers that fit what is typed, best first, at most as many as a list can show.

    What works comes before what does not, a beginning before a part, then by rank. `written` is
    the text that the offers take the place of, up to the cursor, where it is more than `typed`.
    """
    wanted = Typed(typed)
    found: list[tuple[tuple[bool, int, int, str], Completion]] = []
    more = False
    for item in items:
        match = wanted.match(item.label, item.words)
        if match is None and item.filter and item.filter != item.label:
            match = wanted.match(item.filter)
        if match is not None:
            found.append(((bool(item.why_not), match, item.rank, item.label), item))
            if len(found) >= _CONSIDERED:
                more = True
                break
    found.sort(key=lambda pair: pair[0])
    # Clients compare characters and not keys: they are told that all of these fit.
    shown = None if typed.isascii() else typed if written is None else written
    kept = [_placed(item, number, here, shown) for number, (_, item) in enumerate(found[:LIMIT])]
    more = more or len(found) > LIMIT or not typed.isascii()
    return Completions(tuple(kept), more)


def _placed(item: Completion, rank: int, here: Span, shown: str | None) -> Completion:
    return Completion(
        item.label,
        item.kind,
        here if item.span is HERE else item.span,
        item.insert,
        rank,
        item.detail,
        item.documentation,
        item.filter if shown is None else shown,
        item.snippet,
        item.why_not,
        item.words,
    )


class Typed:
    """The text before the cursor, ready to be compared with many names."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.letters = letters(text)
        self._fuzzy = _one_after_another(self.letters)
        self._initials = self.letters if _is_initials(text) else ""

    @property
    def is_initials(self) -> bool:
        """Whether it may stand for the initial consonants of a word."""
        return bool(self._initials)

    def match(self, name: str, also: str = "") -> int | None:
        """How well a name fits, 0 is best; None when it does not. `also` are further words."""
        if not self.letters:
            return 0
        best = self._match_one(name)
        if also and best != 0:
            other = self._match_one(also)
            if other is not None:
                # A label that begins so is as good as a word inside of the name: who types
                # `reve` means `revenue` before what is called "Revenue of coffee".
                other = max(other, 1)
                best = other if best is None else min(best, other)
        return best

    def _match_one(self, name: str) -> int | None:
        own = letters(name)
        at = own.find(self.letters)
        if at == 0:
            return 0
        if at > 0:
            # The beginning of a word inside: `date` in `orders__order_date`.
            return 1 if any(f"{mark}{self.letters}" in own for mark in "_ -") else 2
        if self._initials and self._initials in initials(name):
            return 2
        return 3 if len(self.letters) > 1 and self._fuzzy and self._fuzzy.search(own) else None

    def is_in(self, blob: str) -> bool:
        """Whether any name of a blob (see `blob_of`) holds the text; cheap for many names."""
        return not self.letters or self.letters in blob or bool(self._initials)

    def may_be_in(self, blob: str) -> bool:
        """As `is_in`, and also when the letters come one after another."""
        return self.is_in(blob) or bool(self._fuzzy and self._fuzzy.search(blob))


def _one_after_another(wanted: str) -> re.Pattern[str] | None:
    """Finds a line with these letters in this order; None where nobody means that."""
    if not 0 < len(wanted) <= _LONGEST:
        return None
    # Each letter at its first place after the one before: there is no second way to try, which
    # with `.*?` there are very many of in `aaaaaaaa`.
    first, *others = map(re.escape, wanted)
    return re.compile(first + "".join(f"[^{other}\\n]*{other}" for other in others))


def blob_of(names: Iterator[str]) -> str:
    """The letters of many names in one text, a line for each."""
    return "\n".join(letters(name) for name in names)


_FINALS = {
    0x11A8: "ᄀ",
    0x11A9: "ᄁ",
    0x11AA: "ᄀᄉ",
    0x11AB: "ᄂ",
    0x11AC: "ᄂᄌ",
    0x11AD: "ᄂᄒ",
    0x11AE: "ᄃ",
    0x11AF: "ᄅ",
    0x11B0: "ᄅᄀ",
    0x11B1: "ᄅᄆ",
    0x11B2: "ᄅᄇ",
    0x11B3: "ᄅᄉ",
    0x11B4: "ᄅᄐ",
    0x11B5: "ᄅᄑ",
    0x11B6: "ᄅᄒ",
    0x11B7: "ᄆ",
    0x11B8: "ᄇ",
    0x11B9: "ᄇᄉ",
    0x11BA: "ᄉ",
    0x11BB: "ᄊ",
    0x11BC: "ᄋ",
    0x11BD: "ᄌ",
    0x11BE: "ᄎ",
    0x11BF: "ᄏ",
    0x11C0: "ᄐ",
    0x11C1: "ᄑ",
    0x11C2: "ᄒ",
}
_VOWELS = {
    0x116A: "\u1169\u1161",
    0x116B: "\u1169\u1162",
    0x116C: "\u1169\u1175",
    0x116F: "\u116e\u1165",
    0x1170: "\u116e\u1166",
    0x1171: "\u116e\u1175",
    0x1174: "\u1173\u1175",
}
_KEYS = {**_FINALS, **_VOWELS}
_FIRST, _LAST, _PER_INITIAL = 0xAC00, 0xD7A3, 588


@lru_cache(maxsize=1 << 18)
def letters(text: str) -> str:
    """The text as the keys that write it: lower case, Hangul as simple letters in order.

    A consonant is the same letter at the beginning and at the end of a syllable, because while
    typing nobody knows yet where it belongs.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", text).casefold().translate(_KEYS)


@lru_cache(maxsize=1 << 16)
def initials(text: str) -> str:
    """The text with each syllable of Hangul as its first consonant."""
    if text.isascii():
        return text.lower()
    return "".join(
        chr(0x1100 + (ord(char) - _FIRST) // _PER_INITIAL)
        if _FIRST <= ord(char) <= _LAST
        else letters(char)
        for char in unicodedata.normalize("NFC", text)
    )


def _is_initials(text: str) -> bool:
    """Whether the text is made of consonants without vowels, as `ㄱㄱ`."""
    return any("ㄱ" <= char <= "ㅎ" for char in text) and not any(
        _FIRST <= ord(char) <= _LAST or "ㅏ" <= char <= "ㅣ" for char in text
    )

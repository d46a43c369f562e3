"""Names people write: compared after NFC, and the nearest ones when none matches."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def nfc(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def is_nfc(name: str) -> bool:
    return name.isascii() or unicodedata.is_normalized("NFC", name)


def fold(name: str) -> str:
    """A name without what engines ignore when they compare names without quotes."""
    return nfc(name).lower()


def nearest(
    name: str, candidates: Iterable[str], limit: int = 3, cutoff: float = 0.6
) -> tuple[str, ...]:
    """The candidates most like `name`, best first; ties in the order of the names.

    Hangul is compared by its letters (NFD), so that one wrong jamo is a small difference and not
    a whole syllable. Similarity is difflib's ratio, 0 to 1; those under `cutoff` are left out.
    """
    # Here, because only a mistake needs it, and a good deal of starting is importing.
    from difflib import SequenceMatcher

    wanted = _letters(name)
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    found: list[tuple[float, str]] = []
    for candidate in dict.fromkeys(candidates):
        matcher.set_seq1(_letters(candidate))
        if matcher.real_quick_ratio() < cutoff or matcher.quick_ratio() < cutoff:
            continue
        ratio = matcher.ratio()
        if ratio >= cutoff:
            found.append((-ratio, candidate))
    return tuple(candidate for _, candidate in sorted(found)[:limit])


def _letters(name: str) -> str:
    return unicodedata.normalize("NFD", name).casefold()

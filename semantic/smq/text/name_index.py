"""The nearest of very many names, without comparing each of them letter by letter."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from heapq import nlargest

from smq.text.names import nearest

_COMPARED = 100
"""So many names that share the most pairs of letters are compared in full."""


class NameIndex:
    """Finds the names most like a wrong one among tens of thousands, in milliseconds.

    Names are indexed by the pairs of letters in them. A name that shares no pair with the wrong
    one is not found, which matters to names of two letters only.
    """

    __slots__ = ("_names", "_pairs", "_sizes")

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._pairs: dict[str, list[int]] = {}
        self._sizes: list[int] = []
        for number, name in enumerate(self._names):
            pairs = _pairs(name)
            self._sizes.append(len(pairs))
            for pair in pairs:
                self._pairs.setdefault(pair, []).append(number)

    def nearest(self, name: str, limit: int = 3, cutoff: float = 0.6) -> tuple[str, ...]:
        """The names most like `name`, best first, as `smq.text.nearest` ranks them."""
        if len(self._names) <= _COMPARED:
            return nearest(name, self._names, limit, cutoff)
        wanted = _pairs(name)
        shared: Counter[int] = Counter()
        for pair in wanted:
            shared.update(self._pairs.get(pair, ()))
        sizes, own = self._sizes, len(wanted)
        likeliest = nlargest(
            _COMPARED, shared, key=lambda number: shared[number] / (sizes[number] + own)
        )
        return nearest(name, (self._names[number] for number in sorted(likeliest)), limit, cutoff)


@lru_cache(maxsize=8)
def index_of(names: tuple[str, ...]) -> NameIndex:
    """The index of these names, kept as long as the same names are asked about."""
    return NameIndex(names)


def _pairs(name: str) -> set[str]:
    """Pairs of neighbouring letters, the ends of the name counting as letters."""
    letters = f" {unicodedata.normalize('NFD', name).casefold()} "
    return {letters[at : at + 2] for at in range(len(letters) - 1)}

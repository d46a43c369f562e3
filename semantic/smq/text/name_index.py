"""The nearest of very many names, without comparing each of them letter by letter."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping

from smq.text.names import nearest

_FEW = 100
"""So many names are all compared in full."""
_NEIGHBOURS = 16
"""So many names are looked at on each side of where a wrong name would stand in an order."""
_COMPARED = 24
"""So many names that share the most pairs of letters are compared in full."""


class NameIndex:
    """Finds the names most like a wrong one among tens of thousands, in a millisecond.

    Names stand in two orders: by their words, once for each word they begin with when it is moved
    to the front, and by their letters from the end. Near names are neighbours in one of them: a
    mistake leaves the beginning, the end or a word as it was. What is found depends on the set of
    names alone, whichever changes led to it.
    """

    __slots__ = ("_backwards", "_by_word", "_few")

    def __init__(self, names: Iterable[str]) -> None:
        distinct = set(names)
        self._few: frozenset[str] = frozenset()
        self._by_word: list[str] = []
        self._backwards: list[str] = []
        if len(distinct) <= _FEW:
            self._few = frozenset(distinct)
        else:
            self._by_word = sorted(key for name in distinct for key in _by_word(name))
            self._backwards = sorted(map(_backwards, distinct))

    def __len__(self) -> int:
        return len(self._few) or len(self._backwards)

    def __contains__(self, name: str) -> bool:
        return name in self._few or _has(self._backwards, _backwards(name))

    def changed(self, gone: Iterable[str], come: Iterable[str]) -> NameIndex:
        """The index without some names and with others, at the cost of those names."""
        come = set(come)
        gone = {name for name in gone if name in self} - come
        come = {name for name in come if name not in self}
        if not (gone or come):
            return self
        size = len(self) - len(gone) + len(come)
        if size <= _FEW or not self._backwards:
            return NameIndex({*self._names(), *come} - gone)
        index = NameIndex.__new__(NameIndex)
        index._few = frozenset()
        index._by_word, index._backwards = self._by_word.copy(), self._backwards.copy()
        for name in gone:
            for key in _by_word(name):
                _remove(index._by_word, key)
            _remove(index._backwards, _backwards(name))
        for name in come:
            for key in _by_word(name):
                insort(index._by_word, key)
            insort(index._backwards, _backwards(name))
        return index

    def _names(self) -> Iterable[str]:
        return self._few or (key.rpartition("\n")[2] for key in self._backwards)

    def candidates(self, name: str) -> set[str]:
        """Names that may be the nearest: all of a few, neighbours of `name` among many."""
        if not self._backwards:
            return set(self._few)
        found = {
            key.rpartition("\n")[2]
            for wanted in _by_word(name)
            for key in _neighbours(self._by_word, wanted)
        }
        found.update(
            key.rpartition("\n")[2] for key in _neighbours(self._backwards, _backwards(name))
        )
        return found

    def nearest(self, name: str, limit: int = 3, cutoff: float = 0.6) -> tuple[str, ...]:
        """The names most like `name`, best first, as `smq.text.nearest` ranks them."""
        return nearest_of(name, self.candidates(name), limit, cutoff)


def nearest_of(
    name: str, candidates: Iterable[str], limit: int = 3, cutoff: float = 0.6
) -> tuple[str, ...]:
    """The nearest of some hundred names as `nearest` ranks them, most of them left out by a
    glance at their pairs of letters."""
    distinct = set(candidates)
    if len(distinct) > _FEW:
        pairs = _pairs(name)
        ranked = sorted((-_alike(pairs, _pairs(each)), each) for each in distinct)
        distinct = {each for _, each in ranked[:_COMPARED]}
    return nearest(name, sorted(distinct), limit, cutoff)


def changed_names(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[list[str], list[str]]:
    """The names that have gone and that have come."""
    return [n for n in before if n not in after], [n for n in after if n not in before]


def _letters(name: str) -> str:
    return unicodedata.normalize("NFD", name).casefold()


def _by_word(name: str) -> list[str]:
    """One key for each word of the name, which begins with it; the name itself at the end."""
    words = [word for word in _letters(name).replace(".", "_").split("_") if word] or [""]
    return [f"{'_'.join((*words[at:], *words[:at]))}\n{name}" for at in range(len(words))]


def _backwards(name: str) -> str:
    return f"{_letters(name)[::-1]}\n{name}"


def _neighbours(keys: list[str], wanted: str) -> list[str]:
    at = bisect_left(keys, wanted)
    return keys[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS]


def _has(keys: list[str], key: str) -> bool:
    at = bisect_left(keys, key)
    return at < len(keys) and keys[at] == key


def _remove(keys: list[str], key: str) -> None:
    at = bisect_left(keys, key)
    if at < len(keys) and keys[at] == key:
        del keys[at]


def _alike(one: set[str], other: set[str]) -> float:
    """How many pairs of letters two names share, of all they have."""
    return len(one & other) / (len(one) + len(other))


def _pairs(name: str) -> set[str]:
    """Pairs of neighbouring letters, the ends of the name counting as letters."""
    letters = f" {_letters(name)} "
    return {letters[at : at + 2] for at in range(len(letters) - 1)}

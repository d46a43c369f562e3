"""The nearest of very many names, without comparing each of them letter by letter."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache

from smq.text.names import nearest

_FEW = 100
"""So many names are all compared in full."""
_NEIGHBOURS = 16
"""So many names are looked at on each side of where a wrong name would stand in an order."""
_OVERLAID = 64
"""So many changed keys are kept beside a list before it is made anew."""
_ANSWERS = 256
"""So many answers are remembered."""
_COMPARED = 24
"""So many names that share the most pairs of letters are compared in full."""


class NameIndex:
    """Finds the names most like a wrong one among tens of thousands, in a millisecond.

    Names stand in two orders: by their words, once for each word they begin with when it is moved
    to the front, and by their letters from the end. Near names are neighbours in one of them: a
    mistake leaves the beginning, the end or a word as it was. What is found depends on the set of
    names alone, whichever changes led to it.
    """

    __slots__ = ("_backwards", "_by_word", "_few", "_found")

    def __init__(self, names: Iterable[str]) -> None:
        distinct = set(names)
        self._found: dict[tuple[str, int, float], tuple[str, ...]] = {}
        self._few: frozenset[str] = frozenset()
        self._by_word = _Order([])
        self._backwards = _Order([])
        if len(distinct) <= _FEW:
            self._few = frozenset(distinct)
        else:
            self._by_word = _Order(sorted({key for name in distinct for key in _by_word(name)}))
            self._backwards = _Order(sorted(map(_backwards, distinct)))

    def __len__(self) -> int:
        return len(self._few) or len(self._backwards)

    def __contains__(self, name: str) -> bool:
        return name in self._few or _backwards(name) in self._backwards

    def changed(self, gone: Iterable[str], come: Iterable[str]) -> NameIndex:
        """The index without some names and with others, at the cost of those names."""
        come = set(come)
        gone = {name for name in gone if name in self} - come
        come = {name for name in come if name not in self}
        if not (gone or come):
            return self
        size = len(self) - len(gone) + len(come)
        if size <= _FEW or not len(self._backwards):
            return NameIndex({*self._names(), *come} - gone)
        index = NameIndex.__new__(NameIndex)
        index._found = {}
        index._few = frozenset()
        index._by_word = self._by_word.changed(
            {key for name in gone for key in _by_word(name)},
            {key for name in come for key in _by_word(name)},
        )
        index._backwards = self._backwards.changed(
            set(map(_backwards, gone)), set(map(_backwards, come))
        )
        return index

    def _names(self) -> Iterable[str]:
        return self._few or (key.rpartition("\n")[2] for key in self._backwards)

    def candidates(self, name: str) -> set[str]:
        """Names that may be the nearest: all of a few, neighbours of `name` among many."""
        if not len(self._backwards):
            return set(self._few)
        found = {
            key.rpartition("\n")[2]
            for wanted in _by_word(name)
            for key in self._by_word.neighbours(wanted)
        }
        found.update(
            key.rpartition("\n")[2] for key in self._backwards.neighbours(_backwards(name))
        )
        return found

    def nearest(self, name: str, limit: int = 3, cutoff: float = 0.6) -> tuple[str, ...]:
        """The names most like `name`, best first, as `smq.text.nearest` ranks them."""
        asked = name, limit, cutoff
        found = self._found.get(asked)
        if found is None:
            # While the end of a name is typed, its beginning is asked for with each letter.
            if len(self._found) >= _ANSWERS:
                self._found.clear()
            found = self._found[asked] = nearest_of(name, self.candidates(name), limit, cutoff)
        return found


class _Order:
    """Keys in their order. One that was changed a little shares the long list with the one that
    it was made from: while somebody types a name, it changes with each key."""

    __slots__ = ("_come", "_gone", "_keys")

    def __init__(
        self, keys: list[str], gone: frozenset[str] = frozenset(), come: tuple[str, ...] = ()
    ) -> None:
        self._keys = keys
        self._gone = gone
        """Keys of the list that do not count any more."""
        self._come = come
        """Keys that are not in the list, in their order."""

    def __len__(self) -> int:
        return len(self._keys) - len(self._gone) + len(self._come)

    def __iter__(self) -> Iterator[str]:
        yield from (key for key in self._keys if key not in self._gone)
        yield from self._come

    def __contains__(self, key: str) -> bool:
        if key in self._come:
            return True
        at = bisect_left(self._keys, key)
        return at < len(self._keys) and self._keys[at] == key and key not in self._gone

    def changed(self, gone: set[str], come: set[str]) -> _Order:
        """Without some of its keys and with others that it has not."""
        all_come = (set(self._come) | (come - self._gone)) - gone
        all_gone = (self._gone | (gone - set(self._come))) - come
        if len(all_come) + len(all_gone) > _OVERLAID:
            return _Order(sorted(self._without(gone) | come))
        return _Order(self._keys, frozenset(all_gone), tuple(sorted(all_come)))

    def _without(self, gone: set[str]) -> set[str]:
        return {key for key in self if key not in gone}

    def neighbours(self, wanted: str) -> list[str]:
        """The keys on both sides of where a key stands or would stand."""
        keys, gone, come = self._keys, self._gone, self._come
        at = bisect_left(keys, wanted)
        if not (gone or come):
            return keys[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS]
        wide = _NEIGHBOURS + len(gone)
        here = bisect_left(come, wanted)
        before = [key for key in keys[max(0, at - wide) : at] if key not in gone]
        behind = [key for key in keys[at : at + wide] if key not in gone]
        return [
            *sorted((*before, *come[:here]))[-_NEIGHBOURS:],
            *sorted((*behind, *come[here:]))[:_NEIGHBOURS],
        ]


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


def _letters(name: str) -> str:
    return unicodedata.normalize("NFD", name).casefold()


def _by_word(name: str) -> list[str]:
    """One key for each word of the name, which begins with it; the name itself at the end."""
    words = [word for word in _letters(name).replace(".", "_").split("_") if word] or [""]
    return [f"{'_'.join((*words[at:], *words[:at]))}\n{name}" for at in range(len(words))]


def _backwards(name: str) -> str:
    return f"{_letters(name)[::-1]}\n{name}"


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """How many pairs of letters two names share, of all they have."""
    return len(one & other) / (len(one) + len(other))


@lru_cache(maxsize=4_096)
def _pairs(name: str) -> frozenset[str]:
    """Pairs of neighbouring letters, the ends of the name counting as letters."""
    letters = f" {_letters(name)} "
    return frozenset([letters[at : at + 2] for at in range(len(letters) - 1)])

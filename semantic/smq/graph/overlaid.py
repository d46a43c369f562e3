"""A mapping that differs from a large one in a few keys, without a copy of the large one."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Generic, TypeVar

V = TypeVar("V")
D = TypeVar("D")

_FEW = 64
"""So many changes are kept beside a mapping of any size."""
_SHARE = 16
"""Beside a large one there may be this part of its size."""


def overlaid(
    mapping: Mapping[str, V], come: Mapping[str, V], gone: Iterable[str]
) -> Mapping[str, V]:
    """The mapping with some values put and some keys taken away, at the cost of those.

    However often that is done, a look-up stays one in two dictionaries: changes that have become
    many are folded in.
    """
    if isinstance(mapping, _Overlaid):
        base: Mapping[str, V] = mapping.base
        changed, without = {**mapping.changed}, set(mapping.gone)
    else:
        base, changed, without = mapping, {}, set()
    for key in gone:
        changed.pop(key, None)
        if key in base:
            without.add(key)
    changed.update(come)
    without.difference_update(come)
    found = _Overlaid(base, changed, frozenset(without))
    if len(changed) + len(without) > max(_FEW, len(base) // _SHARE):
        return dict(found.items())
    return found


def layers(
    mapping: Mapping[str, V],
) -> tuple[Mapping[str, V], Mapping[str, V], frozenset[str]]:
    """The large mapping below, what is put over it, and the keys of it that are gone.

    The first stays the same thing while only few keys change, so what is known of it can be kept.
    """
    if isinstance(mapping, _Overlaid):
        return mapping.base, mapping.changed, mapping.gone
    return mapping, {}, frozenset()


class _Overlaid(Mapping[str, V]):
    __slots__ = ("_size", "base", "changed", "gone")

    def __init__(self, base: Mapping[str, V], changed: dict[str, V], gone: frozenset[str]) -> None:
        self.base = base
        self.changed = changed
        self.gone = gone
        new = sum(1 for key in changed if key not in base)
        self._size = len(base) - len(gone) + new

    def __getitem__(self, key: str) -> V:
        if key in self.changed:
            return self.changed[key]
        if key in self.gone:
            raise KeyError(key)
        return self.base[key]

    def __contains__(self, key: object) -> bool:
        return key in self.changed or (key in self.base and key not in self.gone)

    def get(self, key: str, default: D | None = None) -> V | D | None:  # type: ignore[override]
        if key in self.changed:
            return self.changed[key]
        return default if key in self.gone else self.base.get(key, default)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in _pairs(self))

    def items(self) -> ItemsView[str, V]:
        return _Items(self)

    def values(self) -> ValuesView[V]:
        return _Values(self)


def _pairs(mapping: _Overlaid[V]) -> Iterator[tuple[str, V]]:
    """In the order of the base; keys that it has not come last."""
    base, changed, gone = mapping.base, mapping.changed, mapping.gone
    for key, value in base.items():
        if key in changed:
            yield key, changed[key]
        elif key not in gone:
            yield key, value
    for key, value in changed.items():
        if key not in base:
            yield key, value


class _Items(ItemsView[str, V], Generic[V]):
    # The inherited one looks each key up.
    _mapping: _Overlaid[V]

    def __iter__(self) -> Iterator[tuple[str, V]]:
        return _pairs(self._mapping)


class _Values(ValuesView[V], Generic[V]):
    _mapping: _Overlaid[V]

    def __iter__(self) -> Iterator[V]:
        return (value for _, value in _pairs(self._mapping))

"""Whether two readings of a definition mean the same, wherever they stand and whatever is said
about them for people.

While somebody types, most keys change a description or only shift what stands below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import Any

from smq.graph.symbols import Sql, Symbol
from smq.text import Location

_UNSEEN = frozenset({"label", "description", "node"})
_SEEN: dict[type, Callable[[Any], tuple[Any, ...]]] = {}


def means_the_same(one: object, other: object) -> bool:
    """True for two symbols (or parts of symbols) that differ at most in places and words."""
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is Location:
        return True
    if isinstance(one, Symbol) and isinstance(other, Symbol) and one.origin is other.origin:
        return True
    if isinstance(one, Sql) and isinstance(other, Sql):
        return one.text == other.text
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(means_the_same, one, other))
    if not is_dataclass(one):
        return one == other
    seen = _SEEN.get(kind)
    if seen is None:
        seen = _SEEN[kind] = _seen_of(kind)
    return all(map(means_the_same, seen(one), seen(other)))


def _seen_of(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    names = [part.name for part in fields(kind) if part.name not in _UNSEEN]
    if not names:
        return lambda _: ()
    # One name alone would give the value itself instead of a tuple.
    return attrgetter(*names, names[0])

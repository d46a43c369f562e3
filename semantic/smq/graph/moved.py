"""Symbols as they are when their text stands further on in the file: all their places moved.

While somebody types, most of a file is only moved. Moving a symbol takes a tenth of the time of
reading it, and the moved one still says which reading it comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast

from smq.graph import symbols
from smq.graph.symbols import Symbol
from smq.syntax import Scalar
from smq.text import Location, Span

S = TypeVar("S", bound=Symbol)

_new = tuple.__new__


def moved(symbol: S, by: int) -> S:
    """The symbol so many characters further on. Its `origin` is that of the given one."""
    if not by:
        return symbol
    found = _MOVES[type(symbol)](symbol, by)
    object.__setattr__(found, "moved_from", symbol.origin)
    result: S = found
    return result


def _value(value: Any, by: int) -> Any:
    move = _MOVES.get(type(value))
    return value if move is None else move(value, by)


def _location(location: Location, by: int) -> Location:
    uri, (start, end) = location
    return _new(Location, (uri, _new(Span, (start + by, end + by))))


def _tuple(values: tuple[Any, ...], by: int) -> tuple[Any, ...]:
    if not values:
        return values
    # Members of a model come with where they are from, as the model does.
    return tuple(
        [moved(each, by) if isinstance(each, Symbol) else _value(each, by) for each in values]
    )


def _parts(kind: type[Any]) -> Callable[[Any, int], Any]:
    """How to move a value of one of our classes: part by part."""
    # The slots of a frozen value are filled by their descriptors.
    slots = [getattr(kind, part.name) for part in fields(kind)]
    gets = [(slot.__get__, slot.__set__) for slot in slots]
    moves = _MOVES

    def move(value: Any, by: int) -> Any:
        made: Any = object.__new__(kind)
        for get, put in gets:
            part = get(value)
            way = moves.get(type(part))
            put(made, part if way is None else way(part, by))
        return made

    return move


_MOVES: dict[type, Callable[[Any, int], Any]] = {
    Location: _location,
    Scalar: Scalar.moved,
    tuple: _tuple,
}
for _kind in vars(symbols).values():
    if getattr(_kind, "__module__", None) == symbols.__name__ and is_dataclass(_kind):
        _MOVES[cast("type", _kind)] = _parts(cast("type", _kind))

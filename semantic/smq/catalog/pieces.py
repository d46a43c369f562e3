"""Reading a large JSON object piece by piece.

The C decoder holds the interpreter for as long as one call takes, and half a second of that would
be felt in an editor whose server reads a cache beside its work. So the outer levels are walked
here, with one call for each piece, and what may never be needed stays text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()

Take = Callable[[Any, str], Any]
"""What to keep of a list's item: it is given the item and its text."""


def decode(text: str, take: Mapping[str, Take], levels: int = 3) -> Any:
    """The value that `text` is, as json.loads would say.

    Under the keys of `take` in the outermost object, lists hold what it makes of each item.
    Raises json.JSONDecodeError and RecursionError.
    """
    value, at = _value(text, _skip(text, 0), levels, take)
    at = _skip(text, at)
    if at != len(text):
        raise json.JSONDecodeError("Extra data", text, at)
    return value


def _value(text: str, at: int, levels: int, take: Mapping[str, Take]) -> tuple[Any, int]:
    first = text[at : at + 1]
    if levels and first == "{":
        return _object(text, at, levels, take)
    if levels and first == "[":
        return _list(text, at, levels, None)
    return _DECODER.raw_decode(text, at)


def _object(text: str, at: int, levels: int, take: Mapping[str, Take]) -> tuple[Any, int]:
    found: dict[str, Any] = {}
    at = _skip(text, at + 1)
    if text[at : at + 1] == "}":
        return found, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError(
                "Expecting property name enclosed in double quotes", text, at
            )
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            raise json.JSONDecodeError("Expecting ':' delimiter", text, at)
        at = _skip(text, at + 1)
        if key in take and text[at : at + 1] == "[":
            found[key], at = _list(text, at, levels - 1, take[key])
        else:
            found[key], at = _value(text, at, levels - 1, {})
        at = _skip(text, at)
        end = text[at : at + 1]
        if end == "}":
            return found, at + 1
        if end != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _skip(text, at + 1)


def _list(text: str, at: int, levels: int, take: Take | None) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = _skip(text, at + 1)
    if text[at : at + 1] == "]":
        return found, at + 1
    while True:
        start = at
        if take is None:
            item, at = _value(text, at, levels - 1, {})
        else:
            item, at = _DECODER.raw_decode(text, at)
            item = take(item, text[start:at])
        found.append(item)
        at = _skip(text, at)
        end = text[at : at + 1]
        if end == "]":
            return found, at + 1
        if end != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()

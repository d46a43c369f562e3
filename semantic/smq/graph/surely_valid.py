"""Whether a value surely is as its JSON Schema says, told without a validator library.

The libraries decide what is wrong and say where. But nearly every value is right, and only to
learn that they have to be loaded and to compile the schema, which takes longer than reading a small
workspace. So the keywords that our schemas are made of are looked at here first. A keyword that is
not among them, and a value that two libraries might see differently, are left to the library.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from smq.graph.fingerprint import Plain, Schema, resolve


class _UndecidedError(Exception):
    """Something that only a library can tell."""


def is_surely_valid(value: Plain, schema: Schema, root: Schema) -> bool:
    """Whether the value is valid; False also where only a library can tell.

    `$ref` is looked up in `root`.
    """
    try:
        return _holds(value, schema, root)
    except (_UndecidedError, RecursionError):
        return False


def _holds(value: Plain, schema: Schema, root: Schema) -> bool:
    for keyword, wanted in schema.items():
        check = _CHECKS.get(keyword)
        if check is not None:
            if not check(value, wanted, schema, root):
                return False
        elif keyword not in _SAYS_NOTHING and not keyword.startswith("x-"):
            raise _UndecidedError(keyword)
    return True


# One function for each keyword, given the value, what the keyword says, the schema it is in, and
# the root.


def _type(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    kinds = _kinds(value)
    return wanted in kinds if isinstance(wanted, str) else not kinds.isdisjoint(wanted)


def _kinds(value: Plain) -> frozenset[str]:
    if isinstance(value, float):
        # JSON Schema takes 1.0 for an integer.
        return _WHOLE if value.is_integer() else _BROKEN
    return _KINDS[type(value)]


_WHOLE, _BROKEN = frozenset({"integer", "number"}), frozenset({"number"})
_KINDS = {
    type(None): frozenset({"null"}),
    bool: frozenset({"boolean"}),
    int: _WHOLE,
    str: frozenset({"string"}),
    list: frozenset({"array"}),
    dict: frozenset({"object"}),
}


def _const(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    if isinstance(wanted, (list, dict)):
        raise _UndecidedError
    # To Python, and not to JSON, true is 1.
    return bool(value == wanted) and isinstance(value, bool) is isinstance(wanted, bool)


def _enum(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    return any(_const(value, one, schema, root) for one in wanted)


def _pattern(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    if not isinstance(value, str):
        return True
    # Beyond these, blanks, digits and the ends of lines are not the same to every engine.
    if not (value.isascii() and value.isprintable()):
        raise _UndecidedError
    return re.search(wanted, value) is not None


def _min_length(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    return not isinstance(value, str) or len(value) >= wanted


def _minimum(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    return "number" not in _kinds(value) or value >= wanted


def _maximum(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    return "number" not in _kinds(value) or value <= wanted


def _required(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    return not isinstance(value, dict) or all(key in value for key in wanted)


def _properties(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    return all(_holds(value[key], part, root) for key, part in wanted.items() if key in value)


def _additional(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    if wanted is True or not isinstance(value, dict):
        return True
    known = schema.get("properties", {})
    if value.keys() <= known.keys():
        return True
    # Keys of a pattern are few and rare, and so are rules for the values of any other key.
    if wanted is not False or "patternProperties" in schema:
        raise _UndecidedError
    return False


def _pattern_properties(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    known = schema.get("properties", {})
    if isinstance(value, dict) and not value.keys() <= known.keys():
        raise _UndecidedError
    return True


def _items(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    return not isinstance(value, list) or all(_holds(item, wanted, root) for item in value)


def _reference(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    _, target, *_ = resolve({"$ref": wanted}, root)
    return _holds(value, target, root)


def _all_of(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    return all(_holds(value, part, root) for part in wanted)


def _any_of(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    return any(_holds(value, part, root) for part in wanted)


def _not(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    return not _holds(value, wanted, root)


def _if(value: Plain, wanted: Any, schema: Schema, root: Schema) -> bool:
    branch = schema.get("then" if _holds(value, wanted, root) else "else", {})
    return _holds(value, branch, root)


_CHECKS: dict[str, Callable[[Plain, Any, Schema, Schema], bool]] = {
    "$ref": _reference,
    "additionalProperties": _additional,
    "allOf": _all_of,
    "anyOf": _any_of,
    "const": _const,
    "enum": _enum,
    "if": _if,
    "items": _items,
    "maximum": _maximum,
    "minLength": _min_length,
    "minimum": _minimum,
    "not": _not,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "properties": _properties,
    "required": _required,
    "type": _type,
}
_SAYS_NOTHING = frozenset(
    {"$defs", "$id", "$schema", "default", "description", "else", "examples", "then", "title"}
)
"""Keywords that judge no value by themselves."""

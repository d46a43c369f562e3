"""Dataclasses as JSON and back, and the JSON Schema they amount to: one declaration for all three.

Fields are snake_case here and camelCase on the wire. A field with a default may be left out. Known
are: str, int, float, bool, object, None, unions, `tuple[X, ...]`, Literal and dataclasses;
`Annotated[X, "…"]` describes a field.
"""

from __future__ import annotations

import types as python_types
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

T = TypeVar("T")


class Malformed(ValueError):
    """A JSON value that is not what the declaration says; the message names the place."""


def to_wire(value: object) -> Any:
    """The JSON of a value; fields that are None are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        found = {}
        for name, wire_name in _names(type(value)):
            inner = getattr(value, name)
            if inner is not None:
                found[wire_name] = to_wire(inner)
        return found
    if isinstance(value, tuple | list):
        return [to_wire(item) for item in value]
    return value


def from_wire(kind: type[T], value: object, where: str = "params") -> T:
    """A value of a dataclass from JSON. Raises Malformed."""
    return cast("T", _read(kind, value, where))


def schema_of(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a dataclass as a reference; what it needs is added to `definitions`."""
    return _schema(kind, definitions)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


@cache
def _names(kind: Any) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, _camel(field.name)) for field in fields(kind))


def _camel(name: str) -> str:
    # `from_` is `from`, which is a keyword here.
    head, *rest = name.rstrip("_").split("_")
    return head + "".join(part.capitalize() for part in rest)


def _read(kind: Any, value: object, where: str) -> object:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _read(arguments[0], value, where)
    if origin in (Union, python_types.UnionType):
        return _read_union(arguments, value, where)
    if origin is Literal:
        if value not in arguments:
            raise Malformed(f"{where} is not one of {', '.join(map(repr, arguments))}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise Malformed(f"{where} is not an array")
        return tuple(_read(arguments[0], v, f"{where}[{n}]") for n, v in enumerate(value))
    if is_dataclass(kind):
        return _read_object(cast("type", kind), value, where)
    if kind is object:
        return value
    if kind is type(None):
        if value is None:
            return None
        raise Malformed(f"{where} is not null")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        words = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
        raise Malformed(f"{where} is not {words[kind]}")
    return value


def _read_union(kinds: tuple[Any, ...], value: object, where: str) -> object:
    if value is None and type(None) in kinds:
        return None
    problems: list[str] = []
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return _read(kind, value, where)
        except Malformed as problem:
            problems.append(str(problem))
    raise Malformed(" and ".join(problems))


def _read_object(kind: type, value: object, where: str) -> object:
    if not isinstance(value, dict):
        raise Malformed(f"{where} is not an object")
    found: dict[str, object] = {}
    hints = _hints(kind)
    for field in fields(kind):
        name = _camel(field.name)
        if name in value:
            found[field.name] = _read(hints[field.name], value[name], f"{where}.{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise Malformed(f"{where}.{name} is missing")
    return kind(**found)


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return {"description": arguments[1], **_schema(arguments[0], definitions)}
    if origin in (Union, python_types.UnionType):
        options = [_schema(each, definitions) for each in arguments]
        return {"anyOf": options}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if is_dataclass(kind):
        name = cast("type", kind).__name__
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _object_schema(cast("type", kind), definitions)
        return {"$ref": f"#/$defs/{name}"}
    if kind is object:
        return {}
    words = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    return {"type": words[kind]}


def _object_schema(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = _hints(kind)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in fields(kind):
        name = _camel(field.name)
        properties[name] = _schema(hints[field.name], definitions)
        if field.default is MISSING and field.default_factory is MISSING:
            required.append(name)
    found: dict[str, Any] = {"type": "object"}
    if kind.__doc__ and not kind.__doc__.startswith(f"{kind.__name__}("):
        found["description"] = " ".join(kind.__doc__.split())
    found["properties"] = properties
    if required:
        found["required"] = required
    return found

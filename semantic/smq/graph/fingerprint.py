"""Telling values apart only as far as a JSON Schema does.

Thousands of dimensions are written in a handful of ways: the same keys, the same kinds of value. A
*fingerprint* keeps exactly what the schema could object to (keys, kinds, and the values of places
with an enum or a pattern), so two values with one fingerprint are both valid or both not, and a
validator needs to see only one of them. Lists are told by the set of their items' fingerprints,
which is right for schemas that constrain items one by one; `place_for` refuses any other.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from smq.syntax import Mapping as MappingNode
from smq.syntax import Node, Pair, Scalar, Sequence, unaliased
from smq.text import nfc

Schema = Mapping[str, Any]
_Applied = tuple[Schema, bool]
Plain = Any
"""A value as JSON has it: None, bool, int, float, str, list, dict with text keys."""

_BY_VALUE = frozenset(
    [
        "enum",
        "const",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "maxLength",
        "format",
    ]
)
_AT_THE_SAME_VALUE = ("if", "then", "else", "not")
_CHOICES = ("anyOf", "oneOf")
_BY_WHOLE_LIST = frozenset(["uniqueItems", "contains", "prefixItems", "maxItems", "minContains"])
_BY_OTHER_KEYS = frozenset(
    [
        "patternProperties",
        "propertyNames",
        "dependentSchemas",
        "unevaluatedProperties",
        "unevaluatedItems",
        "$dynamicRef",
    ]
)
_MAX_DEPTH = 64


@dataclass(slots=True, eq=False)
class Place:
    """What a schema looks at in the value at one place."""

    by_value: bool = False
    properties: dict[str, Place] = field(default_factory=dict)
    """Of the keys it knows; under any other key only the kind of value counts."""
    items: Place | None = None
    valid: set[Hashable] = field(default_factory=set)
    """Fingerprints of values found valid here, whatever stands around them."""


def place_for(schema: Schema, root: Schema) -> Place:
    """What `schema` looks at; `$ref` is looked up in `root`.

    Raises ValueError for keywords that fingerprints of this kind cannot stand in for.
    """
    return _Compiler(root).place(((schema, False),))


def pairs_of(node: MappingNode) -> dict[str, Pair]:
    """The pairs a reader takes: merges resolved, the last of equal keys, names in NFC."""
    found: dict[str, Pair] = {}
    for pair in node.pairs:
        key = pair.key.text
        if key == "<<":
            return {nfc(pair.key.text): pair for pair in node.effective()}
        found[key if key.isascii() else nfc(key)] = pair
    return found


def fingerprint(node: Node | None, place: Place | None, depth: int = 0) -> Hashable:
    """The fingerprint of a value at a place; with no place only its kind counts."""
    if isinstance(node, Scalar):
        value = node.value
        if value is None:
            return None
        if place is not None and place.by_value:
            # By the text, because a NaN is not even equal to itself.
            return (_kind(value), value if value == value else node.text)
        return _kind(value)
    if isinstance(node, MappingNode):
        if place is None or depth > _MAX_DEPTH:
            return "{"
        properties = place.properties
        marks: list[Hashable] = []
        # Every key and value of every file passes here, hence no call that can be saved. Repeated
        # keys only make the fingerprint finer than it need be.
        for pair in node.pairs:
            key = pair.key.text
            if key == "<<":
                return _of_pairs(pairs_of(node), properties, depth)
            below = pair.value
            inner = properties.get(key)
            marks.append(key if key.isascii() else nfc(key))
            if type(below) is Scalar and inner is not None and not inner.by_value:
                text = below.value
                marks.append(("s" if text else "") if type(text) is str else _kind_or_null(text))
            else:
                marks.append(fingerprint(below, inner, depth + 1))
        return tuple(marks)
    if isinstance(node, Sequence):
        items = place.items if place is not None else None
        if items is None or depth > _MAX_DEPTH:
            return ("[", bool(node.items))
        return ("[", frozenset([fingerprint(item, items, depth + 1) for item in node.items]))
    return fingerprint(unaliased(node), place, depth) if node is not None else None


def _of_pairs(pairs: dict[str, Pair], properties: dict[str, Place], depth: int) -> Hashable:
    marks: list[Hashable] = []
    for key, pair in pairs.items():
        marks += (key, fingerprint(pair.value, properties.get(key), depth + 1))
    return tuple(marks)


def plain(node: Node | None, place: Place | None) -> Plain:
    """The value as JSON has it; where the schema does not look, only its kind."""
    return _plain(node, place, None, 0)


def pruned(node: Node | None, place: Place, seen: list[tuple[Place, Hashable]]) -> Plain:
    """The value with one item for each fingerprint in its lists, and none of those known valid.

    It is valid if and only if the whole value is. `seen` receives the items that were kept.
    """
    return _plain(node, place, seen, 0)


def _plain(
    node: Node | None, place: Place | None, seen: list[tuple[Place, Hashable]] | None, depth: int
) -> Plain:
    node = unaliased(node)
    if isinstance(node, Scalar):
        value = node.value
        # JSON has no infinity: what YAML calls .inf is a text there.
        return node.text if isinstance(value, float) and not isfinite(value) else value
    if isinstance(node, MappingNode):
        # Aliases can make a value endless, but a schema looks only so deep.
        if place is None or depth > _MAX_DEPTH:
            return {}
        properties = place.properties
        return {
            key: _plain(pair.value, properties.get(key), seen, depth + 1)
            for key, pair in pairs_of(node).items()
        }
    if isinstance(node, Sequence):
        items = place.items if place is not None else None
        if items is None or depth > _MAX_DEPTH:
            return [None] if node.items else []
        if seen is None:
            return [_plain(item, items, None, depth + 1) for item in node.items]
        kept: dict[Hashable, Node | None] = {}
        for item in node.items:
            mark = fingerprint(item, items, depth + 1)
            if mark not in items.valid:
                kept.setdefault(mark, item)
        seen.extend((items, mark) for mark in kept)
        # A list that has items must not look empty: its first one stands for those left out.
        chosen = list(kept.values()) or list(node.items[:1])
        return [_plain(item, items, seen, depth + 1) for item in chosen]
    return None


def resolve(schema: Schema, root: Schema) -> Iterator[Schema]:
    """The schema and those it refers to, nearest first."""
    yield schema
    reference = schema.get("$ref")
    if reference is not None:
        target: Any = root
        for part in str(reference).removeprefix("#/").split("/"):
            target = target[part]
        yield from resolve(target, root)


def _kind_or_null(value: str | int | float | bool | None) -> Hashable:
    return None if value is None else _kind(value)


def _kind(value: str | int | float | bool) -> str:
    if isinstance(value, str):
        return "s" if value else ""
    if isinstance(value, bool):
        return "b"
    if isinstance(value, float) and not isfinite(value):
        return "s"
    # JSON Schema takes 1.0 for an integer.
    return "i" if isinstance(value, int) or value.is_integer() else "f"


class _Compiler:
    def __init__(self, root: Schema) -> None:
        self._root = root
        self._known: dict[frozenset[int], Place] = {}

    def place(self, schemas: tuple[_Applied, ...]) -> Place:
        applied = list(self._all(schemas))
        key = frozenset(id(schema) for schema, _ in applied)
        known = self._known.get(key)
        if known is not None:
            return known
        # Registered before its parts are built, so that a recursive schema finds itself.
        place = self._known[key] = Place()
        names: dict[str, None] = {}
        for schema, sometimes in applied:
            _refuse_what_items_cannot_stand_for(schema, sometimes)
            place.by_value = place.by_value or not _BY_VALUE.isdisjoint(schema)
            names.update(dict.fromkeys(schema.get("properties", ())))
        for name in names:
            place.properties[name] = self.place(
                tuple(
                    (schema["properties"][name], sometimes)
                    for schema, sometimes in applied
                    if name in schema.get("properties", ())
                )
            )
        items = tuple((s["items"], False) for s, _ in applied if isinstance(s.get("items"), dict))
        if items:
            place.items = self.place(items)
        return place

    def _all(self, schemas: Iterable[_Applied]) -> Iterator[_Applied]:
        """All subschemas that judge the same value, and whether they do so only sometimes."""
        for outer, sometimes in schemas:
            for schema in resolve(outer, self._root):
                yield schema, sometimes
                for keyword in _AT_THE_SAME_VALUE:
                    if isinstance(schema.get(keyword), dict):
                        yield from self._all([(schema[keyword], True)])
                for part in schema.get("allOf", ()):
                    yield from self._all([(part, sometimes)])
                for keyword in _CHOICES:
                    yield from self._all([(part, True) for part in schema.get(keyword, ())])


def _refuse_what_items_cannot_stand_for(schema: Schema, sometimes: bool) -> None:
    keywords = set(schema)
    refused = keywords & (_BY_WHOLE_LIST | _BY_OTHER_KEYS)
    if schema.get("minItems", 0) > 1 or schema.get("minLength", 0) > 1:
        refused |= {"minItems", "minLength"}
    if isinstance(schema.get("additionalProperties"), dict):
        refused.add("additionalProperties")
    # An item found valid must be valid wherever it stands, so its schema may not depend.
    if sometimes and "items" in keywords:
        refused.add("items")
    if refused:
        raise ValueError(f"fingerprints cannot stand in for {sorted(refused)}")

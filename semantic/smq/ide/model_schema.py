"""What the schema of model files says about a place: its keys, its values, its description."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from smq_schemas import schema

Path = tuple[str | int, ...]


def schemas_at(path: Path) -> tuple[dict[str, Any], ...]:
    """Every schema that applies to the value at a path, alternatives included."""
    return _at(tuple("*" if isinstance(step, int) else step for step in path))


def allows_text(path: Path) -> bool:
    """Whether a plain text may stand at a path."""
    for node in schemas_at(path):
        kinds = node.get("type", ())
        if kinds == "string" or (isinstance(kinds, list) and "string" in kinds):
            return True
    return False


def described(node: Any) -> str:
    """The description of a schema, or of what it refers to."""
    for each in _resolved(node):
        if each.get("description"):
            return str(each["description"])
    return ""


def described_at(path: Path) -> str:
    """What the schema says about the value at a path; empty for an unknown key."""
    for node in schemas_at(path):
        if node.get("description"):
            return str(node["description"])
    return ""


@lru_cache(maxsize=512)
def _at(path: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    nodes = _resolved(schema("semantic-model"))
    for step in path:
        following: list[dict[str, Any]] = []
        for node in nodes:
            if step == "*" and isinstance(node.get("items"), dict):
                following.extend(_resolved(node["items"]))
            elif step in node.get("properties", {}):
                following.extend(_resolved(node["properties"][step]))
        nodes = following
    return tuple(nodes)


def _resolved(node: Any, depth: int = 0) -> list[dict[str, Any]]:
    """A schema with all that its references and alternatives add."""
    if not isinstance(node, dict) or depth > 12:
        return []
    found = [node]
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target: Any = schema("semantic-model")
        for part in reference[2:].split("/"):
            target = target.get(part, {}) if isinstance(target, dict) else {}
        found += _resolved(target, depth + 1)
    for key in ("allOf", "anyOf", "oneOf"):
        for part in node.get(key, ()):
            found += _resolved(part, depth + 1)
    for key in ("then", "else"):
        if key in node:
            found += _resolved(node[key], depth + 1)
    return found

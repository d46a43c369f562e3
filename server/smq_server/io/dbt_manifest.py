"""The physical names of dbt models, from the manifest that dbt writes."""

from __future__ import annotations

import json
from pathlib import Path

from smq.graph.symbols import TableName
from smq.problem import Problem
from smq.text import Location, Span
from smq_server.io.uris import uri_of

PLACES = ("target/manifest.json", "manifest.json")
"""Where a manifest is looked for, below the root."""
_RELATIONS = ("model", "seed", "snapshot")


def read_refs(root: Path) -> dict[str, TableName] | Problem:
    """What `ref('x')` means for each x of the project; empty without a manifest.

    A manifest that cannot be read is a problem and not an empty answer.
    """
    for place in PLACES:
        path = root / place
        if not path.is_file():
            continue
        try:
            manifest = json.loads(path.read_bytes())
        except OSError as error:
            return _unreadable(path, (error.strerror or str(error)).lower())
        except ValueError:
            return _unreadable(path, "it is not JSON")
        except RecursionError:
            return _unreadable(path, "it is nested too deeply")
        nodes = manifest.get("nodes") if isinstance(manifest, dict) else None
        if isinstance(nodes, dict):
            return _names(nodes)
        if place == PLACES[0]:
            return _unreadable(path, "it is not a dbt manifest")
    return {}


def _names(nodes: dict[str, object]) -> dict[str, TableName]:
    found: dict[str, TableName] = {}
    for node in nodes.values():
        if not isinstance(node, dict) or node.get("resource_type") not in _RELATIONS:
            continue
        if node.get("config", {}).get("materialized") == "ephemeral":
            # It is no table; dbt inlines it.
            continue
        parts = (node.get("database"), node.get("schema"), node.get("alias") or node.get("name"))
        named = tuple(part for part in parts if isinstance(part, str) and part)
        name = node.get("name")
        if isinstance(name, str) and named:
            found.setdefault(name, TableName(named))
    return found


def _unreadable(path: Path, reason: str) -> Problem:
    return Problem("FIL101", Location(uri_of(path), Span(0, 0)), {"reason": reason})

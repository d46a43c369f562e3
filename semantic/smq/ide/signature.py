"""The parameters of the SQL function around the cursor."""

from __future__ import annotations

from dataclasses import dataclass

from smq.ide.functions import Function, find_function
from smq.syntax import Alias, Mapping, Node, Scalar
from smq.workspace import Snapshot


@dataclass(frozen=True, slots=True)
class Signature:
    """A function and which of its parameters is being written, from 0."""

    function: Function
    active: int


def signature(snapshot: Snapshot, uri: str, offset: int) -> Signature | None:
    """The innermost call that is open at the offset, inside any string of SQL."""
    if uri not in snapshot:
        return None
    scalar = None
    for root in snapshot.parsed(uri).roots:
        scalar = scalar or _scalar(root, offset)
    if scalar is None:
        return None
    decoded = scalar.source_map.to_decoded(offset)
    before = scalar.text if decoded is None else scalar.text[:decoded]
    return _open_call(before)


def _open_call(before: str) -> Signature | None:
    depth, commas = 0, 0
    at = len(before) - 1
    while at >= 0:
        char = before[at]
        if char == "'":
            start = before.rfind("'", 0, at)
            if start < 0:
                return None
            at = start
        elif char == ")":
            depth += 1
        elif char == "(":
            if depth == 0:
                name = _name_before(before, at)
                function = find_function(name) if name else None
                if function is not None:
                    last = max(len(function.parameters) - 1, 0)
                    return Signature(function, min(commas, last))
                commas = 0
            else:
                depth -= 1
        elif char == "," and depth == 0:
            commas += 1
        at -= 1
    return None


def _name_before(text: str, at: int) -> str:
    end = len(text[:at].rstrip())
    start = end
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    return text[start:end]


def _scalar(node: Node | None, offset: int) -> Scalar | None:
    while node is not None and not isinstance(node, Alias):
        if not node.span.contains(offset):
            return None
        if isinstance(node, Scalar):
            return node
        children = (
            [pair.value for pair in node.pairs] if isinstance(node, Mapping) else list(node.items)
        )
        node = next((c for c in children if c is not None and c.span.contains(offset)), None)
    return None

"""The parameters of the SQL function or window around the cursor, or of the metric type there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from smq.ide.functions import Function, find_function
from smq.ide.yaml_spot import yaml_spot
from smq.rules.model_edits import item_around
from smq.syntax import Alias, Mapping, Node, Scalar
from smq.workspace import Snapshot


@dataclass(frozen=True, slots=True)
class Signature:
    """A function and which of its parameters is being written, from 0.

    A window is one too, and so is a metric type, whose parameters are keys.
    """

    function: Function
    active: int


_OVER = Function(
    "OVER",
    ("PARTITION BY …", "ORDER BY …", "ROWS | RANGE | GROUPS BETWEEN … AND …"),
    "window",
    "Each part may be left out. A frame's bounds are UNBOUNDED PRECEDING, n PRECEDING, CURRENT "
    "ROW, n FOLLOWING and UNBOUNDED FOLLOWING; EXCLUDE leaves rows out of it. Without a frame an "
    "ordered window ends at the current row.",
)
_ORDER = re.compile(r"(?i)\border\s+by\b")
_FRAME = re.compile(r"(?i)\b(?:rows|range|groups)\b")
_TYPES = {
    "simple": Function("simple", ("measure",), "aggregate", "One measure, or `expr` in SQL."),
    "ratio": Function(
        "ratio", ("numerator", "denominator"), "number", "One metric divided by another."
    ),
    "derived": Function("derived", ("expr", "metrics"), "number", "SQL over the metrics it names."),
    "cumulative": Function(
        "cumulative",
        ("measure", "cumulative_type_params"),
        "window",
        "A running total: over a `window` of time, or from the start of a grain.",
    ),
    "conversion": Function(
        "conversion",
        ("conversion_type_params",),
        "window",
        "How many of one event lead to another, of the same `entity` and within a `window`.",
    ),
}


_TEMPLATES = {
    "Dimension": Function(
        "Dimension",
        ("'entity__dimension'",),
        "text",
        "A dimension, named by the entity that is the key of its model.",
    ),
    "TimeDimension": Function(
        "TimeDimension",
        ("'entity__dimension'", "'grain'"),
        "time",
        "A time dimension, or `metric_time`, cut down to a grain such as `month`.",
    ),
    "Entity": Function("Entity", ("'entity'",), "text", "The key of an entity."),
    "Metric": Function(
        "Metric",
        ("'metric'", "group_by=['entity']"),
        "number",
        "The value of a metric for each entity, to filter by.",
    ),
}
"""The calls of dbt's templates."""


def signature(snapshot: Snapshot, uri: str, offset: int) -> Signature | None:
    """The innermost call that is open at the offset, inside any string of SQL."""
    if uri not in snapshot:
        return None
    before = _before(snapshot, uri, offset)
    found = _open_call(before) if before is not None else None
    return found or _metric_type(snapshot, uri, offset) or _half_typed(snapshot, uri, offset)


def _half_typed(snapshot: Snapshot, uri: str, offset: int) -> Signature | None:
    """Among the parameters of a metric, where the file has no key or value yet."""
    parsed = snapshot.parsed(uri)
    spot = yaml_spot(parsed, offset) if parsed.document.kind == "yaml" else None
    if spot is None or spot.path[:1] != ("metrics",) or spot.path[2:3] != ("type_params",):
        return None
    function = _TYPES.get(spot.metric_kind)
    if function is None or len(spot.path) > 4:
        return None
    written = str(spot.path[3]) if len(spot.path) == 4 else ""
    if written and written not in function.parameters:
        return None
    return Signature(function, function.parameters.index(written) if written else 0)


def _before(snapshot: Snapshot, uri: str, offset: int) -> str | None:
    """What stands before the offset in the string that holds it."""
    parsed = snapshot.parsed(uri)
    for root in parsed.roots:
        scalar = _scalar(root, offset)
        if scalar is not None:
            decoded = scalar.source_map.to_decoded(offset)
            return scalar.text if decoded is None else scalar.text[:decoded]
    # A string that is still open ends, for the reader, before the comma that was just typed.
    text = parsed.document.text
    back = len(text[:offset].rstrip(" ,"))
    for root in parsed.roots:
        scalar = _scalar(root, back)
        if scalar is not None and text[scalar.span.end - 1 : scalar.span.end] not in ("'", '"'):
            return scalar.text + text[scalar.span.end : offset]
    return None


def _metric_type(snapshot: Snapshot, uri: str, offset: int) -> Signature | None:
    """On the kind of a metric, or among its parameters."""
    parsed = snapshot.parsed(uri)
    for metric in snapshot.file(uri).declarations.metrics:
        if metric.span_at is None or not metric.span_at.span.contains(offset):
            continue
        found = item_around(parsed.roots, metric.name_at.span)
        node = found[0].items[found[1]] if found is not None else None
        function = _TYPES.get(metric.kind)
        if not isinstance(node, Mapping) or function is None:
            return None
        for key in ("type", "metric_type"):
            pair = node.pair(key)
            value = pair.value if pair is not None else None
            if value is not None and value.span.contains(offset):
                is_kind = isinstance(value, Scalar) and value.text.strip().lower() == metric.kind
                return Signature(function, 0) if is_kind else None
        params = node.pair("type_params")
        if params is None or not params.span.contains(offset):
            return None
        inner = params.value.pairs if isinstance(params.value, Mapping) else ()
        for pair in inner:
            if pair.span.contains(offset) and pair.key.text in function.parameters:
                return Signature(function, function.parameters.index(pair.key.text))
        is_inside = any(pair.span.contains(offset) for pair in inner)
        return None if is_inside else Signature(function, 0)
    return None


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
                if name.upper() == "OVER":
                    inside = before[at + 1 :]
                    active = 2 if _FRAME.search(inside) else 1 if _ORDER.search(inside) else 0
                    return Signature(_OVER, active)
                function = (_TEMPLATES.get(name) or find_function(name)) if name else None
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

"""What a metric is made of: inputs, filters and windows, which both YAML dialects share."""

from __future__ import annotations

import re

from smq.graph.loaders.fields import Fields, unit_of
from smq.graph.symbols import (
    Conversion,
    Cumulative,
    Filter,
    FrameWindow,
    Input,
    MetricKind,
    Sql,
)
from smq.syntax import Sequence
from smq.text import nfc

KINDS: tuple[MetricKind, ...] = ("simple", "ratio", "derived", "cumulative", "conversion")

_FRAME_KEYS = ("partition_by", "order_by", "frame")
_UNITS = ("ROWS", "RANGE", "GROUPS")
_COUNT = re.compile(r"\d+\Z")
_OFFSET = re.compile(
    r"(?:\d+(?:\.\d+)?|INTERVAL\s+(?:'[^']*'|\d+)(?:\s+[A-Za-z]+)?)\Z", re.IGNORECASE
)
_FIXED = {"UNBOUNDED PRECEDING": 0, "CURRENT ROW": 2, "UNBOUNDED FOLLOWING": 4}
_EXCLUSIONS = ("CURRENT ROW", "GROUP", "TIES", "NO OTHERS")


def read_filters(fields: Fields, key: str = "filter") -> tuple[Filter, ...]:
    """A condition, a list of them, or a manifest's `where_filters`."""
    inner = fields.inner(key)
    if inner is not None:
        found = (part.sql("where_sql_template") for part in inner.items("where_filters"))
        return tuple(Filter(sql) for sql in found if sql is not None)
    return tuple(Filter(fields.sql_of(node)) for node in fields.scalars(key) if node.text.strip())


def read_input(fields: Fields, key: str) -> Input | None:
    """The measure or metric under a key: its name, or a mapping that says more."""
    inner = fields.inner(key)
    if inner is not None:
        return _input(inner)
    name = fields.name(key)
    return Input(*name) if name is not None else None


def read_inputs(fields: Fields, key: str = "metrics") -> tuple[Input, ...]:
    """The inputs in a list; names and mappings may stand side by side."""
    node = fields.node_of(key)
    if not isinstance(node, Sequence):
        return ()
    # Scalars and mappings keep the order in which they stand.
    by_start: dict[int, Input] = {}
    for scalar in fields.scalars(key):
        sql = fields.sql_of(scalar)
        by_start[scalar.span.start] = Input(nfc(sql.text), sql.location)
    for item in fields.items(key):
        found = _input(item)
        if found is not None:
            by_start[item.node.span.start] = found
    return tuple(by_start[start] for start in sorted(by_start))


def read_window(fields: Fields, key: str = "window") -> FrameWindow | None:
    """A window over the metric's own values; None when there is none or it is a duration."""
    inner = fields.inner(key)
    if inner is None or not any(name in inner for name in _FRAME_KEYS):
        return None
    return FrameWindow(
        tuple(inner.sql_of(node) for node in inner.scalars("partition_by")),
        tuple(inner.sql_of(node) for node in inner.scalars("order_by")),
        _frame(inner),
        inner.location,
    )


def read_cumulative(params: Fields) -> Cumulative | None:
    """How a cumulative metric accumulates; None when nothing says that it does."""
    inner = params.inner("cumulative_type_params")
    window = params.duration("window") or (inner.duration("window") if inner else None)
    grain = params.text("grain_to_date") or (inner.text("grain_to_date") if inner else None)
    if window is None and grain is None and inner is None:
        return None
    period = (inner.text("period_agg") if inner else None) or "first"
    return Cumulative(
        window,
        unit_of(grain) if grain else None,
        "last" if period == "last" else "average" if period == "average" else "first",
    )


def read_conversion(params: Fields) -> Conversion | None:
    inner = params.inner("conversion_type_params")
    if inner is None:
        return None
    base, conversion = read_input(inner, "base_measure"), read_input(inner, "conversion_measure")
    entity = inner.name("entity")
    if base is None or conversion is None or entity is None:
        return None
    constants = (
        (part.text("base_property"), part.text("conversion_property"))
        for part in inner.items("constant_properties")
    )
    return Conversion(
        base,
        conversion,
        *entity,
        rate=inner.text("calculation") != "conversions",
        window=inner.duration("window"),
        constants=tuple((left, right) for left, right in constants if left and right),
    )


def _input(fields: Fields) -> Input | None:
    name = fields.name()
    if name is None:
        return None
    alias = fields.name("alias")
    grain = fields.text("offset_to_grain")
    return Input(
        *name,
        alias=alias[0] if alias else None,
        filters=read_filters(fields),
        fill_nulls_with=fields.number("fill_nulls_with"),
        join_to_timespine=fields.flag("join_to_timespine"),
        offset_window=fields.duration("offset_window"),
        offset_to_grain=unit_of(grain) if grain else None,
    )


def _frame(window: Fields) -> Sql | None:
    """The frame as SQL; None for the standard one, and for one that was reported."""
    frame = window.inner("frame")
    if frame is None:
        return None
    unit = " ".join((frame.text("type") or "").upper().split())
    start = _bound(frame, "start", unit)
    end = _bound(frame, "end", unit) if "end" in frame else ("CURRENT ROW", 2)
    if unit not in _UNITS or start is None or end is None:
        # A missing or unknown type is a matter of shape, and reported there.
        return None
    if start[1] == 4:
        _report_bound(frame, "start", "a frame cannot start behind its last row")
        return None
    if end[1] == 0:
        _report_bound(frame, "end", "a frame cannot end before its first row")
        return None
    if start[1] > end[1]:
        _report_bound(frame, "start", f"the frame would start behind its end ({end[0]})")
        return None
    text = f"{unit} BETWEEN {start[0]} AND {end[0]}"
    exclude = " ".join((frame.text("exclude") or "").upper().split())
    if exclude in _EXCLUSIONS:
        text += f" EXCLUDE {exclude}"
    return Sql(text, frame.location)


def _bound(frame: Fields, key: str, unit: str) -> tuple[str, int] | None:
    """A bound as SQL and its rank from first to last row; None for one that was reported."""
    node = frame.scalar(key)
    if node is None:
        return None
    words = " ".join(node.text.split())
    upper = words.upper()
    if upper in _FIXED:
        return upper, _FIXED[upper]
    for direction, rank in (("PRECEDING", 1), ("FOLLOWING", 3)):
        if not upper.endswith(f" {direction}"):
            continue
        amount = words[: -len(direction)].strip()
        if unit != "RANGE" and not _COUNT.match(amount):
            detail = f"{unit or 'the frame'} counts, so it needs a whole number before {direction}"
            _report_bound(frame, key, detail)
            return None
        if not _OFFSET.match(amount):
            detail = f"`{amount}` is neither a number nor an INTERVAL"
            _report_bound(frame, key, detail)
            return None
        return f"{amount} {direction}", rank
    _report_bound(frame, key, "it is not a bound of a frame")
    return None


def _report_bound(frame: Fields, key: str, detail: str) -> None:
    node = frame.scalar(key)
    if node is not None:
        place = frame.reading.location(node)
        frame.reading.report("MET204", place, key=key, value=node.text, detail=detail)

"""Metrics, once their dialect has told which key names the kind and which the data type."""

from __future__ import annotations

from smq.graph.loaders.fields import Fields
from smq.graph.loaders.metric_parts import (
    read_conversion,
    read_cumulative,
    read_filters,
    read_input,
    read_inputs,
    read_window,
)
from smq.graph.symbols import Cumulative, FrameWindow, Metric, MetricKind
from smq.text import Location


def metric_of(
    fields: Fields,
    kind: MetricKind,
    data_type: str | None,
    declared_with: str | None,
    kind_key: str,
) -> Metric | None:
    """The metric, or None when it has no name. `kind_key` is the key that names its kind."""
    name = fields.name()
    if name is None:
        return None
    params = fields.inner("type_params")
    expr = fields.sql("expr") or (params.sql("expr") if params else None)
    window = read_window(params) if params else None
    cumulative = read_cumulative(params) if params else None
    if cumulative is None and kind == "cumulative":
        # Without a window it accumulates over all time.
        cumulative = Cumulative()
    return Metric(
        *name,
        label=fields.words("label"),
        description=fields.words("description"),
        kind=kind,
        data_type=data_type,
        expr=expr,
        measure=read_input(params, "measure") if params else None,
        numerator=read_input(params, "numerator") if params else None,
        denominator=read_input(params, "denominator") if params else None,
        inputs=read_inputs(params) if params else (),
        filters=read_filters(fields),
        window=window,
        cumulative=cumulative,
        conversion=read_conversion(params) if params else None,
        time_granularity=fields.text("time_granularity"),
        beyond=_beyond(fields, kind, kind_key, params, window),
        declared_with=declared_with,
        span_at=fields.location,
    )


def _beyond(
    fields: Fields,
    kind: MetricKind,
    kind_key: str,
    params: Fields | None,
    window: FrameWindow | None,
) -> tuple[tuple[str, Location], ...]:
    """What the metric asks for that cannot be computed yet, and where it asks for it."""
    found: list[tuple[str, Location]] = []
    if kind in ("cumulative", "conversion"):
        named = fields.scalar(kind_key)
        at = fields.reading.location(named) if named is not None else fields.location
        found.append((f"{kind} metrics", at))
    elif params is not None:
        for key in ("window", "grain_to_date", "cumulative_type_params", "conversion_type_params"):
            node = params.node_of(key)
            is_frame = key == "window" and window is not None
            if key in params and node is not None and not is_frame:
                what = "conversion" if key.startswith("conversion") else "cumulative"
                found.append((f"{what} metrics (`{key}`)", fields.reading.location(node)))
    return tuple(found)

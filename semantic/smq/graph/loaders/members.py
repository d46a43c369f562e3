"""Entities, dimensions and measures, which both YAML dialects write with the same keys."""

from __future__ import annotations

from typing import Literal, cast

from smq.graph.data_types import value_kind
from smq.graph.loaders.fields import Fields, unit_of
from smq.graph.symbols import (
    GRAINS,
    Dimension,
    Entity,
    EntityKind,
    Grain,
    Measure,
    NonAdditive,
)
from smq.text import nearest

_ENTITY_KINDS = ("primary", "unique", "foreign", "natural")


MEMBERS = ("entities", "dimensions", "measures")
"""The keys of a model under which its members stand."""


def read_entities(model: Fields) -> tuple[Entity, ...]:
    return model.each("entities", _entity)


def read_dimensions(model: Fields, *, dbt: bool) -> tuple[Dimension, ...]:
    """The dimensions; `dbt` says that `type: time` is dbt's time dimension, not a time of day."""
    return model.each("dimensions", _dbt_dimension if dbt else _smq_dimension)


def read_measures(model: Fields) -> tuple[Measure, ...]:
    return model.each("measures", _measure)


def _entity(fields: Fields) -> Entity | None:
    name = fields.name()
    if name is None:
        return None
    written = (fields.text("type") or "").lower()
    # A misspelt kind is reported, and until it is mended the likeliest one is taken.
    kind = written if written in _ENTITY_KINDS else next(iter(nearest(written, _ENTITY_KINDS)), "")
    return Entity(
        *name,
        label=fields.words("label"),
        description=fields.words("description"),
        # A foreign key promises nothing about the rows, so it is the safe guess.
        kind=cast(EntityKind, kind) if kind in _ENTITY_KINDS else "foreign",
        expr=fields.sql("expr"),
    )


def _dbt_dimension(fields: Fields) -> Dimension | None:
    return _dimension(fields, True)


def _smq_dimension(fields: Fields) -> Dimension | None:
    return _dimension(fields, False)


def _dimension(fields: Fields, dbt: bool) -> Dimension | None:
    name = fields.name()
    if name is None:
        return None
    params = fields.inner("type_params")
    grain = _grain(params.text("time_granularity")) if params else None
    written = fields.text("type")
    data_type, is_time = written, grain is not None
    if written is not None:
        lowered = written.lower()
        if lowered == "categorical":
            data_type, is_time = None, False
        elif lowered == "time":
            is_time = dbt or is_time
            data_type = None if is_time else written
        else:
            kind = value_kind(written)
            is_time = is_time or kind in ("date", "timestamp")
            if kind == "date" and grain is None:
                grain = "day"
    return Dimension(
        *name,
        label=fields.words("label"),
        description=fields.words("description"),
        is_time=is_time,
        data_type=data_type,
        grain=grain,
        expr=fields.sql("expr"),
        validity=_validity(params) if params else None,
    )


def _measure(fields: Fields) -> Measure | None:
    name = fields.name()
    if name is None:
        return None
    agg = (fields.text("agg") or "").lower()
    params = fields.inner("agg_params")
    percentile = params.number("percentile") if params else None
    time = fields.name("agg_time_dimension")
    return Measure(
        *name,
        label=fields.words("label"),
        description=fields.words("description"),
        agg={"avg": "average"}.get(agg, agg) or None,
        data_type=fields.text("type"),
        expr=fields.sql("expr"),
        percentile=float(percentile) if percentile is not None else None,
        discrete_percentile=bool(params and params.flag("use_discrete_percentile")),
        approximate_percentile=bool(params and params.flag("use_approximate_percentile")),
        agg_time_dimension=time[0] if time else None,
        agg_time_dimension_at=time[1] if time else None,
        non_additive=_non_additive(fields),
        create_metric=fields.flag("create_metric"),
    )


def _grain(written: str | None) -> Grain | None:
    unit = unit_of(written) if written else None
    return unit if unit in GRAINS else None


def _validity(params: Fields) -> Literal["start", "end"] | None:
    inner = params.inner("validity_params")
    if inner is None:
        return None
    if inner.flag("is_start"):
        return "start"
    return "end" if inner.flag("is_end") else None


def _non_additive(measure: Fields) -> NonAdditive | None:
    inner = measure.inner("non_additive_dimension")
    name = inner.name() if inner else None
    if inner is None or name is None:
        return None
    choice = (inner.text("window_choice") or "min").lower()
    return NonAdditive(
        name[0],
        "max" if choice == "max" else "min",
        inner.names("window_groupings"),
        name[1],
        tuple(inner.reading.location(node) for node in inner.scalars("window_groupings")),
    )

"""Semantic models, of which both YAML dialects say the same things with nearly the same keys."""

from __future__ import annotations

from smq.graph.loaders.fields import Fields
from smq.graph.loaders.members import read_dimensions, read_entities, read_measures
from smq.graph.loaders.relations import read_relation
from smq.graph.symbols import Model


def model_of(fields: Fields, *, dbt: bool) -> Model | None:
    """The model, or None when it has no name; `dbt` decides what `type: time` means."""
    name = fields.name()
    if name is None:
        return None
    relation, relation_at = read_relation(fields)
    defaults = fields.inner("defaults")
    time = defaults.name("agg_time_dimension") if defaults else None
    primary = fields.name("primary_entity")
    return Model(
        *name,
        label=fields.words("label"),
        description=fields.words("description"),
        relation=relation,
        relation_at=relation_at,
        entities=read_entities(fields),
        dimensions=read_dimensions(fields, dbt=dbt),
        measures=read_measures(fields),
        primary_entity=primary[0] if primary else None,
        agg_time_dimension=time[0] if time else None,
        agg_time_dimension_at=time[1] if time else None,
        span_at=fields.location,
    )

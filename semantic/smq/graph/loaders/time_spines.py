"""Time spines: the `models:` that are calendars, a row for each step of time."""

from __future__ import annotations

from smq.graph.loaders.fields import Fields, unit_of
from smq.graph.loaders.relations import relation_of
from smq.graph.symbols import RefCall, Relation, TimeSpine, UnknownRelation


def is_time_spine(model: Fields) -> bool:
    """True for a model with dbt's `time_spine:`, or with a column that has a granularity.

    In dbt's newer form granularities also stand on the columns of semantic models; those are
    told by their `semantic_model:`.
    """
    if "semantic_model" in model:
        return "time_spine" in model
    return "time_spine" in model or any("granularity" in c for c in model.items("columns"))


def read_time_spine(model: Fields) -> TimeSpine | None:
    """The time spine; None for a model that is none or has no name."""
    name = model.name()
    if name is None or not is_time_spine(model):
        return None
    block = model.inner("time_spine")
    columns: list[tuple[str, str]] = []
    for column in model.items("columns"):
        column_name, grain = column.name(), column.text("granularity")
        if column_name is not None and grain is not None:
            columns.append((column_name[0], unit_of(grain)))
    if block is not None:
        standard = block.name("standard_granularity_column")
        # The standard column leads, because it is the one that every period can be told from.
        columns.sort(key=lambda pair: standard is None or pair[0] != standard[0])
        for custom in block.items("custom_granularities"):
            grain_name = custom.name()
            if grain_name is not None:
                column_of = custom.name("column_name") or grain_name
                columns.append((column_of[0], grain_name[0]))
    return TimeSpine(
        *name,
        label=model.words("label"),
        description=model.words("description"),
        relation=_relation(model, name[0]),
        columns=tuple(columns),
    )


def _relation(model: Fields, name: str) -> Relation:
    table = model.scalar("table")
    if table is None:
        return RefCall(name)
    relation = relation_of(table, model)
    if isinstance(relation, UnknownRelation):
        at = model.reading.location(table)
        model.reading.report("REF101", at, text=table.text.strip(), key="table")
    return relation

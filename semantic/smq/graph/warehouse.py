"""Where models and the warehouse meet: a model's table, and the columns that its SQL names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smq.catalog import CatalogSnapshot, Known
from smq.dialects import dialect as dialect_named
from smq.expr import parse_expression
from smq.graph.graph import SemanticGraph
from smq.graph.symbols import Dimension, Entity, Measure, Model, TableName
from smq.text import Location, Span

if TYPE_CHECKING:
    from smq.catalog.tables import Column, Table

Member = Entity | Dimension | Measure

# Columns that an engine has and no catalogue lists.
_PSEUDO = frozenset(
    {
        "_table_suffix", "_partitiontime", "_partitiondate", "_file_name", "rowid", "rownum",
        "ctid", "xmin", "level", "current_date", "current_timestamp", "sysdate", "systimestamp",
        "user", "_part", "_partition_id", "file_row_number", "filename",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A member's SQL names a column. `alone` says that it is nothing but that column."""

    member: Member
    name: str
    at: Location
    alone: bool


def members(model: Model) -> tuple[Member, ...]:
    return (*model.entities, *model.dimensions, *model.measures)


def named_table(graph: SemanticGraph, model: Model) -> tuple[str, ...]:
    """The parts of the name of a model's table; empty when it is a query or not said."""
    relation = graph.relation(model)
    return relation.parts if isinstance(relation, TableName) else ()


def table_of(
    graph: SemanticGraph, catalog: CatalogSnapshot, model: Model, dialect: str
) -> Table | None:
    """The table of a model as the warehouse knows it; None when that cannot be said."""
    parts = named_table(graph, model)
    if not parts or not isinstance(catalog, Known):
        return None
    return catalog.table(parts, dialect_named(dialect).tables_keep_case)


def column_uses(model: Model, dialect: str, models: Mapping[str, Model]) -> Iterator[ColumnUse]:
    """Every column of its table that a model's entities, dimensions and measures name.

    What may be something else is left out: names inside subqueries and lambdas, columns that only
    engines know, and members of models written as queries write them.
    """
    for member in members(model):
        sql = member.expr
        if sql is None:
            yield ColumnUse(member, member.name, member.name_at, True)
            continue
        if sql.node is None or "->" in sql.text or "=>" in sql.text:
            continue
        template = parse_expression(sql.text, dialect)
        if template.fault is not None or template.tables:
            continue
        for use in template.uses:
            if use.scope or use.call is not None or use.parts[0].lower() in _PSEUDO:
                continue
            if len(use.parts) == 1 and use.name.rpartition("__")[0] in models:
                continue
            at = Location(sql.location.uri, sql.node.source(Span(use.start, use.end)))
            yield ColumnUse(member, use.name, at, template.is_bare_name)


def column_named(table: Table, model: str, name: str) -> Column | None:
    """The column that a written name means: a field by its path, a column of the table's name."""
    parts = name.split(".")
    while True:
        found = table.column(".".join(parts))
        if found is not None:
            return found
        if len(parts) == 1:
            return None
        if parts[0].lower() in (model.lower(), table.name.lower()):
            parts = parts[1:]
        else:
            # Fields of JSON and of types that the cache does not take apart.
            parts = parts[:1]

"""What the warehouse knows of tables and columns, for the editor: offers, and words on hover."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from smq.catalog import Known
from smq.catalog.tables import Column, Table
from smq.catalog.words import collected, synced
from smq.graph.symbols import Model
from smq.graph.warehouse import column_named, table_of
from smq.ide.choosing import Completion, Typed, letters
from smq.text import Span
from smq.workspace import Snapshot

_TABLES = 300
"""Tables that one list looks at closely."""


def known_table(snapshot: Snapshot, model: Model) -> Table | None:
    """The table of a model as the cache has it."""
    return table_of(snapshot.graph, snapshot.catalog, model, snapshot.configuration.dialect)


def column_offers(snapshot: Snapshot, model: Model, span: Span) -> Iterator[Completion]:
    """The columns of a model's real table, in its order."""
    table, catalog = known_table(snapshot, model), snapshot.catalog
    if table is None or not isinstance(catalog, Known):
        return
    age = synced(catalog)
    for column in table.columns:
        yield Completion(
            column.name,
            "column",
            span,
            column.name,
            1 if column.is_nested else 0,
            f"{type_words(column)} · {age}",
            column.description,
            words=column.description,
        )


def table_offers(snapshot: Snapshot, typed: str, span: Span) -> Iterator[Completion]:
    """Tables of the warehouse, named as a model names them."""
    catalog = snapshot.catalog
    if not isinstance(catalog, Known):
        return
    wanted, age = Typed(typed), synced(catalog)
    declared = {".".join(source.table.parts) for source in snapshot.graph.sources.values()}
    fitting = (
        number
        for number, parts in enumerate(catalog.names)
        if wanted.may_be_in(letters(".".join(parts))) and ".".join(parts) not in declared
    )
    for number in islice(fitting, _TABLES):
        table = catalog.at(number)
        detail = f"{_rows(table)}{age}"
        yield Completion(
            table.path, "source", span, table.path, 5, detail, table.description, words=table.name
        )


def about_column(snapshot: Snapshot, model: Model, name: str) -> str:
    """A column that a model's SQL names, as the warehouse has it; empty when it is not known."""
    table, catalog = known_table(snapshot, model), snapshot.catalog
    if table is None or not isinstance(catalog, Known):
        return ""
    column = column_named(table, model.name, name)
    if column is None:
        return f"Not in `{table.path}`. {collected(catalog)}" if table.has_columns else ""
    parts = [f"Warehouse type `{type_words(column)}`"]
    if column.name in table.primary_key:
        parts.append("primary key")
    if column.name in table.partitioning:
        parts.append("the table is partitioned by it")
    if column.policy_tags:
        parts.append("protected by a policy tag")
    lines = [" · ".join(parts), column.description, collected(catalog)]
    return "\n\n".join(line for line in lines if line)


def about_table(snapshot: Snapshot, model: Model) -> str:
    """A model's table, as the warehouse has it; empty when it is not known."""
    table, catalog = known_table(snapshot, model), snapshot.catalog
    if table is None or not isinstance(catalog, Known):
        return ""
    columns = sum(not column.is_nested for column in table.columns)
    facts = [table.kind.replace("_", " "), f"{columns:,} columns"]
    if table.rows is not None:
        facts.append(f"{table.rows:,} rows")
    if table.partitioning:
        facts.append("partitioned by " + ", ".join(f"`{name}`" for name in table.partitioning))
    if table.shards is not None:
        facts.append(f"{table.shards.count:,} daily shards to {table.shards.end}")
    lines = [f"In the warehouse: {' · '.join(facts)}", table.description, collected(catalog)]
    return "\n\n".join(line for line in lines if line)


def type_words(column: Column) -> str:
    """`STRING`, `STRING, repeated`, `INT64, never NULL`."""
    words = {"REPEATED": ", repeated", "REQUIRED": ", never NULL", "NULLABLE": ""}
    return f"{column.type or 'unknown'}{words[column.mode]}"


def _rows(table: Table) -> str:
    return f"{table.rows:,} rows · " if table.rows is not None else ""

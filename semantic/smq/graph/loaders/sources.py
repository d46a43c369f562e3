"""`sources:`, where the files say what source calls mean in the warehouse."""

from __future__ import annotations

from collections.abc import Iterator

from smq.graph.loaders.fields import Fields
from smq.graph.symbols import SourceTable, TableName
from smq.text import nfc


def read_source(fields: Fields) -> Iterator[SourceTable]:
    """The tables of one source.

    A `schema:` that is empty is left out of the names; one that is not written at all is the
    source's own name, as in dbt.
    """
    name = fields.name()
    if name is None:
        return
    schema = fields.text("schema") if fields.pair("schema") is not None else name[0]
    outer = tuple(nfc(part) for part in (fields.text("database"), schema) if part)
    for table in fields.items("tables"):
        table_name = table.name()
        if table_name is None:
            continue
        physical = nfc(table.text("identifier") or table_name[0])
        yield SourceTable(
            *table_name,
            label=table.words("label"),
            description=table.words("description"),
            source=name[0],
            table=TableName((*outer, physical)),
        )

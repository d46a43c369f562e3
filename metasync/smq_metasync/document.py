"""The cache object as text: made from what was collected, with what others have put there.

One line for each table and example, so that two states can be compared line by line, and so
that a table need not be more than a line while ten thousand others are collected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from smq.catalog import Known
from smq.catalog.tables import Column, Table
from smq_metasync.collectors import Collected

VERSION = 1
KEYS = (
    "generated_at",
    "generation_method",
    "schema",
    "examples",
    "events_tables",
    "schema_insights",
    "version",
    "source",
    "tables",
    "semantic",
    "insights",
    "warnings",
)
"""In the order in which they are written; the first six are those of earlier readers."""

# What is different in every collection without anything being different.
_VOLATILE_TABLE = ("collected_at", "etag")
_GENERATED = re.compile(rb'("generated_at"\s*:\s*)"[^"]*"')
_LEGACY = {
    "INT64": "INTEGER",
    "FLOAT64": "FLOAT",
    "BOOL": "BOOLEAN",
    "STRUCT": "RECORD",
    "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC",
}

Entry = dict[str, Any]


def entry(collected: Collected, collected_at: str) -> Entry:
    """A table as the cache has it; what is empty or usual is left out."""
    table = collected.table
    database, schema = (None, None, *table.parts)[-3:-1]
    found: Entry = {
        "id": table.path,
        "database": database,
        "schema": schema,
        "name": table.name,
        "kind": table.kind,
        "description": table.description,
        "labels": dict(table.labels),
        "rows": table.rows,
        "bytes": table.bytes,
        "last_modified": table.last_modified,
        "etag": collected.etag,
        "collected_at": collected_at,
        "partitioning": _partitioning(collected),
        "clustering": list(table.clustering),
        "primary_key": list(table.primary_key),
        "unique_keys": [list(key) for key in table.unique_keys],
        "foreign_keys": [
            {
                "columns": list(key.columns),
                "table": ".".join(key.table),
                "referenced": list(key.referenced),
            }
            for key in table.foreign_keys
        ],
        "shards": _shards(table),
    }
    kept = {key: value for key, value in found.items() if value not in (None, "", [], {})}
    kept["columns"] = nested(table.columns)
    return kept


def nested(columns: Sequence[Column]) -> list[Entry]:
    """Columns in their order, the fields of a RECORD inside it."""
    top: list[Entry] = []
    by_name: dict[str, Entry] = {}
    for column in columns:
        found: Entry = {"name": column.name, "type": column.type}
        if column.mode != "NULLABLE":
            found["mode"] = column.mode
        if column.description:
            found["description"] = column.description
        if column.policy_tags:
            found["policy_tags"] = list(column.policy_tags)
        parent = by_name.get(column.name.rpartition(".")[0])
        if parent is None:
            top.append(found)
        else:
            parent.setdefault("fields", []).append(found)
        by_name[column.name] = found
    return top


def line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def comparable(table: Mapping[str, Any]) -> str:
    """A table without what changes with every collection."""
    return line({key: value for key, value in table.items() if key not in _VOLATILE_TABLE})


def main_schema(table: Mapping[str, Any] | None, collected_at: str, table_id: str) -> Entry:
    """The main table in the shape and with the type names that earlier readers know."""
    if table is None:
        return {}
    columns = table.get("columns", ())
    return {
        "table_id": table_id,
        "column_count": len(columns),
        "last_updated": collected_at,
        "last_modified": table.get("last_modified") or None,
        "description": table.get("description", ""),
        "columns": [
            {
                "name": each["name"],
                "type": _LEGACY.get(each["type"], each["type"]),
                "mode": each.get("mode", "NULLABLE"),
                "description": each.get("description", ""),
            }
            for each in columns
        ],
    }


def events_tables(table: Mapping[str, Any] | None) -> Entry:
    """The main table's shards in the shape that earlier readers know; count 0 for none."""
    shards = table.get("shards") if table is not None else None
    if not shards:
        return {"count": 0, "pattern": "", "description": "", "example_tables": []}
    count, dates = shards["count"], shards.get("date_range", {})
    span = f" from {dates['start']} to {dates['end']}" if dates else ""
    return {
        "count": count,
        "pattern": shards["pattern"],
        "date_range": dates,
        "description": f"{count} tables, one for each date{span}",
        "example_tables": shards.get("example_tables", []),
    }


def pieces(document: Mapping[str, Any], tables: Iterable[str]) -> Iterator[str]:
    """The text of a cache whose tables are lines already."""
    ordered = [key for key in KEYS if key in document or key == "tables"]
    ordered += [key for key in document if key not in KEYS]
    yield "{"
    for number, key in enumerate(ordered):
        yield f"{',' if number else ''}\n  {line(key)}: "
        if key == "tables":
            yield from _lines(tables)
        elif isinstance(document[key], list):
            yield from _lines(map(line, document[key]))
        elif isinstance(document[key], dict) and key not in ("semantic", "insights"):
            text = json.dumps(document[key], ensure_ascii=False, indent=2)
            yield text.replace("\n", "\n  ") if key == "source" else line(document[key])
        elif key == "semantic":
            yield from _object(document[key])
        else:
            yield line(document[key])
    yield "\n}\n"


def touched(data: bytes, generated_at: str) -> bytes:
    """The same object with another time of making."""
    replacement = rb'\1"' + generated_at.encode() + b'"'
    return _GENERATED.sub(replacement, data, count=1)


def is_same(before: Known, document: Mapping[str, Any], tables: Sequence[str]) -> bool:
    """Whether a state says what another says, times and names of runs left aside."""
    if before.version != VERSION or len(before) != len(tables):
        return False
    if _stable(before.rest) != _stable(document):
        return False
    return all(
        comparable(before.raw_table(number)) == comparable(json.loads(text))
        for number, text in enumerate(tables)
    )


def _stable(document: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in document.items() if key not in ("generated_at", "tables")}
    source = {**(kept.get("source") or {})}
    for key in ("run_id", "bytes_billed"):
        source.pop(key, None)
    schema = {k: v for k, v in (kept.get("schema") or {}).items() if k != "last_updated"}
    return json.dumps({**kept, "source": source, "schema": schema}, sort_keys=True)


def _lines(items: Iterable[str]) -> Iterator[str]:
    some = False
    for number, item in enumerate(items):
        some = True
        yield f"{'[' if not number else ','}\n    {item}"
    yield "\n  ]" if some else "[]"


def _object(value: Mapping[str, Any]) -> Iterator[str]:
    """An object whose lists have an item on each line."""
    yield "{"
    for number, (key, inner) in enumerate(value.items()):
        yield f"{',' if number else ''}\n    {line(key)}: "
        if isinstance(inner, list) and inner:
            yield "[\n      " + ",\n      ".join(map(line, inner)) + "\n    ]"
        else:
            yield line(inner)
    yield "\n  }"


def _partitioning(collected: Collected) -> Entry | None:
    if collected.partitioning is not None:
        return {k: v for k, v in collected.partitioning.items() if v not in (None, False)}
    fields = collected.table.partitioning
    return {"type": "", "field": fields[0], "fields": list(fields)} if fields else None


def _shards(table: Table) -> Entry | None:
    shards = table.shards
    if shards is None:
        return None
    return {
        "pattern": shards.pattern,
        "count": shards.count,
        "date_range": {"start": shards.start, "end": shards.end},
        "example_tables": list(shards.examples),
    }

"""Metadata caches as the collector and its forerunners write them."""

from __future__ import annotations

import json
from typing import Any

from smq.catalog import Known
from smq.catalog.read import read_cache

GA4 = "bigquery-public-data.ga4.events_20210131"
COLUMNS = [
    {"name": "event_date", "type": "STRING", "mode": "NULLABLE", "description": None},
    {"name": "event_name", "type": "STRING", "mode": "NULLABLE", "description": "이벤트 이름"},
]
SHARDS = [f"bigquery-public-data.ga4.events_202101{day:02d}" for day in (29, 30, 31)]

ANNOUNCED = {
    "generated_at": "2025-08-14T02:00:00.123456",
    "schema": {"table_id": GA4, "columns": [{"name": "event_date", "type": "STRING"}]},
    "examples": [{"question": "how many events?", "sql": "SELECT COUNT(*) FROM t"}],
}
V1 = {
    "generated_at": "2025-08-14T02:00:00.123456",
    "schema": {"table_id": GA4, "last_updated": "2025-08-14T02:00:00", "columns": COLUMNS},
    "examples": [{"question": "how many events?", "sql": "SELECT COUNT(*) FROM t"}],
}
V2 = {**V1, "generation_method": "llm_enhanced", "events_tables": SHARDS, "schema_insights": {}}
V3 = {
    **V2,
    "events_tables": {
        "count": 3,
        "pattern": "events_YYYYMMDD",
        "date_range": {"start": "2021-01-29", "end": "2021-01-31"},
        "description": "daily tables",
        "example_tables": [SHARDS[0], SHARDS[-1]],
    },
    "schema_insights": {"purpose": "web events", "key_columns": ["event_name"]},
}
V4 = {
    **V3,
    "generated_at": "2025-09-14T02:00:00+00:00",
    "schema": {
        "table_id": GA4,
        "column_count": 2,
        "columns": COLUMNS,
        "last_modified": "2025-09-13T20:00:00+00:00",
        "description": "",
    },
    "examples": [
        {
            "description": "how many events?",
            "sql_query": "SELECT COUNT(*) FROM t",
            "result_summary": "a number",
        }
    ],
}
EARLIER = {"announced": ANNOUNCED, "V1": V1, "V2": V2, "V3": V3, "V4": V4}


def table(name: str, columns: dict[str, str], **more: Any) -> dict[str, Any]:
    """A table of the cache: `database.schema.name` and its columns with their types."""
    *outer, own = name.split(".")
    places = dict(zip(("schema", "database"), reversed(outer), strict=False))
    listed = [
        {"name": column, "type": kind, "mode": "NULLABLE", "description": ""}
        for column, kind in columns.items()
    ]
    return {"id": name, **places, "name": own, "kind": "table", "columns": listed, **more}


def cache(*tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A cache of the present format."""
    return {
        "generated_at": "2026-11-27T08:00:00+00:00",
        "generation_method": "rules",
        "schema": {},
        "examples": [],
        "events_tables": {},
        "schema_insights": {},
        "version": 1,
        "source": {"kind": "duckdb", "dialect": "duckdb"},
        "tables": list(tables),
        "warnings": [],
        **more,
    }


def written(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def known(*tables: dict[str, Any], **more: Any) -> Known:
    """The catalogue that a cache of these tables gives."""
    return read(cache(*tables, **more))


def read(value: object) -> Known:
    found = read_cache(written(value))
    assert isinstance(found, Known), found
    return found

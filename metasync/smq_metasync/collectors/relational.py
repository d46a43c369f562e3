"""DuckDB and PostgreSQL: a few queries on the engine's own catalogue, joined here.

Rows come sorted by table, so that one table is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

from smq.catalog.tables import Column, ForeignKey, Table
from smq.text import nfc
from smq_metasync.collectors import Collected, Finding, Listed, Progress, SourceError, Wanted
from smq_metasync.collectors.shards import Family, families
from smq_metasync.engines import Engine, EngineError, Row

Name = tuple[str, ...]

# What a connection calls its own database, no query writes.
_DATABASE = "CASE WHEN database_name = current_database() THEN '' ELSE database_name END"
_DUCKDB_TABLES = f"""
SELECT {_DATABASE} AS d, schema_name, table_name AS name, 'table' AS kind,
  comment, estimated_size AS n
FROM duckdb_tables() WHERE NOT internal AND NOT temporary
UNION ALL
SELECT {_DATABASE}, schema_name, view_name, 'view', comment, NULL
FROM duckdb_views() WHERE NOT internal AND NOT temporary
ORDER BY 1, 2, 3
"""
_DUCKDB_COLUMNS = f"""
SELECT {_DATABASE} AS d, schema_name, table_name, column_name, data_type,
  NOT is_nullable AS required, comment
FROM duckdb_columns() WHERE NOT internal
ORDER BY database_name, schema_name, table_name, column_index
"""
_DUCKDB_KEYS = f"""
SELECT {_DATABASE} AS d, schema_name, table_name, constraint_type,
  constraint_column_names, schema_name AS referenced_schema, referenced_table,
  referenced_column_names
FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
ORDER BY database_name, schema_name, table_name, constraint_index
"""

_SCHEMAS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'"
_POSTGRES_TABLES = f"""
SELECT '' AS database_name, n.nspname, c.relname,
  CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' WHEN 'f' THEN 'external'
    ELSE 'table' END AS kind,
  obj_description(c.oid, 'pg_class') AS comment,
  CASE WHEN c.relkind IN ('r', 'm') AND c.reltuples >= 0 THEN CAST(c.reltuples AS bigint) END AS n,
  CASE WHEN c.relkind IN ('r', 'm') THEN pg_total_relation_size(c.oid) END AS size,
  CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partitioning
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND {_SCHEMAS}
  AND has_schema_privilege(n.oid, 'USAGE')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
_POSTGRES_COLUMNS = f"""
SELECT '' AS database_name, n.nspname, c.relname, a.attname,
  format_type(a.atttypid, a.atttypmod) AS kind, a.attnotnull,
  col_description(c.oid, a.attnum) AS comment
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND {_SCHEMAS}
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum
"""
_POSTGRES_KEYS = f"""
SELECT '' AS database_name, n.nspname, c.relname,
  CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' ELSE 'FOREIGN KEY' END AS kind,
  ARRAY(SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY AS u(n, i)
    JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i) AS own,
  fn.nspname, fc.relname,
  ARRAY(SELECT a.attname FROM unnest(k.confkey) WITH ORDINALITY AS u(n, i)
    JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.i) AS other
FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_class AS fc ON fc.oid = k.confrelid
LEFT JOIN pg_namespace AS fn ON fn.oid = fc.relnamespace
WHERE k.contype IN ('p', 'u', 'f') AND NOT c.relispartition AND {_SCHEMAS}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", k.conname
"""

_QUERIES = {
    "duckdb": (_DUCKDB_TABLES, _DUCKDB_COLUMNS, _DUCKDB_KEYS),
    "postgres": (_POSTGRES_TABLES, _POSTGRES_COLUMNS, _POSTGRES_KEYS),
}


@dataclass(frozen=True, slots=True)
class _Keys:
    primary: Name = ()
    unique: tuple[Name, ...] = ()
    foreign: tuple[ForeignKey, ...] = ()


class RelationalCollector:
    """Collects over an engine's connection, which stays the caller's."""

    def __init__(self, engine: Engine, kind: Literal["duckdb", "postgres"]) -> None:
        self.kind: Literal["duckdb", "postgres"] = kind
        self.dialect = engine.dialect
        self._engine = engine
        self._tables, self._columns, self._keys = _QUERIES[kind]

    def collect(self, wanted: Wanted, progress: Progress) -> Iterator[Finding]:
        try:
            yield from self._collect(wanted, progress)
        except EngineError as error:
            raise SourceError(f"{self.kind} cannot be read: {error}") from error

    def _collect(self, wanted: Wanted, progress: Progress) -> Iterator[Finding]:
        rows: dict[Name, Row] = {}
        groups: dict[Name, list[str]] = {}
        complete: dict[Name, bool] = {}
        for row in self._engine.run(self._tables).rows:
            name = _table_name(row)
            complete.setdefault(name[:-1], True)
            if name in wanted:
                rows[name] = row
                groups.setdefault(name[:-1], []).append(name[-1])
            else:
                complete[name[:-1]] = False
        # Of a family of shards, the newest stands for all.
        newest: dict[Name, Family] = {}
        for schema, names in groups.items():
            found, plain = families(names)
            newest.update({(*schema, family.newest): family for family in found})
            kept = {*plain, *(family.newest for family in found)}
            for each in names:
                if each not in kept:
                    del rows[*schema, each]
        keys = self._all_keys(rows)
        total, done = len(rows), 0
        columns = self._engine.run(self._columns).rows
        for name, own in groupby(columns, _table_name):
            row_of = rows.pop(name, None)
            if row_of is None:
                continue
            table = self._table(name, row_of, list(own), keys.get(name, _Keys()))
            family = newest.get(name)
            if family is not None:
                parts = (*name[:-1], family.name)
                table = replace(
                    table, parts=parts, rows=None, bytes=None, shards=family.shards(name[:-1])
                )
            done += 1
            progress(done, total, table.path)
            yield Collected(table, partitioning=_partitioning(row_of))
        for name, row_of in rows.items():
            # PostgreSQL has tables without any column.
            yield Collected(self._table(name, row_of, [], keys.get(name, _Keys())))
        for schema, is_complete in complete.items():
            yield Listed(schema, is_complete)

    def _table(self, name: Name, row: Row, columns: Sequence[Row], keys: _Keys) -> Table:
        from smq.expr.ddl import nested_columns

        found: list[Column] = []
        for _, _, _, column, kind, required, comment in columns:
            first, *fields = nested_columns(nfc(str(column)), str(kind), self.dialect)
            mode = "REQUIRED" if required and first.mode == "NULLABLE" else first.mode
            found.append(replace(first, mode=mode, description=str(comment or "")))
            found.extend(fields)
        size = row[6] if len(row) > 6 else None
        partitioning = _partitioning(row)
        return Table(
            name,
            tuple(found),
            kind=str(row[3]),
            description=str(row[4] or ""),
            rows=row[5] if isinstance(row[5], int) else None,
            bytes=size if isinstance(size, int) else None,
            partitioning=tuple(partitioning["fields"]) if partitioning else (),
            primary_key=keys.primary,
            unique_keys=keys.unique,
            foreign_keys=keys.foreign,
        )

    def _all_keys(self, tables: Mapping[Name, Row]) -> dict[Name, _Keys]:
        found: dict[Name, _Keys] = {}
        for row in self._engine.run(self._keys).rows:
            name = _table_name(row)
            if name not in tables:
                continue
            keys = found.get(name, _Keys())
            columns = _names(row[4])
            if row[3] == "PRIMARY KEY":
                keys = replace(keys, primary=columns)
            elif row[3] == "UNIQUE":
                keys = replace(keys, unique=(*keys.unique, columns))
            else:
                referenced = tuple(nfc(str(part)) for part in row[5:7] if part)
                key = ForeignKey(columns, referenced, _names(row[7]))
                keys = replace(keys, foreign=(*keys.foreign, key))
            found[name] = keys
        return found


def _table_name(row: Row) -> Name:
    database, schema, name = (nfc(str(part)) for part in row[:3])
    return (database, schema, name) if database else (schema, name)


def _names(value: object) -> Name:
    return tuple(nfc(str(part)) for part in value) if isinstance(value, list | tuple) else ()


def _partitioning(row: Row) -> dict[str, Any] | None:
    """PostgreSQL's words: `RANGE (ordered_at)`, `LIST (country, state)`."""
    text = str(row[7]) if len(row) > 7 and row[7] else ""
    method, opened, inside = text.partition(" (")
    if not opened:
        return None
    fields = [part.strip().strip('"') for part in inside.removesuffix(")").split(",")]
    return {"type": method.strip(), "field": fields[0], "fields": fields}

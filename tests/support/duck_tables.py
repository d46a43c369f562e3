"""Tables of plain values in an embedded DuckDB, and its answers in comparable form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import duckdb
from tests.support.oracle_expressions import Value, comparable
from tests.support.oracle_files import SQL_TYPES
from tests.support.oracle_text import literal
from tests.support.oracle_world import Table


def create_tables(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Each table with its rows, replacing one of that name."""
    for table in tables:
        columns = [(name, SQL_TYPES[kind]) for name, kind in table.columns]
        rows = [tuple(row[name] for name, _ in table.columns) for row in table.rows]
        create_table(connection, table.name, columns, rows)


def create_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Value]],
) -> None:
    """One table; a name with dots has a schema, which is created where it is missing."""
    *schemas, _ = parts = name.split(".")
    for schema in schemas:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    target = ".".join(f'"{part}"' for part in parts)
    typed = ", ".join(f'"{column}" {kind}' for column, kind in columns)
    connection.execute(f"CREATE OR REPLACE TABLE {target} ({typed})")
    if rows:
        values = ", ".join("(" + ", ".join(literal(v) for v in row) + ")" for row in rows)
        connection.execute(f"INSERT INTO {target} VALUES {values}")


def plain(value: object) -> Value:
    """An engine's value as the oracle has it: no Decimal, no NaN, dates as midnights."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    assert value is None or isinstance(value, str | int | float | bool | date), repr(value)
    return comparable(value)


def same(left: Value, right: Value) -> bool:
    """Equal as SQL values; floating point numbers to nine digits."""
    if left is None or right is None:
        return left is right
    left, right = plain(left), plain(right)
    if isinstance(left, int | float) and isinstance(right, int | float):
        if isinstance(left, bool) is not isinstance(right, bool):
            return False
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return type(left) is type(right) and left == right


def same_row(left: Sequence[Value], right: Sequence[Value]) -> bool:
    return len(left) == len(right) and all(map(same, left, right))


def unmatched(
    got: Sequence[Sequence[Value]], expected: Sequence[Sequence[Value]]
) -> tuple[list[Sequence[Value]], list[Sequence[Value]]]:
    """Rows of `got` and of `expected` that the other has not, counting repeats."""
    missing = list(expected)
    extra = []
    for row in got:
        index = next((i for i, other in enumerate(missing) if same_row(row, other)), None)
        if index is None:
            extra.append(row)
        else:
            missing.pop(index)
    return extra, missing

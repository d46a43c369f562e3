"""DuckDB, the embedded default. The canonical trees are its SQL already."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import call, cast, interval, is_day_or_finer, part

if TYPE_CHECKING:
    from sqlglot import exp


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    if is_day_or_finer(grain, kind):
        return value
    start = call("DATE_TRUNC", grain, value)
    # DATE_TRUNC of a DATE is a TIMESTAMP.
    return cast(start, "DATE") if kind == "date" else start


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    moved = interval(value, count, grain)
    return cast(moved, "DATE") if kind == "date" else moved


DIALECT = Dialect(
    name="duckdb",
    label="DuckDB",
    sqlglot="duckdb",
    plain=re.compile(r"[^\W\d][\w$]*"),
    reserved=words(
        """
        all analyse analyze and anti any array as asc asof asymmetric at authorization
        binary both by case cast check collate collation column columns concurrently
        constraint create cross current_catalog current_date current_role current_time
        current_timestamp current_user default deferrable desc describe distinct do else end
        except false fetch for foreign freeze from full generated glob grant group having
        ilike in initially inner intersect into is isnull join lambda lateral leading left
        like limit localtime localtimestamp map natural not notnull null offset on only or
        order outer overlaps pivot pivot_longer pivot_wider placing positional primary
        qualify references returning right select semi session_user show similar some struct
        summarize symmetric table tablesample then to trailing true try_cast tuple union
        unique unpack unpivot user using variadic verbose when where window with
        """
    ),
    # COUNT_IF of no rows is NULL.
    needs=frozenset({Needs.COUNT_IF_AS_CASE}),
    seconds={"nanosecond": "is", "microsecond": "is", "millisecond": "millisecond"},
    percentiles=Percentiles(
        median=lambda value: call("MEDIAN", value),
        continuous=lambda value, fraction: call("QUANTILE_CONT", value, fraction),
        discrete=lambda value, fraction: call("QUANTILE_DISC", value, fraction),
    ),
    first_weekday="sunday 0",
    weeks_are_iso=True,
    counts_boundaries=True,
    clock_differences="boundaries",
    forms=Forms(truncate=_truncate, add=_add, weekday=part("DOW"), iso_week=part("WEEK")),
)

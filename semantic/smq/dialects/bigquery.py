"""BigQuery (GoogleSQL)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import (
    binary,
    call,
    cast,
    in_basic_units,
    is_day_or_finer,
    operand,
    part,
    word,
)

if TYPE_CHECKING:
    from sqlglot import exp


_CLOCK = ("millisecond", "second", "minute", "hour")


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    if is_day_or_finer(grain, kind):
        return value
    # A plain WEEK starts on Sunday.
    unit = call("WEEK", word("MONDAY")) if grain == "week" else word(grain.upper())
    # DATE_TRUNC takes a DATE, a DATETIME and a TIMESTAMP, and keeps the type; TIMESTAMP_TRUNC takes
    # no DATE, which a column of unknown type may well be.
    return call("TIMESTAMP_TRUNC" if grain in _CLOCK else "DATE_TRUNC", value, unit)


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    from sqlglot import exp

    count, unit = in_basic_units(count, grain)
    step = exp.Interval(this=exp.Literal.number(abs(count)), unit=word(unit.upper()))
    direction = "SUB" if count < 0 else "ADD"
    if kind == "date":
        return call(f"DATE_{direction}", value, step)
    if unit in ("month", "year"):
        # A TIMESTAMP moves by fixed lengths only, so months go by way of DATETIME.
        return cast(call(f"DATETIME_{direction}", call("DATETIME", value), step), "TIMESTAMPTZ")
    return binary("-" if count < 0 else "+", value, step)


def _weekday(day: exp.Expr) -> exp.Expr:
    return operand(binary("-", part("DAYOFWEEK")(day), 1))


DIALECT = Dialect(
    name="bigquery",
    label="BigQuery",
    sqlglot="bigquery",
    plain=re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    reserved=words(
        """
        all and any array as asc assert_rows_modified at between by case cast collate contains
        create cross cube current default define desc distinct else end enum escape except exclude
        exists extract false fetch following for from full group grouping groups hash having if
        ignore in inner intersect interval into is join lateral left like limit lookup merge
        natural new no not null nulls of on or order outer over partition preceding proto qualify
        range recursive respect right rollup rows select set some struct tablesample then to treat
        true unbounded union unnest using when where window with within
        """
    ),
    forbidden=re.compile(r'[\x00-\x1f\x7f-\x9f!"$()*,./;?@\[\\\]^`{}~]'),
    max_name=300,
    tables_keep_case=True,
    null_order="small",
    needs=frozenset(
        {
            Needs.LOG_WITH_BASE,
            Needs.NULLS_OF_GREATEST,
            Needs.FILTER_AS_CASE,
            Needs.NULLS_LAST_AS_CASE_IN_WINDOWS,
            Needs.ORDER_IN_WINDOWS,
            Needs.PLAIN_ANY_VALUE,
            Needs.ONE_DISTINCT_VALUE,
            Needs.LIKE_WITHOUT_ESCAPE,
        }
    ),
    aliases_shadow=frozenset({"having", "qualify", "order"}),
    frames=frozenset({"RANGE"}),
    wildcard_tables=True,
    # PERCENTILE_CONT and PERCENTILE_DISC are window functions only.
    seconds={"nanosecond": "is", "microsecond": "is", "millisecond": "millisecond"},
    lacks=words("mode first last kurtosis skewness"),
    percentiles=Percentiles(median=None, continuous=None, discrete=None),
    backslash_in_like=True,
    first_weekday="sunday 1",
    counts_boundaries=True,
    clock_differences="whole",
    forms=Forms(truncate=_truncate, add=_add, weekday=_weekday, iso_week=part("ISOWEEK")),
)

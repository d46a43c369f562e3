"""Databricks SQL and Spark SQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import (
    binary,
    call,
    in_basic_units,
    interval,
    is_day_or_finer,
    operand,
    within_group,
)

if TYPE_CHECKING:
    from sqlglot import exp


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    if is_day_or_finer(grain, kind):
        return value
    # TRUNC gives a DATE and DATE_TRUNC a TIMESTAMP, whatever they are given.
    if kind == "date":
        return call("TRUNC", value, grain.upper())
    return call("DATE_TRUNC", grain.upper(), value)


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    count, unit = in_basic_units(count, grain)
    if kind == "date" and unit == "day":
        return call("DATE_ADD", value, count)
    if kind == "date" and unit in ("month", "year"):
        return call("ADD_MONTHS", value, count * (12 if unit == "year" else 1))
    return interval(value, count, unit)


def _weekday(day: exp.Expr) -> exp.Expr:
    return operand(binary("-", call("DAYOFWEEK", day), 1))


def _iso_week(day: exp.Expr) -> exp.Expr:
    return call("WEEKOFYEAR", day)


DIALECT = Dialect(
    name="databricks",
    label="Databricks",
    sqlglot="databricks",
    plain=re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    reserved=words(
        """
        all and anti any as at authorization between both by case cast check collate column
        constraint create cross cube current_date current_time current_timestamp current_user
        delete describe distinct drop else end escape except exists external extract false fetch
        filter for foreign from full function global grant group grouping having in inner insert
        intersect interval into is join lateral leading left like local minus natural no not null
        of on only or order outer overlaps partition primary references revoke right row rows
        select semi session_user set some start table tablesample then time to trailing true
        truncate union unique unknown update user using values when where with
        """
    ),
    max_name=255,
    null_order="small",
    needs=frozenset(
        {
            Needs.LOG_WITH_BASE,
            Needs.CASTS_CUT,
            Needs.ORDER_IN_WINDOWS,
            # There is QUALIFY, but not with aggregates in it, as windows over groups have.
            Needs.QUALIFY_AS_SUBQUERY,
        }
    ),
    frames=frozenset({"RANGE", "INTERVAL"}),
    seconds={"nanosecond": "is", "microsecond": "is", "millisecond": "millisecond"},
    percentiles=Percentiles(
        median=lambda value: call("MEDIAN", value),
        # sqlglot makes the approximate function of PERCENTILE_CONT … WITHIN GROUP.
        continuous=lambda value, fraction: call("PERCENTILE", value, fraction),
        discrete=lambda value, fraction: within_group("PERCENTILE_DISC", fraction, value),
    ),
    backslash_in_like=True,
    first_weekday="sunday 1",
    weeks_are_iso=True,
    clock_differences="whole",
    forms=Forms(truncate=_truncate, add=_add, weekday=_weekday, iso_week=_iso_week),
)

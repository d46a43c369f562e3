"""PostgreSQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import (
    binary,
    call,
    cast,
    interval,
    is_day_or_finer,
    operand,
    part,
    within_group,
)

if TYPE_CHECKING:
    from sqlglot import exp


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    if is_day_or_finer(grain, kind):
        return value
    start = call("DATE_TRUNC", grain, value)
    # DATE_TRUNC of a DATE is a TIMESTAMP WITH TIME ZONE.
    return cast(start, "DATE") if kind == "date" else start


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    moved = interval(value, count, grain)
    return cast(moved, "DATE") if kind == "date" else moved


def _days(end: exp.Expr, start: exp.Expr) -> exp.Expr:
    """A DATE less a DATE is a number of days."""
    return operand(binary("-", end, start))


DIALECT = Dialect(
    name="postgres",
    label="PostgreSQL",
    sqlglot="postgres",
    plain=re.compile(r"[^\W\d][\w$]*"),
    reserved=words(
        """
        all analyse analyze and any array as asc asymmetric authorization binary both case cast
        check collate collation column concurrently constraint create cross current_catalog
        current_date current_role current_schema current_time current_timestamp current_user
        default deferrable desc distinct do else end except false fetch for foreign freeze from
        full grant group having ilike in initially inner intersect into is isnull join lateral
        leading left like limit localtime localtimestamp natural not notnull null offset on only or
        order outer overlaps placing primary references returning right select session_user similar
        some symmetric table tablesample then to trailing true union unique user using variadic
        verbose when where window with
        """
    ),
    folding="lower",
    case_sensitive=True,
    max_name=63,
    max_name_in="bytes",
    null_order="large",
    needs=frozenset(
        {
            Needs.STARTS_FROM_LEFT,
            Needs.HALVES_TO_EVEN,
            Needs.QUALIFY_AS_SUBQUERY,
            Needs.COUNT_IF_AS_CASE,
            Needs.TYPED_UNION_NULLS,
            Needs.EXACT_COUNT_DISTINCT,
            Needs.EXACT_QUANTILES,
            Needs.NAMED_DATE_PARTS,
            Needs.ANY_VALUE_AS_MAX,
        }
    ),
    seconds={"nanosecond": "is", "microsecond": "is", "millisecond": "milliseconds"},
    lacks=words("argmax argmin mode first last kurtosis skewness"),
    percentiles=Percentiles(
        median=lambda value: within_group("PERCENTILE_CONT", "0.5", value),
        continuous=lambda value, fraction: within_group("PERCENTILE_CONT", fraction, value),
        discrete=lambda value, fraction: within_group("PERCENTILE_DISC", fraction, value),
        over_windows=False,
    ),
    backslash_in_like=True,
    first_weekday="sunday 0",
    weeks_are_iso=True,
    clock_differences="boundaries",
    forms=Forms(
        truncate=_truncate, add=_add, weekday=part("DOW"), iso_week=part("WEEK"), days=_days
    ),
)

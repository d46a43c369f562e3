"""Snowflake."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import binary, call, is_day_or_finer, operand, within_group, word

if TYPE_CHECKING:
    from sqlglot import exp


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    # DATE_TRUNC keeps the type. Weeks start on Monday unless the session's WEEK_START says else.
    return value if is_day_or_finer(grain, kind) else call("DATE_TRUNC", grain, value)


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    return call("DATEADD", word(grain.upper()), count, value)


def _weekday(day: exp.Expr) -> exp.Expr:
    return operand(binary("%", call("DAYOFWEEKISO", day), 7))


def _iso_week(day: exp.Expr) -> exp.Expr:
    return call("WEEKISO", day)


DIALECT = Dialect(
    name="snowflake",
    label="Snowflake",
    sqlglot="snowflake",
    plain=re.compile(r"[A-Za-z_][A-Za-z0-9_$]*"),
    reserved=words(
        """
        account all alter and any as between by case cast check column connect connection
        constraint create cross current current_date current_time current_timestamp current_user
        database delete distinct drop else exists false following for from full grant group
        gscluster having ilike in increment inner insert intersect into is issue join lateral left
        like localtime localtimestamp minus natural not null of on or order organization qualify
        regexp revoke right rlike row rows sample schema select set some start table tablesample
        then to trigger true try_cast union unique update using values view when whenever where
        with
        """
    ),
    folding="upper",
    case_sensitive=True,
    max_name=255,
    null_order="large",
    needs=frozenset(
        {
            Needs.LOG_WITH_BASE,
            Needs.NULLS_OF_GREATEST,
            Needs.FILTER_AS_CASE,
            Needs.DOUBLE_DIVISION,
            Needs.COUNT_IF_AS_CASE,
            Needs.AVERAGE_OF_DOUBLES,
            Needs.ORDER_IN_WINDOWS,
            Needs.ANY_VALUE_AS_MAX,
            # Without a frame they look at the whole partition.
            Needs.FRAMES_OF_VALUES,
        }
    ),
    frames=frozenset({"RANGE", "INTERVAL"}),
    seconds={
        "nanosecond": "nanosecond",
        "microsecond": "microsecond",
        "millisecond": "millisecond",
    },
    lacks=words("first last"),
    percentiles=Percentiles(
        median=lambda value: call("MEDIAN", value),
        continuous=lambda value, fraction: within_group("PERCENTILE_CONT", fraction, value),
        discrete=lambda value, fraction: within_group("PERCENTILE_DISC", fraction, value),
    ),
    first_weekday="sunday 0",
    weeks_are_iso=True,
    counts_boundaries=True,
    clock_differences="boundaries",
    forms=Forms(truncate=_truncate, add=_add, weekday=_weekday, iso_week=_iso_week),
)

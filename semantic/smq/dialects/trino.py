"""Trino, and the engines that speak its dialect: Presto, Athena."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import binary, call, is_day_or_finer, operand

if TYPE_CHECKING:
    from sqlglot import exp


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    return value if is_day_or_finer(grain, kind) else call("DATE_TRUNC", grain, value)


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    return call("DATE_ADD", grain, count, value)


def _weekday(day: exp.Expr) -> exp.Expr:
    return operand(binary("%", call("DAY_OF_WEEK", day), 7))


def _iso_week(day: exp.Expr) -> exp.Expr:
    return call("WEEK", day)


DIALECT = Dialect(
    name="trino",
    label="Trino",
    sqlglot="trino",
    plain=re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    reserved=words(
        """
        alter and as between by case cast constraint create cross cube current_catalog current_date
        current_path current_role current_schema current_time current_timestamp current_user
        deallocate delete describe distinct drop else end escape except execute exists extract
        false for from full group grouping having in inner insert intersect into is join json_array
        json_exists json_object json_query json_table json_value left like listagg localtime
        localtimestamp natural normalize not null on or order outer prepare recursive right rollup
        select skip table then trim true uescape union unnest using values when where with
        """
    ),
    folding="lower",
    needs=frozenset(
        {
            Needs.LOG_WITH_BASE,
            Needs.NULLS_OF_GREATEST,
            Needs.NO_DAY_NUMBERS,
            Needs.QUALIFY_AS_SUBQUERY,
            Needs.AVERAGE_OF_DOUBLES,
            Needs.PLAIN_ANY_VALUE,
            Needs.ORDERED_LISTAGG,
        }
    ),
    frames=frozenset({"GROUPS", "RANGE", "INTERVAL"}),
    # There is APPROX_PERCENTILE and nothing exact.
    seconds={"millisecond": "millisecond"},
    lacks=words("mode"),
    percentiles=Percentiles(median=None, continuous=None, discrete=None),
    first_weekday="monday 1",
    weeks_are_iso=True,
    clock_differences="whole",
    forms=Forms(truncate=_truncate, add=_add, weekday=_weekday, iso_week=_iso_week),
)

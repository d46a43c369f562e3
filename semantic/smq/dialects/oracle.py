"""Oracle Database 12.2 and later."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import binary, call, cast, in_basic_units, operand, within_group, word

if TYPE_CHECKING:
    from sqlglot import exp

_CLOCK = ("second", "minute", "hour")
_MODELS = {
    "minute": "MI",
    "hour": "HH24",
    "day": "DD",
    "week": "IW",
    "month": "MM",
    "quarter": "Q",
    "year": "YYYY",
}


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    if kind == "date":
        # A DATE of Oracle may hold a time of day, so even the day is cut.
        return call("TRUNC", value, "DD" if grain in _CLOCK else _MODELS[grain])
    if grain == "second":
        # TRUNC knows no seconds, and a DATE holds whole ones.
        return cast(cast(value, "DATE"), "TIMESTAMP")
    return cast(call("TRUNC", value, _MODELS[grain]), "TIMESTAMP")


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    count, unit = in_basic_units(count, grain)
    if unit in ("month", "year"):
        # ADD_MONTHS makes 31 March of 28 February, so the month is moved and the day put back.
        months = count * (12 if unit == "year" else 1)
        moved = call("ADD_MONTHS", call("TRUNC", value, "MM"), months)
        passed = binary("-", cast(value.copy(), "DATE"), call("TRUNC", value.copy(), "MM"))
        day = binary("+", moved, passed)
        if kind == "date":
            return call("LEAST", day, call("LAST_DAY", moved.copy()))
        time = binary("-", cast(value.copy(), "DATE"), call("TRUNC", value.copy(), "DD"))
        last = binary("+", call("LAST_DAY", moved.copy()), time)
        return cast(call("LEAST", day, last), "TIMESTAMP")
    if kind == "date" and unit == "day":
        return binary("+" if count >= 0 else "-", value, abs(count))
    step = call("NUMTODSINTERVAL", count, unit.upper())
    moved = binary("+", value, step)
    return cast(moved, "DATE") if kind == "date" else moved


def _days(end: exp.Expr, start: exp.Expr) -> exp.Expr:
    """A DATE less a DATE is a number of days, and of parts of a day where they have times."""
    return operand(binary("-", call("TRUNC", end), call("TRUNC", start)))


def _quarter(day: exp.Expr) -> exp.Expr:
    return cast(call("TO_CHAR", day, "Q"), "INT")


def _iso_week(day: exp.Expr) -> exp.Expr:
    return cast(call("TO_CHAR", day, "IW"), "INT")


DIALECT = Dialect(
    name="oracle",
    label="Oracle",
    sqlglot="oracle",
    plain=re.compile(r"[^\W\d_][\w$#]*"),
    reserved=words(
        """
        access add all alter and any as asc audit between by case char check cluster column
        column_value comment compress connect create current date decimal default delete desc
        distinct drop else end exclusive exists file float for from grant group having identified
        immediate in increment index initial insert integer intersect into is level like lock long
        maxextents minus mlslabel mode modify nested_table_id noaudit nocompress not nowait null
        number of offline on online option or order pctfree prior public raw rename resource revoke
        row rowid rownum rows select session set share size smallint start successful synonym
        sysdate table then to trigger uid union unique update user validate values varchar varchar2
        view when whenever where with
        """
    ),
    folding="upper",
    case_sensitive=True,
    forbidden=re.compile(r'[\x00-\x1f\x7f-\x9f"]'),
    max_name=128,
    max_name_in="bytes",
    null_order="large",
    needs=frozenset(
        {
            Needs.LOG_WITH_BASE,
            Needs.NULLS_OF_GREATEST,
            Needs.QUALIFY_AS_SUBQUERY,
            Needs.NULL_SAFE_SPELLED_OUT,
            Needs.FILTER_AS_CASE,
            Needs.COUNT_IF_AS_CASE,
            Needs.BOOLEANS_AS_NUMBERS,
            Needs.GROUP_BY_EXPRESSIONS,
            Needs.TYPED_UNION_NULLS,
            Needs.DATE_LITERALS,
            Needs.EXACT_COUNT_DISTINCT,
            Needs.EXACT_QUANTILES,
            Needs.ORDER_IN_WINDOWS,
            Needs.TODAY_WITHOUT_TIME,
            Needs.ANY_VALUE_AS_MAX,
            Needs.ONE_DISTINCT_VALUE,
            Needs.ORDER_BY_NULL,
            Needs.BOOLEAN_AGGREGATES_AS_MAX,
        }
    ),
    text_type=("VARCHAR", "4000"),
    functions={"stddev": "STDDEV_SAMP", "variance": "VAR_SAMP", "variancepop": "VAR_POP"},
    lacks=words("mode argmax argmin arrayagg first last kurtosis skewness"),
    percentiles=Percentiles(
        median=lambda value: call("MEDIAN", value),
        continuous=lambda value, fraction: within_group("PERCENTILE_CONT", fraction, value),
        discrete=lambda value, fraction: within_group("PERCENTILE_DISC", fraction, value),
    ),
    forms=Forms(
        truncate=_truncate,
        add=_add,
        iso_week=_iso_week,
        quarter=_quarter,
        days=_days,
        today=lambda: call("TRUNC", word("CURRENT_DATE")),
    ),
)

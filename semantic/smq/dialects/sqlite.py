"""SQLite, which keeps dates as ISO text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import binary, call, cast, in_basic_units

if TYPE_CHECKING:
    from sqlglot import exp

_MASKS = {
    "second": "%Y-%m-%d %H:%M:%S",
    "minute": "%Y-%m-%d %H:%M:00",
    "hour": "%Y-%m-%d %H:00:00",
}


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    function = "DATE" if kind == "date" else "DATETIME"
    if grain in _MASKS:
        return call("DATE", value) if kind == "date" else call("STRFTIME", _MASKS[grain], value)
    if grain == "day":
        return call("DATE", value) if kind == "date" else call("DATETIME", value, "start of day")
    if grain == "week":
        # The Sunday that ends the week, and back to its Monday.
        back = call("DATE", value, "weekday 0", "-6 days")
        return back if kind == "date" else call("DATETIME", back)
    if grain == "quarter":
        month = cast(call("STRFTIME", "%m", value), "INT")
        months = binary("%", binary("-", month, 1), 3)
        back_by = binary("||", binary("||", _text("-"), months), _text(" months"))
        return call(function, value.copy(), "start of month", back_by)
    return call(function, value, f"start of {grain}")


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    count, unit = in_basic_units(count, grain)
    function = "DATE" if kind == "date" else "DATETIME"
    moved = call(function, value, f"{count:+d} {unit}s")
    if unit not in ("month", "year"):
        return moved
    # SQLite makes 2 March of 31 January plus one month; the smaller of that and the last day of
    # the month that was meant is the right one.
    months = count * (12 if unit == "year" else 1) + 1
    last = call("DATE", value.copy(), "start of month", f"{months:+d} months", "-1 day")
    if kind == "timestamp":
        time = binary("||", _text(" "), call("TIME", value.copy()))
        last = binary("||", last, time)
    return call("MIN", moved, last)


def _text(text: str) -> exp.Expr:
    from sqlglot import exp

    return exp.Literal.string(text)


def _weekday(day: exp.Expr) -> exp.Expr:
    return cast(call("STRFTIME", "%w", day), "INT")


DIALECT = Dialect(
    name="sqlite",
    label="SQLite",
    sqlglot="sqlite",
    plain=re.compile(r"[^\W\d][\w$]*"),
    reserved=words(
        """
        add all alter and as autoincrement between case cast check collate commit constraint
        create cross current_date current_time current_timestamp default deferrable delete
        distinct drop else escape except exists false foreign from full group having in
        index inner insert intersect into is isnull join left limit natural not nothing
        notnull null on or order outer primary raise references returning right select set
        table then to transaction true union unique update using values when where
        """
    ),
    # Columns of subqueries with these two names are taken for the values, in quotes or not; the
    # empty place at their end is what becomes an underscore.
    forbidden=re.compile(r"(?i)[\x00-\x1f\x7f-\x9f]|(?<=\Atrue)\Z|(?<=\Afalse)\Z"),
    null_order="small",
    needs=frozenset(
        {
            Needs.NULLS_OF_GREATEST,
            Needs.CASTS_CUT,
            Needs.CONCAT_AS_OPERATOR,
            Needs.LIKE_IGNORES_CASE,
            Needs.NO_DAY_NUMBERS,
            Needs.QUALIFY_AS_SUBQUERY,
            Needs.COUNT_IF_AS_CASE,
            Needs.EXACT_COUNT_DISTINCT,
            Needs.EXACT_QUANTILES,
            Needs.INTERVALS_AS_CALLS,
            Needs.TIMESTAMPS_AS_TEXT,
            Needs.DATE_PARTS_AS_TEXT,
            Needs.ANY_VALUE_AS_MAX,
            Needs.ONE_DISTINCT_VALUE,
        }
    ),
    frames=frozenset({"GROUPS", "EXCLUDE", "RANGE"}),
    seconds={"nanosecond": "is", "microsecond": "is"},
    lacks=words(
        "stddev stddevpop stddevsamp variance variancepop corr covarpop covarsamp mode argmax"
        " argmin arrayagg first last kurtosis skewness"
    ),
    percentiles=Percentiles(median=None, continuous=None, discrete=None),
    forms=Forms(
        truncate=_truncate,
        add=_add,
        weekday=_weekday,
        lacks_truncation=True,
        dates_are_text=True,
    ),
)

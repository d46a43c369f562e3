"""Microsoft SQL Server and Azure SQL, in what every supported version understands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import binary, call, cast, in_basic_units, is_day_or_finer, operand, word

if TYPE_CHECKING:
    from sqlglot import exp


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    """DATETRUNC came with 2022 only, so periods are made of their parts."""
    if is_day_or_finer(grain, kind):
        return value
    start: exp.Expr
    if grain in ("second", "minute", "hour"):
        return _start_of_clock(value, grain)
    if grain == "day":
        start = cast(value, "DATE")
    elif grain == "week":
        # Day one of year one was a Monday, and DATEDIFF by days ignores SET DATEFIRST.
        monday = cast(_text("0001-01-01"), "DATE")
        days = binary("%", call("DATEDIFF", word("DAY"), monday, value), 7)
        day = value.copy() if kind == "date" else cast(value.copy(), "DATE")
        start = call("DATEADD", word("DAY"), _minus(days), day)
    else:
        month: exp.Expr | int = 1
        if grain == "month":
            month = call("MONTH", value.copy())
        elif grain == "quarter":
            quarter = call("DATEPART", word("QUARTER"), value.copy())
            month = binary("-", binary("*", 3, quarter), 2)
        start = call("DATEFROMPARTS", call("YEAR", value), month, 1)
    return start if kind == "date" else cast(start, "DATETIME2")


def _weekday(day: exp.Expr) -> exp.Expr:
    # From the Monday of day one, so that SET DATEFIRST does not matter.
    days = call("DATEDIFF", word("DAY"), cast(_text("0001-01-01"), "DATE"), day)
    return operand(binary("%", operand(binary("+", days, 1)), 7))


def _start_of_clock(value: exp.Expr, grain: Grain) -> exp.Expr:
    """The day, and what is past of it in whole hours, minutes or seconds."""
    day = cast(cast(value, "DATE"), "DATETIME2")
    passed = call("DATEDIFF", word(grain.upper()), day.copy(), value.copy())
    return call("DATEADD", word(grain.upper()), passed, day)


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    count, unit = in_basic_units(count, grain)
    return call("DATEADD", word(unit.upper()), count, value)


def _minus(value: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    return exp.Neg(this=exp.Paren(this=value))


def _text(text: str) -> exp.Expr:
    from sqlglot import exp

    return exp.Literal.string(text)


def _iso_week(day: exp.Expr) -> exp.Expr:
    return call("DATEPART", word("ISO_WEEK"), day)


DIALECT = Dialect(
    name="sqlserver",
    label="SQL Server",
    sqlglot="tsql",
    plain=re.compile(r"[^\W\d][\w@$#]*"),
    reserved=words(
        """
        add all alter and any as asc authorization backup begin between break browse bulk by
        cascade case check checkpoint close clustered coalesce collate column commit compute
        constraint contains containstable continue convert create cross current current_date
        current_time current_timestamp current_user cursor database dbcc deallocate declare default
        delete deny desc disk distinct distributed double drop dump else end errlvl escape except
        exec execute exists exit external fetch file fillfactor for foreign freetext freetexttable
        from full function goto grant group having holdlock identity identity_insert identitycol if
        in index inner insert intersect into is join key kill left like lineno load merge national
        nocheck nonclustered not null nullif of off offsets on open opendatasource openquery
        openrowset openxml option or order outer over percent pivot plan precision primary print
        proc procedure public raiserror read readtext reconfigure references replication restore
        restrict return revert revoke right rollback rowcount rowguidcol rule save schema
        securityaudit select semantickeyphrasetable semanticsimilaritydetailstable
        semanticsimilaritytable session_user set setuser shutdown some statistics system_user table
        tablesample textsize then to top tran transaction trigger truncate try_convert tsequal
        union unique unpivot update updatetext use user values varying view waitfor when where
        while with within writetext
        """
    ),
    max_name=128,
    null_order="small",
    needs=frozenset(
        {
            Needs.LOG_WITH_BASE,
            Needs.CASTS_CUT,
            Needs.STARTS_FROM_LEFT,
            Needs.NO_DAY_NUMBERS,
            Needs.QUALIFY_AS_SUBQUERY,
            Needs.NULL_SAFE_SPELLED_OUT,
            Needs.FILTER_AS_CASE,
            Needs.COUNT_IF_AS_CASE,
            Needs.NULLS_LAST_AS_CASE,
            Needs.BOOLEANS_AS_NUMBERS,
            Needs.GROUP_BY_EXPRESSIONS,
            Needs.TYPED_UNION_NULLS,
            Needs.ILIKE_AS_LOWER,
            Needs.AVERAGE_OF_DOUBLES,
            Needs.EXACT_COUNT_DISTINCT,
            Needs.EXACT_QUANTILES,
            Needs.ORDER_IN_WINDOWS,
            Needs.INTERVALS_AS_CALLS,
            Needs.TODAY_WITHOUT_TIME,
            Needs.NAMED_DATE_PARTS,
            Needs.ANY_VALUE_AS_MAX,
            Needs.ONE_DISTINCT_VALUE,
            Needs.BOOLEAN_AGGREGATES_AS_MAX,
            Needs.NATIONAL_LITERALS,
        }
    ),
    frames=frozenset(),
    # PERCENTILE_CONT and PERCENTILE_DISC are window functions only.
    text_type=("NVARCHAR", "MAX"),
    functions={
        "stddevpop": "STDEVP",
        "stddevsamp": "STDEV",
        "variance": "VAR",
        "variancepop": "VARP",
    },
    lacks=words(
        "corr covarpop covarsamp mode argmax argmin arrayagg first last kurtosis skewness nthvalue"
    ),
    percentiles=Percentiles(median=None, continuous=None, discrete=None),
    weeks_from_sunday=True,
    first_weekday="sunday 1",
    counts_boundaries=True,
    clock_differences="boundaries",
    forms=Forms(
        truncate=_truncate,
        add=_add,
        weekday=_weekday,
        iso_week=_iso_week,
        today=lambda: cast(call("GETDATE"), "DATE"),
    ),
)

"""ClickHouse, with the analyzer that is the default since 24.3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import binary, call, in_basic_units, is_day_or_finer, operand

if TYPE_CHECKING:
    from sqlglot import exp


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    if is_day_or_finer(grain, kind):
        return value
    start = call("dateTrunc", grain, value)
    # From the day on, dateTrunc gives a Date whatever it is given.
    return start if kind == "date" else call("toDateTime64", start, 0)


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    count, unit = in_basic_units(count, grain)
    return call(f"add{unit.capitalize()}s", value, count)


def _quantile(value: exp.Expr, fraction: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    # quantile and median are approximate; this one interpolates as PERCENTILE_CONT does.
    return exp.ParameterizedAgg(
        this="quantileExactInclusive", expressions=[fraction], params=[value]
    )


def _median(value: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    return _quantile(value, exp.Literal.number("0.5"))


def _weekday(day: exp.Expr) -> exp.Expr:
    return operand(binary("%", call("toDayOfWeek", day), 7))


def _iso_week(day: exp.Expr) -> exp.Expr:
    return call("toISOWeek", day)


DIALECT = Dialect(
    name="clickhouse",
    label="ClickHouse",
    sqlglot="clickhouse",
    plain=re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    reserved=words(
        """
        all and anti any array as asc asof between by case cast cross cube desc distinct else end
        except false final format from full global group having ilike in inner intersect interval
        into is join left like limit not null offset on or order outer over prewhere qualify right
        rollup sample select semi settings then top totals true union using when where window with
        """
    ),
    case_sensitive=True,
    tables_keep_case=True,
    needs=frozenset(
        {
            Needs.LOG_WITH_BASE,
            Needs.TEXTS_OF_BYTES,
            Needs.CHARACTERS_BY_NAME,
            Needs.CASTS_CUT,
            Needs.NULL_SAFE_IN_JOINS_ONLY,
            Needs.DOUBLE_DIVISION,
            Needs.COUNT_IF_AS_CASE,
            Needs.EXACT_QUANTILES,
            Needs.PLAIN_ANY_VALUE,
            Needs.BOOLEAN_AGGREGATES_AS_MAX,
            # NTILE wants an order, and a default of LAG the very type of its value.
            Needs.ORDER_IN_WINDOWS,
            Needs.NO_DEFAULT_OF_LAG,
            Needs.NULLABLE_BEYOND_THE_END,
            Needs.SIGNED_COUNTS,
            Needs.NULLS_OF_IN,
            Needs.NAMED_OUTPUTS,
        }
    ),
    aliases_shadow=frozenset(
        {"expressions", "joins", "where", "group", "having", "qualify", "windows", "order"}
    ),
    settings=(
        # Without these an outer join fills in 0 and '' for what is missing, and an aggregate over
        # no rows is 0.
        ("join_use_nulls", "1"),
        ("aggregate_functions_null_for_empty", "1"),
    ),
    frames=frozenset({"RANGE"}),
    # The only function of windows that has no capitals.
    functions={"cumedist": "cume_dist"},
    percentiles=Percentiles(median=_median, continuous=_quantile, discrete=None),
    backslash_in_like=True,
    counts_boundaries=True,
    clock_differences="boundaries",
    forms=Forms(truncate=_truncate, add=_add, weekday=_weekday, iso_week=_iso_week),
)

"""Percentiles without a percentile function: number the rows of each group, then pick.

A SELECT inside numbers the rows of each group by the value, NULLs last, and counts the values.
Around it the groups are formed as before, and the percentile is an aggregate over the rows whose
number is next to the wanted place. Every engine with window functions can do this.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sqlglot import exp

from smq.sql.lower.context import Context
from smq.sql.lower.inner_rows import InnerRows, group_keys


@dataclass(frozen=True, slots=True)
class Ranked:
    """A percentile to be computed: `node` is what gives way to it."""

    node: exp.Expr
    value: exp.Expr
    fraction: Fraction
    discrete: bool
    descending: bool


def from_ranks(
    select: exp.Select, percentiles: list[Ranked], tree: exp.Expr, context: Context
) -> exp.Expr:
    """Rewrites the SELECT in place so that it reads from one that numbers the rows."""
    for percentile in percentiles:
        if percentile.value.find(exp.Query, exp.Window, exp.AggFunc) is not None:
            context.refuse("a percentile of this expression", "not yet", percentile.node)
            return tree
    keys = [key.copy() for key in group_keys(select)]
    if keys:
        select.args["group"].set("expressions", [key.copy() for key in keys])
    rows = InnerRows(select, tree, "ranked")
    numbers: dict[tuple[exp.Expr, bool], tuple[exp.Column, exp.Column]] = {}
    for percentile in percentiles:
        which = percentile.value.copy(), percentile.descending
        if which not in numbers:
            numbers[which] = _number(rows, percentile, keys)
        rank, count = numbers[which]
        tree = context.replace(
            percentile.node, _picked(percentile, rank.copy(), count.copy()), tree
        )
    rows.finish()
    context.touch()
    return tree


def _number(
    rows: InnerRows, percentile: Ranked, keys: list[exp.Expr]
) -> tuple[exp.Column, exp.Column]:
    """The columns with the row's number in its group and with the count of values."""
    value = percentile.value.copy()
    ordered = exp.Ordered(this=value, desc=percentile.descending or None, nulls_first=False)
    number = exp.Window(
        this=exp.RowNumber(),
        partition_by=[key.copy() for key in keys],
        order=exp.Order(expressions=[ordered]),
        over="OVER",
    )
    count = exp.Window(
        this=exp.Count(this=value.copy()), partition_by=[key.copy() for key in keys], over="OVER"
    )
    return rows.compute(number, "place"), rows.compute(count, "places")


def _picked(percentile: Ranked, rank: exp.Column, count: exp.Column) -> exp.Expr:
    value = percentile.value.copy()
    fraction = percentile.fraction
    if percentile.discrete:
        # The first value with at least the wanted part of the values up to it. Whole numbers on
        # both sides, because 0.07 * 100 is more than 7 in floating point.
        enough = exp.GTE(
            this=_times(fraction.denominator, rank), expression=_times(fraction.numerator, count)
        )
        first = exp.Max if percentile.descending else exp.Min
        return first(this=exp.Case(ifs=[exp.If(this=enough, true=value)]))
    value = exp.Cast(this=value, to=exp.DataType(this=exp.DType.DOUBLE))
    if fraction == Fraction(1, 2):
        middle = exp.Between(
            this=_times(2, rank),
            low=count,
            high=exp.Add(this=count.copy(), expression=exp.Literal.number(2)),
        )
        return exp.Avg(this=exp.Case(ifs=[exp.If(this=middle, true=value)]))
    # The place lies between two values, and each counts the more the nearer it is.
    one = exp.Literal.number(1)
    last = exp.Paren(this=exp.Sub(this=count, expression=one))
    place = exp.Mul(this=exp.Literal.number(_decimal(fraction)), expression=last)
    before = exp.Sub(this=rank, expression=one.copy())
    distance = exp.Abs(this=exp.Sub(this=before, expression=place))
    near = exp.LT(this=distance, expression=one.copy())
    weight = exp.Paren(this=exp.Sub(this=one.copy(), expression=distance.copy()))
    weighted = exp.Mul(this=value, expression=weight)
    return exp.Sum(this=exp.Case(ifs=[exp.If(this=near, true=weighted)]))


def _times(number: int, value: exp.Expr) -> exp.Expr:
    if number == 1:
        return value
    return exp.Mul(this=exp.Literal.number(number), expression=value)


def _decimal(fraction: Fraction) -> str:
    """The fraction as it was written: it came from a decimal literal."""
    return f"{float(fraction):.15g}"

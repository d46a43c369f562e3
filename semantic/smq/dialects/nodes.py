"""Short constructors for the trees that engines' modules write.

sqlglot is imported inside each function, so that the facts of a dialect can be read without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlglot import exp

    from smq.dialects.facts import Grain, ValueKind


def call(name: str, *arguments: exp.Expr | str | int) -> exp.Expr:
    """A call that is rendered as it stands; a `str` is a text literal and an `int` a number."""
    from sqlglot import exp

    return exp.Anonymous(this=name, expressions=[_node(argument) for argument in arguments])


def word(name: str) -> exp.Expr:
    """A bare word, such as the MONTH of DATE_TRUNC(x, MONTH)."""
    from sqlglot import exp

    return exp.Var(this=name)


def part(name: str) -> Callable[[exp.Expr], exp.Expr]:
    """EXTRACT of one part of a date."""

    def extracted(day: exp.Expr) -> exp.Expr:
        from sqlglot import exp

        return exp.Extract(this=word(name), expression=day)

    return extracted


def cast(value: exp.Expr, to: str) -> exp.Expr:
    """CAST to one of sqlglot's type names, which the engine's generator spells in its way."""
    from sqlglot import exp

    return exp.Cast(this=value, to=exp.DataType(this=exp.DType[to]))


def binary(operator: str, left: exp.Expr | int, right: exp.Expr | int) -> exp.Expr:
    """`left operator right`, with parentheses around operands that hold operators themselves."""
    from sqlglot import exp

    node = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul, "%": exp.Mod, "||": exp.DPipe}[operator]
    return node(this=operand(_node(left)), expression=operand(_node(right)))


def operand(value: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    wrapped = isinstance(value, exp.Binary | exp.Unary | exp.Between | exp.In | exp.Interval)
    return exp.Paren(this=value) if wrapped and not isinstance(value, exp.Paren) else value


def interval(value: exp.Expr, count: int, grain: Grain) -> exp.Expr:
    """`value + INTERVAL count grain`, or minus; quarters and weeks become months and days."""
    from sqlglot import exp

    count, unit = in_basic_units(count, grain)
    step = exp.Interval(this=exp.Literal.string(str(abs(count))), unit=exp.Var(this=unit.upper()))
    node = exp.Sub if count < 0 else exp.Add
    return node(this=operand(value), expression=step)


def interval_of(operator: str, value: exp.Expr, count: exp.Expr, unit: Grain) -> exp.Expr:
    """`value + INTERVAL count unit`, or minus, for a count that is an expression."""
    from sqlglot import exp

    step = exp.Interval(this=count, unit=exp.Var(this=unit.upper()))
    return (exp.Add if operator == "+" else exp.Sub)(this=operand(value), expression=step)


def in_basic_units(count: int, grain: Grain) -> tuple[int, Grain]:
    """The same stretch of time without weeks and quarters, which some engines do not know."""
    if grain == "week":
        return 7 * count, "day"
    if grain == "quarter":
        return 3 * count, "month"
    return count, grain


def is_day_or_finer(grain: Grain, kind: ValueKind) -> bool:
    """Whether a date is the start of its own period already."""
    return kind == "date" and grain in ("day", "hour", "minute", "second")


def _node(value: exp.Expr | str | int) -> exp.Expr:
    from sqlglot import exp

    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, int):
        # A negative literal is not a literal in SQL; sqlglot expects the sign as a node.
        number = exp.Literal.number(abs(value))
        return exp.Neg(this=number) if value < 0 else number
    return value


def within_group(function: str, fraction: exp.Expr | str, value: exp.Expr) -> exp.Expr:
    """`function(fraction) WITHIN GROUP (ORDER BY value)`, the standard's form of a percentile."""
    from sqlglot import exp

    if isinstance(fraction, str):
        fraction = exp.Literal.number(fraction)
    return exp.WithinGroup(
        this=exp.Anonymous(this=function, expressions=[fraction]),
        expression=exp.Order(expressions=[exp.Ordered(this=value)]),
    )

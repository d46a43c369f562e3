"""The oracle's own little expression language: values and three-valued logic.

Nothing here knows the compiler. A tree is evaluated against an environment that gives the value
of everything which is not plain arithmetic: names, aggregates, windows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

Value = str | int | float | bool | date | None


@dataclass(frozen=True)
class Lit:
    """A constant; dates are printed as plain strings when `bare` (SQL coerces them)."""

    value: Value
    bare: bool = False


@dataclass(frozen=True)
class Name:
    """Any reference as it is written: a column, `model__dimension`, a metric, an alias.

    `dotted` prints `a.b` for columns of an aliased table in a written join.
    """

    text: str
    dotted: bool = False


@dataclass(frozen=True)
class Template:
    """dbt's `{{ Dimension('entity__dim') }}` in a filter; it means the name it holds."""

    text: str
    grain: str | None = None


@dataclass(frozen=True)
class Op:
    """A scalar operation: arithmetic, comparison, logic, CASE, or one of a few functions."""

    op: str
    args: tuple[Expr, ...]


@dataclass(frozen=True)
class Agg:
    """An aggregate over rows; `arg` is None for COUNT(*); `where` is its FILTER clause."""

    func: str
    arg: Expr | None = None
    where: Expr | None = None
    fraction: float = 0.5


@dataclass(frozen=True)
class Bound:
    """A frame bound: -1 preceding, 0 current row, 1 following; offset None is UNBOUNDED."""

    side: int
    offset: int | None = 0


@dataclass(frozen=True)
class Frame:
    """`days` makes the offsets of a RANGE frame intervals of days."""

    unit: str
    start: Bound
    end: Bound
    exclude: str = ""
    days: bool = False


@dataclass(frozen=True)
class Sort:
    expr: Expr
    descending: bool = False


@dataclass(frozen=True)
class Over:
    """A window function with its window."""

    func: str
    args: tuple[Expr, ...] = ()
    partition: tuple[Expr, ...] = ()
    order: tuple[Sort, ...] = ()
    frame: Frame | None = None


@dataclass(frozen=True)
class Leaf:
    """One aggregate with its row filters over one base model; what metrics are made of."""

    agg: Agg
    filters: tuple[Expr, ...]
    base: str


@dataclass(frozen=True)
class Within:
    """`left IN (SELECT model__item FROM model WHERE …)`; `where` is over that model alone."""

    left: Expr
    model: str
    item: str
    where: Expr | None = None
    negated: bool = False


@dataclass(frozen=True)
class MetricOf:
    """`{{ Metric('m', group_by=['entity']) }}`: the metric of the row's entity, in a filter."""

    metric: str
    entity: str


Expr = Lit | Name | Template | Op | Agg | Over | Leaf | Within | MetricOf
Environment = Callable[[Expr], Value]


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of a node, windows and filters included."""
    match expr:
        case Op(_, args):
            return args
        case Agg(_, arg, where):
            return tuple(part for part in (arg, where) if part is not None)
        case Over(_, args, partition, order):
            return (*args, *partition, *(sort.expr for sort in order))
        case Within(left):
            return (left,)
    return ()


def walk(expr: Expr) -> Iterator[Expr]:
    yield expr
    for child in children(expr):
        yield from walk(child)


def names(expr: Expr) -> tuple[str, ...]:
    """Every name in the tree, in order, each once."""
    found = (node.text for node in walk(expr) if isinstance(node, Name | Template))
    return tuple(dict.fromkeys(found))


def substitute(expr: Expr, swap: Callable[[Expr], Expr | None]) -> Expr:
    """The tree with nodes replaced top down; what `swap` answers is not entered again."""
    swapped = swap(expr)
    if swapped is not None:
        return swapped
    match expr:
        case Op(op, args):
            return Op(op, tuple(substitute(arg, swap) for arg in args))
        case Agg(_, arg, where):
            return replace(
                expr,
                arg=None if arg is None else substitute(arg, swap),
                where=None if where is None else substitute(where, swap),
            )
        case Over(_, args, partition, order):
            return replace(
                expr,
                args=tuple(substitute(arg, swap) for arg in args),
                partition=tuple(substitute(part, swap) for part in partition),
                order=tuple(replace(s, expr=substitute(s.expr, swap)) for s in order),
            )
        case Within(left):
            return replace(expr, left=substitute(left, swap))
    return expr


def conjuncts(expr: Expr) -> tuple[Expr, ...]:
    """The parts of a filter that top-level ANDs join."""
    if isinstance(expr, Op) and expr.op == "and":
        return tuple(part for arg in expr.args for part in conjuncts(arg))
    return (expr,)


def evaluate(expr: Expr, env: Environment) -> Value:
    """The value of a tree; `env` gives that of names, aggregates and windows."""
    match expr:
        case Lit(value):
            return value
        case Op(op, args):
            return _operate(op, args, env)
    return env(expr)


def _operate(op: str, args: tuple[Expr, ...], env: Environment) -> Value:
    if op in ("and", "or"):
        # Three-valued: a decisive operand wins over NULL wherever it stands.
        decisive = op == "or"
        found = [evaluate(arg, env) for arg in args]
        if any(value is not None and bool(value) is decisive for value in found):
            return decisive
        return None if any(value is None for value in found) else not decisive
    if op == "case":
        for position in range(0, len(args) - 1, 2):
            if evaluate(args[position], env):
                return evaluate(args[position + 1], env)
        return evaluate(args[-1], env)
    if op == "coalesce":
        found = [evaluate(arg, env) for arg in args]
        return next((value for value in found if value is not None), None)
    values = [evaluate(arg, env) for arg in args]
    if op == "is null":
        return values[0] is None
    if op == "is not null":
        return values[0] is not None
    if op in ("in", "not in"):
        return membership(values[0], values[1:], negated=op == "not in")
    if op == "nullif":
        same = None not in values and compare(values[0], values[1]) == 0
        return None if same else values[0]
    if None in values:
        return None
    return _plain(op, values)


def membership(value: Value, choices: Sequence[Value], *, negated: bool) -> Value:
    """SQL's IN and NOT IN: NULL among the choices makes a miss unknown."""
    if not choices:
        return negated
    if value is None:
        return None
    if any(choice is not None and compare(value, choice) == 0 for choice in choices):
        return not negated
    return None if None in choices else negated


def _plain(op: str, values: list[Value]) -> Value:
    """Operations that are NULL as soon as an operand is."""
    if op in _COMPARISONS:
        return _COMPARISONS[op](compare(values[0], values[1]))
    if op == "between":
        return compare(values[0], values[1]) >= 0 and compare(values[0], values[2]) <= 0
    if op == "not":
        return not values[0]
    if op == "upper":
        return str(values[0]).upper()
    if op == "||":
        return "".join(str(value) for value in values)
    numbers = [_number(value) for value in values]
    match op:
        case "+":
            return sum(numbers)
        case "-":
            return numbers[0] - numbers[1]
        case "*":
            return numbers[0] * numbers[1]
        case "/":
            return numbers[0] / numbers[1]
        case "neg":
            return -numbers[0]
        case "abs":
            return abs(numbers[0])
    raise ValueError(f"the oracle does not know {op!r}")


_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "=": lambda sign: sign == 0,
    "<>": lambda sign: sign != 0,
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


def _number(value: Value) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return value


def compare(left: Value, right: Value) -> int:
    """-1, 0 or 1 for two values of one SQL type; a date is its midnight."""
    left, right = comparable(left), comparable(right)
    if isinstance(left, str) != isinstance(right, str):
        raise TypeError(f"{left!r} and {right!r} do not compare")
    return (left > right) - (left < right)  # type: ignore[operator]


def comparable(value: Value) -> Value:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


def aggregate(func: str, values: Sequence[Value], fraction: float = 0.5) -> Value:
    """An SQL aggregate over values, where NULLs are ignored; `count_rows` counts them too."""
    if func == "count_rows":
        return len(values)
    present = [value for value in values if value is not None]
    if func == "count":
        return len(present)
    if func == "count_distinct":
        return len({comparable(value) for value in present})
    if not present:
        return None
    if func in ("min", "max"):
        best = present[0]
        for value in present[1:]:
            if (compare(value, best) < 0) == (func == "min") and compare(value, best) != 0:
                best = value
        return best
    numbers = [_number(value) for value in present]
    match func:
        case "sum":
            return (
                math.fsum(numbers) if any(isinstance(n, float) for n in numbers) else sum(numbers)
            )
        case "avg":
            return math.fsum(numbers) / len(numbers)
        case "median":
            return _continuous(numbers, 0.5)
        case "percentile_cont":
            return _continuous(numbers, fraction)
        case "percentile_disc":
            ordered = sorted(numbers)
            return ordered[max(math.ceil(fraction * len(ordered) - 1e-9) - 1, 0)]
    raise ValueError(f"the oracle does not know the aggregate {func!r}")


def _continuous(numbers: Sequence[float], fraction: float) -> float:
    ordered = sorted(numbers)
    place = fraction * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (ordered[above] - ordered[below]) * (place - below))


def truncate(value: Value, grain: str) -> Value:
    """DATE_TRUNC; weeks start on Monday."""
    if value is None:
        return None
    moment = comparable(value)
    assert isinstance(moment, datetime)
    match grain:
        case "microsecond" | "nanosecond":
            return moment
        case "second":
            return moment.replace(microsecond=0)
        case "minute":
            return moment.replace(second=0, microsecond=0)
        case "hour":
            return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match grain:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
    raise ValueError(f"{grain!r} is not a grain")

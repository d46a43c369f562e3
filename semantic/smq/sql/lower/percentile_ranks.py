"""Percentiles without a percentile function: number the rows of each group, then pick.

A SELECT inside numbers the rows of each group by the value, NULLs last, and counts the values.
Around it the groups are formed as before, and the percentile is an aggregate over the rows whose
number is next to the wanted place. Every engine with window functions can do this.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sqlglot import exp

from smq.sql.lower.context import Context, free_name, names_of_tables, ours, replace, subquery


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
    group = select.args.get("group")
    keys = [_key(key, select) for key in group.expressions] if group is not None else []
    inner = exp.Select(
        **{key: select.args.get(key) for key in ("from_", "joins", "laterals", "where")}
    )
    rows = _Rows(select, inner, tree)
    if group is not None:
        group.set("expressions", [key.copy() for key in keys])
    for percentile in percentiles:
        rank, count = rows.numbered(percentile, keys)
        tree = replace(percentile.node, _picked(percentile, rank, count), tree)
    for key in ("joins", "laterals", "where"):
        select.set(key, None)
    rows.read_through()
    inner.set("expressions", [*inner.expressions, *rows.numbers])
    select.set("from_", exp.From(this=subquery(inner, rows.name)))
    return tree


def _key(key: exp.Expr, select: exp.Select) -> exp.Expr:
    """The expression of a group key, which may be the ordinal of an output."""
    if isinstance(key, exp.Literal) and key.is_int:
        found: exp.Expr = select.expressions[int(key.name) - 1].unalias()
        return found
    return key


class _Rows:
    """The inner SELECT: the columns that the outer one reads, the numbers and the counts."""

    def __init__(self, select: exp.Select, inner: exp.Select, tree: exp.Expr) -> None:
        self.select = select
        self.inner = inner
        self.outputs = {p.alias_or_name for p in select.expressions}
        self.name = free_name("ranked", names_of_tables(tree))
        self.sources = {
            source.alias_or_name
            for clause in ("from_", "joins", "laterals")
            for source in _sources(inner.args.get(clause))
        }
        self.taken: set[str] = set()
        self.numbers: list[exp.Expr] = []
        self.columns: dict[exp.Expr, exp.Identifier] = {}
        self.ranks: dict[tuple[exp.Expr, bool], tuple[exp.Identifier, exp.Identifier]] = {}

    def column(self, column: exp.Expr) -> exp.Column:
        """The column of the inner SELECT that holds this column of its tables."""
        identifier = self.columns.get(column)
        if identifier is None:
            identifier = column.this.copy()
            if identifier.name.lower() in self.taken:
                identifier = ours(free_name(identifier.name, self.taken))
            self.taken.add(identifier.name.lower())
            key = column.copy()
            self.columns[key] = identifier
            output: exp.Expr = key.copy()
            if identifier != column.this:
                output = exp.Alias(this=output, alias=identifier.copy())
            self.inner.append("expressions", output)
        return exp.Column(this=identifier.copy(), table=ours(self.name))

    def numbered(self, percentile: Ranked, keys: list[exp.Expr]) -> tuple[exp.Column, exp.Column]:
        """The columns with the row's number in its group and with the count of values."""
        found = self.ranks.get((percentile.value, percentile.descending))
        if found is None:
            value = percentile.value.copy()
            ordered = exp.Ordered(
                this=value.copy(), desc=percentile.descending or None, nulls_first=False
            )
            number = exp.Window(
                this=exp.RowNumber(),
                partition_by=[key.copy() for key in keys],
                order=exp.Order(expressions=[ordered]),
                over="OVER",
            )
            count = exp.Window(
                this=exp.Count(this=value), partition_by=[key.copy() for key in keys], over="OVER"
            )
            found = self._add(number, "place"), self._add(count, "places")
            self.ranks[percentile.value, percentile.descending] = found
        rank, places = found
        return self._reference(rank), self._reference(places)

    def read_through(self) -> None:
        """Makes the columns that the outer SELECT names columns of the inner one."""
        for clause in ("expressions", "group", "having", "qualify", "order", "windows"):
            holders = self.select.args.get(clause) or []
            for holder in holders if isinstance(holders, list) else [holders]:
                for column in list(holder.find_all(exp.Column)):
                    if not self._is_of_tables(column, clause):
                        continue
                    column.replace(self.column(column))

    def _is_of_tables(self, column: exp.Column, clause: str) -> bool:
        if column.is_star or column.table == self.name:
            return False
        if column.table:
            return column.table in self.sources
        if column.find_ancestor(exp.Select) is not self.select:
            return False
        # A name of an output, standing alone in the ORDER BY of the query, is that output.
        alone = isinstance(column.parent, exp.Ordered)
        in_window = isinstance(column.find_ancestor(exp.Window, exp.Select), exp.Window)
        named = clause == "order" and alone and not in_window
        return not (named and column.name in self.outputs)

    def _add(self, value: exp.Expr, wanted: str) -> exp.Identifier:
        name = ours(free_name(wanted, self.taken))
        self.numbers.append(exp.Alias(this=value, alias=name.copy()))
        return name

    def _reference(self, identifier: exp.Identifier) -> exp.Column:
        return exp.Column(this=identifier.copy(), table=ours(self.name))


def _sources(clause: object) -> list[exp.Expr]:
    if isinstance(clause, list):
        return [source for item in clause for source in _sources(item)]
    if isinstance(clause, exp.From | exp.Join):
        return [clause.this]
    return [clause] if isinstance(clause, exp.Expr) else []


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

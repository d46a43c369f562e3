"""Windows: an order where an engine asks for one, and what LAG and LEAD give beyond the end."""

from __future__ import annotations

from sqlglot import exp

from smq.dialects import Needs
from smq.sql.lower.context import Context

_ORDERED = (
    exp.RowNumber,
    exp.Rank,
    exp.DenseRank,
    exp.PercentRank,
    exp.CumeDist,
    exp.Ntile,
    exp.Lag,
    exp.Lead,
    exp.FirstValue,
    exp.LastValue,
    exp.NthValue,
)


def ordered(tree: exp.Expr, context: Context) -> exp.Expr:
    """Functions and frames that look at the order of rows get one in which all rows are equal.

    MariaDB takes a frame of ROWS without an order for the whole partition.
    """
    for window in context.find(tree, exp.Window):
        function = window.this
        if isinstance(function, exp.IgnoreNulls | exp.RespectNulls):
            function = function.this
        spec = window.args.get("spec")
        looks = isinstance(function, _ORDERED) or (
            isinstance(spec, exp.WindowSpec) and spec.text("kind").upper() == "ROWS"
        )
        if not looks or window.args.get("order") is not None:
            continue
        if not isinstance(window.parent, exp.Expr) or window.args.get("alias") is not None:
            continue
        partition = window.args.get("partition_by") or []
        if partition:
            same: exp.Expr = partition[0].copy()
        elif Needs.ORDER_BY_NULL in context.dialect.needs:
            same = exp.Null()
        else:
            same = exp.Subquery(this=exp.Select(expressions=[exp.Null()]))
        nulls_first = context.dialect.null_order == "small"
        key = exp.Ordered(this=same, nulls_first=nulls_first)
        window.set("order", exp.Order(expressions=[key]))
        context.touch()
    return tree


def nullable(tree: exp.Expr, context: Context) -> exp.Expr:
    """LAG and others of what is never NULL, of which ClickHouse has 0 or '' beyond the end."""
    for function in context.find(tree, exp.Lag, exp.Lead, exp.NthValue):
        value = function.this
        # These may be NULL for a group without values, and a type of a cast has room for NULL.
        if not isinstance(value, exp.Sum | exp.Avg | exp.Min | exp.Max | exp.Cast):
            function.set("this", exp.Anonymous(this="toNullable", expressions=[value]))
            context.touch()
    return tree


def defaults(tree: exp.Expr, context: Context) -> exp.Expr:
    """LAG and LEAD without a default: it is given where the row that far away does not exist.

    The value of a row that exists may be NULL, so COALESCE would not do.
    """
    for function in reversed(context.find(tree, exp.Lag, exp.Lead)):
        default = function.args.get("default")
        window = function.find_ancestor(exp.Window)
        if default is None or window is None:
            continue
        function.set("default", None)
        if isinstance(default, exp.Null):
            continue
        offset = function.args.get("offset") or exp.Literal.number(1)
        side = "PRECEDING" if isinstance(function, exp.Lag) else "FOLLOWING"
        frame = exp.WindowSpec(
            kind="ROWS",
            start=offset.copy(),
            start_side=side,
            end=offset.copy(),
            end_side=side,
        )
        there = window.copy()
        there.set("this", exp.Count(this=exp.Star()))
        there.set("spec", frame)
        missing = exp.EQ(this=there, expression=exp.Literal.number(0))
        case = exp.Case(ifs=[exp.If(this=missing, true=default)], default=window.copy())
        tree = context.replace(window, case, tree)
    return tree

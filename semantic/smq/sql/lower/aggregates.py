"""Aggregates that engines lack or call otherwise."""

from __future__ import annotations

from sqlglot import exp

from smq.dialects import Needs
from smq.sql.lower.context import Context


def any_value(tree: exp.Expr, context: Context) -> exp.Expr:
    """Any value but NULL, of which the largest is one where ANY_VALUE may give NULL."""
    by_max = Needs.ANY_VALUE_AS_MAX in context.dialect.needs
    for node in reversed(context.find(tree, exp.AnyValue)):
        whole: exp.Expr = node
        if isinstance(node.parent, exp.IgnoreNulls):
            whole = node.parent
        new: exp.Expr = exp.Max(this=node.this) if by_max else node
        if new is not whole:
            tree = context.replace(whole, new, tree)
    return tree


def booleans(tree: exp.Expr, context: Context) -> exp.Expr:
    """BOOL_OR and BOOL_AND as MAX and MIN, of which true is the larger value.

    Where a boolean is no number either, each value is made one.
    """
    for node in reversed(context.find(tree, exp.LogicalOr, exp.LogicalAnd)):
        value = node.this
        if Needs.BOOLEANS_AS_NUMBERS in context.dialect.needs:
            yes, no = exp.Literal.number(1), exp.Literal.number(0)
            untrue = exp.Not(this=exp.Paren(this=value.copy()))
            value = exp.Case(
                ifs=[exp.If(this=value.copy(), true=yes), exp.If(this=untrue, true=no)]
            )
        function = exp.Max if isinstance(node, exp.LogicalOr) else exp.Min
        tree = context.replace(node, function(this=value), tree)
    return tree


def distinct(tree: exp.Expr, context: Context) -> exp.Expr:
    """Refuses COUNT(DISTINCT a, b), for which most engines have no words."""
    for node in context.find(tree, exp.Distinct):
        if len(node.expressions) > 1 and isinstance(node.parent, exp.Count):
            feature = "COUNT(DISTINCT …) of several values"
            context.refuse(feature, "the engine cannot", node.parent)
    return tree


def joined_texts(tree: exp.Expr, context: Context) -> exp.Expr:
    """Texts joined in their own order where LISTAGG must have one and the query has none."""
    for node in context.find(tree, exp.GroupConcat):
        values = node.this
        if not isinstance(values, exp.Order):
            first = values.expressions[0] if isinstance(values, exp.Distinct) else values
            key = exp.Ordered(this=first.copy(), nulls_first=False)
            node.set("this", exp.Order(this=values.copy(), expressions=[key]))
            context.touch()
    return tree


def names(tree: exp.Expr, context: Context) -> exp.Expr:
    """Statistics under the engine's own names; those that it lacks are refused.

    In its own dialect nothing is refused: there it may be a function that somebody has added.
    """
    known = context.dialect.functions
    lacking = context.dialect.lacks if context.is_foreign else frozenset()
    if not (known or lacking):
        return tree
    for node in reversed(context.find(tree, exp.Func)):
        if node.key in lacking:
            context.refuse(f"the function {node.sql_name()}", "the engine cannot", node)
        elif node.key in known:
            values = [node.this] if node.args.get("this") is not None else []
            call = exp.Anonymous(this=known[node.key], expressions=values)
            tree = context.replace(node, call, tree)
    return tree

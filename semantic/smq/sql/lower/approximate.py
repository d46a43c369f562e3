"""Approximate aggregates where the engine has none: the exact ones are an approximation, too."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context, replace


def distinct(tree: exp.Expr, context: Context) -> exp.Expr:
    for node in reversed(list(tree.find_all(exp.ApproxDistinct))):
        new = exp.Count(this=exp.Distinct(expressions=[node.this]))
        tree = replace(node, new, tree)
    return tree


def quantile(tree: exp.Expr, context: Context) -> exp.Expr:
    for node in reversed(list(tree.find_all(exp.ApproxQuantile))):
        new = exp.PercentileCont(this=node.this, expression=node.args["quantile"])
        tree = replace(node, new, tree)
    return tree

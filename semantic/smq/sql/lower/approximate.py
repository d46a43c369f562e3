"""Approximate aggregates where the engine has none: the exact ones are an approximation, too."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def distinct(tree: exp.Expr, context: Context) -> exp.Expr:
    for node in reversed(context.find(tree, exp.ApproxDistinct)):
        new = exp.Count(this=exp.Distinct(expressions=[node.this]))
        tree = context.replace(node, new, tree)
    return tree


def quantile(tree: exp.Expr, context: Context) -> exp.Expr:
    for node in reversed(context.find(tree, exp.ApproxQuantile)):
        new = exp.PercentileCont(this=node.this, expression=node.args["quantile"])
        tree = context.replace(node, new, tree)
    return tree

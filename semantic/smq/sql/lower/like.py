"""ILIKE, as LIKE between texts in lower case."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    for node in reversed(context.find(tree, exp.ILike)):
        new = exp.Like(this=exp.Lower(this=node.this), expression=_lower(node.expression))
        tree = context.replace(node, new, tree)
    return tree


def _lower(pattern: exp.Expr) -> exp.Expr:
    if isinstance(pattern, exp.Literal):
        return exp.Literal.string(pattern.name.lower())
    return exp.Lower(this=pattern)

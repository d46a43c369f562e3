"""COUNT_IF, which is 0 and not NULL when no row fulfils its condition."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    for node in reversed(context.find(tree, exp.CountIf)):
        case = exp.Case(ifs=[exp.If(this=node.this, true=exp.Literal.number(1))])
        tree = context.replace(node, exp.Count(this=case), tree)
    return tree

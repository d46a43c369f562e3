"""A name for each column that comes out of joins into another SELECT.

Where two joined tables have the column, ClickHouse calls it `orders.at` and not `at`.
"""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    for select in context.find(tree, exp.Select):
        if select is tree or not select.args.get("joins"):
            continue
        for output in list(select.expressions):
            if isinstance(output, exp.Column) and output.table and not output.is_star:
                named = exp.Alias(this=output.copy(), alias=output.this.copy())
                context.replace(output, named, tree)
    return tree

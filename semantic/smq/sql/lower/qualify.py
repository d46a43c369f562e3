"""QUALIFY, as a WHERE of a SELECT around the one that computes the windows."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context
from smq.sql.lower.surround import surround


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    # Innermost first, so that a SELECT is wrapped before one around it is.
    for select in reversed(context.find(tree, exp.Select)):
        qualify = select.args.get("qualify")
        if qualify is not None:
            select.set("qualify", None)
            tree = surround(select, tree, context, "windowed", qualify.this)
    return tree

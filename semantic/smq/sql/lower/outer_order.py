"""ORDER BY apart from windows, because MariaDB may forget it beside a PARTITION BY.

It takes the rows in the order in which the window needed them.
"""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context
from smq.sql.lower.surround import surround


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    for select in reversed(context.find(tree, exp.Select)):
        if select.args.get("order") is not None and _has_windows(select):
            tree = surround(select, tree, context, "windowed", None)
    return tree


def _has_windows(select: exp.Select) -> bool:
    windows = [w for item in select.expressions for w in item.find_all(exp.Window)]
    return any(window.find_ancestor(exp.Select) is select for window in windows)

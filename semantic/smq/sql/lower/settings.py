"""Settings that a statement needs so that it means what SQL says."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    assignments = [
        exp.EQ(this=exp.Var(this=name), expression=exp.Literal.number(value))
        for name, value in context.dialect.settings
        if tree.find(*_ASKED_FOR_BY[name])
    ]
    if assignments and isinstance(tree, exp.Query):
        tree.set("settings", assignments)
    return tree


_ASKED_FOR_BY: dict[str, tuple[type[exp.Expr], ...]] = {
    "join_use_nulls": (exp.Join,),
    "aggregate_functions_null_for_empty": (exp.AggFunc,),
}

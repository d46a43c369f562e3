"""Division and averages of whole numbers, where engines drop digits that somebody will miss.

`1 / 3` is 0 in some engines, for which sqlglot casts, and 0.3333 in others, for which it does
not; and the average of whole numbers is a whole number in SQL Server and Redshift.
"""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def quotients(tree: exp.Expr, context: Context) -> exp.Expr:
    for node in context.find(tree, exp.Div):
        if node.args.get("typed"):
            # Somebody wrote a division that is meant to be one of whole numbers.
            continue
        if not (_is_double(node.this) or _is_double(node.expression)):
            node.set("this", _double(node.this))
            context.touch()
    return tree


def averages(tree: exp.Expr, context: Context) -> exp.Expr:
    for node in context.find(tree, *AVERAGES):
        value = node.this
        if isinstance(value, exp.Distinct):
            value.set("expressions", [_double(item) for item in value.expressions])
        else:
            node.set("this", _double(value))
        context.touch()
    return tree


def _double(value: exp.Expr) -> exp.Expr:
    if _is_double(value):
        return value
    while isinstance(value, exp.Paren):
        value = value.this
    return exp.Cast(this=value, to=exp.DataType(this=exp.DType.DOUBLE))


def _is_double(value: exp.Expr) -> bool:
    while isinstance(value, exp.Paren):
        value = value.this
    if isinstance(value, exp.Cast):
        return value.to.this in (exp.DType.DOUBLE, exp.DType.FLOAT)
    if isinstance(value, exp.Nullif):
        return _is_double(value.this)
    if isinstance(value, exp.Case):
        results = [branch.args["true"] for branch in value.args["ifs"]]
        if value.args.get("default") is not None:
            results.append(value.args["default"])
        return all(map(_is_double, results))
    return False


AVERAGES: tuple[type[exp.Expr], ...] = (
    exp.Avg,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Variance,
    exp.VariancePop,
)

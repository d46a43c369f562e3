"""Counts as numbers that may be negative, where another value may stand in their place.

ClickHouse has no type for both a count and -1 but one that it will not sort by.
"""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context

_CHOOSING = (
    exp.Case,
    exp.If,
    exp.Coalesce,
    exp.Nullif,
    exp.Greatest,
    exp.Least,
    exp.Lag,
    exp.Lead,
    exp.NthValue,
)


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    chooses = any(node.find_ancestor(exp.Select) is tree for node in context.find(tree, *_CHOOSING))
    for node in context.find(tree, exp.Count):
        whole: exp.Expr = node
        while isinstance(whole.parent, exp.Filter | exp.Window) and whole.arg_key == "this":
            whole = whole.parent
        if _may_be_chosen(whole) or (chooses and _is_handed_on(whole, tree)):
            number = exp.Cast(this=whole.copy(), to=exp.DataType(this=exp.DType.BIGINT))
            tree = context.replace(whole, number, tree)
    return tree


def _may_be_chosen(value: exp.Expr) -> bool:
    above = value.parent
    while above is not None and not isinstance(above, exp.Query | exp.Predicate):
        if isinstance(above, _CHOOSING):
            return True
        above = above.parent
    return False


def _is_handed_on(value: exp.Expr, tree: exp.Expr) -> bool:
    """Whether it is an output of a SELECT inside, which the outermost one may choose from."""
    output = value.parent
    if isinstance(value, exp.Window) or not isinstance(output, exp.Alias):
        return False
    return output.parent is not tree

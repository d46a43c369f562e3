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
    for node in context.find(tree, exp.Count, exp.Sum):
        if not _is_never_negative(node):
            continue
        whole: exp.Expr = node
        while isinstance(whole.parent, exp.Filter | exp.Window) and whole.arg_key == "this":
            whole = whole.parent
        if _may_be_chosen(whole) or (chooses and _is_handed_on(whole, tree)):
            number = exp.Cast(this=whole.copy(), to=exp.DataType(this=exp.DType.BIGINT))
            tree = context.replace(whole, number, tree)
    return tree


def _is_never_negative(node: exp.Expr) -> bool:
    """Whether it is a count, also as a sum of the ones and zeros of a CASE."""
    if isinstance(node, exp.Count):
        return True
    return isinstance(node.this, exp.Case) and _is_one_or_zero(node.this)


def _is_one_or_zero(value: exp.Expr) -> bool:
    if isinstance(value, exp.Case):
        default = value.args.get("default")
        found = [branch.args["true"] for branch in value.args["ifs"]]
        found += [] if default is None else [default]
        return all(map(_is_one_or_zero, found))
    return isinstance(value, exp.Null) or value.is_int


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

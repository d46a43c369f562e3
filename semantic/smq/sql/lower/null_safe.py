"""Equality that holds between two NULLs, where the engine has no operator for it."""

from __future__ import annotations

from sqlglot import exp

from smq.dialects import Needs
from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    joins_have_it = Needs.NULL_SAFE_IN_JOINS_ONLY in context.dialect.needs
    for node in reversed(context.find(tree, exp.NullSafeEQ, exp.NullSafeNEQ)):
        if joins_have_it and _stands_in(node, ("on",)):
            continue
        equal = _spelled_out(node.this, node.expression)
        if isinstance(node, exp.NullSafeEQ) and _stands_in(node, ("on", "this")):
            # Where only true counts, unknown may stand for false.
            new: exp.Expr = exp.Paren(this=equal)
        else:
            found = exp.Case(
                ifs=[exp.If(this=equal, true=exp.Literal.number(1))],
                default=exp.Literal.number(0),
            )
            wanted = int(isinstance(node, exp.NullSafeEQ))
            new = exp.EQ(this=found, expression=exp.Literal.number(wanted))
        tree = context.replace(node, new, tree)
    return tree


def _spelled_out(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    if isinstance(right, exp.Null):
        return exp.Is(this=left, expression=exp.Null())
    both_null = exp.And(
        this=exp.Is(this=left.copy(), expression=exp.Null()),
        expression=exp.Is(this=right.copy(), expression=exp.Null()),
    )
    same = exp.EQ(this=left, expression=right)
    return exp.Or(this=same, expression=exp.Paren(this=both_null))


def _stands_in(node: exp.Expr, keys: tuple[str, ...]) -> bool:
    """Whether the node is a condition, or one of those that make up a condition with AND and OR."""
    child, parent = node, node.parent
    while isinstance(parent, exp.And | exp.Or | exp.Paren):
        child, parent = parent, parent.parent
    if isinstance(parent, exp.Join):
        return child.arg_key == "on"
    return isinstance(parent, exp.Where | exp.Having | exp.Qualify) and "this" in keys

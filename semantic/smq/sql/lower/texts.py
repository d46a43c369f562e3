"""Texts where they need a type of their own: beyond ASCII, of any length, or for timestamps."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context
from smq.sql.moments import MOMENT


def literals(tree: exp.Expr, context: Context) -> exp.Expr:
    """A literal such as '서울' is put into the database's code page unless N stands before it."""
    for node in context.find(tree, exp.Literal):
        if node.is_string and not node.name.isascii():
            tree = context.replace(node, exp.National(this=node.name), tree)
    return tree


def moments(tree: exp.Expr, context: Context) -> exp.Expr:
    """What is compared with a timestamp of undeclared kind, as the text of a timestamp."""
    for node in context.find(tree, exp.Literal, exp.Paren):
        if node.meta.get(MOMENT):
            value = node.this if isinstance(node, exp.Paren) else node.copy()
            to = exp.DataType(this=exp.DType.TIMESTAMP)
            tree = context.replace(node, exp.Cast(this=value, to=to), tree)
    return tree


def bare_moments(tree: exp.Expr, context: Context) -> exp.Expr:
    """What is compared with a timestamp of undeclared kind, without the parentheses it came in."""
    for node in context.find(tree, exp.Paren):
        value, around = node.this, node.parent
        delimited = isinstance(value, exp.Column | exp.Func) and not isinstance(value, exp.Binary)
        if isinstance(value, exp.Add | exp.Sub):
            delimited = isinstance(around, exp.Predicate) and not isinstance(
                around, exp.SubqueryPredicate
            )
        if delimited and node.meta.get(MOMENT):
            tree = context.replace(node, value, tree)
    return tree


def casts(tree: exp.Expr, context: Context) -> exp.Expr:
    """CAST to a text of any length, as the engine's type that groups, compares and keeps all."""
    wanted = context.dialect.text_type
    if wanted is None:
        return tree
    for node in context.find(tree, exp.Cast):
        if node.to.this in _TEXTS and not node.to.expressions:
            name, length = wanted
            size = exp.DataTypeParam(this=exp.Var(this=length))
            node.set("to", exp.DataType(this=exp.DType[name], expressions=[size]))
    return tree


_TEXTS = (exp.DType.TEXT, exp.DType.VARCHAR, exp.DType.NVARCHAR)

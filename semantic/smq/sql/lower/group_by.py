"""GROUP BY by what the SELECT list holds, and never by constants."""

from __future__ import annotations

from sqlglot import exp

from smq.dialects import Needs
from smq.sql.lower.context import Context
from smq.sql.lower.inner_rows import group_keys


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    spell_out = Needs.GROUP_BY_EXPRESSIONS in context.dialect.needs
    for group in context.find(tree, exp.Group):
        select = group.parent
        if not isinstance(select, exp.Select) or not group.expressions:
            continue
        keys = group_keys(select) if spell_out else group.expressions
        kept = [key for key in keys if not _is_constant(key)]
        if len(kept) == len(group.expressions) and not spell_out:
            continue
        kept = [key.copy() for key in kept]
        group.set("expressions", kept)
        context.touch()
        if not kept and set(group.args) <= {"expressions"}:
            _keep_one_group(select)
    return tree


def without_repetition(tree: exp.Expr, context: Context) -> exp.Expr:
    """Drops keys that are written alike; once is enough, and MariaDB stumbles over twice."""
    for group in context.find(tree, exp.Group):
        if len(group.expressions) < 2:
            continue
        unique = list(dict.fromkeys(group.expressions))
        if len(unique) < len(group.expressions):
            group.set("expressions", unique)
    return tree


def _is_constant(key: exp.Expr) -> bool:
    """A key that is the same in all rows; engines refuse it or take a number for an ordinal.

    A whole number alone is an ordinal here, too. What calls a function may differ between rows.
    """
    if isinstance(key, exp.Column):
        return False
    if isinstance(key, exp.Literal):
        return key.is_string or not key.is_int
    for node in key.walk():
        if isinstance(node, _MAY_DIFFER) and not isinstance(node, _HARMLESS):
            return False
    return True


def _keep_one_group(select: exp.Select) -> None:
    """Without keys there is one row even for no rows; with constant keys there is none."""
    select.set("group", None)
    some = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(0))
    having = select.args.get("having")
    if having is None:
        select.set("having", exp.Having(this=some))
    else:
        condition = having.this
        if isinstance(condition, exp.Or):
            condition = exp.Paren(this=condition)
        having.set("this", exp.And(this=some, expression=condition))


_MAY_DIFFER = (exp.Column, exp.Func, exp.Query, exp.Placeholder, exp.Parameter, exp.Window)
_HARMLESS = (exp.Cast, exp.Case, exp.If, exp.Coalesce, exp.And, exp.Or)

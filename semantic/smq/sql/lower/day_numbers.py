"""A date and a number of days, and the days between two dates, where dates are no numbers.

`day + 3` is three days later in most dialects. MySQL and SQLite make a number of the date and
give another value without a word, and some engines refuse; so the days are said in their functions.
"""

from __future__ import annotations

from sqlglot import exp

from smq.dialects.facts import Needs
from smq.dialects.nodes import call
from smq.sql.lower.context import Context
from smq.sql.moments import DAYS, Kind, kind_of


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    if Needs.NO_DAY_NUMBERS in context.written.needs:
        return tree
    # Innermost first, so that what is around sees the kind of what is inside.
    for node in reversed(context.find(tree, exp.Add, exp.Sub)):
        if isinstance(node.this, exp.Interval) or isinstance(node.expression, exp.Interval):
            continue
        marked: tuple[Kind, Kind] = node.meta.get(DAYS) or ("", "")
        left = marked[0] or _kind(node.this)
        right = marked[1] or _kind(node.expression)
        if not left and not right:
            continue
        new = _said(node, left, right)
        if new is None:
            context.refuse("a date in a sum", "not yet", node)
            continue
        tree = context.replace(node, new, tree)
    return tree


def _said(node: exp.Binary, left: Kind, right: Kind) -> exp.Expr | None:
    value, other, kind = node.this, node.expression, left
    if not left:
        value, other, kind = node.expression, node.this, right
    if isinstance(node, exp.Add) or not right:
        count = _count(other)
        if count is None or (isinstance(node, exp.Sub) and not left):
            return None
        days = -count if isinstance(node, exp.Sub) else count
        written = "date" if kind == "date" else "timestamp"
        return call("SMQ_ADD", _bare(value), days, "day", written)
    if left == right == "date":
        unit = exp.Var(this="DAY")
        return exp.DateDiff(this=_bare(node.this), expression=_bare(node.expression), unit=unit)
    return None


def _kind(value: exp.Expr) -> Kind:
    if isinstance(value, exp.Anonymous) and value.name in ("SMQ_TRUNC", "SMQ_ADD"):
        return "date" if value.expressions[-1].name == "date" else "timestamp"
    return kind_of(value, lambda slot: "")


def _bare(value: exp.Expr) -> exp.Expr:
    while isinstance(value, exp.Paren):
        value = value.this
    return value


def _count(value: exp.Expr) -> int | None:
    value = _bare(value)
    if isinstance(value, exp.Neg):
        inner = _count(value.this)
        return None if inner is None else -inner
    if isinstance(value, exp.Literal) and not value.is_string and value.name.isdigit():
        return int(value.name)
    return None

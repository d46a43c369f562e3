"""SMQ_TRUNC and SMQ_ADD, in the engine's own date functions."""

from __future__ import annotations

from typing import cast

from sqlglot import exp

from smq.dialects.facts import Grain
from smq.sql.lower.context import Context

_ARGUMENTS = {"SMQ_TRUNC": 3, "SMQ_ADD": 4}
_KINDS = ("date", "timestamp")
_FINER = ("nanosecond", "microsecond", "millisecond")
_GRAINS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    forms = context.dialect.forms
    assert forms is not None, "every dialect has its date functions"
    # Innermost first: the value of one may hold another.
    for node in reversed(context.find(tree, exp.Anonymous)):
        if len(node.expressions) != _ARGUMENTS.get(node.name):
            # A user's function, whatever its name.
            continue
        *operands, grain, kind = node.expressions
        if kind.name not in _KINDS or grain.name not in (*_GRAINS, *_FINER):
            continue
        if grain.name in _FINER:
            tree = _finer(node, operands, grain.name, kind.name, tree, context)
            continue
        if node.name == "SMQ_TRUNC":
            new = forms.truncate(operands[0], grain.name, kind.name)
        else:
            new = forms.add(operands[0], _whole(operands[1]), grain.name, kind.name)
        tree = context.replace(node, new, tree)
    return tree


def _finer(
    node: exp.Expr,
    operands: list[exp.Expr],
    grain: str,
    kind: str,
    tree: exp.Expr,
    context: Context,
) -> exp.Expr:
    """Parts of a second: a date has none, and most engines' timestamps have no nanoseconds."""
    word = context.dialect.seconds.get(grain)
    if node.name == "SMQ_TRUNC" and (kind == "date" or word == "is"):
        return context.replace(node, operands[0], tree)
    if node.name == "SMQ_TRUNC" and word is not None:
        forms = context.dialect.forms
        assert forms is not None
        return context.replace(
            node, forms.truncate(operands[0], cast(Grain, word), "timestamp"), tree
        )
    context.refuse(f"the grain {grain}", "not yet", node)
    return tree


def _whole(node: exp.Expr) -> int:
    if isinstance(node, exp.Neg):
        return -_whole(node.this)
    return int(node.name)

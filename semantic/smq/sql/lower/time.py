"""SMQ_TRUNC and SMQ_ADD, in the engine's own date functions."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context, replace

_KINDS = ("date", "timestamp")
_GRAINS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    forms = context.dialect.forms
    assert forms is not None, "every dialect has its date functions"
    # Innermost first: the value of one may hold another.
    for node in reversed(list(tree.find_all(exp.Anonymous))):
        if node.name not in ("SMQ_TRUNC", "SMQ_ADD"):
            continue
        *operands, grain, kind = node.expressions
        assert grain.name in _GRAINS, grain
        assert kind.name in _KINDS, kind
        if node.name == "SMQ_TRUNC":
            new = forms.truncate(operands[0], grain.name, kind.name)
        else:
            value, count = operands
            new = forms.add(value, _whole(count), grain.name, kind.name)
        tree = replace(node, new, tree)
    return tree


def _whole(node: exp.Expr) -> int:
    if isinstance(node, exp.Neg):
        return -_whole(node.this)
    return int(node.name)

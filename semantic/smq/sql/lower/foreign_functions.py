"""Functions of users' SQL that have the same name elsewhere and another value.

sqlglot translates names, and these it passes on as they are: LOG(x) has another base, GREATEST
another idea of NULL, a CAST to a whole number rounds or cuts. What cannot be said is refused. All
of these passes are for SQL that was written in another dialect.
"""

from __future__ import annotations

from sqlglot import exp

from smq.dialects import Needs
from smq.sql.lower.context import Context


def logarithms(tree: exp.Expr, context: Context) -> exp.Expr:
    """LOG(x) to the base ten with its base; the natural one has become LN on the way in."""
    for node in context.find(tree, exp.Log):
        if node.expression is None:
            new = exp.Log(this=exp.Literal.number(10), expression=node.this)
            tree = context.replace(node, new, tree)
    return tree


def extremes(tree: exp.Expr, context: Context) -> exp.Expr:
    """GREATEST and LEAST pass over NULL, or are NULL, as where they were written."""
    passed_over = Needs.NULLS_OF_GREATEST not in context.written.needs
    if passed_over == (Needs.NULLS_OF_GREATEST not in context.dialect.needs):
        return tree
    for node in reversed(context.find(tree, exp.Greatest, exp.Least)):
        values = [node.this, *node.expressions]
        if len(values) < 2:
            continue
        if passed_over:
            # Each value, or else the next that is there, so that all are NULL together.
            turned = [
                exp.Coalesce(
                    this=value.copy(),
                    expressions=[v.copy() for v in (*values[i + 1 :], *values[:i])],
                )
                for i, value in enumerate(values)
            ]
            new: exp.Expr = type(node)(this=turned[0], expressions=turned[1:], ignore_nulls=False)
        else:
            missing: exp.Expr = exp.Is(this=values[0].copy(), expression=exp.Null())
            for value in values[1:]:
                absent = exp.Is(this=value.copy(), expression=exp.Null())
                missing = exp.Or(this=missing, expression=absent)
            plain = node.copy()
            plain.set("ignore_nulls", True)
            new = exp.Case(ifs=[exp.If(this=missing, true=exp.Null())], default=plain)
        tree = context.replace(node, new, tree)
    return tree


def whole_numbers(tree: exp.Expr, context: Context) -> exp.Expr:
    """CAST of a number to a whole one rounds, or cuts off, as where it was written."""
    cuts = Needs.CASTS_CUT in context.dialect.needs
    if cuts == (Needs.CASTS_CUT in context.written.needs):
        return tree
    for node in context.find(tree, exp.Cast):
        value = node.this
        if node.to.this not in exp.DataType.INTEGER_TYPES or isinstance(value, _WHOLE):
            continue
        if isinstance(value, exp.Literal) and value.is_string:
            continue
        rounded = (
            exp.Round(this=value.copy(), decimals=exp.Literal.number(0))
            if cuts
            else exp.Trunc(this=value.copy())
        )
        node.set("this", rounded)
        context.touch()
    return tree


_WHOLE = (
    *(exp.Predicate, exp.Connector, exp.Not, exp.Boolean, exp.Null, exp.Count, exp.CountIf),
    *(exp.Extract, exp.Length, exp.DateDiff, exp.Floor, exp.Ceil, exp.RowNumber, exp.Round),
)
"""Values that have no fraction to round, or are no numbers."""


def halves(tree: exp.Expr, context: Context) -> exp.Expr:
    """ROUND(x) of a half is away from zero, also for what is no DECIMAL."""
    if Needs.HALVES_TO_EVEN in context.written.needs:
        return tree
    for node in context.find(tree, exp.Round):
        if node.args.get("decimals") is None:
            exact = exp.DataType(this=exp.DType.DECIMAL, nested=False)
            node.set("this", exp.Cast(this=node.this.copy(), to=exact))
            context.touch()
    return tree


def ends_of_texts(tree: exp.Expr, context: Context) -> exp.Expr:
    """SUBSTRING(x, -2), the last two characters, where a negative start means another thing."""
    from_left = Needs.STARTS_FROM_LEFT in context.dialect.needs
    if from_left == (Needs.STARTS_FROM_LEFT in context.written.needs):
        return tree
    for node in context.find(tree, exp.Substring):
        start = node.args.get("start")
        if not isinstance(start, exp.Neg):
            continue
        if not from_left or node.args.get("length") is not None:
            context.refuse("SUBSTRING with a negative start", "not yet", node)
            continue
        tree = context.replace(node, exp.Right(this=node.this, expression=start.this), tree)
    return tree


def lengths(tree: exp.Expr, context: Context) -> exp.Expr:
    """LENGTH in bytes, as in MySQL, is no LENGTH in characters."""
    if Needs.CHARACTERS_BY_NAME not in context.written.needs:
        return tree
    for node in context.find(tree, exp.Length):
        if node.args.get("binary"):
            context.refuse("LENGTH in bytes", "not yet", node)
    return tree


def characters(tree: exp.Expr, context: Context) -> exp.Expr:
    """Functions of texts by characters, where the plain ones count bytes."""
    for node in reversed(context.find(tree, *CHARACTERS)):
        operands = [node.args.get(key) for key in _OPERANDS.get(type(node), ("this",))]
        given = [value for value in operands if value is not None]
        new = exp.Anonymous(this=CHARACTERS[type(node)], expressions=given)
        tree = context.replace(node, new, tree)
    return tree


CHARACTERS: dict[type[exp.Expr], str] = {
    exp.Substring: "substringUTF8",
    exp.Left: "leftUTF8",
    exp.Right: "rightUTF8",
    exp.Lower: "lowerUTF8",
    exp.Upper: "upperUTF8",
    exp.Reverse: "reverseUTF8",
    exp.StrPosition: "positionUTF8",
}
"""ClickHouse's names."""
_OPERANDS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Substring: ("this", "start", "length"),
    exp.Left: ("this", "expression"),
    exp.Right: ("this", "expression"),
    exp.StrPosition: ("this", "substr", "position"),
}


def joined(tree: exp.Expr, context: Context) -> exp.Expr:
    """CONCAT of what may be NULL, on engines that have only `||` for it."""
    for node in context.find(tree, exp.Concat):
        if not node.args.get("coalesce"):
            continue
        empty = exp.Literal.string("")
        values = [
            value
            if isinstance(value, exp.Literal)
            else exp.Coalesce(this=value.copy(), expressions=[empty.copy()])
            for value in node.expressions
        ]
        node.set("expressions", values)
        node.set("coalesce", False)
        context.touch()
    return tree

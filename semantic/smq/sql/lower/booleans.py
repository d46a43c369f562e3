"""Booleans, where conditions are no values and there are no words for true and false.

There a stored boolean is a number, 1 or 0. A condition that is used as a value becomes a CASE, and
a value that is used as a condition is compared with 1.
"""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    holder = exp.Paren(this=tree)
    _values_below(holder)
    tree = holder.this.pop()
    context.touch()
    return tree


def _values_below(node: exp.Expr) -> None:
    """Rewrites each child of a node that is not a condition, by what the node takes there."""
    for key, value in list(node.args.items()):
        if isinstance(value, exp.Expr):
            node.set(key, _child(node, key, value))
        elif isinstance(value, list):
            items = [_child(node, key, v) if isinstance(v, exp.Expr) else v for v in value]
            node.set(key, items)


def _child(node: exp.Expr, key: str, child: exp.Expr) -> exp.Expr:
    return _condition(child) if _takes_condition(node, key) else _value(child)


def _takes_condition(node: exp.Expr, key: str) -> bool:
    if isinstance(node, exp.Where | exp.Having | exp.Qualify):
        return key == "this"
    if isinstance(node, exp.Join):
        return key == "on"
    if isinstance(node, exp.If):
        # CASE x WHEN y compares values; CASE WHEN y and IF(y, …) take conditions.
        around = node.parent
        return key == "this" and not (isinstance(around, exp.Case) and around.this is not None)
    if isinstance(node, exp.Escape):
        return key == "this"
    return isinstance(node, exp.And | exp.Or | exp.Not)


def _condition(node: exp.Expr) -> exp.Expr:
    """The node as a condition."""
    if isinstance(node, exp.Paren):
        node.set("this", _condition(node.this))
        return node
    if isinstance(node, exp.Boolean):
        return _known(_one_equals(1 if node.this else 0), node)
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Boolean):
        # x IS TRUE is false for NULL, and in a condition so is x = 1.
        wanted = exp.Literal.number(1 if node.expression.this else 0)
        return _known(exp.EQ(this=_operand(_value(node.this)), expression=wanted), node)
    if _is_condition(node):
        _values_below(node)
        return node
    return exp.EQ(this=_operand(_value(node)), expression=exp.Literal.number(1))


def _value(node: exp.Expr) -> exp.Expr:
    """The node as a value."""
    if isinstance(node, exp.Paren):
        if isinstance(node.this, exp.Query):
            _values_below(node)
            return node
        node.set("this", _value(node.this))
        return node
    if isinstance(node, exp.Boolean):
        return exp.Literal.number(1 if node.this else 0)
    if not _is_condition(node):
        _values_below(node)
        return node
    never_null = isinstance(node, exp.Exists | exp.Is)
    yes = _condition(node.copy())
    one, zero = exp.Literal.number(1), exp.Literal.number(0)
    case = exp.Case(ifs=[exp.If(this=yes, true=one)])
    if never_null:
        case.set("default", zero)
    else:
        inner = node if not isinstance(node, exp.And | exp.Or) else exp.Paren(this=node)
        no = exp.Not(this=_condition(inner))
        case.append("ifs", exp.If(this=no, true=zero))
    return _known(case, node)


def _known(new: exp.Expr, old: exp.Expr) -> exp.Expr:
    """The node that takes the place of another, with what is known of where that comes from."""
    new.meta.update(old.meta)
    return new


def _is_condition(node: exp.Expr) -> bool:
    return isinstance(node, _CONDITIONS)


def _operand(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node) if isinstance(node, exp.Binary) else node


def _one_equals(number: int) -> exp.Expr:
    return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(number))


_CONDITIONS = (
    exp.And,
    exp.Or,
    exp.Not,
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.Is,
    exp.In,
    exp.Between,
    exp.Like,
    exp.ILike,
    exp.Escape,
    exp.RegexpLike,
    exp.Exists,
)

"""The end that every SELECT of ours has: outputs, GROUP BY, HAVING, QUALIFY, ORDER BY, LIMIT."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlglot import exp

from smq.expr import Template, fill
from smq.graph.leaves import Leaf
from smq.plan.nodes import Plan
from smq.problem import Problem
from smq.query.bound import OrderKey, PostExpression
from smq.sql.physical import Physical, PhysicalFault, name

MAX_NODES = 30_000
"""The most nodes that the values of metrics may have in one statement."""
_UNCOUNTED = 200
"""Values that are not worth counting: few queries have as many."""


def finish(
    select: exp.Select,
    plan: Plan,
    physical: Physical,
    leaf_value: Callable[[Leaf], exp.Expr],
    group: Callable[[int], exp.Expr],
    grouped: bool,
) -> exp.Select:
    """SELECT list, GROUP BY, HAVING, QUALIFY, ORDER BY and LIMIT over leaf and group values.

    Without `grouped` the rows are aggregated already, and metric filters are a plain WHERE.
    """
    query = plan.query
    numbers = {g.ref: number for number, g in enumerate(query.groups)}

    filled_slots = nodes = 0

    def post(expression: PostExpression) -> exp.Expr:
        def slot(number: int) -> exp.Expr:
            nonlocal filled_slots, nodes
            value = expression.slots[number]
            tree = leaf_value(value) if isinstance(value, Leaf) else group(numbers[value])
            filled_slots += 1
            if filled_slots > _UNCOUNTED:
                nodes += sum(1 for _ in tree.walk())
                if nodes > MAX_NODES:
                    place = query.outputs[0].item.location
                    raise PhysicalFault(Problem("EXP121", place, {}))
            return tree

        return fill(Template("", "", physical.post_tree(expression)), slot)

    expressions = [
        as_column(group(number), g.name, g.item.path) for number, g in enumerate(query.groups)
    ]
    for output in query.outputs:
        expressions.append(as_column(post(output.expression), output.name, output.item.path))
    select.set("expressions", expressions)
    if grouped:
        keys = [_with_origin(group(n), g.item.path) for n, g in enumerate(query.groups)]
        group_by(select, keys)
    having = [_with_origin(post(f.expression), f.item.path) for f in query.group_filters]
    if having:
        condition = conjunction(having)
        if grouped:
            select.set("having", exp.Having(this=condition))
        else:
            select.set("where", exp.Where(this=condition))
    qualify = [_with_origin(post(f.expression), f.item.path) for f in query.window_filters]
    if qualify:
        select.set("qualify", exp.Qualify(this=conjunction(qualify)))
    order = [_ordered(key, plan, post) for key in query.order]
    if order:
        select.set("order", exp.Order(expressions=order))
    if query.limit is not None:
        select.set("limit", exp.Limit(expression=exp.Literal.number(query.limit)))
    return select


def _ordered(key: OrderKey, plan: Plan, post: Callable[[PostExpression], exp.Expr]) -> exp.Ordered:
    query = plan.query
    if key.output is not None:
        value: exp.Expr = exp.Column(this=name(query.outputs[key.output].name))
    elif key.group is not None:
        value = exp.Column(this=name(query.groups[key.group].name))
    else:
        assert key.expression is not None
        value = post(key.expression)
    ordered = exp.Ordered(this=value, desc=key.descending, nulls_first=False)
    ordered.meta["origin"] = key.item.path
    return ordered


def group_by(select: exp.Select, groups: Iterable[exp.Expr]) -> None:
    """GROUP BY every value, also equal ones: MariaDB misses the second of two equal columns."""
    keys = list(groups)
    if keys:
        select.set("group", exp.Group(expressions=keys))


def filled(value: exp.Expr, leaf: Leaf) -> exp.Expr:
    """The leaf's value, or what its metric puts in place of a missing one."""
    if leaf.fill is None:
        return value
    return exp.Coalesce(this=value, expressions=[exp.Literal.number(leaf.fill)])


def of_leaf(value: exp.Expr, leaf: Leaf) -> exp.Expr:
    """The value, which says that it is the leaf's."""
    value.meta["of"] = ("leaf", leaf.key)
    return value


def as_column(value: exp.Expr, alias: str, origin: str) -> exp.Alias:
    """`value AS alias`, with the item that it comes from."""
    node = exp.Alias(this=value, alias=name(alias))
    node.meta["origin"] = origin
    return node


def _with_origin(value: exp.Expr, origin: str) -> exp.Expr:
    value.meta["origin"] = origin
    return value


def conjunction(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """Conditions under AND; an OR among them is parenthesised."""
    safe = [
        exp.Paren(this=c) if isinstance(c, (exp.Or, exp.Xor)) and len(conditions) > 1 else c
        for c in conditions
    ]
    tree = safe[0]
    for condition in safe[1:]:
        tree = exp.And(this=tree, expression=condition)
    return tree


def free_name(wanted: str, taken: set[str]) -> str:
    """A name that `taken` (case-folded) does not hold yet; it does afterwards."""
    candidate, number = wanted, 2
    while candidate.casefold() in taken:
        candidate = f"{wanted}_{number}"
        number += 1
    taken.add(candidate.casefold())
    return candidate

"""Conditions: the parts that AND joins, and whether an expression is a condition at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from sqlglot import exp

from smq.expr.template import NameUse, Template


@lru_cache(maxsize=16_384)
def conjuncts(template: Template) -> tuple[Template, ...]:
    """The parts that top-level ANDs join, each a template with slots of its own."""
    assert template.tree is not None
    parts = list(_flatten(template.tree))
    if len(parts) == 1 and parts[0] is template.tree:
        return (template,)
    return tuple(_part_of(template, part) for part in parts)


def is_boolean(template: Template) -> bool:
    """False for what is surely no condition: a number, a text, arithmetic, an aggregate."""
    tree = template.tree
    while isinstance(tree, exp.Paren | exp.Escape):
        tree = tree.this
    if isinstance(tree, (exp.Predicate, exp.Connector, exp.Not, exp.Boolean, exp.Placeholder)):
        return True
    if isinstance(tree, exp.AggFunc):
        return isinstance(tree, (exp.LogicalAnd, exp.LogicalOr))
    if isinstance(tree, (exp.Literal, exp.Binary, exp.Neg, exp.Interval, exp.Select)):
        return isinstance(tree, (exp.RegexpLike, exp.Dot))
    return not isinstance(tree, (exp.Null, exp.Star, exp.Window))


def _flatten(tree: exp.Expr) -> Iterator[exp.Expr]:
    inner = tree
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.And):
        yield from _flatten(inner.this)
        yield from _flatten(inner.expression)
    else:
        yield tree


def _part_of(template: Template, part: exp.Expr) -> Template:
    holder = exp.Paren(this=part.copy())
    uses: list[NameUse] = []
    for node in holder.find_all(exp.Placeholder, bfs=False):
        uses.append(template.uses[int(node.this)]._replace(slot=len(uses)))
        node.set("this", str(len(uses) - 1))
    names = {table.this.name for table in holder.find_all(exp.Table)}
    tables = tuple(t for t in template.tables if f"smq_table_{t.slot}" in names)
    has_window = any(_scope_is_outer(node) for node in holder.find_all(exp.Window))
    return replace(
        template,
        tree=holder.this.pop(),
        uses=tuple(uses),
        tables=tables,
        has_window=has_window,
    )


def _scope_is_outer(node: exp.Expr) -> bool:
    return node.find_ancestor(exp.Select) is None

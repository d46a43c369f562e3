"""One SQL expression, parsed: its names as numbered slots, with their places in the text.

A `Template` is shared and never changed; `fill` copies its tree and puts other expressions into the
slots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sqlglot import exp

from smq.expr.jinja import Call

FaultKind = Literal["syntax", "statement", "several", "star", "parameter", "jinja", "empty", "size"]

Role = Literal["", "argument", "partition", "order"]


class Fault(NamedTuple):
    """Why a text is no scalar expression; offsets into the text."""

    kind: FaultKind
    detail: str
    start: int
    end: int


class NameUse(NamedTuple):
    """One column name in the text: `slot` numbers it; several uses of one name have several."""

    slot: int
    parts: tuple[str, ...]
    start: int
    end: int
    in_aggregate: bool = False
    """Inside an aggregate call that is not a window function."""
    in_window: bool = False
    role: Role = ""
    """Where in the innermost window call it stands."""
    scope: int = 0
    """0 for the expression itself, n for the n-th subquery in it."""
    call: Call | None = None
    """Set for `{{ Dimension(…) }}` and its kin."""
    quoted: tuple[bool, ...] = ()
    """For each part whether it was written in quotes; empty when none was."""

    @property
    def name(self) -> str:
        return ".".join(self.parts)


class TableUse(NamedTuple):
    """A table named in a subquery of the expression; `scope` is that subquery's number."""

    slot: int
    name: str
    alias: str | None
    scope: int
    start: int
    end: int


class FunctionUse(NamedTuple):
    """A call of an aggregate or window function: (SQL name, place, is it windowed)."""

    name: str
    start: int
    end: int
    windowed: bool
    in_aggregate: bool
    in_window: bool
    slots: tuple[int, ...]
    scope: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A parsed expression. With a `fault` there is no tree and there are no uses."""

    text: str
    dialect: str
    tree: exp.Expr | None
    uses: tuple[NameUse, ...] = ()
    tables: tuple[TableUse, ...] = ()
    functions: tuple[FunctionUse, ...] = ()
    alias: str | None = None
    alias_at: tuple[int, int] = (0, 0)
    body_end: int = 0
    """Offset where the expression ends and ` AS alias` begins."""
    fault: Fault | None = None
    has_window: bool = False
    has_aggregate: bool = False
    scopes: tuple[int, ...] = (0,)
    """For each scope the scope around it."""
    memo: dict[str, object] = field(default_factory=dict)
    """What readers derive from the tree alone; expressions that differ only in names share it."""

    @property
    def is_bare_name(self) -> bool:
        return isinstance(self.tree, exp.Placeholder)


def fill(template: Template, slot: Callable[[int], exp.Expr]) -> exp.Expr:
    """A copy of the tree with the expression of each slot in place of its name."""
    tree = template.tree
    assert tree is not None, "a template with a fault cannot be filled"
    if isinstance(tree, exp.Placeholder):
        return slot(int(tree.this))
    return _copied(tree, lambda place: _grouped(slot(int(place.this)), place))


def woven(tree: exp.Expr, value: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """A copy of a tree with what `value` makes of each placeholder in its place, as it is."""
    return value(tree) if isinstance(tree, exp.Placeholder) else _copied(tree, value)


def copied(tree: exp.Expr) -> exp.Expr:
    """A copy that shares nothing with the tree but the plain values in it.

    The library's own copy looks into every value for more to copy, which takes twice as long, and
    compiling is copying for a tenth.
    """
    return _copied(tree, None)


def _copied(tree: exp.Expr, value_of: Callable[[exp.Expr], exp.Expr] | None) -> exp.Expr:
    root = tree.__class__()
    ahead: list[tuple[exp.Expr, exp.Expr]] = [(tree, root)]
    # Level by level, so that values are asked for in the order in which a search finds places.
    for node, copy in ahead:
        if node._meta is not None:
            copy._meta = dict(node._meta)
        if node._type is not None:
            copy._type = node._type.copy()
        if node.comments is not None:
            copy.comments = list(node.comments)
        args = copy.args
        for key, value in node.args.items():
            if isinstance(value, exp.Expr):
                args[key] = _child(value, copy, key, None, value_of, ahead)
            elif type(value) is list:
                args[key] = [
                    _child(item, copy, key, index, value_of, ahead)
                    if isinstance(item, exp.Expr)
                    else item
                    for index, item in enumerate(value)
                ]
            else:
                args[key] = value
    return root


def _child(
    node: exp.Expr,
    parent: exp.Expr,
    key: str,
    index: int | None,
    value_of: Callable[[exp.Expr], exp.Expr] | None,
    ahead: list[tuple[exp.Expr, exp.Expr]],
) -> exp.Expr:
    """What stands in the copy for a node of the tree, in its place."""
    if value_of is not None and isinstance(node, exp.Placeholder):
        made = value_of(node)
    else:
        made = node.__class__()
        ahead.append((node, made))
    made.parent, made.arg_key, made.index = parent, key, index
    return made


def _grouped(value: exp.Expr, place: exp.Expr) -> exp.Expr:
    """Parenthesised where an operator around the slot could bind tighter than the value's own."""
    operator = (exp.Binary, exp.Unary, exp.Between, exp.In, exp.Cast, exp.Bracket, exp.Interval)
    is_operator = isinstance(value, (exp.Binary, exp.Unary, exp.Between, exp.In))
    if is_operator and not isinstance(value, (exp.Dot, exp.Paren)):
        parent = place.parent
        if isinstance(parent, operator) and not isinstance(parent, exp.Paren):
            return exp.Paren(this=value)
    return value

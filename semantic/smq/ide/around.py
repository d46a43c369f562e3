"""What else one condition or expression holds beside the cursor: it decides what fits there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from smq.expr import NameUse, Template, conjuncts, parse_expression
from smq.ide.functions import FUNCTIONS
from smq.ide.sql_context import SqlContext

_FROM = re.compile(r"(?i)\bselect\b[^()]*\b(?:from|join)\s+\Z")
_HERE = "smq_is_written_here"


@dataclass(frozen=True, slots=True)
class Around:
    """`names` are the others of the same condition, as far as the text can be read; `in_window`
    whether the cursor stands in a window or in a call that only a window may be. With `is_read`
    unset nobody knows what is around."""

    names: tuple[str, ...] = ()
    in_window: bool = False
    is_read: bool = False
    tables: tuple[str, ...] = ()
    """The models that the subquery around the cursor selects from."""
    is_table: bool = False
    """Whether the name is that of such a model."""


def around(head: str, tail: str, context: SqlContext, dialect: str) -> Around:
    """`head` and `tail` are the texts before and behind the word at the cursor."""
    calls = {call.upper() for call in context.calls}
    needs_window = context.window or any(
        call in FUNCTIONS and FUNCTIONS[call].group in ("aggregate", "window") for call in calls
    )
    if _FROM.search(head):
        return Around(is_table=True)
    found = _read(head, tail, context, dialect)
    if found is None:
        return Around(in_window=needs_window)
    part, here = found
    tables = tuple(table.name for table in part.tables if table.scope == here.scope)
    if here.scope:
        return Around(is_read=True, tables=tables)
    others = dict.fromkeys(
        use.call.name if use.call is not None else use.name
        for use in part.uses
        if use is not here and not use.scope
    )
    return Around(tuple(others), needs_window or here.in_window or here.in_aggregate, True)


def _read(
    head: str, tail: str, context: SqlContext, dialect: str
) -> tuple[Template, NameUse] | None:
    """The condition that holds the cursor, and the name that would stand there."""
    closing = (" END" if context.case else "") + ")" * len(context.calls)
    for rest in dict.fromkeys((tail, closing)):
        template = parse_expression(f"{head}{_HERE}{rest}", dialect)
        if template.fault is not None:
            continue
        for part in conjuncts(template):
            for use in part.uses:
                if _HERE in (use.name, use.call.name if use.call is not None else ""):
                    return part, use
    return None

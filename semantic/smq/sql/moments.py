"""Dates, timestamps and texts that are compared, or stand for each other, become of one kind.

Engines differ in what a text is taken for beside a date, and where dates are texts themselves
'2024-02-10' is before '2024-02-10 00:00:00'. So the text is written as what it is compared with,
and a date beside a timestamp as a timestamp.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal

from sqlglot import exp

Kind = Literal["", "date", "timestamp", "time"]
"""`time` is a time dimension whose model does not say which of the two it is."""

MOMENT = "moment"
"""In the `meta` of a node: a timestamp on engines whose dates are texts, by itself elsewhere."""

DAYS = "days"
"""In the `meta` of a sum or difference: the kinds of its operands, which their SQL may not show."""

DATE_TYPES = frozenset({"date"})
TIMESTAMP_TYPES = frozenset({"timestamp", "datetime", "timestamptz", "timestamp_ntz"})

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\Z")
_COMPARISONS = (
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE),
    *(exp.NullSafeEQ, exp.NullSafeNEQ, exp.Nullif),
)
_CHOICES = (exp.Coalesce, exp.Greatest, exp.Least)
_PLACES = (*_COMPARISONS, *_CHOICES, exp.Between, exp.In, exp.Case)
_SAME = (
    *(exp.Paren, exp.Min, exp.Max, exp.AnyValue, exp.First, exp.Last, exp.Window, exp.Filter),
    *(exp.IgnoreNulls, exp.RespectNulls, exp.FirstValue, exp.LastValue, exp.NthValue),
    *(exp.Lag, exp.Lead, exp.Nullif, exp.Mode),
)
"""Nodes whose value is of the kind of their first operand."""
_TIMESTAMPS = (
    exp.DType.TIMESTAMP,
    exp.DType.TIMESTAMPNTZ,
    exp.DType.TIMESTAMPTZ,
    exp.DType.TIMESTAMPLTZ,
    exp.DType.DATETIME,
)


def declared(data_type: str | None) -> Kind:
    """What a declared type says; nothing where it is neither a date nor a timestamp."""
    word = (data_type or "").lower().split("(")[0].strip()
    if word in DATE_TYPES:
        return "date"
    return "timestamp" if word in TIMESTAMP_TYPES else ""


def kind_of(node: exp.Expr, slot: Callable[[int], Kind]) -> Kind:
    """The kind of a value; `slot` tells that of a placeholder's."""
    if isinstance(node, exp.Placeholder):
        return slot(int(node.this))
    if isinstance(node, (exp.Cast, exp.TryCast)):
        to = node.to.this
        return "date" if to == exp.DType.DATE else "timestamp" if to in _TIMESTAMPS else ""
    if isinstance(node, exp.CurrentDate):
        return "date"
    if isinstance(node, exp.CurrentTimestamp):
        return "timestamp"
    if isinstance(node, exp.DateTrunc):
        return "date"
    if isinstance(node, (exp.TimestampTrunc, exp.DatetimeTrunc)):
        return "timestamp"
    if isinstance(node, exp.Case):
        return _widest(kind_of(value, slot) for value in _results(node))
    if isinstance(node, _CHOICES):
        return _widest(kind_of(value, slot) for value in (node.this, *node.expressions))
    if isinstance(node, (exp.Add, exp.Sub)) and not isinstance(node.expression, exp.Interval):
        # A date and a number of days; two dates are as many days apart.
        whole = isinstance(node.expression, exp.Literal) and node.expression.is_int
        return kind_of(node.this, slot) if whole else ""
    if isinstance(node, (*_SAME, exp.Add, exp.Sub)) and isinstance(node.this, exp.Expr):
        return kind_of(node.this, slot)
    return ""


def agreed(tree: exp.Expr, slot: Callable[[int], Kind], slots: int) -> exp.Expr:
    """The tree with comparable kinds, a copy where something had to change."""
    plain = tree.this if isinstance(tree, exp.AggFunc) else tree
    if isinstance(plain, exp.Placeholder) or not any(map(slot, range(slots))):
        return tree
    if tree.find(*_PLACES, exp.Add, exp.Sub) is None:
        return tree
    holder = exp.Paren(this=tree.copy())
    for sum_ in holder.find_all(exp.Add, exp.Sub):
        kinds = (kind_of(sum_.this, slot), kind_of(sum_.expression, slot))
        if any(kinds):
            sum_.meta[DAYS] = kinds
    for node in list(holder.find_all(*_PLACES)):
        for operands in _groups(node):
            _agree(operands, slot)
    return holder.this.pop()  # type: ignore[no-any-return]


def _groups(node: exp.Expr) -> Iterable[list[exp.Expr]]:
    """The operands of a node that must be of one kind."""
    if isinstance(node, exp.Case):
        if node.this is not None:
            yield [node.this, *(branch.this for branch in node.args["ifs"])]
        yield _results(node)
    elif isinstance(node, exp.Between):
        yield [node.this, node.args["low"], node.args["high"]]
    elif isinstance(node, exp.In):
        query = node.args.get("query")
        inner = query.unnest() if isinstance(query, exp.Expr) else None
        if isinstance(inner, exp.Select) and len(inner.expressions) == 1:
            yield [node.this, inner.expressions[0].unalias()]
        yield [node.this, *node.expressions]
    elif isinstance(node, _CHOICES):
        yield [node.this, *node.expressions]
    else:
        yield [node.this, node.expression]


def _results(case: exp.Case) -> list[exp.Expr]:
    found = [branch.args["true"] for branch in case.args["ifs"]]
    default = case.args.get("default")
    return found if default is None else [*found, default]


def _widest(kinds: Iterable[Kind]) -> Kind:
    found = set(kinds)
    for kind in ("timestamp", "time", "date"):
        if kind in found:
            return kind
    return ""


def _agree(operands: list[exp.Expr], slot: Callable[[int], Kind]) -> None:
    kinds = [kind_of(operand, slot) for operand in operands]
    wanted = _widest(kinds)
    if not wanted:
        return
    if wanted == "date" and any(_is_text(operand, _TIMESTAMP) for operand in operands):
        wanted = "timestamp"
    for operand, kind in zip(operands, kinds, strict=True):
        if _is_text(operand, _DATE) or _is_text(operand, _TIMESTAMP):
            _write(operand, wanted)
        elif kind == "date" and wanted != "date":
            # A date written out is written as a timestamp; any other value is cast.
            literal = isinstance(operand, exp.Cast) and isinstance(operand.this, exp.Literal)
            _write(operand.this if literal and wanted == "timestamp" else operand, wanted, operand)


def _is_text(node: exp.Expr, pattern: re.Pattern[str]) -> bool:
    return isinstance(node, exp.Literal) and node.is_string and bool(pattern.match(node.this))


def _write(value: exp.Expr, kind: Kind, place: exp.Expr | None = None) -> None:
    place = place or value
    if kind == "time":
        marked = value.copy() if isinstance(value, exp.Literal) else exp.Paren(this=value.copy())
        marked.meta[MOMENT] = True
        place.replace(marked)
        return
    to = exp.DType.DATE if kind == "date" else exp.DType.TIMESTAMP
    place.replace(exp.Cast(this=value.copy(), to=exp.DataType(this=to, nested=False)))

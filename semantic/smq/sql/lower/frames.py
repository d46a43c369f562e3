"""Window frames that an engine has no word for, and that sqlglot would leave out in silence.

Where it measures numbers only, a distance of days or less is said in microseconds. A month has no
one length, so that frames of months are refused there.
"""

from __future__ import annotations

from sqlglot import exp

from smq.dialects import Needs
from smq.sql.lower.context import Context
from smq.sql.lower.inner_rows import group_keys

_RANKS = (
    exp.RowNumber,
    exp.Rank,
    exp.DenseRank,
    exp.PercentRank,
    exp.CumeDist,
    exp.Ntile,
    exp.Lag,
    exp.Lead,
)
"""Functions that look at their whole partition and cannot have a frame."""
_TIES = "a window without ROWS, of rows that its ORDER BY does not tell apart,"
_VALUES = (exp.FirstValue, exp.LastValue, exp.NthValue)


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    known = context.dialect.frames
    for spec in context.find(tree, exp.WindowSpec):
        if Needs.FRAMES_IN_NUMBERS in context.dialect.needs:
            _in_numbers(spec, context)
        for part, feature in _parts(spec):
            if part not in known:
                context.refuse(f"{feature} in frames of windows", "the engine cannot", spec)
    return tree


def spelled_out(tree: exp.Expr, context: Context) -> exp.Expr:
    """The frame that SQL means when none is written, where the engine means another or wants one.

    It reaches from the start to the last row of equal order. Where there are only ROWS, that can
    be said if no two rows are equal, or if all of them are.
    """
    for window in context.find(tree, exp.Window):
        function = _function(window)
        order, spec = window.args.get("order"), window.args.get("spec")
        if order is None or isinstance(function, _RANKS):
            continue
        if Needs.FRAMES_OF_ROWS in context.dialect.needs:
            if spec is None or spec.text("kind").upper() == "RANGE":
                _in_rows(window, function, context)
        elif spec is None and isinstance(function, _VALUES):
            window.set("spec", _frame("RANGE", "UNBOUNDED", "CURRENT ROW"))
            context.touch()
    return tree


def _in_rows(window: exp.Window, function: exp.Expr, context: Context) -> None:
    spec = window.args.get("spec") or _frame("RANGE", "UNBOUNDED", "CURRENT ROW")
    if any(isinstance(spec.args.get(side), exp.Expr) for side in ("start", "end")):
        return  # A distance, which has been refused.
    start, end = spec.text("start"), spec.text("end") or "CURRENT ROW"
    partition = window.args.get("partition_by") or []
    keys = [ordered.this for ordered in window.args["order"].expressions]
    keys = [key for key in keys if key not in partition and not _is_constant(key)]
    if not keys:
        # All rows of a partition are equal, so that what is up to one of them is all of it.
        start = end = "UNBOUNDED"
    elif "CURRENT ROW" in (start, end) and not _tells_rows_apart([*keys, *partition], window):
        context.refuse(_TIES, "the engine cannot", function)
        return
    window.set("spec", _frame("ROWS", start, end))
    context.touch()


def _tells_rows_apart(keys: list[exp.Expr], window: exp.Window) -> bool:
    select = window.find_ancestor(exp.Select)
    if select is None:
        return False
    if select.args.get("group") is not None:
        return all(key in keys or _is_constant(key) for key in group_keys(select))
    # Without groups, one row comes out of aggregates.
    return any(
        node.find_ancestor(exp.Window, exp.Select) is select
        for item in select.expressions
        for node in item.find_all(exp.AggFunc)
    )


def _is_constant(key: exp.Expr) -> bool:
    return key.find(exp.Column) is None


def _frame(kind: str, start: str, end: str) -> exp.WindowSpec:
    sides = {"start_side": "PRECEDING"} if start == "UNBOUNDED" else {}
    sides |= {"end_side": "FOLLOWING"} if end == "UNBOUNDED" else {}
    return exp.WindowSpec(kind=kind, start=start, end=end, **sides)


def _function(window: exp.Window) -> exp.Expr:
    function: exp.Expr = window.this
    while isinstance(function, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
        function = function.this
    return function


def _in_numbers(spec: exp.WindowSpec, context: Context) -> None:
    """`ORDER BY day RANGE INTERVAL 7 DAY PRECEDING` over microseconds, if it can be said so."""
    window, forms = spec.parent, context.dialect.forms
    order = window.args.get("order") if isinstance(window, exp.Window) else None
    distances = {
        side: bound
        for side in ("start", "end")
        if isinstance(bound := spec.args.get(side), exp.Interval)
    }
    if forms is None or forms.since_epoch is None or order is None or not distances:
        return
    lengths = {side: _microseconds(bound) for side, bound in distances.items()}
    if None in lengths.values() or len(order.expressions) != 1:
        return
    item = order.expressions[0]
    item.set("this", forms.since_epoch(item.this))
    for side, length in lengths.items():
        spec.set(side, exp.Literal.number(length))
    context.touch()


def _microseconds(interval: exp.Interval) -> int | None:
    unit = _UNITS.get(interval.text("unit").upper().removesuffix("S"))
    try:
        count = int(interval.this.name) if isinstance(interval.this, exp.Literal) else None
    except ValueError:
        return None
    return None if unit is None or count is None else count * unit


_UNITS = {"SECOND": 10**6, "MINUTE": 60 * 10**6, "HOUR": 3600 * 10**6}
_UNITS |= {"DAY": 86400 * 10**6, "WEEK": 7 * 86400 * 10**6}


def _parts(spec: exp.WindowSpec) -> list[tuple[str, str]]:
    """What the frame asks for beyond ROWS, with the words for it."""
    kind = spec.text("kind").upper()
    found: list[tuple[str, str]] = []
    if kind == "GROUPS":
        found.append(("GROUPS", "GROUPS"))
    if spec.args.get("exclude"):
        found.append(("EXCLUDE", "EXCLUDE"))
    bounds = (spec.args.get("start"), spec.args.get("end"))
    distances = [bound for bound in bounds if isinstance(bound, exp.Expr)]
    if kind == "RANGE" and distances:
        if any(distance.find(exp.Interval) is not None for distance in distances):
            found.append(("INTERVAL", "RANGE with an interval"))
        else:
            found.append(("RANGE", "RANGE with a distance"))
    return found

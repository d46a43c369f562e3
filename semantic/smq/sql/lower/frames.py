"""Window frames that an engine has no word for, and that sqlglot would leave out in silence.

Where it measures numbers only, a distance of days or less is said in microseconds. A month has no
one length, so that frames of months are refused there.
"""

from __future__ import annotations

from sqlglot import exp

from smq.dialects import Needs
from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    known = context.dialect.frames
    for spec in context.find(tree, exp.WindowSpec):
        if Needs.FRAMES_IN_NUMBERS in context.dialect.needs:
            _in_numbers(spec, context)
        for part, feature in _parts(spec):
            if part not in known:
                context.refuse(f"{feature} in frames of windows", "the engine cannot", spec)
    return tree


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

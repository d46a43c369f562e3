"""Window frames that an engine has no word for, and that sqlglot would leave out in silence."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    known = context.dialect.frames
    for spec in context.find(tree, exp.WindowSpec):
        for part, feature in _parts(spec):
            if part not in known:
                context.refuse(f"{feature} in frames of windows", "the engine cannot", spec)
    return tree


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

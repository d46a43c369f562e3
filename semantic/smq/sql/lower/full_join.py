"""FULL JOIN, as a LEFT JOIN and below it those rows of the right side that it left out."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context, ours
from smq.sql.lower.inner_rows import InnerRows


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    for select in reversed(context.find(tree, exp.Select)):
        # From the left: what a FULL JOIN gives is the left side of those after it.
        while (place := _first_full_join(select)) is not None:
            join = select.args["joins"][place]
            stars = any(projection.is_star for projection in select.expressions)
            if join.args.get("on") is None or stars:
                context.refuse("this form of FULL JOIN", "not yet", join)
                break
            rows = InnerRows(select, tree, "joined", joins=place + 1)
            rows.finish()
            source = select.args["from_"].this
            source.set("this", _as_union(source.this, place))
            context.touch()
    return tree


def _first_full_join(select: exp.Select) -> int | None:
    joins = select.args.get("joins") or []
    return next((place for place, join in enumerate(joins) if join.side == "FULL"), None)


def _as_union(left: exp.Select, place: int) -> exp.Union:
    if not left.expressions:
        one = exp.Alias(this=exp.Literal.number(1), alias=ours("present"))
        left.set("expressions", [one])
    right = left.copy()
    left.args["joins"][place].set("side", "LEFT")
    join = right.args["joins"][place]
    join.set("side", "RIGHT")
    # Inside, the names on the left are those of the tables there; the right side is the row's.
    match = exp.Select(
        expressions=[exp.Literal.number(1)],
        from_=right.args["from_"].copy(),
        joins=[earlier.copy() for earlier in right.args["joins"][:place]],
        where=exp.Where(this=join.args["on"].copy()),
    )
    unmatched: exp.Expr = exp.Not(this=exp.Exists(this=match))
    right.set("where", exp.Where(this=unmatched))
    return exp.Union(this=left, expression=right, distinct=False)

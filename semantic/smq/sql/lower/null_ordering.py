"""NULLs first or last, by a sort key of its own where NULLS FIRST and NULLS LAST will not do.

Where the clause can be written, sqlglot writes it exactly if the engine's default differs. It
leaves the clause out, changing the order, where BigQuery refuses it: in windows with a RANGE
frame, which is the frame of every window that names none.
"""

from __future__ import annotations

from sqlglot import exp

from smq.dialects import Needs
from smq.sql.lower.context import Context, free_name, names_of_tables, subquery


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    everywhere = Needs.NULLS_LAST_AS_CASE in context.dialect.needs
    for order in context.find(tree, exp.Order):
        changed = [item for item in order.expressions if differs(item, context)]
        if not changed:
            continue
        around = order.parent
        if isinstance(around, exp.WithinGroup):
            # Percentiles do not look at NULLs.
            for item in changed:
                item.set("nulls_first", not item.args.get("nulls_first"))
            continue
        if isinstance(around, exp.Window):
            if _is_range_by_distance(around):
                if _reaches_the_nulls(around):
                    context.refuse("NULLS LAST in a RANGE frame", "the engine cannot", around)
                for item in changed:
                    item.set("nulls_first", not item.args.get("nulls_first"))
                continue
        elif not everywhere:
            continue
        elif isinstance(around, exp.Query) and _orders_outputs_only(around):
            # Such a query may be ordered by its output columns only, so it gets one around it.
            tree = _wrap(around, tree, context)
        keys = [key for item in _unique(order) for key in _keys(item, context)]
        order.set("expressions", keys)
        context.touch()
    return tree


def _unique(order: exp.Order) -> list[exp.Expr]:
    """The sort keys without those whose value an earlier one has: SQL Server refuses them."""
    found: dict[exp.Expr, exp.Expr] = {}
    for item in order.expressions:
        found.setdefault(ordered_value(item) if isinstance(item, exp.Ordered) else item, item)
    return list(found.values())


def differs(item: exp.Expr, context: Context) -> bool:
    """Whether the engine, told nothing, would put the NULLs elsewhere."""
    if not isinstance(item, exp.Ordered):
        return False
    descending = bool(item.args.get("desc"))
    default = context.dialect.null_order
    nulls_first = False if default == "last" else (default == "small") != descending
    return nulls_first != bool(item.args.get("nulls_first"))


def _keys(item: exp.Expr, context: Context) -> list[exp.Expr]:
    if not differs(item, context):
        return [item]
    nulls_first = bool(item.args.get("nulls_first"))
    missing = exp.If(
        this=exp.Is(this=ordered_value(item).copy(), expression=exp.Null()),
        true=exp.Literal.number(0 if nulls_first else 1),
    )
    flag = exp.Case(ifs=[missing], default=exp.Literal.number(1 if nulls_first else 0))
    key = exp.Ordered(this=flag)
    for ordered in (key, item):
        # To the generator this must look like the default, or it adds a key of its own.
        descending = bool(ordered.args.get("desc"))
        ordered.set("nulls_first", (context.dialect.null_order == "small") != descending)
    return [key, item]


def ordered_value(item: exp.Expr) -> exp.Expr:
    """What the item orders by: an output, named or counted, is looked up in the SELECT list.

    Inside an expression of ORDER BY a name is a column of the tables in some engines and an
    output in others, so a name of an output is written out.
    """
    value: exp.Expr = item.this
    order = item.parent
    select = order.parent if order is not None else None
    if not isinstance(select, exp.Select):
        return value
    if isinstance(value, exp.Literal) and value.is_int:
        outputs = select.expressions
        place = int(value.name) - 1
        found: exp.Expr = outputs[place].unalias() if 0 <= place < len(outputs) else value
        return found
    if isinstance(value, exp.Column) and not value.table:
        for projection in select.expressions:
            if projection.alias_or_name == value.name:
                named: exp.Expr = projection.unalias()
                return named
    return value


def _orders_outputs_only(query: exp.Query) -> bool:
    return isinstance(query, exp.SetOperation) or query.args.get("distinct") is not None


def _is_range_by_distance(window: exp.Window) -> bool:
    """A frame such as RANGE 3 PRECEDING measures distances, so it takes one sort key only."""
    spec = window.args.get("spec")
    if spec is None or spec.text("kind").upper() != "RANGE":
        return False
    bounds = (spec.args.get("start"), spec.args.get("end"))
    return any(isinstance(bound, exp.Expr) for bound in bounds)


def _reaches_the_nulls(window: exp.Window) -> bool:
    """Whether a bound is open, so that rows with NULL may be in the frames of others."""
    spec = window.args["spec"]
    return "UNBOUNDED" in (spec.args.get("start"), spec.args.get("end"))


def _wrap(query: exp.Query, tree: exp.Expr, context: Context) -> exp.Expr:
    name = free_name("unordered", names_of_tables(tree))
    moved = {key: query.args.get(key) for key in ("order", "limit", "offset", "with_")}
    for key in moved:
        query.set(key, None)
    outer = exp.Select(expressions=[_named(item) for item in query.selects], **moved)
    tree = context.replace(query, outer, tree)
    outer.set("from_", exp.From(this=subquery(query, name)))
    return tree


def _named(projection: exp.Expr) -> exp.Expr:
    if isinstance(projection, exp.Alias):
        return exp.Column(this=projection.args["alias"].copy())
    if isinstance(projection, exp.Column) and not projection.is_star:
        return exp.Column(this=projection.this.copy())
    return exp.Star()

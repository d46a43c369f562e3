"""Grouped expressions, as columns that a SELECT underneath computes.

MySQL sees that an output depends on the groups only if all of it is such an expression, and
MariaDB sees it once. In HAVING, in ORDER BY or inside another expression neither does.
"""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context
from smq.sql.lower.inner_rows import InnerRows, group_keys
from smq.sql.lower.null_ordering import differs, ordered_value


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    for select in reversed(context.find(tree, exp.Select)):
        keys = [key for key in group_keys(select) if not isinstance(key, exp.Column)]
        keys = [key for key in keys if key.find(exp.Column) is not None]
        if keys and _used_elsewhere(select, keys, context):
            rows = InnerRows(select, tree, "prepared")
            names = {
                projection.this: projection.alias
                for projection in select.expressions
                if isinstance(projection, exp.Alias)
            }
            expressions = [key.copy() for key in group_keys(select)]
            select.args["group"].set("expressions", expressions)
            for key in dict.fromkeys(keys):
                rows.compute_in_place_of(key, names.get(key, "group_key"))
            rows.finish()
            context.touch()
    return tree


def _used_elsewhere(select: exp.Select, keys: list[exp.Expr], context: Context) -> bool:
    """Whether a key stands anywhere but as one whole output."""
    whole = [item.unalias() for item in select.expressions if item.unalias() in keys]
    if len(whole) > len(set(whole)):
        return True
    order = select.args.get("order")
    sorted_by = order.expressions if order is not None else []
    if any(differs(item, context) and ordered_value(item) in keys for item in sorted_by):
        return True
    places = [item for item in select.expressions if item.unalias() not in keys]
    places += [select.args[key] for key in ("having", "order") if select.args.get(key)]
    return any(_outside_aggregates(place, keys) for place in places)


def _outside_aggregates(node: exp.Expr, keys: list[exp.Expr]) -> bool:
    if node in keys:
        return True
    if isinstance(node, exp.AggFunc) and not isinstance(node.parent, exp.Window):
        return False
    return any(_outside_aggregates(child, keys) for child in node.iter_expressions())

"""One SELECT around another, for what is filtered or ordered when the inner one is computed."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context, free_name, names_of_tables, ours, subquery


def surround(
    select: exp.Select, tree: exp.Expr, context: Context, name: str, condition: exp.Expr | None
) -> exp.Expr:
    """Puts a SELECT of the same outputs around `select`, with ORDER BY, LIMIT and DISTINCT.

    `condition` is over the rows that come out of `select`, in its own words: what only the inner
    SELECT can compute becomes a column of it that the outer one does not hand on. The inner one
    is called `name`, or that with a number. Gives the root of the tree.
    """
    _name_all(select)
    star = any(projection.is_star for projection in select.expressions)
    if star and select is tree:
        # The columns that only the condition needs would come out with the others.
        context.refuse("QUALIFY on SELECT *", "not yet", select)
        return tree
    outputs = [projection.copy() for projection in select.expressions]
    inner = _Inner(select)
    where = None if condition is None else exp.Where(this=_outside(condition, inner))
    moved = {key: select.args.get(key) for key in ("order", "limit", "offset", "distinct", "with_")}
    for key in moved:
        select.set(key, None)
    order = moved["order"]
    if isinstance(order, exp.Order):
        for ordered in order.expressions:
            if not ordered.this.is_int:
                ordered.set("this", _outside(ordered.this, inner))
    name = free_name(name, names_of_tables(tree))
    outer = exp.Select(expressions=[_output(output) for output in outputs], where=where, **moved)
    # Replaced while the inner SELECT is still where the outer one has to be.
    tree = context.replace(select, outer, tree)
    outer.set("from_", exp.From(this=subquery(select, name)))
    return tree


def _name_all(select: exp.Select) -> None:
    """Gives users' outputs without a name one: the outer SELECT must call them something."""
    for place, projection in enumerate(list(select.expressions), start=1):
        if not projection.output_name and not projection.is_star:
            name = ours(f"column_{place}")
            projection.replace(exp.Alias(this=projection.copy(), alias=name))


class _Inner:
    """The SELECT that becomes inner, and the columns that the outer one asks it for."""

    def __init__(self, select: exp.Select) -> None:
        self.select = select
        self.names: dict[exp.Expr, exp.Identifier] = {}
        self.aliases: set[str] = set()
        for projection in select.expressions:
            name = projection.alias_or_name
            self.aliases.add(name)
            self.names.setdefault(projection.unalias(), _name(projection))
        self.taken = {name.lower() for name in self.aliases}
        group = select.args.get("group")
        self.keys: list[exp.Expr] = list(group.expressions) if group is not None else []

    def column_for(self, expression: exp.Expr) -> exp.Column:
        """A reference to the output that holds the expression, adding one if there is none."""
        name = self.names.get(expression)
        if name is None:
            wanted = expression.name if isinstance(expression, exp.Column) else "window_value"
            name = ours(free_name(wanted, self.taken))
            self.names[expression] = name
            output = exp.Alias(this=expression.copy(), alias=name.copy())
            self.select.append("expressions", output)
        return exp.Column(this=name.copy())


def _output(projection: exp.Expr) -> exp.Expr:
    new = exp.Star() if projection.is_star else exp.Column(this=_name(projection))
    new.meta.update(projection.meta)
    return new


def _name(projection: exp.Expr) -> exp.Identifier:
    """The name of an output; one without an alias is a column, folded alike inside and outside."""
    if isinstance(projection, exp.Alias):
        name = projection.args["alias"]
    else:
        name = projection.this if isinstance(projection, exp.Column) else None
    if isinstance(name, exp.Identifier):
        return name.copy()
    return ours(projection.output_name or "*")


def _outside(expression: exp.Expr, inner: _Inner) -> exp.Expr:
    """The expression over the outputs of the inner SELECT, which gets those it lacks."""
    if expression not in inner.names and _names_output(expression, inner):
        return expression
    if expression in inner.names or expression in inner.keys or isinstance(expression, _WHOLE):
        return inner.column_for(expression)
    for key, value in list(expression.args.items()):
        if isinstance(value, exp.Expr):
            expression.set(key, _outside(value, inner))
        elif isinstance(value, list):
            items = [_outside(v, inner) if isinstance(v, exp.Expr) else v for v in value]
            expression.set(key, items)
    return expression


def _names_output(node: exp.Expr, inner: _Inner) -> bool:
    return isinstance(node, exp.Column) and not node.table and node.name in inner.aliases


_WHOLE = (exp.Window, exp.Filter, exp.WithinGroup, exp.AggFunc, exp.Column, exp.Query, exp.Subquery)
"""What only the inner SELECT can compute."""

"""Columns whose name an output of the same SELECT has, too.

Some engines then take the output where the column is meant: `SUM(x) AS x … HAVING SUM(x) > 1`
becomes an aggregate of an aggregate. With its table before it, a name is always a column.
"""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    shadowed = context.dialect.aliases_shadow
    if not shadowed:
        return tree
    for select in context.find(tree, exp.Select):
        table = _only_table(select)
        outputs = {
            projection.alias.lower()
            for projection in select.expressions
            if isinstance(projection, exp.Alias)
        }
        if table is None or not outputs:
            continue
        for clause in shadowed:
            holders = select.args.get(clause) or []
            for holder in holders if isinstance(holders, list) else [holders]:
                _qualify(holder, clause, outputs, table, select, context)
    return tree


def _qualify(
    holder: exp.Expr,
    clause: str,
    outputs: set[str],
    table: exp.Identifier,
    select: exp.Select,
    context: Context,
) -> None:
    for column in list(holder.find_all(exp.Column)):
        if column.table or column.is_star or column.name.lower() not in outputs:
            continue
        if column.find_ancestor(exp.Select) is select and not _is_output(column, clause):
            column.set("table", table.copy())
            context.touch()


def _is_output(column: exp.Column, clause: str) -> bool:
    """Whether the canonical tree means the output: alone in ORDER BY, or bare in QUALIFY."""
    inside = column.find_ancestor(exp.Window, exp.AggFunc, exp.Select)
    if not isinstance(inside, exp.Select):
        return False
    if clause == "order":
        return isinstance(column.parent, exp.Ordered)
    return clause == "qualify"


def _only_table(select: exp.Select) -> exp.Identifier | None:
    """The name of the one table that the SELECT reads."""
    from_ = select.args.get("from_")
    if from_ is None or select.args.get("joins") or select.args.get("laterals"):
        return None
    source = from_.this
    alias = source.args.get("alias")
    found = alias.this if alias is not None else None
    if found is None and isinstance(source, exp.Table):
        found = source.this
    return found if isinstance(found, exp.Identifier) else None

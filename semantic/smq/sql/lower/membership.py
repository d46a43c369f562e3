"""NOT IN of what holds NULL, which is true of nothing; ClickHouse leaves NULL out of the list.

It also calls NULL in a list of nothing unknown, which is false.
"""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context, ours, subquery

_PLAIN = (exp.And, exp.Or, exp.Paren, exp.Where, exp.Having, exp.Qualify)
"""Where it makes no difference whether a condition is false or unknown."""


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    for node in reversed(context.find(tree, exp.In)):
        if not _is_only_asked_for_truth(node):
            query = node.args.get("query")
            new = _of_list(node) if query is None else _of_query(node, query)
            if new is not None:
                tree = context.replace(node, exp.Paren(this=new), tree)
    return tree


def _is_only_asked_for_truth(node: exp.Expr) -> bool:
    above = node.parent
    while isinstance(above, _PLAIN):
        if isinstance(above, exp.Where | exp.Having | exp.Qualify):
            return True
        above = above.parent
    return False


def _of_list(node: exp.In) -> exp.Expr | None:
    known = [value for value in node.expressions if not isinstance(value, exp.Null)]
    if len(known) == len(node.expressions):
        return None
    if not known:
        return exp.Null()
    return exp.Or(this=exp.In(this=node.this.copy(), expressions=known), expression=exp.Null())


def _of_query(node: exp.In, query: exp.Expr) -> exp.Expr | None:
    select = query.this if isinstance(query, exp.Subquery) else query
    if not isinstance(select, exp.Select) or len(select.expressions) != 1:
        return None
    some = _counted(select, exp.Count(this=exp.Star()))
    member = exp.Column(this=ours("member"), table=ours("members"))
    count = exp.Sub(this=exp.Count(this=exp.Star()), expression=exp.Count(this=member))
    unknown = exp.Or(
        this=exp.Paren(
            this=exp.And(this=exp.Is(this=node.this.copy(), expression=exp.Null()), expression=some)
        ),
        expression=_counted(select, count),
    )
    return exp.Case(
        ifs=[
            exp.If(this=node.copy(), true=exp.Boolean(this=True)),
            exp.If(this=unknown, true=exp.Null()),
        ],
        default=exp.Boolean(this=False),
    )


def _counted(select: exp.Select, count: exp.Expr) -> exp.Expr:
    """Whether the count over the SELECT's rows is more than 0."""
    inner = select.copy()
    (output,) = inner.expressions
    named = exp.Alias(this=output.unalias().copy(), alias=ours("member"))
    inner.set("expressions", [named])
    outer = exp.Select(expressions=[count], from_=exp.From(this=subquery(inner, "members")))
    return exp.GT(this=exp.Subquery(this=outer), expression=exp.Literal.number(0))

"""Columns of a UNION whose first branches hold NULL.

Where types are resolved branch by branch, two NULLs make a column of text, and the number in the
third branch does not fit. The first branch then takes such a column from an outer join with the
branch that has it, on a condition that is never true: no row, but its type.
"""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context, free_name, names_of_tables, ours, subquery


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    for union in context.find(tree, exp.SetOperation):
        if not isinstance(union.parent, exp.SetOperation):
            branches = _branches(union)
            if len(branches) > 2:
                _type_first(branches, tree)
                context.touch()
    return tree


def _branches(query: exp.Expr) -> list[exp.Select]:
    """The SELECTs of a chain of set operations, in order; empty if one is something else."""
    if isinstance(query, exp.SetOperation):
        left, right = _branches(query.this), _branches(query.expression)
        return [*left, *right] if left and right else []
    if isinstance(query, exp.Subquery) and not query.alias:
        return _branches(query.this)
    return [query] if isinstance(query, exp.Select) else []


def _type_first(branches: list[exp.Select], tree: exp.Expr) -> None:
    first = branches[0]
    untyped: dict[int, list[int]] = {}
    for place, projection in enumerate(first.expressions):
        if not _is_null(projection) or not _is_null(_at(branches[1], place)):
            # The second branch alone may bring the type: that pair is resolved together.
            continue
        source = next(
            (n for n, branch in enumerate(branches) if not _is_null(_at(branch, place))), None
        )
        if source is not None:
            untyped.setdefault(source, []).append(place)
    if not untyped:
        return
    taken = names_of_tables(tree)
    if _is_more_than_a_scan(first):
        _wrap(first, free_name("first_part", taken))
    for source, places in untyped.items():
        _join(first, branches[source], places, taken)


def _at(branch: exp.Select, place: int) -> exp.Expr | None:
    return branch.expressions[place] if place < len(branch.expressions) else None


def _is_null(projection: exp.Expr | None) -> bool:
    return projection is not None and isinstance(projection.unalias(), exp.Null)


def _is_more_than_a_scan(select: exp.Select) -> bool:
    """Whether a join and a column more could change what the SELECT means."""
    if any(select.args.get(key) for key in ("group", "having", "distinct", "limit", "order")):
        return True
    if select.args.get("from_") is None:
        return True
    return any(item.find(exp.AggFunc) is not None for item in select.expressions)


def _wrap(select: exp.Select, name: str) -> None:
    """Puts the SELECT inside itself, so that its node stays the branch of the union."""
    outputs: list[exp.Expr] = []
    for place, projection in enumerate(list(select.expressions)):
        output = _output_name(projection, place)
        named = exp.Alias(this=projection.unalias().copy(), alias=output)
        if _is_null(projection):
            value: exp.Expr = exp.Null()
        else:
            value = exp.Column(this=output.copy(), table=ours(name))
        outputs.append(exp.Alias(this=value, alias=output.copy()))
        projection.replace(named)
    kept = select.args.get("with_")
    inner = exp.Select(**{key: value for key, value in select.args.items() if key != "with_"})
    for key in list(select.args):
        select.set(key, None)
    select.set("with_", kept)
    select.set("expressions", outputs)
    select.set("from_", exp.From(this=subquery(inner, name)))


def _join(first: exp.Select, other: exp.Select, places: list[int], taken: set[str]) -> None:
    """Joins what brings the types, on a condition that is never true."""
    table = _plain_table(other, places)
    source: exp.Expr
    values: list[exp.Expr]
    if table is not None:
        name: exp.Identifier = _name_of(table).copy()
        source = table.copy()
        if name.name.lower() in names_of_tables(first):
            name = ours(free_name(name.name, taken))
            source.set("alias", exp.TableAlias(this=name.copy()))
        columns = [other.expressions[place].unalias().this for place in places]
    else:
        name = ours(free_name("typed", taken))
        columns = [ours(f"column_{place + 1}") for place in places]
        typed = other.copy()
        outputs = [
            exp.Alias(this=other.expressions[place].unalias().copy(), alias=identifier.copy())
            for place, identifier in zip(places, columns, strict=True)
        ]
        typed.set("expressions", outputs)
        source = subquery(typed, name.name)
    values = [exp.Column(this=item.copy(), table=name.copy()) for item in columns]
    join = exp.Join(this=source, side="LEFT", on=exp.Boolean(this=False))
    first.append("joins", join)
    for place, value in zip(places, values, strict=True):
        old = first.expressions[place]
        new = exp.Alias(this=value, alias=_output_name(old, place))
        new.meta.update(old.meta)
        old.replace(new)


def _output_name(projection: exp.Expr, place: int) -> exp.Identifier:
    if isinstance(projection, exp.Alias):
        found: exp.Identifier = projection.args["alias"]
        return found.copy()
    if isinstance(projection, exp.Column):
        found = projection.this
        return found.copy()
    return ours(f"column_{place + 1}")


def _name_of(table: exp.Table) -> exp.Identifier:
    alias = table.args.get("alias")
    found: exp.Identifier = alias.this if alias is not None else table.this
    return found


def _plain_table(select: exp.Select, places: list[int]) -> exp.Table | None:
    """The one table that the branch reads the columns from as they are, such as a CTE."""
    if {key for key, value in select.args.items() if value} - {"expressions", "from_", "where"}:
        return None
    from_ = select.args.get("from_")
    table = from_.this if from_ is not None else None
    if not isinstance(table, exp.Table):
        return None
    bare = all(isinstance(select.expressions[place].unalias(), exp.Column) for place in places)
    return table if bare else None

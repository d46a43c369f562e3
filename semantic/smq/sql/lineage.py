"""Which physical columns each output column of a query is computed from.

It follows names through common table expressions, sub-selects and unions of a finished tree. It
knows the shapes that the compiler emits; of SQL that a model brings along it gives what can be
told without the warehouse's schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from smq.dialects import dialect as facts

Outputs = dict[str, frozenset[str]]
"""Output columns in order, each with the `table.column` it depends on."""

_NOTHING: frozenset[str] = frozenset()


def lineage(tree: exp.Expr) -> Mapping[str, tuple[str, ...]]:
    """For each output column the physical columns, sorted; `table.*` where rows are counted."""
    return {name: tuple(sorted(found)) for name, found in _outputs(tree, {}).items()}


def calculations(tree: exp.Expr, dialect: str) -> Mapping[str, str]:
    """For each output column the expression of the outermost SELECT, in one line of SQL."""
    query = tree
    while isinstance(query, exp.Subquery):
        query = query.this
    library = facts(dialect).sqlglot
    return {
        each.alias_or_name: str(each.unalias().sql(dialect=library))
        for each in (query.expressions if isinstance(query, exp.Select) else ())
    }


def _outputs(query: exp.Expr, known: Mapping[str, Outputs]) -> Outputs:
    known = _with_ctes(query, known)
    if isinstance(query, exp.Subquery):
        return _outputs(query.this, known)
    if isinstance(query, exp.SetOperation):
        left, right = _outputs(query.this, known), _outputs(query.expression, known)
        others = [*right.values(), *([_NOTHING] * len(left))]
        return {
            name: found | other for (name, found), other in zip(left.items(), others, strict=False)
        }
    if isinstance(query, exp.Select):
        return _Select(query, known).outputs()
    return {}


def _with_ctes(query: exp.Expr, known: Mapping[str, Outputs]) -> Mapping[str, Outputs]:
    written = query.args.get("with_")
    if written is None:
        return known
    extended = dict(known)
    for cte in written.expressions:
        # A recursive one finds itself empty and takes its columns from where it begins.
        extended[cte.alias] = {}
        extended[cte.alias] = _outputs(cte.this, extended)
    return extended


class _Select:
    """The tables of one FROM clause by alias, and what names mean among them."""

    def __init__(self, select: exp.Select, known: Mapping[str, Outputs]) -> None:
        self._select = select
        self._known = known
        self._derived: dict[str, Outputs] = {}
        self._physical: dict[str, str] = {}
        source = select.args.get("from_")
        if source is not None:
            self._add(source.this)
        for join in select.args.get("joins") or ():
            self._add(join.this)

    def outputs(self) -> Outputs:
        found: Outputs = {}
        for projection in self._select.expressions:
            if isinstance(projection, exp.Star):
                for derived in self._derived.values():
                    found.update(derived)
                continue
            found[projection.alias_or_name] = frozenset(self._read(projection))
        return found

    def _add(self, source: exp.Expr) -> None:
        if isinstance(source, exp.Table):
            name = ".".join(part.name for part in source.parts)
            if name in self._known:
                self._derived[source.alias_or_name] = self._known[name]
            else:
                self._physical[source.alias_or_name] = name
        elif isinstance(source, exp.Query):
            self._derived[source.alias_or_name] = _outputs(source, self._known)
        for join in source.args.get("joins") or ():
            self._add(join.this)

    def _read(self, node: exp.Expr) -> Iterator[str]:
        if isinstance(node, exp.Query):
            for found in _outputs(node, self._known).values():
                yield from found
        elif isinstance(node, exp.Column):
            yield from self._column(node)
        elif isinstance(node, exp.Star):
            for table in list(self._physical.values())[:1]:
                yield f"{table}.*"
        else:
            for child in node.iter_expressions():
                yield from self._read(child)

    def _column(self, column: exp.Column) -> Iterator[str]:
        name, table = column.name, column.table
        if table in self._derived:
            yield from self._derived[table].get(name, _NOTHING)
        elif table in self._physical:
            yield f"{self._physical[table]}.{name}"
        elif not table:
            having = [derived for derived in self._derived.values() if name in derived]
            if having:
                yield from having[0][name]
            elif len(self._physical) == 1:
                (only,) = self._physical.values()
                yield f"{only}.{name}"

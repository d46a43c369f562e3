"""Names that only the SQL itself sees, without quotes where the engine folds names.

The compiler's names are exact, which in an engine that folds to upper case means quotes around
every one of them. Only the names of the result must keep their case. Those of CTEs, of aliases of
tables and of the columns between them may be folded, if that keeps them apart from each other and
from everything that people have named. In doubt a name keeps its quotes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlglot import exp

from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    if context.dialect.folding == "none" or not isinstance(tree, exp.Query):
        return tree
    _Relaxer(tree, context).relax()
    return tree


class _Relaxer:
    def __init__(self, tree: exp.Query, context: Context) -> None:
        self.tree = tree
        self.fold = context.dialect.fold
        self.columns = context.find(tree, exp.Column)
        self.tables = context.find(tree, exp.Table)
        self.aliases = [
            alias.this
            for alias in context.find(tree, exp.TableAlias)
            if isinstance(alias.this, exp.Identifier)
        ]
        self.ctes = {cte.alias for cte in context.find(tree, exp.CTE)}
        self.outputs = context.find(tree, exp.Alias)
        self.derived = context.find(tree, exp.CTE, exp.Subquery)

    def relax(self) -> None:
        sources = self._free_sources()
        columns = self._free_columns()
        for alias in self.aliases:
            _relax(alias, sources)
        for table in self.tables:
            if table.args.get("db") is None and isinstance(table.this, exp.Identifier):
                _relax(table.this, sources & self.ctes)
        for alias in self._inner_aliases():
            _relax(alias, columns)
        for column in self.columns:
            qualifier = column.args.get("table")
            if isinstance(qualifier, exp.Identifier):
                _relax(column.this, columns)
                _relax(qualifier, sources)

    def _free_sources(self) -> set[str]:
        """Aliases and CTEs that no other name folds to, and no table of somebody's."""
        theirs = {
            self.fold(table.name)
            for table in self.tables
            if table.name not in self.ctes or table.args.get("db") is not None
        }
        return self._apart({alias.name for alias in self.aliases}, theirs)

    def _free_columns(self) -> set[str]:
        """Columns that inner SELECTs name, and that nothing else might be called."""
        bare = (column for column in self.columns if not column.table)
        theirs = {
            self.fold(column.name) for column in bare if not self._is_output_sorted_by(column)
        }
        opaque = self._opaque_sources()
        kept = {
            column.name
            for column in self.columns
            if column.table in opaque and _is_exact(column.this)
        }
        wanted = {alias.name for alias in self._inner_aliases()}
        return self._apart(wanted, theirs) - kept

    def _apart(self, names: set[str], theirs: set[str]) -> set[str]:
        counts = Counter(map(self.fold, names))
        return {n for n in names if counts[self.fold(n)] == 1 and self.fold(n) not in theirs}

    def _inner_aliases(self) -> Iterable[exp.Identifier]:
        """The names of columns that do not come out of the whole."""
        outermost = {id(select) for select in _branches(self.tree)}
        for alias in self.outputs:
            if isinstance(alias.parent, exp.Select) and id(alias.parent) not in outermost:
                identifier = alias.args["alias"]
                if isinstance(identifier, exp.Identifier):
                    yield identifier

    def _opaque_sources(self) -> set[str]:
        """Sources whose columns somebody else has named: tables, and SELECTs that hand on all."""
        found = {
            table.alias_or_name
            for table in self.tables
            if table.name not in self.ctes or table.args.get("db") is not None
        }
        for source in self.derived:
            selects = _branches(source.this)
            if not selects or any(item.is_star for s in selects for item in s.expressions):
                found.add(source.alias)
        for table in self.tables:
            if table.name in found:
                found.add(table.alias_or_name)
        return found

    def _is_output_sorted_by(self, column: exp.Column) -> bool:
        ordered = column.parent
        order = ordered.parent if isinstance(ordered, exp.Ordered) else None
        return isinstance(order, exp.Order) and order.parent is self.tree


def _branches(query: exp.Expr) -> list[exp.Select]:
    """The SELECTs whose columns are those of the query."""
    if isinstance(query, exp.SetOperation):
        return [*_branches(query.this), *_branches(query.expression)]
    if isinstance(query, exp.Subquery):
        return _branches(query.this)
    return [query] if isinstance(query, exp.Select) else []


def _relax(identifier: exp.Identifier, names: set[str]) -> None:
    if _is_exact(identifier) and identifier.name in names:
        identifier.set("quoted", False)


def _is_exact(identifier: exp.Expr) -> bool:
    return bool(identifier.args.get("quoted"))

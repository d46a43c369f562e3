"""A SELECT under another that hands on its rows, with values computed for each of them."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import free_name, names_of_tables, ours, subquery

_CLAUSES = ("expressions", "group", "having", "qualify", "order", "windows")
"""What stays in the outer SELECT and reads the inner one."""


class InnerRows:
    """Splits a SELECT: FROM, joins and WHERE go inside, the rest reads what comes out of there.

    With `joins` only so many of the first joins go inside; the others stay, and so does WHERE.
    Ask for the values to compute with `compute`, put references to them where they are needed,
    and end with `finish`, which also makes every other column a column of the inner SELECT.
    """

    def __init__(
        self, select: exp.Select, tree: exp.Expr, name: str, joins: int | None = None
    ) -> None:
        self.select = select
        self._inside: dict[str, object] = {"from_": select.args.get("from_")}
        self._staying: dict[str, object] = {}
        if joins is None:
            self._inside |= {key: select.args.get(key) for key in ("joins", "laterals", "where")}
        else:
            every = select.args.get("joins") or []
            self._inside["joins"] = every[:joins]
            self._staying = {"joins": every[joins:] or None, "where": select.args.get("where")}
        self.name = free_name(name, names_of_tables(tree))
        self._sources = {
            source.alias_or_name
            for clause in ("from_", "joins", "laterals")
            for source in _sources(self._inside.get(clause))
        }
        self._outputs = {projection.alias_or_name for projection in select.expressions}
        self._taken: set[str] = set()
        self._columns: dict[exp.Expr, exp.Identifier] = {}
        self._handed_on: list[exp.Expr] = []
        self._computed: list[exp.Expr] = []
        self._substitutes: dict[exp.Expr, exp.Identifier] = {}

    def compute(self, value: exp.Expr, wanted: str) -> exp.Column:
        """Adds a value of each row under a name like the wanted one; gives a reference to it."""
        name = ours(free_name(wanted, self._taken))
        self._computed.append(exp.Alias(this=value, alias=name.copy()))
        return self._reference(name)

    def compute_in_place_of(self, value: exp.Expr, wanted: str) -> None:
        """Adds a value, which `finish` reads wherever the outer SELECT has the expression."""
        self._substitutes[value.copy()] = self.compute(value.copy(), wanted).this

    def finish(self) -> None:
        inner = exp.Select(**self._inside)
        for key in ("joins", "laterals", "where"):
            self.select.set(key, self._staying.get(key))
        for clause in (*_CLAUSES, *self._staying):
            value = self.select.args.get(clause)
            if isinstance(value, list):
                self.select.set(clause, [self._read(item, clause) for item in value])
            elif isinstance(value, exp.Expr):
                self.select.set(clause, self._read(value, clause))
        inner.set("expressions", [*self._handed_on, *self._computed])
        self.select.set("from_", exp.From(this=subquery(inner, self.name)))

    def _read(self, node: exp.Expr, clause: str, hidden: frozenset[str] = frozenset()) -> exp.Expr:
        """The node over the inner SELECT's columns; `hidden` are names of sources nearer to it."""
        substitute = self._substitutes.get(node)
        if substitute is not None:
            return self._in_place_of(node, substitute)
        if isinstance(node, exp.Column):
            if node.table in hidden or not self._is_of_tables(node, clause):
                return node
            column = self._column(node)
            if clause == "expressions" and node.parent is self.select and column.name != node.name:
                return exp.Alias(this=column, alias=node.this.copy())
            return column
        if isinstance(node, exp.Select):
            hidden |= {
                source.alias_or_name
                for key in ("from_", "joins", "laterals")
                for source in _sources(node.args.get(key))
            }
        for key, value in list(node.args.items()):
            if isinstance(value, exp.Expr):
                node.set(key, self._read(value, clause, hidden))
            elif isinstance(value, list):
                read = (
                    v if not isinstance(v, exp.Expr) else self._read(v, clause, hidden)
                    for v in value
                )
                node.set(key, list(read))
        return node

    def _column(self, column: exp.Column) -> exp.Column:
        identifier = self._columns.get(column)
        if identifier is None:
            identifier = column.this.copy()
            if identifier.name.lower() in self._taken:
                identifier = ours(free_name(identifier.name, self._taken))
            self._taken.add(identifier.name.lower())
            output: exp.Expr = column.copy()
            if identifier != column.this:
                output = exp.Alias(this=output, alias=identifier.copy())
            self._columns[column.copy()] = identifier
            self._handed_on.append(output)
        return self._in_place_of(column, identifier)

    def _in_place_of(self, node: exp.Expr, identifier: exp.Identifier) -> exp.Column:
        """A reference that still tells what the node came from."""
        column = self._reference(identifier)
        column.meta.update(node.meta)
        return column

    def _reference(self, identifier: exp.Identifier) -> exp.Column:
        return exp.Column(this=identifier.copy(), table=ours(self.name))

    def _is_of_tables(self, column: exp.Column, clause: str) -> bool:
        if column.is_star or column.table == self.name:
            return False
        if column.table:
            return column.table in self._sources
        if column.find_ancestor(exp.Select) is not self.select:
            return False
        # A name of an output, standing alone in the ORDER BY of the query, is that output.
        in_window = isinstance(column.find_ancestor(exp.Window, exp.Select), exp.Window)
        alone = isinstance(column.parent, exp.Ordered) and not in_window
        return not (clause == "order" and alone and column.name in self._outputs)


def group_keys(select: exp.Select) -> list[exp.Expr]:
    """The expressions that a SELECT groups by, with those that ordinals count written out."""
    group = select.args.get("group")
    return [] if group is None else [_resolved(key, select) for key in group.expressions]


def _resolved(key: exp.Expr, select: exp.Select) -> exp.Expr:
    if key.is_int and isinstance(key, exp.Literal) and 0 < int(key.name) <= len(select.expressions):
        found: exp.Expr = select.expressions[int(key.name) - 1].unalias()
        return found
    return key


def _sources(clause: object) -> list[exp.Expr]:
    if isinstance(clause, list):
        return [source for item in clause for source in _sources(item)]
    if isinstance(clause, exp.From | exp.Join):
        return [clause.this]
    return [clause] if isinstance(clause, exp.Expr) else []

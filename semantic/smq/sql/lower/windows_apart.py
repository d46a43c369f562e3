"""Windows apart from groups: a SELECT inside forms the groups, and windows look at its rows.

MariaDB computes nonsense for an expression over a window that stands, in a query with joins,
beside an aggregate with DISTINCT or one that collects its values. A window alone is right.
"""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context, free_name, names_of_tables, ours, subquery
from smq.sql.lower.inner_rows import group_keys

_SLOW = (exp.Distinct, exp.GroupConcat, exp.ArrayAgg, exp.JSONArrayAgg, exp.JSONObjectAgg)
"""What keeps MariaDB from aggregating row by row."""
_AROUND_FUNCTIONS = (exp.IgnoreNulls, exp.RespectNulls, exp.Filter, exp.WithinGroup)
_OF_GROUPS = (exp.AggFunc, exp.Filter, exp.WithinGroup, exp.Column)
"""What only the SELECT with the groups can compute."""


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    # ORDER BY is not looked at: where windows are, it is in a SELECT around them by now.
    for select in reversed(context.find(tree, exp.Select)):
        outputs = select.expressions
        if any(map(_computes_with_windows, outputs)) and any(map(_is_slow, outputs)):
            tree = _split(select, tree, context)
    return tree


def _computes_with_windows(output: exp.Expr) -> bool:
    """Whether a window is a part of the output. A default of LAG or LEAD becomes a CASE of them."""
    windows = [node for node in output.find_all(exp.Window) if _is_own(node, output)]
    defaults = (node.find(exp.Lag, exp.Lead) for node in windows)
    return any(window is not output.unalias() for window in windows) or any(
        function is not None and function.args.get("default") for function in defaults
    )


def _is_slow(output: exp.Expr) -> bool:
    return any(_is_own(node, output) for node in output.find_all(*_SLOW))


def _is_own(node: exp.Expr, output: exp.Expr) -> bool:
    """Whether the node is the output's own and not that of a SELECT inside it."""
    above: exp.Expr | None = node
    while above is not None and above is not output:
        if isinstance(above, exp.Query):
            return False
        above = above.parent
    return True


def _split(select: exp.Select, tree: exp.Expr, context: Context) -> exp.Expr:
    groups = _Groups(select, free_name("aggregated", names_of_tables(tree)))
    outputs = []
    for output in select.expressions:
        value = groups.read(output.unalias().copy())
        name = output.args.get("alias") or groups.outputs.get(output)
        # A column keeps its name only if it is the same to the letter.
        if name is not None and not (isinstance(value, exp.Column) and value.this == name):
            value = exp.Alias(this=value, alias=name.copy())
        value.meta.update(output.meta)
        outputs.append(value)
    outer = exp.Select(expressions=outputs)
    for key in ("limit", "offset", "distinct", "with_"):
        outer.set(key, select.args.get(key))
        select.set(key, None)
    tree = context.replace(select, outer, tree)
    select.set("expressions", groups.columns)
    outer.set("from_", exp.From(this=subquery(select, groups.name)))
    return tree


class _Groups:
    """The SELECT with the groups under its name, and the columns that are asked of it."""

    def __init__(self, select: exp.Select, name: str) -> None:
        self.name = name
        self.columns: list[exp.Expr] = []
        self.outputs: dict[exp.Expr, exp.Identifier] = {}
        """How the outputs are called, by their values."""
        for output in select.expressions:
            called = output.args.get("alias") or (
                output.this if isinstance(output, exp.Column) else None
            )
            if isinstance(called, exp.Identifier):
                self.outputs.setdefault(output.unalias(), called)
        self._keys = group_keys(select)
        self._names: dict[exp.Expr, exp.Identifier] = {}
        self._taken = {name.name.lower() for name in self.outputs.values()}

    def read(self, node: exp.Expr) -> exp.Expr:
        """The expression over the columns of the groups, which get those that it needs."""
        if node in self._keys and not isinstance(node, exp.Literal):
            return self._column(node)
        if isinstance(node, exp.Window):
            self._read_function(node.this)
            self._read_inside(node, but="this")
            return node
        if isinstance(node, exp.Query):
            return node
        if isinstance(node, _OF_GROUPS):
            return self._column(node)
        self._read_inside(node)
        return node

    def _read_function(self, node: exp.Expr) -> None:
        """A window's function is no aggregate of the groups; what it is called with may be."""
        around = isinstance(node, _AROUND_FUNCTIONS)
        if around:
            self._read_function(node.this)
        self._read_inside(node, but="this" if around else "")

    def _read_inside(self, node: exp.Expr, but: str = "") -> None:
        for key, value in list(node.args.items()):
            if key == but:
                continue
            if isinstance(value, exp.Expr):
                node.set(key, self.read(value))
            elif isinstance(value, list):
                read = (self.read(v) if isinstance(v, exp.Expr) else v for v in list(value))
                node.set(key, list(read))

    def _column(self, value: exp.Expr) -> exp.Column:
        name = self._names.get(value)
        if name is None:
            name = self.outputs.get(value)
            if name is None:
                wanted = value.name if isinstance(value, exp.Column) else "group_value"
                name = ours(free_name(wanted, self._taken))
            self._names[value.copy()] = name
            output = value.copy()
            if not (isinstance(output, exp.Column) and output.this == name):
                output = exp.Alias(this=output, alias=name.copy())
            self.columns.append(output)
        column = exp.Column(this=name.copy(), table=ours(self.name))
        column.meta.update(value.meta)
        return column

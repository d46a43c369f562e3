"""Reads one expression with the SQL library's parser, whatever is written.

This is the only door to that parser for expressions.
"""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from smq.dialects.grammar import grammar
from smq.expr.jinja import Call, JinjaFault, find_calls
from smq.expr.template import Fault, FaultKind, FunctionUse, NameUse, Role, TableUse, Template
from smq.text import nfc

MAX_LENGTH = 65_536
"""Longer expressions are refused: nobody writes them and the parser's time grows with them."""

_PREFIX = "SELECT "

_EQUALS = re.compile(r"[\]\"`]?\s*=")

_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|::|(?P<parameter>[:$@]\w+|\?)")

_WINDOW_ONLY = (
    exp.RowNumber,
    exp.Rank,
    exp.DenseRank,
    exp.PercentRank,
    exp.CumeDist,
    exp.Ntile,
    exp.FirstValue,
    exp.LastValue,
    exp.NthValue,
    exp.Lag,
    exp.Lead,
)


def read_expression(text: str, sqlglot_name: str) -> Template:
    """Parse one expression in a dialect of the library. Never raises for any text."""
    return _Reader(text, sqlglot_name).read()


class _Reader:
    def __init__(self, text: str, sqlglot_name: str) -> None:
        self.text = text
        self.dialect = sqlglot_name
        self.uses: list[NameUse] = []
        self.tables: list[TableUse] = []
        self.functions: list[FunctionUse] = []
        self.scopes: list[int] = [0]
        self.calls: dict[str, Call] = {}
        self.plain = text
        """The text with a name in place of each template call."""

    def read(self) -> Template:
        if len(self.text) > MAX_LENGTH:
            return self._fault("size", f"longer than {MAX_LENGTH:,} characters", 0, MAX_LENGTH)
        if not self.text.strip():
            return self._fault("empty", "nothing is written", 0, len(self.text))
        try:
            plain, self.calls = find_calls(self.text)
            self.plain = plain
        except JinjaFault as fault:
            return self._fault("jinja", fault.detail, fault.start, fault.end)
        try:
            statements = grammar(self.dialect).parse(_PREFIX + plain)
        except ParseError as error:
            return self._syntax_fault(error)
        except TokenError:
            return self._fault(
                "syntax", "a quote or comment is not closed", *self._last_quote(plain)
            )
        except RecursionError:
            return self._fault("size", "nested too deeply", 0, len(self.text))
        except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
            # The parser's own slips on odd input; the text is at fault as far as the user goes.
            return self._fault("syntax", f"not SQL ({error})", 0, len(self.text))
        return self._from_statements(statements)

    def _from_statements(self, statements: list[exp.Expr | None]) -> Template:
        end = len(self.text)
        if len(statements) != 1:
            at = self.text.find(";")
            return self._fault("statement", "several statements", max(at, 0), end)
        select = statements[0]
        if not isinstance(select, exp.Select):
            return self._fault("statement", "a set operation or statement", 0, end)
        extra = sorted(
            key
            for key, value in select.args.items()
            if value and key not in ("expressions", "kind", "with_")
        )
        if extra or select.args.get("with_"):
            word = {"from_": "FROM", "distinct": "DISTINCT", "where": "WHERE"}.get(
                extra[0] if extra else "with_", (extra or ["with"])[0].strip("_").upper()
            )
            place = re.search(rf"\b{re.escape(word)}\b", self.text, re.IGNORECASE)
            start = place.start() if place else 0
            return self._fault("statement", f"{word} belongs to a whole query", start, end)
        if len(select.expressions) != 1:
            kind: FaultKind = "several" if select.expressions else "empty"
            return self._fault(kind, f"{len(select.expressions)} expressions", 0, end)
        return self._from_expression(self._compared(select.expressions[0]))

    def _compared(self, tree: exp.Expr) -> exp.Expr:
        """`status = 'paid'` as a comparison; SQL Server reads an alias with its expression."""
        identifier = tree.args.get("alias") if isinstance(tree, exp.Alias) else None
        if identifier is None or not _EQUALS.match(self.plain, self._place(identifier)[1]):
            return tree
        # In parentheses it is an operand. They take the place of the blank, so that places stay.
        text = f"{_PREFIX.rstrip()}({self.plain})"
        statement = grammar(self.dialect).parse(text)[0]
        assert isinstance(statement, exp.Select), "the same text was one before"
        compared: exp.Expr = statement.expressions[0]
        return compared.this.pop() if isinstance(compared, exp.Paren) else compared

    def _from_expression(self, tree: exp.Expr) -> Template:
        alias: str | None = None
        alias_at = (0, 0)
        body_end = len(self.text.rstrip())
        if isinstance(tree, exp.Alias):
            identifier = tree.args.get("alias")
            if identifier is None:
                # DuckDB writes `alias: expression`; here only the colon is there.
                return self._fault("syntax", "a name is missing before `:`", 0, body_end)
            alias = nfc(identifier.name)
            alias_at = self._place(identifier)
            before = self.text[: alias_at[0]].rstrip()
            if before[-2:].lower() == "as":
                before = before[:-2].rstrip()
            body_end = len(before)
            tree = tree.this
        elif re.search(r"(?is)\bas\s*\Z", self.text) and "__smq" not in self.text:
            return self._fault("syntax", "AS needs a name", len(self.text.rstrip()) - 2, body_end)
        # One walk serves all readers: walking is most of what reading costs.
        nodes = list(tree.dfs())
        fault = self._forbidden(nodes)
        if fault is not None:
            return fault
        holder = exp.Paren(this=tree.pop() if tree.parent else tree)
        self._mark_subqueries(nodes)
        self._collect_functions(nodes)
        self._collect_names(nodes)
        self._collect_tables(nodes)
        for node in nodes:
            if node.comments:
                node.comments = None
            if node._meta:
                node.meta.clear()
        tree = holder.this.pop()
        return Template(
            self.text,
            self.dialect,
            tree,
            tuple(self.uses),
            tuple(self.tables),
            tuple(self._functions_with_slots()),
            alias,
            alias_at,
            body_end,
            None,
            any(f.windowed and f.scope == 0 for f in self.functions),
            any(not f.windowed and not f.in_window and f.scope == 0 for f in self.functions),
            tuple(self.scopes),
        )

    def _forbidden(self, nodes: list[exp.Expr]) -> Template | None:
        for node in nodes:
            if isinstance(node, (exp.Placeholder, exp.Parameter, exp.SessionParameter)):
                start, end = self._parameter()
                return self._fault("parameter", "parameters have no value here", start, end)
            if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
                return self._fault("star", "* names no single value", 0, len(self.text))
            if isinstance(node, (exp.Command, exp.DDL, exp.DML, exp.Into)) and not isinstance(
                node, exp.Query
            ):
                return self._fault("statement", "a statement", 0, len(self.text))
            if isinstance(node, exp.Select) and node.args.get("into"):
                return self._fault("statement", "SELECT INTO writes a table", 0, len(self.text))
        return None

    def _parameter(self) -> tuple[int, int]:
        """The first parameter in the text, past quotes and casts."""
        for match in _PARAMETER.finditer(self.text):
            if match.lastgroup:
                return match.span()
        return 0, len(self.text)

    # Scopes: each subquery is numbered in the order of the text, and marked on its Select.

    def _mark_subqueries(self, nodes: list[exp.Expr]) -> None:
        for select in (node for node in nodes if isinstance(node, exp.Select)):
            select.meta["smq_scope"] = len(self.scopes)
            self.scopes.append(self._scope_of(select.parent))

    def _scope_of(self, node: exp.Expr | None) -> int:
        while node is not None:
            if isinstance(node, exp.Select):
                return int(node.meta.get("smq_scope", 0))
            node = node.parent
        return 0

    def _collect_functions(self, nodes: list[exp.Expr]) -> None:
        wanted = (exp.Window, exp.AggFunc, *_WINDOW_ONLY)
        for node in (node for node in nodes if isinstance(node, wanted)):
            if isinstance(node, exp.Window):
                function = node.this
                while isinstance(
                    function,
                    (exp.IgnoreNulls, exp.RespectNulls, exp.Filter, exp.WithinGroup, exp.Order),
                ):
                    function = function.this
                windowed = True
            elif _window_of(node) is not None:
                continue
            else:
                function, windowed = node, False
            start, end = self._place(function)
            node.meta["smq_function"] = len(self.functions)
            self.functions.append(
                FunctionUse(
                    _sql_name(function, self.text[start:end]),
                    start,
                    end,
                    windowed,
                    _inside_aggregate(node),
                    isinstance(node.find_ancestor(exp.Window, exp.Select), exp.Window),
                    (),
                    self._scope_of(node),
                )
            )

    def _collect_names(self, nodes: list[exp.Expr]) -> None:
        columns = (node for node in nodes if isinstance(node, exp.Column))
        placed = [(self._place(column), column) for column in columns]
        placed.sort(key=lambda pair: pair[0])
        for (start, end), column in placed:
            slot = len(self.uses)
            parts = tuple(nfc(part.name) for part in column.parts)
            call = self.calls.get(parts[0]) if len(parts) == 1 else None
            if call is not None:
                start, end = call.start, call.end
            self.uses.append(
                NameUse(
                    slot,
                    parts,
                    start,
                    end,
                    _inside_aggregate(column),
                    isinstance(column.find_ancestor(exp.Window, exp.Select), exp.Window),
                    _role(column),
                    self._scope_of(column),
                    call,
                    tuple(bool(part.args.get("quoted")) for part in column.parts),
                )
            )
            for ancestor in _ancestors(column):
                number = ancestor.meta.get("smq_function") if ancestor._meta else None
                if number is not None:
                    self._function_slots.setdefault(number, []).append(slot)
            column.replace(exp.Placeholder(this=str(slot)))

    @property
    def _function_slots(self) -> dict[int, list[int]]:
        if not hasattr(self, "_slots_by_function"):
            self._slots_by_function: dict[int, list[int]] = {}
        return self._slots_by_function

    def _functions_with_slots(self) -> list[FunctionUse]:
        return [
            FunctionUse(
                f.name,
                f.start,
                f.end,
                f.windowed,
                f.in_aggregate,
                f.in_window,
                tuple(self._function_slots.get(number, ())),
                f.scope,
            )
            for number, f in enumerate(self.functions)
        ]

    def _collect_tables(self, nodes: list[exp.Expr]) -> None:
        for table in (node for node in nodes if isinstance(node, exp.Table)):
            slot = len(self.tables)
            start, end = (
                self._place(table.this) if isinstance(table.this, exp.Identifier) else (0, 0)
            )
            name = ".".join(nfc(part.name) for part in table.parts)
            alias = nfc(table.alias) if table.alias else None
            self.tables.append(TableUse(slot, name, alias, self._scope_of(table), start, end))
            table.replace(exp.Table(this=exp.Identifier(this=f"smq_table_{slot}", quoted=False)))

    # Places.

    def _place(self, node: exp.Expr) -> tuple[int, int]:
        """The text range of a node: that of the identifiers and functions in it."""
        spans = [
            (inner.meta["start"], inner.meta["end"])
            for inner in node.walk()
            if inner._meta and "start" in inner._meta
        ]
        if isinstance(node, exp.Func):
            if node._meta and "start" in node._meta:
                spans = [(node.meta["start"], node.meta["end"])]
            elif spans:
                return self._name_before(min(s for s, _ in spans) - len(_PREFIX))
        if not spans:
            return 0, len(self.text.rstrip())
        start = min(s for s, _ in spans) - len(_PREFIX)
        end = max(e for _, e in spans) + 1 - len(_PREFIX)
        return max(start, 0), min(max(end, 0), len(self.text))

    def _name_before(self, start: int) -> tuple[int, int]:
        """The name of the call whose first argument starts there; some calls have no place."""
        found = re.search(r"([^\W\d]\w*)\s*\([^()]*\Z", self.text[:start])
        return found.span(1) if found else (0, len(self.text.rstrip()))

    def _syntax_fault(self, error: ParseError) -> Template:
        details = error.errors[0] if error.errors else {}
        description = str(details.get("description") or "")
        start, end = 0, len(self.text)
        highlight = str(details.get("highlight") or "")
        context = str(details.get("start_context") or "")
        if highlight and (context or details.get("line")):
            before = (context + highlight).rfind(highlight)
            whole = _PREFIX + self.text
            at = whole.find(context[-40:] + highlight) if context else -1
            if at >= 0:
                start = at + len(context[-40:]) - len(_PREFIX)
                end = start + len(highlight)
            elif before >= 0:
                found = self.text.find(highlight)
                if found >= 0:
                    start, end = found, found + len(highlight)
        start = max(0, min(start, len(self.text)))
        end = max(start, min(end, len(self.text)))
        return self._fault("syntax", _plain_words(description, highlight), start, end)

    def _last_quote(self, text: str) -> tuple[int, int]:
        places = [text.rfind(mark) for mark in ("'", '"', "`", "/*")]
        return max(0, max(places)), len(text)

    def _fault(self, kind: FaultKind, detail: str, start: int, end: int) -> Template:
        return Template(
            self.text,
            self.dialect,
            None,
            fault=Fault(kind, detail, start, min(end, len(self.text))),
        )


def _plain_words(description: str, highlight: str) -> str:
    """The parser's reasons in the user's words."""
    if description.startswith("Required keyword"):
        return f"something is missing near `{highlight}`" if highlight else "something is missing"
    if description.startswith("Expecting )"):
        return "a closing parenthesis is missing"
    if description.startswith("Expecting"):
        return description[0].lower() + description[1:].rstrip(".")
    if highlight:
        return f"unexpected `{highlight}`"
    return "not a SQL expression"


def _ancestors(node: exp.Expr) -> list[exp.Expr]:
    found = []
    parent = node.parent
    while parent is not None:
        found.append(parent)
        parent = parent.parent
    return found


def _window_of(function: exp.Expr) -> exp.Window | None:
    """The window call whose function this is."""
    child, parent = function, function.parent
    while isinstance(
        parent, (exp.IgnoreNulls, exp.RespectNulls, exp.Filter, exp.WithinGroup, exp.Order)
    ):
        if parent.this is not child:
            return None
        child, parent = parent, parent.parent
    return parent if isinstance(parent, exp.Window) and parent.this is child else None


def _inside_aggregate(node: exp.Expr) -> bool:
    """Inside an aggregate's arguments, its FILTER or its WITHIN GROUP; not the call itself."""
    child, parent = node, node.parent
    while parent is not None and not isinstance(parent, exp.Select):
        if isinstance(parent, exp.AggFunc) and _window_of(parent) is None:
            return True
        if isinstance(parent, (exp.Filter, exp.WithinGroup)) and parent.this is not child:
            inner = parent.this
            while isinstance(inner, (exp.Filter, exp.WithinGroup)):
                inner = inner.this
            if isinstance(inner, exp.AggFunc) and _window_of(inner) is None:
                return True
        child, parent = parent, parent.parent
    return False


def _role(column: exp.Expr) -> Role:
    child, parent = column, column.parent
    while parent is not None:
        if isinstance(parent, exp.Window):
            if parent.this is child:
                return "argument"
            return "order" if child is parent.args.get("order") else "partition"
        child, parent = parent, parent.parent
    return ""


def _sql_name(function: exp.Expr, written: str) -> str:
    if written and written.isidentifier():
        return written.upper()
    if isinstance(function, exp.Anonymous):
        return str(function.this).upper()
    return function.sql_name() if isinstance(function, exp.Func) else function.key.upper()

"""One SQL expression, parsed once: its names as numbered slots, with their places in the text.

This is the only door to sqlglot's parser for expressions. A `Template` is cached by text and
dialect and never changed; `fill` copies its tree and puts other expressions into the slots.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError

from smq.dialects import dialect as facts
from smq.expr.jinja import Call, JinjaFault, find_calls
from smq.text import nfc

FaultKind = Literal["syntax", "statement", "several", "star", "parameter", "jinja", "empty", "size"]
Role = Literal["", "argument", "partition", "order"]

MAX_LENGTH = 65_536
"""Longer expressions are refused: nobody writes them and the parser's time grows with them."""

_PREFIX = "SELECT "
_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|::|(?P<parameter>[:$@]\w+|\?)")
_BARE = re.compile(r"[^\W\d]\w*\Z")
_KEYWORD_FREE = re.compile(r".*__.*|[^\x00-\x7f]")
_ONE_AGGREGATE = re.compile(
    r"\s*(?P<function>(?i:sum|count|min|max|avg))\(\s*(?:(?P<distinct>(?i:distinct))\s+)?"
    r"(?P<name>[^\W\d]\w*)\s*\)\s*\Z"
)
_AGGREGATES = {"SUM": exp.Sum, "MIN": exp.Min, "MAX": exp.Max, "AVG": exp.Avg}
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


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is no scalar expression; offsets into the text."""

    kind: FaultKind
    detail: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NameUse:
    """One column name in the text: `slot` numbers it; several uses of one name have several."""

    slot: int
    parts: tuple[str, ...]
    start: int
    end: int
    in_aggregate: bool = False
    """Inside an aggregate call that is not a window function."""
    in_window: bool = False
    role: Role = ""
    """Where in the innermost window call it stands."""
    scope: int = 0
    """0 for the expression itself, n for the n-th subquery in it."""
    call: Call | None = None
    """Set for `{{ Dimension(…) }}` and its kin."""
    quoted: tuple[bool, ...] = ()
    """For each part whether it was written in quotes; empty when none was."""

    @property
    def name(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class TableUse:
    """A table named in a subquery of the expression; `scope` is that subquery's number."""

    slot: int
    name: str
    alias: str | None
    scope: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class FunctionUse:
    """A call of an aggregate or window function: (SQL name, place, is it windowed)."""

    name: str
    start: int
    end: int
    windowed: bool
    in_aggregate: bool
    in_window: bool
    slots: tuple[int, ...]
    scope: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A parsed expression. With a `fault` there is no tree and there are no uses."""

    text: str
    dialect: str
    tree: exp.Expr | None
    uses: tuple[NameUse, ...] = ()
    tables: tuple[TableUse, ...] = ()
    functions: tuple[FunctionUse, ...] = ()
    alias: str | None = None
    alias_at: tuple[int, int] = (0, 0)
    body_end: int = 0
    """Offset where the expression ends and ` AS alias` begins."""
    fault: Fault | None = None
    has_window: bool = False
    has_aggregate: bool = False
    scopes: tuple[int, ...] = (0,)
    """For each scope the scope around it."""
    memo: dict[str, object] = field(default_factory=dict)
    """What readers derive from the tree alone; expressions that differ only in names share it."""

    @property
    def is_bare_name(self) -> bool:
        return isinstance(self.tree, exp.Placeholder)


def parse_expression(text: str, dialect: str) -> Template:
    """Parse one scalar expression, optionally with `AS alias`, in a dialect of ours.

    Never raises for any text; what is wrong is the template's `fault`.
    """
    return _parse(text, facts(dialect).sqlglot)


def parse_simple_name(text: str) -> str | None:
    """The NFC name when the text is one bare name that no dialect reads as anything else."""
    stripped = text.strip()
    if _BARE.match(stripped) and _KEYWORD_FREE.match(stripped):
        return nfc(stripped)
    return None


def fill(template: Template, slot: Callable[[int], exp.Expr]) -> exp.Expr:
    """A copy of the tree with the expression of each slot in place of its name."""
    tree = template.tree
    assert tree is not None, "a template with a fault cannot be filled"
    if isinstance(tree, exp.Placeholder):
        return slot(int(tree.this))
    copied = tree.copy()
    for node in list(copied.find_all(exp.Placeholder)):
        node.replace(_grouped(slot(int(node.this)), node))
    return copied


def _grouped(value: exp.Expr, place: exp.Expr) -> exp.Expr:
    """Parenthesised where an operator around the slot could bind tighter than the value's own."""
    operator = (exp.Binary, exp.Unary, exp.Between, exp.In, exp.Cast, exp.Bracket, exp.Interval)
    is_operator = isinstance(value, (exp.Binary, exp.Unary, exp.Between, exp.In))
    if is_operator and not isinstance(value, (exp.Dot, exp.Paren)):
        parent = place.parent
        if isinstance(parent, operator) and not isinstance(parent, exp.Paren):
            return exp.Paren(this=value)
    return value


@lru_cache(maxsize=16_384)
def conjuncts(template: Template) -> tuple[Template, ...]:
    """The parts that top-level ANDs join, each a template with slots of its own."""
    assert template.tree is not None
    parts = list(_flatten(template.tree))
    if len(parts) == 1 and parts[0] is template.tree:
        return (template,)
    return tuple(_part_of(template, part) for part in parts)


def is_boolean(template: Template) -> bool:
    """False for what is surely no condition: a number, a text, arithmetic, an aggregate."""
    tree = template.tree
    while isinstance(tree, exp.Paren):
        tree = tree.this
    if isinstance(tree, (exp.Predicate, exp.Connector, exp.Not, exp.Boolean, exp.Placeholder)):
        return True
    if isinstance(tree, exp.AggFunc):
        return isinstance(tree, (exp.LogicalAnd, exp.LogicalOr))
    if isinstance(tree, (exp.Literal, exp.Binary, exp.Neg, exp.Interval, exp.Select)):
        return isinstance(tree, (exp.RegexpLike, exp.Dot))
    return not isinstance(tree, (exp.Null, exp.Star, exp.Window))


def _flatten(tree: exp.Expr) -> Iterator[exp.Expr]:
    inner = tree
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.And):
        yield from _flatten(inner.this)
        yield from _flatten(inner.expression)
    else:
        yield tree


def _part_of(template: Template, part: exp.Expr) -> Template:
    holder = exp.Paren(this=part.copy())
    uses: list[NameUse] = []
    for node in holder.find_all(exp.Placeholder, bfs=False):
        uses.append(replace(template.uses[int(node.this)], slot=len(uses)))
        node.set("this", str(len(uses) - 1))
    names = {table.this.name for table in holder.find_all(exp.Table)}
    tables = tuple(t for t in template.tables if f"smq_table_{t.slot}" in names)
    has_window = any(_scope_is_outer(node) for node in holder.find_all(exp.Window))
    return replace(
        template,
        tree=holder.this.pop(),
        uses=tuple(uses),
        tables=tables,
        has_window=has_window,
    )


def _scope_is_outer(node: exp.Expr) -> bool:
    return node.find_ancestor(exp.Select) is None


@lru_cache(maxsize=65_536)
def _parse(text: str, sqlglot_name: str) -> Template:
    shaped = _shaped(text, sqlglot_name) or _quick(text, sqlglot_name)
    return shaped if shaped is not None else _Reader(text, sqlglot_name).read()


# Expressions of a workspace differ mostly in their names: `SUM(a__x) / SUM(b__y)` is parsed once
# with numbers for names, and every expression of that shape shares the tree.

_SHAPE_TOKEN = re.compile(r"'(?:[^']|'')*'|[^\W\d]\w*(?P<behind>\s*[(.])?")
# An emoji ends a word here, but not for the parser, which would take it into the number's name.
_NO_SHAPE = re.compile(
    r"[\"`{}\\;#$@]|[^\w\x00-\x7f]|--|/\*|\.\s*[^\W\d]|\bselect\b|smq__", re.IGNORECASE
)


def _shaped(text: str, sqlglot_name: str) -> Template | None:
    """The template through that of its shape; None where names are more than names."""
    if len(text) > MAX_LENGTH or "__" not in text or _NO_SHAPE.search(text):
        return None
    names: list[tuple[str, int, int]] = []
    pieces: list[str] = []
    done = 0
    for match in _SHAPE_TOKEN.finditer(text):
        word = match.group()
        if word[0] == "'" or match["behind"] or "__" not in word:
            continue
        pieces += (text[done : match.start()], f"smq__{len(names)}")
        names.append((nfc(word), match.start(), match.end()))
        done = match.end()
    if not names:
        return None
    pieces.append(text[done:])
    shape = _shape("".join(pieces), sqlglot_name)
    return _renamed(shape, text, names) if shape is not None else None


@lru_cache(maxsize=4_096)
def _shape(canonical: str, sqlglot_name: str) -> Template | None:
    template = _quick(canonical, sqlglot_name) or _Reader(canonical, sqlglot_name).read()
    return template if template.fault is None and not template.tables else None


def _renamed(shape: Template, text: str, names: list[tuple[str, int, int]]) -> Template:
    """The shape's template with names and places of the text that has the shape."""
    shifts: list[tuple[int, int]] = []
    shift = 0
    for number, (_, start, end) in enumerate(names):
        length = len(f"smq__{number}")
        shifts.append((start - shift + length, end - (start - shift + length)))
        shift = end - (start - shift + length)

    def place(offset: int) -> int:
        moved = 0
        for behind, by in shifts:
            if offset < behind:
                break
            moved = by
        return offset + moved

    def known(name: str) -> tuple[str, int, int] | None:
        return names[int(name[5:])] if name.startswith("smq__") else None

    uses = []
    for use in shape.uses:
        original = known(use.parts[0])
        if original is not None:
            name, start, end = original
            uses.append(replace(use, parts=(name,), start=start, end=end))
        else:
            uses.append(replace(use, start=place(use.start), end=place(use.end)))
    functions = tuple(replace(f, start=place(f.start), end=place(f.end)) for f in shape.functions)
    alias, alias_at = shape.alias, (place(shape.alias_at[0]), place(shape.alias_at[1]))
    if alias is not None:
        original = known(alias)
        if original is not None:
            alias, alias_at = original[0], original[1:]
    return replace(
        shape,
        text=text,
        uses=tuple(uses),
        functions=functions,
        alias=alias,
        alias_at=alias_at if alias is not None else (0, 0),
        body_end=place(shape.body_end),
    )


# Most expressions of real models are one column or one aggregate of one; a workspace has tens of
# thousands of them, and the parser takes ten times as long as these few lines.


def _quick(text: str, sqlglot_name: str) -> Template | None:
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    if _is_word(text[start:end], sqlglot_name):
        use = NameUse(0, (nfc(text[start:end]),), start, end)
        return Template(text, sqlglot_name, exp.Placeholder(this="0"), (use,), body_end=end)
    match = _ONE_AGGREGATE.match(text)
    if match is None or not _is_word(match["name"], sqlglot_name):
        return None
    slot = exp.Placeholder(this="0")
    function = match["function"].upper()
    value: exp.Expr = exp.Distinct(expressions=[slot]) if match["distinct"] else slot
    tree: exp.Expr
    if function == "COUNT":
        tree = exp.Count(this=value, big_int=True)
    else:
        tree = _AGGREGATES[function](this=value)
    use = NameUse(0, (nfc(match["name"]),), match.start("name"), match.end("name"), True)
    call = FunctionUse(
        function, match.start("function"), match.end("function"), False, False, False, (0,)
    )
    return Template(
        text,
        sqlglot_name,
        tree,
        (use,),
        functions=(call,),
        body_end=end,
        has_aggregate=True,
    )


def _is_word(text: str, sqlglot_name: str) -> bool:
    """A name that no dialect reads as anything but a name."""
    if _BARE.match(text) is None:
        return False
    return _KEYWORD_FREE.match(text) is not None or text.upper() not in _keywords(sqlglot_name)


@lru_cache(maxsize=32)
def _keywords(sqlglot_name: str) -> frozenset[str]:
    dialect = Dialect.get_or_raise(sqlglot_name)
    parser = dialect.parser_class
    words = {str(word).upper() for word in dialect.tokenizer_class.KEYWORDS}
    words |= {str(word).upper() for word in parser.NO_PAREN_FUNCTION_PARSERS}
    words |= {str(getattr(token, "name", token)).upper() for token in parser.NO_PAREN_FUNCTIONS}
    return frozenset(words)


class _Reader:
    def __init__(self, text: str, sqlglot_name: str) -> None:
        self.text = text
        self.dialect = sqlglot_name
        self.uses: list[NameUse] = []
        self.tables: list[TableUse] = []
        self.functions: list[FunctionUse] = []
        self.scopes: list[int] = [0]
        self.calls: dict[str, Call] = {}

    def read(self) -> Template:
        if len(self.text) > MAX_LENGTH:
            return self._fault("size", f"longer than {MAX_LENGTH:,} characters", 0, MAX_LENGTH)
        if not self.text.strip():
            return self._fault("empty", "nothing is written", 0, len(self.text))
        try:
            plain, self.calls = find_calls(self.text)
        except JinjaFault as fault:
            return self._fault("jinja", fault.detail, fault.start, fault.end)
        try:
            statements = Dialect.get_or_raise(self.dialect).parse(_PREFIX + plain)
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
        return self._from_expression(select.expressions[0])

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

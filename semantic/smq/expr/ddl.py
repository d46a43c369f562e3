"""Tables from CREATE TABLE statements, and columns from the text of a nested type.

Scripts hold much else (grants, indexes, data), which is passed over; a statement that makes a
table and cannot be read is a fault with its place, and the others are read nevertheless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError, TokenError

from smq.catalog.tables import Column, ForeignKey, Mode, Table
from smq.dialects import dialect as dialect_named
from smq.dialects.grammar import grammar
from smq.text import fold, nfc

Name = tuple[str, ...]

_ABOUT_TABLES = re.compile(r"\s*(?:CREATE|ALTER|COMMENT|EXEC|EXECUTE)\b", re.IGNORECASE)
_MAKES_TABLE = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:\w+\s+){0,3}?(?:TABLE|VIEW)\b", re.IGNORECASE
)
# Tools of SQL Server and Oracle end a batch by a line with only this.
_BATCH_END = re.compile(r"^[ \t]*(?:GO|/)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_EXTENDED = re.compile(r"\s*EXEC(?:UTE)?\s+(?:sys\.)?sp_addextendedproperty\b", re.IGNORECASE)
_ARGUMENT = re.compile(r"@(\w+)\s*=\s*N?'((?:[^']|'')*)'", re.IGNORECASE)
_LINE_OF_ERROR = re.compile(r"\.?\s*Line \d+, Col: \d+\..*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DdlFault:
    """A statement that could not be read; `offset` is where it goes wrong, in code points."""

    message: str
    offset: int


@dataclass(frozen=True, slots=True)
class Ddl:
    """The tables in the order of the script; of two of one name, the later one."""

    tables: tuple[Table, ...]
    faults: tuple[DdlFault, ...] = ()


def read_ddl(text: str, dialect: str) -> Ddl:
    """Read a script. Names are as written, without quotes, and types in the dialect's words.

    Never raises for any text. Raises UnknownDialectError for a dialect that does not exist.
    """
    read = dialect_named(dialect).sqlglot
    script = _Script(read)
    for start, statement in _statements(text, read, script.faults):
        script.statement(start, statement)
    script.faults.sort(key=lambda fault: fault.offset)
    return Ddl(tuple(each.table() for each in script.drafts.values()), tuple(script.faults))


def nested_columns(name: str, type_text: str, dialect: str) -> tuple[Column, ...]:
    """A column with the fields inside its type, each named by its path: `a`, `a.b`, `a.b.c`.

    A type that cannot be read is one column of that type.
    """
    read = dialect_named(dialect).sqlglot
    if not re.search(r"STRUCT|ROW|RECORD|OBJECT", type_text, re.IGNORECASE):
        return (Column(name, type_text),)
    try:
        kind = exp.DataType.build(type_text, dialect=grammar(read), udt=True)
    except (SqlglotError, ValueError, RecursionError):
        return (Column(name, type_text),)
    first, *fields = _columns(name, kind, read, Column(name, type_text))
    return (replace(first, type=type_text if not fields else first.type), *fields)


@dataclass(slots=True)
class _Draft:
    """A table while later statements may still add to it."""

    name: Name
    kind: str
    columns: list[Column] = field(default_factory=list)
    description: str = ""
    partitioning: Name = ()
    clustering: Name = ()
    primary_key: Name = ()
    unique_keys: list[Name] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)

    def table(self) -> Table:
        # The columns of a key never hold NULL, whether the script says so or not.
        key = {fold(name) for name in self.primary_key}
        columns = [
            replace(column, mode="REQUIRED")
            if column.mode == "NULLABLE" and fold(column.name) in key
            else column
            for column in self.columns
        ]
        return Table(
            self.name,
            tuple(columns),
            kind=self.kind,
            description=self.description,
            partitioning=self.partitioning,
            clustering=self.clustering,
            primary_key=self.primary_key,
            unique_keys=tuple(dict.fromkeys(self.unique_keys)),
            foreign_keys=tuple(dict.fromkeys(self.foreign_keys)),
        )

    def describe(self, column: str, description: str) -> None:
        wanted = fold(column)
        self.columns = [
            replace(each, description=description) if fold(each.name) == wanted else each
            for each in self.columns
        ]


class _Script:
    def __init__(self, read: str) -> None:
        self.read = read
        self.drafts: dict[Name, _Draft] = {}
        self.faults: list[DdlFault] = []

    def statement(self, start: int, text: str) -> None:
        if _EXTENDED.match(text):
            self._extended_property(text)
            return
        try:
            tree = sqlglot.parse_one(text, read=grammar(self.read))
        except RecursionError:
            self.faults.append(DdlFault("the statement is nested too deeply", start))
            return
        except SqlglotError as error:
            # What neither makes nor changes a table may be in words that nobody here knows.
            if _MAKES_TABLE.match(text):
                self.faults.append(_fault(error, text, start))
            return
        match tree:
            case exp.Create() if tree.kind in ("TABLE", "VIEW"):
                self._create(tree)
            case exp.Alter():
                self._alter(tree)
            case exp.Comment():
                self._comment(tree)
            case exp.Command() if _MAKES_TABLE.match(text):
                self.faults.append(DdlFault("the statement cannot be read", start))

    def _create(self, tree: exp.Create) -> None:
        target = tree.this
        schema = target if isinstance(target, exp.Schema) else None
        table = schema.this if schema is not None else target
        if not isinstance(table, exp.Table):
            return
        properties = tree.args.get("properties")
        kind = "view" if tree.kind == "VIEW" else "table"
        if properties is not None and properties.find(exp.MaterializedProperty):
            kind = "materialized_view"
        if properties is not None and properties.find(exp.ExternalProperty):
            kind = "external"
        draft = _Draft(_name(table), kind)
        for part in schema.expressions if schema is not None else ():
            self._part(draft, part)
        for each in properties.expressions if properties is not None else ():
            self._property(draft, each)
        if not draft.columns:
            draft.columns.extend(self._selected(tree.expression))
        self.drafts.pop(_key(draft.name), None)
        self.drafts[_key(draft.name)] = draft

    def _part(self, draft: _Draft, part: exp.Expr) -> None:
        match part:
            case exp.ColumnDef():
                self._column(draft, part)
            case exp.Identifier():
                # `CREATE VIEW v (a, b)` names columns and leaves their types to the query.
                draft.columns.append(Column(nfc(part.name), ""))
            case exp.Constraint():
                self._constraint(draft, part.expressions)
            case _:
                self._constraint(draft, [part])

    def _column(self, draft: _Draft, definition: exp.ColumnDef) -> None:
        name = nfc(definition.name)
        mode: Mode = "NULLABLE"
        description = ""
        for constraint in definition.args.get("constraints") or ():
            match constraint.kind:
                case exp.NotNullColumnConstraint() as null if not null.args.get("allow_null"):
                    mode = "REQUIRED"
                case exp.PrimaryKeyColumnConstraint():
                    draft.primary_key = (name,)
                case exp.UniqueColumnConstraint():
                    draft.unique_keys.append((name,))
                case exp.Reference() as reference:
                    draft.foreign_keys.append(_foreign((name,), reference))
                case exp.CommentColumnConstraint() as comment:
                    description = comment.name
                case exp.Properties() as properties:
                    description = _option(properties.expressions, "description") or description
        column = Column(name, "", mode, description)
        kind = definition.args.get("kind")
        if isinstance(kind, exp.DataType):
            draft.columns.extend(_columns(name, kind, self.read, column))
        else:
            draft.columns.append(column)

    def _constraint(self, draft: _Draft, parts: Iterable[exp.Expr]) -> None:
        parts = list(parts)
        for part in parts:
            match part:
                case exp.PrimaryKey():
                    draft.primary_key = _names_in(part.expressions)
                case exp.PrimaryKeyColumnConstraint():
                    # SQL Server: PRIMARY KEY CLUSTERED (a, b) comes in two pieces.
                    draft.primary_key = _names_in(each for each in parts if each is not part)
                case exp.UniqueColumnConstraint():
                    inner = part.this
                    listed = inner.expressions if isinstance(inner, exp.Schema) else None
                    names = _names_in(listed if listed is not None else parts[1:])
                    if names:
                        draft.unique_keys.append(names)
                case exp.ForeignKey():
                    reference = part.args.get("reference")
                    if isinstance(reference, exp.Reference):
                        columns = _names_in(part.expressions)
                        draft.foreign_keys.append(_foreign(columns, reference))

    def _property(self, draft: _Draft, each: exp.Expr) -> None:
        match each:
            case exp.SchemaCommentProperty():
                draft.description = each.name
            case exp.PartitionedByProperty() | exp.PartitionByRangeProperty():
                draft.partitioning = _names_in([each])
            case exp.ClusterProperty() | exp.Cluster():
                draft.clustering = _names_in(each.expressions or [each])
            case exp.Property():
                draft.description = _option([each], "description") or draft.description

    def _selected(self, query: exp.Expr | None) -> Iterator[Column]:
        """The columns of CREATE … AS SELECT, as far as they have names."""
        if not isinstance(query, exp.Query):
            return
        for name in query.named_selects:
            if not name or name == "*":
                return
        for output in query.selects:
            kind = output.unalias()
            type_text = ""
            if isinstance(kind, exp.Cast) and isinstance(kind.to, exp.DataType):
                type_text = kind.to.sql(grammar(self.read))
            yield Column(nfc(output.alias_or_name), type_text)

    def _alter(self, tree: exp.Alter) -> None:
        draft = self._draft(tree.this)
        if draft is None:
            return
        for action in tree.args.get("actions") or ():
            if isinstance(action, exp.AddConstraint):
                for part in action.expressions:
                    self._part(draft, part)
            elif isinstance(action, exp.ColumnDef):
                self._column(draft, action)

    def _comment(self, tree: exp.Comment) -> None:
        target, text = tree.this, tree.expression
        description = text.name if isinstance(text, exp.Expr) else ""
        if isinstance(target, exp.Column):
            parts = [part.name for part in target.parts]
            draft = self._known(tuple(map(nfc, parts[:-1])))
            if draft is not None:
                draft.describe(nfc(parts[-1]), description)
        elif isinstance(target, exp.Table):
            draft = self._draft(target)
            if draft is not None:
                draft.description = description

    def _extended_property(self, text: str) -> None:
        """SQL Server's descriptions: sp_addextendedproperty with the name MS_Description."""
        found = {key.lower(): value.replace("''", "'") for key, value in _ARGUMENT.findall(text)}
        if found.get("name", "").lower() != "ms_description":
            return
        schema, table = found.get("level0name", ""), found.get("level1name", "")
        draft = self._known(tuple(nfc(part) for part in (schema, table) if part))
        if draft is None:
            return
        column = found.get("level2name")
        if column:
            draft.describe(nfc(column), found.get("value", ""))
        else:
            draft.description = found.get("value", "")

    def _draft(self, table: exp.Expr | None) -> _Draft | None:
        return self._known(_name(table)) if isinstance(table, exp.Table) else None

    def _known(self, name: Name) -> _Draft | None:
        exact = self.drafts.get(_key(name))
        if exact is not None or not name:
            return exact
        # A statement may say less of the name than the one that made the table.
        key = _key(name)
        found = [draft for known, draft in self.drafts.items() if _ends_alike(known, key)]
        return found[0] if len(found) == 1 else None


def _statements(text: str, read: str, faults: list[DdlFault]) -> Iterator[tuple[int, str]]:
    """The statements that may be about tables, each with where it starts."""
    begin = 0
    pieces: list[tuple[int, int]] = []
    for end in [*_BATCH_END.finditer(text), None]:
        pieces.append((begin, end.start() if end is not None else len(text)))
        begin = end.end() if end is not None else begin
    for start, stop in pieces:
        yield from _batch(text[start:stop], start, read, faults)


def _batch(batch: str, shift: int, read: str, faults: list[DdlFault]) -> Iterator[tuple[int, str]]:
    try:
        tokens = sqlglot.tokenize(batch, read=grammar(read))
    except TokenError as error:
        if re.search(r"\bCREATE\b", batch, re.IGNORECASE):
            faults.append(_fault(error, batch, shift))
        return
    start: int | None = None
    for token in tokens:
        if token.text == ";":
            if start is not None:
                yield from _relevant(batch, start, token.start, shift)
            start = None
        elif start is None:
            start = token.start
    if start is not None:
        yield from _relevant(batch, start, len(batch), shift)


def _relevant(batch: str, start: int, end: int, shift: int) -> Iterator[tuple[int, str]]:
    statement = batch[start:end]
    if _ABOUT_TABLES.match(statement):
        yield shift + start, statement


def _fault(error: SqlglotError, text: str, start: int) -> DdlFault:
    """sqlglot's first complaint in one line, and where it stands."""
    offset = start
    message = str(error)
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        message = str(first.get("description") or message)
        line, column = first.get("line"), first.get("col")
        if isinstance(line, int) and isinstance(column, int):
            offset = start + _offset(text, line, column)
    message = " ".join(_LINE_OF_ERROR.sub("", message).split())
    return DdlFault(message[:1].lower() + message[1:], offset)


def _offset(text: str, line: int, column: int) -> int:
    at = 0
    for _ in range(line - 1):
        newline = text.find("\n", at)
        if newline < 0:
            break
        at = newline + 1
    return min(at + max(0, column - 1), len(text))


def _columns(name: str, kind: exp.DataType, read: str, base: Column) -> Iterator[Column]:
    mode: Mode = base.mode
    inner = kind
    is_struct_list = kind.this == exp.DType.ARRAY and (
        read == "bigquery" or _element(kind).this in exp.DataType.STRUCT_TYPES
    )
    if is_struct_list:
        mode, inner = "REPEATED", _element(kind)
    fields = inner.expressions if inner.this in exp.DataType.STRUCT_TYPES else []
    named = [each for each in fields if isinstance(each, exp.ColumnDef)]
    if not named:
        yield replace(base, type=inner.sql(grammar(read)), mode=mode)
        return
    yield replace(base, type="STRUCT", mode=mode)
    for each in named:
        below = each.args.get("kind")
        required: Mode = "NULLABLE"
        description = ""
        for constraint in each.args.get("constraints") or ():
            if isinstance(constraint.kind, exp.NotNullColumnConstraint):
                required = "REQUIRED"
            if isinstance(constraint.kind, exp.Properties):
                description = _option(constraint.kind.expressions, "description") or ""
        path = f"{name}.{nfc(each.name)}"
        column = Column(path, "", required, description)
        if isinstance(below, exp.DataType):
            yield from _columns(path, below, read, column)
        else:
            yield column


def _element(kind: exp.DataType) -> exp.DataType:
    inner = kind.expressions[0] if kind.expressions else None
    return inner if isinstance(inner, exp.DataType) else kind


def _foreign(columns: Name, reference: exp.Reference) -> ForeignKey:
    target = reference.this
    if isinstance(target, exp.Schema):
        table = target.this
        return ForeignKey(columns, _name(table), _names_in(target.expressions))
    return ForeignKey(columns, _name(target) if isinstance(target, exp.Table) else ())


def _names_in(nodes: Iterable[exp.Expr]) -> Name:
    """The columns that some nodes name, in their order."""
    found: dict[str, None] = {}
    for node in nodes:
        if isinstance(node, exp.Identifier):
            found[nfc(node.name)] = None
            continue
        for each in node.find_all(exp.Column, exp.ColumnDef):
            found[nfc(each.name)] = None
        if isinstance(node, exp.ClusteredColumnConstraint | exp.NonClusteredColumnConstraint):
            listed = node.this if isinstance(node.this, list) else []
            for item in listed:
                for column in item.find_all(exp.Column):
                    found[nfc(column.name)] = None
    return tuple(found)


def _option(properties: Iterable[exp.Expr], name: str) -> str | None:
    for each in properties:
        if isinstance(each, exp.Property) and each.name.lower() == name:
            value = each.args.get("value")
            if isinstance(value, exp.Literal):
                return str(value.this)
    return None


def _name(table: exp.Expr) -> Name:
    if not isinstance(table, exp.Table):
        return ()
    parts = [nfc(part.name) for part in table.parts]
    # BigQuery's people quote the whole name as one.
    return tuple(".".join(parts).split(".")) if len(parts) == 1 else tuple(parts)


def _key(name: Name) -> Name:
    return tuple(map(fold, name))


def _ends_alike(one: Name, other: Name) -> bool:
    both = min(len(one), len(other))
    return both > 0 and one[-both:] == other[-both:]

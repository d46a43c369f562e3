"""What is different between two states of a warehouse, and what of a workspace each change hits.

A change that takes something away breaks what reads it; one that only retypes a column or makes
a table's mode another may break it, and is told with the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from smq.catalog import Known
from smq.catalog.tables import Column, Table
from smq.graph.symbols import Dimension, Entity, Measure, TableName
from smq.text import fold
from smq.workspace import Snapshot

Kind = Literal["new_table", "dropped_table", "new_column", "dropped_column", "retyped_column"]
BREAKING: tuple[Kind, ...] = ("dropped_table", "dropped_column", "retyped_column")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `before` and `after` are types with modes, empty where there is none."""

    kind: Kind
    table: tuple[str, ...]
    column: str = ""
    before: str = ""
    after: str = ""

    @property
    def path(self) -> str:
        return ".".join((*self.table, self.column) if self.column else self.table)


@dataclass(frozen=True, slots=True)
class Hit:
    """What a change breaks, by name; queries by URI and number in the file."""

    models: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    queries: tuple[tuple[str, int], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.models or self.metrics or self.queries)


def changes(old: Known, new: Known) -> tuple[Change, ...]:
    """The differences, by the names of tables and the order of columns.

    A table that either side could not read newly, or does not know the columns of, has none.
    """
    before = {_key(parts): number for number, parts in enumerate(old.names)}
    after = {_key(parts): number for number, parts in enumerate(new.names)}
    found: list[Change] = []
    for key in sorted({*before, *after}):
        if key not in after:
            if not new.covers(old.names[before[key]]) and not _covers_alike(old, new, key):
                # It may be there: nobody has looked.
                continue
            found.append(Change("dropped_table", tuple(old.names[before[key]])))
        elif key not in before:
            found.append(Change("new_table", tuple(new.names[after[key]])))
        else:
            found.extend(_columns(old.at(before[key]), new.at(after[key])))
    return tuple(found)


def hits(found: Iterable[Change], snapshot: Snapshot) -> dict[Change, Hit]:
    """For each change that takes away or retypes, what of the workspace reads it."""
    wanted = [change for change in found if change.kind in BREAKING]
    if not wanted:
        return {}
    readers = _Readers(snapshot)
    return {change: readers.of(change) for change in wanted}


class _Readers:
    """Which tables and columns everything in a workspace reads; compiled once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._models = dict(_models(snapshot))
        self._metrics = dict(_metrics(snapshot))
        self._queries = dict(_queries(snapshot))

    def of(self, change: Change) -> Hit:
        return Hit(
            tuple(name for name, reads in self._models.items() if _reads(reads, change)),
            tuple(name for name, reads in self._metrics.items() if _reads(reads, change)),
            tuple(where for where, reads in self._queries.items() if _reads(reads, change)),
        )


_Reads = tuple[frozenset[tuple[str, ...]], frozenset[tuple[str, ...]]]
"""Tables, and columns with their tables in front; folded, as much of a name as was written."""


def _models(snapshot: Snapshot) -> Iterator[tuple[str, _Reads]]:
    from smq.expr.parse import parse_expression

    dialect = snapshot.configuration.dialect
    for model in snapshot.graph.models.values():
        relation = snapshot.graph.relation(model)
        if not isinstance(relation, TableName):
            continue
        table = _key(relation.parts)
        columns: set[tuple[str, ...]] = set()
        members: tuple[Entity | Dimension | Measure, ...]
        members = (*model.entities, *model.dimensions, *model.measures)
        for member in members:
            if member.expr is None:
                columns.add((*table, fold(member.name)))
                continue
            template = parse_expression(member.expr.text, dialect)
            columns.update((*table, fold(".".join(use.parts))) for use in template.uses)
        yield model.name, (frozenset({table}), frozenset(columns))


def _metrics(snapshot: Snapshot) -> Iterator[tuple[str, _Reads]]:
    from smq.query.read import queries_from_value

    for name in snapshot.graph.metrics:
        _, queries, _ = queries_from_value({"metrics": [name]})
        for query in queries:
            yield name, _compiled(snapshot, query)


def _queries(snapshot: Snapshot) -> Iterator[tuple[tuple[str, int], _Reads]]:
    for uri in snapshot.uris:
        if uri in snapshot:
            for query in snapshot.queries(uri):
                yield (uri, query.index), _compiled(snapshot, query)


def _compiled(snapshot: Snapshot, query: object) -> _Reads:
    from smq.query.written import WrittenQuery
    from smq.sql.compile import CompileOptions, compile_query

    assert isinstance(query, WrittenQuery)
    options = CompileOptions(snapshot.configuration.dialect, distribute=True)
    tables: set[tuple[str, ...]] = set()
    columns: set[tuple[str, ...]] = set()
    for compiled in compile_query(query, snapshot.graph, options).queries:
        tables.update(_key(each.split(".")) for each in compiled.tables)
        columns.update(_key(each.split(".")) for each in compiled.columns_read)
    return frozenset(tables), frozenset(columns)


def _reads(reads: _Reads, change: Change) -> bool:
    tables, columns = reads
    table = _key(change.table)
    if not change.column:
        return any(_ends_alike(each, table) for each in tables)
    column = _key(change.column.split("."))
    for each in columns:
        own = each[-len(column) :]
        if own == column and _ends_alike(each[: -len(column)], table):
            return True
        # A whole RECORD is read, of which the change is a part; or the other way round.
        if each[-1] == column[0] and _ends_alike(each[:-1], table):
            return True
    return False


def _columns(old: Table, new: Table) -> Iterator[Change]:
    if old.stale or new.stale or not old.has_columns or not new.has_columns:
        return
    before = _by_name(old)
    after = _by_name(new)
    for name, column in before.items():
        other = after.get(name)
        if other is None:
            yield Change("dropped_column", new.parts, column.name, _type(column))
        elif column.type and other.type and _type(column) != _type(other):
            yield Change("retyped_column", new.parts, column.name, _type(column), _type(other))
    for name, column in after.items():
        if name not in before:
            yield Change("new_column", new.parts, column.name, "", _type(column))


def _by_name(table: Table) -> Mapping[str, Column]:
    return {fold(column.name): column for column in table.columns}


def _type(column: Column) -> str:
    return f"{column.type} REPEATED" if column.mode == "REPEATED" else column.type


def _covers_alike(old: Known, new: Known, key: tuple[str, ...]) -> bool:
    """Whether the new state holds other tables of the schema without saying it is complete.

    Caches from before there were versions never say so.
    """
    return new.version == 0 and any(_key(parts)[:-1] == key[:-1] for parts in new.names)


def _key(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(fold, parts))


def _ends_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    both = min(len(one), len(other))
    return both > 0 and one[-both:] == other[-both:]

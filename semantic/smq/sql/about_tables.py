"""SQL about a table that nobody has modelled yet: simple questions, and what its values look like.

Trees go the same way as those of the compiler: canonical, lowered, rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from smq.catalog.tables import Column, Table
from smq.dialects import dialect as dialect_named
from smq.graph.data_types import ValueKind, value_kind
from smq.sql.lower import lower
from smq.sql.render import render

# Codes and keys are many; nobody asks for the ten most frequent of them.
_IDENTIFIER = re.compile(r"(?:^|_)(?:id|key|uuid|guid|hash|cd_seq|no)$|^id_", re.IGNORECASE)
_ROW_LIMIT = 100
_TOP = 10
STATISTICS, FREQUENT = "statistics", "frequent"


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words with the SQL that answers it."""

    text: str
    sql: str


def questions(table: Table, dialect: str, most: int = 5) -> tuple[Question, ...]:
    """Questions that the columns of a table suggest, the plainest first.

    A table of shards is asked about its newest day, and one that must be filtered by its
    partition about the last week, so that no question reads all there is.
    """
    found: list[Question] = []
    if table.shards is not None and not dialect_named(dialect).wildcard_tables:
        table = newest(table)
    name = table.name.rstrip("*_") if table.shards else table.name
    kinds = [(column, kind_of(column)) for column in table.columns if not column.is_nested]
    plain = [(c, k) for c, k in kinds if c.mode != "REPEATED" and not c.policy_tags]
    count = exp.Count(this=exp.Star(), big_int=True)

    def ask(text: str, query: exp.Select) -> None:
        found.append(Question(text, _text(_restricted(query, table), dialect)))

    ask(f"How many rows does {name} have?", _select([("row_count", count.copy())], table))
    for column in _some(plain, ("text", "boolean"), 2, lambda c: not _IDENTIFIER.search(c.name)):
        query = _select([(column.name, _column(column)), ("row_count", count.copy())], table)
        query.set("group", exp.Group(expressions=[_column(column)]))
        query.set("order", _descending("row_count"))
        query.set("limit", exp.Limit(expression=exp.Literal.number(_TOP)))
        ask(f"Which {_words(column)} are the most frequent in {name}?", query)
    for column in _some(plain, ("date", "timestamp"), 1):
        day = _day(column)
        query = _select([("day", day), ("row_count", count.copy())], table)
        query.set("group", exp.Group(expressions=[day.copy()]))
        query.set("order", _descending("day"))
        query.set("limit", exp.Limit(expression=exp.Literal.number(_ROW_LIMIT)))
        ask(f"How many rows of {name} are there for each day of {_words(column)}?", query)
    for column in _some(plain, ("integer", "number"), 1, lambda c: not _is_key(c, table)):
        total = exp.Sum(this=_column(column))
        mean = exp.Avg(this=_column(column))
        outputs: list[tuple[str, exp.Expr]] = [("total", total), ("mean", mean)]
        ask(f"What are the total and the mean of {_words(column)} in {name}?",
            _select(outputs, table))  # fmt: skip
    return tuple(found[:most])


def profile(
    table: Table,
    columns: Iterable[Column],
    dialect: str,
    rows: int,
    top: int,
    percent: int | None = None,
) -> str:
    """One query for what the values of some columns look like, over at most so many rows.

    Its columns are the number of the column, `statistics` or `frequent`, the value as text, how
    often it is there, and for statistics: rows, rows that are not NULL, different values, the
    smallest and the largest. `percent` lets the warehouse read only a part of its blocks.
    """
    chosen = list(columns)
    table = newest(table)
    target = exp.Table(this=exp.to_identifier("sampled", quoted=True))
    source = exp.Select(expressions=[_column(column) for column in chosen])
    relation = _relation(table)
    if percent is not None:
        relation.set(
            "sample",
            exp.TableSample(method=exp.Var(this="SYSTEM"), percent=exp.Literal.number(percent)),
        )
    source.set("from_", exp.From(this=relation))
    source = _restricted(source, table)
    source.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
    branches: list[exp.Query] = []
    for number, column in enumerate(chosen):
        branches.append(_statistics(number, column, target))
        branches.append(_frequent(number, column, target, top))
    tree: exp.Query = branches[0]
    for branch in branches[1:]:
        tree = exp.Union(this=tree, expression=branch, distinct=False)
    alias = exp.TableAlias(this=exp.to_identifier("sampled", quoted=True))
    tree.set("with_", exp.With(expressions=[exp.CTE(this=source, alias=alias)]))
    return _text(tree, dialect)


def newest(table: Table) -> Table:
    """Of a family of shards the newest table, by its own name; any other table as it is."""
    if table.shards is None or not table.shards.examples:
        return table
    name = table.shards.examples[-1].rpartition(".")[2]
    return replace(table, parts=(*table.parts[:-1], name), shards=None)


def can_be_profiled(column: Column) -> bool:
    """Whether the values of a column can be counted and compared."""
    kinds = ("text", "integer", "number", "boolean", "date", "timestamp")
    return not column.is_nested and column.mode != "REPEATED" and kind_of(column) in kinds


def kind_of(column: Column) -> ValueKind | None:
    """What kind of value a column holds, by the warehouse's word for its type."""
    found = value_kind(column.type)
    if found is None and column.type.upper().startswith(("NUMBER(", "NUMERIC(", "DECIMAL(")):
        return "number"
    return found


def _statistics(number: int, column: Column, source: exp.Table) -> exp.Select:
    value = _column(column)
    kind = kind_of(column)
    # Neither the smallest of truth values nor that of long texts says anything.
    ordered = kind not in ("boolean",)
    return exp.Select(
        expressions=[
            _as("col", exp.Literal.number(number)),
            _as("what", exp.Literal.string(STATISTICS)),
            _as("val", _cast(exp.Null(), "TEXT")),
            _as("n", _cast(exp.Null(), "BIGINT")),
            _as("n_rows", exp.Count(this=exp.Star(), big_int=True)),
            _as("n_known", exp.Count(this=value.copy(), big_int=True)),
            _as("n_distinct", exp.ApproxDistinct(this=value.copy())),
            _as("low", _cast(exp.Min(this=value.copy()) if ordered else exp.Null(), "TEXT")),
            _as("high", _cast(exp.Max(this=value.copy()) if ordered else exp.Null(), "TEXT")),
        ],
        from_=exp.From(this=source.copy()),
    )


def _frequent(number: int, column: Column, source: exp.Table, top: int) -> exp.Select:
    value = _column(column)
    inner = exp.Select(
        expressions=[
            _as("val", value),
            _as("n", exp.Count(this=exp.Star(), big_int=True)),
        ],
        from_=exp.From(this=source.copy()),
        where=exp.Where(this=exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null()))),
        group=exp.Group(expressions=[value.copy()]),
        order=_descending("n", "val"),
        limit=exp.Limit(expression=exp.Literal.number(top)),
    )
    alias = exp.TableAlias(this=exp.to_identifier("counted", quoted=True))
    null = _cast(exp.Null(), "BIGINT")
    return exp.Select(
        expressions=[
            _as("col", exp.Literal.number(number)),
            _as("what", exp.Literal.string(FREQUENT)),
            _as("val", _cast(_named("val"), "TEXT")),
            _as("n", _named("n")),
            _as("n_rows", null.copy()),
            _as("n_known", null.copy()),
            _as("n_distinct", null.copy()),
            _as("low", _cast(exp.Null(), "TEXT")),
            _as("high", _cast(exp.Null(), "TEXT")),
        ],
        from_=exp.From(this=exp.Subquery(this=inner, alias=alias)),
    )


def _select(outputs: Sequence[tuple[str, exp.Expr]], table: Table) -> exp.Select:
    return exp.Select(
        expressions=[_as(name, value) for name, value in outputs],
        from_=exp.From(this=_relation(table)),
    )


def _restricted(query: exp.Select, table: Table) -> exp.Select:
    """With the filter that keeps the query from reading everything, where there is one."""
    if table.shards is not None and table.shards.end:
        digits = table.shards.end.replace("-", "")
        length = len(table.shards.pattern) - len(table.shards.prefix)
        suffix = exp.Column(this=exp.Identifier(this="_TABLE_SUFFIX", quoted=False))
        last = exp.Literal.string(digits[:length])
        query.set("where", exp.Where(this=exp.EQ(this=suffix, expression=last)))
    elif table.needs_partition_filter and table.partitioning:
        field = table.column(table.partitioning[0])
        column = field or Column(table.partitioning[0], "TIMESTAMP")
        if kind_of(column) in ("date", "timestamp"):
            week = exp.Sub(
                this=exp.CurrentDate(),
                expression=exp.Interval(this=exp.Literal.string("7"), unit=exp.Var(this="DAY")),
            )
            recent = exp.GTE(this=_day(column), expression=week)
            query.set("where", exp.Where(this=recent))
    return query


def _relation(table: Table) -> exp.Table:
    parts = [exp.to_identifier(part, quoted=True) for part in table.parts]
    names = dict(zip(("this", "db", "catalog"), reversed(parts), strict=False))
    return exp.Table(**names)


def _text(tree: exp.Query, dialect: str) -> str:
    target = dialect_named(dialect)
    lowered = lower(tree, target, target)
    return render(lowered.tree, target, copy=False)


def _some(
    columns: Iterable[tuple[Column, ValueKind | None]],
    kinds: tuple[str, ...],
    most: int,
    fits: object = None,
) -> Iterator[Column]:
    taken = 0
    for column, kind in columns:
        if kind in kinds and (not callable(fits) or fits(column)) and taken < most:
            taken += 1
            yield column


def _is_key(column: Column, table: Table) -> bool:
    keys = {*table.primary_key, *(name for key in table.foreign_keys for name in key.columns)}
    return column.name in keys or bool(_IDENTIFIER.search(column.name))


def _day(column: Column) -> exp.Expr:
    value = _column(column)
    return value if kind_of(column) == "date" else _cast(value, "DATE")


def _column(column: Column) -> exp.Column:
    return _named(column.name)


def _named(name: str) -> exp.Column:
    return exp.Column(this=exp.Identifier(this=name, quoted=True))


def _as(name: str, value: exp.Expr) -> exp.Alias:
    return exp.Alias(this=value, alias=exp.Identifier(this=name, quoted=True))


def _cast(value: exp.Expr, kind: str) -> exp.Cast:
    return exp.Cast(this=value, to=exp.DataType(this=exp.DType[kind]))


def _descending(*names: str) -> exp.Order:
    first, *rest = names
    ordered = [exp.Ordered(this=_named(first), desc=True, nulls_first=False)]
    ordered += [exp.Ordered(this=_named(name), nulls_first=False) for name in rest]
    return exp.Order(expressions=ordered)


def _words(column: Column) -> str:
    return column.description.rstrip(".") if 0 < len(column.description) <= 40 else column.name

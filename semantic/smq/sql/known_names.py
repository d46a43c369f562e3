"""Whether SQL from anywhere fits a catalogue: one SELECT, over tables and columns that exist."""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from smq.catalog import Known
from smq.catalog.tables import Table
from smq.dialects import dialect as dialect_named
from smq.dialects.grammar import grammar
from smq.sql.guard import refusal
from smq.text import nearest, nfc

_PSEUDO = ("_table_suffix", "_partitiontime", "_partitiondate", "_file_name", "rowid", "ctid")


@dataclass(frozen=True, slots=True)
class Fit:
    """`reason` says in one sentence why the SQL does not fit; None when it does."""

    reason: str | None
    tables: tuple[str, ...] = ()
    """The tables it reads, as the catalogue names them."""


def fit(sql: str, dialect: str, known: Known) -> Fit:
    """Compare a query with what is known of the warehouse. Never raises for any text.

    Columns are looked for in the tables of the SELECT that names them; where a part of it cannot
    be told (a table function, a star of a subquery), its columns are believed.
    """
    reason = refusal(sql, dialect)
    if reason is not None:
        return Fit(reason)
    try:
        tree = sqlglot.parse_one(sql, read=grammar(dialect_named(dialect).sqlglot))
        scopes = traverse_scope(tree)
    except (SqlglotError, RecursionError):
        return Fit("the SQL cannot be parsed")
    ctes = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    tables: dict[str, None] = {}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            if isinstance(table.this, exp.Func) and not _makes_rows(table.this):
                return Fit(f"{_function(table.this)}() in FROM is no table of the warehouse")
            continue
        parts = tuple(nfc(part) for part in _parts(table))
        if len(parts) == 1 and parts[0] in ctes:
            continue
        found = known.find(parts)
        if not found:
            if _is_unnested(table, tree):
                continue
            return Fit(f"there is no table {'.'.join(parts)}")
        tables[found[0].path] = None
    for scope in scopes:
        wrong = _unknown_column(scope, known)
        if wrong is not None:
            return Fit(wrong)
    return Fit(None, tuple(tables))


def _makes_rows(function: exp.Func) -> bool:
    """Whether a function in FROM makes rows of its arguments, and reads nothing else."""
    if isinstance(function, exp.Unnest | exp.GenerateSeries | exp.GenerateDateArray | exp.Explode):
        return True
    return _function(function) in ("range", "generate_series", "unnest", "flatten", "json_each")


def _function(function: exp.Func) -> str:
    name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
    return str(name).lower()


def _unknown_column(scope: Scope, known: Known) -> str | None:
    """The first column of one SELECT that none of its sources can have."""
    sources: dict[str, Table | frozenset[str] | None] = {}
    for name, source in scope.sources.items():
        sources[name.lower()] = _source(source, known)
    if scope.parent is not None or scope.expression.find(exp.Unnest, exp.Lateral):
        # A correlated name may come from outside, and an unnested one from a row's inside.
        outer_may_help = True
    else:
        outer_may_help = False
    outputs = scope.expression.args.get("expressions") or ()
    aliases = {nfc(each.alias).lower() for each in outputs if isinstance(each, exp.Alias)}
    for column in scope.columns:
        name, qualifier = nfc(column.name), column.table.lower()
        if not name or name == "*" or name.lower() in _PSEUDO or column.find_ancestor(exp.Lambda):
            continue
        chosen = [sources[qualifier]] if qualifier in sources else list(sources.values())
        if qualifier and qualifier not in sources:
            # `a.b` may be a field of a RECORD a.
            if any(_has(each, qualifier) for each in sources.values()) or outer_may_help:
                continue
            return f"there is no table or alias {column.table}"
        if not chosen or any(_has(each, name) for each in chosen):
            continue
        if name.lower() in aliases or (outer_may_help and not qualifier):
            continue
        return _words(name, chosen)
    return None


def _source(source: object, known: Known) -> Table | frozenset[str] | None:
    """A table, the output names of a subquery, or None when they cannot be told."""
    if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
        return known.table(tuple(nfc(part) for part in _parts(source)))
    if isinstance(source, Scope):
        names = getattr(source.expression, "named_selects", [])
        if not names or any(name in ("*", "") for name in names):
            return None
        return frozenset(nfc(name).lower() for name in names)
    return None


def _has(source: Table | frozenset[str] | None, name: str) -> bool:
    if source is None:
        return True
    if isinstance(source, Table):
        return not source.has_columns or source.column(name) is not None
    return nfc(name).lower() in source


def _words(name: str, sources: list[Table | frozenset[str] | None]) -> str:
    tables = [each for each in sources if isinstance(each, Table)]
    where = " or ".join(each.path for each in tables) or "the subquery"
    close = nearest(name, [c.name for each in tables for c in each.columns], limit=1)
    hint = f"; did it mean {close[0]}?" if close else ""
    return f"{where} has no column {name}{hint}"


def _parts(table: exp.Table) -> list[str]:
    parts = [part.name for part in table.parts]
    return parts[0].split(".") if len(parts) == 1 else parts


def _is_unnested(table: exp.Table, tree: exp.Expr) -> bool:
    """BigQuery's `FROM t, t.items` reads a column as a table."""
    first = table.parts[0].name.lower()
    return len(table.parts) > 1 and any(
        other is not table and other.alias_or_name.lower() == first
        for other in tree.find_all(exp.Table)
    )

"""Run a hand-written case through the whole program and compare it with its hand-written rows."""

from __future__ import annotations

from functools import lru_cache

from tests.support.corpus import Example
from tests.support.duck_tables import create_table, plain, same_row, unmatched
from tests.support.oracle_files import SQL_TYPES
from tests.support.truth import connection, errors, faults, one_select, words
from tests.support.workspace import compile_text, load_workspace

from smq.graph.graph import SemanticGraph
from smq.problem import Severity
from smq.rules.registry import find
from smq.sql.compile import CompileOptions
from smq.sql.result import Compiled


@lru_cache(maxsize=64)
def _graph(models: tuple[tuple[str, str], ...]) -> tuple[SemanticGraph, tuple[str, ...]]:
    graph, problems = load_workspace(dict(models))
    return graph, tuple(faults(problems))


def compile_example(example: Example, dialect: str = "duckdb") -> Compiled:
    """The compiled query; the YAML of a hand-written case must be sound."""
    graph, wrong = _graph(tuple(example.files.items()))
    assert wrong == (), wrong
    options = CompileOptions(dialect=dialect, written_dialect="duckdb")
    (compiled,) = compile_text(graph, example.text, options)
    return compiled


def check_example(example: Example) -> None:
    """The rows (or the error) and the warnings are those written by hand."""
    compiled = compile_example(example)
    said = [words(problem) for problem in compiled.problems]
    found = [words(problem) for problem in errors(compiled.problems)]
    if example.rows is None:
        assert found, [query.sql for query in compiled.queries]
        assert not compiled.queries
        assert any(all(word in text for word in example.says) for text in found), found
        return
    assert not found, found
    (query,) = compiled.queries
    sql = query.sql
    one_select(sql)
    for name, (columns, rows) in example.tables.items():
        typed = [(column, SQL_TYPES[kind]) for column, kind in columns]
        create_table(connection(), name, typed, rows)
    cursor = connection().execute(sql)
    names = tuple(column[0] for column in cursor.description or ())
    got = [tuple(map(plain, row)) for row in cursor.fetchall()]
    wanted = example.columns or names
    assert names == wanted == tuple(column.name for column in query.columns)
    assert unmatched(got, example.rows) == ([], []), f"{sql}\n{got}"
    if example.ordered:
        assert all(map(same_row, got, example.rows)), f"{sql}\n{got}"
    for word in example.warns:
        warnings = [p for p in compiled.problems if _severity(p.code) is Severity.WARNING]
        assert any(word in words(problem) for problem in warnings), said


def _severity(code: str) -> Severity:
    rule = find(code)
    assert rule is not None
    return rule.severity

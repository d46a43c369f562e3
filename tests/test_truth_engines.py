"""The same cases on other engines: their SQL gives the rows that were computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest
from tests.support.check_example import compile_example
from tests.support.corpus import Example
from tests.support.duck_tables import plain, same
from tests.support.engines import Engine, Tables, Type, available_engines, engine
from tests.support.oracle_expressions import Value
from tests.support.oracle_files import query_json, world_yaml
from tests.support.oracle_world import Table
from tests.support.strategies_queries import Case, make_case
from tests.support.traps import TRAPS
from tests.support.truth import compare_rows, errors, words
from tests.support.worked_examples import EXAMPLES
from tests.support.workspace import compile_text, load_workspace

from smq.sql.compile import CompileOptions

TYPES: dict[str, Type] = {
    "int": "integer",
    "float": "number",
    "text": "text",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
OTHERS = tuple(name for name in available_engines() if name != "duckdb")
CORPUS = [e for e in (*EXAMPLES, *TRAPS) if e.rows is not None and e.engines]
CHUNK = 20
CHUNKS = 5
LEFT_OUT = {"sqlite": 1, "postgres": 0, "mariadb": 3, "clickhouse": 4}
"""How many queries of a chunk an engine may have no words for (GROUPS and EXCLUDE frames, …)."""


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest) -> Engine:
    return engine(request.param)


def rows_on(other: Engine, sql: str, wanted: Sequence[Sequence[Value]]) -> Rows:
    """The engine's rows, read as the types that are wanted: some have no booleans or dates."""
    _, found = other.query(sql)
    kinds = [_kind(column) for column in zip(*wanted, strict=True)] if wanted else []
    return [
        tuple(_as(value, kind) for value, kind in zip(row, kinds or row, strict=True))
        for row in found
    ]


Rows = list[tuple[Value, ...]]


def _kind(column: Sequence[Value]) -> type | None:
    return next((type(value) for value in column if value is not None), None)


def _as(value: Any, kind: Any) -> Value:
    if isinstance(value, str) and kind in (date, datetime):
        return plain(datetime.fromisoformat(value))
    if isinstance(value, int) and kind is bool and value in (0, 1):
        return bool(value)
    return plain(value)


@pytest.mark.parametrize("example", CORPUS, ids=lambda example: str(example.name))
def test_hand_written_case(other: Engine, example: Example) -> None:
    compiled = compile_example(example, other.dialect)
    assert compiled.queries, [*map(words, errors(compiled.problems))]
    sql = compiled.queries[0].sql
    tables: Tables = {
        name: (tuple((column, TYPES[kind]) for column, kind in columns), rows)
        for name, (columns, rows) in example.tables.items()
    }
    other.load(tables)
    assert example.rows is not None
    got = rows_on(other, sql, example.rows)
    missing = list(example.rows)
    for row in got:
        match = next((r for r in missing if all(map(same, r, row))), None)
        assert match is not None, f"{row} among {got}, not in {example.rows}\n{sql}"
        missing.remove(match)
    assert not missing, f"{missing} are missing\n{sql}"
    if example.ordered:
        assert all(
            same(*pair)
            for a, b in zip(got, example.rows, strict=True)
            for pair in zip(a, b, strict=True)
        ), f"{got}\n{sql}"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeded_cases(other: Engine, chunk: int) -> None:
    seeds = range(chunk * CHUNK, (chunk + 1) * CHUNK)
    cases = [(seed, case) for seed in seeds if (case := make_case(seed)).expected is not None]
    said = [check_case(other, seed, case) for seed, case in cases]
    assert said.count(False) <= LEFT_OUT[other.name]


def check_case(other: Engine, seed: int, case: Case) -> bool:
    """Whether the engine can say the query at all; if so, its rows must be right."""
    graph, _ = load_workspace({"models.yml": world_yaml(case.world)})
    options = CompileOptions(dialect=other.dialect, written_dialect="duckdb")
    (compiled,) = compile_text(graph, query_json(case.query), options)
    found = errors(compiled.problems)
    if found:
        # What an engine's SQL has no words for is refused by name, never said wrongly.
        assert {problem.code for problem in found} == {"EXP120"}, (seed, [*map(words, found)])
        return False
    other.load({table.name: _loadable(table) for table in case.world.tables})
    assert case.expected is not None
    sql = compiled.queries[0].sql
    names = [column.name for column in compiled.queries[0].columns]
    verdict = compare_rows(case.expected, names, rows_on(other, sql, case.expected.unlimited))
    assert verdict.ok, f"seed {seed}: {verdict.detail}\n{query_json(case.query)}\n{sql}"
    return True


def _loadable(table: Table) -> tuple[Sequence[tuple[str, Type]], Sequence[Sequence[Any]]]:
    names = [name for name, _ in table.columns]
    rows = [tuple(row[name] for name in names) for row in table.rows]
    return [(name, TYPES[kind]) for name, kind in table.columns], rows

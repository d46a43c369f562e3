"""The example workspaces: every query is clean, compiles everywhere, and gives the right rows.

What is right is written by hand in `cases/examples`, as SQL over the CSV files in another style
than the compiler's: a query per value, no shared scans.
"""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import pytest
from tests.support.engines import same_rows

from smq.dialects import dialect, names
from smq.rules.check import check
from smq.sql.compile import CompileOptions, compile_query
from smq.sql.guard import refusal
from smq.sql.result import CompiledQuery
from smq_metasync.connect import connect
from smq_metasync.engines import Engine, Row
from smq_server.io.uris import path_of
from smq_server.io.workspace import Workspace, open_workspace

EXAMPLES = Path(__file__).parents[1] / "examples"
CASES = Path(__file__).parent / "cases" / "examples"
QUERIES = sorted(
    path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.glob("*/queries/*.smq.json")
)
WORKSPACES = sorted(path.parent.name for path in EXAMPLES.glob("*/smq.toml"))
BY_HAND = sorted(path.relative_to(CASES).as_posix() for path in CASES.glob("*/*.sql"))


@cache
def workspace(name: str) -> Workspace:
    return open_workspace(EXAMPLES / name, {})


def compiled(query: str, dialect_name: str = "duckdb") -> list[CompiledQuery]:
    """All queries of a file, each without an error."""
    loaded = workspace(query.split("/")[0])
    (uri,) = (uri for uri in loaded.snapshot.uris if path_of(uri) == EXAMPLES / query)
    found = []
    for written in loaded.snapshot.queries(uri):
        options = CompileOptions(dialect=dialect_name, written_dialect="duckdb")
        result = compile_query(written, loaded.snapshot.graph, options)
        assert len(result.queries) == 1, result.problems
        found.extend(result.queries)
    return found


class Data:
    """The data of the workspaces: as the engine sees it, and as tables for SQL by hand."""

    def __init__(self) -> None:
        self._engines: dict[str, Engine] = {}
        self._tables: dict[str, duckdb.DuckDBPyConnection] = {}

    def run(self, name: str, query: CompiledQuery) -> tuple[tuple[str, ...], list[Row]]:
        if name not in self._engines:
            settings = workspace(name).configuration.engine
            self._engines[name] = connect(settings, EXAMPLES / name, {})
        result = self._engines[name].run(query.sql)
        return tuple(column.name for column in result.columns), list(result.rows)

    def by_hand(self, name: str, sql: str) -> list[Row]:
        if name not in self._tables:
            connection = self._tables[name] = duckdb.connect()
            for path in sorted((EXAMPLES / name / "data" / name).glob("*.csv")):
                source = f"read_csv('{path}', sample_size = -1{_as_text(name, path)})"
                connection.execute(f"CREATE TABLE {path.stem} AS FROM {source}")
        return self._tables[name].execute(sql).fetchall()

    def close(self) -> None:
        for each in (*self._engines.values(), *self._tables.values()):
            each.close()


@pytest.fixture(scope="module")
def data() -> Iterator[Data]:
    opened = Data()
    yield opened
    opened.close()


def test_there_is_something_to_look_at() -> None:
    assert WORKSPACES == ["bank", "shop"]
    assert len(QUERIES) >= 20
    assert len(BY_HAND) >= 20


@pytest.mark.parametrize("name", WORKSPACES)
def test_a_workspace_has_no_findings(name: str) -> None:
    findings = check(workspace(name).snapshot)
    assert [(f.code, f.location.uri, f.message) for f in findings] == []


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_says_what_it_asks(query: str) -> None:
    for each in compiled(query):
        assert len(each.written["description"]) > 10


@pytest.mark.parametrize("dialect_name", names())
@pytest.mark.parametrize("query", QUERIES)
def test_every_query_compiles_to_one_select(query: str, dialect_name: str) -> None:
    for each in compiled(query, dialect_name):
        assert refusal(each.sql, dialect_name) is None, each.sql
        assert each.dialect == dialect(dialect_name).name


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_runs_and_gives_rows(query: str, data: Data) -> None:
    for each in compiled(query):
        columns, rows = data.run(query.split("/")[0], each)
        assert columns == tuple(column.name for column in each.columns)
        assert rows


@pytest.mark.parametrize("case", BY_HAND)
def test_rows_are_those_of_independent_sql(case: str, data: Data) -> None:
    name, file = case.split("/")
    query, _, number = file.removesuffix(".sql").partition(".")
    each = compiled(f"{name}/queries/{query}.smq.json")[int(number or 0)]
    _, found = data.run(name, each)
    sql = (CASES / case).read_text(encoding="utf-8")
    expected = data.by_hand(name, sql)
    assert expected, "the independent SQL must find something"
    assert same_rows(_rounded(found), _rounded(expected), ordered="ORDER BY" in sql), (
        f"{each.sql}\n\n{found}\n\n{expected}"
    )


def _as_text(name: str, path: Path) -> str:
    """Codes are text in the hand-written SQL too; nothing else of the types file is used."""
    types = json.loads((EXAMPLES / name / "data" / "types.json").read_text(encoding="utf-8"))
    columns = types[f"{name}.{path.stem}"]
    text = {column: kind for column, kind in columns.items() if column.endswith(("cd", "_no"))}
    return f", types = {text}" if text else ""


def _rounded(rows: list[Row]) -> list[Row]:
    """Money in a CSV is a decimal to one side and a double to the other."""
    return [
        tuple(
            round(float(value), 6) if isinstance(value, float | Decimal) else value for value in row
        )
        for row in rows
    ]


def test_the_data_is_what_the_script_writes() -> None:
    module = runpy.run_path(str(EXAMPLES / "make_data.py"))
    for path, text in module["files"]():
        assert path.read_text(encoding="utf-8") == text, path


def test_the_data_has_the_shapes_that_make_queries_wrong() -> None:
    with duckdb.connect() as connection:

        def count(sql: str) -> int:
            found = connection.execute(sql.replace("'bank/", f"'{EXAMPLES}/bank/data/bank/"))
            row = found.fetchone()
            assert row is not None
            return int(row[0])

        customers, accounts = "'bank/cust_base.csv'", "'bank/acct_base.csv'"
        assert count(f"SELECT COUNT(*) FROM {accounts} WHERE cust_no IS NULL") > 0
        assert count(f"SELECT COUNT(*) FROM {customers} WHERE brn_cd IS NULL") > 0
        branches = "SELECT brncd FROM 'bank/brn_base.csv'"
        assert count(f"SELECT COUNT(*) FROM {customers} WHERE brn_cd NOT IN ({branches})") > 0
        most = f"SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM {accounts} GROUP BY cust_no)"
        assert count(most) > 5
        keys = "SELECT COUNT(*) - COUNT(DISTINCT {}) FROM 'bank/prd_snap.csv'"
        assert count(keys.format("prd_cd")) > 0
        assert count(keys.format("(prd_cd, base_dt)")) == 0


def test_the_examples_stay_small() -> None:
    size = sum(path.stat().st_size for path in EXAMPLES.glob("*/data/**/*") if path.is_file())
    assert size < 600_000

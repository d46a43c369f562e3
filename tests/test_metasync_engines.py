"""Running SQL: what comes back, what is refused, and how an engine's words reach the person."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.support import engines as real

from smq.workspace.configuration import DuckdbSettings, EngineSettings, PostgresSettings
from smq_metasync.connect import connect, dialect_of
from smq_metasync.engines import Cancelled, Column, Engine, EngineError

SETTINGS = {
    "duckdb": EngineSettings(duckdb=DuckdbSettings(data="data")),
    "postgres": EngineSettings(type="postgres", postgres=PostgresSettings("SMQ_TEST_DSN")),
}
RUNNABLE = [name for name in SETTINGS if name in real.available_engines()]
FOREVER = {
    "duckdb": "SELECT COUNT(*) AS n FROM range(1000000000) AS a, range(1000) AS b "
    "WHERE a.range % 7 = b.range % 11",
    "postgres": "SELECT pg_sleep(600)",
}


def postgres_dsn() -> str:
    _, ((folder,),) = real.engine("postgres").query("SHOW unix_socket_directories")
    return f"host={folder} user=smq dbname=postgres"


@pytest.fixture(params=RUNNABLE)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Each engine that is here, with a table `things` of two rows."""
    environ = {}
    if request.param == "duckdb":
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "things.csv").write_text("id,이름\n1,가\n2,\n", encoding="utf-8")
    else:
        environ["SMQ_TEST_DSN"] = postgres_dsn()
        server = real.engine("postgres")
        server.execute("DROP TABLE IF EXISTS things")
        server.execute('CREATE TABLE things (id INTEGER, "이름" TEXT)')
        server.execute("INSERT INTO things VALUES (1, '가'), (2, NULL)")
    found = connect(SETTINGS[request.param], tmp_path, environ)
    yield found
    found.close()


def rows(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return list(engine.run(sql).rows)


def refused(engine: Engine, sql: str) -> EngineError:
    with pytest.raises(EngineError) as caught:
        rows(engine, sql)
    return caught.value


def test_rows_come_with_their_columns(engine: Engine) -> None:
    result = engine.run('SELECT id AS "번호", "이름" FROM things ORDER BY id')
    assert [column.name for column in result.columns] == ["번호", "이름"]
    assert list(result.rows) == [(1, "가"), (2, None)]


def test_several_queries_run_one_after_the_other(engine: Engine) -> None:
    assert rows(engine, "SELECT 1 AS a") == [(1,)]
    refused(engine, "SELECT nope FROM things")
    assert rows(engine, "SELECT 2 AS a") == [(2,)]


def test_values_keep_what_they_are(engine: Engine) -> None:
    ((moment, day, money, truth, span),) = rows(
        engine,
        "SELECT CAST('2024-01-01 10:00:00+09:00' AS TIMESTAMP WITH TIME ZONE) AS a, "
        "CAST('2024-02-29' AS DATE) AS b, CAST(12.50 AS DECIMAL(10, 2)) AS c, TRUE AS d, "
        "INTERVAL '1' MONTH AS e",
    )
    assert isinstance(moment, datetime)
    assert moment.astimezone(UTC) == datetime(2024, 1, 1, 1, tzinfo=UTC)
    assert (day, money, truth) == (date(2024, 2, 29), Decimal("12.50"), True)
    # A month is no number of days.
    assert str(span).startswith("1 mon")


def test_rows_with_moments_keep_their_order(engine: Engine) -> None:
    found = rows(
        engine,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
        "SELECT CAST('2024-01-01' AS TIMESTAMP WITH TIME ZONE) AS at, i * 7919 % 5003 AS k "
        "FROM n ORDER BY k",
    )
    keys = [row[1] for row in found]
    assert keys == sorted(keys)  # type: ignore[type-var]
    assert len(keys) == 5000


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE things",
        "DROP TABLE things",
        "DELETE FROM things",
        "INSERT INTO things VALUES (3, 'x')",
        "UPDATE things SET id = 9",
        "CREATE TABLE other AS SELECT 1 AS a",
        "SELECT * INTO other FROM things",
        "SELECT id FROM things FOR UPDATE",
        "COPY things TO 'stolen.csv'",
        "SET statement_timeout = 0",
        "EXPLAIN ANALYZE SELECT 1",
        "WITH gone AS (DELETE FROM things RETURNING id) SELECT * FROM gone",
        "VACUUM",
        "COMMIT",
        "",
        "   -- nothing",
        "SELEC 1",
        "SELECT (",
    ],
)
def test_only_one_query_that_reads_is_run(engine: Engine, sql: str) -> None:
    refused(engine, sql)
    with pytest.raises(EngineError):
        engine.dry_run(sql)
    assert rows(engine, "SELECT COUNT(*) AS n FROM things") == [(2,)]


@pytest.mark.parametrize("sql", ["SELECT 1 AS a -- the end", "SELECT 1 AS a;", "(SELECT 1 AS a)"])
def test_a_query_may_end_as_people_end_it(engine: Engine, sql: str) -> None:
    assert rows(engine, sql) == [(1,)]


def test_a_refusal_points_into_the_query(engine: Engine) -> None:
    sql = "SELECT '가나다' AS a,\n  nope\nFROM things"
    error = refused(engine, sql)
    assert "nope" in str(error)
    assert "\n" not in str(error)
    assert error.offset is not None
    assert sql[error.offset :].startswith("nope")
    assert not error.unreachable


def test_a_missing_table_is_named(engine: Engine) -> None:
    sql = "SELECT 1 AS a FROM nowhere"
    error = refused(engine, sql)
    assert "nowhere" in str(error)
    assert error.offset is not None
    assert sql[error.offset :].startswith("nowhere")


def test_a_value_that_fails_while_rows_arrive(engine: Engine) -> None:
    error = refused(engine, 'SELECT CAST("이름" AS INTEGER) AS a FROM things')
    assert "가" in str(error)


def test_a_dry_run_plans_and_does_not_run(engine: Engine) -> None:
    estimate = engine.dry_run(FOREVER[engine.dialect])
    assert estimate.rows is None or estimate.rows >= 1
    error = None
    try:
        engine.dry_run("SELECT nope FROM things")
    except EngineError as caught:
        error = caught
    assert error is not None
    assert error.offset == len("SELECT ")


def test_cancelling_stops_the_query_at_the_engine(engine: Engine) -> None:
    done = threading.Event()

    def cancel() -> None:
        # Again and again, as the first time may come before the query has begun.
        while not done.wait(0.05):
            engine.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        with pytest.raises(Cancelled):
            rows(engine, FOREVER[engine.dialect])
    finally:
        done.set()
        thread.join()
    assert rows(engine, "SELECT 1 AS a") == [(1,)]


def test_cancelling_when_nothing_runs_is_harmless(engine: Engine) -> None:
    engine.cancel()
    assert rows(engine, "SELECT 1 AS a") == [(1,)]


def test_an_engine_is_known_by_its_dialect() -> None:
    assert dialect_of("duckdb") == "duckdb"
    assert dialect_of("postgres") == "postgres"
    assert dialect_of("abacus") is None
    with pytest.raises(EngineError, match=r"no engine is called 'abacus'.*duckdb, postgres"):
        connect(EngineSettings(type="abacus"), Path(), {})


# DuckDB: files as tables.


def duck(directory: Path, **settings: str | None) -> Engine:
    return connect(EngineSettings(duckdb=DuckdbSettings(**settings)), directory, {})  # type: ignore[arg-type]


def write(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_a_file_s_place_says_what_its_table_is_called(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "data/a.csv": "x\n1\n",
            "data/s/a.csv": "x\n2\n",
            "data/d/s/a.csv": "x\n3\n",
            "data/가게/주문.csv": "x\n4\n",
            "data/.hidden/a.csv": "x\n5\n",
            "data/notes.txt": "not a table",
        },
    )
    engine = duck(tmp_path, data="data")
    assert rows(engine, "SELECT x FROM a") == [(1,)]
    assert rows(engine, "SELECT x FROM s.a") == [(2,)]
    assert rows(engine, "SELECT x FROM d.s.a") == [(3,)]
    assert rows(engine, "SELECT x FROM 가게.주문") == [(4,)]


def test_types_are_told_by_all_values_and_by_the_types_file(tmp_path: Path) -> None:
    many = "".join(f"{number},0{number}\n" for number in range(100, 30000))
    write(
        tmp_path,
        {
            "data/s/t.csv": f"n,code\n{many}last,0199\n",
            "data/s/u.csv": "day,code,flag,empty\n2024-01-05,0012,true,\n,0013,,\n",
            "data/types.json": json.dumps({"s.u": {"code": "VARCHAR"}}),
        },
    )
    engine = duck(tmp_path, data="data")
    # The one word at the end of thirty thousand numbers counts.
    assert engine.run("SELECT n, code FROM s.t").columns[0] == Column("n", "VARCHAR")
    result = engine.run("SELECT day, code, flag FROM s.u")
    assert [column.type for column in result.columns] == ["DATE", "VARCHAR", "BOOLEAN"]
    assert list(result.rows) == [(date(2024, 1, 5), "0012", True), (None, "0013", None)]


def test_parquet_files_are_tables(tmp_path: Path) -> None:
    (tmp_path / "data" / "s").mkdir(parents=True)
    target = tmp_path / "data" / "s" / "p.parquet"
    with duckdb.connect() as connection:
        connection.sql("SELECT 7 AS x").write_parquet(str(target))
    assert rows(duck(tmp_path, data="data"), "SELECT x FROM s.p") == [(7,)]


def test_a_database_file_is_opened_for_reading_only(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as connection:
        connection.execute("CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 5 AS x")
    before = (tmp_path / "w.duckdb").read_bytes()
    engine = duck(tmp_path, database="w.duckdb")
    assert rows(engine, "SELECT x FROM s.t") == [(5,)]
    engine.close()
    assert (tmp_path / "w.duckdb").read_bytes() == before


def test_only_the_tables_that_are_read_are_loaded(tmp_path: Path) -> None:
    write(tmp_path, {"data/s/a.csv": "x\n1\n", "data/s/b.csv": "x\n2\n"})
    engine = connect(EngineSettings(duckdb=DuckdbSettings(data="data")), tmp_path, {}, {"S.A"})
    assert rows(engine, "SELECT x FROM s.a") == [(1,)]
    refused(engine, "SELECT x FROM s.b")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{outside}')",
        "SELECT * FROM '{outside}'",
        "SELECT * FROM read_text('{outside}')",
        "SELECT * FROM glob('{directory}/*')",
    ],
)
def test_files_outside_the_data_stay_out_of_reach(tmp_path: Path, sql: str) -> None:
    write(tmp_path, {"data/a.csv": "x\n1\n", "secret.csv": "password\nhunter2\n"})
    engine = duck(tmp_path, data="data")
    error = refused(engine, sql.format(outside=tmp_path / "secret.csv", directory=tmp_path))
    assert "hunter2" not in f"{error} {error.detail}"


@pytest.mark.parametrize(
    ("files", "settings", "message"),
    [
        ({}, {"data": "data"}, "data directory .* does not exist"),
        ({}, {"database": "gone.duckdb"}, "gone.duckdb does not exist"),
        ({"data/a.csv": "x\n1\n"}, {"data": "data", "database": "w.duckdb"}, "not both"),
        ({"data/a/b/c/d.csv": "x\n1\n"}, {"data": "data"}, "lies too deep"),
        ({"data/a.csv": "x\n1\n", "data/types.json": "{"}, {"data": "data"}, "types.json"),
        ({"data/a.csv": "x\n1\n", "data/types.json": "[]"}, {"data": "data"}, "must look like"),
        (
            {"data/a.csv": "x\n1\n", "data/types.json": '{"b": {"x": "INT"}}'},
            {"data": "data"},
            "types.json describes b, but no file",
        ),
        (
            {"data/a.csv": "x\none\n", "data/types.json": '{"a": {"x": "INTEGER"}}'},
            {"data": "data"},
            "cannot load a.csv as table a",
        ),
        ({"w.duckdb": "no database"}, {"database": "w.duckdb"}, "cannot open w.duckdb"),
    ],
)
def test_what_keeps_the_embedded_engine_from_starting(
    tmp_path: Path, files: dict[str, str], settings: dict[str, str], message: str
) -> None:
    write(tmp_path, files)
    with pytest.raises(EngineError, match=message):
        duck(tmp_path, **settings)


# PostgreSQL: where the connection comes from.


def test_the_connection_string_comes_from_the_named_variable_only() -> None:
    with pytest.raises(EngineError, match=r"SMQ_TEST_DSN.*is not set") as caught:
        connect(SETTINGS["postgres"], Path(), {})
    assert caught.value.unreachable


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    environ = {"SMQ_TEST_DSN": f"host={tmp_path} user=smq password=hunter2"}
    with pytest.raises(EngineError, match="cannot connect to PostgreSQL") as caught:
        connect(SETTINGS["postgres"], tmp_path, environ)
    assert caught.value.unreachable
    assert "hunter2" not in f"{caught.value} {caught.value.detail}"

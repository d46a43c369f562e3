"""`smq run` on BigQuery: the real client over loopback, against a double that is itself held."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.bigquery_double import BigqueryDouble, bigquery, column
from tests.support.cli import Cli

from smq.workspace.configuration import BigquerySettings, EngineSettings
from smq_metasync import transport
from smq_metasync.connect import connect, dialect_of
from smq_metasync.engines import Cancelled, Engine, EngineError


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigqueryDouble]:
    with bigquery(monkeypatch) as found:
        fields = [
            column("id", "INTEGER"),
            column("이름"),
            column("day", "DATE"),
            column("price", "NUMERIC"),
        ]
        rows = [(1, "가", date(2024, 2, 29), Decimal("12.5")), (2, None, None, None)]
        found.table("shop.things", fields, rows)
        yield found


@pytest.fixture
def engine(double: BigqueryDouble, tmp_path: Path) -> Iterator[Engine]:
    settings = BigquerySettings("proj", "US", 20_000_000)
    found = connect(EngineSettings("bigquery", bigquery=settings), tmp_path, os.environ)
    yield found
    found.close()


def rows(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return list(engine.run(sql).rows)


def refused(engine: Engine, sql: str) -> EngineError:
    with pytest.raises(EngineError) as caught:
        rows(engine, sql)
    return caught.value


def test_rows_come_with_columns_and_values_of_python(engine: Engine) -> None:
    result = engine.run("SELECT id, `이름`, day, price FROM shop.things ORDER BY id")
    assert [column.name for column in result.columns] == ["id", "이름", "day", "price"]
    assert list(result.rows) == [
        (1, "가", date(2024, 2, 29), Decimal("12.5")),
        (2, None, None, None),
    ]
    assert dialect_of("bigquery") == "bigquery"


def test_rows_arrive_page_by_page(double: BigqueryDouble, engine: Engine) -> None:
    double.page = 2
    many = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(5))
    assert sorted(rows(engine, many)) == [(n,) for n in range(5)]


def test_every_job_has_its_cap_its_label_and_its_place(
    double: BigqueryDouble, engine: Engine
) -> None:
    rows(engine, "SELECT id FROM shop.things")
    engine.dry_run("SELECT id FROM shop.things")
    jobs = [request.json for request in double.server.requests("POST", "/jobs$")]
    assert [each["configuration"].get("dryRun", False) for each in jobs] == [False, True]
    for job in jobs:
        assert job["configuration"]["query"]["maximumBytesBilled"] == "20000000"
        assert job["configuration"]["labels"] == {"tool": "smq"}
        assert job["jobReference"]["location"] == "US"


def test_a_dry_run_says_the_bytes_and_runs_nothing(double: BigqueryDouble, engine: Engine) -> None:
    assert engine.dry_run("SELECT id, day FROM shop.things").bytes == 32
    assert double.server.requests("GET", "/queries/") == []


def test_a_query_that_would_cost_too_much_is_refused(
    double: BigqueryDouble, engine: Engine
) -> None:
    double.table("shop.huge", [column("a")], numRows="90000000")
    error = refused(engine, "SELECT a FROM shop.huge")
    assert str(error) == "the query would be billed for more than 20,000,000 bytes"
    assert "engine.bigquery.maximum_bytes_billed" in error.detail


def test_only_one_query_that_reads_is_sent(double: BigqueryDouble, engine: Engine) -> None:
    for sql in ("SELECT 1; SELECT 2", "DROP TABLE shop.things", "DELETE FROM shop.things", ""):
        refused(engine, sql)
        with pytest.raises(EngineError):
            engine.dry_run(sql)
    assert double.server.log == []


def test_a_refusal_is_one_sentence_and_points_into_the_query(engine: Engine) -> None:
    sql = "SELECT '가나' AS a,\n  nope\nFROM shop.things"
    error = refused(engine, sql)
    assert str(error) == "Unrecognized name: nope at [2:3]"
    assert error.offset is not None
    assert sql[error.offset :].startswith("nope")
    assert not error.unreachable
    error = refused(engine, "SELECT 1 AS a FROM shop.nowhere")
    assert "Not found: Table proj:shop.nowhere" in str(error)
    assert "http" not in str(error)


def test_cancelling_stops_the_job_at_bigquery(double: BigqueryDouble, engine: Engine) -> None:
    double.hanging = "forever"
    done = threading.Event()

    def cancel() -> None:
        while not done.wait(0.05):
            engine.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        with pytest.raises(Cancelled):
            rows(engine, "SELECT 'forever' AS a")
    finally:
        done.set()
        thread.join()
    assert double.server.requests("POST", "/cancel$")
    assert all(not job.hangs for job in double.jobs.values())
    assert rows(engine, "SELECT 1 AS a") == [(1,)]


def test_transient_faults_are_retried(double: BigqueryDouble, engine: Engine) -> None:
    double.server.fault("status", "/queries/", status=503)
    double.server.fault("status", "/jobs$", status=429, reason="rateLimitExceeded")
    assert rows(engine, "SELECT 1 AS a") == [(1,)]


def test_a_warehouse_that_is_not_there_is_told_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "RETRY_SECONDS", 0.3)
    environ = {"BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:9", "GOOGLE_CLOUD_PROJECT": "p"}
    engine = connect(EngineSettings("bigquery"), tmp_path, environ)
    error = refused(engine, "SELECT 1 AS a")
    assert error.unreachable
    assert "cannot reach BigQuery" in str(error)


def test_without_credentials_the_message_says_how_to_get_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(EngineError, match="application-default login"):
        connect(EngineSettings("bigquery"), tmp_path, {})


def test_the_command_line_runs_and_estimates_there(
    double: BigqueryDouble, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "smq.toml").write_text('dialect = "bigquery"\n[engine]\ntype = "bigquery"\n')
    (tmp_path / "m.yml").write_text(
        "semantic_models:\n  - name: things\n    table: proj.shop.things\n"
        "    entities: [{name: thing, type: primary, expr: id}]\n"
        "    measures: [{name: n, expr: id}]\n"
        "metrics:\n  - {name: thing_count, expr: COUNT(things__n)}\n"
    )
    query = '{"metrics": ["thing_count AS n"]}'
    outcome = cli("run", "-q", query, "--format", "jsonl")
    assert (outcome.status, outcome.out) == (0, '{"n": 2}\n')
    outcome = cli("run", "-q", query, "--dry-run")
    assert "reads 16 bytes" in outcome.out

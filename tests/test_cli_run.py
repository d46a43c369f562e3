"""`smq run`: rows in every format, on the configured engine, and what an engine refuses."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import duckdb
import jsonschema
import pytest
from tests.support import engines as real
from tests.support.cli import Cli
from tests.support.examples import copy_example
from tests.support.interrupts import hear_interrupts

from smq_schemas import schema

QUERY = "queries/branches_by_status.smq.json"
TABLE = """\
부점코드__rgn_nm │ total_brn_cnt │ open_brn_cnt
─────────────────┼───────────────┼─────────────
서울             │            10 │            9
경기             │             5 │            5
부산             │             3 │            2
광주             │             2 │            2
대구             │             2 │            2
대전             │             2 │            2
제주             │             1 │            1
"""


@pytest.fixture(autouse=True)
def bank(tmp_path: Path) -> None:
    copy_example("bank", tmp_path)


def write(path: Path, *replacements: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def test_a_table_is_the_default(cli: Cli) -> None:
    outcome = cli("run", QUERY)
    assert (outcome.status, outcome.out) == (0, TABLE)
    assert outcome.err.startswith("7 rows in ")
    assert cli("run", QUERY, "--quiet").err == ""


def test_labels_can_be_the_headings(cli: Cli) -> None:
    heading = cli("run", QUERY, "--labels").out.splitlines()[0]
    assert heading == "지역 │ 총 부점 수 │ 영업 중인 부점 수"


def test_csv(cli: Cli) -> None:
    rows = list(csv.reader(io.StringIO(cli("run", QUERY, "--format", "csv").out)))
    assert rows[:2] == [["부점코드__rgn_nm", "total_brn_cnt", "open_brn_cnt"], ["서울", "10", "9"]]
    assert len(rows) == 8


def test_json_has_the_published_shape_and_typed_values(cli: Cli) -> None:
    outcome = cli("run", "queries/balance_by_product.smq.json", "--format", "json")
    document = json.loads(outcome.out, parse_float=Decimal)
    jsonschema.validate(json.loads(outcome.out), schema("run-output"))
    (result,) = document["results"]
    assert [(c["name"], c["kind"]) for c in result["columns"]] == [
        ("상품__prd_grp", "dimension"),
        ("상품__prd_nm", "dimension"),
        ("month_end_balance", "metric"),
        ("month_end_accounts", "metric"),
        ("가중평균금리", "metric"),
    ]
    assert result["rows"][0]["month_end_balance"] == 1357044700


def test_json_of_several_queries_is_one_document(cli: Cli) -> None:
    outcome = cli("run", "queries", "--format", "json")
    document = json.loads(outcome.out)
    jsonschema.validate(document, schema("run-output"))
    assert len(document["results"]) == 13


def test_json_lines_are_the_rows(cli: Cli) -> None:
    lines = cli("run", QUERY, "--format", "jsonl").out.splitlines()
    assert json.loads(lines[0]) == {
        "부점코드__rgn_nm": "서울",
        "total_brn_cnt": 10,
        "open_brn_cnt": 9,
    }
    assert len(lines) == 7


def test_dates_are_iso_8601(cli: Cli) -> None:
    lines = cli("run", "queries/loan_to_deposit.smq.json", "--format", "jsonl").out.splitlines()
    assert json.loads(lines[0])["계좌잔액__base_dt__month"] == "2024-01-01"


def test_markdown(cli: Cli) -> None:
    assert cli("run", QUERY, "--format", "markdown", "--limit", "1").out == (
        "| 부점코드__rgn_nm | total_brn_cnt | open_brn_cnt |\n"
        "| --- | ---: | ---: |\n"
        "| 서울 | 10 | 9 |\n"
    )


def test_parquet_keeps_the_types(cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    outcome = cli("run", "queries/loan_to_deposit.smq.json", "-o", str(target))
    assert (outcome.status, outcome.out) == (0, "")
    found = duckdb.read_parquet(str(target))
    assert [str(type_) for type_ in found.types][:2] == ["DATE", "DOUBLE"]
    assert found.columns == ["계좌잔액__base_dt__month", "예대율", "month_end_balance"]
    assert len(found.fetchall()) == 6


@pytest.mark.parametrize(
    ("name", "start"),
    [("o.csv", "부점코드__rgn_nm,"), ("o.json", "{\n"), ("o.md", "| 부점"), ("o.jsonl", '{"')],
)
def test_the_file_s_name_chooses_the_format(
    cli: Cli, tmp_path: Path, name: str, start: str
) -> None:
    outcome = cli("run", QUERY, "-o", name)
    assert (outcome.status, outcome.out) == (0, "")
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_several_results_have_titles(cli: Cli) -> None:
    out = cli("run", "queries/large_accounts.smq.json").out
    assert out.startswith("-- queries/large_accounts.smq.json [0]: 잔액이 3천만 원을")
    assert "\n-- queries/large_accounts.smq.json [1]: 은행 전체의" in out


@pytest.mark.parametrize("format_name", ["csv", "jsonl"])
def test_one_table_formats_hold_one_result(cli: Cli, format_name: str) -> None:
    outcome = cli("run", "queries/large_accounts.smq.json", "--format", format_name)
    assert (outcome.status, outcome.out) == (2, "")
    assert "--query N" in outcome.err
    chosen = ("--query", "1", "--format", format_name)
    assert cli("run", "queries/large_accounts.smq.json", *chosen).status == 0


def test_a_limit_only_ever_takes_rows_away(cli: Cli) -> None:
    assert len(cli("run", QUERY, "--limit", "3").out.splitlines()) == 5
    query = "queries/new_accounts.smq.json"
    assert len(cli("run", query, "--limit", "100").out.splitlines()) == 12
    assert len(cli("run", query, "--limit", "0").out.splitlines()) == 2
    assert cli("run", query, "--limit", "-1").status == 2


def test_a_dry_run_runs_nothing(cli: Cli) -> None:
    outcome = cli("run", "queries", "--dry-run")
    assert outcome.status == 0
    assert len(outcome.out.splitlines()) == 13
    document = json.loads(cli("run", QUERY, "--dry-run", "--format", "json").out)
    jsonschema.validate(document, schema("run-output"))


def test_a_wrong_query_is_not_run(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("run", "-q", '{"metrics": ["nope"]}', "-o", "o.csv")
    assert (outcome.status, outcome.out) == (1, "")
    assert "'nope' not found" in outcome.err
    assert not (tmp_path / "o.csv").exists()


def test_a_missing_column_is_traced_to_the_model(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path / "models" / "부점코드.yml", ("expr: brncd\n", "expr: brncode\n"))
    outcome = cli("run", QUERY)
    assert (outcome.status, outcome.out) == (1, "")
    lines = outcome.err.splitlines()
    assert lines[0].startswith("queries/branches_by_status.smq.json: ")
    assert lines[1].startswith("error: the engine refused the query: ")
    source, carets = next((a, b) for a, b in pairwise(lines) if b.endswith("^"))
    assert "부점코드.brncode" in source
    assert carets.count("^") > 5
    assert "measure 'brn_cnt' of model '부점코드' uses the column brncode" in outcome.err
    assert "models/부점코드.yml:" in outcome.err


def test_a_missing_table_is_traced_to_the_model(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "data" / "bank" / "brn_base.csv").unlink()
    write(tmp_path / "data" / "types.json", ('"bank.brn_base"', '"bank.prd_snap"'))
    outcome = cli("run", QUERY)
    assert (outcome.status, outcome.out) == (1, "")
    assert "model '부점코드' reads the table bank.brn_base" in outcome.err


def test_a_failing_expression_is_traced_to_the_model(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path / "models" / "부점코드.yml", ("expr: brncd\n", "expr: CAST(brn_nm AS INT)\n"))
    outcome = cli("run", QUERY)
    assert outcome.status == 1
    assert "measure 'brn_cnt' of model '부점코드' is CAST(brn_nm AS INT)" in outcome.err


def test_an_engine_that_cannot_start_is_no_fault_of_the_query(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path / "smq.toml", ('data = "data"', 'data = "elsewhere"'))
    outcome = cli("run", QUERY)
    assert outcome.status == 2
    assert "elsewhere does not exist" in outcome.err


@pytest.mark.parametrize("name", ["o.csv", "o.parquet"])
def test_a_query_that_fails_leaves_the_old_file(cli: Cli, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("before")
    write(tmp_path / "models" / "부점코드.yml", ("expr: brncd\n", "expr: CAST(brn_nm AS INT)\n"))
    assert cli("run", QUERY, "-o", name).status == 1
    assert (tmp_path / name).read_text() == "before"
    assert not list(tmp_path.glob(".*"))


def test_parquet_needs_a_file(cli: Cli) -> None:
    outcome = cli("run", QUERY, "--format", "parquet")
    assert outcome.status == 2
    assert "name a file with -o" in outcome.err


def on_postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The branch table on the test server, and a workspace that says so."""
    server = real.engine("postgres")
    server.execute("CREATE SCHEMA IF NOT EXISTS bank")
    server.execute("DROP TABLE IF EXISTS bank.brn_base")
    server.execute(
        "CREATE TABLE bank.brn_base (brncd text, brn_nm text, rgn_nm text, brn_stcd text)"
    )
    server.insert(
        "INSERT INTO bank.brn_base VALUES (%s, %s, %s, %s)",
        [("1", "종로", "서울", "1"), ("2", "명동", "서울", "9"), ("3", "수원", "경기", "1")],
    )
    _, ((folder,),) = server.query("SHOW unix_socket_directories")
    monkeypatch.setenv("BANK_DSN", f"host={folder} user=smq dbname=postgres")
    write(
        tmp_path / "smq.toml",
        ('type = "duckdb"', 'type = "postgres"'),
        ('[engine.duckdb]\ndata = "data"', '[engine.postgres]\ndsn_env = "BANK_DSN"'),
    )


if "postgres" in real.available_engines():

    def test_the_same_on_postgresql(
        cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_postgres(tmp_path, monkeypatch)
        outcome = cli("run", QUERY, "--format", "jsonl")
        assert outcome.status == 0, outcome.err
        assert [tuple(json.loads(line).values()) for line in outcome.out.splitlines()] == [
            ("서울", 2, 1),
            ("경기", 1, 1),
        ]
        target = tmp_path / "o.parquet"
        assert cli("run", QUERY, "-o", str(target)).status == 0
        assert duckdb.read_parquet(str(target)).fetchall()[0] == ("서울", 2, 1)
        assert "row" in cli("run", QUERY, "--dry-run").out

    def test_a_refusal_of_postgresql_is_traced_to_the_model(
        cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_postgres(tmp_path, monkeypatch)
        write(tmp_path / "models" / "부점코드.yml", ("expr: brncd\n", "expr: brncode\n"))
        outcome = cli("run", QUERY)
        assert outcome.status == 1
        assert "uses the column brncode" in outcome.err


_ENDLESS = """\
semantic_models:
  - name: numbers
    description: More rows than anybody can wait for.
    table: >-
      SELECT a.range AS n FROM range(1000000000) AS a, range(1000) AS b
      WHERE a.range % 7 = b.range % 11
    entities:
      - {name: number, type: primary, expr: n}
    measures:
      - {name: n, type: bigint, agg: sum}
metrics:
  - name: total
    metric_type: simple
    type: bigint
    description: A sum that takes for ever.
    expr: SUM(numbers__n)
"""


def test_ctrl_c_stops_the_engine(tmp_path: Path) -> None:
    (tmp_path / "models" / "numbers.yml").write_text(_ENDLESS, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "smq_server.main", "run", "-v", "-q", '{"metrics": ["total"]}'],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "SMQ_LOG_DIR": str(tmp_path)},
        preexec_fn=hear_interrupts,
    )
    try:
        assert process.stderr is not None
        assert b"running on duckdb" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (130, b"", b"smq: interrupted\n")

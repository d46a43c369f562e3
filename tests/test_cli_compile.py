"""`smq compile`: SQL on stdout, problems on stderr, and which query is meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.support.cli import Cli
from tests.support.examples import copy_example

from smq_schemas import schema

STATUS = '{"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}'
SQL = """\
SELECT
  부점코드.brn_stcd AS 부점코드__brn_stcd,
  COUNT(DISTINCT 부점코드.brncd) AS total_brn_cnt
FROM bank.brn_base AS 부점코드
GROUP BY
  부점코드.brn_stcd
"""


@pytest.fixture(autouse=True)
def bank(tmp_path: Path) -> None:
    copy_example("bank", tmp_path)


def metadata(cli: Cli, *words: str) -> dict[str, Any]:
    outcome = cli("compile", *words, "--metadata", "json")
    document = json.loads(outcome.out)
    jsonschema.validate(document, schema("compile-output"))
    return dict(document)


@pytest.mark.parametrize("way", ["file", "stdin", "inline"])
def test_one_query_is_plain_sql(cli: Cli, tmp_path: Path, way: str) -> None:
    if way == "file":
        (tmp_path / "q.smq.json").write_text(STATUS, encoding="utf-8")
        outcome = cli("compile", "q.smq.json")
    elif way == "stdin":
        outcome = cli("compile", "-", stdin=STATUS.encode())
    else:
        outcome = cli("compile", "-q", STATUS)
    assert (outcome.status, outcome.out, outcome.err) == (0, SQL, "")


def test_the_dialect_is_the_configured_one_or_the_one_asked_for(cli: Cli, tmp_path: Path) -> None:
    assert "`부점코드`" in cli("compile", "-q", STATUS, "--dialect", "BigQuery").out
    configuration = tmp_path / "smq.toml"
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(text.replace('"duckdb"', '"bigquery"', 1), encoding="utf-8")
    assert "`부점코드`" in cli("compile", "-q", STATUS).out
    outcome = cli("compile", "-q", STATUS, "--dialect", "bigqery")
    assert outcome.status == 2
    assert "did you mean 'bigquery'?" in outcome.err


def test_several_queries_are_told_apart(cli: Cli) -> None:
    outcome = cli("compile", "queries/large_accounts.smq.json")
    first, second = outcome.out.split("\n\n")
    assert first.startswith("-- queries/large_accounts.smq.json [0]: 잔액이 3천만 원을")
    assert second.startswith("-- queries/large_accounts.smq.json [1]: 은행 전체의")
    assert first.endswith(";")
    assert second.endswith(";\n")


def test_one_of_several_queries(cli: Cli) -> None:
    outcome = cli("compile", "queries/large_accounts.smq.json", "--query", "1")
    assert outcome.status == 0
    assert outcome.out.startswith("WITH ")
    assert "-- " not in outcome.out


def test_a_query_that_is_not_there(cli: Cli) -> None:
    outcome = cli("compile", "queries/large_accounts.smq.json", "--query", "2")
    assert outcome.status == 2
    assert "has no query 2: its queries are 0 to 1" in outcome.err
    assert "its only query is 0" in cli("compile", "-q", STATUS, "--query", "9").err


def test_a_directory_stands_for_its_queries(cli: Cli) -> None:
    outcome = cli("compile", "queries")
    assert outcome.status == 0
    assert outcome.out.count(";\n") == 13


def test_the_same_input_gives_the_same_bytes(cli: Cli) -> None:
    first = cli("compile", "queries", "--metadata", "json").out
    assert cli("compile", "queries", "--metadata", "json").out == first


def test_inline_views_take_the_place_of_common_table_expressions(cli: Cli) -> None:
    plain = cli("compile", "queries/customers_by_grade.smq.json").out
    inline = cli("compile", "queries/customers_by_grade.smq.json", "--inline").out
    assert plain.startswith("WITH ")
    assert "WITH " not in inline


def test_an_error_is_shown_as_check_shows_it(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "q.smq.json").write_text('{"metrics": ["total_brn_cn"]}', encoding="utf-8")
    outcome = cli("compile", "q.smq.json")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.replace("smq check --fix", "--fix") in cli("check", "q.smq.json").out
    assert "Metric 'total_brn_cn' not found" in outcome.err
    assert "^^^^^^^^^^^^" in outcome.err


def test_a_document_that_is_no_file_has_a_name_that_says_so(cli: Cli) -> None:
    wrong = '{"metrics": ["nope"]}'
    assert cli("compile", "-q", wrong).err.startswith("<-q>:1:")
    assert cli("compile", "-", stdin=wrong.encode()).err.startswith("<stdin>:1:")


def test_the_good_queries_of_a_file_are_printed_beside_the_errors(cli: Cli, tmp_path: Path) -> None:
    text = f'[{STATUS}, {{"metrics": ["nope"]}}]'
    (tmp_path / "q.smq.json").write_text(text, encoding="utf-8")
    outcome = cli("compile", "q.smq.json")
    assert outcome.status == 1
    assert outcome.out.endswith(SQL.rstrip() + ";\n")
    assert "nope" in outcome.err
    chosen = cli("compile", "q.smq.json", "--query", "0")
    assert (chosen.status, chosen.err) == (0, "")


def test_a_faulty_key_keeps_a_query_from_being_printed(cli: Cli) -> None:
    outcome = cli("compile", "-q", '{"metrics": ["total_brn_cnt"], "fliters": ["1 = 2"]}')
    assert (outcome.status, outcome.out) == (1, "")
    assert "fliters" in outcome.err


def test_a_broken_file_is_not_compiled(cli: Cli) -> None:
    outcome = cli("compile", "-q", '{"metrics": ["total_brn_cnt"]')
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err


def test_warnings_do_not_stop_a_query(cli: Cli) -> None:
    bare = '{"metrics": ["account_count"], "filters": ["open_dt >= \'2024-01-01\'"]}'
    outcome = cli("compile", "-q", bare)
    assert outcome.status == 0
    assert "WHERE" in outcome.out
    assert "warning" in outcome.err
    assert cli("compile", "-q", bare, "--quiet").err == ""


def test_hints_are_shown_to_those_who_ask(cli: Cli) -> None:
    query = '{"metrics": ["total_brn_cnt"], "limit": 1}'
    assert cli("compile", "-q", query).err == ""
    assert "hint" in cli("compile", "-q", query, "-v").err


def test_models_that_do_not_connect_become_one_query_each(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "models" / "weather.yml").write_text(_WEATHER, encoding="utf-8")
    query = '{"metrics": ["total_brn_cnt", "rain"], "groupBy": ["부점코드__rgn_nm", "날씨__day"]}'
    together = cli("compile", "-q", query)
    assert (together.status, together.out) == (1, "")
    apart = cli("compile", "-q", query, "--distribute")
    assert apart.status == 0
    assert "part 1 of 2" in apart.out
    assert "part 2 of 2" in apart.out


_WEATHER = """\
semantic_models:
  - name: 날씨
    table: bank.weather
    entities:
      - {name: station, type: primary, expr: station_no}
    dimensions:
      - {name: day, type: date}
    measures:
      - {name: mm, type: integer, agg: sum}
metrics:
  - {name: rain, metric_type: simple, type: integer, expr: SUM(날씨__mm)}
"""


def test_metadata_tells_what_is_known(cli: Cli) -> None:
    document = metadata(cli, "queries/customers_by_grade.smq.json")
    (query,) = document["queries"]
    assert query["path"] == "queries/customers_by_grade.smq.json"
    assert query["sql"] == cli("compile", "queries/customers_by_grade.smq.json").out.rstrip("\n")
    assert [(c["name"], c["kind"], c["label"]) for c in query["columns"]] == [
        ("고객기본__cust_grd", "dimension", "고객등급"),
        ("customer_count", "metric", "고객 수"),
        ("account_count", "metric", "계좌 수"),
        ("balance_per_customer", "metric", "고객당 잔액"),
    ]
    assert query["columns"][1]["defined_at"]["path"] == "metrics/고객.yml"
    assert query["tables"] == ["bank.cust_base", "bank.acct_base"]
    assert {leaf["base"] for leaf in query["leaves"]} == {"고객기본", "계좌정보"}
    assert document["problems"] == []


def test_metadata_of_every_example_has_the_published_shape(cli: Cli, tmp_path: Path) -> None:
    assert len(metadata(cli, "queries")["queries"]) == 13
    copy_example("shop", tmp_path / "shop")
    assert len(metadata(cli, "shop/queries")["queries"]) == 10


def test_metadata_holds_the_problems_of_a_wrong_query(cli: Cli) -> None:
    document = metadata(cli, "-q", '{"metrics": ["nope"]}')
    assert document["queries"] == []
    (problem,) = document["problems"]
    assert problem["severity"] == "error"
    assert problem["path"] == "<-q>"
    assert problem["range"]["start"] == {"line": 1, "column": 15}


def test_output_goes_to_a_file_only_if_all_is_right(cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "out.sql"
    outcome = cli("compile", "-q", STATUS, "-o", "out.sql")
    assert (outcome.status, outcome.out) == (0, "")
    assert target.read_text(encoding="utf-8") == SQL
    assert cli("compile", "-q", '{"metrics": ["nope"]}', "-o", "out.sql").status == 1
    assert target.read_text(encoding="utf-8") == SQL


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no query given"),
        (["-q", "{}", "a.smq.json"], "one or the other"),
        (["-", "a.smq.json"], "cannot be combined"),
        (["gone.smq.json"], "no such file"),
        (["sources.yml"], "no query file"),
        (["models"], "there is no query in models"),
    ],
)
def test_what_cannot_be_compiled(cli: Cli, words: list[str], message: str) -> None:
    outcome = cli("compile", *words)
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err


def test_an_array_without_queries_is_told(cli: Cli) -> None:
    outcome = cli("compile", "-q", "[]")
    assert outcome.status == 2
    assert "there is no query in <-q>" in outcome.err

"""Dates, timestamps and texts beside each other: every engine compares them as DuckDB does."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest
from tests.support.corpus import read_tables
from tests.support.duck_tables import plain
from tests.support.engines import available_engines, engine_with
from tests.support.truth import errors, words
from tests.support.workspace import compile_text, load_workspace

from smq.sql.compile import CompileOptions

MODELS = """\
semantic_models:
  - name: ev
    table: ev
    defaults: {agg_time_dimension: at}
    entities: [{name: ev, type: primary, expr: id}]
    dimensions:
      - {name: at, type: timestamp, type_params: {time_granularity: second}}
      - {name: by_day, type: datetime, expr: at, type_params: {time_granularity: day}}
      - {name: day, type: date, type_params: {time_granularity: day}}
      - {name: told, type: time, expr: at, type_params: {time_granularity: second}}
    measures: [{name: n, type: integer, agg: sum}]
metrics:
  - {name: total, metric_type: simple, type_params: {measure: n}}
  - {name: last_at, metric_type: simple, expr: MAX(ev__at)}
  - {name: last_day, metric_type: simple, expr: MAX(ev__day)}
  - name: early
    metric_type: simple
    expr: "SUM(CASE WHEN ev__at <= '2024-02-10' THEN ev__n ELSE 0 END)"
  - name: at_midnight
    metric_type: simple
    type_params: {measure: n}
    filter: "ev__at = '2024-02-10'"
"""
TABLES = read_tables("""
ev: id:text at:timestamp day:date n:int
  e1 2024-02-10T00:00:00 2024-02-10 1
  e2 2024-02-10T12:30:00 2024-02-10 2
  e3 2024-02-09T23:59:59 2024-02-09 4
  e4 2024-02-11T00:00:00 2024-02-11 8
  e5 2024-03-01T00:00:00 2024-03-01 16
  e6 - - 32
""")
TIMES = (
    *("ev__at", "ev__by_day", "ev__day", "ev__told", "ev__at__day", "ev__day__month"),
    *("ev__told__day", "metric_time", "metric_time__day", "{{ TimeDimension('ev__at', 'day') }}"),
)
CONDITIONS = (
    "{} = '2024-02-10'",
    "{} > '2024-02-10'",
    "'2024-02-10' >= {}",
    "{} BETWEEN '2024-02-09' AND '2024-02-10'",
    "{} IN ('2024-02-10', '2024-02-11')",
    "{} NOT IN ('2024-02-10')",
    "{} IS DISTINCT FROM '2024-02-10'",
    "{} = '2024-02-10 00:00:00'",
    "{} >= '2024-02-10T12:30:00'",
    "{} = DATE '2024-02-10'",
    "{} >= TIMESTAMP '2024-02-10 00:00:00'",
    "{} = ev__day",
    "{} IN (SELECT ev__at FROM ev WHERE ev__at > '2024-02-10')",
    "CASE WHEN {} = '2024-02-10' THEN TRUE ELSE FALSE END",
    "CASE {} WHEN '2024-02-10' THEN TRUE ELSE FALSE END",
    "COALESCE({}, '2024-02-10') = '2024-02-10'",
)
GROUPED = (
    "CASE WHEN {} > '2024-02-10' THEN total END AS late",
    "CASE WHEN MAX(last_at) OVER () = '2024-03-01' THEN total END AS ends_there",
    "CASE WHEN last_day BETWEEN '2024-02-10' AND '2024-02-11' THEN total END AS between_days",
)


def queries() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for time in TIMES:
        found += [
            {"metrics": ["total"], "filters": [condition.format(time)]} for condition in CONDITIONS
        ]
        if "{" not in time:
            found += [{"metrics": [metric.format(time)], "groupBy": [time]} for metric in GROUPED]
            either = f"{time} > '2024-02-10' OR total > 5"
            found.append({"metrics": ["total"], "groupBy": [time], "filters": [either]})
    for condition in ("= '2024-03-01'", "BETWEEN '2024-02-10' AND '2024-03-01'"):
        filters = [f"last_at {condition}"]
        found.append({"metrics": ["last_at"], "groupBy": ["ev__at__day"], "filters": filters})
    found += [{"metrics": [name]} for name in ("early", "at_midnight")]
    return found


def moment(value: Any) -> Any:
    """A date as the timestamp that it is beside timestamps; some engines answer with texts."""
    value = plain(value)
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


def answers(name: str) -> dict[str, list[tuple[Any, ...]]]:
    graph, _ = load_workspace({"models.yml": MODELS})
    here = engine_with(name, TABLES)
    options = CompileOptions(dialect=here.dialect, written_dialect="duckdb")
    found = {}
    for query in queries():
        text = json.dumps(query)
        (compiled,) = compile_text(graph, text, options)
        assert compiled.queries, (text, [*map(words, errors(compiled.problems))])
        _, rows = here.query(compiled.queries[0].sql)
        found[text] = sorted((tuple(map(moment, row)) for row in rows), key=repr)
    return found


def test_a_time_of_undeclared_kind_is_compared_by_the_engine() -> None:
    """It may be a date, which not every engine compares with a TIMESTAMP."""
    graph, _ = load_workspace({"models.yml": MODELS})
    query = json.dumps({"metrics": ["total"], "filters": ["ev__told > '2024-02-10'"]})
    (compiled,) = compile_text(graph, query, CompileOptions(dialect="bigquery"))
    assert "> '2024-02-10'" in compiled.queries[0].sql


def test_bigquery_cuts_a_time_of_undeclared_kind_whatever_it_is() -> None:
    """DATE_TRUNC takes dates and timestamps alike; TIMESTAMP_TRUNC takes no date."""
    graph, _ = load_workspace({"models.yml": MODELS})
    query = json.dumps({"metrics": ["total"], "groupBy": ["ev__told__month", "ev__told__hour"]})
    (compiled,) = compile_text(graph, query, CompileOptions(dialect="bigquery"))
    assert "DATE_TRUNC(ev.`at`, MONTH)" in compiled.queries[0].sql
    assert "TIMESTAMP_TRUNC(ev.`at`, HOUR)" in compiled.queries[0].sql


@pytest.mark.parametrize(
    "item", ["ev__told < CURRENT_DATE", "ev__told < CURRENT_DATE - 3", "ev__told >= ev__day"]
)
def test_what_is_compared_with_a_time_of_undeclared_kind_needs_no_parentheses(item: str) -> None:
    graph, _ = load_workspace({"models.yml": MODELS})
    query = json.dumps({"metrics": ["total"], "filters": [item]})
    (compiled,) = compile_text(graph, query, CompileOptions(dialect="duckdb"))
    _, condition = compiled.queries[0].sql.split("WHERE\n  ")
    told = """DATE_TRUNC('second', ev."at")"""
    assert condition == item.replace("ev__told", told).replace("ev__", "ev.")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"metrics": ["total"], "filters": ["ev__at > '2024-02-10'"]}, 26),
        ({"metrics": ["total"], "filters": ["metric_time = '2024-02-10'"]}, 1),
        ({"metrics": ["total"], "filters": ["metric_time__day = '2024-02-10'"]}, 3),
        ({"metrics": ["total"], "filters": ["ev__told <= '2024-02-10'"]}, 5),
        ({"metrics": ["early"]}, 5),
        ({"metrics": ["at_midnight"]}, 1),
        # Where a date is no number, MySQL and SQLite would make one of it without a word.
        ({"metrics": ["total"], "filters": ["ev__day + 1 = '2024-02-10'"]}, 4),
        ({"metrics": ["total"], "filters": ["1 + ev__day = '2024-02-10'"]}, 4),
        ({"metrics": ["total"], "filters": ["ev__day - 29 > DATE '2024-01-31'"]}, 16),
        ({"metrics": ["total"], "filters": ["CAST(ev__at AS DATE) + 1 = '2024-02-11'"]}, 3),
        ({"metrics": ["total"], "filters": ["DATE '2024-03-05' - ev__day < 5"]}, 16),
        ({"metrics": ["total"], "filters": ["ev__told > DATE '2024-02-12' - 2"]}, 26),
        ({"metrics": ["CAST(total AS DECIMAL(10, 0)) + 3 AS more"]}, 66),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", available_engines())
def test_a_date_is_the_midnight_that_starts_it(
    name: str, query: dict[str, Any], expected: int
) -> None:
    graph, _ = load_workspace({"models.yml": MODELS})
    here = engine_with(name, TABLES)
    options = CompileOptions(dialect=here.dialect, written_dialect="duckdb")
    (compiled,) = compile_text(graph, json.dumps(query), options)
    _, rows = here.query(compiled.queries[0].sql)
    assert [tuple(map(plain, row)) for row in rows] == [(expected,)]


@pytest.mark.parametrize("item", ["ev__day + total > 5", "CURRENT_DATE - ev__told < 5"])
@pytest.mark.parametrize("name", ["mysql", "sqlite", "trino", "sqlserver"])
def test_a_date_in_a_sum_that_has_no_translation_is_refused(name: str, item: str) -> None:
    graph, _ = load_workspace({"models.yml": MODELS})
    query = json.dumps({"metrics": ["total"], "groupBy": ["ev__day"], "filters": [item]})
    options = CompileOptions(dialect=name, written_dialect="duckdb")
    (compiled,) = compile_text(graph, query, options)
    assert [problem.code for problem in errors(compiled.problems)] == ["EXP120"]


@pytest.mark.parametrize("name", [name for name in available_engines() if name != "duckdb"])
def test_every_comparison_gives_the_rows_of_duckdb(name: str) -> None:
    expected, got = answers("duckdb"), answers(name)
    wrong = {text: (rows, expected[text]) for text, rows in got.items() if rows != expected[text]}
    assert wrong == {}

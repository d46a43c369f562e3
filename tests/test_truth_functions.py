"""Functions that engines have under one name with different values: the rows stay those written.

Every condition is written for DuckDB. The expected rows are worked out by hand from the table;
an engine gives them or the query is refused, which `REFUSED` lists, so that nothing is given up
without being seen here.
"""

from __future__ import annotations

import json

import pytest
import sqlglot
from tests.support.corpus import read_tables
from tests.support.engines import available_engines, engine_with
from tests.support.lowered import lowered_from
from tests.support.truth import errors, words
from tests.support.workspace import compile_text, load_workspace

from smq.dialects import names
from smq.sql.compile import CompileOptions

MODELS = """\
semantic_models:
  - name: ev
    table: ev
    entities: [{name: ev, type: primary, expr: id}]
    dimensions:
      - {name: k, type: string, expr: id}
      - {name: s, type: string}
      - {name: at, type: timestamp, type_params: {time_granularity: second}}
      - {name: day, type: date, type_params: {time_granularity: day}}
      - {name: i, type: integer}
      - {name: j, type: integer}
      - {name: d, type: decimal}
    measures: [{name: n, type: integer, expr: i, agg: sum}]
metrics:
  - {name: total, metric_type: simple, type_params: {measure: n}}
"""
TABLES = read_tables("""
ev: id:text s:text at:timestamp day:date i:int j:int d:dec
  a Apple 2024-02-10T00:00:00 2024-02-10 1 2 1.50
  b apple 2024-02-10T12:30:05 2024-02-29 -7 2 -2.25
  c 서울_시 2023-12-31T23:59:59 2023-12-31 7 -2 10.00
  d a%b 2024-02-11T00:00:00 2024-02-11 10 3 0.00
  e - 2024-03-01T00:00:00 2024-03-01 0 5 2.50
  f Zoo - - 100 - -
""")

CASES = {
    # Letter case, and what a pattern's own signs mean.
    "s LIKE 'a%'": "bd",
    "s NOT LIKE 'a%'": "acf",
    "s ILIKE 'A%'": "abd",
    "s NOT ILIKE 'A%'": "cf",
    "s LIKE '_oo' OR s LIKE '서울%'": "cf",
    "s LIKE 'a!%b' ESCAPE '!'": "d",
    "s NOT LIKE 'a!%b' ESCAPE '!'": "abcf",
    "s LIKE 'a*b' OR s LIKE 'a?b' OR s LIKE '[a]%b'": "",
    # Characters, not bytes, and from the end.
    "LENGTH(s) = 4": "c",
    "SUBSTRING(s, 1, 2) = '서울'": "c",
    "SUBSTRING(s, -2) = 'le'": "ab",
    "STRPOS(s, '시') = 4": "c",
    # 10 and not e is the base.
    "LOG(ABS(i) + 3) = 1": "bc",
    "LOG10(ABS(i) + 3) = 1": "bc",
    "LN(ABS(i) + 3) > 4": "f",
    # NULL is passed over: of 100 and NULL the greatest and the least are 100.
    "GREATEST(i, j) = 100": "f",
    "LEAST(i, j) = 100": "f",
    "GREATEST(i, j, 3) = 3": "ab",
    # Halves and more are rounded, away from zero: 1.5, -2.25, 2.5.
    "CAST(d AS INTEGER) = 2": "a",
    "CAST(d AS INTEGER) = 3": "e",
    "CAST(d AS INTEGER) = -2": "b",
    "CAST(j > 2 AS INTEGER) = 1": "de",
    # Saturday, Thursday, Sunday, Sunday, Friday.
    "EXTRACT(DOW FROM day) = 0": "cd",
    "EXTRACT(DOW FROM day) = 4": "b",
    "DAYOFWEEK(day) = 6": "a",
    "EXTRACT(ISODOW FROM day) = 7": "cd",
    "ISODOW(day) = 5": "e",
    "EXTRACT(WEEK FROM day) = 52": "c",
    "WEEKOFYEAR(day) = 6": "ad",
    # The calendar's months, years, days and hours between two times, whole or not.
    "DATE_DIFF('month', day, DATE '2024-03-01') = 1": "abd",
    "DATE_DIFF('quarter', day, DATE '2024-03-01') = 1": "c",
    "DATE_DIFF('year', day, DATE '2024-03-01') = 1": "c",
    "DATE_DIFF('day', day, DATE '2024-03-01') = 1": "b",
    "DATE_DIFF('day', at, TIMESTAMP '2024-02-11 01:00:00') = 1": "ab",
    "DATE_DIFF('hour', at, TIMESTAMP '2024-02-10 13:00:00') = 1": "b",
    "DATE_DIFF('second', at, TIMESTAMP '2024-02-10 12:31:00') = 55": "b",
}
REFUSED = {
    ("sqlite", "EXTRACT(WEEK FROM day) = 52"),
    ("sqlite", "WEEKOFYEAR(day) = 6"),
    ("sqlite", "DATE_DIFF('hour', at, TIMESTAMP '2024-02-10 13:00:00') = 1"),
    ("sqlite", "DATE_DIFF('second', at, TIMESTAMP '2024-02-10 12:31:00') = 55"),
}


def condition(case: str) -> str:
    """The case with the model's name before its columns."""
    tree = sqlglot.parse_one(case, read="duckdb")
    for column in tree.find_all(sqlglot.exp.Column):
        column.this.set("this", f"ev__{column.name}")
    return tree.sql("duckdb")


@pytest.mark.parametrize("name", available_engines())
def test_a_condition_takes_the_same_rows_on_every_engine(name: str) -> None:
    graph, _ = load_workspace({"models.yml": MODELS})
    here = engine_with(name, TABLES)
    options = CompileOptions(dialect=here.dialect, written_dialect="duckdb")
    refused, wrong = set(), {}
    for case, expected in CASES.items():
        query = {"metrics": ["total"], "groupBy": ["ev__k"], "filters": [condition(case)]}
        (compiled,) = compile_text(graph, json.dumps(query), options)
        if not compiled.queries:
            assert {problem.code for problem in errors(compiled.problems)} == {"EXP120"}
            refused.add((name, case))
            continue
        sql = compiled.queries[0].sql
        _, rows = here.query(sql)
        if "".join(sorted(row[0] for row in rows)) != expected:
            wrong[case] = (rows, expected, sql)
    assert wrong == {}
    assert refused == {(engine_, case) for engine_, case in REFUSED if engine_ == name}


def sql_for(case: str, name: str, written: str = "duckdb") -> str:
    tree = sqlglot.parse_one(f"SELECT x FROM t WHERE {case}", read=written)
    return lowered_from(tree, name, written).split("WHERE ")[1]


@pytest.mark.parametrize("name", names())
def test_a_negation_of_ilike_stays_one(name: str) -> None:
    assert "NOT " in sql_for("s NOT ILIKE 'A%'", name)


def test_clickhouse_is_asked_for_characters() -> None:
    """Its plain functions of texts count bytes, of which a Hangul syllable has three."""
    found = sql_for("SUBSTRING(LOWER(s), 1, 2) = RIGHT(s, 1)", "clickhouse")
    assert found.startswith("substringUTF8(lowerUTF8(s), 1, 2) = rightUTF8(s, 1)")
    assert "LOWER(s)" in sql_for("LOWER(s) = 'a'", "clickhouse", written="clickhouse")


@pytest.mark.parametrize(
    ("name", "written", "case"),
    [
        ("duckdb", "mysql", "LENGTH(s) = 3"),
        ("duckdb", "postgres", "SUBSTRING(s, -2) = 'le'"),
        ("postgres", "duckdb", "SUBSTRING(s, -2, 1) = 'l'"),
        ("oracle", "duckdb", "EXTRACT(DOW FROM d) = 0"),
        ("bigquery", "duckdb", "DATE_DIFF('week', d, e) = 1"),
        ("snowflake", "bigquery", "EXTRACT(WEEK FROM d) = 5"),
        ("postgres", "trino", "DATE_DIFF('month', d, e) = 1"),
        ("duckdb", "bigquery", "TIMESTAMP_DIFF(d, e, HOUR) = 1"),
        ("sqlite", "duckdb", "s LIKE t || '%'"),
    ],
)
def test_what_would_have_another_value_is_refused(name: str, written: str, case: str) -> None:
    graph, _ = load_workspace({"models.yml": MODELS})
    columns = {"d": "ev__day", "e": "ev__at", "s": "ev__s", "t": "ev__s"}
    tree = sqlglot.parse_one(case, read=written)
    for column in tree.find_all(sqlglot.exp.Column):
        column.this.set("this", columns[column.name])
    query = json.dumps({"metrics": ["total"], "filters": [tree.sql(written)]})
    options = CompileOptions(dialect=name, written_dialect=written)
    (compiled,) = compile_text(graph, query, options)
    assert [words(problem)[:6] for problem in errors(compiled.problems)] == ["EXP120"]


def test_sqlites_like_stays_blind_to_letter_case_elsewhere() -> None:
    assert sql_for("s LIKE 'a%'", "duckdb", written="sqlite") == "s ILIKE 'a%'"


def test_the_null_of_greatest_is_kept_where_mysql_said_it() -> None:
    kept = "CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE GREATEST(a, b) END = 1"
    for name in ("duckdb", "postgres"):
        assert sql_for("GREATEST(a, b) = 1", name, written="mysql") == kept

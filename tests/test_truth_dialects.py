"""Dialects without an engine here: their SQL, said again in DuckDB's words, gives the same rows.

sqlglot reads the SQL as its dialect and writes it for DuckDB. Where that translation is known to
lose meaning, `said_again` mends it; what it cannot carry at all (Oracle's and ClickHouse's date
functions) is only read back.
"""

from __future__ import annotations

import pytest
from sqlglot import exp
from tests.support.check_example import compile_example
from tests.support.corpus import Example
from tests.support.duck_tables import create_table, create_tables, plain, unmatched
from tests.support.oracle_files import SQL_TYPES, query_json, world_yaml
from tests.support.strategies_queries import make_case
from tests.support.traps import TRAPS
from tests.support.truth import compare_rows, connection, errors, one_select, words
from tests.support.worked_examples import EXAMPLES
from tests.support.workspace import compile_text, load_workspace

from smq.dialects import dialect
from smq.sql.compile import CompileOptions

TRANSLATED = ("bigquery", "snowflake", "redshift", "trino", "databricks", "sqlserver")
READ_BACK = ("oracle", "clickhouse")
CORPUS = [e for e in (*EXAMPLES, *TRAPS) if e.rows is not None and e.engines]
SEEDS = range(60)


def said_again(sql: str, name: str) -> str:
    """The one SELECT in DuckDB's words."""
    tree = one_select(sql, dialect(name).sqlglot)
    if name == "sqlserver":
        # FLOAT has 53 bits there; `+` joins texts.
        for kind in tree.find_all(exp.DataType):
            if kind.is_type(exp.DataType.Type.FLOAT):
                kind.set("this", exp.DataType.Type.DOUBLE)
        for plus in list(tree.find_all(exp.Add)):
            if any(side.is_string for side in (plus.this, plus.expression)):
                plus.replace(exp.DPipe(this=plus.this, expression=plus.expression))
    if name == "databricks":
        # DuckDB has no time zones here.
        for kind in tree.find_all(exp.DataType):
            if kind.is_type(exp.DataType.Type.TIMESTAMPTZ):
                kind.set("this", exp.DataType.Type.TIMESTAMP)
        # PERCENTILE interpolates there.
        for node in list(tree.find_all(exp.Quantile)):
            node.replace(exp.func("QUANTILE_CONT", node.this, node.args["quantile"]))
    return str(tree.sql("duckdb"))


@pytest.mark.parametrize("example", CORPUS, ids=lambda example: str(example.name))
@pytest.mark.parametrize("name", TRANSLATED)
def test_hand_written_case(name: str, example: Example) -> None:
    compiled = compile_example(example, name)
    assert compiled.queries, [*map(words, errors(compiled.problems))]
    for table, (columns, rows) in example.tables.items():
        typed = [(column, SQL_TYPES[kind]) for column, kind in columns]
        create_table(connection(), table, typed, rows)
    sql = compiled.queries[0].sql
    got = [tuple(map(plain, r)) for r in connection().execute(said_again(sql, name)).fetchall()]
    assert example.rows is not None
    assert unmatched(got, example.rows) == ([], []), sql


@pytest.mark.parametrize("name", TRANSLATED)
def test_seeded_cases(name: str) -> None:
    left_out = 0
    for seed in SEEDS:
        case = make_case(seed)
        if case.expected is None:
            continue
        graph, _ = load_workspace({"models.yml": world_yaml(case.world)})
        options = CompileOptions(dialect=name, written_dialect="duckdb")
        (compiled,) = compile_text(graph, query_json(case.query), options)
        if not compiled.queries:
            # What a dialect has no words for is refused by name, never said wrongly.
            assert {p.code for p in errors(compiled.problems)} == {"EXP120"}, seed
            left_out += 1
            continue
        sql = compiled.queries[0].sql
        create_tables(connection(), case.world.tables)
        found = connection().execute(said_again(sql, name)).fetchall()
        rows = [tuple(map(plain, row)) for row in found]
        # Column names may differ by what the dialect allows; rows and their order may not.
        names = [column.written for column in compiled.queries[0].columns]
        wanted = [
            name if name is not None else names[i] for i, name in enumerate(case.expected.columns)
        ]
        assert len(names) == len(wanted)
        verdict = compare_rows(case.expected, wanted, rows)
        assert verdict.ok, f"seed {seed}: {verdict.detail}\n{sql}"
    assert left_out <= len(SEEDS) // 12


@pytest.mark.parametrize("name", READ_BACK)
def test_sql_of_other_dialects_is_one_select(name: str) -> None:
    for seed in SEEDS:
        case = make_case(seed)
        graph, _ = load_workspace({"models.yml": world_yaml(case.world)})
        options = CompileOptions(dialect=name, written_dialect="duckdb")
        (compiled,) = compile_text(graph, query_json(case.query), options)
        for query in compiled.queries:
            one_select(query.sql, dialect(name).sqlglot)
    for example in CORPUS:
        for query in compile_example(example, name).queries:
            one_select(query.sql, dialect(name).sqlglot)

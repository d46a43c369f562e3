"""Dialects: found by name, and what they say about names of tables and columns."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp
from tests.support.engines import available_engines, engine

from smq.dialects import Dialect, UnknownDialectError, canonical_name, dialect, names

EVERY = [dialect(name) for name in names()]


def test_dialects_are_found_by_name_and_alias_in_any_case() -> None:
    aliases = {
        "postgresql": "postgres",
        "spark": "databricks",
        "mssql": "sqlserver",
        "tsql": "sqlserver",
        "mariadb": "mysql",
        "BigQuery": "bigquery",
        " duckdb ": "duckdb",
    }
    for alias, name in aliases.items():
        assert dialect(alias) is dialect(name)
        assert canonical_name(alias) == name
    assert len(names()) == len(set(names())) == 12
    assert [d.name for d in EVERY] == list(names())


@pytest.mark.parametrize(
    ("written", "meant"),
    [("bigqery", "bigquery"), ("postgre", "postgres"), ("SnowFlak", "snowflake")],
)
def test_an_unknown_dialect_is_told_the_nearest(written: str, meant: str) -> None:
    with pytest.raises(UnknownDialectError) as caught:
        dialect(written)
    assert caught.value.nearest[0] == meant
    assert f"did you mean '{meant}'" in str(caught.value)


def test_an_unknown_dialect_like_none_lists_them_all() -> None:
    with pytest.raises(UnknownDialectError, match="known are duckdb, bigquery"):
        dialect("한국어")


def test_reading_facts_does_not_import_sqlglot() -> None:
    """Settings are completed and checked without SQL, so they must not wait for it."""
    script = (
        "import sys\n"
        "from smq.dialects import dialect, names\n"
        "assert [dialect(n).column_name('x', ()) for n in names()] == ['x'] * len(names())\n"
        "assert 'sqlglot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("facts", EVERY, ids=lambda facts: facts.name)
def test_a_dialect_is_complete(facts: Dialect) -> None:
    assert facts.forms is not None
    assert facts.percentiles is not None
    assert sqlglot.Dialect.get(facts.sqlglot) is not None
    assert facts.reserved == {word.lower() for word in facts.reserved}


@pytest.mark.parametrize("facts", EVERY, ids=lambda facts: facts.name)
def test_what_sqlglot_would_quote_is_quoted_by_the_facts(facts: Dialect) -> None:
    """Else its generator would quote a name as it stands that ours would have folded first."""
    generator = sqlglot.Dialect.get_or_raise(facts.sqlglot).generator_class
    words = {word for entry in generator.RESERVED_KEYWORDS for word in entry.split()}
    assert words <= facts.reserved


QUOTED = [
    # Dialect, name, exact, as it is written.
    ("bigquery", "부점", False, '"부점"'),
    ("bigquery", "order_id", False, "order_id"),
    ("bigquery", "Total", True, "Total"),
    ("bigquery", "hash", False, '"hash"'),
    ("duckdb", "부점", False, "부점"),
    ("duckdb", "Total", True, "Total"),
    ("postgres", "Total", False, "Total"),
    ("postgres", "Total", True, '"Total"'),
    ("postgres", "Order", False, '"order"'),
    ("postgres", "Order", True, '"Order"'),
    ("postgres", "매출", True, "매출"),
    ("snowflake", "total", False, "total"),
    ("snowflake", "total", True, '"total"'),
    ("snowflake", "TOTAL", True, "TOTAL"),
    ("snowflake", "order", False, '"ORDER"'),
    ("snowflake", "매출", False, '"매출"'),
    ("oracle", "date", False, '"DATE"'),
    ("oracle", "_x", False, '"_x"'),
    ("oracle", "매출", False, "매출"),
    ("redshift", "Total", True, "Total"),
    ("trino", "매출", False, '"매출"'),
    ("mysql", "rank", False, '"rank"'),
    ("mysql", "매출", False, "매출"),
    ("sqlserver", "매출", False, "매출"),
    ("sqlserver", "user", True, '"user"'),
    ("clickhouse", "매출", True, '"매출"'),
    ("databricks", "매출", False, '"매출"'),
    ("sqlite", "order", False, '"order"'),
    ("sqlite", "a b", False, '"a b"'),
    ("duckdb", "1st", False, '"1st"'),
    ("duckdb", "", False, '""'),
]


@pytest.mark.parametrize(("name", "written", "exact", "expected"), QUOTED)
def test_names_are_quoted_where_they_must_be(
    name: str, written: str, exact: bool, expected: str
) -> None:
    text, quoted = dialect(name).written(written, exact)
    assert (f'"{text}"' if quoted else text) == expected


ALL_WORDS = sorted(frozenset().union(*(facts.reserved for facts in EVERY)))


@pytest.mark.parametrize("name", available_engines())
def test_every_reserved_word_can_name_a_column(name: str) -> None:
    """Each word that is reserved anywhere, and each keyword that DuckDB knows."""
    keywords = engine("duckdb").query("SELECT keyword_name FROM duckdb_keywords()")[1]
    running = engine(name)
    facts = dialect(running.dialect)
    for word in sorted({*ALL_WORDS, *(row[0] for row in keywords)}):
        if facts.column_name(word) != word:
            assert (name, word) in (("sqlite", "true"), ("sqlite", "false"))
            continue
        text, quoted = facts.written(word, True)
        column = exp.to_identifier(text, quoted=quoted).sql(facts.sqlglot)
        sql = (
            f"SELECT {column}.{column} AS {column} FROM (SELECT 1 AS {column}) AS {column}"
            f" WHERE {column}.{column} = 1 GROUP BY {column}.{column} ORDER BY {column}"
        )
        assert running.query(sql) == ((word,), [(1,)]), word


NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cn", "Co"], exclude_characters="\x00"),
    min_size=1,
    max_size=20,
)


@pytest.mark.parametrize("name", available_engines())
@settings(max_examples=60, deadline=None)
@given(name_of_column=NAMES)
def test_any_name_can_be_an_output_column(name: str, name_of_column: str) -> None:
    running = engine(name)
    facts = dialect(running.dialect)
    legal = facts.column_name(name_of_column)
    text, quoted = facts.written(legal, True)
    column = exp.to_identifier(text, quoted=quoted).sql(facts.sqlglot)
    columns, rows = running.query(f"SELECT q.{column} FROM (SELECT 1 AS {column}) AS q")
    assert columns == (legal,)
    assert rows == [(1,)]


LONG = "아주_긴_지표_이름__" * 40


@pytest.mark.parametrize("facts", EVERY, ids=lambda facts: facts.name)
def test_output_columns_are_legal_short_enough_and_different(facts: Dialect) -> None:
    taken: list[str] = []
    for name in (LONG, LONG + "b", LONG.upper(), LONG, "x", "X", "x", "매출 (원)"):
        column = facts.column_name(name, taken)
        assert column not in taken
        if facts.max_name is not None:
            counted = column.encode() if facts.max_name_in == "bytes" else column
            assert len(counted) <= facts.max_name
        assert facts.forbidden.search(column) is None
        assert facts.column_name(name, taken) == column
        taken.append(column)
    if not facts.case_sensitive:
        assert len({column.lower() for column in taken}) == len(taken)


def test_what_bigquery_forbids_becomes_an_underscore() -> None:
    bigquery = dialect("bigquery")
    assert bigquery.column_name("매출 (원).2024/01") == "매출 _원__2024_01"
    assert bigquery.column_name("a.b", ["a_b"]) == "a_b_2"
    assert bigquery.column_name("부점코드__brn_cd") == "부점코드__brn_cd"


def test_a_long_name_keeps_its_beginning() -> None:
    column = dialect("postgres").column_name("orders__" + "x" * 100)
    assert re.fullmatch(r"orders__x+_[0-9a-f]{8}", column)
    assert len(column) == 63


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(EVERY), st.lists(st.text(max_size=150), max_size=6))
def test_columns_never_clash(facts: Dialect, wanted: list[str]) -> None:
    taken: list[str] = []
    for name in wanted:
        taken.append(facts.column_name(name, taken))
    folded = taken if facts.case_sensitive else [column.lower() for column in taken]
    assert len(set(folded)) == len(wanted)
    assert all(facts.forbidden.search(column) is None for column in taken)


_HALF_MADE = """
import sys, threading
from sqlglot.dialects import dialect as sqlglot_dialect
from smq.dialects.grammar import grammar

known, go = threading.Event(), threading.Event()
make = sqlglot_dialect.new_trie

def new_trie(*arguments):
    # sqlglot calls this between making a class known and giving it its generator.
    if threading.current_thread() is first and "oracle" in sqlglot_dialect._Dialect._classes:
        known.set()
        go.wait()
    return make(*arguments)

def is_waiting():
    frame = sys._current_frames().get(second.ident)
    while frame is not None and frame.f_code.co_name != "acquire":
        frame = frame.f_back
    return frame is not None

sqlglot_dialect.new_trie = new_trie
found = []
first = threading.Thread(target=lambda: grammar("oracle"))
second = threading.Thread(target=lambda: found.append(grammar("oracle").generator_class.__name__))
first.start()
known.wait()
second.start()
while second.is_alive() and not is_waiting():
    pass
go.set()
first.join()
second.join()
print(found)
"""


def test_a_dialect_that_another_thread_is_loading_is_waited_for() -> None:
    """It was taken without its generator, and the SQL was that of no dialect."""
    done = subprocess.run(
        [sys.executable, "-c", _HALF_MADE], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "['OracleGenerator']"

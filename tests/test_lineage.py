"""Lineage: which physical columns an output is computed from, through whatever stands between."""

from __future__ import annotations

import pytest
import sqlglot

from smq.sql.guard import refusal
from smq.sql.lineage import lineage


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a, SUM(b) AS s FROM d.t GROUP BY a", {"a": ("d.t.a",), "s": ("d.t.b",)}),
        ("SELECT x.a + y.a AS a FROM t AS x JOIN u AS y ON x.k = y.k", {"a": ("t.a", "u.a")}),
        ("SELECT COUNT(*) AS n FROM t AS x", {"n": ("t.*",)}),
        ("SELECT 1 AS one FROM t", {"one": ()}),
        (
            "WITH c AS (SELECT a AS k, MAX(b) AS m FROM t GROUP BY a) SELECT k, m / 2 AS h FROM c",
            {"k": ("t.a",), "h": ("t.b",)},
        ),
        (
            "SELECT k FROM (SELECT a AS k FROM t UNION ALL SELECT b FROM u) AS c",
            {"k": ("t.a", "u.b")},
        ),
        (
            "SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) AS n FROM t",
            {"n": ("t.a", "t.b")},
        ),
        (
            "SELECT a, (SELECT MAX(c) FROM u) AS m FROM t",
            {"a": ("t.a",), "m": ("u.c",)},
        ),
        (
            "WITH RECURSIVE n AS (SELECT a AS i FROM t UNION ALL SELECT i + 1 FROM n) "
            "SELECT i FROM n",
            {"i": ("t.a",)},
        ),
        ("SELECT * FROM (SELECT a, b FROM t) AS c", {"a": ("t.a",), "b": ("t.b",)}),
        ("SELECT v FROM (VALUES (1)) AS x(v)", {"v": ()}),
    ],
)
def test_lineage(sql: str, expected: dict[str, tuple[str, ...]]) -> None:
    assert dict(lineage(sqlglot.parse_one(sql, read="duckdb"))) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 1;",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SELECT ';' AS a -- ; DROP TABLE t",
        "/* why */ SELECT 1",
    ],
)
def test_what_only_reads_passes_the_guard(sql: str) -> None:
    for dialect in ("duckdb", "bigquery", "postgres", "mysql", "sqlserver"):
        assert refusal(sql, dialect) is None


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT 1; SELECT 2", "2 statements"),
        ("SELECT 1; DROP TABLE t", "2 statements"),
        ("DROP TABLE t", "found DROP"),
        ("SELECT * INTO u FROM t", "INTO"),
        ("WITH a AS (DELETE FROM t RETURNING 1) SELECT * FROM a", "DELETE"),
        ("SELECT 1 FOR UPDATE", "LOCK"),
        ("", "0 statements"),
        ("SELECT (", "cannot be parsed"),
        ("SELECT '", "cannot be parsed"),
        ("SELECT " + "(" * 20000 + "1" + ")" * 20000, "nested too deeply"),
    ],
)
def test_anything_else_is_refused_with_the_reason(sql: str, reason: str) -> None:
    found = refusal(sql, "postgres")
    assert found is not None
    assert reason in found

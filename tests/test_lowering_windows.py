"""Windows, and what is filtered after them, give the same rows on every engine."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlglot
from tests.support.engines import Tables, same_rows
from tests.support.lowered import (
    EVERYWHERE,
    SALES,
    canonical,
    check,
    columns_and_rows_on,
    lowered,
    lowered_from,
    rows_on,
    run,
    sql_for,
)

from smq.dialects import dialect


def test_qualify_keeps_rows_by_their_windows() -> None:
    check(
        "SELECT shop, SUM(amount) AS total FROM sales GROUP BY shop"
        " QUALIFY ROW_NUMBER() OVER (ORDER BY SUM(amount) DESC NULLS LAST) <= 2",
        [("서울", 35), ("부산", 7)],
    )


def test_qualify_with_order_and_limit_which_come_after_it() -> None:
    check(
        "SELECT id, RANK() OVER (PARTITION BY shop ORDER BY amount DESC NULLS LAST) AS place"
        " FROM sales WHERE shop IS NOT NULL QUALIFY place = 1 AND id <> 5"
        " ORDER BY id DESC NULLS LAST LIMIT 2",
        [(7, 1), (4, 1)],
        ordered=True,
    )


def test_qualify_orders_by_what_is_not_selected() -> None:
    check(
        "SELECT shop AS s FROM sales GROUP BY shop"
        " QUALIFY COUNT(*) OVER () > 1 AND shop IS NOT NULL"
        " ORDER BY MAX(day) DESC NULLS LAST, shop NULLS LAST LIMIT 2",
        [("대구",), ("부산",)],
        ordered=True,
    )


def test_qualify_in_a_cte_and_in_a_subquery() -> None:
    check(
        "WITH latest AS (SELECT shop, amount FROM sales"
        " QUALIFY ROW_NUMBER() OVER (PARTITION BY shop ORDER BY day DESC NULLS LAST, id) = 1)"
        " SELECT l.shop, l.amount FROM latest AS l"
        " WHERE l.shop IN (SELECT s.shop FROM sales AS s"
        " QUALIFY SUM(s.amount) OVER (PARTITION BY s.shop) > 10)",
        [("서울", 20)],
    )


def test_qualify_outputs_exactly_the_columns_asked_for() -> None:
    for name in EVERYWHERE:
        columns, _ = columns_and_rows_on(
            name,
            'SELECT shop AS "매장", SUM(amount) AS "Total" FROM sales GROUP BY shop'
            ' QUALIFY SUM(SUM(amount)) OVER () > 0 ORDER BY "Total" DESC NULLS LAST',
            SALES,
        )
        assert columns == ("매장", "Total"), name


def test_windows_over_aggregates() -> None:
    check(
        "SELECT shop, day, SUM(SUM(amount)) OVER (PARTITION BY shop ORDER BY day NULLS LAST) AS r"
        " FROM sales WHERE shop = '서울' GROUP BY shop, day",
        [("서울", date(2024, 1, 1), 10), ("서울", date(2024, 1, 2), 35)],
    )


def test_ranks_without_an_order_are_all_the_first() -> None:
    check(
        "SELECT id, RANK() OVER (PARTITION BY shop) AS r, DENSE_RANK() OVER () AS d"
        " FROM sales WHERE id < 3",
        [(1, 1, 1), (2, 1, 1)],
    )


def test_lag_and_lead_give_their_default_only_where_there_is_no_row() -> None:
    check(
        "SELECT id, LEAD(amount, 1, -1) OVER (ORDER BY id) AS a,"
        " LAG(amount, 2, 0) OVER (ORDER BY id) AS b, LAG(amount) OVER (ORDER BY id) AS c"
        " FROM sales WHERE id BETWEEN 4 AND 7 ORDER BY id NULLS LAST",
        [(4, None, 0, None), (5, 3, 0, 7), (6, None, 7, None), (7, -1, None, 3)],
        ordered=True,
    )


def test_windows_do_not_change_the_order_of_the_result() -> None:
    check(
        "SELECT shop, day, COUNT(COUNT(*)) OVER (PARTITION BY day, shop) AS n FROM sales"
        " WHERE shop IN ('서울', '부산') GROUP BY shop, day"
        " ORDER BY shop DESC NULLS LAST, day DESC NULLS LAST LIMIT 3",
        [
            ("서울", date(2024, 1, 2), 1),
            ("서울", date(2024, 1, 1), 1),
            ("부산", date(2024, 1, 3), 1),
        ],
        ordered=True,
    )


def test_frames_of_rows_without_an_order() -> None:
    """Each row is alone in its partition, so that no engine may choose the order."""
    check(
        "SELECT id, LAG(id, 2, -1) OVER (PARTITION BY id) AS p,"
        " COUNT(*) OVER (PARTITION BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) AS n"
        " FROM sales WHERE id IN (1, 2)",
        [(1, -1, 0), (2, -1, 0)],
    )


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("LAST_VALUE(SUM(amount))", [10, 20, 7, 3]),
        ("FIRST_VALUE(SUM(amount))", [10, 10, 10, 10]),
        ("NTH_VALUE(SUM(amount), 3)", [None, None, 7, 7]),
        ("SUM(SUM(amount))", [10, 30, 37, 40]),
        ("LEAD(SUM(amount), 2, -1)", [7, 3, -1, -1]),
    ],
)
def test_frames_that_are_not_written_end_with_the_current_row(
    function: str, expected: list[Any]
) -> None:
    """Also where the engine takes the whole partition, or wants a frame."""
    check(
        f"SELECT id, {function} OVER (ORDER BY id) AS w FROM sales WHERE id IN (1, 2, 4, 6)"
        " GROUP BY id",
        [*zip([1, 2, 4, 6], expected, strict=True)],
    )


def test_frames_of_rows_that_are_all_equal() -> None:
    check(
        "SELECT id, SUM(SUM(amount)) OVER (PARTITION BY paid ORDER BY paid) AS w,"
        " COUNT(*) OVER (PARTITION BY paid ORDER BY paid RANGE BETWEEN CURRENT ROW"
        " AND UNBOUNDED FOLLOWING) AS n"
        " FROM sales WHERE id IN (1, 2, 4, 6) GROUP BY id, paid",
        [(1, 20, 3), (2, 20, 1), (4, 20, 3), (6, 20, 3)],
    )


def test_a_frame_of_ties_is_refused_where_there_are_only_rows() -> None:
    """ROWS would give each of the equal rows another number."""
    sql = "SELECT id, SUM(SUM(amount)) OVER (ORDER BY paid) AS w FROM sales GROUP BY id, paid"
    (refusal,) = lowered(sql, "redshift").refused
    assert "ORDER BY" in refusal.feature
    assert "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW" in sql_for(
        sql.replace("ORDER BY paid", "ORDER BY paid, id"), "redshift"
    )


def test_clickhouse_has_null_beyond_the_end() -> None:
    """Of a value that is never NULL it has 0 or '' there, and no type for a count and -1."""
    sql = sql_for(
        "SELECT shop, LEAD(shop) OVER (ORDER BY shop) AS s, LAG(COUNT(*), 2, -1) OVER"
        " (ORDER BY shop) AS n, NTH_VALUE(COUNT(*) + 1, 2) OVER (ORDER BY shop) AS v,"
        " LEAD(SUM(amount)) OVER (ORDER BY shop) AS a FROM sales GROUP BY shop",
        "clickhouse",
    )
    assert "lead(toNullable(shop))" in sql
    assert "lag(CAST(COUNT(*) AS Nullable(Int64)), 2)" in sql
    assert "-1 ELSE lag(" in sql.replace("THEN ", "")
    assert "NTH_VALUE(toNullable(CAST(COUNT(*) AS Nullable(Int64)) + 1), 2)" in sql
    assert "lead(SUM(amount))" in sql


def test_clickhouse_counts_ones_with_the_sign_of_other_counts() -> None:
    sql = sql_for(
        "SELECT shop, COALESCE(COUNT(*), SUM(CASE WHEN id > 1 THEN CASE WHEN paid THEN 1 ELSE 0"
        " END END)) AS n,"
        " COALESCE(SUM(CASE WHEN paid THEN amount END), 0) AS s FROM sales GROUP BY shop",
        "clickhouse",
    )
    assert sql.count("AS Nullable(Int64))") == 2
    assert "COALESCE(SUM(CASE WHEN paid THEN amount END), 0)" in sql


def test_clickhouse_keeps_counts_as_they_are_where_nothing_takes_their_place() -> None:
    sql = sql_for("SELECT shop, COUNT(*) AS n FROM sales GROUP BY shop", "clickhouse")
    assert "CAST" not in sql


def test_clickhouse_names_columns_that_two_joined_tables_have() -> None:
    sql = sql_for(
        "SELECT s.shop, QUANTILE_DISC(s.amount, 0.25) AS q FROM sales AS s"
        " LEFT JOIN sales AS t ON s.id = t.id GROUP BY s.shop",
        "clickhouse",
    )
    assert "s.amount AS amount" in sql
    assert "s.shop AS shop" in sql


def test_clickhouse_has_capitals_in_all_windows_but_one() -> None:
    sql = "SELECT id, CUME_DIST() OVER (ORDER BY id) AS c, NTILE(2) OVER () AS t FROM sales"
    written = sql_for(sql, "clickhouse")
    assert "cume_dist() OVER (ORDER BY id)" in written
    assert "NTILE(2) OVER (ORDER BY (SELECT NULL))" in written


def test_databricks_has_no_aggregates_in_qualify() -> None:
    sql = "SELECT shop FROM sales GROUP BY shop QUALIFY SUM(SUM(amount)) OVER (ORDER BY shop) > 3"
    assert "QUALIFY" not in sql_for(sql, "databricks")


SIGNS: Tables = {
    "signs": (
        [("id", "integer"), ("word", "text")],
        [(1, "a%b"), (2, "a_b"), (3, "axb"), (4, "a\\b"), (5, "A%B"), (6, None)],
    )
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("word LIKE 'a!%b' ESCAPE '!'", [1]),
        ("NOT word LIKE 'a!_%' ESCAPE '!'", [1, 3, 4, 5]),
        ("word ILIKE 'A!%B' ESCAPE '!'", [1, 5]),
        ("word LIKE 'a\\b'", [4]),
        ("word LIKE '%\\%'", [4]),
        ("(word LIKE 'a!%b' ESCAPE '!') = (id = 1)", [1, 2, 3, 4, 5]),
    ],
)
def test_patterns_mean_the_same_everywhere(condition: str, expected: list[int]) -> None:
    tree = canonical(f"SELECT id FROM signs WHERE {condition}")
    wrong = {}
    for name in EVERYWHERE:
        text = lowered_from(tree, name, "duckdb")
        # LIKE of SQLite knows no letter case.
        found = [i for (i,) in run(text, name, SIGNS)[1] if name != "sqlite" or i != 5]
        wanted = [i for i in expected if name != "sqlite" or i != 5]
        if sorted(found) != wanted:
            wrong[name] = (found, text)
    assert wrong == {}


def test_a_pattern_that_escapes_by_itself_says_so_elsewhere() -> None:
    tree = sqlglot.parse_one("SELECT id FROM signs WHERE word LIKE 'a\\%b'", read="postgres")
    for name in EVERYWHERE:
        text = lowered_from(tree, name, "postgres")
        found = [i for (i,) in run(text, name, SIGNS)[1]]
        assert found in ([1], [1, 5]), (name, text)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("NOT amount IN (10, NULL)", []),
        ("NOT amount IN (NULL)", []),
        ("NOT amount IN (10, 20)", [3, 4, 6]),
        ("(amount IN (10, NULL)) IS NULL", [2, 3, 4, 5, 6, 7]),
        ("NOT amount IN (SELECT amount FROM sales)", []),
        ("NOT amount IN (SELECT amount FROM sales WHERE id < 3)", [3, 4, 6]),
        ("NOT amount IN (SELECT amount FROM sales WHERE id > 9)", [1, 2, 3, 4, 5, 6, 7]),
        ("(amount IN (SELECT amount FROM sales WHERE id > 4)) IS NULL", [1, 2, 3, 4, 5, 7]),
        ("amount IN (SELECT amount FROM sales WHERE id > 4) OR id = 1", [1, 6]),
    ],
)
def test_membership_where_there_is_null(condition: str, expected: list[int]) -> None:
    check(f"SELECT id FROM sales WHERE {condition}", [(i,) for i in expected])


@pytest.mark.parametrize("name", ["bigquery", "redshift", "sqlite", "sqlserver", "oracle"])
def test_pairs_are_counted_or_refused(name: str) -> None:
    (refusal,) = lowered("SELECT COUNT(DISTINCT shop, day) AS n FROM sales", name).refused
    assert "COUNT(DISTINCT" in refusal.feature


def test_oracle_orders_by_nothing_without_a_select() -> None:
    assert "OVER (ORDER BY NULL)" in sql_for("SELECT LAG(id) OVER () AS p FROM sales", "oracle")


def test_trino_joins_texts_in_an_order() -> None:
    sql = "SELECT STRING_AGG(shop, '/') AS a, STRING_AGG(DISTINCT shop, '/') AS b FROM sales"
    written = sql_for(sql, "trino")
    assert "LISTAGG(shop, '/') WITHIN GROUP (ORDER BY shop)" in written
    assert "LISTAGG(DISTINCT shop, '/') WITHIN GROUP (ORDER BY shop)" in written


AREAS: Tables = {
    **SALES,
    "areas": (
        [("shop", "text"), ("area", "text")],
        [("서울", "수도권"), ("부산", "영남"), ("대구", "영남")],
    ),
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("LAG(COUNT(DISTINCT s.amount), 1, -1) OVER (ORDER BY area)", [-1, 3, 1]),
        ("LEAD(COUNT(DISTINCT s.amount), 2, -1) OVER (ORDER BY area)", [1, -1, -1]),
        ("1 + RANK() OVER (ORDER BY area)", [2, 3, 4]),
        ("COUNT(DISTINCT s.amount) * 10 / SUM(COUNT(DISTINCT s.amount)) OVER ()", [6, 2, 2]),
        ("COALESCE(FIRST_VALUE(SUM(DISTINCT s.amount)) OVER (ORDER BY area), 0)", [35, 35, 35]),
        (
            "NTH_VALUE(SUM(s.amount), 2) OVER (ORDER BY area) + COUNT(DISTINCT s.amount)",
            [None, 8, 8],
        ),
        (
            "CASE WHEN COUNT(*) OVER (PARTITION BY area IS NULL) = 2"
            " THEN COUNT(DISTINCT s.id) ELSE -COUNT(*) END",
            [3, 2, -1],
        ),
        (
            "0 + SUM(COUNT(DISTINCT s.amount)) FILTER (WHERE area <> '영남') OVER ()",
            [3, 3, 3],
        ),
        ("COUNT(DISTINCT s.amount)", [3, 1, 1]),
        ("RANK() OVER (ORDER BY COUNT(DISTINCT s.amount) DESC)", [1, 2, 2]),
    ],
)
def test_expressions_over_windows_beside_distinct_aggregates(
    expression: str, expected: list[Any]
) -> None:
    """MariaDB computes them only apart from the joins and groups."""
    places = ["수도권", "영남", None]
    check(
        f"SELECT area, COUNT(DISTINCT s.amount) AS n, {expression} AS w FROM sales AS s"
        " LEFT JOIN areas AS h ON s.shop = h.shop WHERE s.id < 7 GROUP BY area",
        [*zip(places, [3, 1, 1], expected, strict=True)],
        tables=AREAS,
    )


def test_windows_alone_stay_beside_distinct_aggregates() -> None:
    sql = (
        "SELECT shop, SUM(COUNT(DISTINCT amount)) OVER (ORDER BY shop) AS w"
        " FROM sales GROUP BY shop"
    )
    assert sql_for(sql, "mysql").count("SELECT") == 1


def test_frames_over_intervals() -> None:
    sql = (
        "SELECT id, SUM(id) OVER (ORDER BY day RANGE BETWEEN INTERVAL 1 DAY PRECEDING"
        " AND CURRENT ROW) AS s FROM sales WHERE id IN (1, 2, 5, 7)"
    )
    expected = [(1, 1), (2, 3), (5, 7), (7, 7)]
    for name in EVERYWHERE:
        if lowered(sql, name).refused:
            assert "INTERVAL" not in dialect(name).frames and name != "mysql", name
        else:
            assert same_rows(rows_on(name, sql, SALES), expected, ordered=False), name


def test_frames_of_months_are_refused_where_only_numbers_are_measured() -> None:
    """MariaDB has no frames of intervals; MySQL has, and the dialect is that of both."""
    sql = (
        "SELECT id, SUM(id) OVER (ORDER BY day RANGE BETWEEN INTERVAL 1 MONTH PRECEDING"
        " AND CURRENT ROW) AS s FROM sales"
    )
    (refusal,) = lowered(sql, "mysql").refused
    assert "RANGE with an interval" in refusal.feature

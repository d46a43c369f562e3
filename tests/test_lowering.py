"""What the passes of `smq.sql.lower` write gives the same rows on every engine.

The expected rows are written by hand. Each statement runs on every engine that is here; for the
other dialects see `tests.support.lowered`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp
from tests.support.engines import Row, Tables, available_engines, engine, same_rows
from tests.support.lowered import (
    EVERYWHERE,
    HERE,
    SALES,
    canonical,
    check,
    columns_and_rows_on,
    lowered,
    rows_on,
    sql_for,
)

from smq.dialects import dialect, names
from smq.sql.lower import lower
from smq.sql.render import render, rendered

# Joins.

SHOPS: Tables = {
    "shops": (
        [("name", "text"), ("city", "text")],
        [("서울", "S"), ("부산", "B"), ("광주", "G"), (None, "?")],
    ),
    **SALES,
}


def test_full_joins_keep_the_rows_of_both_sides() -> None:
    check(
        "SELECT s.shop, h.city, COUNT(s.id) AS n FROM sales AS s"
        " FULL JOIN shops AS h ON s.shop = h.name GROUP BY s.shop, h.city",
        [
            ("서울", "S", 3),
            ("부산", "B", 2),
            ("대구", None, 1),
            (None, None, 1),
            (None, "G", 0),
            (None, "?", 0),
        ],
        tables=SHOPS,
    )
    check(
        "SELECT COUNT(*) AS n FROM sales AS s FULL JOIN shops AS h ON s.shop = h.name",
        [(9,)],
        tables=SHOPS,
    )


def test_a_full_join_between_other_joins() -> None:
    check(
        "SELECT h.city, t.id AS id, MEDIAN(s.amount) AS m FROM sales AS s"
        " JOIN sales AS t ON s.id = t.id FULL JOIN shops AS h ON t.shop = h.name AND t.id > 1"
        " LEFT JOIN shops AS g ON h.city = g.city WHERE g.city = 'S' OR h.city = 'G'"
        " GROUP BY 1, 2 ORDER BY id NULLS LAST",
        [("S", 2, 20), ("S", 3, 5), ("G", None, None)],
        ordered=True,
        tables=SHOPS,
    )


def test_one_full_join_after_another() -> None:
    cities: Tables = {
        **SHOPS,
        "cities": ([("code", "text"), ("people", "integer")], [("S", 9), ("D", 2), ("I", 3)]),
    }
    check(
        "SELECT s.shop, h.city, c.people, COUNT(s.id) AS n FROM sales AS s"
        " FULL JOIN shops AS h ON s.shop = h.name FULL JOIN cities AS c ON h.city = c.code"
        " WHERE COALESCE(s.id, 0) <> 7 AND EXISTS (SELECT 1 FROM sales AS t WHERE s.id IS NULL"
        " OR t.id = s.id) GROUP BY 1, 2, 3",
        [
            ("서울", "S", 9, 3),
            ("부산", "B", None, 2),
            (None, None, None, 1),
            (None, "G", None, 0),
            (None, "?", None, 0),
            (None, None, 2, 0),
            (None, None, 3, 0),
        ],
        tables=cities,
        # It loses rows whose NULL is compared in a subquery; we write none that looks outside.
        but="clickhouse",
    )


# NULLs.


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_nulls_come_last_in_both_directions(direction: str) -> None:
    totals: list[Row] = [("대구", None), (None, 3), ("부산", 7), ("서울", 35)]
    known = sorted(totals[1:], key=lambda row: row[1], reverse=direction == "DESC")
    check(
        "SELECT shop, SUM(amount) AS total FROM sales GROUP BY shop"
        f" ORDER BY total {direction} NULLS LAST",
        [*known, totals[0]],
        ordered=True,
    )
    check(
        f"SELECT shop, SUM(amount) FROM sales GROUP BY shop ORDER BY 2 {direction} NULLS LAST",
        [*known, totals[0]],
        ordered=True,
    )


def test_nulls_come_first_where_somebody_asks_for_it() -> None:
    check(
        "SELECT id FROM sales ORDER BY price NULLS FIRST, id NULLS LAST",
        [(3,), (7,), (6,), (1,), (2,), (4,), (5,)],
        ordered=True,
    )


def test_an_output_named_like_a_column_is_what_is_ordered_by() -> None:
    check(
        "SELECT id, 0 - amount AS amount FROM sales WHERE shop = '부산' OR shop IS NULL"
        " ORDER BY amount NULLS LAST",
        [(4, -7), (6, -3), (5, None)],
        ordered=True,
    )


def test_a_union_and_a_distinct_select_are_ordered_nulls_last() -> None:
    check(
        "SELECT amount AS a FROM sales WHERE id > 4 UNION ALL SELECT 4 AS a"
        " ORDER BY a NULLS LAST LIMIT 3",
        [(3,), (4,), (None,)],
        ordered=True,
    )
    check(
        "SELECT DISTINCT amount AS a FROM sales WHERE id > 4 ORDER BY a DESC NULLS LAST",
        [(3,), (None,)],
        ordered=True,
    )


def test_nulls_come_last_in_windows() -> None:
    check(
        "SELECT id, ROW_NUMBER() OVER (ORDER BY SUM(amount) NULLS LAST, id NULLS LAST) AS n,"
        " SUM(SUM(id)) OVER (ORDER BY SUM(price) NULLS LAST, id NULLS LAST) AS s"
        " FROM sales WHERE id > 4 GROUP BY id",
        [(5, 2, 11), (6, 1, 6), (7, 3, 18)],
    )


def test_null_safe_equality_and_its_opposite() -> None:
    pairs: Tables = {
        "pairs": (
            [("id", "integer"), ("a", "text"), ("b", "text")],
            [(1, "x", "x"), (2, "x", "y"), (3, "x", None), (4, None, None)],
        )
    }
    check("SELECT id FROM pairs WHERE a IS NOT DISTINCT FROM b", [(1,), (4,)], tables=pairs)
    check("SELECT id FROM pairs WHERE a IS DISTINCT FROM b", [(2,), (3,)], tables=pairs)
    check(
        "SELECT id FROM pairs WHERE NOT (a IS NOT DISTINCT FROM b) OR id = 1",
        [(1,), (2,), (3,)],
        tables=pairs,
    )
    check(
        "SELECT p.id, q.id FROM pairs AS p JOIN pairs AS q"
        " ON p.a IS NOT DISTINCT FROM q.b AND p.id <> q.id",
        [(2, 1), (3, 1), (4, 3)],
        tables=pairs,
    )


def test_branches_of_a_union_with_nulls_of_all_types() -> None:
    check(
        "WITH a AS (SELECT shop, SUM(amount) AS amount FROM sales GROUP BY shop),"
        " b AS (SELECT shop, MAX(day) AS last_day FROM sales GROUP BY shop),"
        " c AS (SELECT shop, MAX(price) AS price FROM sales GROUP BY shop),"
        " d AS (SELECT shop, MIN(shop) AS name FROM sales GROUP BY shop)"
        " SELECT u.shop, MAX(u.amount) AS amount, MAX(u.last_day) AS last_day,"
        " MAX(u.price) AS price, MAX(u.name) AS name, COUNT(*) AS n FROM ("
        "SELECT a.shop, a.amount, NULL AS last_day, NULL AS price, NULL AS name FROM a"
        " UNION ALL SELECT b.shop, NULL AS amount, b.last_day, NULL AS price, NULL AS name FROM b"
        " UNION ALL SELECT c.shop, NULL AS amount, NULL AS last_day, c.price, NULL AS name FROM c"
        " UNION ALL SELECT d.shop, NULL AS amount, NULL AS last_day, NULL AS price, d.name FROM d"
        ") AS u GROUP BY u.shop",
        [
            ("서울", 35, date(2024, 1, 2), 2.5, "서울", 4),
            ("부산", 7, date(2024, 1, 3), 8.0, "부산", 4),
            ("대구", None, date(2024, 2, 1), None, "대구", 4),
            (None, 3, date(2024, 1, 3), 0.5, None, 4),
        ],
    )


def test_branches_that_aggregate_or_read_nothing() -> None:
    check(
        "SELECT COUNT(*) AS n, NULL AS d, NULL AS p FROM sales"
        " UNION ALL SELECT NULL, NULL, 1.5"
        " UNION ALL SELECT NULL, MAX(day), NULL FROM sales WHERE id < 3 GROUP BY shop",
        [(7, None, None), (None, None, 1.5), (None, date(2024, 1, 2), None)],
    )


# Numbers.


def test_division_is_never_of_whole_numbers_and_loses_no_digits() -> None:
    check("SELECT id / 7 AS q FROM sales WHERE id = 1", [(1 / 7,)])
    check(
        "SELECT SUM(amount) / NULLIF(COUNT(amount), 0) AS q FROM sales WHERE shop = '서울'",
        [(35 / 3,)],
    )
    check("SELECT (id + 1) / (id + 2) * 2 AS q FROM sales WHERE id = 1", [(4 / 3,)])


def test_division_by_nothing_is_null() -> None:
    check(
        "SELECT shop, SUM(amount) / NULLIF(COUNT(price), 0) AS q FROM sales"
        " WHERE shop IN ('대구', '부산') GROUP BY shop",
        [("대구", None), ("부산", 3.5)],
    )


def test_averages_of_whole_numbers_keep_their_digits() -> None:
    check("SELECT AVG(amount) AS a FROM sales WHERE id <= 3", [(35 / 3,)])
    check("SELECT AVG(DISTINCT amount) AS a FROM sales WHERE id < 3", [(15,)])
    check("SELECT AVG(id) AS a FROM sales WHERE id IN (1, 2, 7)", [(10 / 3,)])


def test_filters_of_aggregates() -> None:
    check(
        "SELECT COUNT(*) FILTER (WHERE amount > 5) AS a, SUM(amount) FILTER (WHERE shop = '부산')"
        " AS b, COUNT(DISTINCT shop) FILTER (WHERE price > 1) AS c,"
        " MAX(price) FILTER (WHERE id > 100) AS d, AVG(amount) FILTER (WHERE id < 3) AS e,"
        " COUNT_IF(amount > 100) AS f FROM sales",
        [(3, 7, 2, None, 15, 0)],
    )


def test_count_if_of_no_rows_is_zero() -> None:
    check("SELECT COUNT_IF(amount > 5) AS n FROM sales WHERE id > 100", [(0,)])


PERCENTILES = (
    "MEDIAN(amount) AS m, PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY amount) AS c,"
    " PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY amount DESC) AS cd,"
    " PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY amount) AS d,"
    " PERCENTILE_DISC(0.07) WITHIN GROUP (ORDER BY amount DESC) AS dd"
)


def test_percentiles_of_groups() -> None:
    check(
        f"SELECT shop, {PERCENTILES}, SUM(amount) AS s FROM sales GROUP BY shop",
        [
            ("서울", 10, 7.5, 6, 10, 20, 35),
            ("부산", 7, 7, 7, 7, 7, 7),
            ("대구", None, None, None, None, None, None),
            (None, 3, 3, 3, 3, 3, 3),
        ],
    )


def test_percentiles_of_all_rows_and_of_none() -> None:
    check(f"SELECT {PERCENTILES} FROM sales", [(7, 5, 3.8, 7, 20)])
    check(f"SELECT {PERCENTILES} FROM sales WHERE id > 100", [(None,) * 5])


def test_a_median_between_two_values() -> None:
    check("SELECT MEDIAN(price) AS m, COUNT(*) AS n FROM sales WHERE id < 5", [(2.5, 4)])
    check("SELECT MEDIAN(amount) AS m FROM sales WHERE id < 5", [(8.5,)])


def test_percentiles_with_filters_joins_having_and_order() -> None:
    check(
        "SELECT s.shop AS shop, MEDIAN(s.amount) FILTER (WHERE s.amount > 5) AS m,"
        " SMQ_TRUNC(MAX(t.day), 'month', 'date') AS last_month"
        " FROM sales AS s LEFT JOIN sales AS t ON s.id = t.id WHERE s.id <> 6"
        " GROUP BY s.shop HAVING COUNT(s.id) > 1 ORDER BY m DESC NULLS LAST LIMIT 5",
        [("서울", 15, date(2024, 1, 1)), ("부산", 7, date(2024, 1, 1))],
        ordered=True,
    )


def test_percentiles_by_an_expression() -> None:
    check(
        "SELECT SMQ_TRUNC(day, 'month', 'date') AS month,"
        " PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY shop) AS s,"
        " PERCENTILE_DISC(1) WITHIN GROUP (ORDER BY day) AS d,"
        " PERCENTILE_DISC(0) WITHIN GROUP (ORDER BY day) AS e"
        " FROM sales GROUP BY SMQ_TRUNC(day, 'month', 'date')",
        [
            (date(2024, 1, 1), "서울", date(2024, 1, 3), date(2024, 1, 1)),
            (date(2024, 2, 1), "대구", date(2024, 2, 1), date(2024, 2, 1)),
        ],
    )


def test_a_percentile_with_a_filter_on_windows() -> None:
    check(
        "SELECT shop, MEDIAN(amount) AS m FROM sales GROUP BY shop"
        " QUALIFY RANK() OVER (ORDER BY MEDIAN(amount) DESC NULLS LAST) = 1",
        [("서울", 10)],
    )


@pytest.mark.parametrize("name", HERE)
@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.one_of(st.none(), st.integers(-50, 50)), max_size=9),
    hundredths=st.integers(0, 100),
)
def test_percentiles_are_those_of_the_standard(
    name: str, values: list[int | None], hundredths: int
) -> None:
    tables: Tables = {
        "v": ([("g", "integer"), ("x", "integer")], [(i % 2, x) for i, x in enumerate(values)])
    }
    fraction = hundredths / 100
    sql = (
        f"SELECT g, PERCENTILE_CONT({fraction}) WITHIN GROUP (ORDER BY x) AS c,"
        f" PERCENTILE_DISC({fraction}) WITHIN GROUP (ORDER BY x) AS d, MEDIAN(x) AS m"
        " FROM v GROUP BY g"
    )
    expected = []
    for g in {row[0] for row in tables["v"][1]}:
        known = sorted(x for i, x in enumerate(values) if i % 2 == g and x is not None)
        expected.append((g, *_percentiles(known, hundredths)))
    assert same_rows(rows_on(name, sql, tables), expected, ordered=False)


def _percentiles(known: list[int], hundredths: int) -> tuple[Any, Any, Any]:
    """Continuous, discrete, and the median of sorted values, as the SQL standard defines them."""
    if not known:
        return None, None, None

    def continuous(part: float) -> float:
        place = part * (len(known) - 1)
        below = int(place)
        above = min(below + 1, len(known) - 1)
        return known[below] + (known[above] - known[below]) * (place - below)

    enough = next(i for i in range(1, len(known) + 1) if 100 * i >= hundredths * len(known))
    return continuous(hundredths / 100), known[enough - 1], continuous(0.5)


def test_approximate_aggregates() -> None:
    check("SELECT APPROX_COUNT_DISTINCT(shop) AS n FROM sales WHERE id < 3", [(1,)])
    for name in HERE:
        sql = "SELECT APPROX_QUANTILE(amount, 0.5) AS q FROM sales WHERE id < 4"
        assert rows_on(name, sql, SALES) == [(10,)]


# Groups.


def test_groups_by_ordinals_and_by_constants() -> None:
    check(
        "SELECT 'all' AS k, shop, COUNT(*) AS n FROM sales GROUP BY 'all', 2",
        [("all", "서울", 3), ("all", "부산", 2), ("all", "대구", 1), ("all", None, 1)],
    )


def test_a_constant_group_of_no_rows_is_no_row() -> None:
    check("SELECT 'all' AS k, COUNT(*) AS n FROM sales WHERE id > 100 GROUP BY 'all'", [])
    check("SELECT 'all' AS k, COUNT(*) AS n FROM sales GROUP BY 'all'", [("all", 7)])
    check(
        "SELECT 1.5 AS k, COUNT(*) AS n FROM sales GROUP BY 1.5"
        " HAVING COUNT(*) > 100 OR MAX(id) = 7",
        [(1.5, 7)],
    )


def test_grouped_expressions_inside_others() -> None:
    check(
        "SELECT SMQ_TRUNC(day, 'month', 'date') AS m, SMQ_TRUNC(day, 'month', 'date') AS m2,"
        " CASE WHEN SMQ_TRUNC(day, 'month', 'date') > CAST('2024-01-15' AS DATE) THEN SUM(id)"
        " ELSE 0 END AS late FROM sales GROUP BY SMQ_TRUNC(day, 'month', 'date')",
        [(date(2024, 1, 1), date(2024, 1, 1), 0), (date(2024, 2, 1), date(2024, 2, 1), 7)],
    )


def test_having_and_order_by_grouped_expressions() -> None:
    check(
        "SELECT UPPER(shop) AS s, SUM(amount) AS total FROM sales GROUP BY UPPER(shop)"
        " HAVING UPPER(shop) <> '서울' OR SUM(amount) > 30 ORDER BY s NULLS LAST",
        [("대구", None), ("부산", 7), ("서울", 35)],
        ordered=True,
    )
    check(
        "SELECT SUM(amount) AS total FROM sales AS x GROUP BY UPPER(x.shop)"
        " HAVING UPPER(x.shop) IS NULL ORDER BY UPPER(x.shop) NULLS LAST",
        [(3,)],
    )


def test_keys_that_are_written_twice() -> None:
    check(
        'SELECT shop AS a, "shop" AS b, COUNT(*) AS n FROM sales WHERE id < 5'
        ' GROUP BY shop, "shop"',
        [("서울", "서울", 3), ("부산", "부산", 1)],
    )


# Other aggregates.


def test_any_value_is_not_null_if_there_is_another() -> None:
    check(
        "SELECT shop, ANY_VALUE(amount) AS a FROM sales WHERE id IN (4, 5, 7) GROUP BY shop",
        [("부산", 7), ("대구", None)],
    )


def test_aggregates_of_booleans() -> None:
    check(
        "SELECT shop, BOOL_OR(amount > 7) AS some, BOOL_AND(amount > 4) AS every FROM sales"
        " GROUP BY shop",
        [("서울", True, True), ("부산", False, True), ("대구", None, None), (None, False, False)],
    )


STATISTICS = "SELECT VAR_POP(id) AS v, STDDEV_POP(id) AS p, STDDEV_SAMP(id) AS s FROM sales"


@pytest.mark.parametrize("name", EVERYWHERE)
def test_statistics_under_the_engines_own_names(name: str) -> None:
    tree = canonical(STATISTICS)
    result = lower(tree, dialect(name), dialect("duckdb"))
    if "variancepop" in dialect(name).lacks:
        assert {refusal.reason for refusal in result.refused} == {"the engine cannot"}
    else:
        assert same_rows(rows_on(name, STATISTICS, SALES), [(4, 2, (28 / 6) ** 0.5)], ordered=False)


def test_a_function_that_somebody_may_have_added_is_let_through() -> None:
    tree = sqlglot.parse_one("SELECT MODE(x) AS m FROM t", read="sqlite")
    assert lower(tree, dialect("sqlite")).refused == ()


# Booleans.


def test_booleans_as_conditions_and_as_values() -> None:
    check(
        "SELECT id FROM sales WHERE paid OR (amount = 20 AND NOT paid) OR FALSE",
        [(1,), (2,), (4,), (6,)],
    )
    check("SELECT id FROM sales WHERE paid = FALSE AND TRUE", [(2,), (5,)])
    check(
        "SELECT id, amount > 5 AS big, shop IS NULL AS nowhere, TRUE AS yes FROM sales"
        " WHERE id IN (4, 5, 6)",
        [(4, True, False, True), (5, None, False, True), (6, False, True, True)],
    )
    check(
        "SELECT SUM(CASE WHEN paid THEN 1 ELSE 0 END) AS p,"
        " SUM(CASE WHEN amount > 5 THEN 1 ELSE 0 END) AS b FROM sales",
        [(3, 3)],
    )


def test_booleans_grouped_by() -> None:
    check(
        "SELECT amount > 5 AS big, COUNT(*) AS n FROM sales GROUP BY amount > 5",
        [(True, 3), (False, 2), (None, 2)],
    )


def test_a_case_that_is_a_condition() -> None:
    check(
        "SELECT id FROM sales WHERE CASE shop WHEN '서울' THEN amount > 5 ELSE id = 6 END",
        [(1,), (2,), (6,)],
    )


# Texts.


def test_texts_are_joined_and_matched() -> None:
    check(
        "SELECT shop || '-' || 'x' AS t FROM sales WHERE id IN (1, 6)",
        [("서울-x",), (None,)],
    )
    words: Tables = {"words": ([("w", "text")], [("Apple",), ("apple",), ("banana",)])}
    check("SELECT w FROM words WHERE w ILIKE 'APP%'", [("Apple",), ("apple",)], tables=words)


def test_texts_of_any_language_keep_their_letters() -> None:
    assert "= N'서울'" in sql_for("SELECT id FROM sales WHERE shop = '서울'", "sqlserver")
    text = sql_for("SELECT CAST(id AS VARCHAR) AS t FROM sales", "sqlserver")
    assert "CAST(id AS NVARCHAR(MAX))" in text
    check("SELECT CAST(id AS VARCHAR) || '번' AS t FROM sales WHERE id = 3", [("3번",)])


HOSTILE = [
    "'",
    '"',
    "`",
    "\\",
    "\\'",
    "\\\\'",
    "'; DROP TABLE sales; --",
    "/* */",
    "--",
    "$$",
    "%s",
    "%",
    "{x}",
    "?",
    ":x",
    "@x",
    "\n",
    "\t",
    "가나다",
    "e\u0301",
    "😀",
    "''",
    ";",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", names())
def test_a_text_stays_a_text(name: str, text: str) -> None:
    tree = exp.Select(
        expressions=[
            exp.Alias(this=exp.Literal.string(text), alias=exp.to_identifier("t", quoted=True))
        ]
    )
    sql = render(lower(tree, dialect(name)).tree, dialect(name))
    if name in HERE:
        ran = engine(next(n for n in available_engines() if _dialect_of(n) == name))
        assert ran.query(sql)[1] == [(text,)]
    else:
        (back,) = sqlglot.parse(sql, read=dialect(name).sqlglot)
        assert back is not None
        found = back.find(exp.Literal, exp.National)
        assert found is not None
        assert found.this == text


def _dialect_of(engine_name: str) -> str:
    return engine(engine_name).dialect


def test_comments_in_users_sql_are_left_out() -> None:
    tree = sqlglot.parse_one("SELECT /* a */ id -- b\n FROM sales /* ; DROP TABLE sales */")
    for name in names():
        text = render(lower(tree.copy(), dialect(name)).tree, dialect(name))
        assert "DROP" not in text
        assert "/*" not in text


# Names.

NAMES = [
    "order",
    "select",
    "group",
    "from",
    "user",
    "rank",
    "매출",
    "매출 합계",
    "orders__ordered_at__month",
    "부점코드__brn_cd",
    "mixedCase",
    "UPPER",
    "has space",
    "dash-ed",
    "1st",
    "_x",
    "$x",
    "a.b",
    "it's",
    "100%",
    "naïve",
]


@pytest.mark.parametrize("column", NAMES)
@pytest.mark.parametrize("name", HERE)
def test_an_output_is_named_as_written(name: str, column: str) -> None:
    quoted = '"' + column + '"'
    sql = (
        f"WITH {quoted} AS (SELECT shop AS {quoted}, SUM(amount) AS total FROM sales GROUP BY 1)"
        f" SELECT {quoted}.{quoted} AS {quoted}, {quoted}.total AS t FROM {quoted}"
        f" WHERE {quoted}.{quoted} = '부산'"
    )
    columns, rows = columns_and_rows_on(name, sql, SALES)
    assert columns == (column, "t")
    assert rows == [("부산", 7)]


@pytest.mark.parametrize("name", HERE)
def test_ordinary_columns_stand_without_quotes_so_that_the_engine_folds_them(name: str) -> None:
    tables: Tables = {
        "shop.Orders": (
            [("CustNo", "integer"), ("order", "integer"), ("부점", "text")],
            [(1, 2, "x")],
        )
    }
    sql = 'SELECT o.CustNo AS "CustNo", o.order AS "order", o.부점 AS "부점" FROM shop.Orders AS o'
    columns, rows = columns_and_rows_on(name, sql, tables)
    assert columns == ("CustNo", "order", "부점")
    assert rows == [(1, 2, "x")]


def test_quotes_only_where_they_are_needed() -> None:
    sql = 'SELECT o.amount AS "total", o.매출 AS "order", o.CustNo AS "CustNo" FROM orders AS o'
    expected = {
        "duckdb": (
            'SELECT o.amount AS total, o.매출 AS "order", o.CustNo AS CustNo FROM orders AS o'
        ),
        "bigquery": (
            "SELECT o.amount AS total, o.`매출` AS `order`, o.CustNo AS CustNo FROM orders AS o"
        ),
        "postgres": (
            'SELECT o.amount AS total, o.매출 AS "order", o.CustNo AS "CustNo" FROM orders AS o'
        ),
        "snowflake": (
            'SELECT o.amount AS "total", o."매출" AS "order", o.CustNo AS "CustNo" FROM orders AS o'
        ),
        "oracle": (
            'SELECT o.amount AS "total", o.매출 AS "order", o.CustNo AS "CustNo" FROM orders o'
        ),
    }
    assert {name: sql_for(sql, name) for name in expected} == expected


def test_only_names_of_the_result_are_quoted_for_their_case() -> None:
    sql = (
        'WITH "totals" AS (SELECT s.shop AS "shop", SUM(s.amount) AS "total", s."Exact" AS "e"'
        ' FROM sales AS s GROUP BY 1, 3) SELECT "totals"."shop" AS "shop", "totals"."total" AS "t"'
        ' FROM "totals" ORDER BY "shop"'
    )
    assert sql_for(sql, "snowflake") == (
        'WITH totals AS (SELECT s.shop AS shop, SUM(s.amount) AS total, s."Exact" AS e'
        ' FROM sales AS s GROUP BY 1, 3) SELECT totals.shop AS "shop", totals.total AS "t"'
        ' FROM totals ORDER BY "shop"'
    )


def test_names_that_differ_in_case_alone_stay_apart() -> None:
    sql = (
        'WITH "A" AS (SELECT s.id AS "x", s.amount AS "X" FROM sales AS s WHERE s.id = 1),'
        ' "a" AS (SELECT s.id AS "x" FROM sales AS s WHERE s.id = 2)'
        ' SELECT "A"."x" AS "x", "A"."X" AS "X", "a"."x" AS "y" FROM "A" CROSS JOIN "a"'
    )
    columns, rows = columns_and_rows_on("postgres", sql, SALES)
    assert (columns, rows) == (("x", "X", "y"), [(1, 10, 2)])


# What cannot be said, and what is carried along.


def test_what_an_engine_cannot_say_is_refused_with_its_origin() -> None:
    sql = (
        "SELECT SUM(amount) OVER (ORDER BY id GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s"
        " FROM sales"
    )
    for name in names():
        tree = canonical(sql)
        tree.expressions[0].meta["origin"] = "metrics[0]"
        refused = lower(tree, dialect(name)).refused
        if "GROUPS" in dialect(name).frames:
            assert refused == ()
        else:
            (refusal,) = refused
            assert refusal.origin == "metrics[0]"
            assert refusal.reason == "the engine cannot"


def test_frames_that_leave_rows_out() -> None:
    sql = (
        "SELECT id, SUM(id) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING"
        " AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) AS s FROM sales WHERE id < 4"
    )
    for name in HERE:
        if "EXCLUDE" in dialect(name).frames:
            assert same_rows(rows_on(name, sql, SALES), [(1, 5), (2, 4), (3, 3)], ordered=False)
        else:
            assert [r.feature for r in lowered(sql, name).refused] == [
                "EXCLUDE in frames of windows"
            ]


def test_what_sqlglot_leaves_out_is_told() -> None:
    tree = sqlglot.parse_one("SELECT STRING_AGG(DISTINCT a, ',') AS s FROM t", read="postgres")
    facts = dialect("sqlserver")
    assert rendered(lower(tree, facts, dialect("postgres")).tree, facts).lost
    assert not rendered(canonical("SELECT SUM(a) AS s FROM t"), facts).lost


@pytest.mark.parametrize("name", names())
def test_origins_survive(name: str) -> None:
    tree = canonical(
        "SELECT shop AS s, MEDIAN(amount) AS m, SUM(amount) FILTER (WHERE paid) AS f FROM sales"
        " GROUP BY 1 QUALIFY RANK() OVER (ORDER BY SUM(amount) DESC NULLS LAST) = 1"
    )
    for number, projection in enumerate(tree.expressions):
        projection.meta["origin"] = f"item {number}"
    result = lower(tree, dialect(name))
    outer = result.tree
    assert isinstance(outer, exp.Select)
    assert [item.meta.get("origin") for item in outer.expressions] == ["item 0", "item 1", "item 2"]


@pytest.mark.parametrize("name", names())
def test_rendering_is_one_statement_that_reads_back(name: str) -> None:
    sql = (
        "WITH a AS (SELECT shop, day, SUM(amount) AS total FROM sales GROUP BY 1, 2)"
        " SELECT shop, SMQ_TRUNC(day, 'week', 'date') AS w, SUM(total) / NULLIF(COUNT(*), 0) AS r"
        " FROM a WHERE day >= CAST('2024-01-01' AS DATE) GROUP BY 1, 2"
        " QUALIFY ROW_NUMBER() OVER (PARTITION BY shop ORDER BY SUM(total) DESC NULLS LAST) < 3"
        " ORDER BY r DESC NULLS LAST LIMIT 10"
    )
    text = sql_for(sql, name, pretty=True)
    assert text == sql_for(sql, name, pretty=True)
    (back,) = sqlglot.parse(text, read=dialect(name).sqlglot)
    assert isinstance(back, exp.Select)


@pytest.mark.parametrize("name", names())
def test_what_every_engine_can_say_is_written_without_loss(name: str) -> None:
    """Text that is made only when somebody reads it has no way to say what it lost."""
    sql = canonical("SELECT UPPER(shop) AS u, LOWER(shop) AS l, ABS(amount) AS a FROM sales")
    facts = dialect(name)
    assert not rendered(lower(sql, facts).tree, facts).lost

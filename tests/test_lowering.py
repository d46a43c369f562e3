"""What the passes of `smq.sql.lower` write gives the same rows on every engine.

The expected rows are written by hand. Each statement runs on every engine that is here; for the
other dialects see `tests.support.lowered`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp
from tests.support.engines import Row, Tables, available_engines, engine, same_rows
from tests.support.lowered import (
    ELSEWHERE,
    HERE,
    canonical,
    columns_and_rows_on,
    lowered,
    lowered_from,
    rows_on,
    run,
    sql_for,
)

from smq.dialects import dialect, names
from smq.sql.lower import lower
from smq.sql.render import render, rendered

EVERYWHERE = (*HERE, *ELSEWHERE)

SALES: Tables = {
    "sales": (
        [
            ("id", "integer"),
            ("shop", "text"),
            ("day", "date"),
            ("amount", "integer"),
            ("price", "number"),
            ("paid", "boolean"),
        ],
        [
            (1, "서울", date(2024, 1, 1), 10, 1.5, True),
            (2, "서울", date(2024, 1, 2), 20, 2.5, False),
            (3, "서울", date(2024, 1, 2), 5, None, None),
            (4, "부산", date(2024, 1, 1), 7, 4.0, True),
            (5, "부산", date(2024, 1, 3), None, 8.0, False),
            (6, None, date(2024, 1, 3), 3, 0.5, True),
            (7, "대구", date(2024, 2, 1), None, None, None),
        ],
    )
}


def check(
    sql: str, expected: list[Row], ordered: bool = False, tables: Tables = SALES, but: str = ""
) -> None:
    """The canonical SQL gives these rows in every dialect, or in all but one."""
    wrong = {}
    for name in EVERYWHERE:
        if name == but:
            continue
        rows = rows_on(name, sql, tables)
        wanted = expected
        if name in ELSEWHERE:
            # DuckDB, which runs them, widens dates where their own engine does not.
            rows, wanted = ([tuple(map(_moment, row)) for row in r] for r in (rows, wanted))
        if not same_rows(rows, wanted, ordered):
            wrong[name] = (rows, sql_for(sql, name))
    assert wrong == {}


# Periods.

MOMENTS = [
    datetime(2024, 1, 1, 0, 0, 0),  # a Monday, and the first of everything
    datetime(2023, 12, 31, 23, 59, 59),  # a Sunday, and the last of everything
    datetime(2024, 2, 29, 13, 14, 15),
    datetime(2024, 3, 31, 1, 2, 3),
    datetime(2025, 1, 5, 12, 30, 59),  # a Sunday whose week began in the year before
    datetime(2024, 12, 30, 0, 0, 1),  # the Monday of that week
    datetime(1969, 12, 31, 23, 0, 1),
    datetime(2000, 2, 28, 7, 0, 0),
    None,
]
CALENDAR: Tables = {
    "calendar": (
        [("id", "integer"), ("on_date", "date"), ("at", "timestamp")],
        [(i, moment and moment.date(), moment) for i, moment in enumerate(MOMENTS)],
    )
}
STARTS = {
    "second": MOMENTS,
    "minute": [
        datetime(2024, 1, 1, 0, 0),
        datetime(2023, 12, 31, 23, 59),
        datetime(2024, 2, 29, 13, 14),
        datetime(2024, 3, 31, 1, 2),
        datetime(2025, 1, 5, 12, 30),
        datetime(2024, 12, 30, 0, 0),
        datetime(1969, 12, 31, 23, 0),
        datetime(2000, 2, 28, 7, 0),
        None,
    ],
    "hour": [
        datetime(2024, 1, 1, 0, 0),
        datetime(2023, 12, 31, 23, 0),
        datetime(2024, 2, 29, 13, 0),
        datetime(2024, 3, 31, 1, 0),
        datetime(2025, 1, 5, 12, 0),
        datetime(2024, 12, 30, 0, 0),
        datetime(1969, 12, 31, 23, 0),
        datetime(2000, 2, 28, 7, 0),
        None,
    ],
    "day": [moment and datetime(moment.year, moment.month, moment.day) for moment in MOMENTS],
    "week": [
        datetime(2024, 1, 1),
        datetime(2023, 12, 25),
        datetime(2024, 2, 26),
        datetime(2024, 3, 25),
        datetime(2024, 12, 30),
        datetime(2024, 12, 30),
        datetime(1969, 12, 29),
        datetime(2000, 2, 28),
        None,
    ],
    "month": [
        datetime(2024, 1, 1),
        datetime(2023, 12, 1),
        datetime(2024, 2, 1),
        datetime(2024, 3, 1),
        datetime(2025, 1, 1),
        datetime(2024, 12, 1),
        datetime(1969, 12, 1),
        datetime(2000, 2, 1),
        None,
    ],
    "quarter": [
        datetime(2024, 1, 1),
        datetime(2023, 10, 1),
        datetime(2024, 1, 1),
        datetime(2024, 1, 1),
        datetime(2025, 1, 1),
        datetime(2024, 10, 1),
        datetime(1969, 10, 1),
        datetime(2000, 1, 1),
        None,
    ],
    "year": [
        datetime(2024, 1, 1),
        datetime(2023, 1, 1),
        datetime(2024, 1, 1),
        datetime(2024, 1, 1),
        datetime(2025, 1, 1),
        datetime(2024, 1, 1),
        datetime(1969, 1, 1),
        datetime(2000, 1, 1),
        None,
    ],
}


def check_moments(name: str, sql: str, expected: list[Any]) -> None:
    rows = [row[0] for row in rows_on(name, sql, CALENDAR)]
    if name in HERE:
        # Also the types: a date is no timestamp at midnight.
        assert [(type(v), v) for v in rows] == [(type(v), v) for v in expected], sql_for(sql, name)
    else:
        # DuckDB widens dates in places where the other engine does not.
        assert list(map(_moment, rows)) == list(map(_moment, expected)), sql_for(sql, name)


def _moment(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


@pytest.mark.parametrize("grain", STARTS)
@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_timestamp_is_cut_to_the_start_of_its_period(name: str, grain: str) -> None:
    sql = f"SELECT SMQ_TRUNC(at, '{grain}', 'timestamp') AS v FROM calendar ORDER BY id"
    check_moments(name, sql, STARTS[grain])


@pytest.mark.parametrize("grain", STARTS)
@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_date_is_cut_to_a_date(name: str, grain: str) -> None:
    sql = f"SELECT SMQ_TRUNC(on_date, '{grain}', 'date') AS v FROM calendar ORDER BY id"
    coarse = grain if grain not in ("second", "minute", "hour") else "day"
    check_moments(name, sql, [start and start.date() for start in STARTS[coarse]])


MOVED = [
    # Count, grain, and what becomes of 29 February 2024 13:14:15 and 31 March 2024 01:02:03.
    (1, "day", datetime(2024, 3, 1, 13, 14, 15), datetime(2024, 4, 1, 1, 2, 3)),
    (-1, "week", datetime(2024, 2, 22, 13, 14, 15), datetime(2024, 3, 24, 1, 2, 3)),
    (1, "month", datetime(2024, 3, 29, 13, 14, 15), datetime(2024, 4, 30, 1, 2, 3)),
    (-1, "month", datetime(2024, 1, 29, 13, 14, 15), datetime(2024, 2, 29, 1, 2, 3)),
    (-1, "quarter", datetime(2023, 11, 29, 13, 14, 15), datetime(2023, 12, 31, 1, 2, 3)),
    (1, "year", datetime(2025, 2, 28, 13, 14, 15), datetime(2025, 3, 31, 1, 2, 3)),
    (-4, "year", datetime(2020, 2, 29, 13, 14, 15), datetime(2020, 3, 31, 1, 2, 3)),
]


@pytest.mark.parametrize(("count", "grain", "february", "march"), MOVED)
@pytest.mark.parametrize("name", EVERYWHERE)
def test_moving_loses_no_day_at_the_end_of_a_month(
    name: str, count: int, grain: str, february: datetime, march: datetime
) -> None:
    where = "FROM calendar WHERE id IN (2, 3) ORDER BY id"
    check_moments(
        name,
        f"SELECT SMQ_ADD(on_date, {count}, '{grain}', 'date') AS v {where}",
        [february.date(), march.date()],
    )
    check_moments(
        name, f"SELECT SMQ_ADD(at, {count}, '{grain}', 'timestamp') AS v {where}", [february, march]
    )


@pytest.mark.parametrize("name", EVERYWHERE)
def test_the_last_of_february_moves_to_the_same_day_of_march(name: str) -> None:
    """Some engines have functions that would make it the last of March."""
    sql = "SELECT SMQ_ADD(on_date, 1, 'month', 'date') AS v FROM calendar WHERE id = 7"
    assert _moment(rows_on(name, sql, CALENDAR)[0][0]) == datetime(2000, 3, 28)
    sql = "SELECT SMQ_ADD(at, -1, 'hour', 'timestamp') AS v FROM calendar WHERE id = 7"
    assert rows_on(name, sql, CALENDAR) == [(datetime(2000, 2, 28, 6, 0),)]


def test_parts_of_seconds() -> None:
    """What is cut to its microsecond stays; what cannot be cut is refused."""
    at = datetime(2024, 1, 1, 12, 0, 0, 123456)
    tables: Tables = {"moments": ([("at", "timestamp")], [(at,)])}
    for grain, expected in (
        ("microsecond", at),
        ("millisecond", at.replace(microsecond=123000)),
        ("second", at.replace(microsecond=0)),
    ):
        sql = f"SELECT SMQ_TRUNC(at, '{grain}', 'timestamp') AS v FROM moments"
        for name in HERE:
            if grain == "second" or grain in dialect(name).seconds:
                assert rows_on(name, sql, tables) == [(expected,)]
            else:
                assert [r.reason for r in lowered(sql, name).refused] == ["not yet"]


def test_periods_of_periods() -> None:
    sql = (
        "SELECT SMQ_TRUNC(SMQ_ADD(SMQ_TRUNC(day, 'month', 'date'), 1, 'month', 'date'),"
        " 'quarter', 'date') AS q, COUNT(*) AS n FROM sales GROUP BY 1"
    )
    expected = [(date(2024, 1, 1), 7)]
    for name in HERE:
        assert rows_on(name, sql, SALES) == expected


def test_dates_compare_with_typed_literals() -> None:
    check(
        "SELECT id FROM sales WHERE day >= CAST('2024-01-03' AS DATE)"
        " AND day < CAST('2024-02-01' AS DATE)",
        [(5,), (6,)],
    )
    check(
        "SELECT id FROM calendar WHERE at < CAST('2000-02-28 07:00:01' AS TIMESTAMP)",
        [(6,), (7,)],
        tables=CALENDAR,
    )


def check_foreign(sql: str, written: str, expected: list[Row], tables: Tables = CALENDAR) -> None:
    """SQL written in one dialect gives the same rows in all."""
    tree = sqlglot.parse_one(sql, read=dialect(written).sqlglot)
    wrong = {}
    for name in EVERYWHERE:
        text = lowered_from(tree, name, written)
        rows = [tuple(map(_moment, row)) for row in run(text, name, tables)[1]]
        if not same_rows(rows, [tuple(map(_moment, row)) for row in expected], ordered=True):
            wrong[name] = (rows, text)
    assert wrong == {}


def test_weeks_in_users_sql_start_where_they_did_when_it_was_written() -> None:
    monday = [(start,) for start in STARTS["week"][:5]]
    order = "FROM calendar WHERE id < 5 ORDER BY id"
    check_foreign(f"SELECT DATE_TRUNC('week', at) AS w {order}", "duckdb", monday)
    check_foreign(f"SELECT DATE_TRUNC('week', at) AS w {order}", "postgres", monday)
    check_foreign(f"SELECT DATE_TRUNC(on_date, WEEK(MONDAY)) AS w {order}", "bigquery", monday)
    sunday: list[Row] = [
        (date(2023, 12, 31),),
        (date(2023, 12, 31),),
        (date(2024, 2, 25),),
        (date(2024, 3, 31),),
        (date(2025, 1, 5),),
    ]
    check_foreign(f"SELECT DATE_TRUNC(on_date, WEEK) AS w {order}", "bigquery", sunday)


def test_periods_and_intervals_in_users_sql() -> None:
    check_foreign(
        "SELECT DATE_TRUNC('quarter', at) AS q FROM calendar"
        " WHERE on_date >= CAST('2024-03-31' AS DATE) - INTERVAL 1 MONTH"
        " AND at < CAST('2024-12-30 00:00:00' AS TIMESTAMP) + INTERVAL '2' DAY ORDER BY id",
        "duckdb",
        [(datetime(2024, 1, 1),), (datetime(2024, 1, 1),), (datetime(2024, 10, 1),)],
    )


def test_parts_of_dates_in_users_sql() -> None:
    check_foreign(
        "SELECT EXTRACT(YEAR FROM at) AS y, QUARTER(on_date) AS q, MONTH(on_date) AS m,"
        " EXTRACT(HOUR FROM at) AS h FROM calendar WHERE id IN (1, 2) ORDER BY id",
        "duckdb",
        [(2023, 4, 12, 23), (2024, 1, 2, 13)],
    )


def test_today_has_no_time_of_day() -> None:
    for name in EVERYWHERE:
        text = lowered_from(sqlglot.parse_one("SELECT CURRENT_DATE AS d"), name, "duckdb")
        if name in HERE:
            assert run(text, name, CALENDAR)[1] == run("SELECT CURRENT_DATE", name, CALENDAR)[1]
    assert "CAST(GETDATE() AS DATE)" in lowered_from(
        sqlglot.parse_one("SELECT CURRENT_DATE AS d"), "sqlserver", "duckdb"
    )


def test_an_interval_that_is_not_understood_is_refused() -> None:
    tree = sqlglot.parse_one("SELECT d + INTERVAL '1 month 2 days' AS x FROM t", read="postgres")
    for name in ("sqlite", "sqlserver"):
        (refusal,) = lower(tree.copy(), dialect(name), dialect("postgres")).refused
        assert refusal.reason == "not yet"


# Windows and what is filtered after them.


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

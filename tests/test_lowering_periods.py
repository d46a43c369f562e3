"""Periods, dates and intervals: every engine cuts, moves and compares them alike."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
import sqlglot
from tests.support.engines import Row, Tables, same_rows
from tests.support.lowered import (
    EVERYWHERE,
    HERE,
    SALES,
    check,
    lowered,
    lowered_from,
    moment,
    rows_on,
    run,
    sql_for,
)

from smq.dialects import dialect
from smq.sql.lower import lower

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
        assert list(map(moment, rows)) == list(map(moment, expected)), sql_for(sql, name)


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
    assert moment(rows_on(name, sql, CALENDAR)[0][0]) == datetime(2000, 3, 28)
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
        rows = [tuple(map(moment, row)) for row in run(text, name, tables)[1]]
        if not same_rows(rows, [tuple(map(moment, row)) for row in expected], ordered=True):
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

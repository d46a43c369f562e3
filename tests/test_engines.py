"""The engines that other tests run on: which are here, and that they can be compared."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from tests.support.engines import (
    ENGINES,
    Tables,
    available_engines,
    engine,
    required_engines,
    same_rows,
)

ALL_TYPES: Tables = {
    "zoo.everything": (
        [
            ("whole", "integer"),
            ("broken", "number"),
            ("money", "decimal"),
            ("words", "text"),
            ("on_day", "date"),
            ("at", "timestamp"),
            ("yes", "boolean"),
        ],
        [
            (
                1,
                0.5,
                Decimal("10.25"),
                "가",
                date(2024, 2, 29),
                datetime(2024, 2, 29, 1, 2),
                True,
            ),
            (2**40, 2.0, Decimal("3"), "it's", date(1969, 12, 31), datetime(2024, 1, 1), False),
            (None, None, None, None, None, None, None),
        ],
    )
}
EXPECTED = [
    (1, 0.5, 10.25, "가", date(2024, 2, 29), datetime(2024, 2, 29, 1, 2), True),
    (2**40, 2.0, 3, "it's", date(1969, 12, 31), datetime(2024, 1, 1), False),
    (None, None, None, None, None, None, None),
]


def test_the_required_engines_are_here() -> None:
    missing = {
        name: ENGINES[name].available().reason if name in ENGINES else "no such engine"
        for name in required_engines()
        if name not in available_engines()
    }
    assert missing == {}


@pytest.mark.parametrize("name", available_engines())
def test_values_come_back_as_they_were_loaded(name: str) -> None:
    running = engine(name)
    running.load(ALL_TYPES)
    columns, rows = running.query("SELECT * FROM zoo.everything")
    assert columns == ("whole", "broken", "money", "words", "on_day", "at", "yes")
    assert same_rows(rows, EXPECTED, ordered=False)
    assert {type(value) for row in rows for value in row} <= {
        type(value) for row in EXPECTED for value in row
    } | {bool, int}


@pytest.mark.parametrize("name", available_engines())
def test_loading_replaces_what_was_there(name: str) -> None:
    running = engine(name)
    for number in (1, 2):
        running.load({"t": ([("x", "integer")], [(number,)])})
        assert running.query("SELECT x FROM t")[1] == [(number,)]
    running.load({"u": ([("x", "integer")], [])})
    with pytest.raises(Exception, match=r"(?i)t"):
        running.query("SELECT x FROM t")


@pytest.mark.parametrize(
    ("left", "right", "ordered", "same"),
    [
        ([(1,), (2,)], [(2,), (1,)], False, True),
        ([(1,), (2,)], [(2,), (1,)], True, False),
        ([(1,), (1,), (2,)], [(1,), (2,), (2,)], False, False),
        ([(1,)], [(1,), (1,)], False, False),
        ([(0.1 + 0.2, "a")], [(0.3, "a")], False, True),
        ([(1.0,)], [(1,)], False, True),
        ([(1,)], [(2,)], False, False),
        ([(10**15,)], [(10**15 + 1,)], False, False),
        ([(None,)], [(0,)], False, False),
        ([(None, 1.0), (0.5, None)], [(0.5 + 1e-12, None), (None, 1)], False, True),
        ([(date(2024, 1, 1),)], [(datetime(2024, 1, 1),)], False, False),
        ([(float("nan"),)], [(float("nan"),)], True, True),
        ([("1",)], [(1,)], False, False),
        ([(1, 2)], [(1,)], False, False),
    ],
)
def test_rows_are_compared_as_people_would(
    left: list[tuple[object, ...]], right: list[tuple[object, ...]], ordered: bool, same: bool
) -> None:
    assert same_rows(left, right, ordered) is same
    assert same_rows(right, left, ordered) is same


FACTS = {
    # What SQL means on each engine; `Dialect` and the passes rely on it. An error is its class.
    "SELECT SUM(SUM(x)) OVER (PARTITION BY k ORDER BY d) FROM f GROUP BY k, d": {
        "duckdb": [1, 3],
        "sqlite": [1, 3],
        "postgres": [1, 3],
        "mariadb": [1, 3],
        "clickhouse": [1, 3],
    },
    "SELECT x FROM f ORDER BY n": {
        "duckdb": [1, 2],
        "sqlite": [2, 1],
        "postgres": [1, 2],
        "mariadb": [2, 1],
        "clickhouse": [1, 2],
    },
    "SELECT x FROM f ORDER BY n DESC": {
        "duckdb": [1, 2],
        "sqlite": [1, 2],
        "postgres": [2, 1],
        "mariadb": [1, 2],
        "clickhouse": [1, 2],
    },
    "SELECT 1 / 2": {
        "duckdb": [0.5],
        "sqlite": [0],
        "postgres": [0],
        "mariadb": [0.5],
        "clickhouse": [0.5],
    },
    "SELECT 1 / 3": {
        "duckdb": [1 / 3],
        "sqlite": [0],
        "postgres": [0],
        "mariadb": [0.3333],
        "clickhouse": [1 / 3],
    },
    "SELECT 1 / 0": {
        "duckdb": [float("inf")],
        "sqlite": [None],
        "postgres": "DivisionByZero",
        "mariadb": [None],
        "clickhouse": [float("inf")],
    },
    "SELECT SUM(x) OVER (ORDER BY d GROUPS 1 PRECEDING) FROM f": {
        "duckdb": [1, 3],
        "sqlite": [1, 3],
        "postgres": [1, 3],
        "mariadb": "ProgrammingError",
        "clickhouse": [1, 3],
    },
    "SELECT SUM(x) OVER (ORDER BY d ROWS 1 PRECEDING EXCLUDE CURRENT ROW) FROM f": {
        "duckdb": [None, 1],
        "sqlite": [None, 1],
        "postgres": [None, 1],
        "mariadb": "OperationalError",
        "clickhouse": "ChdbError",
    },
    "SELECT NULL UNION ALL SELECT NULL UNION ALL SELECT 1": {
        "duckdb": [None, None, 1],
        "sqlite": [None, None, 1],
        "postgres": "DatatypeMismatch",
        "mariadb": [None, None, 1],
        "clickhouse": [None, None, 1],
    },
}


@pytest.mark.parametrize("sql", FACTS)
@pytest.mark.parametrize("name", available_engines())
def test_facts_that_the_dialects_state(name: str, sql: str) -> None:
    running = engine(name)
    rows = [("a", "2024-01-01", 1, 0), ("a", "2024-01-02", 2, None)]
    columns = [("k", "text"), ("d", "date"), ("x", "integer"), ("n", "integer")]
    running.load({"f": (columns, rows)})  # type: ignore[dict-item]
    expected = FACTS[sql][name]
    if isinstance(expected, str):
        with pytest.raises(Exception) as error:
            running.query(sql)
        assert type(error.value).__name__ == expected
    else:
        found = running.query(sql)[1]
        assert same_rows(found, [(value,) for value in expected], ordered=True)

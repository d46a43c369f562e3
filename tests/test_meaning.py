"""Two queries that ask for the same have one meaning, however they are written."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from smq.query.read import read_queries
from smq.sql.meaning import Meaning, meaning_of
from smq.syntax import Document, jsonc
from smq.workspace import Snapshot
from smq_server.io.workspace import open_workspace

EXAMPLES = Path(__file__).parents[1] / "examples"


@cache
def example(name: str) -> Snapshot:
    return open_workspace(EXAMPLES / name, {}).snapshot


def meaning(smq: dict[str, Any], workspace: str = "shop") -> Meaning:
    parsed = jsonc.parse(Document("q.smq.json", json.dumps(smq)))
    (query,), problems = read_queries(parsed)
    assert not problems
    found = meaning_of(query, example(workspace).graph, "duckdb")
    assert found is not None, smq
    return found


def shop(filters: str = "", **keys: Any) -> Meaning:
    smq = {"metrics": ["revenue"], "groupBy": ["customers__country"], **keys}
    return meaning({**smq, "filters": [filters]} if filters else smq)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("orders__status = 'open'", "'open' = orders__status"),
        ("orders__status = 'open'", "order__status = 'open'"),
        ("orders__status = 'open'", "{{ Dimension('order__status') }} = 'open'"),
        ("orders__status = 'open'", "(orders__status) IN ('open')"),
        ("orders__subtotal > 100", "100 < orders__subtotal"),
        ("orders__subtotal > 100", "NOT orders__subtotal <= 100.00"),
        ("orders__subtotal > 100", "NOT (NOT (orders__subtotal > 100))"),
        ("orders__is_large", "orders__is_large = TRUE"),
        ("NOT orders__is_large", "orders__is_large = FALSE"),
        ("orders__is_large <> FALSE", "orders__is_large"),
        ("orders__status IN ('a', 'b')", "orders__status = 'b' OR orders__status = 'a'"),
        (
            "orders__status IN ('a', 'b', 'c')",
            "orders__status = 'b' OR orders__status IN ('a','c')",
        ),
        ("orders__subtotal BETWEEN 1 AND 2", "orders__subtotal >= 1 AND orders__subtotal <= 2"),
        ("orders__ordered_at >= '2024-01-01'", "orders__ordered_at >= DATE '2024-01-01'"),
        ("orders__ordered_at >= '2024-01-01'", "orders__ordered_at >= '2024-01-01 00:00:00'"),
        ("revenue > 5 OR order_count > 3", "order_count > 3 OR revenue > 5"),
    ],
)
def test_ways_of_writing_a_condition_mean_the_same(one: str, other: str) -> None:
    assert shop(one) == shop(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("orders__status = 'open'", "orders__status <> 'open'"),
        ("orders__status = 'open'", "stores__country = 'open'"),
        ("orders__subtotal > 100", "orders__subtotal >= 100"),
        ("orders__subtotal > 100", "orders__subtotal < 100"),
        ("orders__subtotal > 100", "revenue > 100"),
        ("orders__is_large", "NOT orders__is_large"),
        ("orders__ordered_at >= '2024-01-01'", "orders__ordered_at >= '2024-01-02'"),
        ("orders__status IN ('a', 'b')", "orders__status IN ('a', 'c')"),
        ("NOT orders__status IN ('a', 'b')", "orders__status IN ('a', 'b')"),
    ],
)
def test_other_conditions_mean_something_else(one: str, other: str) -> None:
    assert shop(one) != shop(other)


def test_names_order_of_items_and_aliases_are_no_part_of_a_meaning() -> None:
    one = meaning(
        {
            "metrics": ["revenue", "revenue / NULLIF(order_count, 0) AS aov"],
            "groupBy": ["customers__country", "orders__status"],
            "orderBy": ["-aov"],
        }
    )
    other = meaning(
        {
            "metrics": ["revenue / NULLIF(order_count, 0) AS each_order", "revenue"],
            "groupBy": ["orders__status", "customer__country"],
            "orderBy": ["-each_order"],
            "limit": None,
            "description": "…",
        }
    )
    assert one == other


def test_roles_of_one_model_are_told_apart() -> None:
    own = meaning({"metrics": ["account_count"], "groupBy": ["부점코드__brn_nm"]}, "bank")
    direct = meaning({"metrics": ["account_count"], "groupBy": ["brn__brn_nm"]}, "bank")
    of_customer = meaning({"metrics": ["account_count"], "groupBy": ["cust__brn__brn_nm"]}, "bank")
    assert own == direct != of_customer


def test_metric_time_is_the_dimension_that_it_stands_for() -> None:
    by_name = shop(groupBy=["orders__ordered_at__month"])
    assert shop(groupBy=["metric_time__month"]) == by_name
    assert shop(groupBy=["metric_time__week"]) != by_name
    assert shop(groupBy=["orders__ordered_at"]) == shop(groupBy=["orders__ordered_at__second"])
    # Of two metrics each has its own time, so there it is no dimension's name.
    several = {"metrics": ["revenue", "refunds"], "groupBy": ["metric_time__month"]}
    assert "metric_time.month" in meaning(several).groups


def test_an_answer_may_sort_more_than_it_was_asked_to() -> None:
    asked = shop(orderBy=["-revenue"], limit=3)
    assert shop(orderBy=["-revenue", "customers__country"], limit=3).answers(asked)
    assert not asked.answers(shop(orderBy=["-revenue", "customers__country"], limit=3))
    assert not shop(orderBy=["revenue"], limit=3).answers(asked)
    assert not shop(orderBy=["-revenue"]).answers(asked)
    assert shop(orderBy=["-revenue"]).answers(shop())


def test_a_written_clause_is_part_of_the_meaning() -> None:
    clause = ["FROM orders LEFT JOIN customers ON orders__customer = customers__customer"]
    turned = ["FROM orders LEFT JOIN customers ON customers__customer = orders__customer"]
    inner = ["FROM orders JOIN customers ON orders__customer = customers__customer"]
    assert shop(joins=clause) == shop(joins=turned)
    assert len({shop(joins=clause), shop(joins=inner), shop()}) == 3


def test_windows_are_compared_with_their_frames() -> None:
    def window(text: str) -> Meaning:
        keys = {"metrics": [text], "groupBy": ["orders__ordered_at__month"]}
        return meaning(keys)

    month = "orders__ordered_at__month"
    running = window(f"SUM(revenue) OVER (ORDER BY {month}) AS a")
    assert running == window(f"SUM(revenue) OVER (ORDER BY {month} ASC) AS b")
    assert running != window(f"SUM(revenue) OVER (ORDER BY {month} DESC) AS a")
    assert running != window(f"SUM(revenue) OVER (ORDER BY {month} ROWS 2 PRECEDING) AS a")


def test_what_does_not_compile_has_no_meaning() -> None:
    parsed = jsonc.parse(Document("q.smq.json", '{"metrics": ["nonsense"]}'))
    (query,), _ = read_queries(parsed)
    assert meaning_of(query, example("shop").graph, "duckdb") is None

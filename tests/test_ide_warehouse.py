"""Completion and hover from the metadata cache: real columns in models, names in lone queries."""

from __future__ import annotations

import json

import pytest
from tests.support import cache as caches
from tests.support.ide import check_completion, check_hover, complete, completed
from tests.test_catalog_rules import SEMANTIC

WAREHOUSE = """\
-- warehouse.sql --
CREATE TABLE shop.orders (
  order_id BIGINT PRIMARY KEY,
  status VARCHAR,
  주문금액 DECIMAL(10, 2),
  ordered_at TIMESTAMP
);
COMMENT ON COLUMN shop.orders.주문금액 IS '총 주문 금액';
CREATE TABLE shop.users (user_id BIGINT);
-- models.yml --
"""
CACHE = (
    "-- metadata_cache.json --\n"
    + json.dumps(caches.cache(semantic=SEMANTIC), ensure_ascii=False)
    + "\n-- q.smq.json --\n"
)


def model(expr: str, table: str = "shop.orders") -> str:
    return f"""{WAREHOUSE}semantic_models:
  - name: orders
    table: {table}
    measures:
      - name: amount
        type: number
        expr: {expr}
"""


@pytest.mark.parametrize("crlf", [False, True])
def test_expressions_are_offered_the_columns_of_the_real_table(crlf: bool) -> None:
    offers = check_completion(
        model("‹cursor›"), has=["order_id", "status", "주문금액", "ordered_at"], crlf=crlf
    )
    column = next(offer for offer in offers if offer.label == "주문금액")
    assert column.detail == "DECIMAL(10, 2) · MetaSync, 3 hours old"
    assert column.documentation == "총 주문 금액"
    assert [o.label for o in offers if o.kind == "column"] == [
        "order_id", "ordered_at", "status", "주문금액",
    ]  # fmt: skip


def test_a_column_is_found_inside_an_expression_by_its_letters() -> None:
    assert "expr: ROUND(주문금액" in completed(model("ROUND(주ㅁ‹cursor›, 2)"), "주문금액")
    check_completion(model("CASE WHEN st‹cursor›"), first=["status"])


def test_tables_are_offered_by_their_names() -> None:
    offers = check_completion(model("x", "us‹cursor›"), first=["shop.users"])
    assert offers[0].detail == "MetaSync, 3 hours old"


def test_hover_on_a_column_says_its_type_and_age() -> None:
    check_hover(
        model("ROUND(‹span›주문‹cursor›금액‹/span›, 2)"),
        "Warehouse type `DECIMAL(10, 2)`",
        "총 주문 금액",
        "Collected by MetaSync 2026-11-27 08:00 UTC, 3 hours old.",
    )
    check_hover(model("no_‹cursor›such"), "Not in `shop.orders`")
    # A model without a known table has nothing to say about its warehouse.
    check_hover(model("주‹cursor›문", "other.t"), "column of the table", absent=("MetaSync",))


def test_hover_on_a_model_says_what_its_table_is() -> None:
    text = model("order_id").replace("name: orders", "name: ord‹cursor›ers")
    check_hover(text, "In the warehouse: table · 4 columns", "3 hours old")


def test_lone_queries_are_offered_the_names_of_the_cache() -> None:
    offers = check_completion(CACHE + '{"metrics": ["‹cursor›"]}', has=["총매출", "건수"])
    offer = next(each for each in offers if each.label == "총매출")
    assert offer.detail == "총 매출 · MetaSync, 3 hours old"
    assert '"metrics": ["총매출"]' in completed(CACHE + '{"metrics": ["총‹cursor›"]}', "총매출")
    # By the label as well.
    check_completion(CACHE + '{"groupBy": ["이름‹cursor›"]}', first=["지점__지점명"])


def test_groups_that_a_metric_cannot_have_come_last_and_say_why() -> None:
    offers = check_completion(
        CACHE + '{"metrics": ["총매출"], "groupBy": ["‹cursor›"]}',
        has=["지점__지점명", "지점__개점일", "직원__직급"],
    )
    assert offers[-1].label == "직원__직급"
    assert offers[-1].why_not == "총매출 cannot be grouped by it"
    offers = check_completion(
        CACHE + '{"metrics": ["‹cursor›"], "groupBy": ["직원__직급"]}', first=["건수"]
    )
    assert offers[-1].why_not == "cannot be grouped by 직원__직급"


def test_time_dimensions_have_grains() -> None:
    check_completion(
        CACHE + '{"metrics": ["총매출"], "groupBy": ["지점__개점일__‹cursor›"]}',
        first=["지점__개점일__day", "지점__개점일__week", "지점__개점일__month"],
    )


def test_filters_and_sort_keys_have_the_names_too() -> None:
    check_completion(CACHE + '{"filters": ["‹cursor›"]}', has=["지점__지점명", "총매출"])
    check_completion(
        CACHE + '{"metrics": ["총매출"], "orderBy": ["‹cursor›"]}', first=["총매출", "-총매출"]
    )
    # Between the strings, and in text that is not finished.
    _, found = complete(CACHE + '{"metrics": [‹cursor›')
    assert '"총매출"' in [item.insert for item in found.items]


def test_hover_on_a_name_of_the_cache() -> None:
    check_hover(
        CACHE + '{"metrics": ["‹span›총‹cursor›매출‹/span› / 건수 AS 단가"]}',
        "**총매출** — 총 매출 · metric",
        "Can be grouped by `지점__개점일`, `지점__지점명`",
        "3 hours old",
    )
    check_hover(
        CACHE + '{"groupBy": ["지점__개점‹cursor›일__month"]}',
        "time dimension of `지점` `date`",
        "By month",
    )
    check_hover(CACHE + '‹cursor›{"metrics": ["총매출"]}', "queries only")


def test_with_models_the_cache_adds_no_names_to_queries() -> None:
    text = CACHE.replace("-- q.smq.json --\n", "") + (
        "-- models.yml --\nmetrics:\n  - {name: own, expr: COUNT(*)}\n-- q.smq.json --\n"
    )
    check_completion(text + '{"metrics": ["‹cursor›"]}', has=["own"], absent=["총매출"])

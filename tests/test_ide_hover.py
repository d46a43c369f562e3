"""Hover: the SQL that will run, what a name means, and what a key or a rule is for."""

from __future__ import annotations

import pytest
from tests.support.ide import BANK, check_hover, hover_text


@pytest.mark.parametrize("crlf", [False, True])
def test_a_metric_says_what_it_is_and_runs_as(crlf: bool) -> None:
    check_hover(
        '{"metrics": ["‹span›acc‹cursor›ount_count‹/span›"], "groupBy": ["고객기본__cust_no"],\n'
        ' "filters": ["계좌정보__open_dt >= \'2024-01-01\'"]}',
        "계좌 수",
        "COUNT(DISTINCT",
        "In this query",
        "2024-01-01",
        "LEFT JOIN",
        "Defined in models.yml:",
        crlf=crlf,
    )


_SHOP = """\
-- models.yml --
semantic_models:
  - name: orders
    table: shop.orders
    entities: [{name: ord, type: primary, expr: id}, {name: cust, type: foreign, expr: cust_id}]
    dimensions: [{name: status, type: varchar, expr: st}, {name: day, type: date}]
    measures: [{name: amount, type: integer, agg: sum, expr: amt}, {name: n, type: integer}]
  - name: customers
    table: shop.customers
    entities: [{name: cust, type: primary, expr: id}]
    dimensions: [{name: country, type: varchar}]
metrics:
  - {name: revenue, label: 매출, expr: SUM(orders__amount), filter: "orders__status <> 'x'"}
  - {name: order_count, expr: COUNT(orders__n)}
  - {name: aov, label: 객단가, expr: "revenue / NULLIF(order_count, 0)"}
-- q.smq.json --
"""


def test_a_metric_in_a_query_is_taken_apart_down_to_columns() -> None:
    """Why this number: with the query's own grain, filters and joins."""
    shown = hover_text(
        _SHOP
        + """{"metrics": ["order_count", "a‹cursor›ov"], "groupBy": ["customers__country"],
 "filters": ["orders__day >= '2024-01-01'", "order_count > 5"]}"""
    )
    assert (
        """\
In this query: one value for each `customers__country`

- `aov` (객단가) = `revenue / NULLIF(order_count, 0)`
  - `revenue` (매출) = `SUM(orders__amount)`
    - `SUM(orders__amount)` over the rows of `orders` (shop.orders)
      - only rows where `orders__status <> 'x'`
      - only rows where `orders__day >= '2024-01-01'` (this query)
      - joined `orders` → `customers`
      - from `shop.orders.amt`
  - `order_count` = `COUNT(orders__n)`
    - `COUNT(orders__n)` over the rows of `orders` (shop.orders)
      - only rows where `orders__day >= '2024-01-01'` (this query)
      - joined `orders` → `customers`
      - from `shop.orders.n`
- then only where `order_count > 5` (after aggregation)"""
        in shown
    )
    assert "```sql" in shown


def test_the_rows_of_each_input_are_told_and_a_filters_metric_is_no_part() -> None:
    models = _SHOP.replace(
        "-- q.smq.json",
        """\
  - name: both
    type: derived
    filter: "{{ Metric('aov', group_by=['ord']) }} > 1"
    type_params:
      expr: paid - order_count
      metrics:
        - {name: order_count, alias: paid, filter: "orders__status = 'paid'"}
        - order_count
-- q.smq.json""",
    )
    shown = hover_text(models + '{"metrics": ["bo‹cursor›th"]}')
    assert "- `paid` is `order_count`, only of rows where `orders__status = 'paid'`" in shown
    assert "`aov` (객단가) =" not in shown


@pytest.mark.parametrize(
    "filters", ["\"status = 'paid'\"", "\"status = 'paid' AND visits > 1\", \"status = 'paid'\""]
)
def test_a_bare_name_in_a_filter_means_what_the_whole_query_says(filters: str) -> None:
    """Of visits alone nobody would know whose status is meant."""
    shown = hover_text(
        """-- m.yml --
semantic_models:
  - name: orders
    table: t_orders
    entities: [{name: ord, type: primary, expr: id}]
    dimensions: [{name: status, type: varchar}]
    measures: [{name: amount, type: integer, agg: sum}]
  - name: events
    table: t_events
    entities: [{name: ord, type: foreign, expr: ord_id}]
    measures: [{name: number, type: integer, agg: sum}]
metrics:
  - {name: visits, expr: SUM(events__number)}
  - {name: revenue, expr: SUM(orders__amount)}
-- q.smq.json --
{"metrics": ["vis‹cursor›its", "revenue"], "filters": [%s]}"""  # noqa: UP031
        % filters
    )
    assert "over the rows of `events`" in shown
    assert "  - only rows where `orders__status = 'paid'` (this query)" in shown
    assert "  - joined `events` → `orders`" in shown
    assert "orders.status = 'paid'" in shown


@pytest.mark.parametrize(
    "query",
    [
        '{"metrics": ["order_count * 2 AS x"], "filters": ["reve‹cursor›nue > 3"]}',
        '{"metrics": ["reve‹cursor›nue / 2 AS half"], "orderBy": ["-half"]}',
        '{"metrics": ["order_count"], "orderBy": ["-reve‹cursor›nue"]}',
        '{"metrics": ["order_count", "no"], "filters": ["no > 1"], "orderBy": ["reve‹cursor›nue',
    ],
)
def test_a_metric_is_taken_apart_wherever_a_query_names_it(query: str) -> None:
    shown = hover_text(_SHOP + query)
    assert "In this query: one value\n\n- `SUM(orders__amount)` over the rows" in shown
    assert "SUM(CASE" in shown or "SUM(orders.amt)" in shown


def test_a_key_of_a_query_shows_its_sql_and_joins() -> None:
    check_hover(
        '{"‹cursor›metrics": ["account_count"], "groupBy": ["부점코드__brn_stcd"]}',
        "```sql\nSELECT",
        "`계좌정보` → `고객기본` by cust → `부점코드` by brn",
    )


def test_a_dimension_shows_how_each_metric_gets_there() -> None:
    check_hover(
        '{"metrics": ["account_count", "total_brn_cnt"], "groupBy": ["고객기본__cust‹cursor›_no"]}',
        "고객번호",
        "`account_count`: `계좌정보` → `고객기본` by cust",
        "`total_brn_cnt`: no to-one path",
    )


def test_a_query_that_does_not_compile_says_why() -> None:
    check_hover('{"‹cursor›metrics": ["nope"]}', "No SQL yet", "Metric 'nope' not found")


def test_functions_inside_sql_are_documented() -> None:
    text = '{"metrics": ["revenue"], "filters": ["COAL‹cursor›ESCE(주문__order_date, 1) = 1"]}'
    check_hover(text, "COALESCE(value, …)")


def test_keys_of_model_files_are_documented() -> None:
    text = "-- m.yml --\nsemantic_models:\n  - name: a\n    entities:\n"
    text += "      - {name: k, ‹span›%s‹/span›: primary}"
    check_hover(text % "ty‹cursor›pe", "`primary`", "`foreign`")
    shown = hover_text(f"-- m.yml --\n{BANK}".replace("measures:", "measu‹cursor›res:", 1))
    assert shown.startswith("**measures**\n\n")


def test_a_silencing_comment_shows_the_rule() -> None:
    text = "-- %s --\n%s smq: ignore[‹span›NAM‹cursor›113‹/span›]\n"
    check_hover(text % ("q.smq.json", "//"), "**NAM113**")
    check_hover(text % ("m.yml", "#"), "**NAM113**")


@pytest.mark.parametrize(
    "query",
    [
        '{"metrics": ["rev‹cursor›enue',
        '{"metrics": [rev‹cursor›enue]}',
        '{"metrics": ["rev‹cursor›enue" "x"]}',
    ],
)
def test_names_are_known_in_broken_text(query: str) -> None:
    check_hover(query, "**revenue**")


def test_a_name_of_the_query_itself_says_what_it_stands_for() -> None:
    window = "SUM(revenue) OVER (ORDER BY 주문__order_date)"
    metrics = f'"metrics": ["revenue / 2 AS half", "{window} run"], "groupBy": ["주문__order_date"]'
    text = f'{{{metrics}, "filters": ["%s > 1", "%s > 2"]}}'
    check_hover(
        text % ("ha‹cursor›lf", "run"),
        "**half** · expression of this query",
        "```sql\nrevenue / 2\n```",
    )
    check_hover(text % ("half", "ru‹cursor›n"), "**run** · window of this query", f"\n{window}\n")


def test_a_function_of_a_wrong_query_says_nothing_about_other_engines() -> None:
    text = hover_text(
        '{"metrics": ["ROU‹cursor›ND(revenue)"], "groupBy": ["부점코드__nothing"]}',
        target_dialects=("bigquery", "postgres"),
    )
    assert "Rounded" in text
    assert "other engines" not in text


def test_names_that_an_engine_quotes_with_backticks_stay_in_their_code() -> None:
    text = hover_text(
        '{"metrics": ["ROU‹cursor›ND(total_balance / 3) AS 셋"]}', target_dialects=("bigquery",)
    )
    (line,) = [each for each in text.splitlines() if each.startswith("- BigQuery")]
    assert line.startswith("- BigQuery: `` ROUND(")
    assert line.endswith("AS `셋` ``")

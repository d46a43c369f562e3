"""Completion in model files: keys and values by schema at every depth, names by what is defined."""

from __future__ import annotations

import pytest
from tests.support.ide import check_completion, completed

HEAD = """-- m.yml --
semantic_models:
  - name: orders
    table: bank('orders')
    entities:
      - {name: order, type: primary, expr: id}
      - {name: user, type: foreign, expr: user_id}
    dimensions:
      - {name: status, type: varchar, expr: stat_cd}
      - {name: ordered_at, type: date}
    measures:
      - {name: amount, type: integer, agg: sum, expr: amt}
"""
METRICS = """metrics:
  - {name: revenue, label: 매출, expr: SUM(orders__amount)}
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("‹cursor›", ["semantic_models", "metrics", "sources", "saved_queries"]),
        ("sem‹cursor›", ["semantic_models"]),
        ("semantic_models:\n  - ‹cursor›", ["name", "table", "entities"]),
        ("semantic_models:\n  - name: a\n    ‹cursor›", ["entities", "dimensions", "measures"]),
        ("semantic_models:\n  - name: a\n    en‹cursor›\n  - name: b\n", ["entities"]),
        ("semantic_models:\n  - name: a\n    entities:\n      - ‹cursor›", ["name", "type"]),
        (
            "semantic_models:\n  - name: a\n    entities:\n      - name: k\n        ‹cursor›",
            ["type"],
        ),
        ("semantic_models:\n  - name: a\n    entities:\n      - {name: k, ‹cursor›}", ["type"]),
        ("semantic_models:\n  - name: a\n    entities:\n      - {name: k, ‹cursor›", ["type"]),
        ("semantic_models:\n  - name: a\n    defaults:\n      ‹cursor›", ["agg_time_dimension"]),
        ("semantic_models:\n  - name: a\n    dimensions:\n    - name: d\n      ‹cursor›", ["type"]),
        (
            "semantic_models:\n  - name: a\n    dimensions:\n      - name: d\n"
            "        type_params:\n          ‹cursor›",
            ["time_granularity"],
        ),
        ("metrics:\n  - name: m\n    ‹cursor›", ["expr", "metric_type", "type_params"]),
        ("metrics:\n  - name: m\n    type_params:\n      ‹cursor›", ["measure", "numerator"]),
        (
            "metrics:\n  - name: m\n    type_params:\n      window:\n        ‹cursor›",
            ["partition_by", "order_by", "frame"],
        ),
        (
            "metrics:\n  - name: m\n    type_params:\n      window: {frame: {‹cursor›}}",
            ["type", "start", "end"],
        ),
        ("sources:\n  - name: s\n    tables:\n      - ‹cursor›", ["name"]),
        ("saved_queries:\n  - name: s\n    query_params:\n      ‹cursor›", ["metrics", "group_by"]),
        ("metrics:\n- name: m\n  ‹cursor›\n- name: n\n  expr: x", ["expr"]),
    ],
)
@pytest.mark.parametrize("crlf", [False, True])
def test_keys_by_schema(text: str, wanted: list[str], crlf: bool) -> None:
    check_completion(f"-- m.yml --\n{text}", has=wanted, crlf=crlf)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "semantic_models:\n  - name: a\n    entities:\n      - name: k\n        type: ‹cursor›",
            ["primary", "foreign", "unique", "natural"],
        ),
        (
            "semantic_models:\n  - name: a\n    entities:\n      - {name: k, type: f‹cursor›}",
            ["foreign"],
        ),
        (
            'semantic_models:\n  - name: a\n    entities:\n      - {name: k, type: "f‹cursor›"}',
            ["foreign"],
        ),
        (
            "semantic_models:\n  - name: a\n    dimensions:\n      - name: k\n"
            "        type: ‹cursor›\n        expr: x",
            ["date", "varchar", "categorical"],
        ),
        (
            "semantic_models:\n  - name: a\n    measures:\n      - name: k\n        agg: ‹cursor›",
            ["sum", "count_distinct"],
        ),
        (
            "semantic_models:\n  - name: a\n    dimensions:\n      - {name: k, type: date,"
            " type_params: {time_granularity: ‹cursor›}}",
            ["day", "month"],
        ),
        ("metrics:\n  - name: m\n    metric_type: ‹cursor›", ["simple", "ratio", "derived"]),
        (
            "metrics:\n  - name: m\n    type_params:\n      window: {frame: {type: ‹cursor›}}",
            ["ROWS", "RANGE"],
        ),
        (
            "semantic_models:\n  - name: a\n    measures:\n      - name: k\n"
            "        create_metric: ‹cursor›",
            ["true", "false"],
        ),
    ],
)
def test_values_by_schema(text: str, wanted: list[str]) -> None:
    check_completion(f"-- m.yml --\n{text}", has=wanted)


def test_required_keys_come_first_and_present_ones_not_again() -> None:
    check_completion(
        "-- m.yml --\nsemantic_models:\n  - name: a\n    entities:\n      - {name: k, ‹cursor›}",
        first=["type"],
        absent=["name"],
    )


@pytest.mark.parametrize(
    "expr",
    [
        "‹cursor›",
        "SUM(orders__am‹cursor›",
        "SUM(orders__am‹cursor›)",
        '"SUM(orders__am‹cursor›)"',
        "|\n      SUM(\n        orders__am‹cursor›",
        ">-\n      SUM(orders__am‹cursor›)",
    ],
)
def test_measures_inside_the_sql_of_a_metric(expr: str) -> None:
    check_completion(f"{HEAD}metrics:\n  - name: m\n    expr: {expr}\n", has=["orders__amount"])


def test_metrics_and_functions_inside_the_sql_of_a_metric() -> None:
    check_completion(f"{HEAD}{METRICS}  - name: m\n    expr: rev‹cursor›", first=["revenue"])
    check_completion(f"{HEAD}{METRICS}  - name: m\n    expr: 매‹cursor›", first=["revenue"])
    check_completion(
        f"{HEAD}{METRICS}  - name: m\n    expr: revenue / NULLI‹cursor›", first=["NULLIF"]
    )
    check_completion(f"{HEAD}{METRICS}  - name: m\n    expr: ‹cursor›", absent=["m"])


def test_filters_of_metrics_take_dimensions() -> None:
    text = f"{HEAD}{METRICS}  - name: m\n    filter: orders__st‹cursor›"
    check_completion(text, first=["orders__status"])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  - name: m\n    type_params:\n      measure: ‹cursor›", "amount"),
        ("  - name: m\n    type_params:\n      measure: {name: am‹cursor›}", "amount"),
        ("  - name: m\n    type_params:\n      numerator: ‹cursor›", "revenue"),
        ("  - name: m\n    type_params:\n      metrics:\n        - ‹cursor›", "revenue"),
        ("  - name: m\n    type_params:\n      metrics:\n        - name: r‹cursor›", "revenue"),
        ("  - name: m\n    type_params:\n      metrics: [re‹cursor›]", "revenue"),
        ("  - name: m\n    type_params: {window: {partition_by: [‹cursor›]}}", "orders__status"),
        (
            "  - name: m\n    type_params: {window: {order_by: [orders__o‹cursor›]}}",
            "orders__ordered_at",
        ),
        ("saved_queries:\n  - name: s\n    query_params:\n      metrics: [‹cursor›]", "revenue"),
    ],
)
def test_names_that_metrics_take(text: str, wanted: str) -> None:
    check_completion(f"{HEAD}{METRICS}{text}\n", has=[wanted])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  - name: b\n    entities:\n      - {name: ‹cursor›, type: foreign}", "order"),
        ("  - name: b\n    entities:\n      - name: or‹cursor›", "order"),
        ("  - name: b\n    table: ‹cursor›", "bank('orders')"),
        ("  - name: b\n    table: ba‹cursor›", "bank('orders')"),
        (
            "  - name: b\n    dimensions: [{name: d, type: date}]\n"
            "    agg_time_dimension: ‹cursor›",
            "d",
        ),
        (
            "  - name: b\n    dimensions: [{name: d, type: date}]\n    defaults:\n"
            "      agg_time_dimension: ‹cursor›",
            "d",
        ),
    ],
)
def test_names_that_models_take(text: str, wanted: str) -> None:
    sources = "-- sources.yml --\nsources:\n  - name: bank\n    tables: [{name: orders}]\n"
    check_completion(f"{sources}{HEAD}{text}\n", has=[wanted])


def test_a_time_dimension_is_one_of_the_same_model() -> None:
    check_completion(
        f"{HEAD}  - name: b\n    agg_time_dimension: ‹cursor›\n", absent=["ordered_at", "status"]
    )


def test_columns_that_the_model_uses_are_offered_in_expr() -> None:
    check_completion(
        HEAD.replace("expr: amt", "expr: ‹cursor›"),
        has=["stat_cd", "id"],
        absent=["orders__amount"],
    )


def test_a_new_item_is_offered_whole() -> None:
    check_completion("-- m.yml --\nsemantic_models:\n  - ‹cursor›", has=["semantic model"])
    check_completion("-- m.yml --\nmetrics:\n  - ‹cursor›", has=["simple metric", "ratio metric"])
    text = "-- m.yml --\nsemantic_models:\n  - name: a\n    dimensions:\n      - ‹cursor›"
    check_completion(text, has=["dimension", "time dimension"])
    assert "      - name: ${1:name}\n        type: " in completed(text, "dimension")


def test_nothing_is_offered_in_comments_and_free_text() -> None:
    assert not check_completion("-- m.yml --\nmetrics:\n  # na‹cursor›\n  - name: a")
    assert not check_completion("-- m.yml --\nmetrics:\n  - name: a\n    description: na‹cursor›")

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
    "text",
    [
        "services:\n  web:\n    image: x\n‹cursor›",
        "version: 3\nservices:\n  web: {}\nm‹cursor›",
        "on: push\n‹cursor›\njobs: {}\n",
    ],
)
def test_nothing_is_offered_in_yaml_about_something_else(text: str) -> None:
    assert check_completion(f"-- other.yml --\n{text}") == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("‹cursor›", ["semantic_models", "metrics", "sources", "saved_queries"]),
        ("sem‹cursor›", ["semantic_models"]),
        ("version: 2\n‹cursor›", ["semantic_models", "metrics"]),
        ("vars: {}\nmodels: []\n‹cursor›", ["semantic_models", "metrics"]),
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


# Half-typed places

SOURCES = """\
sources:
  - name: bank
    schema: core
    tables: [{name: orders}, {name: users}]
"""


@pytest.mark.parametrize("crlf", [False, True])
@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("semantic_models:\n  ‹cursor›", "semantic model"),
        ("semantic_models:\n  - name: a\n    dimensions:\n      ‹cursor›", "time dimension"),
        ("metrics:\n  ‹cursor›", "conversion metric"),
        ("metrics:\n  - ‹cursor›", "window metric"),
        ("saved_queries:\n  ‹cursor›", "saved query"),
        ("models:\n  - ‹cursor›", "time spine"),
    ],
)
def test_a_list_offers_whole_items_with_and_without_a_dash(
    text: str, label: str, crlf: bool
) -> None:
    check_completion(text, has=[label], crlf=crlf)


def test_an_item_that_begins_a_list_brings_its_dash() -> None:
    after = completed("metrics:\n  ‹cursor›", "simple metric")
    assert after.startswith("metrics:\n  - name: ${1:name}\n    metric_type: simple\n")


@pytest.mark.parametrize(
    ("value", "has", "absent"),
    [
        ("bank('‹cursor›", ["orders", "users"], ["bank('orders')"]),
        ("bank('‹cursor›')", ["orders", "users"], []),
        ("bank(‹cursor›", ["orders"], []),
        ("source('‹cursor›", ["bank"], ["orders"]),
        ("source('bank', '‹cursor›", ["users"], ["bank"]),
    ],
)
def test_inside_a_source_its_tables_are_offered(
    value: str, has: list[str], absent: list[str]
) -> None:
    text = f"-- s.yml --\n{SOURCES}-- m.yml --\nsemantic_models:\n  - name: a\n    table: {value}"
    check_completion(text, has=has, absent=absent)


def test_a_model_of_dbt_offers_references() -> None:
    text = "semantic_models:\n  - {name: a, model: ref('raw_orders')}\n  - name: b\n    model: %s"
    check_completion(text % "‹cursor›", has=["ref('raw_orders')"])
    check_completion(text % "ref('‹cursor›", first=["raw_orders"])


def test_in_a_metric_comes_first_what_can_stand_there() -> None:
    text = f"{HEAD}{METRICS}  - name: mine\n    expr: %s"
    check_completion(text % "‹cursor›", first=["revenue"], absent=["mine", "true"])
    check_completion(text % "SUM(‹cursor›", first=["orders__amount"], absent=["revenue"])
    check_completion(text % '"SUM(‹cursor›)"', first=["orders__amount"])
    check_completion(text % "|\n      SUM(‹cursor›)", first=["orders__amount"])
    check_completion(text % "revenue ‹cursor›", absent=["revenue", "SUM"])
    filtered = f"{HEAD}{METRICS}  - name: mine\n    expr: revenue\n    filter: ‹cursor›"
    check_completion(filtered, first=["orders__ordered_at", "orders__status"])


def test_functions_of_models_are_words_of_sql() -> None:
    text = HEAD + "    dimensions:\n      - name: d\n        expr: ‹cursor›"
    kinds = {item.label: (item.kind, item.insert) for item in check_completion(text)}
    assert kinds["CASE"] == ("keyword", "CASE")
    assert kinds["CURRENT_DATE"] == ("function", "CURRENT_DATE()")
    assert "true" not in kinds


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("simple", ["measure"]),
        ("ratio", ["numerator", "denominator"]),
        ("derived", ["expr", "metrics"]),
        ("conversion", ["conversion_type_params"]),
    ],
)
def test_the_parameters_of_a_metrics_kind_come_first(kind: str, first: list[str]) -> None:
    text = f"metrics:\n  - name: m\n    metric_type: {kind}\n    type_params:\n      ‹cursor›"
    items = check_completion(text, first=first)
    assert items[0].detail == f"for a {kind} metric"


def test_a_metric_does_not_stand_on_itself() -> None:
    text = (
        f"{HEAD}{METRICS}  - name: mine\n    type: ratio\n    type_params: {{numerator: ‹cursor›}}"
    )
    check_completion(text, has=["revenue"], absent=["mine"])


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("window: ‹cursor›", "7 days"),
        ("metrics: [{name: a, offset_window: ‹cursor›}]", "7 days"),
        ("metrics: [{name: a, offset_to_grain: ‹cursor›}]", "day"),
        ("grain_to_date: ‹cursor›", "day"),
        ("window: {frame: {type: ‹cursor›}}", "ROWS"),
        ("window: {frame: {type: ROWS, start: ‹cursor›}}", "UNBOUNDED PRECEDING"),
        ("window: {frame: {type: ROWS, end: ‹cursor›}}", "CURRENT ROW"),
        ("window: {order_by: [orders__ordered_at__‹cursor›]}", "orders__ordered_at__day"),
    ],
)
def test_values_of_times_and_frames_are_offered(key: str, first: str) -> None:
    text = f"{HEAD}metrics:\n  - name: m\n    type_params: {{{key}}}"
    check_completion(text, first=[first], absent=["rows"])


def test_groupings_of_a_measure_are_entities() -> None:
    text = HEAD + "      - name: x\n        non_additive_dimension: {window_groupings: [‹cursor›]}"
    check_completion(text, has=["order", "user"], absent=["ordered_at"])


@pytest.mark.parametrize(
    ("item", "has"),
    [
        ("‹cursor›", ["TimeDimension('metric_time', 'month')", "Dimension('order__status')"]),
        ("Dimension('‹cursor›')", ["order__status"]),
        ("TimeDimension('order__ordered_at', '‹cursor›')", ["day", "week"]),
        ("orders__ordered_at__‹cursor›", ["orders__ordered_at__month"]),
    ],
)
def test_saved_queries_are_grouped_by_calls_or_names(item: str, has: list[str]) -> None:
    query = f"  - name: q\n    query_params:\n      group_by:\n        - {item}"
    check_completion(f"{HEAD}saved_queries:\n{query}", has=has)


def test_templates_of_filters_are_completed() -> None:
    text = f"{HEAD}{METRICS}  - name: mine\n    expr: revenue\n    filter: |\n      {{{{ %s"
    check_completion(text % "‹cursor›", first=["Dimension"], absent=["revenue"])
    check_completion(text % "Dimension('‹cursor›') }}", has=["order__status"])

"""What the pages of the rules of query files have no room for: near misses and other fixes."""

from __future__ import annotations

import unicodedata

import pytest

from smq.problem import Severity
from smq.rules.check import Finding, check
from smq.syntax import Document
from smq.text import apply_edits
from smq.workspace import Configuration, build

MODELS = """\
semantic_models:
  - name: orders
    table: shop.orders
    entities:
      - {name: order, type: primary, expr: order_id}
    dimensions:
      - {name: day, type: date}
      - {name: city, type: varchar}
metrics:
  - {name: order_count, expr: COUNT(DISTINCT orders__order)}
"""


def findings(text: str, code: str, uri: str = "q.smq.json") -> list[Finding]:
    """What one rule finds in a file, the rule turned on where it is off."""
    documents = [Document("models.yml", MODELS)] if uri != "models.yml" else []
    documents.append(Document(uri, text))
    configuration = Configuration(severities=((code, Severity.WARNING),))
    return [found for found in check(build(documents, configuration), [uri]) if found.code == code]


def fixed(text: str, code: str, uri: str = "q.smq.json") -> list[str]:
    """The text after each fix that is offered for the only finding of a rule."""
    (found,) = findings(text, code, uri)
    return [apply_edits(text, fix.edits) for fix in found.fixes]


def test_decomposed_names_in_models_are_found_and_composed() -> None:
    name = unicodedata.normalize("NFD", "부점코드")
    text = MODELS.replace("order_count", name)
    (after,) = fixed(text, "QRY110", "models.yml")
    assert after == MODELS.replace("order_count", "부점코드")


def test_prose_in_models_may_be_written_in_any_form() -> None:
    prose = unicodedata.normalize("NFD", "영업점")
    text = MODELS.replace("    table:", f"    description: {prose}\n    table:")
    assert findings(text, "QRY110", "models.yml") == []


def test_a_decomposed_escape_is_composed() -> None:
    text = '{"metrics": ["order_count"], "groupBy": ["\\u1107\\u116e"]}'
    assert fixed(text, "QRY110") == ['{"metrics": ["order_count"], "groupBy": ["부"]}']


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('{"metrics": ["order_count"]}\n', 0),
        ('\ufeff{"metrics": ["order_count"]}', 1),
        ('/* a */{"metrics": ["order_count",],} // b', 4),
    ],
)
def test_strict_json(text: str, count: int) -> None:
    found = findings(text, "QRY111")
    assert len(found) == count
    edits = [edit for each in found for edit in each.fixes[0].edits]
    assert apply_edits(text, edits).strip() == '{"metrics": ["order_count"]}'


def test_of_two_spellings_with_equal_lists_one_goes() -> None:
    text = '{"metrics": ["order_count"], "group_by": ["orders__day"], "groupBy": ["orders__day"]}'
    assert fixed(text, "QRY106") == ['{"metrics": ["order_count"], "groupBy": ["orders__day"]}']


def test_an_unknown_key_is_not_renamed_to_one_that_is_there() -> None:
    text = '{"metrics": ["order_count"], "filters": [], "where": []}'
    assert fixed(text, "QRY103") == ['{"metrics": ["order_count"], "filters": []}']


def test_joins_that_do_not_continue_each_other_have_no_fix() -> None:
    text = '{"metrics": ["order_count"], "joins": ["FROM orders", "FROM orders o"]}'
    assert fixed(text, "QRY115") == []


@pytest.mark.parametrize("group", ["orders__at", "orders__at__day"])
def test_a_metrics_window_may_name_the_grain_that_a_time_has_anyway(group: str) -> None:
    models = MODELS.replace(
        "metrics:\n",
        "metrics:\n  - {name: total, expr: SUM(order_count) OVER (ORDER BY orders__at__day)}\n",
    ).replace(
        "    dimensions:\n",
        "    dimensions:\n      - {name: at, type: time, type_params: {time_granularity: day}}\n",
    )
    text = f'{{"metrics": ["total"], "groupBy": ["{group}"]}}'
    documents = [Document("models.yml", models), Document("q.smq.json", text)]
    assert [f.message for f in check(build(documents, Configuration()), ["q.smq.json"])] == []


def test_a_window_that_a_template_cannot_compute_for_each_entity_is_told() -> None:
    models = MODELS.replace(
        "metrics:\n",
        "metrics:\n  - {name: running, expr: SUM(order_count) OVER (ORDER BY orders__day)}\n",
    )
    text = """{"metrics": ["order_count"],
      "filters": ["{{ Metric('running', group_by=['order']) }} > 1"]}"""
    documents = [Document("models.yml", models), Document("q.smq.json", text)]
    (found,) = check(build(documents, Configuration()), ["q.smq.json"])
    assert (found.code, found.location.span.cut(text)[:10]) == ("EXP112", "{{ Metric(")
    assert "the window of 'running' needs 'orders__day'" in found.message


def test_a_key_is_added_before_the_first_one_where_the_bracket_is_missing() -> None:
    text = """{
  "metrics": ["order_count"],
  "groupBy"} ["orders__city"],
  "orderBy": ["-order_count", "orders__city"]
}
"""
    (after,) = fixed(text, "NAM122")
    assert '"groupBy": ["orders__city"], "orderBy": [' in after


def test_a_template_does_not_choose_between_two_tables_of_one_model() -> None:
    joins = (
        "FROM orders JOIN orders a ON orders__order = a.order JOIN orders b ON a.order = b.order"
    )
    text = """{"metrics": ["order_count"],
      "filters": ["{{ TimeDimension('order__day', 'year') }} > '2024-01-01'"], "joins": ["%s"]}"""
    twice = joins.replace("orders__order", "o.order").replace("FROM orders", "FROM orders o")
    first, *_ = fixed(text % twice, "JOI114")[:1] or [""]
    assert "o__day__year > '2024-01-01'" in first
    assert findings(text % joins, "JOI114") == []


def test_a_limit_over_an_expression_offers_no_order() -> None:
    text = '{"metrics": ["order_count + 1 AS x"], "groupBy": ["orders__day"], "limit": 1}'
    assert fixed(text, "QRY109") == []


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("SYN101", '{"a: 1}', '{"a": 1}'),
        ("SYN101", "{'a: 1}", '{"a": 1}'),
        ("SYN102", '[{"a": 1, {"b": 2}]', '[{"a": 1}, {"b": 2}]'),
        ("SYN102", '{"a": ["x", // c\n "b": 1}', '{"a": ["x"], // c\n "b": 1}'),
        ("SYN103", '{"a": ["x"; "y"]}', '{"a": ["x", "y"]}'),
        ("SYN103", '{"a": [2024"x"]}', '{"a": [2024,"x"]}'),
        ("SYN104", '{"a" => 1}', '{"a" : 1}'),
        ("SYN104", '{"a"["x > 1"], "b": 1}', '{"a":["x > 1"], "b": 1}'),
        ("SYN110", '{"a": ["x"", "y"]}', '{"a": ["x", "y"]}'),
        ("SYN110", '{"a": [""x", "y"]}', '{"a": ["x", "y"]}'),
        ("SYN110", '{"a"": ["x"]}', '{"a": ["x"]}'),
        ("SYN107", "{'it\\'s \"x\"': 1}", '{"it\'s \\"x\\"": 1}'),
        ("SYN107", '{"a": “x”}', '{"a": "x"}'),
        ("SYN108", '{"a": ["x", y", "z"]}', '{"a": ["x", "y", "z"]}'),
        ("SYN109", '{"a": .5}', '{"a": 0.5}'),
        ("SYN111", '{"a": 1}, // c\n{"b": 2}', '[{"a": 1}, // c\n{"b": 2}]'),
        ("SYN113", '{"a": "\t\\t\x01"}', '{"a": "\\t\\t\\u0001"}'),
        ("SYN121", '{"a": ["x = "y" \\"z\\"", "b"]}', '{"a": ["x = \\"y\\" \\"z\\"", "b"]}'),
        ("SYN122", '"a": 1,\n"b": 2', '{"a": 1,\n"b": 2}'),
        ("SYN124", '{"a":\u200b 1}', '{"a": 1}'),
        ("QRY112", '{"a": 1, // c\n"b": 2, "a": 3}', '{// c\n"b": 2, "a": 3}'),
    ],
)
def test_the_first_fix_of_a_syntax_fault(code: str, text: str, expected: str) -> None:
    assert fixed(text, code)[0] == expected


def test_words_that_have_no_json_are_not_replaced() -> None:
    assert fixed('{"a": NaN}', "SYN109") == []
    assert fixed('{"a": 010}', "SYN109") == []

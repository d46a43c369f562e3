"""Refactorings change texts and no number: over the examples every one is made and its rows run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date, datetime

import pytest
import yaml
from tests.support.examples import EXAMPLES
from tests.support.ide import actions_at, applied, assert_nothing_new, check_action, marked

from smq.ide.actions import Action, actions
from smq.ide.index import mentions
from smq.ide.queries import compiled
from smq.problem import Severity
from smq.rules.check import check
from smq.text import Span
from smq.workspace import Change, Snapshot
from smq_metasync.connect import connect
from smq_metasync.engines import Engine
from smq_server.io.workspace import open_workspace

Sqls = dict[tuple[str, int], str]

# Beside what the examples hold: what their models and queries happen not to say.
MORE = {
    "bank": {
        "more.smq.json": """[
  {"metrics": ["예대율"], "groupBy": ["계좌잔액__base_dt__month"], "orderBy": ["-예대율"]},
  {"metrics": ["fee_revenue", "txn_count"], "groupBy": ["계좌정보__acct_stcd"],
   "filters": ["거래내역__chnl_nm = '모바일'", "fee_revenue > 10"], "orderBy": ["-fee_revenue"]},
  {"metrics": ["txn_count"], "filters": ["거래내역__chnl_nm = '모바일'"]}
]
""",
    },
    "shop": {
        "more.smq.json": """[
  {"metrics": ["average_order_value"], "groupBy": ["stores__store_name"],
   "filters": ["average_order_value > 20", "orders__status = 'completed'"]},
  {"metrics": ["net_revenue * 2 AS twice"], "groupBy": ["orders__ordered_at__month"]},
  {"metrics": ["order_count"], "filters": ["orders__status = 'completed'"]}
]
""",
        "views.yml": """\
semantic_models:
  - name: baskets
    table: ref('orders')
    entities:
      - {name: order, type: primary, expr: order_id}
    dimensions:
      - {name: is_big, type: boolean, expr: subtotal > 80}
    measures:
      - {name: discounts, type: decimal, agg: sum, expr: subtotal * 0.1}
metrics:
  - {name: rebate, metric_type: simple, expr: SUM(baskets__discounts)}
  - {name: rebate_share, metric_type: derived, expr: "rebate / NULLIF(revenue, 0)"}
""",
        "even_more.smq.json": """[
  {"metrics": ["rebate_share"], "groupBy": ["orders__is_large", "orders__status"]},
  {"metrics": ["rebate"], "groupBy": ["baskets__is_big"]}
]
""",
    },
}


@pytest.fixture(scope="module", params=["bank", "shop"])
def example(request: pytest.FixtureRequest) -> Iterator[tuple[Snapshot, Engine]]:
    workspace = open_workspace(EXAMPLES / request.param, os.environ)
    root = workspace.snapshot.configuration.root
    snapshot = workspace.snapshot.apply(
        Change(f"{root}/{name}", text) for name, text in MORE[request.param].items()
    )
    engine = connect(snapshot.configuration.engine, EXAMPLES / request.param, os.environ)
    yield snapshot, engine
    engine.close()


def sqls(snapshot: Snapshot) -> Sqls:
    found: Sqls = {}
    for uri in snapshot.uris:
        for query in snapshot.queries(uri):
            result = compiled(snapshot, query)
            assert result.queries, (uri, query.index, result.problems)
            found[uri, query.index] = result.queries[0].sql
    return found


def rows(engine: Engine, sql: str) -> list[str]:
    return sorted(repr([_plain(cell) for cell in row]) for row in engine.run(sql).rows)


def _plain(cell: object) -> object:
    """A value without its type: dbt's dialect does not tell a date from the moment it begins."""
    if isinstance(cell, float):
        return round(cell, 9)
    return datetime(*cell.timetuple()[:6]) if isinstance(cell, date) else cell


def all_actions(snapshot: Snapshot) -> Iterator[tuple[str, Action]]:
    """Every refactoring at every name, each once."""
    seen = set()
    for uri in snapshot.uris:
        for mention in mentions(snapshot, uri):
            at = Span(mention.span.start, mention.span.start)
            for action in actions(snapshot, uri, at, ()):
                if action.kind.startswith("refactor") and action.edits not in seen:
                    seen.add(action.edits)
                    yield uri, action


def test_no_refactoring_changes_a_row(example: tuple[Snapshot, Engine]) -> None:
    snapshot, engine = example
    before = sqls(snapshot)
    kinds: dict[str, int] = {}
    for uri, action in all_actions(snapshot):
        texts = applied(snapshot, action.edits)
        after_snapshot = snapshot.apply([Change(name, text) for name, text in texts.items()])
        after = sqls(after_snapshot)
        assert after.keys() == before.keys()
        if "other rows may come" in action.title:
            continue
        for key in before:
            if before[key] != after[key]:
                assert rows(engine, before[key]) == rows(engine, after[key]), (uri, action.title)
        kinds[action.kind] = kinds.get(action.kind, 0) + 1
    assert kinds["refactor.inline"] > 3
    assert kinds["refactor.extract"] > 3
    assert kinds["refactor.rewrite"] >= 1


_MODELS = """\
-- models.yml --
semantic_models:
  - name: orders
    table: shop.orders
    entities: [{name: ord, type: primary, expr: id}]
    dimensions:
      - {name: status, type: varchar}
    measures: [{name: amount, type: integer, agg: sum}, {name: n, type: integer, agg: count}]
  - name: baskets
    table: shop.orders
    entities: [{name: ord, type: primary, expr: id}]
    dimensions:
      # how it came
      - name: channel
        type: varchar
        expr: ch
metrics:
  - {name: revenue, expr: SUM(orders__amount)}
  - {name: order_count, expr: COUNT(orders__n)}
  - name: aov
    expr: revenue / NULLIF(order_count, 0)
  - name: twice
    expr: 2 * aov
  - name: single
    expr: '2 * aov'
"""


def test_a_derived_metric_is_inlined_in_a_query_under_another_name() -> None:
    texts = check_action(_MODELS + '-- q.smq.json --\n{"metrics": ["a‹cursor›ov"]}', "Inline 'aov'")
    assert texts == {"q.smq.json": '{"metrics": ["revenue / NULLIF(order_count, 0) AS aov_value"]}'}


def test_inside_an_expression_it_is_parenthesised() -> None:
    text = '-- q.smq.json --\n{"metrics": ["aov"], "filters": ["3 * a‹cursor›ov > 2"'
    texts = check_action(_MODELS + text, "Inline 'aov'")
    assert "3 * (revenue / NULLIF(order_count, 0)) > 2" in texts["q.smq.json"]


def test_the_quotes_of_a_name_go_with_it() -> None:
    models = _MODELS.replace("name: aov", "name: select").replace("2 * aov", '2 * "select"')
    text = r"""-- q.smq.json --
{"metrics": ["revenue"], "filters": ["3 * \"sel‹cursor›ect\" > 2"]"""
    texts = check_action(models + text, "Inline 'select'")
    assert '"3 * (revenue / NULLIF(order_count, 0)) > 2"' in texts["q.smq.json"]
    text = '-- q.smq.json --\n{"metrics": ["single‹cursor›"]}'
    texts = check_action(models + text, "Inline 'single'")
    assert r'["2 * \"select\" AS single_value"]' in texts["q.smq.json"]


def test_a_metric_does_not_take_its_name_from_a_column_of_another_query() -> None:
    text = """\
-- q.smq.json --
{"metrics": ["revenue * 2 AS cal‹cursor›c"], "orderBy": ["calc"]}
-- other.smq.json --
{"metrics": ["order_count + 1 AS calc"]}
"""
    texts = check_action(_MODELS + text, "Extract into a metric 'calc_value'")
    assert texts["q.smq.json"].startswith(
        '{"metrics": ["calc_value AS calc"], "orderBy": ["calc"]}'
    )


def test_what_aggregates_cannot_be_inlined_in_a_query_but_in_a_metric() -> None:
    text = '-- q.smq.json --\n{"metrics": ["rev‹cursor›enue"]}'
    with pytest.raises(AssertionError):
        check_action(_MODELS + text, "Inline")
    inner = _MODELS.replace("expr: revenue /", "expr: rev‹cursor›enue /")
    texts = check_action(inner, "Inline 'revenue'")
    assert "expr: (SUM(orders__amount)) / NULLIF(order_count, 0)" in texts["models.yml"]
    quoted = _MODELS.replace("'2 * aov'", "'2 * a‹cursor›ov'")
    texts = check_action(quoted, "Inline 'aov'")
    assert "expr: '2 * (revenue / NULLIF(order_count, 0))'" in texts["models.yml"]


def test_a_filter_becomes_a_metric_in_every_query_that_repeats_it() -> None:
    text = """\
-- a.smq.json --
{"metrics": ["revenue"], "groupBy": ["orders__status"],
 "filters": ["orders__‹cursor›status = 'paid'"], "orderBy": ["-revenue"]}
-- b.smq.json --
[{"metrics": ["revenue"], "filters": ["orders__status = 'paid'", "revenue > 5"]},
 {"metrics": ["order_count"], "filters": ["orders__status = 'paid'"]}]
"""
    title = "Move the filter into 'revenue_paid' in 2 queries"
    texts = check_action(_MODELS + text, title)
    assert "filter: orders__status = 'paid'" in texts["models.yml"]
    assert '"metrics": ["revenue_paid"]' in texts["a.smq.json"]
    assert '"orderBy": ["-revenue_paid"]' in texts["a.smq.json"]
    assert '["revenue_paid"], "filters": ["revenue_paid > 5"]' in texts["b.smq.json"]
    assert '["order_count"], "filters": ["orders__status = \'paid\'"]' in texts["b.smq.json"]


def test_a_filter_over_metrics_stays_where_it_is() -> None:
    text = '-- q.smq.json --\n{"metrics": ["revenue"], "filters": ["rev‹cursor›enue > 5"]}'
    with pytest.raises(AssertionError):
        check_action(_MODELS + text, "Move the filter")


def test_a_dimension_moves_between_models_of_one_table_with_its_comment_left_in_place() -> None:
    text = _MODELS.replace("- name: channel", "- name: chan‹cursor›nel")
    query = """\
-- q.smq.json --
{"metrics": ["revenue"], "groupBy": ["baskets__channel"], "filters": ["baskets__channel <> 'x'"]}
"""
    texts = check_action(text + query, "Move dimension 'channel' to 'orders'")
    assert texts["q.smq.json"].count("orders__channel") == 2
    assert (
        "      - {name: status, type: varchar}\n"
        "      - name: channel\n        type: varchar\n        expr: ch\n"
    ) in texts["models.yml"]


def test_a_dimension_does_not_move_to_another_table() -> None:
    text = _MODELS.replace("- name: channel", "- name: chan‹cursor›nel")
    text = text.replace("table: shop.orders\n    entities", "table: shop.other\n    entities", 1)
    with pytest.raises(AssertionError):
        check_action(text, "Move dimension")


def test_refactorings_of_the_bank_leave_no_new_finding() -> None:
    workspace = open_workspace(EXAMPLES / "bank", os.environ)
    for _, action in all_actions(workspace.snapshot):
        if action.kind in ("refactor.inline", "refactor.move"):
            assert_nothing_new(workspace.snapshot, action.edits)


# Between the two ways to write a model.


def test_a_model_is_written_in_dbts_dialect_and_back() -> None:
    ours = """\
semantic_models:
  - name: ord‹cursor›ers
    table: shop('orders')  # where it is
    entities: [{name: ord, type: primary, expr: id}]
    dimensions:
      - {name: status, type: varchar}
      - name: day
        type: date
        label: 주문일
    measures:
      - {name: amount, type: integer, expr: amt}
"""
    there = check_action(f"-- m.yml --\n{ours}", "Write 'orders' in dbt's dialect")["m.yml"]
    assert (
        there
        == """\
semantic_models:
  - name: orders
    model: source('shop', 'orders')  # where it is
    entities: [{name: ord, type: primary, expr: id}]
    dimensions:
      - {name: status, type: categorical}
      - name: day
        type: time
        type_params: {time_granularity: day}
        label: 주문일
    measures:
      - {name: amount, agg: sum, expr: amt}
"""
    )
    marked = there.replace("orders\n    model", "ord‹cursor›ers\n    model")
    back = check_action(f"-- m.yml --\n{marked}", "Write 'orders' in the SMQ dialect")["m.yml"]
    assert "table: source('shop', 'orders')  # where it is" in back
    assert "type: timestamp\n        type_params: {time_granularity: day}" in back
    assert "{name: status, type: varchar}" in back


def test_defaults_of_a_dbt_model_become_each_measures_own() -> None:
    text = """\
-- m.yml --
semantic_models:
  - name: ord‹cursor›ers
    model: ref('orders')
    defaults:
      agg_time_dimension: day
    entities: [{name: ord, type: primary, expr: id}]
    dimensions:
      - {name: day, type: time, type_params: {time_granularity: day}}
    measures:
      - name: amount
        agg: sum
      - {name: n, agg: count, agg_time_dimension: day}
"""
    there = check_action(text, "Write 'orders' in the SMQ dialect")["m.yml"]
    assert "defaults" not in there
    assert "- name: amount\n        agg_time_dimension: day\n        agg: sum" in there


def test_a_model_whose_own_time_a_metric_needs_stays_in_dbts_dialect() -> None:
    text = """\
-- m.yml --
semantic_models:
  - name: ord‹cursor›ers
    model: ref('orders')
    defaults: {agg_time_dimension: day}
    entities: [{name: ord, type: primary, expr: id}]
    dimensions:
      - {name: day, type: time, type_params: {time_granularity: day}}
      - {name: sent, type: time, type_params: {time_granularity: day}}
    measures: [{name: amount, agg: sum}]
metrics: [{name: orders_placed, expr: COUNT(DISTINCT orders__ord)}]
"""
    with pytest.raises(AssertionError):
        check_action(text, "Write 'orders' in the SMQ dialect")


def test_a_type_that_dbt_does_not_tell_is_not_guessed_against_what_is_summed() -> None:
    text = """\
-- m.yml --
semantic_models:
  - name: ord‹cursor›ers
    model: ref('orders')
    entities: [{name: ord, type: primary, expr: id}]
    dimensions: [{name: tier, type: categorical}]
    measures: [{name: amount, agg: sum}]
metrics: [{name: tiers, expr: SUM(orders__tier)}]
"""
    with pytest.raises(AssertionError):
        check_action(text, "Write 'orders' in the SMQ dialect")
    check_action(text.replace("SUM", "MAX"), "Write 'orders' in the SMQ dialect")


# What is missing.


def test_a_missing_measure_is_created_where_the_metric_looks_for_it() -> None:
    text = _MODELS.replace("SUM(orders__amount)", "SUM(orders__ta‹cursor›x)")
    texts = check_action(text, "Create measure 'tax' in 'orders'")
    assert "{name: n, type: integer, agg: count}, {name: tax, agg: sum}]" in texts["models.yml"]
    text = _MODELS.replace("SUM(orders__amount)", "SUM(baskets__ta‹cursor›x)")
    texts = check_action(text, "Create measure 'tax' in 'baskets'")
    assert (
        "        expr: ch\n    measures:\n      - {name: tax, agg: sum}\nmetrics"
        in texts["models.yml"]
    )


def test_a_missing_dimension_is_created_where_the_query_looks_for_it() -> None:
    text = '-- q.smq.json --\n{"metrics": ["revenue"], "groupBy": ["orders__reg‹cursor›ion"]}'
    texts = check_action(_MODELS + text, "Create dimension 'region' in 'orders'")
    assert "      - {name: region, type: varchar}\n" in texts["models.yml"]


def _cured(text: str, title: str, code: str) -> str:
    """The file after the fix, which leaves no finding of the code and brings none of another."""
    here, found = actions_at(text)
    action = next((a for a in found if a.title == title), None)
    assert action is not None, [a.title for a in found]
    after = assert_nothing_new(here.snapshot, action.edits)
    assert [f.message for f in check(after) if f.code == code] == []
    return after.document(here.uri).text


def test_a_missing_metric_is_created_beside_the_one_that_names_it() -> None:
    text = _MODELS.replace("expr: 2 * aov", "expr: total_n‹cursor› - revenue")
    assert _cured(text, "Create metric 'total_n' as COUNT(orders__n)", "MET102").endswith(
        "    expr: '2 * aov'\n"
        "  - name: total_n\n    metric_type: simple\n    expr: COUNT(orders__n)\n"
    )


def test_the_nearest_name_comes_before_a_new_metric() -> None:
    _, found = actions_at(_MODELS.replace("expr: 2 * aov", "expr: 2 * revenu‹cursor›"))
    titles = [action.title for action in found if action.kind == "quickfix"]
    assert titles[0] == "Change to 'revenue'"
    assert "Create metric 'revenu' as SUM(orders__amount)" in titles[1:]


def test_a_missing_metric_in_a_file_without_models_counts_on_what_its_neighbours_do() -> None:
    text = _MODELS + (
        "-- metrics.yml --\n"
        "metrics: [{name: seen, expr: COUNT(orders__n)}, {name: half, expr: net‹cursor› / 2}]\n"
    )
    assert _cured(text, "Create metric 'net' as SUM(orders__amount)", "MET102").endswith(
        ", {name: net, metric_type: simple, expr: SUM(orders__amount)}]\n"
    )


_DBT = """\
semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: day}
    entities:
      - {name: ord, type: primary, expr: id}
    dimensions:
      - {name: day, type: time, type_params: {time_granularity: day}}
    measures:
      - {name: amount, agg: sum, label: Amount}
metrics:
  - name: revenue
    label: Revenue
    type: simple
    type_params:
      measure: amount
  - name: share
    label: Share
    type: ratio
    type_params:
      numerator: revenue
      denominator: gross
"""


def test_a_missing_metric_of_a_file_in_dbts_words_is_written_in_them() -> None:
    text = _DBT.replace("gross", "gro‹cursor›ss")
    assert _cured(text, "Create metric 'gross' as SUM(orders__amount)", "MET102") == _DBT + (
        "  - name: gross\n    label: Amount\n    type: simple\n    type_params:\n"
        "      measure: amount\n"
    )


def test_a_missing_measure_without_a_model_is_created_in_the_models_of_the_file() -> None:
    text = _DBT.replace("measure: amount", "measure: ta‹cursor›x").replace("gross", "revenue")
    assert "      - {name: tax, agg: sum}\n" in _cured(
        text, "Create measure 'tax' in 'orders'", "MET102"
    )
    text = _MODELS.replace("SUM(orders__amount)", "SUM(ta‹cursor›x)")
    for model in ("orders", "baskets"):
        assert "{name: tax, agg: sum}" in _cured(
            text, f"Create measure 'tax' in '{model}'", "MET102"
        )


_KEYLESS = """\
semantic_models:
  - name: orders
    table: shop.orders
    entities:
      - {name: ord, type: primary, expr: id}
      - {name: cus‹cursor›tomer, type: foreign, expr: customer_no}
  - name: people
    table: shop.people
    dimensions:
      - {name: customer_no, type: varchar, expr: nr}
  - name: visits
    table: shop.visits
    entities: [{name: visit, type: primary, expr: id}]
    dimensions:
      - {name: customer_no, type: varchar}
  - name: firms
    table: shop.firms
    entities: [{name: tax_code, type: unique, expr: code}]
    dimensions:
      - {name: customer, type: varchar}
"""


def test_a_key_that_no_model_has_is_declared_where_the_column_is() -> None:
    people = _cured(_KEYLESS, "Declare 'customer' as the primary entity of 'people'", "REF104")
    assert "    entities:\n      - {name: customer, type: primary, expr: nr}\n" in people
    firms = _cured(_KEYLESS, "Declare 'customer' as the primary entity of 'firms'", "REF104")
    assert "expr: code}, {name: customer, type: primary, expr: customer}]" in firms
    _, found = actions_at(_KEYLESS)
    # Visits say what their rows are, and customers are none of it.
    assert not any("'visits'" in action.title for action in found)


def test_a_key_is_declared_by_a_column_that_only_the_warehouse_knows() -> None:
    text = """\
-- m.yml --
semantic_models:
  - name: orders
    table: shop.orders
    entities:
      - {name: ord, type: primary, expr: id}
      - {name: cus‹cursor›tomer, type: foreign, expr: customer_no}
  - name: people
    table: shop.people
    dimensions:
      - {name: city, type: varchar}
-- warehouse.sql --
CREATE TABLE shop.orders (id INTEGER, customer_no INTEGER);
CREATE TABLE shop.people (customer_no INTEGER, city VARCHAR);
"""
    people = _cured(text, "Declare 'customer' as the primary entity of 'people'", "REF104")
    assert "      - {name: customer, type: primary, expr: customer_no}\n" in people


def test_what_a_window_sums_up_may_be_created_but_not_what_it_is_ordered_by() -> None:
    def titles(expr: str) -> list[str]:
        _, found = actions_at(_MODELS.replace("expr: 2 * aov", f"expr: {expr}"))
        return [a.title for a in found if a.title.startswith("Create")]

    assert titles("SUM(n‹cursor›et) OVER (ORDER BY metric_time)") == [
        "Create metric 'net' as SUM(orders__amount)"
    ]
    assert titles("SUM(revenue) OVER (ORDER BY mo‹cursor›on)") == []


def test_a_bare_name_in_a_metric_gets_its_model() -> None:
    text = _MODELS.replace("SUM(orders__amount)", "SUM(amo‹cursor›unt)")
    assert "expr: SUM(orders__amount)}" in _cured(text, "Change to 'orders__amount'", "MET102")
    text = _MODELS.replace("SUM(orders__amount)", "SUM(orders__amo‹cursor›unt)")
    assert not any(a.title.startswith("Change to") for a in actions_at(text)[1])


def test_a_bare_name_of_several_models_gets_any_of_them() -> None:
    text = _MODELS.replace("SUM(orders__amount)", "COUNT(DISTINCT o‹cursor›rd)")
    _, found = actions_at(text)
    titles = [a.title for a in found if a.title.startswith("Change to")]
    assert titles == ["Change to 'orders__ord'", "Change to 'baskets__ord'"]
    for title in titles:
        _cured(text, title, "MET109")


# Where a new metric belongs

_APART = """\
-- models/orders.yml --
semantic_models:
  - name: orders
    table: shop.orders
    entities: [{name: ord, type: primary, expr: id}]
    dimensions: [{name: status, type: varchar}]
    measures: [{name: amount, type: integer, agg: sum}, {name: tax, type: integer, agg: sum}]
-- metrics/sales.yml --
metrics:
  - name: revenue
    metric_type: simple
    expr: SUM(orders__amount)
-- metrics/dbt.yml --
metrics:
  - name: taxes
    label: Taxes
    type: simple
    type_params: {measure: tax}
"""


def test_an_extracted_metric_stands_beside_the_metric_it_is_made_of() -> None:
    query = '-- q.smq.json --\n{"metrics": ["revenue ‹cursor›- taxes AS net"]}\n'
    texts = check_action(_APART + query, "Extract into a metric 'net' in metrics/sales.yml")
    assert list(texts) == ["metrics/sales.yml", "q.smq.json"]
    (_, net) = yaml.safe_load(texts["metrics/sales.yml"])["metrics"]
    assert net == {"name": "net", "metric_type": "derived", "expr": "revenue - taxes"}


def test_beside_a_metric_in_words_of_dbt_it_is_in_words_of_dbt() -> None:
    query = '-- q.smq.json --\n{"metrics": ["taxes / ‹cursor›revenue AS share"]}\n'
    here = marked(_APART + query)
    texts = check_action(_APART + query, "Extract into a metric 'share' in metrics/dbt.yml")
    (_, share) = yaml.safe_load(texts["metrics/dbt.yml"])["metrics"]
    assert share["type"] == "derived"
    assert share["type_params"] == {
        "expr": "taxes / revenue",
        "metrics": [{"name": "taxes"}, {"name": "revenue"}],
    }
    after = here.snapshot.apply([Change(uri, text) for uri, text in texts.items()])
    assert not [each.message for each in check(after) if each.severity is Severity.ERROR]


def test_a_filter_becomes_a_metric_beside_its_original() -> None:
    condition = "orders__st‹cursor›atus = 'a'"
    query = f'-- q.smq.json --\n{{"metrics": ["revenue"], "filters": ["{condition}"]}}\n'
    texts = check_action(_APART + query, "Move the filter into")
    assert "metrics/sales.yml" in texts


@pytest.mark.parametrize("joins", ['["gds_cd"]', '["FROM nothing JOIN orders ON 1 = 1"]'])
def test_from_wrong_joins_one_can_go_back_to_automatic_ones(joins: str) -> None:
    query = f'-- q.smq.json --\n{{"metrics": ["reve‹cursor›nue"], "joins": {joins}}}\n'
    texts = check_action(_APART + query, "Use automatic joins")
    assert json.loads(texts["q.smq.json"]) == {"metrics": ["revenue"]}


_COUNTED = """\
-- m.yml --
semantic_models:
  - name: orders
    table: shop.orders
    entities: [{name: ord, type: primary, expr: id}]
    measures:
      - {name: ids, type: varchar, expr: order_no}
      - {name: amount, type: bigint}
"""


def test_text_is_counted_and_not_added_up() -> None:
    model = _COUNTED.replace("name: orders", "name: ord‹cursor›ers")
    texts = check_action(model, "Write 'orders' in dbt's dialect")
    (orders,) = yaml.safe_load(texts["m.yml"])["semantic_models"]
    assert [each["agg"] for each in orders["measures"]] == ["count_distinct", "sum"]
    metrics = "metrics:\n  - {name: twice, expr: total_‹cursor›ids * 2}\n"
    check_action(_COUNTED + metrics, "Create metric 'total_ids' as COUNT(DISTINCT orders__ids)")

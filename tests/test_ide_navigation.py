"""Definition, references, highlights and rename, in queries and model files alike."""

from __future__ import annotations

import pytest
from tests.support.ide import (
    applied,
    check_definition,
    check_references,
    check_refusal,
    check_rename,
    marked,
)

from smq.ide.definition import implementations, type_definitions
from smq.ide.references import Refusal, highlights, rename
from smq.workspace import Change


def test_a_metric_of_a_query_is_defined_in_the_model_file() -> None:
    check_definition(
        """-- m.yml --
semantic_models:
  - name: orders
    table: a.b
    entities: [{name: o, type: primary, expr: id}]
    measures: [{name: amount, type: integer, agg: sum}]
metrics:
  - name: ‹def›revenue‹/def›
    expr: SUM(orders__amount)
-- q.smq.json --
{"metrics": ["rev‹cursor›enue"]}
"""
    )


@pytest.mark.parametrize("crlf", [False, True])
def test_segments_of_one_name_lead_to_different_places(crlf: bool) -> None:
    models = """-- m.yml --
semantic_models:
  - name: {model}
    table: a.b
    entities: [{{name: o, type: primary, expr: id}}]
    dimensions: [{{name: {dimension}, type: date}}]
    measures: [{{name: amount, type: integer, agg: sum}}]
metrics:
  - {{name: revenue, expr: SUM(주문__amount)}}
-- q.smq.json --
"""
    for model, dimension, query in (
        (
            "‹def›주문‹/def›",
            "일자",
            '{"metrics": ["revenue"], "groupBy": ["주‹cursor›문__일자__month"]}',
        ),
        (
            "주문",
            "‹def›일자‹/def›",
            '{"metrics": ["revenue"], "groupBy": ["주문__일‹cursor›자__month"]}',
        ),
        ("주문", "일자", '{"metrics": ["revenue"], "groupBy": ["주문__일자__mo‹cursor›nth"]}'),
    ):
        check_definition(models.format(model=model, dimension=dimension) + query, crlf)


def test_names_inside_sql_strings_lead_to_their_definition() -> None:
    check_definition(
        """-- m.yml --
semantic_models:
  - name: orders
    table: a.b
    entities: [{name: o, type: primary, expr: id}]
    dimensions: [{name: ‹def›status‹/def›, type: varchar}]
    measures: [{name: amount, type: integer, agg: sum}]
metrics:
  - name: revenue
    expr: SUM(orders__amount)
-- q.smq.json --
{"metrics": ["revenue"], "filters": ["UPPER(orders__st‹cursor›atus) = 'A'"]}
"""
    )


@pytest.mark.parametrize(
    "expr",
    [
        "SUM(orders__am‹cursor›ount)",
        '"SUM(orders__am‹cursor›ount)"',
        "'SUM(orders__am‹cursor›ount)'",
        "|\n      SUM(\n        orders__am‹cursor›ount\n      )",
        ">\n      SUM(\n      orders__am‹cursor›ount)",
        '"SUM(\\u006frders__am‹cursor›ount)"',
    ],
)
def test_measures_inside_every_style_of_yaml_scalar(expr: str) -> None:
    check_definition(
        f"""-- m.yml --
semantic_models:
  - name: orders
    table: a.b
    entities: [{{name: o, type: primary, expr: id}}]
    measures: [{{name: ‹def›amount‹/def›, type: integer, agg: sum}}]
metrics:
  - name: revenue
    expr: {expr}
"""
    )


def test_json_escapes_and_nfd_are_the_same_name() -> None:
    check_references(
        """-- m.yml --
semantic_models:
  - name: ‹ref›부점‹/ref›
    table: a.b
    entities: [{name: o, type: primary, expr: id}]
    dimensions: [{name: 상태, type: varchar}]
    measures: [{name: cnt, type: integer, agg: count, expr: id}]
metrics:
  - {name: total, expr: COUNT(‹ref›부점‹/ref›__cnt)}
-- a.smq.json --
{"metrics": ["total"], "groupBy": ["‹ref›\\uBD80\\uC810‹/ref›__상태"]}
-- b.smq.json --
{"metrics": ["total"], "groupBy": ["‹ref›부점‹/ref›__상태"],
 "filters": ["'🙂' = ‹ref›부‹cursor›점‹/ref›__상태"]}
"""
    )


HOMONYMS = """-- m.yml --
semantic_models:
  - name: orders
    table: a.orders
    entities:
      - {name: order, type: primary, expr: id}
      - {name: user, type: foreign, expr: user_id}
    dimensions:
      - {name: %s, type: varchar, expr: status}
      - {name: note, type: varchar, expr: "CONCAT(status, 'status')"}
    measures:
      - {name: amount, type: integer, agg: sum, expr: status}
  - name: users
    table: a.users
    entities: [{name: user, type: primary, expr: id}]
    dimensions: [{name: status, type: varchar}]
metrics:
  - {name: status, expr: SUM(orders__amount)}
  - {name: rate, expr: "SUM(CASE WHEN orders__%s = 'status' THEN orders__amount END)"}
-- q.smq.json --
{"metrics": ["status", "rate"], "groupBy": ["orders__%s", "users__status"],
 "filters": ["orders__%s <> 'orders__status'"], "orderBy": ["-orders__%s", "status"]}
"""


def test_a_dimension_is_not_its_homonyms() -> None:
    other = ["‹ref›status‹/ref›"] * 3 + ["‹ref›sta‹cursor›tus‹/ref›", "‹ref›status‹/ref›"]
    check_references(HOMONYMS % tuple(other))
    check_rename(HOMONYMS % tuple(other), "state")


def test_a_metric_is_not_the_dimension_of_its_name() -> None:
    text = """-- m.yml --
semantic_models:
  - name: orders
    table: a.orders
    entities: [{name: order, type: primary, expr: id}]
    dimensions: [{name: total, type: varchar}]
    measures: [{name: amount, type: integer, agg: sum}]
metrics:
  - {name: ‹ref›total‹/ref›, expr: SUM(orders__amount)}
  - {name: twice, metric_type: derived, expr: ‹ref›total‹/ref› * 2}
-- q.smq.json --
{"metrics": ["‹ref›to‹cursor›tal‹/ref›", "‹ref›total‹/ref› / 2 AS total_half"],
 "groupBy": ["orders__total"], "filters": ["‹ref›total‹/ref› > 5"],
 "orderBy": ["-‹ref›total‹/ref›"]}
"""
    check_references(text)
    check_rename(text, "revenue")


def test_one_model_name_is_a_prefix_of_another() -> None:
    text = """-- m.yml --
semantic_models:
  - name: ‹ref›acct‹/ref›
    table: a.acct
    entities: [{name: acct_id, type: primary, expr: id}]
    dimensions: [{name: kind, type: varchar}]
    measures: [{name: n, type: integer, agg: count, expr: id}]
  - name: acct__hist
    table: a.hist
    entities: [{name: acct_id, type: primary, expr: id}]
    dimensions: [{name: kind, type: varchar}]
metrics:
  - {name: accounts, expr: COUNT(‹ref›acct‹/ref›__n)}
-- q.smq.json --
{"metrics": ["accounts"], "groupBy": ["‹ref›ac‹cursor›ct‹/ref›__kind", "acct__hist__kind"]}
"""
    check_references(text)
    check_rename(text, "계좌")


def test_entities_and_entity_paths() -> None:
    text = """-- m.yml --
semantic_models:
  - name: orders
    table: a.orders
    entities:
      - {name: order, type: primary, expr: id}
      - {name: ‹ref›buyer‹/ref›, type: foreign, expr: buyer_id}
      - {name: seller, type: foreign, expr: seller_id}
    measures: [{name: amount, type: integer, agg: sum}]
  - name: users
    table: a.users
    entities:
      - {name: ‹ref›buyer‹/ref›, type: unique, expr: id}
      - {name: seller, type: unique, expr: id}
    dimensions: [{name: country, type: varchar}]
metrics:
  - {name: revenue, expr: SUM(orders__amount)}
-- q.smq.json --
{"metrics": ["revenue"], "groupBy": ["‹ref›buy‹cursor›er‹/ref›__country", "seller__country"]}
"""
    check_references(text)
    check_rename(text, "customer")


def test_calls_of_templates_hold_names() -> None:
    text = """-- m.yml --
semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: ordered_at}
    entities:
      - {name: order, type: primary, expr: id}
    dimensions:
      - {name: ‹ref›state‹/ref›, type: categorical}
      - {name: ordered_at, type: time, type_params: {time_granularity: day}}
    measures: [{name: amount, agg: sum}]
metrics:
  - name: revenue
    type: simple
    label: Revenue
    type_params: {measure: amount}
    filter: |
      {{ Dimension('order__‹ref›sta‹cursor›te‹/ref›') }} = 'paid'
-- q.smq.json --
{"metrics": ["revenue"], "filters": ["{{ Dimension('order__‹ref›state‹/ref›') }} <> 'new'"]}
"""
    check_references(text)
    check_rename(text, "status")


def test_an_alias_belongs_to_its_query() -> None:
    text = """[
{"metrics": ["total_credit * 2 AS ‹ref›double‹/ref›"], "groupBy": ["고객기본__cust_no"],
 "filters": ["‹ref›double‹/ref› > 3"], "orderBy": ["-‹ref›dou‹cursor›ble‹/ref›"]},
{"metrics": ["total_credit * 2 AS double"], "orderBy": ["double"]}
]"""
    check_references(text)
    check_rename(text, "twice")


def test_time_dimensions_of_defaults_follow_a_rename() -> None:
    check_rename(
        """-- m.yml --
semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: ‹ref›ordered_at‹/ref›}
    entities: [{name: order, type: primary, expr: id}]
    dimensions:
      - name: ‹ref›orde‹cursor›red_at‹/ref›
        type: time
        type_params: {time_granularity: day}
        expr: ordered_at
    measures:
      - {name: amount, agg: sum, agg_time_dimension: ‹ref›ordered_at‹/ref›}
metrics:
  - {name: revenue, type: simple, label: R, type_params: {measure: amount}}
-- q.smq.json --
{"metrics": ["revenue"], "groupBy": ["orders__‹ref›ordered_at‹/ref›__month", "metric_time__month"]}
""",
        "at",
    )


def test_saved_queries_and_inputs_follow_a_rename() -> None:
    check_rename(
        """-- m.yml --
semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: day}
    entities: [{name: order, type: primary, expr: id}]
    dimensions:
      - {name: day, type: time, type_params: {time_granularity: day}}
    measures:
      - {name: amount, agg: sum}
metrics:
  - {name: ‹ref›rev‹cursor›enue‹/ref›, type: simple, label: R, type_params: {measure: amount}}
  - name: growth
    type: derived
    label: G
    type_params:
      expr: now - before
      metrics:
        - {name: ‹ref›revenue‹/ref›, alias: now}
        - {name: ‹ref›revenue‹/ref›, alias: before, offset_window: 1 month}
  - name: share
    type: ratio
    label: S
    type_params: {numerator: ‹ref›revenue‹/ref›, denominator: ‹ref›revenue‹/ref›}
saved_queries:
  - name: daily
    query_params:
      metrics: [‹ref›revenue‹/ref›]
      group_by: ["TimeDimension('metric_time', 'day')"]
""",
        "매출",
    )


def test_a_dimension_without_its_own_sql_keeps_its_column() -> None:
    """A dimension's name is its column unless `expr` says otherwise; a rename must not move it."""
    from tests.support.ide import applied

    from smq.ide.references import Refusal, rename

    here = marked(
        """-- m.yml --
semantic_models:
  - name: orders
    table: a.orders
    entities:
      - {name: o, type: primary, expr: id}
    dimensions:
      - {name: sta‹cursor›tus, type: varchar}
      - name: region
        type: varchar
    measures: [{name: n, type: integer, agg: count, expr: id}]
metrics: [{name: orders_n, expr: COUNT(orders__n)}]
-- q.smq.json --
{"metrics": ["orders_n"], "groupBy": ["orders__status"]}
"""
    )
    edits = rename(here.snapshot, here.uri, here.offset, "state")
    assert not isinstance(edits, Refusal)
    texts = applied(here.snapshot, edits)
    assert "{name: state, expr: status, type: varchar}" in texts["m.yml"]
    region = here.text.index("region")
    edits = rename(here.snapshot, here.uri, region, "지역")
    assert not isinstance(edits, Refusal)
    assert (
        "- name: 지역\n        expr: region\n        type" in applied(here.snapshot, edits)["m.yml"]
    )


def test_names_that_would_collide_or_break_are_refused() -> None:
    query = '{"metrics": ["total_cr‹cursor›edit"], "groupBy": ["고객기본__cust_no"]}'
    check_refusal(query, "revenue", "already")
    check_refusal(query, "to tal", "not a name")
    check_refusal(query, "1st", "digit")
    check_refusal(query, "", "not a name")
    check_refusal('{"metrics": ["total_credit"], "gro‹cursor›upBy": []}', "x", "no name")
    check_refusal('{"metrics": ["COALE‹cursor›SCE(total_credit, 0) AS c"]}', "x", "SQL function")


def test_type_definition_is_the_model_and_implementation_what_it_is_made_of() -> None:
    text = """-- m.yml --
semantic_models:
  - name: {model}
    table: a.orders
    entities: [{{name: order, type: primary, expr: id}}]
    dimensions: [{{name: total, type: varchar}}]
    measures: [{{name: {measure}, type: integer, agg: sum}}]
metrics:
  - {{name: revenue, expr: SUM(orders__amount)}}
-- q.smq.json --
{{"metrics": ["rev‹cursor›enue"]}}
"""
    check_definition(
        text.format(model="‹def›orders‹/def›", measure="amount"), find=type_definitions
    )
    check_definition(text.format(model="orders", measure="‹def›amount‹/def›"), find=implementations)


SOURCES = """-- models.yml --
semantic_models:
  - name: orders
    table: %s('%s')
    entities: [{name: order, type: primary, expr: id}]
-- sources.yml --
sources:
  - name: %s
    tables:
      - name: %s
  - name: other
    tables:
      - name: orders
"""


def test_a_source_call_leads_to_the_sources_file() -> None:
    check_definition(SOURCES % ("ba‹cursor›nk", "orders", "‹def›bank‹/def›", "orders"))
    check_definition(SOURCES % ("bank", "or‹cursor›ders", "bank", "‹def›orders‹/def›"))
    check_rename(
        SOURCES % ("‹ref›ba‹cursor›nk‹/ref›", "orders", "‹ref›bank‹/ref›", "orders"), "은행"
    )
    check_rename(SOURCES % ("bank", "‹ref›ord‹cursor›ers‹/ref›", "bank", "‹ref›orders‹/ref›"), "o2")


def test_both_of_two_definitions_are_shown() -> None:
    check_definition(
        """-- a.yml --
metrics:
  - {name: ‹def›n‹/def›, expr: COUNT(o__c)}
-- b.yml --
metrics:
  - {name: ‹def›n‹/def›, expr: COUNT(o__c)}
-- q.smq.json --
{"metrics": ["‹cursor›n"]}
"""
    )


def test_highlights_tell_the_definition_from_its_uses() -> None:
    here = marked('{"metrics": ["total_credit * 2 AS dou‹cursor›ble"], "orderBy": ["double"]}')
    found = highlights(here.snapshot, here.uri, here.offset)
    assert [(h.span.cut(here.text), h.role) for h in found] == [
        ("double", "definition"),
        ("double", "reference"),
    ]


@pytest.mark.parametrize(
    "query",
    [
        '{"metrics": ["account_cou‹cursor›nt',
        '{"metrics": ["account_cou‹cursor›nt"',
        '{"metrics": ["account_cou‹cursor›nt" "total_credit"]',
        "{metrics: [account_cou‹cursor›nt]}",
        '{"metrics": ["account_cou‹cursor›nt"], "filters": ["account_count > (',
        '{"filters": ["account_cou‹cursor›nt > AND ("], "metrics": []}',
    ],
)
def test_definitions_are_found_in_broken_text(query: str) -> None:
    from smq.ide.definition import definitions

    here = marked(query)
    targets = definitions(here.snapshot, here.uri, here.offset)
    names = [t.name.span.cut(here.snapshot.document(t.name.uri).text) for t in targets]
    assert names == ["account_count"], names


_SAVED = """\
-- m.yml --
semantic_models:
  - name: orders
    table: o
    entities: [{name: order, type: primary, expr: id}, {name: store, type: foreign}]
    measures: [{name: amount, agg: sum}]
  - name: stores
    table: s
    entities: [{name: store, type: primary, expr: id}]
    dimensions:
      - {name: ‹ref›na‹cursor›me‹/ref›, type: varchar, expr: nm}
      - {name: opened, type: date}
metrics:
  - {name: revenue, expr: SUM(orders__amount)}
-- saved.yml --
saved_queries:
  - name: sales
    query_params:
      metrics: [revenue]
      group_by:
        - Dimension('store__‹ref›name‹/ref›')
        - "Dimension('store__‹ref›name‹/ref›')"
        - stores__‹ref›name‹/ref›
        - TimeDimension('store__opened', 'month')
      where:
        - "{{ Dimension('store__‹ref›name‹/ref›') }} = 'x'"
"""


def test_the_groups_of_saved_queries_are_references_and_renamed_with_the_rest() -> None:
    check_references(_SAVED)
    check_rename(_SAVED, "title")
    check_definition(
        _SAVED.replace("‹cursor›", "")
        .replace("‹ref›name‹/ref›')\n        - \"", "na‹cursor›me')\n        - \"", 1)
        .replace("{name: ‹ref›name‹/ref›", "{name: ‹def›name‹/def›")
        .replace("‹ref›", "")
        .replace("‹/ref›", "")
    )


@pytest.mark.parametrize(
    ("table", "after"),
    [
        ("{name: ord‹cursor›ers}", "{name: sales, identifier: orders}"),
        ("{name: ord‹cursor›ers, identifier: o1}", "{name: sales, identifier: o1}"),
    ],
)
def test_a_table_of_a_source_keeps_its_name_in_the_warehouse(table: str, after: str) -> None:
    here = marked(f"""-- s.yml --
sources:
  - name: shop
    tables: [{table}]
-- m.yml --
semantic_models:
  - name: orders
    table: shop('orders')
    entities: [{{name: order, type: primary, expr: id}}]
""")
    edits = rename(here.snapshot, here.uri, here.offset, "sales")
    assert not isinstance(edits, Refusal), edits
    texts = applied(here.snapshot, edits)
    assert after in texts["s.yml"]
    assert "shop('sales')" in texts["m.yml"]
    before = here.snapshot.graph.relation(here.snapshot.graph.models["orders"])
    changed = here.snapshot.apply([Change(uri, text) for uri, text in texts.items()])
    assert changed.graph.relation(changed.graph.models["orders"]) == before


_HOMONYMS = """\
-- models.yml --
semantic_models:
  - name: a
    table: t
    entities: [{name: a_key, type: primary, expr: id}]
    dimensions: [{name: kind, type: varchar}, {name: x__y, type: varchar}]
    measures: [{name: m, type: integer, agg: sum}]
  - name: b
    table: u
    entities: [{name: b_key, type: primary, expr: id}, {name: a_key, type: foreign, expr: a_id}]
    dimensions: [{name: kind, type: varchar}]
    measures: [{name: n, type: integer, agg: sum}]
metrics:
  - {name: of_b, metric_type: simple, expr: SUM(b__n)}
"""


def test_a_bare_name_is_of_the_model_that_the_querys_metrics_count() -> None:
    models = _HOMONYMS.replace(
        "foreign, expr: a_id}]\n    dimensions: [{name: kind",
        "foreign, expr: a_id}]\n    dimensions: [{name: ‹ref›ki‹cursor›nd‹/ref›",
    )
    query = """-- q.smq.json --
{"metrics": ["of_b"], "filters": ["‹ref›kind‹/ref› = 'x'"]}
"""
    check_rename(models + query, "sort")


def test_a_bare_name_with_the_separator_in_it_is_renamed() -> None:
    models = _HOMONYMS.replace("{name: x__y", "{name: ‹ref›x_‹cursor›_y‹/ref›")
    query = """-- q.smq.json --
{"metrics": ["of_b"], "groupBy": ["a__‹ref›x__y‹/ref›"], "filters": ["‹ref›x__y‹/ref› = 'x'"]}
"""
    check_rename(models + query, "z")


def test_what_a_template_groups_a_metric_by_is_renamed() -> None:
    models = _HOMONYMS.replace("{name: b_key", "{name: ‹ref›b_‹cursor›key‹/ref›").replace(
        "expr: SUM(b__n)}",
        "expr: SUM(b__n), filter: \"{{ Metric('rows_b', group_by=['‹ref›b_key‹/ref›']) }} > 1\"}\n"
        "  - {name: rows_b, metric_type: simple, expr: COUNT(b__n)}",
    )
    check_rename(models, "key_of_b")

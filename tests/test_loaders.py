"""From model files of both dialects to symbols: what is declared, and exactly where."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.loading import URI, at, declared, loaded, told

from smq.graph.loaders import is_about_models, load
from smq.graph.symbols import (
    Declarations,
    Dimension,
    Measure,
    NonAdditive,
    RefCall,
    Relation,
    SelectRelation,
    SourceCall,
    TableName,
    UnknownRelation,
)
from smq.syntax import Document, yaml

# The SMQ dialect.


BRANCH = """\
semantic_models:
  - name: 부점코드
    table: bank('wapco_brncd_cn')
    description: 영업점 기준정보
    label: 부점
    primary_entity: brn
    entities:
      - {name: brn_cd, type: primary, expr: brncd}
      - {name: base_dt, type: primary}
    dimensions:
      - {name: brn_stcd, type: varchar, label: 상태, description: '1 영업', expr: "brn_stcd"}
      - {name: open_dt, type: date, type_params: {time_granularity: month}}
      - {name: close_dt, type: date}
      - {name: updated, type: TIMESTAMP}
      - {name: opens, type: time}
    measures:
      - {name: brn_cnt, type: integer, agg: count, expr: brncd}
      - {name: area, type: "decimal(18, 2)"}
      - {name: mean, type: number, agg: avg}
metrics:
  - name: total_brn_cnt
    metric_type: simple
    type: integer
    label: 총 부점 수
    expr: COUNT(DISTINCT 부점코드__brn_cnt)
  - name: ratio_of_open
    expr: >-
      COUNT(CASE WHEN 부점코드__brn_stcd = '1' THEN 1 END)
      / NULLIF(COUNT(*), 0)
"""


def test_an_smq_model_with_all_its_members() -> None:
    (model,) = declared(BRANCH).models
    assert (model.name, model.label, model.description) == ("부점코드", "부점", "영업점 기준정보")
    assert at(BRANCH, model.name_at) == "부점코드"
    assert model.relation == SourceCall("bank", "wapco_brncd_cn")
    assert at(BRANCH, model.relation_at) == "bank('wapco_brncd_cn')"
    assert model.primary_entity == "brn"
    assert [(e.name, e.kind, e.expr.text if e.expr else None) for e in model.entities] == [
        ("brn_cd", "primary", "brncd"),
        ("base_dt", "primary", None),
    ]
    assert at(BRANCH, model.span_at).startswith("name: 부점코드")


def test_data_types_decide_what_tells_time() -> None:
    dimensions = {d.name: d for d in declared(BRANCH).models[0].dimensions}
    shown = {n: (d.is_time, d.grain, d.data_type) for n, d in dimensions.items()}
    assert shown == {
        "brn_stcd": (False, None, "varchar"),
        "open_dt": (True, "month", "date"),
        "close_dt": (True, "day", "date"),
        "updated": (True, None, "TIMESTAMP"),
        "opens": (False, None, "time"),
    }
    assert dimensions["brn_stcd"].description == "1 영업"
    expr = dimensions["brn_stcd"].expr
    assert expr is not None and at(BRANCH, expr.location) == "brn_stcd"


def test_measures_keep_their_aggregation_or_have_none() -> None:
    measures = declared(BRANCH).models[0].measures
    assert [(m.name, m.agg, m.data_type) for m in measures] == [
        ("brn_cnt", "count", "integer"),
        ("area", None, "decimal(18, 2)"),
        ("mean", "average", "number"),
    ]


def test_smq_metrics_are_expressions() -> None:
    total, share = declared(BRANCH).metrics
    assert (total.kind, total.data_type, total.label) == ("simple", "integer", "총 부점 수")
    assert total.expr is not None and total.expr.text == "COUNT(DISTINCT 부점코드__brn_cnt)"
    assert at(BRANCH, total.expr.location) == total.expr.text
    assert total.declared_with == "부점코드"
    assert (share.kind, share.data_type) == ("simple", None)
    # A folded text maps back to the lines it was written on.
    assert share.expr is not None and share.expr.node is not None
    start = share.expr.text.index("NULLIF")
    span = share.expr.node.source_map.to_source(
        share.expr.location.span._replace(start=start, end=start + 6)
    )
    assert span.cut(BRANCH) == "NULLIF"


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("metric_type: ratio, type_params: {numerator: a, denominator: b}", "ratio"),
        ("metric_type: derived, expr: a / b", "derived"),
        ("type: number, expr: a / b", "simple"),
        ("type: derived, expr: a / b", "derived"),
    ],
)
def test_the_kind_of_a_metric_is_told_from_either_key(metric: str, kind: str) -> None:
    (found,) = declared(f"metrics:\n  - {{name: m, {metric}}}\n").metrics
    assert found.kind == kind


def test_metrics_know_the_model_of_their_file_only_when_there_is_one() -> None:
    metrics = "metrics:\n  - {name: rows, expr: COUNT(*)}\n"
    model = "  - {name: %s, table: t}\n"
    one = "semantic_models:\n" + model % "a"
    assert declared(one + metrics).metrics[0].declared_with == "a"
    assert declared(one + model % "b" + metrics).metrics[0].declared_with is None
    assert declared(metrics).metrics[0].declared_with is None


def test_names_are_nfc_wherever_they_stand() -> None:
    decomposed = "\u1106\u1162\u110e\u116e\u11af"
    text = (
        f"semantic_models:\n  - name: {decomposed}\n    table: {decomposed}('{decomposed}')\n"
        f"    dimensions:\n      - {{name: {decomposed}, type: varchar}}\n"
        f"metrics:\n  - name: {decomposed}\n    type: simple\n"
        f"    type_params: {{measure: {decomposed}}}\n"
    )
    declarations, _ = loaded(text)
    composed = "매출"
    (model,), (metric,) = declarations.models, declarations.metrics
    assert model.name == model.dimensions[0].name == metric.name == composed
    assert model.relation == SourceCall(composed, composed)
    assert metric.measure is not None and metric.measure.name == composed
    assert at(text, model.name_at) == decomposed


# Tables.


@pytest.mark.parametrize(
    ("written", "relation"),
    [
        ("bank('t')", SourceCall("bank", "t")),
        ('bank( "t" )', SourceCall("bank", "t")),
        ("source('bank', 't')", SourceCall("bank", "t")),
        ("source('t')", SourceCall("source", "t")),
        ("원천('고객')", SourceCall("원천", "고객")),
        ("ref('orders')", RefCall("orders")),
        ("ref('pkg', 'orders')", RefCall("orders")),
        ("ref('orders', v=2)", RefCall("orders")),
        ("{{ ref('orders') }}", RefCall("orders")),
        ("{{- source('bank', 't') -}}", SourceCall("bank", "t")),
        ("orders", TableName(("orders",))),
        ("shop.orders", TableName(("shop", "orders"))),
        ("project.shop.orders", TableName(("project", "shop", "orders"))),
        ("my-project.shop.orders", TableName(("my-project", "shop", "orders"))),
        ("`my-project.shop.orders`", TableName(("my-project", "shop", "orders"))),
        ("`my-project`.shop.orders", TableName(("my-project", "shop", "orders"))),
        ("`my-project.shop`.orders", TableName(("my-project", "shop", "orders"))),
        ('"Shop"."My Orders"', TableName(("Shop", "My Orders"))),
        ('"a""b".c', TableName(('a"b', "c"))),
        ("[dbo].[Orders]", TableName(("dbo", "Orders"))),
        ("analytics.events_*", TableName(("analytics", "events_*"))),
        ("은행.고객기본", TableName(("은행", "고객기본"))),
        ("shop.2024_orders", TableName(("shop", "2024_orders"))),
    ],
)
def test_tables_are_named_in_many_ways(written: str, relation: Relation) -> None:
    text = f"semantic_models:\n  - name: m\n    table: |-\n      {written}\n"
    assert declared(text).models[0].relation == relation


@pytest.mark.parametrize(
    "query",
    ["SELECT * FROM t", "  select 1", "(SELECT 1)", "WITH a AS (SELECT 1) SELECT * FROM a",
     "-- all\nSELECT 1", "/* all */ SELECT 1"],
)  # fmt: skip
def test_a_table_may_be_a_query(query: str) -> None:
    lines = query.replace("\n", "\n      ")
    text = f"semantic_models:\n  - name: m\n    table: |-\n      {lines}\n"
    relation = declared(text).models[0].relation
    assert isinstance(relation, SelectRelation)
    assert relation.sql.text.strip() == query.strip()


@pytest.mark.parametrize(
    "written",
    ["bank(t)", "bank('a', 'b')", "bank('')", "ref()", "ref(orders)", "source('a', 'b', 'c')",
     "a.b.c.d", "a..b", "a.b-c", ".a", "a.", "two words", "{{ var('x') }}", "{{ this }}",
     "selection of t", "'t'", "`a"],
)  # fmt: skip
def test_what_names_no_table_is_told_where_it_stands(written: str) -> None:
    text = f"semantic_models:\n  - name: m\n    table: |-\n      {written}\n"
    declarations, problems = loaded(text)
    assert declarations.models[0].relation == UnknownRelation()
    assert [(p.code, at(text, p.location)) for p in problems] == [("REF101", written)]


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        ("{alias: t}", ("t",)),
        ("{alias: t, schema_name: s}", ("s", "t")),
        ("{alias: t, schema_name: s, database: d}", ("d", "s", "t")),
        ("{alias: t, schema_name: '', database: d}", ("d", "t")),
        ('{alias: x, relation_name: \'"d"."s"."t"\'}', ("d", "s", "t")),
        ("{relation_name: '`p-1`.`s`.`t`'}", ("p-1", "s", "t")),
    ],
)
def test_a_table_may_be_given_by_its_parts(parts: str, names: tuple[str, ...]) -> None:
    text = f"semantic_models:\n  - {{name: m, node_relation: {parts}}}\n"
    assert declared(text).models[0].relation == TableName(names)


# dbt's classic form.


ORDERS = """\
semantic_models:
  - name: orders
    defaults:
      agg_time_dimension: ordered_at
    description: One row for each order.
    model: ref('orders')
    entities:
      - name: order_id
        type: primary
      - name: location
        type: foreign
        expr: location_id
    dimensions:
      - name: ordered_at
        expr: date_trunc('day', ordered_at)
        type: time
        type_params:
          time_granularity: day
      - name: is_large_order
        type: categorical
        expr: case when order_total > 50 then true else false end
      - name: valid_from
        type: time
        type_params:
          time_granularity: day
          validity_params:
            is_start: true
      - name: valid_to
        type: time
        type_params: {time_granularity: day, validity_params: {is_end: true}}
      - name: sometime
        type: time
    measures:
      - name: order_total
        agg: sum
        create_metric: true
        label: Total
      - name: order_count
        expr: 1
        agg: sum
      - name: p99
        agg: percentile
        expr: order_total
        agg_params: {percentile: 0.99, use_discrete_percentile: true}
        agg_time_dimension: valid_from
      - name: balance
        agg: max
        non_additive_dimension:
          name: ordered_at
          window_choice: max
          window_groupings: [location]
"""


def test_a_dbt_model_with_all_its_members() -> None:
    (model,) = declared(ORDERS).models
    assert model.relation == RefCall("orders")
    assert model.agg_time_dimension == "ordered_at"
    assert at(ORDERS, model.agg_time_dimension_at) == "ordered_at"
    assert [(e.name, e.kind) for e in model.entities] == [
        ("order_id", "primary"),
        ("location", "foreign"),
    ]
    assert [(d.name, d.is_time, d.grain, d.data_type, d.validity) for d in model.dimensions] == [
        ("ordered_at", True, "day", None, None),
        ("is_large_order", False, None, None, None),
        ("valid_from", True, "day", None, "start"),
        ("valid_to", True, "day", None, "end"),
        ("sometime", True, None, None, None),
    ]


def test_dbt_measures_with_their_settings() -> None:
    total, count, p99, balance = declared(ORDERS).models[0].measures
    assert (total.agg, total.create_metric, total.expr) == ("sum", True, None)
    assert count.expr is not None and count.expr.text == "1"
    assert (p99.percentile, p99.discrete_percentile, p99.approximate_percentile) == (
        0.99,
        True,
        False,
    )
    assert p99.agg_time_dimension == "valid_from"
    assert isinstance(balance.non_additive, NonAdditive)
    assert balance.non_additive.dimension == "ordered_at"
    assert balance.non_additive.choice == "max"
    assert balance.non_additive.groupings == ("location",)
    assert at(ORDERS, balance.non_additive.groupings_at[0]) == "location"


def test_create_metric_makes_a_metric_of_the_measures_name() -> None:
    (metric,) = declared(ORDERS).metrics
    assert (metric.name, metric.kind, metric.label) == ("order_total", "simple", "Total")
    assert metric.measure is not None and metric.measure.name == "order_total"
    assert metric.declared_with == "orders"
    assert at(ORDERS, metric.name_at) == "order_total"


@pytest.mark.parametrize(
    ("siblings", "is_time"),
    [
        ("", False),
        ("      - {name: a, type: varchar}\n", False),
        ("      - {name: a, type: categorical}\n", True),
        ("    defaults: {agg_time_dimension: t}\n", True),
    ],
)
def test_type_time_is_a_time_of_day_unless_its_siblings_speak_dbt(
    siblings: str, is_time: bool
) -> None:
    text = (
        "semantic_models:\n  - name: m\n    table: x\n    dimensions:\n"
        f"      - {{name: t, type: time}}\n{siblings}"
    )
    found = loaded(text)[0].models[0].dimensions[0]
    assert (found.is_time, found.data_type) == (is_time, None if is_time else "time")


def test_disabled_items_are_left_out() -> None:
    text = """\
semantic_models:
  - {name: a, table: t, config: {enabled: false}}
  - {name: b, table: t, config: {enabled: true}}
metrics:
  - {name: x, expr: COUNT(*), enabled: false}
  - {name: y, expr: COUNT(*)}
"""
    found = declared(text)
    assert [m.name for m in found.models] == ["b"]
    assert [m.name for m in found.metrics] == ["y"]


# Sources, time spines, saved queries.


def test_sources_map_to_physical_names() -> None:
    text = """\
sources:
  - name: bank
    database: warehouse
    schema: core
    tables:
      - name: accounts
      - {name: customers, identifier: 고객_기본, description: All customers}
  - {name: empty, database: '', schema: '', tables: [{name: t}]}
  - {name: nulls, database:, schema: ~, tables: [{name: t}]}
  - {name: dbt_way, tables: [{name: t}]}
  - {name: no_tables}
"""
    found = {(s.source, s.name): s for s in declared(text).sources}
    assert {key: s.table.parts for key, s in found.items()} == {
        ("bank", "accounts"): ("warehouse", "core", "accounts"),
        ("bank", "customers"): ("warehouse", "core", "고객_기본"),
        ("empty", "t"): ("t",),
        ("nulls", "t"): ("t",),
        ("dbt_way", "t"): ("dbt_way", "t"),
    }
    assert at(text, found["bank", "customers"].name_at) == "customers"


def test_time_spines_in_all_their_forms() -> None:
    text = """\
models:
  - name: time_spine_daily
    columns: [{name: date_day, granularity: day}]
  - name: calendar
    table: bank('calendar')
    time_spine:
      standard_granularity_column: day
      custom_granularities:
        - {name: fiscal_year}
        - {name: fiscal_month, column_name: fm}
    columns:
      - {name: hour, granularity: hour}
      - {name: day, granularity: day, data_tests: [unique]}
  - name: plain
    columns: [{name: id}]
"""
    spines = declared(text).time_spines
    assert [(s.name, s.relation, s.columns) for s in spines] == [
        ("time_spine_daily", RefCall("time_spine_daily"), (("date_day", "day"),)),
        (
            "calendar",
            SourceCall("bank", "calendar"),
            (
                ("day", "day"),
                ("hour", "hour"),
                ("fiscal_year", "fiscal_year"),
                ("fm", "fiscal_month"),
            ),
        ),
    ]


@pytest.mark.parametrize(
    ("semantics", "reported"),
    [
        ("{enabled: true}", ["MOD291"]),
        ("true", ["MOD291"]),
        ("{name: sales}", ["MOD291"]),
        ("{enabled: false}", []),
        ("false", []),
        ("", []),
    ],
)
def test_semantics_on_a_dbt_model_are_never_passed_over(
    semantics: str, reported: list[str]
) -> None:
    text = f"models:\n  - name: orders\n    semantic_model: {semantics}\n"
    _, problems = loaded(text)
    assert [problem.code for problem in problems] == reported


def test_saved_queries() -> None:
    text = """\
saved_queries:
  - name: weekly
    label: Weekly
    query_params:
      metrics: [revenue, orders]
      group_by: ["TimeDimension('metric_time', 'week')", Dimension('customer__region')]
      where: ["{{ Dimension('customer__region') }} = 'KR'"]
      order_by: ["-revenue"]
      limit: 10
    exports: [{name: weekly_table, config: {export_as: table}}]
"""
    (query,) = declared(text).saved_queries
    assert [m.text for m in query.metrics] == ["revenue", "orders"]
    assert [g.text for g in query.group_by] == [
        "TimeDimension('metric_time', 'week')",
        "Dimension('customer__region')",
    ]
    assert [f.sql.text for f in query.filters] == ["{{ Dimension('customer__region') }} = 'KR'"]
    assert ([o.text for o in query.order_by], query.limit) == (["-revenue"], 10)


# Which files are ours.


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "just text\n",
        "[1, 2]\n",
        "services:\n  web: {image: nginx}\n",
        "metrics: {enabled: true}\n",
        "metrics: all\n",
        "sources: [a, b]\n",
        "models:\n  - name: orders\n    columns: [{name: id, data_tests: [unique]}]\n",
        "models:\n  - {provider: x, parameters: {size: big}}\n",
        "models: {gpt: {size: 3}}\n",
        "rules:\n  - {name: a}\n",
    ],
)
def test_other_peoples_yaml_is_left_alone(text: str) -> None:
    parsed = yaml.parse(Document(URI, text))
    assert load(parsed) == (Declarations(URI), ())
    assert not is_about_models(parsed)


@pytest.mark.parametrize("key", ["semantic_model", "semantic_modles", "saved_query"])
def test_a_misspelt_section_is_not_taken_for_other_peoples_yaml(key: str) -> None:
    assert told(f"{key}:\n  - name: a\n    table: t\n") == [("MOD101", key)]


def test_every_document_of_a_file_is_read() -> None:
    text = (
        "semantic_models:\n  - {name: a, table: t}\n---\nmetrics:\n  - {name: m, expr: COUNT(*)}\n"
    )
    found = declared(text)
    assert ([m.name for m in found.models], [m.name for m in found.metrics]) == (["a"], ["m"])


# Broken and half-typed files.


def test_a_broken_item_does_not_take_its_siblings_with_it() -> None:
    text = """\
semantic_models:
  - name: a
    table: t
    entities: [{type: primary}, {name: e, type: unknowable}, {name: f, type: Primery}]
    dimensions:
      - {name: one, type: varchar}
      - {type: varchar}
      - just text
      -
      - [a, list]
      - {name: , type: date}
      - {name: two, type: nonsense, expr: [1]}
    measures:
      - {name: m, agg: summ}
  - table: nameless
  - name: b
metrics:
  - {expr: COUNT(*)}
  - {name: ok, expr: COUNT(*)}
"""
    found, problems = loaded(text)
    assert [m.name for m in found.models] == ["a", "b"]
    first = found.models[0]
    assert [d.name for d in first.dimensions] == ["one", "two"]
    assert [(e.name, e.kind) for e in first.entities] == [("e", "foreign"), ("f", "primary")]
    assert first.measures == (Measure("m", first.measures[0].name_at, agg="summ"),)
    assert isinstance(first.dimensions[1], Dimension) and first.dimensions[1].expr is None
    assert [m.name for m in found.metrics] == ["ok"]
    assert {p.code for p in problems} >= {"MOD102", "MOD103", "MOD104", "MOD105"}


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(BRANCH)), st.sampled_from(["", "\n", ":", "- ", "{", "'", "*a"]))
def test_what_is_being_typed_never_costs_what_is_above_it(cut: int, typed: str) -> None:
    declarations, problems = loaded(BRANCH[:cut] + typed)
    complete = BRANCH[:cut].count("\n      - {name: ")
    members = [
        member
        for model in declarations.models
        for member in (*model.entities, *model.dimensions, *model.measures)
    ]
    assert len(members) >= complete - 1
    for problem in problems:
        start, end = problem.location.span
        assert 0 <= start <= end <= cut + len(typed)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(ORDERS) - 1), st.characters(), st.booleans())
def test_any_one_character_may_be_wrong(place: int, character: str, inserted: bool) -> None:
    text = ORDERS[:place] + character + ORDERS[place + (not inserted) :]
    declarations, _ = loaded(text)
    assert isinstance(declarations, Declarations)


# Size.


def korean_model(dimensions: int, measures: int, number: int = 0) -> str:
    """A model as large as real ones are: business rules in its descriptions, a composite key."""
    kinds = ["varchar", "date", "integer", "decimal(18, 2)", "timestamp", "boolean"]
    lines = [
        "semantic_models:",
        f"  - name: 여신기본_{number}",
        f"    table: bank('loan_{number}')",
        "    description: >",
        "      여신 계좌의 월말 잔액과 금리. 연체 30일 이상은 고정이하로 본다.",
        "      기준일자와 계좌번호가 함께 키다: 하나만으로는 유일하지 않다.",
        "    entities:",
        "      - {name: loan_no, type: primary, expr: loan_no}",
        "      - {name: base_dt, type: primary, expr: base_dt}",
        "      - {name: brn_cd, type: foreign, expr: brn_cd}",
        "    dimensions:",
    ]
    for index in range(dimensions):
        lines += [
            f"      - name: 항목_{index}",
            f"        type: {kinds[index % len(kinds)]}",
            f"        label: '항목 {index}'",
            f'        description: "코드 {index}: 1 정상, 2 연체, 9 상각"',
            f"        expr: col_{index}",
        ]
    lines.append("    measures:")
    for index in range(measures):
        lines += [
            f"      - name: 금액_{index}",
            "        type: number",
            f"        expr: amt_{index}",
        ]
    return "\n".join(lines) + "\n"


def test_a_model_of_120_dimensions_and_65_measures_with_its_metrics_in_other_files() -> None:
    text = korean_model(120, 65)
    (model,) = declared(text).models
    assert (len(model.dimensions), len(model.measures)) == (120, 65)
    assert [e.name for e in model.entities if e.kind == "primary"] == ["loan_no", "base_dt"]
    assert sum(d.is_time for d in model.dimensions) == 40
    assert model.description is not None and model.description.startswith("여신 계좌의 월말")
    for index in random.Random(7).sample(range(120), 12):
        dimension = model.dimensions[index]
        assert at(text, dimension.name_at) == dimension.name == f"항목_{index}"
        assert dimension.expr is not None and at(text, dimension.expr.location) == f"col_{index}"
    metrics = "metrics:\n" + "".join(
        f"  - name: 합계_{i}\n    metric_type: simple\n    type: number\n"
        f"    expr: SUM(여신기본_0__금액_{i}) / NULLIF(COUNT(*), 0)\n"
        for i in range(65)
    )
    assert len(declared(metrics).metrics) == 65
    assert {m.declared_with for m in declared(metrics).metrics} == {None}


def test_one_bad_dimension_among_120_is_told_at_its_place() -> None:
    text = korean_model(120, 65).replace("항목_77\n        type: ", "항목_77\n        tpye: ")
    ((code, place),) = told(text)
    assert (code, place) == ("MOD101", "tpye")
    assert text[: loaded(text)[1][0].location.span.start].endswith("항목_77\n        ")


def test_loading_grows_with_the_size_of_the_files_and_no_faster() -> None:
    small = [yaml.parse(Document(URI, korean_model(50, 20, n))) for n in range(4)]
    large = [yaml.parse(Document(URI, korean_model(400, 160, n))) for n in range(4)]
    load(small[0])

    def seconds(files: list[object]) -> float:
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            for parsed in files:
                load(parsed)  # type: ignore[arg-type]
            best = min(best, time.process_time() - started)
        return best

    # Eight times the columns: anything quadratic would take sixty times as long.
    assert seconds(list(large)) < 24 * seconds(list(small))

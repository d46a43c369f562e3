"""A model file that is read again after a small change says what it says when it is read anew."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.yaml_text import models

from smq.rules.check import check
from smq.syntax import Document
from smq.workspace import Change, build, read_file

SMQ = """semantic_models:
  - name: orders
    table: mart.orders # smq: ignore[REF102]
    description: 주문의 원장
    entities:
      - {name: order, type: primary, expr: id}
      - {name: customer, type: foreign}
    dimensions:
      - {name: 지역, type: varchar, label: 지역 이름}
      - name: 지역 # smq: ignore[MOD201]
        type: varchar
        description: a name twice
      - name: ordered
        type: date
        type_params: {time_granularity: day}
        expr: |
          CASE WHEN ordered > DATE '2020-01-01'
               THEN ordered END
    measures:
      - {name: amount, agg: sum, expr: "won + 1", agg_time_dimension: ordered}
      - {name: fee, type: bigint, expr: fee, create_metric: true}
  - name: customers
    table: SELECT * FROM mart.customers
    entities:
    - name: customer
      type: primary
    dimensions: [{name: grade, type: varchar}, {name: born, type: date}]
metrics:
  # smq: ignore[MOD209]
  - name: total
    metric_type: simple
    type: number
    expr: SUM(orders__amount) / 2
    filter: orders__지역 = '서울'
  - {name: share, metric_type: ratio, type_params: {numerator: total, denominator: fee}}
  - name: total
    expr: COUNT(*)
  - name: rolling
    expr: SUM(orders__fee)
    type_params:
      window:
        partition_by: [orders__지역]
        order_by: [metric_time]
        frame: {type: rows, start: 1 PRECEDING}
saved_queries:
  - name: monthly
    query_params: {metrics: [total], group_by: ["Dimension('order__지역')"], where: "{{ x }} = 1"}
"""
DBT = """# dbt
semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: at}
    primary_entity: order
    dimensions:
      - {name: at, type: time, type_params: {time_granularity: day}}
      - {name: kind, type: categorical}
    measures:
      - name: amount
        agg: percentile
        agg_params: {percentile: 0.5}
        non_additive_dimension: {name: at, window_choice: max, window_groupings: [order]}
models:
  - name: calendar
    time_spine: {standard_granularity_column: day}
    columns: [{name: day, granularity: day}]
sources:
  - name: bank
    schema: raw
    tables: [{name: a}, {name: b, identifier: c}]
metrics:
  - name: visits
    type: conversion
    type_params:
      conversion_type_params: {entity: order, base_measure: amount, conversion_measure: amount}
  - {name: off, config: {enabled: false}, type: simple, type_params: {measure: amount}}
"""
BOUND = """semantic_models:
  - &first
    name: a
    table: t.a
    dimensions: &members
      - &one {name: x, type: varchar}
      - {<<: *one, name: y}
  - {<<: *first, name: b}
metrics:
  - {name: m, expr: COUNT(*)}
  - {name: n, expr: COUNT(DISTINCT a__x), filter: &only "a__x = 1"}
  - {name: o, expr: COUNT(*), filter: *only}
"""
TEXTS = (
    SMQ,
    DBT,
    BOUND,
    models(2),
    f"{SMQ}---\n{DBT}",
    f"---\n{SMQ}",
    f"\ufeff{SMQ}",
    "",
    "x: 1\n",
)
PIECES = (
    *"x가 \n:-#'\"[]{},&*|>\\", "\r\n", ": ", "- ", "\n  ", "\n    ", "\n      - ", "  - name: z\n",
    "name: ", "type: categorical", "type: time", "enabled: false", "{{ y }}", "&a ", "*first",
    "---\n", "# smq: ignore[MOD201]", "# x\n", "<<: ", "<<: {type: date}", "yes", "1.5",
    "      - {name: 지역, type: varchar}\n", "      - {name: new, type: integer}\n", "COUNT(*)",
    "metrics:\n", "    measures: []\n", "    model: ref('x')\n", "    type: simple\n",
)  # fmt: skip


@st.composite
def edited(draw: st.DrawFn) -> list[str]:
    """A text, and what it becomes with one small edit after another, most of them at a place."""
    text = draw(st.sampled_from(TEXTS)).replace("\n", draw(st.sampled_from(("\n", "\n", "\r\n"))))
    texts = [text]
    at = draw(st.integers(0, len(text)))
    for _ in range(draw(st.integers(1, 7))):
        if draw(st.integers(0, 2)) == 0:
            at = draw(st.integers(0, len(text)))
        gone = draw(st.sampled_from((0, 0, 0, 1, 1, 2, 12)))
        come = draw(st.sampled_from(PIECES)) if not gone or draw(st.booleans()) else ""
        text = text[:at] + come + text[at + gone :]
        texts.append(text)
        if draw(st.booleans()):
            # What people type is mostly taken back or mended by the next key.
            texts.append(texts[-2])
            text = texts[-1]
        at = min(at + len(come), len(text))
    return texts


def assert_the_same(texts: list[str]) -> None:
    file = read_file(Document("a.yml", texts[0]))
    snapshot = build([Document("a.yml", texts[0])])
    for text in texts[1:]:
        document = Document("a.yml", text)
        file, fresh = read_file(document, file), read_file(document)
        assert repr(file.reading) == repr(fresh.reading)
        snapshot = snapshot.apply([Change("a.yml", text)])
        again, anew = check(snapshot), check(build([document]))
        assert [repr(each.problem) for each in again] == [repr(each.problem) for each in anew]


def test_what_stands_around_a_change_is_not_read_again() -> None:
    first = read_file(Document("a.yml", text := models(1, 3)))
    at = text.index("name: dim_2") + len("name: dim_2")
    second = read_file(Document("a.yml", f"{text[:at]}x{text[at:]}"), first)
    (then,), (now,) = first.declarations.models, second.declarations.models
    kept = [one is other for one, other in zip(then.dimensions, now.dimensions, strict=True)]
    assert kept == [True, True, False, False, False]
    same = [one.origin is one for one in (*now.dimensions, *now.measures)]
    assert same == [True, True, True, False, False, False, False, False]
    assert [m.origin for m in now.measures] == [*then.measures]
    assert second.declarations.metrics[0].origin is first.declarations.metrics[0]


def test_what_is_found_stays_when_only_the_text_behind_it_breaks() -> None:
    assert_the_same(
        [DBT, DBT.replace("conversion_measure: amount}", "conversion_measure: amount}x")]
    )


@settings(max_examples=150, deadline=None)
@given(edited())
def test_a_changed_file_declares_what_a_new_one_does(texts: list[str]) -> None:
    assert_the_same(texts)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(edited())
def test_very_many_changed_files_declare_what_new_ones_do(texts: list[str]) -> None:
    assert_the_same(texts)

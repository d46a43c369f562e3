"""From the metrics of the dbt dialect to symbols: their inputs, filters, windows and frames."""

from __future__ import annotations

import pytest
from tests.support.loading import at, declared, loaded

from smq.graph.symbols import (
    Conversion,
    Cumulative,
    FrameWindow,
    Metric,
)


def one_metric(body: str) -> Metric:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    (metric,) = declared(f"metrics:\n  - name: m\n{lines}\n").metrics
    return metric


def test_a_simple_metric_and_its_measure_in_short_and_at_length() -> None:
    short = one_metric("type: simple\ntype_params: {measure: amount}")
    assert short.measure is not None
    assert (short.measure.name, short.measure.fill_nulls_with) == ("amount", None)
    long = one_metric(
        """\
type: simple
filter: "{{ Dimension('order__status') }} = 'paid'"
type_params:
  measure:
    name: amount
    alias: paid
    filter: ["a > 1", "b = 2"]
    fill_nulls_with: 0
    join_to_timespine: true"""
    )
    assert long.measure is not None
    assert (long.measure.alias, long.measure.fill_nulls_with) == ("paid", 0)
    assert long.measure.join_to_timespine
    assert [f.sql.text for f in long.measure.filters] == ["a > 1", "b = 2"]
    assert [f.sql.text for f in long.filters] == ["{{ Dimension('order__status') }} = 'paid'"]


def test_filters_of_a_manifest() -> None:
    metric = one_metric(
        """\
type: simple
filter:
  where_filters:
    - where_sql_template: a > 1
    - {where_sql_template: b = 2, call_parameter_sets: {}}
type_params: {measure: amount}"""
    )
    assert [f.sql.text for f in metric.filters] == ["a > 1", "b = 2"]


def test_a_ratio_metric() -> None:
    metric = one_metric(
        """\
type: ratio
type_params:
  numerator: {name: paid, filter: a > 1}
  denominator: orders"""
    )
    assert metric.kind == "ratio"
    assert metric.numerator is not None and metric.denominator is not None
    assert (metric.numerator.name, metric.denominator.name) == ("paid", "orders")
    assert [f.sql.text for f in metric.numerator.filters] == ["a > 1"]
    assert metric.beyond == ()


def test_a_derived_metric_and_its_inputs_in_order() -> None:
    metric = one_metric(
        """\
type: derived
type_params:
  expr: now - before - start
  metrics:
    - {name: revenue, alias: now}
    - {name: revenue, alias: before, offset_window: 14 days, filter: x = 1}
    - {name: revenue, alias: start, offset_to_grain: month}
    - cost"""
    )
    assert metric.expr is not None and metric.expr.text == "now - before - start"
    assert [(i.name, i.alias, i.offset_window, i.offset_to_grain) for i in metric.inputs] == [
        ("revenue", "now", None, None),
        ("revenue", "before", (14, "day"), None),
        ("revenue", "start", None, "month"),
        ("cost", None, None, None),
    ]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ("{measure: x}", Cumulative()),
        ("{measure: x, window: 7 days}", Cumulative((7, "day"))),
        ("{measure: x, window: {count: 2, granularity: week}}", Cumulative((2, "week"))),
        ("{measure: x, grain_to_date: month}", Cumulative(None, "month")),
        (
            "{measure: x, cumulative_type_params: {window: 1 Month, period_agg: average}}",
            Cumulative((1, "month"), None, "average"),
        ),
    ],
)
def test_cumulative_metrics_are_kept_and_marked_as_beyond(
    params: str, expected: Cumulative
) -> None:
    metric = one_metric(f"type: cumulative\ntype_params: {params}")
    assert metric.cumulative == expected
    ((feature, place),) = metric.beyond
    assert "cumulative" in feature
    assert place.span.end - place.span.start == len("cumulative")


def test_a_simple_metric_with_a_duration_is_cumulative_too() -> None:
    text = (
        "metrics:\n  - {name: m, metric_type: simple, type_params: {measure: x, window: 7 days}}\n"
    )
    (metric,) = declared(text).metrics
    assert metric.cumulative == Cumulative((7, "day"))
    ((feature, place),) = metric.beyond
    assert ("window" in feature, at(text, place)) == (True, "7 days")


def test_conversion_metrics_are_kept_and_marked_as_beyond() -> None:
    metric = one_metric(
        """\
type: conversion
type_params:
  conversion_type_params:
    entity: user
    calculation: conversions
    base_measure: {name: visits, filter: a = 1}
    conversion_measure: {name: buys, fill_nulls_with: 0}
    window: 7 days
    constant_properties: [{base_property: product, conversion_property: product}]"""
    )
    found = metric.conversion
    assert isinstance(found, Conversion)
    assert (found.base.name, found.conversion.name, found.entity) == ("visits", "buys", "user")
    assert (found.rate, found.window, found.constants) == (
        False,
        (7, "day"),
        (("product", "product"),),
    )
    assert [feature for feature, _ in metric.beyond] == ["conversion metrics"]


def frame_of(frame: str) -> tuple[str | None, list[tuple[str, str]]]:
    text = (
        "metrics:\n  - name: m\n    metric_type: simple\n    type_params:\n      measure: x\n"
        f"      window: {{partition_by: [c], order_by: [d], frame: {frame}}}\n"
    )
    declarations, problems = loaded(text)
    window = declarations.metrics[0].window
    assert window is not None
    sql = window.frame.text if window.frame else None
    return sql, [(p.code, at(text, p.location)) for p in problems]


@pytest.mark.parametrize(
    ("frame", "sql"),
    [
        ("{type: ROWS, start: UNBOUNDED PRECEDING, end: CURRENT ROW}",
         "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"),
        ("{type: rows, start: 6 preceding}", "ROWS BETWEEN 6 PRECEDING AND CURRENT ROW"),
        ("{type: GROUPS, start: 1 PRECEDING, end: 1 FOLLOWING, exclude: TIES}",
         "GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES"),
        ("{type: RANGE, start: INTERVAL '7' DAY PRECEDING}",
         "RANGE BETWEEN INTERVAL '7' DAY PRECEDING AND CURRENT ROW"),
        ("{type: RANGE, start: 1.5 PRECEDING, end: unbounded   following}",
         "RANGE BETWEEN 1.5 PRECEDING AND UNBOUNDED FOLLOWING"),
    ],
)  # fmt: skip
def test_a_frame_becomes_sql(frame: str, sql: str) -> None:
    assert frame_of(frame) == (sql, [])


@pytest.mark.parametrize(
    ("frame", "code", "place"),
    [
        ("{type: ROWS, start: everything}", "MET204", "everything"),
        ("{type: ROWS, start: 1.5 PRECEDING}", "MET204", "1.5 PRECEDING"),
        ("{type: GROUPS, start: -1 PRECEDING}", "MET204", "-1 PRECEDING"),
        ("{type: ROWS, start: UNBOUNDED FOLLOWING}", "MET204", "UNBOUNDED FOLLOWING"),
        ("{type: ROWS, start: CURRENT ROW, end: UNBOUNDED PRECEDING}", "MET204",
         "UNBOUNDED PRECEDING"),
        ("{type: ROWS, start: 1 FOLLOWING}", "MET204", "1 FOLLOWING"),
        ("{type: RANGE, start: (SELECT 1) PRECEDING}", "MET204", "(SELECT 1) PRECEDING"),
        ("{type: ROWS, start: 1; DROP TABLE x PRECEDING}", "MET204",
         "1; DROP TABLE x PRECEDING"),
        ("{type: LINES, start: CURRENT ROW}", "MOD104", "LINES"),
        ("{type: ROWS}", "MOD102", "frame"),
    ],
)  # fmt: skip
def test_an_impossible_frame_is_told_at_its_bound(frame: str, code: str, place: str) -> None:
    assert frame_of(frame) == (None, [(code, place)])


def test_a_window_over_the_metrics_own_values() -> None:
    metric = one_metric(
        """\
metric_type: simple
type_params:
  measure: revenue
  window: {partition_by: customer_id, order_by: [order_date DESC]}"""
    )
    assert isinstance(metric.window, FrameWindow)
    assert [sql.text for sql in metric.window.partition_by] == ["customer_id"]
    assert [sql.text for sql in metric.window.order_by] == ["order_date DESC"]
    assert (metric.window.frame, metric.beyond, metric.cumulative) == (None, (), None)

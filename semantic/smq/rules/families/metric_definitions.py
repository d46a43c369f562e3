"""Rules of how metrics are declared: completely, once, and with all measures in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from smq.problem import Problem, Severity
from smq.rules.duplicates import duplicates, remove_duplicate
from smq.rules.model_wording import listed, thing
from smq.rules.registry import Args, Context, rule


@rule("MET201", "metric-without-definition", Severity.ERROR, on="yaml")
def metric_without_definition(args: Args) -> str:
    """A metric does not say what it computes.

    In the SMQ dialect a metric has an `expr`, or a `metric_type` with `type_params`; in dbt's it
    has a `type` (simple, ratio, derived, cumulative, conversion) with `type_params`.

    ```bad
    metrics:
      - {name: revenue, type: number}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, type: number, expr: SUM(orders__amount)}
    ```

    There is no fix, because only you know what it computes.
    """
    return (
        f"{thing(args).capitalize() if not args['name'] else 'Metric ' + repr(args['name'])} does "
        "not say what it computes. Add `expr`, such as `SUM(model__measure)`."
    )


_NEEDS = {
    "simple": "an `expr`, or `type_params` with a `measure`",
    "ratio": "`type_params` with a `numerator` and a `denominator`",
    "derived": "an `expr` over other metrics",
    "cumulative": "`type_params` with the `measure` that it accumulates",
    "conversion": "`type_params` with `conversion_type_params`",
}


@rule("MET202", "incomplete-metric", Severity.ERROR, on="yaml")
def incomplete_metric(args: Args) -> str:
    """A metric of some type lacks what that type is made of.

    A ratio needs a numerator and a denominator, a derived metric an `expr`, a simple or cumulative
    one a measure, a conversion its two measures and the entity.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, agg: sum}
    metrics:
      - {name: revenue, type: simple, type_params: {measure: amount}}
      - {name: share, type: ratio, type_params: {numerator: revenue}}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, agg: sum}
          - {name: orders_placed, agg: count, expr: order_no}
    metrics:
      - {name: revenue, type: simple, type_params: {measure: amount}}
      - {name: order_count, type: simple, type_params: {measure: orders_placed}}
      - name: average_order
        type: ratio
        type_params: {numerator: revenue, denominator: order_count}
    ```

    There is no fix, because only you know what is missing.
    """
    kind = str(args["kind"])
    missing = listed(args["keys"])
    return (
        f"The {kind} metric '{args['name']}' has no {missing}. It needs "
        f"{_NEEDS.get(kind, missing)}."
    )


def _duplicate_metrics(context: Context, uri: str) -> Iterator[Problem]:
    yield from duplicates(context, "metric", "metric", "MET203")


@rule(
    "MET203",
    "duplicate-metric",
    Severity.ERROR,
    on="workspace",
    fix=remove_duplicate,
    check=_duplicate_metrics,
)
def duplicate_metric(args: Args) -> str:
    """Two metrics have one name, in the same file or in two.

    Queries ask for metrics by their bare names, so they must be unique in the workspace. Only the
    first definition, in the order of the files, is used. A measure with `create_metric: true`
    also defines a metric of its name.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount)}
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount) * 1.1}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount)}
      - {name: gross_revenue, metric_type: simple, expr: SUM(orders__amount) * 1.1}
    ```

    The fix removes the later definition.
    """
    return (
        f"There is already a metric '{args['name']}', so this one is never used. Rename or remove "
        "it."
    )


@rule("MET204", "impossible-window-frame", Severity.ERROR, on="yaml")
def impossible_window_frame(args: Args) -> str:
    """The frame of a metric's window has a bound that cannot be.

    A bound is `UNBOUNDED PRECEDING`, `n PRECEDING`, `CURRENT ROW`, `n FOLLOWING` or `UNBOUNDED
    FOLLOWING`; `ROWS` and `GROUPS` count in whole numbers, `RANGE` also takes an INTERVAL. The
    frame starts before it ends.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: order_date, type: date}
        measures:
          - {name: amount, agg: sum}
    metrics:
      - name: running_revenue
        metric_type: simple
        type_params:
          measure: amount
          window:
            order_by: [order_date]
            frame: {type: ROWS, start: CURRENT ROW, end: UNBOUNDED PRECEDING}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: order_date, type: date}
        measures:
          - {name: amount, agg: sum}
    metrics:
      - name: running_revenue
        metric_type: simple
        type_params:
          measure: amount
          window:
            order_by: [order_date]
            frame: {type: ROWS, start: UNBOUNDED PRECEDING, end: CURRENT ROW}
    ```

    There is no fix, because it cannot be told which rows are meant.
    """
    return f"`{args['value']}` cannot be the `{args['key']}` of a window frame: {args['detail']}."


def _unused_measures(context: Context, uri: str) -> Iterator[Problem]:
    models = context.file(uri).declarations.models
    if not any(model.measures for model in models):
        return
    used = _used_measures(context)
    for model in models:
        for measure in model.measures:
            if (model.name, measure.name) not in used and not measure.create_metric:
                facts = {"name": measure.name, "model": model.name}
                yield Problem("MET205", measure.name_at, facts)


def _used_measures(context: Context) -> set[tuple[str, str]]:
    """(model, measure) for the measures behind all metrics of the workspace."""
    # Imported here, because it brings the SQL library, which listing rules can do without.
    from smq.graph.formula import expand
    from smq.graph.leaves import Formula

    graph, dialect = context.graph, context.configuration.dialect
    key = ("used measures", dialect)
    known: set[tuple[str, str]] | None = graph.memo.get(key)
    if known is not None:
        return known
    used: set[tuple[str, str]] = set()
    words: set[str] = set()
    for name, metric in graph.metrics.items():
        found = expand(graph, name, dialect)
        if isinstance(found, Formula):
            refs = [ref for leaf in found.leaves for ref in leaf.refs]
            refs += [ref for leaf in found.leaves for c in leaf.filters for ref in c.outer]
            used |= {(ref.model, ref.name) for ref in refs if ref.kind == "measure"}
        else:
            # What a broken metric uses is known by its words only.
            words |= _words_of(metric)
    for model in graph.models.values():
        for measure in model.measures:
            if measure.name in words or f"{model.name}__{measure.name}" in words:
                used.add((model.name, measure.name))
    graph.memo[key] = used
    return used


def _words_of(metric: Any) -> set[str]:
    inputs = [metric.measure, metric.numerator, metric.denominator, *metric.inputs]
    if metric.conversion is not None:
        inputs += [metric.conversion.base, metric.conversion.conversion]
    words = {given.name for given in inputs if given is not None}
    if metric.expr is not None:
        words.update(re.findall(r"\w+", metric.expr.text))
    return words


@rule("MET205", "unused-measure", Severity.OFF, on="yaml", check=_unused_measures)
def unused_measure(args: Args) -> str:
    """No metric uses a measure. Off by default.

    A measure alone cannot be asked for; a metric makes it a number. Queries can still use it in
    filters and windows.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
          - {name: discount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount)}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
          - {name: discount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount) - SUM(orders__discount)}
    ```

    There is no fix, because the metric may still have to be written.
    """
    return (
        f"No metric uses measure '{args['name']}' of semantic model '{args['model']}'. Define a "
        "metric with it, or remove it."
    )

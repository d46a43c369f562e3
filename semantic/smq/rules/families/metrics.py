"""Rules of metrics as a whole: whether the aggregates that one is made of can be computed.

All are told by expanding metrics, here as in a query.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from smq.graph.symbols import Metric
from smq.problem import Fix, Problem, Related, Severity
from smq.rules.missing import created_for
from smq.rules.model_edits import replacements
from smq.rules.model_wording import did_you_mean, listed
from smq.rules.registry import Args, Context, rule
from smq.rules.wording import cannot_be_said

_PLAIN = re.compile(r"(?:SUM|AVG|MIN|MAX|COUNT)\(\s*(?:DISTINCT\s+)?(\w+)\s*\)\Z", re.IGNORECASE)


def _expanded(context: Context, uri: str) -> Iterator[Problem]:
    """What is wrong with the metrics of a file, found by expanding each as a query would."""
    # Imported here, because it brings the SQL library, which listing rules can do without.
    from smq.graph.formula import expand
    from smq.graph.leaves import Broken

    graph = context.graph
    for metric in context.file(uri).declarations.metrics:
        if graph.metrics.get(metric.name) is metric and not _is_plain(metric, graph):
            found = expand(graph, metric.name, context.configuration.dialect)
            if isinstance(found, Broken):
                # That a metric lacks its definition is told by the check of the file's shape.
                yield from (
                    problem
                    for problem in found.problems
                    if not str(problem.args.get("feature", "")).endswith("without a definition")
                )


def _portable(context: Context, uri: str) -> Iterator[Problem]:
    """Metrics that one of the target dialects cannot say, compiled for each as a query would be."""
    configuration = context.configuration
    targets = [d for d in configuration.target_dialects if d != configuration.dialect]
    if not targets:
        return
    from smq.query.read import queries_from_value
    from smq.sql.blame import place_in
    from smq.sql.compile import CompileOptions, compile_query, is_portable, smallest_query

    graph, own = context.graph, configuration.dialect
    for metric in context.file(uri).declarations.metrics:
        if graph.metrics.get(metric.name) is not metric or _is_plain(metric, graph):
            continue
        if metric.expr is None or is_portable(graph, metric.name, own):
            continue
        _, queries, _ = queries_from_value(smallest_query(graph, metric.name, own))
        for target in dict.fromkeys(targets):
            result = compile_query(queries[0], graph, CompileOptions(target, own))
            for problem in result.problems:
                if problem.code != "EXP120":
                    continue
                if any(r.location.uri != uri or not _within(metric, r) for r in problem.related):
                    # It is said in a metric that this one uses, and told there.
                    continue
                places = [related.location for related in problem.related]
                place = places[0] if places else place_in(metric.expr, "", own)
                args = {"metric": metric.name, **problem.args}
                yield Problem("MET111", place or metric.expr.location, args)


def _is_plain(metric: Metric, graph: Any) -> bool:
    """One aggregate over one known member, in which nothing can be wrong.

    Most metrics are, and expanding each of twenty thousand would take longer than all other rules.
    """
    others = (metric.measure, metric.numerator, metric.filters, metric.window, metric.beyond)
    if metric.expr is None or any(others):
        return False
    match = _PLAIN.match(metric.expr.text)
    model, found, member = match[1].partition("__") if match else ("", "", "")
    if not found or model not in graph.models or "__" in member:
        return False
    index = graph.index(model)
    return member in index.measures or member in index.dimensions


def _within(metric: Metric, related: Related) -> bool:
    return metric.expr is not None and metric.expr.location.span.covers(related.location.span)


@rule("MET101", "metric-cycle", Severity.ERROR, on="yaml")
def metric_cycle(args: Args) -> str:
    """A metric is defined by itself, directly or through other metrics.

    Its value would need its value first. The message shows the way round; one of the definitions
    on it must stop using the next.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: gross, metric_type: derived, expr: net * 1.1}
      - {name: net, metric_type: derived, expr: gross / 1.1}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: net, metric_type: simple, expr: SUM(orders__amount)}
      - {name: gross, metric_type: derived, expr: net * 1.1}
    ```

    There is no fix, because any of the definitions could be the wrong one.
    """
    cycle = tuple(args["cycle"])
    left_out = args.get("left_out")
    if left_out:
        cycle = (*cycle[:-3], f"… {left_out:,} more …", *cycle[-3:])
    way = " → ".join(cycle)
    return f"Metric '{cycle[0]}' is defined by itself: {way}. Define one of them by measures."


def _use_nearest_or_create(problem: Problem, context: Context) -> Iterator[Fix]:
    near: Any = problem.args.get("nearest") or ()
    yield from replacements(problem.location, near)
    yield from created_for(problem, context)


@rule(
    "MET102",
    "unknown-reference-in-metric",
    Severity.ERROR,
    on="yaml",
    fix=_use_nearest_or_create,
    check=_expanded,
)
def unknown_reference_in_metric(args: Args) -> str:
    """A metric uses a measure, dimension or metric that no file defines.

    Measures and dimensions are written `model__measure` and `model__dimension`, metrics by their
    bare names. In `type_params` the bare name of a measure is enough when only one model has it.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amuont)}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount)}
    ```

    The fixes put the nearest name that exists in its place, or create what is missing: a measure
    for the column of this name, or a metric beside this one, to be edited.
    """
    return (
        f"Metric '{args['metric']}' uses `{args['name']}`, but no measure, dimension or metric "
        f"has that name.{did_you_mean(args)}"
    )


@rule("MET103", "unknown-base", Severity.ERROR, on="yaml")
def unknown_base(args: Args) -> str:
    """It cannot be told whose rows an aggregate in a metric counts.

    An aggregate over several models counts the rows of the one from which all the others are
    reached by to-one joins. `COUNT(*)` counts the rows of the metric's other aggregates, or of
    the only semantic model in the metric's file.

    ```bad
    semantic_models:
      - name: customers
        table: shop.customers
        entities:
          - {name: customer, type: primary, expr: customer_no}
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_no}
          - {name: customer, type: foreign, expr: customer_no}
    metrics:
      - {name: order_count, metric_type: simple, expr: COUNT(*)}
    ```

    ```good
    semantic_models:
      - name: customers
        table: shop.customers
        entities:
          - {name: customer, type: primary, expr: customer_no}
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_no}
          - {name: customer, type: foreign, expr: customer_no}
    metrics:
      - {name: order_count, metric_type: simple, expr: COUNT(orders__order)}
    ```

    There is no fix, because only you know which rows are meant.
    """
    models = tuple(args["models"])
    if len(models) > 1:
        return (
            f"Metric '{args['metric']}' aggregates over {listed(models, 'and')}, and no to-one "
            "joins lead from one of them to all others. Aggregate each by itself, or declare the "
            "entity that joins them."
        )
    return (
        f"It cannot be told whose rows COUNT(*) counts in metric '{args['metric']}'. Count a key "
        "instead, such as `COUNT(model__key)`."
    )


@rule("MET104", "not-supported-yet", Severity.ERROR, on="yaml")
def not_supported_yet(args: Args) -> str:
    """A metric uses a feature that cannot be computed yet.

    It is refused, because leaving the feature out would give a different number. Everything else
    in the file works.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        defaults: {agg_time_dimension: ordered_at}
        dimensions:
          - {name: ordered_at, type: time, type_params: {time_granularity: day}}
        measures:
          - {name: amount, agg: sum}
    metrics:
      - name: signups_to_orders
        type: conversion
        type_params:
          conversion_type_params:
            base_measure: amount
            conversion_measure: amount
            entity: customer
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        defaults: {agg_time_dimension: ordered_at}
        dimensions:
          - {name: ordered_at, type: time, type_params: {time_granularity: day}}
        measures:
          - {name: amount, agg: sum}
    metrics:
      - {name: revenue, type: simple, type_params: {measure: amount}}
    ```

    There is no fix.
    """
    return (
        f"Metric '{args['metric']}' uses {args['feature']}, which cannot be computed yet. It is "
        "refused, because leaving that out would give a different number."
    )


@rule("MET110", "metric-too-large", Severity.ERROR, on="yaml")
def metric_too_large(args: Args) -> str:
    """A metric is too large, once the metrics that it uses are written out in it.

    A metric that uses another one twice is twice as large, and one that uses that twice four
    times. No engine reads what a few dozen of them make; a formula may have 5,000 parts, operators
    nested 200 deep, and 64 metrics on top of each other.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number, agg: sum}
    metrics:
      - {name: m0, metric_type: simple, type_params: {measure: amount}}
      - {name: m1, metric_type: derived, expr: m0 + m0 + m0 + m0 + m0 + m0 + m0 + m0}
      - {name: m2, metric_type: derived, expr: m1 + m1 + m1 + m1 + m1 + m1 + m1 + m1}
      - {name: m3, metric_type: derived, expr: m2 + m2 + m2 + m2 + m2 + m2 + m2 + m2}
      - {name: m4, metric_type: derived, expr: m3 + m3 + m3 + m3 + m3 + m3 + m3 + m3}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number, agg: sum}
    metrics:
      - {name: m0, metric_type: simple, type_params: {measure: amount}}
      - {name: m1, metric_type: derived, expr: m0 + m0 + m0 + m0 + m0 + m0 + m0 + m0}
      - {name: m2, metric_type: derived, expr: m1 + m1 + m1 + m1 + m1 + m1 + m1 + m1}
      - {name: m3, metric_type: derived, expr: m2 + m2 + m2 + m2 + m2 + m2 + m2 + m2}
      - {name: m4, metric_type: derived, expr: 8 * m3}
    ```

    There is no fix.
    """
    return (
        f"Metric '{args['metric']}' is too large: written out with the metrics that it uses, it "
        "has more parts, or more metrics on top of each other, than engines can read. Use each "
        "metric once, or compute a part of it in the table."
    )


@rule("MET111", "metric-not-portable", Severity.ERROR, on="yaml", check=_portable)
def metric_not_portable(args: Args) -> str:
    """A metric uses what the SQL of a target dialect cannot say.

    `target_dialects` in the configuration lists the engines that a workspace has to run on. What
    one of them lacks is written in other words wherever they mean the same; hover on the metric
    shows which. Where there are none, every query with this metric is refused for that engine.

    ```bad
    -- smq.toml --
    dialect = "duckdb"
    target_dialects = ["bigquery"]
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: order_date, type: date}
        measures:
          - {name: amount, type: number}
    metrics:
      - name: two_days
        metric_type: simple
        expr: SUM(SUM(orders__amount)) OVER (ORDER BY orders__order_date GROUPS 1 PRECEDING)
    ```

    ```good
    -- smq.toml --
    dialect = "duckdb"
    target_dialects = ["bigquery"]
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: order_date, type: date}
        measures:
          - {name: amount, type: number}
    metrics:
      - name: two_days
        metric_type: simple
        expr: SUM(SUM(orders__amount)) OVER (ORDER BY orders__order_date ROWS 1 PRECEDING)
    ```

    There is no fix.
    """
    return f"{cannot_be_said(args)} So '{args['metric']}' cannot be asked for there."

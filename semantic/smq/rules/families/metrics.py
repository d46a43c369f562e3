"""Rules of the metrics family: what metrics are made of, and whether it can be computed.

Codes from 101 are raised while metrics are expanded into aggregates; from 201 on by the check of
a file's shape, by loaders, and by looking at all metrics together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from smq.graph.symbols import Metric
from smq.problem import Fix, Problem, Related, Severity
from smq.rules.families.models import did_you_mean, duplicates, listed, remove_duplicate, thing
from smq.rules.missing import created_for
from smq.rules.model_edits import replacements
from smq.rules.registry import Args, Context, rule
from smq.rules.wording import cannot_be_said
from smq.text import Edit, Location, Span

_PLAIN = re.compile(r"(?:SUM|AVG|MIN|MAX|COUNT)\(\s*(?:DISTINCT\s+)?(\w+)\s*\)\Z", re.IGNORECASE)


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
    way = " → ".join(cycle)
    return f"Metric '{cycle[0]}' is defined by itself: {way}. Define one of them by measures."


def _use_nearest(problem: Problem, context: Context) -> Iterator[Fix]:
    near: Any = problem.args.get("nearest") or ()
    yield from replacements(problem.location, near)


def _use_nearest_or_create(problem: Problem, context: Context) -> Iterator[Fix]:
    yield from _use_nearest(problem, context)
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


@rule("MET105", "metric-expression-does-not-parse", Severity.ERROR, on="yaml")
def metric_expression_does_not_parse(args: Args) -> str:
    """The SQL of a metric, or of one of its filters or windows, cannot be read.

    A metric is one SQL expression in the configured dialect: aggregates over measures and
    dimensions, arithmetic, CASE, functions; no SELECT, no FROM, no semicolon.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount}
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

    There is no fix, because the rest of the text could mean several things.
    """
    return f"This cannot be read as SQL: {args['detail']}."


@rule("MET106", "aggregate-in-aggregate", Severity.ERROR, on="yaml")
def aggregate_in_aggregate(args: Args) -> str:
    """A metric aggregates what is aggregated already.

    `SUM(COUNT(…))` or `SUM(revenue)`, where revenue is a metric, has no rows left to work on. For
    a running or moving value use a window, `SUM(revenue) OVER (…)`; for a total of group values,
    group the query and add them up there.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount)}
      - {name: total_revenue, metric_type: derived, expr: SUM(revenue)}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount)}
      - {name: gross_revenue, metric_type: derived, expr: revenue * 1.1}
    ```

    There is no fix, because either of the two could be the one too many.
    """
    return (
        f"Metric '{args['metric']}' aggregates `{args['inner']}`, which is an aggregate already. "
        f"Use `{args['inner']}` by itself, or inside a window."
    )


def _aggregate_it(problem: Problem, context: Context) -> Iterator[Fix]:
    uri, span = problem.location
    written = span.cut(context.parsed(uri).document.text)
    measure = str(problem.args["measure"])
    # In type_params the name stands alone, and only the measure itself can say how.
    if "__" in written and _in_expression(problem, context):
        for function in ("SUM", "COUNT", "AVG", "MAX"):
            edit = Edit(uri, span, f"{function}({written})")
            yield Fix(f"Aggregate it: {function}({measure})", (edit,), "unsafe")


def _in_expression(problem: Problem, context: Context) -> bool:
    metric = context.graph.metrics.get(problem.args["metric"])
    sql = metric.expr if metric is not None else None
    return bool(sql and sql.location.span.covers(problem.location.span))


@rule("MET107", "measure-without-aggregation", Severity.ERROR, on="yaml", fix=_aggregate_it)
def measure_without_aggregation(args: Args) -> str:
    """A metric uses a measure as a total, but nothing says how its rows are aggregated.

    Either the measure declares `agg:`, or the metric aggregates it in its `expr`.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: orders__amount * 1.1}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount) * 1.1}
    ```

    The fixes put an aggregate around the measure; which one is right is yours to choose.
    """
    measure = args["measure"]
    return (
        f"Metric '{args['metric']}' uses measure `{measure}`, which does not say how it is "
        f"aggregated. Write `SUM({measure})` or another aggregate, or give the measure an `agg`."
    )


def _aggregate_value(problem: Problem, context: Context) -> Iterator[Fix]:
    uri, span = problem.location
    written = span.cut(context.parsed(uri).document.text)
    for function in (f"COUNT(DISTINCT {written})", f"MIN({written})", f"MAX({written})"):
        yield Fix(f"Write {function}", (Edit(uri, span, function),), "unsafe")


@rule("MET108", "row-value-outside-aggregate", Severity.ERROR, on="yaml", fix=_aggregate_value)
def row_value_outside_aggregate(args: Args) -> str:
    """A metric uses the value of a single row outside of every aggregate.

    A metric is one value for a whole group of rows. A dimension has a value for each row, so it
    must stand inside an aggregate, or inside the condition of a CASE that is aggregated.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
        measures:
          - {name: amount, type: number}
    metrics:
      - name: paid
        metric_type: simple
        expr: CASE WHEN orders__status = 'paid' THEN SUM(orders__amount) END
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
        measures:
          - {name: amount, type: number}
    metrics:
      - name: paid
        metric_type: simple
        expr: SUM(CASE WHEN orders__status = 'paid' THEN orders__amount END)
    ```

    The fixes put an aggregate around the value; often the whole CASE is what should be aggregated.
    """
    return (
        f"Metric '{args['metric']}' uses `{args['name']}` outside of an aggregate, where it has "
        "no single value. Move it inside one, such as `SUM(CASE WHEN … END)`."
    )


def _use_reading(problem: Problem, context: Context) -> Iterator[Fix]:
    found: Any = problem.args["readings"]
    yield from replacements(problem.location, dict.fromkeys(found))


@rule("MET109", "ambiguous-reference", Severity.ERROR, on="yaml", fix=_use_reading)
def ambiguous_reference(args: Args) -> str:
    """A name in a metric could mean several things.

    Bare names of measures and dimensions are unique only by chance; write the model in front.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_no}
        measures:
          - {name: amount, type: number, agg: sum}
      - name: payments
        table: shop.payments
        entities:
          - {name: order, type: foreign, expr: order_no}
        measures:
          - {name: amount, type: number, agg: sum}
    metrics:
      - {name: paid, metric_type: simple, expr: SUM(amount)}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_no}
        measures:
          - {name: amount, type: number, agg: sum}
      - name: payments
        table: shop.payments
        entities:
          - {name: order, type: foreign, expr: order_no}
        measures:
          - {name: amount, type: number, agg: sum}
    metrics:
      - {name: paid, metric_type: simple, expr: SUM(payments__amount)}
    ```

    The fixes put each of the readings in its place.
    """
    found = dict.fromkeys(args["readings"])
    return (
        f"`{args['name']}` in metric '{args['metric']}' could mean {listed(found)}. Write the one "
        "that is meant."
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


def _within(metric: Metric, related: Related) -> bool:
    return metric.expr is not None and metric.expr.location.span.covers(related.location.span)


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


_BARE = re.compile(r"[\w$]+(\.[\w$]+)*\Z")


def _row_expressions(context: Context, uri: str) -> Iterator[Problem]:
    # Imported here, because it brings the SQL library, which listing rules can do without.
    from smq.expr import parse_expression

    dialect = context.configuration.dialect
    for model in context.file(uri).declarations.models:
        parts: list[tuple[str, Any]] = [("entity", entity) for entity in model.entities]
        parts += [("dimension", dimension) for dimension in model.dimensions]
        parts += [("measure", measure) for measure in model.measures]
        for what, member in parts:
            sql = member.expr
            # Nearly all of them are a column's name, which nothing can be wrong with here.
            if sql is None or sql.node is None or _BARE.match(sql.text):
                continue
            parsed = parse_expression(sql.text, dialect)
            facts = {"what": what, "name": member.name, "model": model.name}
            if parsed.fault is not None:
                at = _part(sql, parsed.fault.start, parsed.fault.end)
                yield Problem("MET207", at, {**facts, "detail": parsed.fault.detail})
            for function in parsed.functions:
                at = _part(sql, function.start, function.end)
                kind = "window function" if function.windowed else "aggregate"
                yield Problem("MET206", at, {**facts, "function": function.name, "kind": kind})
            for table in parsed.tables[:1]:
                at = _part(sql, table.start, table.end)
                more = {"function": f"A query of `{table.name}`", "kind": "subquery"}
                yield Problem("MET206", at, {**facts, **more})


def _part(sql: Any, start: int, end: int) -> Location:
    return Location(sql.location.uri, sql.node.source(Span(start, end)))


@rule(
    "MET206",
    "more-than-a-row-in-expression",
    Severity.ERROR,
    on="yaml",
    check=_row_expressions,
)
def more_than_a_row_in_expression(args: Args) -> str:
    """The `expr` of an entity, dimension or measure looks beyond its own row.

    It gives one value for each row of the table, before anything is grouped. Aggregates belong
    into metrics, or into `agg:` of a measure; windows and subqueries belong into the table, which
    may be a SELECT.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number, expr: SUM(order_amount)}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number, agg: sum, expr: order_amount}
    ```

    There is no fix, because the metrics that use it would have to follow.
    """
    what = args["what"]
    if args["kind"] == "subquery":
        return (
            f"{args['function']} stands in the `expr` of {what} '{args['name']}', which is "
            "computed from its own row alone. Make the model's table a SELECT that joins it."
        )
    advice = (
        "Write the value of a row here, and the aggregate as `agg` or in the metric."
        if what == "measure"
        else "Write the value of a row here, and aggregate in a metric."
    )
    return (
        f"{args['function']} is {'an' if args['kind'] == 'aggregate' else 'a'} {args['kind']}, but "
        f"the `expr` of {what} '{args['name']}' is computed row by row. {advice}"
    )


@rule("MET207", "row-expression-does-not-parse", Severity.ERROR, on="yaml")
def row_expression_does_not_parse(args: Args) -> str:
    """The `expr` of an entity, dimension or measure cannot be read as SQL.

    It is one SQL expression over the columns of the table, in the configured dialect.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: size, type: varchar, expr: CASE WHEN amount > 100 THEN 'large'}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: size, type: varchar, expr: CASE WHEN amount > 100 THEN 'large' END}
    ```

    There is no fix, because the rest of the text could mean several things.
    """
    return f"The `expr` of {args['what']} '{args['name']}' cannot be read as SQL: {args['detail']}."

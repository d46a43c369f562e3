"""Rules of the SQL of metrics: what is aggregated, and what stands outside of an aggregate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smq.problem import Fix, Problem, Severity
from smq.rules.model_edits import replacements
from smq.rules.model_wording import listed
from smq.rules.registry import Args, Context, rule
from smq.text import Edit


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
    if not problem.args["agg"] and "__" in written and _in_expression(problem, context):
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
    if args["agg"]:
        return (
            f"Metric '{args['metric']}' uses measure `{measure}`, whose aggregation "
            f"'{args['agg']}' is not understood as the measure has it. Mend it there."
        )
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

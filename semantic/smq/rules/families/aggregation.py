"""Rules of what queries aggregate: columns, measures and windows before and after it."""

from __future__ import annotations

from collections.abc import Iterator

from smq.problem import Fix, Problem, Severity
from smq.rules.model_additions import added_metric, free_name
from smq.rules.query_edits import (
    escaped,
    grouping,
    names,
    replaced,
    replacements,
)
from smq.rules.registry import Args, Context, rule
from smq.rules.wording import listed
from smq.text import Edit, Span

_AGGS = {"SUM": "sum", "COUNT": "count", "AVG": "average", "MIN": "min", "MAX": "max"}


def use_or_create_metric(problem: Problem, context: Context) -> Iterator[Fix]:
    """The metrics that aggregate it; without any, a new one."""
    metrics = names(problem, "metrics")
    yield from replacements(problem.location, metrics)
    if metrics:
        return
    function, call = str(problem.args["function"]), str(problem.args["call"])
    known = [ref for ref in (_member(name, context) for name in names(problem, "names")) if ref]
    if len(known) != 1 or len(names(problem, "names")) != 1:
        return
    (model_name, member), written = known[0], names(problem, "names")[0]
    model = context.graph.models[model_name]
    name = free_name(f"{function.lower()}_{member}", context.graph.metrics)
    expr = call.replace(written, f"{model_name}__{member}")
    measure = context.graph.index(model_name).measures.get(member)
    if measure is not None and (measure.agg or "").replace("avg", "average") != _AGGS.get(function):
        # dbt's metrics can only aggregate a measure in the way that it says itself.
        measure = None
    edit = added_metric(context.parsed(model.name_at.uri), model, name, expr, measure)
    if edit is not None:
        edits = (edit, *replaced(problem.location, name))
        yield Fix(f"Create metric '{name}' as {expr}", edits, "unsafe")


def _member(name: str, context: Context) -> tuple[str, str] | None:
    """(model, member) of a name that exactly one model has, with or without its prefix."""
    owners = context.graph.models_with(name)
    if len(owners) == 1:
        return owners[0], name
    for model in context.graph.models:
        rest = name[len(model) + 2 :]
        if name.startswith(f"{model}__") and model in context.graph.models_with(rest):
            return model, rest
    return None


@rule("EXP103", "aggregate-of-column", Severity.ERROR, on="smq", fix=use_or_create_metric)
def aggregate_of_column(args: Args) -> str:
    """A query aggregates a measure or dimension by itself.

    What is aggregated, and how, is defined once as a metric, so that everybody gets the same
    number. Queries ask for metrics, and may compute with them.

    ```bad
    {"metrics": ["SUM(계좌정보__balance) AS total"]}
    ```

    ```bad
    {"metrics": ["account_count"], "filters": ["SUM(계좌정보__balance) > 100"]}
    ```

    ```good
    {"metrics": ["account_count"], "filters": ["total_balance > 100"]}
    ```

    The fixes offer the metrics that aggregate it. When there is none, the fix defines one in the
    YAML file and asks for that.
    """
    what = (
        f"`{args['call']}` aggregates by itself; a query asks for metrics, which are defined once."
    )
    if args["metrics"]:
        return f"{what} Use {listed(args['metrics'], 'or')}."
    return f"{what} Define a metric for it."


def group_by_it(problem: Problem, context: Context) -> Iterator[Fix]:
    """The dimension as a further item of groupBy."""
    yield from grouping(problem, context, names(problem, "candidates"))


@rule("EXP104", "window-name-not-grouped", Severity.ERROR, on="smq", fix=group_by_it)
def window_name_not_grouped(args: Args) -> str:
    """A window names a dimension that is not in `groupBy`.

    Windows see the rows of the result, after aggregation. Those have the dimensions of `groupBy`
    and no others. The fix adds it there, which makes the rows finer.

    ```bad
    {
      "metrics": ["SUM(revenue) OVER (ORDER BY 주문__order_date) AS running"],
      "groupBy": ["고객기본__cust_no"]
    }
    ```

    ```good
    {
      "metrics": ["SUM(revenue) OVER (ORDER BY 주문__order_date) AS running"],
      "groupBy": ["고객기본__cust_no", "주문__order_date"]
    }
    ```
    """
    window = f"The window of '{args['metric']}'" if args["metric"] else "The window"
    return (
        f"{window} uses '{args['reference']}', which is not in `groupBy`. Windows see the rows of"
        " the result, so add it there."
    )


@rule("EXP107", "dimension-not-grouped", Severity.ERROR, on="smq", fix=group_by_it)
def dimension_not_grouped(args: Args) -> str:
    """A dimension stands beside a metric and is not in `groupBy`.

    A metric has one value for each row of the result. What stands beside it in one expression
    must have one, too. The fix adds the dimension to `groupBy`. To filter rows before they are
    aggregated, write that condition as a filter of its own, or join it with AND.

    ```bad
    {
      "metrics": ["account_count"],
      "filters": ["account_count > 3 OR 고객기본__cust_no = 'C1'"]
    }
    ```

    ```good
    {
      "metrics": ["account_count"],
      "groupBy": ["고객기본__cust_no"],
      "filters": ["account_count > 3 OR 고객기본__cust_no = 'C1'"]
    }
    ```
    """
    return (
        f"'{args['reference']}' stands beside a metric, so it must have one value for each row of"
        " the result. Add it to `groupBy`."
    )


def use_metric(problem: Problem, context: Context) -> Iterator[Fix]:
    """The metrics that aggregate the measure."""
    yield from replacements(problem.location, names(problem, "metrics"))


@rule("EXP108", "measure-after-aggregation", Severity.ERROR, on="smq", fix=use_metric)
def measure_after_aggregation(args: Args) -> str:
    """A measure stands where only aggregated values are left.

    A measure is a value of single rows. Beside metrics, outside of windows and in `orderBy` the
    rows have been aggregated. The fixes offer the metrics that aggregate it.

    ```bad
    {"metrics": ["account_count"], "filters": ["account_count > 3 OR 계좌정보__balance > 3"]}
    ```

    ```good
    {"metrics": ["account_count"], "filters": ["account_count > 3 OR total_balance > 3"]}
    ```
    """
    what = f"'{args['name']}' is a measure, a value of single rows, and these are aggregated here."
    metrics = args["metrics"]
    return f"{what} Use {listed(metrics, 'or')}." if metrics else f"{what} Define a metric for it."


@rule("EXP109", "window-over-unaggregated-measure", Severity.ERROR, on="smq", fix=use_metric)
def measure_without_aggregation(args: Args) -> str:
    """A window uses a measure that has no aggregation of its own.

    In a window a measure means its value at the query's grain, aggregated as its `agg` says. This
    one has no `agg`, so a metric has to say how. The fixes offer the metrics that aggregate it.

    ```bad
    {"metrics": ["SUM(계좌정보__balance) OVER () AS all_money"]}
    ```

    ```good
    {"metrics": ["SUM(total_balance) OVER () AS all_money"]}
    ```
    """
    what = f"Measure '{args['name']}' has no `agg` that says how a window gets its value."
    metrics = args["metrics"]
    return f"{what} Use {listed(metrics, 'or')}." if metrics else f"{what} Add one to its YAML."


@rule("EXP110", "window-in-window", Severity.ERROR, on="smq")
def window_in_window(args: Args) -> str:
    """A window is computed over another window.

    Windows are computed once, over the aggregated rows, so none of them can see the value of
    another one. Metrics that are defined with a window are windows, too.

    ```bad
    {
      "metrics": ["RANK() OVER (ORDER BY revenue) AS place", "MAX(place) OVER () AS last"],
      "groupBy": ["고객기본__cust_no"]
    }
    ```

    ```good
    {
      "metrics": ["RANK() OVER (ORDER BY revenue) AS place", "MAX(revenue) OVER () AS best"],
      "groupBy": ["고객기본__cust_no"]
    }
    ```

    There is no fix.
    """
    return f"'{args['name']}' is a window already, and a window cannot be computed over it."


@rule("EXP115", "nothing-aggregated", Severity.ERROR, on="smq")
def nothing_aggregated(args: Args) -> str:
    """A query asks for constants only.

    Without any metric there are no rows to count or to group, so nothing says which model the
    query is about.

    ```bad
    {"metrics": ["1 AS one"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```

    There is no fix, because which metric was meant is not known.
    """
    return "The query asks for no metric, only for constants. Name at least one metric."


def add_over(problem: Problem, context: Context) -> Iterator[Fix]:
    """A window over all rows of the result."""
    uri, span = problem.location
    edit = Edit(uri, Span(span.end, span.end), escaped(" OVER ()"))
    yield Fix("Add OVER ()", (edit,), "unsafe")


@rule("EXP116", "missing-over", Severity.ERROR, on="smq", fix=add_over)
def missing_over(args: Args) -> str:
    """A window function has no window.

    Ranks, and values of other rows, depend on which rows there are and in which order: `RANK()
    OVER (PARTITION BY … ORDER BY …)`. The fix adds a window over all rows, to be completed.

    ```bad
    {"metrics": ["RANK() AS place"], "groupBy": ["고객기본__cust_no"]}
    ```

    ```good
    {
      "metrics": ["RANK() OVER (ORDER BY revenue DESC) AS place"],
      "groupBy": ["고객기본__cust_no"]
    }
    ```
    """
    return f"{args['function']}() needs a window: {args['function']}() OVER (ORDER BY …)."

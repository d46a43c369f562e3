"""Rules of the names in queries: metrics, aliases, sort keys, and names that mean nothing."""

from __future__ import annotations

from collections.abc import Iterator

from smq.problem import Fix, Problem, Safety, Severity
from smq.rules.model_additions import added_metric, free_name, metric_of_measure
from smq.rules.query_edits import (
    corrections,
    escaped,
    grouping,
    moving,
    names,
    near_first,
    replaced,
    replacements,
)
from smq.rules.registry import Args, Context, find, rule
from smq.rules.wording import did_you_mean, listed
from smq.text import Edit

# --- metrics --------------------------------------------------------------------------------------


def use_nearest(problem: Problem, context: Context) -> Iterator[Fix]:
    """The nearest names, in the place of the wrong one."""
    near = names(problem, "nearest")
    yield from corrections(problem.location, str(problem.args["name"]), near)


@rule("NAM101", "unknown-metric", Severity.ERROR, on="smq", fix=use_nearest)
def unknown_metric(args: Args) -> str:
    """A query asks for a metric that no file defines.

    Metrics are defined under `metrics:` in the YAML files and asked for by their bare names. The
    message begins `Metric '…' not found`, which programs may match.

    ```bad
    {"metrics": ["total_brn_cn"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```

    The fix writes the nearest name. It is applied without asking only when one letter too many or
    too few, the case, or a separator is all that tells the names apart.
    """
    near = did_you_mean(args["nearest"], args["name"])
    return f"Metric '{args['name']}' not found.{near or ' No metric has a name like it.'}"


def use_metric_of_model(problem: Problem, context: Context) -> Iterator[Fix]:
    """The metrics of the model, those with a similar name first."""
    metrics = names(problem, "metrics")
    yield from replacements(problem.location, near_first(str(problem.args["name"]), metrics))


@rule("NAM102", "model-as-metric", Severity.ERROR, on="smq", fix=use_metric_of_model)
def model_as_metric(args: Args) -> str:
    """A query asks for a semantic model, or for its table, as if it were a metric.

    A semantic model says what its rows are; a metric says what to compute from them. The fixes
    offer the metrics that are computed from the rows of this model.

    ```bad
    {"metrics": ["부점코드"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    what = f"'{args['name']}' is a semantic model, not a metric."
    if args["kind"] == "table":
        what = f"'{args['name']}' is the table of semantic model '{args['model']}', not a metric."
    return f"{what} {_its_metrics(args)}"


def _its_metrics(args: Args) -> str:
    metrics = args["metrics"]
    if not metrics:
        return f"No metric is defined on '{args['model']}'."
    if len(metrics) == 1:
        return f"The metric on '{args['model']}' is {listed(metrics)}."
    return f"The metrics on '{args['model']}' are {listed(metrics)}."


@rule("NAM103", "entity-as-metric", Severity.ERROR, on="smq", fix=use_metric_of_model)
def entity_as_metric(args: Args) -> str:
    """A query asks for an entity as if it were a metric.

    An entity is a key, by which models are joined. To count its values, ask for a metric that
    counts them; the fixes offer the metrics of its model.

    ```bad
    {"metrics": ["brn"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    what = f"'{args['name']}' is an entity of semantic model '{args['model']}', not a metric."
    return f"{what} {_its_metrics(args)}"


def use_metric_of_measure(problem: Problem, context: Context) -> Iterator[Fix]:
    """The metrics built on the measure; without any, a new one in the file of its model."""
    metrics = names(problem, "metrics")
    if metrics:
        yield from replacements(problem.location, metrics)
        return
    reference = str(problem.args["reference"])
    for name, model in context.graph.models.items():
        if not reference.startswith(f"{name}__"):
            continue
        member = reference[len(name) + 2 :]
        measure = context.graph.index(name).measures.get(member)
        new = metric_of_measure(model, measure, context.graph.metrics) if measure else None
        if new is None:
            continue
        uri = model.name_at.uri
        edit = added_metric(context.parsed(uri), model, *new, measure)
        if edit is not None:
            edits = (edit, *replaced(problem.location, new[0]))
            yield Fix(f"Create metric '{new[0]}' as {new[1]}", edits, "unsafe")


@rule("NAM104", "measure-as-metric", Severity.ERROR, on="smq", fix=use_metric_of_measure)
def measure_as_metric(args: Args) -> str:
    """A query asks for a measure as if it were a metric.

    A measure is a value of each row. A metric says how the rows' values become one number. The
    fixes offer the metrics built on the measure; when there is none, they define one in the YAML
    file of its model and ask for that.

    ```bad
    {"metrics": ["brn_cnt"]}
    ```

    ```bad
    {"metrics": ["부점코드__brn_cnt"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```

    A measure that no metric uses:

    ```bad
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, agg: sum}
    -- q.smq.json --
    {"metrics": ["amount"]}
    ```
    """
    metrics = args["metrics"]
    what = f"'{args['name']}' is a measure, a value of single rows, and not a metric."
    if not metrics:
        return f"{what} No metric is built on it yet; define one that aggregates it."
    return (
        f"{what} {'Metrics' if len(metrics) > 1 else 'The metric'} built on it: {listed(metrics)}."
    )


def move_to_group_by(problem: Problem, context: Context) -> Iterator[Fix]:
    """A dimension goes where dimensions belong."""
    yield from moving(problem, context, "metrics", "groupBy", str(problem.args["reference"]))


@rule("NAM105", "dimension-as-metric", Severity.ERROR, on="smq", fix=move_to_group_by)
def dimension_as_metric(args: Args) -> str:
    """A query asks for a dimension as if it were a metric.

    Dimensions say by what the numbers are split. They stand in `groupBy`, where the fix moves
    this one.

    ```bad
    {"metrics": ["total_brn_cnt", "부점코드__brn_stcd"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}
    ```
    """
    return f"'{args['name']}' is a dimension, not a metric. Dimensions belong in `groupBy`."


def drop_prefix(problem: Problem, context: Context) -> Iterator[Fix]:
    """A metric by its bare name."""
    metric = str(problem.args["metric"])
    yield Fix(f"Write '{metric}'", replaced(problem.location, metric), "safe")


@rule("NAM106", "metric-with-prefix", Severity.ERROR, on="smq", fix=drop_prefix)
def metric_with_prefix(args: Args) -> str:
    """A metric is written with the name of a model in front.

    Only dimensions, entities and measures are members of a model. A metric may be computed from
    several models, so its name stands alone. The fix drops the prefix.

    ```bad
    {"metrics": ["부점코드__total_brn_cnt"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return f"'{args['metric']}' is a metric, and metrics take no prefix. Write '{args['metric']}'."


def unwrap(problem: Problem, context: Context) -> Iterator[Fix]:
    """What the aggregate takes, without the aggregate."""
    metric, inner = str(problem.args["metric"]), str(problem.args["inner"])
    if inner != metric:
        text = inner if inner.isidentifier() else f"({inner})"
        yield Fix("Remove the aggregate", replaced(problem.location, text), "unsafe")
        return
    # SUM around a number, or the metric's own aggregate again, cannot have meant anything else.
    meant: Safety = "safe" if problem.args["same"] else "unsafe"
    yield Fix(f"Write '{metric}' alone", replaced(problem.location, metric), meant)


@rule("NAM107", "metric-aggregated-again", Severity.ERROR, on="smq", fix=unwrap)
def metric_aggregated_again(args: Args) -> str:
    """A metric stands inside an aggregate function.

    A metric has aggregated the rows already; there is one value for each row of the result, and
    nothing is left to aggregate. To go on computing over the rows of the result, use a window:
    `SUM(revenue) OVER (…)`.

    ```bad
    {"metrics": ["SUM(total_brn_cnt)"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```

    The fix leaves the metric alone. It is applied without asking for `SUM` and for the aggregate
    that the metric is made of; what another one was meant to say only its author knows.
    """
    return (
        f"'{args['metric']}' is a metric and already aggregates, so {args['function']}() around it"
        f" has nothing to aggregate. Use '{args['metric']}' alone."
    )


# --- names of any kind ----------------------------------------------------------------------------


@rule("NAM120", "unknown-name", Severity.ERROR, on="smq", fix=use_nearest)
def unknown_name(args: Args) -> str:
    """A name in a query means nothing.

    It is no metric, no alias of this query, and no dimension or measure of a model that the query
    uses. Values are written in single quotes.

    ```bad
    {"metrics": ["account_count"], "filters": ["opn_dt >= '2024-01-01'"]}
    ```

    ```good
    {"metrics": ["account_count"], "filters": ["계좌정보__open_dt >= '2024-01-01'"]}
    ```
    """
    near = did_you_mean(args["nearest"], args["name"])
    return f"Nothing is called '{args['name']}' here.{near or ' No name is like it.'}"


@rule("NAM121", "unknown-sort-key", Severity.ERROR, on="smq", fix=use_nearest)
def unknown_sort_key(args: Args) -> str:
    """`orderBy` names nothing that the query could be sorted by.

    A sort key is a metric, an alias, or an item of `groupBy`; a leading `-` means descending.

    ```bad
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"],
      "orderBy": ["-total_brn_cn"]
    }
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"],
      "orderBy": ["-total_brn_cnt"]
    }
    ```
    """
    near = did_you_mean(args["nearest"], args["name"])
    hint = near or " Sort by a metric, an alias or an item of `groupBy`."
    return f"There is nothing to sort by called '{args['name']}'.{hint}"


def group_by_it(problem: Problem, context: Context) -> Iterator[Fix]:
    """The dimension as a further item of groupBy."""
    yield from grouping(problem, context, (str(problem.args["reference"]),))


@rule("NAM122", "sort-key-not-grouped", Severity.ERROR, on="smq", fix=group_by_it)
def sort_key_not_grouped(args: Args) -> str:
    """A query is sorted by a dimension that it is not grouped by.

    The rows of the result have no single value of that dimension. The fix adds it to `groupBy`,
    which makes the rows finer.

    ```bad
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"],
      "orderBy": ["부점코드__brn_cd"]
    }
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd", "부점코드__brn_cd"],
      "orderBy": ["부점코드__brn_cd"]
    }
    ```
    """
    return (
        f"The rows have no single '{args['name']}' to sort by, because it is not in `groupBy`."
        " Add it there, or sort by something else."
    )


@rule("NAM124", "broken-metric", Severity.ERROR, on="smq")
def broken_metric(args: Args) -> str:
    """A query uses a metric whose definition has a mistake.

    The mistake is in the YAML file, where it is reported, too. The message here repeats what is
    wrong there, so that nobody has to go and look.

    ```bad
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amuont)}
    -- q.smq.json --
    {"metrics": ["revenue"]}
    ```

    ```good
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount)}
    -- q.smq.json --
    {"metrics": ["revenue"]}
    ```

    The YAML file's own finding (MET102 in this example) has the fix.
    """
    cause = find(args["cause"])
    why = f" {cause.words(dict(args['facts']))}" if cause is not None else ""
    return f"'{args['name']}' cannot be computed until its definition is mended.{why}"


def rename_column(problem: Problem, context: Context) -> Iterator[Fix]:
    """Another alias, where the name is one."""
    name = str(problem.args["name"])
    before = context.parsed(problem.location.uri).document.text[: problem.location.span.start]
    if before.rstrip('\\"` ').casefold().endswith(" as"):
        free = free_name(f"{name}_2", context.graph.metrics)
        yield Fix(f"Rename to '{free}'", replaced(problem.location, free), "unsafe")


@rule("NAM125", "duplicate-column", Severity.ERROR, on="smq", fix=rename_column)
def duplicate_column(args: Args) -> str:
    """Two columns of a result have the same name.

    Nobody could tell them apart, neither in `orderBy` and `filters` nor in the result.

    ```bad
    {"metrics": ["revenue * 2 AS x", "revenue * 3 AS x"]}
    ```

    ```good
    {"metrics": ["revenue * 2 AS x", "revenue * 3 AS y"]}
    ```

    The fix renames the second one.
    """
    return f"Another column is called '{args['name']}', too. Give this one another alias."


@rule("NAM126", "alias-is-metric", Severity.ERROR, on="smq", fix=rename_column)
def alias_is_metric(args: Args) -> str:
    """An alias is the name of another metric.

    In filters and sort keys the name would mean the metric to one reader and the expression to
    the next.

    ```bad
    {"metrics": ["total_balance / 1000 AS revenue"]}
    ```

    ```good
    {"metrics": ["total_balance / 1000 AS balance_in_thousands"]}
    ```

    The fix renames the alias.
    """
    return f"The alias '{args['name']}' is the name of a metric. Choose another one."


def write_separator(problem: Problem, context: Context) -> Iterator[Fix]:
    """Two underscores in the place of the dot."""
    yield from replacements(problem.location, (str(problem.args["reference"]),), "safe")


@rule("NAM127", "dotted-name", Severity.ERROR, on="smq", fix=write_separator)
def dotted_name(args: Args) -> str:
    """A model and its member are joined by a dot.

    A dot is for the aliases of a written `FROM` clause. A member of a model is written with two
    underscores: `model__dimension`. The fix writes it so.

    ```bad
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드.brn_stcd"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}
    ```
    """
    return (
        f"'{args['name']}' is written with a dot. Write '{args['reference']}', with two"
        " underscores."
    )


def quote_as_text(problem: Problem, context: Context) -> Iterator[Fix]:
    """The same characters as a value."""
    text = str(problem.args["text"]).replace("'", "''")
    edit = Edit(*problem.location, escaped(f"'{text}'"))
    yield Fix(f"Write '{text}' in single quotes", (edit,), "safe")


@rule("NAM128", "value-in-double-quotes", Severity.ERROR, on="smq", fix=quote_as_text)
def value_in_double_quotes(args: Args) -> str:
    r"""A value is written in double quotes.

    In this dialect of SQL double quotes mark names, and no name is like this one. Texts and dates
    are written in single quotes, as the fix does.

    ```bad
    {"metrics": ["account_count"], "filters": ["계좌정보__open_dt >= \"2024-01-01\""]}
    ```

    ```good
    {"metrics": ["account_count"], "filters": ["계좌정보__open_dt >= '2024-01-01'"]}
    ```
    """
    return f"\"{args['text']}\" is in double quotes, which mark names. Write '{args['text']}'."

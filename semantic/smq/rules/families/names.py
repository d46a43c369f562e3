"""Rules of the names in queries: metrics, dimensions, measures, time grains and aliases."""

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
    place_of,
    replaced,
    replacements,
    written_at,
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


# --- dimensions -----------------------------------------------------------------------------------


def use_nearest_model(problem: Problem, context: Context) -> Iterator[Fix]:
    """The nearest model in the place of the unknown one."""
    near = names(problem, "nearest")
    yield from corrections(problem.location, str(problem.args["model"]), near)


@rule("NAM110", "unknown-model", Severity.ERROR, on="smq", fix=use_nearest_model)
def unknown_model(args: Args) -> str:
    """A name begins with a semantic model that no file defines.

    Dimensions and measures are written `model__name`, with two underscores. The first part is the
    name of a semantic model, or of an entity that leads to one.

    ```bad
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점__brn_stcd"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}
    ```

    The fixes offer models with a similar name, and those that have a member of this name.
    """
    near = did_you_mean(args["nearest"], args["model"])
    return f"There is no semantic model or entity '{args['model']}' in '{args['name']}'.{near}"


def use_nearest_member(problem: Problem, context: Context) -> Iterator[Fix]:
    """The nearest member of the model, and the same member of other models."""
    near = names(problem, "nearest")
    yield from corrections(problem.location, str(problem.args["member"]), near)
    place = place_of(str(problem.args["name"]), problem, context)
    if place is not None:
        yield from replacements(place, names(problem, "elsewhere"))


@rule("NAM111", "unknown-member", Severity.ERROR, on="smq", fix=use_nearest_member)
def unknown_member(args: Args) -> str:
    """A semantic model has no dimension, entity or measure of this name.

    Only what the model's file declares can be asked for; a column of its table that is no
    dimension cannot.

    ```bad
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stc"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}
    ```

    The fixes offer the model's nearest names, and other models that have this name.
    """
    model = f"Semantic model '{args['model']}'"
    if args["path"]:
        model += f", to which '{args['path']}' leads,"
    what = f"{model} has no '{args['member']}'."
    if args["nearest"]:
        return what + did_you_mean(args["nearest"], args["member"])
    if args["elsewhere"]:
        return what + did_you_mean(args["elsewhere"])
    return f"{what} Nothing it declares has a name like it."


def add_prefix(problem: Problem, context: Context) -> Iterator[Fix]:
    """The name with its model; there may be several that have it."""
    candidates = names(problem, "candidates")
    safety: Safety = "safe" if len(candidates) == 1 else "unsafe"
    yield from replacements(problem.location, candidates, safety)


@rule("NAM112", "missing-prefix", Severity.ERROR, on="smq", fix=add_prefix)
def missing_prefix(args: Args) -> str:
    """A dimension in `groupBy` or `orderBy` is written without its model.

    Several models may have a dimension of one name, now or later, so the model is always written:
    `model__dimension`. The fix adds it.

    ```bad
    {"metrics": ["total_brn_cnt"], "groupBy": ["brn_stcd"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}
    ```
    """
    candidates = args["candidates"]
    what = f"'{args['name']}' needs the name of its semantic model in front:"
    return f"{what} write {listed(candidates, 'or')}."


def add_the_prefix(problem: Problem, context: Context) -> Iterator[Fix]:
    """The name with the one model of the query that has it."""
    yield from replacements(problem.location, (str(problem.args["reference"]),), "safe")


@rule("NAM113", "bare-name", Severity.WARNING, on="smq", fix=add_the_prefix)
def bare_name(args: Args) -> str:
    """A filter or a window names a dimension or measure without its model.

    It is understood, because exactly one model of the query has that name. It stops being
    understood as soon as the query uses another model that has it, too.

    ```bad
    {"metrics": ["account_count"], "filters": ["open_dt >= '2024-01-01'"]}
    ```

    ```good
    {"metrics": ["account_count"], "filters": ["계좌정보__open_dt >= '2024-01-01'"]}
    ```
    """
    return f"'{args['name']}' is read as '{args['reference']}'. Write it with its semantic model."


def add_one_prefix(problem: Problem, context: Context) -> Iterator[Fix]:
    """The name with each of the models that have it."""
    yield from replacements(problem.location, names(problem, "candidates"))


@rule("NAM114", "unsettled-bare-name", Severity.ERROR, on="smq", fix=add_one_prefix)
def unsettled_bare_name(args: Args) -> str:
    """A bare name in a filter or window cannot be settled by the models of the query.

    A name without a model is understood only if exactly one model that the query uses has it.
    Here several do, or none does. The fixes write it with each model that has it.

    ```bad
    {"metrics": ["customer_count"], "filters": ["open_dt >= '2024-01-01'"]}
    ```

    ```bad
    {"metrics": ["customer_count", "account_count"], "filters": ["cust IS NOT NULL"]}
    ```

    ```good
    {"metrics": ["customer_count", "account_count"], "filters": ["고객기본__cust IS NOT NULL"]}
    ```
    """
    candidates = listed(args["candidates"], "or")
    if args["inside"]:
        return f"'{args['name']}' is in several models of this query. Write {candidates}."
    return (
        f"'{args['name']}' is in no model that this query uses. If you mean the one of another"
        f" model, write {candidates}."
    )


@rule("NAM115", "ambiguous-name", Severity.ERROR, on="smq")
def ambiguous_name(args: Args) -> str:
    """A name can be read in two ways.

    Names of models and dimensions may contain two underscores themselves, and one entity may lead
    to several models. When two readings exist, choosing one would give somebody a wrong number.

    ```bad
    -- models.yml --
    semantic_models:
      - name: shop
        table: shop
        entities:
          - {name: shop_key, type: primary, expr: id}
        dimensions:
          - {name: order__state, type: varchar}
      - name: shop__order
        table: shop_order
        entities:
          - {name: order_key, type: primary, expr: id}
          - {name: shop_key, type: foreign, expr: shop_id}
        dimensions:
          - {name: state, type: varchar}
    metrics:
      - {name: order_count, expr: COUNT(DISTINCT shop__order__order_key)}
    -- q.smq.json --
    {"metrics": ["order_count"], "groupBy": ["shop__order__state"]}
    ```

    ```good
    -- models.yml --
    semantic_models:
      - name: shop
        table: shop
        entities:
          - {name: shop_key, type: primary, expr: id}
        dimensions:
          - {name: order__state, type: varchar}
      - name: shop__order
        table: shop_order
        entities:
          - {name: order_key, type: primary, expr: id}
          - {name: shop_key, type: foreign, expr: shop_id}
        dimensions:
          - {name: state, type: varchar}
    metrics:
      - {name: order_count, expr: COUNT(DISTINCT shop__order__order_key)}
    -- q.smq.json --
    {"metrics": ["order_count"], "groupBy": ["order_key__state"]}
    ```

    There is no fix in general. An entity path, as in the good example, tells the readings apart.
    """
    readings = " and as ".join(args["readings"])
    return (
        f"'{args['name']}' can be read as {readings}. Say which by an entity path, or rename one"
        " of them."
    )


def put_where_it_belongs(problem: Problem, context: Context) -> Iterator[Fix]:
    """A metric moves to metrics; a model gives way to its dimensions."""
    for metric in names(problem, "metrics"):
        yield from moving(problem, context, "groupBy", "metrics", metric)
    yield from replacements(problem.location, names(problem, "dimensions"))


@rule("NAM116", "not-a-dimension", Severity.ERROR, on="smq", fix=put_where_it_belongs)
def not_a_dimension(args: Args) -> str:
    """`groupBy` names a metric, a measure or a model.

    A result is grouped by dimensions: values that rows share. Metrics and measures are what is
    computed for each group.

    ```bad
    {"metrics": ["account_count"], "groupBy": ["total_balance"]}
    ```

    ```bad
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드"]}
    ```

    ```good
    {"metrics": ["account_count", "total_balance"], "groupBy": ["계좌정보__open_dt"]}
    ```

    The fix moves a metric to `metrics`, and offers the dimensions of a model.
    """
    what = f"'{args['name']}' is a {args['kind']}, and a result is grouped by dimensions."
    dimensions = args.get("dimensions", ())
    if dimensions:
        one = "its dimension" if len(dimensions) == 1 else "one of its dimensions:"
        return f"{what} Group by {one} {listed(dimensions, 'or')}."
    return what + (" Metrics belong in `metrics`." if args["kind"] == "metric" else "")


# --- time -----------------------------------------------------------------------------------------


def use_nearest_grain(problem: Problem, context: Context) -> Iterator[Fix]:
    """The nearest grain in the place of the unknown one."""
    near = names(problem, "nearest")
    yield from corrections(problem.location, str(problem.args["grain"]), near)


@rule("NAM117", "unknown-grain", Severity.ERROR, on="smq", fix=use_nearest_grain)
def unknown_grain(args: Args) -> str:
    """A time dimension is followed by a word that is no time grain.

    The grains are nanosecond, microsecond, millisecond, second, minute, hour, day, week, month,
    quarter and year, and those that a time spine declares.

    ```bad
    {"metrics": ["revenue"], "groupBy": ["주문__order_date__mnth"]}
    ```

    ```good
    {"metrics": ["revenue"], "groupBy": ["주문__order_date__month"]}
    ```
    """
    near = did_you_mean(args["nearest"], args["grain"])
    return f"'{args['grain']}' is no time grain.{near or ' Grains are day, week, month and so on.'}"


def use_coarser_grain(problem: Problem, context: Context) -> Iterator[Fix]:
    """The dimension's own grain, and the next coarser ones."""
    name, grain = str(problem.args["name"]), str(problem.args["grain"])
    marked = written_at(problem.location, context).casefold()
    for coarser in names(problem, "grains")[:3]:
        if marked == grain.casefold():
            yield Fix(f"Change to '{coarser}'", replaced(problem.location, coarser), "unsafe")
        elif marked == name.casefold():
            text = name[: len(name) - len(grain)] + coarser
            yield Fix(f"Change to '{text}'", replaced(problem.location, text), "unsafe")


@rule("NAM118", "grain-too-fine", Severity.ERROR, on="smq", fix=use_coarser_grain)
def grain_too_fine(args: Args) -> str:
    """A time dimension is asked for at a finer grain than it has.

    A date has no hours; asking for them would give midnight for every row. The fixes offer the
    dimension's own grain and the coarser ones.

    ```bad
    {"metrics": ["revenue"], "groupBy": ["주문__order_date__hour"]}
    ```

    ```good
    {"metrics": ["revenue"], "groupBy": ["주문__order_date__day"]}
    ```
    """
    return (
        f"'{args['name']}' asks for the {args['grain']}, but the time is only known by"
        f" {args['own']}. Use {listed(args['grains'], 'or')}."
    )


def drop_grain(problem: Problem, context: Context) -> Iterator[Fix]:
    """The dimension without a grain."""
    if written_at(problem.location, context).startswith("__"):
        yield Fix("Remove the grain", (Edit(*problem.location, ""),), "unsafe")


@rule("NAM119", "grain-without-time", Severity.ERROR, on="smq", fix=drop_grain)
def grain_without_time(args: Args) -> str:
    """A grain is put behind a dimension that is no time.

    Only dates and timestamps have grains. A dimension is a time when its YAML says `type: date`,
    `type: timestamp` or `type: time`.

    ```bad
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd__month"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}
    ```

    The fix removes the grain.
    """
    return (
        f"'{args['dimension']}' is no time dimension and has no {args['grain']}. Remove the grain,"
        " or declare the dimension as a date or timestamp."
    )


@rule("NAM123", "no-metric-time", Severity.ERROR, on="smq")
def no_metric_time(args: Args) -> str:
    """`metric_time` is asked for, and a metric has no time of its own.

    `metric_time` is each metric's own time dimension: the one its measure or its model declares
    as `agg_time_dimension`, or the only one the model has.

    ```bad
    {"metrics": ["total_brn_cnt"], "groupBy": ["metric_time__month"]}
    ```

    ```good
    {"metrics": ["revenue"], "groupBy": ["metric_time__month"]}
    ```

    There is no fix: leave the metric or `metric_time` out, or declare the time in the YAML file.
    """
    return (
        f"'{args['metric']}' has no '{args['name']}': semantic model '{args['model']}' has no"
        " single time dimension and declares no `agg_time_dimension`."
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

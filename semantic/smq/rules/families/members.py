"""Rules of the members of models in queries: dimensions, measures, and grains of time."""

from __future__ import annotations

from collections.abc import Iterator

from smq.problem import Fix, Problem, Safety, Severity
from smq.rules.model_additions import added_member
from smq.rules.query_edits import (
    corrections,
    moving,
    names,
    place_of,
    replaced,
    replacements,
    written_at,
)
from smq.rules.registry import Args, Context, rule
from smq.rules.wording import did_you_mean, listed
from smq.text import Edit

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
    model = context.graph.models.get(str(problem.args["model"]))
    member = str(problem.args["member"])
    # With a name like it the likelier mistake is a slip.
    if model is not None and member.isidentifier() and not near and not problem.args["path"]:
        edit = added_member(context.parsed(model.name_at.uri), model, "dimension", member)
        if edit is not None:
            yield Fix(f"Create dimension '{member}' in '{model.name}'", (edit,), "unsafe")


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

    The fixes offer the model's nearest names and other models that have this name; without any name
    like it, to declare the column of this name as a dimension.
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
    as `agg_time_dimension`, or the only one the model has. Without a grain, as a group it is cut to
    the coarsest of the metrics' grains, so that they share an axis; a filter compares each metric's
    time at that metric's own grain, so that `metric_time >= '2024-02-10'` loses no day of February.

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

"""Rules of the joins that the compiler finds: what a metric can reach, and what it cannot."""

from __future__ import annotations

from collections.abc import Iterator

from smq.problem import Fix, Problem, Severity
from smq.rules.query_edits import (
    escaped,
    item_around,
    names,
    place_of,
    removed,
    replacements,
    written_at,
)
from smq.rules.registry import Args, Context, rule
from smq.rules.wording import joined, listed, plural


def use_reachable(problem: Problem, context: Context) -> Iterator[Fix]:
    """A dimension of the same name that can be reached, each metric's own time, or none."""
    name, member = str(problem.args["name"]), str(problem.args["member"])
    place = place_of(name, problem, context) or problem.location
    if written_at(place, context) != escaped(name):
        # The name stands in a template call or in a metric, where another one cannot be put.
        return
    grain = str(problem.args["grain"])
    models = context.graph.models
    reachable = (str(problem.args["base"]), *names(problem, "reachable"))
    same = [m for m in reachable if any(d.name == member for d in models[m].dimensions)]
    found = [f"{model}__{member}" for model in same]
    if problem.args["time"]:
        found.append("metric_time")
    yield from replacements(place, [f"{each}__{grain}" if grain else each for each in found])
    item = item_around(problem, context)
    if item is not None and item.key == "groupBy":
        edits = removed(problem, context, "groupBy")
        if edits:
            yield Fix(f"Remove '{item.text}' from groupBy", edits, "unsafe")


def _unreached(args: Args) -> str:
    """That no join leads there, why not, and what can be used instead."""
    base, model = args["base"], args["model"]
    if base == model:
        return f"no such way leads from '{base}' back to it."
    why = f"no to-one join leads from '{base}' to '{model}'"
    if args["partial"]:
        why += f": {args['partial']}."
    elif args["back"]:
        why += (
            ". Joining them would go from one row to many and count rows of"
            f" '{base}' several times."
        )
    elif args["key"]:
        key = listed(args["key"], "or")
        why += f". The key of '{model}' is {key}, which neither '{base}' nor what it reaches has."
    else:
        why += f". '{model}' has no key by which its rows could be found."
    if not args["reachable"]:
        return f"{why} Only dimensions of '{base}' itself can be used."
    return f"{why} Dimensions of {listed((base, *args['reachable']))} can be used."


@rule("JOI101", "unreachable-dimension", Severity.ERROR, on="smq", fix=use_reachable)
def unreachable_dimension(args: Args) -> str:
    """A metric cannot be grouped by a dimension, because no to-one join leads there.

    A metric is computed from the rows of its base model. A dimension of another model can be used
    when each of those rows has at most one row there, found by entities: a foreign key here and
    the same entity as key there. In the other direction one row would become many, and sums would
    count it several times, so that direction is never taken. Programs may match `JoinError:`, the
    beginning of the message.

    ```bad
    {"metrics": ["total_brn_cnt"], "groupBy": ["주문__order_date"]}
    ```

    ```good
    {"metrics": ["revenue"], "groupBy": ["주문__order_date"]}
    ```

    A composite key needs all of its parts. Here `deposit` has one of two, so that each of the
    models stands alone (MOD208):

    ```bad
    -- models.yml --
    semantic_models:
      - name: branch
        table: branch
        entities:
          - {name: branch_cd, type: primary, expr: branch_cd}
          - {name: branch_dt, type: primary, expr: branch_dt}
        dimensions:
          - {name: region, type: varchar}
      - name: deposit
        table: deposit
        entities:
          - {name: deposit_no, type: primary, expr: deposit_no}
          - {name: branch_cd, type: foreign, expr: branch_cd}
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: deposits, expr: SUM(deposit__amount)}
    -- q.smq.json --
    {"metrics": ["deposits"], "groupBy": ["branch__region"]}
    ```

    The fixes offer a dimension of the same name that can be reached, `metric_time` for a time, and
    the query without that group.
    """
    metric, name = args["metric"], args["name"]
    if args["role"] == "own":
        what = f"metric '{metric}' uses '{name}' and cannot be computed"
    else:
        what = f"metric '{metric}' cannot be grouped by '{name}'"
    return f"JoinError: {what}, because {_unreached(args)}"


def choose_path(problem: Problem, context: Context) -> Iterator[Fix]:
    """The entity path of each way."""
    place = place_of(str(problem.args["name"]), problem, context)
    if place is not None:
        yield from replacements(place, names(problem, "choices"))


@rule("JOI102", "ambiguous-path", Severity.ERROR, on="smq", fix=choose_path)
def ambiguous_path(args: Args) -> str:
    """Two equally short joins lead to a dimension.

    They give different numbers, so one has to be chosen: by an entity path, `entity__dimension`,
    or by a `joins` clause. The fixes write the entity path of each way.

    ```bad
    -- models.yml --
    semantic_models:
      - name: users
        table: users
        entities:
          - {name: buyer, type: primary, expr: id}
          - {name: seller, type: unique, expr: id}
        dimensions:
          - {name: city, type: varchar}
      - name: orders
        table: orders
        entities:
          - {name: order_no, type: primary, expr: id}
          - {name: buyer, type: foreign, expr: buyer_id}
          - {name: seller, type: foreign, expr: seller_id}
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, expr: SUM(orders__amount)}
    -- q.smq.json --
    {"metrics": ["revenue"], "groupBy": ["users__city"]}
    ```

    ```good
    -- models.yml --
    semantic_models:
      - name: users
        table: users
        entities:
          - {name: buyer, type: primary, expr: id}
          - {name: seller, type: unique, expr: id}
        dimensions:
          - {name: city, type: varchar}
      - name: orders
        table: orders
        entities:
          - {name: order_no, type: primary, expr: id}
          - {name: buyer, type: foreign, expr: buyer_id}
          - {name: seller, type: foreign, expr: seller_id}
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, expr: SUM(orders__amount)}
    -- q.smq.json --
    {"metrics": ["revenue"], "groupBy": ["buyer__city"]}
    ```
    """
    paths = args["paths"]
    ways = joined(paths, "or")
    return (
        f"JoinError: '{args['name']}' can be reached in {plural(len(paths), 'way')} from"
        f" '{args['base']}', the semantic model of '{args['metric']}': {ways}. Choose by writing"
        f" {listed(args['choices'], 'or')}."
    )


@rule("JOI103", "unreachable-filter", Severity.ERROR, on="smq", fix=use_reachable)
def unreachable_filter(args: Args) -> str:
    """A filter cannot be applied to a metric, because no to-one join leads to what it compares.

    A filter holds for every metric of the query. Where it cannot, leaving it out would give a
    number that looks filtered and is not, so the query is refused. Ask for the metric in a query
    of its own, or filter by a dimension that its rows reach.

    ```bad
    {
      "metrics": ["revenue", "account_count"],
      "filters": ["주문__order_date >= '2024-01-01'"]
    }
    ```

    ```good
    [
      {"metrics": ["revenue"], "filters": ["주문__order_date >= '2024-01-01'"]},
      {"metrics": ["account_count"]}
    ]
    ```

    The fixes offer a dimension of the same name that can be reached, and `metric_time` for a time.
    """
    return (
        f"JoinError: the filter on '{args['name']}' cannot be applied to metric"
        f" '{args['metric']}', because {_unreached(args)}"
    )


@rule("JOI112", "disconnected-models", Severity.ERROR, on="smq")
def disconnected_models(args: Args) -> str:
    """The models of a query fall into parts that no join connects.

    A number of one part has no meaning for the groups or filters of another. The command line's
    `--distribute` turns the query into one query for each part, each with what its models can
    answer.

    ```bad
    -- models.yml --
    semantic_models:
      - name: orders
        table: orders
        entities:
          - {name: order_no, type: primary, expr: id}
          - {name: customer, type: foreign, expr: customer_id}
        measures:
          - {name: amount, type: number}
      - name: customers
        table: customers
        entities:
          - {name: customer, type: primary, expr: id}
        dimensions:
          - {name: country, type: varchar}
      - name: visits
        table: visits
        entities:
          - {name: visit_no, type: primary, expr: id}
          - {name: page, type: foreign, expr: page_id}
      - name: pages
        table: pages
        entities:
          - {name: page, type: primary, expr: id}
    metrics:
      - {name: revenue, expr: SUM(orders__amount)}
      - {name: visit_count, expr: COUNT(DISTINCT visits__visit_no)}
    -- q.smq.json --
    {"metrics": ["revenue", "visit_count"], "groupBy": ["customers__country"]}
    ```

    ```good
    -- models.yml --
    semantic_models:
      - name: orders
        table: orders
        entities:
          - {name: order_no, type: primary, expr: id}
          - {name: customer, type: foreign, expr: customer_id}
        measures:
          - {name: amount, type: number}
      - name: customers
        table: customers
        entities:
          - {name: customer, type: primary, expr: id}
        dimensions:
          - {name: country, type: varchar}
      - name: visits
        table: visits
        entities:
          - {name: visit_no, type: primary, expr: id}
          - {name: page, type: foreign, expr: page_id}
      - name: pages
        table: pages
        entities:
          - {name: page, type: primary, expr: id}
    metrics:
      - {name: revenue, expr: SUM(orders__amount)}
      - {name: visit_count, expr: COUNT(DISTINCT visits__visit_no)}
    -- q.smq.json --
    [
      {"metrics": ["revenue"], "groupBy": ["customers__country"]},
      {"metrics": ["visit_count"]}
    ]
    ```

    There is no fix, because a common entity may be what is missing.
    """
    parts = "; ".join(f"({number}) {part}" for number, part in enumerate(args["parts"], 1))
    return (
        f"JoinError: no join connects the {len(args['parts'])} parts of this query: {parts}."
        " Ask for each part in a query of its own, or distribute this one (`--distribute`)."
    )


@rule("JOI117", "item-of-no-part", Severity.ERROR, on="smq")
def item_of_no_part(args: Args) -> str:
    """A query cannot be distributed, because an item fits into none of its parts.

    Distributing turns a query over unconnected models into one query for each connected part. A
    filter or an expression that spans parts, and a group of a part without a metric, would have
    to be dropped, and what is asked for is never dropped.

    This is found only when a query is distributed, by `smq compile --distribute`. Without that
    the same query is found to be disconnected.

    ```bad
    -- models.yml --
    semantic_models:
      - name: orders
        table: orders
        entities:
          - {name: order_no, type: primary, expr: id}
          - {name: customer, type: foreign, expr: customer_id}
        measures:
          - {name: amount, type: number}
      - name: customers
        table: customers
        entities:
          - {name: customer, type: primary, expr: id}
        dimensions:
          - {name: country, type: varchar}
      - name: visits
        table: visits
        entities:
          - {name: visit_no, type: primary, expr: id}
          - {name: page, type: foreign, expr: page_id}
      - name: pages
        table: pages
        entities:
          - {name: page, type: primary, expr: id}
    metrics:
      - {name: revenue, expr: SUM(orders__amount)}
      - {name: visit_count, expr: COUNT(DISTINCT visits__visit_no)}
    -- q.smq.json --
    {
      "metrics": ["revenue / NULLIF(visit_count, 0) AS revenue_per_visit"],
      "groupBy": ["customers__country"]
    }
    ```

    ```good
    {"metrics": ["total_balance / NULLIF(account_count, 0) AS balance_per_account"]}
    ```
    """
    where = "several parts" if args["spans"] else "a part without a metric"
    return (
        f"The query cannot be distributed: `{args['text']}` belongs to {where} of it. Remove it"
        " from the query."
    )

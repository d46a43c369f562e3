"""Rules of joins: dimensions that cannot be reached, and the written `joins` clause."""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.problem import Fix, Problem, Severity
from smq.rules.model_additions import added_entity
from smq.rules.query_edits import (
    corrections,
    escaped,
    item_around,
    names,
    place_of,
    replaced,
    replacements,
    written_at,
)
from smq.rules.registry import Args, Context, rule
from smq.rules.wording import did_you_mean, joined, listed, plural
from smq.text import Edit, Span

# --- automatic joins ------------------------------------------------------------------------------


def use_reachable(problem: Problem, context: Context) -> Iterator[Fix]:
    """A dimension of the same name that can be reached, or each metric's own time."""
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

    The fixes offer a dimension of the same name that can be reached, and `metric_time` for a time.
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


# --- the written clause ---------------------------------------------------------------------------


def add_from(problem: Problem, context: Context) -> Iterator[Fix]:
    """FROM and the first model."""
    text, model = str(problem.args["text"]), str(problem.args["model"])
    uri, span = problem.location
    start = Span(span.start, span.start)
    first = re.match(r"\s*([^\s,]+)", text)
    if first and first[1] in context.graph.models:
        yield Fix("Add FROM", (Edit(uri, start, "FROM "),), "safe")
    elif model and re.match(r"(?is)\s*((left|right|full|inner|cross|outer)\s+)*join\b", text):
        yield Fix(f"Add FROM {model}", (Edit(uri, start, escaped(f"FROM {model} ")),), "unsafe")


@rule("JOI105", "joins-without-from", Severity.ERROR, on="smq", fix=add_from)
def joins_without_from(args: Args) -> str:
    """The `joins` clause does not begin with FROM.

    It is one whole clause, `FROM a JOIN b ON …`, because the model that comes first decides which
    rows there are. The fix puts the first model in front: the one that the conditions compare
    without joining it.

    ```bad
    {
      "metrics": ["customer_count"],
      "joins": ["LEFT JOIN 고객기본 ON 부점코드__brn_cd = 고객기본__brn_cd"]
    }
    ```

    ```good
    {
      "metrics": ["customer_count"],
      "joins": ["FROM 부점코드 LEFT JOIN 고객기본 ON 부점코드__brn_cd = 고객기본__brn_cd"]
    }
    ```
    """
    first = f" Begin it with `FROM {args['model']}`." if args["model"] else ""
    return f"`joins` must be a whole clause from FROM on.{first}"


def cut_select(problem: Problem, context: Context) -> Iterator[Fix]:
    """The clause of a whole SELECT."""
    text = str(problem.args["text"])
    found = re.match(r"(?is)\s*select\b.*?(?=\bfrom\b)", text)
    item = item_around(problem, context)
    if found and item is not None:
        edit = Edit(*item.part(found.start(), found.end()), "")
        yield Fix("Begin at FROM", (edit,), "unsafe")


@rule("JOI106", "malformed-joins", Severity.ERROR, on="smq", fix=cut_select)
def malformed_joins(args: Args) -> str:
    """The `joins` clause cannot be understood.

    It reads `FROM a [AS x] [LEFT|INNER|RIGHT|FULL|CROSS] JOIN b ON … [JOIN c ON …]`. Tables are
    semantic models, conditions compare their columns. Filters belong in `filters`.

    ```bad
    {"metrics": ["customer_count"], "joins": ["gds_cd"]}
    ```

    ```bad
    {"metrics": ["customer_count"], "joins": ["SELECT * FROM 고객기본"]}
    ```

    ```good
    {"metrics": ["customer_count"], "joins": ["FROM 고객기본"]}
    ```

    The fix cuts off what stands before FROM.
    """
    return (
        f"`joins` cannot be understood: {args['detail']}. Write a clause such as"
        " `FROM a LEFT JOIN b ON a__key = b__key`."
    )


def join_it(problem: Problem, context: Context) -> Iterator[Fix]:
    """A LEFT JOIN of the missing model, by an entity that it shares with one of the clause."""
    model = str(problem.args["model"])
    aliases = zip(names(problem, "aliases"), names(problem, "joined"), strict=True)
    condition = _condition(dict(aliases), model, model, context)
    item = item_around(problem, context)
    if condition and item is not None:
        end = item.part(len(item.text), len(item.text))
        text = f" LEFT JOIN {model} ON {condition}"
        yield Fix(f"Join '{model}'", (Edit(*end, escaped(text)),), "unsafe")


def _condition(aliases: dict[str, str], alias: str, model: str, context: Context) -> str:
    """`a__key = b__key` for an entity that leads from one model to the other, either way."""
    for other, known in reversed(aliases.items()):
        for edge in (*context.graph.edges(known), *context.graph.edges(model)):
            if {edge.left, edge.right} != {known, model} or known == model:
                continue
            pairs = [(one.name, two.name) for one, two in edge.pairs]
            if edge.left == model:
                pairs = [(two, one) for one, two in pairs]
            return " AND ".join(f"{other}__{one} = {alias}__{two}" for one, two in pairs)
    return ""


@rule("JOI107", "model-not-joined", Severity.ERROR, on="smq", fix=join_it)
def model_not_joined(args: Args) -> str:
    """The query needs a model that its `joins` clause does not join.

    With a written clause nothing is joined automatically: its tables are all there is. The fix
    joins the missing model by an entity that it shares with one of the others.

    ```bad
    {"metrics": ["account_count"], "joins": ["FROM 고객기본"]}
    ```

    ```good
    {
      "metrics": ["account_count"],
      "joins": ["FROM 고객기본 LEFT JOIN 계좌정보 ON 고객기본__cust = 계좌정보__cust"]
    }
    ```
    """
    return (
        f"The query needs '{args['model']}' for '{args['metric']}', but `joins` only has"
        f" {listed(args['joined'])}. Join '{args['model']}', too."
    )


def use_nearest_model(problem: Problem, context: Context) -> Iterator[Fix]:
    """The nearest models."""
    yield from corrections(problem.location, str(problem.args["name"]), names(problem, "nearest"))


@rule("JOI108", "unknown-model-in-joins", Severity.ERROR, on="smq", fix=use_nearest_model)
def unknown_model_in_joins(args: Args) -> str:
    """The `joins` clause names a model that no file defines.

    Its tables are semantic models by their names, not tables of the warehouse.

    ```bad
    {"metrics": ["customer_count"], "joins": ["FROM wapco_cust_bs"]}
    ```

    ```good
    {"metrics": ["customer_count"], "joins": ["FROM 고객기본"]}
    ```

    The fixes offer the model of such a table, and models with a similar name.
    """
    near = did_you_mean(args["nearest"], args["name"])
    return f"There is no semantic model '{args['name']}' to join.{near}"


def compare_keys(problem: Problem, context: Context) -> Iterator[Fix]:
    """A condition over the entity that the models share."""
    aliases = dict(zip(names(problem, "aliases"), names(problem, "joined"), strict=True))
    alias, model = str(problem.args["alias"]), str(problem.args["model"])
    condition = _condition(aliases, alias, model, context)
    item = item_around(problem, context)
    if not condition or item is None:
        return
    if problem.args["written"]:
        yield Fix(f"Join on {condition}", replaced(problem.location, condition), "unsafe")
        return
    uri, span = problem.location
    before = context.parsed(uri).document.text[: span.start].rstrip()
    if before[-4:].lower() == "join":
        edit = Edit(uri, Span(span.end, span.end), escaped(f" ON {condition}"))
        yield Fix(f"Join on {condition}", (edit,), "unsafe")


@rule("JOI109", "join-compares-nothing", Severity.ERROR, on="smq", fix=compare_keys)
def join_compares_nothing(args: Args) -> str:
    """A join has no condition, or one that does not compare its model with the others.

    Every row would meet every row. If that is meant, write `CROSS JOIN`. The fix compares an
    entity that the models share.

    ```bad
    {
      "metrics": ["customer_count"],
      "joins": ["FROM 부점코드 LEFT JOIN 고객기본 ON 1 = 1"]
    }
    ```

    ```bad
    {"metrics": ["customer_count"], "joins": ["FROM 부점코드 JOIN 고객기본"]}
    ```

    ```good
    {
      "metrics": ["customer_count"],
      "joins": ["FROM 부점코드 LEFT JOIN 고객기본 ON 부점코드__brn = 고객기본__brn"]
    }
    ```
    """
    if not args["written"]:
        return (
            f"The join of '{args['model']}' has no condition. Say with ON which of its rows belong"
            " to which, or write CROSS JOIN."
        )
    return (
        f"The condition does not compare '{args['model']}' with a model before it, so every row"
        " would meet every row. Compare their keys, or write CROSS JOIN."
    )


@rule("JOI110", "joins-is-a-statement", Severity.ERROR, on="smq")
def joins_is_a_statement(args: Args) -> str:
    """The `joins` clause is a statement.

    A query only reads. `joins` takes the FROM clause of one SELECT and nothing else.

    ```bad
    {"metrics": ["customer_count"], "joins": ["DELETE FROM 고객기본"]}
    ```

    ```bad
    {"metrics": ["customer_count"], "joins": ["FROM 고객기본; DROP TABLE 고객기본"]}
    ```

    ```good
    {"metrics": ["customer_count"], "joins": ["FROM 고객기본"]}
    ```

    There is no fix, because nothing of it can be what a query means.
    """
    return "`joins` takes one FROM clause, and no other statement."


def declare_primary(problem: Problem, context: Context) -> Iterator[Fix]:
    """A dimension that is named like a key becomes the primary entity of the model."""
    model = context.graph.models.get(str(problem.args["model"]))
    if model is None:
        return
    taken = {entity.name for entity in model.entities}
    for dimension in model.dimensions:
        if dimension.is_time or not _KEY_LIKE.search(dimension.name):
            continue
        column = dimension.expr.text if dimension.expr is not None else dimension.name
        name = dimension.name if dimension.name not in taken else f"{dimension.name}_key"
        edit = added_entity(context.parsed(model.name_at.uri), model, name, column)
        if edit is not None:
            title = f"Declare '{column}' as the primary entity of '{model.name}'"
            yield Fix(title, (edit,), "unsafe")


_KEY_LIKE = re.compile(
    r"(?i)(?:^|_)(?:id|no|key|cd|code|seq|num|number|uuid)$|(?:번호|코드|아이디)$"
)


@rule("JOI111", "fan-out-without-key", Severity.WARNING, on="smq", fix=declare_primary)
def fan_out_without_key(args: Args) -> str:
    """A written join may repeat rows of a model that has no key.

    A row that the clause repeats is counted once all the same, by the key of its model. Without a
    key the copies cannot be told from rows that are alike, and the number may be multiplied.

    ```bad
    -- models.yml --
    semantic_models:
      - name: orders
        table: orders
        entities:
          - {name: customer, type: foreign, expr: customer_id}
        dimensions:
          - {name: order_id, type: integer}
        measures:
          - {name: amount, type: number}
      - name: contacts
        table: contacts
        entities:
          - {name: contact, type: primary, expr: id}
          - {name: customer, type: foreign, expr: customer_id}
      - name: customers
        table: customers
        entities:
          - {name: customer, type: primary, expr: id}
    metrics:
      - {name: revenue, expr: SUM(orders__amount)}
    -- q.smq.json --
    {
      "metrics": ["revenue"],
      "joins": ["FROM orders JOIN contacts ON orders__customer = contacts__customer"]
    }
    ```

    ```good
    -- models.yml --
    semantic_models:
      - name: orders
        table: orders
        entities:
          - {name: order, type: primary, expr: order_id}
          - {name: customer, type: foreign, expr: customer_id}
        measures:
          - {name: amount, type: number}
      - name: contacts
        table: contacts
        entities:
          - {name: contact, type: primary, expr: id}
          - {name: customer, type: foreign, expr: customer_id}
      - name: customers
        table: customers
        entities:
          - {name: customer, type: primary, expr: id}
    metrics:
      - {name: revenue, expr: SUM(orders__amount)}
    -- q.smq.json --
    {
      "metrics": ["revenue"],
      "joins": ["FROM orders JOIN contacts ON orders__customer = contacts__customer"]
    }
    ```

    The fixes declare a dimension that is named like a key as the model's primary entity.
    """
    return (
        f"`joins` may repeat rows of '{args['model']}', which has no key, so '{args['metric']}' may"
        f" be multiplied. Declare a primary entity for '{args['model']}'."
    )


def use_nearest_column(problem: Problem, context: Context) -> Iterator[Fix]:
    """The alias or the whole name that was probably meant."""
    near = names(problem, "nearest")
    yield from corrections(problem.location, str(problem.args["name"]), near)


@rule("JOI113", "unknown-column-in-joins", Severity.ERROR, on="smq", fix=use_nearest_column)
def unknown_column_in_joins(args: Args) -> str:
    """A condition of the `joins` clause names a table that the clause does not have before it.

    Columns are written `model__column` or `alias.column`, with a model or alias of the clause
    itself that stands before the condition.

    ```bad
    {
      "metrics": ["customer_count"],
      "joins": ["FROM 부점코드 b LEFT JOIN 고객기본 c ON d.brn_cd = c.brn_cd"]
    }
    ```

    ```bad
    {
      "metrics": ["customer_count"],
      "joins": ["FROM 부점코드 LEFT JOIN 고객기본 ON brn_cd = 고객기본__brn_cd"]
    }
    ```

    ```good
    {
      "metrics": ["customer_count"],
      "joins": ["FROM 부점코드 b LEFT JOIN 고객기본 c ON b.brn_cd = c.brn_cd"]
    }
    ```
    """
    what = f"'{args['name']}' belongs to no table that stands before it: {listed(args['joined'])}."
    near = did_you_mean(args["nearest"], args["name"])
    return what + (near or " Write `alias.column` or `model__column`.")


def use_alias(problem: Problem, context: Context) -> Iterator[Fix]:
    """The same member of each of the tables."""
    name, model = str(problem.args["name"]), str(problem.args["model"])
    if name.startswith(f"{model}__") and written_at(problem.location, context) == escaped(name):
        rest = name[len(model) :]
        yield from replacements(
            problem.location, [f"{alias}{rest}" for alias in names(problem, "aliases")]
        )


@rule("JOI114", "model-joined-twice", Severity.ERROR, on="smq", fix=use_alias)
def model_joined_twice(args: Args) -> str:
    """A model stands in the `joins` clause several times, and it is not said which one is meant.

    A dimension is then written with the alias: `alias__dimension`. A metric takes its rows from
    the table that keeps the model's own name, so give the one it is about no alias.

    ```bad
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["고객기본__cust_no"],
      "joins": ["FROM 부점코드 b JOIN 고객기본 c ON b.brn = c.brn JOIN 고객기본 d ON b.brn = d.brn"]
    }
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["c__cust_no"],
      "joins": ["FROM 부점코드 b JOIN 고객기본 c ON b.brn = c.brn JOIN 고객기본 d ON b.brn = d.brn"]
    }
    ```

    The fixes write each of the aliases.
    """
    model, aliases = args["model"], args["aliases"]
    times = "twice" if len(aliases) == 2 else f"{len(aliases)} times"
    what = f"`joins` has '{model}' {times}, as {listed(aliases)}."
    if "metric" in args:
        return (
            f"{what} Say which of them '{args['metric']}' is computed from, by leaving that one"
            " without an alias."
        )
    return (
        f"{what} Say which one '{args['name']}' means, by writing its alias in place of '{model}'."
    )


@rule("JOI115", "duplicate-alias-in-joins", Severity.ERROR, on="smq")
def duplicate_alias_in_joins(args: Args) -> str:
    """Two tables of the `joins` clause have the same name.

    A model that is joined twice needs an alias at least once, and aliases must differ.

    ```bad
    {
      "metrics": ["total_brn_cnt"],
      "joins": ["FROM 부점코드 JOIN 부점코드 ON 부점코드__brn = 부점코드__brn"]
    }
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"],
      "joins": ["FROM 부점코드 JOIN 부점코드 AS b ON 부점코드__brn = b__brn"]
    }
    ```

    There is no fix, because the conditions have to say which of the two they mean.
    """
    return (
        f"Another table of the clause is called '{args['name']}', too. Give this one an"
        " alias of its own."
    )


@rule("JOI116", "several-metric-times", Severity.ERROR, on="smq")
def several_metric_times(args: Args) -> str:
    """`metric_time` means several columns of one written FROM clause.

    With automatic joins each metric is computed apart, by its own time. A written clause has one
    set of rows, and a row has one time: say which, by the name of the time dimension.

    ```bad
    {
      "metrics": ["revenue", "account_count"],
      "groupBy": ["metric_time"],
      "joins": ["FROM 주문 JOIN 계좌정보 ON 주문__cust = 계좌정보__cust"]
    }
    ```

    ```good
    {
      "metrics": ["revenue", "account_count"],
      "groupBy": ["주문__order_date"],
      "joins": ["FROM 주문 JOIN 계좌정보 ON 주문__cust = 계좌정보__cust"]
    }
    ```
    """
    return (
        f"'metric_time' means {listed(args['times'])} here, and with a written `joins` clause a row"
        " has one time. Name the one you mean."
    )

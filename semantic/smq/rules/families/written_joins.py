"""Rules of the written `joins` clause: its text, its tables and its conditions."""

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
    replaced,
    replacements,
    written_at,
)
from smq.rules.registry import Args, Context, rule
from smq.rules.wording import did_you_mean, listed
from smq.text import Edit, Span


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
    member = problem.args.get("member") or name.removeprefix(f"{model}__")
    written = written_at(problem.location, context)
    if "metric" in problem.args or member == name:
        return
    # A template has no word for an alias, so all of it gives way to the name.
    if written == escaped(name) or written.startswith("{{"):
        yield from replacements(
            problem.location, [f"{alias}__{member}" for alias in names(problem, "aliases")]
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


@rule("JOI118", "value-of-several-rows", Severity.ERROR, on="smq")
def value_of_several_rows(args: Args) -> str:
    """A metric reads two models, and the clause gives one row of the first several of the second.

    Each row of the metric's base counts once. When its value also depends on another model, and
    the written joins put several rows of that model beside one row of the base, there is no one
    value to count.

    ```bad
    -- models.yml --
    semantic_models:
      - name: accounts
        table: bank.accounts
        entities:
          - {name: account, type: primary}
          - {name: customer, type: foreign}
        measures:
          - {name: balance, type: number}
      - name: customers
        table: bank.customers
        entities:
          - {name: customer, type: primary}
        dimensions:
          - {name: region, type: varchar}
    metrics:
      - {name: kr_balance, expr: SUM(CASE WHEN customers__region = 'KR' THEN accounts__balance END)}
    -- q.smq.json --
    {
      "metrics": ["kr_balance"],
      "joins": ["FROM accounts CROSS JOIN customers"]
    }
    ```

    ```good
    -- models.yml --
    semantic_models:
      - name: accounts
        table: bank.accounts
        entities:
          - {name: account, type: primary}
          - {name: customer, type: foreign}
        measures:
          - {name: balance, type: number}
      - name: customers
        table: bank.customers
        entities:
          - {name: customer, type: primary}
        dimensions:
          - {name: region, type: varchar}
    metrics:
      - {name: kr_balance, expr: SUM(CASE WHEN customers__region = 'KR' THEN accounts__balance END)}
    -- q.smq.json --
    {
      "metrics": ["kr_balance"],
      "joins": ["FROM accounts LEFT JOIN customers ON accounts__customer = customers__customer"]
    }
    ```

    There is no fix, because only the writer knows which row was meant.
    """
    return (
        f"'{args['metric']}' counts each row of '{args['base']}' once, but this clause puts several"
        f" rows of '{args['model']}' beside it, so its value is not settled. Join"
        f" '{args['model']}' on its whole key."
    )

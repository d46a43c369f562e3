"""Rules of the models family: the shape of model files, and the names in them.

Codes from 301 on are kept for what only the warehouse's own schema can tell: a table without a
known schema, columns that the table does not have, columns that no model uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smq.problem import Fix, Problem, Related, Severity
from smq.rules.model_edits import insertion, removed_item, replacements
from smq.rules.registry import Args, Context, rule
from smq.text import Edit

_ITEMS = frozenset(
    {
        "semantic model",
        "entity",
        "dimension",
        "measure",
        "metric",
        "model",
        "column",
        "source",
        "source table",
        "saved query",
        "export",
        "where filter",
        "custom granularity",
        "constant property",
    }
)
_SEVERAL = 12


def thing(args: Args) -> str:
    """What a shape problem is about: `dimension 'open_dt'`, "a dimension of model …"."""
    where, owner, name = str(args["where"]), str(args["owner"]), str(args["name"])
    if where == "semantic model file":
        return "this file"
    if not owner:
        return f"this {where}"
    if where == owner:
        return f"{where} '{name}'"
    if where in _ITEMS:
        return f"{_article(where)} {where} of {owner} '{name}'"
    return f"`{where}` of {owner} '{name}'"


def listed(words: Any, last: str = "or") -> str:
    """`a`, `b` or `c`; of many, the first ones."""
    quoted = [f"`{word}`" for word in words]
    if len(quoted) > _SEVERAL:
        return ", ".join(quoted[:_SEVERAL]) + f" and {len(quoted) - _SEVERAL} more"
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def did_you_mean(args: Args) -> str:
    near = args.get("nearest") or ()
    return f" Did you mean `{near[0]}`?" if near else ""


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rename_to_nearest(problem: Problem, context: Context) -> Iterator[Fix]:
    near: Any = problem.args.get("nearest") or ()
    value = str(problem.args.get("value", problem.args.get("key", problem.args.get("name", ""))))
    for name in near:
        # Only case or spacing differs: nothing else can have been meant.
        same = name.casefold().replace("_", "") == value.casefold().replace("_", "").strip()
        yield from replacements(problem.location, [name], "safe" if same else "unsafe")


def _add_key(problem: Problem, context: Context) -> Iterator[Fix]:
    yield from insertion(problem)


def remove_duplicate(problem: Problem, context: Context) -> Iterator[Fix]:
    """Remove the list item, unless both definitions are one item used twice by an alias."""
    uri, span = problem.location
    if any(related.location == problem.location for related in problem.related):
        return
    edit = removed_item(context.parsed(uri), span)
    if edit is not None:
        yield Fix(f"Remove this {problem.args['what']}", (edit,), "unsafe")


@rule("MOD101", "unknown-model-key", Severity.ERROR, on="yaml", fix=_rename_to_nearest)
def unknown_model_key(args: Args) -> str:
    """A model file uses a key that means nothing there.

    What stands under it is not read, so a slip such as `mesures:` would drop all measures of a
    model without a word. Keys of your own belong under `meta:` or `config: {meta: …}`, and at the
    top of a file under names that start with `x-`.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar, lable: Status}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar, label: Status, meta: {owner: sales}}
    ```

    The fix renames the key to the nearest one that is allowed and not there yet.
    """
    hint = did_you_mean(args) or f" It can have {listed(args['allowed'], 'and')}."
    return f"{_capital(thing(args))} has no key `{args['key']}`, so it would not be read.{hint}"


_WHY = {
    "name": "Without a name nothing can refer to it.",
    "table": "Without a table there are no rows to read.",
    "time_granularity": "It says how fine the time is.",
    "type": "It decides how values are compared and aggregated.",
}


@rule("MOD102", "missing-model-key", Severity.ERROR, on="yaml", fix=_add_key)
def missing_model_key(args: Args) -> str:
    """Something in a model file lacks a key that it cannot do without.

    A semantic model needs a name and a table (`table:`, dbt's `model:`, or `node_relation:`); an
    entity and a dimension need a name and a type; a measure needs a name and either a type or an
    `agg`. What cannot be understood without the key is left out, its neighbours are not.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
    ```

    Where one value is the usual one, the fix adds the key with it.
    """
    keys = tuple(args["keys"])
    why = f" {_WHY[keys[0]]}" if keys[0] in _WHY else ""
    return f"{_capital(thing(args))} has no {listed(keys)}.{why}"


def _quote(problem: Problem, context: Context) -> Iterator[Fix]:
    uri, span = problem.location
    expected: Any = problem.args["expected"]
    written = span.cut(context.parsed(uri).document.text)
    found = problem.args["found"]
    if "text" in expected and found in ("a whole number", "a number", "true or false"):
        yield Fix("Put it in quotes", (Edit(uri, span, f'"{written}"'),), "safe")
    elif expected == ("a list",) and problem.args["value"] and "\n" not in written:
        yield Fix("Make it a list", (Edit(uri, span, f"[{written}]"),), "unsafe")


@rule("MOD103", "wrong-kind-of-value", Severity.ERROR, on="yaml", fix=_quote)
def wrong_kind_of_value(args: Args) -> str:
    """A key of a model file has a value of the wrong kind.

    YAML reads `2024` as a number and `yes` or `[a, b]` as what they look like, so a label that
    is a number needs quotes, and a list needs brackets or dashes.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: year, type: integer, label: 2024}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: year, type: integer, label: "2024"}
    ```

    The fix puts quotes around a number that should be text, and brackets around a lone item of
    what should be a list.
    """
    expected = " or ".join(args["expected"])
    where = thing(args)
    if not args["key"]:
        return f"Each {args['where']} must be {expected}, but this one is {args['found']}."
    if args["is_item"]:
        within = f"`{args['key']}` of {where}"
        return f"Each item of {within} must be {expected}, but this one is {args['found']}."
    if args["found"] == "nothing":
        return f"`{args['key']}` of {where} has no value; it must be {expected}."
    quotes = " Put it in quotes." if expected == "text" and "number" in args["found"] else ""
    return f"`{args['key']}` of {where} must be {expected}, but it is {args['found']}.{quotes}"


@rule("MOD104", "value-not-allowed", Severity.ERROR, on="yaml", fix=_rename_to_nearest)
def value_not_allowed(args: Args) -> str:
    """A key of a model file has a value that is not one of those it can have.

    Entity types, metric types, aggregations, granularities and frame types are fixed words.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primery}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary}
    ```

    The fix puts the nearest allowed value in its place.
    """
    if args.get("is_data_type") and args["where"] == "metric":
        return (
            f"`{args['value']}` is a data type, but {thing(args)} has neither `metric_type` nor "
            "`expr`, so `type` must say the metric's type. Add "
            f"`metric_type`: {listed(args['allowed'])}."
        )
    hint = did_you_mean(args)
    return (
        f"`{args['value']}` is not allowed as `{args['key']}` of {thing(args)}.{hint} "
        f"It can be {listed(args['allowed'])}."
    )


@rule("MOD105", "unknown-data-type", Severity.ERROR, on="yaml", fix=_rename_to_nearest)
def unknown_data_type(args: Args) -> str:
    """The type of a dimension, measure or metric is not a data type that is known.

    The type decides whether a value is a time, can be added up, and how it is shown. Write the
    usual names in lower or upper case: `varchar`, `integer`, `number`, `decimal(18, 2)`, `date`,
    `timestamp`, `boolean`, `array`, `map` and their aliases; a dimension may say dbt's
    `categorical` or `time` instead.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchr}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
    ```

    The fix puts the nearest data type in its place.
    """
    hint = did_you_mean(args) or f" Known types are {listed(args['allowed'], 'and')}."
    if "(" in args["value"] and ")" not in args["value"]:
        hint = " Between braces a comma ends a value: put the whole type in quotes."
    return f"`{args['value']}`, the `{args['key']}` of {thing(args)}, is no known type.{hint}"


@rule("MOD106", "empty-value", Severity.ERROR, on="yaml")
def empty_value(args: Args) -> str:
    """A key that needs a value has an empty one.

    An empty name, table or alias refers to nothing.

    ```bad
    semantic_models:
      - name: orders
        table: ""
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
    ```

    There is no fix, because only you know the value.
    """
    return f"`{args['key']}` of {thing(args)} is empty. Write its value."


@rule("MOD107", "number-out-of-range", Severity.ERROR, on="yaml")
def number_out_of_range(args: Args) -> str:
    """A number in a model file is too small or too large for what it says.

    A percentile lies between 0 and 1 (0.95, not 95), a limit is not negative.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: p95, agg: percentile, expr: amount, agg_params: {percentile: 95}}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: p95, agg: percentile, expr: amount, agg_params: {percentile: 0.95}}
    ```

    There is no fix, because 95 could mean 0.95 or a slip in another place.
    """
    low, high = args.get("minimum"), args.get("maximum")
    if low is not None and high is not None:
        limits = f"between {low} and {high}"
    else:
        limits = f"at least {low}" if low is not None else f"at most {high}"
    return f"`{args['key']}` of {thing(args)} is {args['value']}; it must be {limits}."


@rule("MOD108", "malformed-value", Severity.ERROR, on="yaml")
def malformed_value(args: Args) -> str:
    """A text in a model file is not written in the form that its key needs.

    Durations are a number and a unit, with a space between: `7 days`, `1 month`.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, agg: sum}
    metrics:
      - name: growth
        type: derived
        type_params:
          expr: now - before
          metrics:
            - {name: amount, alias: now}
            - {name: amount, alias: before, offset_window: 1month}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, agg: sum}
    metrics:
      - {name: total, type: simple, type_params: {measure: amount}}
    ```

    There is no fix, because the text could mean several things.
    """
    expected = f" Write {args['expected']}." if args.get("expected") else ""
    return f"`{args['value']}` cannot be read as `{args['key']}` of {thing(args)}.{expected}"


@rule("MOD109", "template-not-evaluated", Severity.WARNING, on="yaml")
def template_not_evaluated(args: Args) -> str:
    """A label or description holds a template, which is shown as it stands.

    Only the documented calls in filters (`Dimension`, `TimeDimension`, `Entity`, `Metric`) and in
    table names (`ref`, `source`) are understood; no other Jinja is run, here or anywhere. dbt's
    `doc()` in a description is left alone without a warning.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        label: "Orders {{ var('region') }}"
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        label: Orders
    ```

    There is no fix, because only dbt knows the value.
    """
    return (
        f"The template `{args['text']}` is not evaluated: `{args['key']}` will show it as it "
        "stands. Write the text itself."
    )


@rule("MOD201", "duplicate-member", Severity.ERROR, on="yaml", fix=remove_duplicate)
def duplicate_member(args: Args) -> str:
    """A semantic model has two dimensions, two measures or two entities of one name.

    Only the first would be used, and a query could not tell which one was meant.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
          - {name: status, type: varchar, expr: state}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
          - {name: state, type: varchar}
    ```

    The fix removes the later definition; to keep it, give it a name of its own.
    """
    return (
        f"Semantic model '{args['model']}' already has {_article(args['what'])} {args['what']} "
        f"'{args['name']}', so this one would never be used. Rename or remove it."
    )


@rule("MOD202", "dimension-and-measure-share-name", Severity.ERROR, on="yaml")
def dimension_and_measure_share_name(args: Args) -> str:
    """A dimension and a measure of one model have the same name.

    Both would be written `model__name`, and an expression that uses it could mean either.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: amount, type: number}
        measures:
          - {name: amount, type: number, agg: sum}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: amount, type: number}
        measures:
          - {name: total_amount, type: number, agg: sum, expr: amount}
    ```

    There is no fix, because the metrics and queries that use the name would have to follow.
    """
    name = f"{args['model']}__{args['name']}"
    return (
        f"'{args['name']}' is a dimension and a measure of semantic model '{args['model']}', so "
        f"`{name}` could mean either. Give one of them another name."
    )


def _collisions(context: Context, uri: str) -> Iterator[Problem]:
    graph = context.graph
    for metric in context.file(uri).declarations.metrics:
        owners = [graph.models[m] for m in graph.models_with(metric.name)]
        same: list[tuple[str, Any]] = []
        if metric.name in graph.models:
            same.append(("semantic model", graph.models[metric.name]))
        for model in owners:
            same += [
                (what, member)
                for what, members in (("dimension", model.dimensions), ("entity", model.entities))
                for member in members
                if member.name == metric.name
            ]
        if same:
            related = tuple(Related(each.name_at, f"the {kind}") for kind, each in same[:5])
            facts = {"name": metric.name, "what": same[0][0]}
            yield Problem("MOD203", metric.name_at, facts, related)


@rule("MOD203", "metric-shares-name", Severity.WARNING, on="yaml", check=_collisions)
def metric_shares_name(args: Args) -> str:
    """A metric has the name of a semantic model, a dimension or an entity.

    Queries still know what is meant where only one of them can stand, but a bare name in a
    filter or window then means the metric, which a reader may not expect. A measure may share its
    name with a metric: that is how metrics are usually named after their measures.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: discount, type: number}
        measures:
          - {name: reduction, type: number, agg: sum, expr: discount}
    metrics:
      - {name: discount, metric_type: simple, expr: SUM(orders__reduction)}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: discount, type: number}
        measures:
          - {name: reduction, type: number, agg: sum, expr: discount}
    metrics:
      - {name: total_discount, metric_type: simple, expr: SUM(orders__reduction)}
    ```

    There is no fix, because the queries that use the name would have to follow.
    """
    return (
        f"'{args['name']}' is the name of a metric and of {_article(args['what'])} "
        f"{args['what']}. A bare '{args['name']}' in a filter means the metric; give one of them "
        "another name."
    )


def _queryable(problem: Problem, context: Context) -> Iterator[Fix]:
    name = str(problem.args["name"])
    if problem.args["reason"] == "character":
        cleaned = "".join(c if c.isalnum() or c == "_" else "_" for c in name).strip("_")
        if cleaned and not (cleaned[0].isdigit() and problem.args["what"] != "dimension"):
            yield from replacements(problem.location, [cleaned])


@rule("MOD204", "name-cannot-be-queried", Severity.ERROR, on="yaml", fix=_queryable)
def name_cannot_be_queried(args: Args) -> str:
    """A name holds what a query cannot write, or is a word that queries use themselves.

    Names stand inside SQL expressions without quotes, so they are made of letters of any
    language, digits and underscores, and metric and model names start with a letter. `metric_time`
    has a meaning of its own.

    ```bad
    semantic_models:
      - name: 고객 기본
        table: bank.customers
    ```

    ```good
    semantic_models:
      - name: 고객기본
        table: bank.customers
    ```

    The fix puts underscores in place of the characters that cannot be queried.
    """
    what, name = args["what"], args["name"]
    if args["reason"] == "reserved":
        return (
            f"The {what} '{name}' cannot be queried: `{name}` already means each metric's own "
            "time. Give it another name."
        )
    character = args["character"]
    shown = "a space" if character == " " else f"`{character}`"
    why = "cannot start with a digit" if character.isalnum() else f"holds {shown}"
    return (
        f"The {what} '{name}' cannot be queried: its name {why}. Use letters, digits and "
        "underscores only."
    )


def _duplicate_models(context: Context, uri: str) -> Iterator[Problem]:
    yield from duplicates(context, "model", "semantic model", "MOD205")


def duplicates(context: Context, kind: str, what: str, code: str) -> Iterator[Problem]:
    """A problem at each definition of a name but the first, which it points to."""
    for key, symbols in context.graph.duplicates.items():
        if key.startswith(f"{kind}:"):
            first = symbols[0]
            for symbol in symbols[1:]:
                related = Related(first.name_at, f"the first {what} '{first.name}'")
                facts = {"name": symbol.name, "what": what}
                yield Problem(code, symbol.name_at, facts, (related,))


@rule(
    "MOD205",
    "duplicate-model",
    Severity.ERROR,
    on="workspace",
    fix=remove_duplicate,
    check=_duplicate_models,
)
def duplicate_model(args: Args) -> str:
    """Two semantic models have one name, in the same file or in two.

    Queries write the model's name in front of its dimensions, so it must be unique in the
    workspace. Only the first definition, in the order of the files, is used.

    ```bad
    -- models/orders.yml --
    semantic_models:
      - name: orders
        table: shop.orders
    -- models/orders_old.yml --
    semantic_models:
      - name: orders
        table: archive.orders
    ```

    ```good
    -- models/orders.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_no}
    -- models/orders_old.yml --
    semantic_models:
      - name: old_orders
        table: archive.orders
        entities:
          - {name: order, type: primary, expr: order_no}
    ```

    The fix removes the later definition.
    """
    return (
        f"There is already a semantic model '{args['name']}', so this one is never used. Rename "
        "or remove it."
    )


def _file_names(context: Context, uri: str) -> Iterator[Problem]:
    models = context.file(uri).declarations.models
    stem = uri.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if len(models) == 1 and models[0].name.casefold() != stem.casefold():
        facts = {"name": models[0].name, "file": stem}
        yield Problem("MOD206", models[0].name_at, facts)


@rule("MOD206", "file-name-differs", Severity.OFF, on="yaml", check=_file_names)
def file_name_differs(args: Args) -> str:
    """A file holds one semantic model and is named differently. Off by default.

    In a workspace of many models it helps when the file of a model can be told from its name.

    ```bad
    -- models/misc.yml --
    semantic_models:
      - name: orders
        table: shop.orders
    ```

    ```good
    -- models/orders.yml --
    semantic_models:
      - name: orders
        table: shop.orders
    ```

    There is no fix, because renaming files is left to you.
    """
    return (
        f"Semantic model '{args['name']}' is defined in the file '{args['file']}'. Name the file "
        "after the model, or the model after the file."
    )


def _undescribed(context: Context, uri: str) -> Iterator[Problem]:
    declarations = context.file(uri).declarations
    things: list[tuple[str, Any]] = [("metric", metric) for metric in declarations.metrics]
    for model in declarations.models:
        things.append(("semantic model", model))
        things += [("dimension", dimension) for dimension in model.dimensions]
        things += [("measure", measure) for measure in model.measures if not measure.create_metric]
    for what, symbol in things:
        if not (symbol.description or "").strip():
            yield Problem("MOD207", symbol.name_at, {"what": what, "name": symbol.name})


@rule("MOD207", "missing-description", Severity.OFF, on="yaml", check=_undescribed)
def missing_description(args: Args) -> str:
    """A semantic model, dimension, measure or metric has no description. Off by default.

    Descriptions are what people read on hover and what a question in words is matched with.

    ```bad
    metrics:
      - {name: order_count, metric_type: simple, expr: COUNT(orders__order_no)}
    semantic_models:
      - name: orders
        table: shop.orders
        description: One row for each order.
        measures:
          - {name: order_no, type: varchar, description: The number of the order.}
    ```

    ```good
    metrics:
      - name: order_count
        metric_type: simple
        description: How many orders there are.
        expr: COUNT(orders__order_no)
    semantic_models:
      - name: orders
        table: shop.orders
        description: One row for each order.
        measures:
          - {name: order_no, type: varchar, description: The number of the order.}
    ```

    There is no fix, because only you know what it means.
    """
    return f"The {args['what']} '{args['name']}' has no description. Say what it means."


def _isolated(context: Context, uri: str) -> Iterator[Problem]:
    graph = context.graph
    if len(graph.models) < 2:
        return
    reached = {edge.right for name in graph.models for edge in graph.edges(name)}
    for name, model in graph.models.items():
        if name not in reached and not graph.edges(name):
            yield Problem("MOD208", model.name_at, {"name": name})


@rule("MOD208", "isolated-model", Severity.HINT, on="workspace", check=_isolated)
def isolated_model(args: Args) -> str:
    """No other semantic model can be joined to this one, nor this one to any other.

    Its metrics can then be grouped and filtered by its own dimensions only. Models are joined
    when one declares as `foreign` what the other declares as `primary` or `unique`.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_no}
      - name: customers
        table: shop.customers
        entities:
          - {name: customer, type: primary, expr: customer_no}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_no}
          - {name: customer, type: foreign, expr: customer_no}
      - name: customers
        table: shop.customers
        entities:
          - {name: customer, type: primary, expr: customer_no}
    ```

    There is no fix, because only you know the key.
    """
    return (
        f"No other model can be joined to semantic model '{args['name']}'. Declare the entities "
        "that it shares with others, or leave it if it stands alone on purpose."
    )


def _double_declarations(context: Context, uri: str) -> Iterator[Problem]:
    first: dict[tuple[str, str], Any] = {}
    for declarations in context.declarations:
        named: list[tuple[str, str, Any]] = []
        for table in declarations.sources:
            named.append(("source table", f"{table.source}.{table.name}", table))
        named += [("saved query", query.name, query) for query in declarations.saved_queries]
        named += [("time spine", spine.name, spine) for spine in declarations.time_spines]
        for what, name, symbol in named:
            known = first.setdefault((what, name), symbol)
            if known is not symbol:
                related = Related(known.name_at, f"the first {what} '{name}'")
                yield Problem("MOD209", symbol.name_at, {"what": what, "name": name}, (related,))


@rule(
    "MOD209",
    "duplicate-declaration",
    Severity.ERROR,
    on="workspace",
    fix=remove_duplicate,
    check=_double_declarations,
)
def duplicate_declaration(args: Args) -> str:
    """A table of a source, a saved query or a time spine is declared twice.

    Only the first declaration, in the order of the files, is used, so the other one may say
    something else without anybody noticing. One source may be spread over several files; its
    tables must not be.

    ```bad
    sources:
      - {name: bank, schema: core, tables: [{name: orders}, {name: orders, identifier: orders_2}]}
    ```

    ```good
    sources:
      - {name: bank, schema: core, tables: [{name: orders}, {name: orders_2}]}
    ```

    The fix removes the later declaration.
    """
    return (
        f"There is already {_article(args['what'])} {args['what']} '{args['name']}', so this one "
        "is never used. Rename or remove it."
    )


@rule("MOD290", "model-without-table", Severity.ERROR, on="yaml")
def model_without_table(args: Args) -> str:
    """A query needs a semantic model whose table is not known.

    The model's file does not name a table, or not in a way that is understood (MOD102, REF101),
    so there is nothing to read. Queries that do not need the model still work.

    ```bad
    -- models.yml --
    semantic_models:
      - name: orders
        table: bank(orders)
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, metric_type: simple, expr: SUM(orders__amount)}
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

    There is no fix, because only you know the table.
    """
    return (
        f"Semantic model '{args['model']}' cannot be read, because it is not known which table it "
        "is. Name its table in the model's file."
    )


@rule("MOD210", "name-is-sql-word", Severity.WARNING, on="yaml")
def name_is_sql_word(args: Args) -> str:
    """A name is a word of SQL, such as `order` or `group`.

    It works wherever a name stands alone or behind a prefix (`"metrics": ["order"]`,
    `order__status`). Inside an expression it must be written in double quotes, which nobody
    remembers.

    ```bad
    metrics:
      - name: order
        metric_type: simple
        expr: COUNT(orders__order_id)
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order_id, type: primary}
        dimensions:
          - {name: status, type: varchar}
    ```

    ```good
    metrics:
      - name: order_count
        metric_type: simple
        expr: COUNT(orders__order_id)
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order_id, type: primary}
        dimensions:
          - {name: status, type: varchar}
    ```

    There is no fix, because queries elsewhere may use the name.
    """
    what, name = args["what"], args["name"]
    return (
        f"The {what} '{name}' is a word of SQL, so expressions must write it in double quotes. "
        "Another name would be easier to use."
    )

"""Rules of the names that model files declare: each once, and such that queries can write it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smq.problem import Fix, Problem, Related, Severity
from smq.rules.duplicates import duplicates, remove_duplicate
from smq.rules.model_edits import replacements
from smq.rules.model_wording import article
from smq.rules.registry import Args, Context, rule


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
        f"Semantic model '{args['model']}' already has {article(args['what'])} {args['what']} "
        f"'{args['name']}', so this one would never be used. Rename or remove it."
    )


def _duplicate_models(context: Context, uri: str) -> Iterator[Problem]:
    yield from duplicates(context, "model", "semantic model", "MOD205")


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


def _double_declarations(context: Context, uri: str) -> Iterator[Problem]:
    first: dict[tuple[str, str], Any] = {}
    for declarations in context.declarations:
        if not (declarations.sources or declarations.saved_queries or declarations.time_spines):
            continue
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
        f"There is already {article(args['what'])} {args['what']} '{args['name']}', so this one "
        "is never used. Rename or remove it."
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
        f"'{args['name']}' is the name of a metric and of {article(args['what'])} "
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

"""Rules of the references family: names in model files that must lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from smq.graph.symbols import SourceCall
from smq.problem import Fix, Problem, Related, Severity
from smq.rules.missing import declared_keys
from smq.rules.model_edits import replacements
from smq.rules.model_wording import did_you_mean, listed
from smq.rules.registry import Args, Context, rule
from smq.text import Location, Span, nearest
from smq.text.name_index import nearest_of


def _use_nearest(problem: Problem, context: Context) -> Iterator[Fix]:
    near: Any = problem.args.get("nearest") or ()
    yield from replacements(problem.location, near)


def _use_nearest_or_declare(problem: Problem, context: Context) -> Iterator[Fix]:
    yield from _use_nearest(problem, context)
    yield from declared_keys(problem, context)


@rule("REF101", "table-not-understood", Severity.ERROR, on="yaml")
def table_not_understood(args: Args) -> str:
    """A model's table is not written in a way that names a table.

    Write a source from sources.yml, `bank('accounts')` or `source('bank', 'accounts')`; a dbt
    model, `ref('accounts')`; the name itself, `accounts`, `dataset.accounts` or
    `project.dataset.accounts`, with quotes around parts that need them; or one SELECT.

    ```bad
    semantic_models:
      - name: orders
        table: bank(orders)
    ```

    ```good
    sources:
      - {name: bank, schema: core, tables: [{name: orders}]}
    semantic_models:
      - name: orders
        table: bank('orders')
    ```

    There is no fix, because it cannot be told which table is meant.
    """
    return (
        f"`{args['text']}` does not name a table. Write `source_name('table')`, "
        "`ref('dbt_model')`, `project.dataset.table` or a SELECT."
    )


def _source_calls(context: Context, uri: str) -> Iterator[Problem]:
    graph = context.graph
    for model in context.file(uri).declarations.models:
        call, at = model.relation, model.relation_at
        if not isinstance(call, SourceCall) or at is None:
            continue
        if (call.source, call.table) in graph.sources:
            continue
        tables = [table for source, table in graph.sources if source == call.source]
        if tables:
            yield from _unknown_table(call, at, tables, context)
        else:
            yield from _unknown_source(call, at, context)


def _unknown_source(call: SourceCall, at: Location, context: Context) -> Iterator[Problem]:
    names = dict.fromkeys(source for source, _ in context.graph.sources)
    facts = {
        "name": call.source,
        "table": call.table,
        "nearest": nearest(call.source, names),
        "known": tuple(names),
    }
    yield Problem("REF102", _inside(context, at, call.source), facts)


def _unknown_table(
    call: SourceCall, at: Location, tables: list[str], context: Context
) -> Iterator[Problem]:
    declared = next(s for (source, _), s in context.graph.sources.items() if source == call.source)
    related = Related(declared.name_at, f"tables of source '{call.source}' are declared here")
    facts = {"source": call.source, "name": call.table, "nearest": nearest(call.table, tables)}
    yield Problem("REF103", _inside(context, at, call.table), facts, (related,))


def _inside(context: Context, at: Location, name: str) -> Location:
    """The place of a name in the text at a location; all of it when it is written otherwise."""
    text = at.span.cut(context.parsed(at.uri).document.text)
    found = text.rfind(name)
    if found < 0:
        return at
    start = at.span.start + found
    return Location(at.uri, at.span._replace(start=start, end=start + len(name)))


@rule(
    "REF102",
    "unknown-source",
    Severity.ERROR,
    on="yaml",
    fix=_use_nearest,
    check=_source_calls,
)
def unknown_source(args: Args) -> str:
    """A model's table belongs to a source that no file declares.

    `sources:` says which schema and database a source stands for. Without it the source's name is
    taken for the schema, which is right only by chance.

    ```bad
    sources:
      - {name: bank, schema: core, tables: [{name: orders}]}
    semantic_models:
      - name: orders
        table: bnak('orders')
    ```

    ```good
    sources:
      - {name: bank, schema: core, tables: [{name: orders}]}
    semantic_models:
      - name: orders
        table: bank('orders')
    ```

    The fix puts the nearest declared source in its place.
    """
    hint = did_you_mean(args)
    if not hint and args["known"]:
        hint = f" Declared are {listed(args['known'], 'and')}."
    return (
        f"No source '{args['name']}' is declared.{hint} Declare it under `sources:` with its "
        "schema and tables."
    )


@rule("REF103", "unknown-source-table", Severity.ERROR, on="yaml", fix=_use_nearest)
def unknown_source_table(args: Args) -> str:
    """A model's table is not among the tables that its source declares.

    ```bad
    sources:
      - {name: bank, schema: core, tables: [{name: orders}]}
    semantic_models:
      - name: orders
        table: bank('ordres')
    ```

    ```good
    sources:
      - {name: bank, schema: core, tables: [{name: orders}]}
    semantic_models:
      - name: orders
        table: bank('orders')
    ```

    The fix puts the nearest declared table in its place; if the table is right, add it to the
    source.
    """
    return (
        f"Source '{args['source']}' declares no table '{args['name']}'.{did_you_mean(args)} "
        f"Correct the name, or add the table to the source."
    )


def _foreign_entities(context: Context, uri: str) -> Iterator[Problem]:
    graph = context.graph
    for model in context.file(uri).declarations.models:
        for entity in model.entities:
            if entity.kind != "foreign" or graph.joins.keyed_by(entity.name):
                continue
            keys = graph.key_names
            if entity.name in keys:
                continue
            own = {other.name for other in model.entities}
            near = nearest_of(entity.name, keys.candidates(entity.name) - own)
            facts = {"name": entity.name, "model": model.name, "nearest": near}
            yield Problem("REF104", entity.name_at, facts)


@rule(
    "REF104",
    "foreign-entity-without-key",
    Severity.WARNING,
    on="yaml",
    fix=_use_nearest_or_declare,
    check=_foreign_entities,
)
def foreign_entity_without_key(args: Args) -> str:
    """A foreign entity has a name that no model has as its key.

    Models are joined where a foreign entity of one has the name of a primary or unique entity of
    the other. This one matches none, so nothing can be joined through it: the dimensions on the
    other side are out of reach, and no query says why.

    ```bad
    semantic_models:
      - name: customers
        table: shop.customers
        entities:
          - {name: customer, type: primary, expr: customer_no}
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_no}
          - {name: custmer, type: foreign, expr: customer_no}
    ```

    ```good
    semantic_models:
      - name: customers
        table: shop.customers
        entities:
          - {name: customer, type: primary, expr: customer_no}
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_no}
          - {name: customer, type: foreign, expr: customer_no}
    ```

    The fixes put the nearest key's name in its place, or declare the key in a model that has a
    dimension or column of that name and no primary entity. The bad example also leaves both models
    alone (MOD208).
    """
    return (
        f"No model has '{args['name']}' as its key, so nothing can be joined to semantic model "
        f"'{args['model']}' through it.{did_you_mean(args)} Name it as the primary or unique "
        "entity of the other model is named, or declare that entity there."
    )


def _owner(args: Args) -> str:
    if args["measure"]:
        return f"measure '{args['measure']}' of semantic model '{args['model']}'"
    return f"the defaults of semantic model '{args['model']}'"


@rule("REF105", "unknown-time-dimension", Severity.ERROR, on="yaml", fix=_use_nearest)
def unknown_time_dimension(args: Args) -> str:
    """A measure's or model's time dimension is not a dimension of the model.

    `agg_time_dimension` says what `metric_time` means for a measure, `non_additive_dimension` over
    which time it must not be added up; both name a time dimension of the same model.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        defaults: {agg_time_dimension: orderd_at}
        dimensions:
          - {name: ordered_at, type: time, type_params: {time_granularity: day}}
        measures:
          - {name: amount, agg: sum}
    metrics:
      - {name: revenue, type: simple, type_params: {measure: amount}}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        defaults: {agg_time_dimension: ordered_at}
        dimensions:
          - {name: ordered_at, type: time, type_params: {time_granularity: day}}
        measures:
          - {name: amount, agg: sum}
    metrics:
      - {name: revenue, type: simple, type_params: {measure: amount}}
    ```

    The fix puts the nearest time dimension of the model in its place.
    """
    hint = did_you_mean(args)
    if not hint:
        known = args["known"]
        hint = f" It has {listed(known, 'and')}." if known else " It has no time dimension."
    return (
        f"'{args['name']}', the time dimension of {_owner(args)}, is no dimension of that "
        f"model.{hint}"
    )


@rule("REF106", "not-a-time-dimension", Severity.ERROR, on="yaml")
def not_a_time_dimension(args: Args) -> str:
    """A dimension that should tell time is not declared as a time dimension.

    In the SMQ dialect a dimension of type `date` or `timestamp` tells time, in dbt's one of type
    `time` with a `time_granularity`.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        defaults: {agg_time_dimension: ordered_at}
        dimensions:
          - {name: ordered_at, type: varchar}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        defaults: {agg_time_dimension: ordered_at}
        dimensions:
          - {name: ordered_at, type: date}
    ```

    There is no fix, because the column may hold text that must be converted in `expr` first.
    """
    return (
        f"'{args['name']}' cannot be the time dimension of {_owner(args)}: its type is "
        f"`{args['type']}`. Declare it as `date`, `timestamp` or dbt's `time`."
    )


@rule("REF107", "unknown-window-grouping", Severity.ERROR, on="yaml", fix=_use_nearest)
def unknown_window_grouping(args: Args) -> str:
    """A non-additive measure is grouped by an entity that its model does not have.

    `window_groupings` names entities of the model; for each of them the first or last snapshot is
    chosen.

    ```bad
    semantic_models:
      - name: balances
        table: bank.balances
        entities:
          - {name: account, type: primary, expr: account_no}
        dimensions:
          - {name: day, type: date}
        measures:
          - name: balance
            agg: sum
            non_additive_dimension: {name: day, window_choice: max, window_groupings: [acount]}
    ```

    ```good
    semantic_models:
      - name: balances
        table: bank.balances
        entities:
          - {name: account, type: primary, expr: account_no}
        dimensions:
          - {name: day, type: date}
        measures:
          - name: balance
            agg: sum
            non_additive_dimension: {name: day, window_choice: max, window_groupings: [account]}
    ```

    The fix puts the nearest entity of the model in its place.
    """
    return (
        f"Measure '{args['measure']}' is grouped by '{args['name']}', which is no entity of "
        f"semantic model '{args['model']}'.{did_you_mean(args)}"
    )


_BARE = re.compile(r"\w+\Z")


def _prefixes(context: Context, uri: str) -> Iterator[Problem]:
    # Imported here, because reading SQL brings the SQL library, which listing rules can do without.
    from smq.expr import parse_expression

    models = context.graph.models
    for model in context.file(uri).declarations.models:
        for member in (*model.entities, *model.dimensions, *model.measures):
            sql = member.expr
            if sql is None or sql.node is None or "__" not in sql.text:
                continue
            if _BARE.match(sql.text):
                names = [(sql.text, 0, len(sql.text))]
            else:
                parsed = parse_expression(sql.text, context.configuration.dialect)
                names = [(u.name, u.start, u.end) for u in parsed.uses if len(u.parts) == 1]
            for name, start, end in names:
                found = _member(models, name)
                if found is None:
                    continue
                at = Location(uri, sql.node.source(Span(start, end)))
                owner, rest = found
                own = owner == model.name
                facts = {"name": name, "model": model.name, "owner": owner, "own": own}
                column = _column(models[owner], rest) if own else None
                yield Problem("REF109", at, {**facts, "column": column or ""})


def _member(models: Any, name: str) -> tuple[str, str] | None:
    """(model, member) when a name is a model's member written as queries write it."""
    at = name.rfind("__")
    while at > 0:
        model, rest = name[:at], name[at + 2 :]
        if model in models and any(
            rest == member.name
            for member in (
                *models[model].dimensions,
                *models[model].measures,
                *models[model].entities,
            )
        ):
            return model, rest
        at = name.rfind("__", 0, at)
    return None


def _column(model: Any, name: str) -> str | None:
    """The column behind a member of a model, when that is all there is to it."""
    for member in (*model.dimensions, *model.measures, *model.entities):
        if member.name == name:
            text = member.expr.text if member.expr is not None else name
            if _BARE.match(text):
                return text if "__" not in text else name
    return None


def _use_column(problem: Problem, context: Context) -> Iterator[Fix]:
    column = str(problem.args["column"])
    if column:
        yield from replacements(problem.location, [column])


@rule(
    "REF109",
    "prefixed-name-in-column-expression",
    Severity.ERROR,
    on="yaml",
    fix=_use_column,
    check=_prefixes,
)
def prefixed_name_in_column_expression(args: Args) -> str:
    """The `expr` of an entity, dimension or measure uses a name with a model in front.

    Such an `expr` is SQL over the columns of the model's own table; `model__dimension` is how
    metrics and queries say it, and no table has a column of that name. To use a value of another
    model, write a metric, or let the query join it.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar, expr: order_status}
          - {name: is_open, type: boolean, expr: orders__status = 'open'}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar, expr: order_status}
          - {name: is_open, type: boolean, expr: order_status = 'open'}
    ```

    The fix puts the column that the name stands for in its place.
    """
    if args["own"]:
        column = args["column"]
        hint = f" Write the column, `{column}`." if column else " Write the column instead."
        return (
            f"An `expr` of a model is SQL over the columns of its table, which has no column "
            f"`{args['name']}`.{hint}"
        )
    return (
        f"`{args['name']}` belongs to semantic model '{args['owner']}', but an `expr` of "
        f"'{args['model']}' can only use the columns of its own table."
    )


def _saved_queries(context: Context, uri: str) -> Iterator[Problem]:
    metrics = context.graph.metrics
    for query in context.file(uri).declarations.saved_queries:
        for sql in query.metrics:
            name = sql.text.strip()
            # Anything but a name is an expression, which compiling the query looks at.
            if name.replace("_", "a").isalnum() and name not in metrics:
                facts = {"query": query.name, "name": name, "nearest": nearest(name, metrics)}
                yield Problem("REF108", sql.location, facts)


@rule(
    "REF108",
    "unknown-metric-in-saved-query",
    Severity.ERROR,
    on="yaml",
    fix=_use_nearest,
    check=_saved_queries,
)
def unknown_metric_in_saved_query(args: Args) -> str:
    """A saved query asks for a metric that no file defines.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, agg: sum}
    metrics:
      - {name: revenue, type: simple, type_params: {measure: amount}}
    saved_queries:
      - name: daily
        query_params:
          metrics: [revenu]
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, agg: sum}
    metrics:
      - {name: revenue, type: simple, type_params: {measure: amount}}
    saved_queries:
      - name: daily
        query_params:
          metrics: [revenue]
    ```

    The fix puts the nearest metric in its place.
    """
    return (
        f"Metric '{args['name']}' not found; saved query '{args['query']}' asks for it."
        f"{did_you_mean(args)}"
    )

"""Rules of the catalogue: models held to the tables and columns that the warehouse has.

All of them are silent while the catalogue is unknown; who loads it says so once. A column may be
missing from a cache that is older than the column, so every message says what it goes by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from smq.catalog import Known
from smq.graph.data_types import ValueKind, column_kind, value_kind
from smq.graph.symbols import Dimension, Measure, Model
from smq.problem import Fix, Problem, Severity
from smq.rules.model_edits import item_around, replacements
from smq.rules.registry import Args, Context, rule
from smq.rules.wording import did_you_mean, joined, listed, plural, quoted
from smq.syntax import Mapping, Scalar
from smq.text import Edit, Location, nearest
from smq.text.name_index import NameIndex
from smq.workspace.patterns import matches

if TYPE_CHECKING:
    from smq.catalog.tables import Table
    from smq.graph.drafts import DraftMember

_KIND_WORDS: dict[ValueKind, str] = {
    "text": "text",
    "integer": "whole numbers",
    "number": "numbers",
    "boolean": "true or false",
    "date": "dates",
    "timestamp": "timestamps",
    "time": "times of day",
    "nested": "nested values",
    "other": "other values",
}
# A difference within one group does not change what a query may do with the values.
_ALIKE: tuple[frozenset[ValueKind], ...] = (
    frozenset({"integer", "number"}),
    frozenset({"integer", "boolean"}),
)


def _old(catalog: Known) -> str:
    """When an expired catalogue was taken; a current one goes without saying."""
    if catalog.state != "expired" or catalog.taken_at is None:
        return ""
    return catalog.taken_at.strftime("%Y-%m-%d")


def _as_of(args: Args) -> str:
    return f" (as of {args['old']})" if args.get("old") else ""


def _models(context: Context, uri: str) -> Iterator[tuple[Model, Known]]:
    catalog = context.catalog
    if isinstance(catalog, Known):
        for model in context.file(uri).declarations.models:
            yield model, catalog


def _tables(context: Context, uri: str) -> Iterator[tuple[Model, Table, Known]]:
    # Imported here, because it brings the SQL library, which listing rules can do without.
    from smq.graph.warehouse import table_of

    for model, catalog in _models(context, uri):
        table = table_of(context.graph, catalog, model, context.configuration.dialect)
        if table is not None and table.has_columns:
            yield model, table, catalog


# Tables


def _missing_tables(context: Context, uri: str) -> Iterator[Problem]:
    from smq.dialects import dialect
    from smq.graph.warehouse import named_table

    exact = dialect(context.configuration.dialect).tables_keep_case
    for model, catalog in _models(context, uri):
        parts = named_table(context.graph, model)
        if not parts or model.relation_at is None or catalog.find(parts, exact):
            continue
        if not catalog.covers(parts) or not _is_collected(context, parts):
            continue
        written = ".".join(parts)
        others = [".".join(table.parts) for table in catalog.find(parts)]
        depth = len(parts)
        facts = {
            "table": written,
            "model": model.name,
            "nearest": tuple(others) or _tables_like(catalog, written, depth),
            "case": bool(others),
            "old": _old(catalog),
        }
        yield Problem("CAT101", model.relation_at, facts)


def _tables_like(catalog: Known, written: str, depth: int) -> tuple[str, ...]:
    """The nearest tables by as many parts as are written, among tens of thousands."""
    index = catalog.memo.get(("table names", depth))
    if index is None:
        index = NameIndex(".".join(name[-depth:]) for name in catalog.names)
        catalog.memo["table names", depth] = index
    found: tuple[str, ...] = index.nearest(written)
    return found


def _is_collected(context: Context, parts: tuple[str, ...]) -> bool:
    """Whether the collector was asked for such a table at all."""
    settings = context.configuration.metasync
    path = ".".join(parts)

    def named(patterns: tuple[str, ...]) -> bool:
        return any(matches(p, path) or matches(p, parts[-1]) for p in patterns)

    return not named(settings.exclude) and (not settings.tables or named(settings.tables))


def _use_table(problem: Problem, context: Context) -> Iterator[Fix]:
    """Only where the name itself stands: a source is corrected where it is declared."""
    text = problem.location.span.cut(context.parsed(problem.location.uri).document.text)
    written = str(problem.args["table"])
    if text.strip("\"'") == written:
        near = problem.args.get("nearest") or ()
        depth = written.count(".") + 1
        names = [".".join(name.split(".")[-depth:]) for name in near]  # type: ignore[attr-defined]
        yield from replacements(problem.location, names)


@rule(
    "CAT101",
    "missing-table",
    Severity.ERROR,
    on="yaml",
    fix=_use_table,
    check=_missing_tables,
)
def missing_table(args: Args) -> str:
    """A model's table is not in the warehouse.

    The metadata cache lists all tables of the schema, and this one is not among them, so every
    query on the model fails. Engines that keep the letter case of tables know only the table that
    is spelled exactly so. Tables of schemas that are not collected, and tables that could not be
    read, are never reported.

    ```bad
    -- warehouse.sql --
    CREATE TABLE shop.orders (order_id BIGINT, amount DECIMAL(10, 2));
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.oders
        measures:
          - {name: amount, type: number, expr: amount}
    ```

    ```good
    -- warehouse.sql --
    CREATE TABLE shop.orders (order_id BIGINT, amount DECIMAL(10, 2));
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_id}
        measures:
          - {name: amount, type: number, expr: amount}
    ```

    The fix puts the nearest table in its place. Where a source names the table, correct the
    source. After creating a table, `smq metasync sync` lets everybody know.
    """
    near = tuple(args.get("nearest") or ())
    if args.get("case"):
        return (
            f"Table '{args['table']}' of semantic model '{args['model']}' is not in the "
            f"warehouse{_as_of(args)}, which has {listed(near)}: its tables keep their letter case."
        )
    return (
        f"Table '{args['table']}' of semantic model '{args['model']}' is not in the warehouse"
        f"{_as_of(args)}.{did_you_mean(near, str(args['table']))} "
        "If it is new, run `smq metasync sync`."
    )


# Columns


def _missing_columns(context: Context, uri: str) -> Iterator[Problem]:
    from smq.graph.warehouse import column_named, column_uses

    dialect, models = context.configuration.dialect, context.graph.models
    for model, table, catalog in _tables(context, uri):
        names: tuple[str, ...] | None = None
        for use in column_uses(model, dialect, models):
            if column_named(table, model.name, use.name) is not None:
                continue
            if names is None:
                names = tuple(column.name for column in table.columns)
            facts = {
                "column": use.name,
                "table": table.path,
                "member": use.member.name,
                "kind": type(use.member).__name__.lower(),
                "implied": use.member.expr is None,
                "nearest": nearest(use.name, names),
                "old": _old(catalog),
            }
            yield Problem("CAT102", use.at, facts)


def _use_column(problem: Problem, context: Context) -> Iterator[Fix]:
    near: tuple[str, ...] = tuple(problem.args.get("nearest") or ())  # type: ignore[arg-type]
    if not problem.args["implied"]:
        yield from replacements(problem.location, near)
        return
    at = problem.location
    found = item_around(context.parsed(at.uri).roots, at.span)
    item = found[0].items[found[1]] if found else None
    if not isinstance(item, Mapping):
        return
    text = context.parsed(at.uri).document.text
    pair = item.pair("name")
    if pair is None or not isinstance(pair.value, Scalar):
        return
    end = pair.value.span.end
    for name in near:
        if item.flow:
            insert = f", expr: {name}"
        else:
            start = max(text.rfind("\n", 0, pair.key.span.start), -1) + 1
            width = pair.key.span.start - start
            newline = "\r\n" if "\r\n" in text else "\n"
            insert = f"{newline}{' ' * width}expr: {name}"
        edit = Edit(at.uri, pair.value.span._replace(start=end, end=end), insert)
        yield Fix(f"Read column '{name}'", (edit,), "unsafe")


@rule(
    "CAT102",
    "missing-column",
    Severity.ERROR,
    on="yaml",
    fix=_use_column,
    check=_missing_columns,
)
def missing_column(args: Args) -> str:
    """An expression of a model names a column that its table has not.

    Also an entity, dimension or measure without `expr` reads a column: the one of its own name.

    ```bad
    -- warehouse.sql --
    CREATE TABLE shop.orders (order_id BIGINT, amount DECIMAL(10, 2));
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_id}
        measures:
          - {name: total, type: number, expr: amout}
    ```

    ```good
    -- warehouse.sql --
    CREATE TABLE shop.orders (order_id BIGINT, amount DECIMAL(10, 2));
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_id}
        measures:
          - {name: total, type: number, expr: amount}
    ```

    The fix puts the nearest column in its place. CAT104 lists the columns that no model uses, of
    which a renamed one is often the one that is meant.
    """
    implied = (
        f" The {args['kind']} has no `expr`, so it reads the column of its own name."
        if args.get("implied")
        else ""
    )
    near = tuple(args.get("nearest") or ())
    return (
        f"Table '{args['table']}' has no column '{args['column']}'{_as_of(args)}.{implied}"
        f"{did_you_mean(near, str(args['column']))}"
    )


# Types


def _changed_types(context: Context, uri: str) -> Iterator[Problem]:
    from smq.graph.warehouse import column_named, column_uses

    dialect, models = context.configuration.dialect, context.graph.models
    for model, table, catalog in _tables(context, uri):
        for use in column_uses(model, dialect, models):
            member = use.member
            if not use.alone or not isinstance(member, Dimension | Measure):
                continue
            column = column_named(table, model.name, use.name)
            if column is None or column.mode == "REPEATED":
                continue
            actual = column_kind(column.type)
            declared = value_kind(member.data_type) if member.data_type else None
            if declared is None and isinstance(member, Dimension) and member.is_time:
                if actual in ("text", "integer", "number", "boolean"):
                    facts = _type_facts(member, column.type, actual, table, catalog)
                    yield Problem("CAT103", member.name_at, {**facts, "declared": "time"})
                continue
            if actual is None or declared is None or _is_alike(declared, actual):
                continue
            facts = _type_facts(member, column.type, actual, table, catalog)
            at = _type_at(context, member.name_at) or member.name_at
            yield Problem("CAT103", at, {**facts, "declared": member.data_type})


def _type_facts(
    member: Dimension | Measure, written: str, kind: ValueKind, table: Table, catalog: Known
) -> dict[str, object]:
    return {
        "name": member.name,
        "member": type(member).__name__.lower(),
        "actual": written,
        "holds": kind,
        "table": table.path,
        "old": _old(catalog),
    }


def _is_alike(one: ValueKind, other: ValueKind) -> bool:
    if one == other or "other" in (one, other) or "nested" in (one, other):
        return True
    return any({one, other} <= group for group in _ALIKE)


def _type_at(context: Context, name_at: Location) -> Location | None:
    """Where the item of a name says its `type`."""
    found = item_around(context.parsed(name_at.uri).roots, name_at.span)
    item = found[0].items[found[1]] if found else None
    value = item.get("type") if isinstance(item, Mapping) else None
    return Location(name_at.uri, value.content) if isinstance(value, Scalar) else None


_TYPE_WORDS: dict[ValueKind, str] = {
    "text": "varchar",
    "integer": "integer",
    "number": "decimal",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}


def _use_type(problem: Problem, context: Context) -> Iterator[Fix]:
    word = _TYPE_WORDS.get(problem.args["holds"])  # type: ignore[call-overload]
    text = problem.location.span.cut(context.parsed(problem.location.uri).document.text)
    if word and text == problem.args["declared"]:
        yield from replacements(problem.location, (word,))


@rule(
    "CAT103",
    "column-of-another-type",
    Severity.WARNING,
    on="yaml",
    fix=_use_type,
    check=_changed_types,
)
def column_of_another_type(args: Args) -> str:
    """A dimension or measure is declared with a type that its column has not.

    The type decides how values are compared, truncated to a grain and written in results, so a
    column whose type has changed, or was never what the model says, gives errors or wrong groups.
    Whole and other numbers are not told apart, and expressions are not judged, only columns.

    ```bad
    -- warehouse.sql --
    CREATE TABLE shop.orders (order_id BIGINT, ordered_on DATE);
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_id}
        dimensions:
          - {name: ordered_on, type: varchar}
    ```

    ```good
    -- warehouse.sql --
    CREATE TABLE shop.orders (order_id BIGINT, ordered_on DATE);
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_id}
        dimensions:
          - {name: ordered_on, type: date}
    ```

    The fix declares what the column holds; a cast in `expr` is the other way to put it right.
    """
    holds = _KIND_WORDS.get(args["holds"], args["holds"])
    if args["declared"] == "time":
        return (
            f"Time dimension '{args['name']}' reads a column of type {args['actual']}"
            f"{_as_of(args)}: {holds}, which has no grains. Cast it in `expr`."
        )
    return (
        f"{str(args['member']).capitalize()} '{args['name']}' is declared as `{args['declared']}`, "
        f"but its column in '{args['table']}' is {args['actual']}{_as_of(args)}: {holds}. "
        "Declare that type, or cast the column in `expr`."
    )


# What no model has yet


def _unmodelled(context: Context, uri: str) -> Iterator[Problem]:
    from smq.graph.warehouse import column_uses, members

    dialect, models = context.configuration.dialect, context.graph.models
    for model, table, _ in _tables(context, uri):
        used: set[str] = set()
        for use in column_uses(model, dialect, models):
            # The whole of a RECORD is used by whoever reads one of its fields.
            parts = use.name.lower().split(".")
            used.update(".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
            used.add(parts[-1])
        text = " ".join(m.expr.text.lower() for m in members(model) if m.expr is not None)
        free = [
            column.name
            for column in table.columns
            if not column.is_nested
            and column.name.lower() not in used
            # Lists, records and bytes are nothing that a query could group by.
            and column.mode != "REPEATED"
            and column_kind(column.type) not in ("nested", "other")
            # What was not parsed may still name it.
            and column.name.lower() not in text
        ]
        if free:
            facts = {"model": model.name, "table": table.path, "columns": tuple(free)}
            yield Problem("CAT104", model.name_at, facts)


_OFFERED = 5
"""Columns for which there is a fix each; more would bury the one that does all."""


def _model_columns(problem: Problem, context: Context) -> Iterator[Fix]:
    """Add what a draft of the table would have for the columns."""
    from smq.graph.drafts import model_tables, write_member
    from smq.graph.warehouse import table_of
    from smq.rules.model_additions import added_members, is_dbt

    graph, dialect = context.graph, context.configuration.dialect
    model = graph.models.get(problem.args["model"])
    table = table_of(graph, context.catalog, model, dialect) if model is not None else None
    if model is None or table is None or model.name_at.uri != problem.location.uri:
        return
    parsed = context.parsed(problem.location.uri)
    form: Literal["smq", "dbt"] = "dbt" if is_dbt(parsed, model) else "smq"
    (drafted,) = model_tables([table], dialect)
    names = {m.name for m in (*model.dimensions, *model.measures, *model.entities)}
    wanted = set(problem.args["columns"])  # type: ignore[call-overload]
    drafts = [
        (key, member)
        for key, members in (("dimensions", drafted.dimensions), ("measures", drafted.measures))
        for member in members
        if member.column in wanted and member.kind != "count" and member.name not in names
    ]

    def edits(chosen: list[tuple[str, DraftMember]]) -> tuple[Edit, ...]:
        found = (
            added_members(
                parsed,
                model,
                key,
                tuple(write_member(m, key, dialect, form) for k, m in chosen if k == key),
            )
            for key in ("dimensions", "measures")
        )
        return tuple(edit for edit in found if edit is not None)

    for key, member in drafts[:_OFFERED]:
        one = edits([(key, member)])
        if one:
            yield Fix(f"Add {key[:-1]} '{member.name}'", one, "unsafe")
    if len(drafts) > 1:
        every = edits(drafts)
        if every:
            yield Fix(f"Add all {len(drafts)} columns", every, "unsafe")


@rule(
    "CAT104",
    "column-not-modelled",
    Severity.HINT,
    on="yaml",
    fix=_model_columns,
    check=_unmodelled,
)
def column_not_modelled(args: Args) -> str:
    """A model's table has columns that none of its entities, dimensions and measures reads.

    New columns appear in a warehouse without a word to the models. This is the word. It is a hint,
    since many columns are nobody's business; set its severity to `off` where that is the rule.

    ```bad
    -- warehouse.sql --
    CREATE TABLE shop.orders (order_id BIGINT, amount DECIMAL(10, 2), channel VARCHAR);
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_id}
        measures:
          - {name: amount, type: number}
    ```

    ```good
    -- warehouse.sql --
    CREATE TABLE shop.orders (order_id BIGINT, amount DECIMAL(10, 2), channel VARCHAR);
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        entities:
          - {name: order, type: primary, expr: order_id}
        dimensions:
          - {name: channel, type: varchar}
        measures:
          - {name: amount, type: number}
    ```

    The fixes add what `smq draft` would make of the columns, one by one or all together.
    """
    columns = tuple(args["columns"])
    return (
        f"Semantic model '{args['model']}' does not use {plural(len(columns), 'column')} of "
        f"'{args['table']}': {joined(quoted(columns))}."
    )

"""Rules of the SQL of entities, dimensions and measures: one value for each row of the table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from smq.problem import Problem, Severity
from smq.rules.registry import Args, Context, rule
from smq.text import Location, Span

_BARE = re.compile(r"[\w$]+(\.[\w$]+)*\Z")


def _row_expressions(context: Context, uri: str) -> Iterator[Problem]:
    # Imported here, because it brings the SQL library, which listing rules can do without.
    from smq.expr import parse_expression

    dialect = context.configuration.dialect
    for model in context.file(uri).declarations.models:
        parts: list[tuple[str, Any]] = [("entity", entity) for entity in model.entities]
        parts += [("dimension", dimension) for dimension in model.dimensions]
        parts += [("measure", measure) for measure in model.measures]
        for what, member in parts:
            sql = member.expr
            # Nearly all of them are a column's name, which nothing can be wrong with here.
            if sql is None or sql.node is None or _BARE.match(sql.text):
                continue
            parsed = parse_expression(sql.text, dialect)
            facts = {"what": what, "name": member.name, "model": model.name}
            if parsed.fault is not None:
                at = _part(sql, parsed.fault.start, parsed.fault.end)
                yield Problem("MET207", at, {**facts, "detail": parsed.fault.detail})
            for function in parsed.functions:
                at = _part(sql, function.start, function.end)
                kind = "window function" if function.windowed else "aggregate"
                yield Problem("MET206", at, {**facts, "function": function.name, "kind": kind})
            for table in parsed.tables[:1]:
                at = _part(sql, table.start, table.end)
                more = {"function": f"A query of `{table.name}`", "kind": "subquery"}
                yield Problem("MET206", at, {**facts, **more})


def _part(sql: Any, start: int, end: int) -> Location:
    return Location(sql.location.uri, sql.node.source(Span(start, end)))


@rule(
    "MET206",
    "more-than-a-row-in-expression",
    Severity.ERROR,
    on="yaml",
    check=_row_expressions,
)
def more_than_a_row_in_expression(args: Args) -> str:
    """The `expr` of an entity, dimension or measure looks beyond its own row.

    It gives one value for each row of the table, before anything is grouped. Aggregates belong
    into metrics, or into `agg:` of a measure; windows and subqueries belong into the table, which
    may be a SELECT.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number, expr: SUM(order_amount)}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number, agg: sum, expr: order_amount}
    ```

    There is no fix, because the metrics that use it would have to follow.
    """
    what = args["what"]
    if args["kind"] == "subquery":
        return (
            f"{args['function']} stands in the `expr` of {what} '{args['name']}', which is "
            "computed from its own row alone. Make the model's table a SELECT that joins it."
        )
    advice = (
        "Write the value of a row here, and the aggregate as `agg` or in the metric."
        if what == "measure"
        else "Write the value of a row here, and aggregate in a metric."
    )
    return (
        f"{args['function']} is {'an' if args['kind'] == 'aggregate' else 'a'} {args['kind']}, but "
        f"the `expr` of {what} '{args['name']}' is computed row by row. {advice}"
    )


@rule("MET207", "row-expression-does-not-parse", Severity.ERROR, on="yaml")
def row_expression_does_not_parse(args: Args) -> str:
    """The `expr` of an entity, dimension or measure cannot be read as SQL.

    It is one SQL expression over the columns of the table, in the configured dialect.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: size, type: varchar, expr: CASE WHEN amount > 100 THEN 'large'}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: size, type: varchar, expr: CASE WHEN amount > 100 THEN 'large' END}
    ```

    There is no fix, because the rest of the text could mean several things.
    """
    return f"The `expr` of {args['what']} '{args['name']}' cannot be read as SQL: {args['detail']}."

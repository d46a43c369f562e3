"""Rules of the types family: values that cannot be aggregated or compared as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from smq.graph.data_types import ValueKind, value_kind
from smq.graph.paths import column_text
from smq.problem import Problem, Related, Severity
from smq.rules.registry import Args, Context, rule
from smq.text import Location, Span

_NUMBERS: frozenset[ValueKind] = frozenset({"integer", "number"})
_ORDERED: frozenset[ValueKind] = _NUMBERS | {"text", "boolean", "date", "timestamp", "time"}
_POINTS: frozenset[ValueKind] = _NUMBERS | {"date", "timestamp", "time"}
_FITTING: dict[str, frozenset[ValueKind]] = {
    "sum": _NUMBERS,
    "average": _NUMBERS,
    "sum_boolean": _NUMBERS | {"boolean"},
    "median": _POINTS,
    "percentile": _POINTS,
    "min": _ORDERED,
    "max": _ORDERED,
}
"""What each aggregation of a measure can work on; the others take anything."""

_FUNCTIONS: dict[str, frozenset[ValueKind]] = {
    "SUM": _NUMBERS,
    "AVG": _NUMBERS,
    "STDDEV": _NUMBERS,
    "STDDEV_POP": _NUMBERS,
    "STDDEV_SAMP": _NUMBERS,
    "VARIANCE": _NUMBERS,
    "VAR_POP": _NUMBERS,
    "VAR_SAMP": _NUMBERS,
    "MEDIAN": _POINTS,
    "MIN": _ORDERED,
    "MAX": _ORDERED,
}
_WORDS: dict[str, str] = {
    "text": "text",
    "boolean": "true or false",
    "date": "dates",
    "timestamp": "points in time",
    "time": "times of day",
    "nested": "nested values",
    "other": "values without an order",
}


def _measure_types(context: Context, uri: str) -> Iterator[Problem]:
    for model in context.file(uri).declarations.models:
        for measure in model.measures:
            fitting = _FITTING.get(measure.agg or "")
            kind = value_kind(measure.data_type) if measure.data_type else None
            if fitting is not None and kind is not None and kind not in fitting:
                facts = {
                    "name": measure.name,
                    "model": model.name,
                    "agg": measure.agg,
                    "type": measure.data_type,
                    "kind": kind,
                }
                yield Problem("TYP101", measure.name_at, facts)


@rule(
    "TYP101",
    "aggregation-does-not-fit-type",
    Severity.ERROR,
    on="yaml",
    check=_measure_types,
)
def aggregation_does_not_fit_type(args: Args) -> str:
    """A measure is aggregated in a way that its type does not allow.

    Sums and averages need numbers, `sum_boolean` true or false, medians and percentiles numbers
    or times, the smallest and largest anything that has an order.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: status, type: varchar, agg: sum}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: status, type: varchar, agg: count_distinct}
    ```

    There is no fix, because either the type or the aggregation could be wrong.
    """
    return (
        f"Measure '{args['name']}' of semantic model '{args['model']}' is of type "
        f"`{args['type']}`, which `{args['agg']}` cannot aggregate: it holds "
        f"{_WORDS.get(args['kind'], args['kind'])}. Correct the type, or count it instead."
    )


_CALL = re.compile(r"(\w+)\s*\(\s*(?:DISTINCT\s+)?\Z", re.IGNORECASE)


def _metric_types(context: Context, uri: str) -> Iterator[Problem]:
    # Imported here, because it brings the SQL library, which listing rules can do without.
    from smq.expr import parse_expression
    from smq.graph.members import member_ref, row_readings
    from smq.graph.references import all_grains

    graph = context.graph
    grains = all_grains(graph)
    for metric in context.file(uri).declarations.metrics:
        sql = metric.expr
        if sql is None or sql.node is None:
            continue
        parsed = parse_expression(sql.text, context.configuration.dialect)
        for use in parsed.uses:
            function = _function_around(sql.text, use)
            fitting = _FUNCTIONS.get(function)
            if fitting is None or len(use.parts) != 1 or use.in_window:
                continue
            found = row_readings(graph, use.name, grains)
            if not found and use.name not in graph.metrics:
                owners = [member_ref(graph, m, use.name) for m in graph.models_with(use.name)]
                found = tuple(ref for ref in owners if ref is not None)
            written = _type_of(graph, found[0]) if len(found) == 1 else None
            kind = value_kind(written) if written else None
            if kind is not None and kind not in fitting:
                facts = {
                    "metric": metric.name,
                    "function": function,
                    "name": use.name,
                    "type": written,
                    "kind": kind,
                }
                span = sql.node.source(Span(use.start, use.end))
                member = _member(graph, found[0])
                related = Related(member.name_at, f"declared as `{written}`")
                yield Problem("TYP102", Location(sql.location.uri, span), facts, (related,))


def _function_around(text: str, use: Any) -> str:
    """SUM for `SUM(name)` and `SUM(DISTINCT name)`; any more around a name can convert it."""
    before = _CALL.search(text[: use.start])
    is_alone = before is not None and text[use.end :].lstrip().startswith(")")
    return before[1].upper() if before is not None and is_alone else ""


def _member(graph: Any, ref: Any) -> Any:
    index = graph.index(ref.model)
    members = {"dimension": index.dimensions, "measure": index.measures}.get(ref.kind, {})
    return members.get(ref.name)


def _type_of(graph: Any, ref: Any) -> str | None:
    member = _member(graph, ref)
    return member.data_type if member is not None else None


@rule(
    "TYP102",
    "aggregate-does-not-fit-type",
    Severity.ERROR,
    on="yaml",
    check=_metric_types,
)
def aggregate_does_not_fit_type(args: Args) -> str:
    """A metric's aggregate is given a dimension or measure of a type it cannot work on.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
    metrics:
      - {name: statuses, metric_type: simple, expr: SUM(orders__status)}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
    metrics:
      - {name: statuses, metric_type: simple, expr: COUNT(DISTINCT orders__status)}
    ```

    There is no fix, because either the type or the aggregate could be wrong. Text that holds
    numbers can be converted: `SUM(CAST(orders__amount AS DECIMAL))`.
    """
    return (
        f"{args['function']} cannot aggregate `{args['name']}`, which is of type "
        f"`{args['type']}` and holds {_WORDS.get(args['kind'], args['kind'])}. Correct the type, "
        "convert the value, or count it instead."
    )


def _key_types(context: Context, uri: str) -> Iterator[Problem]:
    graph = context.graph
    for name in graph.models:
        for edge in graph.edges(name):
            # Thousands of edges are looked at after each change, and most keys are no dimensions.
            own_types = graph.index(name).column_types
            if not own_types:
                break
            for own, other in edge.pairs:
                own_type = own_types.get(column_text(own).strip())
                if own_type is None:
                    continue
                other_types = graph.index(edge.right).column_types
                other_type = other_types.get(column_text(other).strip())
                if other_type is not None and _differ(own_type, other_type):
                    facts = {
                        "name": own.name,
                        "model": edge.left,
                        "type": own_type,
                        "other": edge.right,
                        "other_type": other_type,
                    }
                    related = Related(other.name_at, f"`{other_type}` in '{edge.right}'")
                    yield Problem("TYP103", own.name_at, facts, (related,))


def _differ(left: str, right: str) -> bool:
    kinds = {value_kind(left), value_kind(right)}
    return None not in kinds and len(kinds) > 1 and not kinds <= _NUMBERS


@rule("TYP103", "join-keys-differ-in-type", Severity.WARNING, on="workspace", check=_key_types)
def join_keys_differ_in_type(args: Args) -> str:
    """Two models are joined on keys whose columns have different types.

    Some engines refuse to compare text with numbers, others convert one side and match too much
    (`'007'` and `7`) or nothing. The types are those of the dimensions over the same columns.

    ```bad
    semantic_models:
      - name: customers
        table: shop.customers
        entities:
          - {name: customer, type: primary, expr: customer_no}
        dimensions:
          - {name: customer_no, type: integer}
      - name: orders
        table: shop.orders
        entities:
          - {name: customer, type: foreign, expr: customer_no}
        dimensions:
          - {name: customer_no, type: varchar}
    ```

    ```good
    semantic_models:
      - name: customers
        table: shop.customers
        entities:
          - {name: customer, type: primary, expr: customer_no}
        dimensions:
          - {name: customer_no, type: integer}
      - name: orders
        table: shop.orders
        entities:
          - {name: customer, type: foreign, expr: CAST(customer_no AS INTEGER)}
        dimensions:
          - {name: customer_no, type: varchar}
    ```

    There is no fix, because either of the types could be wrong.
    """
    return (
        f"Key '{args['name']}' is `{args['type']}` in semantic model '{args['model']}' and "
        f"`{args['other_type']}` in '{args['other']}', so the join may fail or match wrongly. "
        "Correct a type, or convert one side in `expr`."
    )

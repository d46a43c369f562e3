"""Rules of semantic models as a whole: tables, descriptions, and joins to other models.

Codes from 301 on need the warehouse's own schema, and are in `catalog.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smq.problem import Problem, Severity
from smq.rules.registry import Args, Context, rule


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
    for name in graph.joins.isolated:
        yield Problem("MOD208", graph.models[name].name_at, {"name": name})


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


@rule("MOD291", "semantics-on-dbt-model", Severity.ERROR, on="yaml")
def semantics_on_dbt_model(args: Args) -> str:
    """A dbt model carries its semantics itself, in dbt's newer form, which is not read yet.

    Its entities, dimensions and metrics are not known, so queries cannot ask for them. dbt's
    classic form, `semantic_models:`, says the same and is read.

    ```bad
    models:
      - name: orders
        semantic_model:
          enabled: true
        columns:
          - name: status
            dimension: {type: categorical}
        metrics:
          - {name: revenue, type: simple, agg: sum, expr: amount}
    ```

    ```good
    semantic_models:
      - name: orders
        model: ref('orders')
        dimensions:
          - {name: status, type: categorical}
        measures:
          - {name: amount, agg: sum}
    metrics:
      - {name: revenue, label: Revenue, type: simple, type_params: {measure: amount}}
    ```

    There is no fix, because the two forms divide a model differently.
    """
    model = f"Model '{args['model']}'" if args["model"] else "This model"
    return (
        f"{model} declares its semantics in dbt's newer form, which is not read yet, so no query "
        "can ask for what it declares. Declare it under `semantic_models:`."
    )

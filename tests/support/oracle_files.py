"""An oracle's world and query as the files a person would write: YAML and SMQ."""

from __future__ import annotations

import json
from typing import Any

import yaml
from tests.support.oracle_expressions import Expr, Name, Over
from tests.support.oracle_text import bound, to_sql
from tests.support.oracle_world import Clause, Dimension, Input, Metric, Model, Query, World

DATA_TYPES = {
    "int": "integer",
    "float": "decimal",
    "text": "varchar",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
SQL_TYPES = {
    "int": "INTEGER",
    "float": "DOUBLE",
    "text": "VARCHAR",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}

# The emitter in C, where there is one: writing files is much of what a random case takes.
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def world_yaml(world: World, *, dbt: bool = False) -> str:
    """The world as one YAML file, in the SMQ dialect or the classic dbt one.

    Metrics that are SQL over measures exist in the SMQ dialect only; the dbt form writes those
    as SMQ metrics too, because a workspace may mix both. A measure without an aggregation cannot
    be said in the dbt dialect, so such a world is written in the other one.
    """
    tree: dict[str, Any] = {}
    dbt = dbt and all(m.agg for model in world.models.values() for m in model.measures)
    if not dbt:
        tree["sources"] = [
            {
                "name": "src",
                "schema": "",
                "tables": [{"name": table.name} for table in world.tables],
            }
        ]
    tree["semantic_models"] = [
        _dbt_model(model) if dbt else _smq_model(model) for model in world.models.values()
    ]
    if world.metrics:
        tree["metrics"] = [
            _metric(metric, dbt and metric.kind != "expr") for metric in world.metrics.values()
        ]
    return str(yaml.dump(tree, Dumper=DUMPER, allow_unicode=True, sort_keys=False, width=1000))


def _smq_model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "table": f"src('{model.table.name}')",
        **({"defaults": {"agg_time_dimension": model.agg_time}} if model.agg_time else {}),
        "entities": [
            {"name": e.name, "type": e.kind, **_expr(e.name, Name(e.column))}
            for e in model.entities
        ],
        "dimensions": [
            {"name": d.name, "type": DATA_TYPES[d.type], **_expr(d.name, d.expr), **_grain(d)}
            for d in model.dimensions
        ],
        "measures": [
            {
                "name": m.name,
                "type": DATA_TYPES[m.type],
                **({"agg": m.agg} if m.agg else {}),
                **_parameters(m.agg, m.fraction, m.discrete),
                **_expr(m.name, m.expr),
            }
            for m in model.measures
        ],
    }


def _dbt_model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "model": f"ref('{model.table.name}')",
        **({"defaults": {"agg_time_dimension": model.agg_time}} if model.agg_time else {}),
        "entities": [
            {"name": e.name, "type": e.kind, **_expr(e.name, Name(e.column))}
            for e in model.entities
        ],
        "dimensions": [
            {
                "name": d.name,
                "type": "time" if d.type in ("date", "timestamp") else "categorical",
                **_expr(d.name, d.expr),
                **_grain(d),
            }
            for d in model.dimensions
        ],
        "measures": [
            {
                "name": m.name,
                **({"agg": m.agg} if m.agg else {}),
                **_parameters(m.agg, m.fraction, m.discrete),
                **_expr(m.name, m.expr),
            }
            for m in model.measures
        ],
    }


def _expr(name: str, expr: Expr) -> dict[str, str]:
    """`expr` is left out where it only repeats the item's own name."""
    return {} if expr == Name(name) else {"expr": to_sql(expr)}


def _grain(dimension: Dimension) -> dict[str, Any]:
    if dimension.grain is None:
        return {}
    return {"type_params": {"time_granularity": dimension.grain}}


def _parameters(agg: str | None, fraction: float, discrete: bool) -> dict[str, Any]:
    if agg != "percentile":
        return {}
    kind = {"use_discrete_percentile": True} if discrete else {}
    return {"agg_params": {"percentile": fraction, **kind}}


def _metric(metric: Metric, dbt: bool) -> dict[str, Any]:
    kind = "derived" if metric.kind == "expr" else metric.kind
    written: dict[str, Any] = {"name": metric.name}
    if metric.kind == "expr":
        written["metric_type"] = "simple"
    else:
        written["type" if dbt else "metric_type"] = kind
    if dbt:
        written["label"] = metric.name
    parameters: dict[str, Any] = {}
    match metric.kind:
        case "simple":
            parameters["measure"] = _input(metric.inputs[0])
        case "ratio":
            parameters["numerator"] = _input(metric.inputs[0])
            parameters["denominator"] = _input(metric.inputs[1])
        case "derived":
            assert metric.expr is not None
            if metric.inputs:
                parameters["expr"] = to_sql(metric.expr)
                parameters["metrics"] = [_input(item) for item in metric.inputs]
            else:
                written["expr"] = to_sql(metric.expr)
        case "expr":
            assert metric.expr is not None
            written["expr"] = to_sql(metric.expr)
    if metric.window:
        parameters["window"] = _window(metric.window)
    if parameters:
        written["type_params"] = parameters
    if metric.filters:
        texts = [to_sql(part) for part in metric.filters]
        written["filter"] = texts[0] if len(texts) == 1 else texts
    return written


def _input(item: Input) -> Any:
    if not item.filters and item.fill is None and item.alias is None:
        return item.name
    written: dict[str, Any] = {"name": item.name}
    if item.alias is not None:
        written["alias"] = item.alias
    if item.filters:
        texts = [to_sql(part) for part in item.filters]
        written["filter"] = texts[0] if len(texts) == 1 else texts
    if item.fill is not None:
        written["fill_nulls_with"] = item.fill
    return written


def _window(over: Over) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if over.partition:
        written["partition_by"] = [to_sql(part) for part in over.partition]
    if over.order:
        written["order_by"] = [
            to_sql(sort.expr) + (" DESC" if sort.descending else "") for sort in over.order
        ]
    if over.frame:
        written["frame"] = {
            "type": over.frame.unit,
            "start": bound(over.frame.start, days=False),
            "end": bound(over.frame.end, days=False),
        }
    return written


def query_json(query: Query) -> str:
    """The query as an SMQ document; empty keys are left out."""
    written: dict[str, Any] = {
        "metrics": [select_text(query, i) for i in range(len(query.metrics))]
    }
    if query.group_by:
        written["groupBy"] = list(query.group_by)
    if query.filters:
        written["filters"] = [to_sql(part) for part in query.filters]
    if query.order_by:
        written["orderBy"] = [("-" if down else "") + text for text, down in query.order_by]
    if query.limit is not None:
        written["limit"] = query.limit
    if query.clause is not None:
        written["joins"] = [clause_text(query.clause)]
    return json.dumps(written, ensure_ascii=False, indent=2)


def select_text(query: Query, index: int) -> str:
    select = query.metrics[index]
    if isinstance(select.expr, Name) and select.alias is None:
        return select.expr.text
    text = to_sql(select.expr)
    return text if select.alias is None else f"{text} AS {to_sql(Name(select.alias))}"


def clause_text(clause: Clause) -> str:
    parts = ["FROM", to_sql(Name(clause.first))]
    if clause.alias:
        parts += ["AS", to_sql(Name(clause.alias))]
    for join in clause.joins:
        parts += [join.kind, "JOIN", to_sql(Name(join.model))]
        if join.alias:
            parts += ["AS", to_sql(Name(join.alias))]
        if join.on is not None:
            parts += ["ON", to_sql(join.on)]
    return " ".join(parts)

"""The names of a compiled workspace, so that queries can be written where its models are not."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

from smq.graph.data_types import value_kind
from smq.graph.graph import SemanticGraph
from smq.graph.symbols import Dimension, Model, Symbol, TableName
from smq.problem import Problem
from smq.workspace import Snapshot

Entry = dict[str, Any]


def semantic_names(snapshot: Snapshot) -> Entry | None:
    """The section `semantic` of the cache; None for a workspace without models and metrics."""
    from smq.workspace.reachable import reachable_dimensions

    graph = snapshot.graph
    if not graph.models and not graph.metrics:
        return None
    dialect = snapshot.configuration.dialect
    groupings: dict[tuple[str, ...], int] = {}
    metrics: list[Entry] = []
    for metric in sorted(graph.metrics.values(), key=lambda each: each.name):
        found = {**_words(metric), "type": metric.kind}
        names: list[str] = []
        for each in reachable_dimensions(graph, metric.name, dialect):
            if isinstance(each, Problem):
                # What it can be grouped by cannot be told, which is not the same as nothing.
                break
            names.append(each.name)
        else:
            key = tuple(sorted(names))
            found["grouping"] = groupings.setdefault(key, len(groupings))
        metrics.append(found)
    models = [
        _model(graph, model) for model in sorted(graph.models.values(), key=lambda each: each.name)
    ]
    section: Entry = {
        "models": models,
        "groupings": [list(key) for key in groupings],
        "metrics": metrics,
    }
    text = json.dumps(section, ensure_ascii=False, sort_keys=True)
    return {"hash": blake2b(text.encode(), digest_size=16).hexdigest(), **section}


def _model(graph: SemanticGraph, model: Model) -> Entry:
    relation = graph.relation(model)
    found = _words(model)
    if isinstance(relation, TableName):
        found["table"] = ".".join(relation.parts)
    found["dimensions"] = [
        _known(
            {
                **_words(each),
                "type": _type(each),
                "grain": each.grain,
            }
        )
        for each in model.dimensions
    ]
    found["measures"] = [
        _known({**_words(each), "type": each.data_type, "aggregation": each.agg})
        for each in model.measures
    ]
    found["entities"] = [{**_words(each), "type": each.kind} for each in model.entities]
    return found


def _type(dimension: Dimension) -> str:
    """Its data type where declared, unless that hides that it is a time."""
    declared = dimension.data_type or ""
    if dimension.is_time and value_kind(declared) not in ("date", "timestamp"):
        return "time"
    return declared or "categorical"


def _words(symbol: Symbol) -> Entry:
    description = " ".join((symbol.description or "").split())
    return _known({"name": symbol.name, "label": symbol.label, "description": description})


def _known(values: Entry) -> Entry:
    return {key: value for key, value in values.items() if value not in (None, "")}

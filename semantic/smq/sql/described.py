"""A compiled query as plain values: the common part of `compile-output` and `explain-output`.

`place` writes a location in the words of whoever asks: a path with lines, or a URI with a range.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smq.graph.graph import SemanticGraph
from smq.graph.symbols import TableName
from smq.query.written import WrittenQuery
from smq.sql.lineage import lineage
from smq.sql.result import CompiledQuery, LeafReport, OutputColumn
from smq.text import Location

Place = Callable[[Location | None], object]


def column(output: OutputColumn, place: Place) -> dict[str, Any]:
    return {
        "name": output.name,
        "written": output.written,
        "kind": output.kind,
        "label": output.label,
        "description": output.description,
        "type": output.data_type,
        "model": output.model,
        "origin": output.origin,
        "defined_at": place(output.defined_at),
    }


def leaf(found: LeafReport) -> dict[str, Any]:
    return {
        "name": found.name,
        "aggregate": found.aggregate,
        "base": found.base,
        "metrics": list(found.metrics),
        "joins": [
            {
                "left": step.left,
                "right": step.right,
                "entities": list(step.entities),
                "on": [list(pair) for pair in step.on],
            }
            for step in found.joins
        ],
        "filters": list(found.filters),
    }


def models_of(query: CompiledQuery, graph: SemanticGraph) -> dict[str, str]:
    """For each model that the query reads its table, or `a query` for a model that is one."""
    models = {report.base for report in query.leaves}
    models |= {step.right for report in query.leaves for step in report.joins}
    tables = {}
    for name in sorted(models):
        relation = graph.relation(graph.models[name])
        tables[name] = ".".join(relation.parts) if isinstance(relation, TableName) else "a query"
    return tables


def explained(
    query: CompiledQuery, written: WrittenQuery, graph: SemanticGraph, path: str, place: Place
) -> dict[str, Any]:
    """One query of `explain-output.schema.json`."""
    origins = lineage(query.tree)
    return {
        "path": path,
        "index": query.index,
        "part": query.part,
        "name": written.name,
        "description": written.description,
        "dialect": query.dialect,
        "grain": [each.name for each in query.columns if each.kind == "dimension"],
        "models": models_of(query, graph),
        "leaves": [leaf(each) for each in query.leaves],
        "stages": [{"stage": name, "filters": list(texts)} for name, texts in query.stages],
        "columns": [
            {**column(each, place), "lineage": list(origins.get(each.name, ()))}
            for each in query.columns
        ],
        "order": list(query.written.get("orderBy", [])),
        "limit": query.written.get("limit"),
    }

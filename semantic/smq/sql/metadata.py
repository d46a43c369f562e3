"""What is known about a compiled query besides its SQL: columns, leaves, stages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from smq.dialects.grammar import grammar
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import Leaf
from smq.graph.paths import column_text
from smq.graph.references import RowRef
from smq.plan.nodes import Plan
from smq.query.bound import Group, Output, Query
from smq.query.written import WrittenQuery
from smq.sql.physical import base_type
from smq.sql.result import JoinStep, LeafReport, OutputColumn

_COUNTS = frozenset({"COUNT", "COUNT_DISTINCT", "APPROX_DISTINCT", "COUNT_IF"})


def output_columns(
    query: Query, graph: SemanticGraph, legal: Callable[[str], str]
) -> tuple[OutputColumn, ...]:
    """The result's columns, in the order of the SELECT list."""
    groups = tuple(_group_column(group, graph, legal) for group in query.groups)
    return groups + tuple(_output_column(output, graph, legal) for output in query.outputs)


def _group_column(group: Group, graph: SemanticGraph, legal: Callable[[str], str]) -> OutputColumn:
    ref = group.ref
    label = description = data_type = None
    defined_at = None
    if ref.model:
        index = graph.index(ref.model)
        symbol = index.dimensions.get(ref.name) or index.entities.get(ref.name)
        if symbol is not None:
            label, description = symbol.label, symbol.description
            defined_at = symbol.name_at
        dimension = index.dimensions.get(ref.name)
        if dimension is not None:
            data_type = dimension.data_type
    return OutputColumn(
        legal(group.name),
        group.name,
        "dimension",
        label,
        description,
        data_type.lower() if data_type else None,
        ref.model or None,
        defined_at,
        group.item.path,
    )


def _output_column(
    output: Output, graph: SemanticGraph, legal: Callable[[str], str]
) -> OutputColumn:
    metric = output.metric
    bases = {leaf.base for leaf in output.expression.leaves}
    declared = metric.data_type.lower() if metric is not None and metric.data_type else None
    return OutputColumn(
        legal(output.name),
        output.name,
        output.kind,
        metric.label if metric else None,
        metric.description if metric else None,
        declared or _inferred(output, graph),
        next(iter(bases)) if len(bases) == 1 else None,
        metric.name_at if metric else None,
        output.item.path,
    )


def _inferred(output: Output, graph: SemanticGraph) -> str | None:
    """The SQL type where it follows from the aggregate; None where it cannot be told."""
    expression = output.expression
    tree = expression.tree
    if isinstance(tree, exp.Div):
        return "double"
    if isinstance(tree, (exp.RowNumber, exp.Rank, exp.DenseRank)):
        return "bigint"
    if isinstance(tree, exp.Window) and isinstance(
        tree.this, (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.Count)
    ):
        return "bigint"
    leaf: Leaf | None = None
    if isinstance(tree, exp.Placeholder):
        slot = expression.slots[int(tree.this)]
        leaf = slot if isinstance(slot, Leaf) else None
    if leaf is None:
        return None
    if leaf.function in _COUNTS:
        return "bigint"
    if leaf.function in ("AVG", "MEDIAN", "PERCENTILE"):
        return "double"
    if leaf.function in ("SUM", "MIN", "MAX") and isinstance(leaf.tree.this, exp.Placeholder):
        declared = base_type(_type_of(leaf.refs[0], graph)) if leaf.refs else ""
        if leaf.function == "SUM" and declared in ("integer", "int", "smallint"):
            return "bigint"
        return declared or None
    return None


def _type_of(ref: RowRef, graph: SemanticGraph) -> str | None:
    index = graph.index(ref.model)
    if ref.kind == "measure":
        return index.measures[ref.name].data_type
    if ref.kind == "dimension":
        return index.dimensions[ref.name].data_type
    return None


def leaf_reports(plan: Plan, graph: SemanticGraph) -> tuple[LeafReport, ...]:
    """One report for each leaf: its aggregate in the names of the model, its joins and filters."""
    reports: list[LeafReport] = []
    for scan in plan.scans:
        steps = tuple(
            JoinStep(
                join.edge.left,
                join.edge.right,
                tuple((column_text(left), column_text(right)) for left, right in join.edge.pairs),
                join.edge.entities,
            )
            for join in scan.joins
        )
        for leaf in scan.leaves:
            metrics = tuple(
                output.name
                for output in plan.query.outputs
                if any(own.key == leaf.key for own in output.expression.leaves)
            )
            filters = tuple(dict.fromkeys(condition.text for condition in scan.filters))
            key = ("aggregate text", leaf.key)
            text = graph.memo.get(key)
            if text is None:
                text = graph.memo[key] = aggregate_text(leaf)
            reports.append(LeafReport(leaf.name, text, leaf.base, metrics, steps, filters))
    return tuple(reports)


def aggregate_text(leaf: Leaf) -> str:
    """`SUM(orders__amount)`: the aggregate over written names."""
    tree = exp.Paren(this=leaf.tree.copy())
    for node in list(tree.find_all(exp.Placeholder)):
        ref = leaf.refs[int(node.this)]
        node.replace(exp.Column(this=exp.Identifier(this=ref.written, quoted=False)))
    return str(tree.this.sql(dialect=grammar("duckdb")))


def stages(query: Query) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The filters by the stage at which they apply."""
    return (
        ("rows", tuple(dict.fromkeys(f.item.text for f in query.row_filters))),
        ("groups", tuple(dict.fromkeys(f.item.text for f in query.group_filters))),
        ("windows", tuple(dict.fromkeys(f.item.text for f in query.window_filters))),
    )


def as_written(written: WrittenQuery) -> dict[str, Any]:
    """The query as a plain object with canonical keys; empty lists are left out."""
    value: dict[str, Any] = {"metrics": [item.text for item in written.metrics]}
    lists = (
        ("groupBy", written.group_by),
        ("filters", written.filters),
        ("orderBy", written.order_by),
        ("joins", written.joins),
    )
    for key, items in lists:
        if items:
            value[key] = [item.text for item in items]
    if written.limit is not None:
        value["limit"] = written.limit
    if written.name:
        value["name"] = written.name
    if written.description:
        value["description"] = written.description
    return value

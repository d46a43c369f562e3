"""Why this number: a metric of a query taken apart, with the query's own grain and filters.

From the metric down through the metrics it names to aggregates, the rows they read, the joins they
take and the columns of the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from smq.expr import name_in_sql, parse_expression
from smq.graph.formula import expand
from smq.graph.leaves import Broken, Formula, Leaf
from smq.graph.references import RowRef
from smq.graph.symbols import Metric, TableName
from smq.ide.index import mentions
from smq.ide.lineage import definition_of
from smq.ide.queries import compiled
from smq.query.bind import bind
from smq.query.written import Item, WrittenQuery
from smq.sql.metadata import aggregate_text
from smq.sql.result import CompiledQuery, LeafReport
from smq.workspace import Snapshot

_DEEPEST = 8


def alone(snapshot: Snapshot, query: WrittenQuery, metric: str) -> CompiledQuery | None:
    """What the query gives for one metric only; None where that cannot be computed.

    Filters that name other metrics or columns of the query are left out where they must be. A bare
    name keeps the meaning that the whole query gives it.
    """
    items = query.metrics or query.filters or query.order_by
    if not items:
        return None
    only = Item(metric, "metrics", 0, items[0].uri, items[0].node)
    bare = replace(query, metrics=(only,), order_by=(), limit=None)
    result = compiled(snapshot, bare)
    if not result.queries and query.filters:
        whole = compiled(snapshot, query)
        stages = dict(whole.queries[0].stages) if whole.queries else {}
        rows = set(stages.get("rows", ()))
        clear = tuple(_with_models(snapshot, query))
        kept = tuple(
            own for item, own in zip(query.filters, clear, strict=True) if item.text in rows
        )
        if not whole.queries:
            # One that is wrong must not hide the others.
            kept = tuple(item for item in clear if _works(snapshot, bare, item))
        result = compiled(snapshot, replace(bare, filters=kept))
    return result.queries[0] if result.queries else None


def _with_models(snapshot: Snapshot, query: WrittenQuery) -> Iterator[Item]:
    """The query's filters; names without a model get the one that another metric may decide."""
    dialect = snapshot.configuration.dialect
    bound = bind(query, snapshot.graph, dialect).known.row_filters
    for item in query.filters:
        own = (each.condition for each in bound if each.item is item)
        meant = {ref.written for condition in own for ref in condition.outer}
        text = item.text
        for use in sorted(parse_expression(text, dialect).uses, key=lambda use: -use.start):
            full = [name for name in meant if name.endswith(f"__{use.name}")]
            if len(full) == 1 and use.name not in meant and use.call is None and not use.scope:
                text = text[: use.start] + name_in_sql(full[0], dialect) + text[use.end :]
        yield replace(item, text=text)


def _works(snapshot: Snapshot, query: WrittenQuery, item: Item) -> bool:
    return bool(compiled(snapshot, replace(query, filters=(item,))).queries)


def why(snapshot: Snapshot, query: WrittenQuery, metric: str) -> str:
    """The explanation in Markdown; empty for a metric that cannot be computed here."""
    one = alone(snapshot, query, metric)
    if one is None:
        return ""
    groups = [f"`{column.written}`" for column in one.columns if column.kind == "dimension"]
    head = "In this query: " + (f"one value for each {_listed(groups)}" if groups else "one value")
    lines = [head, ""]
    lines += _metric(snapshot, metric, one, 0, set())
    for stage, texts in one.stages:
        if stage != "rows":
            place = "after aggregation" if stage == "groups" else "after windows"
            lines += [f"- then only where `{_flat(text)}` ({place})" for text in texts]
    return "\n".join(lines)


def _metric(
    snapshot: Snapshot, name: str, one: CompiledQuery, depth: int, above: set[str]
) -> Iterator[str]:
    graph = snapshot.graph
    metric = graph.metrics[name]
    formula = expand(graph, name, snapshot.configuration.dialect)
    if isinstance(formula, Broken) or name in above or depth > _DEEPEST:
        return
    indent = "  " * depth
    parts = [part for part in _parts(snapshot, metric) if part != name]
    if parts or depth:
        label = f" ({metric.label})" if metric.label else ""
        yield f"{indent}- `{name}`{label} = `{_flat(definition_of(metric))}`"
        depth, indent = depth + 1, indent + "  "
    yield from _inputs(metric, parts, indent)
    known: set[str] = set()
    for part in parts:
        yield from _metric(snapshot, part, one, depth, above | {name})
        inner = expand(graph, part, snapshot.configuration.dialect)
        if isinstance(inner, Formula):
            known |= {leaf.key for leaf in inner.leaves}
    for leaf in formula.leaves:
        if not any(leaf.key == key or leaf.key.startswith(f"{key}|where ") for key in known):
            yield from _leaf(snapshot, leaf, one, indent)
    for condition in metric.filters if parts else ():
        yield f"{indent}- only rows where `{_flat(condition.sql.text)}` (in `{name}`)"


def _inputs(metric: Metric, parts: list[str], indent: str) -> Iterator[str]:
    """The names that a definition gives the metrics it uses, with the rows that each is of."""
    for given in (metric.numerator, metric.denominator, *metric.inputs):
        if given is None or given.name not in parts:
            continue
        name = given.alias or given.name
        rows = " and ".join(f"`{_flat(each.sql.text)}`" for each in given.filters)
        if rows:
            yield f"{indent}- `{name}` is `{given.name}`, only of rows where {rows}"
        elif name != given.name:
            yield f"{indent}- `{name}` is `{given.name}`"


def _parts(snapshot: Snapshot, metric: Metric) -> tuple[str, ...]:
    """The metrics that a metric's value is made of, in the order of its definition.

    One that a filter asks for chooses rows, and is no part of the value.
    """
    whole = metric.span_at or metric.name_at
    givens = (metric.numerator, metric.denominator, *metric.inputs)
    filters = [
        each.sql.location.span
        for each in (*metric.filters, *(f for given in givens if given for f in given.filters))
    ]
    found = [
        mention.key[1]
        for mention in mentions(snapshot, whole.uri)
        if mention.key[0] == "metric"
        and mention.role == "reference"
        and whole.span.covers(mention.span)
        and not any(span.covers(mention.span) for span in filters)
    ]
    return tuple(dict.fromkeys(name for name in found if name in snapshot.graph.metrics))


def _leaf(snapshot: Snapshot, leaf: Leaf, one: CompiledQuery, indent: str) -> Iterator[str]:
    text = aggregate_text(leaf)
    report = _report(one, leaf, text)
    table = _table(snapshot, leaf.base)
    yield f"{indent}- `{text}` over the rows of `{leaf.base}`{f' ({table})' if table else ''}"
    own = {condition.text for condition in leaf.filters}
    for condition in leaf.filters:
        yield f"{indent}  - only rows where `{_flat(condition.text)}`"
    for text in report.filters if report is not None else ():
        if text not in own:
            yield f"{indent}  - only rows where `{_flat(text)}` (this query)"
    if report is not None and report.joins:
        way = f"`{leaf.base}`"
        for step in report.joins:
            start = "" if way.endswith(f"`{step.left}`") else f", `{step.left}`"
            way += f"{start} → `{step.right}`"
        yield f"{indent}  - joined {way}"
    columns = list(dict.fromkeys(_column(snapshot, ref) for ref in leaf.refs))
    if columns:
        yield f"{indent}  - from {', '.join(f'`{each}`' for each in columns)}"


def _report(one: CompiledQuery, leaf: Leaf, text: str) -> LeafReport | None:
    own = {condition.text for condition in leaf.filters}
    for report in one.leaves:
        if report.aggregate == text and report.base == leaf.base and own <= set(report.filters):
            return report
    return None


def _column(snapshot: Snapshot, ref: RowRef) -> str:
    """A member as the column or the SQL that it stands for, with its table."""
    if not ref.model or ref.model not in snapshot.graph.models:
        return ref.written
    index = snapshot.graph.index(ref.model)
    symbol = (
        index.measures.get(ref.name)
        or index.dimensions.get(ref.name)
        or index.entities.get(ref.name)
    )
    text = _flat(symbol.expr.text) if symbol is not None and symbol.expr is not None else ref.name
    table = _table(snapshot, ref.model)
    return f"{table}.{text}" if table and text.isidentifier() else text


def _table(snapshot: Snapshot, model: str) -> str:
    relation = snapshot.graph.relation(snapshot.graph.models[model])
    return ".".join(relation.parts) if isinstance(relation, TableName) else ""


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _flat(text: str) -> str:
    return " ".join(text.split())

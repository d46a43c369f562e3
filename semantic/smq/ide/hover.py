"""What a person wants to know about the thing under the pointer, in Markdown.

On a key or a bracket of a query: the SQL that will run. On a name: what it is, where it is
defined, and for a metric what it is made of, down to the columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from smq.expr import parse_expression
from smq.graph.formula import expand
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import Broken, Formula, Leaf
from smq.graph.symbols import Dimension, Entity, Measure, Metric, Model, Symbol, TableName
from smq.ide.cached import about_cached
from smq.ide.documentation import about_comment, about_key
from smq.ide.functions import documentation
from smq.ide.index import mention_at, places
from smq.ide.mentions import Key, Mention
from smq.ide.portability import as_markdown, of_metric, rewritings
from smq.ide.queries import compiled, item_at, query_at
from smq.ide.warehouse import about_column, about_table
from smq.ide.why import alone, why
from smq.query.read import queries_from_value
from smq.query.written import WrittenQuery
from smq.rules import find
from smq.sql.compile import CompileOptions, compile_query
from smq.sql.metadata import aggregate_text
from smq.sql.result import CompiledQuery, JoinStep
from smq.text import Location, Span
from smq.workspace import Snapshot

_LONGEST_SQL = 6_000
"""Characters of SQL in one hover; the preview shows the whole."""


@dataclass(frozen=True, slots=True)
class Hover:
    """`markdown` about `span`; `plain` is the same for clients without Markdown."""

    span: Span
    markdown: str

    @property
    def plain(self) -> str:
        lines = [line for line in self.markdown.splitlines() if not line.startswith("```")]
        return "\n".join(lines).replace("**", "").replace("`", "")


def hover(snapshot: Snapshot, uri: str, offset: int) -> Hover | None:
    """What to show at an offset; None where there is nothing to say."""
    if uri not in snapshot:
        return None
    mention = mention_at(snapshot, uri, offset)
    query = query_at(snapshot, uri, offset)
    if mention is not None:
        text = _about(snapshot, uri, mention, query)
        return Hover(mention.span, text) if text else None
    parsed = snapshot.parsed(uri)
    about = about_comment(parsed, offset)
    if about is None and parsed.document.kind == "yaml":
        about = about_key(parsed, offset)
    if about is not None:
        return Hover(*about)
    cached = _cached(snapshot, uri, offset, query)
    if cached is not None:
        return cached
    if query is None or query.node is None:
        return None
    return _query_hover(snapshot, query, offset)


def _cached(snapshot: Snapshot, uri: str, offset: int, query: WrittenQuery | None) -> Hover | None:
    """A name that only the metadata cache knows."""
    if query is None or not snapshot.knows_names_only:
        return None
    dialect = snapshot.configuration.dialect
    for item in (*query.metrics, *query.group_by, *query.filters, *query.order_by):
        if not item.location.span.contains(offset):
            continue
        text = item.text
        sign = len(text) - len(text.lstrip("- ")) if item.key == "orderBy" else 0
        for use in parse_expression(text[sign:], dialect).uses:
            at = item.part(sign + use.start, sign + use.end)
            found = about_cached(snapshot, use.name) if at.span.contains(offset) else None
            if found is not None:
                return Hover(at.span, found)
    return None


def _query_hover(snapshot: Snapshot, query: WrittenQuery, offset: int) -> Hover | None:
    assert query.node is not None
    span = query.node.span
    for pair in query.node.pairs:
        if pair.key.span.contains(offset):
            span = pair.key.span
            break
    else:
        if not (offset <= span.start + 1 or offset >= span.end - 1):
            return None
    if snapshot.knows_names_only:
        return Hover(span, "No SQL here: this workspace has queries only, and no model files.")
    result = compiled(snapshot, query)
    if not result.queries:
        return Hover(span, _why_not(snapshot, query))
    parts = [_sql_block(one) for one in result.queries]
    joins = _join_lines(result.queries[0])
    if joins:
        parts.append("**Joins**\n\n" + "\n".join(f"- {line}" for line in joins))
    return Hover(span, "\n\n".join(parts))


def _why_not(snapshot: Snapshot, query: WrittenQuery) -> str:
    """The reasons a query has no SQL, in the words of their rules."""
    lines = []
    for problem in compiled(snapshot, query).problems:
        rule = find(problem.code)
        if rule is not None:
            lines.append(f"- {rule.words(problem.args)}")
    return "No SQL yet:\n\n" + "\n".join(lines or ["- the query asks for nothing"])


def _sql_block(query: CompiledQuery) -> str:
    sql = query.sql
    if len(sql) > _LONGEST_SQL:
        sql = sql[:_LONGEST_SQL].rsplit("\n", 1)[0] + "\n-- … open the SQL preview for the rest"
    return f"```sql\n{sql}\n```"


def _join_lines(query: CompiledQuery) -> list[str]:
    lines: dict[str, None] = {}
    for leaf in query.leaves:
        if leaf.joins:
            lines[f"`{leaf.base}` → " + " → ".join(_step(step) for step in leaf.joins)] = None
    return list(lines)


def _step(step: JoinStep) -> str:
    return f"`{step.right}` by {' + '.join(step.entities)}"


def _elsewhere(snapshot: Snapshot, uri: str, mention: Mention, query: WrittenQuery | None) -> str:
    """What the expression around a word becomes for the target dialects."""
    if query is not None:
        item = item_at(query, mention.span.start)
        return as_markdown(rewritings(snapshot, query, item.path)) if item is not None else ""
    for metric in snapshot.file(uri).declarations.metrics:
        if metric.expr is not None and metric.expr.location.span.covers(mention.span):
            return as_markdown(of_metric(snapshot, metric.name))
    return ""


# Names.


def _about(
    snapshot: Snapshot, uri: str, mention: Mention, query: WrittenQuery | None
) -> str | None:
    graph = snapshot.graph
    key = mention.key
    match key[0]:
        case "metric" if key[1] in graph.metrics:
            return _metric(snapshot, graph.metrics[key[1]], query)
        case "model" if key[1] in graph.models:
            return _model(snapshot, graph.models[key[1]])
        case "dimension" if key[1] in graph.models:
            return _member(snapshot, key, graph.index(key[1]).dimensions.get(key[2]), query)
        case "measure" if key[1] in graph.models:
            return _member(snapshot, key, graph.index(key[1]).measures.get(key[2]), query)
        case "entity":
            return _entity(snapshot, key[1])
        case "grain":
            return f"**{key[1]}** · time grain: the start of each {key[1]}"
        case "metric_time":
            return _metric_time(snapshot, query)
        case "alias":
            return _alias(snapshot, key)
        case "column":
            text = f"`{key[2]}` · column of the table of `{key[1]}`{_table_of(graph, key[1])}"
            known = graph.models.get(key[1])
            about = about_column(snapshot, known, key[2]) if known is not None else ""
            return f"{text}\n\n{about}" if about else text
        case "table":
            source = graph.sources.get((key[1], key[2]))
            name = ".".join(source.table.parts) if source else "not declared in any sources file"
            return f"**{key[2]}** · table of source `{key[1]}`: `{name}`"
        case "function":
            parts = (documentation(key[1]), _elsewhere(snapshot, uri, mention, query))
            return "\n\n".join(part for part in parts if part)
    return None


def _alias(snapshot: Snapshot, key: Key) -> str:
    """What a query calls by a name of its own, and when in the query that is computed."""
    _, uri, index, name = key
    dialect = snapshot.configuration.dialect
    for query in snapshot.queries(uri):
        for item in query.metrics if str(query.index) == index else ():
            template = parse_expression(item.text, dialect)
            if template.alias == name and template.alias_at is not None:
                end = item.text[: template.alias_at[0]].rstrip()
                written = end.rstrip('"`[')[: -len("as")] if end.lower().endswith("as") else end
                kind = "window" if template.has_window else "expression"
                when = ", computed over the rows of the result" if template.has_window else ""
                head = f"**{name}** · {kind} of this query{when}"
                return f"{head}\n\n```sql\n{written.strip()}\n```"
    return f"**{name}** · column of this query"


def _head(kind: str, symbol: Symbol, data_type: str | None = None) -> str:
    label = f" — {symbol.label}" if symbol.label else ""
    type_text = f" `{data_type}`" if data_type else ""
    return f"**{symbol.name}**{label} · {kind}{type_text}"


def _defined(snapshot: Snapshot, location: Location) -> str:
    if location.uri not in snapshot:
        return ""
    line = snapshot.lines(location.uri).line_of(location.span.start) + 1
    return f"Defined in {snapshot.configuration.relative_path(location.uri)}:{line}"


def _metric(snapshot: Snapshot, metric: Metric, query: WrittenQuery | None) -> str:
    parts = [_head(f"{metric.kind} metric", metric, metric.data_type)]
    if metric.description:
        parts.append(metric.description.strip())
    dialect = snapshot.configuration.dialect
    formula = expand(snapshot.graph, metric.name, dialect)
    if isinstance(formula, Broken):
        reasons = [
            rule.words(problem.args)
            for problem in formula.problems
            if (rule := find(problem.code)) is not None
        ]
        parts.append("Cannot be computed:\n\n" + "\n".join(f"- {reason}" for reason in reasons))
    else:
        explained = why(snapshot, query, metric.name) if query is not None else ""
        parts.append(explained or _lineage(snapshot.graph, metric, formula))
        parts.append(_sql_of(snapshot, metric, query))
        if query is None:
            parts.append(as_markdown(of_metric(snapshot, metric.name)))
    used = _used_by(snapshot, ("metric", metric.name))
    if used:
        parts.append(used)
    parts.append(_defined(snapshot, metric.name_at))
    return "\n\n".join(part for part in parts if part)


def _lineage(graph: SemanticGraph, metric: Metric, formula: Formula) -> str:
    lines = []
    if metric.expr is not None:
        lines.append(f"`{metric.name}` = `{' '.join(metric.expr.text.split())}`")
    elif metric.numerator is not None and metric.denominator is not None:
        lines.append(f"`{metric.name}` = `{metric.numerator.name}` / `{metric.denominator.name}`")
    for leaf in formula.leaves:
        columns = ", ".join(f"`{name}`" for name in _columns(graph, leaf))
        where = "".join(f" where `{' '.join(each.text.split())}`" for each in leaf.filters)
        source = f" (columns {columns})" if columns else ""
        lines.append(f"- `{aggregate_text(leaf)}` over the rows of `{leaf.base}`{where}{source}")
    return "\n".join(lines)


def _columns(graph: SemanticGraph, leaf: Leaf) -> list[str]:
    found: dict[str, None] = {}
    for ref in leaf.refs:
        index = graph.index(ref.model)
        symbol = (
            index.measures.get(ref.name)
            or index.dimensions.get(ref.name)
            or index.entities.get(ref.name)
        )
        if symbol is not None:
            found[symbol.expr.text if symbol.expr else symbol.name] = None
    return list(found)


def _sql_of(snapshot: Snapshot, metric: Metric, query: WrittenQuery | None) -> str:
    """What the metric runs as: inside its query, with that query's filters and grain."""
    if query is not None:
        one = alone(snapshot, query, metric.name)
        return _sql_block(one) if one is not None else ""
    _, queries, _ = queries_from_value({"metrics": [metric.name]})
    dialect = snapshot.configuration.dialect
    result = compile_query(queries[0], snapshot.graph, CompileOptions(dialect, dialect))
    return _sql_block(result.queries[0]) if result.queries else ""


def _used_by(snapshot: Snapshot, key: Key) -> str:
    files: dict[str, int] = {}
    for location, mention in places(snapshot, key):
        if mention.role == "reference":
            files[location.uri] = files.get(location.uri, 0) + 1
    queries = sum(1 for uri in files if snapshot.document(uri).kind == "smq")
    models = len(files) - queries
    counts = []
    if queries:
        counts.append(f"{queries} query file{'s' if queries > 1 else ''}")
    if models:
        counts.append(f"{models} model file{'s' if models > 1 else ''}")
    return f"Used in {' and '.join(counts)}" if counts else ""


def _model(snapshot: Snapshot, model: Model) -> str:
    parts = [_head("semantic model", model)]
    if model.description:
        parts.append(model.description.strip())
    keys = [e.name for e in model.entities if e.kind == "primary"] or (
        [model.primary_entity] if model.primary_entity else []
    )
    facts = [
        f"{len(model.dimensions)} dimensions",
        f"{len(model.measures)} measures",
    ]
    if keys:
        facts.insert(0, "keyed by " + " + ".join(keys))
    reachable = sorted(
        (distance, name)
        for name, distance in snapshot.graph.joins.distances(model.name).items()
        if distance
    )
    if reachable:
        facts.append("joins to " + ", ".join(f"`{name}`" for _, name in reachable[:6]))
    parts.append(" · ".join(facts))
    parts.append(f"Table{_table_of(snapshot.graph, model.name)}")
    parts.append(about_table(snapshot, model))
    parts.append(_defined(snapshot, model.name_at))
    return "\n\n".join(part for part in parts if part)


def _table_of(graph: SemanticGraph, model: str) -> str:
    relation = graph.relation(graph.models[model]) if model in graph.models else None
    return f" `{'.'.join(relation.parts)}`" if isinstance(relation, TableName) else ""


def _member(
    snapshot: Snapshot,
    key: Key,
    symbol: Dimension | Measure | None,
    query: WrittenQuery | None,
) -> str | None:
    if symbol is None:
        return None
    kind = f"{'time ' if isinstance(symbol, Dimension) and symbol.is_time else ''}{key[0]}"
    parts = [_head(f"{kind} of `{key[1]}`", symbol, symbol.data_type)]
    if symbol.description:
        parts.append(symbol.description.strip())
    if isinstance(symbol, Dimension) and symbol.grain:
        parts.append(f"Granularity: {symbol.grain}")
    if isinstance(symbol, Measure):
        agg = f"`{symbol.agg}`" if symbol.agg else "no aggregation of its own"
        parts.append(f"Aggregation: {agg}")
    expression = symbol.expr.text if symbol.expr else symbol.name
    parts.append(f"`{expression}` in{_table_of(snapshot.graph, key[1])}")
    model = snapshot.graph.models.get(key[1])
    if model is not None and (symbol.expr is None or expression.isidentifier()):
        parts.append(about_column(snapshot, model, expression))
    if query is not None and isinstance(symbol, Dimension):
        parts.extend(_routes(snapshot, key[1], query))
    used = _used_by(snapshot, key)
    if used:
        parts.append(used)
    parts.append(_defined(snapshot, symbol.name_at))
    return "\n\n".join(part for part in parts if part)


def _routes(snapshot: Snapshot, model: str, query: WrittenQuery) -> list[str]:
    """How each metric of the query comes to the dimension's model."""
    graph = snapshot.graph
    lines: dict[str, None] = {}
    for item in query.metrics:
        if item.text not in graph.metrics:
            continue
        formula = expand(graph, item.text, snapshot.configuration.dialect)
        if isinstance(formula, Broken):
            continue
        for leaf in formula.leaves:
            paths = graph.paths(leaf.base, model)
            if not paths:
                lines[f"- `{item.text}`: no to-one path from `{leaf.base}`"] = None
            elif paths[0]:
                text = f"`{leaf.base}`"
                for edge in paths[0]:
                    text += f" → `{edge.right}` by {' + '.join(edge.entities)}"
                several = f" (one of {len(paths)})" if len(paths) > 1 else ""
                lines[f"- `{item.text}`: {text}{several}"] = None
    return ["Join path\n\n" + "\n".join(lines)] if lines else []


def _entity(snapshot: Snapshot, name: str) -> str:
    keyed: list[str] = []
    foreign: list[str] = []
    described: Entity | None = None
    for model in snapshot.graph.models.values():
        for entity in model.entities:
            if entity.name == name:
                described = described if described and described.description else entity
                (keyed if entity.kind in ("primary", "unique") else foreign).append(model.name)
    parts = [f"**{name}** · entity"]
    if described is not None and described.description:
        parts.append(described.description.strip())
    if keyed:
        parts.append("Key of " + ", ".join(f"`{model}`" for model in keyed))
    if foreign:
        parts.append("Refers from " + ", ".join(f"`{model}`" for model in foreign))
    return "\n\n".join(parts)


def _metric_time(snapshot: Snapshot, query: WrittenQuery | None) -> str:
    parts = ["**metric_time** · each metric's own time"]
    lines = []
    for item in query.metrics if query else ():
        if item.text in snapshot.graph.metrics:
            formula = expand(snapshot.graph, item.text, snapshot.configuration.dialect)
            if isinstance(formula, Formula):
                times = {leaf.time.written if leaf.time else "none" for leaf in formula.leaves}
                lines.append(f"- `{item.text}`: {', '.join(f'`{t}`' for t in sorted(times))}")
    if lines:
        parts.append("\n".join(lines))
    return "\n\n".join(parts)

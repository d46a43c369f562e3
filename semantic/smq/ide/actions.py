"""What can be done at a place: the fixes of findings there, and rewrites of whole queries.

Actions come from the range that is asked for, never from what a client says it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from smq.expr import name_in_sql, parse_expression
from smq.format.json_edit import remove_key, replace_item, set_value
from smq.format.keys import find_pair
from smq.graph.formula import expand
from smq.graph.leaves import Formula
from smq.ide.dialect_change import converted
from smq.ide.drafting import drafts
from smq.ide.filtering import filter_into_metrics
from smq.ide.inlining import inlined
from smq.ide.moving import moves
from smq.ide.prefixing import with_model
from smq.ide.queries import compiled, item_at, query_at
from smq.query.written import Item, WrittenQuery
from smq.rules.check import check
from smq.rules.finding import Finding
from smq.rules.fixing import fix_all
from smq.rules.model_additions import added_derived, free_name
from smq.sql.compile import CompileOptions, compile_query
from smq.syntax import Sequence
from smq.text import Edit, Span
from smq.workspace import Snapshot

Kind = Literal[
    "quickfix",
    "refactor.extract",
    "refactor.inline",
    "refactor.move",
    "refactor.rewrite",
    "source.fixAll",
]


@dataclass(frozen=True, slots=True)
class Action:
    """`edits` may touch several files. A preferred one is what "fix this" should do."""

    title: str
    kind: Kind
    edits: tuple[Edit, ...]
    preferred: bool = False
    finding: Finding | None = None


def actions(
    snapshot: Snapshot, uri: str, span: Span, findings: Iterable[Finding] | None = None
) -> tuple[Action, ...]:
    """The actions for a range; `findings` are the file's, where they are known already."""
    if uri not in snapshot:
        return ()
    known = list(check(snapshot, [uri]) if findings is None else findings)
    found = list(_fixes(known, span))
    query = query_at(snapshot, uri, span.start)
    if query is not None:
        found.extend(_rewrites(snapshot, query))
        item = item_at(query, span.start)
        if item is not None:
            found.extend(_extractions(snapshot, query, item))
    found.extend(_refactorings(snapshot, uri, span.start))
    for title, edits in drafts(snapshot, uri, span):
        found.append(Action(title, "refactor.rewrite", edits))
    return tuple(action for action in found if _changes(snapshot, action))


def _changes(snapshot: Snapshot, action: Action) -> bool:
    """Whether there is a difference: on broken text the cure may be what stands there already."""
    return any(
        edit.uri not in snapshot or edit.span.cut(snapshot.document(edit.uri).text) != edit.text
        for edit in action.edits
    )


def fix_everything(snapshot: Snapshot, uri: str) -> tuple[Edit, ...]:
    """All safe fixes of a file, as one edit of its whole text; empty when nothing changes."""
    if uri not in snapshot:
        return ()
    text = snapshot.document(uri).text
    fixed = fix_all(snapshot, check(snapshot, [uri])).get(uri)
    return (Edit(uri, Span(0, len(text)), fixed),) if fixed is not None else ()


def _fixes(findings: Iterable[Finding], span: Span) -> Iterator[Action]:
    for finding in findings:
        place = finding.location.span
        if place.start > span.end or span.start > place.end:
            continue
        for number, fix in enumerate(finding.fixes):
            if fix.edits:
                preferred = number == 0 and fix.safety == "safe"
                yield Action(fix.title, "quickfix", fix.edits, preferred, finding)


def _refactorings(snapshot: Snapshot, uri: str, offset: int) -> Iterator[Action]:
    """What is done with the name at a place, in either kind of file."""
    inline = inlined(snapshot, uri, offset)
    if inline is not None:
        name, edits = inline
        yield Action(f"Inline '{name}'", "refactor.inline", edits)
    move = filter_into_metrics(snapshot, uri, offset)
    if move is not None:
        others = f" in {move.queries} queries" if move.queries > 1 else ""
        names = ", ".join(f"'{name}'" for name in move.metrics)
        title = f"Move the filter into {names}{others}"
        yield Action(title, "refactor.extract", move.edits)
    if snapshot.document(uri).kind == "yaml":
        conversion = converted(snapshot, uri, offset)
        if conversion is not None:
            title = f"Write '{conversion.model}' in {conversion.to}"
            yield Action(title, "refactor.rewrite", conversion.edits)
        prefixed = with_model(snapshot, uri, offset)
        if prefixed is not None:
            yield Action(f"Change to '{prefixed.text}'", "refactor.rewrite", (prefixed,))
    for target, dimension, moved in moves(snapshot, uri, offset):
        title = f"Move dimension '{dimension.name}' to '{target.name}'"
        yield Action(title, "refactor.move", moved)


# Whole queries.


def _rewrites(snapshot: Snapshot, query: WrittenQuery) -> Iterator[Action]:
    if query.node is None:
        return
    document = snapshot.document(query.uri)
    result = compiled(snapshot, query)
    if query.joins:
        pair = find_pair(query.node, "joins")
        edits = remove_key(document, query.node, pair) if pair is not None else ()
        automatic = replace(query, joins=())
        if edits and compiled(snapshot, automatic).queries:
            same = not result.queries or _written_joins(snapshot, automatic) == " ".join(
                query.joins[0].text.split()
            )
            title = "Use automatic joins" + ("" if same else " (other rows may come)")
            yield Action(title, "refactor.rewrite", edits)
    elif result.queries:
        clause = _written_joins(snapshot, query)
        if clause is not None:
            edits = set_value(document, query.node, "joins", (clause,))
            yield Action("Write the joins out", "refactor.rewrite", edits)
    if any(problem.code == "JOI112" for problem in result.problems):
        edits2 = _distributed(snapshot, query)
        if edits2:
            yield Action("Split into one query for each part", "refactor.rewrite", edits2)


def _written_joins(snapshot: Snapshot, query: WrittenQuery) -> str | None:
    """The automatic joins as a FROM clause; None when several scans would have to be one.

    Also scans of one model with different filters: where one of them finds no row its count is
    unknown, and in one scan it would be zero.
    """
    result = compiled(snapshot, query)
    leaves = result.queries[0].leaves
    scans = {(leaf.base, leaf.filters) for leaf in leaves}
    if len(scans) != 1 or not any(leaf.joins for leaf in leaves):
        return None
    ways: dict[str, set[tuple[str, tuple[str, ...]]]] = {}
    for step in (step for leaf in leaves for step in leaf.joins):
        ways.setdefault(step.right, set()).add((step.left, step.entities))
    if leaves[0].base in ways or any(len(found) > 1 for found in ways.values()):
        # One model in two roles: written out, names of the query would mean the first one only.
        return None
    graph = snapshot.graph
    clause = f"FROM {leaves[0].base}"
    joined = {leaves[0].base}
    for leaf in leaves:
        for step in leaf.joins:
            if step.right in joined:
                continue
            joined.add(step.right)
            edges = [e for e in graph.edges(step.left) if e.right == step.right]
            edge = next((e for e in edges if e.entities == step.entities), None)
            if edge is None:
                return None
            pairs = " AND ".join(
                f"{step.left}__{left.name} = {step.right}__{right.name}"
                for left, right in edge.pairs
            )
            clause += f" LEFT JOIN {step.right} ON {pairs}"
    return clause


def _distributed(snapshot: Snapshot, query: WrittenQuery) -> tuple[Edit, ...]:
    from smq.format.json_edit import literal

    dialect = snapshot.configuration.dialect
    options = CompileOptions(dialect, dialect, distribute=True)
    result = compile_query(query, snapshot.graph, options)
    if len(result.queries) < 2 or query.node is None:
        return ()
    parts = []
    for one in result.queries:
        lines = [f"  {literal(key)}: {literal(value)}" for key, value in one.written.items()]
        parts.append("{\n" + ",\n".join(lines) + "\n}")
    text = ",\n".join(parts)
    in_list = isinstance(snapshot.parsed(query.uri).root, Sequence)
    return (Edit(query.uri, query.node.span, text if in_list else f"[\n{text}\n]"),)


# One item.


def _extractions(snapshot: Snapshot, query: WrittenQuery, item: Item) -> Iterator[Action]:
    if item.key != "metrics" or item.text in snapshot.graph.metrics:
        return
    dialect = snapshot.configuration.dialect
    template = parse_expression(item.text, dialect)
    if template.fault is not None or template.tables or not template.uses:
        return
    body = item.text[: template.body_end].strip()
    taken = snapshot.graph.metrics
    name = free_name(template.alias or "new_metric", taken)
    whole = name
    if template.alias and _is_alias_elsewhere(snapshot, query, name):
        # A metric of that name would take it from the others, so the column alone keeps it.
        column = name_in_sql(name, dialect)
        name = free_name(f"{name}_value", taken)
        whole = f"{name} AS {column}"
    used = [use.name for use in template.uses]
    metrics = [each for each in used if each in taken]
    for uri in _homes(snapshot, used):
        if uri not in snapshot:
            continue
        added = added_derived(snapshot.parsed(uri), name, body, metrics)
        if added is not None:
            replaced = replace_item(snapshot.document(query.uri), item.node, whole)
            place = snapshot.configuration.relative_path(uri)
            title = f"Extract into a metric '{name}' in {place}"
            yield Action(title, "refactor.extract", (added, *replaced))
            return


def _is_alias_elsewhere(snapshot: Snapshot, own: WrittenQuery, name: str) -> bool:
    """Whether another query calls an expression of its own so."""
    dialect = snapshot.configuration.dialect
    return any(
        parse_expression(item.text, dialect).alias == name
        for uri in snapshot.uris
        if snapshot.document(uri).kind == "smq" and name in snapshot.document(uri).text
        for query in snapshot.queries(uri)
        if (query.uri, query.index) != (own.uri, own.index)
        for item in query.metrics
    )


def _homes(snapshot: Snapshot, names: Iterable[str]) -> Iterator[str]:
    """The files where a metric over these names belongs: beside the first of them that is a
    metric, else with the model whose rows that one counts."""
    for name in names:
        metric = snapshot.graph.metrics.get(name)
        if metric is not None:
            yield metric.name_at.uri
            formula = expand(snapshot.graph, name, snapshot.configuration.dialect)
            if isinstance(formula, Formula) and formula.leaves:
                yield snapshot.graph.models[formula.leaves[0].base].name_at.uri
            return

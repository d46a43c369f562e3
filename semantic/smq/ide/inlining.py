"""Inline a metric: its definition in the place of its name, in a query or in another metric."""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.expr import name_in_sql, parse_expression
from smq.format.json_edit import literal
from smq.graph.formula import expand
from smq.graph.leaves import Formula
from smq.graph.symbols import Input, Metric, Sql
from smq.ide.index import mention_at
from smq.ide.mentions import Mention
from smq.ide.queries import item_at, query_at
from smq.rules.model_additions import free_name
from smq.syntax import Mapping, Node, Scalar, Sequence
from smq.text import Edit, Span, apply_edits
from smq.workspace import Change, Snapshot

_UNSAFE_IN_PLAIN = re.compile(r": |:\Z| #|[\r\n]")


def inlined(snapshot: Snapshot, uri: str, offset: int) -> tuple[str, tuple[Edit, ...]] | None:
    """The name of the metric at an offset and the edits; None where it cannot be inlined.

    In a query only what is made of other metrics can be, because a query has no aggregates.
    """
    mention = mention_at(snapshot, uri, offset)
    if mention is None or mention.key[0] != "metric" or mention.role != "reference":
        return None
    metric = snapshot.graph.metrics.get(mention.key[1])
    if metric is None:
        return None
    if snapshot.document(uri).kind == "smq":
        edits = _in_query(snapshot, uri, mention, metric)
    else:
        edits = _in_metric(snapshot, uri, mention, metric)
    return (metric.name, edits) if edits else None


def _in_query(snapshot: Snapshot, uri: str, mention: Mention, metric: Metric) -> tuple[Edit, ...]:
    body = _over_metrics(snapshot, metric)
    query = query_at(snapshot, uri, mention.span.start)
    item = item_at(query, mention.span.start) if query is not None else None
    if body is None or item is None or item.key not in ("metrics", "filters"):
        return ()
    span = mention.span
    template = parse_expression(item.text, snapshot.configuration.dialect)
    for use in template.uses:
        written = item.part(use.start, use.end).span
        if written.covers(span):
            # The quotes of a name go with it.
            span = written
            break
    if item.key == "metrics" and item.text == metric.name:
        # The metric is still there, and a column must not have the name of one.
        text = f"{body} AS {free_name(f'{metric.name}_value', snapshot.graph.metrics)}"
    else:
        text = f"({body})"
    return (Edit(uri, span, literal(text)[1:-1]),)


def _over_metrics(snapshot: Snapshot, metric: Metric) -> str | None:
    """The definition as an expression over metrics; None for one that is not such."""
    graph, dialect = snapshot.graph, snapshot.configuration.dialect
    if metric.filters or metric.window or metric.cumulative or metric.conversion or metric.beyond:
        return None
    if metric.numerator is not None and metric.denominator is not None:
        parts = (metric.numerator, metric.denominator)
        if all(_is_plain(part) and part.name in graph.metrics for part in parts):
            above, below = (name_in_sql(part.name, dialect) for part in parts)
            return f"{above} / NULLIF({below}, 0)"
        return None
    if metric.expr is None or not all(_is_plain(given) for given in metric.inputs):
        return None
    template = parse_expression(metric.expr.text, dialect)
    if template.fault is not None or template.has_aggregate or not template.uses:
        return None
    names = {given.alias or given.name: given.name for given in metric.inputs}
    edits = []
    for use in template.uses:
        name = names.get(use.name, use.name)
        if use.call is not None or name not in graph.metrics or name == metric.name:
            return None
        edits.append(Edit("", Span(use.start, use.end), name_in_sql(name, dialect)))
    return " ".join(apply_edits(metric.expr.text, edits).split())


def _is_plain(given: Input) -> bool:
    return not (
        given.filters
        or given.offset_window
        or given.offset_to_grain
        or given.fill_nulls_with is not None
        or given.join_to_timespine
    )


# In another metric.


def _in_metric(snapshot: Snapshot, uri: str, mention: Mention, metric: Metric) -> tuple[Edit, ...]:
    """The edits, if reading them gives the same number as before."""
    outer = next(
        (
            other
            for other in snapshot.file(uri).declarations.metrics
            if other.expr is not None and _scalar_covers(other.expr, mention.span)
        ),
        None,
    )
    if outer is None or outer.expr is None or outer.inputs or outer.name == metric.name:
        return ()
    body = _over_metrics(snapshot, metric)
    if body is None and metric.expr is not None and not metric.filters and not metric.inputs:
        body = " ".join(metric.expr.text.split())
    if body is None:
        return ()
    scalar = next(_scalars(snapshot.parsed(uri).roots, mention.span), None)
    written = _in_scalar(scalar, f"({body})") if scalar is not None else None
    if written is None:
        return ()
    edits = (Edit(uri, mention.span, written),)
    text = apply_edits(snapshot.document(uri).text, edits)
    return edits if _same_number(snapshot, snapshot.apply([Change(uri, text)]), outer.name) else ()


def _scalar_covers(sql: Sql, span: Span) -> bool:
    return sql.location.span.covers(span)


def _scalars(roots: tuple[Node | None, ...], span: Span) -> Iterator[Scalar]:
    stack = [root for root in roots if root is not None]
    while stack:
        node = stack.pop()
        if not node.span.covers(span):
            continue
        if isinstance(node, Scalar):
            yield node
        elif isinstance(node, Sequence):
            stack += [item for item in node.items if item is not None]
        elif isinstance(node, Mapping):
            stack += [pair.value for pair in node.pairs if pair.value is not None]


def _in_scalar(scalar: Scalar, text: str) -> str | None:
    """The text as it is written inside a scalar of that style."""
    if scalar.style == "single":
        return text.replace("'", "''")
    if scalar.style == "double":
        return literal(text)[1:-1]
    return None if scalar.style == "plain" and _UNSAFE_IN_PLAIN.search(text) else text


def _same_number(before: Snapshot, after: Snapshot, metric: str) -> bool:
    found = []
    for snapshot in (before, after):
        if metric not in snapshot.graph.metrics:
            return False
        formula = expand(snapshot.graph, metric, snapshot.configuration.dialect)
        if not isinstance(formula, Formula):
            return False
        found.append({(leaf.key, leaf.fill) for leaf in formula.leaves})
    return found[0] == found[1]

"""One query over models that no join connects becomes one query for each connected part."""

from __future__ import annotations

from dataclasses import replace

from smq.graph.graph import SemanticGraph
from smq.graph.joinable import components
from smq.graph.leaves import Leaf
from smq.graph.references import RowRef
from smq.problem import Problem
from smq.query.bound import PostExpression, Query
from smq.query.written import Item, WrittenQuery


def distribute(
    query: Query, graph: SemanticGraph
) -> tuple[tuple[WrittenQuery, ...], list[Problem]]:
    """The written queries of the parts, and a problem for each item that fits into none.

    Every part gets the items that its models can answer and the whole limit. A filter without any
    model applies to all parts; one that spans parts fits nowhere, and so does a group whose part
    has no metric.
    """
    component = components(graph)
    homes: dict[str, frozenset[int]] = {}
    for output in query.outputs:
        homes[output.item.path] = _parts(output.expression, component)
    for group in query.groups:
        # metric_time belongs to every part: each metric has its own.
        homes[group.item.path] = _part_of(group.ref, component)
    for row_filter in query.row_filters:
        parts = frozenset[int]().union(
            *(_part_of(ref, component) for ref in row_filter.condition.outer)
        )
        homes[row_filter.item.path] = homes.get(row_filter.item.path, frozenset()) | parts
    for post in (*query.group_filters, *query.window_filters):
        parts = _parts(post.expression, component)
        homes[post.item.path] = homes.get(post.item.path, frozenset()) | parts
    for key in query.order:
        if key.output is not None:
            homes[key.item.path] = homes[query.outputs[key.output].item.path]
        elif key.group is not None:
            homes[key.item.path] = homes[query.groups[key.group].item.path]
        elif key.expression is not None:
            homes[key.item.path] = _parts(key.expression, component)
    numbers = list(
        dict.fromkeys(
            next(iter(homes[output.item.path]))
            for output in query.outputs
            if len(homes[output.item.path]) == 1
        )
    )
    problems = _homeless(query.written, homes, set(numbers))
    parts_found = tuple(_part(query.written, homes, number) for number in numbers)
    return parts_found, problems


def _part(written: WrittenQuery, homes: dict[str, frozenset[int]], number: int) -> WrittenQuery:
    def kept(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(
            item for item in items if not homes.get(item.path) or homes[item.path] == {number}
        )

    return replace(
        written,
        metrics=kept(written.metrics),
        group_by=kept(written.group_by),
        filters=kept(written.filters),
        order_by=kept(written.order_by),
    )


def _homeless(
    written: WrittenQuery, homes: dict[str, frozenset[int]], numbers: set[int]
) -> list[Problem]:
    problems: list[Problem] = []
    lists = (written.metrics, written.group_by, written.filters, written.order_by)
    for items in lists:
        for item in items:
            home = homes.get(item.path, frozenset())
            if len(home) > 1 or (home and not home <= numbers):
                args = {"text": item.text, "key": item.key, "spans": len(home) > 1}
                problems.append(Problem("JOI117", item.location, args))
    return problems


def _parts(expression: PostExpression, component: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for slot in expression.slots:
        if isinstance(slot, Leaf):
            found.add(component[slot.base])
        else:
            found |= _part_of(slot, component)
    return frozenset(found)


def _part_of(ref: RowRef, component: dict[str, int]) -> frozenset[int]:
    return frozenset({component[ref.model]}) if ref.model else frozenset()

"""Which models joins connect at all, in whatever direction."""

from __future__ import annotations

from smq.graph.graph import SemanticGraph


def components(graph: SemanticGraph) -> dict[str, int]:
    """For each model the number of the connected part of the join graph that it is in."""
    found: dict[str, int] | None = graph.memo.get("components")
    if found is not None:
        return found
    neighbours: dict[str, set[str]] = {name: set() for name in graph.models}
    for name in graph.models:
        for edge in graph.edges(name):
            neighbours[name].add(edge.right)
            neighbours[edge.right].add(name)
    found = {}
    for start in graph.models:
        if start in found:
            continue
        number = len(set(found.values()))
        frontier = [start]
        while frontier:
            name = frontier.pop()
            if name not in found:
                found[name] = number
                frontier.extend(neighbours[name])
    graph.memo["components"] = found
    return found

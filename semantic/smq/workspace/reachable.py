"""What a metric can be asked by: the dimensions that all of its leaves reach by to-one joins."""

from __future__ import annotations

from dataclasses import dataclass

from smq.graph.formula import expand
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import Broken
from smq.graph.paths import Path
from smq.graph.symbols import Dimension
from smq.problem import Problem


@dataclass(frozen=True, slots=True)
class Route:
    """How one base model of a metric comes to a dimension's model.

    `paths` are the shortest ones: one empty path for the base itself, several when a query must
    choose between them.
    """

    base: str
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ReachableDimension:
    model: str
    dimension: Dimension
    routes: tuple[Route, ...]

    @property
    def name(self) -> str:
        return f"{self.model}__{self.dimension.name}"

    @property
    def distance(self) -> int:
        """The number of joins on the longest of its routes."""
        return max((len(route.paths[0]) for route in self.routes), default=0)

    @property
    def is_ambiguous(self) -> bool:
        return any(len(route.paths) > 1 for route in self.routes)


def reachable_dimensions(
    graph: SemanticGraph, metric: str, dialect: str
) -> tuple[ReachableDimension, ...] | tuple[Problem, ...]:
    """The dimensions that a metric can be grouped by, the nearest first.

    Gives the metric's problems instead when it cannot be expanded. Raises KeyError for a metric
    that the graph does not have.
    """
    if metric not in graph.metrics:
        raise KeyError(metric)
    formula = expand(graph, metric, dialect)
    if isinstance(formula, Broken):
        return formula.problems
    bases = tuple(dict.fromkeys(leaf.base for leaf in formula.leaves))
    found: list[ReachableDimension] = []
    for model in graph.models.values():
        routes = tuple(Route(base, graph.paths(base, model.name)) for base in bases)
        if all(route.paths for route in routes):
            found.extend(ReachableDimension(model.name, d, routes) for d in model.dimensions)
    return tuple(sorted(found, key=lambda each: (each.distance, each.is_ambiguous)))

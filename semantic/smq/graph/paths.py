"""To-one edges between models, and the shortest paths along them.

M → N is an edge when entities of M that N also declares as key entities cover one complete key of
N. All matching pairs stand in the join condition. Key entities of N over the same columns are
*roles* of one key (buyer and seller of a user): each role is an edge of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from smq.graph.symbols import Entity, Model

MAX_PATHS = 8
"""More equally short paths than this are not listed; two are enough to be ambiguous."""


class Edge(NamedTuple):
    """A to-one join; `pairs` are (entity of left, entity of right) of equal name."""

    left: str
    right: str
    pairs: tuple[tuple[Entity, Entity], ...]

    @property
    def entities(self) -> tuple[str, ...]:
        return tuple(entity.name for entity, _ in self.pairs)


Path = tuple[Edge, ...]


class PartialKey(NamedTuple):
    """Why `left` is no to-one neighbour of `right`: some entities of a composite key miss."""

    left: str
    right: str
    key: tuple[str, ...]
    has: tuple[str, ...]


def keys(model: Model) -> tuple[tuple[Entity, ...], ...]:
    """The model's keys: all primary entities together, and each unique entity alone."""
    primary = tuple(entity for entity in model.entities if entity.kind == "primary")
    found = [primary] if primary else []
    found.extend((entity,) for entity in model.entities if entity.kind == "unique")
    return tuple(found)


def key_columns(key: Iterable[Entity]) -> tuple[str, ...]:
    return tuple(sorted(column_text(entity) for entity in key))


def column_text(entity: Entity) -> str:
    return entity.expr.text if entity.expr is not None else entity.name


def edges_between(left: Model, right: Model) -> tuple[Edge, ...]:
    """The to-one edges from one model to another, one for each role."""
    own = {e.name: e for e in left.entities if e.kind in ("foreign", "primary", "unique")}
    covered = [key for key in keys(right) if all(entity.name in own for entity in key)]
    if not covered:
        return ()
    roles: dict[tuple[str, ...], list[tuple[Entity, ...]]] = {}
    for key in covered:
        roles.setdefault(key_columns(key), []).append(key)
    if any(len(same) > 1 for same in roles.values()):
        distinct = [key for same in roles.values() for key in same]
    else:
        merged: dict[str, Entity] = {}
        for key in covered:
            for entity in key:
                merged[entity.name] = entity
        distinct = [tuple(merged.values())]
    return tuple(
        Edge(left.name, right.name, tuple((own[entity.name], entity) for entity in key))
        for key in distinct
    )


def partial_key(left: Model, right: Model) -> PartialKey | None:
    """The composite key of `right` that `left` has only in part."""
    own = {e.name for e in left.entities if e.kind in ("foreign", "primary", "unique")}
    for key in keys(right):
        names = tuple(entity.name for entity in key)
        has = tuple(name for name in names if name in own)
        if has and len(has) < len(names):
            return PartialKey(left.name, right.name, names, has)
    return None


class JoinGraph:
    """All to-one edges of the models, found on demand and kept."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = models
        by_key: dict[str, list[str]] = {}
        for model in models.values():
            for key in keys(model):
                for entity in key:
                    names = by_key.setdefault(entity.name, [])
                    if model.name not in names:
                        names.append(model.name)
        self._by_key = by_key
        self._edges: dict[str, tuple[Edge, ...]] = {}
        self._old: tuple[dict[str, tuple[Edge, ...]], frozenset[str]] | None = None
        """Edges of models as they were before some of them changed, until one is asked for."""
        self._distances: dict[str, dict[str, int]] = {}
        self._isolated: tuple[str, ...] | None = None
        self._paths: dict[tuple[str, str, tuple[str, ...]], tuple[Path, ...]] = {}

    def with_models(self, models: Mapping[str, Model], changed: Iterable[str]) -> JoinGraph | None:
        """The edges after some models changed, at little cost; None if they join otherwise now."""
        if any(_joining(models[name]) != _joining(self._models[name]) for name in changed):
            return None
        graph = JoinGraph.__new__(JoinGraph)
        graph._models = models
        graph._by_key = self._by_key
        graph._distances = self._distances
        graph._isolated = self._isolated
        # Edges hold entities, whose places in the file may be others now.
        graph._edges = {}
        old, earlier = self._old or (self._edges, frozenset())
        graph._old = old, earlier | frozenset(changed)
        graph._paths = {}
        return graph

    def joins_like(self, other: JoinGraph) -> bool:
        """Whether it was made from the other one by changes that join nothing otherwise."""
        return self._by_key is other._by_key

    def keyed_by(self, entity: str) -> tuple[str, ...]:
        """The models that have the entity as a key or part of one."""
        return tuple(self._by_key.get(entity, ()))

    def edges(self, model: str) -> tuple[Edge, ...]:
        if self._old is not None:
            old, changed = self._old
            self._old = None
            for name, kept in old.items():
                if name not in changed and not any(edge.right in changed for edge in kept):
                    self._edges[name] = kept
        found = self._edges.get(model)
        if found is None:
            left = self._models[model]
            names: dict[str, None] = {}
            for entity in left.entities:
                if entity.kind != "natural":
                    names.update(dict.fromkeys(self._by_key.get(entity.name, ())))
            names.pop(model, None)
            found = tuple(
                edge for name in names for edge in edges_between(left, self._models[name])
            )
            self._edges[model] = found
        return found

    @property
    def isolated(self) -> tuple[str, ...]:
        """The models that join none and that none joins, in the order of the models."""
        if self._isolated is None:
            reached = {edge.right for name in self._models for edge in self.edges(name)}
            self._isolated = tuple(
                name for name in self._models if name not in reached and not self.edges(name)
            )
        return self._isolated

    def distances(self, base: str) -> Mapping[str, int]:
        """Reachable models and the number of joins to each; the base itself is 0 away."""
        found = self._distances.get(base)
        if found is None:
            found = {base: 0}
            frontier = [base]
            while frontier:
                reached: list[str] = []
                for name in frontier:
                    for edge in self.edges(name):
                        if edge.right not in found:
                            found[edge.right] = found[name] + 1
                            reached.append(edge.right)
                frontier = reached
            self._distances[base] = found
        return found

    def paths(self, base: str, target: str, via: tuple[str, ...] = ()) -> tuple[Path, ...]:
        """The shortest to-one paths; empty when there is none, several when ambiguous.

        `via` asks that the last joins go through these entities, in order: `(buyer,)` takes the
        edge into the target whose key holds `buyer`.
        """
        cached = self._paths.get((base, target, via))
        if cached is None:
            cached = self._find(base, target, via)
            self._paths[base, target, via] = cached
        return cached

    def _find(self, base: str, target: str, via: tuple[str, ...]) -> tuple[Path, ...]:
        if base == target and (not via or self._is_keyed(base, via)):
            return ((),)
        if not via:
            if target not in self.distances(base):
                return ()
            return self._between(base, target)
        found: list[Path] = []
        for path in self._into(base, target, via):
            if not found or len(path) == len(found[0]):
                found.append(path)
            elif len(path) < len(found[0]):
                found = [path]
        return tuple(dict.fromkeys(found))[:MAX_PATHS]

    def _is_keyed(self, model: str, via: tuple[str, ...]) -> bool:
        return len(via) == 1 and model in self._by_key.get(via[0], ())

    def _into(self, base: str, target: str, via: tuple[str, ...]) -> list[Path]:
        """Paths whose last joins take the entities of `via`; the first of them may be the base."""
        found: list[Path] = []
        for name in self.distances(base):
            for edge in self.edges(name):
                if edge.right != target or via[-1] not in edge.entities:
                    continue
                if len(edge.pairs) > 1:
                    edge = self._narrowed(edge, via[-1])
                if len(via) == 1 or self._is_keyed(name, via[:-1]):
                    starts = self._between(base, name) if name != base else ((),)
                else:
                    starts = ()
                if len(via) > 1 and name != base:
                    starts = tuple(self._find(base, name, via[:-1]))
                found.extend((*start, edge) for start in starts)
        return sorted(found, key=len)

    def _narrowed(self, edge: Edge, entity: str) -> Edge:
        """The edge through the key that holds `entity`, without pairs of other keys."""
        for key in keys(self._models[edge.right]):
            names = {part.name for part in key}
            if entity in names and names <= set(edge.entities):
                return Edge(
                    edge.left, edge.right, tuple(p for p in edge.pairs if p[0].name in names)
                )
        return edge

    def _between(self, base: str, target: str) -> tuple[Path, ...]:
        if base == target:
            return ((),)
        distances = self.distances(base)
        found: list[Path] = []

        def back(model: str, rest: Path) -> None:
            if len(found) >= MAX_PATHS:
                return
            if model == base:
                found.append(rest)
                return
            for name, distance in distances.items():
                if distance == distances[model] - 1:
                    for edge in self.edges(name):
                        if edge.right == model:
                            back(name, (edge, *rest))

        if target in distances:
            back(target, ())
        return tuple(found)


def _joining(model: Model) -> tuple[tuple[str, str, str], ...]:
    """What of a model its edges depend on, places apart."""
    return tuple((entity.name, entity.kind, column_text(entity)) for entity in model.entities)

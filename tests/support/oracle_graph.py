"""Names and to-one paths, from the definitions of the language and of keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from tests.support.oracle_expressions import Value, comparable, truncate
from tests.support.oracle_world import GRAINS, Model, Refused, Row, Unsure, World


@dataclass(frozen=True)
class Edge:
    """A to-one edge: entities of both sides that cover a complete key of the target."""

    source: str
    target: str
    key: tuple[str, ...]


Path = tuple[Edge, ...]


@dataclass(frozen=True)
class Reference:
    """What a name means: an item of a model, or of where an entity path leads."""

    item: str
    model: str | None = None
    path: tuple[str, ...] = ()
    grain: str | None = None
    is_measure: bool = False


class Graph:
    """Edges, shortest paths and the meaning of names for one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def edges(self) -> dict[str, list[Edge]]:
        models = self.world.models.values()
        return {
            source.name: [e for t in models if t is not source for e in _edges(source, t)]
            for source in models
        }

    def shortest(self, source: str, target: str) -> list[Path]:
        """All shortest paths; an empty list when there is none."""
        if source == target:
            return [()]
        paths: list[Path] = [()]
        seen = {source}
        while paths:
            longer = [
                (*path, edge)
                for path in paths
                for edge in self.edges[path[-1].target if path else source]
                if edge.target not in seen
            ]
            arrived = [path for path in longer if path[-1].target == target]
            if arrived:
                return arrived
            seen |= {path[-1].target for path in longer}
            paths = longer
        return []

    def path(self, source: str, target: str) -> Path:
        """The one shortest path, or a refusal that says why there is none."""
        found = self.shortest(source, target)
        if not found:
            raise Refused(f"no to-one path from {source} to {target}")
        if len(found) > 1:
            raise Refused(f"{len(found)} shortest paths from {source} to {target}")
        return found[0]

    def follow(self, row: Row | None, path: Path) -> Row | None:
        """The one row that a path leads to, or None where a key is missing or dangling."""
        for edge in path:
            if row is None:
                return None
            row = self._match(row, edge)
        return row

    def _match(self, row: Row, edge: Edge) -> Row | None:
        source, target = self.world.models[edge.source], self.world.models[edge.target]
        pairs = [(_column(source, e), _column(target, e)) for e in edge.key]
        wanted = [comparable(row[left]) for left, _ in pairs]
        if None in wanted:
            return None
        matches = [
            other
            for other in target.table.rows
            if [comparable(other[right]) for _, right in pairs] == wanted
        ]
        assert len(matches) <= 1, f"{edge.key} is not a key of {edge.target} in this world"
        return matches[0] if matches else None

    # --- names --------------------------------------------------------------------------

    def reference(self, text: str) -> Reference:
        """The one reading of a prefixed name. Model readings win over entity readings."""
        readings = list(self._model_readings(text)) or list(self._entity_readings(text))
        if not readings:
            raise Refused(f"{text} is not known")
        if len(readings) > 1:
            raise Refused(f"{text} has {len(readings)} readings")
        return readings[0]

    def _model_readings(self, text: str) -> Iterator[Reference]:
        for model in self.world.models.values():
            if text.startswith(model.name + "__"):
                rest = text[len(model.name) + 2 :]
                for item, grain in self._items(rest):
                    if model.dimension(item):
                        yield Reference(item, model=model.name, grain=grain)
                    elif model.measure(item) and grain is None:
                        yield Reference(item, model=model.name, is_measure=True)

    def _entity_readings(self, text: str, path: tuple[str, ...] = ()) -> Iterator[Reference]:
        entities = {e.name for model in self.world.models.values() for e in model.entities}
        for entity in sorted(entities):
            if text.startswith(entity + "__"):
                rest = text[len(entity) + 2 :]
                here = (*path, entity)
                for item, grain in self._items(rest):
                    if any(m.dimension(item) for m in self.world.models.values()):
                        yield Reference(item, path=here, grain=grain)
                yield from self._entity_readings(rest, here)

    @staticmethod
    def _items(rest: str) -> Iterator[tuple[str, str | None]]:
        yield rest, None
        head, separator, tail = rest.rpartition("__")
        if separator and tail in GRAINS:
            yield head, tail

    def locate(self, base: str, reference: Reference) -> tuple[Path, Model]:
        """Where a reference leads from a base model."""
        if reference.model is not None:
            path = self.path(base, reference.model)
            return path, self.world.models[reference.model]
        places: list[tuple[str, Path]] = [(base, ())]
        for index, entity in enumerate(reference.path):
            first = index == 0
            places = [
                step for name, path in places for step in self._steps(name, path, entity, first)
            ]
        ends = [p for p in places if self.world.models[p[0]].dimension(reference.item)]
        if not ends:
            if self.world.models[base].entity(reference.path[0]):
                raise Refused(f"{reference.path} leads to no {reference.item} from {base}")
            raise Unsure(f"{base} has no entity {reference.path[0]}")
        if len(ends) > 1:
            raise Unsure(f"{reference.path} leads to several places from {base}")
        return ends[0][1], self.world.models[ends[0][0]]

    def _steps(self, name: str, path: Path, entity: str, first: bool) -> Iterator[tuple[str, Path]]:
        declared = self.world.models[name].entity(entity)
        if declared is None:
            return
        if declared.is_key:
            if not first:
                raise Unsure(f"{entity} is written where a path has already arrived")
            yield name, path
        # A named entity chooses its key; other entities that match as well do not matter then.
        known = {e.name for e in self.world.models[name].entities if e.kind != "natural"}
        for target in self.world.models.values():
            for key in target.keys if target.name != name else ():
                if entity in key and set(key) <= known:
                    yield target.name, (*path, Edge(name, target.name, key))

    def model_of(self, base: str, text: str) -> str:
        return self.locate(base, self.reference(text))[1].name

    def item_value(self, model: Model, row: Row | None, reference: Reference) -> Value:
        """A dimension (at its grain) or a measure's row value; NULL for a missing row."""
        dimension = model.dimension(reference.item)
        if dimension is None or reference.is_measure:
            measure = model.measure(reference.item)
            assert measure is not None
            return None if row is None else model.value(row, measure.expr)
        self.check_grain(model, reference)
        if row is None:
            return None
        value = model.value(row, dimension.expr)
        grain = reference.grain or dimension.grain
        return truncate(value, grain) if grain else value

    def check_grain(self, model: Model, reference: Reference) -> None:
        dimension = model.dimension(reference.item)
        if dimension is None or reference.grain is None:
            return
        if dimension.type not in ("date", "timestamp"):
            raise Refused(f"{reference.item} is no time dimension")
        own = dimension.grain or "day"
        if GRAINS.index(reference.grain) < GRAINS.index(own):
            raise Refused(f"{reference.grain} is finer than {own}")


def _edges(source: Model, target: Model) -> list[Edge]:
    """One edge by all entities that match, if they cover a key. Entities that name one column of
    the target are roles of it, and each role is an edge of its own."""
    declared = {e.name for e in source.entities if e.kind != "natural"}
    by_column: dict[str, list[str]] = {}
    for entity in target.entities:
        if entity.is_key and entity.name in declared:
            by_column.setdefault(entity.column, []).append(entity.name)
    return [
        Edge(source.name, target.name, pairs)
        for pairs in product(*by_column.values())
        if any(set(key) <= set(pairs) for key in target.keys)
    ]


def _column(model: Model, entity: str) -> str:
    declared = model.entity(entity)
    assert declared is not None
    return declared.column

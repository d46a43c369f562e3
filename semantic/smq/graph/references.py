"""What a written name may mean: every reading of `a__b__c`, resolved against known names.

Names are never split at the first `__`, because models and dimensions may contain it: each split
whose left side is a known model (or a chain of entities) is tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from smq.graph.graph import SemanticGraph
from smq.graph.symbols import GRAINS, Dimension, Entity, Measure

RowKind = Literal["dimension", "entity", "measure", "column", "metric_time"]
METRIC_TIME = "metric_time"


@dataclass(frozen=True, slots=True)
class RowRef:
    """A value that each row of a leaf has: a member of a model, reached from the leaf's base.

    `via` are the entities of an entity path; empty for a model-name reading. `metric_time` has no
    model: each leaf takes its own. A `column` is a plain physical column (written joins only).
    """

    kind: RowKind
    model: str
    name: str
    grain: str | None = None
    via: tuple[str, ...] = ()
    instance: str = ""
    """The alias in a written FROM clause, where one is meant."""

    def __deepcopy__(self, memo: object) -> RowRef:
        return self

    @property
    def written(self) -> str:
        """The canonical way to write it in an SMQ."""
        if self.kind == "metric_time":
            head = METRIC_TIME
        elif self.via:
            head = "__".join((*self.via, self.name))
        else:
            head = f"{self.instance or self.model}__{self.name}"
        return f"{head}__{self.grain}" if self.grain else head


class PrefixedMetric(NamedTuple):
    """`model__metric`: a metric never takes a prefix."""

    model: str
    metric: str


Reading = RowRef | PrefixedMetric


def readings(graph: SemanticGraph, name: str, grains: frozenset[str]) -> tuple[Reading, ...]:
    """All readings of a name with a prefix. Model names win over entity paths."""
    key = ("readings", name)
    cached: tuple[Reading, ...] | None = graph.memo.get(key)
    if cached is None:
        cached = _by_model(graph, name, grains) or _by_entity(graph, name, grains)
        graph.memo[key] = cached
    return cached


def all_grains(graph: SemanticGraph) -> frozenset[str]:
    """Standard grains and the custom ones that time spines declare."""
    found: frozenset[str] | None = graph.memo.get("grains")
    if found is None:
        custom = {column for spine in graph.time_spines for column, _ in spine.columns}
        declared = {grain for spine in graph.time_spines for _, grain in spine.columns}
        found = frozenset({*GRAINS, *declared, *custom})
        graph.memo["grains"] = found
    return found


def metric_time(name: str, grains: frozenset[str]) -> RowRef | None:
    """`metric_time` or `metric_time__month`."""
    if name == METRIC_TIME:
        return RowRef("metric_time", "", METRIC_TIME)
    if name.startswith(METRIC_TIME + "__"):
        grain = name[len(METRIC_TIME) + 2 :].lower()
        if grain in grains:
            return RowRef("metric_time", "", METRIC_TIME, grain)
    return None


def splits(name: str) -> list[tuple[str, str]]:
    """Every (left, right) around a `__`, the longest left side first."""
    found = []
    at = name.rfind("__")
    while at > 0:
        if at + 2 < len(name):
            found.append((name[:at], name[at + 2 :]))
        at = name.rfind("__", 0, at + 1) if at > 0 else -1
    return found


def members(
    graph: SemanticGraph, model: str, rest: str, grains: frozenset[str]
) -> list[Dimension | Entity | Measure | tuple[Dimension, str]]:
    """What `rest` names in a model; a dimension with a grain comes as a pair."""
    index = graph.index(model)
    found: list[Dimension | Entity | Measure | tuple[Dimension, str]] = []
    if rest in index.dimensions:
        found.append(index.dimensions[rest])
    elif rest in index.measures:
        found.append(index.measures[rest])
    elif rest in index.entities:
        found.append(index.entities[rest])
    for left, right in splits(rest):
        grain = right.lower()
        if grain in grains and left in index.dimensions and index.dimensions[left].is_time:
            found.append((index.dimensions[left], grain))
    return found


def _refs(
    graph: SemanticGraph, model: str, rest: str, via: tuple[str, ...], grains: frozenset[str]
) -> list[RowRef]:
    found = []
    for member in members(graph, model, rest, grains):
        match member:
            case (dimension, grain):
                found.append(RowRef("dimension", model, dimension.name, grain, via))
            case Dimension():
                found.append(RowRef("dimension", model, member.name, None, via))
            case Measure():
                found.append(RowRef("measure", model, member.name, None, via))
            case Entity():
                found.append(RowRef("entity", model, member.name, None, via))
    return found


def _by_model(graph: SemanticGraph, name: str, grains: frozenset[str]) -> tuple[Reading, ...]:
    found: list[Reading] = []
    for left, right in splits(name):
        if left not in graph.models:
            continue
        refs = _refs(graph, left, right, (), grains)
        found.extend(refs)
        if not refs and right in graph.metrics:
            found.append(PrefixedMetric(left, right))
    exact = [reading for reading in found if isinstance(reading, RowRef)]
    return tuple(exact or found)


def _by_entity(graph: SemanticGraph, name: str, grains: frozenset[str]) -> tuple[Reading, ...]:
    found: dict[Reading, None] = {}
    for via, rest in _entity_chains(graph, name, ()):
        for model in keyed_by(graph, via[-1]):
            for ref in _refs(graph, model, rest, via, grains):
                if ref.kind != "measure":
                    found[ref] = None
    if not found:
        # `order__user`: the foreign entity itself, of a model that order identifies.
        for via, rest in _entity_chains(graph, name, ()):
            for model in keyed_by(graph, via[-1]):
                if rest in graph.index(model).entities:
                    found[RowRef("entity", model, rest, None, via)] = None
    return tuple(found)


def keyed_by(graph: SemanticGraph, entity: str) -> tuple[str, ...]:
    """The models that an entity identifies, also without a column of its own."""
    virtual: dict[str, tuple[str, ...]] | None = graph.memo.get("virtual keys")
    if virtual is None:
        virtual = {}
        for model in graph.models.values():
            if model.primary_entity is not None:
                same = virtual.get(model.primary_entity, ())
                virtual[model.primary_entity] = (*same, model.name)
        graph.memo["virtual keys"] = virtual
    return tuple(dict.fromkeys((*graph.joins.keyed_by(entity), *virtual.get(entity, ()))))


def _entity_chains(
    graph: SemanticGraph, name: str, taken: tuple[str, ...]
) -> list[tuple[tuple[str, ...], str]]:
    """(entities, rest) for each way to read leading entities off a name."""
    found: list[tuple[tuple[str, ...], str]] = []
    if len(taken) >= 4:
        return found
    for left, right in splits(name):
        if keyed_by(graph, left):
            found.append(((*taken, left), right))
            found.extend(_entity_chains(graph, right, (*taken, left)))
    return found

"""What a name means among the members of models: in metrics, filters and template calls."""

from __future__ import annotations

from dataclasses import replace

from smq.expr import Call, NameUse
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import MetricValue
from smq.graph.references import RowRef, metric_time, readings
from smq.graph.symbols import Metric
from smq.text.name_index import nearest_of


def row_readings(graph: SemanticGraph, name: str, grains: frozenset[str]) -> tuple[RowRef, ...]:
    """The row values a prefixed name may mean; empty for none."""
    time = metric_time(name, grains)
    if time is not None:
        return (time,)
    return tuple(r for r in readings(graph, name, grains) if isinstance(r, RowRef))


def call_readings(graph: SemanticGraph, use: NameUse, grains: frozenset[str]) -> tuple[RowRef, ...]:
    """The row values that `{{ Dimension(…) }}`, `TimeDimension` or `Entity` may mean."""
    call = use.call
    assert call is not None
    name = "__".join((*call.entity_path, call.name))
    if call.kind == "Entity" and call.grain is None:
        return key_readings(graph, name, grains)
    if call.grain is not None:
        name = f"{name}__{call.grain}"
    return row_readings(graph, name, grains)


def metric_value(graph: SemanticGraph, call: Call, grains: frozenset[str]) -> MetricValue | None:
    """What `Metric('m', group_by=[…])` means; None unless each name is one entity or dimension."""
    by: list[RowRef] = []
    for name in call.group_by:
        found = key_readings(graph, name, grains)
        if len(found) != 1:
            return None
        by.append(found[0])
    return MetricValue(call.name, tuple(by)) if by else None


def at_own_grain(graph: SemanticGraph, ref: RowRef) -> RowRef:
    """The reference without the dimension's own grain, as the names of a query have it."""
    if ref.kind != "dimension" or ref.grain is None:
        return ref
    is_own = ref.grain == graph.index(ref.model).dimensions[ref.name].grain
    return replace(ref, grain=None) if is_own else ref


def key_readings(graph: SemanticGraph, name: str, grains: frozenset[str]) -> tuple[RowRef, ...]:
    """What a name may mean where entities are meant; their own names may hold the separator."""
    entities = _entity_readings(graph, name)
    if "__" not in name:
        return entities
    return tuple(dict.fromkeys((*row_readings(graph, name, grains), *entities)))


def _entity_readings(graph: SemanticGraph, name: str) -> tuple[RowRef, ...]:
    """The models that an entity identifies; where none does, those that have it at all."""
    owners = [m.name for m in graph.models.values() if name in graph.index(m.name).entities]
    keyed = graph.joins.keyed_by(name)
    return tuple(RowRef("entity", m, name) for m in owners if not keyed or m in keyed)


def member_ref(graph: SemanticGraph, model: str, name: str) -> RowRef | None:
    """A dimension, measure or entity of a model by its bare name, in that order."""
    index = graph.index(model)
    if name in index.dimensions:
        return RowRef("dimension", model, name)
    if name in index.measures:
        return RowRef("measure", model, name)
    return RowRef("entity", model, name) if name in index.entities else None


_FEW = 300
"""So many metrics are looked into for one suggestion."""


def metrics_about(graph: SemanticGraph, model: str) -> list[str]:
    """Metrics that may have a leaf on a model, in the order of their definition.

    All of some hundreds; of more those in the model's file and those that write its name.
    """
    metrics: list[Metric] = list(graph.metrics.values())
    if len(metrics) > _FEW:
        home = graph.models[model].name_at.uri
        metrics = [
            metric
            for metric in metrics
            if metric.name_at.uri == home or (metric.expr is not None and model in metric.expr.text)
        ]
    metrics.sort(key=lambda metric: metric.name_at)
    return [metric.name for metric in metrics[:_FEW]]


def nearest_members(graph: SemanticGraph, name: str, exclude: str = "") -> tuple[str, ...]:
    """Metrics and `model__member` names like an unknown one, best first.

    Of very many names only likely ones are compared letter by letter: this runs while somebody
    types, and every half-typed name is an unknown one.
    """
    memo = ("nearest members", name)
    found: tuple[str, ...] | None = graph.memo.get(memo)
    if found is None:
        # One more than is told, because one may be what must not be told.
        found = graph.memo[memo] = nearest_of(name, _near_members(graph, name), limit=4)
    return tuple(each for each in found if each != exclude)[:3]


def _near_members(graph: SemanticGraph, name: str) -> set[str]:
    candidates = graph.metric_names.candidates(name)
    model, separator, _ = name.rpartition("__")
    if separator:
        for near in graph.model_names.nearest(model):
            index = graph.index(near)
            candidates.update(f"{near}__{part}" for part in (*index.measures, *index.dimensions))
    else:
        candidates |= graph.member_names.candidates(name)
    return candidates

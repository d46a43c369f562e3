"""The semantic names that a cache carries: what a query may ask for where no model file is.

A metric can be grouped by the dimensions in its grouping, written as queries write them:
`model__dimension`, for a time dimension without its grain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

MemberKind = Literal["dimension", "measure", "entity"]


@dataclass(frozen=True, slots=True)
class MemberName:
    """A dimension, measure or entity of a model."""

    name: str
    kind: MemberKind
    model: str
    label: str = ""
    description: str = ""
    type: str = ""
    """The data type of a dimension, the aggregation of a measure, the kind of an entity."""
    is_time: bool = False
    grain: str = ""

    @property
    def path(self) -> str:
        return f"{self.model}__{self.name}"


@dataclass(frozen=True, slots=True)
class ModelName:
    name: str
    label: str = ""
    description: str = ""
    table: str = ""
    dimensions: tuple[MemberName, ...] = ()
    measures: tuple[MemberName, ...] = ()
    entities: tuple[MemberName, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricName:
    name: str
    label: str = ""
    description: str = ""
    type: str = ""
    grouping: int | None = None
    """Which of the groupings it has; None when the cache does not say."""


@dataclass(frozen=True, slots=True)
class SemanticNames:
    """All names of one compiled workspace; `hash` tells two states of it apart."""

    hash: str = ""
    models: tuple[ModelName, ...] = ()
    metrics: tuple[MetricName, ...] = ()
    groupings: tuple[tuple[str, ...], ...] = ()
    _metrics: dict[str, MetricName] = field(init=False, repr=False, compare=False)
    _dimensions: dict[str, MemberName] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        metrics = {metric.name: metric for metric in reversed(self.metrics)}
        dimensions = {each.path: each for model in self.models for each in model.dimensions}
        object.__setattr__(self, "_metrics", metrics)
        object.__setattr__(self, "_dimensions", dimensions)

    def __bool__(self) -> bool:
        return bool(self.models or self.metrics)

    def metric(self, name: str) -> MetricName | None:
        return self._metrics.get(name)

    def dimension(self, path: str) -> MemberName | None:
        """The dimension that a query writes as `model__dimension`, without a grain."""
        return self._dimensions.get(path)

    def groupable(self, metric: str) -> frozenset[str] | None:
        """The dimensions that a metric can be grouped by; None when the cache does not say."""
        found = self._metrics.get(metric)
        if found is None or found.grouping is None:
            return None
        if not 0 <= found.grouping < len(self.groupings):
            return None
        return frozenset(self.groupings[found.grouping])

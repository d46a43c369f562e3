"""dbt's classic semantic layer: `semantic_models` over dbt models, metrics with `type_params`.

The newer form on `models:` is told apart in `dbt_models.py`, the compiled manifest has a place
beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from smq.graph.loaders.fields import Fields
from smq.graph.loaders.metric_parts import KINDS
from smq.graph.loaders.metrics import metric_of
from smq.graph.loaders.models import model_of
from smq.graph.symbols import Input, Metric, MetricKind, Model


def is_dbt_model(fields: Fields, dimensions: Iterable[Fields]) -> bool:
    """True for a model that is written as dbt writes it, which decides what `type: time` means.

    `dimensions` are those of the model that may be written so.
    """
    if "model" in fields or "defaults" in fields:
        return True
    return any((d.text("type") or "").lower() == "categorical" for d in dimensions)


def is_dbt_metric(fields: Fields) -> bool:
    """True when `type` names the metric's kind and not its data type."""
    return "metric_type" not in fields and (fields.text("type") or "").lower() in KINDS


def read_model(fields: Fields) -> Model | None:
    """The semantic model; None when it has no name."""
    return model_of(fields, dbt=True)


def read_metric(fields: Fields, declared_with: str | None) -> Metric | None:
    """The metric; None when it has no name."""
    kind = cast(MetricKind, (fields.text("type") or "").lower())
    return metric_of(fields, kind, None, declared_with, "type")


def metrics_of_measures(model: Model) -> tuple[Metric, ...]:
    """The metrics that measures make of themselves by `create_metric: true`."""
    return tuple(
        Metric(
            measure.name,
            measure.name_at,
            label=measure.label,
            description=measure.description,
            kind="simple",
            data_type=measure.data_type,
            measure=Input(measure.name, measure.name_at),
            declared_with=model.name,
            span_at=measure.name_at,
        )
        for measure in model.measures
        if measure.create_metric
    )

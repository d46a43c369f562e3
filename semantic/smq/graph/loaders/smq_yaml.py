"""The SMQ dialect: models name their table, metrics are SQL over measures and dimensions."""

from __future__ import annotations

from smq.graph.loaders.fields import Fields
from smq.graph.loaders.metric_parts import KINDS
from smq.graph.loaders.metrics import metric_of
from smq.graph.loaders.models import model_of
from smq.graph.symbols import Metric, MetricKind, Model


def read_model(fields: Fields) -> Model | None:
    """The semantic model; None when it has no name."""
    return model_of(fields, dbt=False)


def read_metric(fields: Fields, declared_with: str | None) -> Metric | None:
    """The metric; None when it has no name. `type` is the data type of its result."""
    written = (fields.text("metric_type") or "").lower()
    kind = written if written in KINDS else _implied_kind(fields)
    return metric_of(fields, kind, fields.text("type"), declared_with, "metric_type")


def _implied_kind(fields: Fields) -> MetricKind:
    """The kind of a metric that does not name it, from what it is made of."""
    params = fields.inner("type_params")
    if params is None:
        return "simple"
    if "conversion_type_params" in params:
        return "conversion"
    if "numerator" in params or "denominator" in params:
        return "ratio"
    if "metrics" in params:
        return "derived"
    return "simple"

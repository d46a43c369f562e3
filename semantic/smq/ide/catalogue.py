"""Everything a workspace offers, for a tree beside the text: models with members, and metrics."""

from __future__ import annotations

from dataclasses import dataclass

from smq.graph.formula import expand
from smq.graph.leaves import Formula
from smq.graph.symbols import Dimension, Entity, Measure, Metric, Model, TableName
from smq.ide.index import places
from smq.ide.lineage import definition_of
from smq.workspace import Snapshot


@dataclass(frozen=True, slots=True)
class MetricEntry:
    """A metric with what a list shows of it; `uses` counts the query files that name it."""

    metric: Metric
    definition: str
    models: tuple[str, ...]
    uses: int


def models(snapshot: Snapshot) -> tuple[Model, ...]:
    """The models, in the order of their names."""
    return tuple(sorted(snapshot.graph.models.values(), key=lambda model: model.name))


def table_of(snapshot: Snapshot, model: Model) -> str | None:
    """The table that a model reads; None for one that is a query or that does not say."""
    relation = snapshot.graph.relation(model)
    return ".".join(relation.parts) if isinstance(relation, TableName) else None


def kind_of(member: Entity | Dimension | Measure) -> str | None:
    """In one word what kind of member it is: `primary`, `time` with its grain, `sum`, a type."""
    if isinstance(member, Entity):
        return member.kind
    if isinstance(member, Measure):
        return member.agg
    if member.is_time:
        return f"time, {member.grain}" if member.grain else "time"
    return member.data_type


def metric(snapshot: Snapshot, name: str) -> MetricEntry:
    """One metric. Raises KeyError for an unknown name."""
    found = snapshot.graph.metrics[name]
    formula = expand(snapshot.graph, name, snapshot.configuration.dialect)
    leaves = formula.leaves if isinstance(formula, Formula) else ()
    bases = tuple(dict.fromkeys(leaf.base for leaf in leaves))
    used = {
        location.uri
        for location, mention in places(snapshot, ("metric", name))
        if mention.role == "reference" and snapshot.document(location.uri).kind == "smq"
    }
    return MetricEntry(found, definition_of(found), bases, len(used))

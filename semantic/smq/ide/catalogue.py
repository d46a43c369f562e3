"""Everything a workspace offers, for a tree beside the text: models with members, and metrics."""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass

from smq.graph.formula import expand
from smq.graph.leaves import Formula
from smq.graph.symbols import Dimension, Entity, Measure, Metric, Model, TableName
from smq.ide.index import files_that_may_name, mentions
from smq.ide.lineage import definition_of
from smq.workspace import Snapshot

_PAGE = 500
"""Of so many metrics the files that may name them are found sooner than all files are read."""


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


def uses(snapshot: Snapshot, metrics: Collection[str]) -> Generator[None, None, dict[str, int]]:
    """For each of the metrics how many query files name it; a step for each file."""
    wanted = frozenset(metrics)
    uris = dict.fromkeys(snapshot.uris)
    if len(wanted) <= _PAGE:
        uris = {}
        for name in sorted(wanted):
            uris.update(dict.fromkeys(files_that_may_name(snapshot, name)))
            yield
    found: dict[str, int] = {}
    for uri in uris:
        if uri in snapshot and snapshot.document(uri).kind == "smq":
            named = {m.key[1] for m in mentions(snapshot, uri) if m.key[0] == "metric"}
            for name in named & wanted:
                found[name] = found.get(name, 0) + 1
            yield
    return found


def metric(snapshot: Snapshot, name: str, used: int) -> MetricEntry:
    """One metric that so many query files use. Raises KeyError for an unknown name."""
    found = snapshot.graph.metrics[name]
    formula = expand(snapshot.graph, name, snapshot.configuration.dialect)
    leaves = formula.leaves if isinstance(formula, Formula) else ()
    bases = tuple(dict.fromkeys(leaf.base for leaf in leaves))
    return MetricEntry(found, definition_of(found), bases, used)

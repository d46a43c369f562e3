"""Where a name leads: definition, declaration, type definition, implementation."""

from __future__ import annotations

from dataclasses import dataclass

from smq.graph.symbols import RefCall, SourceCall, TableName
from smq.ide.index import mention_at, places
from smq.ide.mentions import Key, Mention
from smq.text import Location, Span
from smq.workspace import Snapshot


@dataclass(frozen=True, slots=True)
class Target:
    """A place to go to: `origin` is the name that was asked, `whole` the item that defines it."""

    origin: Span
    name: Location
    whole: Location


def definitions(snapshot: Snapshot, uri: str, offset: int) -> tuple[Target, ...]:
    """The definitions of the name at an offset; several where a name is defined several times."""
    mention = mention_at(snapshot, uri, offset)
    if mention is None:
        return ()
    return tuple(
        Target(mention.span, name, whole) for name, whole in _defined(snapshot, mention.key)
    )


def type_definitions(snapshot: Snapshot, uri: str, offset: int) -> tuple[Target, ...]:
    """One level up: the model of a dimension or measure, the base models of a metric."""
    mention = mention_at(snapshot, uri, offset)
    if mention is None:
        return ()
    keys: list[Key] = []
    if mention.key[0] in ("dimension", "measure", "column"):
        keys = [("model", mention.key[1])]
    elif mention.key[0] == "metric":
        keys = [("model", base) for base in bases_of(snapshot, mention.key[1])]
    return tuple(
        Target(mention.span, name, whole) for key in keys for name, whole in _defined(snapshot, key)
    )


def implementations(snapshot: Snapshot, uri: str, offset: int) -> tuple[Target, ...]:
    """One level down: what a metric is made of, the columns' model and table of a model."""
    mention = mention_at(snapshot, uri, offset)
    if mention is None:
        return ()
    keys: list[Key] = []
    if mention.key[0] == "metric":
        keys = list(made_of(snapshot, mention.key[1]))
    elif mention.key[0] == "model":
        keys = _tables(snapshot, mention.key[1])
    elif mention.key[0] == "entity":
        keys = [mention.key]
    found = [
        Target(mention.span, name, whole) for key in keys for name, whole in _defined(snapshot, key)
    ]
    return tuple(dict.fromkeys(found))


def bases_of(snapshot: Snapshot, metric: str) -> tuple[str, ...]:
    """The models whose rows a metric counts; empty when its definition is broken."""
    from smq.graph.formula import expand
    from smq.graph.leaves import Formula

    if metric not in snapshot.graph.metrics:
        return ()
    formula = expand(snapshot.graph, metric, snapshot.configuration.dialect)
    if not isinstance(formula, Formula):
        return ()
    return tuple(dict.fromkeys(leaf.base for leaf in formula.leaves))


def made_of(snapshot: Snapshot, metric: str) -> tuple[Key, ...]:
    """What a metric's definition names: other metrics, measures, dimensions."""
    from smq.ide.index import mentions

    symbol = snapshot.graph.metrics.get(metric)
    if symbol is None or symbol.span_at is None:
        return ()
    uri, whole = symbol.span_at
    found = [
        mention.key
        for mention in mentions(snapshot, uri)
        if whole.covers(mention.span)
        and mention.role == "reference"
        and mention.key[0] in ("metric", "measure", "dimension", "entity")
    ]
    return tuple(dict.fromkeys(found))


def _tables(snapshot: Snapshot, model: str) -> list[Key]:
    symbol = snapshot.graph.models.get(model)
    match symbol.relation if symbol else None:
        case SourceCall(source, table):
            return [("table", source, table)]
        case RefCall(name):
            return [("ref", name)]
        case TableName():
            return []
    return []


def _defined(snapshot: Snapshot, key: Key) -> list[tuple[Location, Location]]:
    graph = snapshot.graph
    if key[0] in ("metric", "model"):
        name = key[1]
        known = graph.metrics if key[0] == "metric" else graph.models
        symbols = graph.duplicates.get(f"{key[0]}:{name}") or (
            (known[name],) if name in known else ()
        )
        return [(s.name_at, getattr(s, "span_at", None) or s.name_at) for s in symbols]
    found = [
        (location, location) for location, mention in places(snapshot, key) if _defines(mention)
    ]
    if not found and key[0] == "entity":
        # A foreign entity that no model keys: every model that has it is as good as another.
        found = [(location, location) for location, m in places(snapshot, key) if not m.in_sql]
    return found


def _defines(mention: Mention) -> bool:
    return mention.role == "definition"

"""A query's SQL beside the query: each part of it with the names and lines it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from smq.graph.formula import expand
from smq.graph.leaves import Formula
from smq.graph.symbols import Dimension, Entity, Measure, Model
from smq.ide.index import mentions
from smq.ide.mentions import Mention
from smq.query.written import Item, WrittenQuery
from smq.sql.compile import CompileOptions, compile_query
from smq.sql.result import Compiled, CompiledQuery
from smq.sql.source_map import Part, Source, source_map
from smq.text import Location, Span
from smq.workspace import Snapshot

TargetKind = Literal["query", "metric", "measure", "dimension", "entity", "model", "filter"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a part of the SQL is written: in the query (`kind` is `query`) or in a model file."""

    location: Location
    kind: TargetKind
    label: str


@dataclass(frozen=True, slots=True)
class Link:
    """A stretch of the SQL and its targets, the nearest cause first; links nest."""

    span: Span
    targets: tuple[Target, ...]


def traced(
    snapshot: Snapshot, query: WrittenQuery, dialect: str | None = None, distribute: bool = False
) -> Compiled:
    """The query compiled so that `links` can follow it."""
    own = snapshot.configuration.dialect
    options = CompileOptions(dialect or own, own, distribute=distribute, trace=True)
    return compile_query(query, snapshot.graph, options)


def links(snapshot: Snapshot, query: WrittenQuery, compiled: CompiledQuery) -> tuple[Link, ...]:
    """The links of one statement that `traced` gave, in the order of its text."""
    resolver = _Resolver(snapshot, query)
    found: list[Link] = []
    around: list[tuple[Part, Item | None]] = []
    for part in source_map(compiled):
        while around and not around[-1][0].span.covers(part.span):
            around.pop()
        item = around[-1][1] if around else None
        for source in part.sources:
            if source[0] == "item":
                item = resolver.items.get(str(source[1]), item)
        around.append((part, item))
        targets = dict.fromkeys(
            target for source in part.sources for target in resolver.targets(source, item)
        )
        if targets:
            found.append(Link(part.span, tuple(targets)))
    return tuple(found)


class _Resolver:
    """Sources of one query to places."""

    def __init__(self, snapshot: Snapshot, query: WrittenQuery) -> None:
        self.snapshot = snapshot
        self.query = query
        lists = (query.metrics, query.group_by, query.filters, query.order_by, query.joins)
        self.items = {item.path: item for items in lists for item in items}
        self.mentions = mentions(snapshot, query.uri)

    def targets(self, source: Source, item: Item | None) -> Iterator[Target]:
        graph = self.snapshot.graph
        kind, *names = (str(part) for part in source)
        match kind:
            case "item" if item is not None:
                yield Target(item.location, "query", item.text)
            case "leaf":
                yield from self._leaf(names[0], item)
            case "dimension" | "measure" | "entity" if names[0] in graph.models:
                index = graph.index(names[0])
                member: Dimension | Measure | Entity | None = (
                    index.dimensions.get(names[1])
                    if kind == "dimension"
                    else index.measures.get(names[1])
                    if kind == "measure"
                    else index.entities.get(names[1])
                )
                if member is not None:
                    yield from self._tokens(item, (kind, names[0], names[1]))
                    yield from self._member(kind, index.model, member)
            case "model" if names[0] in graph.models:
                model = graph.models[names[0]]
                yield from self._tokens(item, ("model", model.name))
                yield Target(model.relation_at or model.name_at, "model", model.name)
            case "join":
                yield from self._join(*names)
            case "place":
                uri, start, end = names
                place = Location(uri, Span(int(start), int(end)))
                if uri in self.snapshot:
                    yield Target(place, "filter", place.span.cut(self._text(uri)))

    def _text(self, uri: str) -> str:
        return self.snapshot.document(uri).text

    def _member(
        self, kind: str, model: Model, member: Dimension | Measure | Entity
    ) -> Iterator[Target]:
        label = f"{model.name}__{member.name}"
        place = member.expr.location if member.expr is not None else member.name_at
        match kind:
            case "dimension":
                yield Target(place, "dimension", label)
            case "measure":
                yield Target(place, "measure", label)
            case _:
                yield Target(place, "entity", label)

    def _join(self, left: str, right: str, *entities: str) -> Iterator[Target]:
        for model in (left, right):
            if model not in self.snapshot.graph.models:
                continue
            index = self.snapshot.graph.index(model)
            for name in entities:
                entity = index.entities.get(name)
                if entity is not None:
                    yield Target(entity.name_at, "entity", f"{model}__{name}")

    def _leaf(self, key: str, item: Item | None) -> Iterator[Target]:
        """The metrics through which the query asks for an aggregate: its token, then each one."""
        items = [item] if item is not None else list(self.items.values())
        for each in items:
            for mention in self._inside(each):
                if mention.key[0] == "metric" and self._uses(mention.key[1], key):
                    yield Target(Location(each.uri, mention.span), "query", mention.key[1])
                    yield from self._metrics(mention.key[1], key, set())

    def _metrics(self, name: str, key: str, seen: set[str]) -> Iterator[Target]:
        """A metric and the metrics in its definition that have the leaf, from the outside in."""
        if name in seen:
            return
        seen.add(name)
        metric = self.snapshot.graph.metrics[name]
        whole = metric.span_at or metric.name_at
        place = metric.expr.location if metric.expr is not None else metric.name_at
        yield Target(place, "metric", name)
        if whole.uri not in self.snapshot:
            return
        for mention in mentions(self.snapshot, whole.uri):
            inner = mention.key[1] if mention.key[0] == "metric" else name
            if whole.span.covers(mention.span) and inner != name and self._uses(inner, key):
                yield from self._metrics(inner, key, seen)

    def _uses(self, metric: str, key: str) -> bool:
        if metric not in self.snapshot.graph.metrics:
            return False
        formula = expand(self.snapshot.graph, metric, self.snapshot.configuration.dialect)
        # A filter of the metric around makes another leaf of the inner one's.
        return isinstance(formula, Formula) and any(
            key == leaf.key or key.startswith(f"{leaf.key}|where ") for leaf in formula.leaves
        )

    def _tokens(self, item: Item | None, key: tuple[str, ...]) -> Iterator[Target]:
        for mention in self._inside(item) if item is not None else ():
            if mention.key == key:
                text = mention.span.cut(self._text(self.query.uri))
                yield Target(Location(self.query.uri, mention.span), "query", text)

    def _inside(self, item: Item) -> Iterator[Mention]:
        for mention in self.mentions:
            if item.node.span.covers(mention.span):
                yield mention

"""What every metric of one query can reach, and why not: completion's view of the join graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from smq.expr import parse_expression
from smq.graph.aggregates import measure_leaf
from smq.graph.formula import expand
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import Formula
from smq.graph.members import row_readings
from smq.graph.references import METRIC_TIME, RowRef, all_grains
from smq.query.written import Item, WrittenQuery
from smq.text import nfc


@dataclass(frozen=True, slots=True)
class Route:
    """How far a model is from the query's metrics; `why_not` when it cannot be used."""

    distance: int = 0
    path: str = ""
    why_not: str = ""
    entities: tuple[str, ...] = ()
    """For an ambiguous model, the entities that tell its paths apart."""


@dataclass(frozen=True, slots=True)
class Base:
    """One model whose rows a metric counts, and what `metric_time` means for it."""

    metric: str
    model: str
    time: RowRef | None


class Reachable:
    """The bases of a query's metrics, and routes from all of them to a model."""

    def __init__(self, graph: SemanticGraph, dialect: str, query: WrittenQuery | None) -> None:
        self.graph = graph
        self.dialect = dialect
        self.query = query
        self.metrics = self._metrics()
        self.bases = (
            *(base for metric in self.metrics for base in bases_of(graph, metric, dialect)),
            *self._measures(),
        )
        self.joined = self._joined()
        self._wanted = self._row_names()
        self._routes: dict[str, Route] = {}

    def route(self, model: str) -> Route:
        """From every base of the query to a model; a query without metrics reaches everything."""
        found = self._routes.get(model)
        if found is None:
            found = self._routes[model] = self._route(model)
        return found

    def has_route_by(self, model: str, entity: str) -> bool:
        """Whether an entity path is the one way from every base."""
        return all(len(self.graph.paths(b.model, model, (entity,))) == 1 for b in self.bases)

    @property
    def near(self) -> tuple[str, ...]:
        """The models that some base reaches, nearest first; all models for no base at all."""
        if not self.bases:
            return tuple(self.graph.models)
        found: dict[str, int] = {}
        for base in self.bases:
            for model, distance in self.graph.joins.distances(base.model).items():
                found[model] = max(distance, found.get(model, 0))
        return tuple(sorted(found, key=lambda model: found[model]))

    @property
    def has_metric_time(self) -> bool:
        times = {base.time for base in self.bases}
        # Rows that are joined in writing are the same for all metrics, so is their time.
        several = self.joined is not None and len(times) > 1
        return bool(times) and None not in times and not several

    def obstacle(self, metric: str) -> str:
        """What of the query's groups and row filters a further metric could not reach."""
        wanted = self._wanted
        if not wanted:
            return ""
        for base in bases_of(self.graph, metric, self.dialect):
            for ref in wanted:
                if ref.kind == "metric_time":
                    if base.time is None:
                        return f"has no time of its own for {METRIC_TIME}"
                elif self.joined is not None:
                    if base.model not in self.joined:
                        return f"{base.model} is not in the written joins"
                elif len(self.graph.paths(base.model, ref.model, ref.via)) != 1:
                    return f"cannot be grouped or filtered by {ref.written}"
        return ""

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(item.text for item in self.query.group_by) if self.query else ()

    def _metrics(self) -> tuple[str, ...]:
        """Every metric that the query names: in its items, its filters and its order."""
        found: dict[str, None] = {}
        query = self.query
        for items in (query.metrics, query.filters, query.order_by) if query else ():
            for item in items:
                text = item.text.lstrip("-") if item.key == "orderBy" else item.text
                for name in _names(text, self.dialect):
                    if name in self.graph.metrics:
                        found[name] = None
        return tuple(found)

    def _measures(self) -> Iterator[Base]:
        """The bases of measures that windows aggregate."""
        query = self.query
        grains = all_grains(self.graph)
        for items in (query.metrics, query.filters, query.order_by) if query else ():
            for item in items:
                template = parse_expression(item.text.lstrip("-"), self.dialect)
                for use in template.uses if template.has_window else ():
                    if use.name in self.graph.metrics:
                        continue
                    found = row_readings(self.graph, use.name, grains)
                    if not found and "__" not in use.name:
                        found = tuple(
                            RowRef("measure", model, use.name)
                            for model in self.graph.models_with(use.name)
                            if use.name in self.graph.index(model).measures
                        )
                    for ref in found:
                        if ref.kind == "measure":
                            leaf = measure_leaf(self.graph, ref.model, ref.name)
                            yield Base(use.name, ref.model, leaf.time if leaf else None)

    def _row_names(self) -> tuple[RowRef, ...]:
        """What the query groups and filters by, as far as it is clear."""
        grains = all_grains(self.graph)
        found: dict[RowRef, None] = {}
        query = self.query
        items: Iterable[Item] = (*query.group_by, *query.filters) if query else ()
        for item in items:
            for name in _names(item.text, self.dialect):
                readings = row_readings(self.graph, name, grains)
                if len(readings) == 1 and name not in self.graph.metrics:
                    found[readings[0]] = None
        return tuple(found)

    def _joined(self) -> frozenset[str] | None:
        """The models of a written FROM clause; None when joins are automatic."""
        if self.query is None or not self.query.joins:
            return None
        words: set[str] = set()
        for item in self.query.joins:
            for word in item.text.replace(",", " ").replace("(", " ").split():
                words.add(nfc(word.strip('`"')))
        return frozenset(words & set(self.graph.models))

    def _route(self, model: str) -> Route:
        if self.joined is not None:
            if model in self.joined:
                return Route()
            return Route(why_not="not in the written joins")
        distance, path = 0, ""
        for base in self.bases:
            paths = self.graph.paths(base.model, model)
            if not paths:
                back = base.model in self.graph.joins.distances(model)
                why = "would count rows several times" if back else "no to-one path"
                return Route(90, "", f"not for {base.metric}: {why} from {base.model}")
            if len(paths) > 1:
                entities = dict.fromkeys(p[-1].entities[0] for p in paths if p)
                words = " or ".join(f"by {entity}" for entity in entities)
                why = f"ambiguous: {len(paths)} paths from {base.model}, {words}"
                return Route(80, "", why, tuple(entities))
            if len(paths[0]) >= distance and paths[0]:
                distance = len(paths[0])
                path = " → ".join((base.model, *(edge.right for edge in paths[0])))
        return Route(distance, path)


def bases_of(graph: SemanticGraph, metric: str, dialect: str) -> tuple[Base, ...]:
    """The models whose rows a metric counts; empty when its definition is broken."""
    known: dict[str, tuple[Base, ...]] = graph.memo.setdefault(("bases", dialect), {})
    found = known.get(metric)
    if found is None:
        formula = expand(graph, metric, dialect)
        leaves = formula.leaves if isinstance(formula, Formula) else ()
        found = tuple(dict.fromkeys(Base(metric, leaf.base, leaf.time) for leaf in leaves))
        known[metric] = found
    return found


def _names(text: str, dialect: str) -> tuple[str, ...]:
    """The names of an item; of one that does not parse, nothing."""
    name = nfc(text.strip())
    if name and all(char.isalnum() or char == "_" for char in name):
        return (name,)
    return tuple(use.name for use in parse_expression(name, dialect).uses)

"""What every metric of one query can reach, and why not: completion's view of the join graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smq.expr import parse_expression
from smq.graph.aggregates import measure_leaf
from smq.graph.formula import expand, ungrouped
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import Formula, LateName, Leaf
from smq.graph.members import at_own_grain, key_readings, row_readings
from smq.graph.references import METRIC_TIME, RowRef, all_grains
from smq.graph.symbols import GRAINS
from smq.plan.build import own_grain
from smq.plan.reach import needs
from smq.query.bind import bind
from smq.query.written import WrittenQuery
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
        self._known = bind(query, graph, dialect).known if query is not None else None
        self.joined = self._joined()
        wanted = needs(self._known) if self._known is not None else ()
        self._wanted = tuple(dict.fromkeys(need.ref for need in wanted))
        self._routes: dict[str, Route] = {}
        self._in_the_way: dict[tuple[str, RowRef | None], str] = {}

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

    @property
    def has_needs(self) -> bool:
        """Whether the query asks something of the rows of every further metric."""
        return bool(self._wanted) or self.joined is not None

    def obstacle(self, metric: str) -> str:
        """Why a further metric could not be computed in this query; empty when it can."""
        formula = expand(self.graph, metric, self.dialect)
        if not isinstance(formula, Formula):
            return "its definition has a mistake"
        for leaf in formula.leaves:
            why = self._cannot_reach(leaf)
            if why:
                return why
        for slot in formula.slots:
            if isinstance(slot, LateName) and self._groups_named(slot.name) != 1:
                return f"its window needs {slot.name} in groupBy"
            if isinstance(slot, RowRef) and not self._has_group(slot):
                return f"its window needs {slot.written} in groupBy"
        return ""

    def obstacle_for_each(self, metric: str, by: tuple[str, ...]) -> str:
        """Why `Metric('…', group_by=[…])` could not be computed; empty when it can, and where it
        is not known what it is grouped by. It has nothing of the query around it."""
        formula = expand(self.graph, metric, self.dialect)
        if not isinstance(formula, Formula):
            return "its definition has a mistake"
        found = [key_readings(self.graph, name, all_grains(self.graph)) for name in by]
        groups = {name: refs[0] for name, refs in zip(by, found, strict=True) if len(refs) == 1}
        loose = ungrouped(formula, groups.values()) if len(groups) == len(by) else None
        if loose is not None:
            return f"its window needs {loose} in group_by"
        alone = Reachable(self.graph, self.dialect, None)
        for leaf in formula.leaves:
            fault = alone._fault(leaf)
            if fault:
                return fault
            for name, ref in groups.items():
                way = alone._way(leaf.base, leaf.time, ref)
                if way:
                    return f"cannot be grouped by {name}: {way}"
        return ""

    def measure_obstacle(self, model: str, measure: str) -> str:
        """Why a window could not aggregate a measure in this query; empty when it can."""
        leaf = measure_leaf(self.graph, model, measure)
        if leaf is None:
            return "has no agg that says how a window gets its value"
        return self._cannot_reach(leaf)

    def unreached(self, ref: RowRef) -> str:
        """Which metric of the query has no single value of a reference, and why; empty if none."""
        if ref.kind == "metric_time" and self.joined is not None and not self.has_metric_time:
            return f"not one time for all metrics of the query: {METRIC_TIME} means several"
        if self._is_joined_twice(ref.model):
            return "joined several times: write the name that the join gives it"
        for base in self.bases:
            way = self._way(base.model, base.time, ref)
            if way:
                return f"not for {base.metric}: {way}"
        if self.joined is not None and ref.model and ref.model not in self.joined:
            return "not in the written joins"
        return ""

    def is_windowed(self, metric: str) -> bool:
        """Whether a metric is a window already, over which no other can be computed."""
        if metric not in self.graph.metrics:
            return False
        formula = expand(self.graph, metric, self.dialect)
        return isinstance(formula, Formula) and formula.windowed

    def is_grouped(self, name: str) -> bool:
        """Whether the query groups by what a name means, so that its result has the value."""
        groups = self._known.groups if self._known is not None else ()
        # Very many names are asked for, and what most of them mean need not be looked up.
        if not any(group.ref.name in name for group in groups):
            return False
        found = row_readings(self.graph, name, all_grains(self.graph))
        return len(found) == 1 and self._has_group(found[0])

    @property
    def windowed_aliases(self) -> frozenset[str]:
        """The query's own names for what is a window."""
        outputs = self._known.outputs if self._known is not None else ()
        return frozenset(output.name for output in outputs if output.expression.windowed)

    def _groups_named(self, name: str) -> int:
        groups = self._known.groups if self._known is not None else ()
        return sum(group.ref.name == name for group in groups)

    def _has_group(self, ref: RowRef) -> bool:
        """As the binder sees it: the very group, or the one that only the way there tells apart."""
        groups = [group.ref for group in self._known.groups] if self._known is not None else []
        ref = at_own_grain(self.graph, ref)
        same = (ref.kind, ref.model, ref.name, ref.grain)
        loose = [
            own
            for own in groups
            if (own.kind, own.model, own.name, own.grain) == same and not (own.via and ref.via)
        ]
        return ref in groups or len(loose) == 1

    def _cannot_reach(self, leaf: Leaf) -> str:
        fault = self._fault(leaf)
        if fault:
            return fault
        rows = leaf.base, leaf.time
        known = self._in_the_way.get(rows)
        if known is None:
            known = self._in_the_way[rows] = self._obstacle_of(*rows)
        return known

    def _fault(self, leaf: Leaf) -> str:
        """Why a leaf cannot be computed in any query."""
        for ref in leaf.refs:
            way = self._own_way(leaf, ref)
            if way:
                return way
        for condition in leaf.filters:
            for ref in condition.outer:
                way = self._own_way(leaf, ref)
                if way:
                    return way
            for value in condition.metric_values:
                formula = expand(self.graph, value.metric, self.dialect)
                for inner in formula.leaves if isinstance(formula, Formula) else ():
                    # What a metric is for each entity is computed by itself, without the clause.
                    ways = (_automatic(self.graph, inner.base, ref) for ref in value.by)
                    why = next((way for way in ways if way), "") or self._fault(inner)
                    if why:
                        return f"needs {value.metric}: {why}"
        return ""

    def _own_way(self, leaf: Leaf, ref: RowRef) -> str:
        if ref.model == leaf.base and not ref.via:
            return ""
        way = self._way(leaf.base, leaf.time, ref)
        return f"needs {ref.written}: {way}" if way else ""

    def _obstacle_of(self, base: str, time: RowRef | None) -> str:
        """What of the query's groups and row filters the rows of a model could not reach."""
        if self.joined is not None and base not in self.joined:
            return f"{base} is not in the written joins"
        if self._is_joined_twice(base):
            return f"{base} is joined several times"
        for ref in self._wanted:
            way = self._way(base, time, ref)
            if way and ref.kind == "metric_time":
                return way
            if way:
                return f"cannot be grouped or filtered by {ref.written}"
        return ""

    def _way(self, base: str, time: RowRef | None, ref: RowRef) -> str:
        """Why the rows of a model have no single value of a reference; empty when they have."""
        if ref.kind == "metric_time":
            if time is None:
                return f"has no time of its own for {METRIC_TIME}"
            own = own_grain(self.graph, time)
            if own is None or ref.grain not in GRAINS:
                return ""
            is_finer = GRAINS.index(ref.grain) < GRAINS.index(own)
            return f"has its time by {own}, not by {ref.grain}" if is_finer else ""
        if self.joined is not None:
            return "" if ref.model in self.joined else f"{ref.model} is not in the written joins"
        return _automatic(self.graph, base, ref)

    def _is_joined_twice(self, model: str) -> bool:
        """Whether a written clause has a model several times, and only under other names."""
        clause = self._known.joins if self._known is not None else None
        if clause is None:
            return False
        aliases = [each.alias for each in clause.instances if each.model == model]
        return len(aliases) > 1 and model not in aliases

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

    def _joined(self) -> frozenset[str] | None:
        """The models of a written FROM clause; None when joins are automatic."""
        if self.query is None or not self.query.joins:
            return None
        if self._known is not None and self._known.joins is not None:
            return frozenset(each.model for each in self._known.joins.instances)
        words: set[str] = set()
        for item in self.query.joins:
            for word in item.text.replace(",", " ").replace("(", " ").split():
                words.add(nfc(word.strip('`"')))
        return frozenset(words & set(self.graph.models))

    def _route(self, model: str) -> Route:
        if self.joined is not None:
            if self._is_joined_twice(model):
                return Route(why_not="joined several times: write the name that the join gives it")
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


def _automatic(graph: SemanticGraph, base: str, ref: RowRef) -> str:
    """Why automatic joins do not lead to one value of a reference; empty when they do."""
    paths = graph.paths(base, ref.model, ref.via)
    if len(paths) == 1:
        return ""
    return f"{len(paths)} paths from {base}" if paths else f"no to-one path from {base}"


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

"""From a written name in a query to what it means, or to the problem that says why not.

Wrong name, no such member, two readings: each has its own code and marks only the bad segment.
"""

from __future__ import annotations

from collections.abc import Callable

from smq.graph.formula import member_ref
from smq.graph.graph import SemanticGraph
from smq.graph.references import (
    METRIC_TIME,
    PrefixedMetric,
    RowRef,
    all_grains,
    metric_time,
    readings,
    splits,
)
from smq.graph.symbols import GRAINS
from smq.problem import Problem, Related
from smq.text import Location, nearest

Place = Callable[[int, int], Location]
"""Where a range of the name stands in the file."""


class Failure(Exception):
    """A name that means nothing here; never leaves the binder."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Names:
    """Name resolution for one query; `scope` are the models the query surely touches."""

    def __init__(self, graph: SemanticGraph) -> None:
        self.graph = graph
        self.grains = all_grains(graph)
        self.scope: dict[str, None] = {}
        self.instances: dict[str, str] = {}
        """Alias to model, when the query writes its own FROM clause."""

    def touch(self, *models: str) -> None:
        for model in models:
            if model:
                self.scope[model] = None

    # Row values.

    def row(self, name: str, place: Place) -> RowRef:
        """The row value that a prefixed name means. Raises Failure."""
        time = metric_time(name, self.grains)
        if time is not None:
            return time
        aliased = self._instance_member(name)
        if aliased is not None:
            return self.checked(aliased, name, place)
        found = readings(self.graph, name, self.grains)
        refs = [reading for reading in found if isinstance(reading, RowRef)]
        if len(refs) > 1:
            args = {"name": name, "readings": tuple(self.explain(ref) for ref in refs)}
            raise Failure(Problem("NAM115", place(0, len(name)), args, self._related(refs)))
        if refs:
            return self.checked(self._bound_to_instance(refs[0], place, name), name, place)
        raise Failure(self.unknown(name, place, found))

    def member(self, ref: RowRef) -> str:
        """What a reference names: a dimension, measure or entity, for messages."""
        return ref.kind

    def bare(self, name: str) -> tuple[RowRef, ...]:
        """The members of this name in the models of the query, else in any model."""
        owners = self.graph.models_with(name)
        inside = [model for model in owners if model in self.scope]
        found = [member_ref(self.graph, model, name) for model in inside]
        return tuple(ref for ref in found if ref is not None)

    def elsewhere(self, name: str) -> tuple[RowRef, ...]:
        found = [member_ref(self.graph, model, name) for model in self.graph.models_with(name)]
        return tuple(ref for ref in found if ref is not None)

    def checked(self, ref: RowRef, name: str, place: Place) -> RowRef:
        """The reference with a grain that its dimension can have. Raises Failure."""
        if ref.kind != "dimension" or ref.grain is None:
            return ref
        dimension = self.graph.index(ref.model).dimensions[ref.name]
        if dimension.grain is None or ref.grain not in GRAINS:
            return ref
        own = GRAINS.index(dimension.grain)
        if GRAINS.index(ref.grain) < own:  # type: ignore[arg-type]  # checked just above
            at = len(name) - len(ref.grain)
            args = {
                "name": name,
                "grain": ref.grain,
                "own": dimension.grain,
                "grains": GRAINS[own:],
            }
            related = (Related(dimension.name_at, f"declared with granularity {dimension.grain}"),)
            raise Failure(Problem("NAM118", place(at, len(name)), args, related))
        if ref.grain == dimension.grain:
            return RowRef(ref.kind, ref.model, ref.name, None, ref.via, ref.instance)
        return ref

    def explain(self, ref: RowRef) -> str:
        """One reading in words that tell it from another."""
        if ref.kind == "metric_time":
            return METRIC_TIME
        text = f"{ref.kind} {ref.name} of {ref.model}"
        if ref.via:
            text += f" through {' → '.join(ref.via)}"
        return f"{text} by {ref.grain}" if ref.grain else text

    def definition(self, ref: RowRef) -> Location | None:
        if ref.kind == "metric_time" or ref.model not in self.graph.models:
            return None
        index = self.graph.index(ref.model)
        symbol = (
            index.dimensions.get(ref.name)
            if ref.kind == "dimension"
            else index.measures.get(ref.name)
            if ref.kind == "measure"
            else index.entities.get(ref.name)
        )
        return symbol.name_at if symbol else None

    # Written FROM clauses.

    def _instance_member(self, name: str) -> RowRef | None:
        """`x__col` where x is an alias of the FROM clause that is no model's name."""
        for left, right in splits(name):
            model = self.instances.get(left)
            if model is None or left == model:
                continue
            for candidate in readings(self.graph, f"{model}__{right}", self.grains):
                if isinstance(candidate, RowRef) and candidate.model == model:
                    return RowRef(candidate.kind, model, candidate.name, candidate.grain, (), left)
        return None

    def _bound_to_instance(self, ref: RowRef, place: Place, name: str) -> RowRef:
        if not self.instances or ref.instance:
            return ref
        aliases = [alias for alias, model in self.instances.items() if model == ref.model]
        if len(aliases) == 1 or ref.model in aliases:
            alias = ref.model if ref.model in aliases else aliases[0]
            return RowRef(ref.kind, ref.model, ref.name, ref.grain, (), alias)
        if not aliases:
            return ref
        args = {"name": name, "model": ref.model, "aliases": tuple(aliases)}
        raise Failure(Problem("JOI114", place(0, len(name)), args))

    # What a name that means nothing was probably meant to be.

    def unknown(self, name: str, place: Place, found: tuple[object, ...] = ()) -> Problem:
        """The most precise problem for a name with a prefix that has no reading."""
        for reading in found:
            if isinstance(reading, PrefixedMetric):
                args = {"name": name, "metric": reading.metric, "model": reading.model}
                return Problem("NAM106", place(0, len(name)), args)
        for left, right in splits(name):
            if left in self.graph.models:
                return self._unknown_member(left, right, name, place)
        if name.startswith(METRIC_TIME + "__"):
            grain = name[len(METRIC_TIME) + 2 :]
            args = {"name": name, "grain": grain, "nearest": nearest(grain, sorted(self.grains))}
            return Problem("NAM117", place(len(METRIC_TIME) + 2, len(name)), args)
        left, _, right = name.partition("__")
        models = tuple(self.graph.models)
        if not right:
            args2: dict[str, object] = {"name": name, "nearest": self.near(name)}
            return Problem("NAM120", place(0, len(name)), args2)
        owners = self.graph.models_with(right)
        near = tuple(dict.fromkeys((*nearest(left, models), *owners)))[:3]
        args3 = {"name": name, "model": left, "nearest": near, "member": right}
        return Problem("NAM110", place(0, len(left)), args3)

    def _unknown_member(self, model: str, rest: str, name: str, place: Place) -> Problem:
        index = self.graph.index(model)
        at = len(name) - len(rest)
        for left, right in splits(rest):
            dimension = index.dimensions.get(left)
            if dimension is None:
                continue
            start = at + len(left) + 2
            if right.lower() in self.grains:
                related = (Related(dimension.name_at, "declared here"),)
                args = {"name": name, "dimension": left, "grain": right}
                return Problem("NAM119", place(at + len(left), len(name)), args, related)
            if dimension.is_time:
                near = nearest(right.lower(), sorted(self.grains))
                args2 = {"name": name, "dimension": left, "grain": right, "nearest": near}
                return Problem("NAM117", place(start, len(name)), args2)
        candidates = (*index.dimensions, *index.entities, *index.measures)
        args3 = {
            "name": name,
            "model": model,
            "member": rest,
            "nearest": nearest(rest, candidates),
            "elsewhere": tuple(f"{m}__{rest}" for m in self.graph.models_with(rest)[:3]),
        }
        related = (Related(self.graph.models[model].name_at, "the model"),)
        return Problem("NAM111", place(at, len(name)), args3, related)

    def near(self, name: str) -> tuple[str, ...]:
        """Metrics and members whose names are like this one."""
        candidates: dict[str, None] = dict.fromkeys(self.graph.metrics)
        for model in self.scope:
            if model in self.graph.models:
                for part in self.graph.models[model].dimensions:
                    candidates[f"{model}__{part.name}"] = None
        return nearest(name, candidates)

    def _related(self, refs: list[RowRef]) -> tuple[Related, ...]:
        places = ((self.definition(ref), self.explain(ref)) for ref in refs)
        return tuple(Related(place, note) for place, note in places if place is not None)

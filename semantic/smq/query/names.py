"""From a written name in a query to what it means, or to the problem that says why not.

Wrong name, no such member, two readings: each has its own code and marks only the bad segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from smq.graph.graph import ModelIndex, SemanticGraph
from smq.graph.members import member_ref
from smq.graph.references import (
    METRIC_TIME,
    PrefixedMetric,
    RowRef,
    all_grains,
    keyed_by,
    metric_time,
    readings,
    splits,
)
from smq.graph.symbols import GRAINS, Dimension, Measure, TableName
from smq.problem import Problem, Related
from smq.text import Location, nearest
from smq.text.name_index import nearest_of

Use = TypeVar("Use")
Meaning = TypeVar("Meaning")

Place = Callable[[int, int], Location]
"""Where a range of the name stands in the file."""


class Failure(Exception):
    """A name or an item that means nothing here; never leaves the binder.

    Without problems it rests on a mistake that is said elsewhere and needs no second word.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*(problem.code for problem in problems))
        self.problems = problems


def each(uses: Iterable[Use], meaning: Callable[[Use], Meaning]) -> list[Meaning]:
    """The meaning of every use. Raises one Failure with the problems of all that have none."""
    found: list[Meaning] = []
    problems: list[Problem] = []
    failed = False
    for use in uses:
        try:
            found.append(meaning(use))
        except Failure as failure:
            failed = True
            problems.extend(failure.problems)
    if failed:
        raise Failure(*problems)
    return found


class Names:
    """Name resolution for one query; `scope` are the models the query surely touches."""

    def __init__(self, graph: SemanticGraph) -> None:
        self.graph = graph
        self.grains = all_grains(graph)
        self.scope: dict[str, None] = {}
        self.instances: dict[str, str] = {}
        """Alias to model, when the query writes its own FROM clause."""
        self.clause_is_broken = False
        """The written FROM clause has a mistake, so that not all of its aliases are known."""

    def touch(self, *models: str) -> None:
        for model in models:
            if model:
                self.scope[model] = None

    # Row values.

    def row(self, name: str, place: Place, measures: bool = True) -> RowRef:
        """The row value that a prefixed name means. Raises Failure.

        Without `measures` none is suggested, because the place takes dimensions only.
        """
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
            return self.checked(self.bound_to_instance(refs[0], place, name), name, place)
        raise Failure(self.unknown(name, place, found, measures))

    def bare(self, name: str) -> tuple[RowRef, ...]:
        """The members of this name in the models of the query, else in any model."""
        owners = self.graph.models_with(name)
        inside = [model for model in owners if model in self.scope]
        found = [member_ref(self.graph, model, name) for model in inside]
        return tuple(ref for ref in found if ref is not None)

    def elsewhere(self, name: str) -> tuple[RowRef, ...]:
        """The members of this name in all models."""
        found = [member_ref(self.graph, model, name) for model in self.graph.models_with(name)]
        return tuple(ref for ref in found if ref is not None)

    def bare_readings(self, name: str) -> tuple[RowRef, ...]:
        """What a name without a model may mean, by the models of the query if any has it.

        A bare name may hold the separator: in its own name, or before a grain.
        """
        return self.bare(name) or self.elsewhere(name) or self.bare_times(name)

    def bare_times(self, name: str) -> tuple[RowRef, ...]:
        """`order_date__month`: the time dimensions of that name, of the query's models if any."""
        found: list[RowRef] = []
        for left, right in splits(name):
            if right.lower() not in self.grains:
                continue
            for model in self.graph.models_with(left):
                dimension = self.graph.index(model).dimensions.get(left)
                if dimension is not None and dimension.is_time:
                    found.append(RowRef("dimension", model, left, right.lower()))
        inside = tuple(ref for ref in found if ref.model in self.scope)
        return inside or tuple(found)

    def checked(self, ref: RowRef, name: str, place: Place) -> RowRef:
        """The reference with a grain that its dimension can have. Raises Failure."""
        if ref.kind != "dimension" or ref.grain is None:
            return ref
        dimension = self.graph.index(ref.model).dimensions[ref.name]
        if dimension.grain is None or ref.grain not in GRAINS:
            return ref
        own = GRAINS.index(dimension.grain)
        if GRAINS.index(ref.grain) < own:
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

    def bound_to_instance(self, ref: RowRef, place: Place, name: str) -> RowRef:
        if not self.instances or ref.instance:
            return ref
        aliases = [alias for alias, model in self.instances.items() if model == ref.model]
        if len(aliases) == 1 or ref.model in aliases:
            alias = ref.model if ref.model in aliases else aliases[0]
            return RowRef(ref.kind, ref.model, ref.name, ref.grain, (), alias)
        if not aliases:
            return ref
        member = f"{ref.name}__{ref.grain}" if ref.grain else ref.name
        args = {"name": name, "model": ref.model, "aliases": tuple(aliases), "member": member}
        raise Failure(Problem("JOI114", place(0, len(name)), args))

    # What a name that means nothing was probably meant to be.

    def unknown(
        self, name: str, place: Place, found: tuple[object, ...] = (), measures: bool = True
    ) -> Problem:
        """The most precise problem for a name with a prefix that has no reading."""
        args: dict[str, object]
        for reading in found:
            if isinstance(reading, PrefixedMetric):
                args = {"name": name, "metric": reading.metric, "model": reading.model}
                return Problem("NAM106", place(0, len(name)), args)
        parts = splits(name)
        bare = tuple(ref for ref in self.bare_readings(name) if measures or ref.kind != "measure")
        if parts and bare:
            args = {"name": name, "candidates": tuple(ref.written for ref in bare)}
            return Problem("NAM112", place(0, len(name)), args)
        for left, right in parts:
            if left in self.graph.models:
                return self._unknown_member(left, right, name, place, "", measures)
        if name.startswith(METRIC_TIME + "__") and len(name) > len(METRIC_TIME) + 2:
            grain = name[len(METRIC_TIME) + 2 :]
            args = {"name": name, "grain": grain, "nearest": self._near_grains(grain)}
            return Problem("NAM117", place(len(METRIC_TIME) + 2, len(name)), args)
        for left, right in parts:
            if right in self.graph.metrics:
                args = {"name": name, "metric": right, "model": left}
                return Problem("NAM106", place(0, len(name)), args)
        for left, right in parts:
            keyed = keyed_by(self.graph, left.rpartition("__")[2])
            if keyed:
                return self._unknown_member(keyed[0], right, name, place, left, measures)
        if not parts:
            args = {"name": name, "nearest": self.near(name, measures, measures)}
            return Problem("NAM120", place(0, len(name)), args)
        return self._unknown_model(name, place)

    def _unknown_model(self, name: str, place: Place) -> Problem:
        models = self.graph.model_names
        best: tuple[str, str, tuple[str, ...]] | None = None
        for left, right in reversed(splits(name)):
            member, _ = self._without_grain(right)
            owners = self.graph.models_with(member)
            near = tuple(dict.fromkeys((*models.nearest(left), *owners)))[:3]
            if best is None or (near and not best[2]):
                best = left, right, near
        assert best is not None, "a name without a separator names no model"
        left, right, near = best
        args = {"name": name, "model": left, "nearest": near, "member": right}
        return Problem("NAM110", place(0, len(left)), args)

    def _without_grain(self, rest: str) -> tuple[str, str]:
        left, _, right = rest.rpartition("__")
        return (left, right) if left and right.lower() in self.grains else (rest, "")

    def _near_grains(self, written: str) -> tuple[str, ...]:
        return nearest(written.lower(), sorted(self.grains))

    def _unknown_member(
        self, model: str, rest: str, name: str, place: Place, path: str, measures: bool
    ) -> Problem:
        """What is wrong behind a model's name, or behind an entity path that leads to it."""
        index = self.graph.index(model)
        at = len(name) - len(rest)
        for left, right in splits(rest):
            dimension = index.dimensions.get(left)
            if dimension is None:
                continue
            start = at + len(left) + 2
            related = (Related(dimension.name_at, "the dimension"),)
            if right.lower() in self.grains:
                args = {"name": name, "dimension": left, "grain": right}
                return Problem("NAM119", place(at + len(left), len(name)), args, related)
            if dimension.is_time:
                near = self._near_grains(right)
                args2 = {"name": name, "dimension": left, "grain": right, "nearest": near}
                return Problem("NAM117", place(start, len(name)), args2, related)
        member, grain = self._without_grain(rest)
        candidates = [*index.dimensions, *index.entities, *(index.measures if measures else ())]
        if grain:
            candidates = [d.name for d in index.dimensions.values() if d.is_time]
        args3 = {
            "name": name,
            "model": model,
            "path": path,
            "member": member,
            "nearest": self._misjoined(index, member) or nearest(member, candidates),
            "elsewhere": tuple(f"{m}__{rest}" for m in self.graph.models_with(member)[:3]),
        }
        related = (Related(self.graph.models[model].name_at, "the semantic model"),)
        return Problem("NAM111", place(at, at + len(member)), args3, related)

    def near_models(self, name: str) -> tuple[str, ...]:
        """Models whose names are like this one, first those that stand for a table of this name."""
        tables: dict[str, list[str]] | None = self.graph.memo.get("tables")
        if tables is None:
            tables = self.graph.memo["tables"] = {}
            for model in self.graph.models.values():
                relation = self.graph.relation(model)
                if isinstance(relation, TableName) and relation.parts:
                    tables.setdefault(relation.parts[-1], []).append(model.name)
        near = self.graph.model_names.nearest(name)
        return tuple(dict.fromkeys((*tables.get(name.rpartition(".")[2], ()), *near)))[:3]

    def near_metrics(self, name: str) -> tuple[str, ...]:
        """Metrics whose names are like this one."""
        return self.graph.metric_names.nearest(name)

    def members(self, model: str) -> tuple[str, ...]:
        """The bare names of all members of a model."""
        index = self.graph.index(model)
        return (*index.dimensions, *index.entities, *index.measures)

    def _misjoined(self, index: ModelIndex, member: str) -> tuple[str, ...]:
        """`order_date_month`: one underscore where a grain takes two."""
        left, _, right = member.rpartition("_")
        dimension = index.dimensions.get(left)
        if dimension is not None and dimension.is_time and right.lower() in self.grains:
            return (f"{left}__{right.lower()}",)
        return ()

    def near(self, name: str, metrics: bool = True, measures: bool = True) -> tuple[str, ...]:
        """Metrics and members of the query's models whose names are like this one.

        A member is compared by its bare name, too, and by the column that it reads.
        """
        models = [model for model in self.scope if model in self.graph.models]
        written: dict[str, str] = {}
        columns: list[str] = []
        if not models:
            # Of all models only those with a member of a name like this one.
            members = sorted(self.graph.member_names.candidates(name.rpartition("__")[2]))
            owners = {model for part in members for model in self.graph.models_with(part)[:3]}
            models = [model for model in self.graph.models if model in owners]
        for model in models:
            parts: list[Dimension | Measure] = [*self.graph.models[model].dimensions]
            if measures:
                parts += self.graph.models[model].measures
            for part in parts:
                full = f"{model}__{part.name}"
                written.setdefault(part.name, full)
                if "__" in name:
                    written[full] = full
                if part.expr is not None and part.expr.text == name:
                    columns.append(full)
        found = nearest_of(name, written, limit=6)
        candidates = (*(self.near_metrics(name) if metrics else ()), *found)
        like = (written.get(near, near) for near in nearest(name, candidates, limit=6))
        return tuple(dict.fromkeys((*columns, *like)))[:3]

    def _related(self, refs: list[RowRef]) -> tuple[Related, ...]:
        places = ((self.definition(ref), self.explain(ref)) for ref in refs)
        return tuple(Related(place, note) for place, note in places if place is not None)

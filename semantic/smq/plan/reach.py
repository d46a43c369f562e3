"""Which row values a leaf can reach by to-one joins, and the exact reason where it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from smq.graph.graph import SemanticGraph
from smq.graph.joinable import components
from smq.graph.leaves import Leaf
from smq.graph.paths import Path, keys, partial_key
from smq.graph.references import RowRef
from smq.problem import Problem, Related
from smq.query.bound import Query
from smq.query.written import Item
from smq.text import Location


class Need(NamedTuple):
    """A row value that every leaf of the query must have, and the item that asks for it."""

    ref: RowRef
    item: Item
    role: Literal["group", "filter"]
    at: tuple[int, int] | None = None
    """Where the item's text names it; None for the whole item."""

    @property
    def location(self) -> Location:
        return self.item.location if self.at is None else self.item.part(*self.at)


def needs(query: Query) -> tuple[Need, ...]:
    """What every leaf of a query must reach: its groups and the row values of its filters."""
    found = [Need(group.ref, group.item, "group") for group in query.groups]
    for row_filter in query.row_filters:
        condition = row_filter.condition
        places: dict[RowRef, tuple[int, int]] = {}
        for use, ref in zip(condition.template.uses, condition.refs, strict=True):
            refs = (ref,) if isinstance(ref, RowRef) else getattr(ref, "by", ())
            for own in refs:
                places.setdefault(own, (use.start, use.end))
        item = row_filter.item
        found.extend(Need(ref, item, "filter", at) for ref, at in places.items())
    return tuple(found)


class Reach:
    """Finds each leaf's paths; collects a problem for every item that has none or several."""

    def __init__(self, query: Query, graph: SemanticGraph) -> None:
        self.query = query
        self.graph = graph
        self.problems: list[Problem] = []
        self._said: set[tuple[str, str, str]] = set()
        self._needs = needs(query)
        self._unreached: list[tuple[Leaf, Need]] = []

    def paths(self, leaf: Leaf) -> dict[RowRef, Path] | None:
        """The path to each row value the leaf needs; None when one has no single path."""
        if self.query.joins is not None:
            return self._in_clause(leaf)
        found: dict[RowRef, Path] = {}
        failed = False
        own = [(ref, None) for ref in leaf.refs]
        own += [(ref, None) for condition in leaf.filters for ref in condition.outer]
        for ref, need in (*own, *((need.ref, need) for need in self._needs)):
            target = self._timed(ref, leaf, need)
            if target is None:
                failed = True
                continue
            path = self._single(leaf, target, need)
            if path is None:
                failed = True
            else:
                found[ref] = found[target] = path
        return None if failed else found

    def disconnected(self) -> list[Problem] | None:
        """One problem for a query whose metrics fall into parts that no join connects.

        A part of a key that two models share is a nearer reason, and a lone part with metrics is
        told what its own metrics cannot reach.
        """
        if not self._unreached or any(problem.args.get("partial") for problem in self.problems):
            return None
        parts = parts_of(self.query, self.graph)
        if sum(bool(part.metrics) for part in parts) < 2:
            return None
        text = tuple(_part_in_words(part) for part in parts)
        return [
            Problem("JOI112", self._unreached[0][1].location, {"parts": text}),
            *(p for p in self.problems if p.code not in ("JOI101", "JOI103")),
        ]

    def _timed(self, ref: RowRef, leaf: Leaf, need: Need | None) -> RowRef | None:
        if ref.kind != "metric_time":
            return ref
        if leaf.time is None:
            args = {"metric": self._metric_of(leaf), "model": leaf.base, "name": ref.written}
            self._say("NAM123", need, leaf, self._metric_of(leaf), args)
            return None
        return leaf.time

    def _single(self, leaf: Leaf, ref: RowRef, need: Need | None) -> Path | None:
        paths = self.graph.paths(leaf.base, ref.model, ref.via)
        if len(paths) == 1:
            return paths[0]
        if paths:
            args: dict[str, object] = {
                "metric": self._metric_of(leaf),
                "name": ref.written,
                "base": leaf.base,
                "model": ref.model,
                "paths": tuple(_described(leaf.base, path) for path in paths),
                "choices": self._choices(ref, paths),
            }
            self._say("JOI102", need, leaf, f"{leaf.base} → {ref.written}", args)
            return None
        if need is not None:
            self._unreached.append((leaf, need))
        code = "JOI103" if need is not None and need.role == "filter" else "JOI101"
        args = {**self._why_not(leaf, ref), "role": need.role if need else "own"}
        metric = self._metric_of(leaf)
        models = self.graph.models
        related = [Related(models[leaf.base].name_at, f"the semantic model of '{metric}'")]
        if ref.model != leaf.base:
            note = f"the semantic model of '{ref.name}'"
            related.append(Related(models[ref.model].name_at, note))
        # Once for each base and dimension: the metrics of one base all fail for the same reason.
        self._say(code, need, leaf, f"{leaf.base} → {ref.written}", args, tuple(related))
        return None

    def _why_not(self, leaf: Leaf, ref: RowRef) -> dict[str, object]:
        distances = self.graph.joins.distances(leaf.base)
        reachable = sorted(distances, key=lambda name: (distances[name], name))
        target = self.graph.models[ref.model]
        partial = ""
        for name in reachable:
            short = partial_key(self.graph.models[name], target)
            if short is not None:
                key, has = " + ".join(short.key), " + ".join(short.has)
                partial = f"{short.right} is keyed by {key}; {short.left} only has {has}"
                break
        back = ref.model != leaf.base and leaf.base in self.graph.joins.distances(ref.model)
        known = keys(target) or tuple((entity,) for entity in target.entities)
        key_names = tuple(" + ".join(entity.name for entity in key) for key in known)
        return {
            "metric": self._metric_of(leaf),
            "name": ref.written,
            "kind": ref.kind,
            "base": leaf.base,
            "model": ref.model,
            "reachable": tuple(name for name in reachable if name != leaf.base)[:5],
            "key": key_names,
            "partial": partial,
            "back": back,
            "member": ref.name,
            "grain": ref.grain or "",
            "time": self._is_time(leaf, ref),
        }

    def _is_time(self, leaf: Leaf, ref: RowRef) -> bool:
        """The reference is a time, and the leaf has one of its own to take instead."""
        if ref.kind != "dimension" or leaf.time is None:
            return False
        return self.graph.index(ref.model).dimensions[ref.name].is_time

    def _choices(self, ref: RowRef, paths: tuple[Path, ...]) -> tuple[str, ...]:
        """The entity paths that tell the paths apart, each as it can be written."""
        found: list[str] = []
        for length in range(1, 1 + max(len(path) for path in paths)):
            found = []
            for path in paths:
                entities = [edge.entities[0] for edge in path[-length:]]
                name = "__".join((*entities, ref.name))
                found.append(f"{name}__{ref.grain}" if ref.grain else name)
            if len(set(found)) == len(paths):
                break
        return tuple(dict.fromkeys(found))

    def _in_clause(self, leaf: Leaf) -> dict[RowRef, Path] | None:
        """With a written FROM clause every model must stand in it; there are no paths to find."""
        assert self.query.joins is not None
        clause = self.query.joins
        models = [instance.model for instance in clause.instances]
        aliases = {instance.alias for instance in clause.instances}
        failed = False
        wanted: list[tuple[RowRef, Item]] = [(ref, self._item_of(leaf)) for ref in leaf.refs]
        wanted += [
            (ref, self._item_of(leaf)) for condition in leaf.filters for ref in condition.outer
        ]
        wanted += [(need.ref, need.item) for need in self._needs]
        if leaf.base not in models:
            args = {
                "model": leaf.base,
                "metric": self._metric_of(leaf),
                "joined": tuple(models),
                "aliases": tuple(instance.alias for instance in clause.instances),
            }
            self._say_at("JOI107", clause.item, clause.item.location, leaf.base, args)
            failed = True
        elif models.count(leaf.base) > 1 and leaf.base not in aliases:
            args2 = {
                "name": self._metric_of(leaf),
                "metric": self._metric_of(leaf),
                "model": leaf.base,
                "aliases": tuple(i.alias for i in clause.instances if i.model == leaf.base),
            }
            self._say("JOI114", None, leaf, leaf.base, args2)
            failed = True
        for ref, item in wanted:
            if ref.kind == "metric_time":
                if self._timed(ref, leaf, Need(ref, item, "group")) is None:
                    failed = True
            elif ref.model not in models:
                args = {
                    "model": ref.model,
                    "metric": self._metric_of(leaf),
                    "joined": tuple(models),
                    "aliases": tuple(instance.alias for instance in clause.instances),
                }
                self._say_at("JOI107", clause.item, clause.item.location, ref.model, args)
                failed = True
        return None if failed else {}

    def _metric_of(self, leaf: Leaf) -> str:
        for output in self.query.outputs:
            if any(own.key == leaf.key for own in output.expression.leaves):
                return output.name
        for key in self.query.order:
            if key.expression and any(own.key == leaf.key for own in key.expression.leaves):
                return key.item.text.lstrip("-")
        return leaf.name

    def _item_of(self, leaf: Leaf) -> Item:
        for output in self.query.outputs:
            if any(own.key == leaf.key for own in output.expression.leaves):
                return output.item
        for post in (*self.query.group_filters, *self.query.window_filters):
            if any(own.key == leaf.key for own in post.expression.leaves):
                return post.item
        for key in self.query.order:
            if key.expression and any(own.key == leaf.key for own in key.expression.leaves):
                return key.item
        return self.query.outputs[0].item

    def _say(
        self,
        code: str,
        need: Need | None,
        leaf: Leaf,
        about: str,
        args: Mapping[str, object],
        related: tuple[Related, ...] = (),
    ) -> None:
        """Where the query asks for it, or at the leaf's own item."""
        item = need.item if need else self._item_of(leaf)
        place = need.location if need else item.location
        self._say_at(code, item, place, about, args, related)

    def _say_at(
        self,
        code: str,
        item: Item,
        place: Location,
        about: str,
        args: Mapping[str, object],
        related: tuple[Related, ...] = (),
    ) -> None:
        key = (code, item.path, about)
        if key not in self._said:
            self._said.add(key)
            self.problems.append(Problem(code, place, args, related))


class Part(NamedTuple):
    """A part of a query that joins can connect: output names, group names, and its models."""

    metrics: tuple[str, ...]
    groups: tuple[str, ...]
    models: frozenset[str]


def parts_of(query: Query, graph: SemanticGraph) -> tuple[Part, ...]:
    """The parts into which a query's models fall when no join, in any direction, links them."""
    component = components(graph)
    metrics: dict[int, list[str]] = {}
    groups: dict[int, list[str]] = {}
    models: dict[int, set[str]] = {}
    for output in query.outputs:
        for leaf in output.expression.leaves:
            number = component[leaf.base]
            names = metrics.setdefault(number, [])
            if output.name not in names:
                names.append(output.name)
            models.setdefault(number, set()).add(leaf.base)
    for group in query.groups:
        if group.ref.model:
            number = component[group.ref.model]
            groups.setdefault(number, []).append(group.name)
            models.setdefault(number, set()).add(group.ref.model)
    return tuple(
        Part(
            tuple(metrics.get(number, ())),
            tuple(groups.get(number, ())),
            frozenset(models[number]),
        )
        for number in models
    )


def _part_in_words(part: Part) -> str:
    text = ", ".join(part.metrics)
    if part.groups:
        text += f" by {', '.join(part.groups)}"
    return text.strip()


def _described(base: str, path: Path) -> str:
    text = base
    for edge in path:
        text += f" → {edge.right} (by {' + '.join(edge.entities)})"
    return text

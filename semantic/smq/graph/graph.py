"""The semantic graph: what all files of a workspace declare, merged, with joins between models.

Duplicates are kept for the rules; look-ups take the first definition in the order of the files.
The graph is a value: the caches in it only remember answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from smq.graph.carried import Carried, Changes
from smq.graph.leading import leading_to, mentions_of
from smq.graph.meaning import means_the_same
from smq.graph.overlaid import overlaid
from smq.graph.paths import Edge, JoinGraph, Path
from smq.graph.symbols import (
    Declarations,
    Dimension,
    Entity,
    Measure,
    Metric,
    Model,
    RefCall,
    Relation,
    SavedQuery,
    SelectRelation,
    SourceCall,
    SourceTable,
    Symbol,
    TableName,
    TimeSpine,
    UnknownRelation,
)
from smq.text.name_index import NameIndex


class ModelIndex:
    """One model's members by name; the first of two with one name wins."""

    __slots__ = ("_column_types", "dimensions", "entities", "measures", "model")

    def __init__(self, model: Model) -> None:
        self.model = model
        self.dimensions: dict[str, Dimension] = {}
        self.entities: dict[str, Entity] = {}
        self.measures: dict[str, Measure] = {}
        for dimension in model.dimensions:
            self.dimensions.setdefault(dimension.name, dimension)
        for entity in model.entities:
            self.entities.setdefault(entity.name, entity)
        for measure in model.measures:
            self.measures.setdefault(measure.name, measure)
        self._column_types: dict[str, str] | None = None

    @property
    def column_types(self) -> dict[str, str]:
        """The types of columns and expressions, as far as a dimension over them says."""
        if self._column_types is None:
            self._column_types = {
                (d.expr.text if d.expr is not None else d.name).strip(): d.data_type
                for d in self.model.dimensions
                if d.data_type
            }
        return self._column_types


class SemanticGraph:
    """Models, metrics, sources and time spines by name, and the to-one edges between models."""

    def __init__(
        self,
        models: Mapping[str, Model],
        metrics: Mapping[str, Metric],
        sources: Mapping[tuple[str, str], SourceTable],
        time_spines: tuple[TimeSpine, ...],
        saved_queries: Mapping[str, SavedQuery],
        duplicates: Mapping[str, tuple[Symbol, ...]],
        refs: Mapping[str, TableName],
        default_schema: str | None,
    ) -> None:
        self.models = MappingProxyType(dict(models))
        self.metrics: Mapping[str, Metric] = MappingProxyType(dict(metrics))
        """In no order that means anything: each says itself where it is defined."""
        self.sources = MappingProxyType(dict(sources))
        self.time_spines = time_spines
        self.saved_queries = MappingProxyType(dict(saved_queries))
        self.duplicates = MappingProxyType(dict(duplicates))
        """`model:x` or `metric:x` to all its definitions, for names defined more than once."""
        self.default_schema = default_schema
        self.joins = JoinGraph(self.models)
        self._refs = refs
        self._indexes: dict[str, ModelIndex] = {}
        self._by_member: Mapping[str, tuple[str, ...]] | None = None
        self._metric_names: NameIndex | None = None
        self._model_names: NameIndex | None = None
        self._key_names: NameIndex | None = None
        self._member_names: NameIndex | None = None
        self.memo: dict[Any, Any] = {}
        """Answers that later stages derive from this graph alone, keyed by their own tuples."""
        self.formulas: dict[tuple[str, str], Any] = {}
        """Metrics that have been expanded, by name and dialect."""
        self.carried: Carried | None = None

    @classmethod
    def build(
        cls,
        declarations: Iterable[Declarations],
        default_schema: str | None = None,
        refs: Mapping[str, TableName] | None = None,
    ) -> SemanticGraph:
        """Merge files in the given order. `refs` are physical names of dbt models, if known."""
        models: dict[str, list[Model]] = {}
        metrics: dict[str, list[Metric]] = {}
        sources: dict[tuple[str, str], SourceTable] = {}
        spines: list[TimeSpine] = []
        saved: dict[str, SavedQuery] = {}
        for file in declarations:
            for model in file.models:
                models.setdefault(model.name, []).append(model)
            for metric in file.metrics:
                metrics.setdefault(metric.name, []).append(metric)
            for source in file.sources:
                sources.setdefault((source.source, source.name), source)
            spines.extend(file.time_spines)
            for query in file.saved_queries:
                saved.setdefault(query.name, query)
        duplicates: dict[str, tuple[Symbol, ...]] = {}
        for name, same_models in models.items():
            if len(same_models) > 1:
                duplicates[f"model:{name}"] = tuple(same_models)
        for name, same_metrics in metrics.items():
            if len(same_metrics) > 1:
                duplicates[f"metric:{name}"] = tuple(same_metrics)
        return cls(
            {name: same[0] for name, same in models.items()},
            {name: same[0] for name, same in metrics.items()},
            sources,
            tuple(spines),
            saved,
            duplicates,
            refs or {},
            default_schema,
        )

    def replaced(
        self, changes: Iterable[tuple[Declarations, Declarations]]
    ) -> SemanticGraph | None:
        """The graph after some files declare something anew, at about the cost of those files.

        It equals the one that `build` makes, but for the order of its metrics. None when a name is
        defined twice, or when models come from a file that had none: then only looking at all files
        tells which definition counts, and what stands before it.
        """
        models = dict(self.models)
        come: dict[str, Metric] = {}
        gone: set[str] = set()
        changed: set[str] = set()
        read_again: set[str] = set()
        metric_names = self._metric_names
        for before, after in changes:
            if not (_merges_by_name(before) and _merges_by_name(after)):
                return None
            placed = _placed(models, before.models, after.models)
            if placed is None:
                return None
            models = placed
            old_names, new_names = _names(before.metrics), _names(after.metrics)
            if any(f"metric:{name}" in self.duplicates for name in (*old_names, *new_names)):
                return None
            if old_names != new_names:
                gone.update(old_names)
                for name in old_names:
                    come.pop(name, None)
                if len(set(new_names)) != len(new_names) or any(
                    name in come or (name in self.metrics and name not in gone)
                    for name in new_names
                ):
                    return None
                if metric_names is not None:
                    metric_names = metric_names.changed(old_names, new_names)
            names = _names((*before.models, *after.models))
            if any(f"model:{name}" in self.duplicates for name in names):
                return None
            changed.update(names)
            read_again.update(old_names, new_names)
            for metric in after.metrics:
                come[metric.name] = metric
        graph = SemanticGraph.__new__(SemanticGraph)
        graph.models = MappingProxyType(models)
        graph.metrics = overlaid(self.metrics, come, gone)
        graph.sources = self.sources
        graph.time_spines = self.time_spines
        graph.saved_queries = self.saved_queries
        graph.duplicates = self.duplicates
        graph.default_schema = self.default_schema
        are_the_same = models.keys() == self.models.keys()
        graph.joins = (
            self.joins.with_models(models, changed) if are_the_same else None
        ) or JoinGraph(graph.models)
        graph._refs = self._refs
        graph._indexes = self._indexes.copy()
        for name in changed:
            graph._indexes.pop(name, None)
        graph._by_member, gone_members, new_members = self._members_after(models, changed)
        graph._metric_names = metric_names
        graph._model_names = _names_after(self._model_names, self.models, models)
        has_same_keys = _all_keys(self.models, changed) == _all_keys(models, changed)
        graph._key_names = self._key_names if has_same_keys else None
        graph._member_names = (
            self._member_names.changed(gone_members, new_members)
            if self._member_names is not None and graph._by_member is not None
            else None
        )
        graph.memo = {}
        graph.formulas = {}
        graph.carried = self._carried_to(graph, changed, read_again)
        return graph

    def carry_over(
        self, before: SemanticGraph, changes: Iterable[tuple[Declarations, Declarations]]
    ) -> None:
        """Take what still holds from the graph before some files declared something anew."""
        self._metric_names = _names_after(before._metric_names, before.metrics, self.metrics)
        self._model_names = _names_after(before._model_names, before.models, self.models)
        if before._member_names is not None:
            members = before._owners(), self._owners()
            self._member_names = _names_after(before._member_names, *members)
        if before.time_spines != self.time_spines:
            # They say what grains there are, and so how names are read.
            return
        both = [each for change in changes for each in change]
        models = {model.name for each in both for model in each.models}
        metrics = {metric.name for each in both for metric in each.metrics}
        self.carried = before._carried_to(self, models, metrics)

    def _carried_to(
        self, graph: SemanticGraph, models: Iterable[str], metrics: Iterable[str]
    ) -> Carried | None:
        """The formulas that may hold in a graph with other readings of some models and metrics."""
        others: Iterable[str] = [
            name
            for name in models
            if not means_the_same(self.models.get(name), graph.models.get(name))
        ]
        if others and not graph.joins.joins_like(self.joins):
            others = leading_to(self.models, graph.models, others)
        different = frozenset(
            name
            for name in metrics
            if not means_the_same(self.metrics.get(name), graph.metrics.get(name))
        )
        changes = Changes(different, mentions_of(self.models, graph.models, others))
        return Carried.after(self.carried, self.formulas, changes, graph.metrics)

    def _members_after(
        self, models: Mapping[str, Model], changed: Iterable[str]
    ) -> tuple[Mapping[str, tuple[str, ...]] | None, set[str], set[str]]:
        """The models by their members' names, if that is known, and which names went and came."""
        if self._by_member is None:
            return None, set(), set()
        now: dict[str, tuple[str, ...]] = {}
        for name in changed:
            before, after = _members(self.models.get(name)), _members(models.get(name))
            for member in sorted(before ^ after):
                owners = now.get(member, self._by_member.get(member, ()))
                now[member] = (
                    (*owners, name) if member in after else tuple(o for o in owners if o != name)
                )
        if not now:
            return self._by_member, set(), set()
        order = {name: number for number, name in enumerate(models)}
        come = {
            member: tuple(sorted(owners, key=order.__getitem__))
            for member, owners in now.items()
            if owners
        }
        gone = {member for member, owners in now.items() if not owners}
        new = {member for member in come if member not in self._by_member}
        return overlaid(self._by_member, come, gone), gone, new

    @property
    def metric_names(self) -> NameIndex:
        """All metrics, to find those that a wrong name is like."""
        if self._metric_names is None:
            self._metric_names = NameIndex(self.metrics)
        return self._metric_names

    @property
    def model_names(self) -> NameIndex:
        if self._model_names is None:
            self._model_names = NameIndex(self.models)
        return self._model_names

    @property
    def key_names(self) -> NameIndex:
        """Every entity that is some model's key, also as `natural` or without a column."""
        if self._key_names is None:
            self._key_names = NameIndex(
                {name for model in self.models.values() for name in _key_names(model)}
            )
        return self._key_names

    @property
    def member_names(self) -> NameIndex:
        """The bare names of all dimensions, measures and entities."""
        if self._member_names is None:
            self._member_names = NameIndex(self._owners())
        return self._member_names

    def index(self, model: str) -> ModelIndex:
        """The members of a model. Raises KeyError for an unknown one."""
        found = self._indexes.get(model)
        if found is None:
            found = self._indexes[model] = ModelIndex(self.models[model])
        return found

    def edges(self, model: str) -> tuple[Edge, ...]:
        return self.joins.edges(model)

    def paths(self, base: str, target: str, via: tuple[str, ...] = ()) -> tuple[Path, ...]:
        return self.joins.paths(base, target, via)

    def models_with(self, member: str) -> tuple[str, ...]:
        """The models that have a dimension, measure or entity of this name."""
        return self._owners().get(member, ())

    def _owners(self) -> Mapping[str, tuple[str, ...]]:
        if self._by_member is None:
            found: dict[str, dict[str, None]] = {}
            for model in self.models.values():
                for part in (*model.dimensions, *model.measures, *model.entities):
                    found.setdefault(part.name, {})[model.name] = None
            self._by_member = {name: tuple(models) for name, models in found.items()}
        return self._by_member

    def relation(self, model: Model) -> TableName | SelectRelation | None:
        """The physical relation; None when the files do not say which it is.

        A source that no file declares keeps its written name as schema, as dbt does for a source
        without `schema:`; a rule reports it.
        """
        return self._resolve(model.relation)

    def _resolve(self, relation: Relation) -> TableName | SelectRelation | None:
        match relation:
            case TableName() | SelectRelation():
                return relation
            case SourceCall(source, table):
                known = self.sources.get((source, table))
                return known.table if known else TableName((source, table))
            case RefCall(name):
                if name in self._refs:
                    return self._refs[name]
                schema = (self.default_schema,) if self.default_schema else ()
                return TableName((*schema, name))
            case UnknownRelation():
                return None


def _names_after(
    known: NameIndex | None, before: Mapping[str, object], after: Mapping[str, object]
) -> NameIndex | None:
    """The index of other names that are mostly the same, where there is one."""
    if known is None:
        return None
    return known.changed(before.keys() - after.keys(), after.keys() - before.keys())


def _key_names(model: Model) -> set[str]:
    found = {entity.name for entity in model.entities if entity.kind != "foreign"}
    return found | {model.primary_entity} if model.primary_entity else found


def _all_keys(models: Mapping[str, Model], names: Iterable[str]) -> set[str]:
    return {key for name in names if name in models for key in _key_names(models[name])}


def _members(model: Model | None) -> set[str]:
    if model is None:
        return set()
    return {part.name for part in (*model.dimensions, *model.measures, *model.entities)}


def _merges_by_name(declared: Declarations) -> bool:
    """Whether a reading of a file defines nothing but models and metrics."""
    return not (declared.sources or declared.time_spines or declared.saved_queries)


def _placed(
    models: dict[str, Model], before: tuple[Model, ...], after: tuple[Model, ...]
) -> dict[str, Model] | None:
    """All models in their order after one file defines others; None where that is not certain."""
    old, new = _names(before), _names(after)
    if old == new:
        return models | {model.name: model for model in after}
    is_twice = len(set(new)) < len(new) or any(name in models and name not in old for name in new)
    is_moved = [name for name in old if name in new] != [name for name in new if name in old]
    if not old or is_twice or is_moved:
        return None
    placed: dict[str, Model] = {}
    for name, model in models.items():
        if name == old[0]:
            placed.update((each.name, each) for each in after)
        if name not in old:
            placed[name] = model
    return placed


def _names(symbols: Iterable[Symbol]) -> list[str]:
    return [symbol.name for symbol in symbols]

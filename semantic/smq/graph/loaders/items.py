"""The items of a file's lists, one by one: what each declares and what is wrong with it.

An item is read for itself, so after a change of the text only the one that changed is read, and
of a model only the member that changed; symbols behind it are moved. Problems are not: their facts
may speak of places and of the text around, so they are looked for anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from smq.graph import consistency
from smq.graph.fingerprint import pairs_of
from smq.graph.loaders import dbt_classic, smq_yaml
from smq.graph.loaders.dbt_models import report_semantics_on_model
from smq.graph.loaders.fields import Fields, Kept, Reading
from smq.graph.loaders.members import MEMBERS
from smq.graph.loaders.saved_queries import read_saved_query
from smq.graph.loaders.sources import read_source
from smq.graph.loaders.time_spines import read_time_spine
from smq.graph.moved import moved
from smq.graph.shape import check_item, check_top, lists_of, stays_valid
from smq.graph.symbols import (
    Declarations,
    Metric,
    Model,
    SavedQuery,
    SourceTable,
    Symbol,
    TimeSpine,
)
from smq.problem import Problem
from smq.syntax import Mapping as MappingNode
from smq.syntax import Node, Parsed, Sequence, Splice, unaliased

_NEVER_DISABLED = "sources"


@dataclass(frozen=True, slots=True)
class Item:
    """What one item of a list gave."""

    symbols: tuple[Symbol, ...] = ()
    shape: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What reading it reported."""
    contradictions: tuple[Problem, ...] = ()
    is_dbt: bool = False
    """Whether it is a model that was read as dbt writes them."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file declares and what is wrong with it, as far as the file alone shows."""

    declarations: Declarations
    problems: tuple[Problem, ...] = ()
    lists: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    """The items of each list, for the next reading; empty where that can use none of them."""
    declared_with: str | None = None


class Earlier(NamedTuple):
    """An earlier reading of the same file, and how the tree has been made from its tree."""

    parsed: Parsed
    loaded: Loaded
    splice: Splice


class _Root:
    """One YAML document of a file, and what an earlier reading of it still says."""

    def __init__(self, parsed: Parsed, root: MappingNode, earlier: Earlier | None) -> None:
        self.parsed = parsed
        self.root = root
        self.earlier = earlier
        self.lists = {key: (pair, items) for key, pair, items in lists_of(root)}
        self.items: dict[str, tuple[Item, ...]] = {}

    def read(self, key: str, declared_with: str | None = None) -> tuple[Item, ...]:
        """Read a list, of which only what has changed is looked at."""
        if key not in self.lists:
            return ()
        _, sequence = self.lists[key]
        known = self._known(key, declared_with)
        found: list[Item] = []
        for index, node in enumerate(sequence.items):
            before = known[index] if known is not None and not known[index].problems else None
            by = self._way(key, index) if before is not None else None
            if before is not None and by is not None:
                found.append(self._moved(key, sequence, index, before, by))
            else:
                inner = unaliased(node)
                found.append(self._read(key, sequence, index, inner, declared_with, before))
        self.items[key] = tuple(found)
        return self.items[key]

    def _known(self, key: str, declared_with: str | None) -> tuple[Item, ...] | None:
        """The items as they were read earlier, one for each of now."""
        if self.earlier is None:
            return None
        known = self.earlier.loaded.lists.get(key)
        if known is None or len(known) != len(self.lists[key][1].items):
            return None
        # The file's only model is what its metrics are declared with.
        is_same = key != "metrics" or self.earlier.loaded.declared_with == declared_with
        return known if is_same else None

    def _way(self, key: str, index: int) -> int | None:
        """How far an item has moved as a whole; None when something in it has changed."""
        if self.earlier is None:
            return None
        path, by = self.earlier.splice.path, self.earlier.splice.by
        pair = self.lists[key][0]
        here = next(n for n, each in enumerate(self.root.pairs) if each is pair)
        if here != path[0]:
            return by if here > path[0] else 0
        if len(path) == 1 or index == path[1]:
            return None
        return by if index > path[1] else 0

    def _moved(self, key: str, sequence: Sequence, index: int, before: Item, by: int) -> Item:
        """An item that has not changed. What is wrong with it is looked for anew."""
        if not (by or before.shape or before.contradictions):
            return before
        symbols = tuple([moved(symbol, by) for symbol in before.symbols])
        shape = tuple(check_item(self.parsed, key, sequence, index)) if before.shape else ()
        contradictions = _contradictions(symbols) if before.contradictions else ()
        return Item(symbols, shape, (), contradictions, before.is_dbt)

    def _read(
        self,
        key: str,
        sequence: Sequence,
        index: int,
        node: Node | None,
        declared_with: str | None,
        before: Item | None,
    ) -> Item:
        shape: tuple[Problem, ...] = ()
        if before is None or before.shape or not self._stays_valid(key, index):
            shape = tuple(check_item(self.parsed, key, sequence, index))
        if not isinstance(node, MappingNode):
            return Item(shape=shape)
        reading = Reading(self.parsed.document.uri)
        kept = self._kept(node, before) if key == "semantic_models" and before else {}
        fields = Fields(reading, node, kept)
        if key != _NEVER_DISABLED and _is_disabled(fields):
            return Item(shape=shape, problems=tuple(reading.problems))
        is_dbt = False
        if key == "semantic_models":
            is_dbt = _is_dbt(fields, before)
            if before is not None and is_dbt != before.is_dbt:
                fields = Fields(reading, node)
            model = dbt_classic.read_model(fields) if is_dbt else smq_yaml.read_model(fields)
            symbols: tuple[Symbol | None, ...] = (model,)
        else:
            symbols = tuple(_symbols(key, fields, declared_with))
        declared = tuple([symbol for symbol in symbols if symbol is not None])
        problems = tuple(reading.problems)
        return Item(declared, shape, problems, _contradictions(declared), is_dbt)

    def _stays_valid(self, key: str, index: int) -> bool:
        assert self.earlier is not None
        path, then = self.earlier.splice.path, self.earlier.parsed.root
        if len(path) < 3 or not isinstance(then, MappingNode):
            return False
        items = then.pairs[path[0]].value
        if not isinstance(items, Sequence) or index != path[1]:
            return False
        return stays_valid(key, items.items[index], self.lists[key][1].items[index], path[2:])

    def _kept(self, model: MappingNode, before: Item) -> Kept:
        """The members of a model that have not changed."""
        assert self.earlier is not None
        path, by = self.earlier.splice.path, self.earlier.splice.by
        if len(path) < 3 or len(before.symbols) != 1 or not isinstance(before.symbols[0], Model):
            return {}
        known: Model = before.symbols[0]
        members = dict(
            zip(MEMBERS, (known.entities, known.dimensions, known.measures), strict=True)
        )
        pairs = pairs_of(model)
        kept: dict[str, list[Symbol | None]] = {}
        for number, pair in enumerate(model.pairs):
            key = pair.key.text
            if key not in members or pairs.get(key) is not pair:
                continue
            items = unaliased(pair.value)
            # Where each item declared a member, the two stand in one order.
            if not isinstance(items, Sequence) or len(items.items) != len(members[key]):
                continue
            if number != path[2]:
                way = by if number > path[2] else 0
                kept[key] = [moved(member, way) for member in members[key]]
            elif len(path) > 3:
                kept[key] = [
                    None if at == path[3] else moved(member, by if at > path[3] else 0)
                    for at, member in enumerate(members[key])
                ]
        return kept


def load_items(parsed: Parsed, roots: Iterable[MappingNode], earlier: Earlier | None) -> Loaded:
    """What the given documents of a file declare; `earlier` makes it faster and changes nothing
    else."""
    uri = parsed.document.uri
    if earlier is not None and (parsed.bound or not earlier.loaded.lists):
        # What aliases stand for may have changed elsewhere.
        earlier = None
    documents = [_Root(parsed, root, earlier) for root in roots]
    problems: list[Problem] = []
    models, sources, spines, queries = (
        [item for each in documents for item in each.read(key)]
        for key in ("semantic_models", "sources", "models", "saved_queries")
    )
    declared = _of(Model, models)
    # With one model in the file it is plain what its metrics are about.
    declared_with = declared[0].name if len(declared) == 1 else None
    metrics = [item for each in documents for item in each.read("metrics", declared_with)]
    made = [metric for model in declared for metric in dbt_classic.metrics_of_measures(model)]
    for document in documents:
        problems += check_top(document.parsed, document.root)
        for key in document.lists:
            problems += [problem for item in document.items[key] for problem in item.shape]
    in_order = (*models, *sources, *spines, *queries, *metrics)
    problems += [problem for item in in_order for problem in item.problems]
    problems += [problem for item in models for problem in item.contradictions]
    problems += [problem for metric in made for problem in consistency.of_metric(metric)]
    problems += [problem for item in (*metrics, *queries) for problem in item.contradictions]
    declarations = Declarations(
        uri,
        tuple(declared),
        (*made, *_of(Metric, metrics)),
        tuple(_of(SourceTable, sources)),
        tuple(_of(TimeSpine, spines)),
        tuple(_of(SavedQuery, queries)),
    )
    # Only in a file of one document does a change of one entry leave the others as they are.
    lists = documents[0].items if len(parsed.roots) == 1 and documents and not parsed.bound else {}
    return Loaded(declarations, tuple(problems), lists, declared_with)


K = TypeVar("K", bound=Symbol)


def _of(kind: type[K], items: Iterable[Item]) -> list[K]:
    return [symbol for item in items for symbol in item.symbols if isinstance(symbol, kind)]


def _symbols(key: str, fields: Fields, declared_with: str | None) -> Iterator[Symbol | None]:
    """What an item of any list but that of the models declares."""
    if key == "metrics":
        dialect = dbt_classic if dbt_classic.is_dbt_metric(fields) else smq_yaml
        yield dialect.read_metric(fields, declared_with)
    elif key == "sources":
        yield from read_source(fields)
    elif key == "models":
        report_semantics_on_model(fields)
        yield read_time_spine(fields)
    else:
        yield read_saved_query(fields)


def _is_dbt(model: Fields, before: Item | None) -> bool:
    if before is not None and not before.is_dbt:
        # Then no member that is kept is one of dbt's.
        return dbt_classic.is_dbt_model(model, model.unkept("dimensions"))
    return dbt_classic.is_dbt_model(model, model.items("dimensions"))


def _is_disabled(fields: Fields) -> bool:
    """Whether dbt's `enabled: false` leaves the item out."""
    config = fields.inner("config")
    return fields.is_false("enabled") or bool(config and config.is_false("enabled"))


def _contradictions(symbols: Iterable[Symbol]) -> tuple[Problem, ...]:
    found: list[Problem] = []
    for symbol in symbols:
        if isinstance(symbol, Model):
            found += consistency.of_model(symbol)
        elif isinstance(symbol, Metric):
            found += consistency.of_metric(symbol)
        elif isinstance(symbol, SavedQuery):
            found += consistency.of_saved_query(symbol)
    return tuple(found)

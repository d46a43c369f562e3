"""Which files a change of declarations can have made right or wrong, without looking at each.

Promises to name every file whose problems may differ between two snapshots; names more than
needed rather than one too few. What only shifts places, labels or descriptions affects nobody
else. What changes joins, calendars or tables affects everybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from smq.graph.symbols import Declarations, Dimension, Model, Sql
from smq.text import Location
from smq.workspace.files import File, texts_of

Key = tuple[str, ...]

_UNSEEN = frozenset({"label", "description", "node"})
_NO_DECLARATIONS = Declarations("")


@dataclass(frozen=True, slots=True)
class Surface:
    """What other files can see of one file's declarations; equal surfaces mean the same to them."""

    topology: object
    members: dict[Key, tuple[object, ...]]
    prefixes: dict[str, tuple[str, ...]]
    """Names that a member of a model may be prefixed with: the model's and its entities'."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two surfaces of one file."""

    everything: bool
    metrics: frozenset[str] = frozenset()
    members: frozenset[tuple[str, str]] = frozenset()
    """(prefix, name) of each changed dimension and measure, for each prefix it may have."""
    names: bool = False
    """Whether names were added or removed, which changes what is suggested for unknown ones."""


def surface(declared: Declarations) -> Surface:
    members: dict[Key, list[object]] = {}
    prefixes: dict[str, tuple[str, ...]] = {}
    topology: list[object] = []
    for model in declared.models:
        entities = tuple(entity.name for entity in model.entities)
        virtual = (model.primary_entity,) if model.primary_entity else ()
        prefixes[model.name] = (model.name, *entities, *virtual)
        topology.append(_topology(model))
        for member in (*model.dimensions, *model.measures):
            kind = "dimension" if isinstance(member, Dimension) else "measure"
            members.setdefault((kind, model.name, member.name), []).append(_bare(member))
    for metric in declared.metrics:
        members.setdefault(("metric", metric.name), []).append(_bare(metric))
    for query in declared.saved_queries:
        members.setdefault(("saved query", query.name), []).append(_bare(query))
    topology += [_bare(declared.sources), _bare(declared.time_spines)]
    return Surface(topology, {key: tuple(each) for key, each in members.items()}, prefixes)


def difference(before: File | None, after: File | None) -> Difference:
    """What a change of one file means to the others."""
    old = surface(before.declarations if before else _NO_DECLARATIONS)
    new = surface(after.declarations if after else _NO_DECLARATIONS)
    if old.topology != new.topology:
        return Difference(everything=True)
    metrics: set[str] = set()
    members: set[tuple[str, str]] = set()
    for key in old.members.keys() | new.members.keys():
        if old.members.get(key) == new.members.get(key):
            continue
        if len(key) == 2:
            metrics.add(key[1])
            continue
        _, model, name = key
        for prefix in {*old.prefixes[model], *new.prefixes[model]}:
            members.add((prefix, name))
    # In their order, because names suggested as equally near come in the order of the files.
    names = list(old.members) != list(new.members)
    return Difference(False, frozenset(metrics), frozenset(members), names)


def mentioning(
    files: Iterable[tuple[str, File]], changes: Iterable[Difference]
) -> Iterator[str | None]:
    """The files that use what changed, directly or through metrics that use it.

    The pause between two files is the caller's to use: each is given as it is found, and None
    where some have been looked at.
    """
    metrics: set[str] = set()
    members: set[tuple[str, str]] = set()
    for change in changes:
        metrics |= change.metrics
        members |= change.members
    texts: list[tuple[str, File, str]] = []
    for number, (uri, file) in enumerate(files):
        if file.uses:
            texts.append((uri, file, file.uses))
        if number % 20 == 0:
            yield None
    found: set[str] = set()
    pattern = _pattern(metrics, members)
    while pattern is not None:
        reached: set[str] = set()
        for number, (uri, file, uses) in enumerate(texts):
            if number % 100 == 0:
                yield None
            if pattern.search(uses) is None:
                continue
            if uri not in found:
                found.add(uri)
                yield uri
            for metric in file.declarations.metrics:
                if metric.name not in metrics and pattern.search(texts_of(metric)):
                    reached.add(metric.name)
        metrics |= reached
        pattern = _pattern(reached, ())


def _pattern(metrics: Iterable[str], members: Iterable[tuple[str, str]]) -> re.Pattern[str] | None:
    words = {re.escape(name) for name in metrics}
    for prefix, name in members:
        words.add(f"{re.escape(prefix)}__{re.escape(name)}")
        # Without a prefix it is found by its own name.
        words.add(rf"(?<!\w){re.escape(name)}")
    return re.compile("|".join(sorted(words))) if words else None


def _topology(model: Model) -> object:
    times = [d for d in model.dimensions if d.is_time]
    return (
        model.name,
        _bare(model.relation),
        model.primary_entity,
        model.agg_time_dimension,
        _bare(model.entities),
        # Any of them may be what metric_time means, under no name of its own.
        _bare(tuple(times)),
    )


def _bare(value: Any) -> Any:
    """A symbol without places and words about it."""
    if isinstance(value, Location):
        return None
    if isinstance(value, Sql):
        return value.text
    if isinstance(value, tuple):
        return tuple([_bare(item) for item in value])
    names = _SEEN.get(type(value))
    if names is None:
        if not is_dataclass(value):
            return value
        names = tuple(part.name for part in fields(value) if part.name not in _UNSEEN)
        _SEEN[type(value)] = names
    return (type(value).__name__, *[_bare(getattr(value, name)) for name in names])


_SEEN: dict[type, tuple[str, ...]] = {}

"""Which files a change of declarations can have made right or wrong, without looking at each.

Promises to name every file whose problems may differ between two snapshots; names more than
needed rather than one too few. What only shifts places, labels or descriptions affects nobody
else. What changes joins, calendars or tables affects the problems of everybody, for they suggest
what is joined; the SQL of a query is affected only where a join can come to what changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from smq.graph.leading import Models, leading_to, mentions_of
from smq.graph.symbols import Declarations, Dimension, Model, Sql
from smq.text import Location
from smq.workspace.files import File, texts_of

Key = tuple[str, ...]

_UNSEEN = frozenset({"label", "description", "node"})
_NO_DECLARATIONS = Declarations("")


@dataclass(frozen=True, slots=True)
class Surface:
    """What other files can see of one file's declarations; equal surfaces mean the same to them."""

    models: dict[str, tuple[object, ...]]
    """By name, what of a model its joins and its table depend on."""
    others: object
    """Declared tables and calendars."""
    members: dict[Key, tuple[object, ...]]
    prefixes: dict[str, tuple[str, ...]]
    """Names that a member of a model may be prefixed with: the model's and its entities'."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two surfaces of one file."""

    everything: bool
    """Whether declared tables, calendars or the order of models are other ones."""
    models: frozenset[str] = frozenset()
    """Models that came or went, or that are joined or read otherwise."""
    metrics: frozenset[str] = frozenset()
    members: frozenset[tuple[str, str]] = frozenset()
    """(prefix, name) of each changed dimension and measure, for each prefix it may have."""
    names: bool = False
    """Whether names were added or removed, which changes what is suggested for unknown ones."""
    words: frozenset[str] = frozenset()
    """Names of models and of their entities, wherever they stand."""
    bare: frozenset[str] = frozenset()
    """Names of dimensions and measures, where they stand without a prefix."""


def surface(declared: Declarations) -> Surface:
    members: dict[Key, list[object]] = {}
    prefixes: dict[str, tuple[str, ...]] = {}
    models: dict[str, list[object]] = {}
    for model in declared.models:
        entities = tuple(entity.name for entity in model.entities)
        virtual = (model.primary_entity,) if model.primary_entity else ()
        prefixes[model.name] = (model.name, *entities, *virtual)
        models.setdefault(model.name, []).append(_topology(model))
        for member in (*model.dimensions, *model.measures):
            kind = "dimension" if isinstance(member, Dimension) else "measure"
            members.setdefault((kind, model.name, member.name), []).append(_bare(member))
    for metric in declared.metrics:
        members.setdefault(("metric", metric.name), []).append(_bare(metric))
    for query in declared.saved_queries:
        members.setdefault(("saved query", query.name), []).append(_bare(query))
    return Surface(
        {name: tuple(each) for name, each in models.items()},
        (_bare(declared.sources), _bare(declared.time_spines)),
        {key: tuple(each) for key, each in members.items()},
        prefixes,
    )


def difference(before: File | None, after: File | None) -> Difference:
    """What a change of one file means to the others."""
    old = surface(before.declarations if before else _NO_DECLARATIONS)
    new = surface(after.declarations if after else _NO_DECLARATIONS)
    one, other = old.models, new.models
    order = [name for name in one if name in other]
    if old.others != new.others or order != [name for name in other if name in one]:
        return Difference(everything=True)
    models = frozenset(
        name for name in one.keys() | other.keys() if one.get(name) != other.get(name)
    )
    metrics: set[str] = set()
    members: set[tuple[str, str]] = set()
    for key in old.members.keys() | new.members.keys():
        if old.members.get(key) == new.members.get(key):
            continue
        if len(key) == 2:
            metrics.add(key[1])
            continue
        _, model, name = key
        for prefix in {*old.prefixes.get(model, ()), *new.prefixes.get(model, ())}:
            members.add((prefix, name))
    # In their order, because names suggested as equally near come in the order of the files.
    names = list(old.members) != list(new.members)
    return Difference(False, models, frozenset(metrics), frozenset(members), names)


def seeing(before: Models, after: Models, models: Iterable[str]) -> Difference | None:
    """What a query must mention, itself or in a metric, for a change of these models' joins or
    tables to change its SQL. None where any query may have other SQL."""
    if any(_TAKEN.search(name.casefold()) for name in before.keys() ^ after.keys()):
        return None
    found = mentions_of(before, after, leading_to(before, after, models))
    return Difference(False, words=found.prefixes, bare=found.members)


_TAKEN = re.compile(r"^joined(_\d+)?$|_in_total|_by_")
"""What the SQL calls its own tables, unless a model has that name."""


def mentioning(
    files: Iterable[tuple[str, File]], changes: Iterable[Difference]
) -> Iterator[str | None]:
    """The files that use what changed, directly or through metrics that use it.

    The pause between two files is the caller's to use: each is given as it is found, and None
    where some have been looked at.
    """
    metrics: set[str] = set()
    members: set[tuple[str, str]] = set()
    words: set[str] = set()
    bare: set[str] = set()
    for change in changes:
        metrics |= change.metrics
        members |= change.members
        words |= change.words
        bare |= change.bare
    texts: list[tuple[str, File, str]] = []
    for number, (uri, file) in enumerate(files):
        if file.uses:
            texts.append((uri, file, file.uses))
        if number % 20 == 0:
            yield None
    found: set[str] = set()
    pattern = _pattern(metrics, members, words, bare)
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


def _pattern(
    metrics: Iterable[str],
    members: Iterable[tuple[str, str]],
    words: Iterable[str] = (),
    bare: Iterable[str] = (),
) -> re.Pattern[str] | None:
    anywhere = {re.escape(name) for name in metrics}
    anywhere |= {f"{re.escape(prefix)}__{re.escape(name)}" for prefix, name in members}
    # Without a prefix it is found by its own name.
    alone = {re.escape(name) for name in (*(name for _, name in members), *bare)}
    parts = {re.escape(name) for name in words}
    choices = (
        *sorted(anywhere),
        rf"(?<!\w)(?:{'|'.join(sorted(alone))})" if alone else "",
        rf"(?:(?<!\w)|(?<=__))(?:{'|'.join(sorted(parts))})(?!(?!__)\w)" if parts else "",
    )
    return re.compile("|".join(filter(None, choices))) if any(choices) else None


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

"""What must be mentioned for a change of some models to mean anything to somebody else.

Joins begin at models that are mentioned and lead from foreign keys to keys: they see what has
changed only if they can come there, before the change or after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from smq.graph.symbols import Model

Models = Mapping[str, Model]


@dataclass(frozen=True, slots=True)
class Mentions:
    """Names, one of which is mentioned by everybody who is concerned."""

    prefixes: frozenset[str] = frozenset()
    """Of models and of their entities, which may be any part of a name between `__`."""
    members: frozenset[str] = frozenset()
    """Of dimensions and measures, where they stand without a prefix."""

    def __or__(self, other: Mentions) -> Mentions:
        return Mentions(self.prefixes | other.prefixes, self.members | other.members)


def mentions_of(before: Models, after: Models, names: Iterable[str]) -> Mentions:
    """What mentions one of some models, as it was or as it is."""
    prefixes: set[str] = set(names)
    members: set[str] = set()
    for models in (before, after):
        for model in (models[name] for name in names if name in models):
            prefixes.update(entity.name for entity in model.entities)
            if model.primary_entity:
                prefixes.add(model.primary_entity)
            members.update(member.name for member in (*model.dimensions, *model.measures))
    return Mentions(frozenset(prefixes), frozenset(members))


def leading_to(before: Models, after: Models, names: Iterable[str]) -> frozenset[str]:
    """The models, and all from which joins can come to them; rather some more."""
    return _leading_to(before, names) | _leading_to(after, names)


def _leading_to(models: Models, names: Iterable[str]) -> frozenset[str]:
    holding: dict[str, list[str]] = {}
    for model in models.values():
        for entity in model.entities:
            holding.setdefault(entity.name, []).append(model.name)
    found: set[str] = set(names)
    ahead = [name for name in found if name in models]
    while ahead:
        for entity in models[ahead.pop()].entities:
            if entity.kind in ("primary", "unique"):
                new = [name for name in holding[entity.name] if name not in found]
                found.update(new)
                ahead += new
    return frozenset(found)

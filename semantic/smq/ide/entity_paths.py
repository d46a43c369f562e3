"""Dimensions by the entities that lead to them: `customer__country`, `customer__branch__name`."""

from __future__ import annotations

from collections.abc import Iterator

from smq.graph.members import row_readings
from smq.graph.references import all_grains, splits
from smq.graph.symbols import Dimension, Model
from smq.ide.choosing import Completion, in_a_line
from smq.ide.offers import Offers
from smq.text import Span, nfc


def entity_paths(offers: Offers, typed: str, span: Span) -> Iterator[Completion]:
    """What can follow an entity that is typed with its separator. Paths are not offered before:
    there are many more of them than of models, and they mean the same."""
    name = nfc(typed)
    for left, _ in [(name.rstrip("_"), ""), *splits(name)]:
        via = _entities(offers, left)
        if via and name.startswith(f"{left}__"):
            for model in _keyed(offers, via):
                for dimension in model.dimensions:
                    yield _path(offers, model, dimension, via, span)
                for entity in model.entities:
                    further = (*via, entity.name)
                    if entity.kind == "foreign" and _keyed(offers, further):
                        yield _step(offers, further, span)
            return


def _entities(offers: Offers, text: str) -> tuple[str, ...]:
    """The entities that a text names one after another; none where it is a model's name."""
    graph = offers.graph
    if not text or text in graph.models:
        return ()
    if graph.joins.keyed_by(text):
        return (text,)
    for left, right in splits(text):
        head = _entities(offers, left)
        if head and graph.joins.keyed_by(right):
            return (*head, right)
    return ()


def _keyed(offers: Offers, via: tuple[str, ...]) -> tuple[Model, ...]:
    """The models with that key, which the entities before it lead to."""
    graph = offers.graph
    models = [graph.models[name] for name in graph.joins.keyed_by(via[-1])]
    bases = {base.model for base in offers.reachable.bases}
    if not bases:
        return tuple(models)
    return tuple(
        model
        for model in models
        if all(base == model.name or graph.paths(base, model.name, via) for base in bases)
    )


def _path(
    offers: Offers, model: Model, dimension: Dimension, via: tuple[str, ...], span: Span
) -> Completion:
    name = "__".join((*via, dimension.name))
    found = row_readings(offers.graph, name, all_grains(offers.graph))
    why = "means several things" if len(found) != 1 else offers.reachable.unreached(found[0])
    return Completion(
        name,
        "time" if dimension.is_time else "dimension",
        span,
        name,
        len(via),
        in_a_line(dimension.label, dimension.data_type, f"{model.name} by {', '.join(via)}"),
        dimension.description or "",
        words=dimension.label or "",
        why_not=why,
    )


def _step(offers: Offers, via: tuple[str, ...], span: Span) -> Completion:
    name = "__".join(via) + "__"
    models = ", ".join(model.name for model in _keyed(offers, via))
    return Completion(name, "entity", span, name, 50, f"on to {models}")

"""Fixes that create what a model file names and nothing has: a metric, a measure, a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from smq.catalog import Known
from smq.graph.references import splits
from smq.graph.symbols import Entity, Measure, Metric, Model
from smq.problem import Fix, Problem
from smq.rules.model_additions import (
    added_entity,
    added_member,
    added_metric_beside,
    metric_of_measure,
)
from smq.rules.registry import Context

# More candidates than these are a list to search, not an offer.
_OFFERS = 3


def created_for(problem: Problem, context: Context) -> Iterator[Fix]:
    """What a metric's unknown name may stand for, by where it is written.

    `wanted` of the problem says whether a metric, a measure, or a value of rows is looked for.
    """
    name, wanted = str(problem.args["name"]), problem.args.get("wanted")
    for left, right in splits(name):
        model = context.graph.models.get(left)
        if model is not None:
            if right.isidentifier():
                yield from _measure(context, model, right)
            return
    metric = context.graph.metrics.get(str(problem.args["metric"]))
    if metric is None or "__" in name or not name.isidentifier():
        return
    if wanted == "metric":
        yield from _metric(context, metric, name)
    elif wanted in ("measure", "row"):
        for model in _models_of(context, metric):
            yield from _measure(context, model, name)


def _measure(context: Context, model: Model, name: str) -> Iterator[Fix]:
    edit = added_member(context.parsed(model.name_at.uri), model, "measure", name)
    if edit is not None:
        yield Fix(f"Create measure '{name}' in '{model.name}'", (edit,), "unsafe")


def _metric(context: Context, metric: Metric, name: str) -> Iterator[Fix]:
    """Beside the metric that names it. Its title says what it computes until it is edited."""
    parsed = context.parsed(metric.name_at.uri)
    for model, measure in _measures(context, metric, name):
        found = metric_of_measure(model, measure, ())
        edit = added_metric_beside(parsed, metric, name, found[1], measure) if found else None
        if found is not None and edit is not None:
            yield Fix(f"Create metric '{name}' as {found[1]}", (edit,), "unsafe")
            return


def _measures(context: Context, metric: Metric, name: str) -> list[tuple[Model, Measure]]:
    """The likeliest first: measures whose name is a part of the metric's, the longest of them."""
    models = _models_of(context, metric)
    found = [(model, measure) for model in models for measure in model.measures]
    if not found:
        each = (model for model in context.graph.models.values() if model.measures)
        found = [(model, measure) for model in islice(each, 1) for measure in model.measures]
    return sorted(found, key=lambda pair: -_likeness(name, pair[1].name))


def _likeness(metric: str, measure: str) -> int:
    """How much of a metric's name is the measure's, in whole words."""
    return len(measure) if f"_{measure}_" in f"_{metric}_" else 0


def _models_of(context: Context, metric: Metric) -> tuple[Model, ...]:
    """The first models in the metric's file; where it has none, those that its metrics name.

    Of one file they are looked for once: it may have thousands of metrics with unknown names.
    """
    graph, uri = context.graph, metric.name_at.uri
    key = "likely models", uri
    found: tuple[Model, ...] | None = graph.memo.get(key)
    if found is None:
        found = graph.memo[key] = tuple(islice(_likely_models(context, uri), _OFFERS))
    return found


def _likely_models(context: Context, uri: str) -> Iterator[Model]:
    graph = context.graph
    declared = context.file(uri).declarations
    names = [model.name for model in declared.models]
    if not names:
        for other in declared.metrics:
            given = [each.name for each in (other.measure, *other.inputs) if each is not None]
            words = other.expr.text.replace("(", " ").replace(")", " ") if other.expr else ""
            for word in (*given, *words.split()):
                names += [left for left, _ in splits(word)]
                names += graph.models_with(word)[:1]
    for model in dict.fromkeys(names):
        if model in graph.models:
            yield graph.models[model]


def declared_keys(problem: Problem, context: Context) -> Iterator[Fix]:
    """Declare the key that a foreign entity looks for, in models that have such a column.

    A model that has a primary entity already is left alone: it says what its rows are.
    """
    graph = context.graph
    name, own = str(problem.args["name"]), graph.models.get(str(problem.args["model"]))
    entity = next((e for e in own.entities if e.name == name), None) if own else None
    if own is None or entity is None:
        return
    wanted = tuple(dict.fromkeys((name, _column(entity))))
    named = dict.fromkeys(each for word in wanted for each in graph.models_with(word))
    fixes = list(_keys(context, name, own, wanted, named))
    if not fixes and isinstance(context.catalog, Known):
        fixes = list(islice(_keys(context, name, own, wanted, graph.models), _OFFERS))
    yield from fixes[:_OFFERS]


def _keys(
    context: Context, name: str, own: Model, wanted: tuple[str, ...], models: Iterable[str]
) -> Iterator[Fix]:
    for model in (context.graph.models[each] for each in models):
        if model is own or model.primary_entity:
            continue
        if any(e.kind == "primary" or e.name == name for e in model.entities):
            continue
        column = _column_like(context, model, wanted)
        if column is None:
            continue
        edit = added_entity(context.parsed(model.name_at.uri), model, name, column)
        if edit is not None:
            title = f"Declare '{name}' as the primary entity of '{model.name}'"
            yield Fix(title, (edit,), "unsafe")


def _column(entity: Entity) -> str:
    return entity.expr.text.strip() if entity.expr is not None else entity.name


def _column_like(context: Context, model: Model, wanted: tuple[str, ...]) -> str | None:
    """The SQL of the dimension, or the column of the table, that has one of these names."""
    for name in wanted:
        dimension = next((d for d in model.dimensions if d.name == name and not d.is_time), None)
        if dimension is not None:
            return str(dimension.expr.text.strip()) if dimension.expr else name
    # Imported here, because it brings the SQL library, which listing rules can do without.
    from smq.graph.warehouse import column_named, table_of

    table = table_of(context.graph, context.catalog, model, context.configuration.dialect)
    if table is not None:
        for name in wanted:
            column = column_named(table, model.name, name)
            if column is not None:
                return str(column.name)
    return None

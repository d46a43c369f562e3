"""Completion inside dbt's templates: `{{ TimeDimension('order__ordered_at', 'month') }}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from smq.expr.jinja import read_call
from smq.graph.members import key_readings, row_readings
from smq.graph.references import METRIC_TIME, RowRef, all_grains
from smq.graph.symbols import Dimension, Model
from smq.ide.choosing import Completion, in_a_line
from smq.ide.offers import Offers
from smq.ide.sql_words import usual_grains
from smq.text import Span

_CALLS = {
    "Dimension": ("'${1:entity__dimension}'", "a dimension by the entity of its model"),
    "TimeDimension": ("'${1:entity__dimension}', '${2:day}'", "a time dimension in a grain"),
    "Entity": ("'${1:entity}'", "the key of an entity"),
    "Metric": ("'${1:metric}', group_by=['${2:entity}']", "a metric's value for each entity"),
}
_ANY = "smq_is_written_here"
_OPEN = re.compile(r"\{\{[^{}]*\Z")
_ARGUMENT = re.compile(r"\s*(['\"])(?P<name>[^'\"]*)\1\s*,")
_CALL = re.compile(r"(?P<name>\w+)\s*\(\s*(?P<before>[^()]*)\Z")


@dataclass(frozen=True, slots=True)
class Template:
    """A place in a template: of a call's name (`call` is empty), or of its argument number so
    much; `quoted` where the quote is open already."""

    call: str = ""
    argument: int = 0
    quoted: bool = False
    first: str = ""
    """The first argument, once another one is written."""
    by: tuple[str, ...] = ()
    """What the call groups by, as far as it is written behind the cursor."""

    @property
    def names_rows(self) -> bool:
        """Whether the argument names a value of rows."""
        return self.call in ("Dimension", "TimeDimension") and self.argument == 0


def template_at(before: str, behind: str = "", braces: bool = True) -> Template | None:
    """The place between two texts, the word at the cursor left out; None outside of templates.
    Without `braces` the whole text is one, as in the `group_by` of a saved query."""
    if braces:
        found = _OPEN.search(before)
        if found is None:
            return None
        before = found.group()
        behind = behind.partition("}}")[0]
    call = _CALL.search(before)
    if call is None:
        return Template()
    given = call["before"]
    first = _ARGUMENT.match(given)
    is_quoted = (given.count("'") + given.count('"')) % 2 == 1
    name = _ANY if is_quoted else f"'{_ANY}'"
    whole = read_call(f"{before[call.start() :]}{name}{behind}")
    by = tuple(each for each in whole.group_by if each != _ANY) if whole is not None else ()
    argument = given.count(",")
    return Template(call["name"], argument, is_quoted, first["name"] if first else "", by)


def in_template(offers: Offers, at: Template, span: Span) -> Iterator[Completion]:
    """What can be written at a place in a template."""
    if not at.call:
        yield from calls(span)
        return
    for item in _arguments(offers, at, span):
        yield item if at.quoted else replace(item, insert=f"'{item.insert}'")


def calls(span: Span) -> Iterator[Completion]:
    """The calls themselves, with places for their arguments."""
    for number, (name, (arguments, words)) in enumerate(_CALLS.items()):
        body = f"{name}({arguments})"
        yield Completion(name, "function", span, body, number, words, filter=name, snippet=True)


def whole_calls(offers: Offers, span: Span) -> Iterator[Completion]:
    """Each dimension as the call that names it, as the lists of saved queries have them."""
    month = f"TimeDimension('{METRIC_TIME}', 'month')"
    yield Completion(month, "time", span, month, 0, "each metric's own time")
    for name, dimension, model in _named(offers):
        detail, words = in_a_line(dimension.label, model.name), dimension.description or ""
        if dimension.is_time:
            text = f"TimeDimension('{name}', '{dimension.grain or 'day'}')"
            yield Completion(text, "time", span, text, 1, detail, words)
        else:
            text = f"Dimension('{name}')"
            yield Completion(text, "dimension", span, text, 1, detail, words)


def _arguments(offers: Offers, at: Template, span: Span) -> Iterator[Completion]:
    if at.call == "TimeDimension" and at.argument == 1:
        for number, grain in enumerate(_grains(offers, at)):
            yield Completion(grain, "grain", span, grain, number, f"by {grain}")
    elif at.call in ("Dimension", "TimeDimension") and at.argument == 0:
        if at.call == "TimeDimension" and offers.reachable.has_metric_time:
            detail = "each metric's own time"
            yield Completion(METRIC_TIME, "time", span, METRIC_TIME, 0, detail)
        for name, dimension, model in _named(offers):
            if dimension.is_time or at.call == "Dimension":
                route = offers.reachable.route(model.name)
                why = _why_not(offers, row_readings(offers.graph, name, all_grains(offers.graph)))
                yield Completion(
                    name,
                    "time" if dimension.is_time else "dimension",
                    span,
                    name,
                    1 + route.distance,
                    in_a_line(dimension.label, model.name, why or route.path),
                    dimension.description or "",
                    why_not=why,
                    words=dimension.label or "",
                )
    elif at.call == "Metric" and at.argument == 0:
        yield from (replace(item, span=span) for item in offers.metrics(by=at.by))
    elif at.call in ("Entity", "Metric"):
        names = {entity: model for model in offers.graph.models.values() for entity in _keys(model)}
        for name, model in names.items():
            why = _why_not(offers, key_readings(offers.graph, name, all_grains(offers.graph)))
            if not why and at.first in offers.graph.metrics:
                way = offers.reachable.obstacle_for_each(at.first, (name, *at.by))
                why = f"not for {at.first}: {way}" if way else ""
            detail = in_a_line(f"key of {model.name}", why)
            yield Completion(name, "entity", span, name, 0, detail, why_not=why)


def _why_not(offers: Offers, found: tuple[RowRef, ...]) -> str:
    """Why a name with these readings cannot be used; empty when it can."""
    return offers.reachable.unreached(found[0]) if len(found) == 1 else "means several things"


def _grains(offers: Offers, at: Template) -> tuple[str, ...]:
    """The grains that the time of the call can be cut to, the usual ones first."""
    usual = usual_grains(offers.graph)
    known = frozenset(offers.grains_of(at.first))
    return tuple(grain for grain in usual if grain in known) or usual


def _named(offers: Offers) -> Iterator[tuple[str, Dimension, Model]]:
    """Dimensions by the key of their model, as dbt names them; by the model where keys do not
    tell it from another."""
    graph = offers.graph
    grains = all_grains(graph)
    for model in graph.models.values():
        keys = _keys(model)
        for dimension in model.dimensions if keys else ():
            names = [f"{head}__{dimension.name}" for head in (*keys, model.name)]
            clear = (name for name in names if len(row_readings(graph, name, grains)) == 1)
            yield next(clear, names[0]), dimension, model


def _keys(model: Model) -> tuple[str, ...]:
    if model.primary_entity:
        return (model.primary_entity,)
    return tuple(e.name for e in model.entities if e.kind in ("primary", "unique"))

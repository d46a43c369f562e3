"""Every place of a file that names something, and what it names: the base of all editor features.

Hover, definition, references, rename, highlight and tokens all read the same mentions, so they
cannot disagree. A name is marked by segments: `orders__ordered_at__month` mentions a model, a
dimension and a grain, each over its own characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from smq.expr import NameUse, parse_expression
from smq.expr.jinja import read_call
from smq.graph.graph import SemanticGraph
from smq.graph.members import call_readings, key_readings, member_ref, row_readings
from smq.graph.references import METRIC_TIME, RowRef, all_grains, splits
from smq.graph.symbols import (
    Declarations,
    Dimension,
    Entity,
    Filter,
    Input,
    Measure,
    Metric,
    Model,
    RefCall,
    SavedQuery,
    SourceCall,
    Sql,
)
from smq.ide.functions import find_function
from smq.ide.reach import bases_of
from smq.query.written import Item, WrittenQuery
from smq.syntax import Mapping, Parsed, Scalar, Sequence
from smq.text import Location, Span, nfc
from smq.workspace import Snapshot

Key = tuple[str, ...]
"""What is named: ("metric", name), ("model", name), ("dimension", model, name),
("measure", model, name), ("entity", name), ("grain", name), ("metric_time",),
("alias", uri, query index, name), ("column", model, name), ("source", source),
("table", source, table), ("ref", name), ("saved_query", name), ("function", NAME)."""

Role = Literal["definition", "reference"]


@dataclass(frozen=True, slots=True)
class Mention:
    """One segment of text and what it names; `span` is in the file, escapes included."""

    span: Span
    key: Key
    role: Role = "reference"
    in_sql: bool = False
    """Inside an SQL string, where the same name may also be a column of another thing."""


def mentions(snapshot: Snapshot, uri: str) -> tuple[Mention, ...]:
    """The file's mentions in the order of the text; unknown names mention nothing."""
    file = snapshot.file(uri)
    found: list[Mention] = []
    dialect = snapshot.configuration.dialect
    for query in file.queries:
        found.extend(_Query(snapshot.graph, dialect, query).mentions())
    found.extend(_Yaml(snapshot.graph, dialect, file.declarations, file.parsed).mentions())
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda m: (m.span.start, m.span.end)))


Place = Callable[[int, int], Location]
_WORD = re.compile(r"[^\W\d]\w*")
_CALLED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|(?P<name>[^\W\d]\w*)(?=\s*\()")


def _called(text: str, place: Place) -> Iterator[Mention]:
    """The functions that SQL calls, as far as there is something to say about them."""
    for match in _CALLED.finditer(text):
        function = find_function(match["name"]) if match["name"] else None
        if function is not None:
            yield Mention(place(*match.span("name")).span, ("function", function.name), in_sql=True)


class _Names:
    """Resolves written names to mentions; shared by both kinds of file."""

    def __init__(self, graph: SemanticGraph, dialect: str) -> None:
        self.graph = graph
        self.dialect = dialect
        self.grains = all_grains(graph)

    def of_ref(self, name: str, ref: RowRef, place: Place, in_sql: bool) -> Iterator[Mention]:
        """The segments of a written name that resolves to a row reference."""

        def mark(start: int, end: int, key: Key) -> Mention:
            return Mention(place(start, end).span, key, in_sql=in_sql)

        rest, at = name, 0
        if ref.kind == METRIC_TIME:
            yield mark(0, len(METRIC_TIME), ("metric_time",))
            if ref.grain and len(name) > len(METRIC_TIME):
                yield mark(len(METRIC_TIME) + 2, len(name), ("grain", ref.grain))
            return
        heads = ref.via or ((ref.instance or ref.model),)
        for head in heads:
            if not rest.startswith(head + "__"):
                break
            is_model = not ref.via and head == ref.model
            key: Key = ("model", ref.model) if is_model or not ref.via else ("entity", head)
            yield mark(at, at + len(head), key)
            at += len(head) + 2
            rest = rest[len(head) + 2 :]
        yield mark(at, at + len(ref.name), self.member_key(ref))
        behind = at + len(ref.name)
        if ref.grain and behind + 2 < len(name) + 1 and name[behind : behind + 2] == "__":
            yield mark(behind + 2, len(name), ("grain", name[behind + 2 :].lower()))

    def member_key(self, ref: RowRef) -> Key:
        if ref.kind == "entity":
            return ("entity", ref.name)
        return (ref.kind, ref.model, ref.name)

    def row(self, name: str, place: Place, in_sql: bool) -> list[Mention]:
        """A prefixed name, if it has a reading; the model alone if only that is known."""
        for ref in row_readings(self.graph, name, self.grains):
            return list(self.of_ref(name, ref, place, in_sql))
        for left, right in splits(name):
            if left in self.graph.models:
                found = [Mention(place(0, len(left)).span, ("model", left), in_sql=in_sql)]
                if right in self.graph.metrics:
                    span = place(len(left) + 2, len(name)).span
                    found.append(Mention(span, ("metric", right), in_sql=in_sql))
                return found
        return []

    def call(self, use: NameUse, text: str, place: Place) -> list[Mention]:
        """The quoted name inside `{{ Dimension('…') }}`."""
        call = use.call
        assert call is not None
        at = text.find(call.name, use.start, use.end)
        if at < 0:
            return []

        def inside(start: int, end: int) -> Location:
            return place(at + start, at + end)

        if call.kind == "Metric":
            found = []
            if call.name in self.graph.metrics:
                span = inside(0, len(call.name)).span
                found.append(Mention(span, ("metric", call.name), in_sql=True))
            behind = at + len(call.name)
            for name in call.group_by:
                behind = text.find(name, behind, use.end)
                if behind < 0:
                    break
                found += self._key(name, partial(_shifted, place, behind))
                behind += len(name)
            return found
        for ref in call_readings(self.graph, use, self.grains):
            if "__" not in call.name and not call.entity_path and ref.kind == "entity":
                span = inside(0, len(call.name)).span
                return [Mention(span, ("entity", ref.name), in_sql=True)]
            return list(self.of_ref(call.name, ref, inside, True))
        return []

    def _key(self, name: str, place: Place) -> list[Mention]:
        """A name that a metric is grouped by inside of a template: an entity, or a dimension."""
        for ref in key_readings(self.graph, name, self.grains):
            if ref.kind == "entity" and name == ref.name:
                return [Mention(place(0, len(name)).span, ("entity", name), in_sql=True)]
            return list(self.of_ref(name, ref, place, True))
        return []


def _shifted(place: Place, by: int, start: int, end: int) -> Location:
    return place(by + start, by + end)


class _Query(_Names):
    """Mentions of one query of an SMQ file."""

    def __init__(self, graph: SemanticGraph, dialect: str, query: WrittenQuery) -> None:
        super().__init__(graph, dialect)
        self.query = query
        self.aliases: dict[str, Item] = {}
        self.scope = self._scope()
        self._models: frozenset[str] | None = None

    def mentions(self) -> Iterator[Mention]:
        query = self.query
        for item in query.metrics:
            template = parse_expression(item.text, self.dialect)
            if template.alias is not None:
                self.aliases[template.alias] = item
        for item in query.metrics:
            yield from self._expression(item, is_metric=True)
        for item in query.filters:
            yield from self._expression(item)
        for item in query.group_by:
            yield from self._name(item, nfc(item.text.strip()), 0)
        for item in query.order_by:
            text = nfc(item.text.strip())
            name = text[1:].strip() if text.startswith("-") else text
            yield from self._name(item, name, max(0, item.text.find(name[:1])) if name else 0)
        for item in query.joins:
            yield from self._clause(item)

    def _scope(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for items in (self.query.metrics, self.query.group_by, self.query.filters):
            for item in items:
                for use in parse_expression(item.text, self.dialect).uses:
                    for left, _ in splits(use.name):
                        if left in self.graph.models:
                            found[left] = None
                            break
        return tuple(found)

    def _expression(self, item: Item, is_metric: bool = False) -> Iterator[Mention]:
        template = parse_expression(item.text, self.dialect)
        if template.fault is not None:
            # Half an expression still names things: its words are looked up one by one.
            yield from self._words(item)
            return
        if template.alias is not None and is_metric:
            span = item.part(*template.alias_at).span
            yield Mention(span, self._alias_key(template.alias), "definition", True)
        for use in template.uses:
            if use.call is not None:
                yield from self.call(use, item.text, item.part)
            else:
                yield from self._use(item, use.name, use.start, use.end)
        for table in template.tables:
            if table.name in self.graph.models:
                span = item.part(table.start, table.end).span
                yield Mention(span, ("model", table.name), in_sql=True)
        yield from _called(item.text, item.part)

    def _alias_key(self, alias: str) -> Key:
        return ("alias", self.query.uri, str(self.query.index), alias)

    def _use(self, item: Item, name: str, start: int, end: int) -> Iterator[Mention]:
        # In quotes a name is longer in the text than it is, and its inside is what names.
        inset = (end - start - len(name)) // 2 if end - start != len(name) else 0

        def place(a: int, b: int) -> Location:
            return item.part(start + inset + a, start + inset + b)

        if name in self.graph.metrics:
            yield Mention(place(0, len(name)).span, ("metric", name), in_sql=True)
        elif name in self.aliases:
            yield Mention(place(0, len(name)).span, self._alias_key(name), in_sql=True)
        else:
            found = self.row(name, place, True) if "__" in name or name == METRIC_TIME else []
            yield from found or self._bare(name, place)

    def _bare(self, name: str, place: Place) -> Iterator[Mention]:
        """A name without its model, which may hold the separator or end in a grain: the member of
        the one model that the query touches, as the binder reads it."""
        heads = [(name, "")]
        heads += [(left, right) for left, right in splits(name) if right.lower() in self.grains]
        for head, grain in heads:
            owners = self.graph.models_with(head)
            if len(owners) > 1:
                owners = tuple(model for model in owners if model in self._touched())
            ref = member_ref(self.graph, owners[0], head) if len(owners) == 1 else None
            if ref is None or (grain and ref.kind != "dimension"):
                continue
            yield Mention(place(0, len(head)).span, self.member_key(ref), in_sql=True)
            if grain:
                span = place(len(head) + 2, len(name)).span
                yield Mention(span, ("grain", grain.lower()), in_sql=True)
            return

    def _touched(self) -> frozenset[str]:
        """The models that the query names, and those whose rows its metrics count."""
        if self._models is None:
            found = set(self.scope)
            for items in (self.query.metrics, self.query.group_by, self.query.filters):
                for item in items:
                    for use in parse_expression(item.text, self.dialect).uses:
                        if use.name in self.graph.metrics:
                            bases = bases_of(self.graph, use.name, self.dialect)
                            found.update(base.model for base in bases)
            self._models = frozenset(found)
        return self._models

    def _name(self, item: Item, name: str, start: int) -> Iterator[Mention]:
        if name:
            yield from self._use(item, name, start, start + len(name))

    def _words(self, item: Item) -> Iterator[Mention]:
        for match in _WORD.finditer(item.text):
            yield from self._use(item, nfc(match.group()), match.start(), match.end())
        yield from _called(item.text, item.part)

    def _clause(self, item: Item) -> Iterator[Mention]:
        for match in _WORD.finditer(item.text):
            name = nfc(match.group())
            if name in self.graph.models:
                span = item.part(match.start(), match.end()).span
                yield Mention(span, ("model", name), in_sql=True)
            elif "__" in name:
                yield from self._use(item, name, match.start(), match.end())


class _Yaml(_Names):
    """Mentions of one semantic-model file."""

    def __init__(
        self, graph: SemanticGraph, dialect: str, declared: Declarations, parsed: Parsed
    ) -> None:
        super().__init__(graph, dialect)
        self.declared = declared
        self.parsed = parsed

    def mentions(self) -> Iterator[Mention]:
        for model in self.declared.models:
            yield from self._model(model)
        for metric in self.declared.metrics:
            yield from self._metric(metric)
        for table in self.declared.sources:
            yield Mention(table.name_at.span, ("table", table.source, table.name), "definition")
        if self.declared.sources:
            for name in _names_of(self.parsed, "sources"):
                yield Mention(name.content, ("source", nfc(name.text.strip())), "definition")
        for query in self.declared.saved_queries:
            yield from self._saved(query)

    def _model(self, model: Model) -> Iterator[Mention]:
        yield Mention(model.name_at.span, ("model", model.name), "definition")
        yield from self._relation(model)
        if model.primary_entity is not None:
            for entity_name in self._values_of(model, "primary_entity"):
                yield Mention(entity_name.content, ("entity", model.primary_entity), "definition")
        yield from self._time(model, model.agg_time_dimension, model.agg_time_dimension_at)
        for entity in model.entities:
            role: Role = "definition" if entity.kind in ("primary", "unique") else "reference"
            yield Mention(entity.name_at.span, ("entity", entity.name), role)
        for dimension in model.dimensions:
            key = ("dimension", model.name, dimension.name)
            yield Mention(dimension.name_at.span, key, "definition")
        for measure in model.measures:
            key = ("measure", model.name, measure.name)
            yield Mention(measure.name_at.span, key, "definition")
            yield from self._time(model, measure.agg_time_dimension, measure.agg_time_dimension_at)
            limit = measure.non_additive
            if limit is not None:
                yield from self._time(model, limit.dimension, limit.location)
                for grouping, at in zip(limit.groupings, limit.groupings_at, strict=False):
                    yield Mention(at.span, ("entity", grouping))
        symbols: tuple[Entity | Dimension | Measure, ...] = (
            *model.entities,
            *model.dimensions,
            *model.measures,
        )
        for symbol in symbols:
            if symbol.expr is not None:
                yield from self._columns(model, symbol.expr)

    def _relation(self, model: Model) -> Iterator[Mention]:
        """`bank('orders')` names a source and a table, `ref('orders')` a table of dbt."""
        place = model.relation_at
        if place is None or place.uri != self.parsed.document.uri:
            return
        written = place.span.cut(self.parsed.document.text)
        match model.relation:
            case SourceCall(source, table):
                # The table is named last, also where both have one name.
                at, source_at = written.rfind(table), written.find(source)
                if at < 0 or source_at < 0 or source_at + len(source) > at:
                    yield Mention(place.span, ("table", source, table))
                    return
                start = place.span.start
                yield Mention(
                    Span(start + source_at, start + source_at + len(source)), ("source", source)
                )
                yield Mention(Span(start + at, start + at + len(table)), ("table", source, table))
            case RefCall(name):
                yield Mention(place.span, ("ref", name))

    def _time(self, model: Model, name: str | None, at: Location | None) -> Iterator[Mention]:
        if name is not None and at is not None and name in self.graph.index(model.name).dimensions:
            yield Mention(at.span, ("dimension", model.name, name))

    def _values_of(self, model: Model, key: str) -> Iterator[Scalar]:
        """The scalar under a key of a model's own mapping."""
        for name, mapping in _items_of(self.parsed, "semantic_models"):
            if name.content == model.name_at.span:
                value = mapping.get(key)
                if isinstance(value, Scalar):
                    yield value

    def _columns(self, model: Model, sql: Sql) -> Iterator[Mention]:
        template = parse_expression(sql.text, self.dialect)

        def place(start: int, end: int) -> Location:
            return _part(sql, start, end)

        for use in template.uses:
            key = ("column", model.name, use.name)
            yield Mention(place(use.start, use.end).span, key, in_sql=True)
        yield from _called(sql.text, place)

    def _metric(self, metric: Metric) -> Iterator[Mention]:
        # A metric that a measure creates (`create_metric`) is written only once, as the measure.
        yield Mention(metric.name_at.span, ("metric", metric.name), "definition")
        inputs = {given.alias or given.name for given in metric.inputs}
        if metric.expr is not None:
            yield from self._formula(metric, metric.expr, inputs)
        given: Input | None
        conversion = metric.conversion
        events = (conversion.base, conversion.conversion) if conversion else ()
        if conversion is not None:
            yield Mention(conversion.entity_at.span, ("entity", conversion.entity))
        for given in (
            metric.measure,
            metric.numerator,
            metric.denominator,
            *metric.inputs,
            *events,
        ):
            if given is not None:
                yield from self._input(metric, given)
        yield from self._filters(metric.filters, metric)
        if metric.window is not None:
            for key in (*metric.window.partition_by, *metric.window.order_by):
                name = key.text.split()[0] if key.text.split() else ""
                yield from self._word(metric, key, name.lstrip("-"), key.text.find(name))

    def _input(self, metric: Metric, given: Input) -> Iterator[Mention]:
        if given.name in self.graph.metrics and given is not metric.measure:
            yield Mention(given.name_at.span, ("metric", given.name))
        else:
            for model in self._owners(given.name, metric):
                if given.name in self.graph.index(model).measures:
                    yield Mention(given.name_at.span, ("measure", model, given.name))
                    break
        yield from self._filters(given.filters, metric)

    def _filters(self, filters: Iterable[Filter], metric: Metric | None) -> Iterator[Mention]:
        for each in filters:
            yield from self._formula(metric, each.sql, set())

    def _formula(self, metric: Metric | None, sql: Sql, inputs: set[str]) -> Iterator[Mention]:
        template = parse_expression(sql.text, self.dialect)

        def place(start: int, end: int) -> Location:
            return _part(sql, start, end)

        for use in template.uses:
            if use.call is not None:
                yield from self.call(use, sql.text, place)
            elif use.name in inputs and use.name not in self.graph.metrics:
                continue
            else:
                yield from self._word(metric, sql, use.name, use.start)
        if template.fault is not None:
            for match in _WORD.finditer(sql.text):
                yield from self._word(metric, sql, nfc(match.group()), match.start())
        yield from _called(sql.text, place)

    def _word(self, metric: Metric | None, sql: Sql, name: str, at: int) -> Iterator[Mention]:
        def place(start: int, end: int) -> Location:
            return _part(sql, at + start, at + end)

        if not name or at < 0:
            return
        own = metric is not None and name == metric.name
        if name in self.graph.metrics and not own:
            yield Mention(place(0, len(name)).span, ("metric", name), in_sql=True)
        elif "__" in name or name == METRIC_TIME:
            yield from self.row(name, place, True)
        else:
            for model in self._owners(name, metric):
                ref = member_ref(self.graph, model, name)
                if ref is not None:
                    yield Mention(place(0, len(name)).span, self.member_key(ref), in_sql=True)
                    return

    def _owners(self, name: str, metric: Metric | None) -> tuple[str, ...]:
        owners = self.graph.models_with(name)
        if metric is not None and metric.declared_with in owners:
            return (str(metric.declared_with),)
        return owners

    def _saved(self, query: SavedQuery) -> Iterator[Mention]:
        yield Mention(query.name_at.span, ("saved_query", query.name), "definition")
        for sql in query.metrics:
            if sql.text in self.graph.metrics:
                yield Mention(sql.location.span, ("metric", sql.text))
        for sql in (*query.group_by, *query.order_by):
            call = read_call(sql.text)
            if call is None:
                yield from self._formula(None, sql, set())
            else:
                use = NameUse(0, (call.name,), 0, len(sql.text), call=call)
                yield from self.call(use, sql.text, partial(_part, sql))
        yield from self._filters(query.filters, None)


def _items_of(parsed: Parsed, key: str) -> Iterator[tuple[Scalar, Mapping]]:
    """The mappings of a top-level list, each with the scalar that names it."""
    for root in parsed.roots:
        items = root.get(key) if isinstance(root, Mapping) else None
        for item in items.items if isinstance(items, Sequence) else ():
            name = item.get("name") if isinstance(item, Mapping) else None
            if isinstance(item, Mapping) and isinstance(name, Scalar):
                yield name, item


def _names_of(parsed: Parsed, key: str) -> Iterator[Scalar]:
    for name, _ in _items_of(parsed, key):
        yield name


def _part(sql: Sql, start: int, end: int) -> Location:
    if sql.node is None:
        return sql.location
    return Location(sql.location.uri, sql.node.source(Span(start, max(start, end))))

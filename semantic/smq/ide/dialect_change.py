"""Write a semantic model in the other YAML dialect: the SMQ one, or dbt's classic one.

Comments, order and layout stay; only the keys that differ are changed. What the other dialect
cannot say is left out where nothing depends on it: dbt does not declare the types of columns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from smq.expr import is_boolean, parse_expression
from smq.graph.members import metrics_about
from smq.graph.symbols import Dimension, Model, SourceCall
from smq.ide.reach import bases_of
from smq.problem import Severity
from smq.rules.check import check
from smq.rules.model_additions import usual_aggregation
from smq.rules.model_edits import item_around
from smq.rules.yaml_edits import removed_pair
from smq.syntax import Mapping, Pair, Parsed, Scalar, Sequence, unaliased
from smq.text import Edit, Span, apply_edits
from smq.workspace import Change, Snapshot

_REST = re.compile(r"[ \t]*(?:#[^\r\n]*)?")


@dataclass(frozen=True, slots=True)
class Conversion:
    """`to` is the dialect's name for people."""

    model: str
    to: str
    edits: tuple[Edit, ...]


def converted(snapshot: Snapshot, uri: str, offset: int) -> Conversion | None:
    """The model around an offset in the other dialect; None where the result would be another."""
    model = next(
        (
            each
            for each in snapshot.file(uri).declarations.models
            if each.span_at is not None and each.span_at.span.contains(offset)
        ),
        None,
    )
    parsed = snapshot.parsed(uri)
    found = item_around(parsed.roots, model.name_at.span) if model is not None else None
    node = found[0].items[found[1]] if found is not None else None
    if model is None or not isinstance(node, Mapping):
        return None
    name = node.pair("name")
    # Offered on the model's own name, not on everything in it.
    if name is None or not name.span.contains(offset):
        return None
    change = _Change(parsed, node, model, snapshot.configuration.dialect)
    if _is_dbt(node):
        change.to_smq()
        to = "the SMQ dialect"
    else:
        change.to_dbt()
        to = "dbt's dialect"
    edits = tuple(change.edits)
    if change.impossible or not edits or not _means_the_same(snapshot, uri, model, edits):
        return None
    return Conversion(model.name, to, edits)


def _is_dbt(node: Mapping) -> bool:
    if node.pair("model") is not None or node.pair("defaults") is not None:
        return True
    return any(_word(item, "type") == "categorical" for item in _items(node, "dimensions"))


@dataclass(slots=True)
class _Change:
    parsed: Parsed
    node: Mapping
    model: Model
    dialect: str
    edits: list[Edit] = field(default_factory=list)
    impossible: bool = False

    def to_dbt(self) -> None:
        relation = self.node.pair("table")
        if relation is not None:
            self._replace(relation.key.span, "model")
            if isinstance(self.model.relation, SourceCall) and isinstance(relation.value, Scalar):
                source, table = self.model.relation.source, self.model.relation.table
                self._replace(relation.value.span, f"source('{source}', '{table}')")
        known = {dimension.name: dimension for dimension in self.model.dimensions}
        for item in _items(self.node, "dimensions"):
            dimension = known.get(_word(item, "name"))
            if dimension is not None:
                self._dimension_to_dbt(item, dimension)
        aggregations = {each.name: usual_aggregation(each) for each in self.model.measures}
        for item in _items(self.node, "measures"):
            declared = item.pair("type")
            if item.pair("agg") is None:
                # dbt aggregates by the measure; what a metric says for itself stays as it is.
                agg = aggregations.get(_word(item, "name"), "sum")
                self._put(item, declared, f"agg: {agg}")
            elif declared is not None:
                self.edits.append(removed_pair(self.parsed, declared.span))

    def _dimension_to_dbt(self, item: Mapping, dimension: Dimension) -> None:
        self._put(
            item, item.pair("type"), f"type: {'time' if dimension.is_time else 'categorical'}"
        )
        if dimension.is_time and item.pair("type_params") is None:
            grain = dimension.grain or "day"
            self._after(item, item.pair("type") or item.pair("name"), "type_params", grain)

    def to_smq(self) -> None:
        relation = self.node.pair("model")
        if relation is not None:
            self._replace(relation.key.span, "table")
        defaults = self.node.pair("defaults")
        if defaults is not None:
            self.edits.append(removed_pair(self.parsed, defaults.span))
        time = self.model.agg_time_dimension
        for item in _items(self.node, "measures"):
            if time is not None and item.pair("agg_time_dimension") is None:
                self._beside(item, item.pair("name"), f"agg_time_dimension: {time}")
        known = {dimension.name: dimension for dimension in self.model.dimensions}
        for item in _items(self.node, "dimensions"):
            declared, dimension = item.pair("type"), known.get(_word(item, "name"))
            if declared is None or dimension is None:
                continue
            if dimension.is_time:
                # A date would be truncated otherwise; a timestamp is what dbt takes it for.
                self._put(item, declared, "type: timestamp")
            else:
                self._put(item, declared, f"type: {self._type_of(dimension)}")

    def _type_of(self, dimension: Dimension) -> str:
        """What a dimension without a type most likely is; no SQL depends on it."""
        if dimension.expr is not None:
            template = parse_expression(dimension.expr.text, self.dialect)
            if template.fault is None and not template.is_bare_name and is_boolean(template):
                return "boolean"
        return "varchar"

    # Pairs.

    def _replace(self, span: Span, text: str) -> None:
        self.edits.append(Edit(self.parsed.document.uri, span, text))

    def _put(self, item: Mapping, pair: Pair | None, written: str) -> None:
        """In the place of a pair, or behind the name."""
        if pair is None:
            self._beside(item, item.pair("name"), written)
        elif isinstance(pair.value, Scalar):
            self._replace(Span(pair.key.span.start, pair.value.span.end), written)
        else:
            self.impossible = True

    def _after(self, item: Mapping, pair: Pair | None, key: str, grain: str) -> None:
        self._beside(item, pair, f"{key}: {{time_granularity: {grain}}}")

    def _beside(self, item: Mapping, pair: Pair | None, written: str) -> None:
        if pair is None or not isinstance(pair.value, Scalar):
            self.impossible = True
            return
        text, end = self.parsed.document.text, pair.value.span.end
        if item.flow:
            self._replace(Span(end, end), f", {written}")
            return
        column = pair.key.span.start - (text.rfind("\n", 0, pair.key.span.start) + 1)
        rest = _REST.match(text, end)
        end = rest.end() if rest else end
        newline = "\r\n" if "\r\n" in text else "\n"
        self._replace(Span(end, end), f"{newline}{' ' * column}{written}")


def _items(node: Mapping, key: str) -> Iterator[Mapping]:
    pair = node.pair(key)
    items = unaliased(pair.value) if pair is not None else None
    for item in items.items if isinstance(items, Sequence) else ():
        if isinstance(item, Mapping):
            yield item


def _word(item: Mapping, key: str) -> str:
    pair = item.pair(key)
    value = pair.value if pair is not None else None
    return value.text.strip() if isinstance(value, Scalar) else ""


def _means_the_same(snapshot: Snapshot, uri: str, model: Model, edits: tuple[Edit, ...]) -> bool:
    """Whether the new text declares the same members, of the same columns, times and keys."""
    after = snapshot.apply([Change(uri, apply_edits(snapshot.document(uri).text, edits))])
    found = after.graph.models.get(model.name)
    if found is None or len(after.problems(uri)) > len(snapshot.problems(uri)):
        return False
    if _essence(found) != _essence(model):
        return False
    # The other dialect says types, and a guessed one must not contradict what the file aggregates.
    if _errors(after, uri) - _errors(snapshot, uri):
        return False
    # What counts keys or dimensions has no measure that could keep the model's own time.
    dialect = snapshot.configuration.dialect
    return all(
        bases_of(after.graph, name, dialect) == bases_of(snapshot.graph, name, dialect)
        for name in metrics_about(snapshot.graph, model.name)
    )


def _errors(snapshot: Snapshot, uri: str) -> Counter[str]:
    return Counter(f.code for f in check(snapshot, [uri]) if f.severity is Severity.ERROR)


def _essence(model: Model) -> object:
    def sql(expr: object) -> str | None:
        text = getattr(expr, "text", None)
        return str(text) if text is not None else None

    return (
        [(each.name, each.kind, sql(each.expr)) for each in model.entities],
        [(each.name, each.is_time, each.grain, sql(each.expr)) for each in model.dimensions],
        [
            (each.name, usual_aggregation(each), sql(each.expr), each.percentile)
            for each in model.measures
        ],
        model.primary_entity,
    )

"""What a number is made of, as a graph: query → metrics → measures → columns → tables."""

from __future__ import annotations

from dataclasses import dataclass

from smq.graph.symbols import Dimension, Entity, Measure, Metric, Model, TableName
from smq.ide.hierarchy import Item, calls_from, calls_to, item_at, metric_item
from smq.text import Location
from smq.workspace import Snapshot

_DEEPEST = 64
_MOST = 2_000
"""Boxes of one graph; more than that nobody can look at."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node: `id` is unique in its graph and the same in the next one."""

    id: str
    kind: str
    name: str
    label: str
    detail: str
    location: Location | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """`edges` are pairs of ids: the first is computed from the second. Empty without a root."""

    root: str | None
    boxes: tuple[Box, ...]
    edges: tuple[tuple[str, str], ...]


def lineage_at(snapshot: Snapshot, uri: str, offset: int, users: bool = True) -> Lineage:
    """The lineage of the name at an offset, or of the query around it."""
    item = item_at(snapshot, uri, offset)
    if item is None and uri in snapshot:
        for query in snapshot.queries(uri):
            if query.node is not None and query.node.span.contains(offset):
                item = item_at(snapshot, uri, query.node.span.start)
    return _lineage(snapshot, item, users)


def lineage_of(snapshot: Snapshot, metric: str, users: bool = True) -> Lineage:
    """The lineage of a metric by its name; empty for an unknown one."""
    known = snapshot.graph.metrics.get(metric)
    return _lineage(snapshot, metric_item(known) if known is not None else None, users)


def _lineage(snapshot: Snapshot, item: Item | None, users: bool) -> Lineage:
    if item is None:
        return Lineage(None, (), ())
    drawing = _Drawing(snapshot)
    root = drawing.down(item)
    if users:
        drawing.up(item)
    return Lineage(root, tuple(drawing.boxes.values()), tuple(drawing.edges))


class _Drawing:
    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.boxes: dict[str, Box] = {}
        self.edges: dict[tuple[str, str], None] = {}
        self._went_up: set[str] = set()

    def down(self, item: Item, depth: int = 0) -> str:
        name = _id(item)
        if name in self.boxes or len(self.boxes) >= _MOST:
            return name
        self.boxes[name] = self._box(item)
        if depth >= _DEEPEST:
            return name
        for call in calls_from(self.snapshot, item):
            if call.item.kind == "entity":
                # The way to a dimension, and nothing that is computed with.
                continue
            self._edge(name, self.down(call.item, depth + 1))
        if item.kind in ("measure", "dimension", "entity"):
            self._table(name, item.detail)
        return name

    def up(self, item: Item, depth: int = 0) -> None:
        name = _id(item)
        if name in self._went_up or depth >= _DEEPEST or len(self.boxes) >= _MOST:
            return
        self._went_up.add(name)
        for call in calls_to(self.snapshot, item):
            caller = call.item
            self.boxes.setdefault(_id(caller), self._box(caller))
            self._edge(_id(caller), name)
            self.up(caller, depth + 1)

    def _edge(self, upper: str, lower: str) -> None:
        if upper != lower and lower in self.boxes and (lower, upper) not in self.edges:
            self.edges[upper, lower] = None

    def _table(self, member: str, model_name: str) -> None:
        """A member's own columns stand for themselves; all of them belong to the model's table."""
        model = self.snapshot.graph.models.get(model_name)
        if model is None:
            return
        relation = self.snapshot.graph.relation(model)
        text = ".".join(relation.parts) if isinstance(relation, TableName) else model.name
        place = model.relation_at or model.name_at
        table = f"table:{text}"
        self.boxes.setdefault(table, Box(table, "table", text, "", model.name, place))
        columns = [
            lower
            for upper, lower in self.edges
            if upper == member and self.boxes[lower].kind == "column"
        ]
        for column in columns or [member]:
            self._edge(column, table)

    def _box(self, item: Item) -> Box:
        graph = self.snapshot.graph
        symbol: Metric | Model | Dimension | Measure | Entity | None = None
        detail = item.detail
        if item.kind == "metric":
            symbol = graph.metrics.get(item.name)
            detail = definition_of(symbol) if isinstance(symbol, Metric) else detail
        elif item.kind == "model":
            symbol = graph.models.get(item.name)
        elif item.kind in ("dimension", "measure") and item.detail in graph.models:
            index = graph.index(item.detail)
            members = index.dimensions if item.kind == "dimension" else index.measures
            symbol = members.get(item.name)
            if symbol is not None and symbol.expr is not None:
                detail = " ".join(symbol.expr.text.split())
            if isinstance(symbol, Measure) and symbol.agg:
                detail = f"{symbol.agg}({detail if symbol.expr is not None else symbol.name})"
        label = symbol.label if symbol is not None and symbol.label else ""
        return Box(_id(item), item.kind, item.name, label, detail, item.name_at)


def definition_of(metric: Metric) -> str:
    """A metric's definition in one line."""
    if metric.expr is not None:
        return " ".join(metric.expr.text.split())
    if metric.numerator is not None and metric.denominator is not None:
        return f"{metric.numerator.name} / {metric.denominator.name}"
    if metric.measure is not None:
        return metric.measure.name
    return ""


def _id(item: Item) -> str:
    match item.kind:
        case "measure" | "dimension" | "entity" | "column":
            return f"{item.kind}:{item.detail.removeprefix('column of ')}__{item.name}"
        case "query":
            return f"query:{item.whole.uri}:{item.whole.span.start}"
        case _:
            return f"{item.kind}:{item.name}"

"""Outlines: the symbols of a document, and of the whole workspace by name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from smq.graph.symbols import Declarations, Model
from smq.query.written import WrittenQuery
from smq.text import Location, Span
from smq.workspace import Snapshot

Kind = Literal["model", "entity", "dimension", "measure", "metric", "query", "source", "item"]
WORKSPACE_LIMIT = 200


@dataclass(frozen=True, slots=True)
class DocumentSymbol:
    """One entry of an outline; `name_at` lies inside `whole`."""

    name: str
    kind: Kind
    whole: Span
    name_at: Span
    detail: str = ""
    children: tuple[DocumentSymbol, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkspaceSymbol:
    name: str
    kind: Kind
    location: Location
    container: str = ""


def document_symbols(snapshot: Snapshot, uri: str) -> tuple[DocumentSymbol, ...]:
    """The outline of a file, in the order of the text."""
    if uri not in snapshot:
        return ()
    file = snapshot.file(uri)
    found = [_query(query) for query in file.queries if query.node is not None]
    found.extend(_declared(file.declarations))
    return tuple(sorted(found, key=lambda symbol: symbol.whole))


def workspace_symbols(snapshot: Snapshot, text: str) -> tuple[WorkspaceSymbol, ...]:
    """Models, their members and metrics whose name or label holds the text; beginnings first."""
    wanted = _letters(text)
    found: list[tuple[int, str, WorkspaceSymbol]] = []
    for name, label, symbol in _all(snapshot):
        letters = _letters(name)
        if letters.startswith(wanted):
            rank = 0
        elif wanted in letters or (label and wanted in _letters(label)):
            rank = 1
        else:
            continue
        found.append((rank, name, symbol))
    found.sort(key=lambda entry: entry[:2])
    return tuple(symbol for _, _, symbol in found[:WORKSPACE_LIMIT])


def _letters(text: str) -> str:
    return unicodedata.normalize("NFD", text).casefold()


def _all(snapshot: Snapshot) -> Iterator[tuple[str, str | None, WorkspaceSymbol]]:
    for declared in snapshot.declarations:
        for metric in declared.metrics:
            symbol = WorkspaceSymbol(metric.name, "metric", metric.name_at)
            yield metric.name, metric.label, symbol
        for model in declared.models:
            yield model.name, model.label, WorkspaceSymbol(model.name, "model", model.name_at)
            for dimension in model.dimensions:
                place = dimension.name_at
                symbol = WorkspaceSymbol(dimension.name, "dimension", place, model.name)
                yield dimension.name, dimension.label, symbol
            for measure in model.measures:
                symbol = WorkspaceSymbol(measure.name, "measure", measure.name_at, model.name)
                yield measure.name, measure.label, symbol
    for uri in snapshot.uris:
        for query in snapshot.queries(uri) if uri in snapshot else ():
            if query.name:
                symbol = WorkspaceSymbol(query.name, "query", query.location)
                yield query.name, query.description, symbol


def _query(query: WrittenQuery) -> DocumentSymbol:
    assert query.node is not None
    whole = query.node.span
    name = query.name or (query.metrics[0].text if query.metrics else f"query {query.index + 1}")
    items: list[DocumentSymbol] = []
    for pair in query.node.pairs:
        end = pair.value.span.end if pair.value is not None else pair.key.span.end
        items.append(
            DocumentSymbol(
                pair.key.text or "…", "item", Span(pair.key.span.start, end), pair.key.span
            )
        )
    first = items[0].name_at if items else Span(whole.start, min(whole.start + 1, whole.end))
    detail = query.description or ", ".join(item.text for item in query.group_by)
    return DocumentSymbol(name or "query", "query", whole, first, detail, tuple(items))


def _declared(declared: Declarations) -> Iterator[DocumentSymbol]:
    for model in declared.models:
        yield _model(model)
    for metric in declared.metrics:
        whole = metric.span_at.span if metric.span_at else metric.name_at.span
        name_at = metric.name_at.span
        if not whole.covers(name_at):
            whole = name_at
        yield DocumentSymbol(metric.name, "metric", whole, name_at, metric.label or "")
    for source in declared.sources:
        span = source.name_at.span
        yield DocumentSymbol(f"{source.source}.{source.name}", "source", span, span)


def _model(model: Model) -> DocumentSymbol:
    whole = model.span_at.span if model.span_at else model.name_at.span
    children: list[DocumentSymbol] = []
    for entity in model.entities:
        span = entity.name_at.span
        children.append(DocumentSymbol(entity.name, "entity", span, span, entity.kind))
    for dimension in model.dimensions:
        span = dimension.name_at.span
        detail = dimension.label or dimension.data_type or ""
        children.append(DocumentSymbol(dimension.name, "dimension", span, span, detail))
    for measure in model.measures:
        span = measure.name_at.span
        children.append(
            DocumentSymbol(measure.name, "measure", span, span, measure.label or measure.agg or "")
        )
    inside = tuple(sorted((c for c in children if whole.covers(c.whole)), key=lambda c: c.whole))
    return DocumentSymbol(model.name, "model", whole, model.name_at.span, model.label or "", inside)

"""Outlines: the symbols of a document, and of the whole workspace by name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from typing import Literal

from smq.graph.symbols import Model, Symbol
from smq.query.written import WrittenQuery
from smq.rules.model_edits import item_around
from smq.text import Location, Span
from smq.workspace import File, Snapshot

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
    """Something with a name; `container` is the model of a member."""

    name: str
    kind: Kind
    location: Location
    container: str = ""
    label: str | None = None
    description: str | None = None


def document_symbols(snapshot: Snapshot, uri: str) -> tuple[DocumentSymbol, ...]:
    """The outline of a file, in the order of the text."""
    if uri not in snapshot:
        return ()
    file = snapshot.file(uri)
    found = [_query(query) for query in file.queries if query.node is not None]
    found.extend(_declared(file))
    return tuple(sorted(found, key=lambda symbol: symbol.whole))


def workspace_symbols(
    snapshot: Snapshot, text: str, most: int = WORKSPACE_LIMIT, queries: bool = True
) -> tuple[WorkspaceSymbol, ...]:
    """Models, their members and metrics whose name or label holds the text; beginnings first.
    Queries with such a name or question come behind them, if they are wanted."""
    wanted = _letters(text)
    uris = sorted(uri for uri, _ in snapshot.files)
    best = nsmallest(
        most,
        (
            (not letters.startswith(wanted), is_query, name, number, at)
            for number, uri in enumerate(uris)
            if wanted in (named := _named_in(snapshot.file(uri))).letters
            for letters, words, name, is_query, at in named.entries
            if (wanted in letters or wanted in words) and (queries or not is_query)
        ),
    )
    found: list[WorkspaceSymbol] = []
    for _, _, _, number, at in best:
        found.append(next(islice(_all(snapshot.file(uris[number])), at, None)))
    return tuple(found)


def prepare(snapshot: Snapshot) -> Iterator[None]:
    """What the first search of the workspace has to do, in steps of a file each."""
    for _, file in snapshot.files:
        _named_in(file)
        yield


def _letters(text: str) -> str:
    letters = unicodedata.normalize("NFD", text).casefold()
    # Seventy thousand texts are remembered, and most are nothing but small letters.
    return text if letters == text else letters


def _all(file: File) -> Iterator[WorkspaceSymbol]:
    """What a file names, in the order of its sections. A foreign entity names nothing: it refers
    to the key of another model."""
    declared = file.declarations
    for metric in declared.metrics:
        yield _named("metric", metric)
    for model in declared.models:
        yield _named("model", model)
        for entity in model.entities:
            if entity.kind != "foreign":
                yield _named("entity", entity, model.name)
        for dimension in model.dimensions:
            yield _named("dimension", dimension, model.name)
        for measure in model.measures:
            yield _named("measure", measure, model.name)
    for saved in declared.saved_queries:
        yield _named("query", saved)
    for query in file.queries:
        name = query.name or query.description
        if name:
            yield WorkspaceSymbol(name, "query", query.location, label=query.description)


def _named(kind: Kind, each: Symbol, container: str = "") -> WorkspaceSymbol:
    return WorkspaceSymbol(each.name, kind, each.name_at, container, each.label, each.description)


class _Named:
    """What a file names, ready to be searched: a picker asks anew with each letter.

    An entry is the letters of a name and of its words, the name, whether it is a query, and its
    number in `_all`. `letters` has those of all entries.
    """

    __slots__ = ("declarations", "entries", "letters")

    def __init__(self, file: File) -> None:
        self.declarations = file.declarations
        self.entries = tuple(
            (
                _letters(each.name),
                _letters(each.label or ""),
                each.name,
                each.kind == "query",
                at,
            )
            for at, each in enumerate(_all(file))
        )
        self.letters = "\n".join(part for entry in self.entries for part in entry[:2])


_NAMED: dict[str, _Named] = {}
_REMEMBERED = 50_000


def _named_in(file: File) -> _Named:
    """By the file's URI, as long as it declares the very same;"""
    uri = file.document.uri
    known = _NAMED.get(uri)
    # Each reading of a file has declarations of its own, also that of a file with queries.
    if known is None or known.declarations is not file.declarations:
        if len(_NAMED) >= _REMEMBERED:
            _NAMED.clear()
        known = _NAMED[uri] = _Named(file)
    return known


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


def _declared(file: File) -> Iterator[DocumentSymbol]:
    declared = file.declarations
    for model in declared.models:
        yield _model(model)
    for metric in declared.metrics:
        whole = metric.span_at.span if metric.span_at else metric.name_at.span
        name_at = metric.name_at.span
        if not whole.covers(name_at):
            whole = name_at
        yield DocumentSymbol(metric.name, "metric", whole, name_at, metric.label or "")
    for query in declared.saved_queries:
        yield _item(file, query, "query")
    for spine in declared.time_spines:
        yield _item(file, spine, "model")
    for source in declared.sources:
        span = source.name_at.span
        yield DocumentSymbol(f"{source.source}.{source.name}", "source", span, span)


def _item(file: File, symbol: Symbol, kind: Kind) -> DocumentSymbol:
    """What is an item of a list and nothing more."""
    name_at = symbol.name_at.span
    around = item_around(file.parsed.roots, name_at)
    node = around[0].items[around[1]] if around is not None else None
    whole = node.span if node is not None and node.span.covers(name_at) else name_at
    detail = symbol.label or symbol.description or ""
    return DocumentSymbol(symbol.name, kind, whole, name_at, detail)


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

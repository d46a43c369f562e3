"""Symbols, folding, selection, links, semantic tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from smq_server.lsp import convert

if TYPE_CHECKING:
    from smq.ide.symbols import DocumentSymbol
    from smq.ide.tokens import Token
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.view import View

_SYMBOLS = {
    "model": types.SymbolKind.Class,
    "entity": types.SymbolKind.Key,
    "dimension": types.SymbolKind.Field,
    "measure": types.SymbolKind.Variable,
    "metric": types.SymbolKind.Function,
    "query": types.SymbolKind.Object,
    "source": types.SymbolKind.Module,
    "item": types.SymbolKind.Property,
}
_OLD_SYMBOLS = {
    types.SymbolKind.Key: types.SymbolKind.Property,
    types.SymbolKind.Object: types.SymbolKind.Class,
}
"""What a client is told that names no kinds: it knows those of the first protocol alone."""
TOKEN_TYPES = {
    "metric": "function",
    "model": "class",
    "dimension": "property",
    "measure": "variable",
    "entity": "type",
    "grain": "enumMember",
    "alias": "variable",
    "column": "property",
    "function": "macro",
    "keyword": "keyword",
    "number": "number",
    "string": "string",
    "operator": "operator",
}
_LEGEND = types.SemanticTokensLegend(list(dict.fromkeys(TOKEN_TYPES.values())), ["definition"])


def register(server: SmqServer) -> None:
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def document_symbol(params: types.DocumentSymbolParams) -> list[dict[str, Any]]:
        from smq.ide.symbols import document_symbols

        view = session.view(params.text_document.uri)
        if view is None:
            return []
        symbols = document_symbols(view.snapshot, view.uri)
        document = session.client.text_document
        capability = document.document_symbol if document else None
        kinds = _kinds(capability.symbol_kind if capability else None)
        if capability and capability.hierarchical_document_symbol_support:
            return [_symbol(view, symbol, kinds) for symbol in symbols]
        uri = params.text_document.uri
        return [flat for symbol in symbols for flat in _flat(view, symbol, kinds, uri, "")]

    @server.feature(types.WORKSPACE_SYMBOL)
    def workspace_symbol(params: types.WorkspaceSymbolParams) -> list[dict[str, Any]]:
        from smq.ide.symbols import workspace_symbols

        found: list[dict[str, Any]] = []
        workspace = session.client.workspace
        capability = workspace.symbol if workspace else None
        kinds = _kinds(capability.symbol_kind if capability else None)
        for snapshot in session.snapshots():
            for symbol in workspace_symbols(snapshot, params.query):
                lines = snapshot.lines(symbol.location.uri)
                place = convert.wire_range(lines, symbol.location.span, session.encoding)
                found.append(
                    {
                        "name": _shown(symbol.name),
                        "kind": kinds[symbol.kind],
                        "containerName": symbol.container,
                        "location": {
                            "uri": session.state.spelled(symbol.location.uri),
                            "range": place,
                        },
                    }
                )
        return found

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    def folding(params: types.FoldingRangeParams) -> list[dict[str, Any]]:
        from smq.ide.structure import folds

        view = session.view(params.text_document.uri)
        if view is None:
            return []
        return [
            {"startLine": fold.first_line, "endLine": fold.last_line}
            | ({"kind": "comment"} if fold.is_comment else {})
            for fold in folds(view.snapshot, view.uri)
        ]

    @server.feature(types.TEXT_DOCUMENT_SELECTION_RANGE)
    def selection_range(params: types.SelectionRangeParams) -> list[types.SelectionRange]:
        from smq.ide.structure import selection

        view = session.view(params.text_document.uri)
        if view is None:
            return []
        found: list[types.SelectionRange] = []
        for position in params.positions:
            chain: types.SelectionRange | None = None
            for span in reversed(selection(view.snapshot, view.uri, view.offset(position))):
                chain = types.SelectionRange(view.range(span), chain)
            assert chain is not None, "the whole file is always one of the spans"
            found.append(chain)
        return found

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_LINK)
    def document_link(params: types.DocumentLinkParams) -> list[types.DocumentLink]:
        from smq.ide.structure import links

        view = session.view(params.text_document.uri)
        if view is None:
            return []
        found = []
        document = session.client.text_document
        capability = document.document_link if document else None
        has_tips = bool(capability and capability.tooltip_support)
        for link in links(view.snapshot, view.uri):
            if isinstance(link.target, str):
                target = link.target
            else:
                place = view.location(link.target)
                target = f"{place.uri}#L{place.range.start.line + 1}"
            tooltip = link.tooltip if has_tips else None
            found.append(types.DocumentLink(view.range(link.span), target, tooltip))
        return found

    previous: dict[str, tuple[str, list[int]]] = {}

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, _LEGEND)
    def tokens_full(params: types.SemanticTokensParams) -> dict[str, Any]:
        data = _all_tokens(params.text_document.uri)
        return {"resultId": _remember(params.text_document.uri, data), "data": data}

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL_DELTA, _LEGEND)
    def tokens_delta(params: types.SemanticTokensDeltaParams) -> dict[str, Any]:
        uri = params.text_document.uri
        data = _all_tokens(uri)
        known = previous.get(uri)
        result = _remember(uri, data)
        if known is None or known[0] != params.previous_result_id:
            return {"resultId": result, "data": data}
        return {"resultId": result, "edits": _delta(known[1], data)}

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, _LEGEND)
    def tokens_range(params: types.SemanticTokensRangeParams) -> dict[str, Any]:
        from smq.ide.tokens import tokens

        view = session.view(params.text_document.uri)
        if view is None:
            return {"data": []}
        span = view.span(params.range)
        found = [
            token
            for token in tokens(view.snapshot, view.uri)
            if token.span.start <= span.end and span.start <= token.span.end
        ]
        return {"data": _encoded(view, found)}

    def _all_tokens(uri: str) -> list[int]:
        from smq.ide.tokens import tokens

        view = session.view(uri)
        return _encoded(view, tokens(view.snapshot, view.uri)) if view is not None else []

    def _remember(uri: str, data: list[int]) -> str:
        number = int(previous[uri][0]) + 1 if uri in previous else 1
        previous[uri] = (str(number), data)
        return str(number)


def _shown(name: str) -> str:
    """The protocol allows no empty names, and VS Code throws the whole outline away for one."""
    return name if name.strip() else "…"


def _kinds(
    known: types.ClientSymbolKindOptions | None,
) -> dict[str, int]:
    named = set((known.value_set if known else None) or ())
    return {
        name: (kind if kind in named else _OLD_SYMBOLS.get(kind, kind)).value
        for name, kind in _SYMBOLS.items()
    }


def _symbol(view: View, symbol: DocumentSymbol, kinds: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": _shown(symbol.name),
        "kind": kinds[symbol.kind],
        "detail": symbol.detail,
        "range": view.wire_range(symbol.whole),
        "selectionRange": view.wire_range(symbol.name_at),
        "children": [_symbol(view, child, kinds) for child in symbol.children],
    }


def _flat(
    view: View, symbol: DocumentSymbol, kinds: Mapping[str, int], uri: str, container: str
) -> list[dict[str, Any]]:
    own: dict[str, Any] = {
        "name": _shown(symbol.name),
        "kind": kinds[symbol.kind],
        "location": {"uri": uri, "range": view.wire_range(symbol.whole)},
    }
    if container:
        own["containerName"] = container
    inner = [
        flat for child in symbol.children for flat in _flat(view, child, kinds, uri, symbol.name)
    ]
    return [own, *inner]


def _encoded(view: View, tokens: tuple[Token, ...] | list[Token]) -> list[int]:
    """Five numbers for each token, positions relative to the token before; one line each."""
    numbers = {name: _LEGEND.token_types.index(wire) for name, wire in TOKEN_TYPES.items()}
    data: list[int] = []
    line, start = 0, 0
    for token in tokens:
        first_line, first = view.lines.position(token.span.start, view.encoding)
        last_line, last = view.lines.position(token.span.end, view.encoding)
        if first_line != last_line:
            continue
        data += [
            first_line - line,
            first - start if first_line == line else first,
            last - first,
            numbers[token.type],
            1 if token.definition else 0,
        ]
        line, start = first_line, first
    return data


def _delta(old: list[int], new: list[int]) -> list[dict[str, Any]]:
    """One edit: what lies between the common beginning and the common end."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    if head == len(old) == len(new):
        return []
    middle = new[head : len(new) - tail]
    return [{"start": head, "deleteCount": len(old) - tail - head, "data": middle}]

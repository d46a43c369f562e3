"""Completion and signature help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lsprotocol import types

if TYPE_CHECKING:
    from smq.ide.completion import Completion
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.convert import Wire
    from smq_server.lsp.view import View

_KINDS = {
    "key": types.CompletionItemKind.Property,
    "metric": types.CompletionItemKind.Value,
    "model": types.CompletionItemKind.Class,
    "dimension": types.CompletionItemKind.Field,
    "time": types.CompletionItemKind.Field,
    "measure": types.CompletionItemKind.Variable,
    "entity": types.CompletionItemKind.Reference,
    "grain": types.CompletionItemKind.EnumMember,
    "alias": types.CompletionItemKind.Variable,
    "function": types.CompletionItemKind.Function,
    "keyword": types.CompletionItemKind.Keyword,
    "value": types.CompletionItemKind.Constant,
    "snippet": types.CompletionItemKind.Snippet,
    "column": types.CompletionItemKind.Field,
    "source": types.CompletionItemKind.Module,
}
_OLD_KINDS = {
    types.CompletionItemKind.EnumMember: types.CompletionItemKind.Enum,
    types.CompletionItemKind.Constant: types.CompletionItemKind.Value,
}
"""What a client is told that names no kinds: it knows those of the first protocol alone."""
_PLACE = re.compile(r"\$\{\d+:([^}]*)\}|\$\d+")
_TRIGGERS = ['"', "'", "_", "-", ".", "(", ",", " ", ":"]


def register(server: SmqServer) -> None:
    session = server.session

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=_TRIGGERS)
    )
    def completion(params: types.CompletionParams) -> dict[str, Any]:
        from smq.ide.completion import completions
        from smq.ide.model_completion import model_completions

        view = session.view(params.text_document.uri)
        find = None
        if view is not None:
            by_kind = {"smq": completions, "yaml": model_completions}
            find = by_kind.get(view.snapshot.document(view.uri).kind)
        if view is None or find is None:
            return {"isIncomplete": False, "items": []}
        found = find(view.snapshot, view.uri, view.offset(params.position))
        hidden = session.settings.hide_unreachable
        items = [item for item in found.items if not (hidden and item.why_not)]
        shown = _Shown(session.client)
        # Nearly all of them take the place of the same word.
        ranges = {span: view.wire_range(span) for span in {item.span for item in items}}
        return {
            "isIncomplete": found.incomplete,
            "items": [_item(view, item, ranges[item.span], shown) for item in items],
        }

    @server.feature(
        types.TEXT_DOCUMENT_SIGNATURE_HELP,
        types.SignatureHelpOptions(trigger_characters=["(", ","]),
    )
    def signature_help(params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        from smq.ide.signature import signature

        view = session.view(params.text_document.uri)
        if view is None:
            return None
        found = signature(view.snapshot, view.uri, view.offset(params.position))
        if found is None:
            return None
        function = found.function
        information = types.SignatureInformation(
            function.signature,
            function.text,
            [types.ParameterInformation(parameter) for parameter in function.parameters],
            found.active,
        )
        return types.SignatureHelp([information], 0, found.active)


class _Shown:
    """What this client can show of an item."""

    def __init__(self, client: types.ClientCapabilities) -> None:
        document = client.text_document
        capability = document.completion if document else None
        item = capability.completion_item if capability else None
        kinds = capability.completion_item_kind if capability else None
        self.snippets = bool(item and item.snippet_support)
        modes = item.insert_text_mode_support if item else None
        adjusts = types.InsertTextMode.AdjustIndentation
        self.adjusts = modes is not None and adjusts in modes.value_set
        formats = (item.documentation_format if item else None) or ()
        self.markdown = types.MarkupKind.Markdown in formats
        known = set((kinds.value_set if kinds else None) or ())
        self.kinds = {
            name: (kind if kind in known else _OLD_KINDS.get(kind, kind)).value
            for name, kind in _KINDS.items()
        }


def _item(view: View, item: Completion, place: Wire, shown: _Shown) -> dict[str, Any]:
    text = item.insert
    if item.snippet and not shown.snippets:
        # What inserts snippets indents their lines; what inserts texts leaves them as they are.
        text = _plain(text).replace("\n", f"\n{_indentation(view, item)}")
    found: dict[str, Any] = {
        "label": item.label,
        "kind": shown.kinds[item.kind],
        "sortText": f"{item.rank:04d}",
        "filterText": _filter_text(view, item),
        "textEdit": {"range": place, "newText": text},
    }
    if item.detail:
        found["detail"] = item.detail
    if item.documentation or item.why_not:
        words = "\n\n".join(part for part in (item.why_not, item.documentation) if part)
        kind = "markdown" if shown.markdown else "plaintext"
        found["documentation"] = {"kind": kind, "value": words}
    if shown.snippets and item.snippet:
        found["insertTextFormat"] = types.InsertTextFormat.Snippet.value
        if shown.adjusts and "\n" in text:
            found["insertTextMode"] = types.InsertTextMode.AdjustIndentation.value
    return found


def _indentation(view: View, item: Completion) -> str:
    """The blanks at the beginning of the line that an item is put into."""
    line = view.lines.line_text(view.lines.line_of(item.span.start))
    return line[: len(line) - len(line.lstrip(" \t"))]


def _filter_text(view: View, item: Completion) -> str:
    """What the client compares with the text it would replace, quotes included."""
    words = item.filter or item.label
    quoted = item.span.cut(view.text).startswith('"')
    return f'"{words}' if quoted else words


def _plain(snippet: str) -> str:
    """A snippet for a client without them: its words, without the places."""
    return _PLACE.sub(lambda match: match.group(1) or "", snippet).replace("\\$", "$")

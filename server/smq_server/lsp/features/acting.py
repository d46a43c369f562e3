"""Code actions, inlay hints and formatting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from smq_server.lsp.features.generating import offered
from smq_server.lsp.requests import RequestFailed

if TYPE_CHECKING:
    from smq.ide.actions import Action
    from smq.text import Edit
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.session import Session
    from smq_server.lsp.view import View

APPLY_EDIT = "smq.applyEdit"
"""An action for a client that knows commands alone: the server asks it to make the edit."""

_ACTION_KINDS: list[types.CodeActionKind | str] = [
    types.CodeActionKind.QuickFix,
    types.CodeActionKind.RefactorRewrite,
    types.CodeActionKind.RefactorExtract,
    types.CodeActionKind.RefactorInline,
    types.CodeActionKind.RefactorMove,
    types.CodeActionKind.SourceFixAll,
]


def register(server: SmqServer) -> None:
    session = server.session

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=_ACTION_KINDS)
    )
    def code_action(params: types.CodeActionParams) -> list[types.CodeAction | types.Command]:
        from smq.ide.actions import actions, fix_everything

        view = session.view(params.text_document.uri)
        if view is None:
            return []
        only = [str(getattr(kind, "value", kind)) for kind in params.context.only or ()]
        found: list[types.CodeAction] = []
        if not only or any(not each.startswith("source") for each in only):
            findings = session.findings(params.text_document.uri)
            for action in actions(view.snapshot, view.uri, view.span(params.range), findings):
                if _wanted(action.kind, only):
                    found.append(_action(view, action))
            offers = offered(session, view, view.span(params.range), findings)
            found.extend(each for each in offers if _wanted(_kind(each), only))
        if only and _wanted("source.fixAll", only):
            edits = fix_everything(view.snapshot, view.uri)
            if edits:
                found.append(
                    types.CodeAction(
                        "Fix all safely fixable problems",
                        types.CodeActionKind.SourceFixAll,
                        edit=types.WorkspaceEdit(changes=view.edits(edits)),
                    )
                )
        if _knows_actions(session):
            return list(found)
        return [command for each in found if (command := _command(session, each)) is not None]

    @server.command(APPLY_EDIT)
    def apply_edit(*arguments: Any) -> None:
        given: Any = arguments[0] if arguments else None
        given = given[0] if isinstance(given, list) and given else given
        try:
            label, texts = str(given["label"]), dict(given["texts"])
            edit = server.protocol.read(given["edit"], types.WorkspaceEdit)
        except (KeyError, TypeError, ValueError) as error:
            words = f"{APPLY_EDIT} takes what a code action has offered."
            raise JsonRpcInvalidParams(words) from error
        if any(session.generation(uri) != number for uri, number in texts.items()):
            raise RequestFailed("The text has changed since this was offered. Ask once more.")
        params = types.ApplyWorkspaceEditParams(edit, label)
        session.request(types.WORKSPACE_APPLY_EDIT, params)

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    def inlay_hint(params: types.InlayHintParams) -> list[types.InlayHint]:
        from smq.ide.hints import inlay_hints
        from smq.text import Span

        view = session.view(params.text_document.uri)
        if view is None or not session.settings.inlay_hints:
            return []
        return [
            types.InlayHint(
                view.range(Span(hint.offset, hint.offset)).start, hint.label, padding_left=True
            )
            for hint in inlay_hints(view.snapshot, view.uri, view.span(params.range))
        ]

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def formatting(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        return _formatted(params.text_document.uri, None)

    @server.feature(types.TEXT_DOCUMENT_RANGE_FORMATTING)
    def range_formatting(params: types.DocumentRangeFormattingParams) -> list[types.TextEdit]:
        return _formatted(params.text_document.uri, params.range)

    @server.feature(
        types.TEXT_DOCUMENT_ON_TYPE_FORMATTING,
        types.DocumentOnTypeFormattingOptions("}", ["]", "\n"]),
    )
    def on_type_formatting(params: types.DocumentOnTypeFormattingParams) -> list[types.TextEdit]:
        from smq.ide.typing_layout import on_type

        view = session.view(params.text_document.uri)
        if view is None:
            return []
        edits = on_type(view.snapshot, view.uri, view.offset(params.position), params.ch)
        return [types.TextEdit(view.range(edit.span), edit.text) for edit in edits]

    def _formatted(uri: str, within: types.Range | None) -> list[types.TextEdit]:
        from smq.format import format_document

        view = session.view(uri)
        if view is None:
            return []
        edits: Iterable[Edit] = format_document(view.snapshot.parsed(view.uri))
        if within is not None:
            span = view.span(within)
            edits = [edit for edit in edits if span.covers(edit.span)]
        return [types.TextEdit(view.range(edit.span), edit.text) for edit in edits]


def _knows_actions(session: Session) -> bool:
    document = session.client.text_document
    capability = document.code_action if document else None
    return bool(capability and capability.code_action_literal_support)


def _command(session: Session, action: types.CodeAction) -> types.Command | None:
    """The action for a client of before there were any; None if it could not take the edit."""
    if action.edit is None:
        return action.command
    if not session.applies_edits:
        return None
    texts = {uri: session.generation(uri) for uri in action.edit.changes or ()}
    about = {"label": action.title, "edit": action.edit, "texts": texts}
    return types.Command(action.title, APPLY_EDIT, arguments=[about])


def _kind(action: types.CodeAction) -> str:
    return str(getattr(action.kind, "value", action.kind or ""))


def _wanted(kind: str, only: list[str]) -> bool:
    return not only or any(kind == each or kind.startswith(each + ".") for each in only)


def _action(view: View, action: Action) -> types.CodeAction:
    return types.CodeAction(
        action.title,
        types.CodeActionKind(action.kind),
        is_preferred=True if action.preferred else None,
        edit=types.WorkspaceEdit(changes=view.edits(action.edits)),
    )

"""Definition and its kin, references, highlights, rename."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

if TYPE_CHECKING:
    from smq.ide.definition import Target
    from smq.workspace import Snapshot
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.view import View


_Asked = (
    types.DefinitionParams
    | types.DeclarationParams
    | types.TypeDefinitionParams
    | types.ImplementationParams
)


def register(server: SmqServer) -> None:
    session = server.session

    def go(
        params: _Asked,
        find: Callable[[Snapshot, str, int], tuple[Target, ...]],
    ) -> list[Any]:
        view = session.view(params.text_document.uri)
        if view is None:
            return []
        targets = find(view.snapshot, view.uri, view.offset(params.position))
        return _locations(view, targets)

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def definition(params: types.DefinitionParams) -> list[Any]:
        from smq.ide.definition import definitions

        return go(params, definitions)

    @server.feature(types.TEXT_DOCUMENT_DECLARATION)
    def declaration(params: types.DeclarationParams) -> list[Any]:
        from smq.ide.definition import definitions

        return go(params, definitions)

    @server.feature(types.TEXT_DOCUMENT_TYPE_DEFINITION)
    def type_definition(params: types.TypeDefinitionParams) -> list[Any]:
        from smq.ide.definition import type_definitions

        return go(params, type_definitions)

    @server.feature(types.TEXT_DOCUMENT_IMPLEMENTATION)
    def implementation(params: types.ImplementationParams) -> list[Any]:
        from smq.ide.definition import implementations

        return go(params, implementations)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def references(params: types.ReferenceParams) -> list[types.Location]:
        from smq.ide.references import references as find

        view = session.view(params.text_document.uri)
        if view is None:
            return []
        at = view.offset(params.position)
        found = find(view.snapshot, view.uri, at, params.context.include_declaration)
        return [view.location(location) for location in found]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    def highlight(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
        from smq.ide.references import highlights

        view = session.view(params.text_document.uri)
        if view is None:
            return []
        found = highlights(view.snapshot, view.uri, view.offset(params.position))
        kinds = types.DocumentHighlightKind
        return [
            types.DocumentHighlight(
                view.range(each.span), kinds.Write if each.role == "definition" else kinds.Read
            )
            for each in found
        ]

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepare(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        from smq.ide.references import Refusal, prepare_rename

        view = session.view(params.text_document.uri)
        if view is None:
            return None
        found = prepare_rename(view.snapshot, view.uri, view.offset(params.position))
        if isinstance(found, Refusal):
            return None
        return types.PrepareRenamePlaceholder(view.range(found.span), found.name)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def rename(params: types.RenameParams) -> types.WorkspaceEdit | None:
        from smq.ide.references import Refusal
        from smq.ide.references import rename as edits_of

        view = session.view(params.text_document.uri)
        if view is None:
            return None
        at = view.offset(params.position)
        edits = edits_of(view.snapshot, view.uri, at, params.new_name)
        if isinstance(edits, Refusal):
            raise JsonRpcInvalidParams(edits.reason)
        return types.WorkspaceEdit(changes=view.edits(edits))


def _locations(view: View, targets: Iterable[Target]) -> list[Any]:
    return [view.location(target.name) for target in targets]

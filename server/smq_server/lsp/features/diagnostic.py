"""Pull diagnostics, of one document and of the workspace, with result ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types

if TYPE_CHECKING:
    from smq_server.lsp.app import SmqServer


def register(server: SmqServer) -> None:
    session = server.session
    options = types.DiagnosticOptions(
        inter_file_dependencies=True, workspace_diagnostics=True, identifier="smq"
    )

    @server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, options)
    def document(params: types.DocumentDiagnosticParams) -> dict[str, Any]:
        return session.state.pull(params.text_document.uri, params.previous_result_id)

    @server.feature(types.WORKSPACE_DIAGNOSTIC)
    async def workspace(params: types.WorkspaceDiagnosticParams) -> dict[str, Any]:
        known = {each.uri: each.value for each in params.previous_result_ids}
        return {"items": await session.state.pull_all(known)}

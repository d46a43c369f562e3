"""Hover: the SQL that will run, and what a name means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from smq_server.lsp.app import SmqServer


def register(server: SmqServer) -> None:
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        from smq.ide.hover import hover as about

        view = session.view(params.text_document.uri)
        if view is None:
            return None
        found = about(view.snapshot, view.uri, view.offset(params.position))
        if found is None:
            return None
        document = session.client.text_document
        formats = (document.hover.content_format if document and document.hover else None) or ()
        if types.MarkupKind.Markdown in formats:
            content = types.MarkupContent(types.MarkupKind.Markdown, found.markdown)
        else:
            content = types.MarkupContent(types.MarkupKind.PlainText, found.plain)
        return types.Hover(content, view.range(found.span))

"""A session in the test's own process, with a client that remembers what it has been told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types

from smq_server.lsp.session import Session

Shown = dict[str, list[dict[str, Any]]]


class Client:
    """What an editor shows: its open texts and the newest diagnostics of each file."""

    def __init__(self, *folders: Path, encoding: str = "utf-16", **options: Any) -> None:
        self.published: list[tuple[str, int | None]] = []
        self.shown: Shown = {}
        self.defects: list[BaseException] = []
        self.logged: list[str] = []
        self.requests: list[str] = []
        self.pulling: set[str] = set()
        self.session = Session(self._notified)
        self.session.defect = self._struck
        self.session.request = lambda method, *_: self.requests.append(method)
        capabilities = types.ClientCapabilities(
            general=types.GeneralClientCapabilities(
                position_encodings=[types.PositionEncodingKind(encoding)]
            ),
            text_document=types.TextDocumentClientCapabilities(
                publish_diagnostics=types.PublishDiagnosticsClientCapabilities(
                    related_information=True,
                    data_support=True,
                    version_support=True,
                    code_description_support=True,
                )
            ),
        )
        self.session.initialize(
            types.InitializeParams(
                capabilities=capabilities,
                workspace_folders=[types.WorkspaceFolder(f.as_uri(), f.name) for f in folders],
                initialization_options=options or None,
            )
        )
        self.session.start()

    def settle(self) -> Shown:
        """Let all work end; what is shown then, files without findings left out."""
        self.session.scheduler.drain()
        if self.defects:
            raise self.defects[0]
        for uri in self.pulling:
            # Such a client asks again after each change, and shows the answer instead.
            self.shown[uri] = self.session.state.pull(uri, None)["items"]
        return {uri: items for uri, items in sorted(self.shown.items()) if items}

    def open(self, path: Path, text: str, version: int = 1) -> str:
        self.session.open(path.as_uri(), text, version)
        return path.as_uri()

    def close(self, uri: str) -> None:
        if uri in self.pulling:
            self.pulling.discard(uri)
            self.shown.pop(uri, None)
        self.session.close(uri)

    def pull(self, uri: str) -> None:
        self.session.state.pull(uri, None)
        self.pulling.add(uri)

    def type(self, uri: str, version: int, span: tuple[int, int], text: str) -> None:
        """Replace a span of the document as this client sees it."""
        view = self.session.view(uri)
        document = self.session.opened(uri)
        assert view is not None and document is not None
        from smq.text import LineIndex, Span
        from smq_server.lsp import convert

        lines = LineIndex(document.text)
        at = convert.range_(lines, Span(*span), self.session.encoding)
        change = types.TextDocumentContentChangePartial(at, text)
        self.session.change(uri, version, [change])

    def set(self, uri: str, version: int | None, text: str) -> None:
        whole: Sequence[Any] = [types.TextDocumentContentChangeWholeDocument(text)]
        self.session.change(uri, version, whole)

    def text(self, uri: str) -> str:
        document = self.session.opened(uri)
        assert document is not None
        return document.text

    def _struck(self, error: BaseException, where: str) -> None:
        error.add_note(where)
        self.defects.append(error)

    def _notified(self, method: str, params: Any) -> None:
        if method == types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS:
            self.published.append((params["uri"], params.get("version")))
            self.shown[params["uri"]] = params["diagnostics"]
        elif method == types.WINDOW_LOG_MESSAGE:
            self.logged.append(params["message"])

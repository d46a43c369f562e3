"""The server: made here, with every feature registered; no logic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

from lsprotocol import types

from smq_server import __version__
from smq_server.lsp.features import FEATURES
from smq_server.lsp.scheduler import run_beside
from smq_server.lsp.session import Session
from smq_server.lsp.wire import SessionServer, SmqProtocol, strict_converter


class SmqServer(SessionServer):
    """pygls' server with our conversation and our session.

    A feature's handler is a plain function, answered at once; or `async`, for work that waits.
    """

    protocol: SmqProtocol
    session: Session

    def __init__(self) -> None:
        # Before the base class, whose protocol already asks for it.
        self.session = Session(lambda method, params: self.protocol.notify(method, params))
        super().__init__(
            "smq",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=SmqProtocol,
            converter_factory=strict_converter,
        )
        self.session.request = self.ask
        self.session.release = self.protocol.release
        self.session.cancelling = self.protocol.cancelling
        self.session.defect = self.protocol.log_defect

    def ask(
        self, method: str, params: Any = None, then: Callable[[Any], object] | None = None
    ) -> None:
        """Send a request; an error for an answer changes nothing but a line in the log."""
        future = self.protocol.send_request(method, params)

        def answered(done: Any) -> None:
            error = None if done.cancelled() else done.exception()
            if error is not None:
                logging.getLogger(__name__).info("%s was answered with: %s", method, error)
            elif then is not None and not done.cancelled():
                then(done.result())

        future.add_done_callback(answered)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do slices of work on this loop, after the messages that wait."""
        self.session.scheduler.bind(
            loop.call_soon, loop.call_later, lambda: self.protocol.has_messages
        )

        def come_back(action: Callable[[], None]) -> None:
            # The loop may be closed by now, and then nobody wants to know.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(action)

        self.session.from_thread = come_back
        self.session.beside = run_beside


def build() -> SmqServer:
    """A server with all features, for one client."""
    server = SmqServer()
    for name in FEATURES:
        import_module(f"smq_server.lsp.features.{name}").register(server)
    return server

"""The client at the other end: what it can show, what it has set, and how it is spoken to.

Everything below the session works with this much of it. Nothing here knows a document.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from smq_server.lsp.garbage import Garbage
from smq_server.lsp.scheduler import Scheduler
from smq_server.lsp.settings import Settings

if TYPE_CHECKING:
    from smq.text import Encoding
    from smq_server.lsp.roots import Root

logger = logging.getLogger(__name__)


class Connection:
    """One client, and when work for it is done."""

    def __init__(self, notify: Callable[[str, Any], object]) -> None:
        self.notify = notify
        self.client = types.ClientCapabilities()
        self.settings = Settings()
        self.encoding: Encoding = "utf-16"
        self.request: Callable[..., Any] = lambda *_: None
        self.release: Callable[[], object] = lambda: None
        self.scheduler = Scheduler(self._failed)
        self.garbage = Garbage(self.scheduler.later)
        self.scheduler.between = self.garbage.between
        self.beside: Callable[[Callable[[], None]], object] = lambda work: work()
        self.from_thread: Callable[[Callable[[], None]], object] = lambda action: action()
        """How to work in a thread, and how to come back; without a loop, here and now."""
        self.defect: Callable[[BaseException, str], object] = lambda *_: None
        self.changed: list[Callable[[Root], object]] = []
        """Called after each new snapshot, for features that keep something of their own."""
        self.cancelling: Callable[[], Callable[[], object]] = lambda: lambda: None
        """What cancels the request that is being answered now; its client hears that it was."""
        self.stops: dict[str | int, Callable[[], object]] = {}
        """By the token of its progress, what stops a work that is under way."""
        self.watches_disk = False
        """Whether the client has agreed to tell about changes of files."""

    @property
    def knows_us(self) -> bool:
        """Whether the client listens to notifications of ours: `experimental: {"smq": …}`."""
        experimental = self.client.experimental
        return isinstance(experimental, dict) and "smq" in experimental

    @property
    def applies_edits(self) -> bool:
        """Whether the client makes an edit that the server asks for."""
        workspace = self.client.workspace
        return bool(workspace and workspace.apply_edit)

    def settled(self) -> None:
        """The workspaces have been read, and most of what was built for that stays."""
        self.garbage.take_over()

    def log(self, message: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Say something to the person, where the client keeps what servers say."""
        logger.info(message)
        self.notify(types.WINDOW_LOG_MESSAGE, {"type": kind.value, "message": message})

    def _failed(self, error: Exception, where: str) -> None:
        self.defect(error, where)

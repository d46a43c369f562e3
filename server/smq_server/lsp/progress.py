"""Work that takes a while, as the client shows it, and how a person stops it there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from smq_server.lsp.connection import Connection
    from smq_server.lsp.roots import Root

_FILES = 200
"""So many files are read before somebody is told, and between two times that somebody is."""


class Progress:
    """Work that a client sees on its own token, or on one of ours if it shows such work.

    `stop` is called, on the event loop, when the person cancels the work where it is shown.
    """

    _numbers = 0

    def __init__(
        self,
        connection: Connection,
        token: str | int | None,
        title: str,
        stop: Callable[[], object],
    ) -> None:
        self._connection = connection
        self._token = token
        if token is None and is_shown_by(connection):
            Progress._numbers += 1
            self._token = f"smq-work-{Progress._numbers}"
            connection.request(
                types.WINDOW_WORK_DONE_PROGRESS_CREATE,
                types.WorkDoneProgressCreateParams(self._token),
            )
        if self._token is not None:
            connection.stops[self._token] = stop
        self._say({"kind": "begin", "title": title, "cancellable": True})

    def report(self, message: str) -> None:
        """Say how far it is; nothing when it has ended, for a thread's report may come late."""
        if self._token in self._connection.stops:
            self._say({"kind": "report", "message": message})

    def end(self) -> None:
        if self._token is not None:
            self._connection.stops.pop(self._token, None)
        self._say({"kind": "end"})

    def _say(self, value: dict[str, object]) -> None:
        if self._token is not None:
            self._connection.notify(types.PROGRESS, {"token": self._token, "value": value})


class ReadingProgress:
    """How far reading a workspace has come. A small one is read before anybody could see it."""

    def __init__(self, connection: Connection, root: Root, stop: Callable[[], object]) -> None:
        self._connection = connection
        self._root = root
        self._stop = stop
        self._shown: Progress | None = None
        self._next = _FILES

    def report(self, number: int) -> None:
        if number < self._next or not is_shown_by(self._connection):
            return
        self._next = number + _FILES
        if self._shown is None:
            title = f"Reading {self._root.path.name}"
            self._shown = Progress(self._connection, None, title, self._stop)
        self._shown.report(f"{number:,} files")

    def end(self) -> None:
        if self._shown is not None:
            self._shown.end()


def is_shown_by(connection: Connection) -> bool:
    """Whether the client shows work that it did not ask for."""
    window = connection.client.window
    return bool(window and window.work_done_progress)

"""Work that takes a while, as the client shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from smq_server.lsp.connection import Connection
    from smq_server.lsp.roots import Root

_FILES = 200
"""So many files are read before somebody is told, and between two times that somebody is."""


class Progress:
    """Work that a client sees on its own token, or on one of ours if it shows such work."""

    _numbers = 0

    def __init__(self, connection: Connection, token: str | int | None, title: str) -> None:
        self._connection = connection
        self._token = token
        if token is None and is_shown_by(connection):
            Progress._numbers += 1
            self._token = f"smq-work-{Progress._numbers}"
            connection.request(
                types.WINDOW_WORK_DONE_PROGRESS_CREATE,
                types.WorkDoneProgressCreateParams(self._token),
            )
        self._say({"kind": "begin", "title": title, "cancellable": token is not None})

    def report(self, message: str) -> None:
        self._say({"kind": "report", "message": message})

    def end(self) -> None:
        self._say({"kind": "end"})

    def _say(self, value: dict[str, object]) -> None:
        if self._token is not None:
            self._connection.notify(types.PROGRESS, {"token": self._token, "value": value})


class ReadingProgress:
    """How far reading a workspace has come. A small one is read before anybody could see it."""

    def __init__(self, connection: Connection, root: Root) -> None:
        self._connection = connection
        self._root = root
        self._shown: Progress | None = None
        self._next = _FILES

    def report(self, number: int) -> None:
        if number < self._next or not is_shown_by(self._connection):
            return
        self._next = number + _FILES
        if self._shown is None:
            self._shown = Progress(self._connection, None, f"Reading {self._root.path.name}")
        self._shown.report(f"{number:,} files")

    def end(self) -> None:
        if self._shown is not None:
            self._shown.end()


def is_shown_by(connection: Connection) -> bool:
    """Whether the client shows work that it did not ask for."""
    window = connection.client.window
    return bool(window and window.work_done_progress)

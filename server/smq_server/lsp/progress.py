"""Work that takes a while, as the client shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from smq_server.lsp.session import Session


class Progress:
    """Work that a client sees on its own token, or on one of ours if it shows such work."""

    _numbers = 0

    def __init__(self, session: Session, token: str | int | None, title: str) -> None:
        self._session = session
        self._token = token
        window = session.client.window
        if token is None and window is not None and window.work_done_progress:
            Progress._numbers += 1
            self._token = f"smq-work-{Progress._numbers}"
            session.request(
                types.WINDOW_WORK_DONE_PROGRESS_CREATE,
                types.WorkDoneProgressCreateParams(self._token),
            )
        self._say({"kind": "begin", "title": title, "cancellable": token is not None})

    def end(self) -> None:
        self._say({"kind": "end"})

    def _say(self, value: dict[str, object]) -> None:
        if self._token is not None:
            self._session.notify(types.PROGRESS, {"token": self._token, "value": value})

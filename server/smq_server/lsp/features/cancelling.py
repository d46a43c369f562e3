"""What somebody cancels where its progress is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from smq_server.lsp.app import SmqServer


def register(server: SmqServer) -> None:
    session = server.session

    @server.feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def cancelled(params: types.WorkDoneProgressCancelParams) -> None:

        stop = session.stops.get(params.token)
        # One that has ended meanwhile has nothing to stop.
        if stop is not None:
            stop()

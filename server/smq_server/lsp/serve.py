"""Running the server on a pipe, a socket or a WebSocket until its client has gone."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from smq_server.io.failure import Failure
from smq_server.lsp.app import SmqServer
from smq_server.lsp.scheduler import SLICE, work_has_ended
from smq_server.lsp.streams import Framing, PipeWriter, SocketWriter, read_pipe

_LOOPBACK = "127.0.0.1"
_PARENT_INTERVAL = 1.0
_PATIENCE = 2.0
"""Seconds at the end for engines to hear that nobody waits for their rows any more."""


def serve_pipes(build: Callable[[], SmqServer]) -> int:
    """Serve one client on standard input and output; returns the exit status."""
    # Whatever else writes to standard output would break the protocol, so it goes to stderr.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Between two slices of work the loop lets go of the interpreter for too short a time for the
    # reader, which is let in by force only after this long without a slice's end. By itself that is
    # longer than a slice, and so messages would wait for as long as there is work.
    sys.setswitchinterval(SLICE / 8)

    async def serve() -> int:
        server = build()
        loop = asyncio.get_running_loop()
        ended = _prepare(server, loop)
        server.protocol.set_writer(PipeWriter(output))
        read_pipe(sys.stdin.buffer, loop, server.protocol.receive, server.protocol.ended)
        await ended
        return server.protocol.exit_code or 0

    return _run(serve())


def serve_tcp(build: Callable[[], SmqServer], port: int, ready: Callable[[int], object]) -> int:
    """Serve one client on a port of this machine; `ready` is told the port, which may be 0."""

    async def serve() -> int:
        server = build()
        ended = _prepare(server, asyncio.get_running_loop())

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            listening.close()
            server.protocol.set_writer(SocketWriter(writer))
            framing = Framing()
            while data := await reader.read(1 << 16):
                for body in framing.feed(data):
                    server.protocol.receive(body)
            server.protocol.ended()

        listening = await asyncio.start_server(connected, _LOOPBACK, port)
        ready(listening.sockets[0].getsockname()[1])
        await ended
        return server.protocol.exit_code or 0

    return _run(serve())


def serve_websocket(
    build: Callable[[], SmqServer], port: int, ready: Callable[[int], object]
) -> int:
    """Serve one client on a WebSocket of this machine, one text frame for each message.

    Raises Failure when the library for it is not installed.
    """
    try:
        # An extra: only a page in a browser needs it.
        from websockets.asyncio.server import serve as listen
        from websockets.exceptions import ConnectionClosed
    except ImportError as error:
        raise Failure("--ws needs the package websockets: pip install 'smq[ws]'") from error

    async def serve() -> int:
        server = build()
        ended = _prepare(server, asyncio.get_running_loop())
        sending: set[asyncio.Task[None]] = set()

        class Frames:
            def __init__(self, socket: Any) -> None:
                self._socket = socket

            def write(self, data: bytes) -> None:
                task = asyncio.ensure_future(self._socket.send(data.decode()))
                sending.add(task)
                task.add_done_callback(sending.discard)

            def close(self) -> None:
                pass

        async def connected(socket: Any) -> None:
            server.protocol.set_writer(Frames(socket))
            try:
                async for body in socket:
                    server.protocol.receive(body)
            except ConnectionClosed:
                pass
            server.protocol.ended()

        async with listen(connected, _LOOPBACK, port, max_size=None) as listening:
            ready(next(iter(listening.sockets)).getsockname()[1])
            await ended
            await asyncio.gather(*sending, return_exceptions=True)
        return server.protocol.exit_code or 0

    return _run(serve())


def _run(serving: Coroutine[Any, Any, int]) -> int:
    """Serve to the end, at which all that is under way is cancelled."""
    status = asyncio.run(serving)
    if not work_has_ended(_PATIENCE):
        # The interpreter would be taken down under an engine that is still at work, which aborts.
        sys.stderr.flush()
        os._exit(status)
    return status


def _prepare(server: SmqServer, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
    """A future that is done when the conversation ends, for whichever reason."""
    ended: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    server.protocol.on_exit = end
    server.protocol.on_initialize = lambda parent: _watch_parent(parent, loop, server)
    server.attach(loop)
    return ended


def _watch_parent(parent: int, loop: asyncio.AbstractEventLoop, server: SmqServer) -> None:
    """End when the process that `initialize` names has died: its editor has crashed."""
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(parent)
        except ProcessLookupError:
            server.protocol.stop(1)
            return
        except OSError:
            # No permission or an old kernel: then we ask again and again.
            pass
        else:
            loop.add_reader(descriptor, server.protocol.stop, 1)
            return

    def look() -> None:
        if _is_alive(parent):
            loop.call_later(_PARENT_INTERVAL, look)
        else:
            server.protocol.stop(1)

    look()


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        # os.kill would end the process there; its pipes close when it dies.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True

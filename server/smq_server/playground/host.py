"""One port of this machine: the page, the workspaces, and a language server for every visitor.

Only somebody who has the address with its token gets more than the page's own files, so that
neither another person on the machine nor a page from elsewhere in the same browser can read a
workspace through it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from smq_server.io.failure import Failure
from smq_server.lsp.streams import Framing
from smq_server.playground.page import Asset, json_headers
from smq_server.playground.workspaces import PlaygroundWorkspace, offered

_LOOPBACK = "127.0.0.1"
_VISITORS = 8
"""Each visitor has a process; more than these are told to come back later."""
_MESSAGE_LIMIT = 16 << 20
_PATIENCE = 3.0
"""Seconds that a language server has to end after its visitor has gone."""

_BUSY = 1013
_SERVER_ENDED = 1011


def serve(
    page: Mapping[str, Asset],
    workspaces: Sequence[PlaygroundWorkspace],
    port: int,
    ready: Callable[[str], object],
) -> None:
    """Serve until interrupted. `ready` is told the address to open; `port` may be 0.

    Raises Failure when a workspace holds nothing to show, the library for WebSockets is not
    installed, or the port is taken.
    """
    shown = offered(workspaces)
    try:
        asyncio.run(_Playground(workspaces, page, shown).serve(port, ready))
    except KeyboardInterrupt:
        return


class _Playground:
    def __init__(
        self,
        workspaces: Sequence[PlaygroundWorkspace],
        page: Mapping[str, Asset],
        shown: list[dict[str, Any]],
    ) -> None:
        self._directories = {workspace.name: workspace.directory for workspace in workspaces}
        self._page = page
        self._shown = json.dumps(shown, ensure_ascii=False).encode()
        self._token = secrets.token_urlsafe(18)
        self._visitors = 0
        self._hosts: frozenset[str] = frozenset()

    async def serve(self, port: int, ready: Callable[[str], object]) -> None:
        try:
            # An extra: only a page in a browser needs it.
            from websockets.asyncio.server import serve as listen
            from websockets.datastructures import Headers
            from websockets.http11 import Response
        except ImportError as error:
            raise Failure(
                "the playground needs the package websockets: pip install 'smq[ws]'"
            ) from error

        def respond(connection: Any, request: Any) -> Any:
            status, asset = self._answer(request.path, request.headers)
            if asset is None:
                # A handshake that may go on.
                return None
            headers = Headers(asset.headers)
            headers["Content-Length"] = str(len(asset.body))
            headers["Connection"] = "close"
            return Response(status.value, status.phrase, headers, asset.body)

        try:
            listening = await listen(
                self._visit,
                _LOOPBACK,
                port,
                process_request=respond,
                max_size=_MESSAGE_LIMIT,
                compression=None,
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Failure(f"cannot listen on port {port}: {reason}") from error
        async with listening:
            taken = next(iter(listening.sockets)).getsockname()[1]
            self._hosts = frozenset({f"{_LOOPBACK}:{taken}", f"localhost:{taken}"})
            ready(f"http://{_LOOPBACK}:{taken}/?token={self._token}")
            await asyncio.get_running_loop().create_future()

    def _answer(self, target: str, headers: Any) -> tuple[HTTPStatus, Asset | None]:
        """What a request gets; no asset for a visitor's socket."""
        url = urlsplit(target)
        # A name of somebody else's that points to this machine is not our address.
        if headers.get("Host", "") not in self._hosts:
            return HTTPStatus.MISDIRECTED_REQUEST, _words("This server is asked by its address.")
        if url.path in self._page:
            return HTTPStatus.OK, self._page[url.path]
        if url.path not in ("/workspaces.json", "/lsp"):
            return HTTPStatus.NOT_FOUND, _words("There is nothing here.")
        query = parse_qs(url.query)
        if not hmac.compare_digest(query.get("token", [""])[0].encode(), self._token.encode()):
            return HTTPStatus.FORBIDDEN, _words(
                "Open the address that `smq playground` printed, with its token."
            )
        if url.path == "/workspaces.json":
            return HTTPStatus.OK, Asset(self._shown, json_headers())
        origin = headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc not in self._hosts:
            return HTTPStatus.FORBIDDEN, _words("Another page may not connect.")
        if query.get("workspace", [""])[0] not in self._directories:
            return HTTPStatus.NOT_FOUND, _words("There is no such workspace.")
        return HTTPStatus.OK, None

    async def _visit(self, socket: Any) -> None:
        if self._visitors >= _VISITORS:
            await socket.close(_BUSY, "too many visitors")
            return
        self._visitors += 1
        try:
            query = parse_qs(urlsplit(socket.request.path).query)
            await _converse(socket, self._directories[query["workspace"][0]])
        finally:
            self._visitors -= 1


async def _converse(socket: Any, directory: Path) -> None:
    """Pass messages between a visitor and a language server until one of them has gone."""
    from websockets.exceptions import ConnectionClosed

    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "smq_server.main",
        "lsp",
        cwd=directory,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdin is not None and server.stdout is not None
    to_server, from_server = server.stdin, server.stdout

    async def forward() -> None:
        try:
            async for message in socket:
                body = message.encode() if isinstance(message, str) else message
                to_server.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
                await to_server.drain()
        except (ConnectionClosed, ConnectionError):
            # Whichever side has gone, the conversation is over.
            return

    async def back() -> None:
        framing = Framing()
        try:
            while data := await from_server.read(1 << 16):
                for body in framing.feed(data):
                    await socket.send(body.decode())
        except ConnectionClosed:
            return
        await socket.close(_SERVER_ENDED, "the language server has ended")

    tasks = [asyncio.create_task(forward()), asyncio.create_task(back())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # The end of its input tells a language server that its client has gone.
        to_server.close()
        try:
            await asyncio.wait_for(server.wait(), _PATIENCE)
        except TimeoutError:
            server.kill()
            await server.wait()


def _words(sentence: str) -> Asset:
    return Asset(f"{sentence}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})

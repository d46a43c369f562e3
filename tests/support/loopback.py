"""A server on loopback that speaks another service's HTTP, with faults on request.

A fault names a method and a pattern of paths and applies to the next requests that match. The
kinds: a status with a reason, a connection that ends without an answer (before or after the
request was done), an answer that comes too late, an answer whose bytes were damaged on the way.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

Kind = Literal["status", "drop", "done_then_drop", "slow", "corrupt"]
STATUSES = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"{}")


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> Answer:
        data = json.dumps(value).encode()
        return cls(status, data, {"Content-Type": "application/json", **headers})

    @classmethod
    def error(cls, status: int, reason: str, message: str) -> Answer:
        error = {"reason": reason, "message": message, "domain": "global"}
        body = {"code": status, "message": message, "errors": [error]}
        return cls.of({"error": {**body, "status": STATUSES.get(status, "UNKNOWN")}}, status)


@dataclass
class Fault:
    kind: Kind
    pattern: str
    method: str | None = None
    times: int = 1
    status: int = 503
    reason: str = "backendError"
    message: str = "injected"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        error = sys.exception()
        # Clients that end while a connection is open are no news.
        if not isinstance(error, ConnectionError):
            super().handle_error(*_)


class Loopback:
    """`handle` answers; `log` holds every request in order, those that were harmed too."""

    def __init__(self, handle: Callable[[Request], Answer]) -> None:
        self._handle = handle
        self._lock = threading.Lock()
        self.faults: list[Fault] = []
        self.log: list[Request] = []
        self.busiest = 0
        """The most requests that were under way at one time."""
        self._under_way = 0
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None: ...

            def _any(self) -> None:
                outer._serve(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _any

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def fault(self, kind: Kind, pattern: str, **how: Any) -> None:
        self.faults.append(Fault(kind, pattern, **how))

    def requests(self, method: str, pattern: str) -> list[Request]:
        return [r for r in self.log if r.method == method and re.search(pattern, r.path)]

    @contextmanager
    def running(self) -> Iterator[Loopback]:
        thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        request = Request(
            handler.command,
            unquote(parts.path),
            {key: values[-1] for key, values in parse_qs(parts.query).items()},
            {key.lower(): value for key, value in handler.headers.items()},
            handler.rfile.read(length),
        )
        with self._lock:
            self.log.append(request)
            fault = self._fault(request)
            self._under_way += 1
            self.busiest = max(self.busiest, self._under_way)
        try:
            self._answer(handler, request, fault)
        finally:
            with self._lock:
                self._under_way -= 1

    def _answer(
        self, handler: BaseHTTPRequestHandler, request: Request, fault: Fault | None
    ) -> None:
        if fault is not None and fault.kind == "status":
            self._send(handler, Answer.error(fault.status, fault.reason, fault.message))
            return
        if fault is not None and fault.kind == "slow":
            # The client gives up long before; the test's end ends this.
            self.closing.wait(30)
        if fault is not None and fault.kind == "drop":
            self._drop(handler)
            return
        answer = self._handle(request)
        if fault is not None and fault.kind == "done_then_drop":
            self._drop(handler)
            return
        if fault is not None and fault.kind == "corrupt":
            damaged = bytes([answer.body[0] ^ 1]) + answer.body[1:]
            answer = Answer(answer.status, damaged, answer.headers)
        self._send(handler, answer)

    def _fault(self, request: Request) -> Fault | None:
        for fault in self.faults:
            fits = fault.method in (None, request.method)
            if fault.times > 0 and fits and re.search(fault.pattern, request.path):
                fault.times -= 1
                return fault
        return None

    @staticmethod
    def _drop(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        try:
            handler.send_response(answer.status)
            for key, value in answer.headers.items():
                handler.send_header(key, value)
            handler.send_header("Content-Length", str(len(answer.body)))
            handler.end_headers()
            if answer.status not in (204, 304):
                handler.wfile.write(answer.body)
        except OSError:
            # A client that has given up waiting has closed its end.
            handler.close_connection = True

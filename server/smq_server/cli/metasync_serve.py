"""`smq metasync serve`: the cache for programs that ask over HTTP, on this machine by default."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from smq_metasync import api
from smq_metasync.plan import plan_of
from smq_metasync.stores import Store, StoreError, open_store
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.workspace import locate

_LOCAL = ("127.0.0.1", "localhost", "::1")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    location = locate(Path(arguments.workspace), streams.environ, arguments.config)
    plan = plan_of(location.configuration, location.root, streams.environ)
    try:
        store = open_store(plan.location, plan.directory)
        server = make_server(store, arguments.host, arguments.port)
    except StoreError as error:
        raise Failure(str(error)) from error
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Failure(f"cannot listen on {arguments.host}:{arguments.port}: {reason}") from error
    host, port = server.server_address[:2]
    streams.message(f"serving {store.location} at http://{host!s}:{port}/cache (Ctrl-C ends)")
    if arguments.host not in _LOCAL:
        streams.message("warning: everybody who reaches this address can read the cache")
    streams.stderr.flush()
    try:
        server.serve_forever()
    finally:
        server.server_close()
    return 0


def make_server(store: Store, host: str, port: int) -> ThreadingHTTPServer:
    """A server that answers GET requests from a store and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        server_version = "smq"
        sys_version = ""
        timeout = 30

        def log_message(self, *_: Any) -> None: ...

        def _any(self) -> None:
            found = api.answer(
                self.command,
                unquote(self.path),
                dict(self.headers),
                store,
                lambda: datetime.now(UTC),
            )
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.body)))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            if self.command != "HEAD" and found.status != 304:
                self.wfile.write(found.body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _any

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    return server

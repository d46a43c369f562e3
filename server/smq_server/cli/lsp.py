"""Serve an editor: the language server for queries and semantic models.

Editors start it by themselves and talk to it on standard input and output. A port, always of
this machine alone, is for debugging (--tcp) and for editors in a web page (--ws).

Exit status: 0 after an orderly end, 1 when the editor went away without one.
"""

from __future__ import annotations

import gc
import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Parsing arguments takes a tenth of the time until an editor is answered.
    import argparse

    from smq_server.cli.streams import Streams

EXAMPLES = """\
  smq lsp               what an editor starts
  smq lsp --tcp 9257    for one client on a port of this machine
"""

_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}


def configure(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--stdio", action="store_true", help="standard input and output (default)")
    where.add_argument("--tcp", metavar="PORT", type=int, help="a port on this machine, 0 for any")
    where.add_argument("--ws", metavar="PORT", type=int, help="the same, as a WebSocket")


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    level = _LEVELS.get(max(-1, min(streams.verbosity, 2)), logging.DEBUG)
    if arguments.tcp is None and arguments.ws is None:
        return serve_editor(level)
    _log_to_stderr(level)
    # No other command has use for pygls, which takes longer to import than they take to run.
    from smq_server.lsp import serve
    from smq_server.lsp.app import build

    def ready(port: int) -> None:
        streams.stderr.write(f"smq lsp: listening on 127.0.0.1:{port}\n")
        streams.stderr.flush()

    if arguments.tcp is not None:
        return serve.serve_tcp(build, arguments.tcp, ready)
    return serve.serve_websocket(build, arguments.ws, ready)


def serve_editor(level: int = logging.WARNING) -> int:
    """Serve on standard input and output; returns the exit status."""
    # Until `initialize` is answered there is next to no garbage, only half a million new objects
    # to look through for it.
    gc.disable()
    _log_to_stderr(level)
    from smq_server.lsp import serve
    from smq_server.lsp.app import build

    try:
        return serve.serve_pipes(build)
    except KeyboardInterrupt:
        return 130


def _log_to_stderr(level: int) -> None:
    logging.basicConfig(
        stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # What pygls says at its default level is every message's whole text.
    logging.getLogger("pygls").setLevel(max(level, logging.WARNING))

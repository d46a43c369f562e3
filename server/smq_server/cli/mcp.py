"""Serve agents: the tools of this workspace by the Model Context Protocol, on standard input and
output.

Agents start it by themselves. It lists and searches models, metrics and dimensions, validates,
compiles, explains and edits queries. It reads only, and only files of the workspace. Queries are
run with --allow-run, query files written with --allow-write. Files that change are read again.

Exit status: 0 when the agent has gone, 2 could not start.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.uris import absolute, display

EXAMPLES = """\
  smq mcp --directory ~/analytics              what an agent starts
  smq mcp --allow-run --max-rows 50            it may run queries, and see 50 rows of each
  claude mcp add smq -- smq mcp --directory ~/analytics
"""

_INSTALL = "pip install 'smq[mcp]'"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--directory",
        metavar="DIR",
        help="a directory of the workspace (default: where the agent starts it)",
    )
    parser.add_argument("--allow-run", action="store_true", help="offer a tool that runs queries")
    parser.add_argument("--allow-write", action="store_true", help="let agents write query files")
    limits = parser.add_argument_group("limits of a query that is run")
    limits.add_argument("--max-rows", type=_count, default=200, metavar="N", help="default: 200")
    limits.add_argument(
        "--max-bytes",
        type=_count,
        default=1024**3,
        metavar="N",
        help="what it may read, where the engine can tell before (default: 1 GiB)",
    )
    limits.add_argument(
        "--max-seconds", type=_count, default=60, metavar="N", help="then it is stopped (60)"
    )


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    directory = Path(arguments.directory or ".").expanduser()
    if not directory.is_dir():
        raise Failure(f"no such directory: {display(directory)}")
    try:
        # The SDK is an extra, and takes a second to import.
        import mcp  # noqa: F401
    except ImportError as error:
        raise Failure(f"`smq mcp` needs the MCP SDK: {_INSTALL}") from error
    from smq_server.mcp.running import Limits
    from smq_server.mcp.served import Served
    from smq_server.mcp.server import Level, build
    from smq_server.mcp.tools import Tools

    level: Level = "WARNING"
    if streams.verbosity:
        level = "ERROR" if streams.verbosity < 0 else ("INFO", "DEBUG")[streams.verbosity > 1]
    logging.basicConfig(stream=sys.stderr, level=level, format="smq mcp: %(levelname)s %(message)s")
    served = Served(directory, streams.environ, arguments.config)
    if arguments.directory is None and served.location().is_of_named_files:
        # Desktop programs start their servers where they like, and nobody means a whole disk.
        raise Failure(
            f"smq mcp was started in {absolute(directory)}, which is no workspace; "
            "say which directory is one with --directory DIR"
        )
    # A workspace that cannot be read is told now, and not by the first answer.
    workspace = served.workspace()
    if not workspace.has_models:
        # No failure, because an agent may be about to write some.
        streams.message(
            f"note: there are no semantic models below {display(workspace.root)}; "
            "is --directory the right one?"
        )
    limits = Limits(arguments.max_rows, arguments.max_bytes, float(arguments.max_seconds))
    tools = Tools(
        served,
        limits=limits if arguments.allow_run else None,
        may_write=arguments.allow_write,
    )
    if streams.terminal:
        streams.message(
            f"smq mcp: serving {display(workspace.root)} on standard input and output; "
            "agents start this by themselves, Ctrl-C ends it"
        )
    try:
        build(tools, level).run("stdio")
    except KeyboardInterrupt:
        return 0
    return 0


def _count(text: str) -> int:
    try:
        number = int(text.replace("_", ""))
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, not '{text}'")
    return number

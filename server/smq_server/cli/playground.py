"""Open an editor for queries and models in a web page, on this machine alone.

Without DIR it shows the examples. The page has everything an editor has: findings, completion,
hover with SQL, rename; beside it the SQL of the query at the cursor, and its rows. What is typed
there stays there: no file is ever changed.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import webbrowser
from pathlib import Path

from smq_server.cli.streams import Streams
from smq_server.io.examples import EXAMPLES as BUNDLED
from smq_server.io.examples import example
from smq_server.io.failure import Failure
from smq_server.io.uris import absolute, display
from smq_server.playground import host
from smq_server.playground.page import read_page
from smq_server.playground.workspaces import PlaygroundWorkspace

EXAMPLES = """\
  smq playground              the examples, in the browser
  smq playground .            this directory's workspace
  smq playground --port 8899 --no-browser
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", nargs="?", help="a workspace of yours")
    parser.add_argument(
        "--port", type=int, default=0, help="a port of this machine (default: any that is free)"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address and open nothing"
    )


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    if not 0 <= arguments.port <= 65535:
        raise Failure(f"{arguments.port} is no port; one is between 0 and 65535")

    def ready(address: str) -> None:
        streams.write(f"{address}\n")
        streams.stdout.flush()
        streams.message("The playground is at that address until you press Ctrl-C.")
        if not arguments.no_browser:
            webbrowser.open(address)

    page = read_page()
    if arguments.directory is not None:
        directory = absolute(Path(arguments.directory))
        if not directory.is_dir():
            raise Failure(f"{display(directory)} is no directory")
        host.serve(page, [PlaygroundWorkspace(directory.name, directory)], arguments.port, ready)
        return 0
    with tempfile.TemporaryDirectory(prefix="smq-playground-") as copies:
        # A copy, so that an engine's files and caches never touch the installation.
        for name in BUNDLED:
            shutil.copytree(example(name), Path(copies) / name)
        host.serve(
            page,
            [PlaygroundWorkspace(name, Path(copies) / name) for name in BUNDLED],
            arguments.port,
            ready,
        )
    return 0

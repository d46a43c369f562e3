"""Saying which files a command did not look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smq_server.cli.streams import Streams
from smq_server.io.uris import display
from smq_server.io.workspace import Workspace


def show_foreign(paths: Sequence[Path], streams: Streams) -> None:
    """Say that some YAML was not looked at, as pre-commit names all that a repository has."""
    if len(paths) > 3:
        streams.message(f"skipped {len(paths):,} YAML files without semantic models")
        return
    for path in paths:
        streams.message(f"skipped {display(path)}: no semantic models, metrics or sources in it")


def show_narrow(workspace: Workspace, streams: Streams) -> None:
    """Say why the models beside a query were not looked for."""
    streams.message(
        f"warning: {workspace.root} is a home directory, a scratch "
        "directory or the top of a disk, so only the files that you named were read, and every "
        "name in a query is unknown; with an smq.toml in it, it is a workspace"
    )

"""Saying which files a command did not look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smq_server.cli.streams import Streams
from smq_server.io.uris import display


def show_foreign(paths: Sequence[Path], streams: Streams) -> None:
    """Say that some YAML was not looked at, as pre-commit names all that a repository has."""
    if len(paths) > 3:
        streams.message(f"skipped {len(paths):,} YAML files without semantic models")
        return
    for path in paths:
        streams.message(f"skipped {display(path)}: no semantic models, metrics or sources in it")

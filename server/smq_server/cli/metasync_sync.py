"""`smq metasync sync`: one collection, with progress on a terminal."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, TextIO

from smq_metasync.engines import EngineError
from smq_metasync.examples import Ask
from smq_metasync.plan import Plan
from smq_metasync.service import Outcome, SyncError, sync
from smq_metasync.stores import StoreError, open_store
from smq_server import __version__
from smq_server.cli.findings.width import visible
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.metasync import given_by, plan_for
from smq_server.io.uris import display
from smq_server.io.workspace import Workspace, open_workspace

VERSION = 1
_ERASE = "\r\x1b[K"
_EVERY_SECONDS = 0.1
_SHOWN_WARNINGS = 20


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    workspace = open_workspace(Path(arguments.workspace), streams.environ, arguments.config)
    plan = plan_for(workspace, streams.environ)
    line = ProgressLine(streams.stderr)
    try:
        store = open_store(arguments.location or plan.location, plan.directory)
        given = given_by(workspace, plan, _writer(workspace, plan, streams))
        outcome = sync(plan, store, given, progress=line.show, version=__version__)
    except (SyncError, StoreError, EngineError) as error:
        line.end()
        raise Failure(str(error)) from error
    line.end()
    if arguments.format == "json":
        streams.write(json.dumps(described(outcome), ensure_ascii=False, indent=2) + "\n")
    _say(outcome, streams)
    return 0


def _writer(workspace: Workspace, plan: Plan, streams: Streams) -> Ask | None:
    if "llm" not in plan.settings.examples:
        return None
    # The client of language models is heavy, and most collections ask none.
    from smq_server.generation.example_writer import example_writer

    return example_writer(workspace.configuration, streams.environ)


def described(outcome: Outcome) -> dict[str, Any]:
    """An outcome for programs, in the words of the HTTP function's answers."""
    return {
        "version": VERSION,
        "status": "success",
        "updated": outcome.updated,
        "location": outcome.location,
        "generated_at": outcome.generated_at,
        "method": outcome.method,
        "table_id": outcome.main_table,
        "tables_count": outcome.tables,
        "stale_tables_count": outcome.stale,
        "columns_count": outcome.columns,
        "examples_count": outcome.examples,
        "bytes_billed": outcome.bytes_billed,
        "execution_time": outcome.seconds,
        "warnings": list(outcome.warnings),
    }


def _say(outcome: Outcome, streams: Streams) -> None:
    told = outcome.warnings if streams.verbosity > 0 else outcome.warnings[:_SHOWN_WARNINGS]
    for warning in told:
        about = f"{warning['table']}: " if warning.get("table") else ""
        streams.message(f"warning: {about}{warning['message']}")
    if len(told) < len(outcome.warnings):
        streams.message(f"… and {len(outcome.warnings) - len(told)} more; -v shows all")
    parts = [_counted(outcome.tables, "table"), _counted(outcome.examples, "example")]
    if outcome.stale:
        parts[0] += f" ({outcome.stale} as last known)"
    what = "wrote" if outcome.updated else "nothing new, confirmed"
    streams.message(
        f"{what} {shown(outcome.location)}: {', '.join(parts)} in {outcome.seconds:.2f} s"
    )


def shown(location: str) -> str:
    """A place as messages name it: a file by its path from here."""
    return location if "://" in location else display(Path(location))


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class ProgressLine:
    """One line on a terminal that says how far the collection is; elsewhere nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._last = 0.0
        self._shown = False

    def show(self, done: int, known: int, what: str) -> None:
        now = time.monotonic()
        if not self._is_terminal or now - self._last < _EVERY_SECONDS:
            return
        self._last, self._shown = now, True
        self._stream.write(f"{_ERASE}{done:,} of {known:,} tables  {visible(what)[:60]}")
        self._stream.flush()

    def end(self) -> None:
        if self._shown:
            self._stream.write(_ERASE)
            self._stream.flush()

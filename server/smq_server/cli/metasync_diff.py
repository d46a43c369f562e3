"""`smq metasync diff`: what has changed at the warehouse, and what each change breaks."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from smq.catalog import Known
from smq_metasync.diff import BREAKING, Change, Hit, changes, hits
from smq_metasync.plan import Plan
from smq_metasync.service import SyncError, sync
from smq_metasync.stores import StoreError, open_store
from smq_server.cli.findings.width import visible
from smq_server.cli.metasync_show import read
from smq_server.cli.metasync_sync import shown
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.metasync import plan_for
from smq_server.io.uris import display, path_of
from smq_server.io.workspace import open_workspace

VERSION = 1
_WAREHOUSE = "the warehouse"
_SIGNS = {
    "new_table": "+",
    "new_column": "+",
    "dropped_table": "-",
    "dropped_column": "-",
    "retyped_column": "~",
}


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    workspace = open_workspace(Path(arguments.workspace), streams.environ, arguments.config)
    plan = plan_for(workspace, streams.environ)
    here = Path.cwd()
    if arguments.old:
        old_place, old, _ = read(arguments.old, here)
    else:
        old_place, old, _ = read(plan.location, plan.directory)
    if arguments.new:
        new_place, new, _ = read(arguments.new, here)
    else:
        new_place, new = _WAREHOUSE, _of_warehouse(plan, streams)
    found = changes(old, new)
    broken = hits(found, workspace.snapshot)
    if arguments.format == "json":
        document = {
            "version": VERSION,
            "old": old_place,
            "new": new_place,
            "changes": [_described(change, broken.get(change, Hit())) for change in found],
        }
        streams.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    else:
        for change in found:
            streams.write(_words(change, broken.get(change, Hit())))
    if not found:
        other = new_place if new_place == _WAREHOUSE else shown(new_place)
        streams.message(f"no table or column has changed between {shown(old_place)} and {other}")
    return 1 if any(broken.values()) else 0


def _of_warehouse(plan: Plan, streams: Streams) -> Known:
    """The warehouse as it is now, collected into a place of its own, without trying anything."""
    from dataclasses import replace

    settings = replace(plan.settings, examples=(), insights=False, dry_run=False, snapshot_days=0)
    with tempfile.TemporaryDirectory() as scratch:
        store = open_store(str(Path(scratch) / "now.json"), Path(scratch))
        try:
            outcome = sync(replace(plan, settings=settings), store)
            for warning in outcome.warnings:
                about = f"{warning['table']}: " if warning.get("table") else ""
                streams.message(f"warning: {about}{warning['message']}")
            _, known, _ = read(store.location, Path(scratch))
        except (SyncError, StoreError) as error:
            raise Failure(str(error)) from error
    return known


def _words(change: Change, hit: Hit) -> str:
    text = f"{_SIGNS[change.kind]} {visible(change.path)}"
    if change.kind == "retyped_column":
        text += f"  {change.before} → {change.after}"
    elif change.after or change.before:
        text += f"  {change.after or change.before}"
    lines = [text]
    verb = "breaks" if change.kind != "retyped_column" else "may break"
    for what, names in (
        ("model", hit.models),
        ("metric", hit.metrics),
        ("query", tuple(_query(uri, number) for uri, number in hit.queries)),
    ):
        if names:
            plural = "queries" if what == "query" else f"{what}s"
            lines.append(f"    {verb} {what if len(names) == 1 else plural} {', '.join(names)}")
    return "".join(f"{line}\n" for line in lines)


def _described(change: Change, hit: Hit) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "table": ".".join(change.table),
        "column": change.column or None,
        "before": change.before or None,
        "after": change.after or None,
        "breaking": change.kind in BREAKING and bool(hit),
        "models": list(hit.models),
        "metrics": list(hit.metrics),
        "queries": [
            {"path": display(path_of(uri)), "index": number} for uri, number in hit.queries
        ],
    }


def _query(uri: str, number: int) -> str:
    path = display(path_of(uri))
    return f"{path} [{number}]" if number else path

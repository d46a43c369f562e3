"""`smq metasync doctor`: is everything there that a collection needs?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from smq_metasync.doctor import Check, examine
from smq_metasync.plan import plan_of
from smq_server.cli.findings.width import visible
from smq_server.cli.progress import waiting
from smq_server.cli.streams import Streams
from smq_server.io.workspace import locate

VERSION = 1
_MARKS = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    location = locate(Path(arguments.workspace), streams.environ, arguments.config)
    plan = plan_of(location.configuration, location.root, streams.environ)
    with waiting("asking the warehouse and the store", streams.stderr):
        found = list(examine(plan))
    if arguments.format == "json":
        document = {"version": VERSION, "checks": [_described(check) for check in found]}
        streams.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    else:
        width = max(len(check.name) for check in found)
        for check in found:
            streams.write(
                f"{_MARKS[check.state]}  {check.name:<{width}}  {visible(check.detail)}\n"
            )
            if check.cure:
                streams.write(f"{'':9}{'':<{width}}  → {check.cure}\n")
    return 1 if any(check.state == "failed" for check in found) else 0


def _described(check: Check) -> dict[str, str]:
    return {
        "name": check.name,
        "state": check.state,
        "detail": check.detail,
        "cure": check.cure,
    }

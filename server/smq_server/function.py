"""The collection as an HTTP function: `update_metadata_cache` for functions-framework.

It runs in the directory of the workspace that is deployed with it; without one the environment
says what to collect (`GOOGLE_CLOUD_PROJECT`, `TARGET_TABLE_ID`, `GCS_BUCKET`). Who may call it is
for the platform to check: it is deployed without access for everybody.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def update_metadata_cache(request: object) -> tuple[dict[str, Any], int]:
    """Collect once. The request's body is not read: it decides nothing."""
    from smq_metasync import api
    from smq_server.io.failure import Failure

    try:
        body, status = api.collect(lambda: _run(), _now)
    except Failure as failure:
        body, status = api.failed(str(failure), _now)
    except Exception as error:  # noqa: BLE001 - the last guard: an answer, and a trace in the log
        import traceback

        traceback.print_exc()
        body, status = api.failed(f"unexpected {type(error).__name__}", _now)
    severity = "INFO" if status == 200 else "ERROR"
    # One line of JSON is an entry of the platform's log.
    print(json.dumps({"severity": severity, **body}, ensure_ascii=False), file=sys.stderr)
    return body, status


def _run() -> Any:
    from smq_metasync.service import sync
    from smq_metasync.stores import open_store
    from smq_server import __version__
    from smq_server.io.metasync import given_by, plan_for
    from smq_server.io.workspace import open_workspace

    workspace = open_workspace(Path.cwd(), os.environ)
    plan = plan_for(workspace, os.environ)
    store = open_store(plan.location, plan.directory)
    ask = None
    if "llm" in plan.settings.examples:
        from smq_server.generation.example_writer import example_writer

        ask = example_writer(workspace.configuration, os.environ)
    return sync(plan, store, given_by(workspace, plan, ask), version=__version__)


def _now() -> datetime:
    return datetime.now(UTC)

"""What is known about compiled queries, as JSON for programs: `compile-output.schema.json`.

`version` changes when a program that reads the old shape would have to change.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from smq.sql.described import column, leaf
from smq.sql.result import CompiledQuery
from smq.text import Location
from smq_server import __version__
from smq_server.cli.findings import machine
from smq_server.cli.findings.report import Report
from smq_server.cli.queries import Compilation, Compiled

VERSION = 1


def document(compiled: Compiled) -> dict[str, Any]:
    """Every query with its SQL and columns, and every problem down to hints."""
    report = compiled.report()
    findings = json.loads(machine.render_json(report))["findings"]
    return {
        "version": VERSION,
        "tool": {"name": "smq", "version": __version__},
        "queries": [_query(report, *each) for each in compiled.each()],
        "problems": findings,
    }


def _query(report: Report, compilation: Compilation, query: CompiledQuery) -> dict[str, Any]:
    written = compilation.written
    return {
        "path": compilation.place,
        "index": query.index,
        "part": query.part,
        "name": written.name,
        "description": written.description,
        "dialect": query.dialect,
        "sql": query.sql,
        "columns": [column(each, places(report)) for each in query.columns],
        "tables": list(query.tables),
        "columns_read": list(query.columns_read),
        "leaves": [leaf(each) for each in query.leaves],
        "stages": [{"stage": name, "filters": list(texts)} for name, texts in query.stages],
        "written": query.written,
    }


def places(report: Report) -> Callable[[Location | None], dict[str, Any] | None]:
    """Locations as paths with lines and columns from 1."""

    def place(location: Location | None) -> dict[str, Any] | None:
        if location is None:
            return None
        found = report.place(location)
        return {"path": found.path, "line": found.line, "column": found.column}

    return place

"""Findings for programs: one JSON document, or one JSON object a line.

The shape is `check-output.schema.json`; `version` changes when a reader of the old one would
have to change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from smq.problem import Severity
from smq_server import __version__
from smq_server.cli.findings.report import Entry, Place, Report

VERSION = 1


def render_json(report: Report, statistics: bool = False) -> str:
    document: dict[str, Any] = {
        "version": VERSION,
        "tool": {"name": "smq", "version": __version__},
        "summary": _summary(report),
        "findings": [finding_values(report, entry) for entry in report.entries],
    }
    if statistics:
        counts: dict[str, int] = {}
        for entry in report.entries:
            counts[entry.finding.code] = counts.get(entry.finding.code, 0) + 1
        document["statistics"] = dict(sorted(counts.items()))
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def render_jsonl(report: Report) -> Iterator[str]:
    """One line for each finding, and a last one with the summary."""
    for entry in report.entries:
        yield _line({"version": VERSION, "kind": "finding", **finding_values(report, entry)})
    yield _line({"version": VERSION, "kind": "summary", **_summary(report)})


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _summary(report: Report) -> dict[str, int]:
    return {
        "files": len(report.files),
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "infos": report.count(Severity.INFO),
        "hints": report.count(Severity.HINT),
    }


def finding_values(report: Report, entry: Entry) -> dict[str, Any]:
    """A finding as plain values, the same in every JSON output."""
    finding = entry.finding
    return {
        "code": finding.code,
        "name": finding.rule.name,
        "severity": entry.severity,
        "message": finding.message,
        **_place(entry.place),
        "related": [
            {**_place(report.place(related.location)), "note": related.note}
            for related in finding.related
        ],
        "fixes": [
            {
                "title": fix.title,
                "safety": fix.safety,
                "edits": [
                    {**_place(place), "text": text} for place, text in report.edit_places(fix)
                ],
            }
            for fix in finding.fixes
        ],
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "path": place.path,
        "range": {
            "start": {"line": place.line, "column": place.column},
            "end": {"line": place.end_line, "column": place.end_column},
        },
    }

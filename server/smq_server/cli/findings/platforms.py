"""Findings for build platforms: GitHub annotations, GitLab code quality, JUnit."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from smq_server import __version__
from smq_server.cli.findings.report import Entry, Report
from smq_server.cli.findings.sarif import fingerprint

_GITHUB = {"error": "error", "warning": "warning", "info": "notice", "hint": "notice"}
_GITLAB = {"error": "major", "warning": "minor", "info": "info", "hint": "info"}


def render_github(report: Report) -> Iterator[str]:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    for entry in report.entries:
        place = entry.place
        fields = {
            "file": place.path,
            "line": place.line,
            "col": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
            "title": f"{entry.finding.code} {entry.finding.rule.name}",
        }
        if place.end_line != place.line:
            # Columns of another line would be shown on the first one.
            del fields["col"], fields["endColumn"]
        listed = ",".join(f"{key}={_property(str(value))}" for key, value in fields.items())
        yield f"::{_GITHUB[entry.severity]} {listed}::{_data(entry.finding.message)}\n"


def render_gitlab(report: Report) -> str:
    """A code quality report."""
    seen: Counter[str] = Counter()
    issues = [
        {
            "description": f"{entry.finding.code}: {entry.finding.message}",
            "check_name": entry.finding.rule.name,
            "fingerprint": fingerprint(
                seen, entry.place.path, entry.finding.code, entry.finding.message
            ),
            "severity": _GITLAB[entry.severity],
            "location": {
                "path": entry.place.path,
                "lines": {"begin": entry.place.line, "end": entry.place.end_line},
            },
        }
        for entry in report.entries
    ]
    return json.dumps(issues, ensure_ascii=False, indent=2) + "\n"


def render_junit(report: Report) -> Iterator[str]:
    """A test suite for each file; a finding is a failed case, a clean file a passed one."""
    by_path: dict[str, list[Entry]] = defaultdict(list)
    for entry in report.entries:
        by_path[entry.place.path].append(entry)
    paths = sorted({*report.files, *by_path})
    tests = sum(max(1, len(by_path[path])) for path in paths)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="smq {__version__}" tests="{tests}" '
    yield f'failures="{len(report.entries)}" errors="0">\n'
    for path in paths:
        entries = by_path[path]
        count = max(1, len(entries))
        yield f'  <testsuite name={_attribute(path)} tests="{count}" '
        yield f'failures="{len(entries)}" errors="0">\n'
        if not entries:
            yield f'    <testcase name="no findings" classname={_attribute(path)}/>\n'
        for entry in entries:
            finding, place = entry.finding, entry.place
            name = _attribute(f"{finding.code} {finding.rule.name} ({place.line}:{place.column})")
            where = f"{path}:{place.line}:{place.column}"
            yield f"    <testcase name={name} classname={_attribute(path)}>\n"
            yield f'      <failure type="{entry.severity}" message={_attribute(finding.message)}>'
            yield f"{escape(_xml(f'{where}: {finding.message}'))}</failure>\n"
            yield "    </testcase>\n"
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _attribute(text: str) -> str:
    return quoteattr(_xml(text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _xml(text: str) -> str:
    """Without the characters that no XML document may hold."""
    return "".join(
        char
        if char in "\t\n\r"
        or " " <= char <= "\ud7ff"
        or "\ue000" <= char <= "\ufffd"
        or char > "\uffff"
        else "\ufffd"
        for char in text
    )

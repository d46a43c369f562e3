"""Findings as SARIF 2.1.0, which code hosts and many editors read."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any
from urllib.parse import quote

from smq.rules import Rule
from smq_server import __version__
from smq_server.cli.findings.report import Place, Report

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {"error": "error", "warning": "warning", "info": "note", "hint": "note", "off": "none"}


def render(report: Report) -> str:
    found: dict[str, Rule] = {}
    for entry in report.entries:
        found.setdefault(entry.finding.code, entry.finding.rule)
    codes = sorted(found)
    seen: Counter[str] = Counter()
    results = []
    for entry in report.entries:
        finding = entry.finding
        result: dict[str, Any] = {
            "ruleId": finding.code,
            "ruleIndex": codes.index(finding.code),
            "level": _LEVELS[entry.severity],
            "message": {"text": finding.message},
            "locations": [{"physicalLocation": _physical(entry.place)}],
            "partialFingerprints": {
                "smq/v1": fingerprint(seen, entry.place.path, finding.code, finding.message)
            },
        }
        if finding.related:
            result["relatedLocations"] = [
                {
                    "id": number,
                    "physicalLocation": _physical(report.place(related.location)),
                    "message": {"text": related.note},
                }
                for number, related in enumerate(finding.related, 1)
            ]
        if finding.fixes:
            result["fixes"] = [
                {"description": {"text": fix.title}, "artifactChanges": _changes(report, fix)}
                for fix in finding.fixes
            ]
        results.append(result)
    driver = {
        "name": "smq",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(found[code]) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def fingerprint(seen: Counter[str], *parts: str) -> str:
    """Stable while lines move: made of what is said, numbered among equal ones."""
    key = hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
    seen[key] += 1
    return f"{key}:{seen[key]}"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": rule.page, "markdown": rule.page},
        "defaultConfiguration": {
            "enabled": bool(rule.severity),
            "level": _LEVELS[rule.severity.name.lower()],
        },
    }


def _changes(report: Report, fix: Any) -> list[dict[str, Any]]:
    changes: dict[str, list[dict[str, Any]]] = {}
    for place, text in report.edit_places(fix):
        replacement = {"deletedRegion": _region(place), "insertedContent": {"text": text}}
        changes.setdefault(place.path, []).append(replacement)
    return [
        {"artifactLocation": {"uri": _uri(path)}, "replacements": replacements}
        for path, replacements in changes.items()
    ]


def _physical(place: Place) -> dict[str, Any]:
    return {"artifactLocation": {"uri": _uri(place.path)}, "region": _region(place)}


def _region(place: Place) -> dict[str, int]:
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }


def _uri(path: str) -> str:
    """A relative path is a relative reference; an absolute one needs its scheme."""
    return ("file://" if path.startswith("/") else "") + quote(path)

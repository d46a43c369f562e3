"""What is wrong in one workspace, kept up to date change by change, and who must be told.

Looking at one file finds problems there and sometimes in others, so results are kept by the file
that was looked at. A result holds as long as that file's reading, the graph and the configuration
are the same objects; a change makes exactly the others stale.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lsprotocol import types

from smq.problem import Problem, Severity
from smq.rules.check import Finding, file_problems, weigh, workspace_problems
from smq.text import Encoding, LineIndex
from smq.workspace import Snapshot
from smq_server.lsp import convert

WORKSPACE = ""
"""The source of what only all files together show."""

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error.value,
    Severity.WARNING: types.DiagnosticSeverity.Warning.value,
    Severity.INFO: types.DiagnosticSeverity.Information.value,
    Severity.HINT: types.DiagnosticSeverity.Hint.value,
}
_UNNECESSARY = frozenset({"QRY107", "MET205", "SIL101", "SIL102", "SIL103"})
_DEPRECATED = frozenset({"QRY105"})


class Diagnoses:
    """The problems of all files of one workspace, and which of them are to be looked for again."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, list[Problem]]] = {}
        self._targets: dict[str, dict[str, None]] = {}
        self._stale: set[str] = set()

    @property
    def stale(self) -> frozenset[str]:
        return frozenset(self._stale)

    def change(self, before: Snapshot | None, after: Snapshot) -> None:
        """Mark what the step from one snapshot to the next makes stale."""
        uris = set(after.uris)
        if (
            before is None
            or before.configuration != after.configuration
            or not after.shares_graph(before)
        ):
            self._stale = {WORKSPACE, *uris, *self._found}
            return
        for uri in {*uris, *before.uris}:
            if not after.shares_file(before, uri):
                self._stale.add(uri)

    def look(self, snapshot: Snapshot, source: str) -> set[str]:
        """Look at one file (or the workspace) again; returns the files whose problems changed."""
        if source == WORKSPACE:
            problems = list(workspace_problems(snapshot))
        elif source in snapshot or source in snapshot.uris:
            problems = list(file_problems(snapshot, source))
        else:
            problems = []
        by_file: dict[str, list[Problem]] = {}
        for problem in problems:
            by_file.setdefault(problem.location.uri, []).append(problem)
        before = self._found.get(source, {})
        for uri in before:
            if uri not in by_file:
                self._targets[uri].pop(source, None)
        for uri in by_file:
            self._targets.setdefault(uri, {})[source] = None
        if by_file:
            self._found[source] = by_file
        else:
            self._found.pop(source, None)
        self._stale.discard(source)
        # The file itself is told even without a difference: its comments may silence others now.
        return {uri for uri in {*before, *by_file} if before.get(uri) != by_file.get(uri)} | (
            {source} if source != WORKSPACE else set()
        )

    def pending(self, first: Iterable[str]) -> list[str]:
        """What is to be looked at: the given files first, then the workspace, then the others."""
        ordered = dict.fromkeys(uri for uri in first if uri in self._stale)
        ordered.update(dict.fromkeys(sorted(self._stale)))
        return list(ordered)

    def findings(self, snapshot: Snapshot, uri: str) -> list[Finding]:
        """The findings of one file, by what has been looked at."""
        sources = sorted(self._targets.get(uri, ()))
        problems = [p for source in sources for p in self._found.get(source, {}).get(uri, ())]
        return list(weigh(snapshot, uri, problems))

    def files(self) -> set[str]:
        return {uri for uri, sources in self._targets.items() if sources}


class Told:
    """What the client has been told about each file, so that it is not told twice."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int | None, list[convert.Wire]]] = {}

    def is_news(self, uri: str, version: int | None, items: list[convert.Wire]) -> bool:
        """Whether to send it, and remember it as sent. A new version of the text is always news:
        the editor has moved the old marks with the text."""
        last = self._last.get(uri)
        if last is None and version is None and not items:
            return False
        if last == (version, items):
            return False
        if version is None and not items:
            del self._last[uri]
        else:
            self._last[uri] = version, items
        return True

    def forget(self, uri: str) -> bool:
        """Whether something was said that must be taken back."""
        last = self._last.pop(uri, None)
        return bool(last and last[1])

    @property
    def uris(self) -> tuple[str, ...]:
        return tuple(self._last)


class Wording:
    """Findings as the protocol's diagnostics, for what this client can show."""

    def __init__(
        self,
        client: types.ClientCapabilities,
        encoding: Encoding,
        rules_url: str | None,
        client_uri: Any,
        lines_of: Any,
    ) -> None:
        text = client.text_document
        push = text.publish_diagnostics if text else None
        pull = text.diagnostic if text else None
        self._related = bool(
            (push and push.related_information) or (pull and pull.related_information)
        )
        self._tags = bool((push and push.tag_support) or (pull and pull.tag_support))
        self._link = bool(
            (push and push.code_description_support) or (pull and pull.code_description_support)
        )
        self._data = bool((push and push.data_support) or (pull and pull.data_support))
        self._encoding = encoding
        self._rules_url = rules_url
        self._client_uri = client_uri
        self._lines_of = lines_of

    def diagnostics(self, lines: LineIndex, findings: Iterable[Finding]) -> list[convert.Wire]:
        return [self._diagnostic(lines, finding) for finding in findings]

    def _diagnostic(self, lines: LineIndex, finding: Finding) -> convert.Wire:
        code = finding.code
        diagnostic: convert.Wire = {
            "range": convert.wire_range(lines, finding.location.span, self._encoding),
            "severity": _SEVERITIES[finding.severity],
            "code": code,
            "source": "smq",
            "message": finding.message,
        }
        if self._link and self._rules_url:
            href = self._rules_url.replace("{code}", code)
            diagnostic["codeDescription"] = {"href": href}
        if self._tags:
            if code in _UNNECESSARY:
                diagnostic["tags"] = [types.DiagnosticTag.Unnecessary.value]
            elif code in _DEPRECATED:
                diagnostic["tags"] = [types.DiagnosticTag.Deprecated.value]
        if self._related and finding.related:
            related = []
            for each in finding.related:
                other = self._lines_of(each.location.uri)
                if other is not None:
                    at = convert.wire_range(other, each.location.span, self._encoding)
                    place = {"uri": self._client_uri(each.location.uri), "range": at}
                    related.append({"location": place, "message": each.note})
            if related:
                diagnostic["relatedInformation"] = related
        if self._data:
            start, end = finding.location.span
            diagnostic["data"] = {
                "rule": finding.rule.name,
                "id": f"{code}:{start}:{end}",
                "fixable": finding.rule.fix is not None,
            }
        return diagnostic

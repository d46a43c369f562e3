"""Findings with the places people count in: paths, lines and columns from 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smq.problem import Fix, Severity
from smq.rules.finding import Finding
from smq.text import LineIndex, Location

Texts = Callable[[str], str | None]
"""The text of a document by its URI; None when there is none."""

COUNTED = 1_000
"""Fixes of more findings than that are not made only to be counted."""


@dataclass(frozen=True, slots=True)
class Place:
    """A range in a file. Lines and columns count from 1, columns in characters (code points)."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Entry:
    finding: Finding
    place: Place

    @property
    def severity(self) -> str:
        return self.finding.severity.name.lower()


class Report:
    """All that one run has to say. `files` is how many files were looked at."""

    def __init__(
        self,
        findings: Sequence[Finding],
        files: Sequence[str],
        texts: Texts,
        display: Callable[[str], str],
    ) -> None:
        self._texts = texts
        self._display = display
        self._lines: dict[str, LineIndex] = {}
        self.files = tuple(map(display, files))
        self.entries = tuple(Entry(finding, self.place(finding.location)) for finding in findings)

    def with_findings(self, findings: Sequence[Finding]) -> Report:
        """The same files with other findings."""
        report = Report(findings, (), self._texts, self._display)
        report.files = self.files
        return report

    def place(self, location: Location) -> Place:
        lines = self.lines(location.uri)
        line, column = lines.position(location.span.start)
        end_line, end_column = lines.position(location.span.end)
        path = self._display(location.uri)
        return Place(path, line + 1, column + 1, end_line + 1, end_column + 1)

    def lines(self, uri: str) -> LineIndex:
        index = self._lines.get(uri)
        if index is None:
            index = self._lines[uri] = LineIndex(self._texts(uri) or "")
        return index

    def count(self, severity: Severity) -> int:
        return sum(entry.finding.severity is severity for entry in self.entries)

    def fixable(self, safety: str) -> int:
        """How many of the first `COUNTED` findings have a fix of that safety as their first."""
        return sum(
            bool(entry.finding.fixes) and entry.finding.fixes[0].safety == safety
            for entry in self.entries[:COUNTED]
        )

    def edit_places(self, fix: Fix) -> list[tuple[Place, str]]:
        return [(self.place(Location(edit.uri, edit.span)), edit.text) for edit in fix.edits]

    def worst(self) -> Severity:
        return max((entry.finding.severity for entry in self.entries), default=Severity.OFF)

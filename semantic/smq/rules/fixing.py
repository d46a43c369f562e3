"""Applying fixes until nothing is left to fix."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from smq.problem import Fix
from smq.rules.check import check
from smq.rules.finding import Finding
from smq.text import Edit, Span, apply_edits
from smq.workspace import Change, Snapshot

# A fix may uncover the next one, but two that undo each other must end.
_ROUNDS = 16


def fix_all(
    snapshot: Snapshot, findings: Iterable[Finding], *, unsafe: bool = False
) -> dict[str, str]:
    """The new texts of the files that fixes change, by URI.

    Fixes are applied whole or not at all, those that touch each other in later rounds, and the
    files of the findings are checked again between rounds. A fix that would break the syntax of
    a file is not applied.
    """
    current = snapshot
    remaining = list(findings)
    uris = sorted({finding.location.uri for finding in remaining})
    seen: dict[str, set[str]] = {}
    for _ in range(_ROUNDS):
        texts = _one_round(current, remaining, unsafe, seen)
        if not texts:
            break
        for uri, text in texts.items():
            seen.setdefault(uri, {snapshot.document(uri).text}).add(text)
        current = current.apply([Change(uri, text) for uri, text in texts.items()])
        remaining = check(current, uris)
    return {
        uri: current.document(uri).text
        for uri in sorted(seen)
        if current.document(uri).text != snapshot.document(uri).text
    }


def applicable(finding: Finding, *, unsafe: bool = False) -> Fix | None:
    """The fix that would be applied without asking."""
    for fix in finding.fixes:
        if fix.edits and (unsafe or fix.safety == "safe"):
            return fix
    return None


def _one_round(
    snapshot: Snapshot, findings: list[Finding], unsafe: bool, seen: dict[str, set[str]]
) -> dict[str, str]:
    """The texts after as many fixes as do not touch each other."""
    closed: set[str] = set()
    while True:
        edits = _accept(snapshot, findings, unsafe, closed)
        texts = {uri: apply_edits(snapshot.document(uri).text, edits[uri]) for uri in edits}
        after = snapshot.apply([Change(uri, text) for uri, text in texts.items()])
        refused = {
            uri
            for uri, text in texts.items()
            # A text that was there before means that fixes go in circles.
            if text in seen.get(uri, ())
            or len(after.parsed(uri).problems) > len(snapshot.parsed(uri).problems)
        }
        if not refused:
            return texts
        # Half of a fix over two files would be worse than none: choose again without them.
        closed |= refused


def _accept(
    snapshot: Snapshot, findings: list[Finding], unsafe: bool, closed: set[str]
) -> dict[str, list[Edit]]:
    accepted: dict[str, list[Edit]] = {}
    taken: dict[str, _Spans] = {}
    done: set[Edit] = set()
    for finding in findings:
        fix = applicable(finding, unsafe=unsafe)
        if fix is None or any(e.uri not in snapshot or e.uri in closed for e in fix.edits):
            continue
        # Two findings may share one edit, such as merging two items that both complain.
        edits = [edit for edit in dict.fromkeys(fix.edits) if edit not in done]
        if any(taken.setdefault(edit.uri, _Spans()).touches(edit.span) for edit in edits):
            continue
        for edit in edits:
            done.add(edit)
            taken[edit.uri].add(edit.span)
            accepted.setdefault(edit.uri, []).append(edit)
    return accepted


class _Spans:
    """Spans that do not touch each other, in order."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def touches(self, span: Span) -> bool:
        index = bisect_left(self._spans, span)
        after = index < len(self._spans) and self._spans[index].start <= span.end
        before = index > 0 and span.start <= self._spans[index - 1].end
        return after or before

    def add(self, span: Span) -> None:
        insort(self._spans, span)

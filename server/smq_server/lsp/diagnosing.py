"""What is wrong in one workspace, kept up to date change by change, and who must be told.

Looking at one file finds problems there and sometimes in others, so results are kept by the file
that was looked at. A result holds as long as that file's reading, the graph and the configuration
are the same objects; a change makes exactly the others stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lsprotocol import types

from smq.catalog import Unknown
from smq.problem import Problem, Severity
from smq.rules import rules
from smq.rules.check import Finding, file_problems, weigh, workspace_problems, workspace_rules
from smq.text import Encoding, LineIndex
from smq.workspace import Snapshot
from smq.workspace.affected import difference, mentioning
from smq_server.lsp import convert
from smq_server.lsp.scheduler import Work

_RULE = "rule:"
"""Before the code of a rule that looks at all files: such a rule is a source like a file."""

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error.value,
    Severity.WARNING: types.DiagnosticSeverity.Warning.value,
    Severity.INFO: types.DiagnosticSeverity.Information.value,
    Severity.HINT: types.DiagnosticSeverity.Hint.value,
}
_UNUSED_MEASURE = "MET205"
_UNNECESSARY = frozenset({"QRY107", "MET205", "SIL101", "SIL102", "SIL103"})
_DEPRECATED = frozenset({"QRY105"})


class Diagnoses:
    """The problems of all files of one workspace, and which of them are to be looked for again."""

    def __init__(self, defect: Callable[[BaseException, str], object]) -> None:
        self._defect = defect
        self._found: dict[str, dict[str, list[Problem]]] = {}
        self._targets: dict[str, dict[str, None]] = {}
        self._mentions: dict[str, set[str]] = {}
        self._mentioned: dict[str, set[str]] = {}
        """By source the other files that its problems point into, and the other way round."""
        self._stale: set[str] = set()
        self._before: Snapshot | None = None
        self._is_analysed = True

    def is_stale(self, source: str) -> bool:
        """Whether a source is known to be stale; `analyse` may find that others are."""
        return source in self._stale

    @property
    def is_current(self) -> bool:
        return self._is_analysed and not self._stale

    def change(self, before: Snapshot | None, after: Snapshot) -> None:
        """Mark what the step from one snapshot to the next makes stale.

        What a change of declarations does to other files takes longer to say and is left to
        `analyse`; several steps are analysed as one.
        """
        if before is None or not _configured_alike(before, after):
            self._all_stale(after)
            return
        for uri, _, _ in after.changed_files(before):
            if not after.shares_file(before, uri):
                self._stale.add(uri)
                # Problems elsewhere that point into this file point at other characters now.
                self._stale |= self._mentioned.get(uri, set())
        self._stale |= _looking_at_warehouse(before, after)
        for uri in after.unreadable.keys() | before.unreadable.keys():
            if after.unreadable.get(uri) != before.unreadable.get(uri):
                self._stale.add(uri)
        if not after.shares_graph(before) and self._is_analysed:
            self._is_analysed = False
            self._before = before

    @property
    def found(self) -> dict[str, dict[str, list[Problem]]]:
        """By source, what was found in which file."""
        return self._found

    def adopt(self, found: dict[str, dict[str, list[Problem]]]) -> None:
        """Take over what an earlier server found; `change` says since when."""
        for source, by_file in found.items():
            self._found[source] = by_file
            for uri in by_file:
                self._targets.setdefault(uri, {})[source] = None
            self._note_mentions(source, (p for problems in by_file.values() for p in problems))

    def analyse(self, after: Snapshot) -> Work:
        """Find what the changes of declarations since the last analysis make stale."""
        if self._is_analysed:
            return
        before = self._before
        assert before is not None
        differences = [
            difference(old, new)
            for _, old, new in after.changed_files(before)
            if (old.declarations if old else None) is not (new.declarations if new else None)
        ]
        yield
        if any(each.everything for each in differences):
            self._all_stale(after)
            return
        differences = [each for each in differences if each.metrics or each.members]
        if differences:
            self._stale.update(_RULE + code for code in workspace_rules())
            for name in {name for each in differences for name in each.metrics}:
                for model in after.graph.models_with(name):
                    self._stale.add(after.graph.models[model].name_at.uri)
            for uri in mentioning(after.files, differences):
                if uri is None:
                    yield
                else:
                    self._stale.add(uri)
            if _watches_use(after):
                self._stale |= {uri for uri, file in after.files if file.declarations.models}
        if any(each.names for each in differences):
            # Their problems suggest names, and there are others to suggest now.
            self._stale |= set(self._found)
        self._is_analysed = True
        self._before = None

    def _all_stale(self, after: Snapshot) -> None:
        self._stale = {*after.uris, *self._found, *(_RULE + code for code in workspace_rules())}
        self._is_analysed = True
        self._before = None

    def look(self, snapshot: Snapshot, source: str) -> set[str]:
        """Look at one file (or with one rule at all) again; the files whose problems changed."""
        problems: list[Problem] = []
        try:
            if is_rule(source):
                problems.extend(workspace_problems(snapshot, source.removeprefix(_RULE)))
            elif source in snapshot or source in snapshot.unreadable:
                problems.extend(file_problems(snapshot, source))
        except Exception as error:  # noqa: BLE001 - logged; what was found until then is shown
            self._defect(error, f"looking at {source}")
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
        self._note_mentions(source, problems)
        self._stale.discard(source)
        changed = {uri for uri in {*before, *by_file} if before.get(uri) != by_file.get(uri)}
        # The file itself is told even without a difference: its comments may silence others now.
        return changed if is_rule(source) else changed | {source}

    def _note_mentions(self, source: str, problems: Iterable[Problem]) -> None:
        for uri in self._mentions.pop(source, ()):
            self._mentioned[uri].discard(source)
        uris = {
            location.uri
            for problem in problems
            for location in (problem.location, *(each.location for each in problem.related))
            if location.uri != source
        }
        if uris:
            self._mentions[source] = uris
        for uri in uris:
            self._mentioned.setdefault(uri, set()).add(source)

    def pending(self, first: Iterable[str]) -> list[str]:
        """What is to be looked at: the given files first, then the others, the rules last."""
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


def is_rule(source: str) -> bool:
    """Whether a source is a rule that looks at all files, and no file."""
    return source.startswith(_RULE)


def _configured_alike(before: Snapshot, after: Snapshot) -> bool:
    return before.configuration == after.configuration and before.has_refs_of(after)


def _looking_at_warehouse(before: Snapshot, after: Snapshot) -> set[str]:
    """The files whose problems another state of the warehouse may change."""
    if before.catalog.digest == after.catalog.digest:
        return set()
    if before.knows_names_only or after.knows_names_only:
        return set(after.uris)
    if isinstance(before.catalog, Unknown) and isinstance(after.catalog, Unknown):
        return set()
    return {uri for uri, file in after.files if file.declarations.models}


def _watches_use(snapshot: Snapshot) -> bool:
    """Whether a rule is on that finds what nobody uses, which any file may change."""
    rule = rules()[_UNUSED_MEASURE]
    configuration = snapshot.configuration
    return bool(
        configuration.per_path or configuration.severity(rule.code, rule.name, rule.severity, "")
    )


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

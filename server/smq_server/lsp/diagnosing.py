"""Problems in words of the protocol, and what the client has been told already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lsprotocol import types

from smq.problem import Severity
from smq.rules.check import Finding
from smq.text import Encoding, LineIndex
from smq_server.lsp import convert

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error.value,
    Severity.WARNING: types.DiagnosticSeverity.Warning.value,
    Severity.INFO: types.DiagnosticSeverity.Information.value,
    Severity.HINT: types.DiagnosticSeverity.Hint.value,
}
_UNNECESSARY = frozenset({"QRY107", "MET205", "SIL101", "SIL102", "SIL103"})
_DEPRECATED = frozenset({"QRY105"})


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

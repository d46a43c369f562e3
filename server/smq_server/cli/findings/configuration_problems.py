"""What is wrong with a configuration, shown like any finding."""

from __future__ import annotations

from collections.abc import Iterator

from smq.problem import Severity
from smq.rules import find
from smq.rules.finding import Finding
from smq.workspace import build
from smq_server.cli.findings import text
from smq_server.cli.findings.report import Report
from smq_server.io.configuration import Loaded
from smq_server.io.uris import display, path_of


def render(loaded: Loaded) -> Iterator[str]:
    nothing = build(())
    findings = [
        Finding(rule, Severity.ERROR, problem, nothing)
        for problem in loaded.problems
        if (rule := find(problem.code))
    ]
    document = loaded.document

    def content(uri: str) -> str | None:
        return document.text if document is not None and uri == document.uri else None

    yield from text.render(Report(findings, (), content, display_uri), command=None)


def display_uri(uri: str) -> str:
    """A file's path, or the variable for a setting that came from the environment."""
    if uri.startswith("env:"):
        return f"${uri[4:]}"
    return display(path_of(uri))

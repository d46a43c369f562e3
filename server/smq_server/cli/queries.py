"""The queries a command was asked for, compiled: from files, standard input or the command line.

`compile`, `run` and `explain` share the options, the compiling and the way problems are shown, so
that they cannot disagree about what a query is.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from smq.problem import Problem, Severity
from smq.query.written import WrittenQuery
from smq.rules import rules
from smq.rules.finding import Finding
from smq.rules.silence import Silences
from smq.sql.result import CompiledQuery
from smq.syntax import Document, kind_of
from smq.workspace import Snapshot
from smq_server.cli.findings import text
from smq_server.cli.findings.report import Report, Texts
from smq_server.cli.skipping import show_narrow
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.files import decode
from smq_server.io.uris import absolute, display, path_of, uri_of
from smq_server.io.workspace import Workspace, open_around, open_workspaces

# Documents that are no files have a name that no file has.
_STDIN = "<stdin>"
_INLINE = "<-q>"
_SUFFIX = ".smq.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to compile; each workspace may have a dialect of its own."""

    dialect: Callable[[Workspace], str]
    inline: bool = False
    limit: int | None = None
    """Rows at most, in addition to the query's own limit."""


@dataclass(frozen=True, slots=True)
class Compilation:
    """One written query; `queries` is empty when it has an error, one unless distributed."""

    workspace: Workspace
    written: WrittenQuery
    queries: tuple[CompiledQuery, ...]

    @property
    def place(self) -> str:
        return display_uri(self.written.uri)

    def title(self, query: CompiledQuery) -> str:
        """Which query of which file this is, on one line."""
        several = len(self.workspace.snapshot.queries(self.written.uri)) > 1
        number = f" [{self.written.index}]" if several else ""
        part = f" part {query.part + 1} of {len(self.queries)}" if len(self.queries) > 1 else ""
        words = " ".join((self.written.description or self.written.name or "").split())
        return f"{self.place}{number}{part}{': ' if words else ''}{words}"


@dataclass(frozen=True, slots=True)
class Compiled:
    """All that was asked for, in order, with everything that is wrong with it."""

    files: tuple[str, ...]
    texts: Texts
    compilations: tuple[Compilation, ...]
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def report(self, least: Severity = Severity.HINT) -> Report:
        """The findings with the places people count in."""
        shown = [finding for finding in self.findings if finding.severity >= least]
        return Report(shown, self.files, self.texts, display_uri)

    def each(self) -> Iterator[tuple[Compilation, CompiledQuery]]:
        for compilation in self.compilations:
            for query in compilation.queries:
                yield compilation, query


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say which queries are meant."""
    parser.add_argument("files", metavar="FILE", nargs="*", help="query files, or - for stdin")
    parser.add_argument(
        "-q", dest="inline_query", metavar="JSON", help="the query itself instead of a file"
    )
    parser.add_argument(
        "--query", type=int, metavar="N", help="only the query of this number, counted from 0"
    )
    parser.add_argument(
        "--distribute",
        action="store_true",
        help="where models do not connect, one query for each part that does",
    )


def compile_queries(arguments: argparse.Namespace, streams: Streams, wanted: Wanted) -> Compiled:
    """Compile what the arguments name.

    Raises Failure when there is nothing to compile; mistakes in queries are in the report.
    """
    compilations: list[Compilation] = []
    findings: list[Finding] = []
    workspaces = _workspaces(arguments, streams)
    for workspace in workspaces:
        for uri in workspace.given:
            if kind_of(uri) != "smq":
                continue
            found, problems = _compile(workspace, uri, arguments, wanted)
            compilations.extend(found)
            findings.extend(_weighed(workspace.snapshot, uri, problems))
    files = tuple(
        uri for workspace in workspaces for uri in workspace.given if kind_of(uri) == "smq"
    )
    compiled = Compiled(files, _texts(workspaces), tuple(compilations), tuple(findings))
    if not compilations and not compiled.failed:
        places = ", ".join(map(display_uri, files)) or " ".join(arguments.files)
        raise Failure(f"there is no query in {places}")
    return compiled


def show_problems(compiled: Compiled, streams: Streams) -> None:
    """Errors and warnings on stderr as `smq check` words them; hints too when asked for more."""
    least = Severity.HINT if streams.verbosity > 0 else Severity.WARNING
    if streams.verbosity < 0:
        least = Severity.ERROR
    typed = any(display_uri(uri) in (_STDIN, _INLINE) for uri in compiled.files)
    command = None if typed else "smq check "
    for part in text.render(compiled.report(least), color=streams.error_color, command=command):
        streams.stderr.write(part)


def _workspaces(arguments: argparse.Namespace, streams: Streams) -> list[Workspace]:
    if arguments.inline_query is not None:
        if arguments.files:
            raise Failure("-q takes the place of files; give one or the other")
        data = arguments.inline_query.encode("utf-8", "surrogateescape")
        return [_virtual(_INLINE, data, arguments, streams)]
    if not arguments.files:
        raise Failure("no query given: name a file, - for standard input, or -q JSON")
    if "-" in arguments.files:
        if len(arguments.files) > 1:
            raise Failure("- cannot be combined with files")
        return [_virtual(_STDIN, streams.read_bytes(), arguments, streams)]
    paths = [Path(file) for file in arguments.files]
    for path in paths:
        if path.is_file() and kind_of(path.name) != "smq":
            raise Failure(f"{display(path)} is no query file (*.smq.json)")
    workspaces = open_workspaces(paths, streams.environ, arguments.config)
    for workspace in workspaces:
        for path in workspace.excluded:
            streams.message(f"skipped {display(path)}: the configuration excludes it")
        _warn(workspace, streams)
    return workspaces


def _warn(workspace: Workspace, streams: Streams) -> None:
    if not (workspace.is_whole or workspace.has_models):
        show_narrow(workspace, streams)


def _virtual(name: str, data: bytes, arguments: argparse.Namespace, streams: Streams) -> Workspace:
    path = absolute(Path(name + _SUFFIX))
    uri = uri_of(path)
    found = decode(uri, data)
    workspace = open_around(path, streams.environ, arguments.config)
    _warn(workspace, streams)
    if isinstance(found, Document):
        return workspace.with_document(found)
    snapshot = workspace.snapshot.with_unreadable(found)
    return replace(workspace, snapshot=snapshot, given=(uri,))


def _compile(
    workspace: Workspace, uri: str, arguments: argparse.Namespace, wanted: Wanted
) -> tuple[list[Compilation], list[Problem]]:
    # The compiler brings the SQL library, which `--help` can do without.
    from smq.sql.compile import CompileOptions, compile_query

    snapshot = workspace.snapshot
    problems = list(snapshot.problems(uri))
    if uri not in snapshot:
        return [], problems
    configured = workspace.configuration.dialect
    options = CompileOptions(
        dialect=wanted.dialect(workspace),
        written_dialect=configured,
        inline=wanted.inline,
        distribute=arguments.distribute,
    )
    written = snapshot.queries(uri)
    compilations = []
    for query in _selected(written, uri, arguments.query):
        limited = query
        if wanted.limit is not None and (query.limit is None or query.limit > wanted.limit):
            limited = replace(query, limit=wanted.limit)
        compiled = compile_query(limited, snapshot.graph, options)
        problems.extend(compiled.problems)
        compilations.append(Compilation(workspace, query, compiled.queries))
    wrong = [each for each in problems if _is_error(snapshot, each) and each.location.uri == uri]
    kept = [replace(each, queries=()) if _hit(each, wrong, written) else each
            for each in compilations]  # fmt: skip
    return kept, _of_selected(problems, written, compilations)


def _selected(
    queries: Sequence[WrittenQuery], uri: str, number: int | None
) -> Sequence[WrittenQuery]:
    if number is None or not queries:
        return queries
    for query in queries:
        if query.index == number:
            return [query]
    count = len(queries)
    raise Failure(
        f"{display_uri(uri)} has no query {number}: "
        + ("its only query is 0" if count == 1 else f"its queries are 0 to {count - 1}")
    )


def _is_error(snapshot: Snapshot, problem: Problem) -> bool:
    rule = rules()[problem.code]
    configuration = snapshot.configuration
    severity = configuration.severity(rule.code, rule.name, rule.severity, problem.location.uri)
    return severity is Severity.ERROR


def _hit(
    compilation: Compilation, wrong: Sequence[Problem], written: Sequence[WrittenQuery]
) -> bool:
    """Whether an error lies in this query, or in the file outside every query."""
    own = compilation.written.location.span
    for problem in wrong:
        span = problem.location.span
        if own.covers(span):
            return True
        if not any(query.location.span.covers(span) for query in written):
            return True
    return False


def _of_selected(
    problems: Sequence[Problem],
    written: Sequence[WrittenQuery],
    compilations: Sequence[Compilation],
) -> list[Problem]:
    """Without the problems of queries that were not asked for."""
    chosen = {compilation.written.index for compilation in compilations}
    others = [query.location for query in written if query.index not in chosen]
    return [
        problem
        for problem in problems
        if not any(
            place.uri == problem.location.uri and place.span.covers(problem.location.span)
            for place in others
        )
    ]


def _weighed(snapshot: Snapshot, uri: str, problems: Sequence[Problem]) -> Iterator[Finding]:
    """The problems that the configuration and comments in the file let through, sorted."""
    known = rules()
    silences = None
    if uri in snapshot:
        silences = Silences(snapshot.parsed(uri), snapshot.lines(uri))
    seen: set[object] = set()
    for problem in sorted(problems, key=lambda each: (each.location, each.code)):
        identity = problem.code, problem.location, repr(sorted(problem.args.items()))
        if identity in seen:
            continue
        seen.add(identity)
        rule = known[problem.code]
        severity = snapshot.configuration.severity(
            rule.code, rule.name, rule.severity, problem.location.uri
        )
        # A comment may quieten advice, but cannot make a wrong query compile.
        quiet = (
            silences is not None
            and severity is not Severity.ERROR
            and problem.location.uri == uri
            and silences.silences(rule, problem.location.span)
        )
        if severity and not quiet:
            yield Finding(rule, severity, problem, snapshot)


def _texts(workspaces: Sequence[Workspace]) -> Texts:
    def content(uri: str) -> str | None:
        for workspace in workspaces:
            if uri in workspace.snapshot:
                return workspace.snapshot.document(uri).text
        return None

    return content


def display_uri(uri: str) -> str:
    """A file's path, or what stands for a document that is no file."""
    path = path_of(uri)
    for name in (_STDIN, _INLINE):
        if path.name == name + _SUFFIX:
            return name
    return display(path)

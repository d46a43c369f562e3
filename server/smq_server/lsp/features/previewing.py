"""The SQL of queries with a mapping both ways, how they are computed, and virtual documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode

from lsprotocol import types

from smq_server.lsp import protocol
from smq_server.lsp.requests import RequestFailed, answers

if TYPE_CHECKING:
    from smq.problem import Problem
    from smq.query.written import WrittenQuery
    from smq.sql.result import CompiledQuery
    from smq.text import Location
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.roots import Root
    from smq_server.lsp.scheduler import Work
    from smq_server.lsp.session import Session
    from smq_server.lsp.view import View

_KEPT = 32
"""Virtual documents that are watched; the one that was not asked for longest is forgotten."""


def register(server: SmqServer) -> None:
    session = server.session

    @answers(server, protocol.COMPILE)
    def compile_(params: protocol.CompileParams) -> protocol.CompileResult:
        return compile_result(session, params)

    @answers(server, protocol.EXPLAIN)
    def explain(params: protocol.ExplainParams) -> dict[str, Any]:
        view = view_of(session, params.uri)
        return explained(view, chosen(view, params.query), checked_dialect(params.dialect))

    virtual = _VirtualDocuments(session)
    session.changed.append(virtual.changed)

    @server.feature(
        types.WORKSPACE_TEXT_DOCUMENT_CONTENT,
        types.TextDocumentContentOptions(schemes=[protocol.SCHEME]),
    )
    def content(params: types.TextDocumentContentParams) -> types.TextDocumentContentResult:
        return types.TextDocumentContentResult(virtual.text(params.uri))

    @answers(server, protocol.VIRTUAL_DOCUMENT)
    def document(params: protocol.VirtualDocumentParams) -> protocol.VirtualDocumentResult:
        return protocol.VirtualDocumentResult(virtual.text(params.uri))


def compile_result(session: Session, params: protocol.CompileParams) -> protocol.CompileResult:
    """The SQL of a document's queries. Raises RequestFailed."""
    view = view_of(session, params.uri)
    dialect = checked_dialect(params.dialect) or view.snapshot.configuration.dialect
    reports: list[protocol.CompiledReport] = []
    for query in chosen(view, params.query):
        reports += _reports(view, query, dialect, params.distribute)
    document = session.opened(params.uri)
    version = document.version if document is not None else None
    return protocol.CompileResult(dialect, tuple(reports), version)


def view_of(session: Session, uri: str) -> View:
    """The document among its workspace. Raises RequestFailed when there is none."""
    view = session.view(uri)
    if view is None:
        raise RequestFailed(f"There is no document {unquote(uri)}.")
    return view


def chosen(view: View, choice: protocol.QueryChoice) -> Sequence[WrittenQuery]:
    """The queries that a request is about. Raises RequestFailed when it is about none."""
    queries = view.snapshot.queries(view.uri)
    if choice is None:
        return queries
    if isinstance(choice, int):
        found = [query for query in queries if query.index == choice]
        if not found:
            raise RequestFailed(f"The document has no query {choice}; it has {len(queries)}.")
        return found
    at = view.offset(types.Position(choice.line, choice.character))
    found = [q for q in queries if q.node is not None and q.node.span.contains(at)]
    if not found:
        raise RequestFailed("There is no query at this place.")
    return found


def checked_dialect(name: str | None) -> str | None:
    """The dialect as given. Raises RequestFailed for one that does not exist."""
    from smq.dialects import UnknownDialectError, canonical_name

    if name is None:
        return None
    try:
        return canonical_name(name)
    except UnknownDialectError as error:
        raise RequestFailed(str(error)) from error


def explained(
    view: View, queries: Sequence[WrittenQuery], dialect: str | None = None
) -> dict[str, Any]:
    """A document of `explain-output.schema.json`; a query with an error is not in it."""
    from smq.ide.queries import compiled
    from smq.sql.described import explained as described
    from smq_server import __version__

    snapshot = view.snapshot

    def place(location: Location | None) -> dict[str, Any] | None:
        if location is None or location.uri not in snapshot:
            return None
        line, column = snapshot.lines(location.uri).position(location.span.start)
        path = snapshot.configuration.relative_path(location.uri)
        return {"path": path, "line": line + 1, "column": column + 1}

    path = snapshot.configuration.relative_path(view.uri)
    return {
        "version": 1,
        "tool": {"name": "smq", "version": __version__},
        "queries": [
            described(one, query, snapshot.graph, path, place)
            for query in queries
            for one in compiled(snapshot, query, dialect).queries
        ],
    }


def virtual_uri(uri: str, query: int, dialect: str) -> str:
    """The name of the virtual document that shows a query's SQL."""
    stem = unquote(uri).rsplit("/", 1)[-1].removesuffix(".smq.json") or "query"
    words = urlencode({"uri": uri, "query": query, "dialect": dialect})
    return f"{protocol.SCHEME}:/{stem}.sql?{words}"


# Reports.


def _reports(
    view: View, query: WrittenQuery, dialect: str, distribute: bool
) -> list[protocol.CompiledReport]:
    from smq.ide.preview import traced
    from smq.text import Span

    result = traced(view.snapshot, query, dialect, distribute)
    span = query.node.span if query.node is not None else Span(0, len(view.text))
    found = result.problems
    if not result.queries and not found:
        # It asks for nothing, which the reader has told.
        read = view.snapshot.problems(view.uri)
        found = tuple(problem for problem in read if span.covers(problem.location.span))
    problems = tuple(report for problem in found if (report := _problem(view, problem)) is not None)
    where = _range(view, span)
    if not result.queries:
        return [
            protocol.CompiledReport(
                query.index,
                0,
                where,
                columns=(),
                tables=(),
                problems=problems,
                mapping=(),
                name=query.name,
                description=query.description,
            )
        ]
    return [
        protocol.CompiledReport(
            query.index,
            one.part,
            where,
            columns=_columns(view, one),
            tables=one.tables,
            problems=problems,
            mapping=_mapping(view, query, one),
            name=query.name,
            description=query.description,
            sql=one.sql,
        )
        for one in result.queries
    ]


def _problem(view: View, problem: Problem) -> protocol.ProblemReport | None:
    from smq.rules import find

    rule = find(problem.code)
    if rule is None:
        return None
    severity: Any = rule.severity.name.lower()
    location = problem.location
    at = view.our_location(location) if location.uri in view.snapshot else None
    return protocol.ProblemReport(problem.code, severity, rule.words(problem.args), at)


def _columns(view: View, query: CompiledQuery) -> tuple[protocol.ResultColumn, ...]:
    found = []
    for each in query.columns:
        at = each.defined_at
        place = view.our_location(at) if at is not None and at.uri in view.snapshot else None
        found.append(
            protocol.ResultColumn(
                name=each.name,
                written=each.written,
                kind=each.kind,
                origin=each.origin,
                label=each.label,
                description=each.description,
                type=each.data_type,
                model=each.model,
                defined_at=place,
            )
        )
    return tuple(found)


def _mapping(
    view: View, query: WrittenQuery, one: CompiledQuery
) -> tuple[protocol.MappingEntry, ...]:
    from smq.ide.preview import links
    from smq.text import LineIndex
    from smq_server.lsp import convert

    lines = LineIndex(one.sql)
    entries = []
    for link in links(view.snapshot, query, one):
        targets = []
        for target in link.targets:
            at = view.our_location(target.location)
            targets.append(protocol.MappingTarget(at.uri, at.range, target.kind, target.label))
        here = convert.our_range(lines, link.span, view.encoding)
        entries.append(protocol.MappingEntry(here, tuple(targets)))
    return tuple(entries)


def _range(view: View, span: Any) -> protocol.Range:
    from smq_server.lsp import convert

    return convert.our_range(view.lines, span, view.encoding)


# Virtual documents.


class _VirtualDocuments:
    """Texts that the client shows, compared with what they would be now after each change."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shown: dict[str, str] = {}

    def text(self, uri: str) -> str:
        found = self._text(uri)
        self._shown.pop(uri, None)
        self._shown[uri] = found
        while len(self._shown) > _KEPT:
            del self._shown[next(iter(self._shown))]
        return found

    def changed(self, root: Root) -> None:
        if self._shown:
            self._session.scheduler.submit("virtual documents", 4, self._compare())

    def _compare(self) -> Work:
        for uri, before in list(self._shown.items()):
            now = self._text(uri)
            if now != before and uri in self._shown:
                self._shown[uri] = now
                self._refresh(uri)
            yield

    def _refresh(self, uri: str) -> None:
        workspace = self._session.client.workspace
        if workspace is not None and workspace.text_document_content is not None:
            params = types.TextDocumentContentRefreshParams(uri)
            self._session.request(types.WORKSPACE_TEXT_DOCUMENT_CONTENT_REFRESH, params)
        if self._session.knows_us:
            self._session.notify(protocol.VIRTUAL_DOCUMENT_CHANGED, {"uri": uri})

    def _text(self, uri: str) -> str:
        wanted = parse_qs(uri.partition("?")[2])
        source = (wanted.get("uri") or [""])[0]
        number = (wanted.get("query") or ["0"])[0]
        dialect = (wanted.get("dialect") or [""])[0] or None
        if not uri.startswith(f"{protocol.SCHEME}:") or not source:
            raise RequestFailed(f"{unquote(uri)} does not name a query; expected ?uri=…&query=N.")
        view = self._session.view(source)
        if view is None:
            return f"-- There is no document {unquote(source)}.\n"
        queries = [q for q in view.snapshot.queries(view.uri) if str(q.index) == number]
        if not queries:
            return f"-- The document has no query {number}.\n"
        return sql_text(view, queries[0], checked_dialect(dialect))


def sql_text(view: View, query: WrittenQuery, dialect: str | None) -> str:
    """The statement, or a comment with the reasons why there is none."""
    from smq.ide.queries import compiled
    from smq.rules import find

    result = compiled(view.snapshot, query, dialect)
    if result.queries:
        return "\n".join(f"{one.sql}\n" for one in result.queries)
    words = [rule.words(p.args) for p in result.problems if (rule := find(p.code)) is not None]
    lines = ["No SQL yet:", *(words or ["The query asks for nothing."])]
    return "".join(f"-- {line}\n" for text in lines for line in text.splitlines())

"""An agent's queries among the models of a workspace: compiled, with everything to say of them.

The queries stand in a document that is no file. A problem is told by the item it is in and by its
text, and a fix by the whole query it leads to, because agents do not count characters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smq.problem import Severity
from smq.query.written import WrittenQuery
from smq.rules.check import file_problems, weigh
from smq.rules.finding import Finding
from smq.sql.compile import CompileOptions, compile_query
from smq.sql.result import CompiledQuery
from smq.syntax import Node
from smq.syntax import Sequence as SequenceNode
from smq.syntax.jsonc import parse
from smq.text import apply_edits
from smq.workspace import Change, Snapshot
from smq_server.generation.reading import plain
from smq_server.io.failure import Failure
from smq_server.mcp import shapes

_URI = "memory:///queries.smq.json"
_MOST_QUERIES = 20
_LONGEST = 100_000
_FIXES = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """One query of a document; it compiles exactly when `compiled` is not empty."""

    index: int
    written: WrittenQuery | None
    compiled: tuple[CompiledQuery, ...]
    problems: tuple[shapes.Finding, ...]

    @property
    def is_valid(self) -> bool:
        return bool(self.compiled)


def judge(
    queries: Sequence[Mapping[str, Any]],
    snapshot: Snapshot,
    dialect: str | None = None,
    *,
    distribute: bool = True,
) -> list[Judged]:
    """Judge queries as values. Raises Failure for what is too much, or no JSON."""
    if not queries:
        raise Failure("there is no query in `queries`")
    if len(queries) > _MOST_QUERIES:
        raise Failure(f"{len(queries)} queries are too many at once; at most {_MOST_QUERIES}")
    try:
        text = json.dumps(list(queries), ensure_ascii=False, indent=2)
    except (TypeError, ValueError, RecursionError) as error:
        raise Failure("the queries cannot be written as JSON") from error
    if len(text) > _LONGEST:
        raise Failure(f"the queries have {len(text):,} characters; at most {_LONGEST:,}")
    return judge_document(_URI, snapshot.apply([Change(_URI, text)]), dialect, distribute)


def judge_document(
    uri: str, snapshot: Snapshot, dialect: str | None = None, distribute: bool = True
) -> list[Judged]:
    """Judge the queries of a document of the snapshot."""
    configured = snapshot.configuration.dialect
    options = CompileOptions(dialect or configured, configured, distribute=distribute)
    findings = list(weigh(snapshot, uri, file_problems(snapshot, uri)))
    root = snapshot.parsed(uri).root
    nodes = root.items if isinstance(root, SequenceNode) else (root,)
    by_index = {query.index: query for query in snapshot.queries(uri)}
    found: list[Judged] = []
    for index, node in enumerate(nodes):
        written = by_index.get(index)
        compiled = compile_query(written, snapshot.graph, options) if written else None
        own = [each for each in findings if _is_in(each, node)]
        queries = compiled.queries if compiled else ()
        if queries:
            # Distributing is what is done about it, so it is nothing to complain of.
            own = [each for each in own if each.code != "JOI112"]
        told = [_told(each, snapshot, uri, index, written) for each in own]
        if compiled is not None and not queries and not any(t.severity == "error" for t in told):
            # A rule that is switched off, or another dialect's refusal.
            told.extend(_bare(problem.code, problem.args) for problem in compiled.problems)
        is_broken = any(each.severity is Severity.ERROR for each in own)
        found.append(Judged(index, written, () if is_broken else queries, tuple(told)))
    return found


def compilation(judged: Sequence[Judged], dialect: str) -> shapes.Compilation:
    return shapes.Compilation(
        dialect=dialect,
        is_valid=all(each.is_valid for each in judged),
        queries=[
            shapes.CompiledQuery(
                index=each.index,
                is_valid=each.is_valid,
                statements=[_statement(query) for query in each.compiled],
                problems=list(each.problems),
            )
            for each in judged
        ],
    )


def columns(query: CompiledQuery) -> list[shapes.Column]:
    return [
        shapes.Column(
            name=each.name,
            kind=each.kind,
            type=each.data_type,
            label=each.label,
            description=each.description,
        )
        for each in query.columns
    ]


def _statement(query: CompiledQuery) -> shapes.Statement:
    return shapes.Statement(
        sql=query.sql,
        columns=columns(query),
        tables=list(query.tables),
        smq={k: v for k, v in query.written.items() if v not in (None, [])},
    )


def _is_in(finding: Finding, node: Node | None) -> bool:
    return node is not None and node.span.covers(finding.location.span)


def _told(
    finding: Finding, snapshot: Snapshot, uri: str, index: int, written: WrittenQuery | None
) -> shapes.Finding:
    span = finding.location.span
    text = snapshot.document(uri).text
    shown = " ".join(span.cut(text).split())
    return shapes.Finding(
        code=finding.code,
        severity=_severity(finding.severity),
        at=next((item.path for item in _items(written) if item.location.span.covers(span)), ""),
        text=shown if len(shown) <= 200 else shown[:199] + "…",
        message=finding.message,
        suggestions=list(_suggestions(finding, text, uri, index)),
    )


def _items(written: WrittenQuery | None) -> Iterator[Any]:
    if written is not None:
        for items in (
            *(written.metrics, written.group_by, written.filters),
            *(written.order_by, written.joins),
        ):
            yield from items


def _suggestions(finding: Finding, text: str, uri: str, index: int) -> Iterator[shapes.Suggestion]:
    for fix in finding.fixes[:_FIXES]:
        query = None
        if fix.edits and all(edit.uri == uri for edit in fix.edits):
            root = parse(_document(uri, apply_edits(text, fix.edits))).root
            nodes = root.items if isinstance(root, SequenceNode) else (root,)
            value = plain(nodes[index]) if index < len(nodes) else None
            query = value if isinstance(value, dict) else None
        yield shapes.Suggestion(title=fix.title, is_safe=fix.safety == "safe", query=query)


def _document(uri: str, text: str) -> Any:
    from smq.syntax import Document

    return Document(uri, text)


def _severity(severity: Severity) -> Any:
    return severity.name.lower()


def _bare(code: str, args: Mapping[str, object]) -> shapes.Finding:
    from smq.rules import rules

    message = rules()[code].words(args)
    return shapes.Finding(code=code, severity="error", at="", text="", message=message)

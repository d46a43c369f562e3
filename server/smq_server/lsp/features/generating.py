"""Queries from questions: actions on comments, on errors that nothing cures, and on queries.

A language model is asked in a thread, with progress, until it is cancelled. What it says has
compiled before it becomes an edit, and the edit is for the text as it is then. Nothing is asked in
a workspace that is not trusted.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams, JsonRpcRequestCancelled

from smq_server.lsp import protocol
from smq_server.lsp.features.previewing import chosen, view_of
from smq_server.lsp.requests import RequestFailed, answers
from smq_server.lsp.scheduler import in_thread
from smq_server.lsp.wire_values import Malformed, from_wire, to_wire

if TYPE_CHECKING:
    from smq.query.written import WrittenQuery
    from smq.rules.finding import Finding
    from smq.text import Edit, Span
    from smq.workspace import Snapshot
    from smq_server.generation.chat import Progress
    from smq_server.generation.generate import Question, Running
    from smq_server.generation.placing import Asked
    from smq_server.generation.result import Alternative, Result
    from smq_server.generation.validation import ValidQuery
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.session import Session
    from smq_server.lsp.state import View

GENERATE, REPAIR, IN_WORDS = "smq.generate", "smq.repair", "smq.explainInWords"
SHOW_PROMPT = "smq.showPrompt"
_REPAIR_QUESTION = "Repair this query so that it compiles. Change as little as possible."
_NOT_TRUSTED = (
    "No language model is asked in a workspace that is not trusted, because its configuration "
    "decides which one. Trust the workspace first."
)
_OFTEN = 0.2
"""Seconds between two reports of an answer that is coming in."""


def register(server: SmqServer) -> None:
    session = server.session
    works = _Works(session)

    @answers(server, protocol.GENERATE)
    async def generate_(params: protocol.GenerateParams) -> protocol.GenerateResult:
        found, _ = await _generated(session, works, params)
        return found

    @server.command(GENERATE)
    async def generate_and_apply(*arguments: Any) -> dict[str, Any]:
        params = _arguments(protocol.GenerateParams, arguments)
        with _told(session):
            found, edits = await _generated(session, works, params)
            await _apply(session, params.uri, found, edits, "Generate SMQ")
            return dict(to_wire(found))

    @answers(server, protocol.PROMPT)
    async def prompt(params: protocol.PromptParams) -> protocol.PromptResult:
        return await _prompt(session, params)

    @server.command(SHOW_PROMPT)
    async def show_prompt(*arguments: Any) -> dict[str, Any]:
        params = _arguments(protocol.PromptParams, arguments)
        with _told(session):
            found = await _prompt(session, params)
            # Too long for a message, and this is the place for long texts that every client has.
            said = {"type": types.MessageType.Info.value, "message": found.text}
            session.notify(types.WINDOW_LOG_MESSAGE, said)
            where = "What would be sent is in the log of the language server."
            _show(session, where, types.MessageType.Info)
            return dict(to_wire(found))

    @server.command(REPAIR)
    async def repair(*arguments: Any) -> dict[str, Any]:
        params = _arguments(protocol.CompileParams, arguments)
        with _told(session):
            found, edits = await _repaired(session, works, params)
            await _apply(session, params.uri, found, edits, "Repair SMQ")
            return dict(to_wire(found))

    @server.command(IN_WORDS)
    async def in_words(*arguments: Any) -> dict[str, Any]:
        params = _arguments(protocol.CompileParams, arguments)
        with _told(session):
            text = await _in_words(session, works, params)
            _show(session, text, types.MessageType.Info)
            return {"text": text}

    @server.feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def cancelled(params: types.WorkDoneProgressCancelParams) -> None:
        works.cancel(params.token)


def offered(
    session: Session, view: View, span: Span, findings: Iterable[Finding]
) -> list[types.CodeAction]:
    """What a language model could do at a place; nothing where it may not be asked.

    Writing a query for a comment is offered without a model as well: trying says what to set.
    """
    if not session.settings.trusted or view.snapshot.document(view.uri).kind != "smq":
        return []
    # Only where somebody looks for actions in a query file.
    from smq.ide.queries import query_at
    from smq.problem import Severity
    from smq_server.generation.connection import is_configured
    from smq_server.generation.placing import question_at

    uri = view.spelled(view.uri)
    found: list[types.CodeAction] = []
    # What is written must be put into the document, by the client or at our request.
    writes = session.applies_edits or session.knows_us
    asked = question_at(view.snapshot.parsed(view.uri), span.start, span.end)
    if asked is not None and writes:
        at = view.range(span).start
        where = {"line": at.line, "character": at.character}
        title = "Generate SMQ from comment"
        arguments = {"uri": uri, "position": where, "question": asked.question}
        command = types.Command(title, GENERATE, arguments=[arguments])
        kind = types.CodeActionKind.RefactorRewrite
        found.append(types.CodeAction(title, kind, command=command))
        if is_configured(view.snapshot.configuration):
            title = "Show what would be sent to the language model"
            command = types.Command(title, SHOW_PROMPT, arguments=[arguments])
            found.append(types.CodeAction(title, command=command))
    query = query_at(view.snapshot, view.uri, span.start)
    if query is None or not is_configured(view.snapshot.configuration):
        return found
    helpless = any(
        each.severity is Severity.ERROR
        and each.location.span.start <= span.end
        and span.start <= each.location.span.end
        and not any(fix.edits for fix in each.fixes)
        for each in findings
    )
    if helpless and writes:
        command = types.Command("Repair with AI", REPAIR, arguments=[uri, query.index])
        kind = types.CodeActionKind.QuickFix
        found.append(types.CodeAction("Repair with AI", kind, command=command))
    command = types.Command("Explain this query", IN_WORDS, arguments=[uri, query.index])
    found.append(types.CodeAction("Explain this query", command=command))
    return found


# The work.


async def _generated(
    session: Session, works: _Works, params: protocol.GenerateParams
) -> tuple[protocol.GenerateResult, tuple[Edit, ...]]:
    """The answer, and its edits for the text as it is now."""
    view = _trusted_view(session, params.uri)
    question, asked = _question(view, params)
    result = await works.run("Generating SMQ", params.work_done_token, view, question)
    edits: tuple[Edit, ...] = ()
    others: list[tuple[Edit, ...]] = []
    if asked is not None and _queries(result):
        # Whoever waited may have typed on.
        view = view_of(session, params.uri)
        edits = _edits_below(view, asked, _queries(result))
        others = [_edits_below(view, asked, (each.query,)) for each in _alternatives(result)]
    return _answer(view, result, edits, others), edits


async def _prompt(session: Session, params: protocol.PromptParams) -> protocol.PromptResult:
    from smq_server.generation.failure import GenerationFailure
    from smq_server.generation.generate import Running, first_request
    from smq_server.generation.values import prompt_text

    view = _trusted_view(session, params.uri)
    question, _ = _question(view, params)
    snapshot = view.snapshot.apart()
    # Which models a question is about is looked up in an index that may have to be made.
    running = Running(lambda: first_request(question, snapshot, os.environ))
    try:
        body = await in_thread(running.run)
    except GenerationFailure as failure:
        raise RequestFailed(failure.message) from failure
    return protocol.PromptResult(prompt_text(body), dict(body))


async def _repaired(
    session: Session, works: _Works, params: protocol.CompileParams
) -> tuple[protocol.GenerateResult, tuple[Edit, ...]]:
    from smq.problem import Severity
    from smq_server.generation.generate import Question
    from smq_server.generation.placing import replaced
    from smq_server.generation.reading import plain
    from smq_server.generation.validation import canonical, worded

    view = _trusted_view(session, params.uri)
    query = _one(view, params)
    span = query.location.span
    problems = tuple(
        worded(finding, view.snapshot)
        for finding in session.findings(params.uri)
        if finding.severity is Severity.ERROR and span.covers(finding.location.span)
    )
    if not problems:
        raise RequestFailed("This query has no error to repair.")
    current = canonical(plain(query.node))
    question = Question(_REPAIR_QUESTION, _today(), current=current, problems=problems)
    result = await works.run("Repairing SMQ", None, view, question)
    edits: tuple[Edit, ...] = ()
    queries = _queries(result)
    if queries:
        now = view_of(session, params.uri)
        same = [q for q in now.snapshot.queries(now.uri) if q.index == query.index]
        if same and canonical(plain(same[0].node)) == current:
            view = now
            document = view.snapshot.document(view.uri)
            edits = replaced(document, same[0], queries[0].smq)
    return _answer(view, result, edits), edits


async def _in_words(session: Session, works: _Works, params: protocol.CompileParams) -> str:
    from smq_server.generation.reading import plain

    view = _trusted_view(session, params.uri)
    query = plain(_one(view, params).node)
    text: str = await works.explain("Explaining the query", view, query)
    return text


def _trusted_view(session: Session, uri: str) -> View:
    if not session.settings.trusted:
        raise RequestFailed(_NOT_TRUSTED)
    view = view_of(session, uri)
    from smq_server.generation.connection import how_to_configure, is_configured

    if not is_configured(view.snapshot.configuration):
        raise RequestFailed(how_to_configure())
    return view


def _question(
    view: View, params: protocol.GenerateParams | protocol.PromptParams
) -> tuple[Question, Asked | None]:
    from smq_server.generation.generate import Question
    from smq_server.generation.placing import question_at

    text = params.question
    asked: Asked | None = None
    if text is not None and params.position is not None:
        # By its words: the document may be another one than the position was meant for.
        asked = _saying(view, text)
    elif text is None:
        if params.position is None:
            raise RequestFailed("Give a question, or the position of a comment that holds one.")
        position = types.Position(params.position.line, params.position.character)
        offset = view.offset(position)
        asked = question_at(view.snapshot.parsed(view.uri), offset, offset)
        if asked is None:
            raise RequestFailed("There is no comment with a question here.")
        text = asked.question
    return Question(text, _today(), params.strategy), asked


def _one(view: View, params: protocol.CompileParams) -> WrittenQuery:
    queries = chosen(view, params.query)
    if not queries or queries[0].node is None:
        raise RequestFailed("There is no query here.")
    return queries[0]


def _edits_below(view: View, asked: Asked, queries: Sequence[ValidQuery]) -> tuple[Edit, ...]:
    from smq_server.generation.placing import placed

    again = _saying(view, asked.question)
    if again is None:
        return ()
    parsed = view.snapshot.parsed(view.uri)
    return placed(parsed, again, [query.smq for query in queries])


def _saying(view: View, question: str) -> Asked | None:
    """The first comment that says the question."""
    from smq_server.generation.placing import question_at

    parsed = view.snapshot.parsed(view.uri)
    for comment in parsed.comments:
        asked = question_at(parsed, comment.start, comment.end)
        if asked is not None and asked.question == question:
            return asked
    return None


def _today() -> Any:
    from datetime import date

    return date.today()


class _Works:
    """The calls that are under way, by the token of their progress."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._running: dict[str | int, Running] = {}
        self._numbers = 0

    def cancel(self, token: str | int) -> None:
        work = self._running.get(token)
        if work is not None:
            work.cancel()

    async def run(
        self, title: str, token: str | int | None, view: View, question: Question
    ) -> Result:
        from smq_server.generation.generate import generate

        def work(snapshot: Snapshot, listener: Callable[[Progress], object]) -> Any:
            return generate(question, snapshot, os.environ, listener)

        result: Result = await self._do(title, token, view, work)
        return result

    async def explain(self, title: str, view: View, query: Any) -> str:
        from smq_server.generation.explain import in_words
        from smq_server.generation.failure import GenerationFailure

        def work(snapshot: Snapshot, listener: Callable[[Progress], object]) -> Any:
            return in_words(query, snapshot, os.environ, listener)

        try:
            text: str = await self._do(title, None, view, work)
        except GenerationFailure as failure:
            raise RequestFailed(failure.message) from failure
        return text

    async def _do(
        self, title: str, token: str | int | None, view: View, work: Callable[..., Any]
    ) -> Any:
        from smq_server.generation.generate import Running

        shown = self._begin(title, token)
        # What the event loop goes on using is not touched by the thread.
        snapshot = view.snapshot.apart()
        running = Running(lambda: work(snapshot, self._listener(shown)))
        key = shown if shown is not None else self._number()
        self._running[key] = running

        def wait() -> tuple[bool, Any]:
            try:
                return True, running.run()
            except asyncio.CancelledError:
                return False, None

        try:
            is_done, value = await in_thread(wait)
        except asyncio.CancelledError:
            running.cancel()
            raise
        finally:
            del self._running[key]
            self._say(shown, {"kind": "end"})
        if not is_done:
            raise JsonRpcRequestCancelled("Cancelled.")
        return value

    def _begin(self, title: str, token: str | int | None) -> str | int | None:
        window = self._session.client.window
        if token is None and window is not None and window.work_done_progress:
            token = self._number()
            params = types.WorkDoneProgressCreateParams(token)
            self._session.request(types.WINDOW_WORK_DONE_PROGRESS_CREATE, params)
        self._say(token, {"kind": "begin", "title": title, "cancellable": True})
        return token

    def _number(self) -> str:
        self._numbers += 1
        return f"smq-generate-{self._numbers}"

    def _listener(self, token: str | int | None) -> Callable[[Progress], object]:
        """Reports from the thread, not more often than somebody can read them."""
        step, letters, last = "", 0, 0.0

        def listen(progress: Progress) -> None:
            nonlocal step, letters, last
            if progress.kind != "answer":
                step, letters = progress.text, 0
            else:
                letters += len(progress.text)
                if time.monotonic() - last < _OFTEN:
                    return
                last = time.monotonic()
            words = f"{step} · {letters} characters" if letters else step
            value: dict[str, object] = {"kind": "report", "message": words}
            self._session.from_thread(lambda: self._say(token, value))

        return listen

    def _say(self, token: str | int | None, value: dict[str, object]) -> None:
        # A report may come late, when the work it is about has ended.
        late = value["kind"] == "report" and token not in self._running
        if token is not None and not late:
            self._session.notify(types.PROGRESS, {"token": token, "value": value})


# What goes to the client.


def _queries(result: Result) -> tuple[ValidQuery, ...]:
    from smq_server.generation.result import Generated

    return result.queries if isinstance(result, Generated) else ()


def _alternatives(result: Result) -> tuple[Alternative, ...]:
    from smq_server.generation.result import Generated

    return result.alternatives if isinstance(result, Generated) else ()


def _answer(
    view: View,
    result: Result,
    edits: Sequence[Edit],
    others: Sequence[Sequence[Edit]] = (),
) -> protocol.GenerateResult:
    """`others`: the edits of the alternatives, in their order; none for an answer without edits."""
    from smq_server.generation.result import Declined, Failed, Generated

    calls, tokens = result.spent.calls, result.spent.usage.total
    if isinstance(result, Generated):
        version = view.snapshot.document(view.uri).version
        return protocol.GenerateResult(
            "generated",
            result.question,
            tuple(_query(query) for query in result.queries),
            result.explanation,
            result.assumptions,
            result.adjustments,
            tuple(
                protocol.GeneratedAlternative(
                    other.meaning,
                    _query(other.query),
                    _our_edits(view, others[index]) if others else (),
                )
                for index, other in enumerate(result.alternatives)
            ),
            edits=_our_edits(view, edits),
            version=version if edits else None,
            calls=calls,
            tokens=tokens,
        )
    assert isinstance(result, Declined | Failed)
    return protocol.GenerateResult(
        "declined" if isinstance(result, Declined) else "failed",
        result.question,
        message=result.reason if isinstance(result, Declined) else result.message,
        nearest=tuple(protocol.NearMetric(each.name, each.label) for each in result.nearest),
        calls=calls,
        tokens=tokens,
    )


def _query(query: ValidQuery) -> protocol.GeneratedQuery:
    return protocol.GeneratedQuery(dict(query.smq), query.sql, query.columns)


def _our_edits(view: View, edits: Sequence[Edit]) -> tuple[protocol.GeneratedEdit, ...]:
    return tuple(protocol.GeneratedEdit(_range(view, edit.span), edit.text) for edit in edits)


def _range(view: View, span: Span) -> protocol.Range:
    found = view.range(span)
    return protocol.Range(
        protocol.Position(found.start.line, found.start.character),
        protocol.Position(found.end.line, found.end.character),
    )


async def _apply(
    session: Session,
    uri: str,
    found: protocol.GenerateResult,
    edits: Sequence[Edit],
    label: str,
) -> None:
    """Put the edit into the document, and say what there is to know about it."""
    if found.status != "generated":
        _show(session, _words(found), types.MessageType.Warning)
        return
    if not edits:
        text = "The document has changed meanwhile, so the query was not written."
        _show(session, text, types.MessageType.Warning)
        return
    view = view_of(session, uri)
    text_edits = [types.TextEdit(view.range(edit.span), edit.text) for edit in edits]
    capabilities = session.client.workspace
    versioned = capabilities is not None and (
        capabilities.workspace_edit is not None and capabilities.workspace_edit.document_changes
    )
    name = view.spelled(view.uri)
    if versioned:
        # A client that has typed on since refuses it.
        document = types.OptionalVersionedTextDocumentIdentifier(name, found.version)
        edit = types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, text_edits)])
    else:
        edit = types.WorkspaceEdit(changes={name: text_edits})

    def answered(result: types.ApplyWorkspaceEditResult) -> None:
        if result is not None and result.applied:
            words = _words(found)
            if words:
                _show(session, words, types.MessageType.Info)
        else:
            text = "The editor did not take the query: the document may have changed meanwhile."
            _show(session, text, types.MessageType.Warning)

    params = types.ApplyWorkspaceEditParams(edit, label)
    session.request(types.WORKSPACE_APPLY_EDIT, params, answered)


def _words(found: protocol.GenerateResult) -> str:
    """What a person should know about an answer, in a few sentences."""
    from smq_server.generation.knowledge import one_line

    if found.status != "generated":
        near = ", ".join(each.name for each in found.nearest)
        begin = "The models cannot answer this: " if found.status == "declined" else ""
        return begin + found.message + (f" Nearest metrics: {near}." if near else "")
    parts = [one_line(found.message)] if found.message else []
    if found.assumptions:
        parts.append("Assumed: " + "; ".join(map(one_line, found.assumptions)))
    if found.adjustments:
        parts.append("Adjusted: " + "; ".join(map(one_line, found.adjustments)))
    parts.extend(f"Or: {one_line(other.meaning)}" for other in found.alternatives)
    return "\n".join(parts)


@contextmanager
def _told(session: Session) -> Iterator[None]:
    """Failures of a command are shown, because nobody looks at its answer."""
    try:
        yield
    except RequestFailed as failure:
        _show(session, failure.message, types.MessageType.Warning)
        raise


def _show(session: Session, text: str, kind: types.MessageType) -> None:
    session.notify(types.WINDOW_SHOW_MESSAGE, {"type": kind.value, "message": text})


def _arguments(kind: type[Any], arguments: Sequence[Any]) -> Any:
    """One object, or a document and a number or a position, however the client passes them."""
    values = list(arguments[0]) if arguments and isinstance(arguments[0], list) else list(arguments)
    if len(values) == 1 and isinstance(values[0], dict):
        given: object = values[0]
    else:
        second = "query" if kind is protocol.CompileParams else "position"
        given = dict(zip(("uri", second), values, strict=False))
    try:
        return from_wire(kind, given, "arguments")
    except Malformed as problem:
        raise JsonRpcInvalidParams(f"{problem}.") from problem

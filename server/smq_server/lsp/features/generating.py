"""Queries from questions: actions on comments, on errors that nothing cures, and on queries.

A language model is asked in a thread, with progress, until it is cancelled. What it says has
compiled before it becomes an edit, and the edit is for the text as it is then. Nothing is asked in
a workspace that is not trusted.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types

from smq_server.lsp import protocol
from smq_server.lsp.features.answering import alternatives, answer, apply, queries, show, told
from smq_server.lsp.features.previewing import chosen, view_of
from smq_server.lsp.progress import Progress
from smq_server.lsp.requests import RequestFailed, answers, of_command
from smq_server.lsp.scheduler import in_thread
from smq_server.lsp.wire_values import to_wire

if TYPE_CHECKING:
    from smq.query.written import WrittenQuery
    from smq.rules.finding import Finding
    from smq.text import Edit, Span
    from smq.workspace import Snapshot
    from smq_server.generation import chat
    from smq_server.generation.generate import Question
    from smq_server.generation.placing import Asked
    from smq_server.generation.result import Result
    from smq_server.generation.validation import ValidQuery
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.session import Session
    from smq_server.lsp.view import View

    _Listener = Callable[[chat.Progress], object]

GENERATE, REPAIR, IN_WORDS = "smq.generate", "smq.repair", "smq.explainInWords"
SHOW_PROMPT = "smq.showPrompt"
_REPAIR_QUESTION = "Repair this query so that it compiles. Change as little as possible."
_NOT_TRUSTED = (
    "No language model is asked in a workspace that is not trusted, because its configuration "
    "decides which one. Trust the workspace first."
)
T = TypeVar("T")

_PLACE = ("uri", "position")
_OFTEN = 0.2
"""Seconds between two reports of an answer that is coming in."""


def register(server: SmqServer) -> None:
    session = server.session

    @answers(server, protocol.GENERATE)
    async def generate_(params: protocol.GenerateParams) -> protocol.GenerateResult:
        found, _ = await _generated(session, params)
        return found

    @server.command(GENERATE)
    async def generate_and_apply(*arguments: Any) -> dict[str, Any]:
        params = of_command(protocol.GenerateParams, arguments, _PLACE)
        with told(session):
            found, edits = await _generated(session, params)
            await apply(session, params.uri, found, edits, "Generate SMQ")
            return dict(to_wire(found))

    @answers(server, protocol.PROMPT)
    async def prompt(params: protocol.PromptParams) -> protocol.PromptResult:
        return await _prompt(session, params)

    @server.command(SHOW_PROMPT)
    async def show_prompt(*arguments: Any) -> dict[str, Any]:
        params = of_command(protocol.PromptParams, arguments, _PLACE)
        with told(session):
            found = await _prompt(session, params)
            # Too long for a message, and this is the place for long texts that every client has.
            said = {"type": types.MessageType.Info.value, "message": found.text}
            session.notify(types.WINDOW_LOG_MESSAGE, said)
            where = "What would be sent is in the log of the language server."
            show(session, where, types.MessageType.Info)
            return dict(to_wire(found))

    @server.command(REPAIR)
    async def repair(*arguments: Any) -> dict[str, Any]:
        params = of_command(protocol.CompileParams, arguments)
        with told(session):
            found, edits = await _repaired(session, params)
            await apply(session, params.uri, found, edits, "Repair SMQ")
            return dict(to_wire(found))

    @server.command(IN_WORDS)
    async def in_words(*arguments: Any) -> dict[str, Any]:
        params = of_command(protocol.CompileParams, arguments)
        with told(session):
            text = await _in_words(session, params)
            show(session, text, types.MessageType.Info)
            return {"text": text}


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
    session: Session, params: protocol.GenerateParams
) -> tuple[protocol.GenerateResult, tuple[Edit, ...]]:
    """The answer, and its edits for the text as it is now."""
    view = _trusted_view(session, params.uri)
    question, asked = _question(view, params)
    result = await _asked(session, "Generating SMQ", params.work_done_token, view, question)
    edits: tuple[Edit, ...] = ()
    others: list[tuple[Edit, ...]] = []
    if asked is not None and queries(result):
        # Whoever waited may have typed on.
        view = view_of(session, params.uri)
        edits = _edits_below(view, asked, queries(result))
        others = [_edits_below(view, asked, (each.query,)) for each in alternatives(result)]
    return answer(view, result, edits, others), edits


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
    session: Session, params: protocol.CompileParams
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
    question = Question(_REPAIR_QUESTION, date.today(), current=current, problems=problems)
    result = await _asked(session, "Repairing SMQ", None, view, question)
    edits: tuple[Edit, ...] = ()
    found = queries(result)
    if found:
        now = view_of(session, params.uri)
        same = [q for q in now.snapshot.queries(now.uri) if q.index == query.index]
        if same and canonical(plain(same[0].node)) == current:
            view = now
            document = view.snapshot.document(view.uri)
            edits = replaced(document, same[0], found[0].smq)
    return answer(view, result, edits), edits


async def _in_words(session: Session, params: protocol.CompileParams) -> str:
    from smq_server.generation.explain import in_words
    from smq_server.generation.failure import GenerationFailure
    from smq_server.generation.reading import plain

    view = _trusted_view(session, params.uri)
    query = plain(_one(view, params).node)

    def work(snapshot: Snapshot, heard: _Listener) -> Awaitable[str]:
        return in_words(query, snapshot, os.environ, heard)

    try:
        return await _calling(session, "Explaining the query", None, view, work)
    except GenerationFailure as failure:
        raise RequestFailed(failure.message) from failure


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
    return Question(text, date.today(), params.strategy), asked


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


async def _asked(
    session: Session, title: str, token: str | int | None, view: View, question: Question
) -> Result:
    from smq_server.generation.generate import generate

    def work(snapshot: Snapshot, heard: _Listener) -> Awaitable[Result]:
        return generate(question, snapshot, os.environ, heard)

    return await _calling(session, title, token, view, work)


async def _calling(
    session: Session,
    title: str,
    token: str | int | None,
    view: View,
    work: Callable[[Snapshot, _Listener], Awaitable[T]],
) -> T:
    """What calls of the model come to, shown on `token` until they end or somebody cancels."""
    from smq_server.generation.generate import Running

    progress = Progress(session, token, title, session.cancelling())
    # What the event loop goes on using is not touched by the thread.
    snapshot = view.snapshot.apart()
    running = Running(lambda: work(snapshot, _listener(session, progress)))
    try:
        found: T = await in_thread(running.run)
    except asyncio.CancelledError:
        running.cancel()
        raise
    finally:
        progress.end()
    return found


def _listener(session: Session, shown: Progress) -> _Listener:
    """Reports from the thread, not more often than somebody can read them."""
    step, letters, last = "", 0, 0.0

    def listen(progress: chat.Progress) -> None:
        nonlocal step, letters, last
        if progress.kind != "answer":
            step, letters = progress.text, 0
        else:
            letters += len(progress.text)
            if time.monotonic() - last < _OFTEN:
                return
            last = time.monotonic()
        words = f"{step} · {letters} characters" if letters else step
        session.from_thread(lambda: shown.report(words))

    return listen

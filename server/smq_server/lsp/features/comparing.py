"""Which queries mean something else: than saved, while a model is being edited, or than in git."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from smq_server.lsp import protocol
from smq_server.lsp.features.previewing import checked_dialect, view_of
from smq_server.lsp.progress import Progress
from smq_server.lsp.requests import RequestFailed, answers
from smq_server.lsp.scheduler import in_slices, in_thread

if TYPE_CHECKING:
    from smq.ide.difference import DefinitionDifference, QueryDifference, SemanticDiff
    from smq.workspace import Snapshot
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.roots import Root
    from smq_server.lsp.session import Session
    from smq_server.lsp.view import View

SAVED = "saved"


def register(server: SmqServer) -> None:
    session = server.session

    @answers(server, protocol.DIFF)
    async def diff(params: protocol.DiffParams) -> protocol.DiffResult:
        return await compare(session, params)


async def compare(session: Session, params: protocol.DiffParams) -> protocol.DiffResult:
    """The answer to `smq/diff`. Raises RequestFailed."""
    from smq.ide.difference import comparing

    view = view_of(session, params.uri)
    root = session.state.root_for(view.uri)
    dialect = checked_dialect(params.dialect) or view.snapshot.configuration.dialect
    after = view.snapshot
    if params.base == SAVED:
        before = _saved(session, root, after)
    elif not session.settings.trusted:
        raise RequestFailed("git is not asked in a workspace that is not trusted.")
    else:
        before = await in_thread(lambda: _earlier(root, params.base))
    title = "Comparing what queries mean"
    progress = Progress(session, params.work_done_token, title, session.cancelling())
    try:
        found = await in_slices(comparing(before, after, dialect))
    finally:
        progress.end()
    return _result(view, before, params, found)


def is_unsaved_model(session: Session, view: View) -> bool:
    """Whether a model file on the screen differs from the one on the disk."""
    from smq_server.io.files import read_document
    from smq_server.io.uris import path_of

    document = session.opened(view.uri)
    if document is None or view.snapshot.document(view.uri).kind != "yaml":
        return False
    if not view.uri.startswith("file:") or not (
        view.snapshot.file(view.uri).declarations.models
        or view.snapshot.file(view.uri).declarations.metrics
    ):
        return False
    found = read_document(path_of(view.uri))
    return getattr(found, "text", None) != document.text


def _saved(session: Session, root: Root, snapshot: Snapshot) -> Snapshot:
    """The workspace without what is only on the screen."""
    from smq.workspace import Change
    from smq_server.io.files import read_document
    from smq_server.io.uris import path_of

    changes = []
    for name, document in session.state.documents.items():
        if name not in snapshot or session.state.root_for(name) is not root:
            continue
        found = read_document(path_of(name)) if name.startswith("file:") else None
        text = getattr(found, "text", None)
        if text != document.text:
            changes.append(Change(name, text))
    return snapshot.apply(changes) if changes else snapshot


def _earlier(root: Root, revision: str) -> Snapshot:
    from smq_server.io.earlier import earlier_workspace
    from smq_server.io.failure import BadConfiguration, Failure

    try:
        with earlier_workspace(root.path, revision, os.environ) as (workspace, _):
            return workspace.snapshot
    except BadConfiguration as error:
        raise RequestFailed(f"The configuration was wrong at '{revision}'.") from error
    except Failure as failure:
        words = str(failure)
        raise RequestFailed(f"{words[:1].upper()}{words[1:]}.") from failure


def _result(
    view: View, before: Snapshot, params: protocol.DiffParams, diff: SemanticDiff
) -> protocol.DiffResult:
    from smq.ide.difference_text import markdown, summary

    def at(each: QueryDifference | DefinitionDifference) -> protocol.Location | None:
        # What was removed stood in a text that nobody has open.
        location = each.location
        if each.change == "removed" or location is None or location.uri not in view.snapshot:
            return None
        return view.our_location(location)

    def place(each: DefinitionDifference) -> str:
        location = each.location
        if location is None:
            return ""
        snapshot = before if each.change == "removed" else view.snapshot
        path = snapshot.configuration.relative_path(location.uri)
        if location.uri not in snapshot:
            return path
        return f"{path}:{snapshot.lines(location.uri).line_of(location.span.start) + 1}"

    most = max(0, params.most)
    base = params.base
    since = "what is saved" if base == SAVED else f"`{base}`"
    return protocol.DiffResult(
        base=base,
        unchanged=diff.unchanged,
        summary=summary(diff),
        definitions=tuple(
            protocol.DiffDefinition(
                each.kind,
                each.name,
                each.change,
                each.before or None,
                each.after or None,
                at(each),
            )
            for each in diff.definitions[:most]
        ),
        queries=tuple(
            protocol.DiffQuery(
                path=each.path,
                index=each.index,
                name=each.name,
                change=each.change,
                edited=each.edited,
                differences=tuple(
                    protocol.DiffAspect(
                        one.aspect, one.words, one.before or None, one.after or None
                    )
                    for one in each.differences
                ),
                problems=each.problems,
                before_sql=each.before_sql,
                after_sql=each.after_sql,
                location=at(each),
            )
            for each in diff.queries[:most]
        ),
        markdown=markdown(diff, place, f"What queries mean since {since}"),
        more_definitions=max(0, len(diff.definitions) - most),
        more_queries=max(0, len(diff.queries) - most),
    )

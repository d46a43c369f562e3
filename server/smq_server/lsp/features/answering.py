"""How an answer of a language model comes to the client: as a result, and as an edit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lsprotocol import types

from smq_server.lsp import convert, protocol
from smq_server.lsp.features.previewing import view_of
from smq_server.lsp.requests import RequestFailed

if TYPE_CHECKING:
    from smq.text import Edit
    from smq_server.generation.result import Alternative, Result
    from smq_server.generation.validation import ValidQuery
    from smq_server.lsp.session import Session
    from smq_server.lsp.view import View


def queries(result: Result) -> tuple[ValidQuery, ...]:
    """What was generated; nothing when nothing was."""
    from smq_server.generation.result import Generated

    return result.queries if isinstance(result, Generated) else ()


def alternatives(result: Result) -> tuple[Alternative, ...]:
    """Other readings of the question."""
    from smq_server.generation.result import Generated

    return result.alternatives if isinstance(result, Generated) else ()


def answer(
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


async def apply(
    session: Session,
    uri: str,
    found: protocol.GenerateResult,
    edits: Sequence[Edit],
    label: str,
) -> None:
    """Put the edit into the document, and say what there is to know about it."""
    if found.status != "generated":
        show(session, _words(found), types.MessageType.Warning)
        return
    if not edits:
        text = "The document has changed meanwhile, so the query was not written."
        show(session, text, types.MessageType.Warning)
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
                show(session, words, types.MessageType.Info)
        else:
            text = "The editor did not take the query: the document may have changed meanwhile."
            show(session, text, types.MessageType.Warning)

    params = types.ApplyWorkspaceEditParams(edit, label)
    session.request(types.WORKSPACE_APPLY_EDIT, params, answered)


@contextmanager
def told(session: Session) -> Iterator[None]:
    """Failures of a command are shown, because nobody looks at its answer."""
    try:
        yield
    except RequestFailed as failure:
        show(session, failure.message, types.MessageType.Warning)
        raise


def show(session: Session, text: str, kind: types.MessageType) -> None:
    """A message that the person sees at once."""
    session.notify(types.WINDOW_SHOW_MESSAGE, {"type": kind.value, "message": text})


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


def _query(query: ValidQuery) -> protocol.GeneratedQuery:
    return protocol.GeneratedQuery(dict(query.smq), query.sql, query.columns)


def _our_edits(view: View, edits: Sequence[Edit]) -> tuple[protocol.GeneratedEdit, ...]:
    return tuple(
        protocol.GeneratedEdit(convert.our_range(view.lines, edit.span, view.encoding), edit.text)
        for edit in edits
    )

"""Commands, and the code lenses that offer them above queries and metrics.

A command takes what the request of its name takes: one object, or a document and a number. Its
result is the request's answer; a client that does not know us, and so does nothing with a result,
is shown it as a document.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from smq_server.lsp import protocol
from smq_server.lsp.features.comparing import compare, is_unsaved_model
from smq_server.lsp.features.exploring import status_of
from smq_server.lsp.features.previewing import (
    chosen,
    compile_result,
    explained,
    sql_text,
    view_of,
)
from smq_server.lsp.features.running import run_query
from smq_server.lsp.requests import RequestFailed, of_command
from smq_server.lsp.wire_values import to_wire

if TYPE_CHECKING:
    from smq.ide.hints import Lens
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.session import Session
    from smq_server.lsp.view import View

COMPILE, EXPLAIN, RUN = "smq.compile", "smq.explain", "smq.run"
DIFF = "smq.diff"
REFRESH_CACHE = "smq.refreshCache"
SHOW_REFERENCES = "smq.showReferences"
"""The client's own: it shows a list of places."""

_PREVIEW_ROWS = 50


def register(server: SmqServer) -> None:
    session = server.session

    @server.command(COMPILE)
    def compile_(*arguments: Any) -> dict[str, Any]:
        params = of_command(protocol.CompileParams, arguments)
        view = view_of(session, params.uri)
        queries = chosen(view, params.query)
        text = "\n".join(sql_text(view, query, params.dialect) for query in queries)
        _show(session, params.uri, "sql", text)
        return dict(to_wire(compile_result(session, params)))

    @server.command(EXPLAIN)
    def explain(*arguments: Any) -> dict[str, Any]:
        params = of_command(protocol.ExplainParams, arguments)
        view = view_of(session, params.uri)
        found = explained(view, chosen(view, params.query), params.dialect)
        _show(session, params.uri, "json", json.dumps(found, ensure_ascii=False, indent=2) + "\n")
        return found

    @server.command(RUN)
    async def run(*arguments: Any) -> dict[str, Any]:
        params = of_command(protocol.RunParams, arguments)
        result = await run_query(session, params)
        _show(session, params.uri, "md", _table(result))
        return dict(to_wire(result))

    @server.command(DIFF)
    async def diff(*arguments: Any) -> dict[str, Any]:
        params = of_command(protocol.DiffParams, arguments, ("uri", "base"))
        result = await compare(session, params)
        _show(session, params.uri, "md", result.markdown)
        return dict(to_wire(result))

    @server.command(protocol.RESTART_INDEX)
    def restart_index(*_: Any) -> dict[str, Any]:
        """Forget what is known of files and read all of them again."""
        session.state.read_again()
        return dict(to_wire(status_of(session)))

    @server.command(REFRESH_CACHE)
    def refresh_cache(*_: Any) -> dict[str, Any]:
        """Fetch the metadata cache now."""
        status = status_of(session)
        if status.metasync.state == "not configured":
            raise RequestFailed(status.metasync.reason or "No metadata cache is configured.")
        session.state.warehouses.refresh()
        return dict(to_wire(status))

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=True))
    def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        from smq.ide.hints import lenses
        from smq_metasync.connect import bills_by_bytes

        view = session.view(params.text_document.uri)
        if view is None or not session.settings.code_lens:
            return []
        trusted = session.settings.trusted
        billed = trusted and bills_by_bytes(view.snapshot.configuration.engine.type)
        wanted = {"run": trusted, "preview": trusted, "cost": billed}
        found = [
            _lens(view, lens, params.text_document.uri)
            for lens in lenses(view.snapshot, view.uri)
            if wanted.get(lens.action, True)
        ]
        if is_unsaved_model(session, view):
            title = "Which queries change?"
            command = types.Command(title, DIFF, arguments=[params.text_document.uri])
            top = types.Position(0, 0)
            found.insert(0, types.CodeLens(types.Range(top, top), command))
        return found

    @server.feature(types.CODE_LENS_RESOLVE)
    async def resolve(params: types.CodeLens) -> types.CodeLens:
        """The one lens whose words must be asked for: what the engine would read."""
        data = params.data if isinstance(params.data, dict) else {}
        uri, query = str(data.get("uri", "")), data.get("query")
        arguments = {"uri": uri, "query": query, "dryRun": True}
        try:
            result = await run_query(session, of_command(protocol.RunParams, (arguments,)))
            title = _cost(result)
        except RequestFailed as refusal:
            title = f"cost unknown: {refusal.message.splitlines()[0]}"
        params.command = types.Command(title, RUN, arguments=[arguments])
        return params


def _lens(view: View, lens: Lens, uri: str) -> types.CodeLens:
    from smq.sql.compile import smallest_query

    at = view.range(lens.span)
    match lens.action:
        case "references":
            places = [view.location(place) for place in lens.places]
            command = types.Command(lens.title, SHOW_REFERENCES, arguments=[uri, at.start, places])
        case "cost":
            return types.CodeLens(at, data={"uri": uri, "query": lens.query})
        case "preview":
            own = view.snapshot.configuration.dialect
            smq = smallest_query(view.snapshot.graph, lens.metric, own)
            params = {"uri": uri, "smq": smq, "limit": _PREVIEW_ROWS}
            command = types.Command(lens.title, RUN, arguments=[params])
        case "compile":
            command = types.Command(lens.title, COMPILE, arguments=[uri, lens.query])
        case "run":
            command = types.Command(lens.title, RUN, arguments=[uri, lens.query])
        case "explain":
            command = types.Command(lens.title, EXPLAIN, arguments=[uri, lens.query])
    return types.CodeLens(at, command)


def _cost(result: protocol.RunResult) -> str:
    if result.bytes is not None:
        from smq_metasync.engines import sized

        return f"reads {sized(result.bytes)}"
    if result.estimated_rows is not None:
        return f"about {result.estimated_rows:,} rows"
    return "cost unknown"


def _table(result: protocol.RunResult) -> str:
    """The rows as a Markdown table."""
    names = [column.label or column.name for column in result.columns]
    lines = [_row(names), _row(["---"] * len(names))] if names else []
    lines += [_row(["" if cell is None else str(cell) for cell in row]) for row in result.rows]
    count = f"{len(result.rows):,}{'+' if result.truncated else ''}"
    lines += ["", f"{count} rows in {result.elapsed:.2f} s on {result.engine}"]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _show(session: Session, uri: str, suffix: str, text: str) -> None:
    """Show a result as a file, to a client that can show one and has no view of its own for it."""
    window = session.client.window
    supported = window is not None and window.show_document is not None
    if session.knows_us or not supported:
        return
    from smq_server.io.previews import write_preview

    path = write_preview(uri, suffix, text)
    if path is None:
        session.log("The result cannot be shown, because the cache directory cannot be written.")
        return
    params = types.ShowDocumentParams(path.as_uri(), take_focus=False)
    session.request(types.WINDOW_SHOW_DOCUMENT, params)

"""Code actions, code lenses, inlay hints, formatting, and the commands behind them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lsprotocol import types

if TYPE_CHECKING:
    from smq.ide.actions import Action
    from smq.ide.hints import Lens
    from smq.text import Edit
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.state import View

COMPILE, EXPLAIN, RUN = "smq.compile", "smq.explain", "smq.run"
_TITLES = {"compile": COMPILE, "run": RUN, "explain": EXPLAIN}
_ACTION_KINDS: list[types.CodeActionKind | str] = [
    types.CodeActionKind.QuickFix,
    types.CodeActionKind.RefactorRewrite,
    types.CodeActionKind.RefactorExtract,
    types.CodeActionKind.SourceFixAll,
]


def register(server: SmqServer) -> None:
    session = server.session

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=_ACTION_KINDS)
    )
    def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        from smq.ide.actions import actions, fix_everything

        view = session.view(params.text_document.uri)
        if view is None:
            return []
        only = [str(getattr(kind, "value", kind)) for kind in params.context.only or ()]
        found: list[types.CodeAction] = []
        if not only or any(_wanted(kind, only) for kind in ("quickfix", "refactor.rewrite")):
            findings = session.findings(params.text_document.uri)
            for action in actions(view.snapshot, view.uri, view.span(params.range), findings):
                if _wanted(action.kind, only):
                    found.append(_action(view, action))
        if only and _wanted("source.fixAll", only):
            edits = fix_everything(view.snapshot, view.uri)
            if edits:
                found.append(
                    types.CodeAction(
                        "Fix all safely fixable problems",
                        types.CodeActionKind.SourceFixAll,
                        edit=types.WorkspaceEdit(changes=view.edits(edits)),
                    )
                )
        return found

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        from smq.ide.hints import lenses

        view = session.view(params.text_document.uri)
        if view is None or not session.settings.code_lens:
            return []
        found = lenses(view.snapshot, view.uri)
        shown = [lens for lens in found if session.settings.trusted or lens.action != "run"]
        return [_lens(view, lens, params.text_document.uri) for lens in shown]

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    def inlay_hint(params: types.InlayHintParams) -> list[types.InlayHint]:
        from smq.ide.hints import inlay_hints
        from smq.text import Span

        view = session.view(params.text_document.uri)
        if view is None or not session.settings.inlay_hints:
            return []
        return [
            types.InlayHint(
                view.range(Span(hint.offset, hint.offset)).start, hint.label, padding_left=True
            )
            for hint in inlay_hints(view.snapshot, view.uri, view.span(params.range))
        ]

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def formatting(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        return _formatted(params.text_document.uri, None)

    @server.feature(types.TEXT_DOCUMENT_RANGE_FORMATTING)
    def range_formatting(params: types.DocumentRangeFormattingParams) -> list[types.TextEdit]:
        return _formatted(params.text_document.uri, params.range)

    def _formatted(uri: str, within: types.Range | None) -> list[types.TextEdit]:
        from smq.format import format_document

        view = session.view(uri)
        if view is None:
            return []
        edits: Iterable[Edit] = format_document(view.snapshot.parsed(view.uri))
        if within is not None:
            span = view.span(within)
            edits = [edit for edit in edits if span.covers(edit.span)]
        return [types.TextEdit(view.range(edit.span), edit.text) for edit in edits]

    @server.command(COMPILE)
    def compile_(*arguments: Any) -> dict[str, Any]:
        """The SQL of a query: (uri, index) → {"sql", "dialect", "problems"}."""
        from smq.ide.queries import compiled
        from smq.rules import find

        uri, index = _query_arguments(arguments)
        view = session.view(uri)
        if view is None:
            return {"sql": [], "problems": [f"{uri} is not open"]}
        queries = [q for q in view.snapshot.queries(view.uri) if q.index == index]
        if not queries:
            return {"sql": [], "problems": [f"there is no query {index} in {uri}"]}
        result = compiled(view.snapshot, queries[0])
        rules = [(find(problem.code), problem) for problem in result.problems]
        return {
            "sql": [one.sql for one in result.queries],
            "dialect": view.snapshot.configuration.dialect,
            "problems": [rule.words(problem.args) for rule, problem in rules if rule],
        }

    @server.command(EXPLAIN)
    def explain(*arguments: Any) -> dict[str, Any]:
        """The plan of a query: (uri, index) → its leaves, join paths and filter stages."""
        from smq.ide.queries import compiled

        uri, index = _query_arguments(arguments)
        view = session.view(uri)
        queries = view.snapshot.queries(view.uri) if view is not None else ()
        wanted = [q for q in queries if q.index == index]
        if view is None or not wanted:
            return {"leaves": []}
        result = compiled(view.snapshot, wanted[0])
        return {
            "leaves": [
                {
                    "aggregate": leaf.aggregate,
                    "base": leaf.base,
                    "metrics": list(leaf.metrics),
                    "joins": [f"{step.left} → {step.right}" for step in leaf.joins],
                    "filters": list(leaf.filters),
                }
                for one in result.queries
                for leaf in one.leaves
            ],
            "stages": [
                {"stage": stage, "filters": list(filters)}
                for one in result.queries
                for stage, filters in one.stages
            ],
        }


def _query_arguments(arguments: tuple[Any, ...]) -> tuple[str, int]:
    """(uri, index) however the client passes a command's arguments."""
    values = list(arguments[0]) if arguments and isinstance(arguments[0], list) else list(arguments)
    uri = str(values[0]) if values else ""
    index = values[1] if len(values) > 1 and isinstance(values[1], int) else 0
    return uri, index


def _wanted(kind: str, only: list[str]) -> bool:
    return not only or any(kind == each or kind.startswith(each + ".") for each in only)


def _action(view: View, action: Action) -> types.CodeAction:
    return types.CodeAction(
        action.title,
        types.CodeActionKind(action.kind),
        is_preferred=True if action.preferred else None,
        edit=types.WorkspaceEdit(changes=view.edits(action.edits)),
    )


def _lens(view: View, lens: Lens, uri: str) -> types.CodeLens:
    if lens.action == "references":
        places = [view.location(place) for place in lens.places]
        position = view.range(lens.span).start
        command = types.Command(lens.title, "smq.showReferences", arguments=[uri, position, places])
    else:
        command = types.Command(lens.title, _TITLES[lens.action], arguments=[uri, lens.query])
    return types.CodeLens(view.range(lens.span), command)

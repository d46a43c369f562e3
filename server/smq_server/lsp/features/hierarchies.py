"""Call and type hierarchy: what a metric is made of, and what is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from smq.ide.hierarchy import Call, Item
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.view import View

_KINDS = {
    "metric": types.SymbolKind.Function,
    "measure": types.SymbolKind.Variable,
    "dimension": types.SymbolKind.Field,
    "entity": types.SymbolKind.Key,
    "model": types.SymbolKind.Class,
    "column": types.SymbolKind.Property,
    "query": types.SymbolKind.Object,
}


def register(server: SmqServer) -> None:
    session = server.session

    def found_again(
        item: types.CallHierarchyItem | types.TypeHierarchyItem,
    ) -> tuple[View, Item] | None:
        """The item of the newest snapshot at the place that the client hands back."""
        from smq.ide.hierarchy import item_at

        view = session.view(item.uri)
        if view is None:
            return None
        found = item_at(view.snapshot, view.uri, view.offset(item.selection_range.start))
        return (view, found) if found is not None else None

    @server.feature(types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY)
    def prepare_calls(params: types.CallHierarchyPrepareParams) -> list[types.CallHierarchyItem]:
        from smq.ide.hierarchy import item_at

        view = session.view(params.text_document.uri)
        found = item_at(view.snapshot, view.uri, view.offset(params.position)) if view else None
        return [_call_item(view, found)] if view is not None and found is not None else []

    @server.feature(types.CALL_HIERARCHY_OUTGOING_CALLS)
    def outgoing(
        params: types.CallHierarchyOutgoingCallsParams,
    ) -> list[types.CallHierarchyOutgoingCall]:
        from smq.ide.hierarchy import calls_from

        here = found_again(params.item)
        if here is None:
            return []
        view, item = here
        return [
            types.CallHierarchyOutgoingCall(
                _call_item(view, call.item), _ranges(view, call, item.whole.uri)
            )
            for call in calls_from(view.snapshot, item)
        ]

    @server.feature(types.CALL_HIERARCHY_INCOMING_CALLS)
    def incoming(
        params: types.CallHierarchyIncomingCallsParams,
    ) -> list[types.CallHierarchyIncomingCall]:
        from smq.ide.hierarchy import calls_to

        here = found_again(params.item)
        if here is None:
            return []
        view, item = here
        return [
            types.CallHierarchyIncomingCall(
                _call_item(view, call.item), _ranges(view, call, call.item.whole.uri)
            )
            for call in calls_to(view.snapshot, item)
        ]

    @server.feature(types.TEXT_DOCUMENT_PREPARE_TYPE_HIERARCHY)
    def prepare_types(params: types.TypeHierarchyPrepareParams) -> list[types.TypeHierarchyItem]:
        from smq.ide.hierarchy import item_at

        view = session.view(params.text_document.uri)
        found = item_at(view.snapshot, view.uri, view.offset(params.position)) if view else None
        return [_type_item(view, found)] if view is not None and found is not None else []

    @server.feature(types.TYPE_HIERARCHY_SUPERTYPES)
    def above(params: types.TypeHierarchySupertypesParams) -> list[types.TypeHierarchyItem]:
        from smq.ide.hierarchy import supertypes

        here = found_again(params.item)
        if here is None:
            return []
        return [_type_item(here[0], item) for item in supertypes(here[0].snapshot, here[1])]

    @server.feature(types.TYPE_HIERARCHY_SUBTYPES)
    def below(params: types.TypeHierarchySubtypesParams) -> list[types.TypeHierarchyItem]:
        from smq.ide.hierarchy import subtypes

        here = found_again(params.item)
        if here is None:
            return []
        return [_type_item(here[0], item) for item in subtypes(here[0].snapshot, here[1])]


def _ranges(view: View, call: Call, uri: str) -> list[types.Range]:
    return [view.range(span, uri) for span in call.places]


def _call_item(view: View, item: Item) -> types.CallHierarchyItem:
    whole, name = view.location(item.whole), view.location(item.name_at)
    return types.CallHierarchyItem(
        item.name, _KINDS[item.kind], whole.uri, whole.range, name.range, detail=item.detail
    )


def _type_item(view: View, item: Item) -> types.TypeHierarchyItem:
    whole, name = view.location(item.whole), view.location(item.name_at)
    return types.TypeHierarchyItem(
        item.name, _KINDS[item.kind], whole.uri, whole.range, name.range, detail=item.detail
    )

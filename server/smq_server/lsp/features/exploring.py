"""What a client shows beside the text: the tree of models and metrics, lineage, the status."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from smq_server import __version__
from smq_server.lsp import protocol
from smq_server.lsp.features.previewing import view_of
from smq_server.lsp.requests import RequestFailed, answers
from smq_server.lsp.scheduler import in_slices
from smq_server.lsp.wire_values import to_wire

if TYPE_CHECKING:
    from smq.graph.symbols import Dimension, Entity, Measure, Model
    from smq.ide.lineage import Box
    from smq.ide.symbols import WorkspaceSymbol
    from smq.text import Location
    from smq.workspace import Snapshot
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.roots import Root
    from smq_server.lsp.session import Session
    from smq_server.lsp.view import View

_CALM = 0.5
"""Seconds that a change of the status waits for others, before it is told."""


def register(server: SmqServer) -> None:
    session = server.session

    @answers(server, protocol.LINEAGE)
    def lineage(params: protocol.LineageParams) -> protocol.LineageResult:
        return _lineage(session, params)

    @answers(server, protocol.TREE)
    async def tree(params: protocol.TreeParams) -> dict[str, Any]:
        """A `TreeResult`, made into JSON piece by piece: all of it can be tens of megabytes."""
        roots = session.state.roots if params.uri is None else [session.state.root_for(params.uri)]
        found = [await in_slices(_workspace(session, root, params)) for root in list(roots)]
        return {"workspaces": found}

    @answers(server, protocol.FIND)
    def find(params: protocol.FindParams) -> protocol.FindResult:
        from smq.ide.symbols import workspace_symbols

        found = [
            _found(session, snapshot, symbol)
            for snapshot in session.snapshots()
            for symbol in workspace_symbols(snapshot, params.text, max(0, params.most), False)
        ]
        return protocol.FindResult(tuple(found))

    @answers(server, protocol.STATUS)
    def status(params: protocol.StatusParams) -> protocol.StatusResult:
        return status_of(session)

    told: list[protocol.StatusResult] = []
    due: list[bool] = []

    def changed(root: Root) -> None:
        if session.knows_us and not due:
            due.append(True)
            session.scheduler.later(_CALM, tell)

    def tell() -> None:
        due.clear()
        now = status_of(session)
        # That the cache is a moment older is no news.
        news = replace(now, metasync=replace(now.metasync, age=None))
        if told[-1:] != [news]:
            told[:] = [news]
            session.notify(protocol.STATUS_CHANGED, to_wire(now))

    session.changed.append(changed)


def status_of(session: Session) -> protocol.StatusResult:
    """The server, its workspaces and the metadata cache, as they are now."""
    workspaces = tuple(_status(root) for root in session.state.roots)
    return protocol.StatusResult(
        version=__version__,
        protocol=protocol.VERSION,
        trusted=session.settings.trusted,
        workspaces=workspaces,
        metasync=metasync_of(session),
    )


def metasync_of(session: Session) -> protocol.MetasyncStatus:
    """The metadata cache of the first workspace that has one."""
    state = session.state
    found = [s for root in state.roots if (s := state.warehouses.status(root)) is not None]
    if not found:
        return protocol.MetasyncStatus(
            "not configured", reason="No metadata cache is configured in smq.toml."
        )
    status, tables = found[0]
    states = {"loading": "loading", "fresh": "fresh", "stale-usable": "stale", "expired": "stale"}
    reason = status.reason
    if status.state == "expired" and not reason:
        reason = "The cache is older than a day; `smq metasync sync` renews it."
    return protocol.MetasyncStatus(
        cast("Any", states.get(status.state, "failed")),
        age=status.age,
        source=status.url,
        reason=reason or None,
        tables=tables,
    )


def _status(root: Root) -> protocol.WorkspaceStatus:
    snapshot, configuration = root.snapshot, root.configuration
    declared = snapshot.declarations
    path = root.configuration_path
    return protocol.WorkspaceStatus(
        uri=root.uri,
        name=root.path.name,
        dialect=configuration.dialect,
        engine=configuration.engine.type,
        indexing=root.is_being_read,
        files=len(snapshot.uris),
        models=sum(len(each.models) for each in declared),
        dimensions=sum(len(model.dimensions) for each in declared for model in each.models),
        metrics=sum(len(each.metrics) for each in declared),
        queries=sum(1 for uri in snapshot.uris if uri.endswith(".smq.json")),
        configuration=path.as_uri() if path is not None else None,
        stopped=root.is_stopped,
    )


# Lineage.


def _lineage(session: Session, params: protocol.LineageParams) -> protocol.LineageResult:
    from smq.ide.lineage import lineage_at, lineage_of

    view: View
    if params.metric is not None:
        uri = params.uri or _home_of(session, params.metric)
        if uri is None:
            raise RequestFailed(f"There is no metric '{params.metric}'.")
        view = view_of(session, uri)
        found = lineage_of(view.snapshot, params.metric, params.users)
    elif params.uri is not None and params.position is not None:
        view = view_of(session, params.uri)
        at = view.offset(types.Position(params.position.line, params.position.character))
        found = lineage_at(view.snapshot, view.uri, at, params.users)
    else:
        raise RequestFailed("Lineage needs a metric, or a uri with a position.")
    return protocol.LineageResult(
        tuple(_node(view, box) for box in found.boxes),
        tuple(protocol.LineageEdge(upper, lower) for upper, lower in found.edges),
        found.root,
    )


def _home_of(session: Session, metric: str) -> str | None:
    """A document of the workspace that defines the metric."""
    for root in session.state.roots:
        if metric in root.snapshot.graph.metrics:
            return root.snapshot.graph.metrics[metric].name_at.uri
    return None


def _node(view: View, box: Box) -> protocol.LineageNode:
    kind = cast("Any", box.kind)
    place = box.location
    at = view.our_location(place) if place is not None and place.uri in view.snapshot else None
    return protocol.LineageNode(box.id, kind, box.name, box.label or None, box.detail or None, at)


# The tree.


def _workspace(
    session: Session, root: Root, params: protocol.TreeParams
) -> Generator[None, None, dict[str, Any]]:
    """The JSON of a `TreeWorkspace`."""
    from smq.ide import catalogue

    snapshot = root.snapshot
    tell = _Tell(session, snapshot)
    names, models = sorted(snapshot.graph.metrics), catalogue.models(snapshot)
    first = max(0, params.first)
    page = slice(first, None if params.most is None else first + max(0, params.most))
    listed, shown = models[page], names[page]
    if params.model is not None:
        listed, shown = tuple(each for each in models if each.name == params.model), []
    used = yield from catalogue.uses(snapshot, shown)
    of_metrics = []
    for name in shown:
        of_metrics.append(to_wire(tell.metric(name, used.get(name, 0))))
        yield
    of_models = []
    for model in listed:
        of_models.append(to_wire(tell.model(model, params.members)))
        yield
    whole = protocol.TreeWorkspace(root.uri, root.path.name, (), (), len(models), len(names))
    return {**to_wire(whole), "models": of_models, "metrics": of_metrics}


def _found(session: Session, snapshot: Snapshot, symbol: WorkspaceSymbol) -> protocol.FoundSymbol:
    own = symbol.name
    return protocol.FoundSymbol(
        kind=cast("Any", symbol.kind),
        name=own,
        location=_Tell(session, snapshot).location(symbol.location),
        reference=f"{symbol.container}__{own}" if symbol.container else own,
        label=symbol.label,
        description=symbol.description,
    )


class _Tell:
    def __init__(self, session: Session, snapshot: Snapshot) -> None:
        self.session = session
        self.snapshot = snapshot

    def location(self, place: Location) -> protocol.Location:
        from smq_server.lsp import convert

        lines = self.snapshot.lines(place.uri)
        found = convert.our_range(lines, place.span, self.session.encoding)
        return protocol.Location(self.session.state.spelled(place.uri), found)

    def metric(self, name: str, uses: int) -> protocol.TreeMetric:
        from smq.ide import catalogue

        entry = catalogue.metric(self.snapshot, name, uses)
        metric = entry.metric
        return protocol.TreeMetric(
            name=name,
            kind=metric.kind,
            location=self.location(metric.name_at),
            uses=entry.uses,
            label=metric.label,
            description=metric.description,
            type=metric.data_type,
            expression=entry.definition or None,
            models=entry.models,
        )

    def model(self, model: Model, members: bool) -> protocol.TreeModel:
        from smq.ide import catalogue

        def of(kind: str, group: Sequence[Entity | Dimension | Measure]) -> Any:
            return tuple(self._member(model, each, kind) for each in group) if members else ()

        return protocol.TreeModel(
            name=model.name,
            location=self.location(model.name_at),
            entities=of("entity", model.entities),
            dimensions=of("dimension", model.dimensions),
            measures=of("measure", model.measures),
            label=model.label,
            description=model.description,
            table=catalogue.table_of(self.snapshot, model),
        )

    def _member(
        self, model: Model, member: Entity | Dimension | Measure, kind: Any
    ) -> protocol.TreeMember:
        from smq.ide import catalogue

        return protocol.TreeMember(
            name=member.name,
            kind=kind,
            reference=f"{model.name}__{member.name}",
            location=self.location(member.name_at),
            label=member.label,
            description=member.description,
            type=catalogue.kind_of(member),
        )

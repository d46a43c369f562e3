"""The query around an offset, and what compiling it gives."""

from __future__ import annotations

from smq.query.written import Item, WrittenQuery
from smq.sql.compile import CompileOptions, compile_query
from smq.sql.result import Compiled
from smq.workspace import Snapshot


def query_at(snapshot: Snapshot, uri: str, offset: int) -> WrittenQuery | None:
    """The query object that holds the offset."""
    for query in snapshot.queries(uri):
        if query.node is not None and query.node.span.contains(offset):
            return query
    return None


def item_at(query: WrittenQuery, offset: int) -> Item | None:
    """The list item whose string (quotes included) holds the offset."""
    for items in (query.metrics, query.group_by, query.filters, query.order_by, query.joins):
        for item in items:
            if item.node.span.contains(offset):
                return item
    return None


def compiled(snapshot: Snapshot, query: WrittenQuery, dialect: str | None = None) -> Compiled:
    """The query compiled for the workspace's dialect, or for another one."""
    own = snapshot.configuration.dialect
    options = CompileOptions(dialect=dialect or own, written_dialect=own)
    return compile_query(query, snapshot.graph, options)

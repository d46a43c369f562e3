"""`saved_queries:`, queries under a name as dbt writes them."""

from __future__ import annotations

from smq.graph.loaders.fields import Fields
from smq.graph.loaders.metric_parts import read_filters
from smq.graph.symbols import SavedQuery, Sql


def read_saved_query(fields: Fields) -> SavedQuery | None:
    """The saved query; None when it has no name."""
    name = fields.name()
    if name is None:
        return None
    params = fields.inner("query_params")
    limit = params.number("limit") if params else None
    return SavedQuery(
        *name,
        label=fields.words("label"),
        description=fields.words("description"),
        metrics=_texts(params, "metrics"),
        group_by=_texts(params, "group_by"),
        filters=read_filters(params, "where") if params else (),
        order_by=_texts(params, "order_by"),
        limit=limit if isinstance(limit, int) else None,
    )


def _texts(params: Fields | None, key: str) -> tuple[Sql, ...]:
    return tuple(params.sql_of(node) for node in params.scalars(key)) if params else ()

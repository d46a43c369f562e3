"""Write a bare name in a metric with the model that it is read as."""

from __future__ import annotations

from smq.ide.index import mention_at
from smq.text import Edit
from smq.workspace import Snapshot


def with_model(snapshot: Snapshot, uri: str, offset: int) -> Edit | None:
    """The edit at a bare measure or dimension in the SQL of a metric; None elsewhere.

    Bare names are unique only by chance. One that has several readings is a finding (MET109),
    which offers them all; here is the one that is understood.
    """
    mention = mention_at(snapshot, uri, offset)
    if mention is None or not mention.in_sql or mention.key[0] not in ("measure", "dimension"):
        return None
    _, model, name = mention.key
    written = mention.span.cut(snapshot.document(uri).text)
    if written != name:
        return None
    before = snapshot.document(uri).text[: mention.span.start]
    if before.endswith("__"):
        return None
    owners = snapshot.graph.models_with(name)
    for metric in snapshot.file(uri).declarations.metrics:
        sqls = [metric.expr, *(each.sql for each in metric.filters)]
        if not any(sql and sql.location.span.covers(mention.span) for sql in sqls):
            continue
        # A filter reads a name of several models as its aggregate's own.
        in_expr = metric.expr is not None and metric.expr.location.span.covers(mention.span)
        if owners == (model,) or (in_expr and metric.declared_with == model):
            return Edit(uri, mention.span, f"{model}__{name}")
    return None

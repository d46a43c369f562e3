"""dbt's newer form, in which the semantics stand on the `models:` themselves.

It is told apart and refused at its place: were it passed over, every name that it declares would
be reported as unknown where a query asks for it, far from the cause.
"""

from __future__ import annotations

from smq.graph.loaders.fields import Fields
from smq.text import Location


def report_semantics_on_model(model: Fields) -> None:
    """Reports a model of `models:` that declares its semantics by an enabled `semantic_model:`."""
    pair = model.pair("semantic_model")
    block = model.inner("semantic_model")
    switched_off = model.is_false("semantic_model") or (block and block.is_false("enabled"))
    if pair is None or "semantic_model" not in model or switched_off:
        return
    name = model.name()
    at = Location(model.reading.uri, pair.key.span)
    model.reading.report("MOD291", at, model=name[0] if name else None)

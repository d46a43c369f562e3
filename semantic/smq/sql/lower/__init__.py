"""From the canonical tree to one that the dialect's engine understands.

The compiler writes one kind of tree: plain sqlglot nodes with DuckDB's meaning. `lower` applies
small passes, one per construct, chosen by the dialect's facts alone. What an engine has no way to
say comes back as a `Refusal`; a tree is never quietly given another meaning.

Conventions of the canonical tree
- An identifier with `quoted=True` is exact: an output alias, a CTE, or what a user quoted. Others
  are names as a user writes them without quotes, and the engine folds them as it would there.
- `exp.Div(typed=False, safe=False)` is true division; `exp.NullSafeEQ` is equality with NULLs.
- `exp.Ordered(nulls_first=False)` puts NULLs last in both directions.
- `SMQ_TRUNC(value, grain, kind)` and `SMQ_ADD(value, count, grain, kind)` are `exp.Anonymous`;
  grain and kind ("date" or "timestamp") are text literals and the count is a whole number.
- A text compared with a date stands as `exp.Cast(<literal>, DATE)`; likewise TIMESTAMP.
- Filters on window functions are in `qualify`, filters of aggregates are `exp.Filter`, percentiles
  are `exp.Median` and `exp.WithinGroup` over `exp.PercentileCont` or `exp.PercentileDisc`.
- Every output column of the outermost SELECT has an alias or is a plain column.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlglot import exp

from smq.dialects import Dialect, Needs
from smq.sql.lower import aggregate_filter, identifiers, qualify, time
from smq.sql.lower.context import Context, Lowered, Refusal

__all__ = ["Lowered", "Refusal", "lower"]


class _Pass(NamedTuple):
    run: Callable[[exp.Expr, Context], exp.Expr]
    nodes: tuple[type[exp.Expr], ...]
    """The pass has work only if one of these is in the tree."""
    need: Needs | None = None
    """The pass is for dialects with this need; None is for all."""


# The order matters, and each line says why it stands where it does.
_PASSES: tuple[_Pass, ...] = (
    # First, because it moves ORDER BY and LIMIT outward and adds a SELECT for the others to see.
    _Pass(qualify.run, (exp.Select,), Needs.QUALIFY_AS_SUBQUERY),
    # Filters become CASE before the percentiles that they filter are rewritten.
    _Pass(aggregate_filter.run, (exp.Filter,), Needs.FILTER_AS_CASE),
    _Pass(time.run, (exp.Anonymous,)),
    # Last, because every pass may add names.
    _Pass(identifiers.run, (exp.Identifier,)),
)


def lower(tree: exp.Expr, dialect: Dialect) -> Lowered:
    """Rewrites `tree` in place for the dialect; the caller hands the tree over.

    Nodes that replace others keep their `meta["origin"]`. The result's tree is to be rendered
    only if nothing was refused.
    """
    context = Context(dialect)
    present = {type(node) for node in tree.walk()}
    for step in _PASSES:
        if step.need is not None and step.need not in dialect.needs:
            continue
        if present.isdisjoint(step.nodes):
            continue
        tree = step.run(tree, context)
    return Lowered(tree, tuple(context.refused))

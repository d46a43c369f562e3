"""Medians and percentiles: in the engine's own words, else from the ranks of the rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlglot import exp

from smq.dialects import Needs, Percentiles
from smq.sql.lower.context import Context

if TYPE_CHECKING:
    from fractions import Fraction

    from smq.sql.lower.percentile_ranks import Ranked

NODES = (exp.Median, exp.PercentileCont, exp.PercentileDisc, exp.Quantile)


@dataclass(frozen=True, slots=True, eq=False)
class _Percentile:
    """One percentile call: `node` is all of it, with its WITHIN GROUP."""

    node: exp.Expr
    value: exp.Expr
    fraction: exp.Expr
    kind: Literal["median", "continuous", "discrete"]
    descending: bool


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    forms = context.dialect.percentiles
    assert forms is not None, "every dialect says what it has"
    by_select: dict[int, tuple[exp.Select, list[_Percentile]]] = {}
    for node in context.find(tree, *NODES):
        percentile = _read(node)
        if percentile is None:
            context.refuse("this form of a percentile", "not yet", node)
            continue
        if isinstance(percentile.node.parent, exp.Window):
            native = _native(percentile, forms) if forms.over_windows else None
            if native is None:
                context.refuse("percentiles over windows", "not yet", node)
            else:
                tree = context.replace(percentile.node, native, tree)
            continue
        select = node.find_ancestor(exp.Select)
        if not isinstance(select, exp.Select):
            context.refuse("percentiles outside a SELECT", "never", node)
            continue
        by_select.setdefault(id(select), (select, []))[1].append(percentile)
    # Innermost first, so that a SELECT is whole when one around it is rewritten.
    for select, percentiles in reversed(list(by_select.values())):
        tree = _lower(select, percentiles, forms, tree, context)
    return tree


def _lower(
    select: exp.Select,
    percentiles: list[_Percentile],
    forms: Percentiles,
    tree: exp.Expr,
    context: Context,
) -> exp.Expr:
    # Here, because engines that have percentiles, and queries without one, need no ranks.
    from smq.sql.lower.percentile_ranks import Ranked, from_ranks

    one_order = len({percentile.value for percentile in percentiles}) == 1
    has_filters = Needs.FILTER_AS_CASE not in context.dialect.needs
    ranked: list[Ranked] = []
    for percentile in percentiles:
        native = None
        if one_order or not forms.one_order_per_query:
            native = _native(percentile, forms)
        if native is not None and has_filters:
            tree = context.replace(percentile.node, native, tree)
            continue
        whole = _with_filter_inside(percentile)
        native = _native(whole, forms) if native is not None else None
        fraction = _literal(whole.fraction)
        if native is not None:
            tree = context.replace(whole.node, native, tree)
        elif fraction is None:
            context.refuse("a percentile whose fraction is no literal", "not yet", whole.node)
        else:
            discrete = whole.kind == "discrete"
            ranked.append(Ranked(whole.node, whole.value, fraction, discrete, whole.descending))
    if ranked:
        tree = from_ranks(select, ranked, tree, context)
    return tree


def _with_filter_inside(percentile: _Percentile) -> _Percentile:
    """What the filter leaves out is as good as NULL, which percentiles do not look at."""
    around = percentile.node.parent
    if not isinstance(around, exp.Filter):
        return percentile
    kept = exp.If(this=around.expression.this.copy(), true=percentile.value.copy())
    return dataclasses.replace(percentile, node=around, value=exp.Case(ifs=[kept]))


def _native(percentile: _Percentile, forms: Percentiles) -> exp.Expr | None:
    value, fraction = percentile.value, percentile.fraction
    if percentile.kind == "median" and forms.median is not None:
        return forms.median(value.copy())
    if percentile.kind == "discrete":
        if forms.discrete is None or percentile.descending:
            return None
        return forms.discrete(value.copy(), fraction.copy())
    if forms.continuous is None:
        return None
    if percentile.descending:
        # Counted from the other end.
        fraction = exp.Sub(this=exp.Literal.number(1), expression=fraction.copy())
    return forms.continuous(value.copy(), fraction.copy())


def _read(node: exp.Expr) -> _Percentile | None:
    if isinstance(node, exp.Median):
        return _Percentile(node, node.this, exp.Literal.number("0.5"), "median", False)
    if isinstance(node, exp.Quantile):
        return _Percentile(node, node.this, node.args["quantile"], "continuous", False)
    kind: Literal["continuous", "discrete"]
    kind = "continuous" if isinstance(node, exp.PercentileCont) else "discrete"
    if node.expression is not None:
        # DuckDB's QUANTILE_CONT(value, fraction).
        return _Percentile(node, node.this, node.expression, kind, False)
    around = node.parent
    if not isinstance(around, exp.WithinGroup) or not isinstance(around.expression, exp.Order):
        return None
    ordered = around.expression.expressions
    if len(ordered) != 1 or isinstance(node.this, exp.Array):
        return None
    descending = bool(ordered[0].args.get("desc"))
    return _Percentile(around, ordered[0].this, node.this, kind, descending)


def _literal(node: exp.Expr) -> Fraction | None:
    from fractions import Fraction

    if isinstance(node, exp.Literal) and not node.is_string:
        try:
            return Fraction(node.name)
        except ValueError:
            return None
    return None

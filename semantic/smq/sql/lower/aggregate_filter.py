"""FILTER (WHERE …) on an aggregate, as a CASE around what it aggregates."""

from __future__ import annotations

from sqlglot import exp

from smq.sql.lower.context import Context


def run(tree: exp.Expr, context: Context) -> exp.Expr:
    # Innermost first, so that a filter inside a filtered aggregate is rewritten before it moves.
    for node in reversed(context.find(tree, exp.Filter)):
        condition = node.expression.this
        if _filter(node.this, condition):
            tree = context.replace(node, node.this, tree)
        else:
            context.refuse(f"FILTER on {node.this.sql_name()}", "not yet", node)
    return tree


def _filter(aggregate: exp.Expr, condition: exp.Expr) -> bool:
    """Moves the condition into the aggregate; False if it is unknown how to."""
    if isinstance(aggregate, exp.IgnoreNulls | exp.RespectNulls):
        return isinstance(aggregate, exp.IgnoreNulls) and _filter(aggregate.this, condition)
    if isinstance(aggregate, exp.WithinGroup):
        # Ordered-set aggregates skip NULLs, so the ordered value is what is filtered.
        ordered = aggregate.expression.expressions
        if len(ordered) != 1:
            return False
        ordered[0].set("this", _case(condition, ordered[0].this))
        return True
    if not isinstance(aggregate, _SKIPS_NULLS):
        return False
    value = aggregate.this
    if isinstance(value, exp.Distinct):
        if len(value.expressions) != 1:
            # One NULL among several expressions is enough to leave a row out of the count.
            first = value.expressions[0]
            first.replace(_case(condition, first.copy()))
            return isinstance(aggregate, exp.Count)
        value.set("expressions", [_case(condition, value.expressions[0])])
    elif isinstance(value, exp.Star):
        aggregate.set("this", _case(condition, exp.Literal.number(1)))
    else:
        aggregate.set("this", _case(condition, value))
    return True


def _case(condition: exp.Expr, value: exp.Expr) -> exp.Case:
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=value)])


_SKIPS_NULLS = (
    exp.Sum,
    exp.Count,
    exp.Avg,
    exp.Min,
    exp.Max,
    exp.Median,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Variance,
    exp.VariancePop,
    exp.ApproxDistinct,
    exp.ApproxQuantile,
    exp.AnyValue,
    exp.CountIf,
    exp.LogicalAnd,
    exp.LogicalOr,
    exp.Corr,
    exp.CovarPop,
    exp.CovarSamp,
    exp.Quantile,
    exp.PercentileCont,
    exp.PercentileDisc,
)
"""Aggregates for which a NULL value is the same as no row."""

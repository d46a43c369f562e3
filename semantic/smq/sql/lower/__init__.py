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
- A text compared with a date stands as `exp.Cast(<literal>, DATE)`; likewise TIMESTAMP. One that
  is compared with a time of undeclared kind has `meta["moment"]`.
- Filters on window functions are in `qualify`, filters of aggregates are `exp.Filter`, percentiles
  are `exp.Median` and `exp.WithinGroup` over `exp.PercentileCont` or `exp.PercentileDisc`.
- Every output column of the outermost SELECT has an alias or is a plain column.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from sqlglot import exp

from smq.dialects import Dialect, Needs
from smq.sql.lower import (
    aggregate_filter,
    aggregates,
    alias_shadowing,
    approximate,
    booleans,
    calendar_parts,
    count_if,
    date_literals,
    day_numbers,
    division,
    foreign_dates,
    foreign_functions,
    frames,
    full_join,
    group_by,
    grouped_expressions,
    identifiers,
    inner_names,
    like,
    membership,
    null_ordering,
    null_safe,
    outer_order,
    output_names,
    percentile,
    qualify,
    settings,
    signed_counts,
    texts,
    time,
    typed_nulls,
    windows,
    windows_apart,
)
from smq.sql.lower.context import Context, Lowered, Refusal

__all__ = ["Lowered", "Refusal", "lower"]


class _Pass(NamedTuple):
    run: Callable[[exp.Expr, Context], exp.Expr]
    nodes: frozenset[type[exp.Expr]]
    """The pass has work only if the tree has a node of one of these very types."""
    needs: frozenset[Needs] = frozenset()
    """The pass is for dialects with one of these needs; with none named it is for all."""
    is_for_foreign: bool = False
    """The pass is only for SQL that users wrote in another dialect."""


def _foreign(
    run: Callable[[exp.Expr, Context], exp.Expr],
    nodes: frozenset[type[exp.Expr]],
    *needs: Needs,
) -> _Pass:
    return _Pass(run, nodes, frozenset(needs), is_for_foreign=True)


def _types(*nodes: type[exp.Expr]) -> frozenset[type[exp.Expr]]:
    return frozenset(nodes)


def _needs(*needs: Needs) -> frozenset[Needs]:
    return frozenset(needs)


# The order matters, and each line says why it stands where it does.
_PASSES: tuple[_Pass, ...] = (
    # What users wrote about dates becomes ours before anything looks at it.
    _Pass(foreign_dates.truncations, _types(*foreign_dates.TRUNCATIONS)),
    _Pass(foreign_dates.intervals, _types(exp.Interval), _needs(Needs.INTERVALS_AS_CALLS)),
    # After those, which take the INTERVALs; what is left beside a date is a number or a date.
    _foreign(day_numbers.run, _types(exp.Add, exp.Sub), Needs.NO_DAY_NUMBERS),
    # All of them look at what was written; CAST before there are more of them, and differences
    # also at what the one above has made.
    _foreign(foreign_functions.whole_numbers, _types(exp.Cast)),
    _foreign(foreign_functions.halves, _types(exp.Round), Needs.HALVES_TO_EVEN),
    _foreign(calendar_parts.weeks, _types(*calendar_parts.WEEKS)),
    _foreign(calendar_parts.differences, _types(*calendar_parts.DIFFERENCES)),
    _foreign(foreign_functions.logarithms, _types(exp.Log), Needs.LOG_WITH_BASE),
    _foreign(foreign_functions.extremes, _types(exp.Greatest, exp.Least)),
    _foreign(foreign_functions.ends_of_texts, _types(exp.Substring)),
    _foreign(foreign_functions.lengths, _types(exp.Length)),
    # After ends of texts, which makes some of them.
    _foreign(
        foreign_functions.characters, _types(*foreign_functions.CHARACTERS), Needs.TEXTS_OF_BYTES
    ),
    _foreign(foreign_functions.joined, _types(exp.Concat), Needs.CONCAT_AS_OPERATOR),
    _Pass(foreign_dates.parts, _types(*foreign_dates.PARTS), _needs(Needs.DATE_PARTS_AS_TEXT)),
    _Pass(
        foreign_dates.extracts, _types(*foreign_dates.NAMED_PARTS), _needs(Needs.NAMED_DATE_PARTS)
    ),
    # After intervals, which look at CURRENT_DATE to tell a date.
    _Pass(foreign_dates.today, _types(exp.CurrentDate), _needs(Needs.TODAY_WITHOUT_TIME)),
    # Refuses only; what it refuses is still as it was written.
    _Pass(frames.run, _types(exp.WindowSpec)),
    # sqlglot has a rewriting of its own, which counts groups twice; this one leaves it no work.
    _Pass(full_join.run, _types(exp.Join), _needs(Needs.FULL_JOIN_AS_UNION)),
    # The NULLs of a UNION are found while its branches are as the compiler made them.
    _Pass(typed_nulls.run, _types(exp.Union), _needs(Needs.TYPED_UNION_NULLS)),
    # An approximate percentile may become an exact one, which then goes the way of those.
    _Pass(approximate.distinct, _types(exp.ApproxDistinct), _needs(Needs.EXACT_COUNT_DISTINCT)),
    _Pass(approximate.quantile, _types(exp.ApproxQuantile), _needs(Needs.EXACT_QUANTILES)),
    # Before filters, because a percentile from ranks takes its FILTER along. It may put a SELECT
    # inside, whose windows and NULL order are for the passes below.
    _Pass(percentile.run, _types(*percentile.NODES)),
    # Puts a SELECT around, and moves ORDER BY and LIMIT there. HAVING and groups stay inside.
    _Pass(qualify.run, _types(exp.Qualify), _needs(Needs.QUALIFY_AS_SUBQUERY)),
    # Like the one above, and after it: what it puts around has no windows any more.
    _Pass(outer_order.run, _types(exp.Order), _needs(Needs.ORDER_APART)),
    # Once ORDER BY and QUALIFY are outside; what the groups are made of stays inside for the next.
    _Pass(windows_apart.run, _types(exp.Window), _needs(Needs.WINDOWS_APART)),
    # ORDER BY is where it stays, and is one of the places to look at.
    _Pass(grouped_expressions.run, _types(exp.Group), _needs(Needs.GROUP_BY_COLUMNS)),
    # Only now each name is in the SELECT where it stays, with the tables it may come from.
    _Pass(alias_shadowing.run, _types(exp.Alias)),
    _Pass(
        aggregates.any_value,
        _types(exp.AnyValue),
        _needs(Needs.ANY_VALUE_AS_MAX, Needs.PLAIN_ANY_VALUE),
    ),
    _Pass(
        aggregates.booleans,
        _types(exp.LogicalOr, exp.LogicalAnd),
        _needs(Needs.BOOLEAN_AGGREGATES_AS_MAX),
    ),
    # Both make a CASE, whose condition is for the boolean pass.
    _Pass(aggregate_filter.run, _types(exp.Filter), _needs(Needs.FILTER_AS_CASE)),
    _Pass(count_if.run, _types(exp.CountIf), _needs(Needs.COUNT_IF_AS_CASE)),
    # Ordinals are looked up in the final SELECT list, and constant keys may become a HAVING.
    _Pass(group_by.run, _types(exp.Group)),
    _Pass(windows.defaults, _types(exp.Lag, exp.Lead), _needs(Needs.NO_DEFAULT_OF_LAG)),
    _Pass(windows.ordered, _types(exp.Window), _needs(Needs.ORDER_IN_WINDOWS)),
    # The two are for ClickHouse, and the second leaves alone what the first has made.
    _Pass(signed_counts.run, _types(exp.Count, exp.Sum), _needs(Needs.SIGNED_COUNTS)),
    _Pass(
        windows.nullable,
        _types(exp.Lag, exp.Lead, exp.NthValue),
        _needs(Needs.NULLABLE_BEYOND_THE_END),
    ),
    # The order that windows have by now decides about their frames.
    _Pass(
        frames.spelled_out,
        _types(exp.Window),
        _needs(Needs.FRAMES_OF_ROWS, Needs.FRAMES_OF_VALUES),
    ),
    # After all that adds windows and moves ORDER BY.
    _Pass(
        null_ordering.run,
        _types(exp.Order),
        _needs(Needs.NULLS_LAST_AS_CASE, Needs.NULLS_LAST_AS_CASE_IN_WINDOWS),
    ),
    _Pass(
        null_safe.run,
        _types(exp.NullSafeEQ, exp.NullSafeNEQ),
        _needs(Needs.NULL_SAFE_SPELLED_OUT, Needs.NULL_SAFE_IN_JOINS_ONLY),
    ),
    _Pass(membership.run, _types(exp.In), _needs(Needs.NULLS_OF_IN)),
    # Before patterns get the escapes of the engine, and before ILIKE becomes LIKE.
    _foreign(like.exact, _types(exp.Like), Needs.LIKE_IGNORES_CASE),
    _foreign(like.folded, _types(exp.Like)),
    _Pass(like.escapes, _types(exp.Like, exp.ILike)),
    _Pass(like.run, _types(exp.ILike), _needs(Needs.ILIKE_AS_LOWER)),
    _Pass(division.quotients, _types(exp.Div), _needs(Needs.DOUBLE_DIVISION)),
    # Medians from ranks have become averages.
    _Pass(division.averages, _types(*division.AVERAGES), _needs(Needs.AVERAGE_OF_DOUBLES)),
    # After all that compares or copies expressions, which is easier while dates are short.
    _Pass(time.run, _types(exp.Anonymous)),
    _Pass(date_literals.run, _types(exp.Cast), _needs(Needs.DATE_LITERALS)),
    _Pass(texts.moments, _types(exp.Literal, exp.Paren), _needs(Needs.TIMESTAMPS_AS_TEXT)),
    # For all the others; where those above have run, nothing is marked any more.
    _Pass(texts.bare_moments, _types(exp.Paren)),
    _Pass(aggregates.joined_texts, _types(exp.GroupConcat), _needs(Needs.ORDERED_LISTAGG)),
    _Pass(aggregates.distinct, _types(exp.Distinct), _needs(Needs.ONE_DISTINCT_VALUE)),
    _Pass(aggregates.names, _types(exp.Select)),
    _Pass(texts.casts, _types(exp.Cast)),
    # After date literals, which are no texts for the engine.
    _Pass(texts.literals, _types(exp.Literal), _needs(Needs.NATIONAL_LITERALS)),
    # After all that adds conditions.
    _Pass(booleans.run, _types(exp.Select), _needs(Needs.BOOLEANS_AS_NUMBERS)),
    _Pass(settings.run, _types(exp.Select)),
    # Once nothing more is put inside.
    _Pass(output_names.run, _types(exp.Join), _needs(Needs.NAMED_OUTPUTS)),
    # Late, because every pass may add names. What need not be exact is known before it is quoted.
    _Pass(inner_names.run, _types(exp.TableAlias)),
    _Pass(identifiers.run, _types(exp.Identifier)),
    # Names that were quoted here and not there are equal only now.
    _Pass(group_by.without_repetition, _types(exp.Group)),
)


def lower(tree: exp.Expr, dialect: Dialect, written: Dialect | None = None) -> Lowered:
    """Rewrites `tree` in place for the dialect; the caller hands the tree over.

    `written` is the dialect that users' expressions in it were parsed in; None means the same.

    Nodes that replace others keep their `meta["origin"]`. The result's tree is to be rendered
    only if nothing was refused.
    """
    context = Context(dialect, written or dialect)
    present: set[type[exp.Expr]] = set()
    seen: list[exp.Expr] | None = None
    for step in _passes_for(dialect, context.is_foreign):
        nodes = context.nodes(tree)
        if nodes is not seen:
            seen, present = nodes, set(map(type, nodes))
        if not present.isdisjoint(step.nodes):
            tree = step.run(tree, context)
    nodes = context.nodes(tree)
    kinds = frozenset(present if nodes is seen else map(type, nodes))
    return Lowered(tree, tuple(context.refused), kinds)


@cache
def _passes_for(dialect: Dialect, is_foreign: bool) -> tuple[_Pass, ...]:
    return tuple(
        step
        for step in _PASSES
        if (is_foreign or not step.is_for_foreign)
        and (not step.needs or not dialect.needs.isdisjoint(step.needs))
    )

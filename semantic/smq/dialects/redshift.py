"""Amazon Redshift."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import call, cast, is_day_or_finer, part, within_group, word

if TYPE_CHECKING:
    from sqlglot import exp


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    if is_day_or_finer(grain, kind):
        return value
    start = call("DATE_TRUNC", grain, value)
    # DATE_TRUNC of a DATE is a TIMESTAMP.
    return cast(start, "DATE") if kind == "date" else start


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    moved = call("DATEADD", word(grain.upper()), count, value)
    return cast(moved, "DATE") if kind == "date" else moved


DIALECT = Dialect(
    name="redshift",
    label="Redshift",
    sqlglot="redshift",
    plain=re.compile(r"[^\W\d][\w$]*"),
    reserved=words(
        """
        aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64
        backup between binary blanksasnull both bytedict bzip2 case cast check collate column
        constraint create credentials cross current_date current_time current_timestamp
        current_user current_user_id default deferrable deflate defrag delta delta32k desc disable
        distinct do else emptyasnull enable encode encrypt encryption end except explicit false for
        foreign freeze from full globaldict256 globaldict64k grant group gzip having identity
        ignore ilike in initially inner intersect interval into is isnull join leading left like
        limit localtime localtimestamp lun luns lzo lzop minus mostly16 mostly32 mostly8 natural
        new not notnull null nulls off offline offset oid old on only open or order outer overlaps
        parallel partition percent permissions pivot placing primary qualify raw readratio recover
        references rejectlog resort respect restore right select session_user similar snapshot some
        sysdate system table tag tdes text255 text32k then timestamp to top trailing true
        truncatecolumns type union unique unnest unpivot user using verbose wallet when where with
        without
        """
    ),
    # Names are folded within quotes, too, so quotes are of no use to keep the case of an alias.
    folding="none",
    max_name=127,
    max_name_in="bytes",
    null_order="large",
    needs=frozenset(
        {
            Needs.STARTS_FROM_LEFT,
            Needs.CONCAT_AS_OPERATOR,
            Needs.FILTER_AS_CASE,
            Needs.COUNT_IF_AS_CASE,
            Needs.NULL_SAFE_SPELLED_OUT,
            Needs.TYPED_UNION_NULLS,
            Needs.AVERAGE_OF_DOUBLES,
            Needs.NAMED_DATE_PARTS,
            Needs.ANY_VALUE_AS_MAX,
            Needs.ONE_DISTINCT_VALUE,
            Needs.FRAMES_OF_ROWS,
            Needs.NO_DEFAULT_OF_LAG,
            Needs.ORDER_IN_WINDOWS,
        }
    ),
    frames=frozenset(),
    seconds={"nanosecond": "is", "microsecond": "is", "millisecond": "milliseconds"},
    lacks=words("corr covarpop covarsamp mode argmax argmin arrayagg first last kurtosis skewness"),
    percentiles=Percentiles(
        median=lambda value: call("MEDIAN", value),
        continuous=lambda value, fraction: within_group("PERCENTILE_CONT", fraction, value),
        # PERCENTILE_DISC is a window function only.
        discrete=None,
        one_order_per_query=True,
    ),
    backslash_in_like=True,
    first_weekday="sunday 0",
    weeks_are_iso=True,
    counts_boundaries=True,
    clock_differences="boundaries",
    forms=Forms(truncate=_truncate, add=_add, weekday=part("DOW"), iso_week=part("WEEK")),
)

"""MySQL 8 and MariaDB."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smq.dialects.facts import Dialect, Forms, Grain, Needs, Percentiles, ValueKind, words
from smq.dialects.nodes import (
    binary,
    call,
    cast,
    interval,
    interval_of,
    is_day_or_finer,
    operand,
    word,
)

if TYPE_CHECKING:
    from sqlglot import exp

_MASKS = {
    "second": "%Y-%m-%d %H:%i:%s",
    "minute": "%Y-%m-%d %H:%i:00",
    "hour": "%Y-%m-%d %H:00:00",
    "month": "%Y-%m-01",
    "year": "%Y-01-01",
}


def _truncate(value: exp.Expr, grain: Grain, kind: ValueKind) -> exp.Expr:
    """MySQL has no DATE_TRUNC."""
    if is_day_or_finer(grain, kind):
        return value
    day = value if kind == "date" else call("DATE", value)
    start: exp.Expr
    if grain == "day":
        start = day
    elif grain == "week":
        start = interval_of("-", day, call("WEEKDAY", value.copy()), "day")
    elif grain == "quarter":
        first = call("MAKEDATE", call("YEAR", value), 1)
        quarters = binary("-", call("QUARTER", value.copy()), 1)
        start = interval_of("+", first, quarters, "quarter")
    else:
        start = call("DATE_FORMAT", value, _MASKS[grain])
        return cast(start, "DATE" if kind == "date" else "DATETIME")
    return start if kind == "date" else cast(start, "DATETIME")


def _add(value: exp.Expr, count: int, grain: Grain, kind: ValueKind) -> exp.Expr:
    return interval(value, count, grain)


def _since_epoch(value: exp.Expr) -> exp.Expr:
    return call("TIMESTAMPDIFF", word("MICROSECOND"), "1970-01-01", value)


def _weekday(day: exp.Expr) -> exp.Expr:
    return operand(binary("-", call("DAYOFWEEK", day), 1))


def _iso_week(day: exp.Expr) -> exp.Expr:
    # Mode 3 is ISO 8601.
    return call("WEEK", day, 3)


DIALECT = Dialect(
    name="mysql",
    label="MySQL",
    sqlglot="mysql",
    plain=re.compile(r"[^\W\d][\w$]*"),
    reserved=words(
        """
        accessible add all alter analyze and as asc asensitive before between bigint binary blob
        both by call cascade case change char character check collate column condition constraint
        continue convert create cross cube cume_dist current_date current_role current_time
        current_timestamp current_user cursor database databases day_hour day_microsecond
        day_minute day_second dec decimal declare default delayed delete dense_rank desc describe
        deterministic distinct distinctrow div double drop dual each else elseif empty enclosed
        escaped except exists exit explain false fetch first_value float float4 float8 for force
        foreign from fulltext function generated get grant group grouping groups having
        high_priority hour_microsecond hour_minute hour_second if ignore in index infile inner
        inout insensitive insert int int1 int2 int3 int4 int8 integer intersect interval into
        io_after_gtids io_before_gtids is iterate join json_table key keys kill lag last_value
        lateral lead leading leave left like limit linear lines load localtime localtimestamp lock
        long longblob longtext loop low_priority manual master_bind
        master_ssl_verify_server_cert match maxvalue mediumblob mediumint mediumtext middleint
        minute_microsecond minute_second mod modifies natural no_write_to_binlog not nth_value
        ntile null numeric of offset on optimize optimizer_costs option optionally or order out
        outer outfile over parallel partition percent_rank precision primary procedure purge
        qualify range rank read read_write reads real recursive references regexp release rename
        repeat replace require resignal restrict return returning revoke right rlike row row_number
        rows schema schemas second_microsecond select sensitive separator set show signal smallint
        spatial specific sql sql_big_result sql_calc_found_rows sql_small_result sqlexception
        sqlstate sqlwarning ssl starting stored straight_join system table tablesample terminated
        then tinyblob tinyint tinytext to trailing trigger true undo union unique unlock unsigned
        update usage use using utc_date utc_time utc_timestamp values varbinary varchar varcharacter
        varying virtual when where while window with write xor year_month zerofill
        """
    ),
    # White space is cut off at the beginning and refused at the end, and a name has characters of
    # the first plane of Unicode only.
    forbidden=re.compile(r"[\x00-\x1f\x7f-\x9f\U00010000-\U0010ffff]|\A\s+|\s+\Z"),
    max_name=64,
    null_order="small",
    needs=frozenset(
        {
            Needs.LOG_WITH_BASE,
            Needs.CHARACTERS_BY_NAME,
            Needs.NULLS_OF_GREATEST,
            Needs.NO_DAY_NUMBERS,
            Needs.QUALIFY_AS_SUBQUERY,
            Needs.FULL_JOIN_AS_UNION,
            Needs.FILTER_AS_CASE,
            Needs.COUNT_IF_AS_CASE,
            Needs.NULLS_LAST_AS_CASE,
            Needs.TIMESTAMPS_AS_TEXT,
            # MySQL has frames of intervals and MariaDB has not: what both can say is written.
            Needs.FRAMES_IN_NUMBERS,
            Needs.DOUBLE_DIVISION,
            Needs.AVERAGE_OF_DOUBLES,
            Needs.EXACT_COUNT_DISTINCT,
            Needs.EXACT_QUANTILES,
            Needs.ORDER_APART,
            Needs.WINDOWS_APART,
            Needs.ORDER_IN_WINDOWS,
            Needs.NO_DEFAULT_OF_LAG,
            Needs.GROUP_BY_COLUMNS,
            Needs.ANY_VALUE_AS_MAX,
        }
    ),
    frames=frozenset({"RANGE"}),
    seconds={"nanosecond": "is", "microsecond": "is"},
    lacks=words("corr covarpop covarsamp mode argmax argmin arrayagg first last kurtosis skewness"),
    percentiles=Percentiles(median=None, continuous=None, discrete=None),
    backslash_in_like=True,
    first_weekday="sunday 1",
    clock_differences="whole",
    forms=Forms(
        truncate=_truncate,
        add=_add,
        weekday=_weekday,
        iso_week=_iso_week,
        since_epoch=_since_epoch,
        lacks_truncation=True,
    ),
)

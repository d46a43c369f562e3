"""Days of the week, weeks of the year and differences of dates, which engines count differently.

Where the count of the dialect that users wrote in is known, it is said in the engine's own words;
what is left is refused, because every engine would answer it with some number.
"""

from __future__ import annotations

from sqlglot import exp

from smq.dialects.nodes import call, cast, part
from smq.sql.lower.context import Context

_WEEKDAYS = frozenset({"DOW", "DAYOFWEEK", "WEEKDAY", "DW"})
_ISO_WEEKDAYS = frozenset({"ISODOW", "DAYOFWEEKISO", "DAYOFWEEK_ISO", "DOW_ISO", "ISO_DOW"})
_WEEKS = frozenset({"WEEK", "WEEKOFYEAR", "W", "WK", "WEEKISO", "ISOWEEK", "ISO_WEEK"})
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_CLOCK = frozenset({"HOUR", "MINUTE", "SECOND"})


def weeks(tree: exp.Expr, context: Context) -> exp.Expr:
    """The number of the day in the week, and of the week in the year."""
    for node in reversed(context.find(tree, *WEEKS)):
        value = _plain(node.expression if isinstance(node, exp.Extract) else node.this)
        name = node.this.name.upper() if isinstance(node, exp.Extract) else ""
        new: exp.Expr | None
        if isinstance(node, exp.DayOfWeekIso) or name in _ISO_WEEKDAYS:
            new = _iso_weekday(value, context)
        elif isinstance(node, exp.DayOfWeek) or name in _WEEKDAYS:
            new = _weekday(value, context)
        elif isinstance(node, exp.WeekOfYear | exp.Week) or name in _WEEKS:
            iso = isinstance(node, exp.WeekOfYear) or "ISO" in name
            new = _week(value, context, iso or context.written.weeks_are_iso)
        else:
            continue
        if new is None:
            context.refuse("a day or number of the week", "not yet", node)
            continue
        tree = context.replace(node, new, tree)
    return tree


def _weekday(value: exp.Expr, context: Context) -> exp.Expr | None:
    """From what is written to what counts from 0 on Sunday, and back to the written count."""
    if context.written.first_weekday == "monday 1":
        return _iso_weekday(value, context)
    forms = context.dialect.forms
    if forms is None or forms.weekday is None or context.written.first_weekday is None:
        return None
    found = forms.weekday(value)
    if context.written.first_weekday == "sunday 1":
        return exp.Paren(this=exp.Add(this=found, expression=exp.Literal.number(1)))
    return found


def _iso_weekday(value: exp.Expr, context: Context) -> exp.Expr | None:
    """From 1 on Monday to 7 on Sunday: one day back from Sunday's count, and one on."""
    forms = context.dialect.forms
    if forms is None or forms.weekday is None:
        return None
    back = exp.Add(this=forms.weekday(value), expression=exp.Literal.number(6))
    turned = exp.Mod(this=exp.Paren(this=back), expression=exp.Literal.number(7))
    return exp.Paren(this=exp.Add(this=turned, expression=exp.Literal.number(1)))


def _week(value: exp.Expr, context: Context, iso: bool) -> exp.Expr | None:
    forms = context.dialect.forms
    if not iso or forms is None or forms.iso_week is None:
        return None
    return forms.iso_week(value)


def differences(tree: exp.Expr, context: Context) -> exp.Expr:
    """DATE_DIFF and its like, of which every change of the calendar's unit counts one.

    31 December and 1 January are a month and a year apart. What counts whole units instead is
    refused in another dialect.
    """
    for node in reversed(context.find(tree, *DIFFERENCES)):
        unit = node.args.get("unit")
        word = "WEEK" if isinstance(unit, exp.WeekStart) else unit.name.upper() if unit else "DAY"
        end, start = _plain(node.this), _plain(node.expression)
        # TIMESTAMP_DIFF counts whole units wherever it is written, also where DATE_DIFF does not.
        by_boundary = context.written.counts_boundaries or word == "DAY"
        by_boundary = by_boundary and not isinstance(node, exp.TimestampDiff)
        new = _difference(end, start, word, context) if by_boundary else None
        if new is None:
            # Weeks are among them: some engines count Mondays, some Sundays, some seven days.
            context.refuse(f"a difference in {word.lower()}s", "not yet", node)
            continue
        tree = context.replace(node, new, tree)
    return tree


def _plain(value: exp.Expr) -> exp.Expr:
    while isinstance(value, exp.TimeStrToTime | exp.TsOrDsToDate | exp.TsOrDsToTimestamp):
        value = value.this
    return value


def _difference(end: exp.Expr, start: exp.Expr, word: str, context: Context) -> exp.Expr | None:
    if word == "DAY":
        return _days(_date(end), _date(start), context)
    unit = exp.Var(this=word)
    if word in _MONTHS:
        if context.dialect.counts_boundaries:
            return _counted(end, start, unit)
        months = exp.Sub(this=_count(end, word, context), expression=_count(start, word, context))
        return exp.Paren(this=months)
    if word not in _CLOCK:
        return None
    if context.dialect.clock_differences == "boundaries":
        return _counted(end, start, unit)
    if context.dialect.clock_differences == "whole":
        # Between full hours there are whole hours.
        ends = [_cut(value, word.lower()) for value in (end, start)]
        return exp.TimestampDiff(this=ends[0], expression=ends[1], unit=unit)
    return None


def _days(end: exp.Expr, start: exp.Expr, context: Context) -> exp.Expr:
    forms = context.dialect.forms
    if forms is not None and forms.days is not None:
        return forms.days(end, start)
    return exp.DateDiff(this=end, expression=start, unit=exp.Var(this="DAY"))


def _date(value: exp.Expr) -> exp.Expr:
    if isinstance(value, exp.CurrentDate) or (
        isinstance(value, exp.Cast) and value.to.this == exp.DType.DATE
    ):
        return value.copy()
    return cast(value.copy(), "DATE")


def _counted(end: exp.Expr, start: exp.Expr, unit: exp.Var) -> exp.Expr:
    """By the engine itself, which counts boundaries as well."""
    return exp.DateDiff(
        this=end.copy(), expression=start.copy(), unit=unit, date_part_boundary=True
    )


def _cut(value: exp.Expr, grain: str) -> exp.Expr:
    return call("SMQ_TRUNC", value.copy(), grain, "timestamp")


def _count(value: exp.Expr, word: str, context: Context) -> exp.Expr:
    """The months, quarters or years from year 0 to a date."""
    year = part("YEAR")(value.copy())
    if word == "YEAR":
        return year
    forms = context.dialect.forms
    in_year = part(word)
    if word == "QUARTER" and forms is not None and forms.quarter is not None:
        in_year = forms.quarter
    years = exp.Mul(this=year, expression=exp.Literal.number(12 // _MONTHS[word]))
    return exp.Paren(this=exp.Add(this=years, expression=in_year(value.copy())))


WEEKS: tuple[type[exp.Expr], ...] = (
    *(exp.Extract, exp.DayOfWeek, exp.DayOfWeekIso, exp.Week, exp.WeekOfYear),
)
DIFFERENCES: tuple[type[exp.Expr], ...] = (
    *(exp.DateDiff, exp.TimestampDiff, exp.DatetimeDiff, exp.TsOrDsDiff),
)

"""Date arithmetic in users' SQL, for engines that do not know it in those words.

The expressions of a model may be in another dialect than the engine's. sqlglot translates most of
them; these it passes on, or gives another meaning: a week from Sunday, a day with a time of day.
"""

from __future__ import annotations

from sqlglot import exp

from smq.dialects.facts import ValueKind
from smq.sql.lower.context import Context

_GRAINS = {"MM": "month", "MON": "month", "Q": "quarter", "QTR": "quarter", "YYYY": "year"}
_GRAINS |= {"YY": "year", "DD": "day", "IW": "week", "ISOWEEK": "week", "ISO_WEEK": "week"}
_GRAINS |= {"HH": "hour", "HH24": "hour", "MI": "minute", "SS": "second"}
_GRAINS |= {
    name.upper(): name
    for name in ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
}


def truncations(tree: exp.Expr, context: Context) -> exp.Expr:
    """DATE_TRUNC and its like become SMQ_TRUNC, with the week of the dialect they were written in.

    In the engine's own dialect they are left alone, unless only a foreigner can have written them.
    """
    forms = context.dialect.forms
    assert forms is not None
    if not (context.is_foreign or forms.lacks_truncation):
        return tree
    for node in reversed(context.find(tree, *TRUNCATIONS)):
        unit = node.args.get("unit")
        first_day = ""
        if isinstance(unit, exp.WeekStart):
            grain, first_day = "week", unit.name.upper()
        else:
            grain = _GRAINS.get(unit.name.upper() if unit is not None else "", "")
        if not grain or first_day not in ("", "MONDAY", "SUNDAY"):
            if forms.lacks_truncation:
                context.refuse("this truncation of a date", "not yet", node)
            continue
        kind = "date" if isinstance(node, exp.DateTrunc) else "timestamp"
        if grain == "week" and (first_day == "SUNDAY" or context.written.weeks_from_sunday):
            # The Monday that starts the week of the day after, and back to its Sunday.
            monday = _call("SMQ_TRUNC", _add(node.this, "1", kind), grain, kind)
            new = _add(monday, "-1", kind)
        else:
            new = _call("SMQ_TRUNC", node.this, grain, kind)
        tree = context.replace(node, new, tree)
    return tree


def intervals(tree: exp.Expr, context: Context) -> exp.Expr:
    """`x + INTERVAL 3 DAY` becomes SMQ_ADD."""
    forms = context.dialect.forms
    assert forms is not None
    for interval in reversed(context.find(tree, exp.Interval)):
        node = interval.parent
        if not isinstance(node, exp.Add | exp.Sub):
            # Elsewhere it is the distance of a frame, which has a pass of its own, or a value.
            if not isinstance(node, exp.WindowSpec):
                context.refuse("an INTERVAL on its own", "the engine cannot", interval)
            continue
        value = node.this if node.expression is interval else node.expression
        count = _count(interval, negative=isinstance(node, exp.Sub))
        grain = _GRAINS.get(interval.text("unit").upper().removesuffix("S"), "")
        if count is None or not grain or (isinstance(node, exp.Sub) and value is node.expression):
            context.refuse("this form of INTERVAL", "not yet", interval)
            continue
        while isinstance(value, exp.Paren):
            value = value.this
        tree = context.replace(node, _moved(value, count, grain, forms.dates_are_text), tree)
    return tree


def parts(tree: exp.Expr, context: Context) -> exp.Expr:
    """EXTRACT, YEAR() and their like, from the text of a date."""
    for node in reversed(context.find(tree, exp.Extract, *_PARTS)):
        if isinstance(node, exp.Extract):
            part, value = node.name.upper(), node.expression
        else:
            part, value = _PARTS[type(node)], node.this
        while isinstance(value, exp.TsOrDsToDate | exp.TsOrDsToTimestamp):
            value = value.this
        if part == "QUARTER":
            months = exp.Add(this=_strftime("%m", value), expression=exp.Literal.number(2))
            # A division of whole numbers, which is what `typed` says.
            new: exp.Expr = exp.Div(
                this=exp.Paren(this=months), expression=exp.Literal.number(3), typed=True
            )
        elif part in _MASKS:
            new = _strftime(_MASKS[part], value)
        else:
            context.refuse(f"{part} of a date", "not yet", node)
            continue
        tree = context.replace(node, new, tree)
    return tree


def extracts(tree: exp.Expr, context: Context) -> exp.Expr:
    """YEAR(), QUARTER() and their like become EXTRACT, where they are no functions."""
    for node in reversed(context.find(tree, *_PARTS)):
        extract = exp.Extract(this=exp.Var(this=_PARTS[type(node)]), expression=node.this)
        tree = context.replace(node, extract, tree)
    return tree


def today(tree: exp.Expr, context: Context) -> exp.Expr:
    """CURRENT_DATE without the time of day that some engines leave in it."""
    forms = context.dialect.forms
    assert forms is not None
    for node in context.find(tree, exp.CurrentDate):
        if forms.today is not None:
            tree = context.replace(node, forms.today(), tree)
    return tree


def _count(interval: exp.Interval, negative: bool) -> int | None:
    amount = interval.this
    if isinstance(amount, exp.Neg):
        amount, negative = amount.this, not negative
    if not isinstance(amount, exp.Literal):
        return None
    try:
        count = int(amount.name)
    except ValueError:
        return None
    return -count if negative else count


def _moved(value: exp.Expr, count: int, grain: str, are_text: bool) -> exp.Expr:
    kind = _kind(value)
    if kind is not None or not are_text:
        return _call("SMQ_ADD", value, str(count), grain, kind or "date")
    # A date has ten characters; where dates are stored as text there is no other way to tell.
    ten = exp.EQ(this=exp.Length(this=value.copy()), expression=exp.Literal.number(10))
    as_date = _call("SMQ_ADD", value.copy(), str(count), grain, "date")
    as_timestamp = _call("SMQ_ADD", value.copy(), str(count), grain, "timestamp")
    return exp.Case(ifs=[exp.If(this=ten, true=as_date)], default=as_timestamp)


def _kind(value: exp.Expr) -> ValueKind | None:
    if isinstance(value, exp.CurrentDate):
        return "date"
    if isinstance(value, exp.CurrentTimestamp):
        return "timestamp"
    if isinstance(value, exp.Cast):
        return "date" if value.to.this == exp.DType.DATE else "timestamp"
    if isinstance(value, exp.Anonymous) and value.name in ("SMQ_TRUNC", "SMQ_ADD"):
        return "date" if value.expressions[-1].name == "date" else "timestamp"
    return None


def _add(value: exp.Expr, count: str, kind: str) -> exp.Expr:
    return _call("SMQ_ADD", value, count, "day", kind)


def _call(name: str, value: exp.Expr, *texts: str) -> exp.Expr:
    arguments: list[exp.Expr] = [value]
    for text in texts:
        number = text.lstrip("-").isdigit()
        arguments.append(exp.Literal.number(text) if number else exp.Literal.string(text))
    return exp.Anonymous(this=name, expressions=arguments)


def _strftime(mask: str, value: exp.Expr) -> exp.Expr:
    text = exp.Anonymous(this="STRFTIME", expressions=[exp.Literal.string(mask), value])
    return exp.Cast(this=text, to=exp.DataType(this=exp.DType.INT))


_PARTS: dict[type[exp.Expr], str] = {
    exp.Year: "YEAR",
    exp.Quarter: "QUARTER",
    exp.Month: "MONTH",
    exp.Day: "DAY",
    exp.DayOfMonth: "DAY",
    exp.Hour: "HOUR",
    exp.Minute: "MINUTE",
    exp.Second: "SECOND",
    exp.DayOfYear: "DOY",
}
_MASKS = {
    "YEAR": "%Y",
    "MONTH": "%m",
    "DAY": "%d",
    "HOUR": "%H",
    "MINUTE": "%M",
    "SECOND": "%S",
    "DOY": "%j",
    "DOW": "%w",
}
NAMED_PARTS: tuple[type[exp.Expr], ...] = tuple(_PARTS)
PARTS: tuple[type[exp.Expr], ...] = (exp.Extract, *_PARTS)
TRUNCATIONS: tuple[type[exp.Expr], ...] = (exp.DateTrunc, exp.TimestampTrunc, exp.DatetimeTrunc)

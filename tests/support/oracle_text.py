"""The SQL text a person would write for an oracle expression."""

from __future__ import annotations

import re
from datetime import date, datetime

from tests.support.oracle_expressions import (
    Agg,
    Bound,
    Expr,
    Lit,
    MetricOf,
    Name,
    Op,
    Over,
    Template,
    Value,
    Within,
)

AGGREGATES = {
    "sum": "SUM",
    "count": "COUNT",
    "count_distinct": "COUNT",
    "avg": "AVG",
    "min": "MIN",
    "max": "MAX",
    "median": "MEDIAN",
    "percentile_cont": "PERCENTILE_CONT",
    "percentile_disc": "PERCENTILE_DISC",
}

_PLAIN = re.compile(r"[^\W\d]\w*")
# What DuckDB does not take as a column, and a few words that would read badly without quotes.
_RESERVED = frozenset(
    word
    for line in (
        "all analyse analyze and anti any array as asc asof asymmetric at authorization",
        "between binary both by case cast check coalesce collate collation column columns",
        "concurrently constraint create cross default deferrable delete desc describe",
        "distinct do drop else end except exists false fetch for foreign freeze from full",
        "generated glob group having ilike in initially inner insert intersect into is",
        "isnull join lambda lateral leading left like limit map natural not notnull null",
        "offset on only or order outer over overlaps pivot pivot_longer pivot_wider",
        "placing positional primary qualify references returning right rows select semi",
        "set show similar some struct summarize symmetric table tablesample then to",
        "trailing true try_cast tuple union unique unpack unpivot update using values",
        "variadic verbose when where window with",
    )
    for word in line.split()
)


def quoted(name: str) -> str:
    """An identifier as it is written in SQL: quoted only where a person would have to."""
    if _PLAIN.fullmatch(name) and name.lower() not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(value: Value) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case datetime():
            return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return repr(value)


_LOOSE = {
    "or",
    "and",
    "not",
    "is null",
    "is not null",
    "in",
    "not in",
    "between",
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
}


def to_sql(expr: Expr) -> str:
    """The text of a tree, with every nested operation in parentheses."""
    match expr:
        case Lit(value, bare):
            if bare and isinstance(value, date):
                return (
                    "'"
                    + (value.isoformat(" ") if isinstance(value, datetime) else value.isoformat())
                    + "'"
                )
            return literal(value)
        case Name(text, dotted):
            return ".".join(quoted(part) for part in text.split(".")) if dotted else quoted(text)
        case Template(text, grain):
            if grain:
                return f"{{{{ TimeDimension('{text}', '{grain}') }}}}"
            return f"{{{{ Dimension('{text}') }}}}"
        case MetricOf(metric, entity):
            return f"{{{{ Metric('{metric}', group_by=['{entity}']) }}}}"
        case Op(op, args):
            return _operation(op, args)
        case Agg():
            return _aggregation(expr)
        case Over():
            return _over(expr)
        case Within(left, model, item, where, negated):
            source = f"SELECT {quoted(f'{model}__{item}')} FROM {quoted(model)}"
            tail = "" if where is None else f" WHERE {to_sql(where)}"
            return f"{_inner(left)} {'NOT IN' if negated else 'IN'} ({source}{tail})"
    raise TypeError(expr)


def _inner(expr: Expr) -> str:
    text = to_sql(expr)
    wrapped = isinstance(expr, Op) and expr.op in {*_LOOSE, "+", "-", "*", "/", "||", "neg"}
    negative = isinstance(expr, Lit) and isinstance(expr.value, int | float) and expr.value < 0
    return f"({text})" if wrapped or negative else text


def _operation(op: str, args: tuple[Expr, ...]) -> str:
    parts = [_inner(arg) for arg in args]
    match op:
        case "and" | "or":
            return f" {op.upper()} ".join(parts)
        case "not":
            return f"NOT {parts[0]}"
        case "is null" | "is not null":
            return f"{parts[0]} {op.upper()}"
        case "in" | "not in":
            return f"{parts[0]} {op.upper()} ({', '.join(parts[1:])})"
        case "between":
            return f"{parts[0]} BETWEEN {parts[1]} AND {parts[2]}"
        case "neg":
            return f"-{parts[0]}"
        case "case":
            pairs = zip(args[0:-1:2], args[1:-1:2], strict=True)
            arms = " ".join(f"WHEN {to_sql(when)} THEN {to_sql(then)}" for when, then in pairs)
            tail = "" if args[-1] == Lit(None) else f" ELSE {to_sql(args[-1])}"
            return f"CASE {arms}{tail} END"
        case "coalesce" | "nullif" | "abs" | "upper":
            return f"{op.upper()}({', '.join(to_sql(arg) for arg in args)})"
    return f" {op} ".join(parts)


def _aggregation(expr: Agg) -> str:
    if expr.func.startswith("percentile"):
        assert expr.arg is not None
        name = AGGREGATES[expr.func]
        text = f"{name}({expr.fraction}) WITHIN GROUP (ORDER BY {to_sql(expr.arg)})"
    elif expr.func == "count_rows":
        text = "COUNT(*)"
    else:
        assert expr.arg is not None
        distinct = "DISTINCT " if expr.func == "count_distinct" else ""
        text = f"{AGGREGATES[expr.func]}({distinct}{to_sql(expr.arg)})"
    return text if expr.where is None else f"{text} FILTER (WHERE {to_sql(expr.where)})"


def bound(expr: Bound, *, days: bool) -> str:
    if expr.side == 0:
        return "CURRENT ROW"
    word = "PRECEDING" if expr.side < 0 else "FOLLOWING"
    if expr.offset is None:
        return f"UNBOUNDED {word}"
    return f"INTERVAL '{expr.offset}' DAY {word}" if days else f"{expr.offset} {word}"


def _over(expr: Over) -> str:
    clauses = []
    if expr.partition:
        clauses.append("PARTITION BY " + ", ".join(to_sql(part) for part in expr.partition))
    if expr.order:
        keys = (to_sql(s.expr) + (" DESC" if s.descending else "") for s in expr.order)
        clauses.append("ORDER BY " + ", ".join(keys))
    if expr.frame:
        frame = expr.frame
        start, end = (bound(b, days=frame.days) for b in (frame.start, frame.end))
        tail = f" EXCLUDE {frame.exclude}" if frame.exclude else ""
        clauses.append(f"{frame.unit} BETWEEN {start} AND {end}{tail}")
    inside = ", ".join(to_sql(arg) for arg in expr.args)
    if expr.func == "count_rows":
        inside = "*"
    name = {"count_rows": "COUNT"}.get(expr.func, expr.func.upper())
    return f"{name}({inside}) OVER ({' '.join(clauses)})"

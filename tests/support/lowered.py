"""From SQL text to rows, by way of `lower` and `render`, on engines that are here and on others.

A dialect whose engine is not here is read back by sqlglot's parser for that dialect, written for
DuckDB, and run there. What only that engine has is given to DuckDB as macros, with the meaning
that its manual states.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel
from tests.support.engines import ENGINES, Engine, Row, Tables, available_engines, engine, same_rows

from smq.dialects import dialect, names
from smq.sql.lower import Lowered, lower
from smq.sql.render import render

HERE = tuple(ENGINES[name].dialect for name in available_engines())
"""The dialects whose engine can be started."""
ELSEWHERE = tuple(name for name in names() if name not in HERE)
EVERYWHERE = (*HERE, *ELSEWHERE)

SALES: Tables = {
    "sales": (
        [
            ("id", "integer"),
            ("shop", "text"),
            ("day", "date"),
            ("amount", "integer"),
            ("price", "number"),
            ("paid", "boolean"),
        ],
        [
            (1, "서울", date(2024, 1, 1), 10, 1.5, True),
            (2, "서울", date(2024, 1, 2), 20, 2.5, False),
            (3, "서울", date(2024, 1, 2), 5, None, None),
            (4, "부산", date(2024, 1, 1), 7, 4.0, True),
            (5, "부산", date(2024, 1, 3), None, 8.0, False),
            (6, None, date(2024, 1, 3), 3, 0.5, True),
            (7, "대구", date(2024, 2, 1), None, None, None),
        ],
    )
}
"""Orders of a few shops, with NULL in every column but the first two."""


def lowered_from(tree: exp.Expr, name: str, written: str) -> str:
    """The SQL for a dialect of a tree that was parsed in another one."""
    result = lower(tree.copy(), dialect(name), dialect(written))
    assert result.refused == (), result.refused
    return render(result.tree, dialect(name), pretty=False)


def canonical(sql: str) -> exp.Expr:
    """A canonical tree from SQL in DuckDB's words, with names in quotes where they are exact."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    for division in tree.find_all(exp.Div):
        division.set("safe", False)
    return tree


def lowered(sql: str, name: str) -> Lowered:
    return lower(canonical(sql), dialect(name))


def sql_for(sql: str, name: str, pretty: bool = False) -> str:
    """The SQL for a dialect, on one line; nothing may be refused."""
    result = lowered(sql, name)
    assert result.refused == ()
    return render(result.tree, dialect(name), pretty=pretty)


def rows_on(name: str, sql: str, tables: Tables) -> list[Row]:
    """The rows of canonical SQL in a dialect: from its engine, or from DuckDB in its place."""
    return columns_and_rows_on(name, sql, tables)[1]


def columns_and_rows_on(name: str, sql: str, tables: Tables) -> tuple[tuple[str, ...], list[Row]]:
    """As `rows_on`, with the names of the columns before the rows."""
    return run(sql_for(sql, name), name, tables)


def run(text: str, name: str, tables: Tables) -> tuple[tuple[str, ...], list[Row]]:
    """The dialect's own SQL on its engine, or on DuckDB in its place."""
    if name in HERE:
        running = engine_of(name)
        running.load(tables)
        return running.query(text)
    running = engine("duckdb")
    running.load(tables)
    for macro in _MACROS:
        running.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")
    return running.query(as_duckdb(text, name))


def engine_of(name: str) -> Engine:
    """The engine that runs this dialect here."""
    return engine(next(n for n, kind in ENGINES.items() if kind.dialect == name))


def as_duckdb(text: str, name: str) -> str:
    """One statement of a dialect, read by sqlglot's parser for that dialect, in DuckDB's words."""
    statements = sqlglot.parse(text, read=dialect(name).sqlglot)
    assert len(statements) == 1, text
    tree = statements[0]
    assert isinstance(tree, exp.Query), text
    tree.set("settings", None)
    for node in list(tree.walk()):
        _as_meant(node, name)
    return tree.sql("duckdb", unsupported_level=ErrorLevel.IGNORE)


def _as_meant(node: exp.Expr, name: str) -> None:
    """Puts right what sqlglot's parser or DuckDB take for something else."""
    if name == "oracle":
        if isinstance(node, exp.DateTrunc | exp.TimestampTrunc):
            node.set("unit", exp.Literal.string(_ORACLE_MODELS[node.args["unit"].name]))
        elif isinstance(node, exp.Cast) and node.to.this == exp.DType.DATE:
            # A DATE of Oracle has a time of day.
            node.set("to", exp.DataType(this=exp.DType.TIMESTAMP))
        elif isinstance(node, exp.Sub) and isinstance(node.this, exp.DateTrunc):
            # A number taken from a date is days.
            days = exp.Interval(this=node.expression.copy(), unit=exp.Var(this="DAY"))
            node.set("expression", days)
    escapes = isinstance(node, exp.Like | exp.ILike) and dialect(name).backslash_in_like
    if escapes and "\\" in node.expression.name and not isinstance(node.parent, exp.Escape):
        node.replace(exp.Escape(this=node.copy(), expression=exp.Literal.string("\\")))
    if name == "clickhouse" and isinstance(node, exp.ParameterizedAgg):
        assert node.name == "quantileExactInclusive"
        (fraction,), (value,) = node.expressions, node.args["params"]
        node.replace(exp.PercentileCont(this=value, expression=fraction))
    if isinstance(node, exp.Cast):
        # DuckDB has no time zones here, and a FLOAT of SQL Server has eight bytes.
        if node.to.this == exp.DType.TIMESTAMPTZ:
            node.set("to", exp.DataType(this=exp.DType.TIMESTAMP))
        elif node.to.this in (exp.DType.NVARCHAR, exp.DType.VARCHAR):
            node.set("to", exp.DataType(this=exp.DType.TEXT))
        elif node.to.this == exp.DType.FLOAT:
            node.set("to", exp.DataType(this=exp.DType.DOUBLE))
    if isinstance(node, exp.Quantile):
        # PERCENTILE of Databricks interpolates.
        new = exp.PercentileCont(this=node.this, expression=node.args["quantile"])
        node.replace(new)
    if isinstance(node, exp.StrToTime):
        node.replace(exp.Cast(this=node.this, to=exp.DataType(this=exp.DType.TIMESTAMP)))
    if isinstance(node, exp.CountIf):
        # Of no rows it is 0 in the engines that have it, and NULL in DuckDB.
        case = exp.Case(ifs=[exp.If(this=node.this, true=exp.Literal.number(1))])
        node.replace(exp.Count(this=case))
    if isinstance(node, exp.National):
        node.replace(exp.Literal.string(node.name))
    if name == "sqlserver" and isinstance(node, exp.Add):
        text = node.expression
        if isinstance(text, exp.National) or text.is_string:
            node.replace(exp.DPipe(this=node.this, expression=text))


_ORACLE_MODELS = {
    "DD": "DAY",
    "IW": "WEEK",
    "MM": "MONTH",
    "Q": "QUARTER",
    "YYYY": "YEAR",
    "HH24": "HOUR",
    "MI": "MINUTE",
}

# Functions that only one engine has, with the meaning that its manual gives them.
_MACROS = (
    "numtodsinterval(n, unit) AS CASE unit WHEN 'DAY' THEN to_days(n) WHEN 'HOUR' THEN to_hours(n)"
    " WHEN 'MINUTE' THEN to_minutes(n) ELSE to_seconds(n) END",
    "adddays(x, n) AS x + to_days(n)",
    "addmonths(x, n) AS x + to_months(n)",
    "addyears(x, n) AS x + to_years(n)",
    "addhours(x, n) AS x + to_hours(n)",
    "addminutes(x, n) AS x + to_minutes(n)",
    "addseconds(x, n) AS x + to_seconds(n)",
    "varp(x) AS var_pop(x)",
    "stdevp(x) AS stddev_pop(x)",
    "varpop(x) AS var_pop(x)",
    "tonullable(x) AS x",
    "todatetime64(x, digits) AS CAST(x AS TIMESTAMP)",
)


def check(
    sql: str, expected: list[Row], ordered: bool = False, tables: Tables = SALES, but: str = ""
) -> None:
    """The canonical SQL gives these rows in every dialect, or in all but one."""
    wrong = {}
    for name in EVERYWHERE:
        if name == but:
            continue
        rows = rows_on(name, sql, tables)
        wanted = expected
        if name in ELSEWHERE:
            # DuckDB, which runs them, widens dates where their own engine does not.
            rows, wanted = ([tuple(map(moment, row)) for row in r] for r in (rows, wanted))
        if not same_rows(rows, wanted, ordered):
            wrong[name] = (rows, sql_for(sql, name))
    assert wrong == {}


def moment(value: Any) -> Any:
    """A date as its midnight; anything else as it is."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value

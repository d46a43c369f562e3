"""Rules of the expressions in queries: whether an item says one thing that engines can compute."""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.format.json_edit import query_at, set_value
from smq.problem import Fix, Problem, Safety, Severity
from smq.query.aggregates import end_of_call
from smq.rules.query_edits import (
    corrections,
    item_around,
    names,
    query_around,
    replaced,
)
from smq.rules.registry import Args, Context, rule
from smq.rules.wording import cannot_be_said, did_you_mean
from smq.text import Edit

_WHOLE = (
    "several statements",
    "a set operation or statement",
    "a whole statement",
    "a statement",
)

_DIRECTION = re.compile(r"(?is)(?P<name>.+?)\s+(?P<way>asc|desc)(?:ending)?\Z")
_TRUNC = re.compile(
    r"(?is)(?:date_|timestamp_)?trunc\s*\(\s*(?:'(?P<g1>\w+)'\s*,\s*(?P<n1>[\w.]+)"
    r"|(?P<n2>[\w.]+)\s*,\s*'?(?P<g2>\w+)'?)\s*\)\Z"
)

_CALL = re.compile(r"(?is)(?P<sign>-?)\s*\w+\s*\(\s*(?:distinct\s+)?(?P<name>[^\s()]+)\s*\)\Z")


def drop_alias(problem: Problem, context: Context) -> Iterator[Fix]:
    """A filter without its alias."""
    item = item_around(problem, context)
    if item is None or item.key != "filters":
        return
    alias = re.search(r"(?i)\s+as\s+\S+\s*\Z", item.text)
    if alias and "alias" in str(problem.args["detail"]):
        edit = Edit(*item.part(alias.start(), alias.end()), "")
        yield Fix("Remove the alias", (edit,), "safe")


@rule("EXP101", "not-an-expression", Severity.ERROR, on="smq", fix=drop_alias)
def not_an_expression(args: Args) -> str:
    """An item of a query cannot be read as an SQL expression.

    Expressions are written in the SQL dialect that the workspace is configured for. What is
    marked is where reading stopped, so the mistake may stand a little before it.

    ```bad
    {"metrics": ["revenue / AS half"]}
    ```

    ```bad
    {"metrics": ["account_count"], "filters": ["계좌정보__open_dt >= '2024-01-01"]}
    ```

    ```good
    {"metrics": ["revenue / 2 AS half"]}
    ```

    The fix removes an alias from a filter, which takes none. What else was meant is not known.
    """
    return f"This is no SQL expression: {args['detail']}."


def split_items(problem: Problem, context: Context) -> Iterator[Fix]:
    """Each expression as an item of its own."""
    query, item = query_around(problem, context), item_around(problem, context)
    if query is None or item is None or item.key != "metrics":
        return
    parts = _split(item.text)
    parsed = context.parsed(problem.location.uri)
    node = query_at(parsed, problem.location.span.start)
    if len(parts) < 2 or not all(parts) or node is None:
        return
    texts: list[str] = []
    for other in query.metrics:
        texts.extend(parts if other.index == item.index else [other.text])
    edits = set_value(parsed.document, node, "metrics", tuple(dict.fromkeys(texts)))
    yield Fix(f"Split into {len(parts)} items", edits, "safe")


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no parentheses and no quotes."""
    if ";" in text:
        return []
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] in "('\"`":
            at = _behind(text, at)
            continue
        if text[at] == ",":
            parts.append(text[start:at].strip())
            start = at + 1
        at += 1
    return [*parts, text[start:].strip()]


def _behind(text: str, at: int) -> int:
    """Behind the parenthesis or quote that closes the one at an offset."""
    if text[at] == "(":
        return max(at + 1, end_of_call(text, at))
    close = text.find(text[at], at + 1)
    return len(text) if close < 0 else close + 1


@rule("EXP102", "not-one-expression", Severity.ERROR, on="smq", fix=split_items)
def not_one_expression(args: Args) -> str:
    """An item of a query is more than one expression, or a statement.

    Each item of a list is one expression. A query only reads, so a statement is never one, and a
    semicolon begins none.

    ```bad
    {"metrics": ["revenue, account_count"]}
    ```

    ```bad
    {"metrics": ["account_count"], "filters": ["1 = 1; DROP TABLE orders"]}
    ```

    ```good
    {"metrics": ["revenue", "account_count"]}
    ```

    The fix makes an item of each expression in `metrics`.
    """
    detail = args["detail"]
    if detail in _WHOLE or detail.endswith("expressions"):
        return f"Each item is one SQL expression, but this is {detail}."
    return f"Each item is one SQL expression; {detail}."


@rule("EXP105", "filter-is-no-condition", Severity.ERROR, on="smq")
def filter_is_no_condition(args: Args) -> str:
    """A filter is neither true nor false.

    It is a number, a text, a date or an arithmetic expression. A filter is a condition, such as a
    comparison.

    ```bad
    {"metrics": ["account_count"], "filters": ["계좌정보__open_dt"]}
    ```

    ```good
    {"metrics": ["account_count"], "filters": ["계좌정보__open_dt >= '2024-01-01'"]}
    ```

    There is no fix, because what to compare with is not known.
    """
    return (
        f"A filter is a condition, but `{args['text']}` is neither true nor false. Compare it with"
        " something."
    )


def use_model(problem: Problem, context: Context) -> Iterator[Fix]:
    """The nearest semantic models."""
    near = names(problem, "nearest")
    yield from corrections(problem.location, str(problem.args["table"]), near)


@rule("EXP106", "table-in-expression", Severity.ERROR, on="smq", fix=use_model)
def table_in_expression(args: Args) -> str:
    """A subquery reads a table of the warehouse, or stands where none may.

    Subqueries are for filters on rows, and read semantic models: `x IN (SELECT model__column FROM
    model WHERE …)`. A table that no model describes cannot be checked. In `metrics` and beside
    metrics in a filter there are no rows left that a subquery could be compared with.

    ```bad
    {
      "metrics": ["account_count"],
      "filters": ["고객기본__cust_no IN (SELECT cust_no FROM wapco_cust_bs)"]
    }
    ```

    ```bad
    {"metrics": ["account_count + (SELECT 고객기본__credit FROM 고객기본) AS x"]}
    ```

    ```good
    {
      "metrics": ["account_count"],
      "filters": [
        "고객기본__cust_no IN (SELECT 고객기본__cust_no FROM 고객기본 WHERE credit > 10)"
      ]
    }
    ```

    The fixes offer the semantic model of the table, and those with a similar name.
    """
    if args["model"]:
        return (
            f"A subquery over '{args['table']}' cannot stand beside metrics. Use it in a filter on"
            " dimensions and measures."
        )
    near = did_you_mean(args["nearest"], args["table"])
    return f"'{args['table']}' is no semantic model, and a subquery reads nothing else.{near}"


@rule("EXP112", "bad-template", Severity.ERROR, on="smq")
def bad_template(args: Args) -> str:
    """A template in `{{ … }}` is none that is understood here.

    Filters may use dbt's calls `{{ Dimension('entity__name') }}`, `{{ TimeDimension('entity__name',
    'grain') }}`, `{{ Entity('name') }}` and `{{ Metric('name') }}`. Other templates are not
    evaluated.

    ```bad
    {"metrics": ["account_count"], "filters": ["{{ var('since') }} <= 계좌정보__open_dt"]}
    ```

    ```good
    {"metrics": ["account_count"], "filters": ["{{ Dimension('acct__open_dt') }} >= '2024-01-01'"]}
    ```

    There is no fix, because the template's value is not known.
    """
    return f"This template is not understood: {args['detail']}."


def write_plainly(problem: Problem, context: Context) -> Iterator[Fix]:
    """The name that the item is about, with a sign for the direction."""
    key, text = str(problem.args["key"]), str(problem.args["text"])
    for plain in _plainly(key, text, context):
        # Other aggregates than SUM may mean another order than that of the metric itself.
        same = key == "orderBy" and ("(" not in text or text.lstrip("-+ ")[:4].upper() == "SUM(")
        meant: Safety = "safe" if same else "unsafe"
        yield Fix(f"Write '{plain}'", replaced(problem.location, plain), meant)


def _plainly(key: str, text: str, context: Context) -> Iterator[str]:
    sign, plain = "", text.strip()
    direction = _DIRECTION.match(plain)
    if direction:
        sign = "-" if direction["way"].lower() == "desc" else ""
        plain = direction["name"].strip()
    alias = re.match(r"(?is)(?P<name>\S+)\s+as\s+\S+\Z", plain)
    plain = alias["name"] if alias else plain
    trunc = _TRUNC.match(plain)
    if trunc:
        plain = f"{trunc['n1'] or trunc['n2']}__{(trunc['g1'] or trunc['g2']).lower()}"
    call = _CALL.match(plain)
    if call and call["name"] in context.graph.metrics and key == "orderBy":
        sign, plain = call["sign"] or sign, call["name"]
    if plain[:1] in ("-", "+"):
        sign = "-" if plain.startswith("-") else sign
        plain = plain.lstrip("-+ ")
    if plain != text and _is_known(plain, context):
        yield f"{sign}{plain}" if key == "orderBy" else plain


def _is_known(name: str, context: Context) -> bool:
    # Here, because it brings the SQL library, which listing rules can do without.
    from smq.graph.references import all_grains, metric_time, readings

    grains = all_grains(context.graph)
    if name in context.graph.metrics or metric_time(name, grains) is not None:
        return True
    return bool(readings(context.graph, name, grains))


@rule("EXP113", "name-expected", Severity.ERROR, on="smq", fix=write_plainly)
def name_expected(args: Args) -> str:
    """`groupBy` or `orderBy` has an expression where a name belongs.

    `groupBy` takes dimensions, with a grain behind a time: `model__date__month`. `orderBy` takes
    metrics, aliases and items of `groupBy`; a leading `-` means descending. What has to be
    computed is computed in `metrics`, with an alias to sort by.

    ```bad
    {"metrics": ["revenue"], "groupBy": ["DATE_TRUNC('month', 주문__order_date)"]}
    ```

    ```bad
    {"metrics": ["revenue"], "groupBy": ["주문__order_date"], "orderBy": ["revenue DESC"]}
    ```

    ```good
    {"metrics": ["revenue"], "groupBy": ["주문__order_date__month"], "orderBy": ["-revenue"]}
    ```

    The fix writes the name: `revenue DESC` becomes `-revenue`, and truncating a date its grain.
    """
    text = args["text"]
    signed = text[:1] in ("-", "+")
    if args["key"] == "groupBy":
        what = f"`groupBy` takes the names of dimensions, and `{text}` is none."
        if signed or _DIRECTION.match(text):
            return f"{what} What the rows are sorted by stands in `orderBy`."
        if _TRUNC.match(text):
            return f"{what} A time takes its grain behind it, as in `model__date__month`."
        if re.search(r"(?i)\sas\s", text):
            return f"{what} It takes no aliases; the column is called as the dimension is."
        return f"{what} What is computed from a row is declared as a dimension in the YAML file."
    what = f"`orderBy` takes names, and `{text}` is none."
    if text.isdecimal():
        return f"{what} Write the name of the column instead of its position."
    if signed or _DIRECTION.match(text):
        return f"{what} A name has nothing around it but a `-` in front for descending."
    return f"{what} Compute it in `metrics` with an alias, and sort by that."


@rule("EXP120", "dialect-cannot-say", Severity.ERROR, on="smq")
def dialect_cannot_say(args: Args) -> str:
    """A query uses what the SQL of an engine cannot say.

    What an engine lacks is written in other words wherever they mean the same. Where there are
    none, the query is refused for that engine, because any other SQL would give another number.
    It is checked for the workspace's dialect and for each of its target dialects.

    ```bad
    -- smq.toml --
    dialect = "bigquery"
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: order_date, type: date}
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, expr: SUM(orders__amount)}
    -- q.smq.json --
    {
      "metrics": [
        "SUM(revenue) OVER (ORDER BY orders__order_date GROUPS 1 PRECEDING) AS two_days"
      ],
      "groupBy": ["orders__order_date"]
    }
    ```

    ```good
    -- smq.toml --
    dialect = "bigquery"
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: order_date, type: date}
        measures:
          - {name: amount, type: number}
    metrics:
      - {name: revenue, expr: SUM(orders__amount)}
    -- q.smq.json --
    {
      "metrics": [
        "SUM(revenue) OVER (ORDER BY orders__order_date ROWS 1 PRECEDING) AS two_days"
      ],
      "groupBy": ["orders__order_date"]
    }
    ```

    There is no fix.
    """
    return f"{cannot_be_said(args)} Say it in another way, or run it elsewhere."


@rule("EXP121", "expression-too-large", Severity.ERROR, on="smq")
def expression_too_large(args: Args) -> str:
    """A query is too large, once its metrics and aliases are written out.

    An alias that is used twice doubles what it stands for, like a metric that uses another twice.
    A list of more than 10,000 items is refused, too.

    ```bad
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number, agg: sum}
    metrics:
      - {name: m0, metric_type: simple, type_params: {measure: amount}}
      - {name: m1, metric_type: derived, expr: m0 + m0 + m0 + m0 + m0 + m0 + m0 + m0}
      - {name: m2, metric_type: derived, expr: m1 + m1 + m1 + m1 + m1 + m1 + m1 + m1}
      - {name: m3, metric_type: derived, expr: m2 + m2 + m2 + m2 + m2 + m2 + m2 + m2}
    -- q.smq.json --
    {
      "metrics": ["m3 * m3 * m3 * m3 * m3 * m3 AS power"]
    }
    ```

    ```good
    -- models.yml --
    semantic_models:
      - name: orders
        table: shop.orders
        measures:
          - {name: amount, type: number, agg: sum}
    metrics:
      - {name: m0, metric_type: simple, type_params: {measure: amount}}
      - {name: m1, metric_type: derived, expr: m0 + m0 + m0 + m0 + m0 + m0 + m0 + m0}
      - {name: m2, metric_type: derived, expr: m1 + m1 + m1 + m1 + m1 + m1 + m1 + m1}
      - {name: m3, metric_type: derived, expr: m2 + m2 + m2 + m2 + m2 + m2 + m2 + m2}
    -- q.smq.json --
    {
      "metrics": ["POWER(m3, 6) AS power"]
    }
    ```

    There is no fix.
    """
    return (
        "This is too large: with all its metrics and aliases written out, it has more parts than "
        "engines can read. Use each metric and alias once, or split the query."
    )

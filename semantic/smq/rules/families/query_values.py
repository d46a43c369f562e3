"""Rules of the values of a query's keys: types, lists, limits, joins, columns without a name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.format.json_edit import (
    add_item,
    containers,
    literal,
    remove_item,
    scalar_at,
    set_value,
)
from smq.problem import Fix, Problem, Severity
from smq.rules.query_edits import query_node
from smq.rules.registry import Args, Context, rule
from smq.syntax import Sequence, index_at
from smq.text import Edit, Span

_BARE_NAME = re.compile(r"[^\W\d]\w*")
_JOIN_WORD = re.compile(r"(?:(?:left|right|full|inner|cross|outer|natural)\s+)*join\b", re.I)


def change_type(problem: Problem, context: Context) -> Iterator[Fix]:
    if problem.args["expected"] == "a list of strings" and problem.args["found"] == "a string":
        start, end = problem.location.span
        uri = problem.location.uri
        edits = (Edit(uri, Span(start, start), "["), Edit(uri, Span(end, end), "]"))
        yield Fix("Put it into a list", edits, "safe")
    elif problem.args["expected"] == "a string" and problem.args["found"] == "a number":
        scalar = scalar_at(context.parsed(problem.location.uri), problem.location.span.start)
        if scalar is not None:
            title = "Put it into quotes"
            yield Fix(title, (Edit(*problem.location, literal(scalar.text)),), "unsafe")


@rule("QRY104", "wrong-type", Severity.ERROR, on="smq", fix=change_type)
def wrong_type(args: Args) -> str:
    """A value has another type than its key takes.

    `metrics`, `groupBy`, `filters`, `orderBy` and `joins` are lists of strings, `limit` is a
    whole number, `name`, `description` and `$schema` are strings. `null` stands for nothing.

    ```bad
    {"metrics": "total_brn_cnt"}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return f"`{args['key']}` takes {args['expected']}, but this is {args['found']}."


def _remove_this_item(problem: Problem, context: Context) -> tuple[Edit, ...]:
    parsed = context.parsed(problem.location.uri)
    around = containers(parsed, problem.location.span.start)
    if not around or not isinstance(around[-1], Sequence):
        return ()
    items = around[-1]
    index = index_at(items.items, problem.location.span.start)
    return () if index is None else remove_item(parsed.document, items, index)


def remove_repeated(problem: Problem, context: Context) -> Iterator[Fix]:
    edits = _remove_this_item(problem, context)
    if edits:
        yield Fix("Remove it", edits, "safe")


@rule("QRY107", "duplicate-item", Severity.ERROR, on="smq", fix=remove_repeated)
def duplicate_item(args: Args) -> str:
    """A metric or a dimension is selected twice.

    The result would have two columns of one name. The fix removes the second one.

    ```bad
    {"metrics": ["total_brn_cnt", "total_brn_cnt"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return f"`{args['item']}` is selected twice in `{args['key']}`."


@rule("QRY117", "repeated-item", Severity.WARNING, on="smq", fix=remove_repeated)
def repeated_item(args: Args) -> str:
    """A filter or a sort key is written twice.

    The second one changes nothing: rows that pass a condition pass it again, and rows that are
    sorted by a key are equal in it. A sort key counts as the same in either direction.

    ```bad
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"],
      "orderBy": ["-total_brn_cnt", "total_brn_cnt"]
    }
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"],
      "orderBy": ["-total_brn_cnt"]
    }
    ```
    """
    return f"`{args['item']}` has no effect: the same stands before it in `{args['key']}`."


@rule("QRY114", "empty-item", Severity.WARNING, on="smq", fix=remove_repeated)
def empty_item(args: Args) -> str:
    """A list has a blank item among others.

    It is ignored. A list of nothing but a blank string counts as an empty list, because programs
    write it.

    ```bad
    {"metrics": ["total_brn_cnt", ""]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return f"`{args['key']}[{args['index']}]` is blank and is ignored."


def correct_limit(problem: Problem, context: Context) -> Iterator[Fix]:
    found = str(problem.args["found"]).strip()
    if problem.args["fault"] == "string" and found.isascii() and found.isdigit():
        yield Fix(f"Write `{int(found)}`", (Edit(*problem.location, str(int(found))),), "safe")
        return
    yield Fix("Remove the limit", (Edit(*problem.location, "null"),), "unsafe")


@rule("QRY108", "bad-limit", Severity.ERROR, on="smq", fix=correct_limit)
def bad_limit(args: Args) -> str:
    """A limit is no whole number of rows.

    `limit` is an integer from 0 up, or `null` for no limit.

    ```bad
    {"metrics": ["total_brn_cnt"], "orderBy": ["total_brn_cnt"], "limit": "10"}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "orderBy": ["total_brn_cnt"], "limit": 10}
    ```
    """
    why = {
        "negative": "is negative",
        "fractional": "is a fraction",
        "boolean": "is a boolean",
        "string": "is a string",
        "large": "is larger than any engine counts",
    }[args["fault"]]
    return f"`limit` is a whole number of rows or null, but `{args['found']}` {why}."


def order_by_first_metric(problem: Problem, context: Context) -> Iterator[Fix]:
    metric = str(problem.args["metric"])
    query = query_node(problem, context)
    if query is None or not _BARE_NAME.fullmatch(metric):
        return
    document = context.parsed(problem.location.uri).document
    edits = add_item(document, query, "orderBy", f"-{metric}")
    yield Fix(f"Order by `{metric}`, largest first", edits, "unsafe")


@rule("QRY109", "limit-without-order", Severity.HINT, on="smq", fix=order_by_first_metric)
def limit_without_order(args: Args) -> str:
    """A limit has no order.

    Which rows are kept is then up to the engine, and may differ from one run to the next. The
    fix orders by the first metric, largest first.

    ```bad
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"], "limit": 10}
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"],
      "orderBy": ["-total_brn_cnt"],
      "limit": 10
    }
    ```
    """
    return "`limit` without `orderBy` keeps arbitrary rows."


def merge_joins(problem: Problem, context: Context) -> Iterator[Fix]:
    query = query_node(problem, context)
    written = problem.args["clauses"]
    assert isinstance(written, tuple)
    clauses = list(dict.fromkeys(written))
    if query is None or not all(_JOIN_WORD.match(clause) for clause in clauses[1:]):
        return
    document = context.parsed(problem.location.uri).document
    edits = set_value(document, query, "joins", (" ".join(clauses),))
    yield Fix("Merge them into one clause", edits, "safe")


@rule("QRY115", "several-joins", Severity.ERROR, on="smq", fix=merge_joins)
def several_joins(args: Args) -> str:
    """`joins` has several elements.

    It takes one whole clause, from `FROM` to the last `ON`, so that the order of the joins is
    plain to see. The fix merges a clause and the `JOIN`s that follow it.

    ```bad
    {
      "metrics": ["customer_count"],
      "joins": ["FROM 부점코드", "LEFT JOIN 고객기본 ON 부점코드__brn_cd = 고객기본__brn_cd"]
    }
    ```

    ```good
    {
      "metrics": ["customer_count"],
      "joins": ["FROM 부점코드 LEFT JOIN 고객기본 ON 부점코드__brn_cd = 고객기본__brn_cd"]
    }
    ```
    """
    return f"`joins` takes one clause, but here are {len(args['clauses'])}; merge them into one."


def name_the_column(problem: Problem, context: Context) -> Iterator[Fix]:
    end = problem.location.span.end
    alias = literal(str(problem.args["alias"]))[1:-1]
    edit = Edit(problem.location.uri, Span(end, end), f" AS {alias}")
    yield Fix(f"Name it `{problem.args['alias']}`", (edit,), "safe")


@rule("QRY113", "missing-alias", Severity.HINT, on="smq", fix=name_the_column)
def missing_alias(args: Args) -> str:
    """An expression has no name.

    Its column gets a generated name, which changes with the expression. With `AS name` it has one
    that filters, sort keys and charts can rely on. The fix writes the generated one.

    ```bad
    {"metrics": ["total_balance / NULLIF(account_count, 0)"]}
    ```

    ```good
    {"metrics": ["total_balance / NULLIF(account_count, 0) AS balance_per_account"]}
    ```
    """
    return f"The expression has no name; its column is called `{args['alias']}`."

"""Rules of the structure of query files: brackets, commas, colons, keys, values, limits.

Query files are JSON with comments and trailing commas. What is missing or left over is passed
over, so that the rest of the query keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from smq.problem import Fix, Problem, Severity
from smq.rules.registry import Args, Context, rule
from smq.rules.syntax_edits import number, rewritten
from smq.syntax import Mapping, Node, Sequence
from smq.text import Edit, Span

# --- brackets ---------------------------------------------------------------------------------


def close_bracket(problem: Problem, context: Context) -> Iterator[Fix]:
    close = str(problem.args["close"])
    yield from rewritten(
        problem, f"Add `{close}`", number(problem, "at"), number(problem, "at"), close, "unsafe"
    )


@rule("SYN102", "unclosed-bracket", Severity.ERROR, on="smq", fix=close_bracket)
def unclosed_bracket(args: Args) -> str:
    """A list or an object is not closed.

    What follows the place where the bracket is surely missing, such as the next key, is read as
    if it were there. The fix adds it.

    ```bad
    {
      "metrics": ["total_brn_cnt",
      "groupBy": ["부점코드__brn_stcd"]
    }
    ```

    ```bad
    {"metrics": ["total_brn_cnt"
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"]
    }
    ```
    """
    opened, close = str(args["open"]), str(args["close"])
    if args["file_end"]:
        return f"The file ends before this `{opened}` is closed: `{close}` is missing at the end."
    thing = "list" if opened == "[" else "object"
    return f"This {thing} is not closed: `{close}` is missing."


@rule(
    "SYN112",
    "wrong-bracket",
    Severity.ERROR,
    on="smq",
    fix=lambda problem, _: rewritten(
        problem,
        f"Write `{problem.args['expected']}`",
        *problem.location.span,
        str(problem.args["expected"]),
        "unsafe",
    ),
)
def wrong_bracket(args: Args) -> str:
    """A list is closed with `}` or an object with `]`.

    ```bad
    {
      "metrics": ["total_brn_cnt"},
      "groupBy": ["부점코드__brn_stcd"]
    }
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"]
    }
    ```
    """
    thing = "A list" if args["expected"] == "]" else "An object"
    return f"{thing} ends with `{args['expected']}`, and not with `{args['found']}`."


def open_object(problem: Problem, context: Context) -> Iterator[Fix]:
    start = problem.location.span.start
    waiting: list[Node | None] = list(context.parsed(problem.location.uri).roots)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping) and node.span.start == start:
            end = node.span.end
            edits = (
                Edit(problem.location.uri, Span(start, start), "{"),
                Edit(problem.location.uri, Span(end, end), "}"),
            )
            yield Fix("Put the keys into `{` and `}`", edits, "safe")
            return
        if isinstance(node, Sequence):
            waiting.extend(node.items)


@rule("SYN122", "keys-without-object", Severity.ERROR, on="smq", fix=open_object)
def keys_without_object(args: Args) -> str:
    """Keys stand outside of an object.

    A query is one object: its keys stand between `{` and `}`.

    ```bad
    [
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"]
    ]
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"]
    }
    ```
    """
    return "Keys need an object around them: `{` is missing here."


# --- commas, colons, keys and values ------------------------------------------------------------


@rule(
    "SYN103",
    "missing-comma",
    Severity.ERROR,
    on="smq",
    fix=lambda problem, _: rewritten(problem, "Add the comma", *problem.location.span, ",", "safe"),
)
def missing_comma(args: Args) -> str:
    """Two items or keys have no comma between them.

    ```bad
    {
      "metrics": ["total_brn_cnt"]
      "groupBy": ["부점코드__brn_stcd"]
    }
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"]
    }
    ```
    """
    return "A comma is missing between this and what follows."


@rule(
    "SYN104",
    "missing-colon",
    Severity.ERROR,
    on="smq",
    fix=lambda problem, _: rewritten(problem, "Add the colon", *problem.location.span, ":", "safe"),
)
def missing_colon(args: Args) -> str:
    """A key and its value have no colon between them.

    ```bad
    {"metrics" ["total_brn_cnt"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return "A colon is missing between the key and its value."


def give_null(problem: Problem, context: Context) -> Iterator[Fix]:
    # No colon yet: the key is being typed, and nobody asked for a value.
    if problem.args["colon"]:
        yield from rewritten(
            problem, "Write `null`", number(problem, "at"), number(problem, "at"), " null", "unsafe"
        )


@rule("SYN105", "missing-value", Severity.ERROR, on="smq", fix=give_null)
def missing_value(args: Args) -> str:
    """A key has no value.

    The key is read as if it were unfinished: its value is unknown, and not empty.

    ```bad
    {"metrics": ["total_brn_cnt"], "limit": }
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "limit": null}
    ```
    """
    return f"The key `{args['key']}` has no value."


@rule(
    "SYN106",
    "extra-comma",
    Severity.ERROR,
    on="smq",
    fix=lambda problem, _: rewritten(
        problem, "Remove the comma", *problem.location.span, "", "safe"
    ),
)
def extra_comma(args: Args) -> str:
    """A comma separates nothing.

    One comma behind the last item is allowed; two in a row, or one before the first item, are
    surely left over from an edit.

    ```bad
    {"metrics": ["total_brn_cnt",, "customer_count"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt", "customer_count"]}
    ```
    """
    return "This comma separates nothing: no item stands before it."


@rule("SYN123", "missing-key", Severity.ERROR, on="smq")
def missing_key(args: Args) -> str:
    """A value in an object has no key.

    Which key was meant cannot be known, so there is no fix.

    ```bad
    {"metrics": ["total_brn_cnt"], ["부점코드__brn_stcd"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}
    ```
    """
    return f"A key is missing before this `{args['text']}`: in an object each value has one."


def wrap_in_list(problem: Problem, context: Context) -> Iterator[Fix]:
    parsed = context.parsed(problem.location.uri)
    roots = [root for root in parsed.roots if root is not None]
    if len(roots) < 2 or any(isinstance(root, Sequence) for root in roots):
        return
    uri, text = problem.location.uri, parsed.document.text
    edits = [Edit(uri, Span(roots[0].span.start, roots[0].span.start), "[")]
    for before, after in pairwise(roots):
        between = text[before.span.end : after.span.start]
        if "," not in between:
            edits.append(Edit(uri, Span(before.span.end, before.span.end), ","))
    end = roots[-1].span.end
    edits.append(Edit(uri, Span(end, end), "]"))
    yield Fix("Put the queries into a list", tuple(edits), "safe")


@rule("SYN111", "several-values", Severity.ERROR, on="smq", fix=wrap_in_list)
def several_values(args: Args) -> str:
    """A file holds several values.

    A query file holds one query, or one list of queries. The fix puts brackets around them.

    ```bad
    {"metrics": ["total_brn_cnt"]}
    {"metrics": ["customer_count"]}
    ```

    ```good
    [
      {"metrics": ["total_brn_cnt"]},
      {"metrics": ["customer_count"]}
    ]
    ```
    """
    return "The file has ended before this: several queries belong into one list, `[…, …]`."


# --- limits -----------------------------------------------------------------------------------


@rule("SYN118", "nested-too-deep", Severity.ERROR, on="smq")
def nested_too_deep(args: Args) -> str:
    """Brackets are nested deeper than any query needs.

    A query needs three levels. Beyond the limit nothing is read, so that a damaged or hostile
    file cannot exhaust the program.

    ```bad
    {"metrics": ["total_brn_cnt"], "description":
    [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
    [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
    [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
    }
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return f"Brackets are nested more than {args['limit']} deep; what is inside is not read."


@rule("SYN120", "too-many-problems", Severity.ERROR, on="smq")
def too_many_problems(args: Args) -> str:
    """A query file has more faults than anybody would read.

    Looking for more stops there: such a file is no JSON, is no file of queries, or was damaged in
    one place near its beginning. The others, SYN106 in this example, are listed before it.

    ```bad
    [
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,
    ]
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return f"The file has more than {args['limit']:,} faults; the rest is not looked at."

"""Rules of YAML's lists and mappings between brackets: what closes them and parts their entries."""

from __future__ import annotations

from collections.abc import Iterator

from smq.problem import Fix, Problem, Severity
from smq.rules.registry import Args, Context, rule
from smq.rules.syntax_edits import number, rewritten, text_of


def close_bracket(problem: Problem, _: Context) -> Iterator[Fix]:
    at, closer = number(problem, "at"), str(problem.args["closer"])
    yield from rewritten(problem, f"Add `{closer}`", at, at, closer, "unsafe")


@rule("SYN210", "yaml-unclosed-bracket", Severity.ERROR, on="yaml", fix=close_bracket)
def unclosed_bracket(args: Args) -> str:
    """A bracket is not closed.

    The list or mapping is read up to where its bracket is most likely missing: before the next
    key or item of the lines around it.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar
          - {name: channel, type: varchar}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
          - {name: channel, type: varchar}
    ```
    """
    return f"This `{args['bracket']}` is not closed: `{args['closer']}` is missing."


def right_bracket(problem: Problem, _: Context) -> Iterator[Fix]:
    expected = str(problem.args["expected"])
    yield from rewritten(problem, f"Write `{expected}`", *problem.location.span, expected, "unsafe")
    yield from rewritten(problem, "Remove it", *problem.location.span, "", "unsafe")


@rule("SYN211", "yaml-wrong-bracket", Severity.ERROR, on="yaml", fix=right_bracket)
def wrong_bracket(args: Args) -> str:
    """A closing bracket is not of the kind that was opened.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar]
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
    ```
    """
    return f"`{args['found']}` closes nothing; `{args['expected']}` is due here."


def add_comma(problem: Problem, _: Context) -> Iterator[Fix]:
    at = number(problem, "at")
    yield from rewritten(problem, "Add a comma", at, at, ",", "unsafe")


@rule("SYN212", "yaml-missing-comma", Severity.ERROR, on="yaml", fix=add_comma)
def missing_comma(args: Args) -> str:
    """Two entries between brackets are not separated by a comma.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: "varchar" label: Status}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: "varchar", label: Status}
    ```
    """
    return "A comma is missing before this."


def remove_comma(problem: Problem, context: Context) -> Iterator[Fix]:
    start, end = problem.location.span
    text = text_of(problem, context)
    while text[end : end + 1] == " ":
        end += 1
    yield from rewritten(problem, "Remove the comma", start, end, "", "unsafe")


@rule("SYN213", "yaml-empty-entry", Severity.ERROR, on="yaml", fix=remove_comma)
def empty_entry(args: Args) -> str:
    """Nothing stands before a comma between brackets.

    One comma may follow the last entry; anywhere else a comma without an entry is an error in
    YAML.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, , type: varchar}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar,}
    ```
    """
    return "An entry is missing before this comma."

"""Rules of queries and their keys, before any name means anything."""

from __future__ import annotations

from collections.abc import Iterator

from smq.format.json_edit import (
    containers,
    literal,
    remove_key,
    rename_key,
    set_value,
)
from smq.format.keys import find_pair
from smq.problem import Fix, Problem, Severity
from smq.rules.query_edits import query_node
from smq.rules.registry import Args, Context, rule
from smq.syntax import Mapping, Node, Pair, Scalar, Sequence
from smq.text import Edit


def _pair_at(query: Mapping, offset: int) -> Pair | None:
    for pair in query.pairs:
        if pair.span.start <= offset < pair.span.end:
            return pair
    return None


def _strings(node: Node | None) -> list[str] | None:
    """The strings of a list, or None when it holds anything else."""
    if not isinstance(node, Sequence):
        return None
    found: list[str] = []
    for item in node.items:
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            return None
        found.append(item.text)
    return found


@rule("QRY101", "not-a-query", Severity.ERROR, on="smq")
def not_a_query(args: Args) -> str:
    """A query file holds something that is no query.

    A query is an object; a file holds one, or a list of them. The other queries of the file are
    read all the same.

    ```bad
    [{"metrics": ["total_brn_cnt"]}, "customer_count"]
    ```

    ```good
    [{"metrics": ["total_brn_cnt"]}, {"metrics": ["customer_count"]}]
    ```
    """
    return f'A query is an object such as {{"metrics": […]}}, but this is {args["found"]}.'


@rule("QRY102", "no-metrics", Severity.ERROR, on="smq")
def no_metrics(args: Args) -> str:
    """A query asks for no metrics.

    A query is about metrics: `metrics` needs at least one. `null`, `[]` and `[""]` count as
    empty. Which metrics were meant cannot be known, so there is no fix.

    ```bad
    {"groupBy": ["부점코드__brn_stcd"]}
    ```

    ```bad
    {"metrics": [""], "groupBy": ["부점코드__brn_stcd"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}
    ```
    """
    return "No metrics specified in request. A query needs at least one item in `metrics`."


@rule("QRY116", "no-query", Severity.INFO, on="smq")
def no_query(args: Args) -> str:
    """A query file holds no query yet.

    An empty file, a file of comments, or an empty list. A comment may be the question that a
    query is generated from.

    ```bad
    []
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return "The file holds no query yet."


def rename_to_nearest(problem: Problem, context: Context) -> Iterator[Fix]:
    nearest = str(problem.args["nearest"])
    query = query_node(problem, context)
    if query is None:
        return
    pair = _pair_at(query, problem.location.span.start)
    if pair is None:
        return
    document = context.parsed(problem.location.uri).document
    if nearest and find_pair(query, nearest) is None:
        yield Fix(f"Rename to `{nearest}`", rename_key(document, pair, nearest), "unsafe")
    yield Fix(f"Remove `{problem.args['key']}`", remove_key(document, query, pair), "unsafe")


@rule("QRY103", "unknown-key", Severity.ERROR, on="smq", fix=rename_to_nearest)
def unknown_key(args: Args) -> str:
    """A query has a key that means nothing.

    What it asks for would silently not be done, so it is an error. Words of other query
    languages, such as `where` or `dimensions`, are answered with ours.

    ```bad
    {"metrics": ["total_brn_cnt"], "where": ["부점코드__brn_stcd = '1'"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "filters": ["부점코드__brn_stcd = '1'"]}
    ```
    """
    near, known = args["nearest"], args["known"]
    hint = f"Did you mean `{near}`?" if near else f"A query has {', '.join(known)}."
    return f"Unknown key `{args['key']}`. {hint}"


def rename_to_canonical(problem: Problem, context: Context) -> Iterator[Fix]:
    canonical = str(problem.args["canonical"])
    yield Fix(f"Rename to `{canonical}`", (Edit(*problem.location, literal(canonical)),), "safe")


@rule("QRY105", "alternative-spelling", Severity.HINT, on="smq", fix=rename_to_canonical)
def alternative_spelling(args: Args) -> str:
    """A key is written in its other spelling.

    `group_by` and `order_by` are understood, because programs write them; `groupBy` and
    `orderBy` are the names that people search for.

    ```bad
    {"metrics": ["total_brn_cnt"], "group_by": ["부점코드__brn_stcd"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}
    ```
    """
    return f"`{args['key']}` is understood; its usual name is `{args['canonical']}`."


def keep_canonical(problem: Problem, context: Context) -> Iterator[Fix]:
    query = query_node(problem, context)
    key, canonical = str(problem.args["key"]), str(problem.args["canonical"])
    if query is None:
        return
    document = context.parsed(problem.location.uri).document
    spelled = query.pair(key)
    kept = query.pair(canonical)
    if spelled is None or kept is None:
        return
    gone, left = _strings(spelled.value), _strings(kept.value)
    if gone is None or left is None:
        return
    removed = remove_key(document, query, spelled)
    missing = [text for text in gone if text not in left]
    if not missing:
        yield Fix(f"Remove `{key}`", removed, "safe")
        return
    merged = set_value(document, query, canonical, [*left, *missing])
    yield Fix(f"Move its items to `{canonical}`", (*merged, *removed), "unsafe")
    yield Fix(f"Remove `{key}`", removed, "unsafe")


@rule("QRY106", "both-spellings", Severity.ERROR, on="smq", fix=keep_canonical)
def both_spellings(args: Args) -> str:
    """A key is written twice, in both of its spellings.

    Which of the two lists was meant cannot be known. The fix moves the items into one list.

    ```bad
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd"],
      "group_by": ["부점코드__brn_cd"]
    }
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"],
      "groupBy": ["부점코드__brn_stcd", "부점코드__brn_cd"]
    }
    ```
    """
    key, canonical = args["key"], args["canonical"]
    return f"`{key}` and `{canonical}` are the same key; write `{canonical}` alone."


def remove_duplicate_key(problem: Problem, context: Context) -> Iterator[Fix]:
    parsed = context.parsed(problem.location.uri)
    offset = problem.location.span.start
    around = containers(parsed, offset)
    if not around or not isinstance(around[-1], Mapping):
        return
    parent = around[-1]
    for pair in parent.pairs:
        if pair.key.text == problem.args["key"] and pair.key.span.start < offset:
            # The last one counts to every JSON reader, so removing this one changes nothing.
            yield Fix("Remove the first one", remove_key(parsed.document, parent, pair), "safe")
            return


@rule("QRY112", "duplicate-key", Severity.ERROR, on="smq", fix=remove_duplicate_key)
def duplicate_key(args: Args) -> str:
    """A key is written twice in one object.

    JSON readers silently take the last one, so the first one does nothing. The fix removes it.

    ```bad
    {"metrics": ["customer_count"], "metrics": ["total_brn_cnt"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return f"The key `{args['key']}` is written twice; only the last one counts."

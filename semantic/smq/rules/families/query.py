"""Rules of the structure of queries: keys, types, lists, before any name means anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.format.json_edit import (
    add_item,
    containers,
    literal,
    query_at,
    remove_item,
    remove_key,
    rename_key,
    scalar_at,
    set_value,
)
from smq.format.keys import find_pair
from smq.problem import Fix, Problem, Severity
from smq.rules.registry import Args, Context, rule
from smq.syntax import Mapping, Node, Pair, Scalar, Sequence, unaliased
from smq.syntax.jsonc import trailing_commas
from smq.text import Edit, Location, Span, is_nfc, nfc

_BARE_NAME = re.compile(r"[^\W\d]\w*")
_JOIN_WORD = re.compile(r"(?:(?:left|right|full|inner|cross|outer|natural)\s+)*join\b", re.I)
# Prose may be written in any form; what others look up by name may not.
_NOT_NAMES = frozenset({"description", "label", "meta", "config", "title", "comment", "owner"})


def _replace(problem: Problem, text: str) -> tuple[Edit, ...]:
    return (Edit(*problem.location, text),)


def _query(problem: Problem, context: Context) -> Mapping | None:
    return query_at(context.parsed(problem.location.uri), problem.location.span.start)


def _pair_at(query: Mapping, offset: int) -> Pair | None:
    for pair in query.pairs:
        if pair.span.start <= offset < pair.span.end:
            return pair
    return None


# --- the query as a whole -----------------------------------------------------------------------


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


# --- keys -----------------------------------------------------------------------------------------


def rename_to_nearest(problem: Problem, context: Context) -> Iterator[Fix]:
    nearest = str(problem.args["nearest"])
    query = _query(problem, context)
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
    yield Fix(f"Rename to `{canonical}`", _replace(problem, literal(canonical)), "safe")


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
    query = _query(problem, context)
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


# --- values ---------------------------------------------------------------------------------------


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
            yield Fix(title, _replace(problem, literal(scalar.text)), "unsafe")


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
    start = problem.location.span.start
    present = [item for item in items.items if item is not None]
    for index, item in enumerate(present):
        if item.span.start <= start < item.span.end:
            return remove_item(parsed.document, items, index)
    return ()


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
        yield Fix(f"Write `{int(found)}`", _replace(problem, str(int(found))), "safe")
        return
    yield Fix("Remove the limit", _replace(problem, "null"), "unsafe")


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
    query = _query(problem, context)
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
    query = _query(problem, context)
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


# --- characters -----------------------------------------------------------------------------------


def compose(problem: Problem, context: Context) -> Iterator[Fix]:
    parsed = context.parsed(problem.location.uri)
    written = problem.location.span.cut(parsed.document.text)
    name = str(problem.args["name"])
    if parsed.document.kind == "yaml":
        composed = nfc(written)
        if composed == written:
            # The characters are escapes; which of them to write is the reader's to choose.
            return
        yield Fix("Write it in NFC", _replace(problem, composed), "safe")
        return
    yield Fix("Write it in NFC", _replace(problem, literal(name)[1:-1]), "safe")


def names_of_models(context: Context, uri: str) -> Iterator[Problem]:
    """Names in YAML that are not NFC; those in queries are found when they are read."""
    parsed = context.parsed(uri)
    if parsed.document.kind != "yaml":
        return
    if is_nfc(parsed.document.text) and "\\" not in parsed.document.text:
        return
    waiting: list[Node | None] = list(reversed(parsed.roots))
    while waiting:
        node = waiting.pop()
        if isinstance(node, Scalar):
            if isinstance(node.value, str) and not is_nfc(node.text):
                yield Problem("QRY110", Location(uri, node.content), {"name": nfc(node.text)})
        elif isinstance(node, Sequence):
            waiting.extend(reversed(node.items))
        elif isinstance(node, Mapping):
            for pair in reversed(node.pairs):
                if pair.key.text not in _NOT_NAMES:
                    # An alias repeats what its anchor has said.
                    value = pair.value
                    waiting.append(value if unaliased(value) is value else None)
                    waiting.append(pair.key)


@rule(
    "QRY110",
    "not-nfc",
    Severity.HINT,
    on="both",
    fix=compose,
    check=names_of_models,
)
def not_composed(args: Args) -> str:
    """A name is written in decomposed characters.

    macOS and some input methods write 부 as three letters instead of one character (NFD instead
    of NFC). It looks the same; our names are compared in NFC, other programs find no match. What
    stands in quotes inside a filter is data and left alone.

    ```bad
    {"metrics": ["total_brn_cnt"], "groupBy": ["\u1107\u116e점코드__brn_stcd"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}
    ```
    """
    return f"`{args['name']}` is written in decomposed characters (NFD); other programs miss it."


# --- strict JSON ----------------------------------------------------------------------------------


def beyond_strict_json(context: Context, uri: str) -> Iterator[Problem]:
    """Comments, trailing commas and a byte-order mark of a query file."""
    parsed = context.parsed(uri)
    if parsed.document.kind != "smq":
        return
    if parsed.document.text.startswith("\ufeff"):
        yield Problem("QRY111", Location(uri, Span(0, 1)), {"what": "byte-order mark"})
    for comment in parsed.comments:
        yield Problem("QRY111", Location(uri, comment), {"what": "comment"})
    for comma in trailing_commas(parsed):
        yield Problem("QRY111", Location(uri, comma), {"what": "trailing comma"})


def make_strict(problem: Problem, context: Context) -> Iterator[Fix]:
    what = str(problem.args["what"])
    # A comment tells something; only somebody who has read it should remove it.
    safety = "unsafe" if what == "comment" else "safe"
    yield Fix(f"Remove the {what}", _replace(problem, ""), safety)  # type: ignore[arg-type]


@rule(
    "QRY111",
    "strict-json",
    Severity.OFF,
    on="smq",
    fix=make_strict,
    check=beyond_strict_json,
)
def strict_json(args: Args) -> str:
    """A query file is no strict JSON.

    Query files may have comments and trailing commas. Teams whose other programs read the files
    with a strict JSON parser turn this rule on; it is off otherwise.

    ```bad
    {"metrics": ["total_brn_cnt"],}
    ```

    ```bad
    {
      "metrics": ["total_brn_cnt"] // branches by state
    }
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return f"Strict JSON has no {args['what']}."


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

"""Rules of the text of queries: names in composed form, and JSON that every reader accepts."""

from __future__ import annotations

from collections.abc import Iterator

from smq.format.json_edit import (
    literal,
)
from smq.problem import Fix, Problem, Severity
from smq.rules.registry import Args, Context, rule
from smq.syntax import Mapping, Node, Scalar, Sequence, unaliased
from smq.syntax.jsonc import trailing_commas
from smq.text import Edit, Location, Span, is_nfc, nfc

# Prose may be written in any form; what others look up by name may not.
_NOT_NAMES = frozenset({"description", "label", "meta", "config", "title", "comment", "owner"})


def compose(problem: Problem, context: Context) -> Iterator[Fix]:
    parsed = context.parsed(problem.location.uri)
    written = problem.location.span.cut(parsed.document.text)
    name = str(problem.args["name"])
    if parsed.document.kind == "yaml":
        composed = nfc(written)
        if composed == written:
            # The characters are escapes; which of them to write is the reader's to choose.
            return
        yield Fix("Write it in NFC", (Edit(*problem.location, composed),), "safe")
        return
    yield Fix("Write it in NFC", (Edit(*problem.location, literal(name)[1:-1]),), "safe")


def names_of_models(context: Context, uri: str) -> Iterator[Problem]:
    """Names in YAML that are not NFC; those in queries are found when they are read."""
    # The text alone says it of nearly all files, and their trees may be forgotten by now.
    document = context.file(uri).document
    if document.kind != "yaml" or (is_nfc(document.text) and "\\" not in document.text):
        return
    waiting: list[Node | None] = list(reversed(context.parsed(uri).roots))
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
    yield Fix(f"Remove the {what}", (Edit(*problem.location, ""),), safety)  # type: ignore[arg-type]


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

"""Rules of what YAML values mean: repeated keys, anchors, tags, and types that readers dispute."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from smq.problem import Fix, Problem, Severity
from smq.rules.registry import Args, Context, rule
from smq.rules.yaml_edits import quoted, removed_pair
from smq.text import Edit, Span


def _replaced(problem: Problem, title: str, text: str, safe: bool = False) -> Iterator[Fix]:
    yield Fix(title, (Edit(*problem.location, text),), "safe" if safe else "unsafe")


# --- keys -----------------------------------------------------------------------------------------


def remove_one(problem: Problem, context: Context) -> Iterator[Fix]:
    parsed = context.parsed(problem.location.uri)
    again, first = problem.args["again"], problem.args["first"]
    assert isinstance(again, tuple)
    assert isinstance(first, tuple)
    key = problem.args["key"]
    yield Fix(f"Remove this `{key}`", (removed_pair(parsed, Span(*again)),), "unsafe")
    yield Fix(f"Remove the first `{key}`", (removed_pair(parsed, Span(*first)),), "unsafe")


@rule("SYN219", "yaml-duplicate-key", Severity.ERROR, on="yaml", fix=remove_one)
def duplicate_key(args: Args) -> str:
    """A mapping has the same key twice.

    YAML forbids it, but most programs keep the last one without a word, and what the first one
    said is lost. A key that is written the same in another Unicode form counts as the same.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        label: Orders
        label: All orders
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        label: Orders
    ```

    There are two fixes, because only the writer knows which of the two is right.
    """
    return f"The key `{args['key']}` is already in this mapping; most programs keep the last one."


@rule("SYN224", "yaml-complex-key", Severity.WARNING, on="yaml")
def complex_key(args: Args) -> str:
    """A key is a list or a mapping.

    YAML allows it, but no model file has such a key, and programs that load the file into
    dictionaries fail. Often a bracket or quotes around a template are missing.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        meta:
          [a, b]: c
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        meta:
          a_b: c
    ```
    """
    return f"The key `{args['text']}` is not a text. Most programs cannot load such a key."


# --- anchors and tags -----------------------------------------------------------------------------


def use_nearest_anchor(problem: Problem, _: Context) -> Iterator[Fix]:
    nearest = problem.args["nearest"]
    assert isinstance(nearest, tuple)
    for name in nearest:
        yield from _replaced(problem, f"Change to `*{name}`", f"*{name}")
    text = f"*{problem.args['name']}"
    yield from _replaced(problem, "Put the text in quotes", quoted(text))


@rule("SYN220", "yaml-unknown-anchor", Severity.ERROR, on="yaml", fix=use_nearest_anchor)
def unknown_anchor(args: Args) -> str:
    """An alias names an anchor that was not set before.

    `*name` stands for the value that `&name` marks, above it in the same document. A text that
    begins with `*` has to be in quotes.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        meta: &shared {owner: sales}
        dimensions:
          - {name: status, type: varchar, meta: *share}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        meta: &shared {owner: sales}
        dimensions:
          - {name: status, type: varchar, meta: *shared}
    ```
    """
    hint = f" Did you mean `*{args['nearest'][0]}`?" if args["nearest"] else ""
    return f"There is no anchor `&{args['name']}` before this.{hint}"


@rule("SYN221", "yaml-recursive-alias", Severity.ERROR, on="yaml")
def recursive_alias(args: Args) -> str:
    """An alias stands inside the very value that it names.

    Such a value would contain itself without end. The alias is read as nothing.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        meta: &all
          rest: *all
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        meta: &all
          rest: none
    ```
    """
    return f"`*{args['name']}` stands inside `&{args['name']}`, which would contain itself."


def remove_tag(problem: Problem, context: Context) -> Iterator[Fix]:
    start, end = problem.location.span
    text = context.parsed(problem.location.uri).document.text
    while text[end : end + 1] == " ":
        end += 1
    edit = Edit(problem.location.uri, Span(start, end), "")
    yield Fix("Remove the tag", (edit,), "unsafe")


@rule("SYN222", "yaml-unknown-tag", Severity.WARNING, on="yaml", fix=remove_tag)
def unknown_tag(args: Args) -> str:
    """A value has a tag that is none of YAML's own.

    A word that begins with `!` is a tag and not part of the text. Programs that load the file
    safely refuse tags they do not know.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        description: !important Orders of the shop
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        description: "!important Orders of the shop"
    ```
    """
    return (
        f"`{args['tag']}` is a tag that most programs refuse. Put the text in quotes if it is text."
    )


# --- types ----------------------------------------------------------------------------------------


def say_which(problem: Problem, context: Context) -> Iterator[Fix]:
    text = str(problem.args["text"])
    yield from _replaced(problem, "Put it in quotes, as text", quoted(text))
    if problem.args["kind"] in ("boolean", "number"):
        value = str(problem.args["value"])
        yield from _replaced(problem, f"Write `{value}`", value)


@rule("SYN230", "yaml-disputed-type", Severity.WARNING, on="yaml", fix=say_which)
def disputed_type(args: Args) -> str:
    """A value without quotes is one thing in YAML 1.1 and another in YAML 1.2.

    YAML 1.1, which most Python programs follow, reads `yes` and `on` as booleans, `012` as ten,
    `1:30` as ninety and `1e3` as text. Here, as in JSON and in YAML 1.2, `yes` is a text, `012`
    is twelve and `1e3` a thousand. Quotes, or the plain spelling, mean the same everywhere.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        description: yes
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        description: "yes"
    ```
    """
    text, kind, value = args["text"], args["kind"], args["value"]
    if kind == "text":
        return f"`{text}` is a number here, and a text to programs that follow YAML 1.1."
    if kind == "null":
        return f"`{text}` is a text here, and nothing to programs that follow YAML 1.1."
    return f"`{text}` is the {kind} {value} to programs that follow YAML 1.1, but not here."


def quote_date(problem: Problem, context: Context) -> Iterator[Fix]:
    yield from _replaced(problem, "Put it in quotes", quoted(str(problem.args["text"])), True)


@rule("SYN231", "yaml-unquoted-date", Severity.HINT, on="yaml", fix=quote_date)
def unquoted_date(args: Args) -> str:
    """A date is not in quotes.

    YAML 1.1, which most Python programs follow, makes a date object of it; here and in YAML 1.2
    it is a text. Quotes make it a text everywhere.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        meta: {since: 2024-01-01}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        meta: {since: '2024-01-01'}
    ```
    """
    return f"`{args['text']}` is a date to programs that follow YAML 1.1, and a text here."


# --- characters -----------------------------------------------------------------------------------


def replace_separator(problem: Problem, context: Context) -> Iterator[Fix]:
    yield from _replaced(problem, "Replace by a space", " ")


def line_separator(args: Args) -> str:
    name = unicodedata.name(chr(args["char"]), "NEXT LINE").lower()
    return (
        f"An invisible U+{args['char']:04X} ({name}) ends a line to some programs, not to others."
    )


line_separator.__doc__ = """A YAML file holds a line end that only some programs know.

    U+0085, U+2028 and U+2029 came in by copying from a web page or a document. YAML 1.1 ends the
    line there, YAML 1.2 and editors do not. Nothing can be seen of it.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        description: 'Orders\u2028of the shop'
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        description: Orders of the shop
    ```
    """
rule("SYN232", "yaml-line-separator", Severity.WARNING, on="yaml", fix=replace_separator)(
    line_separator
)


def remove_character(problem: Problem, context: Context) -> Iterator[Fix]:
    yield from _replaced(problem, "Remove the character", "")


def control_character(args: Args) -> str:
    return f"The invisible character U+{args['char']:04X} is not allowed in YAML."


control_character.__doc__ = """A YAML file holds an invisible control character.

    YAML allows tabs and line ends, and no other character of that kind: programs refuse the whole
    file. A file with many of them is taken for no text at all.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        description: Orders\x07 of the shop
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        description: Orders of the shop
    ```
    """
rule("SYN240", "yaml-control-character", Severity.ERROR, on="yaml", fix=remove_character)(
    control_character
)

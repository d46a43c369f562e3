"""Rules of texts in YAML files: quotes, escapes, and what YAML takes for something else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.problem import Fix, Problem, Severity
from smq.rules.registry import Args, Context, rule
from smq.rules.syntax_edits import number, rewritten, text_of
from smq.rules.yaml_edits import quote

_INNER_DOUBLE = re.compile(r'(?<!\\)((?:\\\\)*)"')


# --- quotes -------------------------------------------------------------------------------------


def close_quote(problem: Problem, _: Context) -> Iterator[Fix]:
    end = problem.location.span.end
    yield from rewritten(problem, "Close the quote", end, end, str(problem.args["quote"]), "unsafe")


@rule("SYN207", "yaml-unclosed-quote", Severity.ERROR, on="yaml", fix=close_quote)
def unclosed_quote(args: Args) -> str:
    """A quoted text is not closed.

    The next quote in the file belongs to another text, or there is none. The text is read up to
    the end of its line, and of lines below that are indented as part of it.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        label: "Orders
        description: "One row each"
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        label: "Orders"
        description: "One row each"
    ```
    """
    return f"This text is not closed: its closing {args['quote']} is missing."


def escape_quotes(problem: Problem, context: Context) -> Iterator[Fix]:
    start, end = problem.location.span
    inner = text_of(problem, context)[start + 1 : end - 1]
    if problem.args["quote"] == '"':
        escaped = _INNER_DOUBLE.sub(r'\1\\"', inner)
    else:
        escaped = inner.replace("''", "'").replace("'", "''")
    yield from rewritten(problem, "Escape the quotes inside", start + 1, end - 1, escaped, "unsafe")


@rule("SYN208", "yaml-quote-in-quotes", Severity.ERROR, on="yaml", fix=escape_quotes)
def quote_in_quotes(args: Args) -> str:
    """A quoted text holds its own quote.

    The quote inside ends the text. In double quotes write it `\\"`, in single quotes write it
    twice, or use the other kind around the text. The last quote of the line is taken for the
    closing one.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        description: "The "real" orders"
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        description: 'The "real" orders'
    ```
    """
    way = '`\\"`' if args["quote"] == '"' else "twice, `''`"
    return f"This text holds its own quote, which ends it. Write the quote inside {way}."


def mend_escape(problem: Problem, _: Context) -> Iterator[Fix]:
    start, end = problem.location.span
    escape = str(problem.args["escape"])
    if problem.args["kind"] == "unknown":
        yield from rewritten(problem, "Double the backslash", start, start, "\\", "safe")
    elif problem.args["kind"] == "surrogates":
        high, low = int(escape[2:6], 16), int(escape[8:12], 16)
        char = chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)
        yield from rewritten(problem, f"Write {char}", start, end, char, "safe")


@rule("SYN209", "yaml-wrong-escape", Severity.ERROR, on="yaml", fix=mend_escape)
def wrong_escape(args: Args) -> str:
    r"""A backslash in double quotes begins no escape that YAML knows.

    In double quotes a backslash writes characters such as `\n`, `\t`, `\"` and `\u20AC`. A
    regular expression or a path is easier in single quotes, where a backslash is a backslash.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        description: "matches \d+"
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        description: 'matches \d+'
    ```
    """
    escape, kind = args["escape"], args["kind"]
    if kind == "surrogates":
        return f"`{escape}` is one character in two halves, which YAML does not join. Write itself."
    if kind == "no-character":
        return f"`{escape}` is not a character."
    return f"`{escape}` is no escape. Double the backslash, or use single quotes."


# --- text that YAML takes for something else ------------------------------------------------------


def quote_value(problem: Problem, context: Context) -> Iterator[Fix]:
    start, end = number(problem, "start"), number(problem, "end")
    edit = quote(problem.location.uri, text_of(problem, context), start, end)
    yield Fix("Put the text in quotes", (edit,), "safe")


@rule("SYN216", "yaml-colon-in-text", Severity.ERROR, on="yaml", fix=quote_value)
def colon_in_text(args: Args) -> str:
    """A text without quotes holds a colon and a space.

    A colon before a space ends a key, and a value cannot have a key of its own on the same line.
    The whole text is read as the value. Put it in quotes.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        description: Orders: one row each
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        description: 'Orders: one row each'
    ```
    """
    return "A colon before a space makes a key of the text before it. Put the whole text in quotes."


@rule("SYN217", "yaml-reserved-character", Severity.ERROR, on="yaml", fix=quote_value)
def reserved_character(args: Args) -> str:
    """A text without quotes begins with a character that means something in YAML.

    ``@``, `` ` `` and `%` are reserved; brackets, commas, `&`, `*`, `!`, `|` and `>` begin other
    things. The text is read as it stands. Put it in quotes.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        label: "@orders"
        description: @orders of the shop
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        label: "@orders"
        description: '@orders of the shop'
    ```
    """
    return f"A text cannot begin with `{args['char']}` unless it is in quotes."


def quote_template(problem: Problem, context: Context) -> Iterator[Fix]:
    text = text_of(problem, context)
    edit = quote(problem.location.uri, text, *problem.location.span)
    yield Fix("Put the text in quotes", (edit,), "safe")


@rule("SYN218", "yaml-unquoted-template", Severity.ERROR, on="yaml", fix=quote_template)
def unquoted_template(args: Args) -> str:
    """A value begins with a template that is not in quotes.

    `{{` opens a mapping within a mapping to YAML, so the file is no longer what it seems. The
    example is also found fault with by MOD109, because no template is evaluated there.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        description: {{ doc('orders') }}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        description: Orders of the shop
    ```
    """
    return "A text that begins with a template must be in quotes; YAML reads `{` as a mapping."


def remove_text(problem: Problem, context: Context) -> Iterator[Fix]:
    start, end = problem.location.span
    text = text_of(problem, context)
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    yield from rewritten(problem, "Remove it", start, end, "", "unsafe")


@rule("SYN223", "yaml-text-on-block-header", Severity.ERROR, on="yaml", fix=remove_text)
def text_on_block_header(args: Args) -> str:
    """Text stands on the line of `|` or `>`.

    These two begin a text on the lines below. What stands behind them on their own line, except
    for a comment, belongs to nothing and is not read.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        description: | Orders
          of the shop
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        description: |
          Orders
          of the shop
    ```
    """
    return "The text begins on the next line; what stands here is not part of it."


@rule("SYN226", "yaml-unexpected-text", Severity.ERROR, on="yaml", fix=remove_text)
def unexpected_text(args: Args) -> str:
    """Something stands where nothing can.

    Behind a closed quote or bracket only a comment can follow, and lines below such a value
    cannot go on with it. The text is not read.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        label: "Orders" of the shop
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        label: "Orders"   # of the shop
    ```
    """
    return "Nothing can stand here: the value before it is complete."

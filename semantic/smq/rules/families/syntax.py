"""Rules of the syntax of YAML files: what was damaged or half typed, and how it was read.

Whatever cannot be read as YAML is still read as it was most likely meant, so that the rest of the
file keeps its meaning; a rule tells where the guess was needed. The words name the thing in the
file, the fix is the shortest edit that makes it YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.problem import Fix, Problem, Safety, Severity
from smq.rules.registry import Args, Context, rule
from smq.rules.yaml_edits import quote, reindented
from smq.text import Edit, LineIndex, Span

_INNER_DOUBLE = re.compile(r'(?<!\\)((?:\\\\)*)"')


def _fix(
    problem: Problem, title: str, start: int, end: int, text: str, safety: Safety = "unsafe"
) -> Iterator[Fix]:
    yield Fix(title, (Edit(problem.location.uri, Span(start, end), text),), safety)


def _text(problem: Problem, context: Context) -> str:
    return context.parsed(problem.location.uri).document.text


def _number(problem: Problem, name: str) -> int:
    value = problem.args[name]
    assert isinstance(value, int)
    return value


def quote_value(problem: Problem, context: Context) -> Iterator[Fix]:
    start, end = _number(problem, "start"), _number(problem, "end")
    edit = quote(problem.location.uri, _text(problem, context), start, end)
    yield Fix("Put the text in quotes", (edit,), "safe")


# --- indentation ----------------------------------------------------------------------------------


def spaces_for_tabs(problem: Problem, _: Context) -> Iterator[Fix]:
    spaces = " " * _number(problem, "expected")
    yield from _fix(problem, "Indent with spaces", *problem.location.span, spaces, "safe")


@rule("SYN201", "yaml-tab-indentation", Severity.ERROR, on="yaml", fix=spaces_for_tabs)
def tab_indentation(args: Args) -> str:
    """A line of a YAML file is indented with a tab.

    YAML tells by the indentation what belongs to what, and forbids tabs there because nobody
    agrees how wide they are. The line is read as if it stood where its neighbours do, and the
    fix writes as many spaces.

    ```bad
    semantic_models:
      - name: orders
    \ttable: shop.orders
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
    ```
    """
    return (
        "YAML cannot be indented with tabs. "
        f"Use spaces; {args['expected']} of them fit the lines around."
    )


def reindent(problem: Problem, context: Context) -> Iterator[Fix]:
    parsed = context.parsed(problem.location.uri)
    found, expected = _number(problem, "found"), _number(problem, "expected")
    start = problem.location.span.start
    if problem.args["kind"] == "entry":
        edits = reindented(parsed, start, found, expected)
    else:
        lines = LineIndex(parsed.document.text)
        line = lines.line_start(lines.line_of(start))
        edits = (Edit(problem.location.uri, Span(line, line + found), " " * expected),)
    yield Fix(f"Indent by {expected}", edits, "unsafe")


@rule("SYN215", "yaml-wrong-indentation", Severity.ERROR, on="yaml", fix=reindent)
def wrong_indentation(args: Args) -> str:
    """A line stands in a column where nothing can stand.

    The entries of one list or one mapping begin in the same column, and text that goes on over
    several lines is indented deeper than its key. A line in between fits neither what is above
    it nor what is around it. It is read as an entry of the neighbours it most likely belongs to.

    ```bad
    semantic_models:
      - name: orders
         table: shop.orders
        label: Orders
    ```

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        description: |
          One row for each order
         and each change of it.
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        label: Orders
    ```

    The fix moves the line, with what is nested in it, to the column of its neighbours.
    """
    found, expected, kind = args["found"], args["expected"], args["kind"]
    spaces = f"indented by {found} {'space' if found == 1 else 'spaces'}"
    if kind == "block":
        return f"This line of the text is {spaces}; the text above it by {expected}."
    if kind == "text":
        return f"This line goes on with the text above, so it must be indented; {expected} fits."
    if kind == "blank":
        return (
            f"This empty line is {spaces}, the text below it by {expected}. YAML takes the wider "
            "one for the indentation of the text, and the text does not have it."
        )
    return f"This line is {spaces}, its neighbours by {expected}."


# --- keys and colons ----------------------------------------------------------------------------


def add_colon(problem: Problem, _: Context) -> Iterator[Fix]:
    end = problem.location.span.end
    yield from _fix(problem, "Add a colon", end, end, ":")


@rule("SYN202", "yaml-missing-colon", Severity.ERROR, on="yaml", fix=add_colon)
def missing_colon(args: Args) -> str:
    """A key has no colon behind it.

    In a mapping every entry is a key, a colon and a value. Text alone is read as a key that is
    being typed, without a value; lines nested under it are its value.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions
          - {name: status, type: varchar}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type: varchar}
    ```
    """
    key = args["key"] if len(args["key"]) <= 40 else args["key"][:39] + "…"
    return f"A colon is missing behind the key `{key}`."


def space_behind(problem: Problem, _: Context) -> Iterator[Fix]:
    end = problem.location.span.end
    yield from _fix(problem, "Add a space", end, end, " ", "safe")


@rule("SYN203", "yaml-missing-space", Severity.ERROR, on="yaml", fix=space_behind)
def missing_space(args: Args) -> str:
    """A colon is not followed by a space.

    YAML takes `name:x` for one word, because times and addresses have colons in them. It is read
    as the key and the value that were surely meant.

    ```bad
    semantic_models:
      - name: orders
        table:shop.orders
    ```

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - {name: status, type:varchar}
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
    ```
    """
    return f"A space is missing behind the colon of `{args['key']}`."


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


@rule("SYN225", "yaml-missing-key", Severity.WARNING, on="yaml")
def missing_key(args: Args) -> str:
    """A value has no key before its colon.

    YAML allows it, and the key is then nothing. Nobody looks up a value under nothing.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        meta:
          : sales
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        meta:
          owner: sales
    ```
    """
    return "The key is missing before this colon."


# --- lists --------------------------------------------------------------------------------------


@rule("SYN204", "yaml-missing-space-behind-dash", Severity.ERROR, on="yaml", fix=space_behind)
def missing_space_behind_dash(args: Args) -> str:
    """The dash of a list item is not followed by a space.

    `-name` is a word that begins with a dash. Among list items it is read as an item.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - name: status
            type: varchar
          -name: channel
            type: varchar
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - name: status
            type: varchar
          - name: channel
            type: varchar
    ```
    """
    return "A space is missing behind the dash of this list item."


def add_dash(problem: Problem, _: Context) -> Iterator[Fix]:
    dash = " " * _number(problem, "expected") + "- "
    start, line = problem.location.span.start, _number(problem, "line")
    yield from _fix(problem, "Add a dash", line, start, dash)


@rule("SYN205", "yaml-missing-dash", Severity.ERROR, on="yaml", fix=add_dash)
def missing_dash(args: Args) -> str:
    """An entry among list items has no dash.

    Every item of a list begins with a dash and a space. A key in the column of the dashes, and a
    key that the item above has as its first one, begin a new item.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - name: status
            type: varchar
          name: channel
            type: varchar
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        dimensions:
          - name: status
            type: varchar
          - name: channel
            type: varchar
    ```
    """
    return "A dash is missing: this stands among the items of a list."


@rule("SYN206", "yaml-unexpected-dash", Severity.ERROR, on="yaml")
def unexpected_dash(args: Args) -> str:
    """A list item stands where no list can begin.

    A list begins on the line below its key. A key has one value: a list below a key that already
    has a text on its line replaces the text.

    ```bad
    semantic_models: all
      - name: orders
        table: shop.orders
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
    ```

    There is no fix, because it may be the text or the list that is one too many.
    """
    if args["value"]:
        return f"A list cannot begin here: its key already has the value `{args['value']}`."
    return "A list cannot begin here. Begin it on the line below its key, or add the key."


# --- quotes -------------------------------------------------------------------------------------


def close_quote(problem: Problem, _: Context) -> Iterator[Fix]:
    end = problem.location.span.end
    yield from _fix(problem, "Close the quote", end, end, str(problem.args["quote"]))


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
    inner = _text(problem, context)[start + 1 : end - 1]
    if problem.args["quote"] == '"':
        escaped = _INNER_DOUBLE.sub(r'\1\\"', inner)
    else:
        escaped = inner.replace("''", "'").replace("'", "''")
    yield from _fix(problem, "Escape the quotes inside", start + 1, end - 1, escaped)


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
        yield from _fix(problem, "Double the backslash", start, start, "\\", "safe")
    elif problem.args["kind"] == "surrogates":
        high, low = int(escape[2:6], 16), int(escape[8:12], 16)
        char = chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)
        yield from _fix(problem, f"Write {char}", start, end, char, "safe")


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


# --- brackets -------------------------------------------------------------------------------------


def close_bracket(problem: Problem, _: Context) -> Iterator[Fix]:
    at, closer = _number(problem, "at"), str(problem.args["closer"])
    yield from _fix(problem, f"Add `{closer}`", at, at, closer)


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
    yield from _fix(problem, f"Write `{expected}`", *problem.location.span, expected)
    yield from _fix(problem, "Remove it", *problem.location.span, "")


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
    at = _number(problem, "at")
    yield from _fix(problem, "Add a comma", at, at, ",")


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
    text = _text(problem, context)
    while text[end : end + 1] == " ":
        end += 1
    yield from _fix(problem, "Remove the comma", start, end, "")


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


# --- text that YAML takes for something else ------------------------------------------------------


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
    text = _text(problem, context)
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
    text = _text(problem, context)
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    yield from _fix(problem, "Remove it", start, end, "")


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


# --- documents ------------------------------------------------------------------------------------


def start_document(problem: Problem, context: Context) -> Iterator[Fix]:
    lines = LineIndex(_text(problem, context))
    line = lines.line_start(lines.line_of(problem.location.span.start))
    yield from _fix(problem, "Begin a new document", line, line, "---\n")


@rule("SYN227", "yaml-content-behind-document", Severity.ERROR, on="yaml", fix=start_document)
def content_behind_document(args: Args) -> str:
    """Content follows a document that was complete.

    A YAML document is one value. What follows is read as another document, for which the line
    `---` is missing.

    ```bad
    -- models.yml --
    [1, 2]
    semantic_models:
      - name: orders
        table: shop.orders
    ```

    ```good
    -- models.yml --
    [1, 2]
    ---
    semantic_models:
      - name: orders
        table: shop.orders
    ```
    """
    return "The document ends before this. A list or a mapping around both, or `---`, is missing."


def remove_line(problem: Problem, context: Context) -> Iterator[Fix]:
    lines = LineIndex(_text(problem, context))
    line = lines.line_of(problem.location.span.start)
    end = lines.line_start(line + 1) if line + 1 < lines.line_count else problem.location.span.end
    yield from _fix(problem, "Remove the line", lines.line_start(line), end, "")


@rule("SYN228", "yaml-unknown-directive", Severity.WARNING, on="yaml", fix=remove_line)
def unknown_directive(args: Args) -> str:
    """A line with `%` before a document says nothing that YAML knows.

    There are two directives, `%YAML 1.2` and `%TAG`; others are passed over.

    ```bad
    %ENCODING utf-8
    ---
    semantic_models: []
    ```

    ```good
    %YAML 1.2
    ---
    semantic_models: []
    ```
    """
    return f"`{args['text']}` is no directive of YAML and is not read."


# --- limits ---------------------------------------------------------------------------------------


@rule("SYN243", "yaml-nested-too-deep", Severity.ERROR, on="yaml")
def nested_too_deep(args: Args) -> str:
    """Lists and mappings are nested deeper than any model needs.

    Beyond the limit nothing more of the file is read, so that a damaged or hostile file cannot
    exhaust the program. What stood before it is kept.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
    metrics:
      [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
      [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
      [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
    metrics: []
    ```
    """
    return f"Nested more than {args['limit']} deep; the rest of the file is not read."


def _many_commas() -> str:
    return "\n".join(["    " + "," * 90] * 12)


def too_many_problems(args: Args) -> str:
    return f"More than {args['limit']:,} faults of syntax; further ones are not listed."


too_many_problems.__doc__ = f"""A YAML file has more faults of syntax than anybody would read.

    The file is read to its end, but only the first faults are listed: SYN213 in this example.

    ```bad
    semantic_models:
      - name: orders
        table: shop.orders
        meta:
          tags: [
{_many_commas()}
          ]
    ```

    ```good
    semantic_models:
      - name: orders
        table: shop.orders
        meta: {{}}
    ```
    """
rule("SYN244", "yaml-too-many-problems", Severity.ERROR, on="yaml")(too_many_problems)

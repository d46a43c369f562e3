"""Rules of the structure of YAML files: indentation, keys, list items, documents, limits.

Whatever cannot be read as YAML is still read as it was most likely meant, so that the rest of the
file keeps its meaning; a rule tells where the guess was needed. The words name the thing in the
file, the fix is the shortest edit that makes it YAML.
"""

from __future__ import annotations

from collections.abc import Iterator

from smq.problem import Fix, Problem, Severity
from smq.rules.registry import Args, Context, rule
from smq.rules.syntax_edits import number, rewritten, text_of
from smq.rules.yaml_edits import reindented
from smq.text import Edit, LineIndex, Span

# --- indentation ----------------------------------------------------------------------------------


def spaces_for_tabs(problem: Problem, _: Context) -> Iterator[Fix]:
    spaces = " " * number(problem, "expected")
    yield from rewritten(problem, "Indent with spaces", *problem.location.span, spaces, "safe")


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
    found, expected = number(problem, "found"), number(problem, "expected")
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
    yield from rewritten(problem, "Add a colon", end, end, ":", "unsafe")


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
    yield from rewritten(problem, "Add a space", end, end, " ", "safe")


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
    dash = " " * number(problem, "expected") + "- "
    start, line = problem.location.span.start, number(problem, "line")
    yield from rewritten(problem, "Add a dash", line, start, dash, "unsafe")


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


# --- documents ------------------------------------------------------------------------------------


def start_document(problem: Problem, context: Context) -> Iterator[Fix]:
    lines = LineIndex(text_of(problem, context))
    line = lines.line_start(lines.line_of(problem.location.span.start))
    yield from rewritten(problem, "Begin a new document", line, line, "---\n", "unsafe")


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
    lines = LineIndex(text_of(problem, context))
    line = lines.line_of(problem.location.span.start)
    end = lines.line_start(line + 1) if line + 1 < lines.line_count else problem.location.span.end
    yield from rewritten(problem, "Remove the line", lines.line_start(line), end, "", "unsafe")


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

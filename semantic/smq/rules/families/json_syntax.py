"""Rules of the syntax of query files: JSON with comments and trailing commas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise

from smq.format.json_edit import literal, scalar_at
from smq.problem import Fix, Problem, Safety, Severity
from smq.rules.registry import Args, Context, rule
from smq.syntax import Mapping, Node, Sequence
from smq.text import Edit, Span

_CONTROL = re.compile(r"[\x00-\x1f]")
_OPEN_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)"')


def _edit(problem: Problem, start: int, end: int, text: str) -> Edit:
    return Edit(problem.location.uri, Span(start, end), text)


def _fix(
    problem: Problem, title: str, start: int, end: int, text: str, safety: Safety = "safe"
) -> Iterator[Fix]:
    yield Fix(title, (_edit(problem, start, end, text),), safety)


def _at(problem: Problem) -> int:
    at = problem.args["at"]
    assert isinstance(at, int)
    return at


# --- unclosed ---------------------------------------------------------------------------------


def close_string(problem: Problem, context: Context) -> Iterator[Fix]:
    start, stop = problem.location.span.start, _at(problem)
    if problem.args["quote"] == '"':
        yield from _fix(problem, "Close the string", stop, stop, '"', "unsafe")
        return
    scalar = scalar_at(context.parsed(problem.location.uri), start)
    if scalar is not None:
        yield from _fix(problem, "Close the string", start, stop, literal(scalar.text), "unsafe")


@rule("SYN101", "unclosed-string", Severity.ERROR, on="smq", fix=close_string)
def unclosed_string(args: Args) -> str:
    """A string has no closing quote.

    A JSON string ends on the line on which it begins. The text up to the brackets and commas at
    the end of the line is read as the string, so that the rest of the file keeps its meaning.
    The fix puts the quote there.

    ```bad
    {
      "metrics": ["total_brn_cnt]
    }
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"]
    }
    ```
    """
    return f"The string is not closed: a {args['quote']} is missing before the end of the line."


def close_bracket(problem: Problem, context: Context) -> Iterator[Fix]:
    close = str(problem.args["close"])
    yield from _fix(problem, f"Add `{close}`", _at(problem), _at(problem), close, "unsafe")


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
    fix=lambda problem, _: _fix(
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
            edits = (_edit(problem, start, start, "{"), _edit(problem, end, end, "}"))
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
    fix=lambda problem, _: _fix(problem, "Add the comma", *problem.location.span, ","),
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
    fix=lambda problem, _: _fix(problem, "Add the colon", *problem.location.span, ":"),
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
        yield from _fix(problem, "Write `null`", _at(problem), _at(problem), " null", "unsafe")


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
    fix=lambda problem, _: _fix(problem, "Remove the comma", *problem.location.span, ""),
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


# --- words ------------------------------------------------------------------------------------


def use_double_quotes(problem: Problem, context: Context) -> Iterator[Fix]:
    scalar = scalar_at(context.parsed(problem.location.uri), problem.location.span.start)
    if scalar is not None and scalar.span == problem.location.span:
        yield from _fix(problem, "Use double quotes", *problem.location.span, literal(scalar.text))


@rule("SYN107", "wrong-quotes", Severity.ERROR, on="smq", fix=use_double_quotes)
def wrong_quotes(args: Args) -> str:
    """A string stands in quotes that JSON does not have.

    JSON knows `"` alone. Single quotes come from Python and SQL, curly ones from word processors
    and chats.

    ```bad
    {'metrics': ["total_brn_cnt"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return f'JSON strings stand in double quotes ("…"), and not in {args["quote"]}.'


def add_quotes(problem: Problem, context: Context) -> Iterator[Fix]:
    start, end = problem.location.span
    text = str(problem.args["text"])
    if problem.args["closed"]:
        end += 1
    safety: Safety = "safe" if problem.args["key"] else "unsafe"
    yield from _fix(problem, "Put it into quotes", start, end, literal(text), safety)


@rule("SYN108", "unquoted-text", Severity.ERROR, on="smq", fix=add_quotes)
def unquoted_text(args: Args) -> str:
    """A key or a string has no quotes.

    ```bad
    {metrics: ["total_brn_cnt"]}
    ```

    ```bad
    {"metrics": [total_brn_cnt]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    if args["closed"]:
        return f'The opening quote is missing: write "{args["text"]}".'
    what = "Keys" if args["key"] else "Strings"
    return f'{what} stand in double quotes: write "{args["text"]}".'


def use_json_word(problem: Problem, context: Context) -> Iterator[Fix]:
    instead = str(problem.args["instead"])
    if instead:
        yield from _fix(problem, f"Write `{instead}`", *problem.location.span, instead)


@rule("SYN109", "not-json-value", Severity.ERROR, on="smq", fix=use_json_word)
def not_json_value(args: Args) -> str:
    """A word or number of another language stands where JSON has its own.

    JSON knows `true`, `false`, `null` and decimal numbers such as `10`, `-1.5` and `1e3`. It has
    no `True`, `None`, `NaN` or `Infinity`, and no `.5`, `+1`, `1_000`, `010` or `0x10`.

    ```bad
    {"metrics": ["total_brn_cnt"], "limit": None}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "limit": null}
    ```
    """
    instead = f" Write `{args['instead']}`." if args["instead"] else ""
    return f"JSON has no `{args['text']}`.{instead}"


def remove_text(problem: Problem, context: Context) -> Iterator[Fix]:
    yield from _fix(problem, "Remove it", *problem.location.span, "", "unsafe")


@rule("SYN110", "unexpected-text", Severity.ERROR, on="smq", fix=remove_text)
def unexpected_text(args: Args) -> str:
    """Text stands where nothing can stand.

    Left-over brackets, prose around a query, Markdown fences that were copied with it: what
    cannot be understood is passed over, and the rest is read.

    ```bad
    {"metrics": ["total_brn_cnt"]}}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return f"`{args['text']}` cannot stand here; remove it."


def replace_invisible(problem: Problem, context: Context) -> Iterator[Fix]:
    text = problem.location.span.cut(context.parsed(problem.location.uri).document.text)
    instead = " " if any(char.isspace() for char in text) else ""
    title = "Use an ordinary space" if instead else "Remove the character"
    yield from _fix(problem, title, *problem.location.span, instead)


@rule("SYN124", "invisible-character", Severity.ERROR, on="smq", fix=replace_invisible)
def invisible_character(args: Args) -> str:
    """A space that is none for JSON stands between the values.

    No-break and full-width spaces, zero-width characters and the like come with text from web
    pages and chats. They look like nothing and stop every JSON reader. Inside strings they are
    allowed.

    ```bad
    {"metrics":　["total_brn_cnt"]}
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    ```
    """
    return f"The invisible character {args['character']} cannot stand between values."


# --- inside strings -----------------------------------------------------------------------------


def escape_controls(problem: Problem, context: Context) -> Iterator[Fix]:
    parsed = context.parsed(problem.location.uri)
    scalar = scalar_at(parsed, problem.location.span.start)
    if scalar is None:
        return
    edits = tuple(
        _edit(problem, match.start(), match.end(), json.dumps(match[0])[1:-1])
        for match in _CONTROL.finditer(parsed.document.text, *scalar.span)
    )
    yield Fix("Write it as an escape", edits, "safe")


@rule("SYN113", "control-character", Severity.ERROR, on="smq", fix=escape_controls)
def control_character(args: Args) -> str:
    r"""A string holds a tab or another control character as it is.

    JSON wants them written as escapes, such as `\t`.

    ```bad
    {"metrics": ["total_brn_cnt"], "description": "branches	by state"}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "description": "branches\tby state"}
    ```
    """
    return f"The control character {args['character']} stands in a string; write it as an escape."


def double_backslash(problem: Problem, context: Context) -> Iterator[Fix]:
    start = problem.location.span.start
    title = "Write the backslash as `\\\\`"
    yield from _fix(problem, title, start, start + 1, "\\\\", "unsafe")


@rule("SYN114", "wrong-escape", Severity.ERROR, on="smq", fix=double_backslash)
def wrong_escape(args: Args) -> str:
    r"""A backslash begins no escape that JSON has.

    JSON has `\"`, `\\`, `\/`, `\b`, `\f`, `\n`, `\r`, `\t` and `\u` with four hexadecimal
    digits. A backslash that SQL is to see, as in a regular expression, is written twice; the fix
    does that.

    ```bad
    {"metrics": ["total_brn_cnt"], "description": "codes like B\d"}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "description": "codes like B\\d"}
    ```
    """
    return f"JSON has no escape `{args['escape']}`; a backslash itself is written `\\\\`."


@rule("SYN115", "half-character", Severity.ERROR, on="smq")
def half_character(args: Args) -> str:
    r"""An escape is half of a character.

    Characters outside of the basic plane, such as emoji, are two `\u` escapes in JSON. One alone
    is no character; no file and no engine can hold it.

    ```bad
    {"metrics": ["total_brn_cnt"], "description": "\ud83d"}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "description": "\ud83d\ude00"}
    ```
    """
    return f"`{args['escape']}` is half of a surrogate pair and no character."


def escape_quotes(problem: Problem, context: Context) -> Iterator[Fix]:
    text = context.parsed(problem.location.uri).document.text
    start, end = problem.args["first"], problem.args["stop"]
    assert isinstance(start, int) and isinstance(end, int)
    inside = _OPEN_QUOTE.sub(r'\1\\"', text[start + 1 : end - 1])
    yield from _fix(problem, 'Write the quotes as `\\"`', start, end, f'"{inside}"', "unsafe")


@rule("SYN121", "unescaped-quote", Severity.ERROR, on="smq", fix=escape_quotes)
def unescaped_quote(args: Args) -> str:
    r"""A double quote inside a string is not escaped.

    It would end the string. SQL identifiers in double quotes are the usual case: inside JSON they
    are written `\"…\"`.

    ```bad
    {"metrics": ["total_brn_cnt"], "description": "the "active" branches"}
    ```

    ```good
    {"metrics": ["total_brn_cnt"], "description": "the \"active\" branches"}
    ```
    """
    return 'A `"` inside a string is written `\\"`, because it would end the string.'


# --- comments and limits ------------------------------------------------------------------------


def close_comment(problem: Problem, context: Context) -> Iterator[Fix]:
    yield from _fix(problem, "Close the comment", _at(problem), _at(problem), "*/", "unsafe")


@rule("SYN116", "unclosed-comment", Severity.ERROR, on="smq", fix=close_comment)
def unclosed_comment(args: Args) -> str:
    """A comment that begins with `/*` has no `*/`.

    Everything up to the end of the file is in it.

    ```bad
    {"metrics": ["total_brn_cnt"]}
    /* branches by state
    ```

    ```good
    {"metrics": ["total_brn_cnt"]}
    /* branches by state */
    ```
    """
    return "The comment is not closed: `*/` is missing, and the rest of the file is in it."


@rule(
    "SYN117",
    "wrong-comment",
    Severity.ERROR,
    on="smq",
    fix=lambda problem, _: _fix(problem, "Write `//`", *problem.location.span, "//"),
)
def wrong_comment(args: Args) -> str:
    """A comment begins with `#`.

    Comments in query files are those of JSON with comments: `//` up to the end of the line, or
    from `/*` to `*/`.

    ```bad
    {
      # branches by state
      "metrics": ["total_brn_cnt"]
    }
    ```

    ```good
    {
      // branches by state
      "metrics": ["total_brn_cnt"]
    }
    ```
    """
    return "A comment begins with `//` and not with `#`."


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
    """A file has more faults of syntax than anybody would read.

    Reading stops there: such a file is no JSON, or was damaged in one place near its beginning.
    The others, SYN106 in this example, are listed before it.

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
    return f"The file has more than {args['limit']:,} faults of syntax; the rest is not read."

"""Rules of the words of query files: strings, escapes, numbers, comments, stray characters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from smq.format.json_edit import literal, scalar_at
from smq.problem import Fix, Problem, Safety, Severity
from smq.rules.registry import Args, Context, rule
from smq.rules.syntax_edits import number, rewritten
from smq.text import Edit, Span

_CONTROL = re.compile(r"[\x00-\x1f]")
_OPEN_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)"')


# --- words ------------------------------------------------------------------------------------


def close_string(problem: Problem, context: Context) -> Iterator[Fix]:
    start, stop = problem.location.span.start, number(problem, "at")
    if problem.args["quote"] == '"':
        yield from rewritten(problem, "Close the string", stop, stop, '"', "unsafe")
        return
    scalar = scalar_at(context.parsed(problem.location.uri), start)
    if scalar is not None:
        yield from rewritten(
            problem, "Close the string", start, stop, literal(scalar.text), "unsafe"
        )


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


def use_double_quotes(problem: Problem, context: Context) -> Iterator[Fix]:
    scalar = scalar_at(context.parsed(problem.location.uri), problem.location.span.start)
    if scalar is not None and scalar.span == problem.location.span:
        yield from rewritten(
            problem, "Use double quotes", *problem.location.span, literal(scalar.text), "safe"
        )


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
    yield from rewritten(problem, "Put it into quotes", start, end, literal(text), safety)


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
        yield from rewritten(problem, f"Write `{instead}`", *problem.location.span, instead, "safe")


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
    yield from rewritten(problem, "Remove it", *problem.location.span, "", "unsafe")


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
    yield from rewritten(problem, title, *problem.location.span, instead, "safe")


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
        Edit(problem.location.uri, Span(match.start(), match.end()), json.dumps(match[0])[1:-1])
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
    yield from rewritten(problem, title, start, start + 1, "\\\\", "unsafe")


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
    yield from rewritten(problem, 'Write the quotes as `\\"`', start, end, f'"{inside}"', "unsafe")


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


# --- comments -----------------------------------------------------------------------------------


def close_comment(problem: Problem, context: Context) -> Iterator[Fix]:
    yield from rewritten(
        problem, "Close the comment", number(problem, "at"), number(problem, "at"), "*/", "unsafe"
    )


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
    fix=lambda problem, _: rewritten(problem, "Write `//`", *problem.location.span, "//", "safe"),
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

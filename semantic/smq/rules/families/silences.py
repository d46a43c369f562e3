"""Rules of silencing comments."""

from __future__ import annotations

from collections.abc import Iterator

from smq.problem import Fix, Problem, Severity
from smq.rules.registry import Args, Context, rule, rules
from smq.text import Edit, Span, nearest


def remove_code(problem: Problem, context: Context) -> Iterator[Fix]:
    """Drop the code from its comment, and the comment with its last code."""
    uri, span = problem.location
    text = context.parsed(uri).document.text
    comment = problem.args["comment"]
    if problem.args["alone"] and isinstance(comment, tuple):
        yield Fix("Remove the comment", (Edit(uri, _whole(text, *comment), ""),), "safe")
        return
    start, end = span
    after = len(text[end:]) - len(text[end:].lstrip(" \t,"))
    if text[end + after] == "]":
        # The last one of the list goes with the comma before it.
        start = len(text[:start].rstrip(" \t,"))
    else:
        end += after
    title = f"Remove '{problem.args['code']}' from the comment"
    yield Fix(title, (Edit(uri, Span(start, end), ""),), "safe")


def _whole(text: str, start: int, end: int) -> Span:
    """The comment with its line if it stands alone, else with the blanks before it."""
    line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    if text.startswith("\ufeff", line_start):
        line_start += 1
    if text[line_start:start].strip(" \t"):
        return Span(len(text[:start].rstrip(" \t")), end)
    rest = end + len(text[end:]) - len(text[end:].lstrip(" \t"))
    for line_end in ("\r\n", "\n", "\r"):
        if text.startswith(line_end, rest):
            return Span(line_start, rest + len(line_end))
    return Span(start, end)


def use_nearest_rule(problem: Problem, context: Context) -> Iterator[Fix]:
    for code in _near(str(problem.args["code"])):
        yield Fix(f"Use '{code}'", (Edit(*problem.location, code),))


def _near(code: str) -> tuple[str, ...]:
    known = rules()
    if code[:1].isupper():
        return nearest(code, known, limit=1)
    return nearest(code, (each.name for each in known.values()), limit=1)


@rule("SIL101", "unused-silence", Severity.WARNING, on="both", fix=remove_code)
def unused_silence(args: Args) -> str:
    """A comment silences a rule that finds nothing there.

    What it once hid is gone, or it never stood on the right line. Left in place it would hide
    the next mistake of that kind without anybody knowing. A comment speaks for its own line, or
    for the next line when nothing else is on its own; `ignore-file` speaks for the whole file.

    ```bad
    {
      // smq: ignore[NAM101]
      "metrics": ["total_brn_cnt"]
    }
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"]
    }
    ```

    The fix removes the code from the comment, and the comment with its last code.
    """
    where = "in this file" if args["whole_file"] else "on the line it speaks for"
    return f"Nothing here is silenced by '{args['code']}': no such finding {where}. Remove it."


@rule("SIL102", "silence-of-unknown-rule", Severity.WARNING, on="both", fix=use_nearest_rule)
def silence_of_unknown_rule(args: Args) -> str:
    """A silencing comment names a rule that does not exist.

    It silences nothing. A rule is named by its code (`NAM101`), its name (`unknown-metric`) or
    the beginning of a code (`NAM`). `smq rule` lists them all.

    ```bad
    {
      // smq: ignore[NAN999]
      "metrics": ["total_brn_cnt"]
    }
    ```

    ```good
    {
      "metrics": ["total_brn_cnt"]
    }
    ```
    """
    near = _near(str(args["code"]))
    hint = f" Did you mean '{near[0]}'?" if near else " `smq rule` lists the rules."
    return f"There is no rule '{args['code']}', so this comment silences nothing.{hint}"


@rule("SIL103", "silence-without-code", Severity.WARNING, on="both")
def silence_without_code(args: Args) -> str:
    """A silencing comment does not say which rule it silences.

    A comment that silenced everything would also hide the mistakes that nobody has made yet, so
    the code is required: `smq: ignore[NAM101]`.

    ```bad
    {
      // smq: ignore
      "metrics": ["total_brn_cnt"]
    }
    ```

    ```good
    {
      // The total of all branches, closed ones too.
      "metrics": ["total_brn_cnt"]
    }
    ```

    There is no fix, because the program cannot know which findings are meant to be hidden.
    """
    return (
        "This comment silences nothing: it must name the rule in brackets, such as "
        "'smq: ignore[NAM101]'."
    )

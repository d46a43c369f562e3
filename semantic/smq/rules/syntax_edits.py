"""What the rules of both syntaxes need to mend a text: its characters, and one edit as a fix."""

from __future__ import annotations

from collections.abc import Iterator

from smq.problem import Fix, Problem, Safety
from smq.rules.registry import Context
from smq.text import Edit, Span


def rewritten(
    problem: Problem, title: str, start: int, end: int, text: str, safety: Safety
) -> Iterator[Fix]:
    """One fix, which writes `text` in the place of the characters from `start` to `end`."""
    yield Fix(title, (Edit(problem.location.uri, Span(start, end), text),), safety)


def text_of(problem: Problem, context: Context) -> str:
    """The whole text of the file that a problem stands in."""
    return context.parsed(problem.location.uri).document.text


def number(problem: Problem, name: str) -> int:
    """A place or a width among a problem's facts, in characters."""
    value = problem.args[name]
    assert isinstance(value, int)
    return value

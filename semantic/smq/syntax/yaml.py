"""The YAML reader: a tree with exact offsets, also of text that is being typed.

`parse` never raises. One damaged character costs at most the item it stands in: every line is
placed by its indentation and its shape, and what fits nowhere becomes a problem and a hole.
"""

from __future__ import annotations

import re

from smq.problem import Problem
from smq.syntax.nodes import MAX_MODELS, Document, Parsed, Splice
from smq.syntax.yaml_blocks import BlockReader
from smq.syntax.yaml_state import MAX_DEPTH, State, TooDeepError, TooManyProblemsError
from smq.text import Location, Span

MAX_CONTROL_CHARACTERS = 64

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_SEPARATOR = re.compile("[\x85\u2028\u2029]")


def parse(document: Document) -> Parsed:
    """Read a document. Files too large, too deep or not text at all give `complete=False`."""
    text = document.text
    if len(text) > MAX_MODELS:
        return _refuse(document, "FIL103", 0, size=len(text), limit=MAX_MODELS)
    state = State(document.uri, text)
    controls = _controls(text)
    if len(controls) > MAX_CONTROL_CHARACTERS:
        return _refuse(document, "FIL102", controls[0], offset=controls[0], guess="", binary=True)
    for offset in controls:
        state.report("SYN240", offset, offset + 1, char=ord(text[offset]))
    if not text.isascii():
        for match in _SEPARATOR.finditer(text):
            state.report("SYN232", *match.span(), char=ord(match.group()))
    reader = BlockReader(state)
    complete = True
    try:
        reader.read(1 if text.startswith("\ufeff") else 0)
    except TooDeepError as error:
        offset = error.args[0]
        state.report("SYN243", offset, offset + 1, limit=MAX_DEPTH)
        complete = False
    except TooManyProblemsError:
        complete = False
    state.ending = True
    roots = reader.finish()
    problems = sorted(state.problems, key=lambda problem: problem.location.span)
    comments = tuple(state.comments)
    return Parsed(document, roots, tuple(problems), comments, complete, state.bound)


def parse_again(document: Document, before: Parsed) -> tuple[Parsed, Splice | None]:
    """What `parse` makes of a document, and how that was made from an earlier tree, if it was.

    The less the text differs from the earlier one, the faster.
    """
    # Here, because nothing is read again before somebody writes.
    from smq.syntax.yaml_again import read_again

    again = None
    if len(document.text) <= MAX_MODELS:
        again = read_again(document, before, parse)
    return again if again is not None else (parse(document), None)


def _controls(text: str) -> list[int]:
    """Offsets of characters that no text file has, up to one more than are worth telling."""
    offsets: list[int] = []
    for match in _CONTROL.finditer(text):
        offsets.append(match.start())
        if len(offsets) > MAX_CONTROL_CHARACTERS:
            break
    return offsets


def _refuse(document: Document, code: str, offset: int, /, **args: object) -> Parsed:
    where = Location(document.uri, Span(offset, min(offset + 1, len(document.text))))
    return Parsed(document, (), (Problem(code, where, args),), (), complete=False)

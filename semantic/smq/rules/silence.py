"""Comments that silence findings in place, and which of them silence nothing.

`# smq: ignore[MET201]` in YAML and `// smq: ignore[NAM101]` in queries speak for their own line,
or for the next one when they stand alone; `ignore-file` speaks for the whole file. A finding is
on the line where it begins, and on the line where the YAML scalar begins that it lies in, as
nobody can write a comment inside a block of SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from smq.problem import Problem
from smq.rules.registry import Rule, find
from smq.syntax import Alias, Mapping, Node, Parsed, Scalar, Sequence
from smq.text import LineIndex, Location, Span
from smq.workspace.configuration import specificity

_COMMENT = re.compile(
    r"(?://|/\*|\#)\s*smq:\s*ignore(?P<file>-file)?(?![\w-])\s*(?:\[(?P<codes>[^\]\n]*)\])?"
)
_CODE = re.compile(r"[^\s,]+")


@dataclass(slots=True)
class Silenced:
    """One code in one comment."""

    code: str
    span: Span
    used: bool = False


@dataclass(slots=True)
class Silence:
    """One silencing comment; `line` is the line it speaks for, None for the whole file."""

    comment: Span
    line: int | None
    codes: list[Silenced] = field(default_factory=list)


class Silences:
    """The silencing comments of one file. Remembers which codes were of use."""

    def __init__(self, parsed: Parsed, lines: LineIndex) -> None:
        self._parsed = parsed
        self._lines = lines
        self._silences = tuple(_read(parsed, lines))

    def __bool__(self) -> bool:
        return bool(self._silences)

    def silences(self, rule: Rule, span: Span) -> bool:
        """Whether a comment names the rule on the finding's line; marks that code as used."""
        if not self._silences:
            return False
        on_lines = self._lines_of(span)
        found = False
        for silence in self._silences:
            if silence.line is not None and silence.line not in on_lines:
                continue
            for code in silence.codes:
                if specificity(code.code, rule.code, rule.name) is not None:
                    code.used = True
                    found = True
        return found

    def problems(self, enabled: Iterable[Rule]) -> Iterator[Problem]:
        """What is wrong with the comments themselves, after all findings have been asked about.

        A code is called unused only if a rule it names is in force, because a run with fewer
        rules says nothing about the others.
        """
        uri = self._parsed.document.uri
        active = tuple(enabled)
        for silence in self._silences:
            if not silence.codes:
                yield Problem("SIL103", Location(uri, silence.comment))
            for code in silence.codes:
                if not _names_a_rule(code.code):
                    yield Problem("SIL102", Location(uri, code.span), {"code": code.code})
                elif not code.used and any(
                    specificity(code.code, rule.code, rule.name) is not None for rule in active
                ):
                    yield Problem(
                        "SIL101",
                        Location(uri, code.span),
                        {
                            "code": code.code,
                            "whole_file": silence.line is None,
                            "comment": tuple(silence.comment),
                            "alone": len(silence.codes) == 1,
                        },
                    )

    def _lines_of(self, span: Span) -> set[int]:
        on_lines = {self._lines.line_of(span.start)}
        if self._parsed.document.kind != "smq":
            for root in self._parsed.roots:
                pair_start = _start_of_scalar(root, span.start)
                if pair_start is not None:
                    on_lines.add(self._lines.line_of(pair_start))
        return on_lines


def _read(parsed: Parsed, lines: LineIndex) -> Iterator[Silence]:
    text = parsed.document.text
    comment_lines = {
        lines.line_of(span.start)
        for span in parsed.comments
        if not lines.line_text(lines.line_of(span.start))[
            : span.start - lines.line_start(lines.line_of(span.start))
        ].strip("\ufeff \t")
    }
    for span in parsed.comments:
        match = _COMMENT.match(text, span.start, span.end)
        if match is None:
            continue
        line: int | None = lines.line_of(span.start)
        if match["file"]:
            line = None
        elif line in comment_lines:
            # Several comments may stand above one line, each with its own code.
            line = lines.line_of(span.end)
            while line in comment_lines and line < lines.line_count:
                line += 1
        silence = Silence(span, line)
        if match["codes"] is not None:
            for code in _CODE.finditer(text, *match.span("codes")):
                silence.codes.append(Silenced(code.group(), Span(*code.span())))
        yield silence


def _names_a_rule(code: str) -> bool:
    from smq.rules.registry import rules

    return find(code) is not None or any(
        specificity(code, rule.code, rule.name) is not None for rule in rules().values()
    )


def _start_of_scalar(node: Node | None, offset: int) -> int | None:
    """Where the pair or item begins whose scalar value covers the offset."""
    start: int | None = None
    while node is not None and not isinstance(node, Alias):
        if isinstance(node, Scalar):
            return node.span.start if start is None else start
        inner: Node | None = None
        if isinstance(node, Mapping):
            for pair in node.pairs:
                if pair.value is not None and pair.value.span.contains(offset):
                    inner, start = pair.value, pair.key.span.start
        elif isinstance(node, Sequence):
            for item in node.items:
                if item is not None and item.span.contains(offset):
                    inner, start = item, item.span.start
        node = inner
    return None

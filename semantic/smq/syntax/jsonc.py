"""JSON with comments and trailing commas, read with places and past any fault.

`parse` never raises: it understands what it can and hands back one plainly-worded problem for
each fault. The loop below takes the tokens that fit, which are nearly all; the rest goes to
`jsonc_recovery.py`. The byte-order mark and every line end count as they stand in the text, so
that all offsets are offsets into the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.problem import Problem
from smq.syntax.jsonc_recovery import Reading
from smq.syntax.jsonc_state import AFTER, COLON, NEXT, VALUE
from smq.syntax.jsonc_strings import decode
from smq.syntax.jsonc_words import Token
from smq.syntax.nodes import (
    Document,
    Mapping,
    Node,
    Pair,
    Parsed,
    Scalar,
    Sequence,
    Value,
    size_limit,
)
from smq.text import Location, Span

# 1 a string without escapes, 2 punctuation, 3 a word, 4 a number, 5 a comment, 6 any closed string
_TOKEN = re.compile(
    r'[ \t\r\n]*(?:"([^"\\\x00-\x1f]*)"'
    r"|([{}\[\],:])"
    r"|(true|false|null)(?![\w$.+\"'-])"
    r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w$.+\"'-])"
    r"|(//[^\r\n]*|/\*[\s\S]*?\*/)"
    r'|"([^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*)")'
)
_BLANK = re.compile(r"[ \t\r\n]*")
_GAP = re.compile(r"(?>(?:[ \t\r\n]++|//[^\r\n]*+|/\*[\s\S]*?\*/)*)")
_STRING, _PUNCTUATION, _WORD, _NUMBER, _COMMENT, _ESCAPED = range(1, 7)
_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}


def parse(document: Document) -> Parsed:
    """Read a document as JSONC.

    Parsed.roots holds the one value of the file; none for a file of blanks and comments, and
    further values, reported once, where a file holds several. Holes are None. A text over the
    limit of its kind is not read, and nesting over the limit is left out; both are reported and
    leave `complete` False.
    """
    limit = size_limit(document.uri)
    if len(document.text) > limit:
        place = Location(document.uri, Span(0, 0))
        problem = Problem("FIL103", place, {"size": len(document.text), "limit": limit})
        return Parsed(document, (), (problem,), complete=False)
    reading = Reading(document)
    _read(reading)
    roots = reading.finish()
    problems = tuple(sorted(reading.problems, key=lambda problem: problem.location.span))
    return Parsed(document, roots, problems, tuple(reading.comments), reading.complete)


def trailing_commas(parsed: Parsed) -> Iterator[Span]:
    """The commas behind the last item of a container, which strict JSON forbids, in tree order."""
    text = parsed.document.text
    waiting: list[Node | None] = list(reversed(parsed.roots))
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            children: tuple[Pair | Node | None, ...] = node.pairs
            waiting.extend(pair.value for pair in reversed(node.pairs))
        elif isinstance(node, Sequence):
            children = node.items
            waiting.extend(reversed(node.items))
        else:
            continue
        last = children[-1] if children else None
        if last is not None:
            gap = _GAP.match(text, last.span.end)
            at = gap.end() if gap else last.span.end
            if at < node.span.end and text[at] == ",":
                yield Span(at, at + 1)


def _read(reading: Reading) -> None:
    text = reading.text
    match = _TOKEN.match
    new = tuple.__new__
    pos = 1 if text.startswith("\ufeff") else 0
    reading.last = pos
    while True:
        found = match(text, pos)
        if found is None:
            blank = _BLANK.match(text, pos)
            start = blank.end() if blank else pos
            if start >= len(text) or reading.stopped:
                return
            if reading.skipping:
                if text.startswith("/*", start):
                    return
                pos = start + 1
                continue
            pos = reading.junk(start)
            continue
        kind = found.lastindex
        end = found.end()
        if reading.skipping:
            pos = end
            if kind == _PUNCTUATION:
                reading.skipping += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[2], 0)
                if not reading.skipping:
                    reading.place(None, end)
            continue
        state = reading.state
        if kind == _STRING:
            value = found[1]
            start = end - len(value) - 2
            if reading.is_object:
                if state == VALUE:
                    key = reading.key
                    node = Scalar(new(Span, (start, end)), value, value, "double")
                    reading.pairs.append(
                        Pair(new(Span, (key.span[0], end)), key, node)  # type: ignore[union-attr, arg-type]
                    )
                    reading.key = None
                    reading.state = AFTER
                elif state <= NEXT:
                    reading.key = Scalar(new(Span, (start, end)), value, value, "double")
                    reading.state = COLON
                else:
                    pos = reading.misfit("string", start, end)
                    continue
            elif state <= NEXT:
                node = Scalar(new(Span, (start, end)), value, value, "double")
                reading.items.append(node)
                reading.before = reading.last
                reading.state = AFTER
            else:
                pos = reading.misfit("string", start, end)
                continue
            reading.last = pos = end
        elif kind == _PUNCTUATION:
            char = found[2]
            start = end - 1
            if char == ",":
                if state == AFTER and reading.stack:
                    reading.state = NEXT
                    reading.last = pos = end
                    continue
                token: Token = "comma"
            elif char == ":":
                if state == COLON:
                    reading.state = VALUE
                    reading.last = pos = end
                    continue
                token = "colon"
            elif char == "]" or char == "}":
                if (
                    reading.is_object == (char == "}")
                    and (state <= NEXT or state == AFTER)
                    and reading.stack
                ):
                    reading.close(end)
                    pos = end
                    continue
                token = "close"
            else:
                if state == VALUE if reading.is_object else state <= NEXT:
                    reading.open(char == "{", start)
                    pos = end
                    continue
                token = "open"
            pos = reading.misfit(token, start, end)
            if reading.stopped:
                return
        elif kind == _COMMENT:
            reading.comments.append(new(Span, found.span(5)))
            pos = end
        else:
            pos = _scalar(reading, found, end)
            if reading.stopped:
                return


def _scalar(reading: Reading, found: re.Match[str], end: int) -> int:
    """Take a number, a word or a string with escapes."""
    kind = found.lastindex
    state = reading.state
    fits = state == VALUE if reading.is_object else state <= NEXT
    if kind == _ESCAPED:
        raw = found[6]
        start = end - len(raw) - 2
        if not (fits or (reading.is_object and state <= NEXT)):
            return reading.misfit("string", start, end)
        decoded = decode(raw, start + 1)
        for fault in decoded.faults:
            reading.report(fault.code, fault.start, fault.end, **fault.args)
        text = decoded.text
        reading.place(Scalar(Span(start, end), text, text, "double", decoded.segments), end)
        return end
    written = found[3] if kind == _WORD else found[4]
    start = end - len(written)
    if not fits:
        return reading.misfit("scalar", start, end)
    if kind == _WORD:
        reading.place(Scalar(Span(start, end), _WORDS[written], written), end)
        return end
    value: int | float
    if written.lstrip("-").isdigit():
        if len(written) > 4_000:
            # Python refuses to convert more digits; nobody means such a number.
            reading.report("SYN109", start, end, text=written[:40] + "…", instead="")
            reading.place(None, end)
            return end
        value = int(written)
    else:
        value = float(written)
    reading.place(Scalar(Span(start, end), value, written), end)
    return end

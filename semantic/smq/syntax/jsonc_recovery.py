"""What the JSONC reader does with text that is not JSON: one problem for each fault, and go on.

`Reading` is the state of one reading: the open container, what it waits for, and the containers
around it on an explicit stack, so that no depth of nesting can exhaust Python's own. The root is
an array without brackets. The reader's loop (`jsonc.py`) calls `misfit` for a token that the
state does not allow and `junk` where no token begins; both return the offset to go on from and
either move on or change the state, so that reading always ends.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from smq.problem import Problem, Related
from smq.syntax.jsonc_strings import decode
from smq.syntax.nodes import Document, Mapping, Node, Pair, Scalar, Sequence, Value
from smq.text import Location, Span

MAX_DEPTH = 128
MAX_PROBLEMS = 1_000

# What the open container waits for. Up to NEXT an item or key may come.
FIRST, NEXT, COLON, VALUE, AFTER = range(5)

Token = Literal["string", "scalar", "open", "close", "comma", "colon"]

# Possessive, because a gap that cannot be followed must not be tried in every other way.
_GAP = r"(?:[ \t\r\n]++|//[^\r\n]*+|/\*[\s\S]*?\*/)*+"
_KEY_AHEAD = re.compile(r'"[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*"[ \t]*:')
_NAME_AHEAD = re.compile(_GAP + r",?" + _GAP + r'"[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*"[ \t]*:')
_REST = re.compile(_GAP + r"(.?)")
_LINE = re.compile(r"[^\r\n]*")
_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')
_LAST_QUOTE = re.compile(r'"(?=[ \t]*(?:[,\]}:\r\n]|//|/\*|\Z))')
_WORD_AHEAD = re.compile(r"[^\s:,\[\]{}\"']+(?=[ \t]*:)")
_CUT = " \t,:[]{}"
# No line that people write is longer, and no file that is meant has more damaged quotes: what
# exceeds them is read without guessing, so that reading stays linear.
_LOOK = 20_000
_MAX_REPAIRS = 100
_BARE = re.compile(r'(?:[^,:\[\]{}"\r\n/]++|/(?![/*]))++')
_BARE_KEY = re.compile(r'(?:[^,:\[\]{}"\r\n/=]++|/(?![/*]))++')
_OUTSIDE = re.compile(r"(?:[^\[{\r\n/]++|/(?![/*]))++")
_INVISIBLE = re.compile(r"(?:[^\S \t\r\n]|[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\u2060\ufeff])+")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9A-Fa-f]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][+-]?[0-9]*)?)"
)
_WORDS: dict[str, Value] = {
    "true": True,
    "yes": True,
    "false": False,
    "no": False,
    "null": None,
    "none": None,
    "nil": None,
    "undefined": None,
}
_NOT_NUMBERS = frozenset({"nan", "infinity", "-infinity", "+infinity", "inf", "-inf", "+inf"})
_QUOTES = {"'": "'", "`": "`", "‘": "’", "’": "’", "“": "”", "”": "”", "«": "»"}
_COMMAS = frozenset(";，、；")
_CLOSER = {True: "}", False: "]"}


class Frame(NamedTuple):
    """A container that waits while one inside it is read."""

    is_object: bool
    start: int
    pairs: list[Pair]
    items: list[Node | None]
    key: Scalar | None
    state: int
    implicit: bool


class Reading:
    """The state of one reading; see the module."""

    __slots__ = (
        "before",
        "comma",
        "comments",
        "complete",
        "document",
        "implicit",
        "is_object",
        "items",
        "key",
        "last",
        "pairs",
        "problems",
        "repairs",
        "several",
        "skipping",
        "stack",
        "start",
        "state",
        "stopped",
        "text",
    )

    def __init__(self, document: Document) -> None:
        self.document = document
        self.text = document.text
        self.problems: list[Problem] = []
        self.comments: list[Span] = []
        self.stack: list[Frame] = []
        self.is_object = False
        self.start = -1
        self.pairs: list[Pair] = []
        self.items: list[Node | None] = []
        self.key: Scalar | None = None
        self.state = FIRST
        self.implicit = False  # an object whose `{` nobody wrote
        self.last = 0  # end of the last token that is no comment
        self.before = 0  # its value when the latest item of an array came
        self.comma = -1  # a comma between several roots
        self.several = False  # several roots have been reported
        self.repairs = 0
        self.skipping = 0  # brackets open below the nesting limit
        self.complete = True
        self.stopped = False

    # --- building -------------------------------------------------------------------------

    def report(
        self, code: str, start: int, end: int, related: tuple[Related, ...] = (), /, **args: object
    ) -> None:
        if self.stopped:
            return
        if len(self.problems) >= MAX_PROBLEMS:
            self.stopped = True
            self.complete = False
            code, args, related = "SYN120", {"limit": MAX_PROBLEMS}, ()
        place = Location(self.document.uri, Span(start, end))
        self.problems.append(Problem(code, place, args, related))

    def place(self, node: Node | None, end: int) -> None:
        """Put a value (None: a hole) where the container waits for one."""
        self.before = self.last
        self.last = end
        if self.is_object:
            key = self.key
            if self.state == VALUE and key is not None:
                self.pairs.append(Pair(Span(key.span.start, end), key, node))
                self.key = None
                self.state = AFTER
            elif isinstance(node, Scalar):
                self.key = node
                self.state = COLON
        else:
            self.items.append(node)
            self.state = AFTER

    def open(self, is_object: bool, start: int, implicit: bool = False) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self.report("SYN118", start, start + 1, limit=MAX_DEPTH)
            self.complete = False
            self.skipping = 1
            return
        self.stack.append(
            Frame(
                self.is_object,
                self.start,
                self.pairs,
                self.items,
                self.key,
                self.state,
                self.implicit,
            )
        )
        self.is_object, self.start, self.implicit = is_object, start, implicit
        self.pairs, self.items, self.key, self.state = [], [], None, FIRST
        self.last = start + (0 if implicit else 1)

    def close(self, end: int) -> None:
        """Close the open container and put it into the one around it."""
        node: Node
        if self.is_object:
            pairs = self.pairs
            if len(pairs) > 1 and len({pair.key.text for pair in pairs}) < len(pairs):
                self._report_duplicates()
            node = Mapping(Span(self.start, end), tuple(pairs), True)
        else:
            node = Sequence(Span(self.start, end), tuple(self.items), True)
        (
            self.is_object,
            self.start,
            self.pairs,
            self.items,
            self.key,
            self.state,
            self.implicit,
        ) = self.stack.pop()
        self.place(node, end)

    def _report_duplicates(self) -> None:
        first: dict[str, Pair] = {}
        for pair in self.pairs:
            earlier = first.setdefault(pair.key.text, pair)
            # A key that nobody wrote has been reported already.
            if earlier is pair or pair.key.span.start == pair.key.span.end:
                continue
            place = Location(self.document.uri, earlier.key.span)
            self.report(
                "QRY112",
                *pair.key.span,
                (Related(place, "The first one stands here."),),
                key=pair.key.text,
            )

    # --- the end --------------------------------------------------------------------------

    def finish(self) -> tuple[Node | None, ...]:
        """Close what is open at the end of the text and hand out the roots."""
        end = self.last
        if self.stack and not self.skipping:
            frames = [(self.is_object, self.start, self.implicit)]
            frames += [(f.is_object, f.start, f.implicit) for f in reversed(self.stack[1:])]
            written = [(is_object, start) for is_object, start, implicit in frames if not implicit]
            if written:
                closers = "".join(_CLOSER[is_object] for is_object, _ in written)
                start = written[0][1]
                at = self._close_at()
                self.report(
                    "SYN102",
                    start,
                    start + 1,
                    open=self.text[start],
                    close=closers,
                    at=at,
                    file_end=1,
                )
        while self.stack:
            if self.is_object and self.key is not None:
                self.state = VALUE
                self.place(None, self.last)
            self.close(max(end, self.last))
        if self.comma >= 0 and self.state == AFTER:
            self.report("SYN106", self.comma, self.comma + 1)
        return tuple(self.items)

    def _close_at(self) -> int:
        """Where a missing bracket belongs: before a comma that nothing follows."""
        comma = self.state == NEXT and self.text[self.last - 1] == ","
        return self.last - 1 if comma else self.last

    # --- tokens in the wrong place ----------------------------------------------------------

    def misfit(self, token: Token, start: int, end: int) -> int:
        """Take a token that the state does not allow; return where reading goes on."""
        if token == "close":
            return self._misfit_close(start, end)
        if token == "comma":
            return self._misfit_comma(start, end)
        if token == "colon":
            return self._misfit_colon(start, end)
        return self._misfit_value(token, start, end)

    def _misfit_close(self, start: int, end: int) -> int:
        is_object = self.text[start] == "}"
        if self.is_object and self.key is not None:
            self._no_value()
            if is_object:
                self.close(end)
                return end
        depth = self._nearest(is_object)
        if depth is None:
            self.report("SYN110", start, end, text=self.text[start])
            return end
        inner = len(self.stack) - depth
        if inner == 0:
            self.close(end)
            return end
        if inner == 1 and not self.implicit and self._goes_on(is_object, depth, end):
            related = (self._related(self.start, "This bracket is closed here."),)
            self.report(
                "SYN112",
                start,
                end,
                related,
                found=self.text[start],
                expected=_CLOSER[self.is_object],
            )
            self.close(end)
            return end
        for _ in range(inner):
            self._close_unclosed()
        self.close(end)
        return end

    def _goes_on(self, is_object: bool, depth: int, end: int) -> bool:
        """Whether the text behind a bracket of the wrong kind belongs to the outer container."""
        if is_object:
            # `{"metrics": ["a"}, "limit": 1}`: a name follows, so the object is still open.
            return _NAME_AHEAD.match(self.text, end) is not None
        rest = _REST.match(self.text, end)
        return depth == 1 and rest is not None and rest[1] != ""

    def _nearest(self, is_object: bool) -> int | None:
        """The depth (1 is the root value) of the innermost open container of a kind."""
        kinds = [frame.is_object for frame in self.stack[1:]]
        if self.stack:
            kinds.append(self.is_object)
        for depth in range(len(kinds), 0, -1):
            if kinds[depth - 1] == is_object:
                return depth
        return None

    def _close_unclosed(self) -> None:
        if self.is_object and self.key is not None:
            self._no_value()
        at = self._close_at()
        if not self.implicit:
            self.report(
                "SYN102",
                self.start,
                self.start + 1,
                (self._related(at, "It ends here."),),
                open=self.text[self.start],
                close=_CLOSER[self.is_object],
                at=at,
                file_end=0,
            )
        self.close(at)

    def _related(self, at: int, note: str) -> Related:
        return Related(Location(self.document.uri, Span(at, at)), note)

    def _misfit_comma(self, start: int, end: int) -> int:
        if not self.stack:
            if self.state == AFTER and self.comma < 0:
                self.comma = start
            else:
                self.report("SYN106", start, end)
            return end
        if self.state <= NEXT:
            self.report("SYN106", start, end)
            if self.state == NEXT:
                # The first of two commas is the one that stays.
                return end
            self.last = end
            return end
        self._no_value()
        self.state = NEXT
        self.last = end
        return end

    def _no_value(self) -> None:
        """End a key that no value follows."""
        key = self.key
        if key is None:
            return
        if key.span.end > key.span.start:
            latest = self.problems[-1] if self.problems else None
            # A key whose quote is still open is being typed; that is the one thing to say.
            if latest is None or latest.code != "SYN101" or latest.location.span != key.span:
                colon = int(self.state == VALUE)
                self.report("SYN105", *key.span, key=key.text, colon=colon, at=self.last)
        self.state = VALUE
        self.place(None, self.last)

    def _misfit_colon(self, start: int, end: int) -> int:
        if self.is_object and self.state == AFTER:
            pair = self.pairs[-1]
            value = pair.value
            if isinstance(value, Scalar) and value.style != "plain" and value.span.end <= start:
                # `"metrics": "groupBy": […]`: the value was the next key.
                self.pairs.pop()
                self.key, self.state = pair.key, VALUE
                self.last = pair.key.span.end
                self._no_value()
                self.key, self.state, self.last = value, VALUE, end
                return end
        elif self.is_object and self.state <= NEXT:
            self.report("SYN110", start, end, text=":")
            self._key_unwritten(start)
            self.last = end
            return end
        elif not self.is_object and self.state == AFTER:
            name = self.items[-1]
            if isinstance(name, Scalar) and name.style != "plain":
                return self._key_in_array(name, start, end)
        self.report("SYN110", start, end, text=":")
        return end

    def _key_unwritten(self, at: int) -> None:
        self.key = Scalar(Span(at, at), "", "", "double")
        self.state = VALUE

    def _key_in_array(self, name: Scalar, start: int, end: int) -> int:
        """`["a", "groupBy": […]`: either the array was never closed, or `{` is missing."""
        first = len(self.items) == 1
        depth = self._nearest(True)
        if depth is not None and (not first or "\n" in self.text[self.before : name.span.start]):
            self.items.pop()
            self.state = FIRST if first else NEXT
            self.last = self.before
            for _ in range(len(self.stack) - depth):
                self._close_unclosed()
            self.key, self.state, self.last = name, VALUE, end
            return end
        if depth is None and (first or not self.stack):
            self.items.pop()
            self.state = FIRST if first else NEXT
            self.report("SYN122", name.span.start, name.span.start)
            self.open(True, name.span.start, implicit=True)
            self.key, self.state, self.last = name, VALUE, end
            return end
        self.report("SYN110", start, end, text=":")
        self.state = NEXT
        self.last = end
        return end

    def _misfit_value(self, token: Token, start: int, end: int) -> int:
        if self.state in (COLON, AFTER):
            repaired = self._repair_quotes(start, token)
            if repaired is not None:
                return repaired
        own_line = "\n" in self.text[self.last : start]
        named = token == "string" and _KEY_AHEAD.match(self.text, start) is not None
        if self.is_object:
            if self.state == COLON:
                if own_line and named:
                    self._no_value()
                    self.state = NEXT
                    return start
                self.report("SYN104", self.last, self.last, at=self.last)
                self.state = VALUE
                return start
            query = token == "open" and self.text[start] == "{"
            if query and self.pairs and len(self.stack) > 1 and not self.stack[-1].is_object:
                # `[{"metrics": ["a"], {…}]`: the next object of the list begins.
                self._close_unclosed()
                self.state = NEXT
                return start
            if self.state == AFTER:
                if named or (token == "string" and own_line):
                    self.report("SYN103", self.last, self.last, at=self.last)
                    self.state = NEXT
                    return start
                self.report("SYN110", start, end, text=self.text[start:end][:40])
                if token == "open":
                    self._key_unwritten(start)
                    return start
                return end
            if token == "scalar":
                return self._unquoted_key(start, end)
            self.report("SYN123", start, start + 1, text=self.text[start])
            self._key_unwritten(start)
            return start
        if not self.stack:
            if not self.several:
                self.several = True
                self.report("SYN111", start, end)
            self.comma = -1
            self.state = NEXT
            return start
        if named and own_line:
            depth = self._nearest(True)
            if depth is not None:
                for _ in range(len(self.stack) - depth):
                    self._close_unclosed()
                self.state = NEXT
                return start
        self.report("SYN103", self.last, self.last, at=self.last)
        self.state = NEXT
        return start

    # --- damaged quotes ---------------------------------------------------------------------

    def _repair_quotes(self, start: int, token: Token | None) -> int | None:
        """A string that something touches has a quote too few or too many.

        `["a, "b"]` reads as the string `a, ` and a word; an odd number of quotes up to the end of
        the line says that the first one was never closed, an even one that quotes stand inside.
        """
        before = self._latest()
        if (
            not isinstance(before, Scalar)
            or before.style != "double"
            or before.span.end != start
            or self.repairs >= _MAX_REPAIRS
        ):
            return None
        self.repairs += 1
        begin = before.span.start
        line_end = self._line_end(begin, begin + _LOOK)
        quotes = len(_QUOTE.findall(self.text[begin:line_end]))
        if quotes % 2:
            self._take_back()
            return self._unclosed(begin, before.span.end - 1)
        closing = _LAST_QUOTE.search(self.text, start, line_end)
        if token == "string" or closing is None:
            return None
        self._take_back()
        end = closing.end()
        raw = self.text[begin + 1 : end - 1]
        first = raw.index('"')
        self.report("SYN121", begin + 1 + first, begin + 2 + first, first=begin, stop=end)
        self._put_string(begin, end, raw, '"')
        return end

    def _latest(self) -> Node | None:
        if not self.is_object:
            return self.items[-1] if self.items else None
        if self.state == COLON:
            return self.key
        return self.pairs[-1].value if self.pairs else None

    def _take_back(self) -> None:
        """Undo the reading of the latest scalar."""
        if not self.is_object:
            self.items.pop()
            self.state = NEXT if self.items else FIRST
        elif self.state == COLON:
            self.key = None
            self.state = NEXT if self.pairs else FIRST
        else:
            self.key = self.pairs.pop().key
            self.state = VALUE

    def _line_end(self, start: int, stop: int | None = None) -> int:
        match = _LINE.match(self.text, start, len(self.text) if stop is None else stop)
        return match.end() if match else start

    def _unclosed(self, start: int, end: int) -> int:
        """Take the string from the quote at `start` as ending before the brackets at `end`."""
        raw = self.text[start + 1 : end].rstrip(_CUT)
        if self.is_object and self.state <= NEXT:
            # `"limit: 10`: a key is a word, and ends before its colon.
            word = _WORD_AHEAD.match(self.text, start + 1, end)
            raw = word[0] if word else raw
        stop = start + 1 + len(raw)
        self.report("SYN101", start, stop, at=stop, quote=self.text[start])
        self._put_string(start, stop, raw, self.text[start])
        return stop

    def _put_string(self, start: int, end: int, raw: str, quote: str) -> None:
        decoded = decode(raw, start + 1, quote)
        for fault in decoded.faults:
            # An open string may end within an escape; its one fault is that it is open.
            if not (fault.code == "SYN114" and fault.end >= end):
                self.report(fault.code, fault.start, fault.end, **fault.args)
        style: Literal["single", "double"] = "double" if quote == '"' else "single"
        span = Span(start, end)
        self._put(Scalar(span, decoded.text, decoded.text, style, decoded.segments), end)

    def _put(self, node: Scalar, end: int) -> None:
        """Put a repaired scalar where it stands, with whatever else that place lacks."""
        if self.is_object and self.state == COLON:
            self.report("SYN104", self.last, self.last, at=self.last)
            self.state = VALUE
        elif self.state == AFTER:
            if self.stack:
                self.report("SYN103", self.last, self.last, at=self.last)
            elif not self.several:
                self.several = True
                self.report("SYN111", *node.span)
            self.state = NEXT
        self.place(node, end)

    # --- where no token begins ----------------------------------------------------------------

    def junk(self, start: int) -> int:
        """Read text at `start` that begins no JSON token; return where reading goes on."""
        text = self.text
        char = text[start]
        if self.state in (COLON, AFTER) and char not in _COMMAS:
            repaired = self._repair_quotes(start, None)
            if repaired is not None:
                return repaired
        if char == '"':
            return self._unclosed(start, self._line_end(start + 1))
        if char in _COMMAS and self.state == AFTER and self.stack:
            self.report("SYN103", start, start + 1, at=start)
            self.state = NEXT
            self.last = start + 1
            return start + 1
        if text.startswith("/*", start):
            self.comments.append(Span(start, len(text)))
            self.report("SYN116", start, start + 2, at=len(text))
            return len(text)
        if char == "#":
            end = self._line_end(start)
            self.comments.append(Span(start, end))
            self.report("SYN117", start, start + 1)
            return end
        invisible = _INVISIBLE.match(text, start)
        if invisible:
            self.report("SYN124", start, invisible.end(), character=f"U+{ord(char):04X}")
            return invisible.end()
        if char in _QUOTES and self.stack:
            return self._wrong_quotes(start)
        if not self.stack:
            return self._outside(start)
        return self._bare(start)

    def _outside(self, start: int) -> int:
        """Text before or behind the value: prose, a Markdown fence, a semicolon."""
        match = _OUTSIDE.match(self.text, start)
        stop = max(match.end() if match else 0, start + 1)
        shown = self.text[start:stop].rstrip()
        self.report("SYN110", start, start + len(shown), text=shown[:40])
        return stop

    def _wrong_quotes(self, start: int) -> int:
        quote = self.text[start]
        line_end = self._line_end(start)
        at = start + 1
        closers = (_QUOTES[quote], '"') if quote in "“”" else (_QUOTES[quote],)
        while at < line_end and self.text[at] not in closers:
            at += 2 if self.text[at] == "\\" else 1
        if at >= line_end:
            return self._unclosed(start, line_end)
        self.report("SYN107", start, at + 1, quote=quote)
        self._put_string(start, at + 1, self.text[start + 1 : at], quote)
        return at + 1

    def _bare(self, start: int) -> int:
        text = self.text
        in_key = self.is_object and self.state <= NEXT
        match = (_BARE_KEY if in_key else _BARE).match(text, start)
        if match is None:
            # A lone `/` or `=`.
            self.report("SYN110", start, start + 1, text=text[start])
            return start + 1
        run = match[0].rstrip()
        end = start + len(run)
        if self.is_object and self.state == COLON and run[0] in "=：":
            length = 2 if run.startswith("=>") else 1
            self.report("SYN104", start, start + length, at=start)
            self.state = VALUE
            self.last = start + length
            return start + length
        if in_key:
            return self._unquoted_key(start, end)
        if self.state == AFTER:
            ahead = text[end : end + 40].lstrip(' \t"')
            if self.is_object and ahead.startswith(":"):
                self.report("SYN103", self.last, self.last, at=self.last)
                self.state = NEXT
                return start
            self.report("SYN110", start, end, text=run[:40])
            return end
        if self.state == COLON:
            self.report("SYN104", self.last, self.last, at=self.last)
            self.state = VALUE
        return self._bare_value(start, end, run)

    def _past_quote(self, end: int) -> int:
        """Behind the closing quote of a string whose opening one is missing."""
        ahead = self.text[end : self._line_end(end, end + _LOOK)]
        if ahead.startswith('"') and len(_QUOTE.findall(ahead)) % 2:
            return end + 1
        return end

    def _unquoted_key(self, start: int, end: int) -> int:
        name = self.text[start:end]
        stop = self._past_quote(end)
        self.report("SYN108", start, end, text=name, key=1, closed=int(stop > end))
        self.place(Scalar(Span(start, end), name, name), stop)
        return stop

    def _bare_value(self, start: int, end: int, run: str) -> int:
        span = Span(start, end)
        lowered = run.lower()
        if lowered in _WORDS:
            value = _WORDS[lowered]
            written = "null" if value is None else str(value).lower()
            self.report("SYN109", start, end, text=run, instead=written)
            self.place(Scalar(span, value, run), end)
        elif lowered in _NOT_NUMBERS:
            self.report("SYN109", start, end, text=run, instead="")
            self.place(None, end)
        elif _NUMBER.fullmatch(run):
            number = _number(run)
            written = "" if number is None else str(number)
            self.report("SYN109", start, end, text=run[:40], instead=written)
            self.place(None if number is None else Scalar(span, number, run), end)
        else:
            stop = self._past_quote(end)
            self.report("SYN108", start, end, text=run, key=0, closed=int(stop > end))
            self.place(Scalar(span, run, run), stop)
            return stop
        return end


def _number(written: str) -> int | float | None:
    """What a number that JSON does not write so surely means; None when that is not sure."""
    plain = written.replace("_", "").lstrip("+")
    try:
        if plain.lower().startswith(("0x", "-0x")):
            return int(plain, 16)
        # 010 is eight to some and ten to others.
        if re.fullmatch(r"-?0[0-9]+", plain):
            return None
        return int(plain) if plain.lstrip("-").isdigit() else float(plain)
    except ValueError:
        return None

"""Text in a JSON file that is no token: damaged quotes, words without quotes, stray characters."""

from __future__ import annotations

import re
from typing import Literal

from smq.syntax.jsonc_state import AFTER, COLON, FIRST, NEXT, VALUE, State
from smq.syntax.jsonc_strings import decode
from smq.syntax.nodes import Node, Scalar, Value
from smq.text import Span

Token = Literal["string", "scalar", "open", "close", "comma", "colon"]

_LINE = re.compile(r"[^\r\n]*")
_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')
_LAST_QUOTE = re.compile(r'"(?=[ \t]*(?:[,\]}:\r\n]|//|/\*|\Z))')
_WORD_AHEAD = re.compile(r"[^\s:,\[\]{}\"']+(?=[ \t]*:)")
_CUT = " \t,:[]{}"
# No line that people write is longer, and no file that is meant has more damaged quotes: what
# exceeds them is read without guessing, so that reading stays linear.
_LOOK = 20_000
_MAX_REPAIRS = 100
_DOUBLED_END = re.compile(r'"[ \t]*(?:[,:\]}]|\r|\n|\Z)')
_DOUBLED_START = re.compile(r'(?P<raw>[^"\\,:\[\]{}\r\n]+)"(?=[ \t]*(?:[,:\]}]|\r|\n|\Z))')
_BARE = re.compile(r'(?>(?:[^,:\[\]{}"\r\n/]++|/(?![/*]))+)')
_BARE_KEY = re.compile(r'(?>(?:[^,:\[\]{}"\r\n/=]++|/(?![/*]))+)')
_OUTSIDE = re.compile(r"(?>(?:[^\[{\r\n/]++|/(?![/*]))+)")
_INVISIBLE = re.compile(r"(?:[^\S \t\r\n]|[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\u2060\ufeff])+")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9A-Fa-f]+|(?:[0-9][0-9_]*+(?:\.[0-9_]*+)?|\.[0-9_]++)(?:[eE][+-]?[0-9]*+)?)"
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


class Words(State):
    """A state that understands what stands between the tokens."""

    __slots__ = ()

    # --- damaged quotes ---------------------------------------------------------------------

    def _repair_quotes(self, start: int, token: Token | None) -> int | None:
        """A string that something touches has a quote too few or too many.

        `["a, "b"]` reads as the string `a, ` and a word; an odd number of quotes up to the end of
        the line says that the first one was never closed, an even one that quotes stand inside. A
        quote that is written twice (`"a"",`) is one too many. No string is repaired twice.
        """
        before = self._latest()
        if (
            not isinstance(before, Scalar)
            or before.style != "double"
            or before.span.end != start
            or before.span.start == self.repaired
            or self.repairs >= _MAX_REPAIRS
            # `"filters"["a > 1"]` has a key, and lacks its colon.
            or (token == "open" and self.state == COLON)
        ):
            return None
        self.repairs += 1
        begin = self.repaired = before.span.start
        if before.text and _DOUBLED_END.match(self.text, start):
            self.report("SYN110", start, start + 1, text='"')
            return start + 1
        doubled = None if before.text else _DOUBLED_START.match(self.text, start)
        if doubled is not None:
            self._take_back()
            self.report("SYN110", begin, begin + 1, text='"')
            self._put_string(start - 1, doubled.end(), doubled["raw"], '"')
            return doubled.end()
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
        # A word that is right is here because something touches it, which is told there.
        if lowered in _WORDS:
            value = _WORDS[lowered]
            written = "null" if value is None else str(value).lower()
            if written != run:
                self.report("SYN109", start, end, text=run, instead=written)
            self.place(Scalar(span, value, run), end)
        elif lowered in _NOT_NUMBERS:
            self.report("SYN109", start, end, text=run, instead="")
            self.place(None, end)
        elif _NUMBER.fullmatch(run):
            number = _number(run)
            written = "" if number is None else str(number)
            if written != run:
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

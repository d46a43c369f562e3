"""What the JSONC reader does with text that is not JSON: one problem for each fault, and go on.

The reader's loop (`jsonc.py`) calls `misfit` for a token that the state does not allow and `junk`
where no token begins; both return the offset to go on from and either move on or change the
state, so that reading always ends.
"""

from __future__ import annotations

import re

from smq.problem import Related
from smq.syntax.jsonc_state import AFTER, CLOSER, COLON, FIRST, NEXT, VALUE
from smq.syntax.jsonc_words import Token, Words
from smq.syntax.nodes import Scalar
from smq.text import Location, Span

# Possessive, because a gap that cannot be followed must not be tried in every other way.
_GAP = r"(?>(?:[ \t\r\n]++|//[^\r\n]*+|/\*[\s\S]*?\*/)*)"
_KEY_AHEAD = re.compile(r'"[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*"[ \t]*:')
_NAME_AHEAD = re.compile(_GAP + r",?" + _GAP + r'"[^"\\\r\n]*(?:\\[^\r\n][^"\\\r\n]*)*"[ \t]*:')
_REST = re.compile(_GAP + r"(.?)")


class Reading(Words):
    """A reading that survives any text."""

    __slots__ = ()

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
                expected=CLOSER[self.is_object],
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
        at = self.close_at()
        if not self.implicit:
            self.report(
                "SYN102",
                self.start,
                self.start + 1,
                (self._related(at, "It ends here."),),
                open=self.text[self.start],
                close=CLOSER[self.is_object],
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

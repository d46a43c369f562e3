"""Aggregate calls in a query's expressions, where the metrics have already aggregated."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    # They bring the SQL library, which a rule that only looks for a parenthesis can do without.
    from smq.expr import FunctionUse, Template

_NEEDS_OVER = frozenset(
    {
        "ROW_NUMBER",
        "RANK",
        "DENSE_RANK",
        "PERCENT_RANK",
        "CUME_DIST",
        "NTILE",
        "FIRST_VALUE",
        "LAST_VALUE",
        "NTH_VALUE",
        "LAG",
        "LEAD",
    }
)


class MisplacedCall(NamedTuple):
    """An aggregate call that is no window function; the offsets include its arguments."""

    function: str
    start: int
    end: int
    leaf_function: str
    """What a leaf with this aggregate calls it: `COUNT_DISTINCT`."""

    def inner(self, text: str) -> str:
        """What stands between the parentheses, without DISTINCT."""
        written = text[self.start : self.end].partition("(")[2].removesuffix(")").strip()
        return written[8:].strip() if written[:9].upper() == "DISTINCT " else written

    @property
    def needs_over(self) -> bool:
        """The function is none without `OVER (…)`."""
        return self.function in _NEEDS_OVER


def misplaced(template: Template) -> list[MisplacedCall]:
    """The outermost aggregate calls that are no windows, in the order of the text."""
    found: list[MisplacedCall] = []
    for function in template.functions:
        if function.windowed or function.scope:
            continue
        if any(call.start <= function.start < call.end for call in found):
            continue
        found.append(_call(template.text, function))
    return sorted(found, key=lambda call: call.start)


def _call(text: str, function: FunctionUse) -> MisplacedCall:
    end = end_of_call(text, function.start)
    name = function.name
    inside = text[function.start : end].partition("(")[2].split(None, 1)
    if name == "COUNT" and inside and inside[0].upper().startswith("DISTINCT"):
        return MisplacedCall(name, function.start, end, "COUNT_DISTINCT")
    return MisplacedCall(name, function.start, end, name)


def end_of_call(text: str, start: int) -> int:
    """Behind the parenthesis that closes the first one from `start`; quoted text is skipped."""
    depth = 0
    quote = ""
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                return at + 1
    return len(text.rstrip())

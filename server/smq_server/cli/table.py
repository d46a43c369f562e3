"""A result as a table for people, on a terminal or in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from math import isfinite

from smq_server.cli.findings.width import visible, width
from smq_server.cli.values import NUMBERS, shown

Rows = Sequence[Sequence[object]]

_NARROWEST = 8
_BETWEEN = " │ "
_ELLIPSIS = "…"
_DIGITS = 6
_SMALL, _LARGE = 1e-4, 1e15


def draw(headings: Sequence[str], rows: Rows, room: int | None = None) -> str:
    """Columns side by side, numbers on the right; cells are shortened to fit the room."""
    columns = _columns(headings, rows)
    widths = [max(map(width, column)) for column in columns]
    if room is not None:
        widths = _fitted(widths, room)
    right = _on_the_right(len(headings), rows)
    lines = []
    for number, cells in enumerate(zip(*columns, strict=True)):
        padded = (
            _padded(_cut(cell, widths[i]), widths[i], right[i]) for i, cell in enumerate(cells)
        )
        lines.append(_BETWEEN.join(padded).rstrip())
        if number == 0:
            lines.append("─┼─".join("─" * each for each in widths))
    return "\n".join(lines) + "\n"


def markdown(headings: Sequence[str], rows: Rows) -> str:
    """A table that Markdown shows; numbers are aligned by their column's mark."""
    columns = [[_escaped(cell) for cell in column] for column in _columns(headings, rows)]
    right = _on_the_right(len(headings), rows)
    marks = ["---:" if is_right else "---" for is_right in right]
    lines = [list(cells) for cells in zip(*columns, strict=True)]
    lines.insert(1, marks)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _columns(headings: Sequence[str], rows: Rows) -> list[list[str]]:
    columns = []
    for index, heading in enumerate(headings):
        values = [row[index] for row in rows]
        decimals = _decimals(values)
        texts = [heading, *(shown(value, decimals) for value in _without_midnight(values))]
        columns.append([visible(text) for text in texts])
    return columns


def _decimals(values: list[object]) -> int | None:
    """How many decimals a column of floats is shown with: six digits, but cents at least.

    None where rounding would hide a small number.
    """
    floats = [abs(value) for value in values if isinstance(value, float) and isfinite(value)]
    if any(0 < value < _SMALL for value in floats) or any(value >= _LARGE for value in floats):
        return None
    largest = max(floats, default=0.0)
    whole = len(str(int(largest))) if largest >= 1 else 0
    decimals = min(max(_DIGITS - whole, 2), _DIGITS)
    # Zeros that end every value say nothing.
    while decimals > 1 and all(
        round(value, decimals) == round(value, decimals - 1) for value in floats
    ):
        decimals -= 1
    return decimals


def _without_midnight(values: list[object]) -> list[object]:
    """A column of moments that all stand at midnight is a column of days."""
    moments = [value for value in values if value is not None]
    midnight = time()
    if moments and all(
        isinstance(value, datetime) and value.tzinfo is None and value.time() == midnight
        for value in moments
    ):
        return [value.date() if isinstance(value, datetime) else value for value in values]
    return values


def _on_the_right(count: int, rows: Rows) -> list[bool]:
    found = []
    for index in range(count):
        values = [row[index] for row in rows if row[index] is not None]
        numeric = all(isinstance(v, NUMBERS) and not isinstance(v, bool) for v in values)
        found.append(bool(values) and numeric)
    return found


def _fitted(widths: list[int], room: int) -> list[int]:
    """The widest columns give way first; none gets narrower than can still be read."""
    fitted = list(widths)
    excess = sum(fitted) + len(_BETWEEN) * (len(fitted) - 1) - room
    while excess > 0:
        widest = max(fitted)
        if widest <= _NARROWEST:
            break
        index = fitted.index(widest)
        others = [each for each in fitted if each < widest]
        step = min(excess, widest - max([_NARROWEST, *others]))
        fitted[index] -= max(1, step)
        excess = sum(fitted) + len(_BETWEEN) * (len(fitted) - 1) - room
    return fitted


def _padded(text: str, columns: int, right: bool) -> str:
    space = " " * (columns - width(text))
    return space + text if right else text + space


def _cut(text: str, columns: int) -> str:
    """The text, or as much of its beginning as there is room for, then an ellipsis."""
    if width(text) <= columns:
        return text
    left = columns - width(_ELLIPSIS)
    kept = []
    for char in text:
        left -= width(char)
        if left < 0:
            break
        kept.append(char)
    return "".join(kept) + _ELLIPSIS


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")

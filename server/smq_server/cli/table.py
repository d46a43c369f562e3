"""A result as a table for people, on a terminal or in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

from smq_server.cli.values import NUMBERS, shown
from smq_server.cli.width import cut, display_width, pad

Rows = Sequence[Sequence[object]]

_NARROWEST = 8
_BETWEEN = " │ "


def draw(headings: Sequence[str], rows: Rows, width: int | None = None) -> str:
    """Columns side by side, numbers on the right; cells are shortened to fit a given width."""
    columns = _columns(headings, rows)
    widths = [max(map(display_width, column)) for column in columns]
    if width is not None:
        widths = _fitted(widths, width)
    right = _on_the_right(len(headings), rows)
    lines = []
    for number, cells in enumerate(zip(*columns, strict=True)):
        padded = (
            pad(cut(cell, widths[i]), widths[i], right=right[i]) for i, cell in enumerate(cells)
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
        columns.append([shown(heading), *map(shown, _without_midnight(values))])
    return columns


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


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")

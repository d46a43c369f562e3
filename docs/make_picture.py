"""Draw `docs/demo.svg`, the picture in the README, from what `smq demo` really prints.

python docs/make_picture.py           write
python docs/make_picture.py --check   exit 1 when the picture is out of date
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from smq_server.cli.findings.width import width

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "demo.svg"
QUERY = "branches_by_status"
COLUMNS = 100

_CHAR, _LINE, _MARGIN, _BAR = 7.8, 19, 18, 34
_BACKGROUND, _TEXT, _DIM = "#1b1f27", "#d7dae0", "#8b93a3"
_RED, _GREEN, _BLUE, _YELLOW = "#ff7b72", "#7ee787", "#79c0ff", "#e3b341"
_STYLE = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK KR', monospace"

_KEYWORDS = "SELECT|FROM|GROUP BY|ORDER BY|AS|CASE|WHEN|THEN|END|DISTINCT|DESC|ASC"
_COLORS = (
    (re.compile(r"\^+"), _RED),
    (re.compile(r"error\[\w+\]"), _RED),
    (re.compile(r"= fix: .*"), _GREEN),
    (re.compile(r'"[^"]*"'), _GREEN),
    (re.compile(rf"\b(?:{_KEYWORDS})\b"), _BLUE),
    (re.compile(r"[│─┼]+"), _DIM),
    (re.compile(r"^(?:\d+|) +\|"), _DIM),
)


def picture() -> str:
    shown = subprocess.run(
        [sys.executable, "-m", "smq_server.main", "demo", QUERY],
        capture_output=True,
        check=True,
        encoding="utf-8",
    ).stdout
    lines = [f"$ smq demo {QUERY}", *shown.rstrip("\n").split("\n")]
    wrapped = [part for line in lines for part in _wrapped(line)]
    wide = COLUMNS * _CHAR + 2 * _MARGIN
    high = len(wrapped) * _LINE + _BAR + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high}" '
        f'viewBox="0 0 {wide:.0f} {high}" role="img">',
        "<title>A terminal: smq demo shows a question, its SQL, its rows and a mistake</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{_BACKGROUND}"/>',
        *(
            f'<circle cx="{_MARGIN + 4 + 18 * n}" cy="17" r="5.5" fill="{color}"/>'
            for n, color in enumerate((_RED, _YELLOW, _GREEN))
        ),
        f'<g font-family="{_STYLE}" font-size="13" fill="{_TEXT}" xml:space="preserve">',
    ]
    for number, line in enumerate(wrapped):
        y = _BAR + _LINE * number + 14
        parts.extend(_text(line, y, _TEXT if number else _YELLOW))
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _wrapped(line: str) -> Iterator[str]:
    """The line as a terminal of that many columns breaks it, between words where it can."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    while width(line) > COLUMNS:
        end = max(n for n in range(len(line)) if width(line[:n]) <= COLUMNS)
        space = line.rfind(" ", len(indent) + 1, end)
        end = space if space > 0 else end
        yield line[:end].rstrip()
        line = indent + line[end:].lstrip()
    yield line


def _text(line: str, y: int, color: str) -> Iterator[str]:
    """Each run of one colour and one letter width at its own place, whatever the font."""
    colors = [color] * len(line)
    for pattern, found in _COLORS if color == _TEXT else ():
        for match in pattern.finditer(line):
            if match.end() > match.start() and colors[match.start()] == _TEXT:
                colors[match.start() : match.end()] = [found] * (match.end() - match.start())
    column = 0
    cells = [(char, paint, width(char)) for char, paint in zip(line, colors, strict=True)]
    for (paint, _), group in groupby(cells, key=lambda cell: (cell[1], cell[2])):
        run = "".join(char for char, *_ in group)
        columns = width(run)
        if run.strip():
            fill = "" if paint == _TEXT else f' fill="{paint}"'
            x = _MARGIN + column * _CHAR
            yield (
                f'<text x="{x:.1f}" y="{y}" textLength="{columns * _CHAR:.1f}" '
                f'lengthAdjust="spacingAndGlyphs"{fill}>{escape(run)}</text>'
            )
        column += columns


def main() -> int:
    drawn = picture()
    if "--check" in sys.argv[1:]:
        fresh = PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == drawn
        if not fresh:
            print("out of date: docs/demo.svg; run make generate", file=sys.stderr)
        return 0 if fresh else 1
    PICTURE.write_text(drawn, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Findings for a person at a terminal: the place, the words, the line with carets under it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from smq.problem import Severity
from smq.text import Location
from smq_server.cli.findings.report import COUNTED, Entry, Report
from smq_server.cli.findings.width import visible, width

_COLORS = {
    Severity.ERROR: "31",
    Severity.WARNING: "33",
    Severity.INFO: "36",
    Severity.HINT: "34",
}
_LONGEST_LINE = 160
# The line that holds a secret must not be copied into a build log.
_WITHOUT_SOURCE = frozenset({"CFG105"})


def render(
    report: Report, *, color: bool = False, per_file: int = 50, command: str | None = ""
) -> Iterator[str]:
    """The findings, each with its line end; at most `per_file` of one file (0: all).

    `command` is what has to be typed before `--fix` to apply the fixes: nothing, where it is an
    option of this command; None, where nothing but a hand can.
    """
    painter = _Painter(color)
    shown: Counter[str] = Counter()
    totals = Counter(entry.place.path for entry in report.entries)
    for entry in report.entries:
        path = entry.place.path
        shown[path] += 1
        if per_file and shown[path] > per_file:
            continue
        yield _finding(report, entry, painter, command)
        if shown[path] == per_file and totals[path] > per_file:
            more = totals[path] - per_file
            yield f"{visible(path)}: … and {more:,} more findings in this file\n\n"


def summary(report: Report, files: int) -> str:
    """One sentence about the whole run."""
    looked = f"{files:,} file{'' if files == 1 else 's'}"
    if not report.entries:
        return f"No findings in {looked}."
    parts = [
        f"{count:,} {severity.name.lower()}{'' if count == 1 else 's'}"
        for severity in sorted(_COLORS, reverse=True)
        if (count := report.count(severity))
    ]
    text = f"Found {', '.join(parts)} in {looked}."
    safe, unsafe = report.fixable("safe"), report.fixable("unsafe")
    some = "At least " if len(report.entries) > COUNTED else ""
    if safe:
        text += f" {some}{safe:,} can be fixed with --fix."
    if unsafe:
        further = "more " if safe else ""
        have = "has" if unsafe == 1 and not some else "have"
        text += f" {some}{unsafe:,} {further}{have} a fix that needs --unsafe-fixes."
    return text


def statistics(report: Report) -> Iterator[str]:
    """How often each rule found something, the most frequent first."""
    counts = Counter((entry.finding.code, entry.finding.rule.name) for entry in report.entries)
    longest = max((len(f"{count:,}") for count in counts.values()), default=1)
    for (code, name), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{count:>{longest},}  {code:<7} {name}\n"


def _finding(report: Report, entry: Entry, painter: _Painter, command: str | None) -> str:
    finding, place = entry.finding, entry.place
    paint = _COLORS[finding.severity]
    head, *more = finding.message.splitlines() or [""]
    position = "" if place.path.startswith("$") else f"{place.line}:{place.column}:"
    where = painter(f"{visible(place.path)}:{position}", "1")
    label = painter(f"{entry.severity}[{finding.code}]", paint)
    lines = [f"{where} {label} {visible(head)}", *(f"    {visible(line)}" for line in more)]
    gutter = len(str(place.line))
    edge = painter(f"{'':{gutter}} |", "2")
    frame = None if finding.code in _WITHOUT_SOURCE else _frame(report, finding.location)
    if frame is not None:
        source, marks = frame
        lines.append(edge)
        lines.append(f"{painter(f'{place.line} |', '2')} {source}")
        lines.append(f"{edge} {painter(marks, paint)}")
    for related in finding.related:
        at = report.place(related.location)
        note = f"{visible(at.path)}:{at.line}:{at.column}: {visible(related.note)}"
        lines.append(f"{'':{gutter}} = {note}")
    for fix in finding.fixes:
        how = "by hand"
        if command is not None and fix is finding.fixes[0]:
            how = command + ("--fix" if fix.safety == "safe" else "--unsafe-fixes")
        lines.append(f"{'':{gutter}} = fix: {visible(fix.title)} ({how})")
    return "\n".join(lines) + "\n\n"


def _frame(report: Report, location: Location) -> tuple[str, str] | None:
    """The source line and the carets under it; None where there is no text to show."""
    index = report.lines(location.uri)
    line, start = index.position(location.span.start)
    last_line, end = index.position(location.span.end)
    text = index.line_text(line)
    if not text.strip() and location.span.start == location.span.end:
        return None
    if last_line > line:
        end = len(text)
    end = min(max(end, start), len(text))
    if line == 0 and text.startswith("\ufeff"):
        text, start, end = text[1:], max(0, start - 1), max(0, end - 1)
    before, marked, after = text[:start], text[start:end], text[end:]
    if width(text) > _LONGEST_LINE:
        before, marked, after = _window(before, marked, after)
    before, marked, after = visible(before), visible(marked), visible(after)
    carets = "^" * max(1, width(marked))
    if last_line > line:
        carets += f" … to line {last_line + 1}"
    return f"{before}{marked}{after}".rstrip(), " " * width(before) + carets


def _window(before: str, marked: str, after: str) -> tuple[str, str, str]:
    """The part of a long line around what is marked."""
    third = _LONGEST_LINE // 4
    if len(before) > third:
        before = "…" + before[-third:]
    if len(marked) > 2 * third:
        marked, after = marked[: 2 * third], "…"
    if len(after) > third:
        after = after[:third] + "…"
    return before, marked, after


class _Painter:
    def __init__(self, color: bool) -> None:
        self._color = color

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._color else text

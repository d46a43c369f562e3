"""Checking a fixture as a user does: what is found where, what it says, and what its fixes write.

Expected findings stand in the fixture itself, on a line under the one they mark, and are taken
out before it is read. Their columns count characters; a name with wide characters, under which
carets would not line up, is quoted instead:

    {"metrics": ["nope"], "groupBy": ["부점코드__brn"]}
                  ^^^^ NAM101
    ^ "부점코드__brn" NAM112
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.bank import BANK_YML
from tests.support.fixture import FixtureFile, split

from smq.problem import Fix
from smq.rules.check import Finding, check
from smq.syntax import Document
from smq.text import LineIndex, apply_edits
from smq.workspace import Change, Configuration, Snapshot, build

QUERY = "q.smq.json"

_MARK = re.compile(r"^\s*(?P<carets>\^+) (?:\"(?P<text>.+)\" )?(?P<code>[A-Z]{3}\d{3})$")


@dataclass(frozen=True)
class Mark:
    """An expected finding: offsets into the file without its marks."""

    path: str
    start: int
    end: int
    code: str


@dataclass(frozen=True)
class Checked:
    """A fixture with what was found in it."""

    snapshot: Snapshot
    findings: tuple[Finding, ...]

    def one(self, code: str) -> Finding:
        """The only finding of a rule."""
        (finding,) = (each for each in self.findings if each.code == code)
        return finding

    def message(self, code: str) -> str:
        return self.one(code).message

    def fixed(self, code: str, title: str | None = None) -> str:
        """The query file after a fix (the first one without a title), which must have helped."""
        finding = self.one(code)
        fix = next(fix for fix in finding.fixes if title in (None, fix.title))
        return apply(fix, self.snapshot, finding).document(QUERY).text


def check_problems(text: str, dialect: str = "duckdb") -> Checked:
    """Check a fixture and hold what is found to the marks in it, one to one."""
    marks: list[Mark] = []
    documents: list[Document] = []
    for file in files_of(text):
        plain, found = unmarked(file)
        marks += found
        documents.append(Document(file.path, plain))
    snapshot = build(documents, Configuration(dialect=dialect))
    findings = tuple(check(snapshot))
    expected = sorted(shown(snapshot, m.path, m.start, m.end, m.code) for m in marks)
    actual = sorted(shown(snapshot, f.location.uri, *f.location.span, f.code) for f in findings)
    assert actual == expected, "\n".join(f"{f.code}: {f.message}" for f in findings)
    return Checked(snapshot, findings)


def files_of(text: str) -> list[FixtureFile]:
    """The files of a fixture; a query alone stands beside the worked-example workspace."""
    if text.lstrip().startswith(("{", "[")):
        return [FixtureFile("bank.yml", BANK_YML), FixtureFile(QUERY, text)]
    return split(text)


def unmarked(file: FixtureFile) -> tuple[str, list[Mark]]:
    """A file's text without the lines that mark, and what those say."""
    kept: list[str] = []
    marks: list[Mark] = []
    offset = 0
    for line in file.text.splitlines(keepends=True):
        mark = _MARK.match(line.rstrip("\r\n"))
        if mark is None:
            kept.append(line)
            offset += len(line)
            continue
        above = kept[-1]
        if mark["text"] is not None:
            assert above.count(mark["text"]) == 1, f"{mark['text']!r} is not once in {above!r}"
            start = above.index(mark["text"])
            end = start + len(mark["text"])
        else:
            start, end = mark.span("carets")
            assert above[:end].isascii(), "carets do not line up under wide characters: quote"
        begin = offset - len(above)
        marks.append(Mark(file.path, begin + start, begin + end, mark["code"]))
    return "".join(kept), marks


def shown(snapshot: Snapshot, path: str, start: int, end: int, code: str) -> str:
    """A place and what stands there: `q.smq.json:1:14 NAM107 «SUM(revenue)»`."""
    text = snapshot.document(path).text
    line, column = LineIndex(text).position(start)
    return f"{path}:{line + 1}:{column + 1} {code} «{text[start:end]}»"


def apply(fix: Fix, snapshot: Snapshot, finding: Finding) -> Snapshot:
    """The workspace after a fix, which must have mended what the finding is about."""
    changes = []
    for uri in dict.fromkeys(edit.uri for edit in fix.edits):
        edits = [edit for edit in fix.edits if edit.uri == uri]
        changes.append(Change(uri, apply_edits(snapshot.document(uri).text, edits)))
    after = snapshot.apply(changes)
    same = (finding.code, finding.message)
    before = [(each.code, each.message) for each in check(snapshot)]
    remaining = [(each.code, each.message) for each in check(after)]
    texts = "\n".join(after.document(change.uri).text for change in changes)
    assert remaining.count(same) < before.count(same), f"'{fix.title}' does not help:\n{texts}"
    for change in changes:
        assert not after.parsed(change.uri).problems, f"'{fix.title}' breaks the file:\n{texts}"
    return after


def report(snapshot: Snapshot, findings: tuple[Finding, ...]) -> str:
    """Everything a user sees of the findings, with what each fix makes of the files."""
    return "\n".join(line for finding in findings for line in _report(snapshot, finding))


def _report(snapshot: Snapshot, finding: Finding) -> Iterator[str]:
    uri, (start, end) = finding.location
    place = shown(snapshot, uri, start, end, finding.code).removeprefix(f"{QUERY}:")
    where, _, rest = place.partition(" ")
    yield f"{where} {finding.severity.name.lower()} {rest}"
    yield f"    {finding.message}"
    for related in finding.related:
        at = shown(snapshot, related.location.uri, *related.location.span, "")
        yield f"    see {at.replace('  ', ' ')}: {related.note}"
    for fix in finding.fixes:
        yield f"    {fix.safety} fix: {fix.title}"
        after = apply(fix, snapshot, finding)
        for changed in dict.fromkeys(edit.uri for edit in fix.edits):
            old = snapshot.document(changed).text.splitlines()
            new = after.document(changed).text.splitlines()
            if changed == QUERY:
                yield from (f"        {line}" for line in new)
            else:
                added = [line[2:] for line in difflib.ndiff(old, new) if line.startswith("+ ")]
                yield from (f"        {changed} + {line}" for line in added)

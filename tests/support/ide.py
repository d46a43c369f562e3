"""Marked texts to the editor features: where the cursor stands, and what is expected there.

A text is a fixture (`tests/support/fixture.py`); one that begins with `{` or `[` is `q.smq.json`
beside the worked-example workspace. `‹cursor›` is the place that is asked, `‹name›…‹/name›` a
labelled stretch. The marks are taken out before anything reads the text.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.fixture import split

from smq.catalog import CatalogSnapshot, Known, known_tables
from smq.catalog.read import read_cache
from smq.expr.ddl import read_ddl
from smq.ide.actions import Action, actions
from smq.ide.completion import Completion, Completions, completions
from smq.ide.definition import Target, definitions
from smq.ide.hover import hover
from smq.ide.model_completion import model_completions
from smq.ide.references import Refusal, references, rename
from smq.ide.symbols import DocumentSymbol, document_symbols
from smq.ide.tokens import tokens
from smq.rules.check import check
from smq.syntax import Document
from smq.text import Edit, Location, Span, apply_edits
from smq.workspace import Change, Configuration, Snapshot, build

BANK = (Path(__file__).parent / "bank.yml").read_text(encoding="utf-8")
WAREHOUSE, CACHE = "warehouse.sql", "metadata_cache.json"
_TAKEN = datetime(2026, 11, 27, 8, tzinfo=UTC)
_MARK = re.compile(r"‹(/?[\w-]+)›")


@dataclass(frozen=True)
class Marked:
    """A workspace with the marks of its texts; `uri` is the file that holds the cursor."""

    snapshot: Snapshot
    uri: str
    offset: int
    ranges: dict[str, list[Location]]

    @property
    def text(self) -> str:
        return self.snapshot.document(self.uri).text

    def places(self, name: str) -> list[Location]:
        return self.ranges.get(name, [])


def _catalog(path: str, text: str) -> CatalogSnapshot:
    """The warehouse of a fixture, in CREATE TABLE statements or as a cache, three hours old."""
    if path == WAREHOUSE:
        known = known_tables(read_ddl(text, "duckdb").tables, _TAKEN)
    else:
        found = read_cache(text.encode())
        assert isinstance(found, Known)
        known = found
    return known.aged("fresh", _TAKEN + timedelta(hours=3), _TAKEN)


def marked(text: str, crlf: bool = False, **configuration: object) -> Marked:
    """Read a marked fixture."""
    if text.lstrip().startswith(("{", "[")):
        text = f"-- models.yml --\n{BANK}-- q.smq.json --\n{text}"
    documents: list[Document] = []
    ranges: dict[str, list[Location]] = defaultdict(list)
    cursor: tuple[str, int] | None = None
    catalog: CatalogSnapshot | None = None
    for file in split(text):
        if file.path in (WAREHOUSE, CACHE):
            catalog = _catalog(file.path, file.text)
            continue
        content = file.text.replace("\n", "\r\n") if crlf else file.text
        clean, at = "", 0
        opened: dict[str, int] = {}
        for match in _MARK.finditer(content):
            clean += content[at : match.start()]
            at = match.end()
            name = match[1]
            if name == "cursor":
                cursor = file.path, len(clean)
            elif name.startswith("/"):
                span = Span(opened.pop(name[1:]), len(clean))
                ranges[name[1:]].append(Location(file.path, span))
            else:
                opened[name] = len(clean)
        assert not opened, f"{file.path}: {opened} never ends"
        documents.append(Document(file.path, clean + content[at:]))
    if cursor is None:
        cursor = documents[-1].uri, 0
    settings = Configuration(**configuration)  # type: ignore[arg-type]
    snapshot = build(documents, settings, catalog=catalog)
    return Marked(snapshot, *cursor, dict(ranges))


def draw(snapshot: Snapshot, places: Iterable[Location]) -> str:
    """Each place as its line with carets under it, for messages that can be read."""
    drawn: list[str] = []
    for uri, span in sorted(places):
        lines = snapshot.lines(uri)
        number = lines.line_of(span.start)
        start = lines.line_start(number)
        line = lines.line_text(number).rstrip("\r\n")
        carets = " " * (span.start - start) + "^" * max(1, span.end - span.start)
        drawn.append(
            f"{uri}:{number + 1}\n{line}\n{carets} '{span.cut(snapshot.document(uri).text)}'"
        )
    return "\n".join(drawn) or "(nothing)"


def _assert_places(snapshot: Snapshot, found: Iterable[Location], wanted: list[Location]) -> None:
    have = sorted(set(found))
    assert have == sorted(set(wanted)), (
        f"found\n{draw(snapshot, have)}\n\nexpected\n{draw(snapshot, wanted)}"
    )


# Hover


def hover_text(text: str, **how: object) -> str:
    """The Markdown at the cursor; empty where nothing is shown."""
    here = marked(text, **how)  # type: ignore[arg-type]
    found = hover(here.snapshot, here.uri, here.offset)
    return found.markdown if found else ""


def check_hover(text: str, *parts: str, absent: tuple[str, ...] = (), crlf: bool = False) -> None:
    """The hover at the cursor holds every part; its span is `‹span›…‹/span›` if that is marked."""
    here = marked(text, crlf)
    found = hover(here.snapshot, here.uri, here.offset)
    assert found is not None, "no hover"
    for part in parts:
        assert part in found.markdown, f"{part!r} is not in:\n{found.markdown}"
    for part in absent:
        assert part not in found.markdown, f"{part!r} is in:\n{found.markdown}"
    if "span" in here.ranges:
        place = [Location(here.uri, found.span)]
        _assert_places(here.snapshot, place, here.places("span"))


# Going to places


def check_definition(text: str, crlf: bool = False, find: object = definitions) -> None:
    """The definitions of the name at the cursor are the stretches marked `‹def›`."""
    here = marked(text, crlf)
    targets: tuple[Target, ...] = find(here.snapshot, here.uri, here.offset)  # type: ignore[operator]
    _assert_places(here.snapshot, [target.name for target in targets], here.places("def"))


def check_references(text: str, crlf: bool = False) -> None:
    """The mentions of the thing at the cursor are the stretches marked `‹ref›`, in any file."""
    here = marked(text, crlf)
    found = references(here.snapshot, here.uri, here.offset)
    _assert_places(here.snapshot, found, here.places("ref"))
    _assert_definition_is_shared(here, found)


def _assert_definition_is_shared(here: Marked, found: tuple[Location, ...]) -> None:
    """Each reference leads to the same definition."""
    own = {t.name for t in definitions(here.snapshot, here.uri, here.offset)}
    for uri, span in found:
        theirs = {t.name for t in definitions(here.snapshot, uri, span.start)}
        assert theirs == own, draw(here.snapshot, [Location(uri, span)])


# Renaming


def applied(snapshot: Snapshot, edits: Iterable[Edit]) -> dict[str, str]:
    """The new texts of the files that the edits change."""
    by_file: dict[str, list[Edit]] = defaultdict(list)
    for edit in edits:
        by_file[edit.uri].append(edit)
    return {uri: apply_edits(snapshot.document(uri).text, own) for uri, own in by_file.items()}


def check_rename(text: str, new_name: str, crlf: bool = False) -> None:
    """Renaming at the cursor changes exactly the stretches marked `‹ref›`, to the new name.

    Afterwards nothing is wrong that was not wrong before.
    """
    here = marked(text, crlf)
    edits = rename(here.snapshot, here.uri, here.offset, new_name)
    assert not isinstance(edits, Refusal), edits
    named = [edit for edit in edits if edit.text == new_name]
    places = [Location(edit.uri, edit.span) for edit in named]
    _assert_places(here.snapshot, places, here.places("ref"))
    # A member without SQL of its own keeps its column by a written `expr`, and a table its own.
    others = [edit.text for edit in edits if edit.text != new_name]
    assert all(re.search(r"(expr|identifier): \w+$", text) for text in others), others
    assert_nothing_new(here.snapshot, edits)


def check_refusal(text: str, new_name: str, part: str) -> None:
    here = marked(text)
    refusal = rename(here.snapshot, here.uri, here.offset, new_name)
    assert isinstance(refusal, Refusal), f"renamed with {refusal}"
    assert part in refusal.reason


def assert_nothing_new(snapshot: Snapshot, edits: Iterable[Edit]) -> Snapshot:
    """After the edits the workspace has no new finding; returns the new snapshot."""
    texts = applied(snapshot, edits)
    after = snapshot.apply([Change(uri, text) for uri, text in texts.items()])
    before = Counter((f.location.uri, f.rule.code) for f in check(snapshot))
    findings = check(after)
    new = Counter((f.location.uri, f.rule.code) for f in findings) - before
    assert not new, "\n".join(f"{f.rule.code} {f.message}" for f in findings)
    return after


# Completion


def complete(text: str, crlf: bool = False) -> tuple[Marked, Completions]:
    here = marked(text, crlf)
    is_query = here.snapshot.document(here.uri).kind == "smq"
    find = completions if is_query else model_completions
    return here, find(here.snapshot, here.uri, here.offset)


def check_completion(
    text: str,
    first: Iterable[str] = (),
    has: Iterable[str] = (),
    absent: Iterable[str] = (),
    crlf: bool = False,
) -> tuple[Completion, ...]:
    """The offers at the cursor begin with `first`, hold `has` and none of `absent`."""
    _, found = complete(text, crlf)
    labels = [item.label for item in found.items]
    wanted = list(first)
    assert labels[: len(wanted)] == wanted, labels[:12]
    for label in has:
        assert label in labels, (label, labels)
    for label in absent:
        assert label not in labels, labels
    return found.items


def completed(text: str, label: str) -> str:
    """The text of the cursor's file after the offer of that label is taken."""
    here, found = complete(text)
    item = next((i for i in found.items if i.label == label), None)
    assert item is not None, (label, [i.label for i in found.items])
    before = here.text[: item.span.start]
    line = before[before.rfind("\n") + 1 :]
    # Editors add the indentation of the line to those that follow.
    insert = item.insert.replace("\n", "\n" + line[: len(line) - len(line.lstrip())])
    return before + insert + here.text[item.span.end :]


# Actions, tokens, outlines


def actions_at(text: str) -> tuple[Marked, tuple[Action, ...]]:
    """The actions at the cursor, or for the stretch marked `‹range›`."""
    here = marked(text)
    span = here.ranges["range"][0].span if "range" in here.ranges else None
    return here, actions(here.snapshot, here.uri, span or Span(here.offset, here.offset))


def check_action(text: str, title: str, *expected: str) -> dict[str, str]:
    """The action whose title begins so exists and leads to texts that hold what is expected."""
    here, found = actions_at(text)
    action = next((a for a in found if a.title.startswith(title)), None)
    assert action is not None, [a.title for a in found]
    texts = applied(here.snapshot, action.edits)
    whole = "\n".join(texts.values())
    for part in expected:
        assert part in whole, whole
    return texts


def check_tokens(text: str, expected: str) -> None:
    """The words of the cursor's file with their kinds, `word/kind` in order."""
    here = marked(text)
    found = tokens(here.snapshot, here.uri)
    spelled = " ".join(f"{t.span.cut(here.text)}/{t.type}" for t in found)
    assert spelled == " ".join(expected.split()), spelled


def outline(text: str) -> list[str]:
    """The symbols of the cursor's file, indented by depth."""
    here = marked(text)

    def lines(symbol: DocumentSymbol, depth: int) -> Iterable[str]:
        assert symbol.whole.covers(symbol.name_at), symbol
        yield f"{'  ' * depth}{symbol.kind} {symbol.name}"
        for child in symbol.children:
            assert symbol.whole.covers(child.whole), child
            yield from lines(child, depth + 1)

    found = document_symbols(here.snapshot, here.uri)
    return [line for symbol in found for line in lines(symbol, 0)]

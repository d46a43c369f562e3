"""Renames over the example workspaces: nothing breaks, and every query runs the same SQL."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest
from tests.support.examples import EXAMPLES
from tests.support.ide import applied, draw

from smq.ide.definition import definitions
from smq.ide.index import mentions
from smq.ide.references import Refusal, references, rename
from smq.rules.check import check
from smq.sql.compile import CompileOptions, compile_query
from smq.syntax import Document
from smq.text import Location
from smq.workspace import Change, Snapshot, build

NEW = "zq새이름"


@cache
def example(name: str) -> Snapshot:
    root = EXAMPLES / name
    files = [*root.rglob("*.yml"), *root.rglob("*.smq.json")]
    return build(
        Document(str(path.relative_to(root)), path.read_text(encoding="utf-8")) for path in files
    )


def defined(snapshot: Snapshot) -> dict[tuple[str, ...], Location]:
    """One defining place of each thing."""
    found: dict[tuple[str, ...], Location] = {}
    for uri in snapshot.uris:
        for mention in mentions(snapshot, uri):
            if mention.role == "definition":
                found.setdefault(mention.key, Location(uri, mention.span))
    return found


def compiled(snapshot: Snapshot) -> list[str]:
    """The SQL of every query, without the layout and quotes that depend on names' lengths."""
    found = []
    for uri in snapshot.uris:
        for query in snapshot.queries(uri):
            result = compile_query(query, snapshot.graph, CompileOptions())
            sql = " ".join(one.sql for one in result.queries)
            found.append(re.sub(r"[\s\"]", "", sql))
    return found


def codes(snapshot: Snapshot) -> Counter[tuple[str, str]]:
    return Counter((finding.location.uri, finding.rule.code) for finding in check(snapshot))


@pytest.mark.parametrize("name", ["bank", "shop"])
def test_every_rename_keeps_every_query(name: str) -> None:
    snapshot = example(name)
    before, sql = codes(snapshot), compiled(snapshot)
    for key, place in defined(snapshot).items():
        edits = rename(snapshot, place.uri, place.span.start, NEW)
        assert not isinstance(edits, Refusal), (key, edits)
        texts = applied(snapshot, edits)
        after = snapshot.apply(Change(uri, text) for uri, text in texts.items())
        assert not codes(after) - before, (key, codes(after) - before)
        again = [text.replace(NEW, key[-1]) for text in compiled(after)]
        assert again == sql, key


@pytest.mark.parametrize("name", ["bank", "shop"])
def test_every_reference_leads_back_to_its_definition(name: str) -> None:
    snapshot = example(name)
    for uri in snapshot.uris:
        for mention in mentions(snapshot, uri):
            if mention.key[0] in ("function", "grain", "column", "metric_time", "ref"):
                continue
            at = mention.span.start
            targets = [target.name for target in definitions(snapshot, uri, at)]
            place = Location(uri, mention.span)
            assert targets, draw(snapshot, [place])
            found = references(snapshot, uri, at)
            assert place in found, draw(snapshot, [place])
            assert set(targets) <= set(found), draw(snapshot, targets)

"""No feature fails or points outside the text, whatever the text and wherever the cursor."""

from __future__ import annotations

import itertools
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import EXAMPLES
from tests.support.ide import BANK

from smq.ide.actions import actions, fix_everything
from smq.ide.completion import completions
from smq.ide.definition import definitions, implementations, type_definitions
from smq.ide.hints import inlay_hints, lenses
from smq.ide.hover import hover
from smq.ide.index import mentions
from smq.ide.model_completion import model_completions
from smq.ide.references import Refusal, highlights, references, rename
from smq.ide.signature import signature
from smq.ide.structure import folds, links, selection
from smq.ide.symbols import DocumentSymbol, document_symbols, workspace_symbols
from smq.ide.tokens import tokens
from smq.syntax import Document
from smq.text import Edit, Location, Span, apply_edits
from smq.workspace import Change, Snapshot, build

_QUERY = """\
// 부점별 계좌 수 🙂
[
  {
    "metrics": ["account_count", "SUM(revenue) OVER (PARTITION BY 고객기본__cust_no) AS 누적"],
    "groupBy": ["고객기본__cust_no", "계좌정보__open_dt__month", "\\uBD80점코드__brn_cd"],
    "filters": ["계좌정보__open_dt >= '2024-01-01'", "{{ Dimension('cust__cust_no') }} = 'C1'"],
    "orderBy": ["-account_count"], "limit": 10,
    "joins": ["FROM 계좌정보 LEFT JOIN 고객기본 ON 계좌정보__cust = 고객기본__cust"]
  }
]
"""
_SPLICES = [
    '"',
    "'",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "-",
    "\n",
    "  ",
    "\t",
    "#",
    "/*",
    "\\",
    "(",
    "🙂",
]
_SPLICES += [
    "각",
    "\u1100",
    "&a",
    "*a",
    "<<:",
    "{{",
    "|",
    "\r\n",
    "null",
    "OVER (",
    "__",
    "\x00",
    "\ufeff",
]


@cache
def workspace() -> Snapshot:
    other = (EXAMPLES / "shop" / "metrics" / "sales.yml").read_text(encoding="utf-8")
    return build(
        [Document("m.yml", BANK), Document("q.smq.json", _QUERY), Document("s.yml", other)]
    )


@st.composite
def damages(draw: st.DrawFn) -> tuple[str, str, int]:
    """A file with up to three stretches lost or replaced, and an offset near one of them."""
    uri = draw(st.sampled_from(["m.yml", "q.smq.json", "s.yml"]))
    text = workspace().document(uri).text
    at = 0
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        gone = draw(st.integers(0, 12))
        text = text[:at] + draw(st.sampled_from(["", *_SPLICES])) + text[at + gone :]
    if draw(st.booleans()):
        text = text[: draw(st.integers(0, len(text)))]
    near = draw(st.integers(max(0, at - 20), at + 20)) if draw(st.booleans()) else None
    offset = draw(st.integers(0, len(text))) if near is None else min(near, len(text))
    return uri, text, offset


@given(damages())
@settings(max_examples=250, deadline=None)
def test_every_feature_answers_for_damaged_text(damaged: tuple[str, str, int]) -> None:
    uri, text, offset = damaged
    use_every_feature(workspace().apply([Change(uri, text)]), uri, offset)


@pytest.mark.parametrize("uri", ["m.yml", "q.smq.json", "s.yml"])
def test_every_feature_answers_for_every_beginning(uri: str) -> None:
    text = workspace().document(uri).text
    for end in range(0, len(text), max(1, len(text) // 60)):
        use_every_feature(workspace().apply([Change(uri, text[:end])]), uri, end)


@pytest.mark.parametrize("uri", ["m.yml", "q.smq.json", "s.yml"])
def test_every_feature_answers_at_many_places(uri: str) -> None:
    for offset in range(0, len(workspace().document(uri).text), 23):
        use_every_feature(workspace(), uri, offset)


def use_every_feature(snapshot: Snapshot, uri: str, offset: int) -> None:
    whole = Span(0, len(snapshot.document(uri).text))

    def inside(span: Span, of: str = uri) -> None:
        assert 0 <= span.start <= span.end <= len(snapshot.document(of).text), span

    def placed(locations: tuple[Location, ...] | list[Location]) -> None:
        for location in locations:
            inside(location.span, location.uri)

    def applicable(edits: tuple[Edit, ...]) -> None:
        for changed in {edit.uri for edit in edits}:
            own = [edit for edit in edits if edit.uri == changed]
            apply_edits(snapshot.document(changed).text, own)

    shown = hover(snapshot, uri, offset)
    if shown is not None:
        inside(shown.span)
        assert shown.markdown.strip()
    for find in (completions, model_completions):
        for item in find(snapshot, uri, offset).items:
            inside(item.span)
            assert item.label
    for go in (definitions, type_definitions, implementations):
        for target in go(snapshot, uri, offset):
            inside(target.origin)
            placed([target.name, target.whole])
    placed(references(snapshot, uri, offset))
    for highlight in highlights(snapshot, uri, offset):
        inside(highlight.span)
    edits = rename(snapshot, uri, offset, "새이름")
    if not isinstance(edits, Refusal):
        applicable(edits)
    for action in actions(snapshot, uri, Span(offset, offset)):
        applicable(action.edits)
    applicable(fix_everything(snapshot, uri))
    for mention in mentions(snapshot, uri):
        inside(mention.span)
    end = 0
    for token in tokens(snapshot, uri):
        inside(token.span)
        assert token.span.start >= end, "tokens overlap"
        end = token.span.end
    for symbol in document_symbols(snapshot, uri):
        _nested(symbol, whole)
    for found in workspace_symbols(snapshot, "고객"):
        placed([found.location])
    lines = snapshot.lines(uri).line_count
    assert all(0 <= fold.first_line < fold.last_line < lines for fold in folds(snapshot, uri))
    chain = selection(snapshot, uri, offset)
    assert all(outer.covers(inner) for inner, outer in itertools.pairwise(chain))
    for link in links(snapshot, uri):
        inside(link.span)
    for hint in inlay_hints(snapshot, uri, whole):
        inside(Span(hint.offset, hint.offset))
    for lens in lenses(snapshot, uri):
        inside(lens.span)
    signature(snapshot, uri, offset)


def _nested(symbol: DocumentSymbol, outer: Span) -> None:
    assert outer.covers(symbol.whole)
    assert symbol.whole.covers(symbol.name_at)
    for child in symbol.children:
        _nested(child, symbol.whole)

"""Reading only the entry that changed gives what reading the whole file gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.yaml_text import STYLES, documents, models

from smq.syntax import Alias, Document, Mapping, Node, Parsed, Scalar
from smq.syntax import yaml as reader
from smq.syntax.yaml_again import read_again

PIECES = (
    *"x가 \n\r:-#'\"[]{},&*|>!%@`?~\t\\",
    "\r\n", ": ", "- ", "  ", "\n  ", "\n    ", "\n      - ", "name: ", "- name: a\n", "&a ", "*a",
    "---\n", "...\n", "|\n", ">-\n", "# x\n", "<<: ", "yes", "1.5", "\u2028", "\x07", "{a: b}",
)  # fmt: skip
STYLE = "a: 1\nlist:\n- {name: x, expr: y}\n- name: z # 말\n  on: [1,\n    2]\nlast: 'it''s'\n"


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A text, and what it becomes with one small edit after another."""
    whole = st.one_of(documents(), st.sampled_from((models(2), models(1, 3), STYLES, STYLE)))
    text = first = draw(whole)
    texts: list[str] = []
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        gone = draw(st.sampled_from((0, 0, 0, 0, 1, 1, 2, 12)))
        come = draw(st.sampled_from(PIECES)) if not gone or draw(st.booleans()) else ""
        text = text[:at] + come + text[at + gone :]
        texts.append(text)
    return first, texts


def assert_the_same(first: str, texts: list[str]) -> None:
    parsed = reader.parse(Document("a.yml", first))
    for text in texts:
        document = Document("a.yml", text)
        again, fresh = reader.parse_again(document, parsed)[0], reader.parse(document)
        assert described(again) == described(fresh)
        # What people type is mostly taken back or mended by the next key.
        parsed = again if not again.problems else parsed


@settings(max_examples=250, deadline=None)
@given(edited())
def test_a_changed_text_is_read_as_a_new_one(texts: tuple[str, list[str]]) -> None:
    assert_the_same(*texts)


@pytest.mark.long
@settings(max_examples=20_000, deadline=None)
@given(edited())
def test_very_many_changed_texts_are_read_as_new_ones(texts: tuple[str, list[str]]) -> None:
    assert_the_same(*texts)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("piece", ["x", ": ", "\n", "'", "- ", "#"])
def test_a_key_pressed_anywhere_is_read_as_in_a_new_text(piece: str, line_end: str) -> None:
    text = STYLE.replace("\n", line_end)
    for at in range(len(text) + 1):
        assert_the_same(text, [text[:at] + piece + text[at:], text])


@pytest.mark.parametrize(
    ("where", "read"),
    [
        ("기준정보", "    description: "),
        ("dim_2", "      - name: dim_"),
        ("varchar", "        type: "),
        ("type: primary", "      - {name: key_0, type"),
        ("a_1", "        expr: a_"),
    ],
)
def test_only_the_entry_around_a_change_is_read(where: str, read: str) -> None:
    text = models(1)
    at = text.index(where) + len(where) - 1
    documents_read: list[str] = []

    def reading(document: Document) -> Parsed:
        documents_read.append(document.text)
        return reader.parse(document)

    document = Document("a.yml", text[:at] + "x" + text[at:])
    found = read_again(document, reader.parse(Document("a.yml", text)), reading)
    assert found is not None
    assert described(found[0]) == described(reader.parse(document))
    assert [each.startswith(read) for each in documents_read] == [True]
    assert len(documents_read[0]) < 120


def described(parsed: Parsed) -> object:
    roots = [_described(root, set()) for root in parsed.roots]
    return roots, parsed.problems, parsed.comments, parsed.complete, parsed.document


def _described(node: Node | None, seen: set[int]) -> Any:
    """All that a tree says; an alias by its target, once."""
    if node is None:
        return None
    about = (type(node).__name__, node.span)
    if isinstance(node, Alias):
        if id(node) in seen:
            return about
        return (*about, node.name, _described(node.target, seen | {id(node)}))
    about = (*about, node.anchor, node.tag)  # type: ignore[assignment]
    if isinstance(node, Scalar):
        # By the spelling, because a NaN is not even equal to itself.
        return (*about, repr(node.value), node.text, node.style, node.segments)
    if isinstance(node, Mapping):
        pairs = [(p.span, _described(p.key, seen), _described(p.value, seen)) for p in node.pairs]
        return (*about, node.flow, pairs)
    return (*about, node.flow, [_described(item, seen) for item in node.items])

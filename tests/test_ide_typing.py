"""Layout while typing: a closed object is laid out, a new line begins where it belongs."""

from __future__ import annotations

import pytest
from tests.support.ide import marked

from smq.ide.typing_layout import on_type
from smq.text import apply_edits


def typed(text: str, character: str = "\n", crlf: bool = False) -> str:
    """The file after the character before the cursor has been typed."""
    here = marked(text, crlf)
    edits = on_type(here.snapshot, here.uri, here.offset, character)
    return apply_edits(here.text, edits)


def test_a_closed_query_is_laid_out() -> None:
    text = '{"limit":3,\n      "metrics":["revenue"]\n}‹cursor›\n'
    assert typed(text, "}").startswith('{\n  "metrics": ["revenue"],')


def test_nothing_moves_while_something_is_open_or_wrong() -> None:
    for text in ('[{"metrics":["revenue"]}‹cursor›', '{"metrics":["revenue"}‹cursor›'):
        assert typed(text, "}") == text.replace("‹cursor›", "")


@pytest.mark.parametrize("crlf", [False, True])
@pytest.mark.parametrize(
    ("above", "indent"),
    [
        ("semantic_models:", 2),
        ("  - name: orders", 4),
        ("    table: a.b  # 표", 4),
        ("    dimensions:", 6),
        ("      - - x: 1", 10),
        ("    description: |", 6),
        ("    entities: [", 0),
        ("just words", 0),
    ],
)
def test_a_new_line_of_a_model(above: str, indent: int, crlf: bool) -> None:
    end = "\r\n" if crlf else "\n"
    assert typed(f"-- m.yml --\n{above}\n‹cursor›\nmetrics: []\n", crlf=crlf) == (
        f"{above}{end}{' ' * indent}{end}metrics: []{end}"
    )


@pytest.mark.parametrize(
    ("above", "indent"), [("{", 2), ('  "metrics": [', 4), ('  "metrics": ["revenue"],', 2)]
)
def test_a_new_line_of_a_query(above: str, indent: int) -> None:
    text = f"-- q.smq.json --\n{above}\n‹cursor›\n}}\n"
    assert typed(text) == f"{above}\n{' ' * indent}\n}}\n"


def test_a_line_with_words_stays() -> None:
    text = "-- m.yml --\nmetrics:\n‹cursor›- name: x\n"
    assert typed(text) == "metrics:\n- name: x\n"

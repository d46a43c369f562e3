"""Where a question stands in a query file, and what the file looks like with its query."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.generation import example

from smq.syntax import Document
from smq.syntax.jsonc import parse
from smq.text import apply_edits
from smq.workspace import Change
from smq_server.generation.placing import placed, question_at, replaced
from smq_server.generation.reading import plain

URI = "file:///w/q.smq.json"
REVENUE = {"metrics": ["revenue"], "groupBy": ["stores__country"]}
CURSOR = "‹›"


def generate(text: str, *queries: Any) -> tuple[str, str] | None:
    """The question at the cursor, and the text with its query; None where none is offered."""
    at = text.index(CURSOR)
    text = text.replace(CURSOR, "")
    parsed = parse(Document(URI, text))
    asked = question_at(parsed, at, at)
    if asked is None:
        return None
    edits = placed(parsed, asked, queries or (REVENUE,))
    assert len(edits) <= 1
    return asked.question, apply_edits(text, edits)


def after(text: str, *queries: Any) -> str:
    found = generate(text, *queries)
    assert found is not None
    return found[1]


def values(text: str) -> Any:
    parsed = parse(Document(URI, text))
    assert not parsed.problems, text
    return plain(parsed.root)


ONE = '{\n  "metrics": ["revenue"],\n  "groupBy": ["stores__country"]\n}'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("// 국가별 매출‹›", f"// 국가별 매출\n{ONE}\n"),
        ("// by country‹›\n", f"// by country\n{ONE}\n"),
        ("‹›// by country\n\n", f"// by country\n{ONE}\n"),
        ("/* by\n * country‹› */", f"/* by\n * country */\n{ONE}\n"),
        ("\ufeff// by country‹›\n", f"\ufeff// by country\n{ONE}\n"),
        ("// by country‹›\r\n", f"// by country\n{ONE}\n".replace("\n", "\r\n")),
        (
            '// by country‹›\n{"metrics": ["order_count"]} // end\n',
            f"// by country\n{ONE} // end\n",
        ),
        (
            '// by country\n{"metrics": ["order‹›_count"]}\n',
            f"// by country\n{ONE}\n",
        ),
        (
            "[\n  // by country‹›\n]\n",
            '[\n  // by country\n  {\n    "metrics": ["revenue"],\n'
            '    "groupBy": ["stores__country"]\n  }\n]\n',
        ),
    ],
)  # fmt: skip
def test_the_query_stands_below_its_question(text: str, wanted: str) -> None:
    assert after(text) == wanted


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("// revenue\n// by country‹›", "revenue by country"),
        ("// other\n\n// by country‹›", "by country"),
        ("/** 국가별\n *  매출\n **/‹›", "국가별 매출"),
        ("// smq: ignore[NAM101]\n// by country‹›", "by country"),
    ],
)
def test_a_question_is_the_words_of_its_comment(text: str, question: str) -> None:
    found = generate(text)
    assert found is not None and found[0] == question


@pytest.mark.parametrize(
    "text",
    [
        "‹›",
        "//‹›\n",
        "// smq: ignore-file‹›",
        '{"metrics": ["revenue"]‹›}',
        '{\n  // by country‹›\n  "metrics": ["revenue"]\n}',
        '// by country\n\n{"metrics": ["revenue"]}\n[‹›]',
    ],
)
def test_where_there_is_no_question_nothing_is_offered(text: str) -> None:
    assert generate(text) is None


OTHER = '{"metrics": ["order_count"]}'


@pytest.mark.parametrize(
    ("text", "others"),
    [
        (f"[\n  {OTHER},\n  // by country‹›\n]", 1),
        (f"[\n  {OTHER}\n  // by country‹›\n]", 1),
        (f"[\n  {OTHER} // a, comma\n  // by country‹›\n]", 1),
        (f"[\n  {OTHER},\n  // by country‹›\n\n  // more\n  {OTHER}\n]", 2),
        (f"[\n  // by country‹›\n\n  // more\n  {OTHER}\n]", 1),
        (f"{OTHER}\n// by country‹›\n", 1),
        (f"// by country‹›\n\n// more\n{OTHER}\n", 1),
        (f"// more\n{OTHER}\n\n// by country‹›", 1),
    ],
)
def test_other_queries_stay_and_the_file_becomes_a_list(text: str, others: int) -> None:
    found = after(text)
    listed = values(found)
    assert listed.count(REVENUE) == 1 and len(listed) == others + 1
    assert found.count("//") == text.count("//")
    # Directly below, so that the next time it is replaced and not written again.
    assert values(after(found.replace("by country", f"by country{CURSOR}"))) == listed


def test_several_queries_become_a_list() -> None:
    second = {"metrics": ["order_count"]}
    assert values(after("// both‹›", REVENUE, second)) == [REVENUE, second]
    assert values(after(f"// both‹›\n{OTHER}", REVENUE, second)) == [REVENUE, second]
    assert values(after(f"[\n// both‹›\n{OTHER}]", REVENUE, second)) == [REVENUE, second]


def test_a_query_keeps_its_name_and_its_schema() -> None:
    text = '// by country‹›\n{"$schema": "smq", "name": "n", "metrics": ["x"], "limit": 5}'
    assert values(after(text)) == {"$schema": "smq", "name": "n", **REVENUE}


def test_text_that_is_no_query_file_is_left_alone() -> None:
    behind = f"[]// by country{CURSOR}\n{OTHER}"
    assert after(behind) == behind.replace(CURSOR, "")
    assert after("// by country‹›\nnonsense") == "// by country\nnonsense"


def test_repairing_keeps_comments_and_layout() -> None:
    text = '// q\n{\n  // what\n  "metrics": ["revenu"], "limit": 5,\n  "name": "n"\n}\n'
    snapshot = example("shop").apply([Change(URI, text)])
    edits = replaced(snapshot.document(URI), snapshot.queries(URI)[0], REVENUE)
    found = apply_edits(text, edits)
    assert "// q\n" in found and "// what\n" in found
    value = values(found)
    assert value["metrics"] == ["revenue"] and value["name"] == "n" and not value.get("limit")


def test_a_broken_query_is_replaced_as_a_whole() -> None:
    text = '// q\n{"metrics": ["revenu"] "limit" 5}\n'
    snapshot = example("shop").apply([Change(URI, text)])
    edits = replaced(snapshot.document(URI), snapshot.queries(URI)[0], REVENUE)
    assert values(apply_edits(text, edits)) == REVENUE


pieces = st.sampled_from(
    ["// by country\n", "/* 매출 */", OTHER, "[", "]", ",", "\n", " ", "{", "}", '"', "x", "//"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=8), st.integers(0, 60))
def test_no_text_gets_worse(parts: list[str], at: int) -> None:
    text = "".join(parts)
    parsed = parse(Document(URI, text))
    at = min(at, len(text))
    asked = question_at(parsed, at, at)
    if asked is None:
        return
    edits = placed(parsed, asked, [REVENUE])
    if not edits:
        return
    again = parse(Document(URI, apply_edits(text, edits)))
    assert len(again.problems) <= len(parsed.problems)
    assert json.dumps(REVENUE) in json.dumps(plain(again.root))

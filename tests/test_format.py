"""Formatting keeps every value and every comment, and does nothing the second time."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smq.format import format_document
from smq.format.keys import KEY_ORDER
from smq.format.width import MAX_COLUMNS, columns
from smq.query.written import KEYS, SPELLINGS
from smq.syntax import Document, Mapping, Node, Parsed, Scalar, Sequence
from smq.syntax.jsonc import parse
from smq.text import apply_edits

MANY = settings(max_examples=200, deadline=None)


def read(text: str) -> Parsed:
    return parse(Document("q.smq.json", text))


def formatted(text: str) -> str:
    return apply_edits(text, format_document(read(text)))


def value(node: Node | None) -> Any:
    """The values and the source text of scalars, which must not change at all."""
    if isinstance(node, Mapping):
        return {pair.key.text: value(pair.value) for pair in node.pairs}
    if isinstance(node, Sequence):
        return [value(item) for item in node.items]
    return (node.value, node.text) if isinstance(node, Scalar) else None


def comments(parsed: Parsed) -> list[str]:
    return sorted(span.cut(parsed.document.text).rstrip() for span in parsed.comments)


# --- texts of every layout ----------------------------------------------------------------------

gaps = st.lists(
    st.sampled_from(
        [
            "",
            " ",
            "  ",
            "\n",
            "\n\n",
            "\n\n\n",
            "\t",
            "// c\n",
            "// 주석 \n",
            "/* b */",
            "/* m\n m */",
        ]
    ),
    max_size=3,
).map("".join)
bare = st.just("")
scalars = st.sampled_from(
    ['"a"', '"부점코드__brn_stcd"', "\"x = '1' // no comment\"", '"\\uD55C\\n"', "1", "1e3", "null"]
) | st.integers(1, 90).map(lambda n: '"' + "가나" * (n // 2) + '"')
names = st.sampled_from([*KEYS, *SPELLINGS, "where"]).map(lambda key: f'"{key}"')


@st.composite
def texts(draw: st.DrawFn, gap: st.SearchStrategy[str] = gaps) -> str:
    """JSONC with comments and blanks anywhere; keys are unique, as a duplicate is a fault."""

    def container(opened: str, closed: str, children: list[str]) -> str:
        parts = [opened]
        for index, child in enumerate(children):
            parts += [draw(gap), child, draw(gap)]
            if index < len(children) - 1 or draw(st.booleans()):
                parts.append(",")
        return "".join([*parts, draw(gap), closed])

    def build(depth: int) -> str:
        kind = draw(st.sampled_from(["scalar", "list", "object"] if depth else ["object"]))
        if kind == "scalar" or depth > 2:
            return draw(scalars)
        if kind == "list":
            return container("[", "]", [build(depth + 1) for _ in range(draw(st.integers(0, 4)))])
        keys = draw(st.lists(names, unique=True, max_size=5))
        pairs = [f"{key}{draw(gap)}:{draw(gap)}{build(depth + 1)}" for key in keys]
        return container("{", "}", pairs)

    queries = [build(0) for _ in range(draw(st.integers(1, 3)))]
    whole = container("[", "]", queries) if draw(st.booleans()) else queries[0]
    text = draw(gap) + whole + draw(gap)
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@MANY
@given(texts())
def test_formatting_keeps_values_and_comments_and_settles(text: str) -> None:
    before = read(text)
    assert before.problems == ()
    once = formatted(text)
    after = read(once)
    assert after.problems == ()
    assert value(after.root) == value(before.root)
    assert comments(after) == comments(before)
    assert formatted(once) == once
    assert once.endswith("\r\n" if "\r\n" in text else "\n")


@MANY
@given(texts(bare))
def test_all_layouts_of_one_query_become_one(text: str) -> None:
    plain = json.loads(re.sub(r",(?=[\]}])", "", text))
    wide = formatted(json.dumps(plain, ensure_ascii=False, indent=4))
    # Numbers and escapes are copied, so only texts that json writes alike are comparable.
    if text.count("1e3") == text.count("\\u") == 0:
        assert formatted(text).replace("\r\n", "\n") == wide


@MANY
@given(texts(bare))
def test_lines_are_short_where_they_can_be(text: str) -> None:
    for line in formatted(text).splitlines():
        if columns(line) > MAX_COLUMNS:
            # Only a scalar alone, or a key with one, is allowed to be wider.
            assert line.count('", ') == 0 and "[" not in line.split('"')[0]


# --- the layout -----------------------------------------------------------------------------------


def test_a_query_is_laid_out() -> None:
    text = """\
{"limit":10, // ten
 // by branch
"groupBy":["부점코드__brn_stcd" , "부점코드__brn_cd",],"metrics": [ // two
   "total_brn_cnt" /* one */,
   "customer_count"
   ]}"""
    assert (
        formatted(text)
        == """\
{
  "metrics": [ // two
    "total_brn_cnt", /* one */
    "customer_count"
  ],
  // by branch
  "groupBy": ["부점코드__brn_stcd", "부점코드__brn_cd"],
  "limit": 10 // ten
}
"""
    )


def test_hangul_counts_as_two_columns() -> None:
    def query(name: str) -> str:
        return f'{{\n  "metrics": ["{name}", "b"]\n}}\n'

    fits = query("가" * 38 + "a" * 2)
    assert max(columns(line) for line in fits.splitlines()) == MAX_COLUMNS
    assert formatted(fits) == fits
    assert formatted(query("가" * 38 + "a" * 3)).count("\n") == 6


def test_alternative_spellings_and_strings_stay_as_written() -> None:
    text = '{"group_by": ["\\uD55C"], "metrics": ["a"]}'
    assert formatted(text) == '{\n  "metrics": ["a"],\n  "group_by": ["\\uD55C"]\n}\n'


def test_keys_stay_where_moving_one_could_tear_a_comment_from_its_place() -> None:
    text = '{\n  "limit": 1,\n  // All of what follows is for the board.\n\n  "metrics": ["a"]\n}\n'
    assert formatted(text) == text


def test_unknown_keys_stop_the_ordering_and_nothing_else() -> None:
    text = '{"limit": 1, "where": [], "metrics": ["a"]}'
    assert formatted(text) == '{\n  "limit": 1,\n  "where": [],\n  "metrics": ["a"]\n}\n'


@pytest.mark.parametrize(
    "text", ['{"metrics": ["a"', "{'metrics': []}", '{"a": 1} {"b": 2}', "", " \n"]
)
def test_a_file_with_syntax_errors_or_without_content_is_left_alone(text: str) -> None:
    assert format_document(read(text)) == ()


def test_line_ends_and_byte_order_mark_are_kept() -> None:
    assert formatted('\ufeff{"metrics":["a"]}\r\n') == '\ufeff{\r\n  "metrics": ["a"]\r\n}\r\n'


def test_edits_are_small() -> None:
    text = '{\n  "metrics": ["a"],\n  "groupBy":["b"],\n  "limit": 1\n}\n'
    (edit,) = format_document(read(text))
    assert (edit.span.cut(text), edit.text) == ("", " ")


def test_every_key_of_a_query_has_its_place() -> None:
    assert sorted(KEY_ORDER) == sorted(KEYS)

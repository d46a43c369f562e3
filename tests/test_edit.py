"""editSmq changes what it is told and nothing else, in values and in files alike."""

from __future__ import annotations

import json
import unicodedata
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smq.format.json_edit import (
    add_item,
    insert_child,
    remove_child,
    remove_key,
    rename_key,
    replace_item,
    set_value,
)
from smq.query.edit import edit_document, edit_queries
from smq.query.written import KEYS, LIST_KEYS
from smq.syntax import Document, Mapping, Node, Scalar, Sequence
from smq.syntax.jsonc import parse
from smq.text import Edit, apply_edits

MANY = settings(max_examples=250, deadline=None)
URI = "q.smq.json"

TWO = [
    {"metrics": ["revenue", "cost"], "groupBy": ["orders__day"], "limit": 10},
    {"metrics": ["cost"], "order_by": ["-cost"]},
]


def edited(*edits: Any, queries: list[Any] = TWO) -> list[Any]:
    before = deepcopy(queries)
    result = edit_queries(queries, edits)
    assert result.mistakes == ()
    assert queries == before
    return list(result.queries)


def mistakes(*edits: Any, queries: list[Any] = TWO) -> list[str]:
    result = edit_queries(queries, edits)
    assert list(result.queries) == queries
    return [str(mistake) for mistake in result.mistakes]


# --- values ---------------------------------------------------------------------------------------


def test_add_appends_what_is_not_there_in_order() -> None:
    first, second = edited({"index": 0, "add": {"metrics": ["tax", "cost", "tax", "aov"]}})
    assert first["metrics"] == ["revenue", "cost", "tax", "aov"]
    assert second == TWO[1]


def test_remove_takes_items_out_and_resets_scalars() -> None:
    first, _ = edited({"index": 0, "remove": {"metrics": "revenue", "limit": None}})
    assert first == {"metrics": ["cost"], "groupBy": ["orders__day"], "limit": None}


def test_set_replaces() -> None:
    first, _ = edited({"index": 0, "set": {"metrics": ["tax"], "limit": 5, "filters": None}})
    assert first == {"metrics": ["tax"], "groupBy": ["orders__day"], "filters": [], "limit": 5}


def test_new_keys_come_in_their_order() -> None:
    first, _ = edited(
        {"index": 0, "add": {"orderBy": ["-revenue"]}, "set": {"description": "매출", "joins": []}}
    )
    assert list(first) == ["description", "metrics", "groupBy", "orderBy", "limit", "joins"]


def test_either_spelling_means_the_key_that_is_there() -> None:
    _, second = edited({"index": 1, "add": {"orderBy": ["a"]}, "set": {"group_by": ["b"]}})
    assert second == {"metrics": ["cost"], "order_by": ["-cost", "a"], "groupBy": ["b"]}


def test_several_edits_follow_each_other() -> None:
    first, second = edited(
        {"index": 0, "add": {"metrics": ["tax"]}},
        {"index": 1, "set": {"limit": 1}},
        {"index": 0, "remove": {"metrics": ["tax", "cost"]}},
    )
    assert (first["metrics"], second["limit"]) == (["revenue"], 1)


def test_one_query_needs_no_index() -> None:
    assert edited({"set": {"limit": 1}}, queries=[{"metrics": ["a"]}])[0]["limit"] == 1
    assert mistakes({"set": {"limit": 1}}) == [
        "edits[0].index: the index of a query is a whole number, from 0"
    ]


@pytest.mark.parametrize("empty", [None, [], [""], ["", " "]])
def test_an_empty_list_is_filled(empty: Any) -> None:
    (query,) = edited({"add": {"filters": "x = 1"}}, queries=[{"metrics": ["a"], "filters": empty}])
    assert query["filters"] == ["x = 1"]


def test_items_are_compared_in_nfc() -> None:
    written = unicodedata.normalize("NFD", "총매출")
    queries = [{"metrics": [written, "a"]}]
    assert edited({"add": {"metrics": ["총매출"]}}, queries=queries) == queries
    assert edited({"remove": {"metrics": [" 총매출"]}}, queries=queries) == [{"metrics": ["a"]}]


@pytest.mark.parametrize(
    ("edit", "path", "words"),
    [
        ({"index": 2, "set": {"limit": 1}}, "edits[0].index", "there are 2 queries"),
        ({"index": -1, "set": {"limit": 1}}, "edits[0].index", "there is no query -1"),
        ({"index": True, "set": {}}, "edits[0].index", "whole number"),
        ({"index": "0", "set": {}}, "edits[0].index", "whole number"),
        ({"index": 0, "add": {"metrix": ["a"]}}, "edits[0].add.metrix", "did you mean `metrics`?"),
        ({"index": 0, "remove": {"metrics": ["costs"]}}, "edits[0].remove.metrics", "mean 'cost'?"),
        ({"index": 0, "remove": {"filters": ["x"]}}, "edits[0].remove.filters", "no 'x'"),
        ({"index": 0, "remove": {"name": None}}, "edits[0].remove.name", "no `name`"),
        ({"index": 0, "remove": {"limit": 11}}, "edits[0].remove.limit", "10 and not 11"),
        ({"index": 0, "add": {"limit": 5}}, "edits[0].add.limit", "use `set`"),
        ({"index": 0, "add": {"metrics": [1]}}, "edits[0].add.metrics", "a list of strings"),
        ({"index": 0, "add": {"metrics": [" "]}}, "edits[0].add.metrics", "blank"),
        ({"index": 0, "add": {"metrics": None}}, "edits[0].add.metrics", "a list of strings"),
        ({"index": 0, "set": {"limit": -1}}, "edits[0].set.limit", "from 0"),
        ({"index": 0, "set": {"limit": True}}, "edits[0].set.limit", "from 0"),
        ({"index": 0, "set": {"name": 1}}, "edits[0].set.name", "a string"),
        ({"index": 0, "set": ["limit"]}, "edits[0].set", "keys of the query"),
        ({"index": 0, "append": {}}, "edits[0].append", "only"),
        ("limit", "edits[0]", "an object"),
    ],
)
def test_mistakes_say_where_and_change_nothing(edit: Any, path: str, words: str) -> None:
    good = {"index": 1, "set": {"limit": 3}}
    (found,) = mistakes(edit, good)
    assert found.startswith(f"{path}: ")
    assert words in found


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes({"index": 9}, {"index": 0, "add": {"x": 1}}, {"index": 0, "set": 1})) == 3


def test_what_is_no_query_keeps_its_place() -> None:
    queries = ["x", {"metrics": ["a"]}]
    assert edited({"index": 1, "set": {"limit": 1}}, queries=queries)[0] == "x"
    assert mistakes({"index": 0, "set": {"limit": 1}}, queries=queries) == [
        "edits[0].index: what stands at 0 is no query"
    ]


# --- files ----------------------------------------------------------------------------------------

FILE = """\
// 지점별 매출
[
  {
    // what
    "metrics": [
      "revenue", // the main one
      "cost"
    ],
    "groupBy": ["orders__day"], /* by day */
    "limit": 10 // ten
  },
  {"metrics": ["cost"], "order_by": ["-cost",],}
]
"""


def edited_file(*edits: Any, text: str = FILE) -> str:
    result = edit_document(Document(URI, text), edits)
    assert result.mistakes == ()
    assert apply_edits(text, result.edits) == result.text
    return result.text


def test_a_file_keeps_its_comments_and_layout() -> None:
    assert (
        edited_file(
            {
                "index": 0,
                "add": {"metrics": ["tax"], "groupBy": ["orders__store"], "filters": ["x = 1"]},
                "remove": {"limit": None},
                "set": {"description": "매출"},
            },
            {"index": 1, "add": {"orderBy": ["a"]}, "set": {"limit": 5}},
        )
        == """\
// 지점별 매출
[
  {
    "description": "매출",
    // what
    "metrics": [
      "revenue", // the main one
      "cost",
      "tax"
    ],
    "groupBy": ["orders__day", "orders__store"], /* by day */
    "filters": ["x = 1"],
    "limit": null // ten
  },
  {"metrics": ["cost"], "order_by": ["-cost", "a",], "limit": 5,}
]
"""
    )


def test_removing_an_item_removes_its_line() -> None:
    text = edited_file({"index": 0, "remove": {"metrics": ["cost"]}})
    assert text == FILE.replace(', // the main one\n      "cost"\n', " // the main one\n")
    text = edited_file({"index": 0, "remove": {"metrics": ["revenue"]}})
    assert text == FILE.replace('      "revenue", // the main one\n', "")


def test_items_are_counted_with_the_holes_between_them() -> None:
    document = Document(URI, '["a",, "b", "c"]')
    (items,) = parse(document).roots
    assert isinstance(items, Sequence)
    kept = []
    for index, item in enumerate(items.items):
        if item is None:
            with pytest.raises(IndexError):
                remove_child(document, items, index)
        else:
            kept.append(apply_edits(document.text, remove_child(document, items, index)))
    assert kept == ['[, "b", "c"]', '["a",, "c"]', '["a",, "b"]']


def test_nothing_to_change_changes_nothing() -> None:
    assert edited_file({"index": 0, "add": {"metrics": ["cost"]}, "set": {"limit": 10}}) == FILE


def test_a_broken_file_is_not_edited() -> None:
    text = '{\n  "metrics": ["a"\n}'
    result = edit_document(Document(URI, text), [{"set": {"limit": 1}}])
    assert (result.text, result.edits) == (text, ())
    assert "line 2" in result.mistakes[0].message


def test_a_mistake_leaves_the_file_alone() -> None:
    edits = [{"index": 0, "set": {"limit": 1}}, {"index": 5}]
    result = edit_document(Document(URI, FILE), edits)
    assert (result.text, result.edits, len(result.mistakes)) == (FILE, (), 1)


def value(node: Node | None) -> Any:
    if isinstance(node, Mapping):
        return {pair.key.text: value(pair.value) for pair in node.pairs}
    if isinstance(node, Sequence):
        return [value(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else "<hole>"


# --- properties -----------------------------------------------------------------------------------

words = st.sampled_from(["a", "b", "총매출", "x = '가\\d'", 'say "hi"', "[", "// c", "😀"])
items = st.lists(words, unique=True, max_size=4)
gaps = st.sampled_from(["", " ", "\n", "\n    ", " // c\n", " /* b */ ", "\n  // own\n  ", "\n\n"])
written_keys = st.lists(
    st.sampled_from([*LIST_KEYS, "limit", "name"]), unique=True, max_size=5
).map(lambda keys: [k for k in keys if k != "metrics"])


@st.composite
def files(draw: st.DrawFn) -> str:
    """A query file with comments and blanks between all tokens, sometimes in CRLF."""

    def separated(opened: str, closed: str, children: list[str]) -> str:
        parts = [opened]
        for index, child in enumerate(children):
            parts += [draw(gaps), child, draw(gaps)]
            if index < len(children) - 1 or draw(st.booleans()):
                parts.append(",")
        return "".join([*parts, draw(gaps), closed])

    def query() -> str:
        pairs = []
        for key in ["metrics", *draw(written_keys)]:
            if key in LIST_KEYS:
                listed = [json.dumps(item, ensure_ascii=False) for item in draw(items)]
                written = separated("[", "]", listed)
            else:
                written = draw(st.sampled_from(["null", "3"])) if key == "limit" else '"n"'
            pairs.append(f'"{key}":{draw(gaps)}{written}')
        return separated("{", "}", pairs)

    queries = [query() for _ in range(draw(st.integers(1, 2)))]
    text = separated("[", "]", queries) if draw(st.booleans()) or len(queries) > 1 else queries[0]
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


list_wishes = st.dictionaries(st.sampled_from(LIST_KEYS), items, max_size=3)
edit_values = st.fixed_dictionaries(
    {"index": st.integers(0, 1)},
    optional={
        "add": list_wishes,
        "set": list_wishes
        | st.fixed_dictionaries({"limit": st.integers(0, 9) | st.none(), "name": words}),
        "remove": list_wishes,
    },
)


@MANY
@given(files(), st.lists(edit_values, max_size=3))
def test_files_are_edited_as_values_are(text: str, edits: list[Any]) -> None:
    document = Document(URI, text)
    before = value(parse(document).root)
    queries = before if isinstance(before, list) else [before]
    wanted = edit_queries(queries, edits)
    result = edit_document(document, edits)
    assert result.mistakes == wanted.mistakes
    after = parse(Document(URI, result.text))
    assert after.problems == ()
    found = value(after.root)
    assert (found if isinstance(found, list) else [found]) == list(wanted.queries)
    assert apply_edits(text, result.edits) == result.text


@MANY
@given(files(), st.sampled_from(KEYS), words)
def test_adding_keeps_every_comment(text: str, key: str, word: str) -> None:
    adding = {"index": 0, "add": {key: [word]}} if key in LIST_KEYS else {"index": 0, "add": {}}
    result = edit_document(Document(URI, text), [adding])
    before, after = parse(Document(URI, text)), parse(Document(URI, result.text))
    # A comment in a list that was empty stays as well, and every other one in its order.
    assert [c.cut(result.text).strip() for c in after.comments] == [
        c.cut(text).strip() for c in before.comments
    ]


# --- small edits ----------------------------------------------------------------------------------


def change(text: str, *edits: Edit) -> str:
    return apply_edits(text, edits)


def query(text: str) -> tuple[Document, Mapping]:
    document = Document(URI, text)
    root = parse(document).root
    assert isinstance(root, Mapping)
    return document, root


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("{}", "metrics", '{"metrics": ["x"]}'),
        ("{\n}", "metrics", '{\n  "metrics": ["x"]\n}'),
        ("{\n  // c\n}", "metrics", '{\n  // c\n  "metrics": ["x"]\n}'),
        ('{"limit": 1}', "metrics", '{"metrics": ["x"], "limit": 1}'),
        ('{"metrics": []}', "metrics", '{"metrics": ["x"]}'),
        ('{"metrics": [""]}', "metrics", '{"metrics": ["x"]}'),
        ('{"metrics": null}', "metrics", '{"metrics": ["x"]}'),
        ('{"metrics": "a"}', "metrics", '{"metrics": ["a", "x"]}'),
        ('{"metrics": }', "metrics", '{"metrics": ["x"] }'),
        ('{"metrics"}', "metrics", '{"metrics": ["x"]}'),
        ('{"metrics": ["a" /* c */]}', "metrics", '{"metrics": ["a" /* c */, "x"]}'),
        ('{"metrics": ["a" // c\n]}', "metrics", '{"metrics": ["a", // c\n"x"\n]}'),
        (
            '{\n\t"metrics": [\n\t\t"a"\n\t]\n}',
            "metrics",
            '{\n\t"metrics": [\n\t\t"a",\n\t\t"x"\n\t]\n}',
        ),
        (
            '{"metrics": ["a"], "limit": 1}',
            "filters",
            '{"metrics": ["a"], "filters": ["x"], "limit": 1}',
        ),
        ('{"group_by": ["a"]}', "groupBy", '{"group_by": ["a", "x"]}'),
    ],
)
def test_adding_an_item(text: str, key: str, expected: str) -> None:
    document, root = query(text)
    assert change(text, *add_item(document, root, key, "x")) == expected


@pytest.mark.parametrize(
    ("text", "index", "expected"),
    [
        ('["a"]', 0, "[]"),
        ('["a",]', 0, "[]"),
        ('["a", "b", "c"]', 0, '["b", "c"]'),
        ('["a", "b", "c"]', 1, '["a", "c"]'),
        ('["a", "b", "c"]', 2, '["a", "b"]'),
        ('["a", "b",]', 1, '["a",]'),
        ('[\n  "a",\n  "b"\n]', 0, '[\n  "b"\n]'),
        ('[\n  "a",\n  "b"\n]', 1, '[\n  "a"\n]'),
        ('[\n  "a", // c\n  "b" // d\n]', 1, '[\n  "a" // c\n]'),
        ('[\r\n  "a",\r\n  "b",\r\n]', 1, '[\r\n  "a",\r\n]'),
    ],
)
def test_removing_an_item(text: str, index: int, expected: str) -> None:
    document = Document(URI, text)
    root = parse(document).root
    assert isinstance(root, Sequence)
    assert change(text, *remove_child(document, root, index)) == expected


def test_keys_and_items_are_replaced_where_they_stand() -> None:
    text = '{"group_by": ["a"], "limit": 1} // c'
    document, root = query(text)
    pair = root.pairs[0]
    assert isinstance(pair.value, Sequence)
    item = pair.value.items[0]
    assert item is not None
    assert (
        change(
            text,
            *rename_key(document, pair, "groupBy"),
            *replace_item(document, item, '가 "b"'),
            *remove_key(document, root, root.pairs[1]),
        )
        == '{"groupBy": ["가 \\"b\\""]} // c'
    )


def test_a_long_list_is_written_on_lines_of_its_own() -> None:
    text = '{\r\n  "metrics": ["a"]\r\n}'
    document, root = query(text)
    names = ["가" * 30, "나" * 30]
    assert change(text, *set_value(document, root, "filters", names)) == (
        '{\r\n  "metrics": ["a"],\r\n  "filters": [\r\n'
        f'    "{names[0]}",\r\n    "{names[1]}"\r\n  ]\r\n}}'
    )


def test_inserting_before_a_child() -> None:
    text = '["a", "b"]'
    document = Document(URI, text)
    root = parse(document).root
    assert isinstance(root, Sequence)
    assert change(text, *insert_child(document, root, 1, '"x"')) == '["a", "x", "b"]'

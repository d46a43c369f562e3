"""The YAML reader agrees with PyYAML on valid text, and knows where every character came from."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.support.yaml_text import (
    STYLES,
    assert_reads_like_the_judge,
    codes,
    documents,
    faults,
    models,
    nodes,
    read,
    value,
)

from smq.rules import find
from smq.syntax import Alias, Mapping, Scalar, Sequence
from smq.syntax.nodes import MAX_MODELS
from smq.syntax.yaml_values import read_plain
from smq.text import Span

MANY = settings(max_examples=200, deadline=None)


def scalar(text: str) -> Scalar:
    """The value of the key `k`."""
    root = read(text).root
    assert isinstance(root, Mapping)
    found = root.get("k")
    assert isinstance(found, Scalar)
    return found


# --- the same as the judge ------------------------------------------------------------------------


@pytest.mark.parametrize("text", [models(3), STYLES], ids=["models", "styles"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_real_texts_are_read_as_by_the_judge(text: str, line_end: str, start: str) -> None:
    assert_reads_like_the_judge(start + text.replace("\n", line_end))


@MANY
@given(documents())
def test_documents_of_all_styles_are_read_as_by_the_judge(text: str) -> None:
    try:
        list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        assume(False)
    assert_reads_like_the_judge(text)


_PLAIN_DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x85\u2028\u2029\ufeff")
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.sampled_from("abc -:가#'\""), max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@MANY
@given(
    _PLAIN_DATA,
    st.booleans() | st.none(),
    st.sampled_from([None, '"', "'", "|", ">"]),
    st.sampled_from([20, 80, 1000]),
    st.integers(2, 6),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_judge_writes_is_read_as_it_was(
    data: Any, flow: bool | None, style: str | None, width: int, indent: int, line_end: str
) -> None:
    text = yaml.safe_dump(
        data,
        default_flow_style=flow,
        default_style=style,
        width=width,
        indent=indent,
        allow_unicode=True,
        line_break=line_end,
        sort_keys=False,
    )
    assert_reads_like_the_judge(text)


_TOKENS = [
    "a",
    "b: ",
    "c:",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    " ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    '"x"',
    "'y'",
]
_TOKENS += [
    " # c",
    "&a ",
    "*a ",
    "!!str ",
    "|",
    ">",
    "|-\n",
    "---\n",
    "...\n",
    "한글",
    "-",
    "1",
    "~",
]
_TOKENS += ["key: v", "\n- k: v", "\n  k2: v2", ">-\n  t\n  u\n", "|+\n  t\n\n", "\r\n", "<<: *a"]


@MANY
@given(st.lists(st.sampled_from(_TOKENS), max_size=14).map("".join))
def test_whatever_the_judge_accepts_is_read_alike(text: str) -> None:
    try:
        list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        assume(False)
    assert_reads_like_the_judge(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# nothing\n", []),
        ("---\n", [None]),
        ("--- word\n...\n", ["word"]),
        ("--- |\n text\n--- {a: 1}\n", ["text\n", {"a": 1}]),
        ("a: 1\n---\n---\nb: 2\n", [{"a": 1}, None, {"b": 2}]),
        ("%YAML 1.2\n%TAG ! tag:x,2000:\n---\na: 1\n", [{"a": 1}]),
        ("a: 1\n...\n# between\n---\nb: 2\n...\n", [{"a": 1}, {"b": 2}]),
        ("? a\n: b\n? - x\n  - y\n: c\n? lone\n", [{"a": "b", "- x\n  - y": "c", "lone": None}]),
        ('{"a":1,"b":[1,2],"c":{"d":null}}', [{"a": 1, "b": [1, 2], "c": {"d": None}}]),
        ("[a: 1, {b: 2}, ? c : 3]", [[{"a": 1}, {"b": 2}, {"c": 3}]]),
        ("a: [\n1,\n2\n]\nb: 3\n", [{"a": [1, 2], "b": 3}]),
        ('a: "x\ny"\nb: 3\n', [{"a": "x y", "b": 3}]),
        ("a: &x {b: 1}\nc: *x\n", [{"a": {"b": 1}, "c": {"b": 1}}]),
        ("&a a: &b b\n*b : *a\n", [{"a": "b", "b": "a"}]),
        ("- !!str 1\n- !!int '1'\n- !!float 1\n- ! 1\n", [["1", 1, 1.0, "1"]]),
    ],
)
def test_documents_as_the_specification_says(text: str, expected: list[Any]) -> None:
    parsed = read(text)
    assert [value(root) for root in parsed.roots] == expected
    assert faults(parsed) == []


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", None),
        ("~", None),
        ("Null", None),
        ("true", True),
        ("FALSE", False),
        ("12", 12),
        ("-7", -7),
        ("0o14", 12),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("nullable", "nullable"),
        ("tRUE", "tRUE"),
        ("1.2.3", "1.2.3"),
        ("1_000", "1_000"),
        ("yes", "yes"),
        ("0o9", "0o9"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_plain_scalars_have_the_types_of_the_core_schema(text: str, expected: Any) -> None:
    found = scalar(f"k: {text}\n")
    assert found.value == expected
    assert type(found.value) is type(expected)
    assert found.text == text


def test_quotes_make_a_text_of_anything() -> None:
    assert scalar("k: '12'\n").value == "12"
    assert scalar('k: "true"\n').value == "true"
    assert scalar("k: |\n  12\n").value == "12\n"


@settings(max_examples=1000, deadline=None)
@given(
    st.text("0123456789+-._:eExXobBoOnyft~=", min_size=1, max_size=7)
    | st.sampled_from(["yes", "No", "ON", "off", "y", "null", "True", "2024-01-01", ".NaN", "<<"])
)
@example("0x_")
@example("0_")
@example("1:30.5")
def test_disputed_types_are_those_that_the_judge_types_otherwise(text: str) -> None:
    resolver: Any = yaml.resolver.Resolver()
    tag = resolver.resolve(yaml.ScalarNode, text, (True, False))
    kinds = {"bool": "boolean", "int": "number", "float": "number", "timestamp": "date"}
    kinds |= {"str": "text", "value": "default"}
    theirs = kinds.get(tag.rsplit(":", 1)[1], tag.rsplit(":", 1)[1])
    ours, legacy = read_plain(text)
    own = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "text"}[
        type(ours)
    ]
    if theirs != own:
        assert legacy is not None
        assert legacy[0] == theirs
    elif legacy is not None:
        assert legacy[0] == theirs == "number"
        assert legacy[1] != repr(ours)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("k: yes\n", "SYN230"),
        ("on: 1\n", "SYN230"),
        ("k: 012\n", "SYN230"),
        ("k: 1:30\n", "SYN230"),
        ("k: [1_000]\n", "SYN230"),
        ("k: {a: 2024-01-01}\n", "SYN231"),
    ],
)
def test_a_disputed_type_is_reported_where_it_stands(text: str, code: str) -> None:
    (problem,) = read(text).problems
    assert problem.code == code
    rule = find(code)
    assert rule is not None
    assert problem.location.span.cut(text) in rule.words(problem.args)


@pytest.mark.parametrize(
    "text", ["k: 'yes'\n", "k: true\n", "k: 10\n", "k: no\n  more\n", "k: !!str no\n"]
)
def test_what_is_no_dispute_is_not_reported(text: str) -> None:
    assert codes(read(text)) == []


# --- places ---------------------------------------------------------------------------------------


def assert_mapped(found: Scalar, text: str) -> None:
    """Every decoded character comes from a place that can be written as that character."""
    segments = found.source_map.segments
    assert "".join(found.text[s[0] : s[0] + s[2]] for s in segments) == found.text
    last = found.span.start
    for decoded, source, length, source_length in segments:
        assert last <= source <= source + source_length <= len(text)
        last = source + source_length
        piece, written = (
            found.text[decoded : decoded + length],
            text[source : source + source_length],
        )
        if length == source_length and written not in ("\n", "\r"):
            assert piece == written
        elif length:
            assert written[0] in "\\'\r\n \t", (piece, written)
    for offset in range(len(found.text)):
        start = found.source_map.start(offset)
        assert found.span.start <= start <= max(found.span.end, start)
        decoded_at = found.source_map.to_decoded(start)
        assert decoded_at is not None
        assert decoded_at <= offset


@MANY
@given(documents())
@example(STYLES)
@example(models(2).replace("\n", "\r\n"))
def test_every_decoded_character_has_its_place(text: str) -> None:
    parsed = read(text)
    for node in nodes(parsed):
        if isinstance(node, Scalar) and text[node.span.start : node.span.start + 1] != "*":
            assert_mapped(node, text)
    for comment in parsed.comments:
        assert text[comment.start] == "#"
        assert not any(end in comment.cut(text) for end in "\r\n")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("k: SUM(금액) + 😀 tail\n", "tail"),
        ("k: 'it''s the tail'\n", "tail"),
        ('k: "\\uD55C\\t\\"tail\\""\n', "tail"),
        ('k: "a\\\n   tail"\n', "tail"),
        ('k: "a\r\n\r\n  tail"\r\n', "tail"),
        ("k: plain\n   and the tail\n", "tail"),
        ("k: |\n  first\n    the tail\n", "tail"),
        ("k: >-\r\n  first\r\n  second tail\r\n", "tail"),
        ("k: |2+ # remark\n    first tail\n\n", "tail"),
        ("\ufeffk: [x, 'the tail']\n", "tail"),
    ],
)
def test_a_word_in_a_decoded_text_is_found_in_the_file(text: str, word: str) -> None:
    found = next(n for n in nodes(read(text)) if isinstance(n, Scalar) and word in n.text)
    start = found.text.index(word)
    span = found.source(Span(start, start + len(word)))
    assert span.cut(text) == word
    assert found.source_map.to_decoded(span.start) == start


def test_text_without_escapes_needs_no_map() -> None:
    for text in ("k: a b", "k: 'a b'", 'k: "a b"', "k: [a b]"):
        found = next(n for n in nodes(read(text)) if isinstance(n, Scalar) and n.text == "a b")
        assert found.segments is None
        assert found.content.cut(text) == "a b"


def test_spans_cover_quotes_headers_and_brackets_and_no_comments() -> None:
    text = "a: 'x' # r\nb: |  # r\n  one\n  two\nc: [1, 2]  # r\nd:\n  - e\n  -\n"
    root = read(text).root
    assert isinstance(root, Mapping)
    assert [pair.span.cut(text) for pair in root.pairs] == [
        "a: 'x'",
        "b: |  # r\n  one\n  two",
        "c: [1, 2]",
        "d:\n  - e\n  -",
    ]
    items = root.get("d")
    assert isinstance(items, Sequence)
    assert items.items[1] is None
    assert items.span.cut(text) == "- e\n  -"


def test_an_empty_block_has_a_place() -> None:
    found = scalar("k: |\nz: 1\n")
    assert found.text == ""
    assert found.content == Span(4, 4)


def test_comments_are_kept_in_order() -> None:
    text = "# one\na: [1, # two\n  2] # three\nb: | # four\n  # text\n# five\nc: a#b # six\n"
    assert [comment.cut(text) for comment in read(text).comments] == [
        "# one",
        "# two",
        "# three",
        "# four",
        "# five",
        "# six",
    ]


# --- anchors --------------------------------------------------------------------------------------


def test_an_alias_is_the_anchored_node_itself() -> None:
    text = "a: &x\n  - 1\nb: *x\n"
    root = read(text).root
    assert isinstance(root, Mapping)
    alias = root.pairs[1].value
    assert isinstance(alias, Alias)
    assert alias.target is root.pairs[0].value
    assert alias.span.cut(text) == "*x"


def test_merged_keys_give_way_to_own_ones() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc:\n  <<: [*a, *b]\n  y: 3\n"
    root = read(text).root
    assert isinstance(root, Mapping)
    merged = root.get("c")
    assert isinstance(merged, Mapping)
    assert {key: value(merged.get(key)) for key in "xyz"} == {"x": 1, "y": 3, "z": 2}
    assert yaml.safe_load(text)["c"] == {"x": 1, "y": 3, "z": 2}


def test_an_alias_of_nothing_names_the_nearest_anchor() -> None:
    (problem,) = read("a: &shared 1\nb: *share\n").problems
    assert problem.code == "SYN220"
    assert problem.args["nearest"] == ("shared",)


@pytest.mark.parametrize("text", ["a: &x [*x]\n", "&x a: 1\nb: &x\n  c: *x\n", "&x [[*x]]\n"])
def test_an_alias_inside_its_own_anchor_is_nothing(text: str) -> None:
    parsed = read(text)
    assert "SYN221" in codes(parsed)
    assert all(node.target is None for node in nodes(parsed) if isinstance(node, Alias))


def test_aliases_that_double_at_each_level_stay_as_small_as_they_look() -> None:
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{i}: &a{i}\n  <<: [*a{i - 1}, *a{i - 1}]\n  k{i}: 1" for i in range(1, 2000)]
    root = read("\n".join(lines)).root
    assert isinstance(root, Mapping)
    last = root.get("a1999")
    assert isinstance(last, Mapping)
    assert len(list(last.effective())) == 2000


# --- limits ---------------------------------------------------------------------------------------


def test_a_file_over_the_limit_is_refused_at_once() -> None:
    text = "a: 1\n" * (MAX_MODELS // 5 + 1)
    start = time.process_time()
    parsed = read(text)
    assert time.process_time() - start < 0.5
    assert codes(parsed) == ["FIL103"]
    assert not parsed.complete
    assert parsed.roots == ()


def test_two_hundred_levels_are_read_and_more_are_not() -> None:
    for deep in ("[" * 190 + "]" * 190, "".join("  " * n + "k:\n" for n in range(190))):
        assert read(deep).complete
    for deeper in (
        "[" * 50_000,
        "- " * 50_000,
        "{a: " * 50_000,
        "".join(" " * n + "k:\n" for n in range(2_000)),
        "a: 1\nb: " + "[" * 300 + "]" * 300 + "\nc: 1\n",
    ):
        parsed = read(deeper)
        assert not parsed.complete
        assert "SYN243" in codes(parsed)
    assert value(parsed.root)["a"] == 1


def test_binary_data_is_one_problem() -> None:
    parsed = read("".join(chr(number * 7919 % 256) for number in range(100_000)))
    assert codes(parsed) == ["FIL102"]
    assert not parsed.complete


def test_one_control_character_costs_nothing_else() -> None:
    text = "a: 1\nb: x\x00y\nc: 3\n"
    parsed = read(text)
    assert [(p.code, tuple(p.location.span)) for p in parsed.problems] == [("SYN240", (9, 10))]
    assert value(parsed.root) == {"a": 1, "b": "x\x00y", "c": 3}


def test_problems_are_told_up_to_a_limit() -> None:
    parsed = read("a: 1\n   b: 2\n" * 2_000)
    assert len(parsed.problems) == 1_001
    assert codes(parsed).count("SYN244") == 1


@pytest.mark.parametrize(
    "text",
    [
        '"a: b\n' * 20_000,
        'a: "x\n' * 20_000,
        "a: [x,\n" * 20_000,
        "a: {b: c,\n" * 20_000,
        "{" * 200_000,
        "{{" * 100_000,
        "{" + "]" * 100_000,
        "[" + "," * 100_000,
        "\t" * 200_000,
        "? " * 50_000,
        "&a " * 50_000,
        "a: |\n    x\n" + "   y\n" * 20_000,
        "x:\n  - a: 1\nb: 2\n    c: 3\n" * 10_000,
        "a:\n  b: 1\n }  c: 2\n" * 10_000,
        "- a:b\n  c: d\n" * 20_000,
        'a: "' + "b\\n\n " * 50_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_text_takes_time_by_its_length(text: str) -> None:
    start = time.process_time()
    read(text)
    assert time.process_time() - start < 10

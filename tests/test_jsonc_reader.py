"""The JSONC reader agrees with `json` on valid text and keeps what can be kept of any other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smq.syntax import Document, Mapping, Node, Parsed, Scalar, Sequence, index_at
from smq.syntax.jsonc import parse, trailing_commas
from smq.syntax.nodes import MAX_MODELS, MAX_QUERY
from smq.text import Span, apply_edits

MANY = settings(max_examples=250, deadline=None)


def read(text: str) -> Parsed:
    return parse(Document("q.smq.json", text))


def value(node: Node | None) -> Any:
    """The plain value of a tree; a hole is the string `<hole>`."""
    if isinstance(node, Mapping):
        return {pair.key.text: value(pair.value) for pair in node.pairs}
    if isinstance(node, Sequence):
        return [value(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else "<hole>"


def codes(parsed: Parsed) -> list[str]:
    return [problem.code for problem in parsed.problems]


def nodes(parsed: Parsed) -> list[Node]:
    """Every node of the tree, keys too, parents first; asserts that children lie inside."""
    found: list[Node] = []

    def walk(node: Node | None, inside: Span) -> None:
        if node is None:
            return
        assert inside.covers(node.span)
        found.append(node)
        if isinstance(node, Mapping):
            for pair in node.pairs:
                assert node.span.covers(pair.span)
                walk(pair.key, pair.span)
                walk(pair.value, pair.span)
        elif isinstance(node, Sequence):
            for item in node.items:
                walk(item, node.span)

    for root in parsed.roots:
        walk(root, Span(0, len(parsed.document.text)))
    return found


@MANY
@given(st.text(alphabet='[]{},:" a1\n', max_size=40), st.integers(0, 40))
def test_the_child_at_an_offset_is_the_one_whose_span_holds_it(text: str, offset: int) -> None:
    for node in nodes(read(text)):
        if isinstance(node, (Mapping, Sequence)):
            children = node.items if isinstance(node, Sequence) else node.pairs
            spans = [Span(0, 0) if child is None else child.span for child in children]
            held = [i for i, span in enumerate(spans) if span.start <= offset < span.end]
            found = index_at(children, offset)
            assert held == ([] if found is None else [found])


# --- valid text ---------------------------------------------------------------------------------

strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | strings,
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(strings, children, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, Any]:
    """A value and one way to write it: with or without escapes, blanks, line ends of any kind."""
    plain = draw(values)
    indent = draw(st.sampled_from([None, 0, 2]))
    text = json.dumps(plain, ensure_ascii=draw(st.booleans()), indent=indent)
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", newline), plain


@MANY
@given(written())
def test_valid_json_reads_as_json_reads_it(example: tuple[str, Any]) -> None:
    text, plain = example
    parsed = read(text)
    assert parsed.problems == ()
    assert len(parsed.roots) == 1
    assert value(parsed.root) == plain
    assert repr(value(parsed.root)) == repr(json.loads(text.removeprefix("\ufeff")))


@MANY
@given(written())
def test_every_value_stands_where_its_span_says(example: tuple[str, Any]) -> None:
    text, _ = example
    for node in nodes(read(text)):
        assert json.loads(node.span.cut(text)) == value(node) or isinstance(node, Mapping)
        assert text[node.span.start] not in " \t\r\n" and text[node.span.end - 1] not in " \t\r\n"


@MANY
@given(st.text(min_size=1, max_size=12), st.booleans())
def test_places_in_strings_survive_escapes(content: str, ascii_only: bool) -> None:
    content = content.encode("utf-16", "replace").decode("utf-16", "replace")
    text = json.dumps([content], ensure_ascii=ascii_only)
    root = read(text).root
    assert isinstance(root, Sequence)
    scalar = root.items[0]
    assert isinstance(scalar, Scalar)
    assert scalar.text == content
    for index in range(len(content)):
        place = scalar.source(Span(index, index + 1))
        assert json.loads(f'"{place.cut(text)}"') == content[index]
        assert scalar.source_map.to_decoded(place.start) == index
    assert scalar.content == Span(2, len(text) - 2)


def test_escapes_of_hangul_and_emoji() -> None:
    text = r'["\uD55C글 \uD83D\uDE00 \"x\" \\ \/"]'
    root = read(text).root
    assert isinstance(root, Sequence)
    scalar = root.items[0]
    assert isinstance(scalar, Scalar)
    assert scalar.text == '한글 😀 "x" \\ /'
    assert scalar.source(Span(0, 1)).cut(text) == r"\uD55C"
    assert scalar.source(Span(1, 2)).cut(text) == "글"
    assert scalar.source(Span(3, 4)).cut(text) == r"\uD83D\uDE00"


def test_comments_and_trailing_commas_are_allowed_and_found() -> None:
    text = '// a\n{"x": [1, /* b */ 2,], // c\n "y": {"z": 1,},\n}\n/* d */'
    parsed = read(text)
    assert parsed.problems == ()
    assert value(parsed.root) == {"x": [1, 2], "y": {"z": 1}}
    assert [span.cut(text) for span in parsed.comments] == ["// a", "/* b */", "// c", "/* d */"]
    found = sorted(trailing_commas(parsed))
    assert [text[span.start + 1] for span in found] == ["]", "}", "\n"]


def test_text_that_looks_like_a_comment_inside_a_string_is_text() -> None:
    parsed = read('{"a": "http://x /* y */", "b": "-- ,]"}')
    assert value(parsed.root) == {"a": "http://x /* y */", "b": "-- ,]"}
    assert parsed.comments == ()


@pytest.mark.parametrize("text", ["", "\ufeff", " \r\n\t", "// only a question\n", "/* x */"])
def test_a_file_without_a_value_is_no_fault(text: str) -> None:
    parsed = read(text)
    assert (parsed.roots, parsed.problems) == ((), ())


# --- faults -------------------------------------------------------------------------------------

# (text, value, {code: what its place covers, or the text just before an empty place})
FAULTS = [
    ('{"a": ["x" "y"]}', {"a": ["x", "y"]}, {"SYN103": '{"a": ["x"'}),
    ('{"a": 1\n "b": 2}', {"a": 1, "b": 2}, {"SYN103": '{"a": 1'}),
    ('{"a": ["x"; "y"]}', {"a": ["x", "y"]}, {"SYN103": ";"}),
    ('{"a" ["x"]}', {"a": ["x"]}, {"SYN104": '{"a"'}),
    ('{"a" = 1}', {"a": 1}, {"SYN104": "="}),
    ('{"a": , "b": 2}', {"a": "<hole>", "b": 2}, {"SYN105": '"a"'}),
    ('{"a", "b": 2}', {"a": "<hole>", "b": 2}, {"SYN105": '"a"'}),
    ('{"a":\n "b": 2}', {"a": "<hole>", "b": 2}, {"SYN105": '"a"'}),
    ('{"a"\n "b": 2}', {"a": "<hole>", "b": 2}, {"SYN105": '"a"'}),
    ('{"a": }', {"a": "<hole>"}, {"SYN105": '"a"'}),
    ('{"a": 1,, "b": 2}', {"a": 1, "b": 2}, {"SYN106": ","}),
    ("[, 1]", [1], {"SYN106": ","}),
    ('{"a": ["x]}', {"a": ["x"]}, {"SYN101": '"x'}),
    ('{"a": ["x],\n "b": 2}', {"a": ["x"], "b": 2}, {"SYN101": '"x'}),
    ('{"a": ["x, "y"], "b": 2}', {"a": ["x", "y"], "b": 2}, {"SYN101": '"x'}),
    ('{"a: ["x"]}', {"a": ["x"]}, {"SYN101": '"a'}),
    ('{"a": ["x", y", "z"]}', {"a": ["x", "y", "z"]}, {"SYN108": "y"}),
    ('{"a": ["x"\n "b": ["y"]}', {"a": ["x"], "b": ["y"]}, {"SYN102": "["}),
    ('{"a": ["x",\n "b": ["y"]}', {"a": ["x"], "b": ["y"]}, {"SYN102": "["}),
    ('{"a": [\n "b": ["y"]}', {"a": [], "b": ["y"]}, {"SYN102": "["}),
    ('{"a": ["x", "b": ["y"]}', {"a": ["x"], "b": ["y"]}, {"SYN102": "["}),
    ('{"a": ["x"}', {"a": ["x"]}, {"SYN102": "["}),
    ('{"a": ["x"', {"a": ["x"]}, {"SYN102": "["}),
    ('{"a": 1, "b', {"a": 1, "b": "<hole>"}, {"SYN101": '"b', "SYN102": "{"}),
    ('[{"a": 1, {"b": 2}]', [{"a": 1}, {"b": 2}], {"SYN102": "{"}),
    ('[{"a": 1 {"b": 2}]', [{"a": 1}, {"b": 2}], {"SYN102": "{"}),
    ('{"a": ["x"}, "b": 2}', {"a": ["x"], "b": 2}, {"SYN112": "}"}),
    ('[{"a": 1], {"b": 2}]', [{"a": 1}, {"b": 2}], {"SYN112": "]"}),
    ('["a": 1, "b": 2]', [{"a": 1, "b": 2}], {"SYN122": "["}),
    ("{'a': ['it\\'s']}", {"a": ["it's"]}, {"SYN107": "'a' 'it\\'s'"}),
    ('{"a": “x”}', {"a": "x"}, {"SYN107": "“x”"}),
    ("{a: [x y, z]}", {"a": ["x y", "z"]}, {"SYN108": "a x y z"}),
    ('{"a": True, "b": None}', {"a": True, "b": None}, {"SYN109": "True None"}),
    ('{"a": NaN}', {"a": "<hole>"}, {"SYN109": "NaN"}),
    ('{"a": -Infinity}', {"a": "<hole>"}, {"SYN109": "-Infinity"}),
    ('{"a": [.5, +1, 1_000, 0x10, 1.]}', {"a": [0.5, 1, 1000, 16, 1.0]}, {"SYN109": None}),
    ('{"a": 010}', {"a": "<hole>"}, {"SYN109": "010"}),
    ('{"a": 1}}', {"a": 1}, {"SYN110": "}"}),
    ('{"a": [1]]}', {"a": [1]}, {"SYN110": "]"}),
    ('{"a": "x" y}', {"a": "x"}, {"SYN110": "y"}),
    ('```json\n{"a": 1}', {"a": 1}, {"SYN110": "```json"}),
    ('{"a": "x\ty"}', {"a": "x\ty"}, {"SYN113": "\t"}),
    (r'{"a": "\d"}', {"a": "\\d"}, {"SYN114": r"\d"}),
    (r'{"a": "\u12"}', {"a": "\\u12"}, {"SYN114": r"\u"}),
    (r'{"a": "\ud83d!"}', {"a": "\ufffd!"}, {"SYN115": r"\ud83d"}),
    ('{"a": 1 /* x', {"a": 1}, {"SYN116": "/*", "SYN102": "{"}),
    ('# x\n{"a": 1}', {"a": 1}, {"SYN117": "#"}),
    ('{"a": ["say "hi" now", "y"]}', {"a": ['say "hi" now', "y"]}, {"SYN121": '"'}),
    ('{"a": 1, ["x"]}', {"a": 1, "": ["x"]}, {"SYN123": "["}),
    ('{"a":\u00a01}', {"a": 1}, {"SYN124": "\u00a0"}),
    ('{"a": 1, "a": 2}', {"a": 2}, {"QRY112": '"a"'}),
]


@pytest.mark.parametrize(("text", "expected", "problems"), FAULTS, ids=[f[0] for f in FAULTS])
def test_one_problem_for_each_fault_and_nothing_else_lost(
    text: str, expected: Any, problems: dict[str, str | None]
) -> None:
    parsed = read(text)
    assert value(parsed.root) == expected
    assert set(codes(parsed)) == set(problems)
    for code, covered in problems.items():
        places = [p.location.span for p in parsed.problems if p.code == code]
        if covered is not None:
            shown = [span.cut(text) or text[: span.end] for span in places]
            assert " ".join(shown) == covered


def test_several_values_are_all_kept_and_reported_once() -> None:
    parsed = read('{"a": 1}\n{"b": 2},\n{"c": 3}')
    assert [value(root) for root in parsed.roots] == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert codes(parsed) == ["SYN111"]


def test_keys_without_an_object_are_read_as_one() -> None:
    parsed = read('"metrics": ["a"],\n"limit": 1\n')
    assert [value(root) for root in parsed.roots] == [{"metrics": ["a"], "limit": 1}]
    assert codes(parsed) == ["SYN122"]


QUERY = """\
// 지점별 고객 수
[
  {
    "metrics": ["customer_count", "SUM(revenue) OVER (ORDER BY x) AS total"], // two
    "groupBy": ["부점코드__brn_cd", "\\uD55C글"],
    "filters": [
      "계좌정보__open_dt >= '2024-01-01'",
      "고객기본__cust_no IS NOT NULL"
    ],
    "limit": 10
  },
  {"metrics": ["revenue"], "orderBy": ["-revenue"], "limit": null,}
]
"""
KEPT = {
    text
    for node in nodes(read(QUERY))
    if isinstance(node, Scalar) and isinstance(node.value, str)
    for text in [node.text]
}


def check_sane(text: str) -> Parsed:
    parsed = read(text)
    nodes(parsed)
    for problem in parsed.problems:
        start, end = problem.location.span
        assert 0 <= start <= end <= len(text)
    assert codes(parsed) == codes(read(text))
    return parsed


def test_every_prefix_and_suffix_is_read() -> None:
    for cut in range(len(QUERY) + 1):
        assert check_sane(QUERY[:cut]).complete
        check_sane(QUERY[cut:])


@pytest.mark.parametrize("damage", ["", *"{}[],:\"'\\/#x0 \n\t\r가\u00a0"])
def test_one_damaged_character_costs_little(damage: str) -> None:
    """Whatever one character is replaced by, nearly every other string is still there."""
    for at in range(len(QUERY)):
        parsed = check_sane(QUERY[:at] + damage + QUERY[at + 1 :])
        found = {node.text for node in nodes(parsed) if isinstance(node, Scalar)}
        # A `/` may open a comment up to the end of the line, a quote may join two strings of it.
        assert len(KEPT - found) <= (5 if damage in "/#" else 3), (at, KEPT - found)


@MANY
@given(st.text("{}[],:\"'\\/*#\n\r\t ab1-.e가\u00a0;=tn`“", max_size=30))
def test_any_text_is_read(text: str) -> None:
    check_sane(text)


@MANY
@given(written(), st.data())
def test_damaged_json_is_read(example: tuple[str, Any], data: st.DataObject) -> None:
    text, _ = example
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    check_sane(text[:start] + data.draw(st.text('{}[],:"\\ax', max_size=2)) + text[end:])


# --- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("opened", ["[", '{"a":', '[{"a":'])
def test_nesting_has_a_limit_and_what_follows_is_kept(opened: str) -> None:
    closed = opened[::-1].translate(str.maketrans("[{", "]}")).replace('"a":'[::-1], "")
    parsed = read(f'{{"deep": {opened * 5000}1{closed * 5000}, "metrics": ["x"]}}')
    assert codes(parsed) == ["SYN118"]
    assert not parsed.complete
    assert isinstance(parsed.root, Mapping)
    assert value(parsed.root.get("metrics")) == ["x"]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 50_000,
        "]" * 100_000,
        '"' * 50_000,
        "[" + "1" * 500_000 + "x",
        "[" * 300 + "/* " * 100_000,
        '{"a": [}' + " " * 500_000 + "x",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_is_read_without_harm(text: str) -> None:
    assert 1 <= len(check_sane(text).problems) <= 1_001


def test_problems_have_a_limit() -> None:
    parsed = read("[" + "," * 5_000 + "]")
    assert len(parsed.problems) == 1_001
    assert codes(parsed).count("SYN120") == 1
    assert not parsed.complete


def test_size_has_a_limit() -> None:
    """A lower one for queries than for models in JSON."""
    parsed = read(" " * (MAX_QUERY + 1))
    assert (codes(parsed), parsed.roots, parsed.complete) == (["FIL103"], (), False)
    text = '{"semantic_models": []' + " " * MAX_QUERY + "}"
    assert parse(Document("models.json", text)).complete
    assert codes(parse(Document("models.json", " " * (MAX_MODELS + 1)))) == ["FIL103"]


def test_a_number_of_too_many_digits_is_a_problem() -> None:
    parsed = read('{"limit": ' + "9" * 5_000 + "}")
    assert codes(parsed) == ["SYN109"]
    assert value(parsed.root) == {"limit": "<hole>"}


def test_the_place_of_a_missing_bracket_is_where_adding_it_cures() -> None:
    from smq.text import Edit

    for text in ('{"a": ["x",\n "b": 1}', '{"a": ["x" // why\n}', '[{"a": 1, {"b": 2}]'):
        problem = read(text).problems[0]
        at, close = problem.args["at"], problem.args["close"]
        assert isinstance(at, int) and isinstance(close, str)
        assert read(apply_edits(text, [Edit("", Span(at, at), close)])).problems == ()

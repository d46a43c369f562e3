"""What the YAML reader makes of broken text: one damaged character costs one item at most."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.yaml_text import STYLES, codes, documents, faults, models, nodes, read, value

from smq.rules import find
from smq.syntax import Mapping, Parsed, Scalar, Sequence
from smq.text import apply_edits

MANY = settings(max_examples=200, deadline=None)

# Fifteen keys, with a marked place for damage.
BEFORE = "semantic_models:\n  - name: first\n    table: a\n"
AFTER = "    label: last\n  - name: second\n    entities:\n      - {name: e, type: primary}\n"


class _Context:
    """As much of a workspace as a fix of syntax looks at."""

    def __init__(self, parsed: Parsed) -> None:
        self._parsed = parsed

    def parsed(self, uri: str) -> Parsed:
        return self._parsed


def first_fix(text: str) -> str:
    """The text after the first fix of its first problem that has one."""
    parsed = read(text)
    context: Any = _Context(parsed)
    for problem in parsed.problems:
        rule = find(problem.code)
        assert rule is not None
        assert rule.words(problem.args)
        if rule.fix is not None:
            for fix in rule.fix(problem, context):
                return apply_edits(text, fix.edits)
    raise AssertionError(f"nothing to fix in {text!r}")


def keys(parsed: Parsed) -> Counter[str]:
    return Counter(
        pair.key.text for node in nodes(parsed) if isinstance(node, Mapping) for pair in node.pairs
    )


def paths(parsed: Parsed) -> Counter[tuple[str, ...]]:
    """Where each key stands: keys and the names of the items on the way."""
    found: Counter[tuple[str, ...]] = Counter()

    def walk(node: object, path: tuple[str, ...]) -> None:
        if isinstance(node, Mapping):
            name = node.get("name")
            own = (*path, name.text) if isinstance(name, Scalar) else path
            for pair in node.pairs:
                # The keys are what editing changes; their depth and their item are what counts.
                found[(*own, pair.key.text)] += 1
                walk(pair.value, (*own, "."))
        elif isinstance(node, Sequence):
            for item in node.items:
                walk(item, (*path, "-"))

    for root in parsed.roots:
        walk(root, ())
    return found


# --- one damage each ------------------------------------------------------------------------------

# The damaged lines, the problems with what they mark, and what the model has for it.
DAMAGE: list[tuple[str, list[tuple[str, str]], dict[str, Any]]] = [
    ("    nam\n", [("SYN202", "nam")], {"nam": None}),
    ("    descr iption\n", [("SYN202", "descr iption")], {"descr iption": None}),
    ('    "descr"\n', [("SYN202", '"descr"')], {"descr": None}),
    ("    nam # remark\n", [("SYN202", "nam")], {"nam": None}),
    ("    expr:x\n", [("SYN203", ":")], {"expr": "x"}),
    ('    "expr":x\n', [("SYN203", ":")], {"expr": "x"}),
    ('    expr: "abc\n', [("SYN207", '"abc')], {"expr": "abc"}),
    ("    expr: 'abc\n", [("SYN207", "'abc")], {"expr": "abc"}),
    ('    "expr: abc\n', [("SYN207", '"expr')], {"expr": "abc"}),
    ('    expr: "one\n      two\n', [("SYN207", '"one\n      two')], {"expr": "one two"}),
    ('    expr: "say "hi" now"\n', [("SYN208", '"say "hi" now"')], {"expr": 'say "hi" now'}),
    ("    expr: 'it's so'\n", [("SYN208", "'it's so'")], {"expr": "it's so"}),
    ('    expr: "a" b\n', [("SYN226", "b")], {"expr": "a"}),
    ('    expr: "a\\d"\n', [("SYN209", "\\d")], {"expr": "a\\d"}),
    ('    expr: "\\ud83d\\ude00"\n', [("SYN209", "\\ud83d\\ude00")], {"expr": "😀"}),
    ("    expr: [a, b\n", [("SYN210", "[")], {"expr": ["a", "b"]}),
    ("    expr: {a: 1\n", [("SYN210", "{")], {"expr": {"a": 1}}),
    ("    expr: {a: [1, b: 2}\n", [("SYN210", "[")], {"expr": {"a": [1, {"b": 2}]}}),
    ("    expr: {\n      a: 1,\n", [("SYN210", "{")], {"expr": {"a": 1}}),
    ("    expr: [a}\n", [("SYN211", "}")], {"expr": ["a"]}),
    ('    expr: ["a" "b"]\n', [("SYN212", '"')], {"expr": ["a", "b"]}),
    ("    expr: {a: x b: 2}\n", [("SYN212", "b")], {"expr": {"a": "x", "b": 2}}),
    ("    expr: [a, , b]\n", [("SYN213", ",")], {"expr": ["a", None, "b"]}),
    ("    expr: {a:1}\n", [("SYN203", ":")], {"expr": {"a": 1}}),
    ("    expr: [a] b\n", [("SYN226", "b")], {"expr": ["a"]}),
    ("     expr: x\n", [("SYN215", "     ")], {"expr": "x"}),
    ("   expr: x\n", [("SYN215", "   ")], {"expr": "x"}),
    ("expr: x\n", [("SYN215", "expr")], {"expr": "x"}),
    ("\texpr: x\n", [("SYN201", "\t")], {"expr": "x"}),
    ("  \t expr: x\n", [("SYN201", "  \t ")], {"expr": "x"}),
    ("    expr: a: b\n", [("SYN216", ":")], {"expr": "a: b"}),
    (
        "    expr: a b\n      then: more: x\n",
        [("SYN215", "      "), ("SYN216", ":")],
        {"expr": "a b", "then": "more: x"},
    ),
    (
        "    expr: prose and\n      more of it: here\n",
        [("SYN216", ":")],
        {"expr": "prose and more of it: here"},
    ),
    ("    expr: @x\n", [("SYN217", "@")], {"expr": "@x"}),
    ("    expr: `x`\n", [("SYN217", "`")], {"expr": "`x`"}),
    ("    expr: %x\n", [("SYN217", "%")], {"expr": "%x"}),
    ("    expr: * 2\n", [("SYN217", "*")], {"expr": "* 2"}),
    ("    expr: >= 2\n", [("SYN217", ">")], {"expr": ">= 2"}),
    ("    expr: ]\n", [("SYN217", "]")], {"expr": "]"}),
    (
        "    expr: {{ var('x') }} + 1\n",
        [("SYN218", "{{ var('x') }} + 1")],
        {"expr": "{{ var('x') }} + 1"},
    ),
    ("    {% set x = 1 %}\n", [("SYN218", "{% set x = 1 %}")], {}),
    ("    expr: a\n    expr: b\n", [("SYN219", "expr")], {"expr": "b"}),
    ("    expr: *gone\n", [("SYN220", "*gone")], {"expr": None}),
    ("    expr: | text\n      more\n", [("SYN223", "text")], {"expr": "more\n"}),
    (
        "    expr: |\n      one\n     two\n      three\n",
        [("SYN215", "     ")],
        {"expr": "one\ntwo\nthree\n"},
    ),
    (
        "    expr: |\n      one\ntwo of\n      three\n",
        [("SYN215", "two of")],
        {"expr": "one\ntwo of\nthree\n"},
    ),
    ("    expr: |\n      one\n\ttwo\n", [("SYN201", "\t")], {"expr": "one\ntwo\n"}),
    ("    expr: x\n      - y: 1\n", [("SYN206", "-")], {"expr": [{"y": 1}]}),
    ("    expr: - y: 1\n", [("SYN206", "-")], {"expr": [{"y": 1}]}),
    ("    expr\n      y: 1\n", [("SYN202", "expr")], {"expr": {"y": 1}}),
    ("    expr:\n      y\n      z: 1\n", [("SYN202", "y")], {"expr": {"y": None, "z": 1}}),
    ("    expr:x\n      y: 1\n", [("SYN203", ":")], {"expr": {"y": 1}}),
    (" }  expr: x\n", [("SYN226", "}")], {"expr": "x"}),
    (" }   expr: x\n", [("SYN226", "}")], {"expr": "x"}),
    ("    expr: some text cut\nin two\n", [("SYN215", "in two")], {"expr": "some text cut in two"}),
    ("    expr:\n x and y\n", [("SYN215", " ")], {"expr": "x and y"}),
    ("    expr\n: x\n", [("SYN202", "expr")], {"expr": "x"}),
]


@pytest.mark.parametrize(("lines", "problems", "read_as"), DAMAGE, ids=[d[0] for d in DAMAGE])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_damage_is_told_once_at_its_place_and_costs_nothing_else(
    lines: str, problems: list[tuple[str, str]], read_as: dict[str, Any], line_end: str
) -> None:
    text = (BEFORE + lines + AFTER).replace("\n", line_end)
    parsed = read(text)
    found = [(p.code, p.location.span.cut(text).replace("\r\n", "\n")) for p in parsed.problems]
    assert found == problems
    first = {"name": "first", "table": "a"} | read_as | {"label": "last"}
    second = {"name": "second", "entities": [{"name": "e", "type": "primary"}]}
    assert value(parsed.root) == {"semantic_models": [first, second]}
    nodes(parsed)


# Here the fix decides what only the writer can know, or is one of several steps.
_DECIDED = {"    expr: [a, , b]\n", "    expr:x\n      y: 1\n", "    expr\n: x\n"}
_DECIDED |= {"    expr: a\n    expr: b\n", "    expr: *gone\n"}


def _fixable() -> Iterator[str]:
    for lines, problems, _ in DAMAGE:
        rule = find(problems[0][0])
        if rule is not None and rule.fix is not None and lines not in _DECIDED:
            yield lines


@pytest.mark.parametrize("lines", list(_fixable()))
def test_the_fix_makes_yaml_that_means_what_was_read(lines: str) -> None:
    text = BEFORE + lines + AFTER
    expected = value(read(text).root)
    for _ in range(4):
        text = first_fix(text)
        if not faults(read(text)):
            break
    assert faults(read(text)) == []
    if "{% set" not in lines:
        assert value(read(text).root) == expected
    assert yaml.safe_load(text) == value(read(text).root)


@pytest.mark.parametrize(
    ("text", "problems", "expected"),
    [
        (
            "- name: a\n  x: 1\n-name: b\n  x: 2\n",
            ["SYN204"],
            [{"name": "a", "x": 1}, {"name": "b", "x": 2}],
        ),
        (
            "l:\n  - name: a\n  -name: b\n  - name: c\n",
            ["SYN204"],
            {"l": [{"name": "a"}, {"name": "b"}, {"name": "c"}]},
        ),
        (
            "l:\n  - name: a\n    x: 1\n  name: b\n    x: 2\n",
            ["SYN205"],
            {"l": [{"name": "a", "x": 1}, {"name": "b", "x": 2}]},
        ),
        (
            "l:\n  - name: a\n    x: 1\n   name: b\n    x: 2\n",
            ["SYN205"],
            {"l": [{"name": "a", "x": 1}, {"name": "b", "x": 2}]},
        ),
        ("l:\n  name: a\n - name: b\n", ["SYN205"], {"l": [{"name": "a"}, {"name": "b"}]}),
        (
            "l:\n  - name: a\n   - name: b\n    x: 2\n  - name: c\n",
            ["SYN215"],
            {"l": [{"name": "a"}, {"name": "b", "x": 2}, {"name": "c"}]},
        ),
        (
            "l:\n  - name: a\n - name: b\n    x: 2\n  - name: c\n",
            ["SYN215"],
            {"l": [{"name": "a"}, {"name": "b", "x": 2}, {"name": "c"}]},
        ),
        (
            "l:\n  - name: a\n   - name: b\n     x: 2\n   - name: c\n",
            ["SYN215"],
            {"l": [{"name": "a"}, {"name": "b", "x": 2}, {"name": "c"}]},
        ),
        ("l:\n  - {name: a\n  - {name: b}\n", ["SYN210"], {"l": [{"name": "a"}, {"name": "b"}]}),
        (
            "l:\n  - {name: a\n    x: 1\n  - name: b\n",
            ["SYN210"],
            {"l": [{"name": "a", "x": 1}, {"name": "b"}]},
        ),
        ("l:\n  - name a\n    x: 1\n", ["SYN202"], {"l": [{"name a": None, "x": 1}]}),
        ("l:\n  - name:a\n    x: 1\n", ["SYN203"], {"l": [{"name": "a", "x": 1}]}),
        ("l\n  - a\n", [], "l - a"),
        ("l\n  - a: 1\nm: 2\n", ["SYN202"], {"l": [{"a": 1}], "m": 2}),
        ("l\n- a: 1\n", ["SYN202"], {"l": [{"a": 1}]}),
        (
            "w: {p: [a,\n    o: [b],\n    f: {c: d}}\nx: 1\n",
            ["SYN210"],
            {"w": {"p": ["a", {"o": ["b"]}, {"f": {"c": "d"}}]}, "x": 1},
        ),
        (
            "w: {\n  p: [a,\n  o: [b],\n}\nx: 1\n",
            ["SYN210"],
            {"w": {"p": ["a"], "o": ["b"]}, "x": 1},
        ),
        (
            "w: {\n  p: [a]\n  o: [b]\n}\nx: 1\n",
            ["SYN212"],
            {"w": {"p": ["a"], "o": ["b"]}, "x": 1},
        ),
    ],
)
def test_lists_survive_damage(text: str, problems: list[str], expected: Any) -> None:
    parsed = read(text)
    assert codes(parsed) == problems
    assert value(parsed.root) == expected


@pytest.mark.parametrize(
    ("text", "place", "fixed"),
    [
        ("l:\n   - a: 1\n    b: 2\n  - a: 3\n", 3, "l:\n  - a: 1\n    b: 2\n  - a: 3\n"),
        ("l:\n - a: 1\n    b: 2\n    c: 3\n", 3, "l:\n  - a: 1\n    b: 2\n    c: 3\n"),
        ("l:\n   a: 1\n  b: 2\n  c: 3\n", 3, "l:\n  a: 1\n  b: 2\n  c: 3\n"),
        ("l:\n  a: 1\n   b: 2\n  c: 3\n", 10, "l:\n  a: 1\n  b: 2\n  c: 3\n"),
    ],
)
def test_the_line_that_differs_from_the_others_is_the_one_told(
    text: str, place: int, fixed: str
) -> None:
    (problem,) = read(text).problems
    assert problem.code == "SYN215"
    assert problem.location.span.start == place
    assert first_fix(text) == fixed
    assert value(read(text).root) == yaml.safe_load(fixed)


def test_a_second_root_is_kept_as_a_document_of_its_own() -> None:
    parsed = read("[1, 2]\nname: x\n")
    assert [value(root) for root in parsed.roots] == [[1, 2], {"name": "x"}]
    assert codes(parsed) == ["SYN227"]
    assert first_fix("[1, 2]\nname: x\n") == "[1, 2]\n---\nname: x\n"


def test_the_first_of_two_keys_is_named_beside_the_second() -> None:
    text = "총매출: 1\nb: 2\n총매출: 3\n"
    (problem,) = read(text).problems
    assert problem.location.span.cut(text) == "총매출"
    assert problem.location.span.start == 12
    (related,) = problem.related
    assert related.location.span.start == 0


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("a: 1\nb: 2\na: 3 # r\nc: 4\n", "a: 1\nb: 2\nc: 4\n"),
        ("- a: 1\n  a: 2\n", "- a: 1\n"),
        ("{a: 1, b: 2, a: 3}\n", "{a: 1, b: 2}\n"),
        ("a:\n  - x\n  - y\na: |\n  text\n  text\nb: 1\n", "a:\n  - x\n  - y\nb: 1\n"),
    ],
)
def test_a_repeated_key_is_removed_with_all_its_lines(text: str, fixed: str) -> None:
    assert first_fix(text) == fixed


def test_moving_an_entry_moves_what_is_nested_in_it() -> None:
    text = "a:\n  b: 1\n   c:\n     - d: 1\n       e: 2\n  f: 3\n"
    fixed = first_fix(text)
    assert fixed == "a:\n  b: 1\n  c:\n    - d: 1\n      e: 2\n  f: 3\n"
    assert yaml.safe_load(fixed) == value(read(text).root)


def test_moving_an_item_leaves_lines_that_stand_right() -> None:
    text = "a:\n  - b: 1\n   - c: 1\n    d: 2\n"
    assert first_fix(text) == "a:\n  - b: 1\n  - c: 1\n    d: 2\n"


# --- while typing -------------------------------------------------------------------------------


def test_every_state_of_typing_a_model_keeps_what_was_typed_before() -> None:
    typed = (
        "    measures:\n      - {name: total, agg: sum}\n      - name: count\n        expr: 'x'\n"
    )
    for length in range(len(typed) + 1):
        text = BEFORE + typed[:length] + "\n" + AFTER
        root = value(read(text).root)
        items = root["semantic_models"]
        assert items[0]["name"] == "first"
        assert items[-1]["name"] == "second"
        assert items[-1]["entities"] == [{"name": "e", "type": "primary"}]


def test_a_half_typed_key_is_a_pair_without_a_value() -> None:
    text = "a: 1\nna\nb: 2\n"
    root = read(text).root
    assert isinstance(root, Mapping)
    pair = root.pairs[1]
    assert pair.key.span.cut(text) == "na"
    assert pair.value is None


# --- random damage --------------------------------------------------------------------------------

_TYPED = list("ax한 \n:-#\"'[]{},&*!|>%@`\t\\")


def damaged(text: str, random_: random.Random) -> str:
    at = random_.randrange(len(text))
    if random_.random() < 0.5:
        return text[:at] + text[at + 1 :]
    return text[:at] + random_.choice(_TYPED) + text[at:]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_one_damaged_character_keeps_the_other_keys_where_they_are(line_end: str) -> None:
    text = models(6).replace("\n", line_end)
    whole = read(text)
    all_keys, all_paths = keys(whole), paths(whole)
    random_ = random.Random(1)
    kept: list[float] = []
    placed: list[float] = []
    problems: list[int] = []
    for _ in range(400):
        parsed = read(damaged(text, random_))
        kept.append(sum((all_keys & keys(parsed)).values()) / sum(all_keys.values()))
        placed.append(sum((all_paths & paths(parsed)).values()) / sum(all_paths.values()))
        problems.append(len(faults(parsed)))
    assert sum(kept) / len(kept) >= 0.99
    assert sum(share >= 0.95 for share in kept) >= 0.99 * len(kept)
    # One item of six models, named or renamed by the damage, may stand elsewhere.
    assert sum(placed) / len(placed) >= 0.97
    assert sum(problems) / len(problems) <= 1


JUNK = st.text(
    st.sampled_from(list(" \n\r\t-:#'\"[]{},&*!|>?%@a가.~\\\x00\ufeff\u2028😀")), max_size=60
)


@MANY
@given(JUNK)
@example('{{{{|&\n*\r\n\n:  ~|0?\n: a"- |\r>]:  #\n\n\\>')
@example("? a\n    b:\n      c: 1\n  - d\n")
def test_any_text_gives_a_tree_inside_itself(text: str) -> None:
    check_tree(read(text))


@MANY
@given(documents(), st.data())
def test_any_cut_and_any_edit_gives_a_tree_inside_itself(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    char = data.draw(st.sampled_from(_TYPED))
    for changed in (text[:at], text[:at] + text[at + 1 :], text[:at] + char + text[at:]):
        check_tree(read(changed))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_prefix_of_real_text_gives_a_tree_inside_itself(line_end: str) -> None:
    text = (STYLES + models(1)).replace("\n", line_end)
    for end in range(0, len(text), 3):
        check_tree(read(text[:end]))


def check_tree(parsed: Parsed) -> None:
    text = parsed.document.text
    for node in nodes(parsed):
        if isinstance(node, Scalar):
            covered = 0
            for decoded, source, length, source_length in node.source_map.segments:
                assert decoded == covered
                assert 0 <= source <= source + source_length <= len(text)
                covered += length
            assert covered == len(node.text)
    places = [problem.location.span for problem in parsed.problems]
    assert places == sorted(places)
    assert all(0 <= start <= end <= len(text) for start, end in places)
    assert all(find(problem.code) is not None for problem in parsed.problems)
    end = -1
    for comment in parsed.comments:
        assert comment.start > end
        assert text[comment.start] == "#"
        end = comment.end - 1

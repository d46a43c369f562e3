"""YAML texts for the reader's tests: a corpus, generated documents, and PyYAML as the judge."""

from __future__ import annotations

import random
from typing import Any

import yaml
from hypothesis import strategies as st

from smq.syntax import Alias, Document, Mapping, Node, Parsed, Scalar, Sequence, unaliased
from smq.syntax.yaml import parse
from smq.text import Span

# Findings about text that YAML can read without a doubt.
DOUBTFUL = frozenset(
    ["SYN219", "SYN221", "SYN222", "SYN224", "SYN225", "SYN228", "SYN230", "SYN231", "SYN232"]
)


def read(text: str) -> Parsed:
    return parse(Document("models.yml", text))


def codes(parsed: Parsed) -> list[str]:
    return [problem.code for problem in parsed.problems]


def faults(parsed: Parsed) -> list[str]:
    """Codes of what is no YAML, in the order of the text."""
    return [code for code in codes(parsed) if code not in DOUBTFUL]


def value(node: Node | None) -> Any:
    """The plain value of a tree, aliases followed; a hole is None, as an empty value is."""
    node = unaliased(node)
    if isinstance(node, Mapping):
        return {pair.key.text: value(pair.value) for pair in node.pairs}
    if isinstance(node, Sequence):
        return [value(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else None


def nodes(parsed: Parsed) -> list[Node]:
    """Every node of the tree, keys too, parents first; asserts that children lie inside."""
    found: list[Node] = []
    waiting: list[tuple[Node | None, Span]] = [
        (root, Span(0, len(parsed.document.text))) for root in reversed(parsed.roots)
    ]
    while waiting:
        node, inside = waiting.pop()
        if node is None:
            continue
        assert inside.covers(node.span), (inside, node)
        assert node.span.start <= node.span.end
        found.append(node)
        if isinstance(node, Mapping):
            for pair in reversed(node.pairs):
                assert node.span.covers(pair.span), (node.span, pair)
                waiting.append((pair.value, pair.span))
                waiting.append((pair.key, pair.span))
        elif isinstance(node, Sequence):
            waiting.extend((item, node.span) for item in reversed(node.items))
    return found


def judged(text: str) -> list[Any] | None:
    """The documents as PyYAML composes them, or None when it refuses the text."""
    try:
        return list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError):
        return None


def assert_same(
    expected: Any, node: Node | None, path: str = "$", inside: tuple[int, ...] = ()
) -> None:
    """Compare a node of PyYAML with ours: kinds, decoded texts, order and number of entries."""
    if isinstance(node, Alias):
        if node.target is None:
            return
        node = node.target
    if id(expected) in inside:
        return
    inside = (*inside, id(expected))
    if isinstance(expected, yaml.ScalarNode):
        if node is None:
            assert expected.value == "", f"{path}: a hole for {expected.value!r}"
            return
        assert isinstance(node, Scalar), f"{path}: {node} for {expected.value!r}"
        assert node.text == expected.value, f"{path}: {node.text!r} for {expected.value!r}"
    elif isinstance(expected, yaml.SequenceNode):
        assert isinstance(node, Sequence), f"{path}: {node} for a sequence"
        assert len(node.items) == len(expected.value), path
        for index, (theirs, ours) in enumerate(zip(expected.value, node.items, strict=True)):
            assert_same(theirs, ours, f"{path}[{index}]", inside)
    else:
        assert isinstance(node, Mapping), f"{path}: {node} for a mapping"
        assert len(node.pairs) == len(expected.value), path
        for (key, theirs), pair in zip(expected.value, node.pairs, strict=True):
            if isinstance(key, yaml.ScalarNode):
                assert pair.key.text == key.value, path
            assert_same(theirs, pair.value, f"{path}.{pair.key.text}", inside)


def assert_reads_like_the_judge(text: str) -> None:
    expected = judged(text)
    assert expected is not None, f"the judge refuses {text!r}"
    parsed = read(text)
    assert faults(parsed) == [], [(p.code, p.location.span.cut(text)) for p in parsed.problems]
    assert len(parsed.roots) == len(expected)
    for theirs, ours in zip(expected, parsed.roots, strict=True):
        assert_same(theirs, ours)


# --- generated documents ------------------------------------------------------------------------

WORDS = [
    "a",
    "name",
    "총매출",
    "부점 코드",
    "x.y",
    "it's",
    "😀",
    "SUM(x)",
    "a::int",
    "b#c",
    "1",
    "no",
]
_INSIDE = st.text(
    st.sampled_from(list("ab 가힣😀\u0301'\"\\#:-,[]{}&*!|>%@`?=\t"))
    | st.characters(
        exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffe\uffff\u2028\u2029\x85"
    ),
    max_size=12,
)


@st.composite
def plain(draw: st.DrawFn) -> str:
    return " ".join(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4)))


@st.composite
def single(draw: st.DrawFn) -> str:
    return "'" + draw(_INSIDE).replace("'", "''") + "'"


@st.composite
def double(draw: st.DrawFn) -> str:
    escapes = [
        "\\n",
        "\\t",
        '\\"',
        "\\\\",
        "\\/",
        "\\x41",
        "\\uD55C",
        "\\U0001F600",
        "\\e",
        "\\ ",
        "\\0",
    ]
    parts = draw(
        st.lists(
            st.sampled_from(escapes)
            | _INSIDE.map(lambda text: text.replace("\\", "").replace('"', "")),
            max_size=5,
        )
    )
    return '"' + "".join(parts) + '"'


@st.composite
def flow(draw: st.DrawFn, depth: int = 2) -> str:
    """A scalar or a flow collection that may go over several lines."""
    kinds = ["word", "single", "double"] + (["list", "map"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "word":
        return draw(st.sampled_from(["a", "총매출", "x y", "1", "SUM(x)", "b#c", "d:e"]))
    if kind in ("single", "double"):
        return draw(single() if kind == "single" else double())
    gap = draw(st.sampled_from(["", " ", "\n", "\n    ", " # remark\n  "]))
    items = draw(st.lists(flow(depth - 1), max_size=3))
    end = draw(st.sampled_from(["", ","])) if items else ""
    if kind == "list":
        return "[" + gap + ("," + (gap or " ")).join(items) + end + gap + "]"
    keys = draw(
        st.lists(
            st.sampled_from(["k", "이름", '"q"', "'s'"]), min_size=len(items), max_size=len(items)
        )
    )
    pairs = [f"{key}: {item}" for key, item in zip(keys, items, strict=True)]
    return "{" + gap + ("," + (gap or " ")).join(pairs) + end + gap + "}"


@st.composite
def block_scalar(draw: st.DrawFn, indent: int) -> str:
    lines = draw(
        st.lists(
            st.sampled_from(
                ["", "SELECT 1", "  more", "끝: x", "# no remark", "- y", "tail ", "a\tb"]
            ),
            max_size=6,
        )
    )
    style, chomp = draw(st.sampled_from("|>")), draw(st.sampled_from(["", "-", "+"]))
    first = next((line for line in lines if line), "")
    digit = "2" if first.startswith(" ") or draw(st.booleans()) else ""
    remark = draw(st.sampled_from(["", " # remark"]))
    body = "".join(("\n" + " " * (indent + 2) + line) if line else "\n" for line in lines)
    return f"{style}{digit}{chomp}{remark}{body}"


@st.composite
def block(draw: st.DrawFn, indent: int = 0, depth: int = 3) -> str:
    """Lines of a block collection in a column, without the first line's indentation."""
    pad = " " * indent
    if draw(st.booleans()):
        keys = draw(
            st.lists(
                st.sampled_from(["name", "이름", "expr", "a b", '"q: x"', "'s'", "type", "x-y"]),
                min_size=1,
                max_size=4,
                unique=True,
            )
        )
        heads = [f"{key}{draw(st.sampled_from([':', ':', ' :']))}" for key in keys]
    else:
        heads = ["-"] * draw(st.integers(1, 4))
    lines: list[str] = []
    for head in heads:
        lines.append(head + draw(_value(indent, depth, head == "-")))
        if draw(st.integers(0, 9)) == 0:
            lines.append(draw(st.sampled_from(["", "# remark", "  "])))
    return f"\n{pad}".join(lines)


@st.composite
def _value(draw: st.DrawFn, indent: int, depth: int, item: bool) -> str:
    kind = draw(st.sampled_from(["flow", "plain", "lines", "block", "nothing", "nested", "nested"]))
    remark = draw(st.sampled_from(["", "", "  # remark"]))
    if kind == "nothing":
        return remark
    if kind == "flow":
        return " " + draw(flow()) + remark
    if kind == "plain":
        return " " + draw(plain()) + remark
    if kind == "lines":
        words = draw(st.lists(plain(), min_size=2, max_size=3))
        gap = draw(st.sampled_from(["\n", "\n\n"])) + " " * (indent + draw(st.integers(1, 3)))
        return " " + gap.join(words) + remark
    if kind == "block":
        return " " + draw(block_scalar(indent))
    if not depth:
        return " x"
    step = draw(st.integers(1, 4))
    properties = draw(st.sampled_from(["", "", " &here", " !!map", " &here !!map"]))
    nested = draw(block(indent + step, depth - 1))
    if "!!map" in properties and nested.startswith("-"):
        properties = properties.replace(" !!map", "")
    if item and not properties and step >= 2 and draw(st.booleans()):
        return " " * (step - 1) + nested
    return properties + remark + "\n" + " " * (indent + step) + nested


@st.composite
def documents(draw: st.DrawFn) -> str:
    """One or more documents, with any of the three line ends."""
    texts = draw(st.lists(block(), min_size=1, max_size=3))
    start = draw(st.sampled_from(["", "---\n", "%YAML 1.1\n---\n", "# remark\n", "\ufeff"]))
    between = draw(st.sampled_from(["\n---\n", "\n...\n---\n", "\n--- # remark\n"]))
    text = start + between.join(texts) + draw(st.sampled_from(["", "\n", "\n\n", "\n...\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])))


# --- texts as people write them -----------------------------------------------------------------


def models(count: int, seed: int = 7) -> str:
    """Models in the styles of real files, about forty lines each."""
    random_ = random.Random(seed)
    lines = ["# 모델 파일", "semantic_models:"]
    for number in range(count):
        noun = random_.choice(["계좌", "고객", "부점", "order", "customer"])
        lines += [
            f"  - name: {noun}_{number}            # 모델 이름",
            f"    table: bank('wapco_{number}')",
            f"    description: {noun} 기준정보 (매일 갱신)",
            f"    label: '{noun} {number}'",
            "    entities:",
            f"      - {{name: key_{number}, type: primary, expr: k{number}}}",
            "    dimensions:",
        ]
        for index in range(4):
            lines += [
                f"      - name: dim_{index}",
                "        type: varchar",
                f'        description: "{noun}의 {index}번째 속성"',
            ]
        lines += [
            "      - name: opened",
            "        type_params: {time_granularity: day}",
            "        expr: |",
            "          CASE WHEN opened > DATE '2020-01-01'",
            "               THEN opened END",
            "    measures:",
        ]
        for index in range(3):
            lines += [
                f"      - name: m_{index}",
                "        agg: sum",
                f"        expr: a_{index} * 1.5",
            ]
    lines += ["metrics:", "- name: total", "  type_params:", "    measure: m_0", "  label: 합계"]
    return "\n".join(lines) + "\n"


STYLES = """%YAML 1.1
---
# comment
semantic_models:
- name: orders
  description: >
    Folded text
    goes on

    with paragraph
      more indented
    back
  model: ref('orders')
  entities:
  - {name: customer, type: foreign,
     expr: customer_id}
  dimensions:
  - name: "주문 상태"
    expr: |2-
        CASE WHEN a = 'x'
      THEN 1 END
    meta: [a, "b, c", 'd''e',
      {x: 1, y: [1, 2]}, z
]
  - &dim
    name: ordered_at
    type_params:
      time_granularity: day
  measures:
  - <<: *dim
    name: total
    description: "a multi
line \\
      text \\u2014 with\\tescapes \\"quoted\\"

      end"
    expr: a::int + b#c
    label: plain text that
      goes on
metrics:
  - name: revenue
    type_params: {measure: {name: total, filter: "{{ Dimension('a__b') }} = 'x'"}}
    ? complex key
    : complex value
    'quoted key': "v"   # trailing
    empty:
    nulls: ~
  -
    name: nested
    list:
    - - a
      - b
    - - c
    - []
    - {}
...
---
second: doc
---
- 이모지 😀: "\\U0001F600"
- key: |+
    keep

- last
"""

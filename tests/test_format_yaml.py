"""Formatting model files touches white space and the place of names, and never a value."""

from __future__ import annotations

from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from smq.format import format_document
from smq.syntax import Document, Mapping, Node, Parsed, Scalar, Sequence
from smq.syntax.yaml import parse
from smq.text import apply_edits

MANY = settings(max_examples=200, deadline=None)


def read(text: str) -> Parsed:
    return parse(Document("m.yml", text))


def formatted(text: str) -> str:
    return apply_edits(text, format_document(read(text)))


def comments(text: str) -> list[str]:
    return sorted(span.cut(text).rstrip() for span in read(text).comments)


# --- model files in every layout ------------------------------------------------------------------

names = st.sampled_from(["a", "부점코드", "orders__day", "true", "12", "x: y", "# no", "- z", ""])
scalars = names.map(lambda text: ("scalar", text)) | st.sampled_from(
    [
        ("block", "SUM(x)\n  / NULLIF(y, 0)"),
        ("block", "one  \n\n\ntwo"),
        ("quoted", "first\n\n  second"),
        ("plain", "one\ntwo"),
    ]
)


@st.composite
def model_files(draw: st.DrawFn) -> str:
    """Files with odd indentation, blanks, comments and line ends; valid YAML all the same."""
    out: list[str] = []

    def noise(column: int) -> None:
        for line in draw(
            st.lists(st.sampled_from(["", "   ", "# own", "#주석  "]), max_size=2)
            if draw(st.integers(0, 3)) == 0
            else st.just([])
        ):
            out.append(" " * column + line if line.strip() else line)

    def end() -> str:
        return draw(st.sampled_from(["", "", "", "  ", " # same line", " # 뒤 "]))

    def scalar(value: tuple[str, str], column: int) -> str:
        kind, text = value
        inner = " " * (column + draw(st.integers(1, 4)))
        lines = text.split("\n")
        if kind == "block":
            header = draw(st.sampled_from(["|", ">", "|-", ">-", "|+"]))
            return header + "".join("\n" + (inner + line if line else "") for line in lines)
        if kind == "quoted":
            return '"' + ("\n" + inner).join(lines) + '"' + end()
        if kind == "plain":
            return ("\n" + inner).join(lines) + end()
        return draw(st.sampled_from(["'{}'", '"{}"'])).format(text) + end()

    def flow(keys: list[str]) -> str:
        pad = draw(st.sampled_from(["", " ", "  "]))
        return "{" + pad + ", ".join(f"{key}: v{i}" for i, key in enumerate(keys)) + pad + "}"

    def mapping(keys: list[str], column: int, prefix: str, parts: bool) -> None:
        start = prefix
        for key in keys:
            if start == "":
                noise(column)
            line = (start or " " * column) + key + ":"
            start = ""
            if parts and key in ("entities", "dimensions", "measures"):
                out.append(line + end())
                sequence(column, key, False)
            else:
                out.append(
                    line + draw(st.sampled_from([" ", "  "])) + scalar(draw(scalars), column)
                )

    def sequence(column: int, key: str, parts: bool) -> None:
        column += draw(st.sampled_from([0, 2, 4]))
        for _ in range(draw(st.integers(1, 3))):
            noise(column)
            keys = ["name", "type", "expr", "label"]
            if parts:
                keys += ["dimensions", "measures", "entities"]
            chosen = draw(st.lists(st.sampled_from(keys), unique=True, min_size=1, max_size=5))
            if not parts and draw(st.booleans()):
                out.append(" " * column + "- " + flow(chosen) + end())
                continue
            gap = draw(st.integers(1, 3))
            prefix = " " * column + "-" + " " * gap
            mapping(chosen, column + 1 + gap, prefix, parts)

    for key in draw(st.permutations(["semantic_models", "metrics"])):
        noise(0)
        out.append(key + ":" + end())
        sequence(0, key, key == "semantic_models")
    text = "\n".join(out) + draw(st.sampled_from(["", "\n", "\n\n\n"]))
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def value(text: str) -> Any:
    """What PyYAML, which shares nothing with our reader, makes of the text."""
    return pyyaml.safe_load(text)


@MANY
@given(model_files())
def test_formatting_keeps_values_and_comments_and_settles(text: str) -> None:
    assert read(text).problems == ()
    once = formatted(text)
    assert value(once) == value(text)
    assert comments(once) == comments(text)
    assert formatted(once) == once
    assert ("\r\n" in once) == ("\r\n" in text)


@MANY
@given(model_files())
def test_no_blanks_at_line_ends_and_no_runs_of_blank_lines(text: str) -> None:
    once = formatted(text).replace("\r\n", "\n")
    # What is inside of strings is theirs, up to the blank lines that `|+` keeps.
    for span in sorted((n.span for n in scalars_of(read(once).roots)), reverse=True):
        if "\n" in span.cut(once):
            behind = once[span.end :]
            kept = len(behind) - len(behind.lstrip(" \n")) if "|+" in span.cut(once) else 0
            once = once[: span.start] + "x" + once[span.end + kept - (1 if kept else 0) :]
    assert "\n\n\n" not in once
    assert not once.startswith("\n") and not once.endswith("\n\n")
    assert all(line == line.rstrip() for line in once.split("\n"))


def scalars_of(nodes: tuple[Node | None, ...]) -> list[Scalar]:
    found: list[Scalar] = []
    for node in nodes:
        if isinstance(node, Mapping):
            found += scalars_of(tuple(pair.value for pair in node.pairs))
        elif isinstance(node, Sequence):
            found += scalars_of(node.items)
        elif isinstance(node, Scalar):
            found.append(node)
    return found


# --- the layout ---------------------------------------------------------------------------------


def test_a_model_file_is_laid_out() -> None:
    text = """\


# 영업점
semantic_models:
  - table: bank.branch
    name:  부점코드
    # what a branch is
    description: |
        one␠␠
          two


    dimensions:
        # above
        - {type: varchar, name: brn_stcd, expr: x}
        -   type: date
            name: open_dt   # behind
            expr: "a
              b"
            # below


metrics:
  - type: integer
    name: total
    expr: COUNT(x)␠"""
    expected = """\
# 영업점
semantic_models:
  - table: bank.branch
    name:  부점코드
    # what a branch is
    description: |
        one␠␠
          two

    dimensions:
      # above
      - {name: brn_stcd, type: varchar, expr: x}
      - name: open_dt   # behind
        type: date
        expr: "a
          b"
        # below

metrics:
  - name: total
    type: integer
    expr: COUNT(x)
"""
    assert formatted(text.replace("␠", " ")) == expected.replace("␠", " ")


def test_the_end_of_a_block_scalar_is_its_value() -> None:
    text = "metrics:\n  - expr: |\n      COUNT(x)\n    name: a\n    label: >\n      x"
    assert formatted(text) == text
    assert formatted(text + "\n\n\n") == (
        "metrics:\n  - name: a\n    expr: |\n      COUNT(x)\n    label: >\n      x\n"
    )


def test_names_come_first_unless_a_comment_would_lose_its_place() -> None:
    moved = "metrics:\n  - expr: a\n    name: b # c\n"
    assert formatted(moved) == "metrics:\n  - name: b # c\n    expr: a\n"
    stays = "metrics:\n  - expr: a\n    # what it is\n    name: b\n"
    assert formatted(stays) == stays


def test_a_model_and_its_parts_are_ordered_at_once() -> None:
    text = "semantic_models:\n  - entities:\n      - {type: primary, name: e}\n    name: m\n"
    assert formatted(text) == (
        "semantic_models:\n  - name: m\n    entities:\n      - {name: e, type: primary}\n"
    )


def test_anchors_and_aliases_keep_their_order() -> None:
    text = "metrics:\n  - expr: &x a\n    name: b\n  - label: *x\n    name: c\n"
    assert formatted(text) == text


def test_lists_stand_as_most_of_them_do() -> None:
    flush = "metrics:\n- name: a\n- name: b\nsources:\n- name: c\n"
    assert formatted(flush) == flush
    mixed = "metrics:\n- name: a\n  dims:\n  - x\nsources:\n    - name: c\n"
    assert formatted(mixed) == "metrics:\n- name: a\n  dims:\n  - x\nsources:\n- name: c\n"


def test_indentation_is_two() -> None:
    text = "semantic_models:\n    -   name: a\n        measures:\n            -   name: b\n"
    assert formatted(text) == ("semantic_models:\n  - name: a\n    measures:\n      - name: b\n")


@pytest.mark.parametrize(
    "text",
    [
        "metrics:\n\t- name: a  \n",
        'metrics:\n  - name: "a  \n',
        "services:\n    web:   \n        image: x\n\n\n",
        "",
    ],
)
def test_broken_files_and_other_yaml_are_left_alone(text: str) -> None:
    assert format_document(read(text)) == ()


def test_line_ends_and_byte_order_mark_are_kept() -> None:
    text = "\ufeffmetrics:  \r\n    - name: a\r\n\r\n\r\n"
    assert formatted(text) == "\ufeffmetrics:\r\n  - name: a\r\n"


def test_kept_line_ends_of_block_scalars_are_values() -> None:
    text = "metrics:\n  - name: a\n    expr: |+\n      x\n\n\n\n  - name: b\n"
    assert formatted(text) == text

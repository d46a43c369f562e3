"""Lines of a text, whichever line ends it has."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from smq.text import LineIndex

texts = st.lists(st.sampled_from(("a", "가", "😀", "\n", "\n", "\r\n", "\r", "\ufeff", "\u2028")))


@settings(max_examples=300, deadline=None)
@given(texts, st.booleans())
def test_lines_are_what_the_protocol_calls_lines(pieces: list[str], is_marked: bool) -> None:
    text = "".join(pieces)
    index = LineIndex(text, is_marked)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if is_marked:
        lines[0] = lines[0].removeprefix("\ufeff")
    assert [index.line_text(number) for number in range(index.line_count)] == lines
    for number, line in enumerate(lines):
        start = index.line_start(number)
        assert text[start : start + len(line)] == line
        assert index.position(start) == (number, 0)
        assert index.offset(number, len(line)) == start + len(line)


def test_a_text_without_return_characters_has_the_same_lines_as_one_with() -> None:
    text = "a\n\n가나\nb"
    plain, returned = LineIndex(text), LineIndex(text.replace("\n", "\r"))
    for offset in range(len(text) + 1):
        assert plain.position(offset) == returned.position(offset)

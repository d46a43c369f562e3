"""The layout of model files: white space, indentation and the place of names, never a value.

Names and types come first in what is declared; blocks are
indented by two, lists as the file mostly has them; blanks at line ends go; and there is at most
one blank line in a row and one line end at the end. Quoting, flow style, comments and whatever
else a person has written stay. After each change the text is read again, and a change that
would alter a value or lose a comment is not made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from smq.format.yaml_indent import indent
from smq.format.yaml_order import order
from smq.syntax import Alias, Document, Mapping, Node, Parsed, Scalar, Sequence
from smq.syntax.yaml import parse
from smq.text import Span

_TOP_KEYS = frozenset({"semantic_models", "metrics", "models", "sources", "saved_queries"})
_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|\Z)")
_LINE_END = re.compile(r"\r\n|\n|\r")
_Change = Callable[[Parsed], str]


def is_model_file(parsed: Parsed) -> bool:
    """Whether a file is about semantic models; the layout of any other YAML is not ours."""
    return any(
        isinstance(root, Mapping) and any(pair.key.text in _TOP_KEYS for pair in root.pairs)
        for root in parsed.roots
    )


def lay_out(parsed: Parsed) -> str:
    """The whole text of a model file without syntax errors, laid out."""
    # Order twice, because a model's keys move only when those of its parts are in order.
    for change in (_end_line, order, order, indent, _trim, _fold_blank_lines):
        parsed = _checked(parsed, change)
    return parsed.document.text


def _checked(parsed: Parsed, change: _Change) -> Parsed:
    """The document after a change, or as it is when the change was not safe."""
    text = change(parsed)
    document = parsed.document
    if text == document.text:
        return parsed
    changed = parse(Document(document.uri, text, document.version))
    if len(changed.problems) > len(parsed.problems) or _meaning(changed) != _meaning(parsed):
        return parsed
    return changed


def _meaning(parsed: Parsed) -> tuple[object, ...]:
    """What must not change: values and their style, anchors, and the text of comments."""
    text = parsed.document.text
    comments = sorted(comment.cut(text).rstrip() for comment in parsed.comments)
    return (*(_plain(root) for root in parsed.roots), comments)


def _plain(node: Node | None) -> object:
    if isinstance(node, Mapping):
        # Of a key written twice every value counts, in order; keys themselves may move.
        pairs: dict[str, list[object]] = {}
        for pair in node.pairs:
            pairs.setdefault(pair.key.text, []).append(_plain(pair.value))
        return "mapping", node.anchor, node.tag, pairs
    if isinstance(node, Sequence):
        return "sequence", node.anchor, node.tag, [_plain(item) for item in node.items]
    if isinstance(node, Alias):
        return "alias", node.name
    if node is None:
        return None
    return "scalar", node.anchor, node.tag, node.style, node.text, type(node.value)


# --- white space --------------------------------------------------------------------------------


def _trim(parsed: Parsed) -> str:
    """Without blanks at the ends of lines."""
    inside = _Multiline(parsed)
    lines = _lines(parsed.document.text)
    return "".join(
        (text if inside.holds(start + len(text)) else text.rstrip(" \t")) + end
        for start, text, end in lines
    )


def _fold_blank_lines(parsed: Parsed) -> str:
    """With at most one blank line in a row, and none at the beginning and the end."""
    inside = _Multiline(parsed)
    kept: list[str] = []
    blanks = 0
    blank = True
    for start, text, end in _lines(parsed.document.text):
        held = inside.holds(start + len(text))
        if text.startswith("\ufeff"):
            kept.append("\ufeff")
            text = text[1:]
        if text.strip(" \t") or held:
            kept.append(text + end)
            blank, blanks = False, 0
        elif not blank:
            kept.append(end)
            blank, blanks = True, 1
    return "".join(kept[: len(kept) - blanks])


def _end_line(parsed: Parsed) -> str:
    """With a line end at the end, unless it would become part of a block scalar's value."""
    text = parsed.document.text
    found = _LINE_END.search(text)
    newline = found[0] if found else "\n"
    return text if not text or text.endswith(("\r", "\n")) else text + newline


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Each line as (offset, text, line end)."""
    for match in _LINE.finditer(text):
        if match.end() > match.start():
            yield match.start(), match[1], match[2]


class _Multiline:
    """The scalars over several lines, in which white space may be part of the value."""

    def __init__(self, parsed: Parsed) -> None:
        self._spans = sorted(_multiline(parsed))
        self._index = 0

    def holds(self, line_end: int) -> bool:
        """Whether a line's end is inside of such a scalar. To be asked in ascending order."""
        while self._index < len(self._spans) and self._spans[self._index].end < line_end:
            self._index += 1
        return self._index < len(self._spans) and self._spans[self._index].start <= line_end


def _multiline(parsed: Parsed) -> Iterator[Span]:
    text = parsed.document.text
    waiting: list[Node | None] = list(parsed.roots)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            for pair in node.pairs:
                waiting += [pair.key, pair.value]
        elif isinstance(node, Sequence):
            waiting += node.items
        elif isinstance(node, Scalar):
            header = node.span.cut(text)
            if "\n" not in header and "\r" not in header:
                continue
            start = node.span.start + len(re.split(r"[\r\n]", header, maxsplit=1)[0])
            block = node.style in ("literal", "folded")
            if block:
                # Blanks behind the indicator are none of the value, those of each line are.
                start += 1
            end = node.span.end if block else node.span.end - 1
            if block and "+" in text[node.span.start : start]:
                # Every line end behind it counts as well.
                end += len(text[end:]) - len(text[end:].lstrip(" \t\r\n"))
            yield Span(start, end)

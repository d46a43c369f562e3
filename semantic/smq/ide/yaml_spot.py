"""Where in a model file the cursor stands: which key or value of which construct is written.

A word is put at the cursor and the text is read with it. So broken text has the structure that the
reader finds in it anyway, and nothing is guessed here a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from smq.syntax import Alias, Document, Mapping, Node, Parsed, Scalar, Sequence
from smq.syntax import yaml as yaml_reader
from smq.text import Span

Path = tuple[str | int, ...]
_MARK = "smqcursorx"


@dataclass(frozen=True, slots=True)
class YamlSpot:
    """`path` leads to the mapping for a key, to the value itself for a value.

    `chain` are the nodes from the root to the innermost mapping or list. `before` is the decoded
    text of the value before the word at the cursor, `behind` what follows the word; `word` is what
    is typed of that word, which `span` covers in the file. `fresh` is a list item with nothing in
    it yet. `indent` is how far the cursor stands behind the indentation of its line, because of the
    dashes of list items.
    """

    kind: Literal["key", "value"]
    path: Path
    chain: tuple[Node, ...]
    word: str
    span: Span
    before: str = ""
    fresh: bool = False
    flow: bool = False
    indent: int = 0
    has_value: bool = False
    behind: str = ""

    def is_at(self, key: Scalar) -> bool:
        """Whether a key is the one at the cursor."""
        return _MARK in key.text

    def mapping(self, depth: int) -> Mapping | None:
        """The mapping after so many steps of the path."""
        node = self.chain[depth] if depth < len(self.chain) else None
        return node if isinstance(node, Mapping) else None

    def text(self, depth: int, key: str) -> str:
        """What a mapping on the way says under a key; empty where it says nothing."""
        mapping = self.mapping(depth)
        value = mapping.get(key) if mapping is not None else None
        return value.text.strip() if isinstance(value, Scalar) else ""

    @property
    def metric_kind(self) -> str:
        """What kind of metric the one around the cursor is, as far as it says."""
        return (self.text(2, "metric_type") or self.text(2, "type")).lower()


def yaml_spot(parsed: Parsed, offset: int) -> YamlSpot | None:
    """The spot of an offset; None in comments and where the reader finds no place for a word."""
    text = parsed.document.text
    if any(comment.start < offset <= comment.end for comment in parsed.comments):
        return None
    start, end = offset, offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    line = text[max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1 : start]
    behind = text[end : end + 1]
    has_value = behind == ":"
    is_alone = not line.strip(" -\ufeff") and not has_value
    mark = f"{_MARK}: " if is_alone else _MARK
    marked = text[:start] + mark + text[end:]
    tree, _ = yaml_reader.parse_again(Document(parsed.document.uri, marked), parsed)
    indent = len(line.lstrip(" ")) if not line.strip(" -") else 0
    for root in tree.roots:
        found = _find(root, (), (), start)
        if found is not None:
            kind, path, chain, (before, behind), fresh, flow = found
            return YamlSpot(
                kind,
                path,
                chain,
                text[start:offset],
                Span(start, end),
                before,
                fresh,
                flow,
                indent,
                has_value,
                behind,
            )
    return None


_Found = tuple[Literal["key", "value"], Path, tuple[Node, ...], tuple[str, str], bool, bool]


def _find(node: Node | None, path: Path, chain: tuple[Node, ...], at: int) -> _Found | None:
    """The way to the scalar that holds the mark."""
    if node is None or isinstance(node, Alias):
        return None
    if isinstance(node, Scalar):
        where = node.text.find(_MARK)
        if where < 0 or not node.span.contains(at):
            return None
        around = node.text[:where], node.text[where + len(_MARK) :]
        return "value", path, chain, around, False, False
    chain = (*chain, node)
    if isinstance(node, Sequence):
        for number, item in enumerate(node.items):
            found = _find(item, (*path, number), chain, at)
            if found is not None:
                return found
        return None
    for pair in node.pairs:
        if _MARK in pair.key.text and pair.key.span.contains(at):
            fresh = len(node.pairs) == 1 and bool(path) and isinstance(path[-1], int)
            return "key", path, chain, ("", ""), fresh, node.flow
        found = _find(pair.value, (*path, pair.key.text), chain, at)
        if found is not None:
            return found
    return None

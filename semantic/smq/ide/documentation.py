"""Words about what is not a name: keys of model files, and rules that a comment silences."""

from __future__ import annotations

import re

from smq.ide.model_schema import Path, described_at, schemas_at
from smq.rules import find
from smq.syntax import Alias, Mapping, Node, Parsed, Sequence
from smq.text import Span

_CODE = re.compile(r"[A-Za-z][\w-]*")


def about_key(parsed: Parsed, offset: int) -> tuple[Span, str] | None:
    """What the schema says about the key of a model file at an offset."""
    for root in parsed.roots:
        found = _key_at(root, offset, ())
        if found is not None:
            span, path = found
            words = described_at(path)
            if words:
                return span, f"**{path[-1]}**\n\n{words}{_choices(path)}"
    return None


def about_comment(parsed: Parsed, offset: int) -> tuple[Span, str] | None:
    """The rule that a silencing comment names at an offset."""
    text = parsed.document.text
    for comment in parsed.comments:
        if not comment.contains(offset) or "smq:" not in comment.cut(text):
            continue
        for match in _CODE.finditer(text, comment.start, comment.end):
            rule = find(match.group()) if match.start() <= offset <= match.end() else None
            if rule is not None:
                words = f"**{rule.code}** `{rule.name}`\n\n{rule.page}"
                return Span(match.start(), match.end()), words
    return None


def _key_at(node: Node | None, offset: int, path: Path) -> tuple[Span, Path] | None:
    if node is None or isinstance(node, Alias) or not node.span.contains(offset):
        return None
    if isinstance(node, Sequence):
        for number, item in enumerate(node.items):
            found = _key_at(item, offset, (*path, number))
            if found is not None:
                return found
    elif isinstance(node, Mapping):
        for pair in node.pairs:
            here = (*path, pair.key.text)
            if pair.key.span.contains(offset):
                return pair.key.span, here
            found = _key_at(pair.value, offset, here)
            if found is not None:
                return found
    return None


def _choices(path: Path) -> str:
    """The values a key may have, while they are few enough to be read."""
    values = dict.fromkeys(
        str(value) for node in schemas_at(path) for value in node.get("enum", ()) if value
    )
    listed = ", ".join(f"`{value}`" for value in values)
    return f"\n\nOne of {listed}" if 0 < len(values) <= 12 else ""

"""JSON in what a model has written: alone, in a fence, or somewhere in prose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)
_decoder = json.JSONDecoder()
_MANY = 200
"""Places at which JSON is looked for; text that offers more beginnings holds none."""


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """The objects in a text, in order; of lists of objects, their items.

    What is not JSON is passed over, and nothing broken is mended: a half understood query would
    be another query.
    """
    for value in _values(text):
        if isinstance(value, dict):
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, dict))


def _values(text: str) -> Iterator[Any]:
    whole = _load(text)
    if whole is not None:
        yield whole
        return
    fenced = [value for match in _FENCE.finditer(text) if (value := _load(match[1])) is not None]
    if fenced:
        yield from fenced
        return
    at = 0
    for _ in range(_MANY):
        begin = min((i for i in (text.find("{", at), text.find("[", at)) if i >= 0), default=-1)
        if begin < 0:
            return
        try:
            value, at = _decoder.raw_decode(text, begin)
        except (ValueError, RecursionError):
            at = begin + 1
            continue
        yield value


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _with_comments(text)


def _with_comments(text: str) -> Any:
    """JSON as our files may be: with comments and trailing commas. None when it is not."""
    from smq.syntax import Document
    from smq.syntax.jsonc import parse

    stripped = text.strip()
    if not stripped.startswith(("{", "[", "//", "/*")):
        return None
    parsed = parse(Document("memory:answer.json", stripped))
    if parsed.problems or not parsed.complete or len(parsed.roots) != 1:
        return None
    return plain(parsed.roots[0])


def plain(node: object) -> Any:
    """A tree of the reader as values."""
    from smq.syntax import Mapping, Scalar, Sequence

    if isinstance(node, Mapping):
        return {pair.key.text: plain(pair.value) for pair in node.pairs}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else None

"""Path patterns as people know them from .gitignore, matched against paths below the root."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from smq.text import nfc


def matches(pattern: str, path: str) -> bool:
    """Whether `path` (relative, with `/`) is what the pattern names, or lies below it.

    `*` and `?` stay within one name, `**` crosses directories. A pattern without a slash inside
    names a file or directory at any depth; any other is anchored at the root.
    """
    return _compiled(pattern).match(nfc(path)) is not None


def matches_any(patterns: Iterable[str], path: str) -> bool:
    return any(matches(pattern, path) for pattern in patterns)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    body = nfc(pattern).removeprefix("./").rstrip("/")
    if body in ("", "."):
        return re.compile("")
    anchored = "/" in body
    expression = _translate(body.lstrip("/"))
    prefix = "" if anchored else "(?:.*/)?"
    return re.compile(f"{prefix}{expression}(?:/.*)?\\Z", re.DOTALL)


def _translate(body: str) -> str:
    parts: list[str] = []
    index = 0
    while index < len(body):
        char = body[index]
        if body.startswith("**/", index):
            parts.append("(?:.*/)?")
            index += 3
            continue
        if body.startswith("**", index):
            parts.append(".*")
            index += 2
            continue
        if char == "*":
            parts.append("[^/]*")
        elif char == "?":
            parts.append("[^/]")
        elif char == "[" and (end := body.find("]", index + 2)) > 0:
            inside = body[index + 1 : end].replace("\\", "\\\\")
            negated = inside.startswith(("!", "^"))
            content = (inside[1:] if negated else inside).replace("[", "\\[")
            parts.append(f"[{'^/' if negated else ''}{content}]")
            index = end
        else:
            parts.append(re.escape(char))
        index += 1
    return "".join(parts)

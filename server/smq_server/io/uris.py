"""Between the paths of this machine and the URIs that the core knows."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes, urlsplit

_WINDOWS = sys.platform == "win32"


def uri_of(path: Path) -> str:
    """The `file:` URI of an absolute path; bytes that are no UTF-8 survive the way back."""
    if _WINDOWS:
        return path.as_uri()
    return "file://" + quote(os.fsencode(path))


def path_of(uri: str) -> Path:
    """The path of a `file:` URI, with or without percent signs."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return Path(uri)
    text = os.fsdecode(unquote_to_bytes(parts.path))
    if _WINDOWS:
        text = text.lstrip("/") if not parts.netloc else f"//{parts.netloc}{text}"
    return Path(text)


def absolute(path: Path) -> Path:
    """The path from the file system's root, with `..` resolved in the text and links kept.

    Keeping links means that messages name the file as the user did.
    """
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve would follow links


def display(path: Path) -> str:
    """The path as people want to read it: relative to here when it lies below."""
    try:
        relative = path.relative_to(Path.cwd())
    except (ValueError, OSError):
        return str(path)
    return relative.as_posix()

"""Layout while somebody types: what a closing bracket ends, and where a new line begins."""

from __future__ import annotations

import re

from smq.format import format_document
from smq.format.json_edit import containers
from smq.syntax import Parsed
from smq.text import Edit, Span
from smq.workspace import Snapshot

_STEP = 2
_ITEM = re.compile(r"(?P<indent>[ ]*)(?P<dashes>(?:-[ ]+)*)(?P<rest>[^#]*?)[ ]*(?:#.*)?\Z")
_BLOCK = re.compile(r"[^\"']*:[ ]*[|>][-+0-9]*\Z")


def on_type(snapshot: Snapshot, uri: str, offset: int, typed: str) -> tuple[Edit, ...]:
    """Edits after a character has been typed; the offset is behind it."""
    if uri not in snapshot:
        return ()
    parsed = snapshot.parsed(uri)
    if typed in ("}", "]"):
        return _closed(parsed, offset)
    return _line(parsed, offset) if typed == "\n" else ()


def _closed(parsed: Parsed, offset: int) -> tuple[Edit, ...]:
    """The layout of the object or list that was just closed, if nothing in the file is open."""
    if parsed.document.kind != "smq" or parsed.problems:
        return ()
    around = [node for node in containers(parsed, offset - 1) if node.span.end == offset]
    if not around:
        return ()
    span = around[0].span
    return tuple(edit for edit in format_document(parsed) if span.covers(edit.span))


def _line(parsed: Parsed, offset: int) -> tuple[Edit, ...]:
    """The indentation of a line that has just begun and is still empty."""
    text = parsed.document.text
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    stop = re.compile(r"[^\r\n]*").match(text, offset)
    if text[start:offset].strip() or (stop and stop.group().strip()):
        return ()
    above = text[:start].rstrip("\r\n").rpartition("\n")[2].rstrip("\r")
    wanted = _yaml(above) if parsed.document.kind == "yaml" else _json(above)
    if wanted is None or text[start:offset] == " " * wanted:
        return ()
    return (Edit(parsed.document.uri, Span(start, offset), " " * wanted),)


def _yaml(above: str) -> int | None:
    """Below a key without a value its value, below a key with one its neighbour."""
    match = _ITEM.match(above)
    if match is None or not match["rest"].strip():
        return None
    column = len(match["indent"]) + len(match["dashes"])
    if match["rest"].endswith(":") or _BLOCK.match(match["rest"]):
        return column + _STEP
    # Inside a text of several lines, or a list in brackets, there is nothing to go by.
    return (
        column
        if ": " in match["rest"] and match["rest"].count("[") == match["rest"].count("]")
        else None
    )


def _json(above: str) -> int | None:
    stripped = above.strip()
    indent = len(above) - len(above.lstrip(" "))
    if not stripped:
        return None
    return indent + _STEP if stripped.endswith(("{", "[")) else indent

"""All conversions between the protocol's positions and the core's offsets.

Positions count in the negotiated encoding. Results are either typed or, for replies of many
items, the plain dictionaries that the message will be (`wire_…`), which cost a tenth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types

from smq.text import Edit, Encoding, LineIndex, Location, Span
from smq_server.lsp import protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Wire = dict[str, Any]


def encoding_of(client: types.ClientCapabilities) -> Encoding:
    """The first of the client's encodings that we know; without any, what the protocol says."""
    offered = client.general.position_encodings if client.general else None
    for encoding in offered or ():
        match str(getattr(encoding, "value", encoding)):
            case "utf-8":
                return "utf-8"
            case "utf-16":
                return "utf-16"
            case "utf-32":
                return "utf-32"
    return "utf-16"


def offset(lines: LineIndex, position: types.Position, encoding: Encoding) -> int:
    return lines.offset(position.line, position.character, encoding)


def span(lines: LineIndex, given: types.Range, encoding: Encoding) -> Span:
    """The span of a range, its ends put in order."""
    start, end = offset(lines, given.start, encoding), offset(lines, given.end, encoding)
    return Span(min(start, end), max(start, end))


def position(lines: LineIndex, at: int, encoding: Encoding) -> types.Position:
    return types.Position(*lines.position(at, encoding))


def range_(lines: LineIndex, given: Span, encoding: Encoding) -> types.Range:
    return types.Range(position(lines, given.start, encoding), position(lines, given.end, encoding))


def wire_range(lines: LineIndex, given: Span, encoding: Encoding) -> Wire:
    start_line, start = lines.position(given.start, encoding)
    end_line, end = lines.position(given.end, encoding)
    return {
        "start": {"line": start_line, "character": start},
        "end": {"line": end_line, "character": end},
    }


def changed_text(
    text: str,
    changes: Sequence[types.TextDocumentContentChangeEvent],
    encoding: Encoding,
    lines: LineIndex | None = None,
) -> str:
    """The text after the changes of one notification, each made on the result of the one before.

    `lines` are those of the text, if they are known already.
    """
    for change in changes:
        if isinstance(change, types.TextDocumentContentChangePartial):
            at = span(lines or LineIndex(text), change.range, encoding)
            lines = None
            text = text[: at.start] + change.text + text[at.end :]
        else:
            lines = None
            text = change.text
    return text


def text_edits(lines: LineIndex, edits: Iterable[Edit], encoding: Encoding) -> list[types.TextEdit]:
    return [types.TextEdit(range_(lines, edit.span, encoding), edit.text) for edit in edits]


def location(
    lines_of: Callable[[str], LineIndex | None],
    given: Location,
    encoding: Encoding,
    uri: str | None = None,
) -> types.Location | None:
    """The place in words of the protocol; None for a file that is gone."""
    lines = lines_of(given.uri)
    if lines is None:
        return None
    return types.Location(uri or given.uri, range_(lines, given.span, encoding))


def our_range(lines: LineIndex, given: Span, encoding: Encoding) -> protocol.Range:
    """The range for a request of ours."""
    (start_line, start), (end_line, end) = (
        lines.position(given.start, encoding),
        lines.position(given.end, encoding),
    )
    return protocol.Range(protocol.Position(start_line, start), protocol.Position(end_line, end))

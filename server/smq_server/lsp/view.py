"""A document among its workspace as features see it, with the way to the client's positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from lsprotocol import types

from smq.text import Edit, Encoding, LineIndex, Location, Span
from smq.workspace import Snapshot
from smq_server.lsp import convert, protocol


class View(NamedTuple):
    """One document among its workspace at one moment, with the protocol's positions.

    `uri` is the document's name in the snapshot; the client's own spelling is put into results.
    """

    snapshot: Snapshot
    uri: str
    encoding: Encoding
    spelled: Callable[[str], str]

    @property
    def lines(self) -> LineIndex:
        return self.snapshot.lines(self.uri)

    @property
    def text(self) -> str:
        return self.snapshot.document(self.uri).text

    def offset(self, position: types.Position) -> int:
        return convert.offset(self.lines, position, self.encoding)

    def span(self, given: types.Range) -> Span:
        return convert.span(self.lines, given, self.encoding)

    def range(self, span: Span, uri: str | None = None) -> types.Range:
        """The range of a span in this document or another one of the snapshot."""
        lines = self.lines if uri is None else self.snapshot.lines(uri)
        return convert.range_(lines, span, self.encoding)

    def wire_range(self, span: Span, uri: str | None = None) -> convert.Wire:
        lines = self.lines if uri is None else self.snapshot.lines(uri)
        return convert.wire_range(lines, span, self.encoding)

    def location(self, location: Location) -> types.Location:
        """The place in words of the protocol. Raises KeyError for a file not in the snapshot."""
        lines = self.snapshot.lines(location.uri)
        found = convert.range_(lines, location.span, self.encoding)
        return types.Location(self.spelled(location.uri), found)

    def our_location(self, location: Location) -> protocol.Location:
        """The same for a request of ours."""
        lines = self.snapshot.lines(location.uri)
        found = convert.our_range(lines, location.span, self.encoding)
        return protocol.Location(self.spelled(location.uri), found)

    def edits(self, edits: Iterable[Edit]) -> dict[str, list[types.TextEdit]]:
        """Edits by the document they change, each named as the client names it."""
        found: dict[str, list[types.TextEdit]] = {}
        for edit in edits:
            text_edit = types.TextEdit(self.range(edit.span, edit.uri), edit.text)
            found.setdefault(self.spelled(edit.uri), []).append(text_edit)
        return found

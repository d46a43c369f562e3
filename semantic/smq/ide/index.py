"""Where each thing of a workspace is mentioned, file by file, remembered as long as it is true.

What a file mentions depends on its text and on the graph; both are the same objects from one
snapshot to the next unless something changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from smq.graph.graph import SemanticGraph
from smq.ide.mentions import Key, Mention
from smq.ide.mentions import mentions as read_mentions
from smq.syntax import Document
from smq.text import Location
from smq.workspace import Snapshot

_PerFile = dict[int, tuple[Document, tuple[Mention, ...]]]
_KNOWN: WeakKeyDictionary[SemanticGraph, _PerFile] = WeakKeyDictionary()


def mentions(snapshot: Snapshot, uri: str) -> tuple[Mention, ...]:
    """The file's mentions, in the order of the text; empty for a file that is not there."""
    if uri not in snapshot:
        return ()
    document = snapshot.document(uri)
    known = _KNOWN.setdefault(snapshot.graph, {})
    cached = known.get(id(document))
    if cached is None or cached[0] is not document:
        cached = known[id(document)] = (document, read_mentions(snapshot, uri))
    return cached[1]


def mention_at(snapshot: Snapshot, uri: str, offset: int) -> Mention | None:
    """The narrowest mention that touches the offset; one that begins there wins over its end."""
    best: Mention | None = None
    for mention in mentions(snapshot, uri):
        if mention.span.start > offset:
            break
        if mention.span.contains(offset) and (
            best is None or _rank(mention, offset) < _rank(best, offset)
        ):
            best = mention
    return best


def places(snapshot: Snapshot, key: Key) -> Iterator[tuple[Location, Mention]]:
    """Every mention of a thing in the whole workspace, by file and position."""
    name = key[-1]
    for uri in snapshot.uris:
        if uri not in snapshot or not _may_name(snapshot.document(uri).text, name):
            continue
        for mention in mentions(snapshot, uri):
            if mention.key == key:
                yield Location(uri, mention.span), mention


def _rank(mention: Mention, offset: int) -> tuple[bool, int]:
    return mention.span.end == offset, mention.span.end - mention.span.start


def _may_name(text: str, name: str) -> bool:
    # A name may also be written decomposed or with JSON escapes; then every file is read.
    return name in text or "\\u" in text or not text.isascii()

"""Where each thing of a workspace is mentioned, file by file, remembered as long as it is true.

What a file mentions depends on its text and on the graph; both are the same objects from one
snapshot to the next unless something changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import itemgetter
from weakref import WeakKeyDictionary

from smq.graph.graph import SemanticGraph
from smq.ide.by_identity import ByIdentity
from smq.ide.mentions import Key, Mention
from smq.ide.mentions import mentions as read_mentions
from smq.syntax import Document
from smq.text import Location, is_nfc
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
    for uri in _candidates(snapshot, key):
        for mention in mentions(snapshot, uri):
            if mention.key == key:
                yield Location(uri, mention.span), mention


def files_that_may_name(snapshot: Snapshot, name: str) -> Iterator[str]:
    """The files whose text may hold a name, however it is spelled."""
    wanted = _Name(name)
    for uri, file in sorted(snapshot.files, key=itemgetter(0)):
        if wanted.may_be_in(file.document):
            yield uri


def prepare(snapshot: Snapshot) -> Iterator[None]:
    """What the first search for a name has to do, in steps of a file each, before anybody asks."""
    for _, file in snapshot.files:
        _words(file.document)
        yield


class _Name:
    """A name that texts are asked for, ready to be compared with their words."""

    __slots__ = ("_is_plain", "_name", "_parts")

    def __init__(self, name: str) -> None:
        self._name = name
        self._parts = frozenset(part for part in name.split("__") if part)
        # Underscores at the end of a name run into the separator behind it.
        edges = name.startswith("_") or name.endswith("_")
        self._is_plain = bool(self._parts) and not edges

    def may_be_in(self, document: Document) -> bool:
        words = _words(document)
        if words is None:
            return True
        return self._parts <= words if self._is_plain else self._name in document.text


def _candidates(snapshot: Snapshot, key: Key) -> Iterator[str]:
    """Files that are worth reading for a thing: those whose text may lead to it."""
    found = files_that_may_name(snapshot, key[-1])
    if key[0] == "alias":
        return (uri for uri in found if uri == key[1])
    if key[0] not in ("dimension", "measure") or key[1] not in snapshot.graph.models:
        return found
    graph = snapshot.graph
    if graph.models_with(key[2])[:1] == (key[1],):
        # The first model that has a name is the one that a name without a prefix may mean.
        return found
    model = graph.models[key[1]]
    heads = {key[1], *(entity.name for entity in model.entities if entity.kind != "foreign")}
    if model.primary_entity is not None:
        heads.add(model.primary_entity)
    prefixes = [_Name(head) for head in sorted(heads)]

    def is_worth_reading(document: Document) -> bool:
        # A query may leave the model out, where its metrics say which one is meant.
        return any(prefix.may_be_in(document) for prefix in prefixes) or (
            document.kind == "smq" and _begins_a_word(key[2], document.text)
        )

    return (uri for uri in found if is_worth_reading(snapshot.document(uri)))


def _begins_a_word(name: str, text: str) -> bool:
    """Whether a name stands somewhere without a prefix. Patterns that look behind are slower."""
    at = text.find(name)
    while at >= 0:
        before = text[at - 1 : at]
        if not (before.isalnum() or before == "_"):
            return True
        at = text.find(name, at + 1)
    return False


def _rank(mention: Mention, offset: int) -> tuple[bool, int]:
    return mention.span.end == offset, mention.span.end - mention.span.start


_WORD = re.compile(r"\w+")


def _read_words(document: Document) -> frozenset[str] | None:
    text = document.text
    if "\\u" in text or "\\x" in text or "\\U" in text or not is_nfc(text):
        return None
    words = set(_WORD.findall(text))
    parts = {part for word in words if "__" in word for part in word.split("__")}
    return frozenset(words | parts)


_words: ByIdentity[Document, frozenset[str] | None] = ByIdentity(_read_words, most=50_000)
"""The words of a text, cut at the separator; None where they may be written otherwise.

Documents outlive snapshots, so each text is cut once and not again after each key.
"""

"""All mentions of the thing under the cursor: references, highlights, and rename."""

from __future__ import annotations

import re
from dataclasses import dataclass

from smq.ide.index import mention_at, mentions, places
from smq.ide.mentions import Key, Role
from smq.text import Edit, Location, Span, is_nfc, nfc
from smq.workspace import Snapshot

_RENAMEABLE = frozenset(
    {"metric", "model", "dimension", "measure", "entity", "alias", "source", "table", "saved_query"}
)
_NAME = re.compile(r"\w+\Z")


@dataclass(frozen=True, slots=True)
class Highlight:
    """A place in one file; a definition is where the name is given (written), not used."""

    span: Span
    role: Role


@dataclass(frozen=True, slots=True)
class Renaming:
    """What a rename would change: the name under the cursor and its place."""

    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a rename cannot be done, in one sentence for the person who asked."""

    reason: str


def references(
    snapshot: Snapshot, uri: str, offset: int, include_definitions: bool = True
) -> tuple[Location, ...]:
    """Every mention of the thing at the offset, in all files, by file and position."""
    mention = mention_at(snapshot, uri, offset)
    if mention is None:
        return ()
    return tuple(
        location
        for location, each in places(snapshot, mention.key)
        if include_definitions or each.role == "reference"
    )


def highlights(snapshot: Snapshot, uri: str, offset: int) -> tuple[Highlight, ...]:
    """The mentions of the thing at the offset in the same file."""
    mention = mention_at(snapshot, uri, offset)
    if mention is None:
        return ()
    return tuple(
        Highlight(each.span, each.role)
        for each in mentions(snapshot, uri)
        if each.key == mention.key
    )


def prepare_rename(snapshot: Snapshot, uri: str, offset: int) -> Renaming | Refusal:
    """The name a rename would change, or why there is none."""
    mention = mention_at(snapshot, uri, offset)
    if mention is None:
        return Refusal("There is no name here that could be renamed.")
    if mention.key[0] not in _RENAMEABLE:
        what = {"grain": "grain", "column": "column of the warehouse", "function": "SQL function"}
        kind = what.get(mention.key[0], mention.key[0].replace("_", " "))
        return Refusal(f"This is a {kind}; its name is not defined in this workspace.")
    return Renaming(mention.span, mention.key[-1])


def rename(snapshot: Snapshot, uri: str, offset: int, new_name: str) -> tuple[Edit, ...] | Refusal:
    """The edits that give a thing a new name everywhere, also inside SQL strings.

    Only mentions that resolve to the same thing are touched, so a homonym stays as it is. A name
    that something else of its kind has already is refused.
    """
    prepared = prepare_rename(snapshot, uri, offset)
    if isinstance(prepared, Refusal):
        return prepared
    mention = mention_at(snapshot, uri, offset)
    assert mention is not None, "the rename was prepared at this offset"
    wanted = nfc(new_name.strip())
    if _NAME.match(wanted) is None:
        return Refusal(f"'{new_name}' is not a name: use letters, digits and underscores.")
    if mention.key[0] in ("metric", "model", "alias") and wanted[0].isdigit():
        return Refusal(f"'{new_name}' is not a name: it starts with a digit.")
    if wanted == mention.key[-1]:
        return ()
    taken = _taken(snapshot, mention.key, wanted)
    if taken:
        return Refusal(taken)
    edits: list[Edit] = []
    for location, each in places(snapshot, mention.key):
        text = snapshot.document(location.uri).text
        written = location.span.cut(text)
        if nfc(written) == mention.key[-1] or not is_nfc(written) or "\\u" in written:
            edits.append(Edit(location.uri, location.span, wanted))
        elif each.in_sql or mention.key[0] in ("table", "source"):
            edits.extend(_inner(location, written, mention.key[-1], wanted))
    return tuple(edits)


def _inner(location: Location, written: str, name: str, wanted: str) -> list[Edit]:
    """The name inside a wider mention, such as `bank('table')`."""
    at = nfc(written).find(name)
    if at < 0 or len(nfc(written)) != len(written):
        return []
    start = location.span.start + at
    return [Edit(location.uri, Span(start, start + len(name)), wanted)]


def _taken(snapshot: Snapshot, key: Key, wanted: str) -> str:
    graph = snapshot.graph
    match key[0]:
        case "metric" if wanted in graph.metrics:
            return f"There is a metric '{wanted}' already."
        case "model" if wanted in graph.models:
            return f"There is a model '{wanted}' already."
        case "dimension" | "measure":
            index = graph.index(key[1])
            if wanted in index.dimensions or wanted in index.measures:
                return f"The model '{key[1]}' has a dimension or measure '{wanted}' already."
        case "entity":
            for location, mention in places(snapshot, ("entity", wanted)):
                del location, mention
                return f"There is an entity '{wanted}' already; joins would change."
        case "alias":
            if wanted in graph.metrics:
                return f"There is a metric '{wanted}' already."
            if any(True for _ in places(snapshot, (*key[:-1], wanted))):
                return f"The query has a column '{wanted}' already."
    return ""

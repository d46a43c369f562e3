"""All mentions of the thing under the cursor: references, highlights, and rename."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from smq.expr import parse_expression
from smq.graph.symbols import Dimension, Entity, Measure, Model
from smq.ide.index import files_that_may_name, mention_at, mentions, places
from smq.ide.mentions import Key, Mention, Role
from smq.rules.model_edits import item_around
from smq.syntax import Mapping, Parsed, Scalar
from smq.text import Edit, Location, Span, apply_edits, is_nfc, nfc
from smq.workspace import Change, Snapshot

_RENAMEABLE = frozenset(
    {"metric", "model", "dimension", "measure", "entity", "alias", "source", "table", "saved_query"}
)
_NAME = re.compile(r"\w+\Z")
_YAML_VALUES = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_KINDS: dict[type, str] = {Dimension: "dimension", Measure: "measure", Entity: "entity"}


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
    if wanted[0].isdigit():
        return Refusal(f"'{new_name}' is not a name: it starts with a digit.")
    if mention.key[0] in ("metric", "model", "alias"):
        template = parse_expression(f"{wanted} + 1", snapshot.configuration.dialect)
        if template.fault is not None or [use.name for use in template.uses] != [wanted]:
            return Refusal(f"'{new_name}' is a word of SQL; a name like it needs quotes.")
    if wanted == mention.key[-1]:
        return ()
    if wanted.lower() in _YAML_VALUES:
        return Refusal(f"'{new_name}' is not a name: YAML reads it as a value.")
    taken = _taken(snapshot, mention.key, wanted)
    if taken:
        return Refusal(taken)
    edits: list[Edit] = []
    for key in _twins(snapshot, mention.key):
        for location, each in places(snapshot, key):
            edits.extend(_renamed(snapshot, location, each, key[-1], wanted))
        pinned = _pinned(snapshot, key)
        if isinstance(pinned, Refusal):
            return pinned
        edits.extend(pinned)
    unique = tuple(dict.fromkeys(edits))
    return _unless_misread(snapshot, mention.key, wanted, unique)


def _renamed(
    snapshot: Snapshot, location: Location, each: Mention, name: str, wanted: str
) -> Iterator[Edit]:
    text = snapshot.document(location.uri).text
    written = location.span.cut(text)
    if nfc(written) == name or not is_nfc(written) or "\\" in written:
        yield Edit(location.uri, location.span, wanted)
    elif each.in_sql or each.key[0] in ("table", "source"):
        yield from _inner(location, written, name, wanted)


def _twins(snapshot: Snapshot, key: Key) -> tuple[Key, ...]:
    """The thing and what is written with it: a measure that makes a metric of its own name."""
    graph = snapshot.graph
    if key[0] == "metric" and key[1] in graph.metrics:
        metric = graph.metrics[key[1]]
        for model in graph.models_with(key[1]):
            measure = graph.index(model).measures.get(key[1])
            if measure is not None and measure.name_at == metric.name_at:
                return key, ("measure", model, key[1])
    if key[0] == "measure":
        measure = graph.index(key[1]).measures.get(key[2])
        made = graph.metrics.get(key[2])
        if measure is not None and made is not None and made.name_at == measure.name_at:
            return key, ("metric", key[2])
    return (key,)


# A member without SQL of its own is the column of its name, so the old name must stay as `expr`;
# and that of a table which a source declares under its own name, as `identifier`.


def _pinned(snapshot: Snapshot, key: Key) -> tuple[Edit, ...] | Refusal:
    edits: list[Edit] = []
    if key[0] == "table":
        for declared in snapshot.declarations:
            for table in declared.sources:
                place = table.name_at
                if (table.source, table.name) != key[1:] or place.uri not in snapshot:
                    continue
                parsed = snapshot.parsed(place.uri)
                if not _has(parsed, place.span, "identifier"):
                    edit = _with_pair(parsed, place.span, "identifier", key[2])
                    if edit is None:
                        return Refusal(f"'{key[2]}' is what the table is called in the warehouse.")
                    edits.append(edit)
    for model in _homes(snapshot, key):
        members: tuple[Dimension | Measure | Entity, ...] = (
            *model.dimensions,
            *model.measures,
            *model.entities,
        )
        for symbol in members:
            same = symbol.name == key[-1] and _KINDS[type(symbol)] == key[0]
            if not same or symbol.expr is not None or symbol.name_at.uri not in snapshot:
                continue
            parsed = snapshot.parsed(symbol.name_at.uri)
            edit = _with_pair(parsed, symbol.name_at.span, "expr", key[-1])
            if edit is None:
                return Refusal(f"'{key[-1]}' is named by its column and has no name of its own.")
            edits.append(edit)
    return tuple(edits)


def _homes(snapshot: Snapshot, key: Key) -> Iterator[Model]:
    """All definitions of the models whose members a rename of the key touches."""
    if key[0] not in ("dimension", "measure", "entity"):
        return
    for declared in snapshot.declarations:
        for model in declared.models:
            if key[0] == "entity" or model.name == key[1]:
                yield model


def _has(parsed: Parsed, name_at: Span, key: str) -> bool:
    """Whether the item that is named there has a key."""
    found = item_around(parsed.roots, name_at)
    item = found[0].items[found[1]] if found is not None else None
    return isinstance(item, Mapping) and item.pair(key) is not None


def _with_pair(parsed: Parsed, name_at: Span, key: str, value: str) -> Edit | None:
    """`key: value` behind the pair that holds a name."""
    found = item_around(parsed.roots, name_at)
    item = found[0].items[found[1]] if found is not None else None
    pair = item.pair("name") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or pair is None or not isinstance(pair.value, Scalar):
        return None
    if pair.value.content != name_at:
        return None
    text, uri = parsed.document.text, parsed.document.uri
    end = pair.value.span.end
    if item.flow:
        return Edit(uri, Span(end, end), f", {key}: {value}")
    newline = "\r\n" if "\r\n" in text else "\n"
    start = max(text.rfind("\n", 0, pair.key.span.start), -1) + 1
    indent = " " * (pair.key.span.start - start)
    comment = re.compile(r"[ \t]*(?:#[^\r\n]*)?").match(text, end)
    end = comment.end() if comment else end
    return Edit(uri, Span(end, end), f"{newline}{indent}{key}: {value}")


# A rename is only offered when reading the new texts finds every name where it was.


def _unless_misread(
    snapshot: Snapshot, key: Key, wanted: str, edits: tuple[Edit, ...]
) -> tuple[Edit, ...] | Refusal:
    by_file: dict[str, list[Edit]] = {}
    for edit in edits:
        by_file.setdefault(edit.uri, []).append(edit)
    after = snapshot.apply(
        Change(uri, apply_edits(snapshot.document(uri).text, own)) for uri, own in by_file.items()
    )
    touched = {*by_file, *files_that_may_name(snapshot, wanted)}
    renamed = {twin: (*twin[:-1], wanted) for twin in _twins(snapshot, key)}
    for uri in sorted(touched):
        before = [_after(m.key, renamed, wanted) for m in _compared(snapshot, uri)]
        found = [m.key for m in _compared(after, uri)]
        if before != found:
            return Refusal(
                f"'{wanted}' would be read as something else in "
                f"{snapshot.configuration.relative_path(uri)}."
            )
    return edits


def _compared(snapshot: Snapshot, uri: str) -> list[Mention]:
    return [m for m in mentions(snapshot, uri) if m.key[0] not in ("column", "function")]


def _after(key: Key, renamed: dict[Key, Key], wanted: str) -> Key:
    if key in renamed:
        return renamed[key]
    if key[0] in ("dimension", "measure") and ("model", key[1]) in renamed:
        return key[0], wanted, *key[2:]
    if key[0] == "table" and ("source", key[1]) in renamed:
        return key[0], wanted, *key[2:]
    return key


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
        case "source" | "table":
            if any(True for _ in places(snapshot, (*key[:-1], wanted))):
                return f"There is a {key[0]} '{wanted}' already."
        case "alias":
            if wanted in graph.metrics:
                return f"There is a metric '{wanted}' already."
            if any(True for _ in places(snapshot, (*key[:-1], wanted))):
                return f"The query has a column '{wanted}' already."
    return ""

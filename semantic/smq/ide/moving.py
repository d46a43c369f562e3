"""Move a dimension to another model of the same table, and change every name that means it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.graph.symbols import Dimension, Model, TableName
from smq.ide.index import mention_at, mentions, places
from smq.problem import Severity
from smq.rules.check import check
from smq.rules.model_edits import item_around, removed_item
from smq.rules.registry import find
from smq.syntax import Mapping, Parsed, Sequence, unaliased
from smq.text import Edit, Location, Span, apply_edits
from smq.workspace import Change, Snapshot

_LINE = re.compile(r"[^\r\n]*")


def moves(
    snapshot: Snapshot, uri: str, offset: int
) -> Iterator[tuple[Model, Dimension, tuple[Edit, ...]]]:
    """The models that a dimension can go to, with the edits: those that read the same table.

    Another table would need the warehouse to tell whether the column is there with the same
    values. A move after which a file has an error that it did not have is not offered.
    """
    mention = mention_at(snapshot, uri, offset)
    graph = snapshot.graph
    if mention is None or mention.key[0] != "dimension" or mention.role != "definition":
        return
    source = graph.models.get(mention.key[1])
    dimension = graph.index(mention.key[1]).dimensions.get(mention.key[2]) if source else None
    if source is None or dimension is None or dimension.name_at != Location(uri, mention.span):
        return
    table = graph.relation(source)
    for name in sorted(graph.models):
        target = graph.models[name]
        if target is source or graph.relation(target) != table or not isinstance(table, TableName):
            continue
        index = graph.index(name)
        if dimension.name in index.dimensions or dimension.name in index.measures:
            continue
        if target.agg_time_dimension is None and source.agg_time_dimension == dimension.name:
            continue
        edits = _edits(snapshot, source, target, dimension)
        if edits and not _breaks(snapshot, edits):
            yield target, dimension, edits


def _edits(
    snapshot: Snapshot, source: Model, target: Model, dimension: Dimension
) -> tuple[Edit, ...]:
    uri = dimension.name_at.uri
    if uri not in snapshot or target.name_at.uri not in snapshot:
        return ()
    parsed = snapshot.parsed(uri)
    removed = removed_item(parsed, dimension.name_at.span)
    lines = _lines(parsed, dimension)
    added = _added(snapshot.parsed(target.name_at.uri), target, lines) if lines else None
    if removed is None or added is None:
        return ()
    edits = [removed, added]
    for location, mention in places(snapshot, ("dimension", source.name, dimension.name)):
        if mention.role != "reference":
            continue
        prefix = _prefix(snapshot, location)
        if prefix is None or prefix[1] != source.name:
            # A bare name, or one behind an entity, which may mean either model: not ours to change.
            return ()
        edits.append(Edit(location.uri, prefix[0], target.name))
    return tuple(edits)


def _lines(parsed: Parsed, dimension: Dimension) -> tuple[str, ...]:
    """The item's lines without its dash and its indentation."""
    found = item_around(parsed.roots, dimension.name_at.span)
    if found is None:
        return ()
    item = found[0].items[found[1]]
    if not isinstance(item, Mapping):
        return ()
    text = parsed.document.text
    start = max(text.rfind("\n", 0, item.span.start), -1) + 1
    width = item.span.start - start
    body = text[item.span.start : item.span.end].rstrip()
    first, *rest = body.splitlines()
    if found[0].flow and rest:
        return ()
    return (first, *(line[min(width, len(line) - len(line.lstrip())) :] for line in rest))


def _added(parsed: Parsed, target: Model, lines: tuple[str, ...]) -> Edit | None:
    """Below the last dimension of the target, indented as its dimensions are."""
    found = item_around(parsed.roots, target.name_at.span)
    node = found[0].items[found[1]] if found is not None else None
    pair = node.pair("dimensions") if isinstance(node, Mapping) else None
    items = unaliased(pair.value) if pair is not None else None
    if not isinstance(items, Sequence) or not items.items or items.items[-1] is None:
        return None
    last = items.items[-1]
    text, uri = parsed.document.text, parsed.document.uri
    if items.flow:
        if len(lines) > 1 or not lines[0].startswith("{"):
            return None
        return Edit(uri, Span(last.span.end, last.span.end), f", {lines[0]}")
    dash = text.rfind("-", items.span.start, last.span.start)
    start = max(text.rfind("\n", 0, dash), -1) + 1
    indent = text[start:dash]
    if dash < 0 or indent.strip():
        return None
    end = last.span.start + len(text[last.span.start : last.span.end].rstrip())
    line = _LINE.match(text, end)
    end = line.end() if line else end
    newline = "\r\n" if "\r\n" in text else "\n"
    written = [f"{indent}- {lines[0]}", *(f"{indent}  {line}" for line in lines[1:])]
    return Edit(uri, Span(end, end), "".join(f"{newline}{line}" for line in written))


def _prefix(snapshot: Snapshot, location: Location) -> tuple[Span, str] | None:
    """The name before the separator in front of a member: its place and the model it means."""
    text = snapshot.document(location.uri).text
    start = location.span.start
    if text[start - 2 : start] != "__":
        return None
    for mention in mentions(snapshot, location.uri):
        if mention.span.end == start - 2 and mention.key[0] == "model":
            return mention.span, mention.key[1]
    return None


def _breaks(snapshot: Snapshot, edits: tuple[Edit, ...]) -> bool:
    """Whether a file that the edits touch has an error afterwards that it did not have."""
    by_file: dict[str, list[Edit]] = {}
    for edit in edits:
        by_file.setdefault(edit.uri, []).append(edit)
    after = snapshot.apply(
        Change(uri, apply_edits(snapshot.document(uri).text, own)) for uri, own in by_file.items()
    )
    return _errors(after, list(by_file)) > _errors(snapshot, list(by_file))


def _errors(snapshot: Snapshot, uris: list[str]) -> int:
    return sum(
        1
        for finding in check(snapshot, uris)
        if (rule := find(finding.code)) is not None and rule.severity is Severity.ERROR
    )

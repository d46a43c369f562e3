"""Drafts in the editor: a model from a table of the metadata cache, where models are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.catalog import Known
from smq.catalog.tables import Table
from smq.graph.drafts import Form, model_tables, write_items
from smq.graph.symbols import Model
from smq.graph.warehouse import named_table
from smq.ide.warehouse import known_table
from smq.syntax import Mapping, Parsed, Scalar, Sequence, unaliased
from smq.text import Edit, Span, nearest
from smq.workspace import Snapshot

_OFFERED = 8
"""Tables for which there is an action: as many as a menu can hold."""


def drafts(snapshot: Snapshot, uri: str, span: Span) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    """(title, edits) of the drafts that can be made at a place of a model file."""
    catalog = snapshot.catalog
    if not isinstance(catalog, Known) or snapshot.document(uri).kind != "yaml":
        return
    parsed = snapshot.parsed(uri)
    for model in snapshot.file(uri).declarations.models:
        at = model.span_at.span if model.span_at is not None else model.name_at.span
        if at.covers(span) or at.contains(span.start):
            yield from _filled(snapshot, parsed, model)
            return
    root = parsed.root
    if root is not None and not isinstance(root, Mapping):
        return
    if isinstance(root, Mapping) and (root.flow or not _is_between(root, span)):
        return
    for table in _wanted(snapshot, catalog, uri):
        edits = _added(snapshot, parsed, root, table)
        if edits:
            yield f"Draft a semantic model from table '{table.path}'", edits


def _is_between(root: Mapping, span: Span) -> bool:
    """Whether the place is none of another list: on `semantic_models:`, or on an empty line."""
    for pair in root.pairs:
        if pair.key.text != "semantic_models" and pair.span.contains(span.start):
            return False
    return True


def _wanted(snapshot: Snapshot, catalog: Known, uri: str) -> list[Table]:
    """Tables without a model; those that the file is called after come first."""
    graph = snapshot.graph
    modelled = {
        table.parts
        for model in graph.models.values()
        for table in catalog.find(named_table(graph, model))
    }
    free = {name[-1]: name for name in reversed(catalog.names) if name not in modelled}
    stem = uri.rpartition("/")[2].partition(".")[0]
    first = nearest(stem, free, limit=_OFFERED, cutoff=0.5) if len(free) < 2000 else ()
    ordered = dict.fromkeys([*first, *sorted(free)])
    found = (catalog.table(free[name], exact=True) for name in list(ordered)[: 2 * _OFFERED])
    return [table for table in found if table is not None and table.has_columns][:_OFFERED]


def _added(
    snapshot: Snapshot, parsed: Parsed, root: Mapping | None, table: Table
) -> tuple[Edit, ...]:
    dialect = snapshot.configuration.dialect
    (model,) = model_tables([table], dialect, snapshot.graph)
    models, metrics = write_items(model, dialect, _form(snapshot, parsed))
    uri, text = parsed.document.uri, parsed.document.text
    if root is None:
        end = len(text)
        lines = ["semantic_models:", *models, *(["", "metrics:", *metrics] if metrics else [])]
        before = "" if not text or text.endswith("\n") else "\n"
        return (Edit(uri, Span(end, end), _text(before, lines, text)),)
    found = [_appended(parsed, root, "semantic_models", models, apart=True)]
    if metrics:
        found.append(_appended(parsed, root, "metrics", metrics))
    edits = [edit for edit in found if edit is not None]
    if len(edits) < len(found):
        return ()
    if len(edits) == 2 and edits[0].span == edits[1].span:
        # Both go to the end of the file, and two edits of one place have no order.
        edits = [edits[0]._replace(text=edits[0].text + edits[1].text)]
    return tuple(edits)


def _filled(
    snapshot: Snapshot, parsed: Parsed, model: Model
) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    """A model that says only its table gets everything that its draft has."""
    if model.entities or model.dimensions or model.measures:
        return
    table = known_table(snapshot, model)
    node = _item_of(parsed, model)
    if table is None or not table.has_columns or node is None or node.flow:
        return
    dialect = snapshot.configuration.dialect
    (drafted,) = model_tables([table], dialect, snapshot.graph, [model.name])
    form: Form = "dbt" if node.pair("model") is not None else "smq"
    lines, _ = write_items(drafted, dialect, form)
    start = next(
        (
            n
            for n, line in enumerate(lines)
            if re.match(r"    (entities|dimensions|measures):", line)
        ),
        None,
    )
    if start is None:
        return
    uri, text = parsed.document.uri, parsed.document.text
    column = node.pairs[0].key.span.start
    indent = column - (text.rfind("\n", 0, column) + 1)
    members = _shifted(lines[start:], indent - 4)
    end = _line_end(text, node.span.start + len(text[node.span.start : node.span.end].rstrip()))
    edit = Edit(uri, Span(end, end), _text("\n", members, text).rstrip("\r\n"))
    yield f"Draft the members of '{model.name}' from table '{table.path}'", (edit,)


def _item_of(parsed: Parsed, model: Model) -> Mapping | None:
    for root in parsed.roots:
        value = root.get("semantic_models") if isinstance(root, Mapping) else None
        items = value.items if isinstance(value, Sequence) else ()
        for item in items:
            name = item.get("name") if isinstance(item, Mapping) else None
            if isinstance(name, Scalar) and name.content == model.name_at.span:
                assert isinstance(item, Mapping)
                return item
    return None


def _appended(
    parsed: Parsed, root: Mapping, key: str, lines: list[str], apart: bool = False
) -> Edit | None:
    """Lines of items at the end of a list of the file, which is begun where there is none."""
    uri, text = parsed.document.uri, parsed.document.text
    pair = root.pair(key)
    value = unaliased(pair.value) if pair is not None else None
    if pair is None:
        end = _line_end(text, root.span.start + len(text[root.span.start : root.span.end].rstrip()))
        return Edit(uri, Span(end, end), _text("\n", ["", f"{key}:", *lines], text).rstrip("\r\n"))
    if isinstance(value, Sequence) and value.items and not value.flow:
        last = next((item for item in reversed(value.items) if item is not None), None)
        if last is None:
            return None
        dash = text.rfind("-", value.span.start, last.span.start)
        indent = dash - (text.rfind("\n", 0, dash) + 1)
        end = _line_end(text, last.span.start + len(text[last.span.start : last.span.end].rstrip()))
        shifted = _shifted(lines, indent - 2)
        written = _text("\n", ["", *shifted] if apart else shifted, text)
        return Edit(uri, Span(end, end), written.rstrip("\r\n"))
    if value is None or (isinstance(value, Scalar) and not value.text.strip()):
        end = _line_end(text, pair.key.span.end)
        return Edit(uri, Span(end, end), _text("\n", lines, text).rstrip("\r\n"))
    return None


def _form(snapshot: Snapshot, parsed: Parsed) -> Form:
    """The words that the file is written in, or else the rest of the workspace."""
    text = parsed.document.text
    if re.search(r"^\s+table:", text, re.MULTILINE):
        return "smq"
    if re.search(r"^\s+model:\s*[\"']?(?:\{\{\s*)?ref\(", text, re.MULTILINE):
        return "dbt"
    models = snapshot.graph.models.values()
    in_dbt = sum(type(model.relation).__name__ == "RefCall" for model in models)
    return "dbt" if in_dbt * 2 > len(models) else "smq"


def _shifted(lines: list[str], by: int) -> list[str]:
    if by >= 0:
        return [" " * by + line if line else line for line in lines]
    return [line[-by:] if line[:-by].strip() == "" else line for line in lines]


def _text(before: str, lines: list[str], text: str) -> str:
    written = before + "\n".join(lines) + "\n"
    return written.replace("\n", "\r\n") if "\r\n" in text else written


def _line_end(text: str, offset: int) -> int:
    found = re.compile(r"[^\r\n]*").match(text, offset)
    return found.end() if found else offset

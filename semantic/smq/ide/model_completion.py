"""Completion in semantic-model files: keys and values by schema, names by what is defined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smq.graph.symbols import Dimension, Entity, Measure
from smq.ide.choosing import Completion, Completions, chosen
from smq.ide.functions import FUNCTIONS
from smq.syntax import Alias, Mapping, Node, Pair, Parsed, Sequence
from smq.text import Span
from smq.workspace import Snapshot
from smq_schemas import schema

Path = tuple[str | int, ...]


def model_completions(snapshot: Snapshot, uri: str, offset: int) -> Completions:
    """What can be written at an offset of a model file."""
    if uri not in snapshot:
        return Completions()
    parsed = snapshot.parsed(uri)
    text = parsed.document.text
    if any(comment.start < offset <= comment.end for comment in parsed.comments):
        return Completions()
    start = _word_start(text, offset)
    span = Span(start, _word_end(text, offset))
    typed = text[start:offset]
    path, key, mapping = _where(parsed, start, offset)
    if key is None:
        return chosen(_keys(path, mapping, span, text), typed)
    offers = list(_values((*path, key), span))
    offers += list(_names(snapshot, (*path, key), mapping, span))
    return chosen(iter(offers), typed)


def _word_start(text: str, offset: int) -> int:
    while offset > 0 and (text[offset - 1].isalnum() or text[offset - 1] == "_"):
        offset -= 1
    return offset


def _word_end(text: str, offset: int) -> int:
    while offset < len(text) and (text[offset].isalnum() or text[offset] == "_"):
        offset += 1
    return offset


# Where the cursor stands.


def _where(parsed: Parsed, start: int, offset: int) -> tuple[Path, str | None, Mapping | None]:
    """(path of the mapping, key whose value is written or None for a key, the mapping)."""
    text = parsed.document.text
    line_start = text.rfind("\n", 0, start) + 1
    line = text[line_start:start]
    bare = line.lstrip(" -")
    indent = len(line) - len(bare)
    key: str | None = None
    if ":" in bare and not line.rstrip().endswith(("{", ",")):
        key = bare.split(":", 1)[0].strip().strip("\"'")
        last = max(bare.rfind("{"), bare.rfind(","))
        if last > bare.rfind(":"):
            key = None
        elif "{" in bare or "," in bare:
            piece = bare[max(bare.rfind("{"), bare.rfind(",")) + 1 :]
            key = piece.split(":", 1)[0].strip().strip("\"'") if ":" in piece else None
    best: tuple[Path, Mapping | None] = ((), None)
    for root in parsed.roots:
        found = _enclosing(root, offset, indent, line_start, text, ())
        if found is not None:
            best = found
    return best[0], key, best[1]


def _enclosing(
    node: Node | None, offset: int, indent: int, line_start: int, text: str, path: Path
) -> tuple[Path, Mapping | None] | None:
    """The mapping that a line at this indentation belongs to: the deepest that is no deeper."""
    if isinstance(node, Mapping):
        column = node.span.start - (text.rfind("\n", 0, node.span.start) + 1)
        if not node.flow and column > indent:
            return None
        if node.flow and not node.span.start < offset <= node.span.end:
            return None
        inner: tuple[Path, Mapping | None] | None = None
        pair = _last_before(node, offset)
        if pair is not None:
            deeper = _enclosing(
                pair.value, offset, indent, line_start, text, (*path, pair.key.text)
            )
            if deeper is not None:
                inner = deeper
            elif pair.value is None and not node.flow and indent > column:
                inner = ((*path, pair.key.text), None)
        return inner or (path, node)
    if isinstance(node, Sequence):
        last: tuple[Path, Mapping | None] | None = None
        for number, item in enumerate(node.items):
            if item is None or isinstance(item, Alias) or item.span.start > offset:
                continue
            found = _enclosing(item, offset, indent, line_start, text, (*path, number))
            if found is not None:
                last = found
        dash = text[line_start:offset].lstrip()
        if dash.startswith("-") and (last is None or last[0][: len(path)] == path):
            own = last if last and last[1] and last[1].span.start >= line_start else None
            return own or ((*path, len(node.items)), None)
        return last
    return None


def _last_before(mapping: Mapping, offset: int) -> Pair | None:
    found = None
    for pair in mapping.pairs:
        if pair.span.start <= offset:
            found = pair
    return found


# Keys and values by schema.


def _keys(path: Path, mapping: Mapping | None, span: Span, text: str) -> Iterator[Completion]:
    present = {pair.key.text for pair in mapping.pairs} if mapping else set()
    present -= {span.cut(text)}
    seen: set[str] = set()
    rank = 0
    for node in _schemas(path):
        required = set(node.get("required", ()))
        for name, about in node.get("properties", {}).items():
            if name in present or name in seen:
                continue
            seen.add(name)
            rank += 1
            yield Completion(
                name,
                "key",
                span,
                f"{name}: ",
                rank - (50 if name in required else 0),
                "required" if name in required else "",
                _described(about),
            )


def _values(path: Path, span: Span) -> Iterator[Completion]:
    seen: set[str] = set()
    for node in _schemas(path):
        values = [*node.get("enum", ()), *([node["const"]] if "const" in node else ())]
        if node.get("type") == "boolean":
            values += [True, False]
        for value in values:
            word = str(value).lower() if isinstance(value, bool) else str(value)
            if word not in seen:
                seen.add(word)
                yield Completion(word, "value", span, word, len(seen), "", _described(node))


def _described(node: Any) -> str:
    for each in _resolved(node):
        if each.get("description"):
            return str(each["description"])
    return ""


def _schemas(path: Path) -> list[dict[str, Any]]:
    nodes = _resolved(schema("semantic-model"))
    for step in path:
        following: list[dict[str, Any]] = []
        for node in nodes:
            if isinstance(step, int):
                if isinstance(node.get("items"), dict):
                    following.extend(_resolved(node["items"]))
            elif step in node.get("properties", {}):
                following.extend(_resolved(node["properties"][step]))
        nodes = following
    return nodes


def _resolved(node: Any, depth: int = 0) -> list[dict[str, Any]]:
    """A schema with all that its references and alternatives add."""
    if not isinstance(node, dict) or depth > 12:
        return []
    found = [node]
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target: Any = schema("semantic-model")
        for part in reference[2:].split("/"):
            target = target.get(part, {}) if isinstance(target, dict) else {}
        found += _resolved(target, depth + 1)
    for key in ("allOf", "anyOf", "oneOf"):
        for part in node.get(key, ()):
            found += _resolved(part, depth + 1)
    for key in ("then", "else"):
        if key in node:
            found += _resolved(node[key], depth + 1)
    return found


# Names by what is defined.


def _names(
    snapshot: Snapshot, path: Path, mapping: Mapping | None, span: Span
) -> Iterator[Completion]:
    graph = snapshot.graph
    key = str(path[-1])
    inside = [step for step in path[:-1] if isinstance(step, str)]
    where = inside[-1] if inside else ""
    if key in ("measure", "base_measure", "conversion_measure") or (
        key == "name" and where in ("measure", "base_measure", "conversion_measure")
    ):
        for model in graph.models.values():
            for measure in model.measures:
                yield Completion(
                    measure.name,
                    "measure",
                    span,
                    measure.name,
                    0,
                    f"{measure.agg or ''} · {model.name}",
                )
    if key in ("numerator", "denominator") or (
        key == "name"
        and where in ("numerator", "denominator", "metrics")
        and "type_params" in inside
    ):
        for metric in graph.metrics.values():
            yield Completion(metric.name, "metric", span, metric.name, 0, metric.label or "")
    if key == "name" and where == "entities":
        for entity in dict.fromkeys(
            e.name for m in graph.models.values() for e in m.entities if e.kind != "foreign"
        ):
            keyed = ", ".join(graph.joins.keyed_by(entity))
            yield Completion(entity, "entity", span, entity, 0, f"key of {keyed}")
    if key == "agg_time_dimension":
        for model in graph.models.values():
            for dimension in model.dimensions:
                if dimension.is_time:
                    yield Completion(dimension.name, "time", span, dimension.name, 0, model.name)
    if key == "table":
        for source in graph.sources.values():
            call = f"{source.source}('{source.name}')"
            yield Completion(call, "source", span, call, 0, ".".join(source.table.parts))
    if key in ("expr", "filter") and "metrics" in inside and "semantic_models" not in inside:
        yield from _metric_names(snapshot, span)
    elif key == "expr" and mapping is not None:
        yield from _columns(snapshot, mapping, span)
    if key == "expr":
        for function in FUNCTIONS.values():
            aggregates = function.group in ("aggregate", "window")
            if not aggregates or "semantic_models" not in inside:
                yield Completion(
                    function.name,
                    "function",
                    span,
                    f"{function.name}($0)",
                    70,
                    function.signature,
                    function.text,
                    snippet=True,
                )


def _metric_names(snapshot: Snapshot, span: Span) -> Iterator[Completion]:
    for metric in snapshot.graph.metrics.values():
        yield Completion(metric.name, "metric", span, metric.name, 20, metric.label or "")
    for model in snapshot.graph.models.values():
        for measure in model.measures:
            name = f"{model.name}__{measure.name}"
            yield Completion(name, "measure", span, name, 0, measure.label or "")
        for dimension in model.dimensions:
            name = f"{model.name}__{dimension.name}"
            yield Completion(name, "dimension", span, name, 10, dimension.label or "")


def _columns(snapshot: Snapshot, mapping: Mapping, span: Span) -> Iterator[Completion]:
    """Columns that the model of this member names elsewhere: what is known of its table."""
    found: dict[str, str] = {}
    for model in snapshot.graph.models.values():
        whole = model.span_at
        if whole is None or not whole.span.covers(mapping.span):
            continue
        parts: tuple[Entity | Dimension | Measure, ...] = (
            *model.entities,
            *model.dimensions,
            *model.measures,
        )
        for part in parts:
            text = part.expr.text if part.expr else part.name
            if text.replace("_", "").isalnum():
                found.setdefault(text, model.name)
    for column, model_name in found.items():
        yield Completion(column, "column", span, column, 0, f"column of {model_name}")

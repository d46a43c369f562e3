"""Additions to model files that a query's mistake calls for: a metric, a primary entity."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from smq.graph.data_types import value_kind
from smq.graph.loaders.metric_parts import KINDS
from smq.graph.symbols import Measure, Metric, Model
from smq.rules.model_edits import item_around
from smq.syntax import Mapping, Node, Parsed, Scalar, Sequence, unaliased
from smq.text import Edit, Span, nfc

_CALLS = {
    "sum": "SUM({})",
    "count": "COUNT({})",
    "count_distinct": "COUNT(DISTINCT {})",
    "average": "AVG({})",
    "avg": "AVG({})",
    "min": "MIN({})",
    "max": "MAX({})",
    "median": "MEDIAN({})",
}
_WORDS = {
    "sum": "total",
    "count": "total",
    "count_distinct": "distinct",
    "avg": "average",
    "sum_boolean": "total",
}


def metric_of_measure(model: Model, measure: Measure, taken: object) -> tuple[str, str] | None:
    """(name, SQL) of a metric that aggregates a measure; None when it cannot be said in SQL."""
    agg = usual_aggregation(measure)
    call = _CALLS.get(agg)
    if call is None:
        return None
    word = _WORDS.get(agg, agg)
    return free_name(f"{word}_{measure.name}", taken), call.format(f"{model.name}__{measure.name}")


def usual_aggregation(measure: Measure) -> str:
    """A measure's own aggregation. Without one it is added up, which is what most are for; text
    cannot be, and is what things are counted by."""
    kind = value_kind(measure.data_type) if measure.data_type else None
    return measure.agg or ("count_distinct" if kind == "text" else "sum")


def free_name(name: str, taken: object) -> str:
    """The name, numbered when it is one of those taken (any container of names)."""
    number, free = 2, name
    while free in taken:  # type: ignore[operator]
        free = f"{name}_{number}"
        number += 1
    return free


def added_metric(
    parsed: Parsed, model: Model, name: str, expr: str, measure: Measure | None = None
) -> Edit | None:
    """Define a metric in the file of its model; None when the file does not show where.

    A file in dbt's words gets a metric in dbt's words, which can only name a measure that
    aggregates by itself.
    """
    lines = _metric_lines(name, expr, measure, _is_dbt(parsed, model))
    if lines is None:
        return None
    root = next((r for r in parsed.roots if isinstance(r, Mapping) and _holds(r, model)), None)
    if root is None or root.flow:
        return None
    metrics = root.pair("metrics")
    value = unaliased(metrics.value) if metrics is not None else None
    if metrics is None:
        return _at_end(parsed, root, "metrics", lines)
    if isinstance(value, Sequence) and value.items and not value.flow:
        return _last_item(parsed, value, lines)
    return None


def added_metric_beside(
    parsed: Parsed, other: Metric, name: str, expr: str, measure: Measure
) -> Edit | None:
    """Define a metric at the end of the list that another one is in, in the same words as that.

    None when dbt's words cannot say it, or when the file does not show where.
    """
    found = item_around(parsed.roots, other.name_at.span)
    node = found[0].items[found[1]] if found is not None else None
    if found is None or not isinstance(node, Mapping) or not _is_metrics(parsed, found[0]):
        return None
    dbt = _in_words_of_dbt(node)
    lines = _metric_lines(name, expr, measure, dbt)
    if lines is None:
        return None
    if found[0].flow:
        last = next(item for item in reversed(found[0].items) if item is not None)
        item = f"{{name: {name}, metric_type: simple, expr: {_scalar(expr)}}}"
        if dbt:
            item = f"{{name: {name}, type: simple, type_params: {{measure: {measure.name}}}}}"
        return Edit(parsed.document.uri, Span(last.span.end, last.span.end), f", {item}")
    return _last_item(parsed, found[0], lines)


def _is_metrics(parsed: Parsed, items: Sequence) -> bool:
    """Whether a list is one of metrics: a measure can make a metric too, in its own list."""
    pairs = (root.pair("metrics") for root in parsed.roots if isinstance(root, Mapping))
    return any(pair is not None and unaliased(pair.value) is items for pair in pairs)


def _metric_lines(
    name: str, expr: str, measure: Measure | None, dbt: bool
) -> tuple[str, ...] | None:
    """A metric in either dialect; in dbt's it can only name a measure that aggregates by itself."""
    if not dbt:
        return f"name: {name}", "metric_type: simple", f"expr: {_scalar(expr)}"
    if measure is None or measure.agg is None:
        return None
    label = _scalar(measure.label or name)
    lines = (f"name: {name}", f"label: {label}", "type: simple")
    return (*lines, "type_params:", f"  measure: {measure.name}")


def added_derived(parsed: Parsed, name: str, expr: str, metrics: Iterable[str]) -> Edit | None:
    """Define a metric over other metrics at the end of a file's list of metrics, in its words."""
    root = next((r for r in parsed.roots if isinstance(r, Mapping)), None)
    pair = root.pair("metrics") if root is not None else None
    value = unaliased(pair.value) if pair is not None else None
    others = value.items if isinstance(value, Sequence) else ()
    if not any(isinstance(other, Mapping) and _in_words_of_dbt(other) for other in others):
        lines = (f"name: {name}", "metric_type: derived", f"expr: {_scalar(expr)}")
        return _added(parsed, (lines,))
    inputs = [f"    - name: {metric}" for metric in dict.fromkeys(metrics)]
    head = (f"name: {name}", f"label: {name}", "type: derived", "type_params:")
    return _added(parsed, ((*head, f"  expr: {_scalar(expr)}", "  metrics:", *inputs),))


def _in_words_of_dbt(metric: Mapping) -> bool:
    typed = metric.pair("type")
    kind = typed.value if typed is not None else None
    is_kind = isinstance(kind, Scalar) and kind.value in KINDS
    return metric.pair("metric_type") is None and is_kind


def added_metrics(parsed: Parsed, metrics: Iterable[tuple[str, str, str]]) -> Edit | None:
    """Define metrics that are other metrics with a filter: (name, metric, condition) of each."""
    items = (
        (
            f"name: {name}",
            "metric_type: simple",
            f"expr: {metric}",
            f"filter: {_scalar(condition)}",
        )
        for name, metric, condition in metrics
    )
    return _added(parsed, tuple(items))


def _added(parsed: Parsed, items: tuple[tuple[str, ...], ...]) -> Edit | None:
    """Metrics of so many lines each; None when the file does not show where."""
    root = next((r for r in parsed.roots if isinstance(r, Mapping)), None)
    if root is None or root.flow:
        return None
    pair = root.pair("metrics")
    value = unaliased(pair.value) if pair is not None else None
    if pair is None:
        first = _at_end(parsed, root, "metrics", items[0])
        rest = (line for lines in items[1:] for line in _item("  ", lines))
        newline = _newline(parsed.document.text)
        return first._replace(text=newline.join((first.text, *rest)))
    if isinstance(value, Sequence) and value.items and not value.flow:
        edits = [_last_item(parsed, value, lines) for lines in items]
        written = [edit for edit in edits if edit is not None]
        if len(written) == len(items):
            return written[0]._replace(text="".join(edit.text for edit in written))
    return None


def added_member(
    parsed: Parsed, model: Model, kind: Literal["dimension", "measure"], name: str
) -> Edit | None:
    """Declare the column of that name as a member; None when the file does not show where.

    Its type is not known here: a dimension has none, and a measure is added up.
    """
    found = item_around(parsed.roots, model.name_at.span)
    node = found[0].items[found[1]] if found is not None else None
    if not isinstance(node, Mapping):
        return None
    dbt = _is_dbt(parsed, model)
    if kind == "measure":
        item = f"{{name: {name}, agg: sum}}"
    else:
        item = f"{{name: {name}, type: {'categorical' if dbt else 'varchar'}}}"
    pair = node.pair(f"{kind}s")
    value = unaliased(pair.value) if pair is not None else None
    if pair is None:
        return None if node.flow else _list_after(parsed, node, f"{kind}s", item)
    if not isinstance(value, Sequence) or not value.items or value.items[-1] is None:
        return None
    if value.flow:
        end = value.items[-1].span.end
        return Edit(parsed.document.uri, Span(end, end), f", {item}")
    return _last_item(parsed, value, (item,))


def _list_after(parsed: Parsed, node: Mapping, key: str, item: str) -> Edit | None:
    """A new list as the last key of a block."""
    text = parsed.document.text
    last = node.pairs[-1]
    column = last.key.span.start - _line_start(text, last.key.span.start)
    indent = " " * column
    end = node.span.start + len(text[node.span.start : node.span.end].rstrip())
    end = _line_end(text, end)
    newline = _newline(text)
    written = f"{newline}{indent}{key}:{newline}{indent}  - {item}"
    return Edit(parsed.document.uri, Span(end, end), written)


def added_entity(parsed: Parsed, model: Model, name: str, expr: str) -> Edit | None:
    """Declare a column as the primary entity of a model."""
    found = item_around(parsed.roots, model.name_at.span)
    if found is None:
        return None
    node = found[0].items[found[1]]
    if not isinstance(node, Mapping) or node.flow:
        return None
    item = f"{{name: {name}, type: primary, expr: {_scalar(expr)}}}"
    entities = node.pair("entities")
    if entities is None:
        return _after_name(parsed, node, item)
    value = unaliased(entities.value)
    if not isinstance(value, Sequence) or not value.items or value.items[-1] is None:
        return None
    if value.flow:
        end = value.items[-1].span.end
        return Edit(parsed.document.uri, Span(end, end), f", {item}")
    return _last_item(parsed, value, (item,))


def added_members(parsed: Parsed, model: Model, key: str, items: tuple[str, ...]) -> Edit | None:
    """Put items, each on one line, at the end of a model's list of dimensions or measures."""
    found = item_around(parsed.roots, model.name_at.span)
    node = found[0].items[found[1]] if found else None
    if not isinstance(node, Mapping) or node.flow or not items:
        return None
    pair = node.pair(key)
    value = unaliased(pair.value) if pair is not None else None
    if pair is None:
        edit = _after_name(parsed, node, items[0], key)
    elif isinstance(value, Sequence) and value.items and not value.flow:
        edit = _last_item(parsed, value, (items[0],))
    else:
        return None
    if edit is None:
        return None
    # The first item shows how the others are to be indented.
    line = edit.text.rstrip("\r\n").rpartition("\n")[2]
    indent = line[: len(line) - len(line.lstrip())]
    newline = _newline(parsed.document.text)
    rest = "".join(f"{newline}{indent}- {item}" for item in items[1:])
    return Edit(edit.uri, edit.span, edit.text + rest)


def is_dbt(parsed: Parsed, model: Model) -> bool:
    """Whether a model is written in dbt's words."""
    return _is_dbt(parsed, model)


def _is_dbt(parsed: Parsed, model: Model) -> bool:
    found = item_around(parsed.roots, model.name_at.span)
    node = found[0].items[found[1]] if found else None
    return isinstance(node, Mapping) and (node.pair("model") or node.pair("defaults")) is not None


def _holds(root: Mapping, model: Model) -> bool:
    return root.span.covers(model.name_at.span)


def _at_end(parsed: Parsed, root: Mapping, key: str, lines: tuple[str, ...]) -> Edit:
    text = parsed.document.text
    newline = _newline(text)
    end = root.span.start + len(text[root.span.start : root.span.end].rstrip())
    end = _line_end(text, end)
    written = newline.join((f"{newline}{newline}{key}:", *_item("  ", lines)))
    return Edit(parsed.document.uri, Span(end, end), written)


def _last_item(parsed: Parsed, items: Sequence, lines: tuple[str, ...]) -> Edit | None:
    """Below the last item, with the indentation of the others."""
    text = parsed.document.text
    last = next((item for item in reversed(items.items) if item is not None), None)
    if last is None:
        return None
    dash = _dash(text, items, last)
    if dash is None:
        return None
    indent = text[_line_start(text, dash) : dash]
    if indent.strip():
        return None
    end = last.span.start + len(text[last.span.start : last.span.end].rstrip())
    end = _line_end(text, end)
    newline = _newline(text)
    written = "".join(f"{newline}{line}" for line in _item(indent, lines))
    return Edit(parsed.document.uri, Span(end, end), written)


def _after_name(parsed: Parsed, node: Mapping, item: str, key: str = "entities") -> Edit | None:
    """A list with one item below the model's name, with the indentation of its keys."""
    text = parsed.document.text
    name = node.pair("name")
    if name is None or len(node.pairs) < 2:
        return None
    other = next(pair for pair in node.pairs if pair is not node.pairs[0])
    start = _line_start(text, other.key.span.start)
    indent = text[start : other.key.span.start]
    if indent.strip():
        return None
    end = _line_end(text, name.span.end)
    newline = _newline(text)
    written = f"{newline}{indent}{key}:{newline}{indent}  - {item}"
    return Edit(parsed.document.uri, Span(end, end), written)


def _item(indent: str, lines: tuple[str, ...]) -> list[str]:
    return [f"{indent}{'- ' if number == 0 else '  '}{line}" for number, line in enumerate(lines)]


def _dash(text: str, items: Sequence, item: Node) -> int | None:
    at = text.rfind("-", items.span.start, item.span.start)
    return at if at >= 0 and not text[at + 1 : item.span.start].strip() else None


def _scalar(text: str) -> str:
    """SQL as a YAML value: plain where YAML lets it be, else in single quotes."""
    plain = nfc(text)
    if re.search(r"(?:: |:\Z| #)", plain) or re.match(r"[\s!&*\-?|>@%`\"'{}\[\],#:]", plain):
        return "'" + plain.replace("'", "''") + "'"
    return plain


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _line_end(text: str, offset: int) -> int:
    """The end of the line, past a comment that stands behind the value."""
    found = re.compile(r"[^\r\n]*").match(text, offset)
    return found.end() if found else offset


def _newline(text: str) -> str:
    found = re.search(r"\r\n|\n|\r", text)
    return found[0] if found else "\n"

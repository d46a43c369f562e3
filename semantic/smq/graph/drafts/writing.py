"""Drafts as YAML, in the SMQ dialect or in dbt's classic words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from sqlglot import exp

from smq.dialects import Dialect
from smq.dialects import dialect as dialect_named
from smq.dialects.grammar import grammar
from smq.format.width import columns
from smq.graph.drafts.modelling import DraftMember, DraftModel

Form = Literal["smq", "dbt"]
Pairs = list[tuple[str, str]]

_WIDTH = 100
_PLAIN = re.compile(r"[^\W\d_][\w .()/%+<>=*-]*\Z")
_NOT_TEXT = re.compile(r"(?i)(?:true|false|yes|no|on|off|null|y|n|~|\.(?:nan|inf))\Z")


def write_models(
    models: Sequence[DraftModel], dialect: str, form: Form = "smq", *, exact: bool = True
) -> str:
    """One file with all models and their metrics.

    `exact` says that columns are spelled as the warehouse holds them, and not as a script wrote
    them without quotes.
    """
    lines = ["semantic_models:"]
    metrics: list[str] = []
    for number, model in enumerate(models):
        items, its_metrics = write_items(model, dialect, form, exact=exact)
        lines += ["", *items] if number else items
        metrics += its_metrics
    if metrics:
        lines += ["", "metrics:", *metrics]
    return "\n".join(lines) + "\n"


def write_items(
    model: DraftModel, dialect: str, form: Form = "smq", *, exact: bool = True
) -> tuple[list[str], list[str]]:
    """The lines of a model's item under `semantic_models`, and of its metrics under `metrics`,
    both indented by two."""
    writer = _Writer(dialect_named(dialect), form, exact)
    return list(writer.model(model)), list(writer.metrics(model))


def write_member(
    member: DraftMember, key: str, dialect: str, form: Form = "smq", *, exact: bool = True
) -> str:
    """One member as an item on one line, to be put into the list under `key`."""
    pairs = _Writer(dialect_named(dialect), form, exact).pairs(key, member)
    quoted = [(k, json.dumps(v) if _breaks_flow(v) else v) for k, v in pairs]
    return f"{{{', '.join(f'{key}: {value}' for key, value in quoted)}}}"


class _Writer:
    def __init__(self, dialect: Dialect, form: Form, exact: bool) -> None:
        self.dialect = dialect
        self.form = form
        self.exact = exact

    def model(self, model: DraftModel) -> Iterator[str]:
        yield f"  - name: {_scalar(model.name)}"
        if self.form == "smq":
            if model.label:
                yield f"    label: {_scalar(model.label)}"
            if model.description:
                yield f"    description: {_scalar(model.description)}"
            yield f"    table: {_scalar(self._table(model.table.parts))}"
        else:
            words = ": ".join(part for part in (model.label, model.description) if part)
            if words:
                yield f"    description: {_scalar(words)}"
            # dbt's models have plain names; anything else is left to who edits the draft.
            called = re.sub(r"[^\w* .$-]", "_", model.table.name)
            yield f"    model: ref('{called}')"
            if model.time is not None:
                yield from (
                    "    defaults:",
                    f"      agg_time_dimension: {_scalar(model.time.name)}",
                )
        if model.left_out:
            yield from _comment("Not drafted: " + ", ".join(model.left_out) + ".", "    ")
        yield from self._members("entities", model.entities)
        yield from self._members("dimensions", model.dimensions)
        yield from self._members("measures", model.measures)

    def _members(self, key: str, members: Sequence[DraftMember]) -> Iterator[str]:
        if members:
            yield f"    {key}:"
        for member in members:
            if member.note:
                yield from _comment(member.note, "      ")
            yield from _item(self.pairs(key, member), "      ")

    def pairs(self, key: str, member: DraftMember) -> Pairs:
        pairs: Pairs = [("name", _scalar(member.name))]
        expr = self._column(member.column)
        if key == "entities":
            pairs.append(("type", member.kind))
        elif self.form == "smq":
            pairs.append(("type", member.type))
            if key == "measures":
                aggregations = {"amount": "sum", "average": "average", "count": "count_distinct"}
                pairs.append(("agg", aggregations[member.kind]))
        elif key == "dimensions":
            pairs.append(("type", "time" if member.kind == "time" else "categorical"))
        else:
            aggregations = {"amount": "sum", "average": "average", "count": "count_distinct"}
            pairs.append(("agg", aggregations[member.kind]))
        if member.label:
            pairs.append(("label", _scalar(member.label)))
        if member.description:
            pairs.append(("description", _scalar(member.description)))
        if member.kind == "time":
            grain = "day" if member.type == "date" else "second"
            pairs.append(("type_params", f"{{time_granularity: {grain}}}"))
        if expr != member.name:
            pairs.append(("expr", _scalar(expr)))
        return pairs

    def metrics(self, model: DraftModel) -> Iterator[str]:
        for metric in model.metrics:
            pairs: Pairs = [("name", _scalar(metric.name))]
            if self.form == "smq":
                pairs += [("metric_type", "simple"), ("type", metric.type)]
                if metric.label:
                    pairs.append(("label", _scalar(metric.label)))
                expr = metric.call.format(f"{model.name}__{metric.measure}")
                pairs.append(("expr", _scalar(expr)))
            else:
                label = metric.label or metric.name.replace("_", " ").capitalize()
                pairs += [("label", _scalar(label)), ("type", "simple")]
                pairs.append(("type_params", f"{{measure: {_scalar(metric.measure)}}}"))
            yield from _item(pairs, "  ")

    def _column(self, column: str) -> str:
        """A column as SQL of the dialect; a field by its path."""
        parts = column.split(".")
        return ".".join(self._identifier(part) for part in parts)

    def _identifier(self, name: str) -> str:
        if not self.dialect.must_quote(name, self.exact):
            return name
        return exp.to_identifier(name, quoted=True).sql(grammar(self.dialect.sqlglot))

    def _table(self, parts: Sequence[str]) -> str:
        written = []
        for number, part in enumerate(parts):
            plain = r"[\w$][\w$-]*" if number == 0 else r"[\w$]+\*?"
            written.append(
                part if re.fullmatch(plain, part) else f'"{part.replace(chr(34), chr(34) * 2)}"'
            )
        return ".".join(written)


def _item(pairs: Pairs, indent: str) -> Iterator[str]:
    """A list's item on one line if it fits, or with a line for each key."""
    flow = f"{indent}- {{{', '.join(f'{key}: {value}' for key, value in pairs)}}}"
    if columns(flow) <= _WIDTH and not any(_breaks_flow(value) for _, value in pairs):
        yield flow
        return
    for number, (key, value) in enumerate(pairs):
        yield f"{indent}{'- ' if number == 0 else '  '}{key}: {value}"


def _breaks_flow(value: str) -> bool:
    return value[0] not in "\"'{" and bool(set(value) & set(",[]{}"))


def _comment(text: str, indent: str) -> Iterator[str]:
    line = f"{indent}#"
    for word in text.split():
        if len(line) + 1 + len(word) > _WIDTH and line.strip() != "#":
            yield line
            line = f"{indent}#"
        line += f" {word}"
    yield line


def _scalar(text: str) -> str:
    """Text as one line of YAML: plain where nothing can be misread, else in quotes."""
    if (
        _PLAIN.match(text)
        and not _NOT_TEXT.match(text)
        and text == text.strip()
        and "  " not in text
    ):
        return text
    if text.isprintable() and "'" not in text:
        return f"'{text}'"
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    code = ord(char)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )

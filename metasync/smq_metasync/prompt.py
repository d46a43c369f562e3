"""What a language model is told of the warehouse: chosen for the question, within a budget.

    facts = prompt_facts(catalog, "지난달 지점별 매출은?", budget=1500)
    template.substitute(facts.variables())      # table_id, schema_columns, few_shot_examples, …
    template.substitute(metasync_info=facts.metasync_info)

Equal arguments give equal text. Descriptions come from whoever may write to the warehouse, so
they are quoted, cut and cleaned: they are data to the model and cannot end their quotes.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smq.catalog import CatalogSnapshot, Known, Unknown
from smq.catalog.semantic import MemberName, MetricName
from smq.catalog.tables import Column, Table

Count = Callable[[str], int]

NO_SCHEMA = "no schema information"
NO_EXAMPLES = "no examples"
_LONGEST = 160
"""Characters of a description that are shown."""
_WORDS = re.compile(r"\w+")
_SHARES = (("semantic", 0.4), ("schema", 0.4), ("examples", 0.2))


def estimated_tokens(text: str) -> int:
    """About as many tokens as common models make of a text, rather more than fewer.

    Latin letters come several to a token, Hangul about one by one.
    """
    ascii_count = sum(map(str.isascii, text))
    return int(ascii_count / 3.3 + (len(text) - ascii_count) * 1.1) + 1


@dataclass(frozen=True, slots=True)
class PromptFacts:
    """Texts for a prompt. `is_known` is whether there was a cache at all; `left_out` counts what
    did not fit, by kind; `tokens` is what the longer of the two forms takes."""

    is_known: bool
    table_id: str
    schema_columns: str
    few_shot_examples: str
    events_tables: str
    semantic_names: str
    metasync_info: str
    tokens: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    """Why nothing is known, as a sentence; empty otherwise."""

    def variables(self) -> dict[str, str]:
        """Values for a template with the names that earlier prompts use, and ours."""
        return {
            "table_id": self.table_id,
            "schema_columns": self.schema_columns,
            "few_shot_examples": self.few_shot_examples,
            "events_tables": self.events_tables,
            "semantic_names": self.semantic_names,
            "metasync_info": self.metasync_info,
        }


def prompt_facts(
    catalog: CatalogSnapshot,
    question: str = "",
    *,
    budget: int = 2000,
    tables: Iterable[str] = (),
    count: Count = estimated_tokens,
) -> PromptFacts:
    """What the cache knows that the question may need, in at most `budget` tokens.

    `tables` are tables that are wanted in any case, `dataset.table`; else the question's words
    choose. `count` measures a text in the caller's tokens.
    """
    if isinstance(catalog, Unknown):
        return PromptFacts(False, "", NO_SCHEMA, NO_EXAMPLES, "", "", "{}", 0, {}, catalog.detail)
    chosen = _Chosen.of(catalog, _Question(question), tuple(tables))
    left_out: dict[str, int] = {}
    texts = _texts(chosen, budget, count, left_out)
    info = _info(catalog, chosen, budget, count)
    return PromptFacts(
        True,
        texts["table_id"],
        texts["schema"] or NO_SCHEMA,
        texts["examples"] or NO_EXAMPLES,
        texts["events"],
        texts["semantic"],
        info,
        max(count("\n".join(filter(None, texts.values()))), count(info)),
        left_out,
    )


def quoted(text: str, longest: int = _LONGEST) -> str:
    """Foreign text as one JSON string: one line, no control or invisible characters, no fences."""
    cleaned = "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs", "Cn")
    )
    cleaned = " ".join(cleaned.split()).replace("`", "'")
    if len(cleaned) > longest:
        cleaned = cleaned[: longest - 1].rstrip() + "…"
    return json.dumps(cleaned, ensure_ascii=False)


# Choosing


class _Question:
    """The words of a question, and how much a name has to do with them."""

    def __init__(self, text: str) -> None:
        self._words = {
            word
            for word in _WORDS.findall(unicodedata.normalize("NFC", text).casefold())
            if len(word) > 1
        }

    def __bool__(self) -> bool:
        return bool(self._words)

    def score(self, *names: str) -> int:
        """0 for nothing in common. Particles behind Korean words and plurals do not matter."""
        found = 0
        for name in names:
            folded = unicodedata.normalize("NFC", name).casefold()
            parts = {part for part in re.split(r"[\W_]+", folded) if len(part) > 1}
            for word in self._words:
                if word in parts:
                    found += 3
                elif any(_alike(word, part) for part in parts):
                    found += 2
        return found


def _alike(word: str, part: str) -> bool:
    if word.isascii() and part.isascii():
        short, long = sorted((word, part), key=len)
        return len(short) > 3 and long.startswith(short[: max(4, len(short) - 2)])
    # `지점별` and `지점코드` have 지점 in common.
    common = 0
    for one, other in zip(word, part, strict=False):
        if one != other:
            break
        common += 1
    return common >= 2 or (len(part) > 1 and part in word)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What may be shown, the most wanted first."""

    tables: tuple[Table, ...]
    metrics: tuple[MetricName, ...]
    dimensions: tuple[MemberName, ...]
    examples: tuple[Mapping[str, Any], ...]
    insights: Mapping[str, Any]

    @classmethod
    def of(cls, known: Known, question: _Question, wanted: Sequence[str]) -> _Chosen:
        names = known.semantic
        metrics = _best(
            names.metrics, lambda m: question.score(m.name, m.label, m.description), bool(question)
        )
        every = [each for model in names.models for each in model.dimensions]
        asked = {each.path for each in every if question.score(each.name, each.label)}
        reachable = set(asked)
        for metric in metrics if question else ():
            reachable |= names.groupable(metric.name) or frozenset()
        dimensions = _best(
            every,
            lambda d: 2 * question.score(d.name, d.label, d.description) + (d.path in reachable),
            bool(question),
        )
        tables = [table for name in wanted for table in known.find(tuple(name.split(".")))]
        if not tables:
            primary = known.find(known.primary)[:1] if known.primary else ()
            tables = [*primary, *_tables(known, question)]
        examples = _best(
            known.examples,
            lambda e: question.score(_question_of(e), str(e.get("sql") or e.get("sql_query"))),
            False,
        )
        unique = tuple({table.parts: table for table in tables}.values())
        return cls(unique, metrics, dimensions, examples, known.insights)


def _tables(known: Known, question: _Question) -> list[Table]:
    """Tables whose name or columns the question speaks of; all of a few when it says nothing."""
    if len(known) <= 200:
        scored = [
            (
                2 * question.score(t.name, t.description)
                + question.score(*(c.name for c in t.columns), *(c.description for c in t.columns)),
                t,
            )
            for t in known.tables
        ]
    else:
        # Columns of ten thousand tables are not made for one question.
        numbers = [(question.score(name[-1]), n) for n, name in enumerate(known.names)]
        scored = [(score, known.at(n)) for score, n in numbers if score]
    ranked = sorted(scored, key=lambda each: (-each[0], each[1].parts))
    return [table for score, table in ranked if score or not question or len(known) <= 5]


def _best(items: Iterable[Any], score: Callable[[Any], int], only: bool) -> tuple[Any, ...]:
    """The best first, ties in their order; without those of no use, if any is of use."""
    ranked = sorted(((score(item), item) for item in items), key=lambda each: -each[0])
    useful = [item for points, item in ranked if points]
    return tuple(useful if only and useful else [item for _, item in ranked])


# Words


def _texts(chosen: _Chosen, budget: int, count: Count, left_out: dict[str, int]) -> dict[str, str]:
    table_id = chosen.tables[0].path if chosen.tables else ""
    events = "\n".join(_shards_line(t) for t in chosen.tables[:1] if t.shards is not None)
    fixed = count(f"{table_id}\n{events}") if table_id else 0
    blocks = {
        "semantic": [[_metric_line(m)] for m in chosen.metrics]
        + [[_dimension_line(d)] for d in chosen.dimensions],
        "schema": _schema_blocks(chosen),
        "examples": [
            [line] for n, e in enumerate(chosen.examples, 1) if (line := _example_lines(n, e))
        ],
    }
    texts = {"table_id": table_id, "events": events}
    room = max(0, budget - fixed)
    free = 0.0
    for name, share in _SHARES:
        limit = room * share + free
        texts[name], used, missing = _fill(blocks[name], limit, count)
        free = limit - used
        if missing:
            left_out[name] = missing
    if free > 0 and left_out:
        # What one part did not need goes to the parts before it that had too little.
        for name, _ in _SHARES:
            if name in left_out:
                limit = count(texts[name]) + free if texts[name] else free
                texts[name], used, missing = _fill(blocks[name], limit, count)
                free = limit - used
                left_out[name] = missing
                if not missing:
                    del left_out[name]
    return texts


def _fill(blocks: list[list[str]], limit: float, count: Count) -> tuple[str, int, int]:
    """Lines in their order as long as they fit: the text, its size, and how many did not."""
    lines: list[str] = []
    used = missing = 0
    for block in blocks:
        for line in block:
            size = count(line + "\n")
            if missing or used + size > limit:
                missing += 1
            else:
                lines.append(line)
                used += size
    return "\n".join(lines), used, missing


def _schema_blocks(chosen: _Chosen) -> list[list[str]]:
    """Blocks of lines for each table: one table alone has no heading, as earlier prompts had it."""
    blocks: list[list[str]] = []
    several = len(chosen.tables) > 1
    for table in chosen.tables:
        lines = []
        if several:
            about = f": {quoted(table.description)}" if table.description else ""
            lines.append(f"{table.path}{about}")
        if several and table.shards is not None:
            lines.append(_shards_line(table))
        values = chosen.insights.get(table.path)
        values = values if isinstance(values, Mapping) else {}
        keys = _keys(table)
        lines += [_column_line(c, keys.get(c.name, ""), values) for c in _ordered(table, keys)]
        blocks.append(lines)
    return blocks


def _keys(table: Table) -> dict[str, str]:
    """Columns that every query should know of, the surest first."""
    found: dict[str, str] = dict.fromkeys(table.primary_key, "primary key")
    for key in table.foreign_keys:
        for column in key.columns:
            found.setdefault(column, f"refers to {'.'.join(key.table)}")
    for column in table.partitioning:
        needed = ", must be filtered by" if table.needs_partition_filter else ""
        found.setdefault(column, f"partition{needed}")
    for column in table.clustering:
        found.setdefault(column, "clustered")
    return found


def _ordered(table: Table, keys: Mapping[str, str]) -> list[Column]:
    first = [c for name in keys for c in table.columns if c.name == name]
    return first + [c for c in table.columns if c.name not in keys]


def _column_line(column: Column, key: str, values: Mapping[str, Any]) -> str:
    kind = column.type + (" REPEATED" if column.mode == "REPEATED" else "")
    parts = ", ".join(part for part in (kind, key) if part)
    line = f"- {column.name} ({parts})"
    if column.description:
        line += f": {quoted(column.description)}"
    top = _top(column, values)
    return f"{line} e.g. {', '.join(top)}" if top else line


def _top(column: Column, values: Mapping[str, Any]) -> list[str]:
    """A few values of a column that the cache has on purpose; never of one with a policy tag."""
    about = values.get(column.name)
    if column.policy_tags or not isinstance(about, Mapping):
        return []
    top = about.get("top")
    entries = top if isinstance(top, list) else []
    return [
        quoted(str(each["value"]), 40)
        for each in entries[:3]
        if isinstance(each, Mapping) and isinstance(each.get("value"), str | int | float)
    ]


def _shards_line(table: Table) -> str:
    shards = table.shards
    assert shards is not None
    dates = f", {shards.start} to {shards.end}" if shards.start else ""
    return f"{table.path}: {shards.count:,} daily tables {shards.pattern}{dates}"


def _metric_line(metric: MetricName) -> str:
    return f"- metric {metric.name}{_about(metric.label, metric.description)}"


def _dimension_line(dimension: MemberName) -> str:
    kind = " (time)" if dimension.is_time else ""
    return f"- dimension {dimension.path}{kind}{_about(dimension.label, dimension.description)}"


def _about(label: str, description: str) -> str:
    parts = [quoted(part) for part in (label, description) if part]
    return f": {', '.join(parts)}" if parts else ""


def _question_of(example: Mapping[str, Any]) -> str:
    return str(example.get("question") or example.get("description") or "")


def _example_lines(number: int, example: Mapping[str, Any]) -> str:
    sql = example.get("sql") or example.get("sql_query")
    question = _question_of(example)
    if not isinstance(sql, str) or not question:
        return ""
    smq = example.get("smq")
    lines = [f"{number}. Question: {quoted(question)}"]
    if isinstance(smq, dict):
        lines.append(f"   SMQ: {json.dumps(smq, ensure_ascii=False)}")
    lines.append(f"   SQL: {' '.join(sql.split())}")
    return "\n".join(lines)


# One JSON object


def _info(known: Known, chosen: _Chosen, budget: int, count: Count) -> str:
    """The same as one JSON object; what does not fit is left out from the ends of its lists."""
    info: dict[str, Any] = {
        "generated_at": known.taken_at.isoformat() if known.taken_at else None,
        "table_id": chosen.tables[0].path if chosen.tables else None,
        "metrics": [],
        "dimensions": [],
        "tables": [],
        "examples": [],
    }
    room = budget - count(_compact(info))
    shares = {"metrics": 0.25, "dimensions": 0.15, "tables": 0.4, "examples": 0.2}
    free = 0.0
    for name, items in _info_items(chosen).items():
        limit = max(0.0, room * shares[name]) + free
        used = 0
        for item in items:
            size = count(_compact(item)) + 1
            if used + size <= limit:
                info[name].append(item)
                used += size
                continue
            part = _smaller(item, limit - used, count) if name == "tables" else None
            if part is not None:
                info[name].append(part)
                used += count(_compact(part)) + 1
            break
        free = limit - used
    return _compact(info)


def _info_items(chosen: _Chosen) -> dict[str, list[dict[str, Any]]]:
    return {
        "metrics": [_named(m.name, m.label, m.description) for m in chosen.metrics],
        "dimensions": [_named(d.path, d.label, d.description) for d in chosen.dimensions],
        "tables": [_table_info(table) for table in chosen.tables],
        "examples": [
            {"question": _question_of(e), "sql": e.get("sql") or e.get("sql_query")}
            for e in chosen.examples
        ],
    }


def _table_info(table: Table) -> dict[str, Any]:
    found: dict[str, Any] = {"table_id": table.path}
    if table.description:
        found["description"] = json.loads(quoted(table.description))
    if table.shards is not None:
        found["events_tables"] = {
            "count": table.shards.count,
            "pattern": table.shards.pattern,
            "date_range": {"start": table.shards.start, "end": table.shards.end},
        }
    found["columns"] = [
        {"name": c.name, "type": c.type}
        | ({"description": json.loads(quoted(c.description))} if c.description else {})
        for c in _ordered(table, _keys(table))
    ]
    return found


def _named(name: str, label: str, description: str) -> dict[str, str]:
    found = {"name": name}
    if label:
        found["label"] = json.loads(quoted(label))
    if description:
        found["description"] = json.loads(quoted(description))
    return found


def _smaller(item: dict[str, Any], limit: float, count: Count) -> dict[str, Any] | None:
    """A table with as many of its columns as fit; None when there is no room for any."""
    columns = item["columns"]
    kept: list[Any] = []
    used = count(_compact({**item, "columns": []})) + 1
    for column in columns:
        used += count(_compact(column)) + 1
        if used > limit:
            break
        kept.append(column)
    return {**item, "columns": kept} if kept else None


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

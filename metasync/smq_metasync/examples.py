"""Questions with their SQL, from four origins; only what was found right is published.

An example must be one SELECT over tables and columns that were collected, and where dry runs are
wanted the warehouse must be willing to run it. What fails is dropped and reported.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from smq.catalog import Known
from smq.catalog.tables import Table
from smq.text import nfc
from smq_metasync.engines import Engine, EngineError

Origin = Literal["builtin", "workspace", "curated", "llm"]
Entry = dict[str, Any]

MOST = 200
"""Examples in one cache; prompts take a handful of them."""
_BUILTIN_TABLES = 20
_LARGEST_FILE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Candidate:
    """An example before anybody has looked whether it is right."""

    question: str
    sql: str
    origin: Origin
    smq: Mapping[str, Any] | None = None
    summary: str = ""
    place: str = ""
    """Where it stands, for words about it."""


@dataclass(frozen=True, slots=True)
class Rejected:
    candidate: Candidate
    reason: str

    @property
    def message(self) -> str:
        where = f" of {self.candidate.place}" if self.candidate.place else ""
        return f"the example '{self.candidate.question}'{where} was left out: {self.reason}"


class AskFailed(Exception):
    """A language model could not be asked; `str(error)` is a sentence for the person."""


Ask = Callable[[Known, int], Sequence[Candidate]]
"""What a language model thinks of: given the catalogue and how many are wanted. It may raise
AskFailed."""


def from_tables(known: Known, main: tuple[str, ...] | None, dialect: str) -> Iterator[Candidate]:
    """What the columns suggest: of the main table first, then of others in their order."""
    from smq.sql.about_tables import questions

    chosen: dict[tuple[str, ...], Table] = {}
    if main is not None and (table := known.table(main)) is not None:
        chosen[table.parts] = table
    for number in range(min(len(known), _BUILTIN_TABLES)):
        table = known.at(number)
        chosen.setdefault(table.parts, table)
    for table in chosen.values():
        if table.has_columns and not table.stale:
            for each in questions(table, dialect):
                yield Candidate(each.text, each.sql, "builtin")


def from_file(path: Path, shown: str) -> Iterator[Candidate | str]:
    """Curated examples: a JSON list, an object with `examples`, or one object on each line.

    A text among the candidates is a sentence about what cannot be read.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            yield f"{shown} is too large for a file of examples"
            return
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        yield f"{shown} cannot be read: {str(reason or error).lower()}"
        return
    try:
        values = _values(text, path.suffix == ".jsonl")
    except (ValueError, RecursionError) as error:
        yield f"{shown} is not JSON: {error}"
        return
    for number, value in enumerate(values, 1):
        place = f"{shown}, example {number}"
        if not isinstance(value, dict):
            yield f"{place}: an example is an object with `question` and `sql`"
            continue
        question = value.get("question") or value.get("description")
        sql = value.get("sql") or value.get("sql_query")
        smq = value.get("smq")
        if not isinstance(question, str) or not (isinstance(sql, str) or isinstance(smq, dict)):
            yield f"{place}: an example has a `question`, and `sql` or `smq`"
            continue
        summary = value.get("result_summary")
        yield Candidate(
            nfc(" ".join(question.split())),
            sql if isinstance(sql, str) else "",
            "curated",
            smq if isinstance(smq, dict) else None,
            summary if isinstance(summary, str) else "",
            place,
        )


def _values(text: str, is_lines: bool) -> list[Any]:
    if is_lines:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    value = json.loads(text)
    if isinstance(value, dict):
        value = value.get("examples", [value])
    if not isinstance(value, list):
        raise ValueError("expected a list of examples")
    return value


def validated(
    candidates: Iterable[Candidate], known: Known, dialect: str, engine: Engine | None
) -> tuple[list[Entry], list[Rejected]]:
    """What may be published, in its order, each question once; and what may not.

    With an engine each example is planned there. When the engine cannot be reached, or refuses
    to plan for somebody without the right to, the parser's word is all there is.
    """
    from smq.sql.known_names import fit

    found: list[Entry] = []
    rejected: list[Rejected] = []
    seen: set[str] = set()
    for candidate in candidates:
        if len(found) >= MOST:
            break
        key = nfc(candidate.question).casefold()
        if key in seen:
            continue
        fitted = fit(candidate.sql, dialect, known)
        if fitted.reason is not None:
            rejected.append(Rejected(candidate, fitted.reason))
            continue
        how, size = "parser", None
        if engine is not None:
            try:
                size = engine.dry_run(candidate.sql).bytes
                how = "dry_run"
            except EngineError as error:
                if not error.unreachable:
                    rejected.append(Rejected(candidate, f"the warehouse says: {error}"))
                    continue
                # Nor can any of the others be tried.
                engine = None
        seen.add(key)
        found.append(_entry(candidate, fitted.tables, dialect, how, size))
    return found, rejected


def _entry(
    candidate: Candidate, tables: tuple[str, ...], dialect: str, how: str, size: int | None
) -> Entry:
    found: Entry = {
        "question": candidate.question,
        "description": candidate.question,
        "sql": candidate.sql,
        "sql_query": candidate.sql,
        "result_summary": candidate.summary,
        "origin": candidate.origin,
        "validated": how,
        "bytes": size,
        "dialect": dialect,
        "smq": dict(candidate.smq) if candidate.smq is not None else None,
        "tables": list(tables),
    }
    return {key: value for key, value in found.items() if value is not None}

"""The JSON that a model answers with: its shape, and reading it whatever it looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smq_server.generation.chat import AnswerShape
from smq_server.generation.reading import json_objects

_STRING: dict[str, Any] = {"type": "string"}
_STRINGS: dict[str, Any] = {"type": "array", "items": _STRING}


def closed(**properties: dict[str, Any]) -> dict[str, Any]:
    """An object in the strict form: nothing else in it, and all of it there."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def described(text: str, kind: dict[str, Any]) -> dict[str, Any]:
    return {**kind, "description": text}


QUERY = closed(
    metrics=described("Names of metrics, or window functions over them with an alias.", _STRINGS),
    groupBy=described("Dimensions as model__dimension, times with a grain.", _STRINGS),
    filters=described("SQL conditions, all of which must hold.", _STRINGS),
    orderBy=described("Metrics, aliases or groupBy items; -name descends.", _STRINGS),
    limit=described(
        "How many rows, only if the question says a number; else null.",
        {"type": ["integer", "null"]},
    ),
)

# Models write in this order: who has to say why first has thought before saying yes or no.
SHAPE = AnswerShape(
    "smq_answer",
    closed(
        reason=described(
            "One or two sentences in the language of the question: what the queries compute, or "
            "why the models cannot answer.",
            _STRING,
        ),
        answerable=described(
            "Whether the metrics that are listed can answer the question.", {"type": "boolean"}
        ),
        queries={"type": "array", "items": QUERY},
        assumptions=described(
            "What the question leaves open and was decided here, in its language.", _STRINGS
        ),
        alternatives=described(
            "Other readings of the question that are as likely, at most two.",
            {"type": "array", "items": closed(meaning=_STRING, query=QUERY)},
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read. `queries` is empty where there are none, and may hold anything else."""

    answerable: bool
    reason: str
    queries: tuple[Any, ...]
    assumptions: tuple[str, ...] = ()
    alternatives: tuple[tuple[str, Any], ...] = ()

    @property
    def has_queries(self) -> bool:
        """Whether a query asks for anything; a strict shape may be filled with nothing."""
        return any(isinstance(query, Mapping) and query.get("metrics") for query in self.queries)


def read_answer(text: str) -> Answer | None:
    """The answer in a text, in our shape or as bare queries; None when there is none."""
    found = list(json_objects(text))
    for value in found:
        if "queries" in value or "answerable" in value or "smq" in value:
            return _from(value)
    bare = [value for value in found if "metrics" in value]
    return Answer(True, "", tuple(bare)) if bare else None


def _from(value: Mapping[str, Any]) -> Answer:
    queries = value.get("queries", value.get("smq"))
    if isinstance(queries, Mapping):
        queries = [queries]
    if not isinstance(queries, list):
        queries = []
    alternatives = []
    for other in _list(value.get("alternatives")):
        if isinstance(other, Mapping) and isinstance(other.get("meaning"), str):
            alternatives.append((other["meaning"], other.get("query")))
    answerable = value.get("answerable")
    return Answer(
        answerable if isinstance(answerable, bool) else bool(queries),
        _string(value.get("reason")),
        tuple(queries),
        tuple(_string(each) for each in _list(value.get("assumptions")) if _string(each)),
        tuple(alternatives[:2]),
    )


def strings(value: Any) -> tuple[str, ...]:
    """The strings of a list; nothing for what is no list."""
    return tuple(each for each in _list(value) if isinstance(each, str))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _string(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""

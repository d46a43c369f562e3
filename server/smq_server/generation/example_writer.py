"""Questions with SQL that a language model thinks of, for the metadata cache.

The model is told the tables and never a row of them. What it answers is looked at here, and once
more by the collection, which tries each query at the warehouse; what is wrong goes back to the
model once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from smq.catalog import Known
from smq.text import nfc
from smq.workspace import Configuration
from smq_metasync.examples import AskFailed, Candidate
from smq_server.generation.budget import Budget
from smq_server.generation.chat import AnswerShape, Message, Request
from smq_server.generation.client import Client
from smq_server.generation.connection import connection, is_configured
from smq_server.generation.failure import GenerationFailure
from smq_server.generation.prompts import render
from smq_server.generation.reading import json_objects

_CALLS = 2
_SHAPE = AnswerShape(
    "examples",
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["examples"],
        "properties": {
            "examples": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["question", "sql"],
                    "properties": {
                        "question": {"type": "string"},
                        "sql": {"type": "string"},
                    },
                },
            }
        },
    },
)


def example_writer(
    configuration: Configuration, environ: Mapping[str, str]
) -> Callable[[Known, int], Sequence[Candidate]] | None:
    """Somebody who writes examples with the configured model; None when there is none.

    What it gives raises AskFailed when the model cannot be asked.
    """
    if not is_configured(configuration):
        return None

    def ask(known: Known, most: int) -> Sequence[Candidate]:
        try:
            return asyncio.run(_ask(known, most, configuration, environ))
        except GenerationFailure as failure:
            raise AskFailed(failure.message) from failure

    return ask


async def _ask(
    known: Known, most: int, configuration: Configuration, environ: Mapping[str, str]
) -> list[Candidate]:
    from smq.sql.known_names import fit
    from smq_metasync.prompt import prompt_facts

    settings = configuration.llm
    dialect = known.source.dialect or configuration.dialect
    facts = prompt_facts(known, budget=settings.prompt_tokens // 2)
    prompt = render(
        "examples",
        count=str(most),
        dialect=dialect,
        table_id=facts.table_id,
        schema=facts.schema_columns,
        events=facts.events_tables,
    )
    messages = [Message("user", prompt)]
    good: dict[str, Candidate] = {}
    budget = Budget(_CALLS * (1 + settings.retries), settings.max_tokens, settings.deadline)
    async with Client(connection(configuration, environ), budget) as client:
        for _ in range(_CALLS):
            reply = await client.ask(Request("examples", tuple(messages), answer=_SHAPE))
            reasons: list[str] = []
            for question, sql in _read(reply.text):
                reason = fit(sql, dialect, known).reason
                if reason is None and len(good) < most:
                    good.setdefault(question, Candidate(question, sql, "llm"))
                elif reason is not None:
                    reasons.append(f"- {question}: {reason}")
            if not reasons or len(good) >= most:
                break
            mend = render("examples_mend", reasons="\n".join(reasons))
            messages += [Message("assistant", reply.text), Message("user", mend)]
    return list(good.values())


def _read(text: str) -> list[tuple[str, str]]:
    """The questions with their SQL in an answer; what is neither is passed over."""
    found: list[tuple[str, str]] = []
    for value in json_objects(text):
        inner: Any = value.get("examples")
        for each in inner if isinstance(inner, list) else [value]:
            if not isinstance(each, dict):
                continue
            question, sql = each.get("question"), each.get("sql")
            if isinstance(question, str) and isinstance(sql, str):
                found.append((nfc(" ".join(question.split()))[:500], sql.strip().rstrip(";")))
    return found

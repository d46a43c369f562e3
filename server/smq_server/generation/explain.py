"""A query put into words, for somebody who does not read it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from smq.workspace import Snapshot
from smq_server.generation import prompts
from smq_server.generation.budget import Budget
from smq_server.generation.chat import Listener, Message, Request
from smq_server.generation.client import Client
from smq_server.generation.connection import connection
from smq_server.generation.failure import GenerationFailure
from smq_server.generation.knowledge import knowledge
from smq_server.generation.task import Task

_LONGEST = 4000


async def in_words(
    query: Mapping[str, Any],
    snapshot: Snapshot,
    environ: Mapping[str, str],
    listener: Listener = lambda _: None,
) -> str:
    """What the query computes. Raises GenerationFailure when nobody can say it."""
    settings = snapshot.configuration.llm
    where = connection(snapshot.configuration, environ)
    budget = Budget(settings.max_calls, settings.max_tokens, settings.deadline)
    written = json.dumps(dict(query), ensure_ascii=False)
    # The names in the query find what they mean.
    known = knowledge(written[:2000], snapshot, settings.prompt_tokens)
    async with Client(where, budget, listener) as client:
        task = Task(written, snapshot, settings, date.today(), client, listener=listener)
        words = prompts.render("words", models=known.text, query=written)
        try:
            async with asyncio.timeout(settings.deadline):
                request = Request("explain", (task.language(), Message("user", words)))
                reply = await task.ask(request)
        except TimeoutError as error:
            raise budget.overdue() from error
    text = reply.text.strip()
    if not text:
        raise GenerationFailure("invalid", "The model has said nothing.")
    return text[:_LONGEST]

"""SQL straight from the metadata cache, for questions that no semantic model covers.

It is held to less than a query of ours, and says so: it is one SELECT over tables and columns that
the cache knows, and where an engine is configured that engine has planned it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from smq.catalog import CatalogSnapshot, Known
from smq.sql.known_names import fit
from smq.text import nfc
from smq.workspace import Snapshot
from smq_metasync.prompt import prompt_facts
from smq_server.generation import prompts
from smq_server.generation.answer import closed, described, strings
from smq_server.generation.budget import Budget
from smq_server.generation.chat import AnswerShape, Listener, Message, Request, estimated_tokens
from smq_server.generation.client import Client, Pause
from smq_server.generation.connection import connection
from smq_server.generation.direct import not_mended, repair_turn
from smq_server.generation.failure import GenerationFailure
from smq_server.generation.generate import Question, shown_request
from smq_server.generation.reading import json_objects
from smq_server.generation.result import Declined, Failed, Result, Spent, WrittenSql
from smq_server.generation.task import Task

DryRun = Callable[[str, tuple[str, ...]], str | None]
"""SQL and the tables it reads to what the engine objects to; None for nothing."""

_STRATEGY = "sql"
_LONGEST = 20_000
_SHAPE = AnswerShape(
    "sql_answer",
    closed(
        answerable={"type": "boolean"},
        reason=described(
            "What the query computes, or why it cannot be written, in the question's language.",
            {"type": "string"},
        ),
        sql={"type": "string"},
        assumptions={"type": "array", "items": {"type": "string"}},
    ),
)


async def write_sql(
    question: Question,
    snapshot: Snapshot,
    catalog: CatalogSnapshot,
    environ: Mapping[str, str],
    dry_run: DryRun | None = None,
    listener: Listener = lambda _: None,
    pause: Pause = asyncio.sleep,
) -> Result:
    """Answer from what is known of the warehouse. `dry_run` None: no engine is asked."""
    settings = snapshot.configuration.llm
    text = nfc(question.text).strip()
    model = settings.model or ""
    budget = Budget(settings.max_calls, settings.max_tokens, settings.deadline)
    task: Task | None = None
    try:
        known = _known(catalog)
        where = connection(snapshot.configuration, environ)
        async with Client(where, budget, listener, pause) as client:
            task = Task(text, snapshot, settings, question.today, client, listener=listener)
            try:
                async with asyncio.timeout(settings.deadline):
                    found = await _answer(task, known, dry_run)
            except TimeoutError as error:
                raise budget.overdue() from error
    except GenerationFailure as failure:
        spent = Spent(budget.calls, budget.usage, budget.elapsed)
        steps = tuple(task.steps) if task is not None else ()
        return Failed(
            text,
            _STRATEGY,
            model,
            kind=failure.kind,
            message=failure.message,
            details=failure.details,
            spent=spent,
            steps=steps,
        )
    spent = Spent(budget.calls, budget.usage, budget.elapsed)
    if isinstance(found, str):
        return Declined(text, _STRATEGY, model, reason=found, spent=spent, steps=tuple(task.steps))
    sql, tables, reason, assumptions = found
    return WrittenSql(
        text,
        _STRATEGY,
        model,
        sql=sql,
        dialect=task.dialect,
        tables=tables,
        explanation=reason,
        assumptions=assumptions,
        is_planned=dry_run is not None,
        spent=spent,
        steps=tuple(task.steps),
    )


async def first_sql_request(
    question: Question,
    snapshot: Snapshot,
    catalog: CatalogSnapshot,
    environ: Mapping[str, str],
) -> Mapping[str, Any]:
    """The body of the first call that `write_sql` would make; nothing is sent.

    Raises GenerationFailure when no cache says what tables there are.
    """
    known = _known(catalog)

    async def work(task: Task) -> object:
        return await _answer(task, known, None)

    return await shown_request(question, snapshot, environ, work)


def _known(catalog: CatalogSnapshot) -> Known:
    if isinstance(catalog, Known):
        return catalog
    why = catalog.detail or "No metadata cache is configured."
    raise GenerationFailure(
        "no-models",
        f"SQL needs to know the tables of the warehouse. {why} `smq metasync sync` makes a cache.",
    )


async def _answer(
    task: Task, known: Known, dry_run: DryRun | None
) -> tuple[str, tuple[str, ...], str, tuple[str, ...]] | str:
    """SQL with its tables, explanation and assumptions; or why there is none."""
    turns = [Message("system", _system(task)), Message("user", _question(task, known))]
    problems: tuple[str, ...] = ()
    for attempt in range(task.settings.repairs + 1):
        task.tell("Asking the model for SQL" if attempt == 0 else f"Repairing ({attempt})")
        name = "ask" if attempt == 0 else f"repair {attempt}"
        reply = await task.ask(Request(name, tuple(turns), answer=_SHAPE))
        turns.append(Message("assistant", reply.text))
        found = next((v for v in json_objects(reply.text) if "sql" in v or "answerable" in v), None)
        if found is None:
            problems = ("The answer is no JSON of the wanted shape.",)
            turns.append(Message("user", prompts.render("not_json")))
            continue
        reason = found.get("reason")
        words = reason.strip() if isinstance(reason, str) else ""
        if found.get("answerable") is False:
            return words or "The tables have nothing that measures what is asked."
        sql = found.get("sql")
        sql = sql.strip().rstrip(";").strip() if isinstance(sql, str) else ""
        problem, tables = await _judged(task, sql, known, dry_run)
        task.note("check", (problem,) if problem else (), sql=sql, tables=list(tables))
        if problem is None:
            return sql, tables, words, strings(found.get("assumptions"))
        problems = (problem,)
        turns.append(Message("user", repair_turn(problems)))
    raise not_mended(task, problems)


async def _judged(
    task: Task, sql: str, known: Known, dry_run: DryRun | None
) -> tuple[str | None, tuple[str, ...]]:
    if not sql or len(sql) > _LONGEST:
        return "There is no SQL, or too much of it.", ()
    fits = fit(sql, task.dialect, known)
    if fits.reason is not None:
        return f"{fits.reason[:1].upper()}{fits.reason[1:]}.", fits.tables
    if not fits.tables:
        return "The query reads no table.", ()
    if dry_run is None:
        return None, fits.tables
    task.tell("Asking the engine to plan it")
    # The engine's driver waits; the event loop has to hear of cancelling meanwhile.
    refused = await asyncio.to_thread(dry_run, sql, fits.tables)
    return (f"The engine refuses it: {refused}" if refused else None), fits.tables


def _system(task: Task) -> str:
    return prompts.render("sql", dialect=task.dialect, today=f"{task.today:%A, %Y-%m-%d}")


def _question(task: Task, known: Known) -> str:
    if not task.settings.examples:
        # Examples and frequent values say what rows hold, which not everybody wants to send.
        known = known.aged(known.state, known.seen_at)
        known.examples, known.insights = (), {}
    facts = prompt_facts(
        known, task.question, budget=task.settings.prompt_tokens, count=estimated_tokens
    )
    return prompts.render(
        "sql_question",
        tables=facts.table_id,
        schema=facts.schema_columns,
        examples=facts.few_shot_examples,
        question=task.question,
    )

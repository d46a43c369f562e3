"""The door: a question and a snapshot in, a result out, whatever strategy and endpoint.

Nothing is raised for what a model, an endpoint or a configuration does; `Failed` says it. Only
cancelling raises, as asyncio does.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib import import_module
from typing import Any

from smq.catalog import CatalogSnapshot, Known
from smq.text import nfc
from smq.workspace import LlmSettings, Snapshot
from smq_server.generation.budget import Budget
from smq_server.generation.chat import ChatModel, Listener, Reply, Request
from smq_server.generation.client import Client, Pause, known_abilities, parameters_of
from smq_server.generation.connection import Connection, connection
from smq_server.generation.failure import GenerationFailure
from smq_server.generation.knowledge import NearMetric, nearest_metrics
from smq_server.generation.result import (
    Declined,
    Failed,
    Generated,
    NoAnswer,
    Proposal,
    Result,
    Spent,
)
from smq_server.generation.task import Task

STRATEGIES: dict[str, str] = {
    "direct": "smq_server.generation.direct",
    "tools": "smq_server.generation.conversation",
    "graph": "smq_server.generation.graph",
}
"""Each strategy's module, which has `async answer(task) -> Proposal | NoAnswer`."""

_LONGEST = 4000
_SOME = 5
_NO_MODEL = "(no model is configured)"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `today` is what "last month" counts from, `current` a query to change."""

    text: str
    today: date
    strategy: str | None = None
    """None: as configured."""
    current: Mapping[str, Any] | None = None
    problems: tuple[str, ...] = ()
    """What is wrong with `current`, if it is to be repaired."""


async def generate(
    question: Question,
    snapshot: Snapshot,
    environ: Mapping[str, str],
    listener: Listener = lambda _: None,
    pause: Pause = asyncio.sleep,
) -> Result:
    """Answer one question with the configured model."""
    settings = snapshot.configuration.llm
    strategy = question.strategy or settings.strategy
    text = nfc(question.text).strip()
    named = settings.model or ""
    budget = Budget(settings.max_calls, settings.max_tokens, settings.deadline)
    task: Task | None = None

    def spent() -> Spent:
        return Spent(budget.calls, budget.usage, budget.elapsed)

    try:
        _check(text, snapshot)
        where = connection(snapshot.configuration, environ)
        async with Client(where, budget, listener, pause) as client:
            task = _task(question, text, snapshot, settings, client, listener)
            try:
                async with asyncio.timeout(settings.deadline):
                    found = await _strategy(strategy)(task)
            except TimeoutError as error:
                raise budget.overdue() from error
    except GenerationFailure as failure:
        return Failed(
            text,
            strategy,
            named,
            kind=failure.kind,
            message=failure.message,
            details=failure.details,
            nearest=_near(text, snapshot) if failure.kind == "invalid" else (),
            spent=spent(),
            steps=tuple(task.steps) if task is not None else (),
        )
    steps = tuple(task.steps)
    if isinstance(found, NoAnswer):
        return Declined(
            text,
            strategy,
            named,
            reason=found.reason or "The models have nothing that measures what is asked.",
            nearest=_near(text, snapshot),
            spent=spent(),
            steps=steps,
        )
    return Generated(
        text,
        strategy,
        named,
        queries=found.queries,
        explanation=found.explanation,
        assumptions=found.assumptions,
        adjustments=found.adjustments,
        alternatives=found.alternatives,
        spent=spent(),
        steps=steps,
    )


async def first_request(
    question: Question, snapshot: Snapshot, environ: Mapping[str, str]
) -> Mapping[str, Any]:
    """The body of the first call, exactly as it would be sent; nothing is sent.

    Works without a configured model, too. Raises GenerationFailure for an empty question.
    """
    text = nfc(question.text).strip()
    _check(text, snapshot)
    strategy = question.strategy or snapshot.configuration.llm.strategy
    return await shown_request(question, snapshot, environ, _strategy(strategy))


async def shown_request(
    question: Question,
    snapshot: Snapshot,
    environ: Mapping[str, str],
    work: Callable[[Task], Awaitable[object]],
) -> Mapping[str, Any]:
    """The body of the first call that some work would make; nothing is sent."""
    settings = snapshot.configuration.llm
    text = nfc(question.text).strip()
    try:
        where = connection(snapshot.configuration, environ)
    except GenerationFailure:
        where = Connection(settings.model or _NO_MODEL, settings.base_url, "none", settings)
    task = _task(question, text, snapshot, settings, _Shown(), lambda _: None)
    try:
        await work(task)
    except _Asked as asked:
        return parameters_of(asked.request, where, known_abilities(where))
    raise GenerationFailure("invalid", "Nothing would be sent.")


class Running:
    """Work on an event loop of its own, for a thread that waits; another thread may cancel it."""

    def __init__(self, make: Callable[[], Awaitable[Any]]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._is_cancelled = False

    def run(self) -> Any:
        """What the work returns. Raises CancelledError when it was cancelled."""
        return asyncio.run(self._main())

    def cancel(self) -> None:
        with self._lock:
            self._is_cancelled = True
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)

    async def _main(self) -> Any:
        with self._lock:
            if self._is_cancelled:
                raise asyncio.CancelledError
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.current_task()
        try:
            return await self._make()
        finally:
            with self._lock:
                self._loop = self._task = None


def _check(text: str, snapshot: Snapshot) -> None:
    if not text:
        raise GenerationFailure("invalid", "The question is empty.")
    if len(text) > _LONGEST:
        raise GenerationFailure(
            "too-long", f"The question has {len(text)} characters; {_LONGEST} are enough for any."
        )
    if not snapshot.graph.metrics:
        raise GenerationFailure("no-models", _without_models(snapshot.catalog))


def _without_models(catalog: CatalogSnapshot) -> str:
    """Why a workspace without a metric gets no query, also when a cache names metrics."""
    if not isinstance(catalog, Known) or not catalog.has_semantic:
        return (
            "There is no metric to answer with: this workspace has no semantic models. "
            "`smq init` starts one."
        )
    names = [metric.name for metric in catalog.semantic.metrics]
    some = ", ".join(names[:_SOME]) + (", …" if len(names) > _SOME else "")
    return (
        f"The metadata cache names metrics ({some}) but not how they are computed, so "
        "no query could be compiled here, and none is given that has not compiled. Ask in the "
        "workspace that has the models, or with --sql for SQL over the tables of the cache."
    )


def _task(
    question: Question,
    text: str,
    snapshot: Snapshot,
    settings: LlmSettings,
    model: ChatModel,
    listener: Listener,
) -> Task:
    return Task(
        text,
        snapshot,
        settings,
        question.today,
        model,
        question.current,
        question.problems,
        listener,
    )


def _strategy(name: str) -> Callable[[Task], Awaitable[Proposal | NoAnswer]]:
    if name not in STRATEGIES:
        known = ", ".join(STRATEGIES)
        raise GenerationFailure("not-configured", f"There is no strategy {name}: {known}.")
    answer: Callable[[Task], Awaitable[Proposal | NoAnswer]] = import_module(
        STRATEGIES[name]
    ).answer
    return answer


def _near(text: str, snapshot: Snapshot) -> tuple[NearMetric, ...]:
    return nearest_metrics(text, snapshot)


class _Asked(Exception):
    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


class _Shown:
    """A model that does not answer: it is shown what it would be asked."""

    async def ask(self, request: Request) -> Reply:
        raise _Asked(request)


def with_settings(snapshot: Snapshot, **changes: Any) -> Snapshot:
    """The snapshot under other settings of the language model."""
    configuration = snapshot.configuration
    llm = replace(configuration.llm, **changes)
    return snapshot.configured(replace(configuration, llm=llm))

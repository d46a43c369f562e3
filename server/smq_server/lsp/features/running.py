"""Running a query on the workspace's engine: in a thread, with progress, until it is cancelled."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from smq_server.lsp import protocol
from smq_server.lsp.features.previewing import chosen, view_of
from smq_server.lsp.progress import Progress
from smq_server.lsp.requests import RequestFailed, answers
from smq_server.lsp.scheduler import in_thread

if TYPE_CHECKING:
    from pathlib import Path

    from smq.problem import Problem
    from smq.query.written import WrittenQuery
    from smq.sql.result import CompiledQuery
    from smq.workspace import Configuration
    from smq_metasync.engines import Engine
    from smq_server.lsp.app import SmqServer
    from smq_server.lsp.session import Session
    from smq_server.lsp.view import View

_AGAIN = 0.2
"""Seconds between two attempts to cancel: what comes before the engine begins to work is lost."""
_EXACT = 2**53


def register(server: SmqServer) -> None:
    session = server.session

    @answers(server, protocol.RUN)
    async def run(params: protocol.RunParams) -> protocol.RunResult:
        return await run_query(session, params)


async def run_query(session: Session, params: protocol.RunParams) -> protocol.RunResult:
    """Compile for the engine and run. Raises RequestFailed with a sentence for the person."""
    if not session.settings.trusted:
        raise RequestFailed(
            "Queries are not run in a workspace that is not trusted, because its configuration "
            "decides what they are run on. Trust the workspace first."
        )
    view = view_of(session, params.uri)
    root = session.state.root_for(view.uri)
    query = _compiled(view, params)
    job = _Job(query, root.configuration, root.path, params)
    title = f"Running on {job.engine_name}"
    progress = Progress(session, params.work_done_token, title, session.cancelling())
    try:
        return await in_thread(job.run)
    except asyncio.CancelledError:
        job.cancel()
        raise
    finally:
        progress.end()


def _compiled(view: View, params: protocol.RunParams) -> CompiledQuery:
    from smq.problem import Severity
    from smq.query.read import queries_from_value
    from smq.rules import find
    from smq.sql.compile import CompileOptions, compile_query
    from smq_metasync.connect import ENGINES, dialect_of

    snapshot = view.snapshot
    engine = snapshot.configuration.engine.type
    dialect = dialect_of(engine)
    if dialect is None:
        known = ", ".join(ENGINES)
        raise RequestFailed(f"There is no engine '{engine}'; there are {known}.")
    queries: Sequence[WrittenQuery]
    problems: Sequence[Problem] = ()
    if params.smq is None:
        queries = chosen(view, params.query)
    elif isinstance(params.smq, dict):
        _, queries, problems = queries_from_value(params.smq)
    else:
        raise RequestFailed("`smq` is one query object.")
    if not queries:
        raise RequestFailed("The document has no query.")
    own = snapshot.configuration.dialect
    result = compile_query(queries[0], snapshot.graph, CompileOptions(dialect, own))
    if not result.queries:
        words = [
            rule.words(problem.args)
            for problem in (*problems, *result.problems)
            if (rule := find(problem.code)) is not None and rule.severity is Severity.ERROR
        ]
        raise RequestFailed("The query cannot be run. " + " ".join(words))
    return result.queries[0]


class _Job:
    """One query on its way to the engine and back. `run` is for a thread, `cancel` for any."""

    def __init__(
        self,
        query: CompiledQuery,
        configuration: Configuration,
        directory: Path,
        params: protocol.RunParams,
    ) -> None:
        self._query = query
        self._configuration = configuration
        self._directory = directory
        self._limit = max(0, params.limit)
        self._dry = params.dry_run
        self._engine: Engine | None = None
        self._done = threading.Event()
        self._unwanted = threading.Event()
        self.engine_name = configuration.engine.type

    def run(self) -> protocol.RunResult:
        from smq_metasync.connect import connect
        from smq_metasync.engines import EngineError

        try:
            self._engine = connect(
                self._configuration.engine, self._directory, os.environ, set(self._query.tables)
            )
            try:
                if self._unwanted.is_set():
                    raise EngineError("cancelled before it began")
                return self._estimate(self._engine) if self._dry else self._rows(self._engine)
            finally:
                self._engine.close()
        except EngineError as error:
            detail = f" {error.detail.strip()}" if error.detail.strip() else ""
            raise RequestFailed(f"The engine refused the query: {error}.{detail}") from error
        finally:
            self._done.set()

    def cancel(self) -> None:
        """Stop it at the engine; the thread goes on until that has happened."""
        self._unwanted.set()

        def insist() -> None:
            while not self._done.is_set():
                if self._engine is not None:
                    self._engine.cancel()
                self._done.wait(_AGAIN)

        threading.Thread(target=insist, name="smq-lsp-cancel", daemon=True).start()

    def _estimate(self, engine: Engine) -> protocol.RunResult:
        started = time.monotonic()
        estimate = engine.dry_run(self._query.sql)
        return protocol.RunResult(
            sql=self._query.sql,
            dialect=self._query.dialect,
            engine=self.engine_name,
            columns=(),
            rows=(),
            elapsed=time.monotonic() - started,
            truncated=False,
            estimated_rows=estimate.rows,
            bytes=estimate.bytes,
            cost=estimate.cost,
        )

    def _rows(self, engine: Engine) -> protocol.RunResult:
        started = time.monotonic()
        result = engine.run(self._query.sql)
        labels = {column.name: column.label for column in self._query.columns}
        rows: list[tuple[object, ...]] = []
        truncated = False
        for row in result.rows:
            if len(rows) >= self._limit:
                truncated = True
                break
            rows.append(tuple(json_value(cell) for cell in row))
        return protocol.RunResult(
            sql=self._query.sql,
            dialect=self._query.dialect,
            engine=self.engine_name,
            columns=tuple(
                protocol.RunColumn(each.name, each.type, labels.get(each.name))
                for each in result.columns
            ),
            rows=tuple(rows),
            elapsed=time.monotonic() - started,
            truncated=truncated,
        )


def json_value(value: object) -> object:
    """A value of an engine as JSON that a client reads without loss: else as a string."""
    from datetime import datetime
    from decimal import Decimal

    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if -_EXACT <= value <= _EXACT else str(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    return str(value)


def _decimal(value: Any) -> object:
    """A number when a double has all of its digits."""
    if not value.is_finite():
        return str(value)
    text = format(value, "f")
    if value == value.to_integral_value() and abs(value) <= _EXACT:
        return int(value)
    digits = len(text.replace("-", "").replace(".", "").lstrip("0"))
    return float(value) if digits <= 15 else text

"""Running an agent's query, within limits: few rows, few bytes, little time, and it can be stopped.

Nothing here runs unless the person who started the server allowed it.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from math import isfinite
from typing import Any

from smq.sql.result import CompiledQuery
from smq.workspace import Snapshot
from smq_metasync.connect import connect, dialect_of
from smq_metasync.engines import Cancelled, Engine, EngineError
from smq_server.io.failure import Failure
from smq_server.io.workspace import Workspace

_CELL = 2_000
"""Characters of a text that an agent is shown."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may cost; `bytes` counts where the engine can tell before running."""

    rows: int = 200
    bytes: int = 1024**3
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Rows:
    rows: list[list[Any]]
    is_truncated: bool
    seconds: float
    estimated_bytes: int | None


class Run:
    """One query on its engine. `cancel` may be called from another thread, at any time."""

    def __init__(self, workspace: Workspace, environ: Mapping[str, str], limits: Limits) -> None:
        self._workspace = workspace
        self._environ = environ
        self._limits = limits
        self._engine: Engine | None = None
        self._lock = threading.Lock()
        self._why: str | None = None

    def rows(self, query: CompiledQuery, limit: int) -> Rows:
        """At most `limit` rows. Raises Failure for what the engine or a limit says no to.

        The query itself has to ask for one row more than `limit`, so that it is known whether
        there are more.
        """
        started = time.monotonic()
        settings, root = self._workspace.configuration.engine, self._workspace.root
        timer = threading.Timer(
            self._limits.seconds,
            self.cancel,
            [f"the query was stopped after {self._limits.seconds:g} seconds"],
        )
        timer.daemon = True
        try:
            engine = connect(settings, root, self._environ, query.tables)
            with self._lock:
                self._engine = engine
            timer.start()
            self._check()
            estimate = engine.dry_run(query.sql)
            if estimate.bytes is not None and estimate.bytes > self._limits.bytes:
                raise Failure(
                    f"the query would read {estimate.bytes:,} bytes, and {self._limits.bytes:,} "
                    "are allowed; filter by a date, or ask for fewer columns"
                )
            self._check()
            found = list(islice(engine.run(query.sql).rows, limit + 1))
        except Cancelled as error:
            raise Failure(self._why or "the query was cancelled") from error
        except EngineError as error:
            detail = f" {error.detail}" if error.detail else ""
            raise Failure(f"the engine refused the query: {error}{detail}") from error
        finally:
            timer.cancel()
            with self._lock:
                engine_then, self._engine = self._engine, None
            if engine_then is not None:
                engine_then.close()
        rows = [[plain(value) for value in row] for row in found[:limit]]
        seconds = round(time.monotonic() - started, 3)
        return Rows(rows, len(found) > limit, seconds, estimate.bytes)

    def cancel(self, why: str = "the query was cancelled") -> None:
        with self._lock:
            self._why = self._why or why
            if self._engine is not None:
                self._engine.cancel()

    def _check(self) -> None:
        # Between two calls there is nothing at the engine that could be stopped.
        with self._lock:
            if self._why is not None:
                raise Failure(self._why)


def engine_dialect(snapshot: Snapshot) -> str:
    """The SQL of the configured engine. Raises Failure when there is none."""
    engine = snapshot.configuration.engine.type
    found = dialect_of(engine)
    if found is None:
        raise Failure(f"there is no engine '{engine}', so queries can only be compiled")
    return found


def plain(value: object) -> Any:
    """A value as JSON has it; what JSON has not is text."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return value if len(value) <= _CELL else value[: _CELL - 1] + "…"
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            return str(value)
        number = float(value)
        # Digits that a float would lose are kept as text.
        return number if Decimal(repr(number)) == value else str(value)
    if isinstance(value, (datetime.date, datetime.time, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return str(value)

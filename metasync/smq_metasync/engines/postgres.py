"""PostgreSQL: one read-only transaction with a time limit, rows through a server-side cursor.

The connection string comes from an environment variable that the settings name, or from
PostgreSQL's own variables and files (PGHOST, PGSERVICE, ~/.pgpass); it is never in a file of the
workspace and never in a message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from smq.workspace.configuration import PostgresSettings
from smq_metasync.engines import (
    Cancelled,
    Column,
    EngineError,
    Estimate,
    Result,
    Row,
    only_one_query,
)

if TYPE_CHECKING:
    import psycopg

BATCH = 1000
TIMEOUT_MS = 300_000
"""For a server that sets no limit of its own."""

_CANCELLED = "57014"
_CURSOR = "smq_result"


class PostgresEngine:
    """One connection; not to be used from two threads, except for `cancel`."""

    dialect = "postgres"

    def __init__(self, settings: PostgresSettings, environ: Mapping[str, str]) -> None:
        dsn = ""
        if settings.dsn_env is not None:
            dsn = environ.get(settings.dsn_env, "")
            if not dsn:
                raise EngineError(
                    f"the environment variable {settings.dsn_env}, which should hold the "
                    "PostgreSQL connection, is not set",
                    unreachable=True,
                )
        try:
            import psycopg
        except ImportError as error:
            raise EngineError(
                "the PostgreSQL driver is not installed; `pip install smq[postgres]` adds it",
                unreachable=True,
            ) from error
        self._driver = psycopg
        try:
            self._connection = psycopg.connect(dsn, connect_timeout=15, application_name="smq")
            # Every statement below runs inside this kind of transaction.
            self._connection.read_only = True
            limit = self._connection.execute("SHOW statement_timeout").fetchone()
            if limit is None or limit[0] == "0":
                self._connection.execute(
                    "SELECT set_config('statement_timeout', %s, false)", (str(TIMEOUT_MS),)
                )
                self._connection.commit()
            _lose_nothing(self._connection)
        except psycopg.Error as error:
            # The driver's message names host and user, never the password.
            message = " ".join(str(error).split()) or type(error).__name__
            raise EngineError(
                f"cannot connect to PostgreSQL: {message}", unreachable=True
            ) from error

    def run(self, sql: str) -> Result:
        only_one_query(sql, self.dialect)
        # DECLARE … CURSOR FOR accepts nothing but a query, which the server enforces as well.
        cursor = self._connection.cursor(name=_CURSOR)
        cursor.itersize = BATCH
        try:
            cursor.execute(sql.encode())
        except self._driver.Error as error:
            raise self._error(error, _declared_prefix()) from error
        columns = tuple(
            Column(column.name, column.type_display) for column in cursor.description or ()
        )
        return Result(columns, self._rows(cursor))

    def dry_run(self, sql: str) -> Estimate:
        only_one_query(sql, self.dialect)
        prefix = "EXPLAIN (FORMAT JSON) "
        try:
            row = self._connection.execute((prefix + sql).encode(), prepare=True).fetchone()
            self._connection.rollback()
        except self._driver.Error as error:
            raise self._error(error, len(prefix)) from error
        plan = _plan(row[0] if row else None)
        rows, cost = plan.get("Plan Rows"), plan.get("Total Cost")
        return Estimate(
            rows=int(rows) if isinstance(rows, int | float) else None,
            cost=float(cost) if isinstance(cost, int | float) else None,
        )

    def cancel(self) -> None:
        try:
            self._connection.cancel_safe(timeout=5)
        except self._driver.Error as error:
            raise EngineError(f"cannot cancel: {error}", unreachable=True) from error

    def close(self) -> None:
        self._connection.close()

    def _rows(self, cursor: psycopg.ServerCursor[tuple[Any, ...]]) -> Iterator[Row]:
        try:
            while batch := cursor.fetchmany(BATCH):
                yield from batch
            cursor.close()
            self._connection.rollback()
        except self._driver.Error as error:
            raise self._error(error, 0) from error

    def _error(self, error: psycopg.Error, shift: int) -> EngineError:
        if not self._connection.closed:
            # Otherwise every later statement would be refused for this one's fault.
            self._connection.rollback()
        diagnosis = error.diag
        message = " ".join((diagnosis.message_primary or str(error)).split())
        if error.sqlstate == _CANCELLED:
            if "timeout" in message:
                return EngineError(message, detail="a limit of the server or of this program")
            return Cancelled("the query was cancelled")
        details = [part for part in (diagnosis.message_detail, diagnosis.message_hint) if part]
        offset = None
        if diagnosis.statement_position:
            offset = max(0, int(diagnosis.statement_position) - 1 - shift)
        return EngineError(
            message,
            detail="\n".join(details),
            offset=offset,
            unreachable=bool(self._connection.closed),
        )


def _lose_nothing(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Read what Python's own types would shorten as text or as decimals."""
    from psycopg.types.json import set_json_loads
    from psycopg.types.string import TextLoader

    # A timedelta has no months.
    connection.adapters.register_loader("interval", TextLoader)
    set_json_loads(partial(json.loads, parse_float=Decimal), connection)


def _declared_prefix() -> int:
    """How far the driver's own words move the query to the right."""
    return len(f'DECLARE "{_CURSOR}" CURSOR FOR ')


def _plan(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        value = json.loads(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        plan = value[0].get("Plan")
        return plan if isinstance(plan, dict) else {}
    return {}

"""BigQuery: one query job at a time, never billed for more bytes than the settings allow.

A dry run first would cost a request and tell no more than the cap enforces, so none is made.
Credentials come from the client's own chain.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from smq.workspace.configuration import BigquerySettings
from smq_metasync import transport
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
    from google.cloud import bigquery

BATCH = 1000
JOB_SECONDS = 600.0
_PLAIN = (int, float, Decimal, bool, str, bytes, date, datetime, UUID, type(None))


class BigqueryEngine:
    """One client; not to be used from two threads, except for `cancel`."""

    dialect = "bigquery"

    def __init__(self, settings: BigquerySettings, environ: Mapping[str, str]) -> None:
        try:
            self._client = transport.bigquery_client(settings.project, settings.location, environ)
        except transport.Unavailable as error:
            raise EngineError(str(error), unreachable=True) from error
        self._settings = settings
        self._lock = threading.Lock()
        self._job: bigquery.QueryJob | None = None
        self._is_cancelled = False
        self.bytes_billed = 0
        """By all queries of this engine, as far as BigQuery has told."""

    @property
    def client(self) -> bigquery.Client:
        return self._client

    def run(self, sql: str) -> Result:
        only_one_query(sql, self.dialect)
        with self._lock:
            self._is_cancelled = False
        try:
            job = self._start(sql, dry_run=False)
            with self._lock:
                self._job = job
                is_cancelled = self._is_cancelled
            if is_cancelled:
                # It was asked for while the job was being made.
                self._cancel(job)
            rows = job.result(
                page_size=BATCH,
                retry=transport.retry(),
                job_retry=None,
                timeout=JOB_SECONDS,
            )
        except Exception as error:
            raise self._error(error, sql) from error
        finally:
            with self._lock:
                self._job = None
        self.bytes_billed += job.total_bytes_billed or 0
        columns = tuple(Column(field.name, _type(field)) for field in rows.schema)
        return Result(columns, self._rows(rows, sql))

    def dry_run(self, sql: str) -> Estimate:
        only_one_query(sql, self.dialect)
        try:
            job = self._start(sql, dry_run=True)
        except Exception as error:
            raise self._error(error, sql) from error
        return Estimate(bytes=job.total_bytes_processed)

    def cancel(self) -> None:
        with self._lock:
            self._is_cancelled = True
            job = self._job
        if job is not None:
            self._cancel(job)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def _start(self, sql: str, dry_run: bool) -> bigquery.QueryJob:
        from google.cloud import bigquery

        options = bigquery.QueryJobConfig(
            dry_run=dry_run,
            use_query_cache=not dry_run,
            maximum_bytes_billed=self._settings.maximum_bytes_billed,
            labels=transport.LABELS,
        )
        return self._client.query(
            sql,
            job_config=options,
            location=self._settings.location,
            retry=transport.retry(),
            timeout=transport.CALL_SECONDS,
            job_retry=None,
        )

    def _cancel(self, job: bigquery.QueryJob) -> None:
        from google.api_core.exceptions import GoogleAPIError
        from requests.exceptions import RequestException

        try:
            job.cancel(retry=transport.retry(5), timeout=5)
        except (GoogleAPIError, RequestException) as error:
            raise EngineError(
                f"cannot cancel: {transport.words(error)}", unreachable=True
            ) from error

    def _rows(self, rows: Any, sql: str) -> Iterator[Row]:
        try:
            for row in rows:
                yield tuple(map(_value, row.values()))
        except Exception as error:
            raise self._error(error, sql) from error

    def _error(self, error: Exception, sql: str) -> EngineError:
        """What the client raised, in one sentence; what is no failure of theirs passes through."""
        import concurrent.futures

        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        if isinstance(error, EngineError):
            return error
        if self._is_cancelled:
            return Cancelled("the query was cancelled")
        message = transport.words(error)
        if isinstance(error, concurrent.futures.TimeoutError):
            return EngineError(f"the query did not end within {JOB_SECONDS:.0f} seconds")
        if isinstance(error, exceptions.GoogleAPICallError):
            if "bytesBilledLimitExceeded" in str(error.errors) + str(error):
                cap = self._settings.maximum_bytes_billed
                return EngineError(
                    f"the query would be billed for more than {cap:,} bytes",
                    detail=f"{message}\nengine.bigquery.maximum_bytes_billed is the limit",
                )
            gone = isinstance(error, exceptions.ServerError | exceptions.TooManyRequests)
            return EngineError(message, offset=_offset(message, sql), unreachable=gone)
        known = (exceptions.GoogleAPIError, GoogleAuthError, RequestException, OSError)
        if isinstance(error, known):
            return EngineError(f"cannot reach BigQuery: {message}", unreachable=True)
        raise error


def _offset(message: str, sql: str) -> int | None:
    """BigQuery says `at [line:column]`, both counted from 1."""
    found = transport.place(message)
    if found is None:
        return None
    line, column = found
    start = 0
    for _ in range(line - 1):
        newline = sql.find("\n", start)
        if newline < 0:
            return None
        start = newline + 1
    return min(start + column - 1, len(sql))


def _type(field: Any) -> str:
    kind = str(field.field_type)
    return f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind


def _value(value: object) -> object:
    """As Python holds it without loss; what it has no type for is text."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, dict):
        return {key: _value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_value(inner) for inner in value]
    if hasattr(value, "isoformat"):
        return value
    return str(value)

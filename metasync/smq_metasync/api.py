"""What programs are answered over HTTP, whatever server carries it.

`collect` is behind the scheduled function, `answer` behind the endpoints that only read. Both
speak the words of the earlier function and backend, with more keys.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from smq.catalog import Known
from smq.catalog.read import Unreadable, read_cache
from smq_metasync.engines import EngineError
from smq_metasync.service import Outcome, SyncError
from smq_metasync.stores import Store, Stored, StoreError

EXPIRES_HOURS = 24
_PREFIX = "/api/metasync"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, value: Mapping[str, Any], status: int = 200, **headers: str) -> Answer:
        text = json.dumps(value, ensure_ascii=False)
        kind = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-cache"}
        return cls(status, text.encode(), {**kind, **headers})


def collect(run: Callable[[], Outcome], now: Callable[[], datetime]) -> tuple[dict[str, Any], int]:
    """The body and the status of the function's answer.

    A collection that published something is a success, also with warnings: a scheduler repeats
    what is none. A failure leaves the old cache in place.
    """
    started = monotonic()
    try:
        outcome = run()
    except (SyncError, StoreError, EngineError) as error:
        return _failure(str(error), started, now), _status_of(error)
    what = "Cache updated" if outcome.updated else "Nothing new, cache confirmed"
    return {
        "status": "success",
        "message": what,
        "updated": outcome.updated,
        "method": outcome.method,
        "table_id": outcome.main_table,
        "columns_count": outcome.columns,
        "examples_count": outcome.examples,
        "tables_count": outcome.tables,
        "stale_tables_count": outcome.stale,
        "events_tables_count": outcome.events_tables,
        "has_schema_insights": outcome.has_schema_insights,
        "bytes_billed": outcome.bytes_billed,
        "location": outcome.location,
        "execution_time": round(monotonic() - started, 2),
        "timestamp": now().isoformat(),
        "warnings": list(outcome.warnings),
    }, 200


def failed(message: str, now: Callable[[], datetime]) -> tuple[dict[str, Any], int]:
    """The answer when a collection could not even begin."""
    return _failure(message, monotonic(), now), 500


def answer(
    method: str, path: str, headers: Mapping[str, str], store: Store, now: Callable[[], datetime]
) -> Answer:
    """Read the cache for a program: `/cache`, `/cache/status`, `/health`, `/tables/NAME`.

    The paths also stand below `/api/metasync`, where the earlier backend had them.
    """
    path = path.partition("?")[0].removeprefix(_PREFIX).rstrip("/") or "/"
    if method not in ("GET", "HEAD"):
        return _error(
            405, "only GET is answered; `smq metasync sync` renews the cache", Allow="GET"
        )
    try:
        stored = store.read()
    except StoreError as error:
        if path == "/health":
            return Answer.of({"status": "unhealthy", "error_message": str(error)}, 503)
        return _error(503, str(error))
    assert stored is None or isinstance(stored, Stored)
    if path == "/cache":
        return _cache(stored, headers, store)
    known = read_cache(stored.data) if stored is not None else None
    status = _status(stored, known, now())
    if path == "/cache/status":
        return Answer.of(status)
    if path == "/health":
        health = (
            "healthy" if status["is_valid"] else "degraded" if status["exists"] else "unhealthy"
        )
        body = {"status": health, **status}
        return Answer.of(body, 503 if health == "unhealthy" else 200)
    if path.startswith("/tables/") and isinstance(known, Known):
        return _table(known, path.removeprefix("/tables/"))
    if path == "/tables" and isinstance(known, Known):
        return Answer.of({"version": 1, "tables": [".".join(parts) for parts in known.names]})
    return _error(404, "there are /cache, /cache/status, /health, /tables and /tables/NAME")


def _cache(stored: Stored | None, headers: Mapping[str, str], store: Store) -> Answer:
    if stored is None:
        return _error(404, f"there is no cache at {store.location}")
    etag = f'"{stored.generation}"'
    given = {key.lower(): value for key, value in headers.items()}.get("if-none-match", "")
    if etag in given or given.strip() == "*":
        return Answer(304, b"", {"ETag": etag})
    kind = "application/json; charset=utf-8"
    return Answer(200, stored.data, {"Content-Type": kind, "ETag": etag,
                                     "Cache-Control": "no-cache"})  # fmt: skip


def _status(stored: Stored | None, known: object, now: datetime) -> dict[str, Any]:
    if stored is None or not isinstance(known, Known):
        reason = known.detail if isinstance(known, Unreadable) else "there is no cache"
        return {
            "exists": stored is not None,
            "last_updated": stored.updated.isoformat() if stored else None,
            "size_bytes": len(stored.data) if stored else 0,
            "table_count": 0,
            "example_count": 0,
            "is_valid": False,
            "error_message": reason,
        }
    made = known.taken_at or stored.updated
    hours = (now - made).total_seconds() / 3600
    is_fresh = hours <= EXPIRES_HOURS
    return {
        "exists": True,
        "last_updated": stored.updated.isoformat(),
        "generated_at": made.isoformat(),
        "size_bytes": len(stored.data),
        "table_count": len(known),
        "example_count": len(known.examples),
        "is_valid": is_fresh,
        "error_message": None if is_fresh else f"the cache is {hours:.0f} hours old",
    }


def _table(known: Known, name: str) -> Answer:
    found = known.find(tuple(part for part in name.split(".") if part))
    if len(found) != 1:
        what = "several tables" if found else "no table"
        return _error(404, f"the cache has {what} of the name {name}")
    for number, parts in enumerate(known.names):
        if tuple(parts) == found[0].parts:
            return Answer.of({"version": 1, "table": dict(known.raw_table(number))})
    return _error(404, f"the cache has no table {name}")


def _error(status: int, message: str, **headers: str) -> Answer:
    body = {"status": "error", "message": message, "timestamp": datetime.now(UTC).isoformat()}
    return Answer.of(body, status, **headers)


def _failure(message: str, started: float, now: Callable[[], datetime]) -> dict[str, Any]:
    return {
        "status": "error",
        "message": message,
        "updated": False,
        "execution_time": round(monotonic() - started, 2),
        "timestamp": now().isoformat(),
    }


def _status_of(error: Exception) -> int:
    """503 asks the scheduler to try again; 500 is for what trying again will not cure."""
    return 503 if getattr(error, "transient", False) else 500

"""What every warehouse engine can do for us: run one query, estimate it, cancel it.

An engine lets nothing through but a single query that only reads, and what it refuses comes back
as an `EngineError` in its own words. `smq_metasync.connect` makes the connections.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

Row = tuple[object, ...]

_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result with the engine's own name for its type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Result:
    """Columns, and rows as they arrive; the rows can be taken once.

    Values are Python's: int, float, Decimal, bool, str, bytes, date, time, datetime, UUID, list,
    dict, None. What Python cannot hold without loss (an interval of one month) is text.
    """

    columns: tuple[Column, ...]
    rows: Iterator[Row]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What running the query would take, as far as the engine says; None is unknown."""

    rows: int | None = None
    bytes: int | None = None
    cost: float | None = None
    """In the engine's own unit, comparable only with other queries on the same engine."""


def sized(count: float) -> str:
    """A number of bytes for people, in the units that engines bill in: `1.5 GB` is 1.5e9."""
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == _UNITS[0] else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_UNITS[-1]}"


class EngineError(Exception):
    """The engine refused or failed; `str(error)` is one line for the person.

    `offset` is where in the SQL, in code points, when the engine tells; `detail` holds hints and
    candidates. `unreachable` says that there was no connection, so the query may be fine.
    """

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        offset: int | None = None,
        unreachable: bool = False,
    ) -> None:
        super().__init__(message)
        self.detail = detail
        self.offset = offset
        self.unreachable = unreachable


class Cancelled(EngineError):
    """The query was stopped because somebody asked for it."""


@runtime_checkable
class Engine(Protocol):
    """A connection that reads. `dialect` is the SQL it speaks."""

    dialect: str

    def run(self, sql: str) -> Result:
        """Run one query. Raises EngineError, also while rows are taken."""

    def dry_run(self, sql: str) -> Estimate:
        """Let the engine plan the query without running it. Raises EngineError."""

    def cancel(self) -> None:
        """Stop what is running; may be called from another thread, and when nothing runs."""

    def close(self) -> None: ...


def only_one_query(sql: str, dialect: str) -> None:
    """Raise EngineError unless the SQL is one query that only reads."""
    # The SQL library is heavy, and listing engines should not pay for it.
    from smq.sql.guard import refusal

    reason = refusal(sql, dialect)
    if reason:
        raise EngineError(f"not run: {reason}")

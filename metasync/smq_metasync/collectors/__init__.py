"""What a collector of metadata is: tables one after the other, failures as values.

A collector never keeps what it has given away, so that a warehouse of ten thousand tables needs
no more memory than a few of them. What cannot be read is an `Untold` with the reason and never
ends the collection; only when nothing at all can be read is it a `SourceError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from typing import Any, Literal, Protocol

from smq.catalog.tables import Table
from smq.text import fold

SourceKind = Literal["bigquery", "duckdb", "postgres", "ddl", "dbt"]
Progress = Callable[[int, int, str], None]
"""Called with how many tables are done, how many are known by now, and the one at hand."""


@dataclass(frozen=True, slots=True)
class Collected:
    """A table, with what its value has no place for."""

    table: Table
    etag: str = ""
    partitioning: Mapping[str, Any] | None = None
    """As the cache has it: `type`, `field`, `required`, `expiration_ms`, `range`."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A schema whose tables were listed; `complete` when every one of them was wanted."""

    parts: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Untold:
    """A table, a schema or a file that could not be read, and why, in one sentence.

    `gone` means that the source says there is no such thing: then what was known of it is no
    longer true. Otherwise what was last known is kept.
    """

    parts: tuple[str, ...]
    message: str
    kind: Literal["table", "dataset", "source"] = "table"
    gone: bool = False


Finding = Collected | Listed | Untold


class SourceError(Exception):
    """Nothing can be collected from a source; `str(error)` is one line for the person."""


class Collector(Protocol):
    @property
    def kind(self) -> SourceKind: ...

    @property
    def dialect(self) -> str: ...

    def collect(self, wanted: Wanted, progress: Progress) -> Iterator[Finding]:
        """Everything wanted. Raises SourceError."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tables are asked for: those that a pattern of `tables` and none of `exclude` fits.

    A pattern has up to three parts, `*` for any characters in each, and is compared with the
    end of a table's name without regard to letter case.
    """

    tables: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    deadline: float | None = None
    """On the clock of `time.monotonic`; nothing is asked after it."""
    concurrency: int = 8
    names: tuple[tuple[str, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(map(split_name, self.tables)))

    def __contains__(self, parts: tuple[str, ...]) -> bool:
        if any(_fits(pattern, parts) for pattern in map(split_name, self.exclude)):
            return False
        return not self.names or any(_fits(pattern, parts) for pattern in self.names)

    def schemas(self) -> tuple[tuple[str, ...], ...] | None:
        """The patterns of schemas, outermost part first; None when any schema may have some."""
        if not self.names or any(len(pattern) < 2 for pattern in self.names):
            return None
        return tuple(dict.fromkeys(pattern[:-1] for pattern in self.names))

    def exact(self, schema: tuple[str, ...]) -> tuple[str, ...] | None:
        """The tables wanted of a schema when all of them are named; None to list it."""
        found: dict[str, None] = {}
        for pattern in self.names:
            if len(pattern) >= 2 and not _fits(pattern[:-1], schema):
                continue
            if any(char in pattern[-1] for char in "*?["):
                return None
            found[pattern[-1]] = None
        return tuple(found) if found else None


def split_name(path: str) -> tuple[str, ...]:
    """The parts of `project.dataset.table`; a project may have dots of its own."""
    parts = [part for part in path.replace("`", "").replace('"', "").split(".") if part]
    if len(parts) > 3:
        parts = [".".join(parts[:-2]), *parts[-2:]]
    return tuple(parts)


def fits_schema(pattern: tuple[str, ...], schema: tuple[str, ...]) -> bool:
    return _fits(pattern, schema)


def fits_column(pattern: str, table: tuple[str, ...], column: str) -> bool:
    """Whether `*.email` or `shop.customers.*` means a column; a nested one is `a.b`."""
    text = fold(".".join((*table, column)))
    wanted = fold(pattern)
    if "." not in wanted:
        return bool(_compiled(wanted).match(fold(column)))
    return bool(_compiled(wanted).match(text) or _compiled(f"*.{wanted}").match(text))


def _fits(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    if len(pattern) > len(parts):
        # A source without databases has names of two parts; `db.schema.table` still means them.
        pattern = pattern[-len(parts) :]
    own = parts[-len(pattern) :] if pattern else ()
    return bool(pattern) and all(
        _compiled(fold(wanted)).match(fold(part)) for wanted, part in zip(pattern, own, strict=True)
    )


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))

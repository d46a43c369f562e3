"""Tables and columns of a warehouse, as it said they are.

Types keep the warehouse's own words (`INT64`, `character varying`), names their own letter case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from smq.text import fold

Mode = Literal["NULLABLE", "REQUIRED", "REPEATED"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column; a field of a RECORD is a column of its own, named `a.b`."""

    name: str
    type: str
    mode: Mode = "NULLABLE"
    description: str = ""
    policy_tags: tuple[str, ...] = ()
    """Why the warehouse hides the values from most people; empty when it does not."""

    @property
    def is_nested(self) -> bool:
        """Whether this is a field inside a RECORD."""
        return "." in self.name


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` of a table refer to `referenced` columns of `table`, outermost name first."""

    columns: tuple[str, ...]
    table: tuple[str, ...]
    referenced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shards:
    """Many tables that differ by the date at the end of their names, collected as one."""

    count: int
    pattern: str
    """`events_YYYYMMDD`, without database and schema."""
    start: str = ""
    end: str = ""
    """The first and the last date, `2021-01-31`; empty where the names do not say."""
    examples: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        return (
            self.pattern.rstrip("*")
            .removesuffix("YYYYMMDD")
            .removesuffix("YYYYMM")
            .removesuffix("YYYY")
        )

    def includes(self, name: str) -> bool:
        """Whether `events_20210131`, `events_2021*` or `events_*` means these tables."""
        prefix = self.prefix
        if not prefix or not name.startswith(prefix):
            return False
        rest = name[len(prefix) :]
        return (
            rest in ("YYYYMMDD", "YYYYMM", "YYYY")
            or rest.removesuffix("*").isdigit()
            or (rest == "*")
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view. `parts` is its name, outermost part first, without quotes.

    `rows` and `bytes` are None where the warehouse did not say; `partitioning` and `clustering`
    name columns. `stale` means that the newest collection could not read the table, and this is
    what an earlier one knew.
    """

    parts: tuple[str, ...]
    columns: tuple[Column, ...]
    kind: str = "table"
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    bytes: int | None = None
    last_modified: str = ""
    collected_at: str = ""
    stale: bool = False
    partitioning: tuple[str, ...] = ()
    needs_partition_filter: bool = False
    clustering: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    shards: Shards | None = None
    _exact: Mapping[str, Column] = field(init=False, repr=False, compare=False)
    _folded: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exact: dict[str, Column] = {}
        folded: dict[str, Column] = {}
        for column in self.columns:
            exact.setdefault(column.name, column)
            folded.setdefault(fold(column.name), column)
        object.__setattr__(self, "_exact", exact)
        object.__setattr__(self, "_folded", folded)

    @property
    def name(self) -> str:
        """The table's own name, without database and schema."""
        return self.parts[-1]

    @property
    def path(self) -> str:
        """The whole name, `project.dataset.table`."""
        return ".".join(self.parts)

    def column(self, name: str, exact: bool = False) -> Column | None:
        """The column of this name; unless `exact`, the letter case may differ."""
        found = self._exact.get(name)
        if found is None and not exact:
            found = self._folded.get(fold(name))
        return found

    @property
    def has_columns(self) -> bool:
        """Whether the columns are known; a table that could not be read has none."""
        return bool(self.columns)

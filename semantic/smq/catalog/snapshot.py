"""What is known of the warehouse at one moment: nothing, with the reason, or a catalogue.

*Unknown is not empty*: whoever asks `Unknown` for a table must not conclude that there is none.
Tables are made from the cache's JSON when they are first asked for, so that a catalogue of ten
thousand tables costs as much as what is looked at. The memo in it only remembers answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from smq.text import fold

if TYPE_CHECKING:
    from datetime import datetime

    from smq.catalog.semantic import SemanticNames
    from smq.catalog.tables import Table

Reason = Literal["not-configured", "absent", "unreadable", "unreachable", "loading", "untrusted"]
State = Literal["fresh", "stale-usable", "expired"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing is known of the warehouse; `detail` is a sentence for people."""

    reason: Reason = "not-configured"
    detail: str = ""

    @property
    def digest(self) -> str:
        return f"unknown:{self.reason}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a cache comes from, as far as it says."""

    kind: str = ""
    dialect: str = ""
    project: str = ""
    location: str = ""
    run_id: str = ""
    workspace_hash: str = ""


class Known:
    """A catalogue, and the rest of what a cache holds.

    `taken_at` is when it was collected (None when it does not say in which time zone), `state`
    and `seen_at` how old that was when somebody last looked; `digest` is equal for equal
    contents.
    """

    __slots__ = (
        "_by_name",
        "_covered",
        "_failed",
        "_made",
        "_make",
        "_names",
        "_semantic",
        "digest",
        "examples",
        "generation_method",
        "insights",
        "memo",
        "primary",
        "raw_table",
        "rest",
        "seen_at",
        "source",
        "state",
        "taken_at",
        "version",
        "warnings",
    )

    def __init__(
        self,
        names: Sequence[tuple[str, ...]],
        make: Callable[[int], Table],
        semantic: Callable[[], SemanticNames],
        *,
        rest: Mapping[str, Any],
        raw_table: Callable[[int], Mapping[str, Any]],
        digest: str = "",
        taken_at: datetime | None = None,
        generation_method: str = "unknown",
        version: int = 0,
        source: Source | None = None,
        examples: Sequence[Mapping[str, Any]] = (),
        insights: Mapping[str, Any] | None = None,
        warnings: tuple[str, ...] = (),
        primary: tuple[str, ...] = (),
        covered: frozenset[tuple[str, ...]] | None = None,
        failed: frozenset[tuple[str, ...]] = frozenset(),
        state: State = "fresh",
        seen_at: datetime | None = None,
    ) -> None:
        self._names = names
        self._make = make
        self._made: dict[int, Table] = {}
        self._by_name: dict[str, list[int]] | None = None
        self.memo: dict[object, Any] = {}
        """Answers that later stages derive from this catalogue alone, keyed by their own tuples."""
        self._semantic: SemanticNames | Callable[[], SemanticNames] = semantic
        self._covered = covered
        self._failed = failed
        self.rest = rest
        """The cache object as it was read, without its tables."""
        self.raw_table = raw_table
        """A table as it stands in the cache, by its number."""
        self.digest = digest
        self.taken_at = taken_at
        self.generation_method = generation_method
        self.version = version
        """0 for the formats from before there were versions."""
        self.source = source or Source()
        self.examples = examples
        self.insights = insights or {}
        self.warnings = warnings
        self.primary = primary
        """The name of the one table that older readers are shown."""
        self.state: State = state
        self.seen_at = seen_at

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"Known({len(self)} tables, taken {self.taken_at}, {self.state})"

    @property
    def names(self) -> Sequence[tuple[str, ...]]:
        """The names of all tables, outermost part first, in the order of the cache."""
        return self._names

    @property
    def tables(self) -> Iterator[Table]:
        """All tables, in the order of the cache."""
        return (self.at(number) for number in range(len(self._names)))

    @property
    def has_semantic(self) -> bool:
        """Whether the cache holds names of models and metrics, without making them."""
        found = self.rest.get("semantic")
        return isinstance(found, Mapping) and bool(found.get("metrics") or found.get("models"))

    @property
    def semantic(self) -> SemanticNames:
        if callable(self._semantic):
            self._semantic = self._semantic()
        return self._semantic

    @property
    def age(self) -> float | None:
        """Seconds between collecting and the last look at a clock; None when unknown."""
        if self.taken_at is None or self.seen_at is None:
            return None
        return max(0.0, (self.seen_at - self.taken_at).total_seconds())

    def at(self, number: int) -> Table:
        table = self._made.get(number)
        if table is None:
            table = self._made[number] = self._make(number)
        return table

    def find(self, parts: Sequence[str], exact: bool = False) -> tuple[Table, ...]:
        """All tables that a name may mean.

        A name with fewer parts than the table's matches its end, and the other way round, since
        a DDL file may know no schema. Equal letter case wins; unless `exact`, any case will do.
        Names of shards (`events_20210131`, `events_*`) find the table that stands for them.
        """
        if not parts:
            return ()
        found = [self.at(number) for number in self._candidates(parts)]
        if exact:
            return tuple(table for table in found if _same_end(table, parts, exact=True))
        best = [table for table in found if _same_end(table, parts, exact=True)]
        return tuple(best or found)

    def table(self, parts: Sequence[str], exact: bool = False) -> Table | None:
        """The one table that a name means; None when it means none or several."""
        found = self.find(parts, exact)
        return found[0] if len(found) == 1 else None

    def covers(self, parts: Sequence[str]) -> bool:
        """Whether the catalogue would have a table of this name if there were one.

        It would when the tables of its schema were collected, and reading this one did not fail.
        Caches of the earlier formats hold the one table that was asked for: they cover nothing.
        """
        if self._covered is None or not parts:
            return False
        whole = tuple(fold(part) for part in parts)
        if any(_ends_alike(whole, failed) for failed in self._failed):
            return False
        schema = tuple(fold(part) for part in parts[:-1])
        if not schema:
            return bool(self._covered)
        return any(_ends_alike(schema, known) for known in self._covered)

    def aged(
        self, state: State, seen_at: datetime | None, taken_at: datetime | None = None
    ) -> Known:
        """The same catalogue after another look at the clock; everything read is shared."""
        other = Known.__new__(Known)
        for name in Known.__slots__:
            setattr(other, name, getattr(self, name))
        other.state, other.seen_at = state, seen_at
        other.taken_at = taken_at or self.taken_at
        return other

    def _candidates(self, parts: Sequence[str]) -> Iterator[int]:
        index = self._index()
        wanted = tuple(fold(part) for part in parts)
        direct = [n for n in index.get(wanted[-1], ()) if _ends_alike(wanted, self._folded(n))]
        if direct:
            yield from direct
            return
        # The date at the end of a shard's name is the only part that the index does not hold.
        stem = wanted[-1].rstrip("*").rstrip("0123456789")
        for suffix in ("*", "yyyymmdd", "yyyymm", "yyyy"):
            for number in index.get(stem + suffix, ()):
                table = self.at(number)
                if _ends_alike(wanted[:-1], self._folded(number)[:-1]) and (
                    table.shards is None or table.shards.includes(parts[-1])
                ):
                    yield number

    def _folded(self, number: int) -> tuple[str, ...]:
        return tuple(fold(part) for part in self._names[number])

    def _index(self) -> dict[str, list[int]]:
        if self._by_name is None:
            index: dict[str, list[int]] = {}
            for number, name in enumerate(self._names):
                index.setdefault(fold(name[-1]), []).append(number)
            self._by_name = index
        return self._by_name


CatalogSnapshot = Unknown | Known


def known_tables(tables: Sequence[Table], taken_at: datetime | None = None) -> Known:
    """A catalogue of these tables, which are all there are in their schemas."""
    from smq.catalog.semantic import SemanticNames

    return Known(
        [table.parts for table in tables],
        lambda number: tables[number],
        SemanticNames,
        rest={},
        raw_table=lambda number: {},
        digest=f"{hash(tuple((t.parts, t.columns) for t in tables))}",
        taken_at=taken_at,
        covered=frozenset(tuple(fold(part) for part in table.parts[:-1]) for table in tables),
    )


def _ends_alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two names agree in the parts that both have."""
    both = min(len(one), len(other))
    return both == 0 or tuple(one[-both:]) == tuple(other[-both:])


def _same_end(table: Table, parts: Sequence[str], exact: bool) -> bool:
    own, wanted = table.parts, tuple(parts)
    if table.shards is not None and own[-1] != wanted[-1]:
        # The name of one shard is not the name of all of them.
        if exact and not table.shards.includes(wanted[-1]):
            return False
        own, wanted = own[:-1], wanted[:-1]
    return _ends_alike(own, wanted)

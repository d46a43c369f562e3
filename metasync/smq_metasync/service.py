"""One collection from beginning to end: collect, compare with what was known, publish.

What could not be read keeps its last good state and says so. The cache is replaced only from the
state it was made from; if another collector was faster, ours is made anew on top of theirs, and
what they saw later than we did is kept. When nothing could be collected, nothing is written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from smq.catalog import Known
from smq.catalog.read import Unreadable, read_cache
from smq.catalog.tables import Table
from smq.text import fold
from smq_metasync import document as documents
from smq_metasync import examples, insights
from smq_metasync.collectors import (
    Collected,
    Listed,
    Progress,
    SourceError,
    Untold,
    Wanted,
)
from smq_metasync.engines import Engine, EngineError
from smq_metasync.examples import Candidate
from smq_metasync.plan import Plan
from smq_metasync.sources import Opener, Source, open_source
from smq_metasync.stores import Conflict, Store, Stored, StoreError, snapshot_name

_TRIES = 6
_ASKED = 5
"""How many examples a language model is asked for."""
_TOTAL_FACTOR = 10
"""All queries of a collection together may take so many times what one may."""

Name = tuple[str, ...]
Entry = dict[str, Any]


class SyncError(Exception):
    """Nothing was published and the old cache is still in place; `str(error)` says why."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a workspace adds to a warehouse: its names, its queries, what people wrote down.

    `ask` asks a language model for examples; None when there is none. `warnings` are about all
    this.
    """

    semantic: Entry | None = None
    candidates: tuple[Candidate, ...] = ()
    ask: examples.Ask | None = None
    warnings: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a collection came to. `updated` is False when nothing but the time has changed."""

    location: str
    updated: bool
    generated_at: str
    method: str
    main_table: str
    columns: int
    """Top-level columns of the main table."""
    tables: int
    stale: int
    examples: int
    seconds: float
    bytes_billed: int
    warnings: tuple[Entry, ...] = ()
    events_tables: int = 0
    has_schema_insights: bool = False


def _silent(done: int, known: int, what: str) -> None: ...


@dataclass(slots=True)
class _Collection:
    """What has been collected so far: a line of JSON for each table."""

    lines: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Bytes, rows and columns of each table, to find the main one."""
    complete: dict[Name, bool] = field(default_factory=dict)
    untold: list[Untold] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    ends: dict[str, list[Name]] = field(default_factory=dict)
    """The names of tables by their last part, to know one again in another source."""

    def has(self, parts: Name) -> bool:
        for known in self.ends.get(fold(parts[-1]), ()):
            both = min(len(known), len(parts))
            if _folded(known[-both:]) == _folded(parts[-both:]):
                return True
        return False

    def add(self, collected: Collected, moment: str) -> None:
        table = collected.table
        self.lines[table.path] = documents.line(documents.entry(collected, moment))
        is_table = table.kind == "table"
        self.sizes[table.path] = (
            (table.bytes or 0) if is_table else -1,
            (table.rows or 0) if is_table else -1,
            len(table.columns),
        )
        self.ends.setdefault(fold(table.name), []).append(table.parts)


def sync(
    plan: Plan,
    store: Store,
    given: Given | None = None,
    *,
    progress: Progress = _silent,
    open_source: Opener = open_source,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    run_id: str | None = None,
    version: str = "",
) -> Outcome:
    """Collect what the plan says and publish it. Raises SyncError and StoreError."""
    run = _Run(plan, store, given or Given(), progress, open_source, now, run_id, version)
    return run.run()


class _Run:
    def __init__(
        self,
        plan: Plan,
        store: Store,
        given: Given,
        progress: Progress,
        opener: Opener,
        now: Callable[[], datetime],
        run_id: str | None,
        version: str,
    ) -> None:
        self._plan = plan
        self._store = store
        self._given = given
        self._progress = progress
        self._open = opener
        self._now = now
        self._run_id = run_id or uuid4().hex
        self._version = version
        self._began = now()
        self._started = time.monotonic()
        self._deadline = self._started + plan.settings.deadline_seconds
        self._wanted = Wanted(
            plan.settings.tables, plan.settings.exclude, self._deadline, plan.settings.concurrency
        )
        self._warnings: list[Entry] = list(given.warnings)

    def run(self) -> Outcome:
        sources = self._sources()
        try:
            collection = self._collect(sources)
            engine = next((each for each in sources if each.engine is not None), None)
            dialect = (
                engine.collector.dialect
                if engine is not None
                else sources[0].collector.dialect
                if sources
                else self._plan.dialect
            )
            main = self._main(collection)
            base = self._document(collection, sources, dialect, main)
            known = self._catalogue(base, collection)
            live = engine.engine if engine is not None else None
            base["examples"], method = self._examples(known, main, dialect, live)
            base["generation_method"] = method
            if self._plan.settings.insights:
                base["insights"] = self._insights(known, live)
            base["source"]["bytes_billed"] = sum(each.bytes_billed() for each in sources)
        finally:
            for source in sources:
                if source.engine is not None:
                    source.engine.close()
        return self._publish(collection, base, main)

    def _sources(self) -> list[Source]:
        found: list[Source] = []
        failures: list[str] = []
        for name in self._plan.sources:
            try:
                found.append(self._open(self._plan, name))
            except SourceError as error:
                failures.append(f"{name}: {error}")
        if not found:
            raise SyncError("; ".join(failures))
        for failure in failures:
            self._warn(failure, kind="source")
        return found

    def _collect(self, sources: Sequence[Source]) -> _Collection:
        wanted = self._wanted
        collection = _Collection()
        moment = self._began.isoformat()
        for source in sources:
            before = set(collection.lines)
            try:
                for each in source.collector.collect(wanted, self._progress):
                    if isinstance(each, Collected):
                        if not collection.has(each.table.parts):
                            collection.add(each, moment)
                    elif isinstance(each, Listed):
                        was = collection.complete.get(each.parts, True)
                        collection.complete[each.parts] = was and each.complete
                    else:
                        collection.untold.append(each)
                collection.kinds.append(source.name)
            except SourceError as error:
                collection.failures.append(f"{source.name}: {error}")
                if set(collection.lines) - before:
                    collection.kinds.append(source.name)
        if not collection.lines:
            raise SyncError(_nothing(collection))
        for failure in collection.failures:
            self._warn(failure, kind="source")
        for each in collection.untold:
            self._warn(each.message, table=".".join(each.parts), kind=each.kind)
        return collection

    def _main(self, collection: _Collection) -> str | None:
        """The id of the main table: the one that is named, else the largest."""
        wanted = self._plan.main_table
        if wanted is not None:
            for path in collection.lines:
                parts = tuple(json.loads(collection.lines[path])["id"].split("."))
                both = min(len(parts), len(wanted))
                own = parts[-both:]
                same = _folded(own) == _folded(wanted[-both:])
                shard = own[-1].endswith("*") and wanted[-1].startswith(own[-1][:-1])
                if same or (shard and _folded(own[:-1]) == _folded(wanted[-both:-1])):
                    return path
            self._warn(
                f"the main table {'.'.join(wanted)} was not collected; the largest is shown",
                table=".".join(wanted),
            )
        return max(collection.sizes, key=lambda path: (collection.sizes[path], path), default=None)

    def _document(
        self,
        collection: _Collection,
        sources: Sequence[Source],
        dialect: str,
        main: str | None,
    ) -> Entry:
        moment = self._began.isoformat()
        table = json.loads(collection.lines[main]) if main is not None else None
        table_id = main or ""
        if table is not None and table.get("shards"):
            # Earlier readers want a table that can be asked.
            table_id = table["shards"]["example_tables"][-1]
            wanted = self._plan.main_table
            if wanted is not None and not wanted[-1].endswith("*"):
                table_id = ".".join((*main.split(".")[:-1], wanted[-1])) if main else table_id
        kinds = collection.kinds
        first = next((each for each in sources if each.project), None)
        semantic = self._given.semantic
        return {
            "generated_at": moment,
            "generation_method": "rules",
            "schema": documents.main_schema(table, moment, table_id),
            "examples": [],
            "events_tables": documents.events_tables(table),
            "schema_insights": {},
            "version": documents.VERSION,
            "source": {
                "kind": kinds[0] if len(set(kinds)) == 1 else "mixed",
                "dialect": dialect,
                "project": first.project if first else None,
                "location": first.location if first else None,
                "tool_version": self._version,
                "run_id": self._run_id,
                "workspace_hash": semantic["hash"] if semantic else None,
                "bytes_billed": 0,
                "complete": sorted(
                    ".".join(parts) for parts, whole in collection.complete.items() if whole
                ),
            },
            **({"semantic": semantic} if semantic else {}),
        }

    def _catalogue(self, base: Mapping[str, Any], collection: _Collection) -> Known:
        """What was collected, as readers will see it."""
        text = "".join(documents.pieces(base, (line for _, line in _sorted(collection.lines))))
        known = read_cache(text.encode())
        if isinstance(known, Unreadable):
            raise SyncError(f"what was collected makes no cache: {known.detail}")
        return known

    def _examples(
        self, known: Known, main: str | None, dialect: str, engine: Engine | None
    ) -> tuple[list[Entry], str]:
        origins = self._plan.settings.examples
        candidates: list[Candidate] = [
            each for each in self._given.candidates if each.origin in origins
        ]
        if "builtin" in origins:
            parts = tuple(main.split(".")) if main else None
            candidates.extend(examples.from_tables(known, parts, dialect))
        if "llm" in origins:
            if self._given.ask is None:
                self._warn("no language model is configured, so it wrote no examples", "example")
            else:
                try:
                    candidates.extend(self._given.ask(known, _ASKED))
                except examples.AskFailed as error:
                    self._warn(f"the language model wrote no examples: {error}", "example")
        planner = engine if self._plan.settings.dry_run else None
        found, rejected = examples.validated(candidates, known, dialect, planner)
        for each in rejected:
            self._warn(each.message, "example")
        by_model = any(each["origin"] == "llm" for each in found)
        return found, "llm_enhanced" if by_model else "rules"

    def _insights(self, known: Known, engine: Engine | None) -> Entry:
        settings = self._plan.settings
        found: Entry = {}
        if engine is None:
            self._warn("no engine is configured, so no values were looked at", "insights")
            return found
        left = settings.maximum_bytes_billed * _TOTAL_FACTOR
        for number, parts in enumerate(known.names):
            table: Table = known.at(number)
            if time.monotonic() > self._deadline:
                self._warn("the deadline came before all values were looked at", "insights")
                break
            columns = insights.allowed_columns(table, settings.deny_columns)
            if not columns:
                continue
            self._progress(number + 1, len(known), f"values of {table.path}")
            budget = insights.Budget(settings.maximum_bytes_billed, left)
            try:
                facts, size = insights.look(table, columns, engine, budget)
            except EngineError as error:
                self._warn(str(error), "insights", table=".".join(parts))
                continue
            left -= size
            found[table.path] = facts
        return found

    def _publish(self, collection: _Collection, base: Entry, main: str | None) -> Outcome:
        for number in range(_TRIES):
            stored = self._store.read()
            assert stored is None or isinstance(stored, Stored)
            before = _known(stored)
            merged, stale = self._merged(collection, before, is_contested=number > 0)
            document = {**base, "warnings": self._warnings}
            if before is not None:
                kept = before.rest.items()
                document.update((k, v) for k, v in kept if k not in documents.KEYS)
                for key in ("schema_insights", "insights"):
                    # Who did not look has nothing to say about what another saw.
                    if not document.get(key) and before.rest.get(key):
                        document[key] = before.rest[key]
            if "insights" in document:
                document["insights"] = self._without_denied(document["insights"])
            generated = self._now().isoformat(timespec="milliseconds")
            document["generated_at"] = generated
            lines = [line for _, line in _sorted(merged)]
            same = before is not None and documents.is_same(before, document, lines)
            if same and stored is not None:
                data = documents.touched(stored.data, generated)
            else:
                data = "".join(documents.pieces(document, lines)).encode()
            try:
                self._store.write(data, stored.generation if stored is not None else None)
            except Conflict:
                continue
            if not same:
                self._keep(data)
            return self._outcome(document, len(lines), stale, not same)
        raise SyncError(f"{self._store.location} is written by others again and again")

    def _merged(
        self, collection: _Collection, before: Known | None, is_contested: bool
    ) -> tuple[dict[str, str], int]:
        """Our tables, and of the state before what we could not read or others saw after us.

        From a collector that was at it at the same time, also what was none of our business.
        """
        merged = dict(collection.lines)
        if before is None:
            return merged, 0
        lost = {_folded(each.parts) for each in collection.untold if not each.gone}
        gone = {_folded(each.parts) for each in collection.untold if each.gone}
        lost_schemas = {
            _folded(e.parts) for e in collection.untold if e.kind == "dataset" and not e.gone
        }
        stale = 0
        for number, parts in enumerate(before.names):
            path = ".".join(parts)
            if collection.has(parts):
                continue
            folded = _folded(parts)
            is_lost = folded in lost or folded[:-1] in lost_schemas or bool(collection.failures)
            if is_lost and folded not in gone:
                table = {**before.raw_table(number), "stale": True}
                table.setdefault("id", path)
                merged[path] = documents.line(table)
                stale += 1
            elif _is_later(before.raw_table(number), self._began) or (
                is_contested and parts not in self._wanted
            ):
                merged[path] = documents.line(before.raw_table(number))
        return merged, stale

    def _without_denied(self, facts: Mapping[str, Any]) -> Entry:
        """Also what another collector has seen of columns that must not be looked at."""
        from smq_metasync.collectors import fits_column, split_name

        deny = self._plan.settings.deny_columns
        return {
            table: {
                column: each
                for column, each in columns.items()
                if not any(fits_column(pattern, split_name(table), column) for pattern in deny)
            }
            for table, columns in facts.items()
            if isinstance(columns, dict)
        }

    def _keep(self, data: bytes) -> None:
        """The history beside the cache; that it cannot be kept does not undo the cache."""
        days = self._plan.settings.snapshot_days
        if days <= 0:
            return
        now = self._now()
        oldest = snapshot_name(now - timedelta(days=days), "")
        try:
            self._store.keep_snapshot(snapshot_name(now, self._run_id), data)
            for name in self._store.snapshots():
                if name < oldest:
                    self._store.drop_snapshot(name)
        except StoreError as error:
            self._warn(f"the history could not be kept: {error}", "store")

    def _outcome(self, document: Entry, tables: int, stale: int, updated: bool) -> Outcome:
        schema = document["schema"]
        return Outcome(
            self._store.location,
            updated,
            document["generated_at"],
            document["generation_method"],
            schema.get("table_id", ""),
            schema.get("column_count", 0),
            tables,
            stale,
            len(document["examples"]),
            round(time.monotonic() - self._started, 3),
            document["source"]["bytes_billed"],
            tuple(self._warnings),
            document["events_tables"].get("count", 0),
            bool(document["schema_insights"]),
        )

    def _warn(self, message: str, kind: str = "table", table: str = "") -> None:
        found = {"message": message, "kind": kind}
        self._warnings.append({"table": table, **found} if table else found)


def _known(stored: Stored | None) -> Known | None:
    """The state before; what is no cache is replaced as if it were not there."""
    if stored is None:
        return None
    found = read_cache(stored.data)
    return found if isinstance(found, Known) else None


def _nothing(collection: _Collection) -> str:
    reasons = [*collection.failures, *(e.message for e in collection.untold)]
    if not reasons:
        return "no table was found that is wanted; see metasync.tables and metasync.exclude"
    first = "; ".join(dict.fromkeys(reasons[:3]))
    more = f" (and {len(reasons) - 3} more)" if len(reasons) > 3 else ""
    return f"nothing could be collected: {first}{more}"


def _is_later(table: Mapping[str, Any], began: datetime) -> bool:
    try:
        moment = datetime.fromisoformat(str(table.get("collected_at")))
    except ValueError:
        return False
    return moment.tzinfo is not None and moment > began and table.get("stale") is not True


def _sorted(lines: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return sorted(lines.items())


def _folded(parts: Sequence[str]) -> Name:
    return tuple(map(fold, parts))

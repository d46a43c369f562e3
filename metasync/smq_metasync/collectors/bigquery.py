"""BigQuery over its API: datasets and tables are listed, then each table is asked for.

Metadata costs nothing there. Requests run in a bounded number of threads, with a bounded number
of tables between the listing and the caller, so that memory does not grow with the warehouse.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any, Literal

from smq.catalog.tables import Column, ForeignKey, Mode, Table
from smq.text import nfc
from smq_metasync import transport
from smq_metasync.collectors import (
    Collected,
    Finding,
    Listed,
    Progress,
    SourceError,
    Untold,
    Wanted,
    fits_schema,
)
from smq_metasync.collectors.shards import Family, families

if TYPE_CHECKING:
    from google.cloud import bigquery

_PAGE = 1000
_WAITING = 4
"""How many tables for each thread may be under way or wait for the caller."""
_TYPES = {
    "INTEGER": "INT64",
    "FLOAT": "FLOAT64",
    "BOOLEAN": "BOOL",
    "RECORD": "STRUCT",
}
_KINDS = {
    "VIEW": "view",
    "MATERIALIZED_VIEW": "materialized_view",
    "EXTERNAL": "external",
    "SNAPSHOT": "snapshot",
}
_MODES: Mapping[str, Mode] = {"REQUIRED": "REQUIRED", "REPEATED": "REPEATED"}

Name = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Task:
    """A table to ask for; of a family, the newest."""

    parts: Name
    family: Family | None = None


class BigqueryCollector:
    """Collects with a client, which stays the caller's."""

    kind: Literal["bigquery"] = "bigquery"
    dialect = "bigquery"

    def __init__(self, client: bigquery.Client) -> None:
        self._client = client

    def collect(self, wanted: Wanted, progress: Progress) -> Iterator[Finding]:
        counter = _Counter(progress)
        with ThreadPoolExecutor(wanted.concurrency, thread_name_prefix="smq-metasync") as pool:
            ended = False
            try:
                yield from self._datasets(pool, wanted, counter)
                ended = True
            finally:
                if not ended:
                    pool.shutdown(wait=False, cancel_futures=True)

    def _datasets(
        self, pool: ThreadPoolExecutor, wanted: Wanted, counter: _Counter
    ) -> Iterator[Finding]:
        found = False
        for dataset in self._wanted_datasets(wanted):
            found = True
            if isinstance(dataset, Untold):
                yield dataset
                continue
            names = wanted.exact(dataset)
            tasks: list[_Task] = []
            if names is not None:
                tasks = [_Task((*dataset, name)) for name in names]
            else:
                listed = self._tables(dataset, wanted)
                if isinstance(listed, Untold):
                    yield listed
                    continue
                inside = [name for name in listed if (*dataset, name) in wanted]
                grouped, plain = families(inside)
                tasks = [_Task((*dataset, each.newest), each) for each in grouped]
                tasks += [_Task((*dataset, name)) for name in plain]
                yield Listed(dataset, len(inside) == len(listed))
            counter.known += len(tasks)
            yield from self._ask(pool, tasks, wanted, counter)
        if not found:
            where = f"project {self._client.project}"
            if wanted.tables:
                raise SourceError(f"no dataset of {where} fits {', '.join(wanted.tables)}")
            raise SourceError(f"{where} has no dataset that these credentials can see")

    def _wanted_datasets(self, wanted: Wanted) -> Iterator[Name | Untold]:
        """The datasets in the order of their names; one that is named is not looked for."""
        project = self._client.project
        patterns = wanted.schemas()
        named: list[Name] = []
        searched: list[Name] = []
        for pattern in patterns or [("*",)]:
            has_wildcard = any(char in part for part in pattern for char in "*?[")
            whole = pattern if len(pattern) > 1 else (project, *pattern)
            (searched if has_wildcard else named).append(whole)
        found: dict[Name, None] = dict.fromkeys(named)
        for owner in dict.fromkeys(each[0] for each in searched):
            if any(char in owner for char in "*?["):
                yield Untold((owner,), "a project cannot be a pattern", "dataset")
                continue
            for dataset in self._listed_datasets(owner):
                if any(fits_schema(pattern, dataset) for pattern in searched):
                    found[dataset] = None
        yield from sorted(found)

    def _listed_datasets(self, project: str) -> Iterator[Name]:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        try:
            datasets = self._client.list_datasets(
                project=project,
                page_size=_PAGE,
                retry=transport.retry(),
                timeout=transport.CALL_SECONDS,
            )
            for dataset in datasets:
                yield (project, nfc(dataset.dataset_id))
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            raise SourceError(
                f"the datasets of project {project} cannot be listed: {transport.words(error)}"
            ) from error

    def _tables(self, dataset: Name, wanted: Wanted) -> list[str] | Untold:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        left = _left(wanted)
        if left <= 0:
            return _too_late(dataset, "dataset")
        try:
            return [
                nfc(item.table_id)
                for item in self._client.list_tables(
                    ".".join(dataset),
                    page_size=_PAGE,
                    retry=transport.retry(min(left, transport.RETRY_SECONDS)),
                    timeout=min(left, transport.CALL_SECONDS),
                )
            ]
        except (GoogleAPIError, GoogleAuthError, RequestException, ValueError) as error:
            return _untold(dataset, error, "dataset")

    def _ask(
        self,
        pool: ThreadPoolExecutor,
        tasks: Iterable[_Task],
        wanted: Wanted,
        counter: _Counter,
    ) -> Iterator[Finding]:
        waiting = deque(tasks)
        running: dict[Future[Finding], _Task] = {}
        while waiting or running:
            while waiting and len(running) < wanted.concurrency * _WAITING:
                task = waiting.popleft()
                running[pool.submit(self._table, task, wanted)] = task
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                counter.finished(".".join(task.parts))
                yield future.result()

    def _table(self, task: _Task, wanted: Wanted) -> Finding:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        left = _left(wanted)
        shown = (*task.parts[:-1], task.family.name) if task.family else task.parts
        if left <= 0:
            return _too_late(shown, "table")
        try:
            table = self._client.get_table(
                ".".join(task.parts),
                retry=transport.retry(min(left, transport.RETRY_SECONDS)),
                timeout=min(left, transport.CALL_SECONDS),
            )
        except (GoogleAPIError, GoogleAuthError, RequestException, ValueError) as error:
            return _untold(shown, error, "table")
        found = _collected(table, task.parts)
        if task.family is None:
            return found
        shards = task.family.shards(task.parts[:-1])
        whole = replace(found.table, parts=shown, rows=None, bytes=None, shards=shards)
        return replace(found, table=whole)


class _Counter:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.known = 0
        self._done = 0

    def finished(self, name: str) -> None:
        self._done += 1
        self._progress(self._done, self.known, name)


def _collected(table: bigquery.Table, parts: Name) -> Collected:
    constraints = table.table_constraints
    primary: Name = ()
    foreign: list[ForeignKey] = []
    if constraints is not None:
        if constraints.primary_key is not None:
            primary = tuple(map(nfc, constraints.primary_key.columns))
        for key in constraints.foreign_keys or ():
            reference = key.referenced_table
            target = (reference.project, reference.dataset_id, reference.table_id)
            pairs = key.column_references
            foreign.append(
                ForeignKey(
                    tuple(nfc(pair.referencing_column) for pair in pairs),
                    tuple(map(nfc, target)),
                    tuple(nfc(pair.referenced_column) for pair in pairs),
                )
            )
    partitioning = _partitioning(table)
    fields = (partitioning["field"],) if partitioning and partitioning["field"] else ()
    is_relation = table.table_type in ("VIEW", "EXTERNAL")
    return Collected(
        Table(
            parts,
            tuple(_columns(table.schema, "")),
            kind=_KINDS.get(table.table_type or "", "table"),
            description=table.description or "",
            labels=dict(sorted((table.labels or {}).items())),
            # A view has no rows of its own; the API says 0.
            rows=None if is_relation else table.num_rows,
            bytes=None if is_relation else table.num_bytes,
            last_modified=table.modified.astimezone(UTC).isoformat() if table.modified else "",
            partitioning=fields,
            needs_partition_filter=bool(table.require_partition_filter),
            clustering=tuple(map(nfc, table.clustering_fields or ())),
            primary_key=primary,
            foreign_keys=tuple(foreign),
        ),
        etag=table.etag or "",
        partitioning=partitioning,
    )


def _columns(fields: Iterable[Any], prefix: str) -> Iterator[Column]:
    for each in fields:
        path = prefix + nfc(each.name)
        kind = (each.field_type or "").upper()
        tags = each.policy_tags.names if each.policy_tags is not None else ()
        yield Column(
            path,
            _TYPES.get(kind, kind),
            _MODES.get((each.mode or "").upper(), "NULLABLE"),
            each.description or "",
            tuple(tags),
        )
        if each.fields:
            yield from _columns(each.fields, f"{path}.")


def _partitioning(table: bigquery.Table) -> dict[str, Any] | None:
    required = bool(table.require_partition_filter)
    if table.time_partitioning is not None:
        time_based = table.time_partitioning
        # Without a field, rows are put by when they came.
        return {
            "type": time_based.type_ or "DAY",
            "field": time_based.field or "_PARTITIONTIME",
            "required": required,
            "expiration_ms": time_based.expiration_ms,
        }
    if table.range_partitioning is not None:
        spread = table.range_partitioning.range_
        return {
            "type": "RANGE",
            "field": table.range_partitioning.field,
            "required": required,
            "range": {"start": spread.start, "end": spread.end, "interval": spread.interval},
        }
    return None


def _left(wanted: Wanted) -> float:
    return float("inf") if wanted.deadline is None else wanted.deadline - time.monotonic()


def _too_late(parts: Name, kind: Literal["table", "dataset"]) -> Untold:
    return Untold(parts, "not read in time: the deadline of the collection had passed", kind)


def _untold(parts: Name, error: Exception, kind: Literal["table", "dataset"]) -> Untold:
    from google.api_core.exceptions import Forbidden, NotFound

    if isinstance(error, NotFound):
        return Untold(parts, f"there is no such {kind}", kind, gone=True)
    if isinstance(error, Forbidden):
        return Untold(
            parts,
            f"not allowed: {transport.words(error)} "
            "(roles/bigquery.metadataViewer on the dataset is enough)",
            kind,
        )
    return Untold(parts, f"could not be read: {transport.words(error)}", kind)

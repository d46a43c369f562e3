"""Looks for what would keep a collection from working, one check after the other.

Nothing is collected and nothing is written; the rights to write are asked for by name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from smq_metasync.collectors import Collected, Listed, SourceError, Untold, Wanted
from smq_metasync.engines import EngineError
from smq_metasync.plan import Plan
from smq_metasync.sources import Source, opened
from smq_metasync.stores import Stored, StoreError, open_store

State = Literal["ok", "warning", "failed"]
_WRITES = ("storage.objects.get", "storage.objects.create", "storage.objects.delete",
           "storage.objects.list")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """`cure` says what to do, empty when nothing is wrong."""

    name: str
    state: State
    detail: str
    cure: str = ""


def examine(plan: Plan) -> Iterator[Check]:
    """Every check of a plan, as it is made."""
    yield from _settings(plan)
    for name in plan.sources:
        yield from _source(plan, name)
    yield from _store(plan)


def _settings(plan: Plan) -> Iterator[Check]:
    settings = plan.settings
    for written in settings.curated:
        path = plan.directory / Path(written).expanduser()
        if not path.is_file():
            yield Check("examples", "failed", f"there is no file {written}",
                        "correct metasync.curated")  # fmt: skip
    if settings.insights and not settings.deny_columns:
        yield Check(
            "insights",
            "warning",
            "values of columns go into the cache, and no column is excepted",
            "name what holds personal data in metasync.deny_columns",
        )
    if "llm" in settings.examples and not plan.has_model:
        yield Check("examples", "warning", "no language model is configured",
                    "leave `llm` out of metasync.examples")  # fmt: skip


def _source(plan: Plan, name: str) -> Iterator[Check]:
    try:
        with opened(plan, name) as source:
            found = _first(plan, source)
            yield found
            if found.state != "failed" and source.engine is not None and plan.settings.dry_run:
                yield _dry_run(name, source)
    except SourceError as error:
        yield Check(name, "failed", str(error), _cure(name, str(error)))


def _first(plan: Plan, source: Source) -> Check:
    """Whether at least one wanted table can be read."""
    wanted = Wanted(plan.settings.tables, plan.settings.exclude, None, 1)
    untold: Untold | None = None
    for each in source.collector.collect(wanted, lambda *_: None):
        if isinstance(each, Collected):
            where = f" of project {source.project}" if source.project else ""
            return Check(source.name, "ok", f"tables{where} can be read: {each.table.path}")
        if isinstance(each, Untold):
            untold = untold or each
        elif isinstance(each, Listed) and untold is None:
            continue
    if untold is not None:
        what = ".".join(untold.parts)
        return Check(source.name, "failed", f"{what}: {untold.message}",
                     _cure(source.name, untold.message))  # fmt: skip
    return Check(source.name, "failed", "no table is wanted and there",
                 "see metasync.tables and metasync.exclude")  # fmt: skip


def _dry_run(name: str, source: Source) -> Check:
    assert source.engine is not None
    try:
        source.engine.dry_run("SELECT 1 AS one")
    except EngineError as error:
        return Check(
            "dry run",
            "failed",
            f"{name} does not plan queries: {error}",
            "grant roles/bigquery.jobUser on the project, or set metasync.dry_run = false"
            if name == "bigquery"
            else "set metasync.dry_run = false",
        )
    return Check("dry run", "ok", f"{name} plans queries")


def _store(plan: Plan) -> Iterator[Check]:
    try:
        store = open_store(plan.location, plan.directory, timeout=20)
        stored = store.read()
        if isinstance(stored, Stored):
            yield Check("cache", "ok", f"{store.location} can be read")
        else:
            yield Check("cache", "ok", f"{store.location} is not there yet")
        yield _may_write(plan, store)
    except StoreError as error:
        yield Check("cache", "failed", str(error), "see docs/metasync.md, Permissions")


def _may_write(plan: Plan, store: object) -> Check:
    from smq_metasync.stores.local import LocalStore

    if isinstance(store, LocalStore):
        directory = store.path.parent
        while not directory.exists():
            directory = directory.parent
        if os.access(directory, os.W_OK):
            return Check("write", "ok", f"{directory} can be written")
        return Check("write", "failed", f"{directory} cannot be written", "choose another place")
    from smq_metasync.stores.gcs import GcsStore

    assert isinstance(store, GcsStore)
    missing = store.missing_permissions(_WRITES)
    if missing:
        return Check(
            "write",
            "failed",
            f"not allowed on the bucket: {', '.join(missing)}",
            "grant roles/storage.objectUser on the bucket",
        )
    return Check("write", "ok", "the cache can be replaced")


def _cure(name: str, message: str) -> str:
    if "not allowed" in message or "denied" in message.lower() or "403" in message:
        return "grant roles/bigquery.metadataViewer on the datasets"
    if "pip install" in message or "login" in message or "set " in message:
        return ""
    return "see docs/metasync.md" if name == "bigquery" else f"see [engine.{name}] in smq.toml"

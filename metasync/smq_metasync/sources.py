"""Opens what a plan collects from, one source after the other, and closes it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from smq_metasync.collectors import Collector, SourceError
from smq_metasync.connect import connect
from smq_metasync.engines import Engine, EngineError
from smq_metasync.plan import Plan


@dataclass(frozen=True, slots=True)
class Source:
    """A collector, with the engine behind it where queries can be tried."""

    name: str
    collector: Collector
    engine: Engine | None = None
    project: str | None = None
    location: str | None = None

    def bytes_billed(self) -> int:
        billed = getattr(self.engine, "bytes_billed", 0)
        return billed if isinstance(billed, int) else 0


Opener = Callable[[Plan, str], Source]


@contextmanager
def opened(plan: Plan, name: str) -> Iterator[Source]:
    """One source of a plan. Raises SourceError when it cannot be reached."""
    source = open_source(plan, name)
    try:
        yield source
    finally:
        if source.engine is not None:
            source.engine.close()


def open_source(plan: Plan, name: str) -> Source:
    """The same, for who closes the engine. Raises SourceError."""
    settings = plan.settings
    if name == "ddl":
        from smq_metasync.collectors.files import DdlCollector

        paths = [_path(plan, written) for written in settings.ddl]
        if not paths:
            raise SourceError("the source ddl needs files: set metasync.ddl")
        return Source(
            name, DdlCollector(paths, plan.directory, settings.ddl_dialect or plan.dialect)
        )
    if name == "dbt":
        from smq_metasync.collectors.files import DbtCollector

        return Source(name, DbtCollector(_path(plan, settings.dbt_catalog), plan.dialect))
    engine_settings = replace(
        plan.engine,
        type=name,
        bigquery=replace(plan.engine.bigquery, maximum_bytes_billed=settings.maximum_bytes_billed),
    )
    try:
        engine = connect(engine_settings, plan.directory, plan.environ)
    except EngineError as error:
        raise SourceError(str(error)) from error
    if name == "bigquery":
        from smq_metasync.collectors.bigquery import BigqueryCollector
        from smq_metasync.engines.bigquery import BigqueryEngine

        assert isinstance(engine, BigqueryEngine)
        client = engine.client
        return Source(name, BigqueryCollector(client), engine, client.project, client.location)
    from smq_metasync.collectors.relational import RelationalCollector

    return Source(
        name, RelationalCollector(engine, "postgres" if name == "postgres" else "duckdb"), engine
    )


def _path(plan: Plan, written: str) -> Path:
    return plan.directory / Path(written).expanduser()

"""The one door to the engines. Drivers are imported when a connection is made, never before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from smq.workspace.configuration import EngineSettings
from smq_metasync.engines import Engine, EngineError

ENGINES = ("duckdb", "postgres", "bigquery")


def connect(
    settings: EngineSettings,
    directory: Path,
    environ: Mapping[str, str],
    tables: Collection[str] | None = None,
) -> Engine:
    """Connect to the configured engine.

    `directory` is what relative paths in the settings start from, `environ` the only place where
    credentials come from. `tables` names the tables that will be read, so that an engine which
    has to load files loads no others; None loads all. Raises EngineError.
    """
    if settings.type == "duckdb":
        # Each engine brings its driver, which the other engines' users may not have.
        from smq_metasync.engines.duckdb import DuckdbEngine

        return DuckdbEngine(settings.duckdb, directory, tables)
    if settings.type == "postgres":
        from smq_metasync.engines.postgres import PostgresEngine

        return PostgresEngine(settings.postgres, environ)
    if settings.type == "bigquery":
        from smq_metasync.engines.bigquery import BigqueryEngine

        return BigqueryEngine(settings.bigquery, environ)
    known = ", ".join(ENGINES)
    raise EngineError(f"no engine is called '{settings.type}'; there are: {known}")


def dialect_of(engine_type: str) -> str | None:
    """The SQL that an engine speaks, known without connecting; None for an unknown engine."""
    return engine_type if engine_type in ENGINES else None


def bills_by_bytes(engine_type: str) -> bool:
    """Whether the engine tells, without running a query, how many bytes would be paid for."""
    return engine_type == "bigquery"

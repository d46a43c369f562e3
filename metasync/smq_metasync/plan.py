"""What one collection is asked to do: the settings, and the environment where they are silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from smq.workspace.configuration import Configuration, EngineSettings, MetasyncSettings
from smq_metasync.collectors import split_name
from smq_metasync.location import DEFAULT_LOCATION, configured_location


@dataclass(frozen=True, slots=True)
class Plan:
    """`directory` is what relative paths start from, `location` where the cache is."""

    location: str
    directory: Path
    sources: tuple[str, ...]
    settings: MetasyncSettings
    engine: EngineSettings
    dialect: str
    environ: Mapping[str, str]
    main_table: tuple[str, ...] | None = None
    has_model: bool = False
    """Whether a language model is configured that could write examples."""


def plan_of(configuration: Configuration, directory: Path, environ: Mapping[str, str]) -> Plan:
    """The plan of a workspace.

    `GCS_BUCKET`, `TARGET_TABLE_ID` and `GOOGLE_CLOUD_PROJECT` count where the configuration says
    nothing: a bucket for the cache; a table, with its dataset on BigQuery to collect; a project.
    """
    settings = configuration.metasync
    target = settings.main_table or environ.get("TARGET_TABLE_ID") or ""
    main = split_name(target) or None
    engine = configuration.engine
    project = engine.bigquery.project or environ.get("GOOGLE_CLOUD_PROJECT") or None
    if main is not None and len(main) == 3:
        project = project or main[0]
    engine = replace(engine, bigquery=replace(engine.bigquery, project=project))
    from_environment = not settings.main_table and environ.get("TARGET_TABLE_ID")
    if from_environment and main is not None and len(main) > 1:
        if settings.sources == ("engine",) and engine.type != "bigquery":
            settings = replace(settings, sources=("bigquery",))
        if not settings.tables:
            settings = replace(settings, tables=(".".join((*main[:-1], "*")),))
    return Plan(
        configured_location(settings.cache, environ) or DEFAULT_LOCATION,
        directory,
        tuple(dict.fromkeys(e if e != "engine" else engine.type for e in settings.sources)),
        settings,
        engine,
        configuration.dialect,
        environ,
        main,
        bool(configuration.llm.model),
    )

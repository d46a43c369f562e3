"""`smq metasync deploy`: files for a scheduled collection in Google Cloud; applies nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from smq_metasync.deploy import DeployError, Deployment, files
from smq_metasync.plan import Plan, plan_of
from smq_server.cli.streams import Streams
from smq_server.io.failure import Failure
from smq_server.io.files import write_text
from smq_server.io.uris import absolute, display
from smq_server.io.workspace import locate


def run(arguments: argparse.Namespace, streams: Streams) -> int:
    if not arguments.is_printed and not arguments.directory:
        raise Failure("deploy applies nothing: --print shows the files, -o DIR writes them")
    location = locate(Path(arguments.workspace), streams.environ, arguments.config)
    plan = plan_of(location.configuration, location.root, streams.environ)
    found = files(_deployment(plan, arguments))
    if arguments.directory:
        target = absolute(Path(arguments.directory))
        target.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            write_text(target / name, text)
        streams.message(f"wrote {', '.join(found)} to {display(target)}; review, then run one")
    if arguments.is_printed:
        for name, text in found.items():
            streams.write(f"# ==== {name} ====\n{text}\n")
    return 0


def _deployment(plan: Plan, arguments: argparse.Namespace) -> Deployment:
    if not plan.location.startswith("gs://"):
        raise Failure(
            'a function cannot write to a file of this machine; set metasync.cache = "gs://bucket"'
        )
    bucket, _, folder = plan.location.removeprefix("gs://").partition("/")
    if "/" in folder:
        raise Failure("give the cache a bucket of its own: rights are given on the whole bucket")
    project = plan.engine.bigquery.project
    if not project:
        raise Failure("the project is not known; set engine.bigquery.project")
    settings = plan.settings
    try:
        return Deployment(
            project,
            bucket,
            arguments.region,
            _datasets(plan, project),
            arguments.schedule,
            arguments.name,
            runs_queries=settings.dry_run and bool(settings.examples),
            reads_values=settings.insights,
            snapshot_days=settings.snapshot_days,
            target_table=".".join(plan.main_table) if plan.main_table else "",
            asks_model="llm" in settings.examples and plan.has_model,
        )
    except DeployError as error:
        raise Failure(str(error)) from error


def _datasets(plan: Plan, project: str) -> tuple[str, ...]:
    """The datasets that are named; none when any of the project may be meant."""
    found: dict[str, None] = {}
    for pattern in plan.settings.tables:
        *outer, dataset, _ = (project, *pattern.split("."))[-3:]
        if any(char in dataset for char in "*?[") or len(pattern.split(".")) < 2:
            return ()
        found[f"{outer[0] if outer else project}.{dataset}"] = None
    return tuple(found)

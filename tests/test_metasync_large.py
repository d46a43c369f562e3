"""A dataset of ten thousand tables: memory and concurrency stay bounded, progress is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.bigquery_double import BigqueryDouble, column

from smq.catalog import Known
from smq.catalog.read import read_cache

_RUN = """
import json, os, resource, sys
from pathlib import Path
from smq.workspace.configuration import Configuration, EngineSettings, MetasyncSettings
from smq_metasync.plan import plan_of
from smq_metasync.service import sync
from smq_metasync.stores import open_store

settings = MetasyncSettings(examples=(), concurrency=8)
plan = plan_of(
    Configuration(dialect="bigquery", engine=EngineSettings("bigquery"), metasync=settings),
    Path(sys.argv[1]), os.environ)
seen = []
outcome = sync(plan, open_store(plan.location, plan.directory),
               progress=lambda done, known, what: seen.append((done, known)))
print(json.dumps({
    "tables": outcome.tables,
    "seconds": outcome.seconds,
    "warnings": len(outcome.warnings),
    "progress": len(seen),
    "last": seen[-1],
    "kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
}))
"""


def run(double: BigqueryDouble, directory: Path) -> dict[str, Any]:
    environ = {
        **os.environ,
        "BIGQUERY_EMULATOR_HOST": double.server.url,
        "GOOGLE_CLOUD_PROJECT": double.project,
    }
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(directory)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.long
def test_ten_thousand_tables(tmp_path: Path) -> None:
    fields = [column(f"column_{number}", "INTEGER") for number in range(20)]
    double = BigqueryDouble(page=1000)
    for number in range(100):
        double.table(f"large.table_{number}x", fields)
    with double.server.running():
        few = run(double, tmp_path / "few")
        for number in range(100, 10_000):
            double.table(f"large.table_{number}x", fields)
        double.server.fault("status", "/tables/table_77", status=503, times=20)
        double.server.busiest = 0
        many = run(double, tmp_path / "many")
    assert (few["tables"], many["tables"]) == (100, 10_000)
    assert many["warnings"] == 0
    assert (many["progress"], many["last"]) == (10_000, [10_000, 10_000])
    assert double.server.busiest <= 8
    # 200,000 columns are some ten megabytes of text; what is kept for each is no more than that,
    # and a few times over while the cache is put together.
    assert many["kilobytes"] - few["kilobytes"] < 200_000
    data = (tmp_path / "many" / ".smq" / "metadata_cache.json").read_bytes()
    known = read_cache(data)
    assert isinstance(known, Known)
    assert len(known) == 10_000
    table = known.table(("large", "table_9999x"))
    assert table is not None
    assert len(table.columns) == 20

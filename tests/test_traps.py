"""Traps that other compilers fell into: rows by hand, and the time that wide queries take."""

from __future__ import annotations

import json
import time

import pytest
from tests.support.check_example import check_example
from tests.support.corpus import Example
from tests.support.traps import TRAPS
from tests.support.truth import connection, errors, one_select
from tests.support.workspace import compile_text, load_workspace


def named(example: Example) -> str:
    return example.name


@pytest.mark.parametrize("example", TRAPS, ids=named)
def test_trap(example: Example) -> None:
    check_example(example)


def test_names_of_cases_are_unique() -> None:
    assert len({example.name for example in TRAPS}) == len(TRAPS)


def test_seventy_metrics_by_a_hundred_dimensions() -> None:
    """Two facts and a dimension table, wide as real ones are; one row each, to see it run."""
    facts = []
    for fact in ("f1", "f2"):
        measures = "".join(
            f"      - {{name: {fact}_m{i}, type: integer, agg: sum, expr: m{i}}}\n"
            for i in range(35)
        )
        facts.append(
            f"  - name: {fact}\n    table: {fact}\n    entities:\n"
            f"      - {{name: {fact}_id, type: primary, expr: id}}\n"
            f"      - {{name: dim, type: foreign, expr: dim_id}}\n    measures:\n{measures}"
        )
    dimensions = "".join(f"      - {{name: d{i}, type: varchar}}\n" for i in range(100))
    metrics = "".join(
        f"  - {{name: total_{f}_{i}, metric_type: simple, type_params: {{measure: {f}_m{i}}}}}\n"
        for f in ("f1", "f2")
        for i in range(35)
    )
    models = (
        "semantic_models:\n" + "".join(facts) + "  - name: wide\n    table: wide\n"
        "    entities: [{name: dim, type: primary, expr: id}]\n"
        f"    dimensions:\n{dimensions}metrics:\n{metrics}"
    )
    query = json.dumps(
        {
            "metrics": [f"total_{f}_{i}" for f in ("f1", "f2") for i in range(35)],
            "groupBy": [f"wide__d{i}" for i in range(100)],
        }
    )
    graph, problems = load_workspace({"models.yml": models})
    assert not errors(problems)
    compile_text(graph, query)
    started = time.perf_counter()
    (compiled,) = compile_text(graph, query)
    elapsed = time.perf_counter() - started
    assert not errors(compiled.problems)
    # The promise is 50 ms on a quiet machine; this bound only catches a change of order.
    assert elapsed < 1.0
    sql = compiled.queries[0].sql
    one_select(sql)
    for fact in ("f1", "f2"):
        columns = ", ".join(f"{i} AS m{i}" for i in range(35))
        connection().execute(
            f"CREATE OR REPLACE TABLE {fact} AS SELECT 'x' AS id, 'k' AS dim_id, {columns}"
        )
    columns = ", ".join(f"'v{i}' AS d{i}" for i in range(100))
    connection().execute(f"CREATE OR REPLACE TABLE wide AS SELECT 'k' AS id, {columns}")
    assert connection().execute(sql).fetchall() == [
        (*(f"v{i}" for i in range(100)), *range(35), *range(35))
    ]

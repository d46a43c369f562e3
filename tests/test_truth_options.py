"""Options of the compiler change the form of a query's answer, never its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from tests.support.duck_tables import create_tables, plain
from tests.support.oracle import answer
from tests.support.oracle_expressions import Name
from tests.support.oracle_files import query_json, world_yaml
from tests.support.oracle_world import Query, Refused, Select, Unsure, World
from tests.support.strategies import make_world
from tests.support.strategies_queries import make_case
from tests.support.truth import compare_rows, connection, errors, judge, words
from tests.support.workspace import compile_text, load_workspace

from smq.sql.compile import CompileOptions
from smq.sql.result import Compiled


@pytest.mark.parametrize("chunk", range(3))
def test_inline_views_give_the_same_rows(chunk: int) -> None:
    options = CompileOptions(dialect="duckdb", inline=True)
    for seed in range(chunk * 20, chunk * 20 + 20):
        verdict = judge(make_case(seed), options=options)
        assert verdict.ok, verdict.report


def test_inline_leaves_no_with_clause() -> None:
    """Whatever the query: several facts, written joins whose rows are counted once, percentiles."""
    options = CompileOptions(dialect="duckdb", inline=True)
    counted = 0
    for seed in range(300):
        case = make_case(seed)
        if case.expected is None or case.query.clause is None:
            continue
        (query,) = compile_query_of(case.world, case.query, options).queries
        counted += "_counts" in query.sql
        assert "WITH " not in query.sql.replace("WITHIN ", ""), query.sql
    assert counted >= 3


# --- distribution --------------------------------------------------------------------------------


def compile_query_of(world: World, query: Query, options: CompileOptions) -> Compiled:
    graph, _ = load_workspace({"models.yml": world_yaml(world)})
    (compiled,) = compile_text(graph, query_json(query), options)
    return compiled


def unconnected() -> Iterator[tuple[World, Query, Compiled]]:
    """Queries that the spec refuses as one and that `distribute` turns into several."""
    seed = 0
    while True:
        seed += 1
        rng = Random(f"distribute {seed}")
        world = make_world(rng)
        names = [name for name, metric in world.metrics.items() if metric.window is None]
        dimensions = [f"{m.name}__{d.name}" for m in world.models.values() for d in m.dimensions]
        query = Query(
            [Select(Name(name)) for name in rng.sample(names, min(len(names), 3))],
            rng.sample(dimensions, min(len(dimensions), rng.choice((1, 2, 3)))),
        )
        query.order_by = [(query.group_by[0], rng.random() < 0.5)] if rng.random() < 0.5 else []
        try:
            answer(world, query)
        except Unsure:
            continue
        except Refused:
            pass
        else:
            continue
        compiled = compile_query_of(world, query, CompileOptions(distribute=True))
        if compiled.queries:
            yield world, query, compiled


def test_each_part_of_a_distributed_query_is_right_and_no_item_is_lost() -> None:
    found = unconnected()
    for _ in range(25):
        world, query, compiled = next(found)
        assert len(compiled.queries) > 1
        metrics: list[str] = []
        groups: list[str] = []
        for part in compiled.queries:
            sub = Query(
                [Select(Name(text)) for text in part.written["metrics"]],
                list(part.written.get("groupBy", [])),
            )
            sub.order_by = [
                (text.removeprefix("-"), text.startswith("-"))
                for text in part.written.get("orderBy", [])
            ]
            create_tables(connection(), world.tables)
            cursor = connection().execute(part.sql)
            names = [column[0] for column in cursor.description or ()]
            rows = [tuple(map(plain, row)) for row in cursor.fetchall()]
            verdict = compare_rows(answer(world, sub), names, rows)
            assert verdict.ok, f"{verdict.detail}\n{part.written}\n{part.sql}"
            metrics += part.written["metrics"]
            groups += sub.group_by
        assert sorted(metrics) == sorted(query_text(query))
        assert set(groups) == set(query.group_by)


def query_text(query: Query) -> list[str]:
    return [select.expr.text for select in query.metrics if isinstance(select.expr, Name)]


def test_without_the_option_the_parts_are_an_error_that_lists_them() -> None:
    found = unconnected()
    for _ in range(10):
        world, query, _ = next(found)
        compiled = compile_query_of(world, query, CompileOptions())
        assert not compiled.queries
        text = " ".join(map(words, errors(compiled.problems)))
        assert all(name in text for name in query_text(query)), text

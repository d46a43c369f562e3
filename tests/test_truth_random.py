"""Random worlds and queries: the compiler's rows are the oracle's, and properties hold."""

from __future__ import annotations

import copy
from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.duck_tables import create_tables, plain, same, unmatched
from tests.support.oracle import answer
from tests.support.oracle_expressions import Name, Value
from tests.support.oracle_files import query_json, world_yaml
from tests.support.oracle_world import (
    Dimension,
    Entity,
    Model,
    Query,
    Refused,
    Select,
    Table,
    Unsure,
    World,
)
from tests.support.strategies import make_world
from tests.support.strategies_metrics import MetricMaker
from tests.support.strategies_queries import Case, QueryMaker, cases, make_case
from tests.support.truth import connection, faults, judge, one_select, words
from tests.support.workspace import compile_text, load_workspace

from smq.sql.compile import CompileOptions

CHUNK = 20
CHUNKS = 15
LONG_CHUNK = 200
LONG_CHUNKS = 100


def check(seeds: range) -> None:
    """Every case of the seeds agrees; the first few that do not are shown in full."""
    wrong = []
    for seed in seeds:
        verdict = judge(make_case(seed), dbt=seed % 5 == 4)
        if not verdict.ok:
            wrong.append((seed, verdict))
    if wrong:
        kinds = Counter(verdict.kind for _, verdict in wrong)
        shown = "\n\n".join(f"=== seed {seed}\n{verdict.report}" for seed, verdict in wrong[:2])
        pytest.fail(f"{dict(kinds)} at {[seed for seed, _ in wrong]}\n{shown}", pytrace=False)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_seeded_cases_agree_with_the_oracle(chunk: int) -> None:
    check(range(chunk * CHUNK, (chunk + 1) * CHUNK))


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(LONG_CHUNKS))
def test_many_seeded_cases_agree_with_the_oracle(chunk: int) -> None:
    start = 1000 + chunk * LONG_CHUNK
    check(range(start, start + LONG_CHUNK))


def filtered_by_metric(seed: int) -> Case | None:
    """The seed's query with one more filter, on the metric of an entity."""
    rng = Random(f"metric of an entity {seed}")
    case = make_case(seed)
    known = list(case.world.models.values())
    maker = MetricMaker(rng, case.world)
    condition = maker.metric_of_an_entity(rng.choice(known))
    if condition is None:
        return None
    query = copy.copy(case.query)
    query.filters = [*query.filters, condition]
    try:
        return Case(case.world, query, answer(case.world, query))
    except (Refused, Unsure):
        return None


@pytest.mark.parametrize("chunk", range(4))
def test_filters_on_metrics_of_entities_agree_with_the_oracle(chunk: int) -> None:
    asked = 0
    for seed in range(chunk * 60, chunk * 60 + 60):
        case = filtered_by_metric(seed)
        if case is not None:
            asked += 1
            verdict = judge(case)
            assert verdict.ok, f"seed {seed}\n{verdict.report}"
    assert asked >= 4


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)
@given(cases())
def test_drawn_cases_agree_with_the_oracle(case: Case) -> None:
    verdict = judge(case)
    assert verdict.ok, verdict.report


def test_most_generated_queries_have_an_answer_with_rows() -> None:
    """Otherwise all the other runs would mean little."""
    kinds: Counter[str] = Counter()
    for seed in range(400):
        case = make_case(seed)
        kinds[
            "refused" if case.expected is None else "rows" if case.expected.rows else "empty"
        ] += 1
    assert kinds["rows"] >= 0.8 * 400
    assert kinds["refused"] >= 0.02 * 400


def rows_of(world: World, query: Query) -> list[tuple[Value, ...]]:
    """The rows that the compiled SQL gives."""
    text = world_yaml(world)
    graph, problems = load_workspace({"models.yml": text})
    assert faults(problems) == []
    (compiled,) = compile_text(graph, query_json(query), CompileOptions(dialect="duckdb"))
    assert compiled.queries, f"{[*map(words, compiled.problems)]}\n{query_json(query)}\n{text}"
    one_select(compiled.queries[0].sql)
    create_tables(connection(), world.tables)
    found = connection().execute(compiled.queries[0].sql).fetchall()
    return [tuple(map(plain, row)) for row in found]


def plain_case(rng: Random) -> tuple[World, Query]:
    """A query with rows and groups and without windows, order, limit or joins."""
    while True:
        world = make_world(rng)
        query = QueryMaker(rng, world).make()
        query.order_by, query.limit, query.clause = [], None, None
        query.metrics = [
            s
            for s in query.metrics
            if isinstance(s.expr, Name) and not world.metrics[s.expr.text].window
        ]
        if query.metrics and query.group_by and has_rows(world, query):
            return world, query


def has_rows(world: World, query: Query) -> bool:
    try:
        return bool(answer(world, query).rows)
    except (Refused, Unsure):
        return False


SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_permuting_group_by_permutes_columns(seed: int) -> None:
    rng = Random(f"permute {seed}")
    world, query = plain_case(rng)
    order = rng.sample(range(len(query.group_by)), len(query.group_by))
    permuted = copy.copy(query)
    permuted.group_by = [query.group_by[i] for i in order]
    straight, turned = rows_of(world, query), rows_of(world, permuted)
    expected = [(*(row[i] for i in order), *row[len(order) :]) for row in straight]
    assert unmatched(turned, expected) == ([], [])


@pytest.mark.parametrize("seed", SEEDS)
def test_another_metric_changes_no_value(seed: int) -> None:
    """On the keys that the narrower query has; the other metric may only bring more keys."""
    rng = Random(f"another {seed}")
    while True:
        world, query = plain_case(rng)
        # A filter on a metric sees other groups once another metric brings them.
        query.filters = []
        wider = copy.copy(query)
        chosen = {s.output for s in query.metrics}
        others = [n for n, m in world.metrics.items() if n not in chosen and not m.window]
        wider.metrics = [*query.metrics, *(Select(Name(n)) for n in others[:1])]
        if others and has_rows(world, wider):
            break
    width = len(query.group_by)
    before, after = rows_of(world, query), rows_of(world, wider)
    kept = {row[:width]: row[width:-1] for row in after}
    for row in before:
        assert all(map(same, kept[row[:width]], row[width:])), (row, kept)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_unused_model_changes_nothing(seed: int) -> None:
    """A model that joins to what the query uses, but that the query does not mention."""
    rng = Random(f"unused {seed}")
    joinable: list[Model] = []
    while not joinable:
        world, query = plain_case(rng)
        joinable = [model for model in world.models.values() if model.entities]
    some = rng.choice(joinable)
    table = Table("t_extra", [("id", "text"), ("fk", "text")], [{"id": "q", "fk": None}])
    extra = Model(
        "unrelated",
        table,
        [Entity("unrelated_key", "primary", "id"), Entity(some.entities[0].name, "foreign", "fk")],
        [Dimension("note", "text", Name("fk"))],
    )
    wider = World({**world.models, "unrelated": extra}, world.metrics)
    assert unmatched(rows_of(wider, query), rows_of(world, query)) == ([], [])


def additive(world: World) -> list[str]:
    """Metrics that sum or count rows and do nothing else."""
    measures = {m.name: m.agg for model in world.models.values() for m in model.measures}
    return [
        name
        for name, metric in world.metrics.items()
        if metric.kind == "simple"
        and metric.window is None
        and measures[metric.inputs[0].name] in ("sum", "count")
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_totals_are_the_sum_of_groups(seed: int) -> None:
    rng = Random(f"totals {seed}")
    while True:
        world, query = plain_case(rng)
        candidates = [
            Query([Select(Name(name))], query.group_by)
            for name in additive(world)
            if has_rows(world, Query([Select(Name(name))], query.group_by))
        ]
        if candidates:
            break
    grouped = rng.choice(candidates)
    ((total,),) = rows_of(world, Query(grouped.metrics))
    parts = [row[-1] for row in rows_of(world, grouped)]
    numbers = [part for part in parts if isinstance(part, int | float)]
    assert same(sum(numbers) if numbers else None, total)

"""No input makes the compiler raise, emit a second statement, or answer what has no answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.bank import BANK_YML
from tests.support.oracle_files import query_json, world_yaml
from tests.support.oracle_world import World
from tests.support.strategies_queries import make_case
from tests.support.truth import errors, one_select, words
from tests.support.workspace import compile_text, load_workspace

from smq.graph.graph import SemanticGraph

Smq = dict[str, Any]
Mutation = Callable[[Random, World, Smq], Smq | None]


def check_safe(graph: SemanticGraph, text: str, dialect_text: str = "duckdb") -> bool:
    """Whether the text compiles; either way nothing raises, and SQL is one SELECT."""
    compiled = compile_text(graph, text)
    for one in compiled:
        assert bool(one.queries) != bool(errors(one.problems)), [*map(words, one.problems)]
        for query in one.queries:
            one_select(query.sql, dialect_text)
            assert query.columns, "a compiled query has metadata"
    return all(one.queries for one in compiled)


# --- mistakes that are put into sound queries ----------------------------------------------------


def a_metric(world: World, smq: Smq) -> str:
    return next(n for n in world.metrics if any(n in text for text in smq["metrics"]))


def quoted(name: str) -> str:
    return f'"{name}"'


def a_dimension(rng: Random, world: World) -> str:
    model = rng.choice(list(world.models.values()))
    return f"{model.name}__{rng.choice(model.dimensions).name}"


def an_aggregate_around_a_metric(rng: Random, world: World, smq: Smq) -> Smq:
    return {**smq, "metrics": [*smq["metrics"], f"SUM({quoted(a_metric(world, smq))}) AS again"]}


def a_metric_with_a_prefix(rng: Random, world: World, smq: Smq) -> Smq:
    model = rng.choice(list(world.models))
    return {**smq, "metrics": [*smq["metrics"], f"{model}__{a_metric(world, smq)}"]}


def a_dimension_among_metrics(rng: Random, world: World, smq: Smq) -> Smq:
    return {**smq, "metrics": [*smq["metrics"], a_dimension(rng, world)]}


def a_measure_among_metrics(rng: Random, world: World, smq: Smq) -> Smq:
    model = rng.choice(list(world.models.values()))
    return {**smq, "metrics": [*smq["metrics"], f"{model.name}__{model.measures[0].name}"]}


def a_model_among_metrics(rng: Random, world: World, smq: Smq) -> Smq | None:
    names = [name for name in world.models if name not in world.metrics]
    return {**smq, "metrics": [*smq["metrics"], rng.choice(names)]} if names else None


def an_unknown_metric(rng: Random, world: World, smq: Smq) -> Smq:
    return {**smq, "metrics": [*smq["metrics"], a_metric(world, smq) + "x"]}


def no_metrics(rng: Random, world: World, smq: Smq) -> Smq:
    return {**smq, "metrics": rng.choice(([], [""], None))}


def a_metric_twice(rng: Random, world: World, smq: Smq) -> Smq:
    return {**smq, "metrics": [*smq["metrics"], smq["metrics"][0]]}


def a_metric_among_groups(rng: Random, world: World, smq: Smq) -> Smq:
    return {**smq, "groupBy": [*smq.get("groupBy", []), a_metric(world, smq)]}


def an_expression_among_groups(rng: Random, world: World, smq: Smq) -> Smq:
    return {**smq, "groupBy": [*smq.get("groupBy", []), f"UPPER({a_dimension(rng, world)})"]}


def a_measure_among_groups(rng: Random, world: World, smq: Smq) -> Smq:
    model = rng.choice(list(world.models.values()))
    text = f"{model.name}__{model.measures[0].name}"
    return {**smq, "groupBy": [*smq.get("groupBy", []), text]}


def an_unknown_dimension(rng: Random, world: World, smq: Smq) -> Smq:
    return {**smq, "groupBy": [*smq.get("groupBy", []), a_dimension(rng, world) + "z"]}


def an_aggregate_in_a_filter(rng: Random, world: World, smq: Smq) -> Smq:
    model = rng.choice(list(world.models.values()))
    text = f"SUM({model.name}__{model.measures[0].name}) > 3"
    return {**smq, "filters": [*smq.get("filters", []), text]}


def a_second_statement(rng: Random, world: World, smq: Smq) -> Smq:
    text = rng.choice(
        (
            "1 = 1; DROP TABLE t0_raw",
            "1 = 1) ; DELETE FROM t0_raw WHERE (1 = 1",
            "DROP TABLE t0_raw",
            "SELECT 1",
            "1 = 1 UNION SELECT 1",
            "(DELETE FROM t0_raw RETURNING id) IS NULL",
        )
    )
    return {**smq, "filters": [*smq.get("filters", []), text]}


def a_raw_table_in_a_filter(rng: Random, world: World, smq: Smq) -> Smq:
    text = f"{a_dimension(rng, world)} IN (SELECT table_name FROM information_schema.tables)"
    return {**smq, "filters": [*smq.get("filters", []), text]}


def a_broken_filter(rng: Random, world: World, smq: Smq) -> Smq:
    name = a_dimension(rng, world)
    text = rng.choice((f"{name} =", f"({name} = 'a'", f"{name} = 'a", "AND", f"{name} = = 1"))
    return {**smq, "filters": [*smq.get("filters", []), text]}


def an_order_that_is_not_there(rng: Random, world: World, smq: Smq) -> Smq:
    text = rng.choice(("nothing_like_it", "-nothing_like_it", ""))
    return {**smq, "orderBy": [*smq.get("orderBy", []), text or "-"]}


def a_limit_that_is_none(rng: Random, world: World, smq: Smq) -> Smq:
    return {**smq, "limit": rng.choice((-1, 1.5, "3", True, [1]))}


def an_unknown_key(rng: Random, world: World, smq: Smq) -> Smq:
    return {**smq, rng.choice(("metric", "having", "groupby_", "where")): ["x"]}


def joins_of_two_elements(rng: Random, world: World, smq: Smq) -> Smq:
    model = rng.choice(list(world.models))
    return {**smq, "joins": [f"FROM {quoted(model)}", f"LEFT JOIN {quoted(model)} ON 1 = 1"]}


def joins_without_from(rng: Random, world: World, smq: Smq) -> Smq:
    return {**smq, "joins": [rng.choice(("gds_cd", f"JOIN {quoted(next(iter(world.models)))}"))]}


def joins_of_an_unknown_model(rng: Random, world: World, smq: Smq) -> Smq:
    first = quoted(next(iter(world.models)))
    return {**smq, "joins": [f"FROM {first} CROSS JOIN information_schema.tables"]}


def joins_that_are_a_statement(rng: Random, world: World, smq: Smq) -> Smq:
    first = quoted(next(iter(world.models)))
    text = rng.choice(
        (f"DELETE FROM {first}", f"FROM {first}; DROP TABLE x", f"FROM {first} WHERE 1 = 1")
    )
    return {**smq, "joins": [text]}


MUTATIONS: tuple[Mutation, ...] = (
    an_aggregate_around_a_metric,
    a_metric_with_a_prefix,
    a_dimension_among_metrics,
    a_measure_among_metrics,
    a_model_among_metrics,
    an_unknown_metric,
    no_metrics,
    a_metric_twice,
    a_metric_among_groups,
    an_expression_among_groups,
    a_measure_among_groups,
    an_unknown_dimension,
    an_aggregate_in_a_filter,
    a_second_statement,
    a_raw_table_in_a_filter,
    a_broken_filter,
    an_order_that_is_not_there,
    a_limit_that_is_none,
    an_unknown_key,
    joins_of_two_elements,
    joins_without_from,
    joins_of_an_unknown_model,
    joins_that_are_a_statement,
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: str(mutation.__name__))
def test_a_mistake_in_a_sound_query_is_an_error(mutation: Mutation) -> None:
    tried = 0
    for seed in range(60):
        case = make_case(seed)
        if case.expected is None:
            continue
        rng = Random(f"{mutation.__name__} {seed}")
        mutated = mutation(rng, case.world, json.loads(query_json(case.query)))
        if mutated is None:
            continue
        graph, _ = load_workspace({"models.yml": world_yaml(case.world)})
        text = json.dumps(mutated, ensure_ascii=False)
        assert not check_safe(graph, text), f"seed {seed} gives rows for {text}"
        tried += 1
    assert tried > 20


# --- noise ---------------------------------------------------------------------------------------

WORDS = (
    *("부점코드__brn_cd", "고객기본__cust_no", "주문__order_date__month", "brn_stcd", "open_dt"),
    *(
        "revenue",
        "total_credit",
        "주문__amount",
        "계좌정보__balance",
        "metric_time",
        "cust__brn__brn_cd",
    ),
    *("SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "IS NULL", "BETWEEN", "CASE WHEN"),
    *(
        "THEN",
        "ELSE",
        "END",
        "OVER (",
        "PARTITION BY",
        "ORDER BY",
        "ROWS",
        "AS x",
        "SUM(",
        "COUNT(*)",
    ),
    *(
        "LEFT JOIN",
        "고객기본",
        "부점코드 AS b",
        "ON",
        "b.brncd",
        "{{ Dimension('cust__cust_no') }}",
    ),
    *("{{", "}}", "(", ")", ",", "=", ">", "<>", "+", "-", "*", "/", "||", ";", "--", "/*", "*/"),
    *(
        "'a'",
        "'",
        '"',
        "`",
        "1",
        "2.5",
        "NULL",
        "TRUE",
        "DATE '2024-01-01'",
        "INTERVAL '1' DAY",
        "\\",
    ),
    *("DROP TABLE x", "DELETE FROM x", "UNION ALL SELECT 1", "LIMIT 1", "EXISTS (", "💥", "\u0000"),
)
noise = st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=9).map(" ".join)
texts = st.lists(noise, max_size=3)
queries = st.fixed_dictionaries(
    {"metrics": st.just(["revenue"]) | texts},
    optional={
        "groupBy": st.lists(st.sampled_from(WORDS[:11]), max_size=2) | texts,
        "filters": texts,
        "orderBy": st.lists(st.sampled_from(WORDS[:11]), max_size=2) | texts,
        "limit": st.integers(0, 5),
        "joins": texts,
    },
)


@pytest.fixture(scope="module")
def bank() -> SemanticGraph:
    graph, problems = load_workspace({"bank.yml": BANK_YML})
    assert not errors(problems)
    return graph


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(smq=queries)
def test_noise_is_an_error_or_one_select(bank: SemanticGraph, smq: Smq) -> None:
    check_safe(bank, json.dumps(smq, ensure_ascii=False))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(position=st.sampled_from(("metrics", "filters", "joins")), text=noise)
def test_noise_at_one_place_is_an_error_or_one_select(
    bank: SemanticGraph, position: str, text: str
) -> None:
    smq: Smq = {"metrics": ["revenue"], "groupBy": ["고객기본__cust_no"]}
    smq[position] = [*smq.get(position, []), text]
    check_safe(bank, json.dumps(smq, ensure_ascii=False))

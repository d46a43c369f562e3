"""Metrics on metrics on metrics: what grows without bound is refused, at once and by name."""

from __future__ import annotations

import json
import time

import pytest
from tests.support.truth import connection, errors, words
from tests.support.workspace import compile_text, load_workspace

HEAD = """\
semantic_models:
  - name: sales
    table: sales
    entities: [{name: sale, type: primary, expr: id}, {name: shop, type: foreign, expr: shop_id}]
    measures: [{name: amount, type: integer, agg: sum}]
metrics:
  - {name: m0, metric_type: simple, type_params: {measure: amount}}
"""
AT_ONCE = 5.0
"""Seconds on a busy machine; what is not bounded takes minutes."""


def chain(levels: int, expression: str) -> str:
    """Metrics m1, m2, … each made of the one before, which stands as `m` in the expression."""
    found = HEAD
    for level in range(1, levels + 1):
        written = expression.replace("m", f"m{level - 1}")
        found += f'  - {{name: m{level}, metric_type: derived, expr: "{written}"}}\n'
    return found


def compiled(models: str, query: dict[str, object]) -> tuple[str, str]:
    """The SQL and the words of the errors of a query, which must come in a bounded time."""
    graph, _ = load_workspace({"models.yml": models})
    started = time.process_time()
    (answer,) = compile_text(graph, json.dumps(query))
    sql = answer.queries[0].sql if answer.queries else ""
    assert time.process_time() - started < AT_ONCE
    return sql, " ".join(map(words, errors(answer.problems)))


def value(sql: str) -> object:
    connection().execute(
        "CREATE OR REPLACE TABLE sales AS SELECT 'a' AS id, 's' AS shop_id, 3 AS amount"
    )
    ((found,),) = connection().execute(sql).fetchall()
    return found


@pytest.mark.parametrize(
    ("levels", "expression", "expected"),
    [(8, "m + m", 3 * 2**8), (60, "m + 1", 63), (3, "m * m - m", 870)],
)
def test_a_chain_that_can_be_written_is_right(levels: int, expression: str, expected: int) -> None:
    sql, said = compiled(chain(levels, expression), {"metrics": [f"m{levels}"]})
    assert said == ""
    assert value(sql) == expected


@pytest.mark.parametrize("levels", [12, 25, 60, 500])
@pytest.mark.parametrize(
    "expression", ["m + m", "(m - 1) / NULLIF(m, 0) * m", "CASE WHEN m > 1 THEN m END"]
)
def test_a_chain_that_doubles_is_refused(levels: int, expression: str) -> None:
    sql, said = compiled(chain(levels, expression), {"metrics": [f"m{levels}"]})
    assert sql == ""
    assert "too large" in said


@pytest.mark.parametrize("levels", [65, 300, 3000])
def test_a_chain_that_is_too_long_is_refused_where_it_is_asked_for(levels: int) -> None:
    sql, said = compiled(chain(levels, "m + 1"), {"metrics": [f"m{levels}"]})
    assert sql == ""
    assert f"Metric 'm{levels}' is too large" in said


def test_aliases_that_double_are_refused() -> None:
    items = ["m0 + m0 AS a0", *(f"a{i - 1} + a{i - 1} AS a{i}" for i in range(1, 30))]
    sql, said = compiled(HEAD, {"metrics": items})
    assert sql == ""
    assert "too large" in said


def test_a_large_row_expression_is_counted_where_it_is_used() -> None:
    branches = " ".join(f"WHEN sales__amount = {i} THEN {i}" for i in range(800))
    models = HEAD + f"  - {{name: big, metric_type: simple, expr: SUM(CASE {branches} END)}}\n"
    models += f"  - {{name: many, metric_type: derived, expr: {' + '.join(['big'] * 900)}}}\n"
    sql, said = compiled(models, {"metrics": ["many"]})
    assert sql == ""
    assert "too large" in said


def test_metrics_in_filters_of_metrics_in_filters() -> None:
    """Two metrics on each level, each filtered by both of the level below."""
    models = """\
semantic_models:
  - name: sales
    table: sales
    entities: [{name: sale, type: primary, expr: id}, {name: shop, type: foreign, expr: shop_id}]
    measures: [{name: amount, type: integer, agg: sum}]
metrics:
"""
    for level in range(20):
        for side in "ab":
            below = [
                f"{{{{ Metric('{other}{level - 1}', group_by=['shop']) }}}} > 0" for other in "ab"
            ]
            condition = " AND ".join(below) if level else "sales__amount > 0"
            models += (
                f"  - name: {side}{level}\n    metric_type: simple\n"
                f'    type_params: {{measure: amount}}\n    filter: "{condition}"\n'
            )
    sql, said = compiled(models, {"metrics": ["a3"]})
    assert said == ""
    assert value(sql) == 3
    sql, said = compiled(models, {"metrics": ["a19"]})
    assert sql == ""
    assert "too large" in said


@pytest.mark.parametrize("count", [3, 64, 65, 3000])
def test_a_cycle_of_any_length_is_a_cycle(count: int) -> None:
    """Not a metric that is too large, whether the query's metric is on it or only leads there."""
    models = HEAD + "  - {name: outside, metric_type: derived, expr: c0 * 2}\n"
    for i in range(count):
        models += f"  - {{name: c{i}, metric_type: derived, expr: c{(i + 1) % count} + 1}}\n"
    for metric in ("c1", "outside"):
        sql, said = compiled(models, {"metrics": [metric]})
        assert sql == ""
        assert "is defined by itself: " in said
        assert "too large" not in said
        assert len(said) < 300


def test_a_ring_of_thousands_is_shown_by_its_ends() -> None:
    models = HEAD
    for i in range(3000):
        models += f"  - {{name: c{i}, metric_type: derived, expr: c{(i + 1) % 3000} + 1}}\n"
    _, said = compiled(models, {"metrics": ["c1"]})
    assert "c1 → c2 → c3" in said
    assert "2,989 more" in said
    assert "→ c0 → c1." in said


def test_metrics_that_all_use_each_other_are_a_cycle() -> None:
    names = [f"c{i}" for i in range(40)]
    models = HEAD
    for name in names:
        others = " + ".join(other for other in names if other != name)
        models += f"  - {{name: {name}, metric_type: derived, expr: {others}}}\n"
    sql, said = compiled(models, {"metrics": ["c7"]})
    assert sql == ""
    assert "→" in said

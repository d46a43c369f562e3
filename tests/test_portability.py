"""With target dialects: the very expression that one cannot say, and what others make of it."""

from __future__ import annotations

import pytest
from tests.support.ide import marked

from smq.ide.hover import hover
from smq.rules.check import check

_MODELS = """\
-- models.yml --
semantic_models:
  - name: orders
    table: shop.orders
    entities: [{name: ord, type: primary, expr: id}]
    dimensions:
      - {name: day, type: date}
    measures: [{name: amount, type: integer, agg: sum, expr: amt}]
metrics:
  - {name: revenue, expr: SUM(orders__amount)}
  - {name: typical, expr: MEDIAN(orders__amount)}
"""


def told(text: str, *targets: str) -> list[tuple[str, str, str]]:
    """(code, the characters it stands under, message) of what engines cannot say."""
    here = marked(_MODELS + text, dialect="duckdb", target_dialects=targets)
    return [
        (f.code, f.location.span.cut(here.snapshot.document(f.location.uri).text), f.message)
        for f in check(here.snapshot)
        if f.code in ("EXP120", "MET111")
    ]


def test_the_frame_and_nothing_else_is_to_blame() -> None:
    query = """\
-- q.smq.json --
{"metrics": ["revenue", "SUM(revenue) OVER (ORDER BY orders__day GROUPS 1 PRECEDING) AS 두날"],
 "groupBy": ["orders__day"]}
"""
    assert told(query) == []
    ((code, words, message),) = told(query, "duckdb", "postgres", "bigquery")
    assert (code, words) == ("EXP120", "GROUPS 1 PRECEDING")
    assert message.startswith("GROUPS in frames of windows cannot be said in BigQuery.")


def test_a_function_inside_an_expression_is_told_by_its_call() -> None:
    query = """\
-- q.smq.json --
{"metrics": ["revenue + MEDIAN(revenue) OVER (PARTITION BY orders__day) AS m"],
 "groupBy": ["orders__day"]}
"""
    found = told(query, "mysql")
    assert [(code, words) for code, words, _ in found] == [("EXP120", "MEDIAN(revenue)")]


def test_a_metric_is_told_in_its_own_file_and_in_the_queries_that_name_it() -> None:
    text = """\
  - name: two_days
    expr: SUM(SUM(orders__amount)) OVER (ORDER BY orders__day GROUPS 1 PRECEDING)
  - {name: twice, expr: 2 * two_days}
-- q.smq.json --
{"metrics": ["twice"], "groupBy": ["orders__day"]}
"""
    found = told(text, "bigquery")
    assert [(code, words) for code, words, _ in found] == [
        ("MET111", "GROUPS 1 PRECEDING"),
        ("EXP120", "twice"),
    ]
    here = marked(_MODELS + text, dialect="duckdb", target_dialects=("bigquery",))
    (problem,) = [f for f in check(here.snapshot) if f.code == "EXP120"]
    (related,) = problem.related
    assert related.location.uri == "models.yml"
    assert related.note == "The metric 'two_days' says it here."


@pytest.mark.parametrize("crlf", [False, True])
def test_hover_says_what_an_expression_becomes(crlf: bool) -> None:
    query = '-- q.smq.json --\n{"metrics": ["COAL‹cursor›ESCE(typical, 0) AS t"]}\n'
    targets = ("duckdb", "postgres", "sqlserver")
    here = marked(_MODELS + query, crlf, dialect="duckdb", target_dialects=targets)
    found = hover(here.snapshot, here.uri, here.offset)
    assert found is not None
    assert "In other engines:" in found.markdown
    assert (
        "- PostgreSQL: `COALESCE(PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY orders.amt), 0) AS t`"
        in found.markdown
    )
    assert "- SQL Server: `COALESCE( AVG(" in found.markdown


def test_hover_in_a_model_says_it_too_and_without_targets_nothing() -> None:
    text = _MODELS.replace("MEDIAN(orders", "MED‹cursor›IAN(orders")
    for targets, said in ((("mysql",), True), ((), False)):
        here = marked(text, dialect="duckdb", target_dialects=targets)
        found = hover(here.snapshot, here.uri, here.offset)
        assert found is not None
        assert ("- MySQL: `" in found.markdown) == said


def test_a_function_with_another_value_elsewhere_is_told() -> None:
    query = """\
-- q.smq.json --
{"metrics": ["revenue"], "filters": ["SUBSTRING(CAST(orders__day AS VARCHAR), -2, 1) = '0'"]}
"""
    ((_, _, message),) = told(query, "duckdb", "postgres")
    assert message.startswith(
        "SUBSTRING with a negative start cannot be written for PostgreSQL yet"
    )


def test_what_sqlglot_says_against_it_is_told_as_it_is() -> None:
    text = "  - {name: bits, expr: BIT_AND(orders__amount)}\n"
    found = [message for code, _, message in told(text, "sqlite") if code == "MET111"]
    assert found and found[0].startswith("This cannot be said in SQLite: BITWISE_AND aggregation")


def test_a_filter_that_an_engine_lacks_the_words_for_is_told_and_not_the_first_metric() -> None:
    query = """\
-- q.smq.json --
{"metrics": ["revenue"], "filters": ["orders__day AT TIME ZONE 'UTC' > '2024-01-01'"]}
"""
    found = told(query, "mysql")
    assert [words for _, words, _ in found] == ["orders__day AT TIME ZONE 'UTC' > '2024-01-01'"]

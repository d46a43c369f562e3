"""Every part of the SQL knows the words of the query and the lines of the models it comes from."""

from __future__ import annotations

import os

import pytest
from tests.support.examples import EXAMPLES
from tests.support.ide import marked

from smq.dialects import names
from smq.ide.preview import links, traced
from smq.ide.queries import compiled
from smq_server.io.workspace import open_workspace


def mapped(text: str, dialect: str | None = None) -> list[tuple[str, list[str]]]:
    """Each stretch of the SQL of the first query, with its targets as they are written."""
    here = marked(text)
    (query,) = here.snapshot.queries(here.uri)
    (one,) = traced(here.snapshot, query, dialect).queries
    return [
        (
            " ".join(link.span.cut(one.sql).split()),
            [
                f"{t.kind} {t.location.span.cut(here.snapshot.document(t.location.uri).text)}"
                for t in link.targets
            ],
        )
        for link in links(here.snapshot, query, one)
    ]


def test_each_word_of_a_query_is_found_again() -> None:
    found = dict(
        mapped(
            '{"metrics": ["revenue / 1.1 AS net"],'
            ' "groupBy": ["고객기본__cust_no"], "filters": ["주문__order_date > \'2024-01-01\'"],'
            ' "orderBy": ["-net"]}'
        )
    )
    assert found["SUM(주문.amount)"] == ["query revenue", "metric SUM(주문__amount)"]
    assert found["주문.amount"] == ["measure amount"]
    assert found["주문.order_date"] == ["query order_date", "dimension order_date"]
    assert found["주문.order_date > CAST('2024-01-01' AS DATE)"] == [
        "query 주문__order_date > '2024-01-01'"
    ]
    assert found["net DESC"] == ["query -net"]


def test_joins_come_from_entities_and_tables_from_models() -> None:
    found = dict(mapped('{"metrics": ["revenue"], "groupBy": ["고객기본__cust_no"]}'))
    (join,) = [words for words in found if words.startswith("LEFT JOIN")]
    assert join.endswith("ON 주문.cust_no = 고객기본.cust_no")
    assert found[join] == ["entity cust", "entity cust"]
    assert found["bank.wapco_ord_hs AS 주문"] == ["model bank('wapco_ord_hs')"]


def test_a_filter_inside_a_metric_leads_to_its_line() -> None:
    text = """\
-- models.yml --
semantic_models:
  - name: o
    table: t
    entities: [{name: o, type: primary, expr: id}]
    dimensions: [{name: st, type: varchar}]
    measures: [{name: amt, type: integer, agg: sum}]
metrics:
  - {name: paid, type: simple, expr: SUM(o__amt), filter: "o__st = 'paid'"}
-- q.smq.json --
{"metrics": ["paid"]}
"""
    found = dict(mapped(text))
    assert found["o.st = 'paid'"] == ["filter o__st = 'paid'"]
    assert found["SUM(o.amt)"] == ["query paid", "metric SUM(o__amt)"]


@pytest.mark.parametrize("name", ["bank", "shop"])
def test_the_map_is_whole_for_every_example_and_engine(name: str) -> None:
    """Tracing changes no byte, stretches nest, and no item of a query is left without SQL."""
    snapshot = open_workspace(EXAMPLES / name, os.environ).snapshot
    looked = 0
    for uri in snapshot.uris:
        for query in snapshot.queries(uri):
            for dialect in names():
                plain = compiled(snapshot, query, dialect)
                result = traced(snapshot, query, dialect)
                assert [one.sql for one in plain.queries] == [one.sql for one in result.queries]
                for one in result.queries:
                    looked += 1
                    found = links(snapshot, query, one)
                    ends: list[int] = []
                    for link in found:
                        while ends and ends[-1] <= link.span.start:
                            ends.pop()
                        assert not ends or link.span.end <= ends[-1], "stretches cross"
                        ends.append(link.span.end)
                    here = {
                        t.location.span for link in found for t in link.targets if t.kind == "query"
                    }
                    items = (*query.metrics, *query.group_by, *query.filters, *query.order_by)
                    for item in items:
                        whole = item.node.span
                        assert any(whole.covers(span) for span in here), (dialect, item.text)
    assert looked > 100


def test_what_a_median_is_grouped_by_is_still_known_where_rows_are_numbered_for_it() -> None:
    text = """\
-- models.yml --
semantic_models:
  - name: o
    table: t
    entities: [{name: o, type: primary, expr: id}]
    dimensions: [{name: st, type: varchar}, {name: day, type: date}]
    measures: [{name: amt, type: integer, agg: median}]
metrics:
  - {name: middle, metric_type: simple, expr: MEDIAN(o__amt)}
-- q.smq.json --
{"metrics": ["SUM(middle) OVER (PARTITION BY o__st) AS x"], "groupBy": ["o__st", "o__day__week"]}
"""
    found = dict(mapped(text, "bigquery"))
    assert found["ranked.st"] == ["query st", "dimension st", "query o__st"]


def test_a_condition_keeps_its_place_where_booleans_are_numbers() -> None:
    text = """\
-- models.yml --
semantic_models:
  - name: o
    table: t
    entities: [{name: o, type: primary, expr: id}]
    dimensions: [{name: ok, type: boolean}]
    measures: [{name: amt, type: integer, agg: sum}]
metrics:
  - {name: total, metric_type: simple, expr: SUM(o__amt)}
-- q.smq.json --
{"metrics": ["total"], "filters": ["o__ok IS TRUE"]}
"""
    found = dict(mapped(text, "sqlserver"))
    assert found["o.ok = 1"] == ["query o__ok IS TRUE"]


def test_groups_that_an_engine_merges_are_found_by_their_names() -> None:
    text = """\
-- models.yml --
semantic_models:
  - name: o
    table: t
    entities: [{name: k, type: primary, expr: id}]
    dimensions: [{name: st, type: varchar}]
    measures: [{name: amt, type: integer, agg: sum}]
metrics:
  - {name: paid, type: simple, expr: SUM(o__amt)}
-- q.smq.json --
{"metrics": ["paid"], "groupBy": ["o__st", "k__st"], "filters": ["o__st <> 'x'"],
 "orderBy": ["-paid"]}‹cursor›
"""
    found = mapped(text, "bigquery")
    asked = {words: of for words, of in found if any(each.startswith("query") for each in of)}
    assert asked == {
        "o.st AS o__st": ["query o__st"],
        "o.st AS k__st": ["query k__st"],
        "SUM(o.amt) AS paid": ["query paid"],
        "o.st <> 'x'": ["query o__st <> 'x'"],
        "k__st": ["query k__st"],
        "paid DESC": ["query -paid"],
    }

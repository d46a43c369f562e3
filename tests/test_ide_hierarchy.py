"""Call and type hierarchies: metric, metrics, measures, columns; and back up to the queries."""

from __future__ import annotations

from tests.support.ide import Marked, marked

from smq.ide.hierarchy import Item, calls_from, calls_to, item_at, subtypes, supertypes

TEXT = """-- m.yml --
semantic_models:
  - name: orders
    table: a.orders
    entities: [{name: order, type: primary, expr: id}]
    dimensions: [{name: status, type: varchar}]
    measures:
      - {name: amount, type: integer, agg: sum, expr: price * qty}
metrics:
  - {name: revenue, expr: SUM(orders__amount)}
  - {name: twice, metric_type: derived, expr: revenue + revenue}
-- a.smq.json --
{"name": "report", "metrics": ["tw‹cursor›ice"], "orderBy": ["-revenue"]}
"""


def here() -> tuple[Marked, Item]:
    at = marked(TEXT)
    item = item_at(at.snapshot, at.uri, at.offset)
    assert item is not None
    return at, item


def test_from_a_metric_down_to_the_columns() -> None:
    at, twice = here()
    assert (twice.name, twice.kind) == ("twice", "metric")
    (call,) = calls_from(at.snapshot, twice)
    assert (call.item.name, len(call.places)) == ("revenue", 2)
    names = [each.item for each in calls_from(at.snapshot, call.item)]
    amount = next(item for item in names if item.kind == "measure")
    columns = [each.item.name for each in calls_from(at.snapshot, amount)]
    assert columns == ["price", "qty"]


def test_from_a_measure_up_to_the_queries() -> None:
    at, twice = here()
    revenue = calls_from(at.snapshot, twice)[0].item
    callers = [(call.item.kind, call.item.name) for call in calls_to(at.snapshot, revenue)]
    assert sorted(callers) == [("metric", "twice"), ("query", "report")]
    report = next(c.item for c in calls_to(at.snapshot, revenue) if c.item.kind == "query")
    assert item_at(at.snapshot, report.name_at.uri, report.name_at.span.start) == report
    assert [call.item.name for call in calls_from(at.snapshot, report)] == ["twice", "revenue"]


def test_members_and_their_model() -> None:
    at, twice = here()
    (orders,) = supertypes(at.snapshot, twice)
    assert orders.name == "orders"
    members = subtypes(at.snapshot, orders)
    assert [item.name for item in members] == ["order", "status", "amount"]
    assert supertypes(at.snapshot, members[1]) == (orders,)


def test_every_item_is_found_again_at_its_name() -> None:
    at, twice = here()
    items = [twice, *supertypes(at.snapshot, twice)]
    items += [call.item for item in list(items) for call in calls_from(at.snapshot, item)]
    for item in items:
        again = item_at(at.snapshot, item.name_at.uri, item.name_at.span.start)
        assert again == item
        assert item.whole.span.covers(item.name_at.span)


def test_a_measure_without_sql_is_made_of_the_column_of_its_name() -> None:
    at = marked(TEXT.replace("price * qty", "amount").replace(", expr: amount", ""))
    amount = item_at(at.snapshot, "m.yml", at.snapshot.document("m.yml").text.index("amount"))
    assert amount is not None
    (column,) = calls_from(at.snapshot, amount)
    assert (column.item.name, column.item.kind) == ("amount", "column")


def test_an_entity_leads_to_the_models_of_its_key_and_to_those_that_refer_to_it() -> None:
    text = """-- m.yml --
semantic_models:
  - {name: customers, table: c, entities: [{name: cust, type: primary, expr: id}]}
  - {name: orders, table: o, entities: [{name: cu‹cursor›st, type: foreign, expr: cid}]}
"""
    at = marked(text)
    entity = item_at(at.snapshot, at.uri, at.offset)
    assert entity is not None
    assert [each.name for each in supertypes(at.snapshot, entity)] == ["customers"]
    assert [each.name for each in subtypes(at.snapshot, entity)] == ["orders"]


def test_a_query_without_a_name_goes_by_its_question() -> None:
    at = marked(TEXT.replace('"name": "report"', '"description": "How much twice?"'))
    item = item_at(at.snapshot, at.uri, at.offset)
    assert item is not None
    (caller,) = [call.item for call in calls_to(at.snapshot, item)]
    assert (caller.name, caller.detail) == ("How much twice?", "a.smq.json")

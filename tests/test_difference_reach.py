"""What a comparison of meaning does not compile has not changed, whatever becomes of keys."""

from __future__ import annotations

import json
from collections.abc import Generator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.worlds import Maker

from smq.ide import difference, queries
from smq.ide.difference import SemanticDiff, semantic_diff
from smq.query.written import WrittenQuery
from smq.sql.result import Compiled
from smq.syntax import Document
from smq.workspace import Change, Snapshot
from smq.workspace.snapshot import build


def unpruned(before: Snapshot, after: Snapshot) -> SemanticDiff:
    """The comparison that compiles every query."""

    def reached(*given: object) -> Generator[None, None, None]:
        yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(difference, "_reached", reached)
        return semantic_diff(before, after)


def compare(seed: int, edits: int) -> SemanticDiff:
    maker = Maker(seed)
    before = build([Document(uri, text) for uri, text in maker.world.files().items()])
    for _ in range(edits):
        maker.edit()
    changes = [Change(uri, text) for uri, text in maker.world.files().items()]
    after = before.apply(changes)
    found = semantic_diff(before, after)
    assert found == unpruned(before, after)
    return found


_CHAIN = {
    "models.yml": """\
semantic_models:
  - name: visits
    table: visits
    entities: [{name: visit, type: primary, expr: id}, {name: order, type: foreign, expr: o}]
    measures: [{name: seconds, type: integer}]
  - name: orders
    table: orders
    entities: [{name: order, type: primary, expr: id}, {name: store, type: foreign, expr: s}]
    measures: [{name: amount, type: integer}]
  - name: stores
    table: stores
    entities: [{name: store, type: primary, expr: id}, {name: tax, type: foreign, expr: x}]
    dimensions: [{name: place, type: varchar}]
  - name: taxes
    table: taxes
    entities: [{name: tax, type: primary, expr: id}]
    dimensions: [{name: rate, type: varchar}]
  - name: 고객
    table: 고객
    entities: [{name: cust, type: primary, expr: id}]
    dimensions: [{name: 상태, type: varchar}]
    measures: [{name: age, type: integer}]
metrics:
  - {name: long_visits, expr: SUM(visits__seconds)}
  - {name: sold, expr: SUM(orders__amount)}
  - {name: ages, expr: SUM(고객__age)}
""",
    "q.smq.json": """[
  {"name": "through", "metrics": ["long_visits"], "groupBy": ["stores__place"]},
  {"name": "far", "metrics": ["long_visits"], "groupBy": ["taxes__rate"]},
  {"name": "behind", "metrics": ["sold"], "groupBy": ["store__place"]},
  {"name": "both", "metrics": ["sold", "ages"]},
  {"name": "apart", "metrics": ["ages"], "groupBy": ["상태"]}
]""",
}


@pytest.mark.parametrize(
    ("old", "new", "compiled", "different"),
    [
        # A query that only passes through a model does not mention it.
        ("order, type: primary, expr: id", "order, type: primary, expr: o", "tfbB", "tf"),
        ("store, type: foreign, expr: s", "store, type: natural, expr: s", "tfbB", "tfb"),
        ("table: stores", "table: shops", "tfbB", "tfb"),
        # What stands before it is not joined to from here.
        ("visit, type: primary, expr: id", "visit, type: unique, expr: id", "tf", ""),
        ("cust, type: primary, expr: id", "cust, type: foreign, expr: id", "Ba", ""),
        # The SQL of two scans calls one of them so.
        ("name: taxes\n", "name: orders_in_total\n", "tfbBa", "fB"),
    ],
)
def test_a_query_is_compiled_if_its_joins_can_come_to_what_changed(
    old: str, new: str, compiled: str, different: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, None] = {}

    def count(snapshot: Snapshot, query: WrittenQuery, dialect: str | None) -> Compiled:
        seen[query.name or ""] = None
        return queries.compiled(snapshot, query, dialect)

    files = {**_CHAIN}
    names = {"t": "through", "f": "far", "b": "behind", "B": "both", "a": "apart"}
    for query in json.loads(files.pop("q.smq.json")):
        files[f"{query['name']}.smq.json"] = json.dumps(query, ensure_ascii=False)
    before = build([Document(uri, text) for uri, text in files.items()])
    assert files["models.yml"].count(old) == 1
    after = before.apply([Change("models.yml", files["models.yml"].replace(old, new))])
    expected = unpruned(before, after)
    monkeypatch.setattr(difference, "compiled", count)
    found = semantic_diff(before, after)
    assert found == expected
    assert seen.keys() == {names[letter] for letter in compiled}
    assert {each.name for each in found.queries} == {names[letter] for letter in different}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1 << 32), edits=st.integers(1, 2))
def test_what_is_not_compiled_has_not_changed(seed: int, edits: int) -> None:
    compare(seed, edits)


@pytest.mark.long
def test_what_is_not_compiled_has_not_changed_in_many_worlds() -> None:
    changes = [each.change for seed in range(2_500) for each in compare(seed, 1 + seed % 3).queries]
    # The worlds are worth comparing: queries change, break and come to work in them.
    assert min(changes.count(each) for each in ("changed", "broken", "mended")) > 50

"""What is kept over an edit of a model is what a workspace read anew would say."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp
from tests.support.worlds import Maker

from smq.graph.formula import expand
from smq.graph.graph import SemanticGraph
from smq.ide.completion import completions
from smq.syntax import Document
from smq.workspace import Change, Snapshot
from smq.workspace.snapshot import build


def documents(maker: Maker) -> dict[str, str]:
    return maker.world.files()


def fresh(texts: dict[str, str]) -> Snapshot:
    return build([Document(uri, text) for uri, text in texts.items()])


def told(graph: SemanticGraph, metric: str) -> object:
    """The formula of a metric, or why it has none."""
    return plain(expand(graph, metric, "duckdb"))


def plain(value: object) -> object:
    """A value whose equality is that of all its parts."""
    if isinstance(value, exp.Expr):
        return repr(value)
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if is_dataclass(value):
        parts = {part.name: getattr(value, part.name) for part in fields(value)}
        return {name: plain(part) for name, part in parts.items() if name != "size"}
    return value


def offered(snapshot: Snapshot, uri: str) -> list[object]:
    text = snapshot.document(uri).text
    places = [text.index(f'"{key}": ["') + len(key) + 6 for key in ("metrics",)]
    if '"groupBy"' in text:
        places.append(text.index('"groupBy": ["') + 13)
    return [completions(snapshot, uri, place) for place in places]


def live(seed: int, edits: int) -> int:
    """Edit a world, asking at random in between; compare at each step. How much was kept."""
    maker = Maker(seed)
    snapshot = fresh(documents(maker))
    kept = 0
    for _ in range(edits):
        metrics = list(maker.world.metrics)
        for name in maker.random.sample(metrics, maker.random.randint(0, len(metrics))):
            expand(snapshot.graph, name, "duckdb")
        maker.edit()
        if maker.random.random() < 0.2:
            maker.world.metrics[maker.random.choice(metrics)] = maker.metric()
        texts = documents(maker)
        known = [uri for uri in snapshot.uris if snapshot.document(uri).text != texts[uri]]
        snapshot = snapshot.apply([Change(uri, texts[uri]) for uri in known])
        if maker.random.random() < 0.4:
            continue
        new = fresh(texts)
        assert list(snapshot.graph.metrics) == list(new.graph.metrics)
        for name in metrics:
            carried = snapshot.graph.carried
            kept += carried is not None and carried.formula((name, "duckdb"), 99) is not None
            assert told(snapshot.graph, name) == told(new.graph, name), name
        for query in maker.world.queries:
            uri = f"{query['name']}.smq.json"
            assert offered(snapshot, uri) == offered(new, uri)
    return kept


_MODELS = """\
semantic_models:
  - name: visits
    table: visits
    entities: [{name: visit, type: primary, expr: id}, {name: order, type: foreign, expr: o}]
    measures: [{name: seconds, type: integer, expr: s}]
  - name: orders
    table: orders
    entities: [{name: order, type: primary, expr: id}, {name: store, type: foreign, expr: s}]
    measures: [{name: amount, type: integer, expr: amt}]
  - name: stores
    table: stores
    entities: [{name: store, type: primary, expr: id}]
    dimensions: [{name: place, type: varchar}]
  - name: 고객
    table: 고객
    entities: [{name: cust, type: primary, expr: id}]
    measures: [{name: age, type: integer, expr: a}]
metrics:
  - {name: long_visits, expr: SUM(visits__seconds)}
  - {name: far, expr: "SUM(CASE WHEN stores__place = 'x' THEN visits__seconds END)"}
  - {name: sold, expr: SUM(amount)}
  - {name: sold_half, expr: SUM(orders__amount) / 2}
  - {name: ages, expr: SUM(고객__age)}
  - {name: half, expr: ages / 2}
"""
_METRICS = ("long_visits", "far", "sold", "sold_half", "ages", "half")


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("expr: amt", "expr: net_amt", {"sold", "sold_half"}),
        ("name: amount", "name: net", {"sold", "sold_half"}),
        ("expr: a}", "expr: b}", {"ages", "half"}),
        ("name: ages, expr: SUM(", "name: ages, expr: MAX(", {"ages", "half"}),
        # Joins that pass through a model which a metric does not mention.
        (
            "store, type: foreign",
            "store, type: natural",
            {"far", "long_visits", "sold", "sold_half"},
        ),
        ("cust, type: primary", "cust, type: foreign", {"ages", "half"}),
        # A name that a member gets makes a bare one mean two things.
        ("name: age, type: integer", "name: amount, type: integer", {"sold", "ages", "half"}),
        ("table: stores", "table: shops", {"far"}),
        # A model that has another name, which puts the whole graph together anew.
        ("name: 고객", "name: 고객님", {"ages", "half"}),
        ("name: stores", "name: shops", {"far", "long_visits", "sold", "sold_half"}),
        ("place, type: varchar", "place, label: Ort, type: varchar", set()),
    ],
)
def test_what_an_edit_cannot_have_touched_is_kept_over_it_and_many_others(
    old: str, new: str, lost: set[str]
) -> None:
    snapshot = fresh({"m.yml": _MODELS})
    formulas = {name: expand(snapshot.graph, name, "duckdb") for name in _METRICS}
    assert _MODELS.count(old) == 1
    text = _MODELS.replace(old, new)
    for key in range(20):
        # Nobody asks while the next keys are typed, in a word that only people read.
        snapshot = snapshot.apply([Change("m.yml", text)])
        graph = snapshot.graph
        text = text.replace("table: visits", f"description: {'x' * key}\n    table: visits")
    kept = {name for name in _METRICS if expand(graph, name, "duckdb") is formulas[name]}
    assert kept == set(_METRICS) - lost
    new_graph = fresh({"m.yml": snapshot.document("m.yml").text}).graph
    assert [told(graph, name) for name in _METRICS] == [told(new_graph, name) for name in _METRICS]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1 << 32), edits=st.integers(1, 6))
def test_formulas_and_completions_after_edits_are_those_of_a_fresh_workspace(
    seed: int, edits: int
) -> None:
    live(seed, edits)


@pytest.mark.long
def test_formulas_and_completions_are_those_of_a_fresh_workspace_in_many_worlds() -> None:
    # Enough is kept for the comparison to mean something.
    assert sum(live(seed, 12) for seed in range(400)) > 1_000

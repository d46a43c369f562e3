"""What a comparison of meaning does not compile has not changed, whatever becomes of keys."""

from __future__ import annotations

import json
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smq.ide import difference, queries
from smq.ide.difference import SemanticDiff, semantic_diff
from smq.query.written import WrittenQuery
from smq.sql.result import Compiled
from smq.syntax import Document
from smq.workspace import Change, Snapshot
from smq.workspace.snapshot import build

_NAMES = ("orders", "고객", "items", "orders_in_total", "joined", "stores", "x_by_day", "visits")
_KEYS = ("order", "고객", "item", "store", "visit", "ord__line")
_KINDS = ("primary", "foreign", "foreign", "foreign", "unique", "natural")
_COLUMNS = ("kind", "day", "상태", "place")


@dataclass
class World:
    """Models by name, each with a table, keys, dimensions and measures; metrics and queries."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)
    queries: list[dict[str, Any]] = field(default_factory=list)

    def files(self) -> dict[str, str]:
        models = [{"name": name, **model} for name, model in self.models.items()]
        half = len(models) // 2
        metrics = [{"name": name, "expr": expr} for name, expr in self.metrics.items()]
        return {
            "a.yml": json.dumps({"semantic_models": models[:half]}, ensure_ascii=False),
            "b.yml": json.dumps({"semantic_models": models[half:]}, ensure_ascii=False),
            "c.yml": json.dumps({"metrics": metrics}, ensure_ascii=False),
            # Each in a file of its own, because a file is compiled as a whole.
            **{f"{query['name']}.smq.json": json.dumps(query) for query in self.queries},
        }


class Maker:
    """Worlds that mostly compile, and edits of what joins them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = World()
        for name in self.random.sample(_NAMES, self.random.randint(3, 6)):
            self.world.models[name] = self.model()
        for number in range(5):
            self.world.metrics[f"m{number}"] = self.metric()
        for number in range(8):
            self.world.queries.append({"name": f"q{number}", **self.query()})

    def model(self) -> dict[str, Any]:
        pick = self.random
        keys = pick.sample(_KEYS, pick.randint(1, 3))
        if pick.random() < 0.7:
            # A link of a chain, so that joins pass through models that no query mentions.
            at = len(self.world.models) % (len(_KEYS) - 1)
            keys = [_KEYS[at], _KEYS[at + 1]]
        entities = [self.entity(key, "primary" if n == 0 else "") for n, key in enumerate(keys)]
        return {
            "table": f"t{pick.randint(0, 9)}",
            "entities": entities,
            "dimensions": [
                {"name": name, "type": "date" if name == "day" else "varchar"}
                for name in pick.sample(_COLUMNS, 2)
            ],
            "measures": [{"name": f"v{pick.randint(0, 3)}", "type": "integer"}],
        }

    def entity(self, key: str, kind: str = "") -> dict[str, Any]:
        kind = kind or self.random.choice(_KINDS)
        return {"name": key, "type": kind, "expr": f"c{self.random.randint(0, 3)}"}

    def of(self, model: str, part: str) -> str:
        return str(self.random.choice(self.world.models[model][part])["name"])

    def metric(self) -> str:
        pick = self.random
        name = pick.choice(list(self.world.models))
        prefix = pick.choice([name, name, self.of(name, "entities")])
        match pick.randint(0, 5):
            case 0 if self.world.metrics:
                return f"{pick.choice(list(self.world.metrics))} / 2"
            case 1:
                return f"COUNT(DISTINCT {name}__{self.of(name, 'entities')})"
            case 2:
                return f"SUM({self.of(name, 'measures')})"
        return f"SUM({prefix}__{self.of(name, 'measures')})"

    def query(self) -> dict[str, Any]:
        pick = self.random
        query: dict[str, Any] = {
            "metrics": pick.sample(list(self.world.metrics), pick.randint(1, 2))
        }
        groups = []
        for _ in range(pick.randint(0, 2)):
            name = pick.choice(list(self.world.models))
            dimension = self.of(name, "dimensions")
            groups.append(
                pick.choice(
                    [
                        f"{name}__{dimension}",
                        f"{name}__{dimension}",
                        f"{self.of(name, 'entities')}__{dimension}",
                        f"{pick.choice(_KEYS)}__{self.of(name, 'entities')}__{dimension}",
                        dimension,
                        "metric_time__month",
                    ]
                )
            )
        if groups:
            query["groupBy"] = list(dict.fromkeys(groups))
        if pick.random() < 0.3:
            name = pick.choice(list(self.world.models))
            query["filters"] = [f"{name}__{self.of(name, 'dimensions')} = 'x'"]
        return query

    def edit(self) -> None:
        """One thing that joins or tables depend on."""
        pick, models = self.random, self.world.models
        name = pick.choice(list(models))
        model = models[name]
        entities = model["entities"]
        match pick.randint(0, 9):
            case 0:
                pick.choice(entities)["type"] = pick.choice(_KINDS)
            case 1:
                pick.choice(entities)["type"] = pick.choice(_KINDS)
                pick.choice(entities)["name"] = pick.choice(_KEYS)
            case 2:
                pick.choice(entities)["expr"] = f"c{pick.randint(0, 3)}"
            case 3:
                entities.append(self.entity(pick.choice(_KEYS)))
            case 4 if len(entities) > 1:
                entities.remove(pick.choice(entities))
            case 5:
                model["table"] = f"t{pick.randint(0, 9)}"
            case 6:
                new = pick.choice(_NAMES)
                if new not in models:
                    self.world.models = {
                        new if one == name else one: each for one, each in models.items()
                    }
            case 7 if len(models) > 2:
                del models[name]
            case 8:
                models.setdefault(pick.choice(_NAMES), self.model())
            case _:
                model["primary_entity"] = pick.choice(_KEYS)


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

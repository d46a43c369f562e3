"""Small workspaces at random, most of whose queries compile, and edits of what joins them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

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
        whole = f"SUM({prefix}__{self.of(name, 'measures')})"
        if pick.random() < 0.3:
            other = pick.choice(list(self.world.models))
            condition = f"{other}__{self.of(other, 'dimensions')} = 'x'"
            return f"SUM(CASE WHEN {condition} THEN {whole[4:-1]} END)"
        if pick.random() < 0.2:
            return f"SUM({whole}) OVER (ORDER BY {pick.choice(_COLUMNS)})"
        return whole

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
        match pick.randint(0, 11):
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
            case 9:
                pick.choice(model["dimensions"])["name"] = pick.choice(_COLUMNS)
            case 10:
                pick.choice(model["measures"])["name"] = f"v{pick.randint(0, 3)}"
            case _:
                model["primary_entity"] = pick.choice(_KEYS)

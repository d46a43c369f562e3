"""Make a workspace of a chosen size, the same one for the same seed, to measure on.

    python bench/workspace.py DIRECTORY [small | medium | large]

Models are joined in chains of ten, as marts are; their YAML is partly in flow and partly in block
style; labels and some names are Korean. Every query is one that compiles, because a workspace of
mistakes would measure the wording of messages.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

CHAIN = 10
"""Models that can be joined with one another."""

MEASURES = 10
GRADES = ("VIP", "우수", "일반", "신규")


@dataclass(frozen=True, slots=True)
class Shape:
    """How much there is: `dimensions` and `metrics` are for each model."""

    models: int
    dimensions: int
    metrics: int
    queries: int

    def __str__(self) -> str:
        return (
            f"{self.models:,} models, {self.models * self.dimensions:,} dimensions, "
            f"{self.models * self.metrics:,} metrics, {self.queries:,} query files"
        )


SHAPES = {
    "small": Shape(models=6, dimensions=10, metrics=5, queries=12),
    "medium": Shape(models=100, dimensions=20, metrics=10, queries=200),
    "large": Shape(models=1_000, dimensions=50, metrics=20, queries=2_000),
}


def model_name(number: int) -> str:
    return f"모델_{number}" if number % 4 == 0 else f"model_{number}"


def joined(number: int, shape: Shape) -> int:
    """The model that this one refers to: the next of its chain; the last refers to the first."""
    following = number + 1
    if following % CHAIN == 0 or following == shape.models:
        return number - number % CHAIN
    return following


def write(root: Path, shape: Shape, seed: int = 1) -> None:
    """Write the workspace's files below `root`."""
    chance = random.Random(seed)
    (root / "models").mkdir(parents=True)
    (root / "queries").mkdir()
    (root / "smq.toml").write_text('dialect = "duckdb"\n', encoding="utf-8")
    for number in range(shape.models):
        text = model(number, shape, chance)
        (root / "models" / f"{model_name(number)}.yml").write_text(text, encoding="utf-8")
    for number in range(shape.queries):
        text = json.dumps(query(number, shape, chance), ensure_ascii=False, indent=2) + "\n"
        (root / "queries" / f"q_{number}.smq.json").write_text(text, encoding="utf-8")


def model(number: int, shape: Shape, chance: random.Random) -> str:
    """One model's file, with the metrics over its measures."""
    name = model_name(number)
    lines = [
        "semantic_models:",
        f"  - name: {name}",
        f"    table: mart.table_{number}",
        f"    description: 모델 {number}의 원장",
        "    entities:",
        f"      - {{name: key_{number}, type: primary, expr: id}}",
        f"      - {{name: key_{joined(number, shape)}, type: foreign, expr: next_id}}",
        "    dimensions:",
        "      - {name: base_dt, type: date, expr: dt, type_params: {time_granularity: day}}",
    ]
    for item in range(shape.dimensions - 1):
        label = f"차원 {item}"
        if chance.random() < 0.5:
            lines.append(
                f"      - {{name: dim_{item}, type: varchar, label: {label}, expr: col_{item}}}"
            )
        else:
            lines += [
                f"      - name: dim_{item}",
                "        type: varchar",
                f"        label: {label}",
                f"        description: {chance.choice(GRADES)} 고객의 {label}",
                f"        expr: UPPER(col_{item})",
            ]
    lines.append("    measures:")
    lines += [
        f"      - {{name: m_{item}, type: bigint, label: 측정 {item}, expr: val_{item}}}"
        for item in range(MEASURES)
    ]
    lines.append("metrics:")
    for item in range(shape.metrics):
        lines += [
            f"  - name: metric_{number}_{item}",
            "    metric_type: simple",
            "    type: number",
            f"    label: 지표 {number}-{item}",
            f"    expr: {formula(number, item)}",
        ]
    return "\n".join(lines) + "\n"


def formula(number: int, item: int) -> str:
    """One of the usual kinds: a sum, a ratio, a metric of metrics, a sum under a condition."""
    name = model_name(number)
    measure = f"{name}__m_{item % MEASURES}"
    kinds = (
        f"SUM({measure})",
        f"SUM({measure}) / NULLIF(COUNT(DISTINCT {name}__dim_1), 0)",
        f"metric_{number}_0 / NULLIF(metric_{number}_1, 0)",
        f"SUM(CASE WHEN {name}__dim_2 = 'VIP' THEN {measure} END)",
    )
    return kinds[item % len(kinds)]


def query(number: int, shape: Shape, chance: random.Random) -> dict[str, object]:
    """A question to one model and to the one it refers to."""
    about = number % shape.models
    name, other = model_name(about), model_name(joined(about, shape))
    first = f"metric_{about}_{chance.randrange(2, shape.metrics)}"
    return {
        "description": f"질문 {number}: 등급별로 얼마인가?",
        "metrics": [first, f"metric_{about}_1"],
        "groupBy": [
            f"{name}__dim_{chance.randrange(6, shape.dimensions - 1)}",
            f"{other}__dim_3",
        ],
        "filters": [f"{name}__dim_5 = '{chance.choice(GRADES)}'"],
        "orderBy": [f"-{first}"],
        "limit": 100,
    }


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    root, shape = Path(sys.argv[1]), SHAPES[sys.argv[2] if len(sys.argv) > 2 else "large"]
    write(root, shape)
    print(f"{root}: {shape}")


if __name__ == "__main__":
    main()

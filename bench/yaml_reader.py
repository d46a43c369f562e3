"""How fast the tolerant YAML reader is, beside PyYAML's C composer on the same text.

    python bench/yaml_reader.py [models]

Both read the same generated files in the same run, so that only the ratio is to be believed.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

import yaml

from smq.syntax import Document
from smq.syntax.yaml import parse

_NOUNS = ["계좌", "고객", "부점", "거래", "주문", "상품", "order", "customer", "branch", "account"]
_TYPES = ["varchar", "integer", "date", "number", "boolean"]


def model(random_: random.Random, number: int) -> list[str]:
    """One model of about seventy lines in the styles people use."""
    noun = random_.choice(_NOUNS)
    lines = [
        f"  - name: {noun}_{number}            # 모델 이름",
        f"    table: bank('wapco_{number}')",
        f"    description: {noun} 기준정보 (매일 갱신)",
        f"    label: '{noun} {number}'",
        "    primary_entity: brn",
        "    entities:",
        f"      - {{name: key_{number}, type: primary, expr: k{number}}}",
        f"      - {{name: key_{number + 1}, type: foreign, expr: k{number + 1}}}",
        "    dimensions:",
    ]
    for index in range(8):
        lines += [
            f"      - name: dim_{index}",
            f"        type: {random_.choice(_TYPES)}",
            f"        label: {noun} 속성 {index}",
            f'        description: "{noun}의 {index}번째 속성"',
        ]
    lines += [
        "      - name: opened",
        "        type: date",
        "        type_params: {time_granularity: day}",
        "        expr: |",
        "          CASE WHEN opened > DATE '2020-01-01'",
        "               THEN opened END",
        "    measures:",
    ]
    for index in range(4):
        lines += [
            f"      - name: measure_{index}",
            f"        agg: {random_.choice(['sum', 'count', 'max'])}",
            f"        expr: amount_{index} * 1.5",
        ]
    return lines


def text_of(models: int) -> str:
    random_ = random.Random(7)
    lines = ["semantic_models:"]
    for number in range(models):
        lines += model(random_, number)
    return "\n".join(lines) + "\n"


def fastest(task: Callable[[], object], runs: int) -> float:
    """The quickest of some runs in milliseconds: what the code costs without its neighbours."""
    best = float("inf")
    for _ in range(runs):
        start = time.process_time()
        task()
        best = min(best, time.process_time() - start)
    return best * 1000


def main() -> None:
    sizes = [int(argument) for argument in sys.argv[1:]] or [1, 23, 300]
    print(f"{'lines':>7} {'ours ms':>9} {'PyYAML C':>9} {'ratio':>6} {'µs/line':>8}")
    for models in sizes:
        text = text_of(models)
        document = Document("models.yml", text)
        lines = text.count("\n")
        runs = max(3, 20_000 // lines)
        ours = fastest(lambda document=document: parse(document), runs)  # type: ignore[misc]
        theirs = fastest(
            lambda text=text: yaml.compose(text, Loader=yaml.CSafeLoader),  # type: ignore[misc]
            runs,
        )
        ratio = ours / theirs
        print(f"{lines:7} {ours:9.2f} {theirs:9.2f} {ratio:6.2f} {ours * 1000 / lines:8.2f}")


if __name__ == "__main__":
    main()

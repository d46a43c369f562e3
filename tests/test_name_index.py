"""Near names among very many: found fast, and the same ones however the names came to be."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smq.text.name_index import NameIndex

_WORDS = ("매출", "고객", "count", "total", "amount", "branch", "기준일", "order", "net", "gross")


def _names(number: int, seed: int = 1) -> list[str]:
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < number:
        words = chance.choices(_WORDS, k=chance.randint(2, 4))
        found["_".join((*words, str(chance.randint(0, 999))))] = None
    return list(found)


@pytest.mark.parametrize(
    ("meant", "written"),
    [
        ("customer_lifetime_value", "customer_lifetme_value"),
        ("customer_lifetime_value", "ustomer_lifetime_value"),
        ("customer_lifetime_value", "customer_lifetime_valeu"),
        ("customer_lifetime_value", "lifetime_value_customer"),
        ("customer_lifetime_value", "customer_lifetime"),
        ("총매출액_월평균", "총매줄액_월평균"),
        ("총매출액_월평균", "총매출액월평균"),
    ],
)
def test_a_slip_is_found_among_thousands(meant: str, written: str) -> None:
    index = NameIndex([*_names(5_000), meant])
    assert index.nearest(written)[0] == meant


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(95, 400))
def test_what_is_found_depends_on_the_names_alone(seed: int, size: int) -> None:
    chance = random.Random(seed)
    names = _names(size, seed)
    index = NameIndex(names)
    for _ in range(6):
        gone = chance.sample(names, chance.randint(0, 3))
        come = [chance.choice(names) + chance.choice(("x", "", "_가")) for _ in range(2)]
        index = index.changed(gone, come)
        names = list(dict.fromkeys([n for n in names if n not in gone] + come))
        chance.shuffle(names)
        fresh = NameIndex(names)
        for _ in range(4):
            wrong = chance.choice(names)[: chance.randint(1, 12)] + chance.choice(("", "z", "_"))
            assert index.candidates(wrong) == fresh.candidates(wrong)
            assert index.nearest(wrong) == fresh.nearest(wrong)


def test_looking_does_not_take_longer_for_more_names() -> None:
    small, large = NameIndex(_names(500)), NameIndex(_names(20_000))

    def took(index: NameIndex) -> float:
        started = time.process_time()
        for number in range(50):
            index.nearest(f"total_amuont_고객_{number}")
        return time.process_time() - started

    took(NameIndex(_names(500)))
    assert took(large) < 4 * took(small)


def test_a_mistake_is_explained_without_looking_into_every_metric(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from smq.graph import formula
    from smq.rules.check import check
    from smq.syntax import Document
    from smq.workspace import build

    def model(name: str) -> Document:
        lines = [
            "semantic_models:",
            f"  - {{name: {name}, table: t.{name}, measures: [{{name: m_{name}}}],",
            "     dimensions: [{name: kind, type: varchar}]}",
            "metrics:",
            *(
                f"  - {{name: {name}_{n}, type: number, expr: SUM({name}__m_{name})}}"
                for n in range(20)
            ),
        ]
        return Document(f"file:///{name}.yml", "\n".join(lines))

    query = Document("file:///q.smq.json", '{"metrics": ["a7__m_a7"]}')
    snapshot = build([*(model(f"a{number}") for number in range(40)), query])
    expanded: list[str] = []
    original = formula._Expander.metric

    def counted(self: formula._Expander, name: str, *words: object) -> object:
        expanded.append(name)
        return original(self, name, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(formula._Expander, "metric", counted)
    (finding,) = check(snapshot, [query.uri])
    assert "a7_0" in finding.message
    assert len(expanded) < 60

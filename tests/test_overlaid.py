"""A mapping with a few changes beside it is the one with the changes made in it."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from smq.graph.overlaid import overlaid

keys = st.sampled_from([f"k{number}" for number in range(8)])
changes = st.lists(st.tuples(st.dictionaries(keys, st.integers(), max_size=3), st.sets(keys)))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(keys, st.integers()), changes)
def test_changes_beside_it_count_as_changes_in_it(
    first: dict[str, int], steps: list[tuple[dict[str, int], set[str]]]
) -> None:
    mapping: Mapping[str, int] = first
    plain = dict(first)
    for come, gone in steps:
        for key in gone - come.keys():
            plain.pop(key, None)
        plain |= come
        before, said = mapping, dict(mapping)
        mapping = overlaid(mapping, come, gone - come.keys())
        assert dict(before) == said
        assert dict(mapping) == dict(mapping.items()) == plain
        assert sorted(mapping.values()) == sorted(plain.values())
        assert len(mapping) == len(plain)
        for key in ("k0", "k3", "elsewhere"):
            assert (key in mapping, mapping.get(key), mapping.get(key, -1)) == (
                key in plain,
                plain.get(key),
                plain.get(key, -1),
            )


def test_many_changes_are_folded_in() -> None:
    mapping: Mapping[str, int] = {}
    for number in range(10_000):
        mapping = overlaid(mapping, {f"k{number}": number}, ())
        beside = getattr(mapping, "changed", {})
        assert len(beside) <= max(64, number // 16 + 1)
    assert len(mapping) == 10_000
    assert mapping["k77"] == 77

"""The order in which a query's keys are written, and the spellings that mean the same key.

A query reads from the question to the answer: what the file is and which question it answers,
then what is computed, by what, of which rows, in which order, how many, over which joins.
"""

from __future__ import annotations

from smq.syntax import Mapping, Pair

KEY_ORDER = (
    "$schema",
    "name",
    "description",
    "metrics",
    "groupBy",
    "filters",
    "orderBy",
    "limit",
    "joins",
)
ALTERNATIVES = {"group_by": "groupBy", "order_by": "orderBy"}
_RANK = {key: rank for rank, key in enumerate(KEY_ORDER)}


def canonical(key: str) -> str:
    return ALTERNATIVES.get(key, key)


def rank(key: str) -> int | None:
    """The place of a key in either spelling; None for a key that a query does not have."""
    return _RANK.get(canonical(key))


def find_pair(query: Mapping, key: str) -> Pair | None:
    """The pair that counts for a key: its canonical spelling first, of duplicates the last."""
    wanted = canonical(key)
    found: Pair | None = None
    for pair in query.pairs:
        if pair.key.text == wanted or (
            ALTERNATIVES.get(pair.key.text) == wanted
            and (found is None or found.key.text != wanted)
        ):
            found = pair
    return found

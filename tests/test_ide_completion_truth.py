"""Completion cannot be wrong: what is offered compiles, and what is called impossible does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.ide import complete
from tests.support.oracle_files import query_json, world_yaml
from tests.support.strategies_queries import make_case
from tests.support.truth import errors
from tests.support.workspace import compile_text, load_workspace

from smq.graph.graph import SemanticGraph
from smq.ide.choosing import Completion
from smq.ide.completion import completions
from smq.ide.queries import compiled
from smq.problem import Problem
from smq.syntax import Document
from smq.workspace import Change, Configuration, Snapshot, build

CHUNK = 15


def offers(models: str, query: dict[str, Any], key: str) -> list[Completion]:
    """The dimensions that are offered for one more item of a list."""
    asked = {**query, key: [*query.get(key, ()), "‹cursor›"]}
    text = f"-- models.yml --\n{models}\n-- q.smq.json --\n{json.dumps(asked, ensure_ascii=False)}"
    _, found = complete(text)
    return [item for item in found.items if item.kind in ("dimension", "time")]


def wrong_with(graph: SemanticGraph, query: dict[str, Any], key: str, item: str) -> list[str]:
    """The errors of the query with one more item."""
    more = {**query, key: [*query.get(key, ()), item]}
    (compiled,) = compile_text(graph, json.dumps(more, ensure_ascii=False))
    return [str(problem) for problem in errors(compiled.problems)]


@pytest.mark.parametrize("chunk", range(8))
@pytest.mark.parametrize("key", ["groupBy", "filters"])
def test_offers_compile_and_refused_ones_do_not(key: str, chunk: int) -> None:
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        case = make_case(seed)
        models = world_yaml(case.world)
        query: dict[str, Any] = json.loads(query_json(case.query))
        graph, _ = load_workspace({"models.yml": models})
        (compiled,) = compile_text(graph, json.dumps(query, ensure_ascii=False))
        if not compiled.queries:
            continue
        template = "{}" if key == "groupBy" else "{} IS NOT NULL"
        for item in offers(models, query, key):
            found = wrong_with(graph, query, key, template.format(item.insert))
            where = f"seed {seed}: {item.label} in {json.dumps(query, ensure_ascii=False)}"
            if item.why_not:
                assert found, f"{where} is called impossible: {item.why_not}"
            else:
                assert not found, f"{where} is offered: {found}\n{models}"


# Every place where a name can stand, written around the cursor; `{m}` is a metric of the query.
PLACES = {
    "a metric": ("metrics", "‹cursor›"),
    "inside a calculation": ("metrics", "COALESCE(‹cursor›, 0) AS zz"),
    "what a window aggregates": ("metrics", "SUM(‹cursor›) OVER () AS zz"),
    "a window's partition": ("metrics", "SUM({m}) OVER (PARTITION BY ‹cursor›) AS zz"),
    "a window's order": ("metrics", "SUM({m}) OVER (ORDER BY ‹cursor›) AS zz"),
    "a sort key": ("orderBy", "‹cursor›"),
    "a descending sort key": ("orderBy", "-‹cursor›"),
    "a condition": ("filters", "NOT (‹cursor› IS NULL)"),
    "beside a metric": ("filters", "{m} IS NULL OR ‹cursor› IS NOT NULL"),
    "a window in a filter": ("filters", "SUM(‹cursor›) OVER () IS NOT NULL"),
    "dbt's dimension": ("filters", "{{ Dimension('‹cursor›') }} IS NOT NULL"),
    "dbt's time": ("filters", "{{ TimeDimension('‹cursor›', 'month') }} IS NOT NULL"),
    "dbt's entity": ("filters", "{{ Entity('‹cursor›') }} IS NOT NULL"),
}
NAMES = {"metric", "dimension", "time", "measure", "alias", "grain", "entity"}
URI = "q.smq.json"


def lies(snapshot: Snapshot, query: dict[str, Any]) -> list[str]:
    """What is offered anywhere and does not compile, or is called impossible and does."""
    metrics = [text for text in query["metrics"] if text in snapshot.graph.metrics]
    found: list[str] = []
    for place, (key, template) in PLACES.items():
        if "{m}" in template and not metrics:
            continue
        item = template.replace("{m}", f'"{metrics[0]}"' if metrics else "")
        text = json.dumps({**query, key: [*query.get(key, ()), item]}, ensure_ascii=False)
        at = text.index("‹cursor›")
        text = text.replace("‹cursor›", "")
        asked = snapshot.apply([Change(URI, text)])
        for offer in completions(asked, URI, at).items:
            if offer.kind not in NAMES:
                continue
            taken = text[: offer.span.start] + offer.insert + text[offer.span.end :]
            wrong = query_errors(asked.apply([Change(URI, taken)]))
            if bool(wrong) != bool(offer.why_not):
                found.append(f"{place}: {offer.label} ({offer.why_not}) {wrong} in {taken}")
    return found


def query_errors(snapshot: Snapshot) -> list[Problem]:
    (query,) = snapshot.queries(URI)
    return [*errors(snapshot.parsed(URI).problems), *errors(compiled(snapshot, query).problems)]


def every_offer_is_true(seeds: range) -> None:
    for seed in seeds:
        case = make_case(seed)
        models = Document("models.yml", world_yaml(case.world))
        text = query_json(case.query)
        snapshot = build([models, Document(URI, text)], Configuration())
        if not query_errors(snapshot):
            found = lies(snapshot, json.loads(text))
            assert not found, f"seed {seed}\n" + "\n".join(found)


@pytest.mark.parametrize("first", range(0, 240, 40))
def test_what_is_offered_in_any_place_is_true(first: int) -> None:
    every_offer_is_true(range(first, first + 40, 10))


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, 400, 20))
def test_what_is_offered_in_any_place_of_many_worlds_is_true(first: int) -> None:
    every_offer_is_true(range(first, first + 20))

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

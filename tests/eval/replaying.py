"""Judge answers that were kept: the endpoint on loopback says them to the real client."""

from __future__ import annotations

from typing import Any

from tests.eval import running
from tests.eval.questions import questions
from tests.support.llm_endpoint import LlmEndpoint


def replay(kept: dict[str, Any], strategy: str) -> list[running.Outcome]:
    """The outcome of each question of a file of answers."""
    by_id = {each.id: each for each in questions()}
    outcomes: list[running.Outcome] = []
    for name, entry in kept["questions"].items():
        with LlmEndpoint(entry.get("replies") or {"exchanges": entry["exchanges"]}) as endpoint:
            settings = {"base_url": endpoint.base_url, "model": "kept", "api": "chat"}
            outcomes += running.run([by_id[name]], strategy, {}, settings=settings)
    return outcomes

"""Questions over the example workspaces, and a scripted endpoint that answers the real client."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.llm_endpoint import LlmEndpoint, Reply

from smq.syntax import Document
from smq.workspace import Snapshot, build
from smq_server.generation.generate import Question, generate, with_settings
from smq_server.generation.result import Declined, Failed, Generated, Result
from smq_server.io.workspace import open_workspace

ROOT = Path(__file__).parents[2]
TODAY = date(2024, 5, 15)
KEY = "sk-of-the-test"


@cache
def example(name: str) -> Snapshot:
    """The snapshot of `examples/<name>`."""
    return open_workspace(ROOT / "examples" / name, {}).snapshot


def models(text: str, uri: str = "file:///w/models.yml") -> Snapshot:
    """A workspace of one model file."""
    return build([Document(uri, text)])


def query(*metrics: str, **more: Any) -> dict[str, Any]:
    """A query in the strict form, every key there."""
    return {
        "metrics": list(metrics),
        "groupBy": [],
        "filters": [],
        "orderBy": [],
        "limit": None,
        **more,
    }


def answer(*queries: Any, **more: Any) -> Reply:
    """The model's answer in our shape."""
    value = {
        "answerable": True,
        "reason": "because",
        "queries": list(queries),
        "assumptions": [],
        "alternatives": [],
        **more,
    }
    return {"content": value}


def no_answer(reason: str) -> Reply:
    return answer(answerable=False, reason=reason)


@dataclass(frozen=True)
class Asked:
    """A result with the endpoint that answered."""

    result: Result
    endpoint: LlmEndpoint

    @property
    def generated(self) -> Generated:
        assert isinstance(self.result, Generated), self.result
        return self.result

    @property
    def declined(self) -> Declined:
        assert isinstance(self.result, Declined), self.result
        return self.result

    @property
    def failed(self) -> Failed:
        assert isinstance(self.result, Failed), self.result
        return self.result

    @property
    def smq(self) -> list[dict[str, Any]]:
        return [dict(each.smq) for each in self.generated.queries]

    def said_to_model(self, call: int) -> str:
        """All messages of one request."""
        return "\n".join(m["content"] or "" for m in self.endpoint.requests[call]["messages"])


async def _at_once(_: float) -> None:
    """Nobody waits in a test."""


def ask(
    question: str,
    script: Sequence[Reply] | Mapping[str, Any] | LlmEndpoint,
    snapshot: Snapshot | None = None,
    *,
    strategy: str = "direct",
    current: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Asked:
    """Ask an endpoint that follows the script; its requests are checked, too."""
    endpoint = script if isinstance(script, LlmEndpoint) else LlmEndpoint(script)
    # Calls are counted in many tests, and looking for the Responses API is one.
    settings.setdefault("api", "chat")
    with endpoint:
        asked = with_settings(
            snapshot or example("shop"), base_url=endpoint.base_url, model="test", **settings
        )
        wanted = Question(question, TODAY, strategy, current)
        environ = {"SMQ_LLM_API_KEY": KEY}
        result = asyncio.run(generate(wanted, asked, environ, pause=_at_once))
    assert endpoint.refused == []
    return Asked(result, endpoint)

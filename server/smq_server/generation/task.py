"""One question with everything a strategy needs to know and to call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from smq.workspace import LlmSettings, Snapshot
from smq_server.generation import prompts
from smq_server.generation.chat import ChatModel, Listener, Message, Progress, Reply, Request
from smq_server.generation.failure import GenerationFailure
from smq_server.generation.result import Step


@dataclass(slots=True)
class Task:
    """`current` is a query that the question wants changed, `instructions` a team's own words.

    Strategies ask through `ask`, so that everything sent and said is a step of the result.
    """

    question: str
    snapshot: Snapshot
    settings: LlmSettings
    today: date
    model: ChatModel
    current: Mapping[str, Any] | None = None
    problems: tuple[str, ...] = ()
    """What is wrong with `current`, where that is the question."""
    listener: Listener = lambda _: None
    steps: list[Step] = field(default_factory=list)

    @property
    def dialect(self) -> str:
        return self.snapshot.configuration.dialect

    @property
    def said(self) -> str:
        """What a person has said, in whatever words: also the limit of a query that is there."""
        limit = (self.current or {}).get("limit")
        return f"{self.question} {limit}" if isinstance(limit, int) else self.question

    @property
    def subject(self) -> str:
        """The query that the question is about, as a prompt shows it; empty without one."""
        if self.current is None:
            return ""
        query = json.dumps(dict(self.current), ensure_ascii=False)
        if not self.problems:
            return prompts.render("current", query=query)
        problems = "\n".join(f"- {problem}" for problem in self.problems)
        return prompts.render("broken", query=query, problems=problems)

    def tell(self, sentence: str) -> None:
        """Let people know what is going on."""
        self.listener(Progress("step", sentence))

    async def ask(self, request: Request) -> Reply:
        try:
            reply = await self.model.ask(request)
        except GenerationFailure as failure:
            self.steps.append(Step(request.purpose, request, failure.message))
            raise
        said = reply.text or "\n".join(f"{call.name}({call.arguments})" for call in reply.calls)
        if reply.asked is not None:
            request = replace(request, messages=reply.asked)
        self.steps.append(Step(request.purpose, request, said, usage=reply.usage))
        return reply

    def note(self, name: str, problems: tuple[str, ...] = (), **state: Any) -> None:
        """Remember work of our own."""
        self.steps.append(Step(name, problems=problems, state=state))

    def language(self) -> Message:
        """What every conversation begins with: what a query is and what is known about today."""
        text = prompts.render("smq", dialect=self.dialect, today=f"{self.today:%A, %Y-%m-%d}")
        return Message("system", text)

"""What is said to a language model and what it says, whichever client carries it.

Nothing here knows a protocol. A strategy makes a `Request`, a `ChatModel` answers with a `Reply`
or raises `GenerationFailure`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model wants to use. `arguments` is its JSON as text, which may be anything."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `calls` are an assistant's, `call_id` says which call a tool's message answers."""

    role: Role
    text: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AnswerShape:
    """The JSON an answer must be. The schema obeys the strict rules: every property required."""

    name: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One call: the conversation so far, what may be called, and the shape of the answer.

    `purpose` names the step for progress and traces; it is not sent.
    """

    purpose: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    answer: AnswerShape | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the endpoint counts them, or estimated where it does not say."""

    sent: int = 0
    received: int = 0

    @property
    def total(self) -> int:
        return self.sent + self.received

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.sent + other.sent, self.received + other.received)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: text, or calls, or both.

    `asked` are the messages as they went out, where the endpoint needed other words than those of
    the request: the shape of the answer in the prompt, or tools described in it.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    asked: tuple[Message, ...] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What is going on, for people: `text` is a sentence, or for `answer` a piece of the reply."""

    kind: Literal["step", "answer", "wait"]
    text: str


Listener = Callable[[Progress], object]


class ChatModel(Protocol):
    """Somebody who answers. Raises GenerationFailure when there is no answer to be had."""

    async def ask(self, request: Request) -> Reply: ...


def estimated_tokens(text: str) -> int:
    """About as many tokens as a text has: four letters of English, or one syllable of Korean."""
    plain = sum(char < "\u0080" for char in text)
    return (plain + 3) // 4 + len(text) - plain

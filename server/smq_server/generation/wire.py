"""What both ways of asking have in common: messages, an answer in pieces, errors.

An answer is read piece by piece and nothing in it is believed: fields may be missing, null or of
another type, and the reply is made of what is what it should be.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from smq_server.generation import prompts
from smq_server.generation.abilities import Abilities
from smq_server.generation.chat import (
    AnswerShape,
    Message,
    Reply,
    Request,
    Tool,
    ToolCall,
    Usage,
    estimated_tokens,
)
from smq_server.generation.reading import json_objects

if TYPE_CHECKING:
    import openai

_LONGEST = 200_000
"""Characters of an answer; a model that has said as much will not come to a point."""


def prepared(request: Request, abilities: Abilities) -> tuple[tuple[Message, ...], bool]:
    """The messages as this endpoint understands them, and whether they describe the tools."""
    described = bool(request.tools) and abilities.tools == "described"
    messages = list(request.messages)
    extra = []
    if described:
        extra.append(_described_tools(request))
        messages = [_as_words(message) for message in messages]
    if request.answer is not None and abilities.structured != "json_schema":
        shape = json.dumps(request.answer.schema, ensure_ascii=False)
        extra.append(prompts.render("answer_as_json", schema=shape))
    if extra:
        messages = _with_system(messages, extra)
    return tuple(messages), described


def tokens_of(parameters: dict[str, Any]) -> int:
    """About how many tokens a body has."""
    return estimated_tokens(json.dumps(parameters, ensure_ascii=False))


def _with_system(messages: list[Message], extra: list[str]) -> list[Message]:
    first = messages[0] if messages and messages[0].role == "system" else Message("system", "")
    rest = messages[1:] if messages and messages[0] is first else messages
    return [Message("system", "\n\n".join([first.text, *extra]).strip()), *rest]


# Tools for models that have none: described in words, called in JSON.


def _described_tools(request: Request) -> str:
    tools = [
        {"tool": tool.name, "description": tool.description, "arguments": tool.parameters}
        for tool in request.tools
    ]
    shown = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    return prompts.render("tools_as_json", tools=shown)


def _as_words(message: Message) -> Message:
    if message.role == "tool":
        return Message("user", f"The tool answers:\n{message.text}")
    if message.calls:
        calls = [_written_call(call) for call in message.calls]
        return Message("assistant", "\n".join([message.text, *calls]).strip())
    return message


def _written_call(call: ToolCall) -> str:
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        arguments = call.arguments
    return json.dumps({"tool": call.name, "arguments": arguments}, ensure_ascii=False)


def _calls_in(text: str) -> tuple[ToolCall, ...]:
    found: list[ToolCall] = []
    for value in json_objects(text):
        name = value.get("tool")
        if isinstance(name, str):
            found.append(_written(len(found), name, value.get("arguments", {})))
    return tuple(found)


def calls_written(text: str, tools: tuple[Tool, ...]) -> tuple[ToolCall, ...]:
    """Calls of these tools that a small model has written as words, in the form it was taught.

    Its endpoint would have made calls of them, had it written the marks around them, too.
    """
    names = {tool.name for tool in tools}
    found: list[ToolCall] = []
    for value in json_objects(text):
        inner = value.get("function")
        call = inner if isinstance(inner, dict) else value
        name = call.get("name", call.get("tool", inner))
        arguments = call.get("arguments", call.get("parameters"))
        if isinstance(name, str) and name in names and arguments is not None:
            found.append(_written(len(found), name, arguments))
    return tuple(found)


def _written(number: int, name: str, arguments: Any) -> ToolCall:
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return ToolCall(f"call_{number}", name, arguments)


def is_of_shape(text: str, shape: AnswerShape) -> bool:
    """Whether a text holds all that a strict schema asks for, as its endpoint has promised."""
    wanted = set(shape.schema.get("required", ()))
    return any(wanted <= value.keys() for value in json_objects(text))


# What comes back.


class Collector(ABC):
    """Puts an answer together from the pieces of a stream."""

    def __init__(self, listener: Callable[[str], object], tools: str) -> None:
        self.finish: str | None = None
        """Why the answer ended, in the words of chat completions."""
        self.fault = ""
        """What the endpoint says went wrong after it had begun to answer."""
        self.usage: Usage | None = None
        self._listener = listener
        self._described = tools == "described"
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._length = 0
        self.is_empty = True
        """Whether nothing of the protocol has come."""

    @property
    def is_finished(self) -> bool:
        return self.finish is not None

    @property
    def is_too_long(self) -> bool:
        return self._length > _LONGEST

    @property
    def refusal(self) -> str:
        return "".join(self._refusal)

    @property
    def everything(self) -> str:
        calls = [call["name"] + call["arguments"] for call in self._calls.values()]
        return "".join([*self._text, *calls])

    @abstractmethod
    def add(self, event: Any) -> None:
        """Take one event of a stream."""

    @abstractmethod
    def add_whole(self, answer: Any) -> None:
        """Take an answer that was not streamed."""

    def reply(self, usage: Usage) -> Reply:
        text = "".join(self._text)
        calls = tuple(
            ToolCall(call["id"] or f"call_{index}", call["name"], call["arguments"])
            for index, call in sorted(self._calls.items())
        )
        if self._described and not calls:
            calls = _calls_in(text)
            if calls:
                text = ""
        return Reply(text, calls, usage)

    # What the readers of a protocol put in.

    def say(self, text: str) -> None:
        """A piece of the answer's text."""
        if text:
            self._text.append(text)
            self._length += len(text)
            self._listener(text)

    def refuse(self, text: str) -> None:
        self._refusal.append(text)
        self._length += len(text)

    def call(self, index: int, identity: str, name: str, arguments: str) -> None:
        """A piece of the call with that number."""
        known = self._calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        known["id"] = known["id"] or identity
        # The name comes once, but some endpoints repeat it with every piece.
        known["name"] = known["name"] or name
        known["arguments"] += arguments
        self._length += len(arguments)

    def count(self, sent: object, received: object) -> None:
        if isinstance(sent, int) and isinstance(received, int):
            self.usage = Usage(max(0, sent), max(0, received))


def items(part: Any, name: str) -> list[Any]:
    """A field that should be a list; empty when it is none."""
    found = getattr(part, name, None)
    return found if isinstance(found, list) else []


def text(part: Any, name: str) -> str:
    """A field that should be text; empty when it is none."""
    found = getattr(part, name, None)
    return found if isinstance(found, str) else ""


# Errors.


def words_of(error: openai.APIStatusError) -> tuple[str, str]:
    """What an endpoint says about an error, and its code, wherever it has put them."""
    body: Any = error.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    if isinstance(body, dict):
        words = body.get("message") or body.get("detail") or body.get("error") or error.message
        parameter = body.get("param")
        code = body.get("code")
        said = words if isinstance(words, str) else json.dumps(words, ensure_ascii=False)
        if isinstance(parameter, str) and parameter not in said:
            said += f" ({parameter})"
        return said, code if isinstance(code, str) else ""
    text = body if isinstance(body, str) else error.message
    if text.lstrip().startswith("<"):
        # A page for people, of which only the status says something.
        text = "a web page"
    return text, ""


_TOO_LONG_CODES = ("context_length_exceeded", "exceed_context_size_error")
_TOO_LONG_WORDS = ("context length", "context size", "context window", "maximum context")


def is_too_long(status: int, words: str, code: str) -> bool:
    """Whether an error says that the prompt does not fit into the model."""
    words = words.lower()
    return (
        status == 413
        or code in _TOO_LONG_CODES
        or any(each in words for each in (*_TOO_LONG_CODES, *_TOO_LONG_WORDS))
    )


def retry_after(error: openai.APIStatusError) -> float | None:
    """The seconds an endpoint asks to wait."""
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if seconds >= 0:
            return seconds
    return None

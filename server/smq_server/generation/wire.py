"""Requests and answers as the protocol has them.

An answer is read piece by piece and nothing in it is believed: fields may be missing, null or of
another type, and the reply is made of what is what it should be.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from smq_server.generation import prompts
from smq_server.generation.abilities import Abilities
from smq_server.generation.chat import Message, Reply, Request, ToolCall, Usage, estimated_tokens
from smq_server.generation.connection import Connection
from smq_server.generation.reading import json_objects

if TYPE_CHECKING:
    import openai

_LONGEST = 200_000
"""Characters of an answer; a model that has said as much will not come to a point."""


def parameters(request: Request, connection: Connection, abilities: Abilities) -> dict[str, Any]:
    """The body of a call, in the words this endpoint understands."""
    settings = connection.settings
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
    found: dict[str, Any] = {
        "model": connection.model,
        "messages": [_message(message) for message in messages],
    }
    if request.tools and not described:
        found["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                },
            }
            for tool in request.tools
        ]
    if request.answer is not None and abilities.structured == "json_schema":
        found["response_format"] = {
            "type": "json_schema",
            "json_schema": {
                "name": request.answer.name,
                "schema": request.answer.schema,
                "strict": True,
            },
        }
    elif request.answer is not None and abilities.structured == "json_object":
        found["response_format"] = {"type": "json_object"}
    if abilities.temperature:
        found["temperature"] = settings.temperature
    if abilities.limit != "none":
        found[abilities.limit] = settings.answer_tokens
    if abilities.streaming:
        found["stream"] = True
        if abilities.usage:
            found["stream_options"] = {"include_usage": True}
    return found


def tokens_of(parameters: dict[str, Any]) -> int:
    """About how many tokens a body has."""
    return estimated_tokens(json.dumps(parameters, ensure_ascii=False))


def _message(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.calls:
        found["content"] = message.text or None
        found["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.calls
        ]
    if message.call_id is not None:
        found["tool_call_id"] = message.call_id
    return found


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
            arguments = json.dumps(value.get("arguments", {}), ensure_ascii=False)
            found.append(ToolCall(f"call_{len(found)}", name, arguments))
    return tuple(found)


# What comes back.


class Collector:
    """Puts an answer together from the pieces of a stream."""

    def __init__(self, listener: Callable[[str], object], tools: str) -> None:
        self.finish: str | None = None
        self.usage: Usage | None = None
        self._listener = listener
        self._described = tools == "described"
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._length = 0
        self._pieces = 0

    @property
    def is_empty(self) -> bool:
        return self._pieces == 0

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

    def add(self, chunk: Any) -> None:
        """Take one event of a stream."""
        self._count(chunk)
        for choice in _items(chunk, "choices")[:1]:
            self._pieces += 1
            self._take(getattr(choice, "delta", None))
            self._end(choice)

    def add_whole(self, answer: Any) -> None:
        """Take an answer that was not streamed."""
        self._count(answer)
        for choice in _items(answer, "choices")[:1]:
            self._pieces += 1
            self._take(getattr(choice, "message", None))
            self._end(choice)

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

    def _take(self, part: Any) -> None:
        text, refusal = getattr(part, "content", None), getattr(part, "refusal", None)
        if isinstance(text, str) and text:
            self._text.append(text)
            self._length += len(text)
            self._listener(text)
        if isinstance(refusal, str):
            self._refusal.append(refusal)
            self._length += len(refusal)
        for number, call in enumerate(_items(part, "tool_calls")):
            self._take_call(call, number)

    def _take_call(self, call: Any, number: int) -> None:
        index = getattr(call, "index", None)
        if not isinstance(index, int):
            index = number
        known = self._calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        known["id"] = known["id"] or _text(call, "id")
        function = getattr(call, "function", None)
        name, arguments = _text(function, "name"), _text(function, "arguments")
        # The name comes once, but some endpoints repeat it with every piece.
        known["name"] = known["name"] or name
        known["arguments"] += arguments
        self._length += len(arguments)

    def _end(self, choice: Any) -> None:
        finish = getattr(choice, "finish_reason", None)
        if isinstance(finish, str) and finish:
            self.finish = finish

    def _count(self, part: Any) -> None:
        usage = getattr(part, "usage", None)
        sent = getattr(usage, "prompt_tokens", None)
        received = getattr(usage, "completion_tokens", None)
        if isinstance(sent, int) and isinstance(received, int):
            self.usage = Usage(max(0, sent), max(0, received))


def _items(part: Any, name: str) -> list[Any]:
    found = getattr(part, name, None)
    return found if isinstance(found, list) else []


def _text(part: Any, name: str) -> str:
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

"""Requests and answers of chat completions, which nearly every endpoint knows."""

from __future__ import annotations

from typing import Any

from smq_server.generation import wire
from smq_server.generation.abilities import Abilities
from smq_server.generation.chat import Message, Request
from smq_server.generation.connection import Connection


def parameters(request: Request, connection: Connection, abilities: Abilities) -> dict[str, Any]:
    """The body of a call, in the words this endpoint understands."""
    settings = connection.settings
    messages, described = wire.prepared(request, abilities)
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
    elif request.answer is not None and abilities.structured == "object_with_schema":
        found["response_format"] = {"type": "json_object", "schema": request.answer.schema}
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


class Collector(wire.Collector):
    """Puts a chat completion together."""

    def add(self, event: Any) -> None:
        """Take one chunk of a stream."""
        self._take(event, "delta")

    def add_whole(self, answer: Any) -> None:
        """Take an answer that was not streamed."""
        self._take(answer, "message")

    def _take(self, part: Any, name: str) -> None:
        usage = getattr(part, "usage", None)
        self.count(getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None))
        for choice in wire.items(part, "choices")[:1]:
            self.is_empty = False
            said = getattr(choice, name, None)
            self.say(wire.text(said, "content"))
            self.refuse(wire.text(said, "refusal"))
            for number, call in enumerate(wire.items(said, "tool_calls")):
                index = getattr(call, "index", None)
                function = getattr(call, "function", None)
                self.call(
                    index if isinstance(index, int) else number,
                    wire.text(call, "id"),
                    wire.text(function, "name"),
                    wire.text(function, "arguments"),
                )
            self.finish = wire.text(choice, "finish_reason") or self.finish

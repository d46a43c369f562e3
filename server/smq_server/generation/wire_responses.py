"""Requests and answers of the Responses API, the vendor's newer way of asking.

Nothing is left with the endpoint: the whole conversation goes with every call, and the answer is
not to be stored.
"""

from __future__ import annotations

from collections.abc import Iterator
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
        "input": [item for message in messages for item in _items(message)],
        "store": False,
    }
    if request.tools and not described:
        found["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                # Here tools are strict unless said otherwise, and ours have optional arguments.
                "strict": False,
            }
            for tool in request.tools
        ]
    if request.answer is not None and abilities.structured == "json_schema":
        found["text"] = {
            "format": {
                "type": "json_schema",
                "name": request.answer.name,
                "schema": request.answer.schema,
                "strict": True,
            }
        }
    elif request.answer is not None and abilities.structured == "json_object":
        found["text"] = {"format": {"type": "json_object"}}
    if abilities.temperature:
        found["temperature"] = settings.temperature
    if abilities.limit != "none":
        found["max_output_tokens"] = settings.answer_tokens
    if abilities.streaming:
        found["stream"] = True
    return found


def _items(message: Message) -> Iterator[dict[str, Any]]:
    """A turn as items: a call of a tool and its result are items of their own."""
    if message.call_id is not None:
        yield {
            "type": "function_call_output",
            "call_id": message.call_id,
            "output": message.text,
        }
        return
    if message.text or not message.calls:
        # The vendor does without the type; llama.cpp's server does not know an answer without it.
        yield {"type": "message", "role": message.role, "content": message.text}
    for call in message.calls:
        yield {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }


class Collector(wire.Collector):
    """Puts a response together."""

    def add(self, event: Any) -> None:
        """Take one event of a stream; kinds of events that say nothing to us are passed over."""
        kind = wire.text(event, "type")
        if not kind.startswith("response.") and kind != "error":
            return
        self.is_empty = False
        if kind == "response.output_text.delta":
            self.say(wire.text(event, "delta"))
        elif kind == "response.refusal.delta":
            self.refuse(wire.text(event, "delta"))
        elif kind == "response.output_item.added":
            self._begin_call(event)
        elif kind == "response.function_call_arguments.delta":
            self.call(_index(event), "", "", wire.text(event, "delta"))
        elif kind == "error":
            self.fault = wire.text(event, "message") or "an error without words"
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self._end(getattr(event, "response", None))

    def add_whole(self, answer: Any) -> None:
        """Take an answer that was not streamed."""
        if wire.text(answer, "object") == "response":
            self.is_empty = False
            self._end(answer)

    def _begin_call(self, event: Any) -> None:
        item = getattr(event, "item", None)
        if wire.text(item, "type") == "function_call":
            # Its arguments follow in pieces.
            self.call(_index(event), wire.text(item, "call_id"), wire.text(item, "name"), "")

    def _end(self, response: Any) -> None:
        usage = getattr(response, "usage", None)
        self.count(getattr(usage, "input_tokens", None), getattr(usage, "output_tokens", None))
        error = getattr(response, "error", None)
        if error is not None or wire.text(response, "status") == "failed":
            self.fault = wire.text(error, "message") or "an error without words"
            return
        if not self.everything and not self.refusal:
            # Not streamed, or streamed by somebody who sends only the end.
            self._take_whole(wire.items(response, "output"))
        if wire.text(response, "status") == "incomplete":
            reason = wire.text(getattr(response, "incomplete_details", None), "reason")
            self.finish = "content_filter" if reason == "content_filter" else "length"
        else:
            self.finish = "stop"

    def _take_whole(self, output: list[Any]) -> None:
        for number, item in enumerate(output):
            kind = wire.text(item, "type")
            if kind == "function_call":
                identity, name = wire.text(item, "call_id"), wire.text(item, "name")
                self.call(number, identity, name, wire.text(item, "arguments"))
            for part in wire.items(item, "content") if kind == "message" else ():
                self.say(wire.text(part, "text"))
                self.refuse(wire.text(part, "refusal"))


def _index(event: Any) -> int:
    index = getattr(event, "output_index", None)
    return index if isinstance(index, int) else 0

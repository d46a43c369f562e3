"""The Responses API as the endpoint on loopback speaks it: events, whole answers, objections.

Replies are those of `llm_endpoint`; here they become output items and their events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Reply = Mapping[str, Any]
Body = dict[str, Any]

_KNOWN = frozenset(
    [
        "background",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    ]
)


def response(body: Body, items: list[Body], reply: Reply, status: str = "completed") -> Body:
    """A response with these output items."""
    finish = reply.get("finish_reason")
    details = None
    if status == "completed" and finish in ("length", "content_filter"):
        status = "incomplete"
        reason = "max_output_tokens" if finish == "length" else "content_filter"
        details = {"reason": reason}
    error = reply.get("failed")
    if error is not None and status == "completed":
        status = "failed"
    done = status != "in_progress"
    return {
        "id": "resp_replay",
        "object": "response",
        "created_at": 1,
        "status": status,
        "background": False,
        "error": error if done else None,
        "incomplete_details": details,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": {},
        "model": body["model"],
        "output": items,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text", {"format": {"type": "text"}}),
        "tool_choice": "auto",
        "tools": body.get("tools", []),
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _usage(body, reply) if done else None,
        "user": None,
    }


def output(message: Body, calls: list[Body]) -> list[Body]:
    """The output items of an answer, as chat completions have its message and calls."""
    found: list[Body] = []
    if message.get("refusal") is not None:
        part: Body = {"type": "refusal", "refusal": message["refusal"]}
        found.append(_message([part]))
    elif message.get("content"):
        part = {"type": "output_text", "text": message["content"], "annotations": []}
        found.append(_message([part]))
    for number, call in enumerate(calls):
        found.append(
            {
                "id": f"fc_{number}",
                "type": "function_call",
                "status": "completed",
                "call_id": call["id"],
                "name": call["function"]["name"],
                "arguments": call["function"]["arguments"],
            }
        )
    return found


def _message(content: list[Body], status: str = "completed") -> Body:
    return {
        "id": "msg_0",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def events(body: Body, items: list[Body], reply: Reply) -> Iterator[bytes]:
    """A streamed response, piece by piece."""
    number = 0

    def event(kind: str, **fields: Any) -> bytes:
        nonlocal number
        value = {"type": kind, "sequence_number": number, **fields}
        number += 1
        return f"event: {kind}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n".encode()

    begun = response(body, [], reply, "in_progress")
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    cut = reply.get("cut_after")
    for index, item in enumerate(items):
        place = {"item_id": item["id"], "output_index": index}
        if item["type"] == "function_call":
            empty = {**item, "status": "in_progress", "arguments": ""}
            yield event("response.output_item.added", output_index=index, item=empty)
            for piece in _pieces(item["arguments"]):
                yield event("response.function_call_arguments.delta", **place, delta=piece)
            yield event(
                "response.function_call_arguments.done",
                **place,
                name=item["name"],
                arguments=item["arguments"],
            )
        else:
            empty = _message([], "in_progress")
            yield event("response.output_item.added", output_index=index, item=empty)
            (part,) = item["content"]
            place["content_index"] = 0
            is_text = part["type"] == "output_text"
            name, kind = ("text", "output_text") if is_text else ("refusal", "refusal")
            more: Body = {"logprobs": []} if is_text else {}
            yield event("response.content_part.added", **place, part={**part, name: ""})
            for piece in _pieces(part[name][:cut]):
                yield event(f"response.{kind}.delta", **place, delta=piece, **more)
            if cut is not None:
                return
            yield event(f"response.{kind}.done", **place, **{name: part[name]}, **more)
            yield event("response.content_part.done", **place, part=part)
        yield event("response.output_item.done", output_index=index, item=item)
    if reply.get("endless"):
        words = {"item_id": "msg_0", "output_index": 0, "content_index": 0, "logprobs": []}
        while True:
            yield event("response.output_text.delta", **words, delta="and so on " * 500)
    if "error_event" in reply:
        yield event("error", code="server_error", message=reply["error_event"], param=None)
        return
    ended = response(body, items, reply)
    yield event(f"response.{ended['status']}", response=ended)


def _pieces(text: str) -> Iterator[str]:
    size = max(7, len(text) // 100)
    for start in range(0, len(text), size):
        yield text[start : start + size]


def _usage(body: Body, reply: Reply) -> Body:
    sent = len(json.dumps(body["input"])) // 4
    received = len(json.dumps(dict(reply))) // 4
    return {
        "input_tokens": sent,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": received,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sent + received,
    }


# What the vendor checks.


def fault_of(body: Body, strict_fault: Any) -> str | None:
    """What is wrong with a request; None when nothing is."""
    if not isinstance(body.get("model"), str) or not body["model"]:
        return "Missing required parameter: 'model'."
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        return f"Unknown parameter: '{unknown[0]}'."
    given = body.get("input")
    if not isinstance(given, str) and (not isinstance(given, list) or not given):
        return "Missing required parameter: 'input'."
    open_calls: list[str] = []
    for number, item in enumerate(given if isinstance(given, list) else ()):
        fault = _item_fault(item, open_calls)
        if fault:
            return f"input[{number}]: {fault}"
    if open_calls:
        return f"No tool output found for function call {open_calls[0]}."
    for number, tool in enumerate(body.get("tools", ())):
        if tool.get("type") != "function" or not tool.get("name"):
            return f"Missing required parameter: 'tools[{number}].name'."
        if tool.get("strict", True):
            fault = strict_fault(tool.get("parameters"), "parameters")
            if fault:
                return f"Invalid schema for function '{tool['name']}': {fault}"
    shape = (body.get("text") or {}).get("format") or {}
    if shape.get("type") == "json_schema":
        if not shape.get("name"):
            return "Missing required parameter: 'text.format.name'."
        if shape.get("strict"):
            fault = strict_fault(shape.get("schema"), "schema")
            return f"Invalid schema for text.format: {fault}" if fault else None
    elif shape.get("type") == "json_object" and "json" not in json.dumps(given).lower():
        return "'input' must contain the word 'json' to use 'text.format' of type 'json_object'."
    return None


def _item_fault(item: Body, open_calls: list[str]) -> str | None:
    if "type" not in item and item.get("role") == "assistant":
        # The vendor would see what it is; llama.cpp's server does not.
        return "Cannot determine type of 'item'"
    kind = item.get("type", "message")
    if kind == "function_call":
        if not all(isinstance(item.get(k), str) for k in ("call_id", "name", "arguments")):
            return "a function_call needs call_id, name and arguments, all of them text"
        open_calls.append(item["call_id"])
    elif kind == "function_call_output":
        if item.get("call_id") not in open_calls:
            return f"No tool call found for function call output with call_id {item.get('call_id')}"
        open_calls.remove(item["call_id"])
    elif kind == "message":
        if item.get("role") not in ("system", "developer", "user", "assistant"):
            return f"Invalid value: role {item.get('role')}"
        if not isinstance(item.get("content"), str):
            return "content must be text"
    else:
        return f"Invalid value: type {kind}"
    return None

"""An endpoint on loopback that speaks the protocol of OpenAI and answers what it is told to.

It stands in for a model, not for the protocol: requests are checked as the vendor checks them
(roles, answered tool calls, strict schemas), answers go out in the real wire format, streamed or
whole. It knows chat completions, and the Responses API when it is told to, as most endpoints know
only the former. `tests/test_llm_endpoint.py` holds it to the real client.

Replies are values:

- `{"content": "…"}` or `{"content": {…}}`, which is written as JSON; `finish_reason` may be given
- `{"tool_calls": [{"name": "…", "arguments": {…} or "text"}]}`
- `{"refusal": "…"}`
- `{"status": 429, "error": {"message": "…", "code": "…"}, "headers": {"retry-after-ms": "1"}}`
- `{"content": "…", "cut_after": 10}`: the connection breaks after so many characters
- `{"silence": true}`: nothing at all until the endpoint is closed
- `{"endless": true}`: words for ever
- `{"raw": "…", "type": "text/html"}`: that body, whatever it is

A script is a list of replies in order, or a recorded conversation: `{"exchanges": [{"when":
["words", "of the request"], "reply": {…}}]}`. Of a conversation, the first exchange that has not
been used and whose words all stand in the request answers it; if it has a `step`, only a request
for a shape of that name.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.support import llm_responses

Reply = Mapping[str, Any]
Body = dict[str, Any]

CHAT_PATH, RESPONSES_PATH = "/v1/chat/completions", "/v1/responses"

_PIECE = 7
"""Characters for each event of a stream: names and escapes are cut in the middle."""


class LlmEndpoint:
    """`with LlmEndpoint([{"content": "hi"}]) as endpoint: … endpoint.base_url`.

    `lacks` names parameters that are refused as unknown; `keys` are the only ones accepted. What is
    not among `apis` is refused with the status `absent`.
    """

    def __init__(
        self,
        script: Sequence[Reply] | Mapping[str, Any] = (),
        *,
        lacks: Sequence[str] = (),
        lacks_status: int = 400,
        keys: Sequence[str] = (),
        answer: Callable[[Body], Reply] | None = None,
        apis: Sequence[str] = ("chat",),
        absent: int = 404,
    ) -> None:
        self.requests: list[Body] = []
        self.headers: list[dict[str, str]] = []
        """Those of each request, refused ones too; names in lower case."""
        self.paths: list[str] = []
        """Those of each request, refused ones too."""
        self.refused: list[str] = []
        """Requests that were malformed, in words."""
        self.unanswered = 0
        """Requests for which the script had no reply left."""
        self.disconnected = threading.Event()
        """Set when a client has gone away in the middle of an answer."""
        self._script = script
        self._answer = answer
        self._used: set[int] = set()
        self._lacks = tuple(lacks)
        self._lacks_status = lacks_status
        self._keys = tuple(keys)
        self._apis = tuple(apis)
        self._absent = absent
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def sent(self) -> str:
        """Everything that was ever sent here, as text."""
        return "\n".join(json.dumps(body, ensure_ascii=False) for body in self.requests)

    def __enter__(self) -> LlmEndpoint:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    # Which answer

    def _reply_to(self, body: Body) -> Reply:
        with self._lock:
            self.requests.append(body)
        if self._answer is not None:
            # Others may be answered meanwhile, as by any endpoint.
            return self._answer(body)
        with self._lock:
            if isinstance(self._script, Mapping):
                return self._recorded(self._script["exchanges"], body)
            number = len(self._used)
            if number >= len(self._script):
                self.unanswered += 1
                return _error(500, "no reply is left in the script", "replay_exhausted")
            self._used.add(number)
            return self._script[number]

    def _recorded(self, exchanges: Sequence[Mapping[str, Any]], body: Body) -> Reply:
        messages = body["messages"] if "messages" in body else body["input"]
        said = "\n".join(_words(message) for message in messages)
        step = _shape(body).get("name")
        for number, exchange in enumerate(exchanges):
            if number in self._used or exchange.get("step", step) != step:
                continue
            if all(word in said for word in exchange["when"]):
                self._used.add(number)
                reply: Reply = exchange["reply"]
                return reply
        self.unanswered += 1
        return _error(500, "no recorded exchange answers this request", "replay_exhausted")

    def _objection(self, path: str, headers: Mapping[str, str], body: Body) -> Reply | None:
        """What the vendor would say of a request that is not right."""
        if self._keys and headers.get("Authorization") not in [f"Bearer {k}" for k in self._keys]:
            given = headers.get("Authorization", "").removeprefix("Bearer ")
            return _error(401, f"Incorrect API key provided: {given}.", "invalid_api_key")
        for name in self._lacks:
            if uses(body, name):
                words = f"Unrecognized request argument supplied: {name}"
                return _error(self._lacks_status, words, param=name)
        is_chat = path == CHAT_PATH
        fault = fault_of(body) if is_chat else llm_responses.fault_of(body, _strict_fault)
        if fault is not None:
            self.refused.append(fault)
            return _error(400, fault, "invalid_request_error")
        return None

    # How it goes out

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.headers.append({k.lower(): v for k, v in self.headers.items()})
                endpoint.paths.append(self.path)
                api = {CHAT_PATH: "chat", RESPONSES_PATH: "responses"}.get(self.path)
                if api not in endpoint._apis:
                    words = f"Invalid URL (POST {self.path})"
                    self._whole(endpoint._absent, {"error": {"message": words}}, {})
                    return
                reply = endpoint._objection(self.path, self.headers, body)
                if reply is None:
                    reply = endpoint._reply_to(body)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self._send(body, reply)
                    return
                endpoint.disconnected.set()
                self.close_connection = True

            def _send(self, body: Body, reply: Reply) -> None:
                if reply.get("silence"):
                    self._be_silent()
                elif "raw" in reply:
                    data = reply["raw"].encode()
                    self.send_response(reply.get("status", 200))
                    self.send_header("Content-Type", reply.get("type", "text/event-stream"))
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                elif "status" in reply:
                    self._whole(
                        reply["status"], {"error": reply.get("error", {})}, reply.get("headers", {})
                    )
                elif body.get("stream"):
                    self._stream(body, reply)
                elif self.path == RESPONSES_PATH:
                    self._whole(200, llm_responses.response(body, _output(reply), reply), {})
                else:
                    self._whole(200, completion(body, reply), {})

            def _whole(self, status: int, value: Body, headers: Mapping[str, str]) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, written in headers.items():
                    self.send_header(name, written)
                self.end_headers()
                self.wfile.write(data)

            def _stream(self, body: Body, reply: Reply) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream; charset=utf-8")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                if self.path == RESPONSES_PATH:
                    for event in llm_responses.events(body, _output(reply), reply):
                        if endpoint._closing.is_set():
                            return
                        self._chunk(event)
                    self.close_connection = "cut_after" in reply
                    if not self.close_connection:
                        self.wfile.write(b"0\r\n\r\n")
                    return
                for event in events(body, reply):
                    self._chunk(event)
                if "cut_after" in reply:
                    # Without the last chunk, so that the client sees it break.
                    self.close_connection = True
                    return
                while reply.get("endless") and not endpoint._closing.is_set():
                    self._chunk(_event(body, {"content": "and so on " * 500}))
                self._chunk(b"data: [DONE]\n\n")
                self.wfile.write(b"0\r\n\r\n")

            def _chunk(self, data: bytes) -> None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

            def _be_silent(self) -> None:
                self.connection.settimeout(0.02)
                self.close_connection = True
                while not endpoint._closing.is_set():
                    try:
                        if not self.connection.recv(1):
                            endpoint.disconnected.set()
                            return
                    except TimeoutError:
                        continue
                    except OSError:
                        endpoint.disconnected.set()
                        return

            def log_message(self, *args: object) -> None:
                """A test's output is its own."""

        return Handler


def completion(body: Body, reply: Reply) -> Body:
    """A whole answer."""
    message: Body = {"role": "assistant", "content": _content(reply)}
    if "refusal" in reply:
        message["refusal"] = reply["refusal"]
    if "tool_calls" in reply:
        message["tool_calls"] = _calls(reply)
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply), "logprobs": None}
    return {
        "id": "chatcmpl-replay",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [choice],
        "usage": _usage(body, reply),
    }


def events(body: Body, reply: Reply) -> Iterator[bytes]:
    """A streamed answer, piece by piece, without its `[DONE]`."""
    yield _event(body, {"role": "assistant", "content": ""})
    content = _content(reply) or ""
    cut = reply.get("cut_after")
    for piece in _pieces(content[:cut]):
        yield _event(body, {"content": piece})
    if cut is not None:
        return
    for piece in _pieces(reply.get("refusal", "")):
        yield _event(body, {"refusal": piece})
    for index, call in enumerate(_calls(reply)):
        function = {"name": call["function"]["name"], "arguments": ""}
        head = {"index": index, "id": call["id"], "type": "function", "function": function}
        yield _event(body, {"tool_calls": [head]})
        for piece in _pieces(call["function"]["arguments"]):
            part = {"index": index, "function": {"arguments": piece}}
            yield _event(body, {"tool_calls": [part]})
    if reply.get("endless"):
        return
    yield _event(body, {}, _finish(reply))
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _data({**_envelope(body), "choices": [], "usage": _usage(body, reply)})


def _event(body: Body, delta: Body, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return _data({**_envelope(body), "choices": [choice]})


def _envelope(body: Body) -> Body:
    return {
        "id": "chatcmpl-replay",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": body["model"],
    }


def _data(value: Body) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def _pieces(text: str) -> Iterator[str]:
    # Long texts come in few pieces, so that tests of them are about something else.
    size = max(_PIECE, len(text) // 100)
    for start in range(0, len(text), size):
        yield text[start : start + size]


def _content(reply: Reply) -> str | None:
    content = reply.get("content")
    if content is None or isinstance(content, str):
        return content
    return json.dumps(content, ensure_ascii=False)


def _calls(reply: Reply) -> list[Body]:
    found = []
    for number, call in enumerate(reply.get("tool_calls", ())):
        arguments = call["arguments"]
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        function = {"name": call["name"], "arguments": arguments}
        identity = call.get("id", f"call_{number}")
        found.append({"id": identity, "type": "function", "function": function})
    return found


def _output(reply: Reply) -> list[Body]:
    message = {"content": _content(reply), "refusal": reply.get("refusal")}
    return llm_responses.output(message, _calls(reply))


def _finish(reply: Reply) -> str:
    default = "tool_calls" if "tool_calls" in reply else "stop"
    finish: str = reply.get("finish_reason", default)
    return finish


def _usage(body: Body, reply: Reply) -> Body:
    sent = len(json.dumps(body["messages"])) // 4
    received = len(json.dumps(dict(reply))) // 4
    return {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}


def _error(status: int, message: str, code: str | None = None, param: str | None = None) -> Reply:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {
        "status": status,
        "error": {"message": message, "type": kind, "param": param, "code": code},
    }


# What the vendor checks.


def fault_of(body: Body) -> str | None:
    """What is wrong with a request; None when nothing is."""
    messages = body.get("messages")
    if not isinstance(body.get("model"), str) or not body["model"]:
        return "you must provide a model parameter"
    if not isinstance(messages, list) or not messages:
        return "'messages' must be a list of at least one message"
    open_calls: list[str] = []
    for number, message in enumerate(messages):
        role = message.get("role")
        if role not in ("system", "developer", "user", "assistant", "tool"):
            return f"messages[{number}].role is invalid: {role}"
        if role == "tool":
            if message.get("tool_call_id") not in open_calls:
                return f"messages[{number}]: 'tool' must answer a preceding 'tool_calls'"
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            return f"messages[{number}]: tool_call_ids without an answer: {open_calls}"
        if role == "assistant" and message.get("tool_calls"):
            open_calls = [call["id"] for call in message["tool_calls"]]
            if any(not isinstance(c["function"]["arguments"], str) for c in message["tool_calls"]):
                return f"messages[{number}]: arguments must be a string"
        elif not isinstance(message.get("content"), str):
            return f"messages[{number}].content must be a string"
    if open_calls:
        return f"tool_call_ids without an answer: {open_calls}"
    for tool in body.get("tools", ()):
        if tool.get("type") != "function" or not tool.get("function", {}).get("name"):
            return "tools: a function with a name is required"
    if body.get("stream_options") and not body.get("stream"):
        return "'stream_options' is only allowed when 'stream' is enabled"
    shape = body.get("response_format") or {}
    if shape.get("type") == "json_schema" and shape["json_schema"].get("strict"):
        return _strict_fault(shape["json_schema"]["schema"], "schema")
    return None


def _strict_fault(schema: object, path: str) -> str | None:
    """What strict mode refuses: an object that is open, or whose properties are not required."""
    if isinstance(schema, list):
        for number, item in enumerate(schema):
            fault = _strict_fault(item, f"{path}[{number}]")
            if fault:
                return fault
    if not isinstance(schema, dict):
        return None
    kind = schema.get("type")
    if kind == "object" or (isinstance(kind, list) and "object" in kind):
        if schema.get("additionalProperties") is not False:
            return f"Invalid schema: {path}: 'additionalProperties' must be false"
        if set(schema.get("required", ())) != set(schema.get("properties", ())):
            return f"Invalid schema: {path}: 'required' must hold every property"
    for word in ("default", "minItems", "maxItems", "minimum", "maximum", "pattern", "oneOf"):
        if word in schema and path.rpartition(".")[2] != "properties":
            return f"Invalid schema: {path}: '{word}' is not permitted"
    for key, part in schema.items():
        fault = _strict_fault(part, f"{path}.{key}")
        if fault:
            return fault
    return None


LACKING = (
    "json_schema",
    "json_object",
    "schema",
    "tools",
    "max_completion_tokens",
    "max_tokens",
    "stream_options",
    "temperature",
    "stream",
)
"""What an endpoint may not know."""


def uses(body: Body, name: str) -> bool:
    """Whether a request has what an endpoint may not know."""
    if name == "schema":
        return name in (body.get("response_format") or {})
    if name in ("json_schema", "json_object"):
        shape = body.get("response_format") or (body.get("text") or {}).get("format") or {}
        return bool(shape.get("type") == name)
    return name in body


def _shape(body: Body) -> Body:
    """The shape that an answer is wanted in, by a schema."""
    chat = (body.get("response_format") or {}).get("json_schema")
    return chat or (body.get("text") or {}).get("format") or {}


def _words(message: Body) -> str:
    calls = "\n".join(call["function"]["arguments"] for call in message.get("tool_calls") or ())
    said = (message.get(name) or "" for name in ("content", "arguments", "output"))
    return "\n".join((*said, calls))

"""Record what a live endpoint answers, in the form that the tests replay.

The strategies ask a proxy on loopback, which hands each request on and keeps the answer: its text,
calls, refusal, why it ended, or its error. Neither headers nor requests are kept, so that a record
holds no key; of a request only a mark, and the few words by which a replay tells it from others.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.eval import running
from tests.eval.kept import mark_of, step_of
from tests.eval.questions import Question
from tests.support.llm_endpoint import LACKING, uses

from smq_server.generation import wire

Json = dict[str, Any]

_PATIENCE = 3600.0
"""Seconds: a slow endpoint is waited for, because a replay would not run out of time."""
_HANDED_ON = ("authorization", "content-type", "accept")
_DROPPED = ("transfer-encoding", "content-length", "content-encoding", "connection")


class NoAnswers(Exception):
    """The endpoint has answered nothing at all to a question, which says nothing of its model."""


def record(
    questions: Sequence[Question], strategy: str, environ: Mapping[str, str], settings: Json
) -> Iterator[tuple[running.Outcome, Json]]:
    """The answers to each question, one after the other, with the verdict that they get.

    Raises NoAnswers when there are none, as from an endpoint that is still loading its model.
    """
    # The proxy hands on whole answers, which take longer than their first words.
    patient = {"timeout": _PATIENCE, "deadline": _PATIENCE}
    for question in questions:
        # Its address is new, so that each question finds out anew what the endpoint can.
        with Proxy(_address(settings.get("base_url"))) as proxy:
            own = {**settings, "base_url": proxy.base_url, **patient}
            (outcome,) = running.run([question], strategy, environ, settings=own)
            why = outcome.judgement.why.replace(proxy.base_url, "the endpoint")
            if all("status" in each["reply"] for each in proxy.exchanges):
                raise NoAnswers(why)
            spent = outcome.result.spent
            kept: Json = {
                "verdict": outcome.judgement.verdict,
                "note": why,
                "tokens": [spent.usage.sent, spent.usage.received],
                "seconds": round(spent.seconds, 1),
                "asked": [each["mark"] for each in proxy.exchanges],
            }
            if strategy == "graph":
                # Its steps run at the same time, so their order says nothing.
                kept["exchanges"] = [
                    {key: each[key] for key in ("step", "when", "reply") if each[key]}
                    for each in proxy.exchanges
                ]
            else:
                kept["replies"] = [each["reply"] for each in proxy.exchanges]
            yield outcome, {**kept, "lacks": proxy.lacks} if proxy.lacks else kept


def _address(base_url: str | None) -> str:
    if base_url is not None:
        return base_url.rstrip("/")
    import openai

    return str(openai.OpenAI(api_key="none").base_url).rstrip("/")


class Proxy:
    """`with Proxy("https://…/v1") as proxy: … proxy.base_url`; `exchanges` are what was said."""

    def __init__(self, address: str) -> None:
        self.exchanges: list[Json] = []
        self.lacks: list[str] = []
        """What the endpoint has refused and was not asked for again."""
        self._refused: list[Json] = []
        self._address = address
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, body: Json, reply: Json | None) -> None:
        if reply is None:
            self._refused.append(body)
            return
        for refused in self._refused:
            given_up = [each for each in LACKING if uses(refused, each) and not uses(body, each)]
            self.lacks.extend(each for each in given_up if each not in self.lacks)
        self._refused.clear()
        self.exchanges.append(exchange(body, reply))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {k: v for k, v in self.headers.items() if k.lower() in _HANDED_ON}
                status, answered, data, is_whole = asked(proxy._address + self.path, sent, headers)
                reply = reply_of(status, answered, data.decode(errors="replace"))
                proxy._take(json.loads(sent), reply)
                self.send_response(status)
                for name, value in answered.items():
                    if name.lower() not in _DROPPED:
                        self.send_header(name, value)
                # Of an answer that broke, one letter is missing for ever.
                self.send_header("Content-Length", str(len(data) + (not is_whole)))
                self.end_headers()
                self.wfile.write(data)
                self.close_connection = not is_whole

            def log_message(self, *args: object) -> None:
                """What is asked is no news."""

        return Handler


def asked(url: str, body: bytes, headers: Json) -> tuple[int, Mapping[str, str], bytes, bool]:
    """Status, headers and as much of the answer as came, and whether it came to its end."""
    import httpx2

    data = b""
    with (
        httpx2.Client(timeout=_PATIENCE) as client,
        client.stream("POST", url, content=body, headers=headers) as answer,
    ):
        try:
            for piece in answer.iter_bytes():
                data += piece
        except httpx2.RemoteProtocolError:
            return answer.status_code, dict(answer.headers), data, False
    return answer.status_code, dict(answer.headers), data, True


def exchange(body: Json, reply: Json) -> Json:
    """A request and its reply, as far as they are kept."""
    step = step_of(body)
    words = words_of(body)
    # The name of the step outlives the words that ask for it.
    when = [word for word in words if word.startswith("Question:")] if step else words
    return {"mark": mark_of(body), "step": step, "when": when or words, "reply": reply}


def words_of(body: Json) -> list[str]:
    """The words by which a request is known again: what its last message asks for."""
    (*_, last) = body["messages"] if "messages" in body else body["input"]
    text = last.get("content") or last.get("output") or ""
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
    asked = [part for part in paragraphs if part.startswith("Question:")]
    known = ("<", "Question:", "The query has so far:", "{", "-")
    told = [part for part in paragraphs if not part.startswith(known)]
    return [*(part.partition("\n")[0][:60] for part in told[-1:]), *asked[-1:]]


def reply_of(status: int, headers: Mapping[str, str], text: str) -> Json | None:
    """An answer on the wire as a reply of the tests' endpoint.

    None for what is left out: an endpoint that says that it cannot be asked so.
    """
    if status != 200:
        try:
            error = json.loads(text).get("error") or {}
        except (ValueError, AttributeError):
            error = {}
        is_too_long = wire.is_too_long(status, str(error), "")
        if status in (400, 404, 405, 415, 422, 501) and not is_too_long:
            return None
        if is_too_long:
            error["code"] = "context_length_exceeded"
        kept = {k: v for k, v in headers.items() if k.lower().startswith("retry-after")}
        said = {"message": "an error", **{k: error[k] for k in ("code", "type") if error.get(k)}}
        return {"status": status, "error": said, **({"headers": kept} if kept else {})}
    if "text/event-stream" in headers.get("content-type", ""):
        events = [
            json.loads(line.removeprefix("data:"))
            for line in text.splitlines()
            if line.startswith("data:") and line.removeprefix("data:").strip() != "[DONE]"
        ]
        ends = [event["response"] for event in events if event.get("type") in _ENDS]
        return _response(ends[-1]) if ends else _streamed(events)
    value = json.loads(text)
    if value.get("object") == "response":
        return _response(value)
    choice = value["choices"][0]
    message = choice["message"]
    return _reply(
        message.get("content") or "",
        message.get("refusal") or "",
        [call["function"] for call in message.get("tool_calls") or ()],
        choice.get("finish_reason"),
    )


_ENDS = ("response.completed", "response.incomplete", "response.failed")


def _streamed(events: list[Json]) -> Json:
    """A streamed chat completion, or a response that broke off."""
    text, refusal, finish = "", "", None
    calls: dict[int, Json] = {}
    for event in events:
        if event.get("type") == "response.output_text.delta":
            text += event.get("delta") or ""
        for choice in (event.get("choices") or ())[:1]:
            delta = choice.get("delta") or {}
            text += delta.get("content") or ""
            refusal += delta.get("refusal") or ""
            for call in delta.get("tool_calls") or ():
                known = calls.setdefault(call.get("index", 0), {"name": "", "arguments": ""})
                function = call.get("function") or {}
                known["name"] = known["name"] or function.get("name") or ""
                known["arguments"] += function.get("arguments") or ""
            finish = choice.get("finish_reason") or finish
    reply = _reply(text, refusal, [calls[index] for index in sorted(calls)], finish)
    if finish is None:
        reply["cut_after"] = len(text)
    return reply


def _response(value: Json) -> Json:
    """A response, streamed or not."""
    text, refusal = "", ""
    calls: list[Json] = []
    for item in value.get("output") or ():
        if item.get("type") == "function_call":
            calls.append(item)
        for part in (item.get("content") or ()) if item.get("type") == "message" else ():
            text += part.get("text") or ""
            refusal += part.get("refusal") or ""
    finish = None
    if value.get("status") == "incomplete":
        reason = (value.get("incomplete_details") or {}).get("reason")
        finish = "content_filter" if reason == "content_filter" else "length"
    reply = _reply(text, refusal, calls, finish)
    if value.get("status") == "failed":
        reply["failed"] = {"code": "server_error", "message": "an error"}
    return reply


def _reply(text: str, refusal: str, calls: list[Json], finish: str | None) -> Json:
    found: Json = {}
    if refusal:
        found["refusal"] = refusal
    elif calls:
        found["tool_calls"] = [
            {"name": call["name"], "arguments": _value(call["arguments"])} for call in calls
        ]
    if text or not found:
        found["content"] = _value(text)
    if finish in ("length", "content_filter"):
        found["finish_reason"] = finish
    return found


def _value(text: str) -> Any:
    """JSON as a value where that writes the same text again, for people who read the record."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    same = isinstance(value, dict) and json.dumps(value, ensure_ascii=False) == text
    return value if same else text

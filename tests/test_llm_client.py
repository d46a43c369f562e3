"""The client on the real `openai` package: rungs, retries, budgets, and what endpoints do wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.llm_endpoint import LlmEndpoint, Reply

from smq.workspace import Configuration, LlmSettings
from smq_server.generation import abilities
from smq_server.generation.budget import Budget
from smq_server.generation.chat import (
    AnswerShape,
    Message,
    Progress,
    Request,
    Tool,
    ToolCall,
    estimated_tokens,
)
from smq_server.generation.chat import Reply as Answer
from smq_server.generation.client import Client
from smq_server.generation.connection import connection
from smq_server.generation.failure import GenerationFailure

SHAPE = AnswerShape(
    "answer",
    {
        "type": "object",
        "properties": {"words": {"type": "string"}},
        "required": ["words"],
        "additionalProperties": False,
    },
)
TOOL = Tool("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}})
ASK = Request("test", (Message("system", "You are a test."), Message("user", "매출은?")))


@pytest.fixture(autouse=True)
def _forgetful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SMQ_CACHE_DIR", str(tmp_path))
    abilities.forget()
    yield
    abilities.forget()


class Asking:
    """One question to one endpoint, with what was told and how long was waited."""

    def __init__(self, endpoint: LlmEndpoint, key: str | None = "sk-secret", **settings: Any):
        environ: Mapping[str, str] = {"SMQ_LLM_API_KEY": key} if key else {}
        settings.setdefault("api", "chat")
        llm = LlmSettings(base_url=endpoint.base_url, model="m", **settings)
        self.connection = connection(Configuration(llm=llm), environ)
        self.settings = self.connection.settings
        self.budget = Budget(
            self.settings.max_calls, self.settings.max_tokens, self.settings.deadline
        )
        self.told: list[Progress] = []
        self.pauses: list[float] = []

    def __call__(self, *requests: Request) -> list[Answer]:
        return asyncio.run(self.ask(*requests))

    async def ask(self, *requests: Request) -> list[Answer]:
        async with Client(self.connection, self.budget, self.told.append, self._pause) as client:
            return [await client.ask(request) for request in requests]

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def failing(asking: Asking, request: Request = ASK) -> GenerationFailure:
    with pytest.raises(GenerationFailure) as caught:
        asking(request)
    return caught.value


def script(*replies: Reply, **options: Any) -> LlmEndpoint:
    return LlmEndpoint(replies, **options)


def test_an_answer_is_streamed_and_counted() -> None:
    with script({"content": "잔액은 백 원입니다"}) as endpoint:
        asking = Asking(endpoint)
        (found,) = asking(ASK)
    assert found.text == "잔액은 백 원입니다"
    assert "".join(p.text for p in asking.told if p.kind == "answer") == found.text
    assert asking.budget.calls == 1
    assert asking.budget.usage == found.usage and found.usage.total > 0
    assert endpoint.refused == []


def test_calls_of_tools_are_put_together_and_answered() -> None:
    calls = [{"name": "look", "arguments": {"at": "매출"}}, {"name": "look", "arguments": "{"}]
    with script({"tool_calls": calls}, {"content": "done"}) as endpoint:
        asking = Asking(endpoint)
        (first,) = asking(replace(ASK, tools=(TOOL,)))
        assert [(c.name, c.arguments) for c in first.calls] == [
            ("look", '{"at": "매출"}'),
            ("look", "{"),
        ]
        turns = (
            *ASK.messages,
            Message("assistant", first.text, first.calls),
            *(Message("tool", "seen", call_id=call.id) for call in first.calls),
        )
        (second,) = asking(Request("test", turns, (TOOL,)))
    assert second.text == "done"
    assert endpoint.refused == []


@pytest.mark.parametrize(
    "said",
    [
        '{"name": "look", "arguments": {"at": "매출"}}',
        '```json\n{"name": "look", "arguments": "{\\"at\\": \\"매출\\"}"}\n```',
        '<tools>\n{"function": {"name": "look", "arguments": {"at": "매출"}}}\n</tools>',
        'I look: {"type": "function", "function": "look", "parameters": {"at": "매출"}}',
    ],
)
def test_a_call_that_a_small_model_writes_in_words_is_a_call(said: str) -> None:
    with script({"content": said}) as endpoint:
        (found,) = Asking(endpoint)(replace(ASK, tools=(TOOL,)))
    ((name, arguments),) = [(call.name, call.arguments) for call in found.calls]
    assert name == "look" and json.loads(arguments) == {"at": "매출"}


def test_json_that_names_no_tool_is_no_call() -> None:
    with script({"content": '{"name": "revenue", "arguments": {}} {"metrics": ["a"]}'}) as endpoint:
        (found,) = Asking(endpoint)(replace(ASK, tools=(TOOL,)))
    assert found.calls == () and "revenue" in found.text


@pytest.mark.parametrize(
    "lacks",
    [
        ("json_schema",),
        ("json_schema", "schema"),
        ("json_schema", "json_object"),
        ("tools",),
        ("max_completion_tokens",),
        ("max_completion_tokens", "max_tokens"),
        ("stream_options",),
        ("temperature",),
        ("stream",),
        (
            "json_schema",
            "json_object",
            "tools",
            "max_completion_tokens",
            "max_tokens",
            "stream_options",
            "temperature",
            "stream",
        ),
    ],
)
@pytest.mark.parametrize("status", [400, 422, 500])
def test_an_endpoint_is_asked_as_it_can_be_and_that_is_remembered(
    lacks: tuple[str, ...], status: int
) -> None:
    said = {"content": 'Of course:\n```json\n{"words": "hi"}\n```'}
    with script(said, said, lacks=lacks, lacks_status=status) as endpoint:
        request = replace(ASK, answer=SHAPE, tools=(TOOL,))
        (found,) = Asking(endpoint)(request)
        assert "hi" in found.text
        refused = len(endpoint.headers) - 1
        assert refused <= len(lacks) + 1
        Asking(endpoint)(request)
        assert len(endpoint.headers) == refused + 2
    body = endpoint.requests[-1]
    if "json_schema" in lacks:
        assert '"additionalProperties": false' in body["messages"][0]["content"]
    if "tools" in lacks:
        assert "Looks." in body["messages"][0]["content"]


def test_an_endpoint_without_strict_schemas_may_take_one_with_a_json_object() -> None:
    with script({"content": '{"words": "hi"}'}, lacks=["json_schema"]) as endpoint:
        Asking(endpoint)(replace(ASK, answer=SHAPE))
    (body,) = endpoint.requests
    assert body["response_format"] == {"type": "json_object", "schema": SHAPE.schema}
    assert '"additionalProperties": false' in body["messages"][0]["content"]


def test_the_next_process_knows_what_an_endpoint_can(tmp_path: Path) -> None:
    said = {"content": '{"words": "hi"}'}
    with script(said, said, said, lacks=["json_schema", "json_object"]) as endpoint:
        request = replace(ASK, answer=SHAPE)
        Asking(endpoint)(request)
        assert len(endpoint.headers) == 4
        abilities.forget()
        Asking(endpoint)(request)
        assert len(endpoint.headers) == 5
        (kept,) = (tmp_path / "endpoints").iterdir()
        assert "secret" not in kept.read_text()
        for damage in ("{", "[]", '{"since": 1}', kept.read_text().replace("text", "nonsense")):
            kept.write_text(damage)
            abilities.forget()
            assert abilities.abilities_of(endpoint.base_url, "m") == abilities.Abilities()


def test_an_endpoint_that_refuses_everything_has_said_nothing(tmp_path: Path) -> None:
    bad = {"status": 400, "error": {"message": "no"}}
    with LlmEndpoint(answer=lambda _: bad) as endpoint:
        assert failing(Asking(endpoint), replace(ASK, answer=SHAPE)).kind == "endpoint"
        assert abilities.abilities_of(endpoint.base_url, "m") == abilities.Abilities()
    assert not (tmp_path / "endpoints").exists()


def test_tools_that_are_described_are_called_in_words() -> None:
    calls = {"content": 'I will look.\n{"tool": "look", "arguments": {"at": "매출"}}'}
    with script(calls, {"content": "done"}, lacks=["tools"]) as endpoint:
        asking = Asking(endpoint)
        (first,) = asking(replace(ASK, tools=(TOOL,)))
        assert first.calls == (ToolCall("call_0", "look", '{"at": "매출"}'),)
        turns = (
            *ASK.messages,
            Message("assistant", first.text, first.calls),
            Message("tool", "seen", call_id="call_0"),
        )
        asking(Request("test", turns, (TOOL,)))
    last = endpoint.requests[-1]["messages"]
    assert [message["role"] for message in last] == ["system", "user", "assistant", "user"]
    assert '"at": "매출"' in last[2]["content"] and "seen" in last[3]["content"]


def test_an_endpoint_that_streams_nothing_is_asked_for_the_whole() -> None:
    with script({"raw": "", "type": "application/json"}, {"content": "hi"}) as endpoint:
        (found,) = Asking(endpoint)(ASK)
    assert found.text == "hi"
    assert "stream" not in endpoint.requests[-1]


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 429, "error": {"message": "slow down"}},
        {"status": 500, "error": {"message": "oops"}},
        {"status": 503, "error": {}},
        {"content": "a long story", "cut_after": 5},
        {"raw": "data: {not json\n\n"},
        {"raw": 'data: {"choices": [{"delta": {"content": "a"}}]}\n\n'},
        {"raw": 'data: {"error": {"message": "overloaded"}}\n\n'},
    ],
)
def test_what_passes_is_tried_again(trouble: Reply) -> None:
    with script(trouble, trouble, {"content": "at last"}) as endpoint:
        asking = Asking(endpoint)
        (found,) = asking(ASK)
    assert found.text == "at last"
    assert asking.budget.calls == len(endpoint.requests) == 3
    assert 0.3 < asking.pauses[0] < 0.7 < asking.pauses[1] < 1.3
    assert [p.kind for p in asking.told].count("wait") == 2


def test_a_server_that_is_just_starting_is_waited_for() -> None:
    loading = {"status": 503, "error": {"message": "Loading model", "code": 503}}
    with script(*[loading] * 6, {"content": "at last"}) as endpoint:
        asking = Asking(endpoint)
        (found,) = asking(ASK)
    assert found.text == "at last" and sum(asking.pauses) > 20
    with LlmEndpoint(answer=lambda _: loading) as endpoint:
        failure = failing(Asking(endpoint))
    assert "is still loading its model" in failure.message


def test_an_endpoint_says_how_long_to_wait() -> None:
    busy = {"status": 429, "error": {"message": "slow down"}, "headers": {"retry-after": "7"}}
    later = {"status": 429, "error": {}, "headers": {"retry-after-ms": "1500"}}
    with script(busy, later, {"content": "hi"}) as endpoint:
        asking = Asking(endpoint)
        asking(ASK)
    assert asking.pauses == [7.0, 1.5]


def test_nobody_waits_longer_than_the_deadline() -> None:
    busy = {"status": 429, "error": {"message": "slow"}, "headers": {"retry-after": "600"}}
    with script(busy) as endpoint:
        asking = Asking(endpoint, deadline=60)
        assert failing(asking).kind == "rate-limited"
    assert asking.pauses == []


_BROKEN = 'data: {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": null}]}\n\n'


@pytest.mark.parametrize(
    ("reply", "kind", "words", "calls"),
    [
        ({"status": 429, "error": {"message": "slow"}}, "rate-limited", "is busy", 3),
        (
            {"status": 429, "error": {"message": "pay", "code": "insufficient_quota"}},
            "rate-limited",
            "no quota left: pay",
            1,
        ),
        ({"status": 500, "error": {"message": "oops"}}, "endpoint", "500: oops", 3),
        ({"status": 401, "error": {"message": "who?"}}, "unauthorised", "SMQ_LLM_API_KEY", 1),
        ({"status": 403, "error": {"message": "no"}}, "unauthorised", "403: no", 1),
        ({"status": 404, "error": {"message": "no m"}}, "endpoint", "knows no model m", 1),
        ({"status": 418, "error": {"message": "teapot"}}, "endpoint", "418: teapot", 1),
        (
            {"status": 400, "error": {"message": "big", "code": "context_length_exceeded"}},
            "too-long",
            "llm.prompt_tokens",
            1,
        ),
        (
            {
                "status": 400,
                "error": {
                    "message": "request (17030 tokens) exceeds the available context size "
                    "(16384 tokens), try increasing it",
                    "type": "exceed_context_size_error",
                    "code": 400,
                },
            },
            "too-long",
            "a larger context",
            1,
        ),
        ({"refusal": "I must not."}, "refused", "I must not.", 1),
        ({"content": "", "finish_reason": "content_filter"}, "refused", "filter", 1),
        ({"content": "and", "finish_reason": "length"}, "too-long", "llm.answer_tokens", 1),
        ({"content": "x" * 9, "cut_after": 3}, "endpoint", "broken off", 3),
        ({"endless": True, "content": "so"}, "too-long", "without end", 1),
        ({"raw": "<html>hello</html>", "type": "text/html"}, "endpoint", "protocol of OpenAI", 3),
        ({"raw": _BROKEN * 2}, "endpoint", "broken off", 3),
        ({"silence": True}, "timeout", "said nothing for 0.2 seconds", 3),
    ],
)
def test_failures_end_in_a_sentence(reply: Reply, kind: str, words: str, calls: int) -> None:
    timeout = 0.2 if "silence" in reply else 5.0
    with LlmEndpoint(answer=lambda _: reply) as endpoint:
        asking = Asking(endpoint, timeout=timeout)
        failure = failing(asking)
    assert (failure.kind, asking.budget.calls) == (kind, calls + ("html" in str(reply)))
    assert words in failure.message
    assert "sk-secret" not in failure.message


def test_an_endpoint_that_is_not_there() -> None:
    with script() as endpoint:
        asking = Asking(endpoint)
    failure = failing(asking)
    assert failure.kind == "unreachable" and "llm.base_url" in failure.message


def test_a_key_that_an_endpoint_repeats_is_not_shown() -> None:
    with script(keys=["other"]) as endpoint:
        failure = failing(Asking(endpoint))
    assert failure.kind == "unauthorised"
    assert "sk-secret" not in failure.message and "…" in failure.message


def test_an_endpoint_that_counts_nothing_is_counted_by_ourselves() -> None:
    choice = {"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    event = {"id": "1", "object": "chat.completion.chunk", "choices": [choice], "usage": usage}
    with script({"raw": f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n"}) as endpoint:
        asking = Asking(endpoint)
        asking(ASK)
    assert asking.budget.usage.sent > 10 and asking.budget.usage.received > 0


def test_calls_are_bounded() -> None:
    with LlmEndpoint(answer=lambda _: {"content": "hi"}) as endpoint:
        asking = Asking(endpoint, max_calls=2)
        with pytest.raises(GenerationFailure, match=r"llm\.max_calls") as caught:
            asking(ASK, ASK, ASK)
    assert caught.value.kind == "budget" and len(endpoint.requests) == 2


def test_tokens_are_bounded_before_they_are_sent() -> None:
    long = Request("test", (Message("user", "가" * 400),))
    with LlmEndpoint(answer=lambda _: {"content": "hi"}) as endpoint:
        asking = Asking(endpoint, max_tokens=300)
        assert failing(asking, long).kind == "budget"
    assert endpoint.requests == []


def test_the_deadline_ends_a_silent_call() -> None:
    with script({"silence": True}) as endpoint:
        asking = Asking(endpoint, deadline=2.0, timeout=30)
        assert failing(asking).kind == "timeout"
        assert endpoint.disconnected.wait(5)


def test_cancelling_closes_the_stream() -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(asking.ask(ASK))
        while not any(p.kind == "answer" for p in asking.told):
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    slow = {"content": "so ", "endless": True}
    with script(slow) as endpoint:
        asking = Asking(endpoint)
        asyncio.run(cancelled())
        assert endpoint.disconnected.wait(5)


# --- where the key goes


def key_for(base_url: str | None, **environ: str) -> str:
    llm = LlmSettings(base_url=base_url, model="m")
    return connection(Configuration(llm=llm), environ).key


def test_the_vendors_key_goes_to_no_address_that_a_file_names() -> None:
    assert key_for("http://x.example/v1", OPENAI_API_KEY="v") == "none"
    assert key_for("http://x.example/v1", OPENAI_API_KEY="v", SMQ_LLM_API_KEY="s") == "s"
    assert key_for(None, OPENAI_API_KEY="v") == "v"
    assert key_for(None, OPENAI_API_KEY="v", OPENAI_BASE_URL="http://x.example/v1") == "v"
    own = "http://own.example/v1"
    assert key_for(own, OPENAI_API_KEY="v", SMQ_LLM_BASE_URL=own) == "v"


def test_what_is_missing_is_said() -> None:
    with pytest.raises(GenerationFailure, match=r"Set llm\.model in smq\.toml") as caught:
        connection(Configuration(), {})
    assert caught.value.kind == "not-configured"
    with pytest.raises(GenerationFailure, match="needs a key: set SMQ_LLM_API_KEY"):
        connection(Configuration(llm=LlmSettings(model="m")), {})


def test_the_key_is_in_no_representation() -> None:
    llm = LlmSettings(model="m")
    found = connection(Configuration(llm=llm), {"OPENAI_API_KEY": "sk-secret"})
    assert "sk-secret" not in repr(found)


def test_a_syllable_is_a_token() -> None:
    assert estimated_tokens("매출") == 2
    assert estimated_tokens("revenue!") == 2


def test_bodies_hold_nothing_but_the_conversation() -> None:
    with script({"content": "hi"}) as endpoint:
        Asking(endpoint)(ASK)
    (body,) = endpoint.requests
    assert body["messages"] == [{"role": m.role, "content": m.text} for m in ASK.messages]
    assert set(body) == {
        "model",
        "messages",
        "temperature",
        "max_completion_tokens",
        "stream",
        "stream_options",
    }
    assert "sk-secret" not in json.dumps(body)
    assert endpoint.headers[0]["authorization"] == "Bearer sk-secret"

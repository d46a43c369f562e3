"""The Responses API as the first rung, and chat completions where there is no such thing."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.support import llm_responses
from tests.support.llm_endpoint import CHAT_PATH as CHAT
from tests.support.llm_endpoint import RESPONSES_PATH as RESPONSES
from tests.support.llm_endpoint import LlmEndpoint, Reply
from tests.test_llm_client import ASK, SHAPE, TOOL, Asking, failing

from smq_server.generation import abilities
from smq_server.generation.budget import MOST_REFUSED
from smq_server.generation.chat import Message, Request
from smq_server.generation.failure import GenerationFailure


@pytest.fixture(autouse=True)
def _forgetful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SMQ_CACHE_DIR", str(tmp_path))
    abilities.forget()
    yield
    abilities.forget()


def both(*replies: Reply, **options: Any) -> LlmEndpoint:
    return LlmEndpoint(replies, apis=("responses", "chat"), **options)


def asking(endpoint: LlmEndpoint, **settings: Any) -> Asking:
    return Asking(endpoint, api=settings.pop("api", "auto"), **settings)


# --- the double, held to the vendor's client


def client(endpoint: LlmEndpoint) -> openai.OpenAI:
    return openai.OpenAI(base_url=endpoint.base_url, api_key="k", max_retries=0, timeout=5)


def test_a_whole_response() -> None:
    with both({"content": "네, 안녕하세요"}) as endpoint:
        found = client(endpoint).responses.create(model="m", input="안녕?")
    assert found.output_text == "네, 안녕하세요" and found.status == "completed"
    assert found.usage is not None and found.usage.total_tokens > 0


def test_the_stream_helper_puts_a_response_together() -> None:
    calls = [{"name": "weather", "arguments": {"place": "서울"}}]
    with both({"content": "하나 둘 셋 넷 다섯 여섯"}, {"tool_calls": calls}) as endpoint:
        with client(endpoint).responses.stream(model="m", input="안녕?") as stream:
            kinds = [event.type for event in stream]
            said = stream.get_final_response()
        tool: Any = {"type": "function", "name": "weather", "strict": False, "parameters": {}}
        with client(endpoint).responses.stream(model="m", input="?", tools=[tool]) as stream:
            called = stream.get_final_response().output[0]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert kinds.count("response.output_text.delta") > 1
    assert said.output_text == "하나 둘 셋 넷 다섯 여섯"
    assert called.type == "function_call" and json.loads(called.arguments) == {"place": "서울"}


def test_the_parse_helper_reads_a_response_in_a_strict_shape() -> None:
    from pydantic import BaseModel

    class Answer(BaseModel):
        words: list[str]

    with both({"content": {"words": ["a", "나"]}}) as endpoint:
        found = client(endpoint).responses.parse(model="m", input="?", text_format=Answer)
    assert found.output_parsed == Answer(words=["a", "나"])
    assert endpoint.requests[0]["text"]["format"]["strict"] is True


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"input": "?", "extra_body": {"messages": []}}, "Unknown parameter"),
        ({"input": []}, "'input'"),
        (
            {"input": [{"type": "function_call_output", "call_id": "x", "output": "1"}]},
            "No tool call found",
        ),
        (
            {"input": [{"type": "function_call", "call_id": "x", "name": "a", "arguments": "{}"}]},
            "No tool output found",
        ),
        (
            {"input": "?", "tools": [{"type": "function", "name": "a", "parameters": {
                "type": "object", "properties": {"b": {"type": "string"}}}}]},
            "Invalid schema for function 'a'",
        ),
        ({"input": "?", "text": {"format": {"type": "json_object"}}}, "the word 'json'"),
    ],
)  # fmt: skip
def test_malformed_requests_are_refused(body: dict[str, Any], fault: str) -> None:
    with (
        both({"content": "hi"}) as endpoint,
        pytest.raises(openai.BadRequestError, match=fault),
    ):
        client(endpoint).responses.create(model="m", **body)


# --- our client


def test_an_answer_is_streamed_and_counted() -> None:
    with both({"content": "잔액은 백 원입니다"}) as endpoint:
        ask = asking(endpoint)
        (found,) = ask(ASK)
    assert endpoint.paths == [RESPONSES] and endpoint.refused == []
    assert found.text == "잔액은 백 원입니다"
    assert "".join(p.text for p in ask.told if p.kind == "answer") == found.text
    assert ask.budget.calls == 1 and ask.budget.usage.total > 0
    (body,) = endpoint.requests
    assert body["input"] == [
        {"type": "message", "role": m.role, "content": m.text} for m in ASK.messages
    ]
    assert body["store"] is False
    assert set(body) == {"model", "input", "store", "temperature", "max_output_tokens", "stream"}


def test_calls_of_tools_are_put_together_and_answered() -> None:
    calls = [{"name": "look", "arguments": {"at": "매출"}}, {"name": "look", "arguments": "{"}]
    with both({"tool_calls": calls}, {"content": "done"}) as endpoint:
        ask = asking(endpoint)
        (first,) = ask(replace(ASK, tools=(TOOL,)))
        assert [(c.name, c.arguments) for c in first.calls] == [
            ("look", '{"at": "매출"}'),
            ("look", "{"),
        ]
        turns = (
            *ASK.messages,
            Message("assistant", first.text, first.calls),
            *(Message("tool", "seen", call_id=call.id) for call in first.calls),
        )
        (second,) = ask(Request("test", turns, (TOOL,)))
    assert second.text == "done"
    assert endpoint.refused == [] and endpoint.paths == [RESPONSES] * 2


@pytest.mark.parametrize("absent", [404, 405, 501])
def test_without_the_responses_api_chat_is_used_and_remembered(absent: int) -> None:
    said = {"content": '{"words": "hi"}'}
    with LlmEndpoint([said] * 3, absent=absent) as endpoint:
        ask = asking(endpoint)
        ask(replace(ASK, answer=SHAPE), ASK)
        assert endpoint.paths == [RESPONSES, CHAT, CHAT]
        assert ask.budget.calls == 2, "no model was asked by looking for it"
        abilities.forget()
        asking(endpoint)(ASK)
        assert endpoint.paths[3:] == [CHAT], "the next process knows, too"
    assert endpoint.requests[0]["response_format"]["type"] == "json_schema"


def test_finding_out_what_an_endpoint_can_uses_up_no_calls() -> None:
    said = {"content": '{"words": "hi"}'}
    lacks = ["json_schema", "max_completion_tokens", "stream_options", "temperature"]
    with LlmEndpoint([said], lacks=lacks) as endpoint:
        ask = asking(endpoint, max_calls=1)
        ask(replace(ASK, answer=SHAPE))
    assert ask.budget.calls == 1 and ask.budget.refused == len(endpoint.paths) - 1 == 5


def test_an_endpoint_that_refuses_everything_is_asked_a_few_times() -> None:
    no = {"status": 400, "error": {"message": "no"}}
    with LlmEndpoint(answer=lambda _: no, apis=("responses", "chat")) as endpoint:
        ask = asking(endpoint, max_calls=1)
        assert failing(ask, replace(ASK, answer=SHAPE, tools=(TOOL,))).kind == "endpoint"
    assert len(endpoint.paths) <= MOST_REFUSED + 1


def test_who_forgets_a_schema_in_the_responses_api_is_asked_in_chat() -> None:
    """llama.cpp's server takes `text.format` and answers as if there was none."""

    def answer(body: dict[str, Any]) -> Reply:
        return {"content": "Hello! How can I help?" if "input" in body else '{"words": "hi"}'}

    with LlmEndpoint(answer=answer, apis=("responses", "chat")) as endpoint:
        ask = asking(endpoint)
        (found, _) = ask(replace(ASK, answer=SHAPE), replace(ASK, answer=SHAPE))
    assert found.text == '{"words": "hi"}'
    assert endpoint.paths == [RESPONSES, CHAT, CHAT]
    assert ask.budget.calls == 3, "here the model was asked each time"


@pytest.mark.parametrize("apis", [("responses",), ("chat",), ("responses", "chat")])
def test_who_forgets_a_schema_everywhere_is_told_of_it_in_words(apis: tuple[str, ...]) -> None:
    with LlmEndpoint(answer=lambda _: {"content": "[1]"}, apis=apis) as endpoint:
        ask = asking(endpoint)
        ask(*[replace(ASK, answer=SHAPE)] * 2)
    assert "JSON Schema" not in str(endpoint.requests[0])
    assert "JSON Schema" in str(endpoint.requests[-1])
    assert ask.budget.calls <= 3


def test_an_answer_of_another_shape_is_worth_a_look_with_the_last_call() -> None:
    with both({"content": '{"metrics": []}'}) as endpoint:
        (found,) = asking(endpoint, max_calls=1)(replace(ASK, answer=SHAPE))
    assert found.text == '{"metrics": []}'


@pytest.mark.parametrize(
    "instead",
    [
        {"raw": "<html>hello</html>", "type": "text/html"},
        {"raw": "", "type": "application/json"},
        {"raw": "data: {not json\n\n"},
        {"status": 400, "error": {"message": "bad request"}},
        {"status": 500, "error": {"message": "not implemented"}},
    ],
)
def test_what_is_no_responses_api_is_left_for_chat(instead: Reply) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        return instead if "input" in body else {"content": "hi"}

    with LlmEndpoint(answer=answer, apis=("responses", "chat")) as endpoint:
        (found,) = asking(endpoint)(ASK)
    assert found.text == "hi" and endpoint.paths == [RESPONSES, CHAT]


@pytest.mark.parametrize(
    "lacks",
    [
        ("json_schema",),
        ("json_schema", "json_object"),
        ("tools",),
        ("max_output_tokens",),
        ("temperature",),
        ("stream",),
        ("json_schema", "json_object", "tools", "max_output_tokens", "temperature", "stream"),
    ],
)
def test_a_response_is_asked_for_as_it_can_be(lacks: tuple[str, ...]) -> None:
    said = {"content": 'Of course:\n```json\n{"words": "hi"}\n```'}
    status = (400, 422, 500)[len(lacks) % 3]
    with both(said, said, lacks=lacks, lacks_status=status) as endpoint:
        request = replace(ASK, answer=SHAPE, tools=(TOOL,))
        (found,) = asking(endpoint)(request)
        assert "hi" in found.text
        refused = len(endpoint.paths) - 1
        assert refused == len(lacks)
        asking(endpoint)(request)
        assert len(endpoint.paths) == refused + 2
    assert set(endpoint.paths) == {RESPONSES} and endpoint.refused == []


_FAULTS: list[tuple[Reply, str, str]] = [
    ({"refusal": "I must not."}, "refused", "I must not."),
    ({"content": "a", "finish_reason": "content_filter"}, "refused", "filter"),
    ({"content": "and", "finish_reason": "length"}, "too-long", "llm.answer_tokens"),
    ({"content": "x" * 9, "cut_after": 3}, "endpoint", "broken off"),
    ({"content": "so", "endless": True}, "too-long", "without end"),
    ({"content": "a", "error_event": "overloaded sk-secret"}, "endpoint", "reports: over"),
    ({"failed": {"code": "server_error", "message": "sorry"}}, "endpoint", "reports: sorry"),
    ({"status": 429, "error": {"message": "slow"}}, "rate-limited", "is busy"),
    ({"status": 401, "error": {"message": "who?"}}, "unauthorised", "SMQ_LLM_API_KEY"),
    ({"silence": True}, "timeout", "said nothing for 0.2 seconds"),
]
_ONLY_STREAMED = {"cut_after", "endless", "error_event"}


@pytest.mark.parametrize(
    ("reply", "kind", "words", "stream"),
    [
        (*fault, stream)
        for fault in _FAULTS
        for stream in (True, False)
        if stream or not _ONLY_STREAMED & fault[0].keys()
    ],
)
def test_failures_end_in_a_sentence(reply: Reply, kind: str, words: str, stream: bool) -> None:
    timeout = 0.2 if "silence" in reply else 5.0
    lacks = [] if stream else ["stream"]
    with LlmEndpoint(answer=lambda _: reply, apis=["responses"], lacks=lacks) as endpoint:
        ask = asking(endpoint, timeout=timeout)
        failure = failing(ask)
    assert failure.kind == kind and words in failure.message
    assert "sk-secret" not in failure.message
    assert ask.budget.calls <= 4


def test_a_way_of_asking_can_be_said() -> None:
    with both({"content": "a"}, {"content": "b"}) as endpoint:
        asking(endpoint, api="chat")(ASK)
        asking(endpoint, api="responses")(ASK)
    assert endpoint.paths == [CHAT, RESPONSES]
    with LlmEndpoint([{"content": "a"}]) as endpoint:
        failure = failing(asking(endpoint, api="responses"))
    assert endpoint.paths == [RESPONSES]
    assert "llm.api" in failure.message


_JUNK: tuple[Any, ...] = (None, 7, -1, True, "x", [], {}, [None], {"a": 1}, [[1]])


def damaged(value: Any, dice: random.Random, share: float) -> Any:
    """The value with some fields lost and some of another type."""
    if dice.random() < share:
        return dice.choice(_JUNK)
    if isinstance(value, dict):
        kept = [key for key in value if dice.random() >= share / 2]
        return {key: damaged(value[key], dice, share) for key in kept}
    return [damaged(each, dice, share) for each in value] if isinstance(value, list) else value


@pytest.mark.long
@pytest.mark.parametrize("seed", range(60))
def test_damaged_events_end_in_an_answer_or_a_failure(seed: int) -> None:
    dice = random.Random(seed)
    share = dice.choice([0.01, 0.05, 0.2])
    body: dict[str, Any] = {"model": "m", "input": []}
    call = {"id": "call_0", "function": {"name": "look", "arguments": '{"at": 1}'}}
    items = llm_responses.output({"content": "hello there, this is it"}, [call])
    text = ""
    for event in llm_responses.events(body, items, {}):
        name, data = event.decode().strip().split("\ndata: ")
        text += f"{name}\ndata: {json.dumps(damaged(json.loads(data), dice, share))}\n\n"
    with LlmEndpoint(answer=lambda _: {"raw": text}, apis=["responses"]) as endpoint:
        ask = asking(endpoint, api="responses", retries=0)
        try:
            (found,) = ask(replace(ASK, tools=(TOOL,)))
        except GenerationFailure as failure:
            assert failure.kind == "endpoint"
        else:
            parts = [
                found.text,
                *(part for c in found.calls for part in (c.id, c.name, c.arguments)),
            ]
            assert all(isinstance(part, str) for part in parts)
    assert ask.budget.calls <= 2

"""The stand-in for a language model speaks the protocol: the vendor's client says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from tests.support.llm_endpoint import LlmEndpoint, Reply

HELLO: Any = [{"role": "user", "content": "안녕?"}]
WEATHER: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}


def client(endpoint: LlmEndpoint, key: str = "k") -> openai.OpenAI:
    return openai.OpenAI(base_url=endpoint.base_url, api_key=key, max_retries=0, timeout=5)


@pytest.fixture
def calls() -> Iterator[Any]:
    opened: list[LlmEndpoint] = []

    def start(*script: Reply, **options: Any) -> LlmEndpoint:
        endpoint = LlmEndpoint(script, **options)
        opened.append(endpoint.__enter__())
        return endpoint

    yield start
    for endpoint in opened:
        endpoint.__exit__(None, None, None)


def test_a_whole_answer(calls: Any) -> None:
    endpoint = calls({"content": "네, 안녕하세요"})
    found = client(endpoint).chat.completions.create(model="m", messages=HELLO)
    assert found.choices[0].message.content == "네, 안녕하세요"
    assert found.choices[0].finish_reason == "stop"
    assert found.usage is not None and found.usage.total_tokens > 0
    assert endpoint.requests[0]["messages"] == HELLO


def test_a_streamed_answer_with_its_usage(calls: Any) -> None:
    endpoint = calls({"content": "하나 둘 셋 넷 다섯 여섯"})
    stream = client(endpoint).chat.completions.create(
        model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    pieces = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert "".join(pieces) == "하나 둘 셋 넷 다섯 여섯" and len(pieces) > 3
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage is not None


def test_the_stream_helper_puts_tool_calls_together(calls: Any) -> None:
    wanted = [
        {"name": "weather", "arguments": {"place": "서울", "days": 3}},
        {"name": "weather", "arguments": {"place": "부산"}},
    ]
    endpoint = calls({"tool_calls": wanted})
    with client(endpoint).chat.completions.stream(
        model="m", messages=HELLO, tools=[WEATHER]
    ) as stream:
        found = stream.get_final_completion().choices[0]
    assert found.finish_reason == "tool_calls"
    tools = found.message.tool_calls or []
    assert [json.loads(each.function.arguments) for each in tools] == [
        each["arguments"] for each in wanted
    ]
    assert len({each.id for each in tools}) == 2


def test_the_parse_helper_reads_an_answer_in_a_strict_shape(calls: Any) -> None:
    from pydantic import BaseModel

    class Answer(BaseModel):
        words: list[str]

    endpoint = calls({"content": {"words": ["a", "나"]}})
    found = client(endpoint).chat.completions.parse(
        model="m", messages=HELLO, response_format=Answer
    )
    assert found.choices[0].message.parsed == Answer(words=["a", "나"])
    assert endpoint.requests[0]["response_format"]["json_schema"]["strict"] is True


def test_refusals(calls: Any) -> None:
    endpoint = calls({"refusal": "I cannot help with that."}, {"refusal": "No."})
    whole = client(endpoint).chat.completions.create(model="m", messages=HELLO)
    assert whole.choices[0].message.refusal == "I cannot help with that."
    with client(endpoint).chat.completions.stream(model="m", messages=HELLO) as stream:
        assert stream.get_final_completion().choices[0].message.refusal == "No."


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_errors_are_those_of_the_client(calls: Any, status: int, error: type[Exception]) -> None:
    said = {"status": status, "error": {"message": "because"}, "headers": {"retry-after": "7"}}
    endpoint = calls(said)
    with pytest.raises(error, match="because") as caught:
        client(endpoint).chat.completions.create(model="m", messages=HELLO)
    assert isinstance(caught.value, openai.APIStatusError)
    assert caught.value.response.headers["retry-after"] == "7"


def test_a_wrong_key_is_not_let_in(calls: Any) -> None:
    endpoint = calls({"content": "hi"}, keys=["right"])
    with pytest.raises(openai.AuthenticationError):
        client(endpoint, "wrong").chat.completions.create(model="m", messages=HELLO)
    assert client(endpoint, "right").chat.completions.create(model="m", messages=HELLO)


def test_a_cut_off_stream_breaks_in_the_client(calls: Any) -> None:
    endpoint = calls({"content": "a long story", "cut_after": 6})
    stream = client(endpoint).chat.completions.create(model="m", messages=HELLO, stream=True)
    said = ""
    with pytest.raises(openai.APIConnectionError):
        for chunk in stream:
            said += chunk.choices[0].delta.content or ""
    assert said == "a long"


def test_silence_ends_when_the_client_goes(calls: Any) -> None:
    endpoint = calls({"silence": True})
    with pytest.raises(openai.APITimeoutError):
        client(endpoint).with_options(timeout=0.2).chat.completions.create(
            model="m", messages=HELLO
        )
    assert endpoint.disconnected.wait(5)


@pytest.mark.parametrize("name", ["json_schema", "tools", "max_completion_tokens"])
def test_what_an_endpoint_lacks_is_an_error_that_names_it(calls: Any, name: str) -> None:
    endpoint = calls({"content": "hi"}, lacks=[name])
    strict = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    shape = {"name": "x", "schema": strict, "strict": True}
    options: dict[str, Any] = {
        "json_schema": {"response_format": {"type": "json_schema", "json_schema": shape}},
        "tools": {"tools": [WEATHER]},
        "max_completion_tokens": {"max_completion_tokens": 10},
    }[name]
    with pytest.raises(openai.BadRequestError, match=name):
        client(endpoint).chat.completions.create(model="m", messages=HELLO, **options)
    assert client(endpoint).chat.completions.create(model="m", messages=HELLO)


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        ([{"role": "tool", "tool_call_id": "x", "content": "1"}], "must answer"),
        (
            [
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "x",
                            "type": "function",
                            "function": {"name": "weather", "arguments": "{}"},
                        }
                    ],
                },
                {"role": "user", "content": "well?"},
            ],
            "without an answer",
        ),
        ([{"role": "robot", "content": "1"}], "role is invalid"),
    ],
)
def test_malformed_conversations_are_refused(calls: Any, messages: Any, fault: str) -> None:
    endpoint = calls({"content": "hi"})
    with pytest.raises(openai.BadRequestError, match=fault):
        client(endpoint).chat.completions.create(model="m", messages=messages)


def test_open_schemas_are_refused_in_strict_mode(calls: Any) -> None:
    endpoint = calls({"content": "hi"})
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    shape: Any = {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": schema, "strict": True},
    }
    with pytest.raises(openai.BadRequestError, match="additionalProperties"):
        client(endpoint).chat.completions.create(model="m", messages=HELLO, response_format=shape)


def test_a_conversation_is_replayed_by_what_is_asked() -> None:
    conversation = {
        "exchanges": [
            {"when": ["second"], "reply": {"content": "2"}},
            {"when": ["first"], "reply": {"content": "1"}},
        ]
    }
    with LlmEndpoint(conversation) as endpoint:
        chat = client(endpoint).chat.completions
        for words, answer in (("the first", "1"), ("the second", "2")):
            asked: Any = [{"role": "user", "content": words}]
            found = chat.create(model="m", messages=asked)
            assert found.choices[0].message.content == answer
        with pytest.raises(openai.InternalServerError, match="no recorded exchange"):
            chat.create(model="m", messages=HELLO)

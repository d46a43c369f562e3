"""What a real model has answered, said again to the real client; and the recorder that keeps it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.eval import __main__ as program
from tests.eval import kept, replaying, right, running
from tests.eval.questions import questions, workspace
from tests.eval.recording import record as recorded
from tests.support.llm_endpoint import LlmEndpoint, Reply

from smq_server.generation.result import Declined, Failed, Generated
from smq_server.generation.validation import judge

RECORDED = sorted((Path(__file__).parent / "eval" / "recorded").glob("*.json"))
MOST_CALLS = 30


def test_there_are_answers_of_a_real_model() -> None:
    assert RECORDED


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_each_question_comes_to_what_it_came_to_with_the_model(file: Path) -> None:
    found = kept.read(file)
    replayed = replaying.replay(found, found["strategy"])
    told = replaying.differences(replayed)
    assert all(each.is_as_kept for each in replayed), told
    for each in replayed:
        result = each.outcome.result
        assert 1 <= result.spent.calls <= MOST_CALLS
        match result:
            case Generated():
                snapshot = workspace(each.outcome.question.workspace).snapshot
                for query in result.queries:
                    assert judge([dict(query.smq)], result.question, snapshot).queries
            case Declined():
                assert result.reason
            case Failed():
                assert result.message.strip() and "\n" not in result.message


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_a_recording_says_what_it_is_and_nothing_of_where_it_was_made(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    found = kept.read(file)
    assert found["recorded"]["model"] and found["recorded"]["date"]
    assert len(text.encode()) < 400_000
    assert text == kept.text_of(json.loads(text)), "written by `python -m tests.eval record`"
    assert not re.search(r"127\.0\.0\.1|localhost|https?://|sk-|/(home|root|tmp|work)/", text)


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Start an endpoint that is configured as a live one would be."""
    monkeypatch.setenv("SMQ_CACHE_DIR", str(tmp_path / "cache"))
    with ExitStack() as opened:

        def start(answer: Any = right.reply, model: str = "live") -> LlmEndpoint:
            endpoint = opened.enter_context(LlmEndpoint(answer=answer))
            monkeypatch.setenv("SMQ_LLM_MODEL", model)
            monkeypatch.setenv("SMQ_LLM_BASE_URL", endpoint.base_url)
            return endpoint

        yield start


def record(file: Path, *names: str) -> int:
    asked = [word for name in names for word in ("--question", name)]
    return program.main(["record", *asked, str(file)])


def test_a_recording_goes_on_where_it_ended(
    live: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kept.json"
    endpoint = live()
    assert record(file, "shop-en-01") == 0
    before = len(endpoint.requests)
    assert record(file, "shop-en-01", "bank-ko-09") == 0
    assert len(endpoint.requests) == before + 1
    assert list(kept.read(file)["questions"]) == ["bank-ko-09", "shop-en-01"]
    said = capsys.readouterr()
    assert "2/2 bank-ko-09 exact: 1 calls" in said.err
    assert "2 questions, 2 calls" in said.out
    live(model="another")
    assert record(file, "shop-en-02") == 2
    assert "another model or strategy" in capsys.readouterr().err
    assert len(kept.read(file)["questions"]) == 2


def test_an_endpoint_that_answers_nothing_is_not_recorded(
    live: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live(lambda _: {"status": 401, "error": {"message": "who?"}})
    file = tmp_path / "kept.json"
    assert record(file, "shop-en-01") == 1
    said = capsys.readouterr().err
    assert "does not accept the key" in said and "goes on from here" in said
    assert not file.exists()


def test_a_replay_says_what_it_cannot_vouch_for(
    live: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kept.json"
    live()
    assert record(file, "shop-en-01", "shop-en-02") == 0
    assert program.main(["replay", str(file)]) == 0
    assert "anew" not in capsys.readouterr().out
    found = kept.read(file)
    found["questions"]["shop-en-01"]["asked"] = ["other"]
    kept.write(file, found)
    assert program.main(["replay", str(file)]) == 0
    assert "1 of 2 requests are those that the model was asked" in capsys.readouterr().out
    found["questions"]["shop-en-02"]["replies"] = [{"content": "Let me think."}]
    kept.write(file, found)
    assert program.main(["replay", str(file)]) == 1
    said = capsys.readouterr().out
    assert "shop-en-02: failed, kept as exact; more was asked than" in said
    found["questions"]["shop-en-02"]["verdict"] = "failed"
    kept.write(file, found)
    assert program.main(["replay", str(file)]) == 1, "it failed for another reason"


def test_a_context_that_was_too_small_is_kept(live: Any, tmp_path: Path) -> None:
    words = "request (9000 tokens) exceeds the available context size (4096 tokens)"
    said: list[Reply] = [
        {"content": "Well."},
        {"status": 400, "error": {"message": words, "type": "exceed_context_size_error"}},
    ]
    script = iter(said)
    live(lambda _: next(script))
    file = tmp_path / "kept.json"
    assert record(file, "shop-en-01") == 0
    (entry,) = kept.read(file)["questions"].values()
    assert entry["replies"][1]["error"]["code"] == "context_length_exceeded"
    assert program.main(["replay", str(file)]) == 0


@pytest.mark.parametrize("lacks", [["json_schema"], ["json_schema", "json_object"], ["tools"]])
@pytest.mark.parametrize("strategy", ["direct", "tools", "graph"])
def test_an_endpoint_that_can_less_is_replayed_as_it_was_asked(
    strategy: str, lacks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMQ_CACHE_DIR", str(tmp_path / "cache"))
    question = next(each for each in questions() if each.id == "shop-en-08")
    said: list[Reply] = [{"content": "I would rather not say."}] * 12
    with LlmEndpoint(said, lacks=lacks) as endpoint:
        settings = {"base_url": endpoint.base_url, "model": "m", "api": "chat"}
        ((_, entry),) = recorded([question], strategy, {}, settings)
    (again,) = replaying.replay({"questions": {question.id: entry}}, strategy)
    assert again.is_as_kept and again.as_recorded == again.asked == len(entry["asked"])
    assert running.table([again.outcome])

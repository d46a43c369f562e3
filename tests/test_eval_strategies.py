"""Strategies are measured as they will be with a live model: replayed through the real client."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.eval import __main__ as program
from tests.eval import judging, replaying, right, running
from tests.eval.questions import Question, questions
from tests.support.generation import answer, query
from tests.support.llm_endpoint import LlmEndpoint, Reply

ANSWERS = Path(__file__).parent / "eval" / "answers"
BY_ID = {each.id: each for each in questions()}


SOME = questions()[::24]


@pytest.mark.parametrize("strategy", ["direct", "tools", "graph"])
@pytest.mark.parametrize(
    "chosen", [SOME, pytest.param(questions(), marks=pytest.mark.long)], ids=["some", "all"]
)
def test_a_model_that_is_always_right_is_left_alone(
    strategy: str, chosen: tuple[Question, ...]
) -> None:
    with LlmEndpoint(answer=right.reply) as endpoint:
        settings = {"base_url": endpoint.base_url, "model": "right", "api": "chat"}
        outcomes = running.run(chosen, strategy, {}, at_once=4, settings=settings)
    assert {each.judgement.verdict for each in outcomes} == {"exact"}, running.table(outcomes)
    calls = {"direct": (1, 1), "tools": (2, 3), "graph": (3, 9)}[strategy]
    assert all(calls[0] <= each.result.spent.calls <= calls[1] for each in outcomes)


def recorded(strategy: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ANSWERS / f"{strategy}.json").read_text(encoding="utf-8"))
    return found


def replayed(strategy: str) -> list[running.Outcome]:
    """The outcomes of the kept answers, which have the verdicts that they deserve."""
    kept = recorded(strategy)
    found = replaying.replay(kept, strategy)
    outcomes = [each.outcome for each in found]
    assert all(each.is_as_kept for each in found), replaying.differences(found) + running.table(
        outcomes, every=True
    )
    return outcomes


@pytest.mark.parametrize("strategy", ["tools", "graph"])
def test_kept_answers_get_the_verdicts_that_they_deserve(strategy: str) -> None:
    assert len(replayed(strategy)) >= 5


def test_the_table_counts_and_tells_what_went_wrong() -> None:
    kept, outcomes = recorded("direct")["questions"], replayed("direct")
    told = running.table(outcomes)
    assert re.search(rf"^  all +{len(kept)} ", told, re.MULTILINE), told
    assert "bank-ko-58" in told and "should have been declined" in told
    assert "bank-ko-01" not in told
    (failed,) = (v for v in running.values(outcomes) if v["id"] == "bank-en-07")
    assert failed["verdict"] == "failed" and failed["calls"] == 3 and failed["tokens_sent"] > 1000


def verdict(name: str, *queries: dict[str, Any], declined: bool = False) -> str:
    found = judging.judge(BY_ID[name], queries, declined)
    return f"{found.verdict} {found.why}".strip()


def test_answers_are_judged_by_what_they_mean() -> None:
    shop, bank = "shop-en-08", "bank-ko-01"
    by_store = {"metrics": ["revenue"], "groupBy": ["stores__store_name"]}
    assert verdict(shop, by_store) == "exact"
    assert verdict(shop, {**by_store, "limit": None, "filters": []}) == "exact"
    assert verdict(shop, {**by_store, "groupBy": ["store__store_name"]}) == "equivalent meaning"
    assert verdict(shop, {**by_store, "filters": ["1 = 1"]}) == "equivalent rows"
    assert verdict(shop, {**by_store, "limit": 3}) == "valid"
    assert verdict(shop, {**by_store, "metrics": ["paid"]}) == "valid"
    assert verdict(shop, by_store, by_store) == "valid"
    assert verdict(shop, declined=True) == "failed declined"
    assert verdict(shop) == "failed no query"
    assert verdict(bank, {"metrics": ["customer_count"], "groupBy": ["nonsense"]}) == "valid"


def test_the_order_of_rows_counts_where_it_was_asked_for() -> None:
    asked_for = {"metrics": ["units_sold"], "groupBy": ["products__product_name"], "limit": 5}
    assert verdict("shop-en-31", {**asked_for, "orderBy": ["-units_sold"]}) == "exact"
    assert verdict("shop-en-31", {**asked_for, "orderBy": ["units_sold"]}) == "valid"
    assert verdict("shop-en-31", asked_for) == "valid"


def test_several_queries_are_an_answer_in_any_order() -> None:
    one, other = BY_ID["shop-en-44"].accepted[0]
    assert verdict("shop-en-44", other, one) == "exact"
    assert verdict("shop-en-44", one, one) == "valid"


def test_without_a_model_the_command_says_what_to_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SMQ_LLM_MODEL", raising=False)
    assert program.main(["strategies"]) == 2
    assert "SMQ_LLM_MODEL" in capsys.readouterr().err


def test_the_command_asks_the_endpoint_of_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with LlmEndpoint(answer=right.reply, keys=["k"]) as endpoint:
        monkeypatch.setenv("SMQ_LLM_MODEL", "live")
        monkeypatch.setenv("SMQ_LLM_BASE_URL", endpoint.base_url)
        monkeypatch.setenv("SMQ_LLM_API_KEY", "k")
        words = ["--strategy", "direct", "--kind", "top", "--first", "3"]
        assert program.main(["strategies", *words, "--json", str(tmp_path / "out.json")]) == 0
    said = capsys.readouterr()
    assert "direct (live)" in said.out and "100.0%" in said.out and said.err == "===\n"
    assert len(json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))) == 3


def test_the_command_prints_the_recall_of_the_selection(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["selection"]) == 0
    assert "recall@3" in capsys.readouterr().out


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Start an endpoint that is configured as a live one would be."""
    monkeypatch.setenv("SMQ_CACHE_DIR", str(tmp_path / "cache"))
    with ExitStack() as opened:

        def start(answer: Any, **options: Any) -> LlmEndpoint:
            endpoint = opened.enter_context(LlmEndpoint(answer=answer, keys=["sk-live"], **options))
            monkeypatch.setenv("SMQ_LLM_MODEL", "live")
            monkeypatch.setenv("SMQ_LLM_BASE_URL", endpoint.base_url)
            monkeypatch.delenv("SMQ_LLM_API_KEY", raising=False)
            monkeypatch.setenv("OPENAI_API_KEY", "sk-live")
            return endpoint

        yield start


@pytest.mark.parametrize("strategy", ["direct", "tools", "graph"])
def test_answers_of_a_live_endpoint_are_kept_as_they_are_replayed(
    strategy: str, live: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = live(right.reply)
    file = tmp_path / "kept.json"
    asked = ["--question", "shop-en-44", "--question", "bank-ko-09", "--question", "shop-en-46"]
    assert program.main(["record", "--strategy", strategy, *asked, str(file)]) == 0
    assert "3 exact" in capsys.readouterr().out
    text = file.read_text(encoding="utf-8")
    assert '"model": "live"' in text and "sk-live" not in text and "127.0.0.1" not in text
    calls = len(endpoint.requests)
    assert program.main(["replay", str(file)]) == 0
    assert re.search(rf"^{strategy} .*\n.*\n +all +3 +3 ", capsys.readouterr().out, re.MULTILINE)
    assert len(endpoint.requests) == calls, "the endpoint itself is asked no more"


def test_what_went_wrong_is_kept_as_well(live: Any, tmp_path: Path) -> None:
    wrong = query("profit")
    said: list[Reply] = [
        {"status": 429, "error": {"message": "for sk-live"}, "headers": {"retry-after-ms": "1"}},
        {"content": "a long story", "cut_after": 6},
        {"content": '{"queries": ['},
        answer(wrong),
        {"refusal": "No more."},
    ]
    script = iter(said)
    live(lambda _: next(script), apis=["responses"])
    file = tmp_path / "kept.json"
    assert program.main(["record", "--question", "bank-ko-01", str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    assert "sk-live" not in text
    (entry,) = json.loads(text)["questions"].values()
    assert [reply.get("status") for reply in entry["replies"]] == [429, None, None, None, None]
    assert entry["replies"][1] == {"content": "a long", "cut_after": 6}
    assert entry["replies"][2:] == said[2:]
    assert program.main(["replay", str(file)]) == 0

"""Examples from a language model, through its real client over loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.cli import Cli
from tests.support.examples import copy_example
from tests.support.llm_endpoint import LlmEndpoint


def configure(directory: Path, url: str) -> None:
    copy_example("bank", directory)
    with (directory / "smq.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[llm]\nmodel = "m"\nbase_url = "{url}"\nretries = 0\n')
        file.write('\n[metasync]\nexamples = ["llm"]\n')


def test_right_examples_are_kept_and_wrong_ones_go_back_once(cli: Cli, tmp_path: Path) -> None:
    first = {
        "examples": [
            {"question": "영업점은 몇 곳인가?", "sql": "SELECT COUNT(*) AS n FROM bank.brn_base;"},
            {"question": "없는 열", "sql": "SELECT nope FROM bank.brn_base"},
        ]
    }
    second = {"examples": [{"question": "지역", "sql": "SELECT rgn_nm FROM bank.brn_base LIMIT 9"}]}
    with LlmEndpoint([{"content": first}, {"content": second}]) as endpoint:
        configure(tmp_path, endpoint.base_url)
        outcome = cli("metasync", "sync")
    assert outcome.status == 0, outcome.err
    document = json.loads((tmp_path / ".smq" / "metadata_cache.json").read_text("utf-8"))
    assert [(e["question"], e["origin"], e["validated"]) for e in document["examples"]] == [
        ("영업점은 몇 곳인가?", "llm", "dry_run"),
        ("지역", "llm", "dry_run"),
    ]
    assert document["generation_method"] == "llm_enhanced"
    asked = [json.dumps(request, ensure_ascii=False) for request in endpoint.requests]
    assert len(asked) == 2
    assert "bank.acct_bal_snap" in asked[0]
    assert "bank.brn_base has no column nope" in asked[1]


@pytest.mark.parametrize(
    "reply", [{"status": 401, "error": {"message": "no"}}, {"content": "I would rather not."}]
)
def test_without_an_answer_the_collection_goes_on(
    cli: Cli, tmp_path: Path, reply: dict[str, object]
) -> None:
    with LlmEndpoint([reply, reply, reply]) as endpoint:
        configure(tmp_path, endpoint.base_url)
        outcome = cli("metasync", "sync")
    assert outcome.status == 0
    document = json.loads((tmp_path / ".smq" / "metadata_cache.json").read_text("utf-8"))
    assert document["examples"] == []
    assert document["generation_method"] == "rules"
    assert len(document["tables"]) == 6
    assert ("language model wrote no examples" in outcome.err) == ("status" in reply)


def test_without_a_model_a_warning_says_so(cli: Cli, tmp_path: Path) -> None:
    copy_example("bank", tmp_path)
    with (tmp_path / "smq.toml").open("a", encoding="utf-8") as file:
        file.write('\n[metasync]\nexamples = ["llm"]\n')
    outcome = cli("metasync", "sync")
    assert "no language model is configured" in outcome.err

"""`smq generate`: what is printed, saved and returned."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.support.cli import Cli, bank
from tests.support.generation import answer, no_answer, query
from tests.support.interrupts import hear_interrupts
from tests.support.llm_endpoint import LlmEndpoint, Reply

from smq_schemas import schema

QUESTION = "고객 수"
RIGHT = answer(query("customer_count"))


@pytest.fixture
def serve(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A workspace whose model is a scripted endpoint."""
    bank(tmp_path)
    opened: list[LlmEndpoint] = []

    def start(*script: Reply, **options: Any) -> LlmEndpoint:
        endpoint = LlmEndpoint(script, **options)
        opened.append(endpoint.__enter__())
        text = f'[llm]\nmodel = "test"\nbase_url = "{endpoint.base_url}"\nretries = 0\n'
        (tmp_path / "smq.toml").write_text(text)
        return endpoint

    for name in ("SMQ_LLM_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    yield start
    for endpoint in opened:
        endpoint.__exit__(None, None, None)


def test_the_query_alone_goes_to_standard_output(cli: Cli, serve: Any) -> None:
    serve(answer(query("SUM(customer_count)"), assumptions=["all customers"]))
    done = cli("generate", "고객", "수")
    assert done.status == 0
    assert json.loads(done.out) == {"metrics": ["customer_count"]}
    assert "- because" in done.err and "- all customers" in done.err
    assert "- Cured `SUM(customer_count)`: write 'customer_count' alone." in done.err


def test_the_query_can_be_run_as_it_is(cli: Cli, serve: Any, tmp_path: Path) -> None:
    serve(RIGHT)
    assert cli("generate", QUESTION, "--save", "new.smq.json", "-q").status == 0
    text = (tmp_path / "new.smq.json").read_text(encoding="utf-8")
    assert text == '// 고객 수\n{\n  "metrics": ["customer_count"]\n}\n'
    assert cli("compile", "new.smq.json").status == 0
    assert cli("fmt", "--check", "new.smq.json").status == 0


def test_a_file_is_not_replaced_unasked(cli: Cli, serve: Any, tmp_path: Path) -> None:
    endpoint = serve(RIGHT)
    (tmp_path / "old.smq.json").write_text("mine")
    refused = cli("generate", QUESTION, "--save", "old.smq.json")
    assert refused.status == 2 and "--force" in refused.err
    assert (tmp_path / "old.smq.json").read_text() == "mine"
    assert endpoint.requests == []
    assert cli("generate", QUESTION, "--save", "old.smq.json", "--force").status == 0
    assert "customer_count" in (tmp_path / "old.smq.json").read_text("utf-8")
    wrong = cli("generate", QUESTION, "--save", "query.json")
    assert wrong.status == 2 and ".smq.json" in wrong.err


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ([no_answer("No cost is known.")], 1, "cannot answer this: No cost is known."),
        ([answer(query("profit"))] * 3, 1, "Metric 'profit' not found"),
        ([{"content": "I will not."}] * 3, 1, "no JSON"),
        ([{"refusal": "No."}], 2, "refuses to answer: No."),
        ([{"status": 500, "error": {"message": "oops"}}], 2, "500: oops"),
        ([{"status": 401, "error": {}}], 2, "SMQ_LLM_API_KEY"),
    ],
)
def test_nothing_that_failed_reaches_a_file(
    cli: Cli, serve: Any, tmp_path: Path, script: list[Reply], status: int, words: str
) -> None:
    serve(*script)
    done = cli("generate", QUESTION, "--save", "new.smq.json")
    assert (done.status, done.out) == (status, "")
    assert words in done.err
    assert not (tmp_path / "new.smq.json").exists()


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ([RIGHT], "generated"),
        ([no_answer("No.")], "declined"),
        ([answer(query("profit")), {"content": "?"}, answer(query("profit"))], "failed"),
    ],
)
@pytest.mark.parametrize("explain", [True, False])
def test_json_is_what_its_schema_says(
    cli: Cli, serve: Any, script: list[Reply], status: str, explain: bool
) -> None:
    serve(*script)
    done = cli("generate", QUESTION, "--json", *(["--explain"] if explain else []))
    document = json.loads(done.out)
    jsonschema.validate(document, schema("generate-output"))
    assert document["status"] == status
    assert ("steps" in document) is explain


def test_explaining_shows_what_was_sent_and_said(cli: Cli, serve: Any) -> None:
    serve(answer(query("profit")), RIGHT)
    done = cli("generate", QUESTION, "--explain")
    assert json.loads(done.out) == {"metrics": ["customer_count"]}
    for words in ("1. select", "--- system", "Question: 고객 수", '"profit"', "=== SQL", "SELECT"):
        assert words in done.err


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_the_prompt_is_shown_and_not_sent(
    cli: Cli, serve: Any, monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    endpoint = serve(RIGHT, apis=[api])
    monkeypatch.setenv("SMQ_LLM_API", api)
    done = cli("generate", QUESTION, "--show-prompt", "--today", "2024-02-29")
    assert done.status == 0
    assert "metric customer_count" in done.out and "2024-02-29" in done.out
    assert ("max_output_tokens" in done.out) is (api == "responses")
    assert endpoint.paths == []
    assert cli("generate", QUESTION, "--today", "2024-02-29").status == 0
    sent = endpoint.requests[0]
    for message in sent.get("input", sent.get("messages")):
        assert f"--- {message['role']}\n{message['content']}\n" in done.out


def test_without_configuration_it_is_said_what_to_set(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path)
    done = cli("generate", QUESTION)
    assert done.status == 2
    assert "Set llm.model in smq.toml" in done.err and "SMQ_LLM_API_KEY" in done.err
    assert cli("generate", QUESTION, "--show-prompt").status == 0


@pytest.mark.parametrize(
    ("strategy", "library", "extra"),
    [("direct", "openai", "llm"), ("graph", "langgraph", "graph")],
)
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    cli: Cli, serve: Any, monkeypatch: pytest.MonkeyPatch, strategy: str, library: str, extra: str
) -> None:
    endpoint = serve(RIGHT)
    monkeypatch.setitem(sys.modules, library, None)
    done = cli("generate", "--strategy", strategy, QUESTION)
    assert done.status == 2 and f"pip install 'smq[{extra}]'" in done.err
    assert endpoint.requests == []


def test_progress_is_one_line_of_a_terminal_and_not_a_flood(serve: Any, tmp_path: Path) -> None:
    import pty

    reason = "word " * 400
    serve(answer(query("customer_count"), reason=reason))
    shown, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "smq_server.main", "generate", QUESTION],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        said = b""
        while b"because" not in said and b"word" not in said:
            said += os.read(shown, 65536)
        out, _ = process.communicate(timeout=30)
    os.close(shown)
    assert json.loads(out) == {"metrics": ["customer_count"]}
    assert b"Asking the model" in said and said.count(b"characters") < 20


def test_words_of_a_model_steer_no_terminal(cli: Cli, serve: Any) -> None:
    serve(answer(query("customer_count"), reason="\x1b[2Jgone\x07", assumptions=["a\rb"]))
    done = cli("generate", QUESTION)
    assert "\x1b" not in done.err and "\x07" not in done.err and "\r" not in done.err


def test_interrupting_ends_the_call(serve: Any, tmp_path: Path) -> None:
    endpoint = serve({"content": "so ", "endless": True})
    process = subprocess.Popen(
        [sys.executable, "-m", "smq_server.main", "generate", "-v", QUESTION],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=hear_interrupts,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if b"Asking" in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert b"interrupted" in err and b"Traceback" not in err
    assert endpoint.disconnected.wait(10) or not endpoint.requests

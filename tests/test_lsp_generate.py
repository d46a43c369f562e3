"""Questions in the editor: the real process, with an endpoint that replays what a model said."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.support.examples import copy_example
from tests.support.generation import answer, no_answer, query
from tests.support.llm_endpoint import Body, LlmEndpoint, Reply
from tests.support.wire import Message, Wire

from smq.syntax import Document
from smq.text import Edit, LineIndex, Span, apply_edits
from smq_schemas import schema
from smq_server.lsp import protocol

_CLIENT = {
    "experimental": {"smq": {}},
    "window": {"workDoneProgress": True},
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}},
    "textDocument": {
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}}
    },
}
QUESTION = "// 🙂 국가별 매출\n"
BY_COUNTRY = query("revenue", groupBy=["stores__country"])
ONE = '{\n  "metrics": ["revenue"],\n  "groupBy": ["stores__country"]\n}\n'
QUICK = {"SMQ_LLM_RETRIES": "0", "SMQ_LLM_API_KEY": "sk-of-the-test", "SMQ_LLM_API": "chat"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("shop")
    copy_example("shop", directory)
    return directory


class Editor:
    """A client with one open query file, which applies the edits it is sent."""

    def __init__(self, wire: Wire, directory: Path, endpoint: LlmEndpoint) -> None:
        self.wire = wire
        self.endpoint = endpoint
        self.text = ""
        self.version = 0
        self.uri = ""
        self._read = 0
        self.applied: list[Message] = []
        self._path = directory / "queries" / "asked.smq.json"
        wire.answer = self._answer

    def open(self, text: str) -> str:
        if self.uri:
            self.wire.notify("textDocument/didClose", {"textDocument": {"uri": self.uri}})
        self.version += 1
        self.text = text
        self.uri = self.wire.open(self._path, text, self.version)
        return self.uri

    def _answer(self, request: Message) -> Message:
        if request["method"] != "workspace/applyEdit":
            return {"result": None}
        self.applied.append(request["params"])
        (change,) = request["params"]["edit"]["documentChanges"]
        if change["textDocument"] != {"uri": self.uri, "version": self.version}:
            return {"result": {"applied": False}}
        self.text = self.after(change["edits"])
        return {"result": {"applied": True}}

    def after(self, edits: list[Message]) -> str:
        """The text with some edits in it."""
        lines = LineIndex(self.text)
        found = []
        for edit in edits:
            ends = [
                lines.offset(at["line"], at["character"], "utf-16")
                for at in (edit["range"]["start"], edit["range"]["end"])
            ]
            new = edit.get("newText", edit.get("new_text"))
            found.append(Edit(self.uri, Span(*ends), new))
        return apply_edits(self.text, found)

    def actions(self, line: int, character: int = 0) -> dict[str, Message]:
        at = {"line": line, "character": character}
        params = {
            "textDocument": {"uri": self.uri},
            "range": {"start": at, "end": at},
            "context": {"diagnostics": []},
        }
        found = self.wire.request("textDocument/codeAction", params)["result"]
        return {action["title"]: action for action in found}

    def execute(self, action: Message) -> Message:
        command = action["command"]
        params = {"command": command["command"], "arguments": command["arguments"]}
        return self.wire.request("workspace/executeCommand", params)

    def shown(self) -> str:
        """The next message that a person sees."""
        while True:
            messages = [m for m in self.wire.seen if m.get("method") == "window/showMessage"]
            if len(messages) > self._read:
                message: str = messages[self._read]["params"]["message"]
                self._read += 1
                return message
            self.wire.next()


@contextmanager
def editing(
    directory: Path,
    *script: Reply,
    model: str = "test",
    options: Any = None,
    saying: Callable[[Body], Reply] | None = None,
    **capabilities: Any,
) -> Iterator[Editor]:
    with LlmEndpoint(script, answer=saying) as endpoint:
        environ = {**QUICK, "SMQ_LLM_BASE_URL": endpoint.base_url, "SMQ_LLM_MODEL": model}
        with Wire(environ=environ) as wire:
            editor = Editor(wire, directory, endpoint)
            wire.initialize(
                directory,
                capabilities={**_CLIENT, **capabilities},
                initializationOptions=options,
            )
            yield editor
        assert endpoint.refused == []


def test_a_comment_becomes_a_query_in_one_edit(shop: Path) -> None:
    said = answer(BY_COUNTRY, reason="Revenue by country.", assumptions=["without taxes"])
    with editing(shop, said) as editor:
        editor.open(QUESTION)
        action = editor.actions(0, 5)["Generate SMQ from comment"]
        assert action["kind"] == "refactor.rewrite" and "edit" not in action
        result = editor.execute(action)["result"]
        assert editor.shown() == "Revenue by country.\nAssumed: without taxes"
        assert editor.text == QUESTION + ONE
        assert result["status"] == "generated" and "SUM(" in result["queries"][0]["sql"]
        assert editor.applied[0]["label"] == "Generate SMQ"
        progress = [
            m["params"]["value"] for m in editor.wire.seen if m.get("method") == "$/progress"
        ]
        assert [each["kind"] for each in progress][:2] == ["begin", "report"]
        assert progress[-1]["kind"] == "end" and progress[0]["cancellable"] is True
        assert any("Asking the model" in each.get("message", "") for each in progress)
        assert "국가별 매출" in editor.endpoint.sent


def test_a_query_below_its_comment_is_replaced(shop: Path) -> None:
    with editing(shop, answer(BY_COUNTRY)) as editor:
        editor.open(QUESTION + '{"metrics": ["order_count"]}\n')
        editor.execute(editor.actions(1, 15)["Generate SMQ from comment"])
        editor.shown()
        assert editor.text == QUESTION + ONE


def test_two_comments_are_answered_at_once_each_below_its_own(shop: Path) -> None:
    both = threading.Barrier(2, timeout=30)

    def saying(body: Body) -> Reply:
        both.wait()
        is_orders = "Question: 주문 수" in body["messages"][-1]["content"]
        return answer(query("order_count") if is_orders else BY_COUNTRY)

    text = f"// 주문 수\r\n\r\n{QUESTION}".replace("\n", "\r\n").replace("\r\r", "\r")
    with editing(shop, saying=saying) as editor:
        uri = editor.open(text)
        asked = [
            editor.wire.post(
                protocol.GENERATE, {"uri": uri, "position": {"line": line, "character": 3}}
            )
            for line in (0, 2)
        ]
        orders, country = (editor.wire.response(each)["result"] for each in asked)
        assert orders["queries"][0]["smq"] == {"metrics": ["order_count"]}
        after = editor.after(orders["edits"])
        assert after.startswith('// 주문 수\r\n{\r\n  "metrics": ["order_count"]\r\n}\r\n')
        assert "\n" not in after.replace("\r\n", "") and after.endswith("국가별 매출\r\n")
        after = editor.after(country["edits"])
        assert after.startswith(text.rstrip("\r\n")) and '"stores__country"' in after


def test_the_prompt_is_shown_as_it_goes_out(shop: Path) -> None:
    with editing(shop, answer(BY_COUNTRY)) as editor:
        uri = editor.open(QUESTION)
        found = editor.wire.request(
            protocol.PROMPT, {"uri": uri, "position": {"line": 0, "character": 3}}
        )["result"]
        document = schema("protocol")
        wanted = document["requests"][protocol.PROMPT]["result"]
        jsonschema.validate(found, {**wanted, "$defs": document["$defs"]})
        action = editor.actions(0)["Show what would be sent to the language model"]
        assert editor.execute(action)["result"] == found
        assert "log of the language server" in editor.shown()
        logged = [m for m in editor.wire.seen if m.get("method") == "window/logMessage"]
        assert any(m["params"]["message"] == found["text"] for m in logged)
        assert editor.endpoint.paths == []
        editor.execute(editor.actions(0)["Generate SMQ from comment"])
        assert editor.endpoint.requests == [found["body"]]
        assert all(m["content"] in found["text"] for m in found["body"]["messages"])


def test_the_request_gives_the_edit_and_its_version(shop: Path) -> None:
    with editing(shop, answer(BY_COUNTRY), no_answer("No costs."), answer(BY_COUNTRY)) as editor:
        uri = editor.open(QUESTION)

        def asked(**params: Any) -> Any:
            found = editor.wire.request(protocol.GENERATE, {"uri": uri, **params})["result"]
            document = schema("protocol")
            wanted = document["requests"][protocol.GENERATE]["result"]
            jsonschema.validate(found, {**wanted, "$defs": document["$defs"]})
            return found

        found = asked(position={"line": 0, "character": 3}, workDoneToken="mine")
        assert editor.after(found["edits"]) == QUESTION + ONE and found["version"] == 1
        assert found["calls"] == 1 and found["tokens"] > 0
        tokens = {m["params"]["token"] for m in editor.wire.seen if m.get("method") == "$/progress"}
        assert tokens == {"mine"}
        found = asked(question="profit by store")
        assert (found["status"], found["message"]) == ("declined", "No costs.")
        assert any(each["name"] == "store_count" for each in found["nearest"])
        found = asked(question="revenue by country", strategy="direct")
        assert found["status"] == "generated" and not found.get("edits")


def test_every_reading_of_the_question_has_its_own_edit(shop: Path) -> None:
    by_channel = query("revenue", groupBy=["customers__channel"])
    others = [
        {"meaning": "the channel of the customer", "query": by_channel},
        {"meaning": "nonsense", "query": query("turnover")},
    ]
    with editing(shop, answer(BY_COUNTRY, alternatives=others)) as editor:
        uri = editor.open(QUESTION + '{"metrics": ["order_count"]}\n')
        params = {"uri": uri, "position": {"line": 0, "character": 3}}
        found = editor.wire.request(protocol.GENERATE, params)["result"]
        assert editor.after(found["edits"]) == QUESTION + ONE
        (other,) = found["alternatives"]
        assert other["meaning"] == "the channel of the customer"
        written = ONE.replace("stores__country", "customers__channel")
        assert editor.after(other["edits"]) == QUESTION + written


def test_an_answer_that_does_not_compile_changes_nothing(shop: Path) -> None:
    with editing(shop, *[answer(query("profit"))] * 3) as editor:
        editor.open(QUESTION)
        result = editor.execute(editor.actions(0)["Generate SMQ from comment"])["result"]
        assert result["status"] == "failed"
        assert "Metric 'profit' not found" in editor.shown()
        assert editor.applied == [] and len(editor.endpoint.requests) == 3


@pytest.mark.parametrize("by", ["request", "progress"])
def test_cancelling_ends_the_call_and_changes_nothing(shop: Path, by: str) -> None:
    with editing(shop, {"content": "so ", "endless": True}) as editor:
        editor.open(QUESTION)
        command = editor.actions(0)["Generate SMQ from comment"]["command"]
        params = {"command": command["command"], "arguments": command["arguments"]}
        request = editor.wire.post("workspace/executeCommand", params)
        begun = editor.wire.until(
            lambda m: m.get("method") == "$/progress" and m["params"]["value"]["kind"] == "report"
        )
        if by == "request":
            editor.wire.notify("$/cancelRequest", {"id": request})
        else:
            token = begun["params"]["token"]
            editor.wire.notify("window/workDoneProgress/cancel", {"token": token})
        assert editor.wire.response(request)["error"]["code"] == -32800
        editor.wire.sync()
        assert editor.applied == []
        assert editor.endpoint.disconnected.wait(10) or not editor.endpoint.requests


def test_a_document_that_was_typed_in_is_edited_where_the_comment_is_now(shop: Path) -> None:
    import threading

    typed = threading.Event()

    def later(body: Any) -> Reply:
        assert typed.wait(10)
        return answer(BY_COUNTRY)

    with editing(shop) as editor:
        editor.endpoint._answer = later
        editor.open(QUESTION)
        command = editor.actions(0)["Generate SMQ from comment"]["command"]
        params = {"command": command["command"], "arguments": command["arguments"]}
        request = editor.wire.post("workspace/executeCommand", params)
        editor.text, editor.version = "// first\n\n" + QUESTION, 2
        editor.wire.change(editor.uri, 2, {"text": editor.text})
        editor.wire.sync()
        typed.set()
        assert "result" in editor.wire.response(request)
        editor.shown()
        assert editor.text == "// first\n\n" + QUESTION + ONE


def test_a_comment_that_is_gone_gets_no_query(shop: Path) -> None:
    import threading

    typed = threading.Event()

    def later(body: Any) -> Reply:
        assert typed.wait(10)
        return answer(BY_COUNTRY)

    with editing(shop) as editor:
        editor.endpoint._answer = later
        editor.open(QUESTION)
        command = editor.actions(0)["Generate SMQ from comment"]["command"]
        params = {"command": command["command"], "arguments": command["arguments"]}
        request = editor.wire.post("workspace/executeCommand", params)
        editor.version = 2
        editor.wire.change(editor.uri, 2, {"text": "// something else\n"})
        editor.wire.sync()
        typed.set()
        editor.wire.response(request)
        assert "has changed" in editor.shown()
        assert editor.applied == []


def test_an_error_without_a_fix_can_be_repaired(shop: Path) -> None:
    text = '// of each country\n{\n  // mine\n  "metrics": ["zzzz"], "limit": 7\n}\n'
    with editing(shop, answer(query("revenue", limit=7))) as editor:
        editor.open(text)
        action = editor.actions(3, 16)["Repair with AI"]
        assert action["kind"] == "quickfix"
        assert editor.execute(action)["result"]["status"] == "generated"
        editor.shown()
        assert '"metrics": ["revenue"]' in editor.text and "// mine" in editor.text
        assert '"limit": 7' in editor.text
        assert "Metric 'zzzz' not found" in editor.endpoint.sent
        editor.open('{"metrics": ["revenu"]}')
        assert "Repair with AI" not in editor.actions(0, 16)


def test_a_query_is_explained_in_words(shop: Path) -> None:
    with editing(shop, {"content": "The revenue of each country."}) as editor:
        editor.open(ONE)
        result = editor.execute(editor.actions(1, 5)["Explain this query"])["result"]
        assert result == {"text": "The revenue of each country."}
        assert editor.shown() == "The revenue of each country."
        assert "stores__country" in editor.endpoint.sent


def test_without_a_model_it_is_said_what_to_set(shop: Path) -> None:
    with editing(shop, model="") as editor:
        editor.open(QUESTION + ONE)
        actions = editor.actions(1, 5)
        assert "Explain this query" not in actions
        error = editor.execute(actions["Generate SMQ from comment"])["error"]
        assert "Set llm.model in smq.toml" in error["message"] and error["code"] == -32803
        assert "Set llm.model in smq.toml" in editor.shown()


def test_nothing_is_asked_in_a_workspace_that_is_not_trusted(shop: Path) -> None:
    with editing(shop, options={"trusted": False}) as editor:
        uri = editor.open(QUESTION + ONE)
        titles = set(editor.actions(0)) | set(editor.actions(1, 5))
        assert titles.isdisjoint(
            {"Generate SMQ from comment", "Explain this query", "Repair with AI"}
        )
        for method, params in (
            (protocol.GENERATE, {"uri": uri, "question": "revenue"}),
            (protocol.PROMPT, {"uri": uri, "question": "revenue"}),
            (
                "workspace/executeCommand",
                {"command": "smq.generate", "arguments": [uri, {"line": 0, "character": 0}]},
            ),
            ("workspace/executeCommand", {"command": "smq.repair", "arguments": [uri, 0]}),
            ("workspace/executeCommand", {"command": "smq.explainInWords", "arguments": [uri, 0]}),
        ):
            error = editor.wire.request(method, params)["error"]
            assert error["code"] == -32803 and "not trusted" in error["message"]
        assert editor.endpoint.headers == []


def test_model_files_and_places_without_a_question_offer_nothing(shop: Path) -> None:
    with editing(shop) as editor:
        uri = editor.open(ONE)
        assert "Generate SMQ from comment" not in editor.actions(1, 5)
        params = {"uri": uri, "position": {"line": 1, "character": 5}}
        error = editor.wire.request(protocol.GENERATE, params)["error"]
        assert "no comment with a question" in error["message"]
        error = editor.wire.request(protocol.GENERATE, {"uri": uri})["error"]
        assert "Give a question" in error["message"]
        assert Document(uri, "").kind == "smq"

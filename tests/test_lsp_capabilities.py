"""Each thing that a client has not said it can do is not asked of it, and not sent to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import BANK, bank
from tests.support.wire import Message, Wire, read_everything, replace

_QUERY = """{
  "$schema": "https://example.com/q.json",
  "metrics": ["total_credit", "revenu"],
  "name": "custom",
  // smq: ignore[NAM102]
  "groupBy": ["부점코드__brn_cd", "주문__order_date__"],
  "limit": 5,
  "limit": 6
}
"""
_RICH: Message = {
    "general": {"positionEncodings": ["utf-8", "utf-16"]},
    "workspace": {
        "applyEdit": True,
        "configuration": True,
        "workspaceFolders": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "diagnostics": {"refreshSupport": True},
        "symbol": {"symbolKind": {"valueSet": list(range(1, 27))}},
    },
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "textDocument": {
        "diagnostic": {},
        "publishDiagnostics": {
            "relatedInformation": True,
            "tagSupport": {"valueSet": [1, 2]},
            "codeDescriptionSupport": True,
            "dataSupport": True,
        },
        "completion": {
            "completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]},
            "completionItemKind": {"valueSet": list(range(1, 26))},
        },
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "documentSymbol": {
            "hierarchicalDocumentSymbolSupport": True,
            "symbolKind": {"valueSet": list(range(1, 27))},
        },
        "documentLink": {"tooltipSupport": True},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}},
        "rename": {"prepareSupport": True},
    },
    "experimental": {"smq": {}},
}


@dataclass(frozen=True)
class Said:
    """All that one client has been told: what is offered, the answers, and the rest by method."""

    offered: Message
    answers: Message
    told: dict[str, list[Any]]

    @property
    def text(self) -> str:
        return json.dumps([self.answers, self.told], ensure_ascii=False)

    @property
    def findings(self) -> list[Message]:
        pushed = [item for each in self.told.get(_PUSH, ()) for item in each["diagnostics"]]
        pulled: list[Message] = self.answers["diagnostic"]["items"]
        return [*pushed, *pulled]

    def kinds(self, *names: str) -> set[int]:
        return {each["kind"] for name in names for each in _symbols(self.answers[name])}


_PUSH = "textDocument/publishDiagnostics"


def _symbols(found: list[Message]) -> Iterator[Message]:
    for each in found:
        yield each
        yield from _symbols(each.get("children", []))


def conversation(directory: Path, capabilities: Message) -> Said:
    """The same session with a client that has said this of itself."""
    bank(directory)
    for number in range(220):
        # So many that reading them is worth showing.
        (directory / f"q{number}.smq.json").write_text('{"metrics": ["revenue"]}')
    with Wire(cwd=directory) as wire:
        options = {"rulesUrl": "https://example.com/{code}"}
        offered = wire.initialize(
            directory,
            capabilities=capabilities,
            initializationOptions={"diagnostics": options},
        )["capabilities"]
        uri = wire.open(directory / "q.smq.json", _QUERY)
        model = wire.open(directory / "models" / "bank.yml", BANK.read_text(encoding="utf-8"))
        answers = {
            **read_everything(wire, uri, 2, 19),
            "codeAction": _ask(wire, "codeAction", uri, 2, 33, actions=True),
            "symbols of the model": _ask(wire, "documentSymbol", model),
            "completion of a key": _ask(wire, "completion", uri, 0, 1),
            "completion of a grain": _ask(wire, "completion", uri, 5, _grain(capabilities)),
            "workspace symbols": wire.request("workspace/symbol", {"query": "cust"}),
            "lenses": _ask(wire, "codeLens", uri),
        }
        wire.change(model, 2, replace(0, 0, 0, "# 가\n"))
        wire.change(model, 3, {"text": BANK.read_text().replace("name: revenue", "name: sales")})
        wire.request("workspace/executeCommand", {"command": "smq.explain", "arguments": [uri]})
        wire.request("workspace/diagnostic", {"previousResultIds": []})
        if "experimental" in capabilities and not any(map(_is_ours, wire.seen)):
            # It is told a moment later, together with what has changed by then.
            wire.until(_is_ours)
        assert wire.shutdown() == 0
        told: dict[str, list[Any]] = {}
        for message in wire.seen:
            if "method" in message:
                told.setdefault(message["method"], []).append(message.get("params"))
    results = {name: answer.get("result", answer) for name, answer in answers.items()}
    return Said(offered, results, told)


def _is_ours(message: Message) -> bool:
    return str(message.get("method", "")).startswith("smq/")


def _grain(capabilities: Message) -> int:
    """The column behind `order_date__`, in the encoding that is agreed upon."""
    line = _QUERY.splitlines()[5]
    before = line[: line.index('__"]') + 2]
    return len(before.encode() if "general" in capabilities else before)


def _ask(
    wire: Wire, method: str, uri: str, line: int = 0, character: int = 0, *, actions: bool = False
) -> Message:
    position = {"line": line, "character": character}
    params: Message = {"textDocument": {"uri": uri}, "position": position}
    if actions:
        params["range"] = {"start": position, "end": position}
        params["context"] = {"diagnostics": []}
    return wire.request(f"textDocument/{method}", params)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Said:
    return conversation(tmp_path_factory.mktemp("bare"), {})


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Said:
    return conversation(tmp_path_factory.mktemp("rich"), _RICH)


def _any_item(said: Said, test: Callable[[Message], object]) -> bool:
    names = ("completion", "completion of a key", "completion of a grain")
    return any(test(item) for name in names for item in said.answers[name]["items"])


_ROWS: dict[str, Callable[[Said], object]] = {
    "positionEncodings": lambda s: s.offered.get("positionEncoding") == "utf-8",
    "diagnostic": lambda s: "diagnosticProvider" in s.offered,
    "prepareSupport": lambda s: s.offered["renameProvider"] != True,  # noqa: E712 - or an object
    "codeActionLiteralSupport": lambda s: (
        s.offered["codeActionProvider"] != True  # noqa: E712 - or an object
        and any("edit" in action for action in s.answers["codeAction"])
    ),
    "snippetSupport": lambda s: _any_item(s, lambda item: "insertTextFormat" in item),
    "places in a snippet": lambda s: _any_item(s, lambda item: "$" in item["textEdit"]["newText"]),
    "documentationFormat": lambda s: _any_item(
        s, lambda item: item.get("documentation", {}).get("kind") == "markdown"
    ),
    "completionItemKind": lambda s: _any_item(s, lambda item: item["kind"] > 18),
    "symbolKind of documents": lambda s: (
        max(s.kinds("symbols of the model", "documentSymbol")) > 18
    ),
    "symbolKind of workspaces": lambda s: max(s.kinds("workspace symbols")) > 18,
    "hierarchicalDocumentSymbolSupport": lambda s: any(
        "selectionRange" in each for each in s.answers["documentSymbol"]
    ),
    "contentFormat": lambda s: s.answers["hover"]["contents"]["kind"] == "markdown",
    "tooltipSupport": lambda s: any("tooltip" in link for link in s.answers["documentLink"]),
    "relatedInformation": lambda s: any("relatedInformation" in each for each in s.findings),
    "tagSupport": lambda s: any("tags" in each for each in s.findings),
    "codeDescriptionSupport": lambda s: any("codeDescription" in each for each in s.findings),
    "dataSupport": lambda s: any("data" in each for each in s.findings),
    "workDoneProgress": lambda s: (
        "window/workDoneProgress/create" in s.told or "$/progress" in s.told
    ),
    "configuration": lambda s: "workspace/configuration" in s.told,
    "dynamicRegistration": lambda s: "client/registerCapability" in s.told,
    "refreshSupport": lambda s: any(name.endswith("/refresh") for name in s.told),
    "experimental.smq": lambda s: any(name.startswith("smq/") for name in s.told),
}
"""Named after the capability: what only those may see who have it."""


@pytest.mark.parametrize("name", _ROWS)
def test_what_needs_a_capability_is_for_those_who_have_it(
    bare: Said, rich: Said, name: str
) -> None:
    assert _ROWS[name](rich), "this client should have been told"
    assert not _ROWS[name](bare), "this client has not said that it understands"


@pytest.mark.parametrize(
    "word",
    [
        *("targetUri", "documentChanges", "labelDetails", "insert", "replace", "itemDefaults"),
        *("additionalTextEdits", "activeParameterSupport", "annotationId", "disabled"),
    ],
)
def test_what_is_never_sent_needs_no_capability(bare: Said, word: str) -> None:
    assert f'"{word}":' not in bare.text


def test_a_client_without_action_literals_gets_commands(tmp_path: Path) -> None:
    bank(tmp_path)
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path, capabilities={"workspace": {"applyEdit": True}})
        uri = wire.open(tmp_path / "q.smq.json", '{"metrics": ["revenu"]}')
        start, end = ({"line": 0, "character": column} for column in (14, 20))
        spot = {"range": {"start": start, "end": end}, "context": {"diagnostics": []}}
        asked = {"textDocument": {"uri": uri}, **spot}
        found = wire.request("textDocument/codeAction", asked)["result"]
        assert {type(each["command"]) for each in found} == {str}
        (command,) = (each for each in found if "'revenue'" in each["title"])
        run = {"command": command["command"], "arguments": command["arguments"]}
        assert wire.request("workspace/executeCommand", run)["result"] is None
        wire.sync()
        request = next(m for m in wire.seen if m.get("method") == "workspace/applyEdit")
        assert request["params"]["label"] == command["title"]
        (edit,) = request["params"]["edit"]["changes"][uri]
        assert edit["newText"].strip('"') == "revenue"
        # The edit was for that text, and for no other.
        wire.change(uri, 2, replace(0, 0, 0, "  "))
        refused = wire.request("workspace/executeCommand", run)["error"]
        assert refused["code"] == -32803
        assert "changed" in refused["message"]
        for wrong in ([], [3], [{}], [{"texts": 3}], [{"label": "", "texts": {}, "edit": 3}]):
            odd = {**run, "arguments": wrong}
            answer = wire.request("workspace/executeCommand", odd)
            assert answer["error"]["code"] == -32602, wrong
        assert wire.shutdown() == 0


def test_a_client_that_makes_no_edits_is_offered_none(tmp_path: Path) -> None:
    bank(tmp_path)
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        uri = wire.open(tmp_path / "q.smq.json", '// How much?\n{"metrics": ["revenu"]}')
        answers = read_everything(wire, uri, 1, 16)
        assert answers["codeAction"]["result"] == []
        assert wire.shutdown() == 0

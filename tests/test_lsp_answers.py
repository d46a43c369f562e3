"""Every request that reads, to the real process: malformed, of odd places, texts and clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli import BANK, bank
from tests.support.wire import Message, Wire, read_everything, replace

_QUERY = """\
{
  /* 🙂한글e\u0301 */ "metrics": ["total_credit", "revenu"],
  "groupBy": ["부점코드__brn_cd"]
}
"""
_SPOT = (1, 32)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("answers")
    bank(found)
    return found


@pytest.fixture(scope="module")
def shared(directory: Path) -> Iterator[Wire]:
    """One bare client's conversation, for tests that close what they open."""
    with Wire(cwd=directory) as found:
        found.initialize(directory)
        yield found


def close(wire: Wire, uri: str) -> None:
    wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


def refusals(answers: dict[str, Message]) -> dict[str, Message]:
    return {name: answer["error"] for name, answer in answers.items() if "error" in answer}


# Parameters


@pytest.mark.parametrize("params", [None, 3, "x", [], {}, {"textDocument": {"uri": 3}}])
def test_every_request_says_that_its_parameters_are_malformed(
    shared: Wire, directory: Path, params: object
) -> None:
    methods = [
        *(f"textDocument/{name}" for name in read_everything(shared, "file:///x.yml", 0, 0)),
        *("textDocument/semanticTokens/full/delta", "workspace/symbol", "workspace/diagnostic"),
        *("callHierarchy/incomingCalls", "typeHierarchy/subtypes", "workspace/executeCommand"),
        *("codeLens/resolve", "smq/compile", "smq/explain", "smq/run", "smq/diff", "smq/generate"),
        "smq/virtualDocument",
    ]
    asked = {method: shared.post(method, params) for method in methods}
    answers = {method: shared.response(number) for method, number in asked.items()}
    assert {method: error["code"] for method, error in refusals(answers).items()} == dict.fromkeys(
        methods, -32602
    )


@pytest.mark.parametrize(
    ("line", "character"), [(-1, 0), (0, -1), (0, 1.5), ("0", 0), (0, True), (None, 0)]
)
def test_positions_that_are_none(
    shared: Wire, directory: Path, line: object, character: object
) -> None:
    uri = shared.open(directory / "places.smq.json", _QUERY)
    place = {"line": line, "character": character}
    answer = shared.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": place})
    assert answer["error"]["code"] == -32602
    # A change that cannot be understood changes nothing.
    shared.change(uri, 2, {"range": {"start": place, "end": place}, "text": "{"})
    shared.change(uri, 3, replace(1, 0, 0, " "))
    assert [item["code"] for item in shared.diagnostics(uri, 3)] == ["NAM101"]
    close(shared, uri)


@pytest.mark.parametrize("name", ["far.smq.json", "far.yml"])
def test_positions_past_every_end_are_clamped(shared: Wire, directory: Path, name: str) -> None:
    text = _QUERY if name.endswith("json") else BANK.read_text(encoding="utf-8")
    uri = shared.open(directory / name, text)
    last = text.count("\n")
    end = read_everything(shared, uri, last, 0)
    assert not {n for n in refusals(end) if n != "rename"}
    for line, character in ((last, 7), (last + 9, 3), (2**31 - 1, 2**31 - 1)):
        assert without_ids(read_everything(shared, uri, line, character)) == without_ids(end)
    close(shared, uri)


def without_ids(answers: dict[str, Message]) -> dict[str, object]:
    """Answers that can be compared with those to another asking."""
    found: dict[str, object] = {}
    for name, answer in answers.items():
        result = answer.get("result", answer.get("error"))
        if name.startswith("semanticTokens") and isinstance(result, dict):
            result = result["data"]
        found[name] = result
    return found


# Texts


@pytest.mark.parametrize(
    "text",
    [
        "\ud83d",
        '{"metrics": ["\ud83d", "\udc00"]}',
        '{"metrics": ["a\x00b"]}\x00',
        "[" * 20_000,
        '{"metrics": ' * 5_000,
        "- " * 5_000,
        "semantic_models: " + "{a: " * 3_000,
        "\ufeff{}",
        "{" + "a" * 1_000_000 + "}",
        '{"filters": ["' + "(" * 3_000 + '"]}',
        "&a [*a, *a]",
        "",
    ],
    ids=[
        *("half", "halves", "nul", "brackets", "nested", "dashes", "flow", "bom", "megabyte"),
        *("parens", "alias", "empty"),
    ],
)
@pytest.mark.parametrize("name", ["hostile.smq.json", "hostile.yml"])
def test_hostile_documents_are_read_in_every_way(
    shared: Wire, directory: Path, name: str, text: str
) -> None:
    uri = shared.open(directory / name, text)
    middle = len(text.encode("utf-16-le", "surrogatepass")) // 4
    for character in (0, middle):
        refused = refusals(read_everything(shared, uri, 0, character))
        # There may be nothing to rename, and that is said.
        assert {error["code"] for error in refused.values()} <= {-32803, -32602}, refused
        assert set(refused) <= {"rename"}, refused
    close(shared, uri)


def test_a_name_of_one_letter_many_times_is_compared_at_once(tmp_path: Path) -> None:
    name = "a" * 60
    (tmp_path / "m.yml").write_text(f"metrics: [{{name: {name}, expr: SUM(x)}}]")
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        for typed, found in (("a" * 29 + "b", []), ("a" * 29, [name])):
            text = f'{{"metrics": ["{typed}"]}}'
            uri = wire.open(tmp_path / "q.smq.json", text)
            spot = {"line": 0, "character": text.index(typed) + len(typed)}
            params = {"textDocument": {"uri": uri}, "position": spot}
            answer = wire.request("textDocument/completion", params)["result"]
            assert [item["label"] for item in answer["items"]] == found
        assert wire.shutdown() == 0


@pytest.mark.parametrize("name", ["ends.smq.json", "ends.yml"])
def test_every_kind_of_line_end_gives_the_same_places(
    shared: Wire, directory: Path, name: str
) -> None:
    text = _QUERY if name.endswith("json") else BANK.read_text(encoding="utf-8")
    line = next(n for n, words in enumerate(text.split("\n")) if "total_credit" in words)
    column = text.split("\n")[line].index("total_credit") + 3
    found = []
    for end in ("\n", "\r\n", "\r"):
        uri = shared.open(directory / name, text.replace("\n", end))
        answers = without_ids(read_everything(shared, uri, line, column))
        assert answers["hover"]
        # New text has line ends of its own, and lenses speak of other documents too.
        found.append({n: a for n, a in answers.items() if "ormatting" not in n})
        close(shared, uri)
    assert found[1] == found[0]
    assert found[2] == found[0]


# Clients


def test_a_bare_client_gets_the_oldest_form_of_everything(tmp_path: Path) -> None:
    bank(tmp_path)
    with Wire(cwd=tmp_path) as wire:
        offered = wire.initialize(tmp_path)["capabilities"]
        assert offered["codeActionProvider"] is True
        assert offered["renameProvider"] is True
        uri = wire.open(tmp_path / "q.smq.json", _QUERY)
        model = wire.open(tmp_path / "models" / "bank.yml", BANK.read_text(encoding="utf-8"))
        answers = without_ids(read_everything(wire, uri, *_SPOT))
        text = json.dumps(answers)
        for newer in ('"markdown"', '"documentChanges"', '"targetUri"'):
            assert newer not in text, newer
        assert "insertTextFormat" not in text
        symbols = answers["documentSymbol"]
        assert isinstance(symbols, list)
        assert all(set(s) <= {"name", "kind", "location", "containerName"} for s in symbols)
        assert isinstance(answers["hover"], dict)
        assert answers["hover"]["contents"]["kind"] == "plaintext"
        assert isinstance(answers["rename"], dict)
        assert set(answers["rename"]["changes"]) == {uri, model}
        assert wire.shutdown() == 0
        methods = {m["method"] for m in wire.seen if "method" in m}
    assert methods <= {"textDocument/publishDiagnostics", "window/logMessage"}


_RICH: Message = {
    "workspace": {
        "applyEdit": True,
        "configuration": True,
        "workspaceFolders": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        **{
            part: {"refreshSupport": True}
            for part in ("diagnostics", "codeLens", "inlayHint", "semanticTokens")
        },
    },
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
}


def test_what_a_client_answers_changes_no_answer_of_ours(tmp_path: Path) -> None:
    bank(tmp_path)
    found = []
    for answer in (
        {"result": None},
        {"error": {"code": -32603, "message": "no"}},
        {"result": [[{}]], "error": None},
    ):
        with Wire(cwd=tmp_path) as wire:
            wire.answer = lambda request, answer=answer: answer  # type: ignore[misc]
            wire.initialize(tmp_path, capabilities=_RICH)
            uri = wire.open(tmp_path / "q.smq.json", _QUERY)
            model = wire.open(tmp_path / "models" / "bank.yml", BANK.read_text(encoding="utf-8"))
            wire.change(model, 2, replace(0, 0, 0, "# 가\n"))
            found.append(without_ids(read_everything(wire, uri, *_SPOT)))
            asked = {m["method"] for m in wire.seen if "method" in m and "id" in m}
            assert {"workspace/configuration", "client/registerCapability"} <= asked
            assert wire.shutdown() == 0
    assert all(each == found[0] for each in found)


def test_results_come_whole_and_progress_only_to_those_who_ask(
    shared: Wire, directory: Path
) -> None:
    uri = shared.open(directory / "tokens.smq.json", _QUERY)
    position = {"line": _SPOT[0], "character": _SPOT[1]}
    context = {"includeDeclaration": True}
    requests: dict[str, Message] = {
        "workspace/symbol": {"query": "c"},
        "workspace/diagnostic": {"previousResultIds": []},
        "textDocument/references": {
            "textDocument": {"uri": uri},
            "position": position,
            "context": context,
        },
        "textDocument/documentSymbol": {"textDocument": {"uri": uri}},
    }
    before = len(shared.seen)
    for method, params in requests.items():
        whole = shared.request(method, params)["result"]
        assert whole
        assert not [m for m in shared.seen[before:] if m.get("method") == "$/progress"]
    for method, params in requests.items():
        whole = shared.request(method, params)["result"]
        before = len(shared.seen)
        tokens = {"partialResultToken": "part", "workDoneToken": 7}
        answer = shared.request(method, {**params, **tokens})["result"]
        told = [m["params"] for m in shared.seen[before:] if m.get("method") == "$/progress"]
        # What was sent in parts is not sent again, and nothing is sent under another token.
        assert {one["token"] for one in told} <= {"part", 7}
        assert answer == whole or [one for one in told if one["token"] == "part"]
    close(shared, uri)


def test_tracing_is_switched_and_never_spoken_of_unasked(tmp_path: Path) -> None:
    with Wire(cwd=tmp_path) as wire:
        wire.notify("$/setTrace", {"value": "verbose"})
        wire.initialize(tmp_path, trace="off")
        for value in ("messages", "verbose", "off", "loud", None, 3):
            wire.notify("$/setTrace", {"value": value})
        wire.sync()
        before = len(wire.seen)
        wire.sync()
        assert not [m for m in wire.seen[before:] if m.get("method") == "$/logTrace"]
        assert wire.shutdown() == 0


# Closing and cancelling


def test_closing_tells_what_the_disk_holds(tmp_path: Path) -> None:
    bank(tmp_path, saved='{"metrics": ["nothing_saved"]}')
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        scratch = wire.open(tmp_path / "scratch.smq.json", "{")
        assert wire.diagnostics(scratch, 1)
        close(wire, scratch)
        assert wire.diagnostics(scratch) == []
        path = tmp_path / "saved.smq.json"
        saved = wire.open(path, '{"metrics": ["total_credit"]}')
        assert wire.diagnostics(saved, 1) == []
        close(wire, saved)
        # Closed and wrong on disk: the finding belongs to the file, and to no version.
        told = wire.until(
            lambda m: (
                m.get("method") == "textDocument/publishDiagnostics"
                and m["params"]["uri"] == saved
                and bool(m["params"]["diagnostics"])
            )
        )
        assert "version" not in told["params"]
        path.unlink()
        wire.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": saved, "type": 3}]})
        assert wire.diagnostics(saved) == []
        assert wire.shutdown() == 0


def test_one_file_in_a_home_directory_is_no_reason_to_read_all_of_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "projects" / "a").mkdir(parents=True)
    bank(home / "projects" / "a", q='{"metrics": ["nothing"]}')
    (home / "other.smq.json").write_text("{")
    # As an editor that was started from a menu, without a folder.
    with Wire(cwd=home, environ={"HOME": str(home)}) as wire:
        wire.initialize()
        uri = wire.open(home / "q.smq.json", '{"metrics": ["total_credit"]}')
        assert [item["code"] for item in wire.diagnostics(uri, 1)] == ["NAM101"]
        assert wire.request("smq/status", {})["result"]["workspaces"][0]["files"] == 1
        elsewhere = wire.open("file:///nowhere/at/all.smq.json", "{")
        assert wire.diagnostics(elsewhere, 1)
        wire.sync()
        close(wire, uri)
        assert wire.diagnostics(uri) == []
        # A project below it is a workspace all the same.
        inside = wire.open(home / "projects" / "a" / "q.smq.json", '{"metrics": ["total_credit"]}')
        assert wire.diagnostics(inside, 1) == []
        told = {m["params"]["uri"] for m in wire.seen if "uri" in (m.get("params") or {})}
        assert told == {uri, elsewhere, inside}
        # A home that is opened as a folder is what somebody wanted.
        change = {"added": [{"uri": home.as_uri(), "name": "home"}], "removed": []}
        wire.notify("workspace/didChangeWorkspaceFolders", {"event": change})
        assert wire.diagnostics((home / "other.smq.json").as_uri())
        assert wire.shutdown() == 0


def test_cancelling_what_waits_for_the_workspace_and_what_is_being_answered(
    tmp_path: Path,
) -> None:
    bank(tmp_path)
    for number in range(300):
        (tmp_path / f"q{number}.smq.json").write_text('{"metrics": ["nothing"]}')
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        # Not yet read: the request waits.
        early = wire.post("workspace/symbol", {"query": "c"})
        wire.notify("$/cancelRequest", {"id": early})
        assert wire.response(early)["error"]["code"] == -32800
        # Being answered: it looks at every file in turns with other messages.
        during = wire.post("workspace/diagnostic", {"previousResultIds": []})
        between = wire.post("workspace/symbol", {"query": "c"})
        assert wire.response(between)["result"]
        wire.notify("$/cancelRequest", {"id": during})
        wire.notify("$/cancelRequest", {"id": during})
        answer = wire.response(during)
        assert "result" in answer or answer["error"]["code"] == -32800
        wire.sync()
        for number in (early, during):
            found = [m for m in wire.seen if "method" not in m and m.get("id") == number]
            assert len(found) == 1
        assert wire.request("workspace/symbol", {"query": "c"})["result"]
        assert wire.shutdown() == 0


def test_an_id_that_is_in_use_is_refused_and_both_are_answered(tmp_path: Path) -> None:
    bank(tmp_path)
    for number in range(100):
        (tmp_path / f"q{number}.smq.json").write_text('{"metrics": ["nothing"]}')
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        wire.request("workspace/symbol", {"query": ""})
        message = {"jsonrpc": "2.0", "id": "same", "params": {"previousResultIds": []}}
        wire.send({**message, "method": "workspace/diagnostic"})
        wire.send({**message, "method": "workspace/diagnostic"})
        answers = [
            wire.until(lambda m: "method" not in m and m.get("id") == "same") for _ in range(2)
        ]
        assert all("result" in answer or answer["error"]["code"] == -32600 for answer in answers)
        assert any("result" in answer for answer in answers)
        assert wire.shutdown() == 0

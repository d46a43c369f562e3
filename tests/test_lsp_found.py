"""What long sessions with the real process have found, each told in its shortest form."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cli import BANK, bank
from tests.support.wire import Message, Wire, replace

_QUERY = '{"metrics": ["revenue"]}'


def pulled(wire: Wire, uri: str) -> list[str]:
    params = {"textDocument": {"uri": uri}}
    items = wire.request("textDocument/diagnostic", params)["result"]["items"]
    return [item["code"] for item in items]


def test_a_client_that_pulls_is_told_of_the_configuration_too(tmp_path: Path) -> None:
    bank(tmp_path)
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path, capabilities={"textDocument": {"diagnostic": {}}})
        uri = wire.open(tmp_path / "smq.toml", "dialect = 3\n")
        assert pulled(wire, uri) == ["CFG103"]
        report = wire.request("workspace/diagnostic", {"previousResultIds": []})["result"]
        (item,) = (each for each in report["items"] if each["uri"] == uri)
        assert [each["code"] for each in item["items"]] == ["CFG103"]
        wire.change(uri, 2, {"text": 'dialect = "duckdb"\n'})
        assert pulled(wire, uri) == []
        assert wire.shutdown() == 0


@pytest.mark.parametrize("method", ["smq/compile", "smq/explain", "callHierarchy/outgoingCalls"])
def test_a_request_that_has_waited_is_not_answered_for_another_text(
    tmp_path: Path, method: str
) -> None:
    bank(tmp_path)
    for number in range(300):
        (tmp_path / f"q{number}.smq.json").write_text(_QUERY)
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        uri = wire.open(tmp_path / "q.smq.json", _QUERY)
        spot = {"start": {"line": 0, "character": 13}, "end": {"line": 0, "character": 22}}
        item = {"name": "revenue", "kind": 12, "uri": uri, "range": spot, "selectionRange": spot}
        early = wire.post(method, {"item": item} if "Hierarchy" in method else {"uri": uri})
        wire.change(uri, 2, replace(0, 0, 0, "\n\n"))
        assert wire.response(early)["error"]["code"] == -32801
        assert wire.shutdown() == 0


def test_what_was_removed_has_no_place_in_the_text_of_now(tmp_path: Path) -> None:
    bank(tmp_path, q=f"[\n\n\n\n{_QUERY}]")
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        uri = wire.open(tmp_path / "q.smq.json", "[]")
        text = BANK.read_text(encoding="utf-8")
        model = wire.open(tmp_path / "models" / "bank.yml", text[: text.index("  - name: revenue")])
        found = wire.request("smq/diff", {"uri": uri})["result"]
        assert [each["change"] for each in found["queries"]] == ["removed"]
        gone = [each for each in found["definitions"] if each["change"] == "removed"]
        assert [each["name"] for each in gone] == ["revenue"]
        assert not [each for each in (*found["queries"], *gone) if "location" in each]
        assert wire.request("smq/diff", {"uri": model})["result"]["definitions"] == gone
        assert wire.shutdown() == 0


def test_a_closed_file_of_another_kind_is_no_model_file(tmp_path: Path) -> None:
    bank(tmp_path)
    text = "metrics:\n  - {name: elsewhere, expr: SUM(x)}\n"
    (tmp_path / "notes.md").write_text(text)
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        uri = wire.open(tmp_path / "notes.md", text)
        wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        wire.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 2}]})
        assert wire.request("workspace/symbol", {"query": "elsewhere"})["result"] == []
        assert wire.shutdown() == 0


def names(symbols: list[Message]) -> list[str]:
    return [name for each in symbols for name in (each["name"], *names(each.get("children", [])))]


def test_outlines_have_no_blank_names(tmp_path: Path) -> None:
    hierarchical = {"documentSymbol": {"hierarchicalDocumentSymbolSupport": True}}
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path, capabilities={"textDocument": hierarchical})
        for name, text in (
            ("q.smq.json", '{"name": " ", "metrics": [], " ": 1, "": 2, "\\t": 3}'),
            ("m.yml", "metrics:\n  - {name: ' ', expr: SUM(x)}\n  - {name: '', expr: SUM(x)}\n"),
        ):
            uri = wire.open(tmp_path / name, text)
            params = {"textDocument": {"uri": uri}}
            found = names(wire.request("textDocument/documentSymbol", params)["result"])
            assert found
            assert all(each.strip() for each in found), found
        found = names(wire.request("workspace/symbol", {"query": ""})["result"])
        assert all(each.strip() for each in found), found
        assert wire.shutdown() == 0


@pytest.mark.parametrize("text", ["{}", '{"name": "x"}', '{"metrics": []}', '{"limit": 3}'])
def test_a_query_without_sql_says_why(tmp_path: Path, text: str) -> None:
    bank(tmp_path)
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        uri = wire.open(tmp_path / "q.smq.json", f"[{_QUERY}, {text}]")
        good, bad = wire.request("smq/compile", {"uri": uri})["result"]["queries"]
        assert good["sql"]
        assert not good["problems"]
        assert "sql" not in bad
        assert "QRY102" in {problem["code"] for problem in bad["problems"]}
        assert wire.shutdown() == 0


def test_no_action_changes_nothing(tmp_path: Path) -> None:
    text = (
        "semantic_models:\n  - name: orders\n    entities:\n rev - name: order\n"
        "        type: primary\n    dimensions:\n      - name: at\n        type_params:\n"
        "      >-\n    time_granularity: day\n    measures:\n      - name: total\n"
    )
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path, capabilities={"workspace": {"applyEdit": True}})
        uri = wire.open(tmp_path / "m.yml", text)
        literal = {"start": {"line": 0, "character": 0}, "end": {"line": 12, "character": 0}}
        params = {"textDocument": {"uri": uri}, "range": literal, "context": {"diagnostics": []}}
        lines = text.splitlines(keepends=True)
        for action in wire.request("textDocument/codeAction", params)["result"]:
            (edits,) = action["arguments"][0]["edit"]["changes"].values()
            assert any(cut(lines, each["range"]) != each["newText"] for each in edits), action
        assert wire.shutdown() == 0


def cut(lines: list[str], at: Message) -> str:
    start, end = at["start"], at["end"]
    if start["line"] == end["line"]:
        return lines[start["line"]][start["character"] : end["character"]]
    between = lines[start["line"] + 1 : end["line"]]
    first, last = lines[start["line"]][start["character"] :], lines[end["line"]]
    return "".join((first, *between, last[: end["character"]]))


def test_a_byte_order_mark_takes_no_column_in_a_closed_file(tmp_path: Path) -> None:
    """Editors keep it out of the text, so that a column more would rename `evenue"`."""
    bank(tmp_path)
    (tmp_path / "marked.smq.json").write_text(f"\ufeff{_QUERY}", encoding="utf-8")
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        uri = wire.open(tmp_path / "open.smq.json", _QUERY)
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": 0, "character": 15},
            "newName": "takings",
        }
        changes = wire.request("textDocument/rename", params)["result"]["changes"]
        marked = (tmp_path / "marked.smq.json").as_uri()
        assert changes[marked] == changes[uri]
        # A client that sends the mark counts it.
        wire.open(tmp_path / "marked.smq.json", f"\ufeff{_QUERY}")
        changes = wire.request("textDocument/rename", params)["result"]["changes"]
        assert changes[marked][0]["range"]["start"] == {"line": 0, "character": 15}
        assert wire.shutdown() == 0


def test_a_workspace_that_is_read_again_answers_for_the_text_of_now(tmp_path: Path) -> None:
    """Formatting by the text of before would have spoilt the file."""
    bank(tmp_path)
    for number in range(300):
        (tmp_path / f"q{number}.smq.json").write_text(_QUERY)
    text = BANK.read_text(encoding="utf-8")
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        uri = wire.open(tmp_path / "models" / "bank.yml", text)
        configuration = wire.open(tmp_path / "smq.toml", "")
        ask = {"textDocument": {"uri": uri}, "options": {"tabSize": 2, "insertSpaces": True}}
        assert wire.request("textDocument/foldingRange", ask)["result"]
        assert wire.request("textDocument/hover", {**ask, "position": {"line": 0, "character": 0}})
        wire.change(configuration, 2, {"text": 'exclude = ["nothing"]\n'})
        wire.change(uri, 2, {"text": "metrics:\n  - name: a\n    expr: 1\n"})
        asked = [
            wire.post(f"textDocument/{method}", ask) for method in ("foldingRange", "formatting")
        ]
        folds, edits = (wire.response(each)["result"] for each in asked)
        assert max(fold["endLine"] for fold in folds) == 2
        assert all(edit["range"]["end"]["line"] <= 3 for edit in edits or ())
        assert wire.shutdown() == 0


def test_a_byte_order_mark_is_a_column_in_an_open_file_that_is_excluded_too(
    tmp_path: Path,
) -> None:
    bank(tmp_path)
    (tmp_path / "smq.toml").write_text('exclude = ["aside.yml"]\n')
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        uri = wire.open(tmp_path / "aside.yml", "\ufeffmet")
        at = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 4}}
        found = wire.request("textDocument/completion", at)["result"]["items"]
        assert [(each["label"], each["textEdit"]["range"]) for each in found][:1] == [
            (
                "metrics",
                {"start": {"line": 0, "character": 1}, "end": {"line": 0, "character": 4}},
            )
        ]
        assert wire.shutdown() == 0


@pytest.mark.parametrize("name", ["smq.toml", "package.json", "notes.md"])
def test_nothing_of_a_model_is_offered_in_a_file_of_another_kind(tmp_path: Path, name: str) -> None:
    bank(tmp_path)
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        uri = wire.open(tmp_path / name, "\nmet")
        for line, character in ((0, 0), (1, 3)):
            at = {"line": line, "character": character}
            asked = {"textDocument": {"uri": uri}, "position": at}
            found = wire.request("textDocument/completion", asked)["result"]
            assert found == {"isIncomplete": False, "items": []}
        assert wire.shutdown() == 0

"""A model that was never saved: what is said of it, and that nobody else is disturbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.examples import copy_example
from tests.support.session import Client
from tests.support.wire import Message, Wire, replace

from smq_server.lsp import onlooking

UNTITLED = "untitled:Untitled-1"
DRAFT = """\
semantic_models:
  - name: 택배
    table: shop.parcels
    entities:
      - {name: parcel, type: primary, expr: id}
      - {name: order, type: foreign, expr: order_id}
    measures:
      - {name: weight, type: number, agg: sum}
metrics:
  - {name: parcel_weight, type: number, expr: SUM(택배__weight) / order_count}
"""
WRONG = DRAFT.replace("order_count", "order_cuont")
QUERY = '{"metrics": ["parcel_weight"]}'
OTHER_YAML = "apiVersion: v1\nkind: Service\nmetadata: {name: parcels}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    directory = tmp_path / "shop"
    directory.mkdir()
    copy_example("shop", directory)
    return directory


def codes(shown: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    return {uri: [item["code"] for item in items] for uri, items in shown.items()}


def draft(client: Client, text: str, uri: str = UNTITLED, language: str = "semantic-model") -> None:
    client.session.open(uri, text, 1, language)


# On the wire


def opened(wire: Wire, text: str, uri: str = UNTITLED) -> None:
    document = {"uri": uri, "languageId": "semantic-model", "version": 1, "text": text}
    wire.notify("textDocument/didOpen", {"textDocument": document})


def at(text: str, word: str, line: int) -> dict[str, int]:
    return {"line": line, "character": text.splitlines()[line].index(word) + 2}


def ask(wire: Wire, method: str, **params: Any) -> Any:
    answer = wire.request(method, {"textDocument": {"uri": UNTITLED}, **params})
    assert "result" in answer, answer
    return answer["result"]


def test_a_model_that_was_never_saved_is_checked_as_it_is_typed(shop: Path) -> None:
    literal = {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}}
    with Wire() as wire:
        wire.initialize(shop, capabilities={"textDocument": {"codeAction": literal}})
        opened(wire, WRONG)
        (finding,) = wire.diagnostics(UNTITLED, 1)
        assert finding["code"] == "MET102"
        line = WRONG.splitlines()[9]
        start = line.index("order_cuont")
        assert finding["range"] == {
            "start": {"line": 9, "character": start},
            "end": {"line": 9, "character": start + len("order_cuont")},
        }
        actions = ask(wire, "textDocument/codeAction", range=finding["range"], context=_CONTEXT)
        edits = [_edits(wire, action) for action in actions if "order_count" in action["title"]]
        assert [["order_count"]] in edits or ["order_count"] in edits
        items = ask(wire, "textDocument/completion", position=at(WRONG, "order_cuont", 9))["items"]
        assert items[0]["label"] == "order_count"
        wire.change(UNTITLED, 2, replace(9, start, start + 11, "order_count"))
        assert wire.diagnostics(UNTITLED, 2) == []
        hover = ask(wire, "textDocument/hover", position=at(DRAFT, "parcel_weight", 9))
        assert "SUM(" in str(hover["contents"])
        wire.change(UNTITLED, 3, replace(9, 0, 0, "  - {name: x, kind: [}\n"))
        found = {each["code"][:3] for each in wire.diagnostics(UNTITLED, 3)}
        assert found >= {"SYN", "MOD"}
        wire.notify("textDocument/didClose", {"textDocument": {"uri": UNTITLED}})
        assert wire.diagnostics(UNTITLED) == []


_CONTEXT: Message = {"diagnostics": []}


def _edits(wire: Wire, action: Message) -> list[str]:
    edit = action.get("edit") or wire.request("codeAction/resolve", action)["result"]["edit"]
    changes = edit.get("changes") or {"": edit["documentChanges"][0]["edits"]}
    return [each["newText"] for edits in changes.values() for each in edits]


def test_a_client_that_pulls_gets_the_same(shop: Path) -> None:
    offered = {"textDocument": {"diagnostic": {}}, "workspace": {"diagnostics": {}}}
    with Wire() as wire:
        wire.initialize(shop, capabilities=offered)
        opened(wire, WRONG)
        (finding,) = ask(wire, "textDocument/diagnostic")["items"]
        assert finding["code"] == "MET102"
        reports = wire.request("workspace/diagnostic", {"previousResultIds": []})["result"]["items"]
        (mine,) = [each for each in reports if each["uri"] == UNTITLED]
        assert (mine["items"], mine["version"]) == ([finding], 1)
        wire.notify("textDocument/didClose", {"textDocument": {"uri": UNTITLED}})
        known = {"previousResultIds": [{"uri": UNTITLED, "value": mine["resultId"]}]}
        (gone,) = wire.request("workspace/diagnostic", known)["result"]["items"]
        assert (gone["uri"], gone["items"]) == (UNTITLED, [])


# Among others


def test_a_copy_of_a_model_is_wrong_itself_and_the_first_stays_right(shop: Path) -> None:
    client = Client(shop)
    assert client.settle() == {}
    draft(client, (shop / "models" / "orders.yml").read_text())
    shown = client.settle()
    assert codes(shown) == {UNTITLED: ["MOD205"]}
    (related,) = shown[UNTITLED][0]["relatedInformation"]
    assert related["location"]["uri"] == (shop / "models" / "orders.yml").as_uri()
    # Two drafts with the same names are two beginnings of one file.
    draft(client, DRAFT, "untitled:Untitled-2")
    draft(client, DRAFT, "untitled:Untitled-3")
    assert codes(client.settle()) == {UNTITLED: ["MOD205"]}
    client.session.close(UNTITLED)
    assert client.settle() == {}


def test_queries_see_a_model_once_it_has_a_path(shop: Path) -> None:
    client = Client(shop)
    client.settle()
    draft(client, DRAFT)
    query = "untitled:Untitled-2"
    draft(client, QUERY, query, "smq")
    assert codes(client.settle()) == {query: ["NAM101"]}
    # As an editor saves it: the file is written, opened, and the other one closed.
    path = shop / "models" / "parcels.yml"
    path.write_text(DRAFT, encoding="utf-8")
    client.open(path, DRAFT)
    client.session.close(UNTITLED)
    assert client.settle() == {}


def test_a_draft_follows_the_workspace_that_it_looks_at(shop: Path) -> None:
    client = Client(shop)
    draft(client, DRAFT)
    assert client.settle() == {}
    path = shop / "metrics" / "sales.yml"
    text = path.read_text()
    uri = client.open(path, text)
    client.set(uri, 2, text.replace("- name: order_count\n", "- name: order_number\n"))
    assert codes(client.settle())[UNTITLED] == ["MET102"]
    client.set(uri, 3, text)
    assert client.settle() == {}
    # A file that comes, one that goes, and settings.
    copy = shop / "models" / "parcels.yml"
    copy.write_text(DRAFT, encoding="utf-8")
    client.session.files_changed([copy.as_uri()])
    assert codes(client.settle()) == {UNTITLED: ["MOD205", "MET203"]}
    assert [item["severity"] for item in client.shown[UNTITLED]] == [1, 1]
    (shop / "smq.toml").write_text('[rules.severity]\nMOD205 = "warning"\n')
    client.session.files_changed([(shop / "smq.toml").as_uri()])
    assert [item["severity"] for item in client.settle()[UNTITLED]] == [2, 1]
    copy.unlink()
    client.session.files_changed([copy.as_uri()])
    assert UNTITLED not in client.settle()


def test_what_only_all_files_show_is_not_looked_for_in_vain(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(shop)
    draft(client, DRAFT)
    client.settle()
    looked: list[str] = []
    monkeypatch.setattr(onlooking, "workspace_rules", lambda: looked.append("") or ())
    uri = client.open(shop / "queries" / "mine.smq.json", '{"metrics": ["revenue"]}')
    client.set(uri, 2, '{"metrics": ["revenue" ]}')
    client.settle()
    assert not looked
    client.session.change(UNTITLED, 2, [])
    client.set(UNTITLED, 3, WRONG)
    client.settle()
    assert looked == [""]


def test_a_draft_in_no_workspace_is_checked_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else what other tests have left beside it would be the nearest workspace.
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    client = Client()
    draft(client, DRAFT)
    # Nobody has the key that it refers to, nor the other metric.
    assert codes(client.settle()) == {UNTITLED: ["REF104", "MET102"]}
    client.set(UNTITLED, 2, DRAFT.replace(" / order_count", ""))
    assert codes(client.settle()) == {UNTITLED: ["REF104"]}


def test_a_draft_looks_at_the_first_of_several_workspaces(shop: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    first, second = Client(shop, other), Client(other, shop)
    draft(first, DRAFT)
    draft(second, DRAFT)
    assert first.settle() == {}
    assert codes(second.settle()) == {UNTITLED: ["REF104", "MET102"]}


@pytest.mark.parametrize("language", ["yaml", "semantic-model"])
def test_yaml_about_something_else_is_left_alone(shop: Path, language: str) -> None:
    client = Client(shop)
    draft(client, OTHER_YAML, language=language)
    assert client.settle() == {}
    client.set(UNTITLED, 2, WRONG)
    assert codes(client.settle()) == {UNTITLED: ["MET102"]}


def test_settings_of_how_findings_are_shown_reach_drafts(shop: Path) -> None:
    client = Client(shop)
    draft(client, WRONG)
    before = client.settle()[UNTITLED][0]
    client.session.apply_settings({"diagnostics": {"rulesUrl": "https://rules.example/"}})
    after = client.settle()[UNTITLED][0]
    assert before.get("codeDescription") != after["codeDescription"]

"""Every request of the table of features, in both kinds of files, spoken to the real process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.examples import copy_example
from tests.support.wire import Wire, replace

QUERY = """\
{
  // 🙂 얼마나
  "metrics": ["average_order_value"], "groupBy": ["stores__store_name"],
  "filters": ["orders__status = 'x'"], "limit": 3
}
"""
BROKEN = '{"metrics": ["average_order_value", "rev'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("shop")
    copy_example("shop", directory)
    return directory


@pytest.fixture(scope="module")
def wire(shop: Path) -> Iterator[Wire]:
    with Wire() as client:
        literal = {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}}
        client.initialize(shop, capabilities={"textDocument": {"codeAction": literal}})
        client.open(shop / "queries" / "mine.smq.json", QUERY)
        client.open(shop / "queries" / "broken.smq.json", BROKEN)
        for name in ("models/orders.yml", "metrics/sales.yml"):
            client.open(shop / name, (shop / name).read_text())
        yield client


@pytest.fixture
def query(shop: Path) -> str:
    return (shop / "queries" / "mine.smq.json").as_uri()


@pytest.fixture
def model(shop: Path) -> str:
    return (shop / "models" / "orders.yml").as_uri()


@pytest.fixture
def metrics(shop: Path) -> str:
    return (shop / "metrics" / "sales.yml").as_uri()


def ask(wire: Wire, method: str, uri: str, **params: Any) -> Any:
    answer = wire.request(method, {"textDocument": {"uri": uri}, **params})
    assert "result" in answer, answer
    return answer["result"]


def place(text: str, word: str) -> dict[str, int]:
    """The first character of a word, counted in UTF-16."""
    before = text[: text.index(word)]
    line = before.rsplit("\n", 1)[-1]
    return {"line": before.count("\n"), "character": len(line.encode("utf-16-le")) // 2}


def cut(text: str, wanted: dict[str, Any]) -> str:
    """The text of a range within one line."""
    assert wanted["start"]["line"] == wanted["end"]["line"]
    line = text.splitlines()[wanted["start"]["line"]].encode("utf-16-le")
    return line[2 * wanted["start"]["character"] : 2 * wanted["end"]["character"]].decode(
        "utf-16-le"
    )


# Hierarchies


def test_calls_go_from_a_query_to_its_metrics_and_down_to_columns(
    wire: Wire, query: str, metrics: str
) -> None:
    at = place(QUERY, "average_order_value")
    (item,) = ask(wire, "textDocument/prepareCallHierarchy", query, position=at)
    assert (item["name"], item["uri"]) == ("average_order_value", metrics)
    down = wire.request("callHierarchy/outgoingCalls", {"item": item})["result"]
    assert [call["to"]["name"] for call in down] == ["revenue", "order_count"]
    text = Path(metrics.removeprefix("file://")).read_text()
    assert [cut(text, call["fromRanges"][0]) for call in down] == ["revenue", "order_count"]
    further = wire.request("callHierarchy/outgoingCalls", {"item": down[0]["to"]})["result"]
    assert "subtotal" in [call["to"]["name"] for call in further]
    up = wire.request("callHierarchy/incomingCalls", {"item": item})["result"]
    assert query in [call["from"]["uri"] for call in up]


def test_types_go_from_a_member_to_its_model_and_back(wire: Wire, model: str, shop: Path) -> None:
    text = (shop / "models" / "orders.yml").read_text()
    (item,) = ask(
        wire,
        "textDocument/prepareTypeHierarchy",
        model,
        position=place(text, "is_large"),
    )
    (above,) = wire.request("typeHierarchy/supertypes", {"item": item})["result"]
    assert above["name"] == "orders"
    below = wire.request("typeHierarchy/subtypes", {"item": above})["result"]
    assert "is_large" in [each["name"] for each in below]


def test_nothing_is_called_where_there_is_no_name(wire: Wire, query: str) -> None:
    at = place(QUERY, "얼마나")
    for method in ("prepareCallHierarchy", "prepareTypeHierarchy"):
        assert not ask(wire, f"textDocument/{method}", query, position=at)


# Navigation


@pytest.mark.parametrize(
    "method", ["definition", "declaration", "typeDefinition", "implementation"]
)
def test_going_to_places_from_both_kinds_of_files(
    wire: Wire, query: str, metrics: str, shop: Path, method: str
) -> None:
    text = (shop / "metrics" / "sales.yml").read_text()
    found = ask(wire, f"textDocument/{method}", query, position=place(QUERY, "average_order"))
    assert found, method
    inside = ask(wire, f"textDocument/{method}", metrics, position=place(text, "revenue"))
    assert inside is None or isinstance(inside, list)


def test_references_and_highlights_count_the_same_name_in_both(
    wire: Wire, query: str, metrics: str
) -> None:
    at = place(QUERY, "average_order_value")
    found = ask(
        wire,
        "textDocument/references",
        query,
        position=at,
        context={"includeDeclaration": True},
    )
    assert {query, metrics} <= {each["uri"] for each in found}
    marks = ask(wire, "textDocument/documentHighlight", query, position=at)
    assert [cut(QUERY, each["range"]) for each in marks] == ["average_order_value"]


def test_a_rename_is_prepared_and_changes_both(wire: Wire, query: str, metrics: str) -> None:
    at = place(QUERY, "average_order_value")
    prepared = ask(wire, "textDocument/prepareRename", query, position=at)
    assert cut(QUERY, prepared.get("range", prepared)) == "average_order_value"
    edit = ask(wire, "textDocument/rename", query, position=at, newName="aov")
    assert {query, metrics} <= set(edit["changes"])


# What is around the text


def test_symbols_of_documents_and_of_the_workspace(wire: Wire, query: str, model: str) -> None:
    assert "average_order_value" in str(ask(wire, "textDocument/documentSymbol", query))
    names = [each["name"] for each in ask(wire, "textDocument/documentSymbol", model)]
    assert "orders" in names and "is_large" in names
    by_word = wire.request("workspace/symbol", {"query": "average_order"})["result"]
    assert "average_order_value" in [each["name"] for each in by_word]


def test_folds_and_selections(wire: Wire, query: str, model: str) -> None:
    assert {"startLine": 0, "endLine": 4} in [
        {key: fold[key] for key in ("startLine", "endLine")}
        for fold in ask(wire, "textDocument/foldingRange", query)
    ]
    assert ask(wire, "textDocument/foldingRange", model)
    at = place(QUERY, "stores__store_name")
    (chain,) = ask(wire, "textDocument/selectionRange", query, positions=[at])
    widths = []
    while chain is not None:
        start, end = chain["range"]["start"], chain["range"]["end"]
        widths.append((end["line"] - start["line"], end["character"] - start["character"]))
        chain = chain.get("parent")
    assert len(widths) > 3


def test_links_of_models_and_queries(wire: Wire, shop: Path) -> None:
    text = '{"$schema": "https://example.org/s.json", "metrics": ["revenue"]}'
    uri = wire.open(shop / "queries" / "linked.smq.json", text)
    (link,) = ask(wire, "textDocument/documentLink", uri)
    assert (link["target"], cut(text, link["range"])) == (
        "https://example.org/s.json",
        "https://example.org/s.json",
    )


def test_tokens_whole_changed_and_in_a_range_agree(wire: Wire, shop: Path) -> None:
    uri = wire.open(shop / "queries" / "colour.smq.json", '{"metrics": ["revenue"]}')
    whole = ask(wire, "textDocument/semanticTokens/full", uri)
    assert len(whole["data"]) == 5
    wire.change(uri, 2, {"text": '{"metrics": ["revenue", "order_count"]}'})
    delta = ask(
        wire, "textDocument/semanticTokens/full/delta", uri, previousResultId=whole["resultId"]
    )
    data = list(whole["data"])
    for edit in reversed(delta["edits"]):
        data[edit["start"] : edit["start"] + edit["deleteCount"]] = edit.get("data", [])
    assert data == ask(wire, "textDocument/semanticTokens/full", uri)["data"]
    first = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 22}}
    assert ask(wire, "textDocument/semanticTokens/range", uri, range=first)["data"] == data[:5]


def test_hints_in_both_kinds_of_files(wire: Wire, query: str, metrics: str) -> None:
    everything = {"start": {"line": 0, "character": 0}, "end": {"line": 999, "character": 0}}
    labels = [
        each["label"] for each in ask(wire, "textDocument/inlayHint", query, range=everything)
    ]
    assert any("orders → stores" in label for label in labels)
    assert any("orderBy" in label for label in labels)
    counts = [
        each["label"] for each in ask(wire, "textDocument/inlayHint", metrics, range=everything)
    ]
    assert any(label.endswith("uses") for label in counts)


def test_signatures_in_text_that_is_still_open(wire: Wire, shop: Path) -> None:
    text = '{"metrics": ["LAG(revenue,'
    uri = wire.open(shop / "queries" / "open.smq.json", text)
    at = {"line": 0, "character": len(text)}
    found = ask(wire, "textDocument/signatureHelp", uri, position=at)
    assert found["activeParameter"] == 1
    assert found["signatures"][0]["label"].startswith("LAG(")


def test_formatting_whole_in_a_range_and_while_typing(wire: Wire, shop: Path) -> None:
    text = '{"limit":3,\n      "metrics":["revenue"]\n}\n'
    uri = wire.open(shop / "queries" / "layout.smq.json", text)
    options = {"tabSize": 2, "insertSpaces": True}
    whole = ask(wire, "textDocument/formatting", uri, options=options)
    assert whole
    nowhere = {"start": {"line": 2, "character": 1}, "end": {"line": 2, "character": 1}}
    assert ask(wire, "textDocument/rangeFormatting", uri, options=options, range=nowhere) == []
    typed = ask(
        wire,
        "textDocument/onTypeFormatting",
        uri,
        options=options,
        ch="}",
        position={"line": 2, "character": 1},
    )
    assert typed == whole


# Actions


def actions(wire: Wire, uri: str, at: dict[str, int], *only: str) -> list[Any]:
    context: dict[str, Any] = {"diagnostics": []}
    if only:
        context["only"] = list(only)
    spot = {"start": at, "end": at}
    found: list[Any] = ask(wire, "textDocument/codeAction", uri, range=spot, context=context)
    return found


def test_refactorings_carry_their_kind_and_edit_several_files(
    wire: Wire, query: str, metrics: str
) -> None:
    found = actions(wire, query, place(QUERY, "average_order_value"), "refactor")
    kinds = {each["title"]: each["kind"] for each in found}
    assert kinds["Inline 'average_order_value'"] == "refactor.inline"
    (inline,) = actions(wire, query, place(QUERY, "average_order_value"), "refactor.inline")
    (edit,) = inline["edit"]["changes"][query]
    assert edit["newText"].startswith("revenue / NULLIF(order_count, 0) AS ")
    extracted = actions(wire, query, place(QUERY, "orders__status = "), "refactor.extract")
    moved = [each for each in extracted if each["title"].startswith("Move the filter")]
    assert moved
    assert len(moved[0]["edit"]["changes"]) == 2


def test_all_safe_fixes_come_only_when_asked_for(wire: Wire, shop: Path) -> None:
    uri = wire.open(
        shop / "queries" / "slips.smq.json",
        '{"metrics": ["revenu"], "group_by": ["orders__status"]}',
    )
    at = {"line": 0, "character": 14}
    quick = actions(wire, uri, at)
    assert "source.fixAll" not in [each["kind"] for each in quick]
    (everything,) = actions(wire, uri, at, "source.fixAll")
    (edit,) = everything["edit"]["changes"][uri]
    assert '"revenue"' in edit["newText"] and '"groupBy"' in edit["newText"]


@pytest.mark.parametrize("kind", ["codeLens", "documentSymbol", "foldingRange", "documentLink"])
def test_broken_text_is_answered_too(wire: Wire, shop: Path, kind: str) -> None:
    uri = (shop / "queries" / "broken.smq.json").as_uri()
    assert isinstance(ask(wire, f"textDocument/{kind}", uri), list)


@pytest.mark.parametrize("snippets", [True, False])
@pytest.mark.parametrize("before", ["metrics:\n  ", "metrics:\n  - ", "metrics:\n    - "])
def test_a_construct_of_several_lines_is_indented_once(
    tmp_path: Path, before: str, snippets: bool
) -> None:
    """As an editor puts it in: snippets get the indentation of their line, texts do not."""
    item = {"snippetSupport": snippets, "insertTextModeSupport": {"valueSet": [1, 2]}}
    with Wire() as wire:
        wire.initialize(
            tmp_path, capabilities={"textDocument": {"completion": {"completionItem": item}}}
        )
        uri = wire.open(tmp_path / "m.yml", before)
        line = before.splitlines()[-1]
        at = {"line": 1, "character": len(line)}
        asked = {"textDocument": {"uri": uri}, "position": at}
        found = wire.request("textDocument/completion", asked)["result"]["items"]
        (ratio,) = [each for each in found if each["label"] == "ratio metric"]
        text = ratio["textEdit"]["newText"]
        if snippets:
            assert ratio["insertTextMode"] == 2
            text = text.replace("\n", "\n" + " " * (len(line) - len(line.lstrip())))
        whole = before + re.sub(r"[${}]", "", text)
        (metric,) = yaml.safe_load(whole)["metrics"]
        assert set(metric) == {"name", "metric_type", "label", "type_params"}
        assert set(metric["type_params"]) == {"numerator", "denominator"}


def test_a_query_that_has_no_file_yet_is_told_by_its_language(shop: Path) -> None:
    """As an editor opens it with New File, and the language picked from a list."""
    with Wire() as wire:
        wire.initialize(shop)
        uri, text = "untitled:Untitled-1", '{"metrics": ["revenu"]}'

        def opened(language: str) -> None:
            document = {"uri": uri, "languageId": language, "version": 1, "text": text}
            wire.notify("textDocument/didOpen", {"textDocument": document})

        opened("smq")
        (finding,) = wire.diagnostics(uri)
        assert finding["code"] == "NAM101"
        at = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 20}}
        items = wire.request("textDocument/completion", at)["result"]["items"]
        assert items[0]["label"] == "revenue"
        wire.change(uri, 2, replace(0, 14, 20, "revenue"))
        assert wire.diagnostics(uri, 2) == []
        hover = wire.request("textDocument/hover", at)["result"]
        assert "SUM(" in str(hover["contents"])
        place = wire.request("textDocument/definition", at)["result"]
        assert "sales.yml" in str(place)
        wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        # The same name may be another text the next time.
        text = "metrics:\n  - name: x\n    "
        opened("semantic-model")
        at["position"] = {"line": 2, "character": 4}
        labels = [
            item["label"] for item in wire.request("textDocument/completion", at)["result"]["items"]
        ]
        assert "type_params" in labels

"""Our own requests to the real process: SQL with its mapping, lineage, tree, runs, status."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.support.bigquery_double import bigquery, column
from tests.support.examples import copy_example
from tests.support.wire import Message, Wire

from smq.text import LineIndex, Span
from smq_schemas import schema
from smq_server.lsp import protocol

_CLIENT = {"experimental": {"smq": {}}, "window": {"workDoneProgress": True}}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("shop")
    copy_example("shop", directory)
    return directory


@pytest.fixture(scope="module")
def wire(shop: Path) -> Iterator[Wire]:
    """One server for the tests that change nothing but texts of their own."""
    with Wire() as client:
        client.initialize(shop, capabilities=_CLIENT)
        yield client


def asked(wire: Wire, method: str, **params: Any) -> Any:
    """The answer, which is what the schema says."""
    answer = wire.request(method, params)
    assert "result" in answer, answer
    document = schema("protocol")
    wanted = document["requests"][method]["result"]
    if wanted["$ref"].startswith("#"):
        validator = jsonschema.Draft202012Validator({**wanted, "$defs": document["$defs"]})
    else:
        validator = jsonschema.Draft202012Validator(schema("explain-output"))
    validator.validate(answer["result"])
    return answer["result"]


def refused(wire: Wire, method: str, **params: Any) -> tuple[int, str]:
    error = wire.request(method, params)["error"]
    return error["code"], error["message"]


def cut(text: str, wanted: dict[str, Any]) -> str:
    """The text of a range, counted in UTF-16."""
    lines = LineIndex(text)
    ends = [
        lines.offset(at["line"], at["character"], "utf-16")
        for at in (wanted["start"], wanted["end"])
    ]
    return Span(*ends).cut(text)


QUERY = """\
{
  // 🙂 얼마나 팔았나
  "metrics": ["average_order_value"], "groupBy": ["stores__store_name"],
  "filters": ["orders__ordered_at >= '2024-01-01'"], "limit": 3
}
"""


@pytest.fixture
def query(wire: Wire, shop: Path) -> Iterator[str]:
    uri = wire.open(shop / "queries" / "mine.smq.json", QUERY)
    yield uri
    wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


def test_the_server_says_what_it_can_be_asked(shop: Path) -> None:
    with Wire() as client:
        offered = client.initialize(shop)["capabilities"]["experimental"]["smq"]
    assert offered["version"] == protocol.VERSION
    assert set(offered["requests"]) == set(schema("protocol")["requests"])
    assert set(offered["notifications"]) == set(schema("protocol")["notifications"])


def test_a_query_comes_back_as_sql_with_the_places_it_comes_from(wire: Wire, query: str) -> None:
    result = asked(wire, "smq/compile", uri=query)
    assert (result["dialect"], result["version"]) == ("duckdb", 1)
    (one,) = result["queries"]
    assert [column["name"] for column in one["columns"]] == [
        "stores__store_name",
        "average_order_value",
    ]
    found = {
        cut(one["sql"], entry["sqlRange"]): [
            (target["kind"], target["label"], Path(target["uri"]).name)
            for target in entry["targets"]
        ]
        for entry in one["mapping"]
    }
    assert found["SUM(orders.subtotal)"][:3] == [
        ("query", "average_order_value", "mine.smq.json"),
        ("metric", "average_order_value", "sales.yml"),
        ("metric", "revenue", "sales.yml"),
    ]
    assert found["orders.subtotal"] == [("measure", "orders__subtotal", "orders.yml")]
    assert found["shop.stores AS stores"] == [("model", "stores", "stores.yml")]
    assert ("query", "ordered_at", "mine.smq.json") in found["orders.ordered_at"]
    tokens = {
        cut(QUERY, target["range"])
        for entry in one["mapping"]
        for target in entry["targets"]
        if target["uri"] == query
    }
    assert {"average_order_value", "stores__store_name", "ordered_at"} <= tokens


def test_one_query_is_chosen_by_number_or_place_and_compiled_for_any_engine(
    wire: Wire, shop: Path
) -> None:
    text = '[{"metrics": ["revenue"]},\n {"metrics": ["order_count"]}]'
    uri = wire.open(shop / "queries" / "two.smq.json", text)
    assert len(asked(wire, "smq/compile", uri=uri)["queries"]) == 2
    by_number = asked(wire, "smq/compile", uri=uri, query=1, dialect="sqlserver")["queries"]
    by_place = asked(
        wire, "smq/compile", uri=uri, query={"line": 1, "character": 5}, dialect="SQLServer"
    )["queries"]
    assert by_number == by_place
    assert "COUNT_BIG" in by_number[0]["sql"]
    assert refused(wire, "smq/compile", uri=uri, query=2) == (
        -32803,
        "The document has no query 2; it has 2.",
    )
    assert refused(wire, "smq/compile", uri=uri, dialect="bigqueri") == (
        -32803,
        "Unknown SQL dialect 'bigqueri': did you mean 'bigquery'?",
    )
    assert refused(wire, "smq/compile", uri=uri, query="first")[0] == -32602


def test_a_wrong_query_comes_back_with_its_problems(wire: Wire, shop: Path) -> None:
    uri = wire.open(shop / "queries" / "wrong.smq.json", '{"metrics": ["revenu"], "filters": ["')
    (one,) = asked(wire, "smq/compile", uri=uri)["queries"]
    assert "sql" not in one
    (problem,) = [p for p in one["problems"] if p["code"] == "NAM101"]
    assert problem["location"]["range"]["start"] == {"line": 0, "character": 14}


def test_explaining_gives_what_the_command_line_gives(wire: Wire, query: str) -> None:
    (one,) = asked(wire, "smq/explain", uri=query)["queries"]
    assert one["grain"] == ["stores__store_name"]
    assert one["path"] == "queries/mine.smq.json"


def test_lineage_goes_from_queries_to_tables(wire: Wire, query: str) -> None:
    by_name = asked(wire, "smq/lineage", metric="average_order_value")
    kinds = {node["id"]: node["kind"] for node in by_name["nodes"]}
    assert kinds["table:shop.orders"] == "table"
    edges = {(edge["from"], edge["to"]) for edge in by_name["edges"]}
    assert ("metric:average_order_value", "metric:revenue") in edges
    assert ("metric:revenue", "measure:orders__subtotal") in edges
    assert any(upper.startswith("query:") and "mine" in upper for upper, _ in edges)
    at = {"line": 2, "character": 20}
    by_place = asked(wire, "smq/lineage", uri=query, position=at)
    assert by_place["root"] == by_name["root"] == "metric:average_order_value"
    alone = asked(wire, "smq/lineage", metric="average_order_value", users=False)
    assert not any(node["kind"] == "query" for node in alone["nodes"])
    assert refused(wire, "smq/lineage", metric="no_such")[1] == "There is no metric 'no_such'."


def test_the_tree_has_models_with_members_and_metrics_with_uses(wire: Wire) -> None:
    (workspace,) = asked(wire, "smq/tree")["workspaces"]
    orders = next(model for model in workspace["models"] if model["name"] == "orders")
    assert orders["table"] == "shop.orders"
    status = next(m for m in orders["dimensions"] if m["reference"] == "orders__status")
    assert status["location"]["uri"].endswith("orders.yml")
    revenue = next(m for m in workspace["metrics"] if m["name"] == "revenue")
    assert revenue["models"] == ["orders"]
    assert revenue["uses"] >= 3


def test_rows_come_from_the_engine(wire: Wire, query: str) -> None:
    result = asked(wire, "smq/run", uri=query, limit=2, workDoneToken="mine")
    assert [column["name"] for column in result["columns"]] == [
        "stores__store_name",
        "average_order_value",
    ]
    assert len(result["rows"]) == 2
    assert result["truncated"]
    said = [
        m["params"]["value"]["kind"]
        for m in wire.seen
        if m.get("method") == "$/progress" and m["params"]["token"] == "mine"
    ]
    assert said == ["begin", "end"]
    estimate = asked(wire, "smq/run", uri=query, dryRun=True)
    assert estimate["rows"] == []
    free = asked(wire, "smq/run", uri=query, smq={"metrics": ["order_count"]})
    assert free["rows"] == [[1500]] or free["rows"][0][0] > 1000
    code, words = refused(wire, "smq/run", uri=query, smq={"metrics": ["revenu"]})
    assert code == -32803
    assert "Metric 'revenu' not found" in words


_ENDLESS = """\
semantic_models:
  - name: m
    model: "SELECT a.range AS id FROM range(100000000) a, range(100000000) b"
    entities: [{name: m, type: primary, expr: id}]
    measures: [{name: n, agg: sum, expr: id}]
metrics:
  - {name: total, type: simple, type_params: {measure: n}}
"""


@pytest.mark.parametrize("by", ["request", "progress"])
def test_a_run_that_is_cancelled_is_answered_once_and_stops(tmp_path: Path, by: str) -> None:
    (tmp_path / "models.yml").write_text(_ENDLESS)
    (tmp_path / "smq.toml").write_text("")
    with Wire() as client:
        client.initialize(tmp_path)
        uri = client.open(tmp_path / "q.smq.json", '{"metrics": ["total"]}')
        number = client.post("smq/run", {"uri": uri, "workDoneToken": "mine"})
        # The editor is answered meanwhile.
        assert "result" in client.request("smq/status")
        if by == "request":
            client.notify("$/cancelRequest", {"id": number})
        else:
            client.until(lambda m: m.get("method") == "$/progress")
            client.notify("window/workDoneProgress/cancel", {"token": "mine"})
        assert client.response(number)["error"]["code"] == -32800
        assert client.shutdown() == 0


def test_an_editor_that_ends_does_not_wait_for_an_engine(tmp_path: Path) -> None:
    (tmp_path / "models.yml").write_text(_ENDLESS)
    (tmp_path / "smq.toml").write_text("")
    with Wire() as client:
        client.initialize(tmp_path)
        uri = client.open(tmp_path / "q.smq.json", '{"metrics": ["total"]}')
        client.post("smq/run", {"uri": uri, "workDoneToken": "mine"})
        client.until(lambda m: m.get("method") == "$/progress")
        assert client.shutdown() == 0


def test_nothing_is_run_in_a_workspace_that_is_not_trusted(shop: Path) -> None:
    with Wire() as client:
        client.initialize(shop, initializationOptions={"trusted": False})
        uri = client.open(shop / "queries" / "mine.smq.json", QUERY)
        code, words = refused(client, "smq/run", uri=uri)
        assert code == -32803
        assert "not trusted" in words
        assert "sql" in client.request("smq/compile", {"uri": uri})["result"]["queries"][0]
        assert client.request("smq/status")["result"]["trusted"] is False


def test_the_status_counts_what_there_is_and_is_told_when_it_changes(shop: Path) -> None:
    with Wire() as client:
        client.initialize(shop, capabilities=_CLIENT)
        first = client.until(lambda m: m.get("method") == "smq/statusChanged")["params"]
        (workspace,) = first["workspaces"]
        assert (workspace["models"], workspace["indexing"]) == (6, False)
        assert first["metasync"]["state"] == "not configured"
        path = shop / "metrics" / "returns.yml"
        client.open(path, path.read_text() + "  - {name: more, type: derived}\n")
        later = client.until(lambda m: m.get("method") == "smq/statusChanged")["params"]
        assert later["workspaces"][0]["metrics"] == workspace["metrics"] + 1
        assert later == asked(client, "smq/status")


def virtual(uri: str, query: int = 0, dialect: str = "bigquery") -> str:
    return f"smq-sql:/x.sql?uri={uri}&query={query}&dialect={dialect}"


def test_a_virtual_document_follows_the_query(wire: Wire, query: str) -> None:
    name = virtual(query)
    text = asked(wire, "smq/virtualDocument", uri=name)["text"]
    assert text.startswith(("SELECT", "WITH"))
    whole: Message = {"text": '{"metrics": ["order_count"], "limit": 7}'}
    wire.change(query, 2, whole)
    told = wire.until(lambda m: m.get("method") == "smq/virtualDocumentChanged")
    assert told["params"] == {"uri": name}
    assert "LIMIT 7" in asked(wire, "smq/virtualDocument", uri=name)["text"]
    wire.change(query, 3, {"text": '{"metrics": ["order_coun"]}'})
    wire.until(lambda m: m.get("method") == "smq/virtualDocumentChanged")
    text = asked(wire, "smq/virtualDocument", uri=name)["text"]
    assert text.startswith("-- No SQL yet:\n-- Metric 'order_coun' not found")
    assert refused(wire, "smq/virtualDocument", uri="smq-sql:/x")[0] == -32803


def test_clients_that_know_virtual_documents_get_them_by_the_protocol(shop: Path) -> None:
    capabilities = {"workspace": {"textDocumentContent": {}}}
    with Wire() as client:
        offered = client.initialize(shop, capabilities=capabilities)["capabilities"]
        assert offered["workspace"]["textDocumentContent"] == {"schemes": ["smq-sql"]}
        uri = client.open(shop / "queries" / "mine.smq.json", QUERY)
        params = {"uri": virtual(uri)}
        answer = client.request("workspace/textDocumentContent", params)
        assert "LIMIT 3" in answer["result"]["text"]
        client.change(uri, 2, {"text": '{"metrics": ["order_count"]}'})
        asked_again = client.until(
            lambda m: m.get("method") == "workspace/textDocumentContent/refresh"
        )
        assert asked_again["params"] == params
        # It has not said that it knows us, so nothing of ours comes unasked.
        assert not any(m.get("method", "").startswith("smq/") for m in client.seen)


# Commands and lenses


def command(wire: Wire, name: str, *arguments: Any) -> Any:
    answer = wire.request("workspace/executeCommand", {"command": name, "arguments": arguments})
    assert "result" in answer, answer
    return answer["result"]


def test_lenses_offer_commands_that_work(wire: Wire, query: str, shop: Path) -> None:
    found = wire.request("textDocument/codeLens", {"textDocument": {"uri": query}})["result"]
    assert [lens["command"]["title"] for lens in found] == ["Compile", "Run", "Explain"]
    answers = [
        command(wire, lens["command"]["command"], *lens["command"]["arguments"]) for lens in found
    ]
    assert "SELECT" in answers[0]["queries"][0]["sql"]
    assert len(answers[1]["rows"]) == 3
    assert answers[2]["queries"][0]["grain"] == ["stores__store_name"]


def test_lenses_of_metrics_count_uses_and_run_a_preview(wire: Wire, shop: Path) -> None:
    path = shop / "metrics" / "sales.yml"
    uri = wire.open(path, path.read_text())
    found = wire.request("textDocument/codeLens", {"textDocument": {"uri": uri}})["result"]
    by_title = {
        lens["command"]["title"]: lens["command"]
        for lens in found
        if lens["range"] == found[0]["range"]
    }
    assert next(iter(by_title)).startswith("used by ")
    preview = by_title["Run preview"]
    result = command(wire, preview["command"], *preview["arguments"])
    assert [column["name"] for column in result["columns"]] == ["order_count"]
    assert len(result["rows"]) == 1


def test_a_preview_of_a_running_total_is_grouped_by_what_it_runs_over(
    wire: Wire, shop: Path
) -> None:
    text = """\
metrics:
  - name: running
    metric_type: derived
    expr: SUM(revenue) OVER (ORDER BY orders__ordered_at__year)
"""
    uri = wire.open(shop / "metrics" / "running.yml", text)
    found = wire.request("textDocument/codeLens", {"textDocument": {"uri": uri}})["result"]
    (preview,) = [each["command"] for each in found if each["command"]["title"] == "Run preview"]
    result = command(wire, preview["command"], *preview["arguments"])
    names = [column["name"] for column in result["columns"]]
    assert names == ["orders__ordered_at__year", "running"]
    assert len(result["rows"]) > 1


def test_an_untrusted_workspace_offers_nothing_to_run(shop: Path) -> None:
    with Wire() as client:
        client.initialize(shop, initializationOptions={"trusted": False})
        uri = client.open(shop / "queries" / "mine.smq.json", QUERY)
        found = client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})["result"]
        assert [lens["command"]["title"] for lens in found] == ["Compile", "Explain"]


def test_reading_again_ends_where_it_began(wire: Wire, query: str) -> None:
    before = asked(wire, "smq/status")
    assert command(wire, "smq.restartIndex")["workspaces"][0]["indexing"]
    # Waits until everything has been read.
    asked(wire, "smq/tree")
    assert asked(wire, "smq/status") == before


def test_a_cache_that_is_not_configured_says_so(wire: Wire) -> None:
    answer = wire.request("workspace/executeCommand", {"command": "smq.refreshCache"})
    assert answer["error"]["code"] == -32803
    assert "smq.toml" in answer["error"]["message"]


def test_wrong_arguments_of_a_command_are_named(wire: Wire) -> None:
    answer = wire.request("workspace/executeCommand", {"command": "smq.run", "arguments": [3]})
    assert (answer["error"]["code"], answer["error"]["message"]) == (
        -32602,
        "arguments.uri is not a string.",
    )


def test_a_client_that_does_not_know_us_is_shown_results_as_files(
    shop: Path, tmp_path: Path
) -> None:
    capabilities = {"window": {"showDocument": {"support": True}}}
    with Wire(environ={"XDG_CACHE_HOME": str(tmp_path)}) as client:
        client.initialize(shop, capabilities=capabilities)
        uri = client.open(shop / "queries" / "mine.smq.json", QUERY)
        texts = []
        for name in ("smq.compile", "smq.run", "smq.explain"):
            number = client.post(
                "workspace/executeCommand", {"command": name, "arguments": [uri, 0]}
            )
            shown = client.until(lambda m: m.get("method") == "window/showDocument")["params"]
            texts.append(Path(shown["uri"].removeprefix("file://")).read_text())
            assert "result" in client.response(number)
    assert texts[0].startswith(("SELECT", "WITH"))
    assert "| stores__store_name | Average order value |" in texts[1]
    assert "3 rows in" in texts[1]
    assert '"grain"' in texts[2]


def test_an_engine_that_bills_by_bytes_gets_a_lens_with_the_cost(shop: Path) -> None:
    """Here it is DuckDB, which estimates rows; the lens asks any engine the same question."""
    code = (
        "import sys, smq_metasync.connect as connect\n"
        "connect.bills_by_bytes = lambda engine: True\n"
        "from smq_server.main import main\n"
        "sys.exit(main(['lsp']))\n"
    )
    with Wire(code=code) as client:
        client.initialize(shop)
        uri = client.open(shop / "queries" / "mine.smq.json", QUERY)
        found = client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})["result"]
        (lens,) = [lens for lens in found if "command" not in lens]
        resolved = client.request("codeLens/resolve", lens)["result"]
        assert resolved["command"]["title"].startswith("about ")
        client.change(uri, 2, {"text": '{"metrics": ["revenu"]}'})
        resolved = client.request("codeLens/resolve", lens)["result"]
        assert resolved["command"]["title"].startswith("cost unknown: The query cannot be run.")


def test_bigquery_is_asked_by_a_dry_run_what_a_query_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "smq.toml").write_text('dialect = "bigquery"\n[engine]\ntype = "bigquery"\n')
    (tmp_path / "m.yml").write_text(
        "semantic_models:\n  - name: things\n    table: proj.shop.things\n"
        "    entities: [{name: thing, type: primary, expr: id}]\n"
        "    measures: [{name: n, expr: id}]\n"
        "metrics:\n  - {name: thing_count, expr: COUNT(things__n)}\n"
    )
    query = '{"metrics": ["thing_count"]}'
    with bigquery(monkeypatch) as double, Wire() as client:
        fields = [column("id", "INTEGER"), column("name")]
        double.table("shop.things", fields, numRows="250000")
        client.initialize(tmp_path)
        uri = client.open(tmp_path / "q.smq.json", query)
        found = client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})["result"]
        # Nothing is asked before the lens is seen.
        assert double.server.requests("POST", "/jobs$") == []
        (lens,) = [lens for lens in found if "command" not in lens]
        resolved = client.request("codeLens/resolve", lens)["result"]
        assert resolved["command"]["title"] == "reads 2.0 MB"
        (job,) = [request.json for request in double.server.requests("POST", "/jobs$")]
        assert job["configuration"]["dryRun"] is True


@pytest.mark.parametrize("setting", ["inlayHints", "codeLens"])
def test_hints_and_lenses_can_be_switched_off_and_on(shop: Path, setting: str) -> None:
    method = {"inlayHints": "textDocument/inlayHint", "codeLens": "textDocument/codeLens"}
    everything = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}
    with Wire() as client:
        client.initialize(shop, initializationOptions={setting: {"enabled": False}})
        uri = client.open(shop / "queries" / "mine.smq.json", QUERY)
        params = {"textDocument": {"uri": uri}, "range": everything}

        def shown() -> set[str]:
            return {name for name, each in method.items() if client.request(each, params)["result"]}

        assert shown() == {*method} - {setting}
        client.notify(
            "workspace/didChangeConfiguration",
            {"settings": {"smq": {setting: {"enabled": True}}}},
        )
        assert shown() == {*method}


# Semantic diff


def test_an_edit_says_which_queries_it_changes_before_it_is_saved(shop: Path) -> None:
    with Wire() as client:
        client.initialize(shop)
        path = shop / "models" / "orders.yml"
        text = path.read_text()
        uri = client.open(path, text)
        lenses = {"textDocument": {"uri": uri}}
        assert client.request("textDocument/codeLens", lenses)["result"] == []
        assert asked(client, "smq/diff", uri=uri)["queries"] == []
        client.change(uri, 2, {"text": text.replace("subtotal + tax + shipping", "subtotal")})
        (lens,) = client.request("textDocument/codeLens", lenses)["result"]
        assert lens["command"]["title"] == "Which queries change?"
        answer = command(client, lens["command"]["command"], *lens["command"]["arguments"])
        assert answer == asked(client, "smq/diff", uri=uri)
        (query,) = [each for each in answer["queries"] if "big_carts" in each["path"]]
        assert query["change"] == "changed"
        assert any("paid is computed from" in each["words"] for each in query["differences"])
        assert answer["markdown"].startswith("### What queries mean since what is saved")
        code, words = refused(client, "smq/diff", uri=uri, base="HEAD")
        assert (code, "git repository" in words) == (-32803, True)


def test_git_is_not_asked_in_a_workspace_that_is_not_trusted(shop: Path) -> None:
    with Wire() as client:
        client.initialize(shop, initializationOptions={"trusted": False})
        uri = client.open(shop / "queries" / "mine.smq.json", QUERY)
        assert "not trusted" in refused(client, "smq/diff", uri=uri, base="HEAD")[1]
        assert asked(client, "smq/diff", uri=uri)["queries"][0]["change"] == "added"


# What is large


def test_the_tree_comes_in_pages_and_members_when_somebody_opens_a_model(wire: Wire) -> None:
    (whole,) = asked(wire, "smq/tree")["workspaces"]
    counts = (whole["modelCount"], whole["metricCount"])
    assert counts == (len(whole["models"]), len(whole["metrics"]))
    pages: list[Any] = []
    for first in range(0, max(counts), 4):
        (page,) = asked(wire, "smq/tree", first=first, most=4, members=False)["workspaces"]
        assert (page["modelCount"], page["metricCount"]) == counts
        pages.append(page)
    assert [each for page in pages for each in page["metrics"]] == whole["metrics"]
    models = [each for page in pages for each in page["models"]]
    assert [each["name"] for each in models] == [each["name"] for each in whole["models"]]
    assert not any(each["dimensions"] for each in models)
    orders = next(model for model in whole["models"] if model["name"] == "orders")
    (opened,) = asked(wire, "smq/tree", uri=whole["uri"], model="orders")["workspaces"]
    assert (opened["models"], opened["metrics"]) == ([orders], [])


def test_metrics_and_members_are_found_by_name_and_label(wire: Wire) -> None:
    found = asked(wire, "smq/find", text="order")["found"]
    assert found[0]["name"].startswith("order")
    by_reference = {each["reference"]: each for each in found}
    assert by_reference["orders__order"]["kind"] == "entity"
    assert by_reference["average_order_value"]["label"] == "Average order value"
    # The foreign key of another model refers to it and is no place of its own.
    assert "order_items__order" not in by_reference
    (one,) = asked(wire, "smq/find", text="mean tax", most=5)["found"]
    assert one["name"] == "average_tax_rate"
    assert len(asked(wire, "smq/find", text="", most=7)["found"]) == 7


def test_a_diff_lists_so_many_queries_as_are_asked_for(wire: Wire, shop: Path) -> None:
    path = shop / "models" / "orders.yml"
    uri = wire.open(path, path.read_text().replace("subtotal", "net"))
    whole = asked(wire, "smq/diff", uri=uri, workDoneToken="diff")
    assert len(whole["queries"]) > 3
    part = asked(wire, "smq/diff", uri=uri, most=2)
    assert part["queries"] == whole["queries"][:2]
    assert part["moreQueries"] == len(whole["queries"]) - 2
    assert part["moreDefinitions"] == len(whole["definitions"]) - 2
    assert part["summary"] == whole["summary"]
    said = [
        m["params"]["value"]["kind"]
        for m in wire.seen
        if m.get("method") == "$/progress" and m["params"]["token"] == "diff"
    ]
    assert said == ["begin", "end"]
    wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

"""`smq mcp`, driven by the SDK's own client: over stdio on the real process, and in memory."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.support.cli import Cli
from tests.support.examples import EXAMPLES, copy_example

READING = {
    "list_metrics",
    "list_dimensions",
    "list_models",
    "select_model_files",
    "validate",
    "compile",
    "explain",
    "edit",
    "edit_file",
}

Call = Callable[..., Awaitable[dict[str, Any]]]


class Refused(Exception):
    """The tool answered with an error."""


def talk(story: Callable[[Any, Call], Awaitable[None]], server: Any) -> None:
    """Tell a story to a server: to a list of words for `smq mcp`, or to one in memory."""
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters

    if isinstance(server, list):
        words = ["-m", "smq_server.main", "mcp"]
        server = StdioServerParameters(command=sys.executable, args=[*words, *server])

    async def main() -> None:
        async with Client(server, read_timeout_seconds=60) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}

            async def call(name: str, **arguments: Any) -> dict[str, Any]:
                found = await client.call_tool(name, arguments)
                if found.is_error:
                    raise Refused(found.content[0].text)
                content: dict[str, Any] = found.structured_content
                if name in tools:
                    jsonschema.validate(content, tools[name].output_schema)
                return content

            await story(client, call)

    asyncio.run(asyncio.wait_for(main(), 120))


def in_memory(root: Path, *, may_run: bool = False, environ: Mapping[str, str] = {}) -> Any:
    from smq_server.mcp.running import Limits
    from smq_server.mcp.served import Served
    from smq_server.mcp.server import build
    from smq_server.mcp.tools import Tools

    limits = Limits(rows=5, bytes=10**9, seconds=30) if may_run else None
    return build(Tools(Served(root, environ), limits=limits))


def shop(story: Callable[[Any, Call], Awaitable[None]], **options: Any) -> None:
    talk(story, in_memory(EXAMPLES / "shop", **options))


# --- the real process


def test_an_agent_finds_its_way_from_a_question_to_rows() -> None:
    async def story(client: Any, call: Call) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {*READING, "run"}
        for tool in tools.values():
            assert tool.annotations.read_only_hint and tool.description and tool.output_schema
        assert "SMQ" in client.instructions
        selected = await call("select_model_files", question="고객등급별 계좌 수는?")
        assert [each["file"] for each in selected["files"][:2]] == [
            "metrics/계좌.yml",
            "models/고객기본.yml",
        ]
        assert "account_count" in selected["files"][0]["content"]
        reached = await call("list_dimensions", metrics=["account_count"], search="등급")
        reference = reached["dimensions"][0]["reference"]
        assert reference == "고객기본__cust_grd"
        assert reached["dimensions"][0]["joins"] == ["계좌정보 → 고객기본 (cust)"]
        query = {"metrics": ["account_count"], "groupBy": [reference]}
        compiled = await call("compile", queries=[query], dialect="bigquery")
        (statement,) = compiled["queries"][0]["statements"]
        assert "`고객기본`.cust_grd" in statement["sql"]
        assert [each["label"] for each in statement["columns"]] == ["고객등급", "계좌 수"]
        rows = await call("run", query={**query, "orderBy": ["-account_count"]}, limit=2)
        assert [row[0] for row in rows["rows"]] == ["일반", "실버"] and rows["is_truncated"]

    talk(story, ["--directory", str(EXAMPLES / "bank"), "--allow-run"])


def test_files_are_read_again_when_they_change_and_written_when_allowed(tmp_path: Path) -> None:
    queries = copy_example("shop", tmp_path / "shop")
    model = tmp_path / "shop" / "metrics" / "sales.yml"
    file = queries / "overview.smq.json"

    async def story(client: Any, call: Call) -> None:
        wanted = {"metrics": ["net_sales"]}
        assert not (await call("validate", queries=[wanted]))["is_valid"]
        text = model.read_text(encoding="utf-8")
        model.write_text(text.replace("- name: revenue\n", "- name: net_sales\n"), "utf-8")
        assert (await call("validate", queries=[wanted]))["is_valid"]
        model.write_text(text, "utf-8")
        (tmp_path / "shop" / "metrics" / "more.yml").write_text(
            "metrics:\n  - {name: more, type: simple, type_params: {measure: subtotal}}\n", "utf-8"
        )
        assert (await call("list_metrics", search="more"))["metrics"][0]["name"] == "more"
        before = file.read_text(encoding="utf-8")
        edits = [{"set": {"limit": 3}}]
        shown = await call("edit_file", file="queries/overview.smq.json", edits=edits)
        assert '"limit": 3' in shown["text"] and not shown["is_written"]
        assert file.read_text(encoding="utf-8") == before
        written = await call("edit_file", file="queries/overview.smq.json", edits=edits, write=True)
        assert written["is_written"] and file.read_text(encoding="utf-8") == written["text"]
        (tmp_path / "shop" / "smq.toml").write_text("dialect = 3\n", "utf-8")
        with pytest.raises(Refused, match=r"smq\.toml is not valid"):
            await call("list_metrics")

    talk(story, ["--directory", str(tmp_path / "shop"), "--allow-write"])


def test_nonsense_on_the_wire_is_answered_and_does_not_end_the_server() -> None:
    def message(number: int, method: str, params: object) -> str:
        return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})

    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "0"},
    }
    call = {"name": "validate", "arguments": {"queries": [{"metrics": ["revenue"]}]}}
    deep = {"name": "validate", "arguments": {"queries": [{"metrics": 0}]}}
    lines = [
        message(1, "initialize", hello),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        "this is no JSON",
        '{"jsonrpc": "2.0", "id": 2}',
        "[" * 5000,
        message(3, "tools/call", {"name": "rm -rf", "arguments": {}}),
        message(4, "no/such/method", {}),
        message(5, "tools/call", deep),
        message(6, "tools/call", call),
    ]
    answers: dict[int | None, dict[str, Any]] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "smq_server.main", "mcp", "--directory", str(EXAMPLES / "shop")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin and server.stdout and server.stderr
        server.stdin.write("\n".join(lines) + "\n")
        server.stdin.flush()
        for line in server.stdout:
            answer = json.loads(line)
            answers[answer.get("id")] = answer
            if {3, 4, 5, 6} <= answers.keys():
                break
        server.stdin.close()
        said = server.stderr.read()
        assert server.wait(timeout=30) == 0
    assert "result" in answers[1]
    assert "Traceback" not in said
    assert answers[3]["result"]["isError"] and "error" in answers[4]
    assert answers[5]["result"]["structuredContent"]["is_valid"] is False
    assert answers[6]["result"]["structuredContent"]["is_valid"] is True


# --- in memory


def test_what_is_not_allowed_is_not_there() -> None:
    async def story(client: Any, call: Call) -> None:
        assert {tool.name for tool in (await client.list_tools()).tools} == READING
        with pytest.raises(Refused, match="there is no tool 'run'"):
            await call("run", query={"metrics": ["revenue"]})
        edits = [{"set": {"limit": 1}}]
        with pytest.raises(Refused, match="--allow-write"):
            await call("edit_file", file="queries/overview.smq.json", edits=edits, write=True)

    shop(story)


def test_a_wrong_query_is_told_with_the_query_that_is_meant() -> None:
    async def story(client: Any, call: Call) -> None:
        wrong = {"metrics": ["SUM(revenue)"], "groupBy": ["stores__store_nam"]}
        (found,) = (await call("validate", queries=[wrong]))["queries"]
        aggregate, dimension = found["problems"]
        assert (aggregate["code"], aggregate["at"]) == ("NAM107", "metrics[0]")
        assert aggregate["text"] == "SUM(revenue)"
        assert aggregate["suggestions"][0]["query"]["metrics"] == ["revenue"]
        assert dimension["at"] == "groupBy[0]" and "store_name" in dimension["message"]
        compiled = await call("compile", queries=[wrong, {"metrics": ["revenue"]}])
        assert [each["is_valid"] for each in compiled["queries"]] == [False, True]
        assert compiled["queries"][0]["statements"] == []

    shop(story)


@pytest.mark.parametrize(
    ("queries", "words"),
    [
        ([], "no query"),
        ("revenue", "list of objects"),
        ([{"metrics": ["revenue"]}] * 21, "too many"),
        ([{"metrics": ["revenue"], "filters": ["a" * 100_000]}], "characters"),
    ],
)
def test_input_that_is_no_query_or_too_much_is_refused(queries: Any, words: str) -> None:
    async def story(client: Any, call: Call) -> None:
        with pytest.raises(Refused, match=words):
            await call("compile", queries=queries)
        # And the server goes on.
        assert (await call("compile", queries={"metrics": ["revenue"]}))["is_valid"]

    shop(story)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"metrics": []},
        {"metrics": [3]},
        {"metrics": {"a": "b"}},
        {"metrics": ["revenue"], "nonsense": 1},
        {"metrics": ["revenue"], "limit": -1},
        {"metrics": ["revenue"], "filters": ["1; DROP TABLE orders"]},
        {"metrics": ["revenue"], "filters": ["orders__status IN (SELECT x FROM secret)"]},
        {"metrics": ["revenue"], "filters": ["(" * 2000]},
        {"metrics": ["\u202erevenue\x00"]},
    ],
)
def test_hostile_queries_are_wrong_and_nothing_else(query: dict[str, Any]) -> None:
    async def story(client: Any, call: Call) -> None:
        found = await call("compile", queries=[query])
        assert not found["is_valid"] and found["queries"][0]["problems"]
        explained = await call("explain", query=query)
        assert not explained["is_valid"] and explained["problems"]
        with pytest.raises(Refused, match="does not compile"):
            await call("run", query=query)

    shop(story, may_run=True)


def test_models_that_do_not_connect_give_several_statements() -> None:
    async def story(client: Any, call: Call) -> None:
        query = {"metrics": ["revenue", "store_count"], "groupBy": ["stores__store_name"]}
        found = await call("compile", queries=[query])
        assert len(found["queries"][0]["statements"]) == 1
        apart = {"metrics": ["store_count", "units_sold"], "groupBy": ["products__category"]}
        assert not (await call("compile", queries=[apart]))["is_valid"]

    shop(story)


def test_a_query_is_explained_down_to_the_columns_of_tables() -> None:
    async def story(client: Any, call: Call) -> None:
        query = {"metrics": ["return_rate"], "groupBy": ["stores__country"]}
        (part,) = (await call("explain", query=query))["parts"]
        assert part["grain"] == ["stores__country"]
        assert part["models"]["returns"] == "shop.returns"
        rate = next(each for each in part["columns"] if each["name"] == "return_rate")
        assert set(rate["lineage"]) >= {"shop.returns.return_id", "shop.orders.order_id"}

    shop(story)


def test_edits_are_all_or_nothing() -> None:
    async def story(client: Any, call: Call) -> None:
        queries = [{"metrics": ["revenue"]}, {"metrics": ["refunds"]}]
        edits = [{"index": 1, "add": {"groupBy": ["returns__reason"]}, "set": {"limit": 2}}]
        edited = await call("edit", queries=queries, edits=edits)
        assert edited["queries"][0] == queries[0]
        assert edited["queries"][1]["groupBy"] == ["returns__reason"]
        assert "LIMIT 2" in edited["compilation"]["queries"][1]["statements"][0]["sql"]
        with pytest.raises(Refused, match="there is no query 7"):
            await call("edit", queries=queries, edits=[*edits, {"index": 7}])

    shop(story)


@pytest.mark.parametrize(
    "path", ["../bank/queries/new_accounts.smq.json", "/etc/passwd", "a\x00b", "smq.toml", "", "."]
)
def test_no_file_outside_and_no_other_file_is_read(path: str) -> None:
    async def story(client: Any, call: Call) -> None:
        with pytest.raises(Refused, match=r"not a path in the workspace|there is no query file"):
            await call("edit_file", file=path, edits=[{"set": {"limit": 1}}])
        from mcp.shared.exceptions import MCPError

        with pytest.raises(MCPError):
            await client.read_resource(f"smq://file/{path}")

    shop(story)


def test_links_do_not_lead_out_of_the_workspace(tmp_path: Path) -> None:
    queries = copy_example("shop", tmp_path / "shop")
    outside = tmp_path / "outside.smq.json"
    outside.write_text('{"metrics": ["revenue"]}', encoding="utf-8")
    (queries / "link.smq.json").symlink_to(outside)

    async def story(client: Any, call: Call) -> None:
        with pytest.raises(Refused, match="not a path in the workspace"):
            await call("edit_file", file="queries/link.smq.json", edits=[{"set": {"limit": 1}}])

    talk(story, in_memory(tmp_path / "shop"))


def test_model_files_are_resources() -> None:
    async def story(client: Any, call: Call) -> None:
        overview = json.loads((await client.read_resource("smq://models")).contents[0].text)
        assert overview["metrics"]["revenue"]["file"] == "metrics/sales.yml"
        found = await client.read_resource("smq://file/metrics/sales.yml")
        assert "Goods of orders" in found.contents[0].text

    shop(story)


def test_unknown_names_are_answered_with_the_nearest() -> None:
    async def story(client: Any, call: Call) -> None:
        with pytest.raises(Refused, match="Metric 'revenu' not found; did you mean revenue"):
            await call("list_dimensions", metrics=["revenu"])
        with pytest.raises(Refused, match="did you mean 'bigquery'"):
            await call("compile", queries=[{"metrics": ["revenue"]}], dialect="bigqeury")
        with pytest.raises(Refused, match="did you mean queries/overview"):
            await call("edit_file", file="queries/overvew.smq.json", edits=[])

    shop(story)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("list_metrics", {"serch": "x"}, "there is no argument `serch`, did you mean `search`?; "),
        ("list_metrics", {"limit": "many"}, "`limit` should be a valid integer, unable to parse"),
        ("list_metrics", {"limit": 0}, "`limit` should be greater than or equal to 1, and not 0"),
        ("list_metrics", {"offset": -1}, "`offset` should be greater than or equal to 0"),
        ("list_dimensions", {"metrics": 7}, "`metrics` should be a valid list, and not 7"),
        ("list_dimensions", {"metrics": ["a", 7]}, "`metrics[1]` should be a valid string"),
        ("select_model_files", {}, "select_model_files: `question` is missing"),
        ("compile", {"queries": ["revenue"]}, '`queries` should be a list of objects, such as [{"'),
        ("compile", {"query": {}}, "there is no argument `query`, did you mean `queries`"),
        ("run", {"query": {}}, "there is no tool 'run'; there are list_metrics, list_dimensions"),
        ("list_metric", {}, "there is no tool 'list_metric', did you mean `list_metrics`"),
    ],
)
def test_a_wrong_call_is_told_what_is_wrong_with_it(
    name: str, arguments: dict[str, Any], words: str
) -> None:
    async def story(client: Any, call: Call) -> None:
        with pytest.raises(Refused) as caught:
            await call(name, **arguments)
        assert words in str(caught.value)
        assert "pydantic" not in str(caught.value) and "\n" not in str(caught.value)

    shop(story)


def test_one_metric_alone_is_understood() -> None:
    async def story(client: Any, call: Call) -> None:
        one = await call("list_dimensions", metrics="revenue")
        assert one == await call("list_dimensions", metrics=["revenue"])
        schemas = [tool.input_schema for tool in (await client.list_tools()).tools]
        assert all(each["additionalProperties"] is False for each in schemas)

    shop(story)


def test_lists_come_in_pages() -> None:
    async def story(client: Any, call: Call) -> None:
        everything = await call("list_metrics", limit=10_000)
        assert everything["total"] == len(everything["metrics"])
        page = await call("list_metrics", limit=2, offset=1)
        assert page["metrics"] == everything["metrics"][1:3]
        assert (await call("list_metrics", offset=10_000))["metrics"] == []
        models = await call("list_models", search="매장")
        assert models["models"][0]["name"] == "stores"

    shop(story)


def test_only_as_many_rows_come_out_as_the_server_allows() -> None:
    async def story(client: Any, call: Call) -> None:
        query = {"metrics": ["order_count"], "groupBy": ["customers__full_name"]}
        found = await call("run", query=query, limit=1_000_000)
        assert found["row_count"] == 5 and found["is_truncated"] and "LIMIT 6" in found["sql"]
        two = await call("run", query={**query, "limit": 2})
        assert two["row_count"] == 2 and not two["is_truncated"]
        money = await call("run", query={"metrics": ["revenue", "average_tax_rate"]})
        assert money["rows"][0][0] == 57596.6

    shop(story, may_run=True)


def test_what_costs_too_much_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from smq_metasync.engines import Estimate
    from smq_metasync.engines.duckdb import DuckdbEngine

    # The embedded engine tells no bytes; a warehouse does.
    monkeypatch.setattr(DuckdbEngine, "dry_run", lambda self, sql: Estimate(bytes=10**12))

    async def story(client: Any, call: Call) -> None:
        with pytest.raises(Refused, match="would read 1,000,000,000,000 bytes"):
            await call("run", query={"metrics": ["revenue"]})

    shop(story, may_run=True)


def test_a_query_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    from smq_server.io.failure import Failure
    from smq_server.mcp.running import Limits, Run
    from smq_server.mcp.served import Served
    from smq_server.mcp.tools import Tools

    copy_example("shop", tmp_path)
    (tmp_path / "models" / "endless.yml").write_text(
        "semantic_models:\n"
        "  - name: endless\n"
        "    table: \"SELECT a.range AS n FROM range(10000000) AS a, range(10000000) AS b\"\n"
        "    entities: [{name: n, type: primary, expr: n}]\n"
        "    measures: [{name: hash, type: bigint, agg: sum, expr: hash(n) % 7}]\n"
        "metrics:\n"
        "  - {name: hashed, metric_type: simple, expr: SUM(endless__hash)}\n",
        encoding="utf-8",
    )  # fmt: skip
    limits = Limits(seconds=0.3)
    tools = Tools(Served(tmp_path, {}), limits=limits)
    prepared = tools.prepare({"metrics": ["hashed"]}, None)
    with pytest.raises(Failure, match=r"stopped after 0\.3 seconds"):
        prepared.result()
    cancelled = Run(tools.served.workspace(), {}, limits)
    cancelled.cancel()
    with pytest.raises(Failure, match="was cancelled"):
        cancelled.rows(prepared.query, 1)


def test_every_kind_of_value_becomes_json() -> None:
    import datetime
    from decimal import Decimal
    from uuid import UUID

    from smq_server.mcp.running import plain

    assert plain(Decimal("0.10")) == 0.1
    assert plain(Decimal("12345678901234567890.12")) == "12345678901234567890.12"
    assert plain(float("nan")) == "nan" and plain(Decimal("NaN")) == "NaN"
    assert plain(datetime.date(2024, 1, 2)) == "2024-01-02"
    assert plain([1, (None, True)]) == [1, [None, True]]
    assert plain({1: b"x"}) == {"1": "b'x'"}
    assert plain(UUID(int=1)) == "00000000-0000-0000-0000-000000000001"
    assert len(plain("x" * 10_000)) == 2000


# --- the command


def test_the_command_refuses_what_it_cannot_serve(cli: Cli, tmp_path: Path) -> None:
    found = cli("mcp", "--directory", "nowhere")
    assert found.status == 2 and "no such directory" in found.err
    found = cli("mcp", "--max-rows", "0")
    assert found.status == 2 and "a whole number from 1" in found.err
    (tmp_path / "smq.toml").write_text("dialect = 1\n", encoding="utf-8")
    found = cli("mcp")
    assert found.status == 2 and "not valid" in found.err


def test_a_directory_without_models_is_told_and_served(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "smq_server.main", "mcp", "--directory", str(tmp_path)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stdout == b""
    assert "no semantic models below" in done.stderr.decode()


def test_a_home_is_not_served_because_somebody_started_there(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    refused = cli("mcp")
    assert refused.status == 2
    assert "--directory DIR" in refused.err


def test_a_missing_sdk_is_told_with_the_command_that_installs_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    found = cli("mcp")
    assert found.status == 2 and "pip install 'smq[mcp]'" in found.err


def test_no_other_command_imports_the_sdk() -> None:
    for words in (["--version"], ["mcp", "--help"], ["list", "metrics"]):
        code = (
            "import sys; from smq_server.main import main\n"
            f"main({words!r})\n"
            "sys.exit(any(n.partition('.')[0] in ('mcp', 'pydantic') for n in sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=EXAMPLES / "shop", capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_the_page_for_agents_lists_every_tool_and_its_settings_are_json() -> None:
    page = (EXAMPLES.parent / "docs" / "mcp.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", page, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"\w+", row)} == {*READING, "run"}
    settings = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert settings and all("smq" in next(iter(json.loads(each).values())) for each in settings)

"""The playground: who gets what from its port, and one story in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.cli import Cli
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "editors" / "playground"
CHROMIUM = os.environ.get("SMQ_CHROMIUM") or shutil.which("chromium")

SERVE = """
import sys
from pathlib import Path
from smq_server.playground import host
from smq_server.playground.page import Asset
from smq_server.playground.workspaces import PlaygroundWorkspace

page = {"/": Asset(b"<p>page</p>", {"Content-Type": "text/html"})}
bank = PlaygroundWorkspace("bank", Path(sys.argv[1]))
host.serve(page, [bank], 0, lambda address: print(address, flush=True))
"""


@contextmanager
def running(*command: str | Path) -> Iterator[str]:
    """A process that prints an address when it listens; ended when the test is."""
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    workspace = tmp_path_factory.mktemp("playground") / "bank"
    shutil.copytree(REPOSITORY / "examples" / "bank", workspace)
    (workspace / ".hidden").mkdir()
    (workspace / ".hidden" / "secret.yml").write_text("key: value\n", encoding="utf-8")
    (workspace / "broken.yml").write_bytes(b"\xff\xfe")
    with running(sys.executable, "-c", SERVE, workspace) as found:
        yield found


def get(address: str, path: str, **headers: str) -> tuple[int, str]:
    url = urlsplit(address)
    request = urllib.request.Request(f"http://{url.netloc}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def token(address: str) -> str:
    return parse_qs(urlsplit(address).query)["token"][0]


def socket_url(address: str, key: str, workspace: str = "bank") -> str:
    return f"ws://{urlsplit(address).netloc}/lsp?token={key}&workspace={workspace}"


def ask(socket: ClientConnection, method: str, params: object, number: int = 1) -> Any:
    """The result of a request; what the server says in between is passed over."""
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    socket.send(json.dumps(message))
    while True:
        answer = json.loads(socket.recv(timeout=20))
        if answer.get("id") == number and "method" not in answer:
            return answer["result"]


def initialize(socket: ClientConnection, root: str) -> Any:
    params = {"processId": None, "rootUri": root, "capabilities": {}}
    result = ask(socket, "initialize", params)
    socket.send(json.dumps({"jsonrpc": "2.0", "method": "initialized", "params": {}}))
    return result


def test_the_page_is_open_and_everything_else_needs_the_token(address: str) -> None:
    assert get(address, "/") == (200, "<p>page</p>")
    for path in ("/workspaces.json", "/workspaces.json?token=guess", "/lsp?workspace=bank"):
        status, words = get(address, path)
        assert (status, "its token" in words) == (403, True)
    for path in ("/../pyproject.toml", "/%2e%2e/pyproject.toml", "/static/page.js", "/nothing"):
        assert get(address, path)[0] == 404


def test_a_visitor_sees_queries_and_models_and_no_other_file(address: str) -> None:
    status, body = get(address, f"/workspaces.json?token={token(address)}")
    (bank,) = json.loads(body)
    paths = [file["path"] for file in bank["files"]]
    assert status == 200 and bank["name"] == "bank" and bank["root"].startswith("file://")
    assert "queries/customers_by_grade.smq.json" in paths and "models/고객기본.yml" in paths
    assert all(path.endswith((".smq.json", ".yml")) for path in paths)
    assert not any("secret" in path or "broken" in path for path in paths)


def test_a_name_that_points_here_is_not_our_address(address: str) -> None:
    path = f"/workspaces.json?token={token(address)}"
    assert get(address, path, Host="evil.example")[0] == 421
    port = urlsplit(address).port
    assert get(address, path, Host=f"localhost:{port}")[0] == 200


def test_another_page_in_the_browser_may_not_connect(address: str) -> None:
    url = socket_url(address, token(address))
    with pytest.raises(InvalidStatus) as refused, connect(url, origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as unknown, connect(socket_url(address, token(address), "x")):
        pass
    assert unknown.value.response.status_code == 404


def test_each_visitor_talks_to_a_language_server_of_their_own(address: str) -> None:
    _, body = get(address, f"/workspaces.json?token={token(address)}")
    (bank,) = json.loads(body)
    query = next(file for file in bank["files"] if file["path"].endswith("by_grade.smq.json"))
    url = socket_url(address, token(address))
    with connect(url) as one, connect(url) as other:
        texts = {one: query["text"], other: query["text"].replace("customer_count", "kunden")}
        for socket, text in texts.items():
            assert initialize(socket, bank["root"])["serverInfo"]["name"]
            document = {"uri": query["uri"], "languageId": "smq", "version": 1, "text": text}
            opened = {"method": "textDocument/didOpen", "params": {"textDocument": document}}
            socket.send(json.dumps({"jsonrpc": "2.0", **opened}))
        compiled = {
            socket: ask(socket, "smq/compile", {"uri": query["uri"]}, 2)["queries"][0]
            for socket in texts
        }
    assert "COUNT(DISTINCT 고객기본.cust_no) AS customer_count" in compiled[one]["sql"]
    assert [problem["code"] for problem in compiled[other]["problems"]][:1] == ["NAM101"]


def test_a_server_that_ends_tells_its_visitor(address: str) -> None:
    with connect(socket_url(address, token(address))) as socket:
        initialize(socket, "file:///nowhere")
        ask(socket, "shutdown", None, 2)
        socket.send(json.dumps({"jsonrpc": "2.0", "method": "exit"}))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.reason == "the language server has ended"


def test_too_many_visitors_are_told_to_come_back(address: str) -> None:
    url = socket_url(address, token(address))
    with ExitStack() as visits:
        sockets = [visits.enter_context(connect(url)) for _ in range(9)]
        with pytest.raises(ConnectionClosed) as closed:
            sockets[-1].recv(timeout=20)
    assert closed.value.rcvd is not None and closed.value.rcvd.reason == "too many visitors"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--port", "70000"), "70000 is no port; one is between 0 and 65535"),
        (("nowhere", "--no-browser"), "nowhere is no directory"),
    ],
)
def test_what_cannot_be_served_is_said(
    cli: Cli, words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smq_server.cli import playground

    monkeypatch.setattr(playground, "read_page", dict)
    done = cli("playground", *words)
    assert done.status == 2 and said in done.err


def test_without_its_page_it_says_how_to_build_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from smq_server.playground import page

    monkeypatch.setattr(page, "files", lambda _: tmp_path)
    done = cli("playground", "--no-browser")
    assert done.status == 2 and "`make playground` builds it" in done.err


@pytest.mark.long
def test_the_story_in_a_browser(tmp_path: Path) -> None:
    """Every feature of the page, in Chromium; pictures stay in SMQ_PICTURES if that is set."""
    if CHROMIUM is None or shutil.which("npm") is None:
        assert not os.environ.get("SMQ_REQUIRE_BROWSER"), "Chromium or npm is not installed"
        return
    pictures = Path(os.environ.get("SMQ_PICTURES", tmp_path))
    pictures.mkdir(parents=True, exist_ok=True)
    if not (PAGE / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=PAGE, check=True)
    subprocess.run(["npm", "run", "--silent", "build"], cwd=PAGE, check=True)
    smq = Path(sys.executable).with_name("smq")
    with running(smq, "playground", "--no-browser", "--quiet") as address:
        command = ["node", "test/drive.mjs", address, str(pictures), CHROMIUM]
        done = subprocess.run(command, cwd=PAGE, capture_output=True, text=True, timeout=300)
    told = json.loads(done.stdout)
    assert told["failure"] is None, told
    steps = told["steps"]
    # The one complaint is of the page without its token, which the story ends with.
    assert len(told["problems"]) == 1 and "403" in told["problems"][0]
    assert "COUNT(DISTINCT 고객기본.cust_no) AS customer_count" in steps["sql"]
    assert steps["rows"] == 5 and steps["summary"].startswith("5 rows, in ")
    assert "NAM101 Metric 'xcustomer_count' not found" in steps["mistake"]
    assert "none" in steps["undone"]
    assert steps["completion"] > 5
    assert "GROUP BY" in steps["hover"] and "고객 수" in steps["hover"]
    assert steps["mapped"] > 0
    assert "over the rows of 고객기본 (bank.cust_base)" in steps["plan"]
    assert "`고객기본`.cust_no" in steps["bigquery"]
    assert steps["definition"] == "고객.yml"
    assert '"clients", "account_count"' in steps["renamed"]
    assert steps["shop"] > 15
    assert steps["keyboard"] == "tab-rows"
    assert steps["beyond"] == 0
    assert "Open the address that `smq playground` printed" in steps["refused"]

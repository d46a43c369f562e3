"""The protocol to the byte: what a client may rely on before anything is understood."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli import bank
from tests.support.wire import TIMEOUT, Message, Wire, read_everything, replace

import smq_server
from smq.text import LineIndex
from smq_server.lsp.scheduler import SLICE

_QUERY = '{"metrics": ["nothing"]}'


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with Wire(cwd=tmp_path) as found:
        yield found


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[Wire]:
    """A bare client's conversation about the worked-example workspace."""
    bank(tmp_path)
    with Wire(cwd=tmp_path) as found:
        found.initialize(tmp_path)
        yield found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """One conversation for tests that leave it as it was."""
    directory = tmp_path_factory.mktemp("shared")
    bank(directory)
    with Wire(cwd=directory) as found:
        found.initialize(directory)
        yield found


def code_of(answer: Message) -> int:
    assert "error" in answer, answer
    number: int = answer["error"]["code"]
    return number


def hover(uri: str = "file:///nowhere/q.smq.json") -> Message:
    return {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}


# Before, twice, after


def test_the_order_of_a_conversation(wire: Wire, tmp_path: Path) -> None:
    wire.notify("textDocument/didOpen", {"textDocument": {}})
    assert code_of(wire.request("textDocument/diagnostic", hover())) == -32002
    assert code_of(wire.request("nothing/known")) == -32002
    assert code_of(wire.request("shutdown")) == -32002
    result = wire.initialize(tmp_path)
    assert result["serverInfo"] == {"name": "smq", "version": smq_server.__version__}
    assert code_of(wire.request("initialize", {"processId": None, "capabilities": {}})) == -32600
    assert wire.request("shutdown")["result"] is None
    assert code_of(wire.request("textDocument/diagnostic", hover())) == -32600
    assert code_of(wire.request("shutdown")) == -32600
    wire.notify("textDocument/didSave", {})
    wire.notify("exit")
    assert wire.wait() == 0


def test_malformed_initialize_can_be_repeated(wire: Wire, tmp_path: Path) -> None:
    assert code_of(wire.request("initialize", {"capabilities": 3})) == -32602
    assert code_of(wire.request("initialize")) == -32602
    assert code_of(wire.request("textDocument/diagnostic", hover())) == -32002
    wire.initialize(tmp_path)
    assert wire.shutdown() == 0


def test_a_client_newer_than_the_protocol_is_not_turned_away(wire: Wire, tmp_path: Path) -> None:
    capabilities = {
        "general": {"positionEncodings": ["utf-64", "utf-8"]},
        "textDocument": {
            "publishDiagnostics": {"tagSupport": {"valueSet": [1, 2, 77]}},
            "completion": {"completionItemKind": {"valueSet": ["new", 1]}},
            "hover": {"contentFormat": ["markdown"]},
            "somethingNew": {"a": [1]},
        },
        "somethingNew": 3,
    }
    result = wire.initialize(tmp_path, capabilities=capabilities, somethingElse=True)
    assert result["capabilities"]["textDocumentSync"]["change"] == 2
    assert wire.shutdown() == 0


# The end


def test_exit_without_shutdown_is_an_error(ready: Wire) -> None:
    ready.notify("exit")
    assert ready.wait() == 1


def test_exit_before_initialize(wire: Wire) -> None:
    wire.notify("exit")
    assert wire.wait() == 1


def test_ends_when_its_input_closes(ready: Wire) -> None:
    assert ready.process.stdin is not None
    ready.process.stdin.close()
    assert ready.wait() == 1


def test_ends_with_zero_when_input_closes_after_shutdown(ready: Wire) -> None:
    ready.request("shutdown")
    assert ready.process.stdin is not None
    ready.process.stdin.close()
    assert ready.wait() == 0


def test_ends_when_the_editor_dies(wire: Wire, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as editor:
        wire.initialize(tmp_path, processId=editor.pid)
        wire.sync()
        assert wire.process.poll() is None
        editor.kill()
        assert wire.wait() == 1


def test_shutdown_while_a_workspace_is_read(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"q{number}.smq.json").write_text(_QUERY)
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        waiting = wire.post("workspace/diagnostic", {"previousResultIds": []})
        assert wire.shutdown() == 0
        answers = [m for m in wire.seen if m.get("id") == waiting and "method" not in m]
        assert len(answers) == 1


# Messages


def test_unknown_methods(shared: Wire) -> None:
    assert code_of(shared.request("textDocument/unheardOf", {})) == -32601
    assert code_of(shared.request("$/unheardOf", {})) == -32601
    shared.notify("unheard/of", {})
    shared.notify("$/unheardOf", 3)
    shared.notify("$/setTrace", {"value": "verbose"})
    shared.notify("$/setTrace", {"value": "off"})
    shared.notify("$/progress", {"token": "nobody's", "value": {}})
    shared.notify("window/workDoneProgress/cancel", {"token": "nobody's"})
    shared.sync()


@pytest.mark.parametrize(
    "params",
    [
        None,
        3,
        [],
        {},
        {"textDocument": None},
        {"textDocument": {}},
        {"textDocument": {"uri": 3}},
        {"textDocument": "file:///q.smq.json"},
    ],
)
def test_malformed_parameters(shared: Wire, params: object) -> None:
    assert code_of(shared.request("textDocument/diagnostic", params)) == -32602
    shared.notify("textDocument/didOpen", params)
    shared.notify("textDocument/didChange", params)
    shared.sync()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"nothing", -32700),
        (b"\xff\xfe\x00", -32700),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}', -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b'[{"jsonrpc": "2.0", "id": 90, "method": "shutdown"}]', -32600),
        (b"3", -32600),
        (b'"shutdown"', -32600),
        (b"null", -32600),
        (b"{}", None),
        (b'{"jsonrpc": "1.0", "method": "exit"}', None),
        (b'{"method": "exit"}', None),
        (b'{"id": "a", "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 91, "method": 3}', -32600),
        (b'{"jsonrpc": "2.0", "id": "nobody asked", "result": 3}', None),
        (b'{"jsonrpc": "2.0", "id": "nobody asked", "error": 3}', None),
        (b'{"jsonrpc": "2.0", "id": [], "result": 3}', None),
        (b'{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": []}}', None),
        (b'{"jsonrpc": "2.0", "method": "$/cancelRequest"}', None),
    ],
)
def test_bodies_that_are_no_messages(shared: Wire, body: bytes, code: int | None) -> None:
    before = len(shared.seen)
    shared.body(body)
    shared.sync()
    answers = [m["error"]["code"] for m in shared.seen[before:-1] if "error" in m]
    assert answers == ([] if code is None else [code])


def test_headers_as_clients_write_them(shared: Wire) -> None:
    def framed(number: int, header: str) -> bytes:
        message = {"jsonrpc": "2.0", "id": f"header {number}", "method": "unheard/of"}
        body = json.dumps(message).encode()
        return header.replace("<n>", str(len(body))).encode() + body

    headers = (
        "Content-Length: <n>\r\n\r\n",
        "content-length: <n>\r\n\r\n",
        "CONTENT-LENGTH:<n>\r\n\r\n",
        "Content-Length:   <n>  \r\nContent-Type: application/vscode-jsonrpc; charset=utf8\r\n\r\n",
        "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: <n>\r\n\r\n",
        "X-Anything: Content-Length\r\nContent-Length: <n>\r\n\r\n",
        "Content-Length: <n>\n\n",
        "Content-Length: nothing\r\n\r\nContent-Length: <n>\r\n\r\n",
        "Content-Length: -3\r\n\r\nContent-Length: <n>\r\n\r\n",
        "Nothing at all\r\n\r\nContent-Length: <n>\r\n\r\n",
    )
    for number, header in enumerate(headers):
        shared.raw(framed(number, header))
        assert code_of(shared.response(f"header {number}")) == -32601


def test_messages_come_in_any_pieces(shared: Wire) -> None:
    def message(name: str) -> bytes:
        body = json.dumps(
            {"jsonrpc": "2.0", "id": name, "method": "unheard/한글"}, ensure_ascii=False
        ).encode()
        return b"Content-Length: %d\r\n\r\n" % len(body) + body

    shared.raw(b"".join(message(f"together {n}") for n in range(20)))
    for byte in message("byte by byte"):
        shared.raw(bytes([byte]))
    halves = message("half a") + message("half b")
    shared.raw(halves[:70])
    shared.raw(halves[70:])
    for name in (*(f"together {n}" for n in range(20)), "byte by byte", "half a", "half b"):
        assert code_of(shared.response(name)) == -32601


def test_ids_may_be_strings_and_come_back_as_they_were(shared: Wire) -> None:
    for message_id in ("가🙂", "", "7", 0, -5, 2**53):
        shared.send({"jsonrpc": "2.0", "id": message_id, "method": "unheard/of"})
        answer = shared.until(lambda m: "method" not in m)
        assert answer["id"] == message_id
        assert type(answer["id"]) is type(message_id)


# Clients


def test_a_bare_client_is_asked_nothing(ready: Wire, tmp_path: Path) -> None:
    uri = ready.open(tmp_path / "q.smq.json", _QUERY)
    found = ready.diagnostics(uri)
    assert [item["code"] for item in found] == ["NAM101"]
    assert set(found[0]) == {"range", "severity", "code", "source", "message"}
    ready.change(uri, 2, replace(0, 13, 22, '"revenue"'))
    assert ready.diagnostics(uri, 2) == []
    assert ready.shutdown() == 0
    methods = {m["method"] for m in ready.seen if "method" in m}
    assert methods <= {"textDocument/publishDiagnostics", "window/logMessage"}
    assert not [m for m in ready.seen if "method" in m and "id" in m]


def test_a_bare_client_is_offered_what_needs_no_capability(wire: Wire, tmp_path: Path) -> None:
    capabilities = wire.initialize(tmp_path)["capabilities"]
    assert capabilities["textDocumentSync"]["openClose"] is True
    for announced in ("diagnosticProvider", "positionEncoding", "notebookDocumentSync"):
        assert announced not in capabilities


_RICH: Message = {
    "workspace": {
        "configuration": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
        "workspaceFolders": True,
        "diagnostics": {"refreshSupport": True},
    },
    "window": {"workDoneProgress": True},
    "textDocument": {
        "diagnostic": {},
        "publishDiagnostics": {
            "relatedInformation": True,
            "tagSupport": {"valueSet": [1, 2]},
            "codeDescriptionSupport": True,
            "dataSupport": True,
            "versionSupport": True,
        },
    },
}


def test_a_client_that_refuses_every_request_changes_nothing(wire: Wire, tmp_path: Path) -> None:
    bank(tmp_path)
    refusal = {"error": {"code": -32603, "message": "no", "data": [1]}}
    wire.answer = lambda request: refusal
    result = wire.initialize(tmp_path, capabilities=_RICH)
    assert result["capabilities"]["diagnosticProvider"]["workspaceDiagnostics"] is True
    uri = wire.open(tmp_path / "q.smq.json", _QUERY)
    assert [item["code"] for item in wire.diagnostics(uri, 1)] == ["NAM101"]
    asked = {m["method"] for m in wire.seen if "method" in m and "id" in m}
    assert {"workspace/configuration", "client/registerCapability"} <= asked
    assert wire.shutdown() == 0


@pytest.mark.parametrize("values", [None, [], [None], [3], [{"trusted": "yes"}], {"a": 1}])
def test_odd_answers_to_the_question_for_settings(
    wire: Wire, tmp_path: Path, values: object
) -> None:
    wire.answer = lambda request: {
        "result": values if request["method"] == "workspace/configuration" else None
    }
    wire.initialize(tmp_path, capabilities=_RICH)
    uri = wire.open(tmp_path / "q.smq.json", "{")
    assert wire.diagnostics(uri, 1)
    assert wire.shutdown() == 0


# Text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_ranges_in_every_encoding_and_line_end(
    wire: Wire, tmp_path: Path, end: str, encoding: str
) -> None:
    bank(tmp_path)
    capabilities = {"general": {"positionEncodings": [encoding, "utf-16"]}}
    result = wire.initialize(tmp_path, capabilities=capabilities)
    assert result["capabilities"]["positionEncoding"] == encoding
    line = '  /* 🙂한글e\u0301 */ "metrics": ["없음"]'
    uri = wire.open(tmp_path / "q.smq.json", f"{{{end}{line}{end}}}")
    (found,) = wire.diagnostics(uri, 1)
    units = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    codec = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[encoding]
    start = len(line[: line.index("없음")].encode(codec)) // units
    assert found["range"]["start"] == {"line": 1, "character": start}
    stop = start + len("없음".encode(codec)) // units
    assert found["range"]["end"] == {"line": 1, "character": stop}
    # The same range, sent back, replaces exactly that name.
    wire.change(uri, 2, {"range": found["range"], "text": "revenue"})
    assert wire.diagnostics(uri, 2) == []


def test_every_way_to_change_a_text(ready: Wire, tmp_path: Path) -> None:
    uri = ready.open(tmp_path / "q.smq.json", '{"metrics": ["revenue"]}', 1)
    assert ready.diagnostics(uri, 1) == []
    # Several changes, each on the result of the one before.
    ready.change(uri, 2, replace(0, 14, 21, "x"), replace(0, 15, 15, "y"), replace(0, 14, 14, "z"))
    assert "zxy" in ready.diagnostics(uri, 2)[0]["message"]
    # The whole text, then a part.
    ready.change(uri, 3, {"text": '{"metrics": ["a"]}'}, replace(0, 14, 15, "b"))
    assert "'b'" in ready.diagnostics(uri, 3)[0]["message"]
    # A reversed range, and positions behind the ends of line and text.
    ready.change(uri, 4, replace(0, 15, 14, "revenue"))
    assert ready.diagnostics(uri, 4) == []
    beyond = {"start": {"line": 0, "character": 999}, "end": {"line": 99, "character": 9}}
    ready.change(uri, 5, {"range": beyond, "text": "\n]"})
    assert ready.diagnostics(uri, 5)
    ready.change(uri, 6, {"range": {**beyond, "start": {"line": 1, "character": 0}}, "text": ""})
    assert ready.diagnostics(uri, 6) == []
    # An older version, and none: what a client sends is in order.
    ready.change(uri, 2, replace(0, 14, 21, "c"))
    assert "'c'" in ready.diagnostics(uri, 2)[0]["message"]
    ready.change(uri, 7, replace(0, 14, 15, "revenue"))
    assert ready.diagnostics(uri, 7) == []
    # No change at all, and a document that is not open.
    ready.change(uri, 8)
    ready.change("file:///nowhere/x.smq.json", 1, replace(0, 0, 0, "{"))
    # Opened again: the new text counts.
    ready.open(uri, '{"metrics": ["d"]}', 20)
    assert "'d'" in ready.diagnostics(uri, 20)[0]["message"]
    assert ready.shutdown() == 0


@pytest.mark.parametrize(
    "text",
    [
        "\ud83d",
        '{"metrics": ["\ud83d", "\udc00"]}',
        '{"metrics": ["a\x00b"]}\x00',
        "[" * 50_000,
        '{"metrics": ' * 5_000,
        "\ufeff{}",
        "{" + "a" * 1_000_000 + "}",
        '{"filters": ["' + "(" * 3_000 + '"]}',
        '{"filters": ["' + "x + " * 20_000 + '1"], "metrics": ["revenue"]}',
        "",
    ],
    ids=[
        "half",
        "halves",
        "nul",
        "brackets",
        "nested",
        "bom",
        "megabyte",
        "parens",
        "sum",
        "empty",
    ],
)
@pytest.mark.parametrize("name", ["hostile.smq.json", "hostile.yml"])
def test_hostile_documents(shared: Wire, tmp_path: Path, name: str, text: str) -> None:
    uri = shared.open(tmp_path / name, text)
    shared.diagnostics(uri, 1)
    shared.change(uri, 2, {"text": text + " "})
    shared.diagnostics(uri, 2)
    shared.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    shared.sync()


def test_hostile_uris(shared: Wire) -> None:
    for uri in ("", "untitled:Untitled-1", "file:", "file:///%00", "c:\\x.smq.json", "git:/x.yml"):
        shared.notify(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri, "languageId": "smq", "version": 1, "text": "{"}},
        )
        shared.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    shared.sync()


# Cancelling


def test_cancel_before_and_after(ready: Wire, tmp_path: Path) -> None:
    uri = ready.open(tmp_path / "q.smq.json", _QUERY)
    params = {"textDocument": {"uri": uri}}

    def message(message_id: int, method: str, content: object) -> bytes:
        body = json.dumps(
            {"jsonrpc": "2.0", "id": message_id, "method": method, "params": content}
        ).encode()
        return b"Content-Length: %d\r\n\r\n" % len(body) + body

    def cancel(message_id: int) -> bytes:
        body = json.dumps(
            {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": message_id}}
        ).encode()
        return b"Content-Length: %d\r\n\r\n" % len(body) + body

    # In one write the cancellations overtake what waits for its turn.
    requests = [message(n, "textDocument/diagnostic", params) for n in range(100, 140)]
    ready.raw(b"".join(requests) + b"".join(cancel(n) for n in range(101, 140, 2)))
    ready.raw(cancel(100) + cancel(99_999))
    for number in range(100, 140):
        ready.response(number)
    ready.sync()
    answers = [m for m in ready.seen if "method" not in m and m.get("id") in range(100, 140)]
    assert sorted(m["id"] for m in answers) == list(range(100, 140))
    cancelled = {m["id"] for m in answers if m.get("error", {}).get("code") == -32800}
    assert cancelled <= {*range(101, 140, 2), 100}
    assert len(cancelled) > 10
    assert all("result" in m for m in answers if m["id"] not in cancelled)
    # Later, the id means nothing any more.
    ready.raw(cancel(100))
    assert "result" in ready.request("textDocument/diagnostic", params)


def test_nothing_of_the_core_is_imported_before_initialize_is_answered(tmp_path: Path) -> None:
    code = (
        "import sys, smq_server.lsp.wire as wire\n"
        "original = wire.SmqProtocol._send_data\n"
        "def send(self, data):\n"
        "    original(self, data)\n"
        "    if isinstance(data, dict) and data.get('id') == 1:\n"
        "        print('LOADED', *sys.modules, file=sys.stderr, flush=True)\n"
        "wire.SmqProtocol._send_data = send\n"
        "from smq_server.main import main\n"
        "sys.exit(main(['lsp']))\n"
    )
    with Wire(cwd=tmp_path, code=code) as wire:
        wire.initialize(tmp_path)
        assert wire.shutdown() == 0
        loaded = set(next(line for line in wire.stderr if line.startswith("LOADED")).split())
    heavy = {"sqlglot", "yaml", "jsonschema", "duckdb", "smq.workspace", "smq.rules", "smq.syntax"}
    assert not heavy & loaded
    assert not any(name.startswith("smq.graph") for name in loaded)


def test_an_untrusted_workspace_loads_no_engine_and_no_network(tmp_path: Path) -> None:
    bank(tmp_path)
    (tmp_path / "smq.toml").write_text('[engine]\ntype = "duckdb"\n')
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('LOADED', *sys.modules, file=sys.stderr, flush=True))\n"
        "from smq_server.main import main\n"
        "sys.exit(main(['lsp']))\n"
    )
    with Wire(cwd=tmp_path, code=code) as wire:
        wire.initialize(tmp_path, initializationOptions={"trusted": False})
        uri = wire.open(tmp_path / "q.smq.json", _QUERY)
        assert wire.diagnostics(uri, 1)
        wire.request("workspace/diagnostic", {"previousResultIds": []})
        assert wire.shutdown() == 0
        loaded = set(next(line for line in wire.stderr if line.startswith("LOADED")).split())
    # The bare `google` is there in every interpreter, by a file of the client's installation.
    forbidden = ("duckdb", "psycopg", "openai", "google.auth", "http.client", "urllib.request")
    assert not [name for name in forbidden if name in loaded]


def test_what_others_print_does_not_break_the_conversation(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import smq_server.lsp.app as app\n"
        "original = app.build\n"
        "def build():\n"
        "    print('noise on standard output', flush=True)\n"
        "    return original()\n"
        "app.build = build\n"
        "from smq_server.main import main\n"
        "sys.exit(main(['lsp']))\n"
    )
    with Wire(cwd=tmp_path, code=code) as wire:
        wire.initialize(tmp_path)
        assert wire.shutdown() == 0
        assert any("noise" in line for line in wire.stderr)


@pytest.mark.parametrize("option", ["--tcp", "--ws"])
def test_ports_are_of_this_machine_alone(tmp_path: Path, option: str) -> None:
    with Wire("lsp", option, "0", cwd=tmp_path) as wire:
        assert wire.process.stderr is not None
        line = wire.wait_for_stderr("listening")
        host, _, port = line.rsplit(" ", 1)[1].strip().partition(":")
        assert host == "127.0.0.1"
        answer = over_tcp(int(port)) if option == "--tcp" else over_websocket(int(port))
        assert answer["result"]["serverInfo"]["name"] == "smq"
        assert wire.wait() == 1


_INITIALIZE = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}
)


def over_tcp(port: int) -> Message:
    import socket

    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
        connection.sendall(f"Content-Length: {len(_INITIALIZE)}\r\n\r\n{_INITIALIZE}".encode())
        stream = connection.makefile("rb")
        length = int(stream.readline().split(b":")[1])
        stream.readline()
        answer: Message = json.loads(stream.read(length))
    return answer


def over_websocket(port: int) -> Message:
    from websockets.sync.client import connect

    with connect(f"ws://127.0.0.1:{port}", proxy=None) as connection:
        connection.send(_INITIALIZE)
        text = connection.recv(TIMEOUT)
        # A text frame: clients in web pages read no other.
        assert isinstance(text, str)
        answer: Message = json.loads(text)
    return answer


def test_a_defect_in_one_feature_costs_nothing_else(tmp_path: Path) -> None:
    bank(tmp_path)
    code = (
        "import sys, smq.ide.hover as hover\n"
        "def broken(*_):\n"
        "    raise ZeroDivisionError('planted')\n"
        "hover.hover = broken\n"
        "from smq_server.main import main\n"
        "sys.exit(main(['lsp']))\n"
    )
    with Wire(cwd=tmp_path, code=code) as wire:
        wire.initialize(tmp_path)
        uri = wire.open(tmp_path / "q.smq.json", _QUERY)
        wire.diagnostics(uri, 1)
        for _ in range(3):
            answer = wire.request("textDocument/hover", hover(uri))
            assert code_of(answer) == -32603
            assert "planted" in answer["error"]["message"]
        assert any(
            "planted" in m["params"]["message"]
            for m in wire.seen
            if m.get("method") == "window/logMessage"
        )
        assert "result" in wire.request("textDocument/documentSymbol", hover(uri))
        wire.change(uri, 2, replace(0, 13, 22, '"revenue"'))
        assert wire.diagnostics(uri, 2) == []
        assert wire.shutdown() == 0


def test_progress_is_shown_to_clients_that_have_room_for_it(tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / f"q{number}.smq.json").write_text("{}")
    (tmp_path / "smq.toml").write_text("")
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path, capabilities={"window": {"workDoneProgress": True}})
        wire.until(lambda m: m.get("params", {}).get("value", {}).get("kind") == "end")
        kinds = [m["params"]["value"]["kind"] for m in wire.seen if m.get("method") == "$/progress"]
        assert kinds[0] == "begin"
        assert kinds[-1] == "end"
        assert "report" in kinds
        created = [m for m in wire.seen if m.get("method") == "window/workDoneProgress/create"]
        assert len(created) == 1
        assert wire.shutdown() == 0


def test_the_reader_is_let_in_before_a_slice_of_work_has_ended() -> None:
    """It starved while there was work: a key waited for a hundred milliseconds and more."""
    program = (
        "import sys\n"
        "from smq_server.lsp import serve\n"
        "from smq_server.lsp.app import build\n"
        "serve.serve_pipes(build)\n"
        "sys.stderr.write(repr(sys.getswitchinterval()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert float(done.stderr) < SLICE / 2


def test_reading_that_somebody_stops_leaves_nothing_said_until_it_is_asked_for(
    tmp_path: Path,
) -> None:
    bank(tmp_path)
    for number in range(3_000):
        (tmp_path / f"q{number}.smq.json").write_text("{}")
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path, capabilities={"window": {"workDoneProgress": True}})
        uri = wire.open(tmp_path / "q.smq.json", _QUERY)
        early = wire.post("textDocument/hover", hover(uri))
        begun = wire.until(lambda m: m.get("method") == "$/progress")
        assert begun["params"]["value"]["cancellable"] is True
        wire.notify("window/workDoneProgress/cancel", {"token": begun["params"]["token"]})
        # What has waited, and what comes now, is told why there is no answer.
        for request in (early, wire.post("workspace/symbol", {"query": "r"})):
            error = wire.response(request)["error"]
            assert error["code"] == -32802
            assert error["data"] == {"retriggerRequest": False}
            assert "smq.restartIndex" in error["message"]
        # One file's text is enough for this.
        assert "result" in wire.request(
            "textDocument/documentSymbol", {"textDocument": {"uri": uri}}
        )
        (workspace,) = wire.request("smq/status")["result"]["workspaces"]
        assert (workspace["indexing"], workspace["stopped"]) == (False, True)
        wire.change(uri, 2, replace(0, 13, 22, '"revenue"'))
        assert not [m for m in wire.seen if m.get("method") == "textDocument/publishDiagnostics"]
        assert "result" in wire.request("workspace/executeCommand", {"command": "smq.restartIndex"})
        assert wire.diagnostics(uri, 2) == []
        assert wire.request("textDocument/hover", hover(uri))["result"]["contents"]
        assert wire.shutdown() == 0


def test_random_edits_end_where_a_fresh_process_begins(tmp_path: Path) -> None:
    """Hundreds of edits, with requests and cancellations between them, as fast as can be."""
    bank(tmp_path)
    chosen = random.Random(7)
    model, query = tmp_path / "models" / "bank.yml", tmp_path / "q.smq.json"
    texts = {
        model.as_uri(): model.read_text(encoding="utf-8"),
        query.as_uri(): '{"metrics": ["total_credit", "account_count"], // 🙂\r\n "limit": 5}',
    }
    pieces = ["", "", "a", "한", "🙂", "\n", "\r\n", '"', ",", ":", "  - ", "credit", "name: x\n"]
    with Wire(cwd=tmp_path) as wire:
        wire.initialize(tmp_path)
        for uri, text in texts.items():
            wire.open(uri, text)
        asked: list[int] = []
        for version in range(2, 302):
            uri = chosen.choice(list(texts))
            lines = LineIndex(texts[uri])
            start = chosen.randrange(len(texts[uri]) + 1)
            stop = min(len(texts[uri]), start + chosen.choice((0, 0, 1, 4, 30)))
            if "\r\n" in (texts[uri][start - 1 : start + 1], texts[uri][stop - 1 : stop + 1]):
                continue
            (line, column), (last, end) = (lines.position(x, "utf-16") for x in (start, stop))
            piece = chosen.choice(pieces)
            texts[uri] = texts[uri][:start] + piece + texts[uri][stop:]
            change = {
                "range": {
                    "start": {"line": line, "character": column},
                    "end": {"line": last, "character": end},
                },
                "text": piece,
            }
            wire.change(uri, version, change)
            method = chosen.choice(("hover", "documentSymbol", "diagnostic", "completion"))
            asked.append(wire.post(f"textDocument/{method}", hover(uri)))
            if chosen.random() < 0.2:
                wire.notify("$/cancelRequest", {"id": chosen.choice(asked)})
        for number in asked:
            wire.response(number)
        after = pulled(wire), shown(wire, texts)
        answers = [m["id"] for m in wire.seen if "method" not in m and m["id"] in set(asked)]
        assert sorted(answers) == asked
        assert wire.shutdown() == 0
    with Wire(cwd=tmp_path) as fresh:
        fresh.initialize(tmp_path)
        for uri, text in texts.items():
            fresh.open(uri, text)
        assert after == (pulled(fresh), shown(fresh, texts))


def pulled(wire: Wire) -> dict[str, object]:
    answer = wire.request("workspace/diagnostic", {"previousResultIds": []})
    return {item["uri"]: item["items"] for item in answer["result"]["items"]}


def shown(wire: Wire, texts: dict[str, str]) -> list[object]:
    """Symbols, tokens, hovers, completions and all the rest, at several places of each text."""
    found: list[object] = []
    for uri, text in texts.items():
        lines = LineIndex(text)
        for part in range(6):
            line, column = lines.position(len(text) * part // 5, "utf-16")
            for name, answer in read_everything(wire, uri, line, column).items():
                result = answer.get("result", answer.get("error"))
                if name == "semanticTokens/full":
                    # Its id is counted by each server for itself.
                    result = result["data"]
                found.append((name, result))
    return found

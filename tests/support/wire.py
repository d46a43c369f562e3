"""A client that speaks bytes to the real server process, and leaves nothing to a library."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

Message = dict[str, Any]

TIMEOUT = 15.0
"""Seconds until an answer that does not come fails a test; never waited for when it comes."""


class Wire:
    """One server process and the messages it has sent, in order.

    `answer` decides what requests of the server get; by default null.
    """

    patience = TIMEOUT

    def __init__(
        self,
        *words: str,
        cwd: Path | None = None,
        environ: dict[str, str] | None = None,
        code: str | None = None,
    ) -> None:
        command = (
            [sys.executable, "-c", code] if code else [sys.executable, "-m", "smq_server.main"]
        )
        self.process = subprocess.Popen(
            [*command, *(words or ("lsp",))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **(environ or {})},
        )
        self.answer: Callable[[Message], Message] = lambda request: {"result": None}
        self.seen: list[Message] = []
        self._incoming: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._ids = 0
        self.stderr: list[str] = []
        self._said = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_stderr, daemon=True).start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(TIMEOUT)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:
                continue

    # Sending

    def raw(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def body(self, body: bytes) -> None:
        self.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def send(self, message: object) -> None:
        self.body(json.dumps(message).encode())

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def post(self, method: str, params: object = None) -> int:
        """Send a request without waiting; returns its id."""
        self._ids += 1
        self.send({"jsonrpc": "2.0", "id": self._ids, "method": method, "params": params})
        return self._ids

    def request(self, method: str, params: object = None) -> Message:
        return self.response(self.post(method, params))

    # Receiving

    def next(self) -> Message:
        """The next message of the server. Raises EOFError when it has closed its end."""
        message = self._incoming.get(timeout=self.patience)
        if message is None:
            raise EOFError("the server has closed its output")
        self.seen.append(message)
        if "method" in message and "id" in message:
            self.send({"jsonrpc": "2.0", "id": message["id"], **self.answer(message)})
        return message

    def until(self, wanted: Callable[[Message], bool]) -> Message:
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            message = self.next()
            if wanted(message):
                return message
        raise TimeoutError("the message did not come")

    def response(self, request: int | str | None) -> Message:
        """The answer to a request, waited for."""
        for message in self.seen:
            if "method" not in message and message.get("id") == request:
                return message
        return self.until(lambda m: "method" not in m and m.get("id") == request)

    def diagnostics(self, uri: str, version: int | None = None) -> list[Message]:
        """What is published next for a document (in that version)."""
        found = self.until(
            lambda m: (
                m.get("method") == "textDocument/publishDiagnostics"
                and m["params"]["uri"] == uri
                and (version is None or m["params"].get("version") == version)
            )
        )
        items: list[Message] = found["params"]["diagnostics"]
        return items

    def sync(self) -> None:
        """Wait until the server has handled all that was sent before."""
        self.request("workspace/diagnostic-nothing-of-that-name")

    # Life

    def initialize(self, root: Path | None = None, **more: Any) -> Message:
        params = {
            "processId": os.getpid(),
            "rootUri": root.as_uri() if root else None,
            "capabilities": {},
            **more,
        }
        answer = self.request("initialize", params)
        assert "result" in answer, answer
        self.notify("initialized", {})
        result: Message = answer["result"]
        return result

    def open(self, path: Path | str, text: str, version: int = 1) -> str:
        uri = path.as_uri() if isinstance(path, Path) else path
        document = {"uri": uri, "languageId": "smq", "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def change(self, uri: str, version: int | None, *changes: Message) -> None:
        document = {"uri": uri, "version": version}
        self.notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)}
        )

    def shutdown(self) -> int:
        """End in order; the exit status."""
        answer = self.request("shutdown")
        assert answer.get("result", 0) is None, answer
        self.notify("exit")
        return self.wait()

    def wait(self) -> int:
        return self.process.wait(TIMEOUT)

    def wait_for_stderr(self, word: str) -> str:
        """The first line on standard error that holds the word."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            with self._said:
                for line in self.stderr:
                    if word in line:
                        return line
                self._said.wait(1)
        raise TimeoutError(f"nothing about {word!r} on standard error")

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while True:
            length = None
            while (line := stream.readline().strip()) or length is None:
                if not line:
                    self._incoming.put(None)
                    return
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            self._incoming.put(json.loads(stream.read(length)))

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._said:
                self.stderr.append(line.decode(errors="replace"))
                self._said.notify_all()


def replace(line: int, start: int, end: int, text: str) -> Message:
    """An incremental change within one line."""
    return {
        "range": {
            "start": {"line": line, "character": start},
            "end": {"line": line, "character": end},
        },
        "text": text,
    }


def read_everything(wire: Wire, uri: str, line: int, character: int) -> dict[str, Message]:
    """The answer to every request that reads a document, all sent before the first is awaited."""
    position = {"line": line, "character": character}
    start = {"line": 0, "character": 0}
    spot: Message = {"position": position}
    stretch: Message = {"range": {"start": start, "end": position}}
    layout: Message = {"options": {"tabSize": 2, "insertSpaces": True}}
    reads: dict[str, Message] = {
        **dict.fromkeys(_AT_A_POSITION, spot),
        **{name: {} for name in _OF_A_DOCUMENT},
        "references": {**spot, "context": {"includeDeclaration": True}},
        "rename": {**spot, "newName": "new_name"},
        "selectionRange": {"positions": [position, start]},
        "codeAction": {**stretch, "context": {"diagnostics": []}},
        "inlayHint": stretch,
        "semanticTokens/range": stretch,
        "formatting": layout,
        "rangeFormatting": {**stretch, **layout},
        "onTypeFormatting": {**spot, **layout, "ch": "\n"},
    }
    asked = {
        name: wire.post(f"textDocument/{name}", {"textDocument": {"uri": uri}, **extra})
        for name, extra in reads.items()
    }
    return {name: wire.response(number) for name, number in asked.items()}


_AT_A_POSITION = (
    *("hover", "completion", "signatureHelp", "declaration", "definition", "typeDefinition"),
    *("implementation", "documentHighlight", "prepareRename"),
    *("prepareCallHierarchy", "prepareTypeHierarchy"),
)
_OF_A_DOCUMENT = (
    *("documentSymbol", "codeLens", "documentLink", "foldingRange", "diagnostic"),
    "semanticTokens/full",
)

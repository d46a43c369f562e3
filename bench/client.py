"""A language client of nothing but pipes and JSON, so that what is measured is the server."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Message = dict[str, Any]

CAPABILITIES: Message = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {"workspaceFolders": True, "symbol": {}},
    "window": {"workDoneProgress": True},
    "textDocument": {
        "publishDiagnostics": {"versionSupport": True, "relatedInformation": True},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "completion": {"completionItem": {"snippetSupport": True}},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "rename": {"prepareSupport": True},
    },
}


class Client:
    """A server in a process of its own. A server that dies or is silent raises RuntimeError."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], patience: float = 300.0
    ) -> None:
        self._patience = patience
        self._buffer = b""
        self._id = 0
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # An installed program has its bytecode; this one writes it in the first run.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
        )
        self.notifications: list[Message] = []

    # Talking

    def initialize(self, root: Path) -> Message:
        """The answer to `initialize`, as an editor asks that has opened one folder."""
        folder = {"uri": root.as_uri(), "name": root.name}
        params = {
            "processId": os.getpid(),
            "rootUri": root.as_uri(),
            "workspaceFolders": [folder],
            "capabilities": CAPABILITIES,
        }
        return self.request("initialize", params)

    def request(self, method: str, params: object) -> Any:
        """The result; what else the server says meanwhile is kept in `notifications`.

        Raises RuntimeError when the server answers with an error.
        """
        self._id += 1
        self._send({"id": self._id, "method": method, "params": params})
        number = self._id
        answer = self.wait(lambda message: message.get("id") == number and "method" not in message)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def notify(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def wait(self, wanted: Callable[[Message], bool]) -> Message:
        """The next message that is wanted; requests of the server are answered with nothing."""
        while True:
            message = self._receive()
            if "method" in message and "id" in message:
                result = None
                if message["method"] == "workspace/configuration":
                    result = [None for _ in message["params"]["items"]]
                self._send({"id": message["id"], "result": result})
            if wanted(message):
                return message
            if "method" in message:
                self.notifications.append(message)

    def stop(self) -> None:
        """End the server in the orderly way; one that will not go is killed."""
        try:
            self.request("shutdown", None)
            self.notify("exit", None)
            self._process.wait(20)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    # What the process has used

    def cpu_seconds(self) -> float:
        """Processor time of all its threads: other work on the machine does not change it."""
        # How Linux names the processor clock of another process; see clock_getcpuclockid(3).
        return time.clock_gettime((~self._process.pid << 3) | 2) if _IS_LINUX else float("nan")

    def peak_megabytes(self) -> float:
        """The most memory that it has held at once."""
        if not _IS_LINUX:
            return float("nan")
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024

    # Bytes

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> Message:
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if found:
                length = next(
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                )
                if len(rest) >= length:
                    self._buffer = rest[length:]
                    message: Message = json.loads(rest[:length])
                    return message
            self._buffer += self._read()

    def _read(self) -> bytes:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        if not select.select([pipe], [], [], self._patience)[0]:
            raise RuntimeError(f"The server was silent for {self._patience:.0f} seconds.")
        data = os.read(pipe, 1 << 20)
        if not data:
            raise RuntimeError("The server has ended.")
        return data


_IS_LINUX = sys.platform == "linux"

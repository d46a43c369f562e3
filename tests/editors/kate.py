"""Asks Kate for what it can show, in a window that nobody sees, and writes down what it was told.

Kate has no scripts and its window no text that could be read, so a step here holds when the
language server was asked by Kate itself and had an answer; what passes between the two is read.

    python kate.py PROGRAM SETTINGS
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = float(os.environ["SMQ_PATIENCE"])
FOLDER = Path(os.environ["SMQ_FOLDER"])
RC = """\
[General]
Startup Session=new
Show welcome view for new window=false
Last Session=
[Kate Plugins]
lspclientplugin=true
[lspclient]
Diagnostics=true
AutoHover=true
AllowedServerCommandLines={command}
"""
TEE = """\
import json, subprocess, sys, threading
log = open({log!r}, "ab", buffering=0)
server = subprocess.Popen(["smq", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def pass_on(source, target, mark):
    while data := source.read1(1 << 16):
        log.write(json.dumps([mark, data.decode("latin-1")]).encode() + b"\\n")
        target.write(data)
        target.flush()
    target.close()
back = threading.Thread(target=pass_on, args=(server.stdout, sys.stdout.buffer, "server"))
back.start()
pass_on(sys.stdin.buffer, server.stdin, "client")
"""


def messages(log: Path) -> Iterator[tuple[str, Any]]:
    """What has passed so far, with who said it; a message that is still coming is left out."""
    said = {"client": b"", "server": b""}
    if log.exists():
        for line in log.read_bytes().splitlines():
            who, data = json.loads(line)
            said[who] += data.encode("latin-1")
    for who, data in said.items():
        while data:
            header, found, rest = data.partition(b"\r\n\r\n")
            if not found:
                break
            fields = dict(field.split(b":", 1) for field in header.lower().split(b"\r\n"))
            length = int(fields[b"content-length"])
            if len(rest) < length:
                break
            yield who, json.loads(rest[:length])
            data = rest[length:]


def published(log: Path) -> str:
    """The newest findings, as one text."""
    found = [
        message["params"]["diagnostics"]
        for who, message in messages(log)
        if who == "server" and message.get("method") == "textDocument/publishDiagnostics"
    ]
    return json.dumps(found[-1] if found else [], ensure_ascii=False)


def answered(log: Path, method: str) -> str:
    """All answers to requests of this kind, as one text."""
    everything = list(messages(log))
    asked = {m["id"] for who, m in everything if who == "client" and m.get("method") == method}
    return "\n".join(
        json.dumps(m["result"], ensure_ascii=False)
        for who, m in everything
        if who == "server" and m.get("id") in asked and m.get("result")
    )


def wait(look: Callable[[], str], wanted: str, act: Callable[[], None] | None = None) -> str:
    """Look until the text is there, doing something again while it is not."""
    end = time.monotonic() + PATIENCE
    while wanted not in (seen := look()) and time.monotonic() < end:
        if act is not None:
            act()
        time.sleep(0.3)
    return seen


@contextmanager
def kate(program: str, file: Path, line: int, column: int, log: Path) -> Iterator[None]:
    words = [program, "-n", "-b", "--line", str(line), "--column", str(column), str(file)]
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output)
    try:
        yield
    finally:
        # Asked to leave, it would wait at a question about unsaved changes.
        process.kill()
        process.wait()


def key(*names: str) -> None:
    subprocess.run(["xdotool", "key", *names], capture_output=True)


def main() -> int:
    program, settings = sys.argv[1:]
    home = FOLDER.parent / "home"
    configuration = home / "config"
    (configuration / "kate" / "lspclient").mkdir(parents=True)
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    os.environ.update(
        HOME=str(home),
        XDG_CONFIG_HOME=str(configuration),
        XDG_DATA_HOME=str(home / "data"),
        XDG_CACHE_HOME=str(home / "cache"),
        XDG_RUNTIME_DIR=str(runtime),
        QT_QPA_PLATFORM="xcb",
    )
    log = home / "traffic"
    tee = home / "tee.py"
    tee.write_text(TEE.format(log=str(log)), encoding="utf-8")
    # The settings are those of the page, but for a listener between Kate and the server.
    values = json.loads(Path(settings).read_text(encoding="utf-8"))
    assert values["servers"]["smq"]["command"] == ["smq", "lsp"]
    command = [sys.executable, str(tee)]
    values["servers"]["smq"]["command"] = command
    (configuration / "kate" / "lspclient" / "settings.json").write_text(
        json.dumps(values), encoding="utf-8"
    )
    (configuration / "katerc").write_text(RC.format(command=" ".join(command)), encoding="utf-8")

    steps = json.loads(Path(os.environ["SMQ_STEPS"]).read_text(encoding="utf-8"))
    with Path(os.environ["SMQ_REPORT"]).open("w", encoding="utf-8") as report:
        for step in steps:
            file = FOLDER / step["file"]
            line, column = place(file, step["at"])
            log.unlink(missing_ok=True)
            with kate(program, file, line, column, home / "kate.log"):
                seen = play(step, log)
            ok = all(text in seen for text in step["shows"])
            row = {"name": step["name"], "ok": ok, "seen": "" if ok else seen[:2000]}
            report.write(json.dumps(row, ensure_ascii=False) + "\n")
            report.flush()
    return 0


def play(step: Any, log: Path) -> str:
    wanted = step["shows"][0]
    match step["do"]:
        case "diagnostics":
            return wait(lambda: published(log), wanted)
        case "completion":
            wait(lambda: answered(log, "initialize"), "capabilities")
            return wait(
                lambda: answered(log, "textDocument/completion"),
                wanted,
                lambda: key("Escape", "ctrl+space"),
            )
        case other:
            raise ValueError(other)


def place(file: Path, at: str) -> tuple[int, int]:
    """Line and column from 1 of the cursor in the words around it."""
    text = file.read_text(encoding="utf-8")
    before, _, after = at.partition("^")
    offset = text.index(before + after) + len(before) if at else 0
    line = text.count("\n", 0, offset)
    return line + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


if __name__ == "__main__":
    if not os.environ.get("DISPLAY") or "SMQ_INSIDE" not in os.environ:
        os.environ["SMQ_INSIDE"] = "1"
        inside = ["xvfb-run", "-a", "-s", "-screen 0 1280x800x24", "dbus-run-session", "--"]
        program = shutil.which("xvfb-run")
        assert program is not None
        os.execv(program, [*inside, sys.executable, *sys.argv])
    sys.exit(main())

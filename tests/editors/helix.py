"""Plays the steps of $SMQ_STEPS in Helix on a terminal; the outcome of each is a line of
$SMQ_REPORT. Helix has no scripts: keys are typed by tmux, and what is on the screen is read.

    python helix.py PROGRAM LANGUAGES
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import unicodedata
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PATIENCE = float(os.environ["SMQ_PATIENCE"])
FOLDER = Path(os.environ["SMQ_FOLDER"])
ASK_AGAIN = 1.5
"""Seconds until a key is pressed again that a server which is still starting did not answer."""
CONFIGURATION = (
    '[editor]\nauto-completion = false\nauto-pairs = false\nend-of-line-diagnostics = "hint"\n'
)
WIDE = 170, 60


class Screen:
    """Helix on one file, until it is closed."""

    def __init__(self, program: str, file: str, at: tuple[int, int], home: Path) -> None:
        self._socket = f"smq-{uuid.uuid4().hex[:10]}"
        environment = {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
        }
        place = f"{FOLDER / file}:{at[0]}:{at[1]}"
        settings = [word for item in environment.items() for word in ("-e", "=".join(item))]
        width, height = map(str, WIDE)
        self._tmux(
            *("-f", "/dev/null", "-u", "new-session", "-d", "-s", "s", "-x", width, "-y", height),
            *("-c", str(FOLDER), *settings, "--", program, place),
        )
        self._tmux("set-option", "-g", "escape-time", "0")
        self.wait(lambda: " NOR " in self.read())

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self._socket, *words], capture_output=True, text=True)
        return done.stdout

    def keys(self, *names: str) -> None:
        for name in names:
            self._tmux("send-keys", "-t", "s", name)
            if name == "Escape":
                # At once, Escape and the next key would be Alt and that key.
                time.sleep(0.15)

    def text(self, text: str) -> None:
        self._tmux("send-keys", "-t", "s", "-l", text)

    def read(self) -> str:
        return unicodedata.normalize("NFC", self._tmux("capture-pane", "-t", "s", "-p"))

    def wait(self, holds: Callable[[], bool], patience: float = PATIENCE) -> bool:
        end = time.monotonic() + patience
        while not holds():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def ask(self, holds: Callable[[], bool], keys: Sequence[str], undo: Sequence[str]) -> bool:
        """Press keys until the screen answers: the server may still be reading."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.keys(*keys)
            if self.wait(holds, ASK_AGAIN):
                return True
            self.keys(*undo)
        return False

    def write(self) -> None:
        self.keys("Escape")
        self.text(":write-all")
        self.keys("Enter")

    def close(self) -> None:
        self._tmux("kill-server")


def place(file: str, at: str) -> tuple[int, int]:
    """Line and column from 1, in characters, of the cursor in the words around it."""
    text = (FOLDER / file).read_text(encoding="utf-8")
    before, _, after = at.partition("^")
    offset = text.index(before + after) + len(before) if at else 0
    line = text.count("\n", 0, offset)
    return line + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def contents(files: Sequence[str]) -> str:
    """What is on the disk; Helix writes by renaming, so a file is missing for a moment."""
    found = []
    for file in files:
        try:
            found.append((FOLDER / file).read_text(encoding="utf-8"))
        except FileNotFoundError:
            found.append("")
    return "\n".join(found)


def satisfies(seen: str, step: Mapping[str, Any]) -> bool:
    # A long line is broken on the screen.
    flat = " ".join(seen.split())
    shown = all(text in seen or text in flat for text in step["shows"])
    return shown and not any(text in seen for text in step["hides"])


def play(screen: Screen, step: Mapping[str, Any]) -> str:
    """Do one step and look until it is satisfied or patience ends; what was seen."""

    def on_screen() -> bool:
        return satisfies(screen.read(), step)

    def on_disk() -> bool:
        return satisfies(contents(step["files"]), step)

    match step["do"]:
        case "diagnostics":
            if step["hides"]:
                # A server that has not answered yet marks nothing either.
                screen.ask(lambda: "SELECT" in screen.read(), ("Space", "k"), ("Escape",))
                screen.keys("Escape")
            screen.wait(on_screen)
        case "hover":
            screen.ask(on_screen, ("Space", "k"), ("Escape",))
        case "completion":
            screen.keys("i")
            screen.wait(lambda: " INS " in screen.read())
            screen.ask(on_screen, ("C-x",), ())
        case "definition":
            file, line = step["shows"][0].rsplit(":", 1)
            here = re.compile(rf"(?m)NOR +{re.escape(file)} .* {line}:\d+ *$")
            found = screen.ask(lambda: bool(here.search(screen.read())), ("g", "d"), ())
            return step["shows"][0] if found else screen.read()
        case "fix":
            screen.ask(lambda: "Change to" in screen.read(), ("Space", "a"), ("Escape",))
            screen.keys("Enter")
            screen.wait(lambda: step["shows"][0] in screen.read())
            screen.write()
            screen.wait(on_disk)
            return contents(step["files"])
        case "rename":
            screen.ask(lambda: "rename-to:" in screen.read(), ("Space", "r"), ("Escape",))
            screen.keys("C-u")
            screen.text(step["text"])
            screen.keys("Enter")
            screen.wait(lambda: "rename-to:" not in screen.read())
            screen.wait(lambda: step["text"] in screen.read())
            screen.write()
            screen.wait(on_disk)
            return contents(step["files"])
        case "type":
            screen.keys("i")
            screen.wait(lambda: " INS " in screen.read())
            screen.text(step["text"])
            screen.keys("Escape")
            screen.wait(on_screen)
        case other:
            raise ValueError(other)
    return screen.read()


def main() -> int:
    program, languages = sys.argv[1:]
    home = FOLDER.parent / "home"
    configuration = home / ".config" / "helix"
    configuration.mkdir(parents=True)
    (configuration / "config.toml").write_text(CONFIGURATION, encoding="utf-8")
    shutil.copy(languages, configuration / "languages.toml")
    steps = json.loads(Path(os.environ["SMQ_STEPS"]).read_text(encoding="utf-8"))
    with Path(os.environ["SMQ_REPORT"]).open("w", encoding="utf-8") as report:
        for step in steps:
            screen = Screen(program, step["file"], place(step["file"], step["at"]), home)
            try:
                seen = play(screen, step)
            finally:
                screen.close()
            ok = satisfies(seen, step)
            row = {"name": step["name"], "ok": ok, "seen": "" if ok else seen}
            report.write(json.dumps(row, ensure_ascii=False) + "\n")
            report.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long the language server lets an editor wait, measured at the process that editors start.

    python bench/lsp.py [--size small] [--size large] [--keystrokes 200] [--json FILE]

For each figure the table says how many times it was measured, the wall-clock time that half and
that 95 of 100 stayed within, the same of the server's processor time, and the target. Processor
time is the fairer figure on a machine that does other work as well; the targets are wall-clock
times of a machine with two cores that does nothing else, and are for the large workspace unless
the figure's name says otherwise.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from client import Client
from workspace import SHAPES, model_name, write

SERVER = (sys.executable, "-m", "smq_server.main", "lsp")
EMPTY = (
    sys.executable,
    "-c",
    "from pygls.lsp.server import LanguageServer; LanguageServer('empty', '0').start_io()",
)
STARTS = 9
BETWEEN_KEYSTROKES = 0.03
"""Seconds; as fast as a key that is held down repeats. Background work uses the time."""


@dataclass(slots=True)
class Figure:
    """One thing that is measured: pairs of wall-clock and processor seconds."""

    name: str
    unit: str = "ms"
    target: float | None = None
    of: str = "p95"
    """Which value the target is about."""
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, wall: float, cpu: float = float("nan")) -> None:
        self.wall.append(wall)
        self.cpu.append(cpu)

    @contextmanager
    def time(self, client: Client) -> Iterator[None]:
        cpu, wall = client.cpu_seconds(), time.perf_counter()
        yield
        wall = time.perf_counter() - wall
        self.add(wall * self._scale, (client.cpu_seconds() - cpu) * self._scale)

    @property
    def _scale(self) -> float:
        return 1000 if self.unit == "ms" else 1

    def summary(self) -> dict[str, Any]:
        value = {"p50": percentile(self.wall, 50), "p95": percentile(self.wall, 95)}
        meets = None if self.target is None else value[self.of] <= self.target
        return {
            "name": self.name,
            "unit": self.unit,
            "count": len(self.wall),
            **value,
            "cpu_p50": percentile(self.cpu, 50),
            "cpu_p95": percentile(self.cpu, 95),
            "target": self.target,
            "target_is_for": self.of,
            "meets_target": meets,
        }


def percentile(values: list[float], percent: int) -> float | None:
    """The smallest value that so many of the values do not exceed; None when there are none."""
    known = sorted(value for value in values if not math.isnan(value))
    if not known:
        return None
    return known[max(0, math.ceil(len(known) * percent / 100) - 1)]


class Text:
    """A document that is open in the client; each change is one edit, as editors send them."""

    def __init__(self, client: Client, path: Path, language: str) -> None:
        self.client = client
        self.uri = path.as_uri()
        self.text = path.read_text(encoding="utf-8")
        self.version = 1
        document = {"uri": self.uri, "languageId": language, "version": 1, "text": self.text}
        client.notify("textDocument/didOpen", {"textDocument": document})

    @property
    def name(self) -> dict[str, str]:
        return {"uri": self.uri}

    def position(self, offset: int) -> dict[str, int]:
        before = self.text[:offset]
        line = before.rpartition("\n")[2]
        return {"line": before.count("\n"), "character": len(line.encode("utf-16-le")) // 2}

    def after(self, pattern: str) -> int:
        """The offset behind the first match."""
        found = re.search(pattern, self.text)
        if found is None:
            raise RuntimeError(f"{pattern} is not in {self.uri}")
        return found.end()

    def at(self, offset: int) -> dict[str, Any]:
        return {"textDocument": self.name, "position": self.position(offset)}

    def replace(self, start: int, end: int, new: str) -> None:
        span = {"start": self.position(start), "end": self.position(end)}
        self.text = self.text[:start] + new + self.text[end:]
        self.version += 1
        params = {
            "textDocument": {**self.name, "version": self.version},
            "contentChanges": [{"range": span, "text": new}],
        }
        self.client.notify("textDocument/didChange", params)

    def diagnosed(self) -> list[dict[str, Any]]:
        """Wait for the diagnostics of exactly this version."""

        def ours(message: dict[str, Any]) -> bool:
            if message.get("method") != "textDocument/publishDiagnostics":
                return False
            params = message["params"]
            return bool(params["uri"] == self.uri and params.get("version") == self.version)

        found: list[dict[str, Any]] = self.client.wait(ours)["params"]["diagnostics"]
        return found

    def settle(self) -> None:
        """Wait until the server has taken the last change."""
        self.client.request("textDocument/foldingRange", {"textDocument": self.name})


class Bench:
    """The figures of one workspace size."""

    def __init__(self, scratch: Path, keystrokes: int) -> None:
        self.scratch = scratch
        self.keystrokes = keystrokes
        self.figures: list[Figure] = []

    def figure(self, name: str, unit: str = "ms", **about: Any) -> Figure:
        found = Figure(name, unit, **about)
        self.figures.append(found)
        return found

    def client(self, command: tuple[str, ...] = SERVER, cache: str = "cache") -> Client:
        environment = {
            "HOME": str(self.scratch),
            "XDG_CACHE_HOME": str(self.scratch / cache),
            "XDG_STATE_HOME": str(self.scratch / "state"),
        }
        return Client(command, environment)

    # Starting

    def starting(self, root: Path) -> None:
        """From the process's start to the answer, beside a server that can do nothing."""
        ours = self.figure("start to initialize")
        empty = self.figure("start to initialize, empty pygls server")
        ratio = self.figure("start to initialize, times the empty server", "×")
        ratio.target, ratio.of = 1.2, "p50"
        first = self.figure("initialize to first diagnostics, small", target=300, of="p50")
        for number in range(-1, STARTS):
            took: dict[str, tuple[float, float]] = {}
            for command in (EMPTY, SERVER):
                started = time.perf_counter()
                client = self.client(command)
                client.initialize(root)
                took[command[-1]] = (time.perf_counter() - started, client.cpu_seconds())
                if command is SERVER:
                    self._first(client, root, first if number >= 0 else Figure(""))
                client.stop()
            if number < 0:
                continue  # The first of each reads the files of the libraries from the disk.
            (empty_wall, empty_cpu), (wall, cpu) = took[EMPTY[-1]], took[SERVER[-1]]
            ours.add(wall * 1000, cpu * 1000)
            empty.add(empty_wall * 1000, empty_cpu * 1000)
            ratio.add(wall / empty_wall, cpu / empty_cpu)

    @staticmethod
    def _first(client: Client, root: Path, figure: Figure) -> None:
        with figure.time(client):
            client.notify("initialized", {})
            text = Text(client, root / "queries" / "q_1.smq.json", "smq")
            text.diagnosed()

    # A workspace

    def indexing(self, root: Path, is_large: bool) -> None:
        cold = self.figure("index, cold", "s", target=10 if is_large else None)
        checked = self.figure("index and check every file", "s")
        warm = self.figure("index, warm", "s", target=2 if is_large else None)
        memory = self.figure(
            "most memory, whole workspace checked", "MB", target=500 if is_large else None
        )
        client = self.client(cache=root.name)
        self._index(client, root, cold)
        with checked.time(client):
            client.request("workspace/diagnostic", {"previousResultIds": []})
        checked.wall[0] += cold.wall[0]
        checked.cpu[0] += cold.cpu[0]
        memory.add(client.peak_megabytes())
        client.stop()
        client = self.client(cache=root.name)
        self._index(client, root, warm)
        client.stop()

    @staticmethod
    def _index(client: Client, root: Path, figure: Figure) -> None:
        client.initialize(root)
        with figure.time(client):
            client.notify("initialized", {})
            # A question that only the whole workspace answers.
            found = client.request("workspace/symbol", {"query": "metric_0_1"})
        if not found:
            raise RuntimeError("The workspace was not read.")

    def checking(self, root: Path) -> None:
        """Typing while a workspace that nobody has opened before is looked at."""
        client = self.client(cache=f"{root.name}-unseen")
        client.initialize(root)
        client.notify("initialized", {})
        smq = Text(client, root / "queries" / "q_1.smq.json", "smq")
        smq.diagnosed()
        figure = self.figure("keystroke while all files are checked, SMQ")
        self.typing(smq, r'"metrics": \[\s*"metric_1_\d+', figure)
        client.stop()

    def editing(self, root: Path, is_large: bool) -> None:
        """Everything a person waits for who writes."""
        client = self.client(cache=root.name)
        client.initialize(root)
        client.notify("initialized", {})
        smq = Text(client, root / "queries" / "q_1.smq.json", "smq")
        yml = Text(client, root / "models" / f"{model_name(1)}.yml", "yaml")
        smq.diagnosed()
        yml.diagnosed()
        goal = {"target": 16.0 if is_large else None}
        for what, text, place in (
            ("SMQ", smq, r'"metrics": \[\s*"metric_1_\d+'),
            ("YAML formula", yml, r"expr: SUM\(model_1__m_\d"),
            ("YAML name in use", yml, "name: metric_1_1"),
            ("YAML description", yml, "의 원장"),
        ):
            self.typing(text, place, self.figure(f"keystroke to diagnostics, {what}", **goal))
        goal = {"target": 20.0 if is_large else None}
        self.asking(
            smq,
            self.figure("completion in groupBy", **goal),
            lambda: self._complete(smq, r'"groupBy": \[\s*"[^"]'),
        )
        self.asking(
            smq,
            self.figure("completion in metrics", **goal),
            lambda: self._complete(smq, r'"metrics": \[\s*"metric_'),
        )
        self.asking(
            smq,
            self.figure("completion in filters", **goal),
            lambda: self._complete(smq, r'"filters": \[\s*"[^"]*__d'),
        )
        self.asking(
            yml,
            self.figure("completion in a YAML formula", **goal),
            lambda: self._complete(yml, r"expr: SUM\("),
        )
        goal = {"target": 10.0 if is_large else None}
        self.asking(smq, self.figure("hover with SQL", **goal), lambda: self._hover(smq))
        self.navigating(smq, yml)
        memory = self.figure("most memory, after all that", "MB")
        memory.target = 500 if is_large else None
        memory.add(client.peak_megabytes())
        client.stop()

    def typing(self, text: Text, pattern: str, figure: Figure) -> None:
        """Type a letter behind a place and take it back, again and again."""
        place = text.after(pattern)
        for number in range(self.keystrokes):
            with figure.time(text.client):
                if number % 2:
                    text.replace(place, place + 1, "")
                else:
                    text.replace(place, place, "x")
                text.diagnosed()
            time.sleep(BETWEEN_KEYSTROKES)

    def asking(self, text: Text, figure: Figure, ask: Callable[[], object]) -> None:
        """Ask after every keystroke, so that no answer can be one that was kept."""
        pattern = r'"description": "' if text.uri.endswith(".json") else "description: "
        place = text.after(pattern)
        for number in range(self.keystrokes // 2):
            if number % 2:
                text.replace(place, place + 1, "")
            else:
                text.replace(place, place, "x")
            text.settle()
            with figure.time(text.client):
                ask()
            time.sleep(BETWEEN_KEYSTROKES)

    def _complete(self, text: Text, pattern: str) -> None:
        found = text.client.request("textDocument/completion", text.at(text.after(pattern)))
        items = found["items"] if isinstance(found, dict) else found
        if not items:
            raise RuntimeError(f"Nothing was offered at {pattern} of {text.uri}.")

    def _hover(self, text: Text) -> None:
        found = text.client.request("textDocument/hover", text.at(0))
        if "SELECT" not in found["contents"]["value"]:
            raise RuntimeError(f"There is no SQL: {found}")

    def navigating(self, smq: Text, yml: Text) -> None:
        metric = smq.at(smq.after(r'"metric_1_'))
        dimension = yml.at(yml.after("name: dim_3"))
        questions: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("go to definition", "definition", metric),
            ("references of a metric", "references", {**metric, "context": _INCLUDED}),
            ("references of a dimension", "references", {**dimension, "context": _INCLUDED}),
            ("rename of a dimension", "rename", {**dimension, "newName": "renamed"}),
            ("symbols of a YAML file", "documentSymbol", {"textDocument": yml.name}),
            ("semantic tokens of a YAML file", "semanticTokens/full", {"textDocument": yml.name}),
            ("code actions", "codeAction", _actions(smq)),
        )
        for name, method, params in questions:
            figure = self.figure(name)
            for _ in range(max(10, self.keystrokes // 10)):
                with figure.time(smq.client):
                    found = smq.client.request(f"textDocument/{method}", params)
                if found is None:
                    raise RuntimeError(f"{method} found nothing.")
        figure = self.figure("symbols of the workspace")
        for number in range(max(10, self.keystrokes // 10)):
            with figure.time(smq.client):
                smq.client.request("workspace/symbol", {"query": f"metric_{number}"})


_INCLUDED = {"includeDeclaration": True}


def _actions(text: Text) -> dict[str, Any]:
    place = text.position(text.after('"groupBy'))
    return {
        "textDocument": text.name,
        "range": {"start": place, "end": place},
        "context": {"diagnostics": []},
    }


def table(figures: list[Figure]) -> Iterator[str]:
    yield f"{'':44}{'n':>5}{'p50':>9}{'p95':>9}{'cpu p50':>9}{'cpu p95':>9}  target"
    for figure in figures:
        row = figure.summary()
        values = "".join(
            f"{'':>9}" if row[key] is None else f"{row[key]:9.2f}"
            for key in ("p50", "p95", "cpu_p50", "cpu_p95")
        )
        verdict = ""
        if figure.target is not None:
            word = "met" if row["meets_target"] else "MISSED"
            verdict = f"  {figure.of} ≤ {figure.target:g} {figure.unit}: {word}"
        yield f"{figure.name + ', ' + figure.unit:44}{row['count']:5}{values}{verdict}"


def machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": statistics.fmean(os.getloadavg()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", action="append", choices=SHAPES, help="default: small and large")
    parser.add_argument("--keystrokes", type=int, default=200)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    report: dict[str, Any] = {"machine": machine(), "keystrokes": arguments.keystrokes}
    with tempfile.TemporaryDirectory(prefix="smq-bench-") as name:
        scratch = Path(name)
        for size in ["small", *(s for s in arguments.size or ["large"] if s != "small")]:
            root, shape = scratch / "workspaces" / size, SHAPES[size]
            write(root, shape)
            print(f"\n{size}: {shape}", flush=True)
            bench = Bench(scratch, arguments.keystrokes)
            try:
                if size == "small":
                    bench.starting(root)
                bench.indexing(root, size == "large")
                if size == "large":
                    bench.checking(root)
                bench.editing(root, size == "large")
            finally:
                print("\n".join(table(bench.figures)), flush=True)
            report[size] = {
                "shape": asdict(shape),
                "figures": [figure.summary() for figure in bench.figures],
            }
    report["machine"]["load_average_after"] = statistics.fmean(os.getloadavg())
    if arguments.json is not None:
        text = json.dumps(report, ensure_ascii=False, indent=2) + "\n"
        arguments.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Running commands inside the test's process, as the entry would."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from smq_server.main import main


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


class Cli:
    """`cli("check", "q.smq.json")` in the test's directory, with a clean environment."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *words: str | Path, stdin: bytes | None = None) -> Outcome:
        if stdin is not None:
            text = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
            self._monkeypatch.setattr(sys, "stdin", text)
        self._capsys.readouterr()
        status = main([str(word) for word in words])
        captured = self._capsys.readouterr()
        return Outcome(status, captured.out, captured.err)


def start(*words: str | Path, cwd: Path, stdin: bytes = b"", **environ: str) -> Outcome:
    """The real process."""
    done = subprocess.run(
        [sys.executable, "-m", "smq_server.main", *map(str, words)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env={**os.environ, **environ},
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


BANK = Path(__file__).parent / "bank.yml"


def bank(directory: Path, **queries: str) -> None:
    """Write the worked-example workspace, its models below `models`, with some queries."""
    (directory / "models").mkdir()
    (directory / "models" / "bank.yml").write_bytes(BANK.read_bytes())
    (directory / "smq.toml").write_text("")
    for name, text in queries.items():
        (directory / f"{name}.smq.json").write_text(text, encoding="utf-8")

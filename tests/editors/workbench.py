"""Builds the extension for Visual Studio Code and plays its stories in a real window.

`editors/vscode/workbench/set-up.sh` gets what they need, and with `--oldest` the oldest version
that the extension claims; where that has not been run they are left out, unless
`SMQ_REQUIRE_VSCODE` is set (to `oldest`, for that version as well). Pictures of every step, and a
report with the seconds that some took, are in `build/vscode-pictures`, or where `SMQ_PICTURES`
says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
EXTENSION = REPOSITORY / "editors" / "vscode"
STORY = EXTENSION / "workbench" / "story.mjs"
PATIENCE = 600
"""Seconds for a chapter on a busy machine."""


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody did, whether they then saw what they should, and what they saw otherwise."""

    name: str
    ok: bool
    seen: str


def pictures() -> Path:
    return Path(os.environ.get("SMQ_PICTURES") or REPOSITORY / "build" / "vscode-pictures")


@cache
def missing(oldest: bool = False) -> str:
    """What is missing to play a story; empty if nothing is."""
    if not _npm():
        return "npm is not installed"
    if not (EXTENSION / "node_modules" / "playwright-core").is_dir():
        return "what the extension is built with is not installed; run make check-vscode"
    asked = "import {missing} from './workbench.mjs'; process.stdout.write(missing())"
    command = [_node(), "--input-type=module", "-e", asked]
    done = subprocess.run(
        command, cwd=STORY.parent, env=_environ(oldest), capture_output=True, encoding="utf-8"
    )
    return done.stdout if done.returncode == 0 else done.stderr


def chapters() -> Sequence[str]:
    """The stories that can be played here."""
    if missing():
        return ()
    command = [_node(), str(STORY), "--list"]
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
    found: list[str] = json.loads(done.stdout)
    return found


def packaged(directory: Path) -> Path:
    """The .vsix in a directory that all workers of a run share; the first of them builds it."""
    target = directory / "smq.vsix"
    with _alone(directory / "smq.vsix.lock"):
        if not target.exists():
            _package(target)
    return target


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    # Not at the top: only where windows are driven, and that is not on Windows.
    import fcntl

    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _package(target: Path) -> None:
    command = [_node(), "scripts/package.mjs", str(target)]
    done = subprocess.run(
        command,
        cwd=EXTENSION,
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def play(chapter: str, vsix: Path, oldest: bool = False) -> list[Step]:
    """The steps of a chapter up to its end, or to the first that failed.

    `oldest`: in the oldest Visual Studio Code that the extension claims, not in the newest.
    """
    shots = pictures() / "oldest" if oldest else pictures()
    done = subprocess.run(
        [_node(), str(STORY), str(vsix), str(shots), chapter],
        env=_environ(oldest),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines and "failed" in lines[-1], done.stdout + done.stderr
    # With the seconds that steps took, beside the pictures.
    shots.mkdir(parents=True, exist_ok=True)
    report = shots / f"{chapter.replace(' ', '-')}.jsonl"
    report.write_text(done.stdout, encoding="utf-8")
    return [Step(one["step"], one["ok"], str(one.get("seen", ""))) for one in lines[:-1]]


def _environ(oldest: bool) -> dict[str, str]:
    version = {"SMQ_VSCODE": "oldest"} if oldest else {}
    return {**os.environ, "PYTHON": sys.executable, **version}


def _npm() -> str | None:
    return shutil.which("npm")


def _node() -> str:
    return shutil.which("node") or "node"

"""The README tells the truth: its commands print what it shows, its files and targets exist."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.cli import Cli
from tests.support.examples import copy_example

from smq.syntax import Document
from smq_server.io import configuration

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("*/README.md"))
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def test_commands_print_what_is_shown() -> None:
    shown = runpy.run_path(str(ROOT / "docs" / "readme.py"))
    assert shown["refreshed"](README) == README
    commands = [line for block in blocks("console") for line in block.splitlines()]
    assert sum(line.startswith("$ smq ") for line in commands) >= 8


def test_the_picture_is_what_the_demo_prints() -> None:
    drawn = runpy.run_path(str(ROOT / "docs" / "make_picture.py"))
    assert drawn["picture"]() == (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")


def test_the_query_at_the_top_compiles(cli: Cli, tmp_path: Path) -> None:
    copy_example("shop", tmp_path)
    (query,) = blocks("json")
    json.loads(query)
    outcome = cli("compile", "-q", query)
    assert (outcome.status, outcome.err) == (0, "")


def test_the_configuration_is_valid() -> None:
    (text,) = blocks("toml")
    loaded = configuration.parse(Document("file:///w/smq.toml", text), "file:///w", {})
    assert loaded.problems == ()
    assert loaded.configuration.engine.duckdb.data == "data"


def test_the_hooks_exist() -> None:
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    (block,) = blocks("yaml")
    named = re.findall(r"- id: (\S+)", block)
    assert named
    for name in named:
        assert f"- id: {name}\n" in hooks


@pytest.mark.parametrize("document", DOCUMENTS)
def test_targets_of_make_exist(document: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), f"{document}: make {target}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)", text):
        if "://" not in target:
            assert ((ROOT / document).parent / target).exists(), f"{document}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_in_documents_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    folders = "semantic|server|metasync|schemas|tests|docs|examples|bench|editors|requirements"
    for path in re.findall(rf"`((?:{folders})/[\w./-]+)`", text):
        assert (ROOT / path).exists(), f"{document}: {path}"


def test_every_command_is_in_the_help_and_in_a_document(cli: Cli) -> None:
    overview = cli("--help").out
    commands = re.findall(r"^  ([a-z]+) {2,}", overview, re.M)
    assert {"check", "compile", "run", "explain", "demo"} <= set(commands)
    for command in commands:
        assert cli(command, "--help").status == 0


def test_make_without_a_target_says_what_there_is() -> None:
    shown = subprocess.run(
        ["make", "-s", "-C", str(ROOT)], capture_output=True, encoding="utf-8", check=True
    ).stdout
    for target in ("demo", "test", "check", "test-all", "bench", "lock", "fmt"):
        assert f"  make {target}" in shown


def test_the_lock_pins_and_hashes_everything_and_names_no_registry() -> None:
    text = (ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8")
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 30
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_demo_needs_no_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "smq_server.main", "demo"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""

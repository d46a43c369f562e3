"""The arrows of ARCHITECTURE.md: who may import whom, as contracts in pyproject.toml."""

from __future__ import annotations

import contextlib
import io
import re
import tomllib
from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[1]


def test_every_import_goes_in_the_right_direction() -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.chdir(ROOT):
        status = lint_imports(no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, said.getvalue()


def test_the_contracts_hold_every_dialect_and_every_engine() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    independent = {
        module
        for contract in contracts
        for module in contract.get("modules", ())
        if contract["type"] == "independence"
    }
    for package, folder in (
        ("smq.dialects", ROOT / "semantic" / "smq" / "dialects"),
        ("smq_metasync.engines", ROOT / "metasync" / "smq_metasync" / "engines"),
    ):
        modules = {f"{package}.{path.stem}" for path in folder.glob("*.py")}
        shared = {f"{package}.{name}" for name in ("__init__", "facts", "grammar", "nodes")}
        assert modules - shared <= independent


def test_no_group_of_a_pattern_repeats_possessively() -> None:
    # Python 3.11.0 to 3.11.4, Debian 12's among them, end such a match early where something in the
    # group gave back a character. An atomic group around the repetition means the same everywhere.
    assert lines_with(r"\)(?:[*+?]|\{[0-9,]+\})\+") == []


def test_the_dialects_of_the_library_are_taken_when_they_are_whole() -> None:
    # By a name of its own the library looks them up itself, and finds those that are half made.
    by_name = r"get_or_raise\(|(?:read|write|dialect)=(?!grammar\()(?:\"[a-z]|[\w.()]*\.sqlglot\b)"
    (here,) = lines_with(by_name, "semantic/smq")
    assert here.startswith("semantic/smq/dialects/grammar.py:")


def lines_with(pattern: str, *folders: str) -> list[str]:
    """The places of our own code in which a line has the pattern."""
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in folders or ("semantic", "server", "metasync", "schemas")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]

"""The arrows of ARCHITECTURE.md: who may import whom, as contracts in pyproject.toml."""

from __future__ import annotations

import contextlib
import io
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
        shared = {f"{package}.{name}" for name in ("__init__", "facts", "nodes")}
        assert modules - shared <= independent

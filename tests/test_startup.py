"""Starting is an import question: what each entry may load is a list, not a timing."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

import smq_server

_HEAVY = (
    "sqlglot",
    "duckdb",
    "yaml",
    "jsonschema",
    "jsonschema_rs",
    "pygls",
    "lsprotocol",
    "asyncio",
    "psycopg",
    "openai",
    "langgraph",
    "langchain_core",
    "mcp",
    "google",
)


def loaded(*words: str, status: int = 0) -> set[str]:
    """The modules in a fresh process after a command; those of the interpreter's start left out."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from smq_server.main import main\n"
        "status = main(sys.argv[1:])\n"
        "print('|' + ' '.join(set(sys.modules) - before), file=sys.stderr)\n"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return set(done.stderr.rpartition("|")[2].split())


def test_version_loads_nothing_but_itself() -> None:
    assert loaded("--version") <= {
        "smq_server",
        "smq_server.main",
        # What they import of the standard library:
        "__future__",
        "collections",
        "collections.abc",
        *(name for name in sys.stdlib_module_names if name in _LIGHT),
    }


# The few modules of the standard library that `from collections.abc import …` may bring along.
_LIGHT = frozenset({"_collections", "_operator", "itertools", "keyword", "operator", "reprlib"})


@pytest.mark.parametrize(
    ("words", "status"), [(("--help",), 0), (("check", "--help"), 0), (("nonsense",), 2)]
)
def test_help_loads_no_library(words: tuple[str, ...], status: int) -> None:
    tops = {name.partition(".")[0] for name in loaded(*words, status=status)}
    assert tops.isdisjoint(_HEAVY)


@pytest.mark.parametrize("command", ["fmt", "rule", "init", "completion"])
def test_commands_without_sql_load_no_engine(command: str) -> None:
    tops = {name.partition(".")[0] for name in loaded(command, "--help")}
    assert tops.isdisjoint({"duckdb", "pygls", "lsprotocol", "asyncio", "openai", "google"})


def test_version_is_that_of_the_package() -> None:
    assert smq_server.__version__ == metadata.version("smq")

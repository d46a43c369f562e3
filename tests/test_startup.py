"""Starting is an import question: what each entry may load is a list, not a timing."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from tests.support.wire import Wire

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


_AFTER_THE_FIRST_LOOK = {
    "what a warehouse holds": (
        "smq.catalog.read",
        "smq.catalog.semantic",
        "smq.catalog.tables",
        "smq_metasync.stores",
    ),
    "layouts": ("smq.format.changes", "smq.format.json_layout", "smq.format.yaml_layout"),
    "words for what was found": (
        "smq.rules.families.expressions",
        "smq.rules.families.json_structure",
        "smq.rules.families.names",
        "smq.rules.families.query",
        "smq.rules.families.yaml_structure",
        "smq.rules.silence",
    ),
    "SQL that only some engines and queries have": (
        "smq.sql.lower.percentile_ranks",
        "sqlglot.dialects.bigquery",
    ),
    "validators, for a file with a fault": ("jsonschema", "jsonschema_rs"),
    "keystrokes": ("smq.syntax.yaml_again", "smq.workspace.affected"),
    "what the command line reads workspaces with": (
        "smq_server.io.forked",
        "smq_server.io.kept",
        "smq_server.io.workspace",
    ),
    "questions of editors": ("smq.ide",),
}
"""What a language server must not load before its first diagnostics: reading and checking need
none of it, and somebody is waiting."""

_SERVER_THAT_TELLS = """
import sys
from smq_server.cli.lsp import serve_editor
from smq_server.lsp import app

build = app.build

def telling():
    server = build()
    notify = server.session.notify

    def noting(method, params):
        if method == "textDocument/publishDiagnostics":
            print("LOADED", *sys.modules, file=sys.stderr, flush=True)
        notify(method, params)

    server.session.notify = noting
    return server

app.build = telling
serve_editor()
"""


def test_the_first_diagnostics_load_what_reading_and_checking_need(tmp_path: Path) -> None:
    (tmp_path / "models.yml").write_text(_MODELS, encoding="utf-8")
    with Wire(cwd=tmp_path, code=_SERVER_THAT_TELLS) as wire:
        wire.initialize(tmp_path)
        uri = wire.open(tmp_path / "q.smq.json", _QUERY)
        assert wire.diagnostics(uri) == []
        loaded = set(wire.wait_for_stderr("LOADED").split())
        wire.shutdown()
    assert "smq.sql.compile" in loaded, "the query has been compiled, or nothing was checked"
    too_early = {
        why: found
        for why, names in _AFTER_THE_FIRST_LOOK.items()
        if (found := loaded.intersection(names))
    }
    assert too_early == {}


_MODELS = """\
semantic_models:
  - name: orders
    table: orders
    dimensions:
      - name: status
        type: varchar
    measures:
      - name: amount
        type: decimal
metrics:
  - name: revenue
    expr: SUM(orders__amount)
"""
_QUERY = '{"metrics": ["revenue"], "groupBy": ["orders__status"]}'


def test_version_is_that_of_the_package() -> None:
    assert smq_server.__version__ == metadata.version("smq")

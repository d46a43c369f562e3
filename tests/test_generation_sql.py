"""SQL from the metadata cache, for questions that no semantic model covers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.support.cache import cache as cache_of
from tests.support.cache import known, table, written
from tests.support.cli import Cli
from tests.support.generation import KEY, TODAY, answer, models, no_answer, query
from tests.support.llm_endpoint import LlmEndpoint, Reply

from smq.catalog import CatalogSnapshot, Unknown
from smq.sql.known_names import fit
from smq_schemas import schema
from smq_server.generation.generate import Question, with_settings
from smq_server.generation.result import Declined, Failed, Result, WrittenSql
from smq_server.generation.sql import DryRun, write_sql

VISITS = table("web.visits", {"visited_on": "DATE", "page": "VARCHAR", "seconds": "INTEGER"})
EXAMPLES = [{"question": "How many?", "sql": "SELECT COUNT(*) FROM web.visits"}]
INSIGHTS = {"web.visits": {"page": {"top": [{"value": "/secret-page", "count": 3}]}}}
KNOWN = known(VISITS, examples=EXAMPLES, insights=INSIGHTS)
RIGHT = "SELECT page, COUNT(*) AS visits FROM web.visits GROUP BY page"


def sql(text: str, **more: Any) -> Reply:
    value = {"answerable": True, "reason": "visits", "sql": text, "assumptions": [], **more}
    return {"content": value}


async def _at_once(_: float) -> None:
    """Nobody waits in a test."""


def ask(
    endpoint: LlmEndpoint,
    catalog: CatalogSnapshot = KNOWN,
    dry_run: DryRun | None = None,
    **settings: Any,
) -> Result:
    with endpoint:
        snapshot = with_settings(
            models("semantic_models: []\n"),
            base_url=endpoint.base_url,
            model="m",
            api="chat",
            **settings,
        )
        question = Question("visits of each page", TODAY)
        environ = {"SMQ_LLM_API_KEY": KEY}
        return asyncio.run(write_sql(question, snapshot, catalog, environ, dry_run, pause=_at_once))


def test_sql_over_known_tables_is_given() -> None:
    endpoint = LlmEndpoint([sql(RIGHT + ";")])
    found = ask(endpoint)
    assert isinstance(found, WrittenSql)
    assert (found.sql, found.tables, found.is_planned) == (RIGHT, ("web.visits",), False)
    assert "- visited_on (DATE)" in endpoint.sent and endpoint.refused == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT pages FROM web.visits", "has no column pages; did it mean page?"),
        ("SELECT 1 FROM web.clicks", "There is no table web.clicks"),
        ("DELETE FROM web.visits", "expected a SELECT"),
        ("SELECT 1 FROM web.visits; DROP TABLE web.visits", "2 statements"),
        ("SELECT page FROM", "cannot be parsed"),
        ("SELECT 1", "reads no table"),
        ("", "no SQL"),
        ("SELECT * FROM read_csv('/etc/passwd') JOIN web.visits ON 1 = 1", "read_csv"),
        ("SELECT * FROM web.visits, '/etc/passwd'", "no table"),
    ],
)
def test_sql_that_does_not_fit_goes_back(text: str, words: str) -> None:
    endpoint = LlmEndpoint([sql(text), sql(RIGHT)])
    found = ask(endpoint)
    assert isinstance(found, WrittenSql) and found.sql == RIGHT
    assert words.lower() in endpoint.requests[1]["messages"][-1]["content"].lower()


def test_sql_that_never_fits_is_a_failure() -> None:
    found = ask(LlmEndpoint([sql("SELECT nonsense FROM web.visits")] * 3))
    assert isinstance(found, Failed) and found.kind == "invalid"


def test_the_engine_has_the_last_word() -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []

    def dry_run(text: str, tables: tuple[str, ...]) -> str | None:
        asked.append((text, tables))
        return "page must be aggregated" if len(asked) == 1 else None

    endpoint = LlmEndpoint([sql("SELECT page, COUNT(*) AS n FROM web.visits"), sql(RIGHT)])
    found = ask(endpoint, dry_run=dry_run)
    assert isinstance(found, WrittenSql) and found.is_planned
    assert [tables for _, tables in asked] == [("web.visits",)] * 2
    assert "page must be aggregated" in endpoint.sent


@pytest.mark.parametrize("allowed", [True, False])
def test_examples_and_values_are_sent_only_if_that_is_allowed(allowed: bool) -> None:
    endpoint = LlmEndpoint([sql(RIGHT)])
    ask(endpoint, examples=allowed)
    assert ("How many?" in endpoint.sent) is allowed
    assert ("/secret-page" in endpoint.sent) is allowed
    assert len(KNOWN.examples) == 1 and KNOWN.insights


def test_what_the_tables_cannot_answer_is_declined() -> None:
    found = ask(LlmEndpoint([sql("", answerable=False, reason="No costs.")]))
    assert isinstance(found, Declined) and found.reason == "No costs."


def test_without_a_cache_it_is_said_how_to_make_one() -> None:
    endpoint = LlmEndpoint()
    found = ask(endpoint, Unknown("absent", "There is no cache."))
    assert isinstance(found, Failed) and "smq metasync sync" in found.message
    assert endpoint.requests == []


def test_functions_that_read_files_are_no_tables() -> None:
    for name in ("read_parquet('x')", "glob('/*')", "external_query('c', 'SELECT 1')"):
        assert fit(f"SELECT * FROM {name}", "duckdb", KNOWN).reason
    assert fit("SELECT * FROM web.visits, range(3)", "duckdb", KNOWN).reason is None


# --- the command


@pytest.fixture
def workspace(cli: Cli, tmp_path: Path) -> Path:
    (tmp_path / "cache.json").write_bytes(written(cache_of(VISITS)))
    (tmp_path / "data" / "web").mkdir(parents=True)
    rows = "visited_on,page,seconds\n2024-01-01,/a,3\n2024-01-01,/a,4\n"
    (tmp_path / "data" / "web" / "visits.csv").write_text(rows)
    return tmp_path


def configure(directory: Path, endpoint: LlmEndpoint) -> None:
    (directory / "smq.toml").write_text(
        f'[llm]\nmodel = "m"\nbase_url = "{endpoint.base_url}"\nretries = 0\n'
        '[metasync]\ncache = "cache.json"\n[engine.duckdb]\ndata = "data"\n'
    )


def test_the_command_prints_sql_that_the_engine_has_planned(cli: Cli, workspace: Path) -> None:
    wrong = "SELECT page, visited_on, COUNT(*) AS n FROM web.visits GROUP BY page"
    with LlmEndpoint([sql(wrong), sql(RIGHT), sql(RIGHT)]) as endpoint:
        configure(workspace, endpoint)
        done = cli("generate", "visits", "--sql")
        assert (done.status, done.out) == (0, RIGHT + "\n")
        assert "the engine has planned it" in done.err
        document = json.loads(cli("generate", "visits", "--sql", "--json").out)
        jsonschema.validate(document, schema("generate-output"))
        assert document["status"] == "sql" and document["planned"] is True
        assert "/a" not in endpoint.sent


def test_models_are_asked_before_the_cache(cli: Cli, workspace: Path) -> None:
    from tests.support.cli import BANK

    (workspace / "bank.yml").write_bytes(BANK.read_bytes())
    covered = answer(query("customer_count"))
    with LlmEndpoint([covered, no_answer("No visits."), sql(RIGHT)]) as endpoint:
        configure(workspace, endpoint)
        done = cli("generate", "고객", "수", "--sql")
        assert done.out.startswith("SELECT") and "cust_no" in done.out
        done = cli("generate", "visits of each page", "--sql")
        assert done.out == RIGHT + "\n" and "no model covers this: No visits." in done.err
        assert cli("generate", "x", "--sql", "--save", "x.smq.json").status == 2


SEMANTIC = {
    "metrics": [{"name": "visit_count", "label": "Visits"}],
    "models": [{"name": "visits", "dimensions": [{"name": "page"}]}],
}


def test_a_cache_of_names_alone_gives_no_query_and_it_is_said_why(
    cli: Cli, workspace: Path
) -> None:
    (workspace / "cache.json").write_bytes(written(cache_of(VISITS, semantic=SEMANTIC)))
    with LlmEndpoint([sql(RIGHT)]) as endpoint:
        configure(workspace, endpoint)
        done = cli("generate", "visits", "of", "each", "page")
        assert done.status == 2 and endpoint.paths == []
        assert "names metrics (visit_count) but not how they are computed" in done.err
        assert "--sql" in done.err
        assert cli("generate", "visits", "of", "each", "page", "--sql").out == RIGHT + "\n"


def test_the_prompt_for_sql_is_shown_as_it_goes_out(cli: Cli, workspace: Path) -> None:
    with LlmEndpoint([sql(RIGHT)], apis=["responses"]) as endpoint:
        configure(workspace, endpoint)
        shown = cli("generate", "visits", "--sql", "--show-prompt")
        assert shown.status == 0 and endpoint.paths == []
        assert cli("generate", "visits", "--sql").status == 0
    for message in endpoint.requests[0]["input"]:
        assert f"--- {message['role']}\n{message['content']}\n" in shown.out
    assert "web.visits" in shown.out

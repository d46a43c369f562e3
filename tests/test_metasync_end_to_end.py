"""From a warehouse to an editor that has queries only: sync, then everything from the cache."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.support.cli import Cli
from tests.support.examples import EXAMPLES, copy_example
from tests.support.session import Client

from smq.catalog import Known
from smq.ide.completion import completions
from smq.ide.hover import hover
from smq_metasync.client import Reader
from smq_metasync.fetching import PublishedCache
from smq_metasync.prompt import prompt_facts

ASKED = {
    "bank": ("account_count", "고객기본__cust_no", "계좌", "acct_base"),
    "shop": ("revenue", "orders__status", "orders", "orders"),
}


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return Cli(capsys, monkeypatch)


@pytest.mark.parametrize("name", ASKED)
def test_an_example_is_collected_and_queries_alone_are_written_from_its_cache(
    cli: Cli, tmp_path: Path, name: str
) -> None:
    metric, dimension, question, table = ASKED[name]
    workspace, lone = tmp_path / "workspace", tmp_path / "lone"
    copy_example(name, workspace)
    done = cli("metasync", "sync", "--workspace", workspace)
    assert done.status == 0, done.err

    # The models agree with the warehouse that they were written for.
    done = cli("check", workspace, "--fail-on", "warning")
    assert done.status == 0, done.out

    # A directory with query files and the place of the cache, and nothing else.
    shutil.copytree(EXAMPLES / name / "queries", lone)
    place = json.dumps(str(workspace / ".smq"))
    (lone / "smq.toml").write_text(f"metasync.cache = {place}\n", encoding="utf-8")
    done = cli("check", lone)
    assert (done.status, done.out) == (0, ""), done.out

    client = Client(lone)
    client.settle()
    text = '{"metrics": ["'
    uri = client.open(lone / "new.smq.json", text)
    view = client.session.view(uri)
    assert view is not None
    offers = {o.label: o for o in completions(view.snapshot, view.uri, len(text)).items}
    assert metric in offers and "MetaSync" in offers[metric].detail
    text = f'{{"metrics": ["{metric}"], "groupBy": ["'
    client.set(uri, 2, text)
    view = client.session.view(uri)
    assert view is not None
    offers = {o.label: o for o in completions(view.snapshot, view.uri, len(text)).items}
    assert dimension in offers and not offers[dimension].why_not
    about = hover(view.snapshot, view.uri, text.index(metric))
    assert about is not None and "Collected by MetaSync" in about.markdown

    # The same cache, for a language model.
    known = Reader(PublishedCache(str(workspace / ".smq"), tmp_path)).load()
    assert isinstance(known, Known) and len(known) == 6
    facts = prompt_facts(known, question, budget=1500)
    assert facts.is_known and facts.tokens <= 1500
    assert table in prompt_facts(known, question, tables=[table]).table_id

    # And for drafts: every table becomes a model that loads beside the others.
    done = cli("draft", "*", "--config", lone / "smq.toml")
    assert done.status == 0, done.err
    assert done.out.startswith("semantic_models:\n")

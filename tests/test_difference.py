"""Semantic diff: what queries mean after a change of a model, told in the words of the model."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import jsonschema
import pytest
from tests.support.cli import Cli
from tests.support.examples import copy_example
from tests.support.ide import marked

from smq.ide import difference, queries
from smq.ide.difference import SemanticDiff, semantic_diff
from smq.ide.difference_text import markdown, sql_diff, summary
from smq.query.written import WrittenQuery
from smq.sql.result import Compiled
from smq.text import Location
from smq.workspace import Change, Snapshot
from smq_schemas import schema
from smq_server.io.workspace import load, locate

_FILES = """\
-- models.yml --
semantic_models:
  - name: orders
    table: shop.orders
    entities:
      - {name: ord, type: primary, expr: id}
      - {name: cust, type: foreign, expr: cust_id}
    dimensions:
      - {name: status, type: varchar}
      - {name: day, type: date}
    measures:
      - {name: amount, type: integer, agg: sum, expr: amt}
  - name: customers
    table: shop.customers
    entities:
      - {name: cust, type: primary, expr: id}
    dimensions:
      - {name: country, type: varchar, expr: ctry}
metrics:
  - {name: revenue, expr: SUM(orders__amount)}
  - {name: orders_placed, expr: COUNT(DISTINCT orders__ord)}
  - {name: average, expr: "revenue / NULLIF(orders_placed, 0)"}
-- q.smq.json --
[
  {"name": "by country", "metrics": ["average"], "groupBy": ["customers__country"]},
  {"name": "in all", "metrics": ["revenue"], "filters": ["orders__status = 'paid'"]},
  {"name": "placed", "metrics": ["orders_placed"], "limit": 3}
]
"""


def changed(**replacements: str) -> SemanticDiff:
    """The diff after replacing texts in a file: `old => new`, several with `;;` between them."""
    here = marked(_FILES)
    changes = []
    for kind, pairs in replacements.items():
        uri = "models.yml" if kind == "yml" else "q.smq.json"
        text = here.snapshot.document(uri).text
        for pair in pairs.split(" ;; "):
            old, new = pair.split(" => ")
            assert old in text, old
            text = text.replace(old, new)
        changes.append(Change(uri, text))
    return semantic_diff(here.snapshot, here.snapshot.apply(changes))


def told(diff: SemanticDiff) -> dict[str, list[str]]:
    return {
        f"{query.change} {query.name}": [
            *(each.words for each in query.differences),
            *query.problems,
        ]
        for query in diff.queries
    }


def test_nothing_changes_when_texts_change_and_meanings_do_not() -> None:
    diff = changed(
        yml="table: shop.customers => table: shop.customers  # where they are",
        json='"limit": 3 => "limit": 3, "description": "how many"',
    )
    assert diff.is_empty
    assert (diff.unchanged, diff.definitions) == (3, ())


def test_a_filter_of_a_metric_reaches_every_query_that_uses_it() -> None:
    diff = changed(
        yml="expr: SUM(orders__amount)} => "
        "expr: SUM(orders__amount), filter: \"orders__status <> 'x'\"}"
    )
    assert told(diff) == {
        "changed by country": ["filter of average added: orders__status <> 'x'"],
        "changed in all": ["filter of revenue added: orders__status <> 'x'"],
    }
    assert diff.unchanged == 1
    (cause,) = diff.definitions
    assert (cause.kind, cause.name, cause.change) == ("metric", "revenue", "changed")
    assert cause.after == "SUM(orders__amount), where orders__status <> 'x'"


def test_another_column_is_told_by_lineage() -> None:
    diff = changed(yml="expr: amt => expr: net_amt")
    assert told(diff)["changed in all"] == [
        "revenue is computed from shop.orders.net_amt, no longer from shop.orders.amt"
    ]
    assert [each.name for each in diff.definitions] == ["orders__amount"]
    (query,) = [each for each in diff.queries if each.name == "in all"]
    assert [line for line in sql_diff(query) if line[0] in "+-"] == [
        "-  SUM(orders.amt) AS revenue",
        "+  SUM(orders.net_amt) AS revenue",
    ]


def test_another_column_of_a_filter_is_told() -> None:
    diff = changed(yml="{name: status, type: varchar} => {name: status, type: varchar, expr: st}")
    assert told(diff) == {"changed in all": ["reads shop.orders.st, no longer shop.orders.status"]}


def test_another_calculation_over_the_same_aggregates_is_told() -> None:
    diff = changed(yml="revenue / NULLIF => 2 * revenue / NULLIF")
    (words,) = told(diff)["changed by country"]
    assert words == (
        "average is calculated differently: SUM(orders.amt) / NULLIF(COUNT(DISTINCT orders.id), 0)"
        " → 2 * SUM(orders.amt) / NULLIF(COUNT(DISTINCT orders.id), 0)"
    )


def test_a_join_that_changes_its_key_is_told() -> None:
    diff = changed(yml="type: foreign, expr: cust_id => type: foreign, expr: buyer_id")
    assert told(diff) == {
        "changed by country": [
            "join added: orders → customers on orders.buyer_id = customers.id",
            "join removed: orders → customers on orders.cust_id = customers.id",
        ]
    }


def test_another_aggregate_and_another_base() -> None:
    diff = changed(yml="COUNT(DISTINCT orders__ord) => COUNT(DISTINCT customers__cust)")
    assert told(diff)["changed placed"] == [
        "orders_placed no longer computes COUNT(DISTINCT orders__ord)",
        "orders_placed computes COUNT(DISTINCT customers__cust)",
        "orders_placed is computed from shop.customers.id, no longer from shop.orders.id",
        "no longer reads shop.orders and reads shop.customers",
    ]


def test_a_query_that_no_longer_compiles_says_why() -> None:
    diff = changed(yml="name: country => name: land")
    assert list(told(diff)) == ["broken by country"]
    assert "has no 'country'" in told(diff)["broken by country"][0]
    assert summary(diff) == "1 query is broken; 2 unchanged."
    back = marked(_FILES)
    broken = back.snapshot.apply(
        [Change("models.yml", back.snapshot.document("models.yml").text.replace("country", "land"))]
    )
    assert list(told(semantic_diff(broken, back.snapshot))) == ["mended by country"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            '"groupBy": ["customers__country"] => "groupBy": ["orders__day__month"]',
            "grain changed: customers__country → orders__day__month",
        ),
        ('"metrics": ["average"] => "metrics": ["average", "revenue"]', "column revenue added"),
        ('"customers__country"]} => "customers__country"], "limit": 5}', "limit changed: none → 5"),
        (
            '"customers__country"]} => "customers__country"], "orderBy": ["-average"]}',
            "order changed: none → -average",
        ),
        (
            '"customers__country"]} => "customers__country"], "filters": ["average > 1"]}',
            "filter added after aggregation: average > 1",
        ),
    ],
)
def test_what_is_changed_in_a_query_itself(change: str, words: str) -> None:
    diff = changed(json=change)
    (query,) = diff.queries
    assert (query.name, query.edited) == ("by country", True)
    assert words in [each.words for each in query.differences]


def test_queries_are_found_again_when_others_come_and_go() -> None:
    diff = changed(
        json='  {"name": "by country", "metrics": ["average"], '
        '"groupBy": ["customers__country"]}, =>   {"metrics": ["revenue"]},'
    )
    assert told(diff) == {"removed by country": [], "added revenue": []}
    assert diff.unchanged == 2


def test_markdown_has_the_causes_the_queries_and_folded_sql() -> None:
    diff = changed(yml="expr: amt => expr: net_amt")

    def place(location: Location) -> str:
        return location.uri

    text = markdown(diff, place, "Title")
    assert text.startswith("### Title\n\n2 queries mean something else; 1 unchanged.\n")
    assert "| ~ | measure `orders__amount` | `sum of amt, integer` |" in text
    assert "#### ~ q.smq.json [1]: in all (changed)" in text
    assert "```diff\n@@" in text
    assert "+  SUM(orders.net_amt) AS revenue" in text


def test_only_what_a_change_can_reach_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    def count(snapshot: Snapshot, query: WrittenQuery, dialect: str | None) -> Compiled:
        compiled.append(query.name or "")
        return queries.compiled(snapshot, query, dialect)

    monkeypatch.setattr(difference, "compiled", count)
    files = _FILES + '-- other.smq.json --\n{"name": "other", "metrics": ["orders_placed"]}\n'
    here = marked(files)
    text = here.snapshot.document("models.yml").text

    def diff(old: str, new: str) -> SemanticDiff:
        compiled.clear()
        assert old in text
        change = Change("models.yml", text.replace(old, new))
        return semantic_diff(here.snapshot, here.snapshot.apply([change]))

    found = diff("expr: amt", "expr: net_amt")
    assert (len(found.queries), found.unchanged) == (2, 2)
    assert "other" not in compiled
    # Its joins may be other ones, so each query is compiled.
    diff("expr: cust_id", "expr: buyer_id")
    assert "other" in compiled


@pytest.mark.parametrize("name", ["bank", "shop"])
def test_what_is_not_compiled_has_not_changed(name: str, tmp_path: Path) -> None:
    """Each line of a model file left out or damaged, held against compiling every query."""
    copy_example(name, tmp_path / name)
    snapshot = load(locate(tmp_path / name, {})).snapshot
    rng = random.Random(name)
    uris = [uri for uri, file in snapshot.files if file.declarations.models]
    uris += [uri for uri, file in snapshot.files if file.declarations.metrics]
    for uri in uris:
        lines = snapshot.document(uri).text.splitlines(keepends=True)
        for number in rng.sample(range(len(lines)), 3):
            line = lines[number]
            other = rng.choice(["", line.replace("a", "b", 1), line.replace("__", "_", 1)])
            text = "".join([*lines[:number], other, *lines[number + 1 :]])
            after = snapshot.apply([Change(uri, text)])
            diff = semantic_diff(snapshot, after, "duckdb")
            told = {(each.path, each.index): each.change for each in diff.queries}
            assert told == _compiled_all(snapshot, after), (uri, line)


def _compiled_all(before: Snapshot, after: Snapshot) -> dict[tuple[str, int], str]:
    found: dict[tuple[str, int], str] = {}
    for uri, file in after.files:
        for query in file.queries:
            old, new = (
                [one.sql for one in queries.compiled(snapshot, query, "duckdb").queries]
                for snapshot in (before, after)
            )
            if old != new:
                key = after.configuration.relative_path(uri), query.index
                found[key] = "changed" if old and new else "broken" if old else "mended"
    return found


def test_markdown_of_very_many_queries_ends_in_time_and_says_how_many_are_left() -> None:
    many = ", ".join(f'{{"name": "q{n}", "metrics": ["revenue"]}}' for n in range(1500))
    here = marked(f"{_FILES}-- many.smq.json --\n[{many}]\n")
    text = here.snapshot.document("models.yml").text.replace("expr: amt", "expr: net_amt")
    diff = semantic_diff(here.snapshot, here.snapshot.apply([Change("models.yml", text)]))
    told = markdown(diff, lambda each: "", "Title")
    assert len(told) < 60_000
    last = told.splitlines()[-1]
    listed = sum(line.startswith("- ~ ") for line in told.splitlines())
    assert last == f"- … and {len(diff.queries) - listed} more queries"


# The command, against a real repository


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    return Cli(capsys, monkeypatch)


def git(directory: Path, *words: str) -> None:
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(
        ["git", *identity, *words], cwd=directory, check=True, capture_output=True, timeout=60
    )


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop in a directory of a repository, committed."""
    shop = tmp_path / "repository" / "shop"
    copy_example("shop", shop)
    git(shop.parent, "init", "--quiet")
    git(shop.parent, "add", "-A")
    git(shop.parent, "commit", "--quiet", "-m", "as it was")
    monkeypatch.chdir(shop)
    return shop


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_without_changes_the_command_ends_well(cli: Cli, repository: Path) -> None:
    done = cli("diff")
    assert (done.status, done.err) == (0, "")
    assert done.out == "No query means something else; 10 unchanged.\n"


def test_an_edit_that_is_not_committed_is_compared(cli: Cli, repository: Path) -> None:
    edit(repository / "models" / "orders.yml", "subtotal + tax + shipping", "subtotal + tax")
    done = cli("diff", "--sql")
    assert done.status == 1
    assert "~ measure orders__total: sum of subtotal + tax + shipping → sum of subtotal + tax" in (
        done.out
    )
    assert "(models/orders.yml:" in done.out
    assert "paid is computed from shop.orders.subtotal, shop.orders.tax, no longer from" in done.out
    assert "-    SUM(orders.subtotal + orders.tax + orders.shipping) AS paid" in done.out


def test_json_is_what_its_schema_says(cli: Cli, repository: Path) -> None:
    edit(repository / "models" / "orders.yml", "name: is_large", "name: is_big")
    (repository / "queries" / "new.smq.json").write_text('{"metrics": ["revenue"]}')
    (repository / "queries" / "overview.smq.json").unlink()
    done = cli("diff", "--format", "json")
    document = json.loads(done.out)
    jsonschema.Draft202012Validator(schema("diff-output")).validate(document)
    changes = {query["path"]: query["change"] for query in document["queries"]}
    assert changes == {
        "queries/growth.smq.json": "broken",
        "queries/new.smq.json": "added",
        "queries/overview.smq.json": "removed",
    }
    assert len(document["commit"]) == 40


def test_markdown_goes_to_a_file_for_the_pull_request(cli: Cli, repository: Path) -> None:
    edit(repository / "models" / "orders.yml", "subtotal + tax + shipping", "subtotal")
    git(repository, "commit", "-qam", "cheaper")
    assert cli("diff").status == 0
    done = cli("diff", "HEAD~1", "--format", "markdown", "-o", "comment.md")
    assert (done.status, done.out) == (1, "")
    assert (
        (repository / "comment.md").read_text().startswith("### What queries mean since `HEAD~1`")
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no-such",), "has no revision 'no-such'"),
        (("--", "--output=x"), "has no revision '--output=x'"),
        (("HEAD", "nowhere"), "no such file or directory: nowhere"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    cli: Cli, repository: Path, words: tuple[str, ...], said: str
) -> None:
    done = cli("diff", *words)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


def test_outside_of_a_repository(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_example("shop", tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    done = cli("diff")
    assert done.status == 2
    assert "is not in a git repository" in done.err


def test_dbts_manifest_of_today_names_the_tables_of_then(cli: Cli, repository: Path) -> None:
    (repository / "target").mkdir()
    nodes = {
        "model.x.orders": {
            "resource_type": "model",
            "name": "orders",
            "schema": "prod",
            "alias": "orders",
            "database": None,
        }
    }
    (repository / "target" / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    assert cli("diff").status == 0

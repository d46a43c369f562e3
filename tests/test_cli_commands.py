"""`smq list`, `rule`, `init`, `fmt`, `completion` and watching."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
from tests.support.cli import Cli, bank

from smq.rules import rules
from smq_schemas import schema
from smq_server.cli import init, watching
from smq_server.cli.commands import COMMANDS
from smq_server.io.failure import Failure

# --- list -------------------------------------------------------------------------------------


def listed(cli: Cli, *words: str) -> list[dict[str, object]]:
    done = cli("list", *words, "--format", "json")
    assert done.status == 0, done.err
    document = json.loads(done.out)
    jsonschema.Draft202012Validator(schema("list-output")).validate(document)
    items: list[dict[str, object]] = document["items"]
    return items


def names(items: list[dict[str, object]]) -> list[object]:
    return [item["name"] for item in items]


def test_listings_are_complete_and_in_order(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, q='[{"name": "첫째", "metrics": ["revenue"]}, {"metrics": ["total_credit"]}]')
    found = names(listed(cli, "metrics"))
    assert found == sorted(map(str, found)) and "total_brn_cnt" in found
    assert names(listed(cli, "models")) == ["계좌정보", "고객기본", "부점코드", "주문"]
    assert "부점코드__brn_stcd" in names(listed(cli, "dimensions"))
    queries = listed(cli, "queries")
    assert names(queries) == ["첫째", None]
    assert queries[1]["defined"] == {"path": "q.smq.json", "line": 1, "column": 42}


def test_search_looks_at_names_labels_and_descriptions(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path)
    assert names(listed(cli, "dimensions", "STCD")) == ["부점코드__brn_stcd"]
    assert names(listed(cli, "dimensions", "폐점")) == ["부점코드__brn_stcd"]
    done = cli("list", "metrics", "nothing like that")
    assert (done.status, done.out) == (0, "")
    assert "no metrics with 'nothing like that'" in done.err


def test_dimensions_of_a_metric_with_their_joins(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path)
    found = {item["name"]: item for item in listed(cli, "dimensions", "--for", "account_count")}
    assert set(found) == {
        "계좌정보__open_dt",
        "고객기본__cust_no",
        "부점코드__brn_cd",
        "부점코드__brn_stcd",
    }
    assert found["부점코드__brn_cd"]["joins"] == [
        {
            "from": "계좌정보",
            "paths": [
                [
                    {"from": "계좌정보", "to": "고객기본", "entities": ["cust"]},
                    {"from": "고객기본", "to": "부점코드", "entities": ["brn"]},
                ]
            ],
        }
    ]
    text = cli("list", "dimensions", "--for", "account_count").out
    assert "계좌정보 → 고객기본 (cust) → 부점코드 (brn)" in text
    assert text.index("계좌정보__open_dt") < text.index("고객기본__cust_no")


def test_listing_mistakes(cli: Cli, tmp_path: Path) -> None:
    assert cli("list", "metrics").status == 2
    bank(tmp_path)
    done = cli("list", "dimensions", "--for", "acount_count")
    assert (done.status, done.out) == (2, "")
    assert "Metric 'acount_count' not found; did you mean account_count" in done.err
    assert "smq list dimensions --for" in cli("list", "metrics", "--for", "revenue").err
    (tmp_path / "models" / "x.yml").write_text("metrics:\n  - {name: bad, expr: SUM(nothing__x)}\n")
    done = cli("list", "dimensions", "--for", "bad")
    assert done.status == 2
    assert done.err.startswith("smq: error: bad cannot be computed: ")


def test_columns_align_on_a_terminal_with_wide_names(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path)
    lines = cli("list", "models").out.splitlines()
    assert lines[0].startswith("계좌정보  1 dimensions, 2 measures  ")
    assert lines[3].startswith("주문      1 dimensions, 1 measures  ")


# --- rule -------------------------------------------------------------------------------------


def test_rules_are_listed_and_explained(cli: Cli) -> None:
    done = cli("rule")
    assert [line.split()[0] for line in done.out.splitlines()] == list(rules())
    page = cli("rule", "CFG105").out
    assert page.startswith("# CFG105 secret-in-configuration\n")
    assert cli("rule", "secret-in-configuration").out == page == cli("rule", "cfg105").out
    family = cli("rule", "CFG").out
    assert {line[:3] for line in family.splitlines()} == {"CFG"}
    assert cli("rule", "--all").out.count("\n# CFG105") == 1


def test_rules_as_json(cli: Cli) -> None:
    document = json.loads(cli("rule", "--format", "json").out)
    jsonschema.Draft202012Validator(schema("rules")).validate(document)
    assert [each["code"] for each in document["rules"]] == list(rules())


def test_unknown_rule(cli: Cli) -> None:
    done = cli("rule", "secret-in-config")
    assert (done.status, done.out) == (2, "")
    assert "did you mean secret-in-configuration" in done.err


# --- init -------------------------------------------------------------------------------------


def test_a_new_workspace_is_clean_and_runs(cli: Cli, tmp_path: Path) -> None:
    assert cli("init", "new").status == 0
    done = cli("check", "new", "--fail-on", "hint")
    assert (done.status, done.out) == (0, "")
    assert cli("fmt", "--check", "new").status == 0
    done = cli("run", "new/queries/revenue_by_city.smq.json", "--format", "csv")
    assert done.status == 0, done.err
    rows = [line.split(",") for line in done.out.split()]
    assert {row[0]: float(row[1]) for row in rows[1:]} == {
        "Jeju": 225.0,
        "서울": 200.0,
        "부산": 45.5,
        "": 60.0,
    }


def test_init_overwrites_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "shop.yml").write_text("mine")
    done = cli("init")
    assert done.status == 2
    assert done.err == "smq: error: nothing written, because models/shop.yml exists already\n"
    assert not (tmp_path / "smq.toml").exists()
    (tmp_path / "smq.toml").write_text("")
    assert cli("init").err == (
        "smq: error: nothing written, because smq.toml and models/shop.yml exist already\n"
    )
    (tmp_path / "file").write_text("")
    assert cli("init", "file").status == 2


# --- fmt --------------------------------------------------------------------------------------

UGLY = '{"groupBy":["부점코드__brn_stcd"],"metrics":["total_brn_cnt"]} // 질문\n'


def test_formatting_writes_once_and_then_nothing(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, q=UGLY)
    query = tmp_path / "q.smq.json"
    assert cli("fmt", "--check").status == 1
    done = cli("fmt", "--diff")
    assert done.status == 1 and done.out.startswith("--- a/q.smq.json\n+++ b/q.smq.json\n")
    assert query.read_text() == UGLY
    assert cli("fmt", "q.smq.json").status == 0
    pretty = query.read_text()
    assert pretty != UGLY and "질문" in pretty
    assert pretty.index("metrics") < pretty.index("groupBy")
    changed = query.stat().st_mtime_ns
    assert cli("fmt").status == 0
    assert query.stat().st_mtime_ns == changed


def test_formatting_standard_input(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, q=UGLY)
    cli("fmt", "q.smq.json")
    done = cli("fmt", "-", stdin=UGLY.encode())
    assert (done.status, done.out) == (0, (tmp_path / "q.smq.json").read_text())
    assert cli("fmt", "-", "--check", stdin=UGLY.encode()).status == 1
    assert cli("fmt", "-", "--check", stdin=done.out.encode()).status == 0


def test_broken_files_are_left_alone(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, broken='{"metrics": [}', q=UGLY)
    done = cli("fmt")
    assert done.status == 2
    assert "broken.smq.json:1:" in done.err
    assert (tmp_path / "broken.smq.json").read_text() == '{"metrics": [}'
    assert (tmp_path / "q.smq.json").read_text() != UGLY
    done = cli("fmt", "-", stdin=b'{"metrics": [}')
    assert (done.status, done.out) == (2, "")


def test_other_peoples_files_are_not_formatted(cli: Cli, tmp_path: Path) -> None:
    text = "services:   {a:   1}\n"
    (tmp_path / "compose.yml").write_text(text)
    (tmp_path / "package.json").write_text("{}")
    done = cli("fmt")
    assert done.status == 0 and "nothing to format" in done.err
    assert (tmp_path / "compose.yml").read_text() == text
    (tmp_path / "chart.yml").write_text("{{ if .x }}\n\t- }\n")
    done = cli("fmt", "compose.yml", "chart.yml")
    assert done.status == 0 and "skipped compose.yml: no semantic models" in done.err
    assert (tmp_path / "compose.yml").read_text() == text
    assert cli("fmt", "-", "--stdin-filename", "compose.yml", stdin=text.encode()).out == text
    assert cli("fmt", "package.json").status == 2
    assert cli("fmt", "missing.yml").status == 2


# --- completion -------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_know_every_command(cli: Cli, shell: str) -> None:
    done = cli("completion", shell)
    assert done.status == 0
    assert all(name in done.out for name in COMMANDS)
    assert "output-format" in done.out and "sarif" in done.out


def completions(script: str, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    line = " ".join(f"'{word}'" for word in words)
    program = (
        f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}\n"
        '_smq; printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_values_and_files(cli: Cli, tmp_path: Path) -> None:
    script = cli("completion", "bash").out
    assert completions(script, "smq", "ch") == ["check"]
    assert "--statistics" in completions(script, "smq", "check", "--st")
    assert completions(script, "smq", "check", "--output-format", "s") == ["sarif"]
    assert completions(script, "smq", "list", "me") == ["metrics"]
    (tmp_path / "mine.smq.json").write_text("{}")
    assert completions(script, "smq", "check", "mi") == ["mine.smq.json"]
    assert completions(script, "smq", "--no-color", "check", "--unsafe") == ["--unsafe-fixes"]


# --- watching ---------------------------------------------------------------------------------


def test_watching_runs_again_after_each_change(tmp_path: Path) -> None:
    import io

    from smq_server.cli.streams import Streams

    states: list[watching.State] = [
        {tmp_path / "a": (1, 1)},
        {tmp_path / "a": (1, 1)},
        {tmp_path / "a": (2, 1)},
        {tmp_path / "a": (2, 1), tmp_path / "b": (1, 1)},
        {tmp_path / "b": (1, 1)},
    ]
    seen = iter(states)
    runs: list[int] = []

    def look() -> watching.State:
        try:
            return next(seen)
        except StopIteration:
            raise KeyboardInterrupt from None

    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO(), {})
    watching.loop(lambda: runs.append(1) or 0, look, lambda: None, streams)
    assert len(runs) == 4


def test_watching_sees_files_and_configuration(cli: Cli, tmp_path: Path) -> None:
    import argparse
    import io

    from smq_server.cli.streams import Streams

    bank(tmp_path, q="{}")
    streams = Streams(io.StringIO(), io.StringIO(), io.StringIO(), {})
    arguments = argparse.Namespace(config=None)
    seen = watching.state_of([tmp_path], arguments, streams)
    names = {path.name for path in seen if path.is_file()}
    assert names == {"q.smq.json", "bank.yml", "smq.toml"}
    (tmp_path / "smq.toml").write_text("broken")
    assert tmp_path / "smq.toml" in watching.state_of([tmp_path], arguments, streams)


def test_a_workspace_that_cannot_be_written_whole_is_not_begun(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full leaves no half of it, which the next try would stumble over."""
    (tmp_path / "mine").mkdir()
    write = init.write_text

    def full(path: Path, text: str) -> None:
        if path.suffix != ".toml":
            raise Failure(f"cannot write {path.name}: no space left on device")
        write(path, text)

    monkeypatch.setattr(init, "write_text", full)
    for directory in ("mine", "new/deep"):
        done = cli("init", directory)
        assert (done.status, done.out) == (2, "")
        assert "no space left on device" in done.err
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]

"""`smq demo`: the tour is real, works from an installed wheel, and leaves the example to play."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.support.cli import Cli

ROOT = Path(__file__).parents[1]


def test_the_tour_shows_question_sql_rows_and_a_mistake(cli: Cli) -> None:
    outcome = cli("demo")
    assert (outcome.status, outcome.err) == (0, "")
    question, rest = outcome.out.split("written as SMQ", 1)
    assert "고객등급별 고객 수" in question
    assert '"groupBy": ["고객기본__cust_grd"]' in rest
    assert "  SELECT" in rest
    assert "  VIP                │             19 │" in rest
    assert "the metric already aggregates" in rest or "already aggregate" in rest
    assert "did you mean" in rest.lower()
    assert rest.count("^^^") >= 3


def test_the_tour_does_not_depend_on_where_it_starts(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cli("demo").out
    (tmp_path / "smq.toml").write_text('dialect = "bigquery"\n', encoding="utf-8")
    monkeypatch.setenv("SMQ_ENGINE_TYPE", "postgres")
    assert cli("demo").out == first


def test_every_question_can_be_toured(cli: Cli) -> None:
    listed = cli("demo", "--list").out.splitlines()
    names = dict.fromkeys(line.split()[0] for line in listed)
    assert len(names) >= 10
    for name in names:
        outcome = cli("demo", name)
        assert (outcome.status, outcome.err) == (0, ""), name


def test_a_question_that_is_not_there(cli: Cli) -> None:
    outcome = cli("demo", "nope")
    assert outcome.status == 2
    assert "smq demo --list" in outcome.err


def test_the_example_can_be_copied_and_run(cli: Cli, tmp_path: Path) -> None:
    assert cli("demo", "--copy", "mine").status == 0
    assert cli("check", "mine").status == 0
    assert cli("run", "mine/queries").status == 0
    again = cli("demo", "--copy", "mine")
    assert again.status == 2
    assert "mine is not empty" in again.err


def test_the_wheel_holds_the_example(tmp_path: Path) -> None:
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    wheel = tmp_path / built.stdout.splitlines()[-1]
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    # Without the repository on the path, as after `pip install`.
    code = f"import sys; sys.path.insert(0, {str(installed)!r}); from smq_server.main import main; "
    code += "import smq_server; assert smq_server.__file__.startswith(sys.path[0]); "
    code += "sys.exit(main(['demo']))"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "VIP" in shown.stdout

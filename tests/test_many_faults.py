"""Files with more faults than anybody reads: told in bounded time, and not as if that were all."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from tests.support.cli import Cli

MODELS = """\
semantic_models:
  - name: orders
    table: shop.orders
    dimensions:
      - {name: status, type: varchar}
    measures:
      - {name: amount, type: number}
metrics:
  - {name: revenue, metric_type: simple, expr: SUM(orders__amount)}
"""

WRONG = {
    "numbers for queries": "[" + ",".join(["1"] * 12_000) + "]",
    "queries of nothing": "[" + ",".join(["{}"] * 12_000) + "]",
}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "models.yml").write_text(MODELS)
    (tmp_path / "smq.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_of_very_many_faults_ten_thousand_are_told(text: str, workspace: Path, cli: Cli) -> None:
    (workspace / "q.smq.json").write_text(text)
    found = cli("check", "--output-format", "json")
    assert found.status == 1
    findings = json.loads(found.out)["findings"]
    assert 10_000 < len(findings) <= 10_010
    (last,) = (finding for finding in findings if finding["code"] == "SYN120")
    assert last["message"] == "The file has more than 10,000 faults; the rest is not looked at."


@pytest.mark.long
def test_ten_thousand_faults_are_all_told(workspace: Path, cli: Cli) -> None:
    (workspace / "q.smq.json").write_text(json.dumps({"metrics": ["revenue", *[1] * 10_000]}))
    findings = json.loads(cli("check", "--output-format", "json").out)["findings"]
    assert [finding["code"] for finding in findings] == ["QRY104"] * 10_000


@pytest.mark.long
def test_checking_ends_after_ten_thousand_faults_of_all_queries(workspace: Path, cli: Cli) -> None:
    queries = [{"metrics": [f"m{i}", f"n{i}"]} for i in range(6_000)]
    (workspace / "q.smq.json").write_text(json.dumps(queries))
    findings = json.loads(cli("check", "--output-format", "json").out)["findings"]
    codes = [finding["code"] for finding in findings]
    assert (codes.count("NAM101"), codes.count("SYN120")) == (10_002, 1)


def test_a_list_longer_than_any_engine_reads_is_refused_as_a_whole(
    workspace: Path, cli: Cli
) -> None:
    query = {"metrics": [f"revenue * {i} AS r{i}" for i in range(10_001)]}
    (workspace / "q.smq.json").write_text(json.dumps(query))
    found = cli("check", "--output-format", "json")
    (finding,) = json.loads(found.out)["findings"]
    assert (finding["code"], found.status) == ("EXP121", 1)


@pytest.mark.parametrize("command", ["check", "compile", "fmt"])
def test_a_query_file_over_the_limit_says_its_size(workspace: Path, cli: Cli, command: str) -> None:
    (workspace / "q.smq.json").write_text("[" + "1," * 1_100_000 + "1]")
    found = cli(command, "q.smq.json")
    assert found.status in (1, 2)
    said = found.out + found.err
    assert "The file has 2.1 MiB; such files over 2 MiB are not read." in said


def test_metrics_with_unknown_names_are_offered_their_fixes_in_bounded_time(
    workspace: Path, cli: Cli
) -> None:
    """The models of a file were looked for again for each of its metrics."""
    lines = [f"  - {{name: m{i}, metric_type: simple, expr: SUM(x{i})}}" for i in range(2_000)]
    (workspace / "many.yml").write_text("metrics:\n" + "\n".join(lines) + "\n")
    start = time.process_time()
    found = cli("check")
    # A second on a quiet machine; it took more than ten.
    assert time.process_time() - start < 10
    assert found.status == 1
    assert "Found 2,000 errors" in found.err

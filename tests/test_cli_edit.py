"""`smq edit`: all or nothing, comments kept, the answer compiled."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from tests.support.cli import Cli, bank

from smq_schemas import schema

QUERY = """\
// 상태별 부점 수
{
  "metrics": ["total_brn_cnt"], // the one number
  "limit": 5
}
"""


def test_edits_keep_comments_and_answer_with_sql(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, q=QUERY)
    done = cli("edit", "q.smq.json", "--add", "groupBy=부점코드__brn_stcd", "--set", "limit=null")
    assert done.status == 0, done.err
    text = (tmp_path / "q.smq.json").read_text(encoding="utf-8")
    assert "// 상태별 부점 수" in text and "// the one number" in text
    assert '"groupBy": ["부점코드__brn_stcd"]' in text
    assert done.out.upper().startswith("SELECT") and "GROUP BY" in done.out
    assert cli("check").status == 0


def test_wishes_as_json_and_lists(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, q=QUERY)
    done = cli(
        "edit",
        "q.smq.json",
        "--set",
        '{"groupBy": ["부점코드__brn_stcd"], "limit": 3}',
        "--add",
        "filters=[\"부점코드__brn_stcd = '1'\"]",
        "--add",
        "order_by=-total_brn_cnt",
    )
    assert done.status == 0, done.err
    text = (tmp_path / "q.smq.json").read_text(encoding="utf-8")
    assert json.loads(text.partition("\n")[2].replace("// the one number", "")) == {
        "metrics": ["total_brn_cnt"],
        "groupBy": ["부점코드__brn_stcd"],
        "filters": ["부점코드__brn_stcd = '1'"],
        "orderBy": ["-total_brn_cnt"],
        "limit": 3,
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--remove", "metrics=total_brn_cn"), "has no 'total_brn_cn' to remove"),
        (("--add", "metric=revenue"), "did you mean `metrics`?"),
        (("--index", "7", "--add", "metrics=revenue"), "there is no query 7"),
        (("--set", "limit=-1"), "`limit` takes a whole number"),
        (("--set", "limit=many"), "`limit` takes a whole number"),
        (("--set", '{"limit": '), "this is not JSON"),
        (("--add", "metrics"), "takes KEY=VALUE"),
        ((), "nothing to do"),
    ],
)
def test_a_failing_edit_changes_nothing(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    bank(tmp_path, q=QUERY)
    done = (
        cli("edit", "q.smq.json", "--add", "metrics=customer_count", *words)
        if words
        else cli("edit", "q.smq.json")
    )
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert (tmp_path / "q.smq.json").read_text(encoding="utf-8") == QUERY


def test_an_edit_that_makes_a_wrong_query_is_made_and_said_to_be_wrong(
    cli: Cli, tmp_path: Path
) -> None:
    bank(tmp_path, q=QUERY)
    done = cli("edit", "q.smq.json", "--set", "metrics=nothing_like_it")
    assert (done.status, done.out) == (1, "")
    assert "q.smq.json:3:" in done.err and "error[NAM" in done.err
    assert "nothing_like_it" in (tmp_path / "q.smq.json").read_text(encoding="utf-8")


def test_one_of_several_queries(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, q='[{"metrics": ["revenue"]}, {"metrics": ["wrong"]}]')
    assert cli("edit", "q.smq.json", "--add", "metrics=total_credit").status == 2
    done = cli("edit", "q.smq.json", "--index", "0", "--add", "metrics=total_credit")
    assert done.status == 0 and "wrong" not in done.err
    text = (tmp_path / "q.smq.json").read_text(encoding="utf-8")
    assert json.loads(text)[0] == {"metrics": ["revenue", "total_credit"]}


def test_diff_and_standard_input(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, q=QUERY)
    done = cli("edit", "q.smq.json", "--remove", "limit", "--diff")
    assert done.status == 0 and done.out.startswith("--- a/q.smq.json")
    assert (tmp_path / "q.smq.json").read_text(encoding="utf-8") == QUERY
    done = cli("edit", "-", "--set", "limit=7", stdin=QUERY.encode())
    assert (done.status, done.out) == (0, QUERY.replace("5", "7"))


def test_json_answer(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, q=QUERY)
    done = cli("edit", "q.smq.json", "--add", "metrics=customer_count", "--format", "json")
    document = json.loads(done.out)
    jsonschema.Draft202012Validator(schema("edit-output")).validate(document)
    assert len(document["sql"]) == 1
    assert [each["code"] for each in document["findings"]] == ["QRY109"]


def test_what_is_no_query_file(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path)
    assert cli("edit", "none.smq.json", "--set", "limit=1").status == 2
    assert cli("edit", "models/bank.yml", "--set", "limit=1").status == 2
    done = cli("edit", "-", "--set", "limit=1", stdin=b'{"metrics": [')
    assert done.status == 2 and "free of syntax errors" in done.err

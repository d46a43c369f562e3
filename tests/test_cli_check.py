"""`smq check` as its users meet it."""

from __future__ import annotations

import json
import os
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema
import pytest
from tests.support.cli import Cli, bank, start

from smq_schemas import schema
from smq_server.cli.findings.width import visible, width

GOOD = '{"metrics": ["total_brn_cnt"], "groupBy": ["부점코드__brn_stcd"]}\n'
WRONG = '{\n  "metrics": ["total_brn_cnt", "없는지표"]\n}\n'


def test_clean_workspace(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, good=GOOD)
    done = cli("check")
    assert (done.status, done.out, done.err) == (0, "", "No findings in 2 files.\n")


def test_finding_is_shown_with_its_line_and_carets_under_wide_characters(
    cli: Cli, tmp_path: Path
) -> None:
    bank(tmp_path, wrong=WRONG)
    done = cli("check", "wrong.smq.json")
    assert done.status == 1
    lines = done.out.splitlines()
    assert lines[0].startswith("wrong.smq.json:2:33: error[")
    assert "Metric '없는지표' not found" in lines[0]
    assert lines[1] == "  |"
    assert lines[2] == '2 |   "metrics": ["total_brn_cnt", "없는지표"]'
    assert lines[3] == "  | " + " " * 32 + "^^^^^^^^"
    assert done.err.startswith("Found 1 error in 1 file.")


def test_a_file_is_checked_among_the_models_from_anywhere(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank(tmp_path, good=GOOD, wrong=WRONG)
    elsewhere = tmp_path / "elsewhere" / "deep"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    assert cli("check", "../../good.smq.json").status == 0
    done = cli("check", tmp_path / "wrong.smq.json")
    assert (done.status, done.out.partition(":")[0]) == (1, str(tmp_path / "wrong.smq.json"))


def test_only_named_files_and_directories_are_reported(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, wrong=WRONG)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "also.smq.json").write_text(WRONG)
    assert {f["path"] for f in findings(cli, "a")} == {"a/also.smq.json"}
    assert {f["path"] for f in findings(cli, "wrong.smq.json", "a")} == {
        "a/also.smq.json",
        "wrong.smq.json",
    }


def findings(cli: Cli, *words: str) -> list[dict[str, object]]:
    done = cli("check", "--output-format", "json", *words)
    document = json.loads(done.out)
    jsonschema.Draft202012Validator(schema("check-output")).validate(document)
    found: list[dict[str, object]] = document["findings"]
    return found


def test_several_workspaces_in_one_run(cli: Cli, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        bank(tmp_path / name, wrong=WRONG)
    assert [f["path"] for f in findings(cli, "one", "two")] == [
        "one/wrong.smq.json",
        "two/wrong.smq.json",
    ]


def test_a_workspace_below_another_is_one_of_its_own(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, outer=GOOD)
    for name in ("one", "one/inside", "two/deep"):
        (tmp_path / name).mkdir(parents=True)
        bank(tmp_path / name, wrong=WRONG)
    assert {f["path"] for f in findings(cli)} == {
        "one/wrong.smq.json",
        "one/inside/wrong.smq.json",
        "two/deep/wrong.smq.json",
    }
    assert [f["path"] for f in findings(cli, "two")] == ["two/deep/wrong.smq.json"]
    assert cli("check", "outer.smq.json").status == 0


# --- what cannot run --------------------------------------------------------------------------


def test_missing_path(cli: Cli) -> None:
    done = cli("check", "nowhere.smq.json")
    assert (done.status, done.out) == (2, "")
    assert done.err == "smq: error: no such file or directory: nowhere.smq.json\n"


def test_nothing_to_check(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "services.yml").write_text("services: {}\n")
    done = cli("check")
    assert done.status == 2
    assert "nothing to check in" in done.err and "smq init" in done.err


def test_other_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("x")
    done = cli("check", "README.md")
    assert done.status == 2
    assert "README.md is neither a query" in done.err


def test_yaml_about_something_else_is_skipped_with_a_word(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path)
    (tmp_path / "chart.yml").write_text("{{ if .x }}\n\t- }\n")
    (tmp_path / "latin.yml").write_bytes(b"name: caf\xe9\n")
    done = cli("check", "chart.yml", "latin.yml")
    assert (done.status, done.out) == (0, "")
    assert "skipped chart.yml: no semantic models" in done.err
    assert "skipped latin.yml" in done.err


def test_queries_without_models_get_one_clear_message(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "q.smq.json").write_text(GOOD)
    done = cli("check")
    assert done.status == 1
    assert "no semantic models found" in done.err.splitlines()[0]


def test_wrong_configuration_stops_with_its_line(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, good=GOOD)
    (tmp_path / "smq.toml").write_text('# 설정\ndialect = "big_query"\n')
    done = cli("check")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("smq.toml:2:11: error[CFG104]")
    assert "Did you mean 'bigquery'?" in done.err
    assert done.err.endswith("smq: error: the configuration is not valid\n")


def test_a_secret_in_the_configuration_is_not_repeated(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, good=GOOD)
    (tmp_path / "smq.toml").write_text('[engine.postgres]\npassword = "hunter2"\n')
    done = cli("check")
    assert done.status == 2
    assert "CFG105" in done.err and "hunter2" not in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--select", "XYZ"), "there is no rule 'XYZ'"),
        (("--select", "CFG10l"), "did you mean 'CFG101'?"),
        (("--output-format", "xml"), "invalid choice: 'xml'"),
        (("--fixx",), "unrecognized arguments: --fixx"),
        (("--config", "none.toml"), "no configuration file none.toml"),
    ],
)
def test_wrong_options(cli: Cli, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    bank(tmp_path, good=GOOD)
    done = cli("check", *words)
    assert done.status == 2
    assert message in done.err


# --- severities -------------------------------------------------------------------------------

HINTED = '{"metrics": ["total_brn_cnt"], "limit": 5}\n'


def test_hints_are_shown_but_do_not_fail(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, hinted=HINTED)
    done = cli("check")
    assert done.status == 0
    assert "hint[QRY109]" in done.out
    assert cli("check", "--fail-on", "hint").status == 1


def test_select_ignore_and_exit_zero(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, hinted=HINTED, wrong=WRONG)
    assert {f["code"] for f in findings(cli, "--select", "QRY")} == {"QRY109"}
    assert {f["code"] for f in findings(cli, "--ignore", "NAM")} == {"QRY109"}
    assert cli("check", "--exit-zero").status == 0
    assert cli("check", "--ignore", "NAM,limit-without-order").status == 0


def test_configured_severities(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, hinted=HINTED)
    (tmp_path / "smq.toml").write_text('[rules.severity]\nQRY109 = "error"\n')
    assert cli("check").status == 1
    (tmp_path / "smq.toml").write_text('[rules.per_path."hinted.*"]\nignore = ["QRY"]\n')
    assert cli("check", "--fail-on", "hint").status == 0


def test_excluded_files_are_skipped_with_a_word(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, good=GOOD)
    (tmp_path / "drafts").mkdir()
    (tmp_path / "drafts" / "w.smq.json").write_text(WRONG)
    (tmp_path / "smq.toml").write_text('exclude = ["drafts"]\n')
    assert cli("check").status == 0
    done = cli("check", "drafts/w.smq.json")
    assert done.status == 0
    assert "skipped drafts/w.smq.json" in done.err


# --- fixing -----------------------------------------------------------------------------------

FIXABLE = '{"metrics": ["total_brn_cnt"], "group_by": ["부점코드__brn_stcd"]}\n'


def test_fix_writes_and_reports_what_is_left(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, fixable=FIXABLE, wrong=WRONG)
    done = cli("check", "--fix")
    assert (tmp_path / "fixable.smq.json").read_text() == GOOD
    assert (tmp_path / "wrong.smq.json").read_text() == WRONG
    assert done.status == 1
    assert "fixable" not in done.out
    assert done.err.startswith("Fixed 1 file.\nFound 1 error")


def test_diff_shows_and_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, fixable=FIXABLE)
    done = cli("check", "--fix", "--diff")
    assert done.status == 1
    assert done.out.splitlines()[:2] == ["--- a/fixable.smq.json", "+++ b/fixable.smq.json"]
    assert f"-{FIXABLE}+{GOOD}" in done.out
    assert (tmp_path / "fixable.smq.json").read_text() == FIXABLE
    (tmp_path / "fixable.smq.json").write_text(GOOD)
    assert cli("check", "--diff").status == 0


def test_fix_keeps_permissions_links_and_line_ends(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path)
    real = tmp_path / "real.txt"
    real.write_bytes(b"\xef\xbb\xbf" + FIXABLE.replace("\n", "\r\n").encode())
    real.chmod(0o640)
    link = tmp_path / "link.smq.json"
    link.symlink_to(real)
    assert cli("check", "--fix", "link.smq.json").status == 0
    assert link.is_symlink()
    assert real.read_bytes() == b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "link.smq.json",
        "models",
        "real.txt",
        "smq.toml",
    ]


def test_standard_input_is_checked_as_the_named_file(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path)
    done = cli("check", "-", "--stdin-filename", "new/q.smq.json", stdin=WRONG.encode())
    assert done.status == 1
    assert done.out.startswith("new/q.smq.json:2:33: error")
    done = cli("check", "-", "--fix", stdin=FIXABLE.encode())
    assert (done.status, done.out) == (0, GOOD)
    done = cli("check", "-", stdin=b"\xff\xfe{")
    assert done.status == 1
    assert "FIL102" in done.out


# --- formats ----------------------------------------------------------------------------------


def test_json_lines(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, wrong=WRONG, hinted=HINTED)
    done = cli("check", "--output-format", "jsonl")
    lines = [json.loads(line) for line in done.out.splitlines()]
    validator = jsonschema.Draft202012Validator(
        {**schema("check-output"), **schema("check-output")["$defs"]["line"]}
    )
    lines_schema = {"$ref": "#/$defs/line", "$defs": schema("check-output")["$defs"]}
    validator = jsonschema.Draft202012Validator(lines_schema)
    for line in lines:
        validator.validate(line)
    assert [line["kind"] for line in lines] == ["finding", "finding", "summary"]
    assert lines[-1]["errors"] == lines[-1]["hints"] == 1


def test_json_has_ranges_fixes_and_statistics(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, fixable=FIXABLE)
    done = cli("check", "--output-format", "json", "--statistics")
    document = json.loads(done.out)
    jsonschema.Draft202012Validator(schema("check-output")).validate(document)
    (found,) = document["findings"]
    assert found["range"]["start"] == {"line": 1, "column": 32}
    assert found["fixes"][0]["safety"] == "safe"
    assert document["statistics"] == {found["code"]: 1}


def test_sarif(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, wrong=WRONG, fixable=FIXABLE)
    document = json.loads(cli("check", "--output-format", "sarif").out)
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        location = result["locations"][0]["physicalLocation"]
        assert (tmp_path / location["artifactLocation"]["uri"]).exists()
    regions = [r["locations"][0]["physicalLocation"]["region"] for r in run["results"]]
    assert regions[1] == {"startLine": 2, "startColumn": 33, "endLine": 2, "endColumn": 37}
    replacement = run["results"][0]["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert replacement["insertedContent"]["text"]
    prints = [result["partialFingerprints"]["smq/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


def test_fingerprints_survive_moved_lines(cli: Cli, tmp_path: Path) -> None:
    def prints() -> list[str]:
        done = cli("check", "--output-format", "gitlab")
        return [issue["fingerprint"] for issue in json.loads(done.out)]

    bank(tmp_path, wrong=WRONG)
    before = prints()
    (tmp_path / "wrong.smq.json").write_text("\n\n" + WRONG)
    assert prints() == before != []


def test_github_annotations(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, **{"a,b": WRONG})
    done = cli("check", "--output-format", "github")
    (line,) = done.out.splitlines()
    assert line.startswith("::error file=a%2Cb.smq.json,line=2,col=33,endLine=2,endColumn=37,")
    assert "::Metric '없는지표' not found" in line


def test_gitlab_code_quality(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, wrong=WRONG)
    (issue,) = json.loads(cli("check", "--output-format", "gitlab").out)
    assert issue["severity"] == "major"
    assert issue["location"] == {"path": "wrong.smq.json", "lines": {"begin": 2, "end": 2}}


def test_junit(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, good=GOOD, wrong=WRONG.replace("없는지표", "a\x01<&지표"))
    root = ElementTree.fromstring(cli("check", "--output-format", "junit").out)
    assert root.get("failures") == "2" or root.get("failures") == "1"
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {"good.smq.json", "models/bank.yml", "wrong.smq.json"}
    assert suites["good.smq.json"].find("testcase/failure") is None
    failure = suites["wrong.smq.json"].find("testcase/failure")
    assert failure is not None and "wrong.smq.json:2:" in (failure.text or "")


def test_findings_are_coloured_where_a_person_reads_them(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, wrong=WRONG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.delenv("NO_COLOR", raising=False)
        patch.setattr(sys.stdout, "isatty", lambda: True)
        assert "\x1b[31m" in cli("check").out
        assert "\x1b[" not in cli("compile", "wrong.smq.json").err
        patch.setattr(sys.stderr, "isatty", lambda: True)
        assert "\x1b[31m" in cli("compile", "wrong.smq.json").err
        assert "\x1b[" not in cli("--no-color", "compile", "wrong.smq.json").err
        patch.setenv("NO_COLOR", "1")
        assert "\x1b[" not in cli("compile", "wrong.smq.json").err


def test_a_fix_says_what_to_type_for_it(cli: Cli, tmp_path: Path) -> None:
    """`smq compile` has no --fix, and a query on the command line has no file."""
    query = '{"metrics": ["SUM(total_brn_cnt)"]}'
    bank(tmp_path, q=query)
    assert " (--fix)\n" in cli("check").out
    assert " (smq check --fix)\n" in cli("compile", "q.smq.json").err
    assert " (by hand)\n" in cli("compile", "-q", query).err
    assert " (by hand)\n" in cli("compile", "-", stdin=query.encode()).err


def test_statistics(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, a=WRONG, b=WRONG, hinted=HINTED)
    done = cli("check", "--statistics")
    first, second = done.out.splitlines()
    assert first.split()[0] == "2" and second.split()[:2] == ["1", "QRY109"]


def test_output_file(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, wrong=WRONG)
    done = cli("check", "--output-format", "sarif", "-o", "out.sarif")
    assert (done.status, done.out) == (1, "")
    assert json.loads((tmp_path / "out.sarif").read_text())["version"] == "2.1.0"


def test_quiet_and_verbose(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, good=GOOD)
    assert cli("check", "-q").err == ""
    assert cli("-q", "check").err == ""
    assert "configured by smq.toml, 2 files read, 2 checked" in cli("check", "-v").err


# --- bad inputs -------------------------------------------------------------------------------


def test_ten_thousand_errors_in_one_file_are_counted_not_all_shown(
    cli: Cli, tmp_path: Path
) -> None:
    names = ", ".join(f'"no_{i}"' for i in range(10_000))
    bank(tmp_path, many=f'{{"metrics": [{names}]}}\n')
    done = cli("check")
    assert done.status == 1
    assert done.out.count("error[") == 50
    assert "many.smq.json: … and 9,950 more findings in this file" in done.out
    assert len(done.out) < 100_000
    assert cli("check", "--max-per-file", "3").out.count("error[") == 3
    assert len(findings(cli)) == 10_000


def test_one_item_ten_thousand_times_takes_no_longer_than_ten_thousand_items(
    cli: Cli, tmp_path: Path
) -> None:
    """A fix for each of them is found without walking the list, and not made to be counted."""
    names = ", ".join(['"total_brn_cnt"'] * 10_000)
    bank(tmp_path, many=f'{{"metrics": [{names}]}}\n')
    started = time.process_time()
    done = cli("check")
    assert done.status == 1
    assert "Found 9,999 errors in 2 files. At least 1,000 can be fixed with --fix." in done.err
    cli("check", "--fix")
    assert (tmp_path / "many.smq.json").read_text() == '{"metrics": ["total_brn_cnt"]}\n'
    assert time.process_time() - started < 12


def test_a_named_pipe_among_the_models_is_nobodys_file(cli: Cli, tmp_path: Path) -> None:
    """Opening one waits for a writer, who may never come."""
    bank(tmp_path, good=GOOD)
    os.mkfifo(tmp_path / "pipe.yml")
    assert cli("check").status == 0
    os.mkfifo(tmp_path / "pipe.smq.json")
    done = cli("check")
    assert done.status == 1
    assert "error[FIL101] The file cannot be read: it is not a regular file." in done.out


def test_a_file_over_the_limit(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, good=GOOD)
    with (tmp_path / "huge.yml").open("wb") as file:
        file.write(b"semantic_models:\n")
        file.truncate(50 * 1024 * 1024)
    with (tmp_path / "data.yml").open("wb") as file:
        file.write(b"rows:\n")
        file.truncate(50 * 1024 * 1024)
    done = cli("check")
    assert done.status == 1
    assert "huge.yml:1:1: error[FIL103] The file has 50 MiB" in done.out
    assert "data.yml" not in done.out


def test_binary_junk(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, good=GOOD)
    (tmp_path / "junk.smq.json").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "nul.smq.json").write_bytes(b'{"metrics": ["a\x00"]}')
    (tmp_path / "korean.yml").write_bytes("metrics:\n- name: 매출\n".encode("cp949"))
    (tmp_path / "photo.yml").write_bytes(b"\x89PNG\r\n\x1a\n\x00" * 100)
    done = cli("check")
    assert done.status == 1
    assert done.out.count("holds binary data") == 2
    assert "korean.yml:1:1: error[FIL102]" in done.out and "CP949" in done.out
    assert "photo.yml" not in done.out


def test_unreadable_files(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, good=GOOD)
    (tmp_path / "gone.smq.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.smq.json").symlink_to(tmp_path / "loop.smq.json")
    (tmp_path / "dir.smq.json").mkdir()
    done = cli("check")
    assert done.status == 1
    assert "gone.smq.json:1:1: error[FIL101]" in done.out
    assert "loop.smq.json:1:1: error[FIL101]" in done.out


def test_directory_loops_are_entered_once(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, wrong=WRONG)
    (tmp_path / "models" / "again").symlink_to(tmp_path)
    assert len(findings(cli)) == 1


def test_alias_bomb(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, good=GOOD)
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    lines += ["semantic_models: *a29", "metrics: [*a29, *a29]"]
    (tmp_path / "bomb.yml").write_text("\n".join(lines) + "\n")
    done = cli("check")
    assert done.status in (1, 2)
    assert "internal error" not in done.err
    assert "bomb.yml" in done.out


def test_deep_nesting(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, deep='{"metrics": ' + "[" * 100_000)
    (tmp_path / "deep.yml").write_text("metrics:\n  - expr: " + "[" * 50_000 + "\n")
    indented = "".join("  " * i + f"- k{i}:\n" for i in range(1, 1500))
    (tmp_path / "indented.yml").write_text("metrics:\n" + indented)
    done = cli("check")
    assert done.status == 1
    assert "internal error" not in done.err


def test_cyclic_metric(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, q='{"metrics": ["a"]}')
    (tmp_path / "models" / "cycle.yml").write_text(
        "metrics:\n  - {name: a, type: integer, expr: b + 1}\n"
        "  - {name: b, type: integer, expr: a * 2}\n"
    )
    done = cli("check")
    assert done.status == 1
    assert "internal error" not in done.err
    assert "a → b → a" in done.out


def test_names_with_control_characters_cannot_paint_the_terminal(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path, q='{"metrics": ["\\u001b[31mred\u202e", "\\ud83d"]}')
    done = cli("check")
    assert done.status == 1
    assert "\x1b" not in done.out and "\u202e" not in done.out


def test_width_of_wide_and_combining_characters() -> None:
    assert width("abc") == 3
    assert width("총매출") == 6
    assert width("\u1100\u1161\u11a8") == 2  # 각 in conjoining letters
    assert width("e\u0301🎉") == 3
    assert visible("a\tb\x1b[0m\x7f") == "a    b␛[0m\ufffd"


# --- the real process -------------------------------------------------------------------------


def test_process_in_a_c_locale_with_a_terminal_that_closes(tmp_path: Path) -> None:
    bank(tmp_path, wrong=WRONG)
    done = start("check", cwd=tmp_path, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.status == 1
    assert "없는지표" in done.out
    assert "\x1b" not in done.out


def test_output_is_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    bank(tmp_path, a=WRONG, b=HINTED, c=FIXABLE)
    runs = {
        start("check", "--output-format", "sarif", cwd=tmp_path, PYTHONHASHSEED=seed).out
        for seed in ("1", "2", "3")
    }
    assert len(runs) == 1


def test_one_file_does_not_make_a_home_a_workspace(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who checks one query in their home waits until all that is below it is read."""
    monkeypatch.setenv("HOME", str(tmp_path))
    bank(tmp_path, good=GOOD)
    (tmp_path / "smq.toml").unlink()
    for words in (
        ["check", "good.smq.json"],
        ["compile", "good.smq.json"],
        ["compile", "-q", GOOD],
    ):
        alone = cli(*words)
        assert alone.status == 1
        assert f"{tmp_path} is a home directory" in alone.err
    piped = cli("check", "-", "--stdin-filename", "new/q.smq.json", stdin=GOOD.encode())
    assert "so only the files that you named were read" in piped.err
    # With the models it is named with, or in a directory that is named or configured, it is right.
    (tmp_path / "models" / "bank.yml").rename(tmp_path / "bank.yml")
    assert cli("check", "good.smq.json", "bank.yml").status == 0
    assert cli("check", ".").err == cli("check").err == "No findings in 2 files.\n"
    assert cli("list", "metrics").status == 0
    (tmp_path / "smq.toml").write_text("")
    assert cli("check", "good.smq.json").err == "No findings in 1 file.\n"

"""The entry: choosing a command, help, exit statuses, and what happens when something breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.cli import Cli, bank, start
from tests.support.interrupts import hear_interrupts

from smq_server.cli.commands import COMMANDS


def test_version(cli: Cli) -> None:
    for words in (("--version",), ("-V",), ("check", "--version"), ("--no-color", "--version")):
        assert cli(*words).out == cli("--version").out
        assert cli(*words).status == 0


def test_help_lists_every_command_and_shows_examples(cli: Cli) -> None:
    done = cli("--help")
    assert done.status == 0
    assert all(f"\n  {name} " in done.out for name in COMMANDS)
    assert "examples:" in done.out
    assert cli().status == 2 and cli().err == done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_examples(cli: Cli, command: str) -> None:
    done = cli(command, "--help")
    assert done.status == 0
    assert done.out.startswith(f"usage: smq {command}")
    assert "examples:" in done.out and f"smq {command}" in done.out.partition("examples:")[2]
    assert cli("help", command).out == done.out


@pytest.mark.parametrize(
    ("word", "meant"), [("chekc", "check"), ("lst", "list"), ("format", "fmt")]
)
def test_unknown_command_suggests_the_nearest(cli: Cli, word: str, meant: str) -> None:
    done = cli(word)
    assert done.status == 2
    assert done.err == f"smq: error: unknown command '{word}'; did you mean `smq {meant}`?\n"


def test_unknown_command_like_nothing(cli: Cli) -> None:
    assert "lists the commands" in cli("qqqqqqq").err


def test_general_options_may_stand_before_the_command(cli: Cli, tmp_path: Path) -> None:
    bank(tmp_path)
    other = tmp_path / "other.toml"
    other.write_text('dialect = "mongo"\n')
    assert cli("check").status == 0
    for words in (("--config", "other.toml", "check"), ("check", "--config=other.toml")):
        done = cli(*words)
        assert done.status == 2
        assert "other.toml:1:11" in done.err


def test_configuration_from_the_environment(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank(tmp_path)
    monkeypatch.setenv("SMQ_DIALECT", "mongo")
    done = cli("check")
    assert done.status == 2
    assert done.err.startswith("$SMQ_DIALECT: error[CFG104]")


def test_a_defect_prints_one_line_and_a_log(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smq_server.cli import rule

    def broken(*_: object) -> int:
        raise RuntimeError("two\nlines " + "x" * 500)

    monkeypatch.setattr(rule, "run", broken)
    done = cli("rule", "부점")
    assert done.status == 2
    (line,) = done.err.splitlines()
    assert line.startswith("smq: internal error: RuntimeError: two lines xxx")
    log = Path(line.rpartition("details in ")[2].rstrip(")"))
    text = log.read_text(encoding="utf-8")
    assert "Traceback" in text and "'부점'" in text and log.parent == tmp_path.parent / "log"


def test_a_refusal_of_the_machine_is_no_defect(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from smq_server.cli import rule

    def refused(*_: object) -> int:
        raise PermissionError(13, "Permission denied", "secret/models")

    monkeypatch.setattr(rule, "run", refused)
    done = cli("rule")
    assert (done.status, done.err) == (2, "smq: error: secret/models: permission denied\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a device that is always full")
def test_a_full_disk_behind_standard_output(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "smq_server.main", "rule", "--all"],
            cwd=tmp_path,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, "smq: error: no space left on device\n")


def test_a_defect_without_a_place_for_the_log(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    from smq_server.cli import rule

    def broken(*_: object) -> int:
        raise RuntimeError

    monkeypatch.setattr(rule, "run", broken)
    monkeypatch.setenv("SMQ_LOG_DIR", "/dev/null/nowhere")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/dev/null")
    done = cli("rule")
    assert done.status == 2
    assert done.err == "smq: internal error: RuntimeError: (set SMQ_DEBUG=1 for details)\n"


def test_a_file_that_cannot_be_written_keeps_its_text(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '{"metrics": ["total_brn_cnt"], "group_by": ["부점코드__brn_stcd"]}\n'
    bank(tmp_path, q=text)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = cli("check", "--fix")
    assert done.status == 2
    assert done.err == "smq: error: cannot write q.smq.json: no space left on device\n"
    assert (tmp_path / "q.smq.json").read_text() == text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models", "q.smq.json", "smq.toml"]


def test_a_reader_that_goes_away_is_no_defect(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "smq_server.main", "rule", "--all"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


def test_an_interrupt_is_no_defect(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "smq_server.main", "fmt", "-"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=hear_interrupts,
    )
    # It is reading once it has read something of what fits in no buffer.
    assert process.stdin is not None
    process.stdin.write(b" " * 300_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, b"smq: interrupted\n")


def test_console_script(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("smq")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == start("--version", cwd=tmp_path).out

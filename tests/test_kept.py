"""`smq check` a second time: fast, and never another answer than one that knows nothing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.bank import CONSULTATIONS
from tests.support.cli import BANK, Cli

from smq_server.io import index as indexes
from smq_server.io import kept
from smq_server.io.index import Index, Piece, read_index, write_index

_QUERIES = (
    '{"metrics": ["상담시간"], "groupBy": ["상담__kind"]}',
    '{"metrics": ["total_credit", "account_count"], "groupBy": ["부점코드__brn_cd"]}',
    '{"metrics": ["건당시간"], "filters": ["상담__kind = 1"], "orderBy": ["-건당시간"]}',
    '{"metrics": ["없는지표"]} // smq: ignore[NAM101]',
    '{"metrics": ["account_coun"], "limit": 3',
)
_SWAPS = (
    ("상담시간", "상담분"),
    ("kind", "종류"),
    ("account_count", "accounts"),
    ("primary", "foreign"),
    ("integer", "varchar"),
    ("label:", "description:"),
    ("# 다른", "# smq: ignore\n# 다른"),
    ("total_credit", "total_credits"),
    ("minutes", "분"),
    ("\n", "\r\n"),
)


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path_factory.mktemp("kept")
    directory.chmod(0o700)
    monkeypatch.setenv("SMQ_CACHE_DIR", str(directory))
    return directory


def workspace(directory: Path) -> Path:
    (directory / "models").mkdir()
    (directory / "models" / "bank.yml").write_bytes(BANK.read_bytes())
    (directory / "models" / "other.yml").write_text(CONSULTATIONS, encoding="utf-8")
    (directory / "smq.toml").write_text("")
    for number in range(25):
        text = _QUERIES[number % len(_QUERIES)]
        (directory / f"q{number}.smq.json").write_text(text + "\n", encoding="utf-8")
    return directory


class Story:
    """Somebody edits files, and checks now and then: all of them, some, under other settings."""

    def __init__(self, directory: Path, cli: Cli, seed: int) -> None:
        self.directory = workspace(directory)
        self.cli = cli
        self.random = random.Random(seed)

    def edit(self) -> None:
        choose = self.random
        paths = sorted((*self.directory.rglob("*.yml"), *self.directory.rglob("*.smq.json")))
        models = [path for path in paths if path.suffix == ".yml"]
        path = choose.choice(models if models and choose.random() < 0.6 else paths)
        what = choose.random()
        if what < 0.6:
            old, new = choose.choice(_SWAPS)
            text = path.read_bytes().decode()
            if choose.random() < 0.5:
                old, new = new, old
            self.write(path, text.replace(old, new, choose.choice((1, 1, -1))))
        elif what < 0.75:
            text = path.read_bytes().decode()
            at = choose.randint(0, len(text))
            self.write(path, text[:at] + choose.choice(("", "x", "가", "🙂", ":")) + text[at + 1 :])
        elif what < 0.82:
            path.unlink()
        elif what < 0.9:
            self.write(self.directory / "models" / "new.yml", CONSULTATIONS.replace("상담", "민원"))
        elif what < 0.95:
            self.write(self.directory / "smq.toml", choose.choice(("", 'default_schema = "s"\n')))
        else:
            self.write(self.directory / "q0.smq.json", choose.choice(_QUERIES))

    def write(self, path: Path, text: str) -> None:
        before = path.stat() if path.exists() else None
        path.write_bytes(text.encode())
        if before is not None and self.random.random() < 0.3:
            # As programs do that bring back files with their times.
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def check(self) -> None:
        words: list[str] = ["check", "--output-format", "json"]
        how = self.random.random()
        if how < 0.2:
            words += ["--select", "NAM"]
        elif how < 0.4:
            present = sorted(self.directory.glob("*.smq.json"))[:4]
            words += [path.name for path in present] + ["models"]
        again = self.cli(*words)
        fresh = self.cli(*words, "--no-cache")
        assert again == fresh


def tell(directory: Path, cli: Cli, seed: int, steps: int) -> None:
    story = Story(directory, cli, seed)
    for _ in range(steps):
        story.check()
        for _ in range(story.random.randint(0, 3)):
            story.edit()
    story.check()


@pytest.mark.parametrize("seed", range(4))
def test_a_second_check_says_what_a_first_one_says(
    cli: Cli, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(kept, "WORTH_KEEPING", 1)
    tell(tmp_path, cli, seed, 8)
    assert list(cache.iterdir())


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 160))
def test_a_second_check_says_what_a_first_one_says_for_long(
    cli: Cli, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(kept, "WORTH_KEEPING", 1)
    tell(tmp_path, cli, seed, 15)


def test_only_what_changed_is_read_and_compiled_again(
    cli: Cli, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(tmp_path)
    first = cli("check")
    looked: list[str] = []
    from smq.rules import diagnoses
    from smq_server.io import workspace as workspaces

    for module, name in ((diagnoses, "file_problems"), (workspaces, "read_file")):
        original = getattr(module, name)

        def counted(*words: object, original: object = original, name: str = name) -> object:
            looked.append(name)
            return original(*words)  # type: ignore[operator]

        monkeypatch.setattr(module, name, counted)
    assert cli("check") == first
    assert looked == []
    text = CONSULTATIONS.replace("건당시간", "분당시간")
    (tmp_path / "models" / "other.yml").write_text(text, encoding="utf-8")
    assert cli("check") != first
    assert looked.count("read_file") == 1
    # The file itself, the five queries that use the metric, and those with a suggestion of a name.
    assert 6 <= looked.count("file_problems") <= 17


@pytest.mark.parametrize("content", [b"", b"smq-index\n", b"\x00" * 1000, b"smq-index\n" * 99])
def test_a_damaged_cache_costs_time_alone(
    cli: Cli, tmp_path: Path, cache: Path, content: bytes
) -> None:
    workspace(tmp_path)
    first = cli("check")
    (path,) = cache.iterdir()
    path.write_bytes(content)
    path.chmod(0o600)
    assert cli("check") == first
    path.unlink()
    assert cli("check") == first


def test_a_cache_whose_pieces_are_lost_is_read_again(cli: Cli, tmp_path: Path, cache: Path) -> None:
    workspace(tmp_path)
    cli("check")
    index = read_index(tmp_path, cache)
    lost = {u: Piece(p.stamp, p.taken, p.text, b"\x80") for u, p in index.pieces.items()}
    assert write_index(tmp_path, Index(lost, dict.fromkeys(index.found, b"\x80")), cache)
    assert cli("check") == cli("check", "--no-cache")


def test_nothing_is_kept_where_it_is_not_wanted(
    cli: Cli, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(tmp_path)
    first = cli("check", "--no-cache")
    monkeypatch.setenv("SMQ_NO_CACHE", "1")
    assert cli("check") == first
    assert not list(cache.iterdir())


@pytest.mark.parametrize("place", ["/dev/full", "/dev/null/x", "/proc/none"])
def test_a_cache_that_cannot_be_written_changes_nothing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    workspace(tmp_path)
    monkeypatch.setenv("SMQ_CACHE_DIR", place)
    assert cli("check") == cli("check", "--no-cache")


def test_processes_share_a_cache(tmp_path: Path, cache: Path) -> None:
    workspace(tmp_path)
    command = [sys.executable, "-m", "smq_server.main", "check", "--output-format", "json"]
    running = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=120)[0] for process in running]
    assert len(set(answers)) == 1
    assert json.loads(answers[0])["findings"]
    assert [path.suffix for path in cache.iterdir()] == [".index"]
    assert read_index(tmp_path, cache) != indexes.NOTHING


def test_the_editor_and_the_command_line_use_one_index(
    cli: Cli, tmp_path: Path, cache: Path
) -> None:
    from tests.support.session import Client

    workspace(tmp_path)
    first = cli("check")
    shown = Client(tmp_path).settle()
    assert len(list(cache.iterdir())) == 1
    assert cli("check") == first
    assert Client(tmp_path).settle() == shown

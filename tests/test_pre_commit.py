"""The hooks, run by the real pre-commit in a real repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.cli import bank

_REPOSITORY = Path(__file__).parent.parent
_PRE_COMMIT = Path(sys.executable).with_name("pre-commit")
_GOOD = '{\n  "metrics": ["total_brn_cnt"],\n  "groupBy": ["부점코드__brn_stcd"]\n}\n'
_BAD = '{\n  "metrics": ["total_brn_cn"]\n}\n'
_UGLY = '{"groupBy":["부점코드__brn_stcd"],"metrics":["total_brn_cnt"]}\n'


class Repository:
    """A user's repository with the worked-example workspace and both hooks."""

    def __init__(self, directory: Path, hooks: Path, home: Path) -> None:
        self.directory = directory
        self._environ = {
            **os.environ,
            "PRE_COMMIT_HOME": str(home),
            "GIT_AUTHOR_NAME": "t",
            "GIT_AUTHOR_EMAIL": "t@example.invalid",
            "GIT_COMMITTER_NAME": "t",
            "GIT_COMMITTER_EMAIL": "t@example.invalid",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        directory.mkdir()
        self.run("git", "init", "-q")
        bank(directory)
        revision = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=hooks, capture_output=True, text=True, check=True
        ).stdout.strip()
        (directory / ".pre-commit-config.yaml").write_text(
            f"repos:\n  - repo: {hooks}\n    rev: {revision}\n"
            "    hooks: [{id: smq-fmt}, {id: smq-check}]\n"
        )
        self.run("git", "add", "-A")

    def run(self, *words: str | Path) -> tuple[int, str]:
        done = subprocess.run(
            [str(word) for word in words],
            cwd=self.directory,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=600,
            check=False,
        )
        return done.returncode, done.stdout

    def stage(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text, encoding="utf-8")
        self.run("git", "add", "-A")


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree as a repository of its own, because pre-commit clones a commit."""
    directory = tmp_path_factory.mktemp("hooks")
    listed = subprocess.run(
        # New files, too: what is being worked on should be tested before it is committed.
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=_REPOSITORY,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        source = _REPOSITORY / name
        if source.is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, directory / name)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "the tree"]):
        subprocess.run(["git", *words], cwd=directory, check=True)
    return directory


def test_manifest_is_valid() -> None:
    manifest = _REPOSITORY / ".pre-commit-hooks.yaml"
    subprocess.run([_PRE_COMMIT, "validate-manifest", manifest], check=True)


@pytest.mark.long
def test_hooks_refuse_let_through_and_format(
    hooks: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("user")
    repository = Repository(base / "repo", hooks, base / "cache")

    repository.stage("good.smq.json", _GOOD)
    status, output = repository.run(_PRE_COMMIT, "run", "--all-files")
    assert status == 0, output

    repository.stage("bad.smq.json", _BAD)
    status, output = repository.run(_PRE_COMMIT, "run", "--all-files")
    assert status == 1 and "Metric 'total_brn_cn' not found" in output, output
    assert repository.run(_PRE_COMMIT, "install")[0] == 0
    assert repository.run("git", "commit", "-qm", "bad")[0] == 1
    (repository.directory / "bad.smq.json").unlink()
    repository.run("git", "add", "-A")
    status, output = repository.run("git", "commit", "-qm", "good")
    assert status == 0, output

    repository.stage("ugly.smq.json", _UGLY)
    status, output = repository.run("git", "commit", "-qm", "ugly")
    assert status == 1 and "files were modified by this hook" in output, output
    repository.run("git", "add", "-A")
    status, output = repository.run("git", "commit", "-qm", "pretty")
    assert status == 0, output

    # A file that is wrong already does not stop the commit of another one.
    repository.stage("wrong.smq.json", _BAD)
    assert repository.run("git", "commit", "--no-verify", "-qm", "wrong")[0] == 0
    repository.stage("other.smq.json", _GOOD)
    status, output = repository.run("git", "commit", "-qm", "other")
    assert status == 0, output

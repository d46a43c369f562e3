"""Work shared with copies of the process: the same answers, whatever becomes of the copies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.support.cli import Cli, Outcome
from tests.test_kept import Story

from smq_server.io.forked import processes, share

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system copies no processes")

FIRST = os.getpid()


def in_a_copy() -> bool:
    return os.getpid() != FIRST


def squares(numbers: Sequence[int]) -> list[int]:
    return [number * number for number in numbers]


@pytest.fixture(autouse=True)
def copies(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The copies that a test starts; other tests have processes of their own running."""
    started: list[int] = []
    fork = os.fork

    def noted() -> int:
        process = fork()
        started.append(process)
        return process

    monkeypatch.setattr(os, "fork", noted)
    return started


class Begun:
    """Lets nobody work here before a copy has begun, however late the system runs it."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self._has_begun = False

    def wait(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            if in_a_copy():
                os.write(self._writing, b"!")
            else:
                os.read(self._reading, 1)
                os.close(self._reading)
                os.close(self._writing)


def none_is_left(copies: list[int]) -> bool:
    for process in copies:
        try:
            os.waitpid(process, os.WNOHANG)
        except ChildProcessError:
            continue
        return False
    return True


@pytest.mark.parametrize("count", range(1, 6))
@pytest.mark.parametrize("size", [0, 1, 3, 100, 1_000])
def test_every_part_is_done_once(count: int, size: int, copies: list[int]) -> None:
    found = [each for part in share(range(size), squares, count) for each in part]
    assert sorted(found) == squares(range(size))
    assert len(copies) == max(0, min(count, size) - 1)
    assert none_is_left(copies)


def fails() -> object:
    raise RuntimeError


def dies() -> object:
    os.kill(os.getpid(), signal.SIGKILL)
    return None


def leaves() -> object:
    os._exit(0)


def says_what_nobody_can_write() -> object:
    return threading.Lock()


def says_what_nobody_may_read() -> object:
    return Path("a")


@pytest.mark.parametrize(
    "mishap", [fails, dies, leaves, says_what_nobody_can_write, says_what_nobody_may_read]
)
def test_what_a_copy_cannot_do_is_done_here(
    mishap: Callable[[], object], capfd: pytest.CaptureFixture[str], copies: list[int]
) -> None:
    begun = Begun()

    def work(numbers: Sequence[int]) -> object:
        begun.wait()
        return mishap() if in_a_copy() else squares(numbers)

    found = list(share(range(9), work, 3))
    assert sorted(map(str, found)) == sorted(str([number * number]) for number in range(9))
    assert none_is_left(copies)
    # A copy keeps its troubles to itself.
    assert capfd.readouterr() == ("", "")


def test_a_long_answer_comes_whole() -> None:
    begun = Begun()

    def work(numbers: Sequence[int]) -> str:
        begun.wait()
        return str(numbers[0]) * 3_000_000

    assert sorted(share([1, 2], work, 2)) == ["1" * 3_000_000, "2" * 3_000_000]


def test_neighbours_stay_together_and_whoever_is_free_takes_the_next_part() -> None:
    """A copy that is slow does less, so that nobody waits long for it."""
    reading, writing = os.pipe()
    begun = Begun()

    def work(numbers: Sequence[int]) -> tuple[bool, list[int]]:
        begun.wait()
        if in_a_copy():
            os.read(reading, 1)
        elif 998 in numbers or 999 in numbers:
            os.write(writing, b"!")
        return in_a_copy(), list(numbers)

    found = sorted(share(range(1_000), work, 2), key=lambda part: part[1])
    os.close(reading)
    os.close(writing)
    assert [number for _, numbers in found for number in numbers] == list(range(1_000))
    assert len([numbers for by_copy, numbers in found if by_copy]) == 1


def test_copies_end_with_the_work(copies: list[int]) -> None:
    """When somebody presses Ctrl-C, also a copy that would compute for ever is gone."""
    reading, writing = os.pipe()

    def work(numbers: Sequence[int]) -> None:
        if in_a_copy():
            os.read(reading, 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(share([1, 2, 3], work, 3))
    assert none_is_left(copies)
    os.close(reading)
    os.close(writing)


def test_a_process_with_threads_is_not_copied() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert processes() == 1
    finally:
        done.set()
        thread.join()


def test_how_many_processes_is_a_setting() -> None:
    code = "from smq_server.io.forked import processes; print(processes())"

    def asked(wish: str) -> int:
        environ = {**os.environ, "SMQ_JOBS": wish}
        return int(subprocess.check_output([sys.executable, "-c", code], env=environ))

    assert asked("1") == 1
    assert asked("0") == 1
    assert 1 <= asked("2") <= 2
    assert asked("") == asked("viel") == asked("-3")


_SHARING = """
import sys
from smq_server.io import kept, workspace
from smq_server.main import main
kept.WORTH_SHARING = workspace.WORTH_SHARING = 1
kept.WORTH_KEEPING = 1
kept.processes = workspace.processes = lambda: 3
sys.exit(main(sys.argv[1:]))
"""


class Sharing(Story):
    """A story whose checks are done by three processes, and compared with those of one."""

    def check(self) -> None:
        words = ["check", "--output-format", "json"]
        shared = subprocess.run(
            [sys.executable, "-c", _SHARING, *words],
            cwd=self.directory,
            capture_output=True,
            timeout=120,
            check=False,
        )
        found = Outcome(shared.returncode, shared.stdout.decode(), shared.stderr.decode())
        assert found == self.cli(*words, "--no-cache")


def test_processes_together_find_what_one_finds(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    monkeypatch.setenv("SMQ_CACHE_DIR", str(cache))
    directory = tmp_path / "workspace"
    directory.mkdir()
    monkeypatch.chdir(directory)
    story = Sharing(directory, cli, 1)
    story.check()
    # What they have kept is all there, and right.
    assert list(cache.iterdir())
    for _ in range(4):
        story.edit()
    story.check()

"""What a git repository held at a revision, read with git itself and nothing checked out.

Only plumbing that reads objects is called, without the repository's hooks, filters or monitors.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from smq_server.io.failure import Failure

_TIMEOUT = 60
_FILE = b"100"
"""How the modes of plain files begin; links and submodules have others."""


@dataclass(frozen=True, slots=True)
class Revision:
    """`commit` is the full hash of what `name` means; `prefix` is the directory in the tree."""

    name: str
    commit: str
    top: Path
    prefix: PurePosixPath


def revision(directory: Path, name: str) -> Revision:
    """What a revision means for a directory. Raises Failure outside of a repository, without git,
    or for a revision that does not exist."""
    top = _git(directory, "rev-parse", "--show-toplevel", why="is not in a git repository")
    root = Path(os.fsdecode(top.rstrip(b"\n")))
    # A name that begins with a dash would be an option.
    wanted = f"{name}^{{commit}}"
    commit = _git(
        directory,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        wanted,
        why=f"has no revision '{name}'",
    )
    prefix = PurePosixPath(directory.resolve().relative_to(root.resolve()).as_posix())
    return Revision(name, commit.decode().strip(), root, prefix)


def extracted(found: Revision, is_wanted: Callable[[str], bool]) -> AbstractContextManager[str]:
    """The wanted files of the revision's directory in a directory of their own, while it is open.

    `is_wanted` is asked for each file's name. Raises Failure.
    """
    home = TemporaryDirectory(prefix="smq-diff-")
    try:
        _extract(found, is_wanted, Path(home.name))
    except BaseException:
        home.cleanup()
        raise
    return home


def _extract(found: Revision, is_wanted: Callable[[str], bool], home: Path) -> None:
    where = [] if found.prefix == PurePosixPath(".") else ["--", f"{found.prefix}/"]
    listing = _git(found.top, "ls-tree", "-r", "-z", "--full-tree", found.commit, *where)
    wanted: list[tuple[bytes, Path]] = []
    for entry in listing.split(b"\0"):
        head, _, name = entry.partition(b"\t")
        parts = head.split()
        if len(parts) != 3 or not parts[0].startswith(_FILE):
            continue
        path = PurePosixPath(os.fsdecode(name))
        inside = path.relative_to(found.prefix)
        if ".." in inside.parts or not is_wanted(path.name):
            continue
        wanted.append((parts[2], home / inside))
    contents = _blobs(found.top, [digest for digest, _ in wanted])
    for (_, target), content in zip(wanted, contents, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _blobs(top: Path, digests: list[bytes]) -> list[bytes]:
    if not digests:
        return []
    data = _git(top, "cat-file", "--batch", given=b"".join(each + b"\n" for each in digests))
    found: list[bytes] = []
    at = 0
    for _ in digests:
        end = data.index(b"\n", at)
        size = int(data[at:end].split()[2])
        found.append(data[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return found


def _git(
    directory: Path, *words: str, given: bytes | None = None, why: str = "cannot be read by git"
) -> bytes:
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(directory), *words]
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            env=environ,
            timeout=_TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        raise Failure("git is not installed, or not on the PATH") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"git took longer than {_TIMEOUT} s") from None
    if done.returncode:
        words_of_git = done.stderr.decode(errors="replace").strip().splitlines()
        hint = f" ({words_of_git[-1]})" if words_of_git else ""
        raise Failure(f"{directory} {why}{hint}")
    return done.stdout

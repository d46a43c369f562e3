"""A workspace as it was at a git revision, read like the one on the disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from smq_server.io.configuration import FILE_NAME
from smq_server.io.dbt_manifest import PLACES
from smq_server.io.discovery import find_root
from smq_server.io.git import extracted, revision
from smq_server.io.workspace import Workspace, load, locate

_ENDINGS = (".yml", ".yaml", ".smq.json")
_NAMES = frozenset({"smq.toml", "pyproject.toml", "manifest.json"})


@contextmanager
def earlier_workspace(
    root: Path, name: str, environ: Mapping[str, str]
) -> Iterator[tuple[Workspace, str]]:
    """The workspace of a directory at a revision, and the commit's hash.

    What dbt has built is rarely committed; then the names of today stand for those of then.
    Raises Failure, or BadConfiguration for a configuration that was wrong then.
    """
    found = revision(root, name)
    with extracted(found, _is_wanted) as directory:
        home = Path(directory).resolve()
        for place in PLACES:
            today, then = root / place, home / place
            if today.is_file() and not then.exists():
                then.parent.mkdir(parents=True, exist_ok=True)
                then.symlink_to(today)
        if find_root(home)[0] != home:
            # Without a configuration of its own it is the workspace all the same.
            (home / FILE_NAME).write_text("")
        own = {key: value for key, value in environ.items() if key != "SMQ_CONFIG"}
        yield load(locate(home, own)), found.commit


def _is_wanted(name: str) -> bool:
    return name.endswith(_ENDINGS) or name in _NAMES

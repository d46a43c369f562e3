"""The workspaces that a playground offers, with the text of their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smq_server.io.failure import Failure

_SUFFIXES = (".smq.json", ".yml", ".yaml")
_FILE_LIMIT = 1 << 20
_FILES_LIMIT = 500


@dataclass(frozen=True, slots=True)
class PlaygroundWorkspace:
    """One directory under the name that the page's menu shows."""

    name: str
    directory: Path


def offered(directories: Sequence[PlaygroundWorkspace]) -> list[dict[str, Any]]:
    """What the page loads: each workspace with its root as a URI and its files as texts.

    Only queries and models are among them, at most 500 files, each of at most a megabyte: the
    page holds all of them open. Raises Failure for a directory without any.
    """
    return [_described(workspace) for workspace in directories]


def _described(workspace: PlaygroundWorkspace) -> dict[str, Any]:
    files = list(_files(workspace.directory))
    if not files:
        raise Failure(f"no queries or semantic models in {workspace.directory}")
    return {
        "name": workspace.name,
        "root": workspace.directory.as_uri(),
        "files": files,
    }


def _files(directory: Path) -> Iterator[dict[str, str]]:
    count = 0
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if not path.name.endswith(_SUFFIXES) or any(
            part.startswith(".") for part in relative.parts
        ):
            continue
        if not path.is_file() or path.stat().st_size > _FILE_LIMIT:
            continue
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            # The language server says what is wrong with it; the page cannot show it.
            continue
        yield {"path": relative.as_posix(), "uri": path.as_uri(), "text": text}
        count += 1
        if count == _FILES_LIMIT:
            return

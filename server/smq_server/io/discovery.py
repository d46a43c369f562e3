"""Which directory is the workspace, and which files belong to it."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from smq.graph.shape import SECTIONS
from smq.syntax import kind_of
from smq.workspace import Configuration
from smq.workspace.patterns import matches_any
from smq_server.io.configuration import FILE_NAME, has_section
from smq_server.io.uris import absolute

NEVER_ENTERED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        "__pycache__",
        "node_modules",
        "site-packages",
        "target",
        "dbt_packages",
        "dbt_modules",
    }
)
"""Directories of other programs; a search does not enter them, a path given by name may."""

# Also near misses of the keys, which the loader recognises and reports.
_MODEL_KEY = re.compile(
    rb"^[\"']?(?:" + "|".join(SECTIONS).encode() + rb"|seman\w+|saved\w+)[\"']?[ \t]*:",
    re.MULTILINE,
)
CACHE = Path(".smq") / "metadata_cache.json"
"""Where the metadata cache of a workspace is, unless it is configured to be elsewhere."""
_PEEK = 64 * 1024


def find_root(start: Path) -> tuple[Path, Path | None]:
    """The workspace's directory for a file or directory, and its configuration file.

    The nearest `smq.toml` upwards, else the nearest pyproject.toml with `[tool.smq]`, else the
    nearest repository; without any of them the nearest directory upwards that holds models or a
    metadata cache, which is how a lone query finds the names it is about.
    """
    here = absolute(start)
    if not here.is_dir():
        here = here.parent
    above = (here, *here.parents)
    for directory in above:
        if _is_file(directory / FILE_NAME):
            return directory, directory / FILE_NAME
    for directory in above:
        project = directory / "pyproject.toml"
        if _is_file(project) and has_section(_read(project)):
            return directory, project
    for directory in above:
        if (directory / ".git").exists():
            return directory, None
    for directory in above[:8]:
        if is_too_wide(directory):
            break
        if _holds_models(directory) or _is_file(directory / CACHE):
            return directory, None
    current = absolute(Path())
    # Editors that were started from a menu have the disk or the home for their own place.
    return (current if here.is_relative_to(current) and not is_too_wide(current) else here), None


def is_too_wide(directory: Path) -> bool:
    """A home directory, a whole disk or everybody's scratch: never a workspace by accident."""
    home = Path.home() if os.environ.get("HOME") or os.name == "nt" else None
    return directory in (home, Path(directory.anchor), Path(tempfile.gettempdir()))


def is_of_named_files(root: Path, configuration_path: Path | None) -> bool:
    """Whether a root makes no workspace of all that is below it.

    A query in a home directory or at the top of a disk is about what is open or named beside it.
    Nobody means all files of a disk by it, and reading them would take minutes. Where somebody
    names the directory itself, or has put a configuration there, it is a workspace like others.
    """
    return configuration_path is None and is_too_wide(root)


def find_files(root: Path, configuration: Configuration) -> Iterator[Path]:
    """Query and model files of the workspace, sorted within each directory, each once."""
    seen: set[Path] = set()
    for kind, places in (("yaml", configuration.models), ("smq", configuration.queries)):
        for place in places:
            for path in _place(root, place, kind, configuration):
                if path not in seen:
                    seen.add(path)
                    yield path


def files_below(directory: Path, root: Path, configuration: Configuration) -> Iterator[Path]:
    """Query and YAML files below a directory that a person named."""
    for path in _walk(directory, root, configuration):
        if kind_of(path.name) != "other":
            yield path


def find_nested(directory: Path, root: Path, configuration: Configuration) -> list[Path]:
    """Directories below with a configuration of their own: workspaces apart from this one."""
    found: list[Path] = []
    for _ in _walk(directory, root, configuration, found):
        pass
    return found


def is_excluded(path: Path, root: Path, configuration: Configuration) -> bool:
    """Whether the configuration says that this file is not to be looked at."""
    if not configuration.exclude or not path.is_relative_to(root):
        return False
    return matches_any(configuration.exclude, path.relative_to(root).as_posix())


def may_hold_models(data: bytes) -> bool:
    """Whether a YAML file's first bytes have a key of semantic models at the left margin."""
    return _MODEL_KEY.search(data) is not None


def is_ours(text: str) -> bool:
    """Whether YAML that nobody named may be about models: most YAML of the world is not."""
    return text.lstrip("\ufeff \t\r\n").startswith("{") or may_hold_models(text.encode())


def _place(root: Path, place: str, kind: str, configuration: Configuration) -> Iterator[Path]:
    path = absolute(root / place)
    if any(char in place for char in "*?["):
        for found in _walk(_fixed_part(root, place), root, configuration):
            relative = os.path.relpath(found, root).replace(os.sep, "/")
            if kind_of(found.name) == kind and matches_any((place,), relative):
                yield found
    elif path.is_dir():
        for found in _walk(path, root, configuration):
            if kind_of(found.name) == kind:
                yield found
    elif _is_file(path) and not is_excluded(path, root, configuration):
        # A file that is named belongs to the workspace whatever it is called.
        yield path


def _fixed_part(root: Path, pattern: str) -> Path:
    """The directory where the files of a pattern can begin to be."""
    parts: list[str] = []
    for part in pattern.split("/")[:-1]:
        if any(char in part for char in "*?["):
            break
        parts.append(part)
    return absolute(root.joinpath(*parts))


def _walk(
    top: Path, root: Path, configuration: Configuration, nested: list[Path] | None = None
) -> Iterator[Path]:
    """Files below a directory that belong to the workspace.

    Links are followed, but no directory is entered twice. A directory with a configuration of
    its own is not entered, because its files belong to that one; it is added to `nested`.
    """
    entered: set[tuple[int, int]] = set()
    pending = [top]
    while pending:
        directory = pending.pop()
        try:
            status = directory.stat()
            identity = (status.st_dev, status.st_ino)
            if identity in entered:
                continue
            entered.add(identity)
            with os.scandir(directory) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            # Gone or forbidden: what cannot be listed cannot be checked. A file named by the
            # user is read, and reported, elsewhere.
            continue
        if directory not in (root, top) and _is_root(directory, listed):
            if nested is not None:
                nested.append(directory)
            continue
        below: list[Path] = []
        for entry in listed:
            path = directory / entry.name
            try:
                is_directory = entry.is_dir()
            except OSError:
                # A link that leads to itself; reading it will say so.
                is_directory = False
            if is_directory:
                if entry.name not in NEVER_ENTERED and not is_excluded(path, root, configuration):
                    below.append(path)
            elif not is_excluded(path, root, configuration):
                yield path
        pending.extend(reversed(below))


def _is_root(directory: Path, listed: Sequence[os.DirEntry[str]]) -> bool:
    names = {entry.name for entry in listed}
    if FILE_NAME in names:
        return True
    project = "pyproject.toml"
    return project in names and has_section(_read(directory / project))


def _holds_models(directory: Path) -> bool:
    """Whether a YAML file with models lies in the directory or one level below it."""
    try:
        children = sorted(directory.iterdir())[:500]
        below = [child for child in children if child.is_dir() and child.name not in NEVER_ENTERED]
        files: Iterable[Path] = [
            *(child for child in children if kind_of(child.name) == "yaml"),
            *(
                inner
                for child in below[:50]
                for inner in sorted(child.iterdir())[:200]
                if kind_of(inner.name) == "yaml"
            ),
        ]
    except OSError:
        return False
    return any(may_hold_models(_peek(path)) for path in files)


def _peek(path: Path) -> bytes:
    try:
        if not _is_file(path):
            return b""
        with path.open("rb") as file:
            return file.read(_PEEK)
    except OSError:
        return b""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False

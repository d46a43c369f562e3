"""The workspace that is served: what the disk says now, read again only where it changed.

Agents edit files between two calls, so every answer starts with a look at times and sizes. When
only the contents of known files changed, those are read; anything else is a fresh start.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from smq.problem import Problem
from smq.syntax import Document
from smq.workspace import Change
from smq_server.io.discovery import find_files
from smq_server.io.failure import BadConfiguration, Failure
from smq_server.io.files import read_document
from smq_server.io.uris import absolute, display, path_of, uri_of
from smq_server.io.workspace import Location, Workspace, load, locate

Stamps = dict[Path, tuple[int, int]]

_CONFIGURATIONS = ("smq.toml", "pyproject.toml")
_MANIFEST = ("target", "manifest.json")


class Served:
    """One workspace; any thread may ask for it."""

    def __init__(
        self, directory: Path, environ: Mapping[str, str], configuration: str | None = None
    ) -> None:
        self.directory = absolute(directory)
        self.environ = environ
        self._configuration = configuration
        self._lock = threading.Lock()
        self._workspace: Workspace | None = None
        self._stamps: Stamps = {}

    def location(self) -> Location:
        """Where the workspace is, with its configuration. Raises Failure when that is wrong."""
        try:
            return locate(self.directory, self.environ, self._configuration)
        except BadConfiguration as error:
            raise Failure(_told(error)) from error

    def workspace(self) -> Workspace:
        """The workspace as it is on the disk now. Raises Failure when it cannot be read."""
        with self._lock:
            location = self.location()
            stamps = _look(location)
            if self._workspace is None or self._workspace.location != location:
                self._workspace = load(location)
            elif stamps != self._stamps:
                self._workspace = _updated(self._workspace, self._stamps, stamps)
            self._stamps = stamps
            return self._workspace

    def path_in(self, written: str) -> Path:
        """A path that a client wrote, which must lie in the workspace, links followed.

        Raises Failure for any other.
        """
        root = self.workspace().root
        try:
            path = Path(root, written)
            is_inside = path.resolve().is_relative_to(root.resolve())
        except (OSError, ValueError, RuntimeError):
            is_inside = False
        if not is_inside:
            raise Failure(f"'{written}' is not a path in the workspace")
        return absolute(path)

    def relative(self, uri: str) -> str:
        """A file of the workspace as clients see it: its path below the root, with slashes."""
        root = self._workspace.root if self._workspace else self.directory
        path = path_of(uri)
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _look(location: Location) -> Stamps:
    stamps: Stamps = {}
    watched = [
        *find_files(location.root, location.configuration),
        *(location.root / name for name in _CONFIGURATIONS),
        location.root.joinpath(*_MANIFEST),
    ]
    for path in watched:
        try:
            found = path.stat()
        except OSError:
            continue
        stamps[path] = found.st_mtime_ns, found.st_size
    return stamps


def _updated(workspace: Workspace, before: Stamps, after: Stamps) -> Workspace:
    changed = [path for path in after if before.get(path) != after[path]]
    known = all(uri_of(path) in workspace.snapshot for path in changed)
    if before.keys() != after.keys() or not known:
        return load(workspace.location)
    changes: list[Change] = []
    for path in changed:
        found = read_document(path)
        if isinstance(found, Problem):
            return load(workspace.location)
        assert isinstance(found, Document)
        changes.append(Change(found.uri, found.text))
    return replace(workspace, snapshot=workspace.snapshot.apply(changes))


def _told(error: BadConfiguration) -> str:
    from smq.rules import rules

    loaded = error.loaded
    problem = loaded.problems[0]
    words = rules()[problem.code].words(problem.args)
    return f"{display(path_of(problem.location.uri))} is not valid: {words}"

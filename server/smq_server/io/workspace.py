"""A workspace from the disk: its root, its configuration, and a snapshot of its files."""

from __future__ import annotations

import gc
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from smq.graph.loaders import is_about_models
from smq.problem import Problem
from smq.syntax import Document, kind_of
from smq.workspace import Change, Configuration, File, Snapshot, read_file
from smq_server.io import configuration as configurations
from smq_server.io.dbt_manifest import read_refs
from smq_server.io.discovery import (
    files_below,
    find_files,
    find_nested,
    find_root,
    is_excluded,
    is_of_named_files,
    is_ours,
    may_hold_models,
)
from smq_server.io.failure import BadConfiguration, Failure
from smq_server.io.files import read_document, stamp
from smq_server.io.forked import processes, share
from smq_server.io.index import NOTHING, Piece, packed, read_index, unpack, unpack_later
from smq_server.io.kept import WORTH_KEEPING, Kept
from smq_server.io.missing import no_such_file
from smq_server.io.uris import absolute, display, uri_of

WORTH_SHARING = 400_000
"""Characters to read; fewer are read before another process has begun."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a workspace is, before any of its files is read."""

    root: Path
    configuration: Configuration
    configuration_path: Path | None

    @property
    def is_of_named_files(self) -> bool:
        """Whether only files that somebody names belong to it, unless the directory is named."""
        return is_of_named_files(self.root, self.configuration_path)

    def path(self, written: str) -> Path:
        """A path written in the configuration, which is relative to the root."""
        return absolute(self.root / Path(written).expanduser())


@dataclass(frozen=True, slots=True)
class Workspace:
    """A loaded workspace; `given` are the URIs of the files that were asked for."""

    location: Location
    snapshot: Snapshot
    given: tuple[str, ...]
    excluded: tuple[Path, ...] = ()
    """Files that were asked for and that the configuration leaves out."""
    foreign: tuple[Path, ...] = ()
    """YAML files that were asked for and are about something else than semantic models."""
    kept: Kept = field(default_factory=Kept)
    """What an earlier run has left of this workspace."""
    is_whole: bool = True
    """False where only the files that were asked for were read, see `is_of_named_files`."""

    @property
    def root(self) -> Path:
        return self.location.root

    @property
    def configuration(self) -> Configuration:
        return self.snapshot.configuration

    @property
    def has_models(self) -> bool:
        return self.snapshot.has_models

    def with_document(self, document: Document) -> Workspace:
        """The workspace with one more or one changed document, which becomes the given one."""
        snapshot = self.snapshot.apply([Change(document.uri, document.text, document.version)])
        return Workspace(self.location, snapshot, (document.uri,), is_whole=self.is_whole)


def locate(start: Path, environ: Mapping[str, str], configuration: str | None = None) -> Location:
    """The workspace that a file or directory belongs to, with its configuration read.

    `configuration` names the file instead of searching for it. Raises BadConfiguration when the
    configuration has problems, Failure when it cannot be read.
    """
    chosen = configuration or environ.get("SMQ_CONFIG")
    if chosen:
        path: Path | None = absolute(Path(chosen).expanduser())
        assert path is not None
        if not path.exists():
            raise Failure(f"no configuration file {display(path)}")
        root = path.parent
    else:
        root, path = find_root(start)
    document = _read_configuration(path) if path else None
    loaded = configurations.parse(document, uri_of(root), environ)
    if loaded.problems:
        raise BadConfiguration(loaded)
    return Location(root, loaded.configuration, path)


def open_workspace(
    start: Path, environ: Mapping[str, str], configuration: str | None = None
) -> Workspace:
    """The workspace that a file or directory belongs to, all its files loaded.

    A file that is not found by the configured search is loaded too. Raises Failure when `start`
    does not exist or the configuration is wrong.
    """
    return open_workspaces([start], environ, configuration)[0]


def open_around(
    path: Path, environ: Mapping[str, str], configuration: str | None = None
) -> Workspace:
    """The workspace of a document that may be no file yet, all its files loaded, none given.

    Raises Failure when the configuration is wrong.
    """
    directory = path.parent
    while not directory.exists():
        directory = directory.parent
    return _load(locate(directory, environ, configuration), [])


def open_workspaces(
    paths: Sequence[Path],
    environ: Mapping[str, str],
    configuration: str | None = None,
    cached: bool = True,
) -> list[Workspace]:
    """The workspaces of some paths, each loaded once, in the order they are first named.

    No path means the current directory. Directories below a named one that have a configuration
    of their own are workspaces of their own. What an earlier run has kept is used where `cached`
    says so; with or without it the workspaces are the same. Raises as `open_workspace` does.
    """
    groups: dict[tuple[Path, Path | None], tuple[Location, list[Path]]] = {}
    locations: dict[Path, Location] = {}
    for path in [absolute(path) for path in paths] or [absolute(Path())]:
        if not path.exists():
            raise no_such_file(path)
        directory = path if path.is_dir() else path.parent
        # Pre-commit names a thousand files of a few directories.
        location = locations.get(directory)
        if location is None:
            location = locations[directory] = locate(directory, environ, configuration)
        pending = [(location, path)]
        while pending:
            each, given = pending.pop(0)
            key = each.root, each.configuration_path
            groups.setdefault(key, (each, []))[1].append(given)
            if given.is_dir() and not configuration:
                below = find_nested(given, each.root, each.configuration)
                pending.extend((locate(nested, environ), nested) for nested in below)
    return [_load(location, given, cached) for location, given in groups.values()]


def load(location: Location) -> Workspace:
    """All files of a workspace, none of them asked for in particular."""
    return _load(location, [], is_named=True)


def _load(
    location: Location, given: Sequence[Path], cached: bool = True, is_named: bool = False
) -> Workspace:
    is_whole = is_named or not location.is_of_named_files or any(path.is_dir() for path in given)
    with _without_collection():
        return _read_all(location, given, cached, is_whole)


@contextmanager
def _without_collection() -> Iterator[None]:
    """No collection of garbage while a workspace is read, and none of what was read afterwards.

    Trees of a large workspace are millions of objects without cycles. Looking through them again
    and again, whenever some more have come, takes twice as long as reading the files.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            # What is frozen is never freed, and DuckDB's driver complains of its objects at exit.
            if "duckdb" not in sys.modules:
                gc.freeze()
            gc.enable()


def _read_all(location: Location, given: Iterable[Path], cached: bool, is_whole: bool) -> Workspace:
    root, configuration = location.root, location.configuration
    files = dict.fromkeys(find_files(root, configuration) if is_whole else ())
    asked: dict[Path, None] = {}
    by_name: set[Path] = set()
    excluded: list[Path] = []
    for path in given:
        if path.is_dir():
            below = [p for p in files if p.is_relative_to(path)]
            # A directory where the configuration expects nothing was named, so it is meant.
            asked.update(dict.fromkeys(below or files_below(path, root, configuration)))
        elif is_excluded(path, root, configuration):
            excluded.append(path)
        else:
            asked[path] = None
            by_name.add(path)
    files.update(asked)
    index = read_index(root) if cached and len(files) >= WORTH_KEEPING else NOTHING
    kept = Kept(index, cached)
    read: dict[str, File] = {}
    anew: list[Document] = []
    uses_refs = False
    unreadable: list[Problem] = []
    left_out: set[Path] = set()
    for path in files:
        kept.stamps[uri_of(path)] = stamp(path) or (0, 0)
        found = read_document(path)
        is_query = kind_of(path.name) == "smq"
        if isinstance(found, Document):
            if not (is_query or path in by_name or is_ours(found.text)):
                left_out.add(path)
                continue
            piece = index.pieces.get(found.uri)
            if piece is not None and piece.text == found.text:
                # By the text itself: a time stamp may be restored with another text.
                read[found.uri] = unpack_later(found.uri, piece)
                uses_refs = uses_refs or piece.uses_refs
            else:
                anew.append(found)
        elif is_query or _could_be_ours(path):
            unreadable.append(found)
        else:
            left_out.add(path)
    for file, file_uses_refs in _read_anew(anew, kept):
        read[file.document.uri] = file
        uses_refs = uses_refs or file_uses_refs
    read = dict(sorted(read.items()))
    lost = {problem.location.uri: problem for problem in unreadable}
    snapshot = Snapshot(read, configuration, lost, {})
    foreign = [path for path in by_name if path in left_out or _is_foreign(snapshot, path)]
    left_out.update(foreign)
    uris = [uri_of(path) for path in asked if path not in left_out]
    if uses_refs:
        refs = read_refs(root)
        if isinstance(refs, Problem):
            # Without it every `ref()` may name another table, so nobody must miss this.
            snapshot = snapshot.with_unreadable(refs)
            uris.append(refs.location.uri)
        else:
            snapshot = snapshot.with_refs(refs)
    uris.sort()
    return Workspace(
        location, snapshot, tuple(uris), tuple(excluded), tuple(sorted(foreign)), kept, is_whole
    )


def _read_anew(documents: Sequence[Document], kept: Kept) -> Iterator[tuple[File, bool]]:
    """The files of documents that no index has, and whether each is about dbt's models."""
    kept.unkept.update(document.uri for document in documents)
    # The first process keeps the trees that it has read. From another one come bytes.
    here: list[File] = []

    def read(part: Sequence[Document]) -> list[tuple[str, bytes, bool]]:
        files = [read_file(document) for document in part]
        if os.getpid() == first:
            here.extend(files)
            return []
        return [(file.document.uri, *packed(file)) for file in files]

    first = os.getpid()
    size = sum(len(document.text) for document in documents)
    texts = {document.uri: document for document in documents}
    for found in share(documents, read, processes() if size >= WORTH_SHARING else 1):
        for uri, data, uses_refs in found:
            document = texts[uri]
            piece = Piece(kept.stamps[uri], time.time_ns(), document.text, data, uses_refs)
            kept.fresh[uri] = piece
            # At once, while other processes go on reading.
            yield unpack(uri, piece) or read_file(document), uses_refs
    yield from ((file, file.declarations.uses_refs) for file in here)


def _is_foreign(snapshot: Snapshot, path: Path) -> bool:
    uri = uri_of(path)
    if kind_of(path.name) != "yaml" or uri not in snapshot:
        return False
    return not is_about_models(snapshot.parsed(uri))


def _could_be_ours(path: Path) -> bool:
    """`is_ours` for a file that cannot be read as a whole; a pipe or a device never is."""
    try:
        # Not `open` first: a named pipe would wait for a writer for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return may_hold_models(file.read(64 * 1024))
    except OSError:
        return True


def _read_configuration(path: Path) -> Document:
    found = read_document(path)
    if isinstance(found, Problem):
        from smq.rules import find

        rule = find(found.code)
        words = rule.words(found.args) if rule else "The file cannot be read."
        raise Failure(f"{display(path)}: {words}")
    return found

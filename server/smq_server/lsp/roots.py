"""One workspace of the client: where it is, how it is configured, and what its files say now.

The texts of open documents win over the disk. Everything else is read by time stamp: no client
has to watch files for us, though one that does is believed at once.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from smq.catalog import CatalogSnapshot
from smq.problem import Problem
from smq.rules.diagnoses import Found, is_rule
from smq.syntax import Document, kind_of
from smq.workspace import Change, Configuration, File, Snapshot, read_file
from smq_server.io import configuration as configurations
from smq_server.io.dbt_manifest import read_refs
from smq_server.io.discovery import (
    find_files,
    find_root,
    is_excluded,
    is_of_named_files,
    is_ours,
)
from smq_server.io.files import Stamp, read_document, stamp
from smq_server.io.index import (
    DAMAGE,
    Index,
    Piece,
    dump,
    found_key,
    load,
    pack,
    read_index,
    unpack,
)
from smq_server.io.uris import path_of, uri_of
from smq_server.lsp.scheduler import Work

logger = logging.getLogger(__name__)


class OpenDocument(NamedTuple):
    """A document the client has taken over; `spelling` is its URI as the client writes it."""

    spelling: str
    text: str
    version: int | None


OpenDocuments = Mapping[str, OpenDocument]

_LATER = (
    "smq.rules.silence",
    "smq.sql.lower.percentile_ranks",
    "smq.syntax.yaml_again",
    "smq.workspace.affected",
)
"""Modules that nothing asks for before somebody writes; they come once the first look is over."""


class Root:
    """A workspace and its newest snapshot. Everything happens on the event loop."""

    def __init__(self, path: Path, configuration_path: Path | None, dialect: str | None) -> None:
        self.path = path
        self.uri = uri_of(path)
        self.configuration_path = configuration_path
        self.is_named = False
        """Whether the client has it for a folder of its own."""
        self.is_indexed = False
        self.is_stopped = False
        """Whether somebody has stopped reading it."""
        self.generation = 0
        self.configuration_problems: tuple[Problem, ...] = ()
        self.configuration_document: Document | None = None
        self._dialect = dialect
        self._configuration_stamp: Stamp | None = None
        self._stamps: dict[str, Stamp] = {}
        self.unkept: set[str] = set()
        """Files whose reading the index does not have."""
        self.found_then: Found | None = None
        self.snapshot_then: Snapshot | None = None
        """What the last server found here, and in which files; for the first diagnoses only."""
        self.snapshot = Snapshot({}, self._configure({}), {}, {})

    @property
    def configuration(self) -> Configuration:
        return self.snapshot.configuration

    @property
    def is_being_read(self) -> bool:
        return not self.is_indexed and not self.is_stopped

    @property
    def is_of_open_documents(self) -> bool:
        """Whether nothing but what is open belongs to it: one file opened in a home directory."""
        return not self.is_named and is_of_named_files(self.path, self.configuration_path)

    # Configuration

    def _configure(self, opened: OpenDocuments) -> Configuration:
        document: Document | None = None
        lost: tuple[Problem, ...] = ()
        path = self.configuration_path
        self._configuration_stamp = stamp(path) if path else None
        if path is not None:
            uri = uri_of(path)
            if uri in opened:
                document = Document(uri, opened[uri].text)
            else:
                found = read_document(path)
                if isinstance(found, Problem):
                    lost = (found,)
                else:
                    document = found
        loaded = configurations.parse(document, self.uri, os.environ)
        self.configuration_document = document
        self.configuration_problems = (*lost, *loaded.problems)
        configuration = loaded.configuration
        if self._dialect:
            configuration = replace(configuration, dialect=self._dialect)
        return configuration

    def reconfigure(self, opened: OpenDocuments, dialect: str | None) -> bool:
        """Read the configuration again; whether it says something else now.

        A configuration file that has come or gone is noticed too.
        """
        before = self.configuration, self.configuration_problems
        self._dialect = dialect
        here, path = find_root(self.path)
        self.configuration_path = path if here == self.path else None
        configuration = self._configure(opened)
        if (configuration, self.configuration_problems) == before:
            return False
        self.snapshot = self.snapshot.configured(configuration)
        self.generation += 1
        return True

    # Reading

    def index(self, opened: Callable[[], OpenDocuments], progress: Callable[[int], object]) -> Work:
        """Read all files, a file for each step; afterwards `snapshot` holds them."""
        files: dict[str, File] = {}
        unreadable: dict[str, Problem] = {}
        self._stamps.clear()
        self.unkept.clear()
        known = read_index(self.path)
        then, self.found_then = self._remembered(known)
        taken: set[str] = set()
        yield
        for number, path in enumerate(self._files()):
            uri = uri_of(path)
            if uri in opened():
                taken.add(uri)
            else:
                found = self._take(path, uri, known, then)
                if isinstance(found, Problem):
                    unreadable[uri] = found
                elif found is not None:
                    files[uri] = found
            progress(number)
            yield
        if self.found_then is not None:
            # What was found last time was found with all of these files as they were then.
            for uri, piece in known.pieces.items():
                if uri not in then:
                    file = unpack(uri, piece)
                    if file is None:
                        self.found_then = None
                        break
                    then[uri] = file
                    yield
            self.snapshot_then = Snapshot(then, self.configuration, {}, {})
        for uri, document in opened().items():
            if self.takes(uri):
                taken.add(uri)
                files[uri] = read_file(Document(uri, document.text, document.version))
                yield
        refs = read_refs(self.path)
        tables = {} if isinstance(refs, Problem) else refs
        if tables:
            self.found_then = None
        snapshot = Snapshot(files, self.configuration, unreadable, tables)
        if isinstance(refs, Problem):
            snapshot = snapshot.with_unreadable(refs)
        yield
        # Here, so that the first request does not wait for it.
        _ = snapshot.graph
        yield
        # What was opened or changed meanwhile.
        late = [
            Change(uri, document.text, document.version)
            for uri, document in opened().items()
            if self.takes(uri)
            and (uri not in snapshot or snapshot.document(uri).text != document.text)
        ]
        # What has been learnt about the warehouse meanwhile stays as well.
        snapshot = snapshot.with_catalog(self.snapshot.catalog)
        self.snapshot = snapshot.apply(late) if late else snapshot
        self.is_indexed = True
        self.generation += 1
        # Of what was closed meanwhile the disk says what it is.
        now = opened()
        closed = sorted(taken - now.keys())
        self.from_disk([uri for uri in closed if uri.startswith("file:")], now)
        lost = [Change(uri, None) for uri in closed if not uri.startswith("file:")]
        if lost:
            self.apply(lost)

    def prepare(self) -> Work:
        """What the first keystroke, finding, rename or search would have to wait for."""
        # Here, because reading the files and the first look at them need none of it.
        from smq.rules import families

        for name in (*_LATER, *(f"{families.__name__}.{each}" for each in families.FAMILIES)):
            import_module(name)
            yield
        from smq.graph import shape
        from smq.ide import index, symbols

        yield
        yield from shape.prepare()
        snapshot = self.snapshot
        _ = snapshot.graph.metric_names
        yield
        _ = snapshot.graph.member_names
        yield
        for number, (_, file) in enumerate(snapshot.files):
            _ = file.uses
            if number % 10 == 0:
                yield
        yield from symbols.prepare(snapshot)
        yield from index.prepare(snapshot)

    def _take(
        self, path: Path, uri: str, known: Index, then: dict[str, File]
    ) -> File | Problem | None:
        """The file as it was read the last time, if it still has the same text, or else now."""
        now = stamp(path)
        piece = known.pieces.get(uri)
        if piece is not None and now is not None and piece.holds_for(now):
            file = unpack(uri, piece)
            if file is not None:
                self._stamps[uri] = now
                then[uri] = file
                return file
        found = self._read(path, uri)
        if isinstance(found, Problem) or found is None:
            return found
        if piece is not None and piece.text == found.text:
            file = unpack(uri, piece)
            if file is not None:
                then[uri] = file
                self.unkept.add(uri)
                return file
        file = read_file(found)
        file.forget_tree()
        self.unkept.add(uri)
        return file

    def _remembered(self, known: Index) -> tuple[dict[str, File], Found | None]:
        """Room for the files of the last time, and what was found in them, if that is known."""
        kept = known.found.get(self._found_key())
        try:
            return {}, load(kept)[0] if kept is not None else None
        except DAMAGE:
            return {}, None

    def _found_key(self) -> str:
        return found_key("editor", self.configuration, {}, "")

    def keep(self, opened: OpenDocuments, found: Found) -> Generator[None, None, Index]:
        """What the next start can begin with, a file for each step."""
        before = read_index(self.path)
        yield
        pieces: dict[str, Piece] = {}
        for uri, file in self.snapshot.files:
            if not uri.startswith("file:"):
                continue
            at = self._stamps.get(uri) if uri not in opened else None
            piece = before.pieces.get(uri)
            if piece is None or piece.stamp != at or not piece.holds_for(at):
                # A text that is not the disk's is kept as what something was found in. It holds
                # for no stamp, so the next start reads the file and sees what that changes.
                piece = pack(file, at or (0, 0))
                yield
            pieces[uri] = piece
        certain = {
            uri: {at: _without_warehouse(problems) for at, problems in each.items()}
            for uri, each in found.items()
            if uri in pieces or is_rule(uri)
        }
        self.unkept.clear()
        return before.with_found(pieces, self._found_key(), dump((certain, ())))

    def takes(self, uri: str) -> bool:
        """Whether an open document takes part in this workspace, or only looks at it."""
        if kind_of(uri) == "other":
            return False
        if not uri.startswith("file:"):
            # A scratch query is checked; scratch models must not double those of the files.
            return kind_of(uri) == "smq"
        return not is_excluded(path_of(uri), self.path, self.configuration)

    def _files(self) -> Iterator[Path]:
        if not self.is_of_open_documents:
            yield from find_files(self.path, self.configuration)

    def _read(self, path: Path, uri: str) -> Document | Problem | None:
        """The file's document; None for YAML that is not about models."""
        now = stamp(path)
        found = read_document(path, uri)
        if now is not None:
            self._stamps[uri] = now
        if isinstance(found, Document) and kind_of(uri) != "smq" and not is_ours(found.text):
            return None
        return found

    # Changing

    def take_catalog(self, catalog: CatalogSnapshot) -> None:
        """Another state of the warehouse, or the same one grown older."""
        self.snapshot = self.snapshot.with_catalog(catalog)
        self.generation += 1

    def apply(self, changes: Iterable[Change]) -> None:
        """One step to the next snapshot."""
        self.snapshot = self.snapshot.apply(changes)
        self.generation += 1

    def from_disk(self, uris: Iterable[str], opened: OpenDocuments) -> None:
        """Take the disk's word for files that are not open."""
        changes: list[Change] = []
        lost: list[Problem] = []
        for uri in uris:
            if uri in opened and self.takes(uri):
                continue
            path = path_of(uri)
            found: Document | Problem | None = None
            if stamp(path) is None and not path.is_symlink():
                self._stamps.pop(uri, None)
            elif self._is_looked_at(path):
                found = self._read(path, uri)
            if isinstance(found, Problem):
                lost.append(found)
            elif found is not None:
                known = self.snapshot.document(uri) if uri in self.snapshot else None
                if known is None or known.text != found.text or known.version is not None:
                    changes.append(Change(uri, found.text))
            elif uri in self.snapshot.uris:
                changes.append(Change(uri, None))
        if changes:
            self.apply(changes)
        for problem in lost:
            if self.snapshot.unreadable.get(problem.location.uri) != problem:
                self.snapshot = self.snapshot.with_unreadable(problem)
                self.generation += 1

    def _is_looked_at(self, path: Path) -> bool:
        """Whether a file that is on the disk alone has a part in this workspace."""
        if self.is_of_open_documents or kind_of(path.name) == "other":
            return False
        return not is_excluded(path, self.path, self.configuration)

    def scan(self, opened: Callable[[], OpenDocuments]) -> Work:
        """Compare all time stamps with the disk; a directory's files for each step."""
        seen: set[str] = set()
        changed: list[str] = []
        for path in self._files():
            uri = uri_of(path)
            seen.add(uri)
            if self._stamps.get(uri) != stamp(path):
                changed.append(uri)
            yield
        gone = [uri for uri in self._stamps if uri not in seen and stamp(path_of(uri)) is None]
        if changed or gone:
            self.from_disk([*changed, *gone], opened())

    def configuration_changed(self) -> bool:
        """Whether the configuration file looks different from what was read."""
        if self.configuration_path is None:
            return (self.path / configurations.FILE_NAME).is_file()
        return stamp(self.configuration_path) != self._configuration_stamp


def _without_warehouse(problems: list[Problem]) -> list[Problem]:
    """The next start begins before anything is known of the warehouse."""
    return [problem for problem in problems if not problem.code.startswith("CAT")]

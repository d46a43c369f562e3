"""What a session knows of files: open documents, workspaces, their snapshots and their problems.

One funnel takes every kind of change. The changed file's own problems are looked for before the
funnel returns; those of other files follow in slices, and a newer change starts them anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from smq.problem import Problem
from smq.rules.check import Finding
from smq.rules.diagnoses import Diagnoses
from smq.syntax import kind_of
from smq.text import LineIndex
from smq.workspace import Change, Snapshot
from smq_server.io.discovery import find_root
from smq_server.io.files import read_document
from smq_server.io.index import forget_index, write_index
from smq_server.io.uris import absolute, path_of, uri_of
from smq_server.lsp import convert, protocol
from smq_server.lsp.onlooking import Onlookers, is_untitled_model
from smq_server.lsp.progress import ReadingProgress
from smq_server.lsp.publishing import Publisher
from smq_server.lsp.roots import OpenDocument, Root
from smq_server.lsp.scheduler import Work
from smq_server.lsp.view import View
from smq_server.lsp.warehouse import Warehouses

if TYPE_CHECKING:
    from smq_server.lsp.connection import Connection

logger = logging.getLogger(__name__)

_WORTH_KEEPING = 20
"""Files whose reading is not in the index yet; fewer are read faster than an index is written."""
_SCAN_AFTER = 2.0
"""Seconds after which the disk is looked at again, when the client does not watch it for us."""


_ENDINGS = {"smq": ".smq.json", "semantic-model": ".yml", "yaml": ".yml"}
"""What the languages of our files are told by."""


class State:
    """See the module. Everything runs on the event loop."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.documents: dict[str, OpenDocument] = {}
        self.roots: list[Root] = []
        self.diagnoses: dict[int, Diagnoses] = {}
        self.publisher = Publisher(self)
        self.warehouses = Warehouses(connection, self.roots, self.catalog_changed)
        self._names: dict[str, str] = {}
        """By its URI what a document is called that no file gives a name."""
        self._looked: dict[int, Snapshot] = {}
        self._edits: dict[str, int] = {}
        self._has_told_of_cache = False
        self._roots_of: dict[str, Root] = {}
        self._folders: list[Path] = []
        self._scanned = time.monotonic()
        self._scan_took = 0.0
        self.onlookers = Onlookers(self._defect)

    def _defect(self, error: BaseException, where: str) -> None:
        self.connection.defect(error, where)

    # Folders and workspaces

    def take_folders(self, params: types.InitializeParams) -> None:
        """The folders that `initialize` names, in whichever of its three ways."""
        uris = [folder.uri for folder in params.workspace_folders or ()]
        if not uris and params.root_uri:
            uris = [params.root_uri]
        if not uris and params.root_path:
            uris = [uri_of(absolute(Path(params.root_path)))]
        self._folders = [path_of(uri) for uri in uris if uri.startswith("file:")]

    def open_folders(self) -> None:
        for folder in self._folders:
            if folder.is_dir():
                root = self._root_at(folder)
                if not root.is_named:
                    was_wide, root.is_named = root.is_of_open_documents, True
                    if was_wide and root.is_indexed:
                        self._start_index(root)

    def folders_changed(self, added: Iterable[str], removed: Iterable[str]) -> None:
        gone = {path_of(uri) for uri in removed}
        self._folders = [folder for folder in self._folders if folder not in gone]
        self._folders += [path_of(uri) for uri in added if uri.startswith("file:")]
        self.open_folders()
        kept = {find_root(folder)[0] for folder in self._folders if folder.is_dir()}
        opened = {id(self.root_for(uri)) for uri in self.documents}
        for root in list(self.roots):
            if root.path not in kept and id(root) not in opened:
                self._drop(root)

    def _drop(self, root: Root) -> None:
        self.roots.remove(root)
        self.diagnoses.pop(id(root), None)
        self.warehouses.close(root)
        for key in (
            _key("index", root),
            _key("check", root),
            _key("look on", root),
            _key("scan", root),
            _key("keep", root),
            _key("prepare", root),
        ):
            self.connection.scheduler.cancel(key)
        self._roots_of.clear()
        self.publisher.take_back(uri for uri in root.snapshot.uris if uri not in self.documents)
        self.publisher.take_back([uri_of(root.path / "smq.toml")])

    def _root_at(self, place: Path) -> Root:
        """The workspace of a directory or file; a new one is read in the background."""
        path, configuration = find_root(place)
        for root in self.roots:
            if root.path == path:
                return root
        root = Root(path, configuration, self.connection.settings.dialect)
        self.roots.append(root)
        self.diagnoses[id(root)] = Diagnoses(self._defect)
        self.warehouses.open(root)
        self._start_index(root)
        return root

    def root_for(self, uri: str) -> Root:
        """The workspace of a document, or that of its own URI; a document without a path belongs
        to the first workspace."""
        canonical = self.canonical(uri)
        named = [root for root in self.roots if root.uri == canonical]
        if named:
            return named[0]
        place = canonical.rpartition("/")[0]
        known = self._roots_of.get(place)
        if known is not None:
            return known
        if canonical.startswith("file:"):
            root = self._root_at(path_of(canonical).parent)
        elif self.roots:
            root = self.roots[0]
        else:
            root = self._root_at(self._folders[0] if self._folders else Path.cwd())
        self._roots_of[place] = root
        return root

    @property
    def is_indexing(self) -> bool:
        return any(root.is_being_read for root in self.roots)

    @property
    def generation(self) -> int:
        return sum(root.generation for root in self.roots)

    def document_generation(self, uri: str) -> int:
        return self._edits.get(self.canonical(uri), 0)

    # Names

    def canonical(self, uri: str) -> str:
        """The name that snapshots use: clients escape the same path in several ways, and a document
        that was never saved is named after its language."""
        return uri_of(path_of(uri)) if uri.startswith("file:") else self._names.get(uri, uri)

    def spelled(self, uri: str) -> str:
        """The URI as the client writes it, for a document it has opened."""
        document = self.documents.get(uri)
        return document.spelling if document is not None else uri

    # Views

    def view(self, uri: str) -> View | None:
        name = self.canonical(uri)
        root = self.root_for(name)
        document = self.documents.get(name)
        self.warehouses.poll(root)
        if name in root.snapshot and (document is None or self._is_in(root, name, document)):
            return View(root.snapshot, name, self.connection.encoding, self.spelled)
        return self._look_in(root, name, document)

    @staticmethod
    def _is_in(root: Root, name: str, document: OpenDocument) -> bool:
        """Whether the snapshot has the document as it is: not while the workspace is read again."""
        is_current = root.is_indexed or root.snapshot.document(name).text == document.text
        return root.takes(name) and is_current

    def _look_in(self, root: Root, name: str, document: OpenDocument | None) -> View | None:
        """A document that only looks at its workspace, as if it were in it."""
        if document is not None:
            snapshot = self.onlookers.snapshot(root.snapshot, _text(name, document))
        else:
            if not name.startswith("file:"):
                return None
            found = read_document(path_of(name))
            if isinstance(found, Problem):
                return None
            snapshot = root.snapshot.apply([Change(name, found.text)])
        return View(snapshot, name, self.connection.encoding, self.spelled)

    def lines_of(self, uri: str) -> LineIndex | None:
        """The lines of any file that a finding may point into; None for one that is gone."""
        for root in self.roots:
            if uri in root.snapshot:
                return root.snapshot.lines(uri)
            document = root.configuration_document
            if document is not None and document.uri == uri:
                return LineIndex(document.text, is_marked=uri not in self.documents)
        if uri in self.documents:
            return LineIndex(self.documents[uri].text)
        return None

    def findings(self, uri: str) -> list[Finding]:
        name = self.canonical(uri)
        root = self.root_for(name)
        self.bring_up_to_date(root, name)
        return self.findings_in(root, name)

    def findings_in(self, root: Root, name: str) -> list[Finding]:
        """What is known to be wrong in a document of a workspace, or in one that looks at it."""
        document = self.documents.get(name)
        if document is not None and root.is_indexed and is_untitled_model(name):
            return self.onlookers.findings(root.snapshot, _text(name, document))
        return self.diagnoses[id(root)].findings(root.snapshot, name)

    # Pull

    def pull(self, uri: str, previous: str | None) -> dict[str, Any]:
        """The report of one document; `unchanged` when the client has it already."""
        name = self.canonical(uri)
        root = self.root_for(name)
        for other in self._look(root, name) - {name}:
            self.publisher.publish(root, other)
        if name in self.documents:
            self.publisher.pulled(name)
        return self.publisher.report(root, name, previous)

    async def pull_all(self, known: dict[str, str]) -> list[dict[str, Any]]:
        """Reports of all files that have changed for a client that knows some results."""
        self.publisher.pulled_workspace()
        by_name = {self.canonical(uri): value for uri, value in known.items()}
        reports: list[dict[str, Any]] = []
        for root in list(self.roots):
            diagnoses = self.diagnoses[id(root)]
            for _ in self._check(root):
                await asyncio.sleep(0)
            for _ in self._look_on(root):
                await asyncio.sleep(0)
            names = {*root.snapshot.uris, *diagnoses.files(), *self.publisher.settings_of(root)}
            for name in sorted({*names, *self._onlooking(root), *by_name}):
                if self.root_for(name) is not root:
                    continue
                report = self.publisher.report(root, name, by_name.get(name))
                if report["kind"] == "unchanged" or report["items"] or name in by_name:
                    document = self.documents.get(name)
                    version = document.version if document is not None else None
                    reports.append({"uri": self.spelled(name), "version": version, **report})
            await asyncio.sleep(0)
        return reports

    # Changes

    def open(self, uri: str, text: str, version: int | None, language: str = "") -> None:
        # Only of what has no file yet: some editors call every JSON file by the one language that
        # a server is set up for.
        if uri.startswith("untitled:") and kind_of(uri) == "other" and language in _ENDINGS:
            self._names[uri] = uri + _ENDINGS[language]
        name = self.canonical(uri)
        self.documents[name] = OpenDocument(uri, text, version)
        self._took_text(name)

    def change(
        self,
        uri: str,
        version: int | None,
        changes: Sequence[types.TextDocumentContentChangeEvent],
    ) -> None:
        """Take changes of an open document; those of one that is not open are the client's error.

        The version is only repeated to the client: what it sends is in order, so an old or absent
        number is no reason to lose an edit.
        """
        name = self.canonical(uri)
        before = self.documents.get(name)
        if before is None:
            logger.warning("Change of a document that is not open: %s", uri)
            return
        snapshot = self.root_for(name).snapshot
        known = name in snapshot and snapshot.document(name).text is before.text
        lines = snapshot.lines(name) if known else None
        text = convert.changed_text(before.text, changes, self.connection.encoding, lines)
        self.documents[name] = OpenDocument(before.spelling, text, version)
        self._took_text(name)

    def close(self, uri: str) -> None:
        name = self.canonical(uri)
        if name not in self.documents:
            return
        root = self.root_for(name)
        self.publisher.closed(name)
        del self.documents[name]
        self._edited(name)
        self.onlookers.forget(name)
        self._names.pop(uri, None)
        if not root.is_indexed:
            return
        if name.startswith("file:"):
            if self._is_configuration(root, name):
                self.reconfigure(root)
                self.publisher.configuration(root)
            root.from_disk([name], self.documents)
        elif name in root.snapshot:
            root.apply([Change(name, None)])
        self._changed(root, name)

    def saved(self, uri: str, text: str | None) -> None:
        name = self.canonical(uri)
        document = self.documents.get(name)
        if text is not None and document is not None and document.text != text:
            self.documents[name] = OpenDocument(document.spelling, text, document.version)
            self._took_text(name)
        root = self.root_for(name)
        if self._is_configuration(root, name):
            self.reconfigure(root)
        self.look_at_disk()

    def files_changed(self, uris: Iterable[str]) -> None:
        """The client has watched the disk for us."""
        by_root: dict[int, list[str]] = {}
        for uri in uris:
            if not uri.startswith("file:"):
                continue
            name = self.canonical(uri)
            root = self.root_for(name)
            if self._is_configuration(root, name):
                self.reconfigure(root)
            else:
                by_root.setdefault(id(root), []).append(name)
        for root in self.roots:
            names = by_root.get(id(root))
            if names and root.is_indexed:
                root.from_disk(names, self.documents)
                self._changed(root)

    def settings_changed(self, before: Any) -> None:
        settings = self.connection.settings
        if settings.dialect != before.dialect:
            for root in self.roots:
                self.reconfigure(root)
        if settings.trusted != before.trusted:
            for root in self.roots:
                self.warehouses.open(root)
        self.publisher.reworded()
        for root in self.roots:
            for name in self._onlooking(root):
                self.publisher.publish(root, name)

    def reconfigure(self, root: Root) -> None:
        """Read a workspace's configuration again; other places to search mean a new index."""
        old = root.configuration
        if not root.reconfigure(self.documents, self.connection.settings.dialect):
            return
        self.publisher.configuration(root)
        self.warehouses.open(root)
        new = root.configuration
        if (old.models, old.queries, old.exclude) != (new.models, new.queries, new.exclude):
            self._start_index(root)
        elif root.is_indexed:
            self._changed(root)

    def catalog_changed(self, root: Root) -> None:
        """Another state of the warehouse: what is said about tables and columns may be wrong."""
        self._changed(root)

    def look_at_disk(self, after: float = 0.0) -> None:
        """Compare time stamps in the background, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._scanned < after:
            return
        self._scanned = now
        for root in self.roots:
            if root.is_indexed:
                if root.configuration_changed():
                    self.reconfigure(root)
                if root.is_indexed:
                    self.connection.scheduler.submit(_key("scan", root), 9, self._scan(root))

    def tick(self) -> None:
        """Something happened, so somebody is looking: the disk may be due."""
        # A large workspace takes longer to look at, so it is looked at less often.
        self.look_at_disk(max(_SCAN_AFTER, 50 * self._scan_took))

    def _scan(self, root: Root) -> Work:
        before, started = root.generation, time.process_time()
        yield from root.scan(lambda: self.documents)
        self._scan_took = time.process_time() - started
        if root.generation != before:
            self._changed(root)

    def _is_configuration(self, root: Root, name: str) -> bool:
        if not name.endswith((".toml", "/manifest.json")):
            return False
        return name.endswith("/smq.toml") or (
            root.configuration_path is not None and name == uri_of(root.configuration_path)
        )

    def _edited(self, name: str) -> None:
        self._edits[name] = self._edits.get(name, 0) + 1

    def _took_text(self, name: str) -> None:
        self._edited(name)
        root = self.root_for(name)
        document = self.documents[name]
        if self._is_configuration(root, name):
            self.reconfigure(root)
            # The version is another one, even if it says the same.
            self.publisher.configuration(root)
            return
        if not root.is_indexed:
            return
        if root.takes(name):
            root.apply([Change(name, document.text, document.version)])
            self._changed(root, name)
        elif is_untitled_model(name):
            self.publisher.publish(root, name)
            self._look_on_later(root)
        else:
            self.publisher.outside(name)

    # Problems

    def read_again(self) -> None:
        """Read all files of every workspace, as if nothing were known of them."""
        for root in self.roots:
            forget_index(root.path)
            self._start_index(root)

    def _start_index(self, root: Root) -> None:
        root.is_indexed = False
        self.connection.scheduler.cancel(_key("check", root))
        self.connection.scheduler.cancel(_key("look on", root))
        root.is_stopped = False
        self.connection.scheduler.submit(_key("index", root), 1, self._index(root))

    def stop_reading(self, root: Root) -> None:
        """Nobody wants to wait: of a workspace read by half nothing is said, until it is read."""
        self.connection.scheduler.cancel(_key("index", root))
        root.is_stopped = True
        self.publisher.take_back(root.snapshot.uris)
        self.connection.log(_stopped(root), types.MessageType.Warning)
        self._read_or_stopped(root)

    def stopped(self, uri: str | None) -> str | None:
        """Why a question about a document, or about all of them, has no answer."""
        name = self.canonical(uri) if uri is not None else None
        for root in self.roots:
            if root.is_stopped and (name is None or self.root_for(name) is root):
                return _stopped(root)
        return None

    def _index(self, root: Root) -> Work:
        started = time.perf_counter()
        before = root.snapshot if root.snapshot.uris else None
        progress = ReadingProgress(self.connection, root, lambda: self.stop_reading(root))
        try:
            yield from root.index(lambda: self._opened_in(root), progress.report)
        finally:
            progress.end()
        milliseconds = (time.perf_counter() - started) * 1000
        logger.info(
            "Read %d files of %s in %.0f ms", len(root.snapshot.uris), root.path, milliseconds
        )
        if root.found_then is not None and before is None:
            self.diagnoses[id(root)].adopt(root.found_then)
            before = root.snapshot_then
        root.found_then = root.snapshot_then = None
        self.diagnoses[id(root)].change(before, root.snapshot)
        self._remember(root)
        for name in self._opened_in(root):
            self._tell_now(root, name)
        self.publisher.configuration(root)
        for name in self.diagnoses[id(root)].files() - set(self.documents):
            self.publisher.publish(root, name)
        self._check_later(root)
        self._look_on_later(root)
        self._keep_later(root)
        self.warehouses.poll(root)
        self.connection.scheduler.submit(_key("prepare", root), 15, root.prepare())
        self._read_or_stopped(root)

    def _read_or_stopped(self, root: Root) -> None:
        if not self.is_indexing:
            self.connection.settled()
            self.connection.release()
        for listener in self.connection.changed:
            listener(root)

    def _opened_in(self, root: Root) -> dict[str, OpenDocument]:
        return {n: document for n, document in self.documents.items() if self.root_for(n) is root}

    def _remember(self, root: Root) -> None:
        self._looked[id(root)] = root.snapshot

    def _changed(self, root: Root, name: str | None = None) -> None:
        """A new snapshot: the named file's problems now, the others' in slices."""
        before = self._looked.get(id(root))
        if before is root.snapshot:
            return
        self.diagnoses[id(root)].change(before, root.snapshot)
        self._remember(root)
        if name is not None:
            self._tell_now(root, name)
        self._check_later(root)
        self._look_on_later(root)
        for listener in self.connection.changed:
            listener(root)

    def _tell_now(self, root: Root, name: str) -> None:
        self.bring_up_to_date(root, name)
        # Also without a difference: the client knows nothing of this version of it.
        self.publisher.publish(root, name)

    def bring_up_to_date(self, root: Root, name: str) -> None:
        """Look at one file if that is due, and tell of all in which that finds something else."""
        for each in sorted(self._look(root, name), key=lambda each: each != name):
            self.publisher.publish(root, each)

    def _look(self, root: Root, source: str) -> set[str]:
        """The files whose problems have changed by what looking at one, or with a rule, finds."""
        diagnoses = self.diagnoses[id(root)]
        if not root.is_indexed or not diagnoses.is_stale(source):
            return set()
        return diagnoses.look(root.snapshot, source)

    def _check_later(self, root: Root) -> None:
        if not self.diagnoses[id(root)].is_current:
            self.connection.scheduler.submit(_key("check", root), 5, self._check(root))

    def _check(self, root: Root) -> Work:
        diagnoses = self.diagnoses[id(root)]
        yield from diagnoses.analyse(root.snapshot)
        first = list(self._opened_in(root))
        for source in diagnoses.pending(first):
            self.bring_up_to_date(root, source)
            if source not in self.documents and source in root.snapshot:
                root.snapshot.file(source).forget_tree()
            yield
        self.publisher.checked(root)
        self._keep_later(root)

    def _onlooking(self, root: Root) -> list[str]:
        """The models without a path that look at a workspace."""
        return [name for name in self._opened_in(root) if is_untitled_model(name)]

    def _look_on_later(self, root: Root) -> None:
        """After the workspace's own files: what has changed in them may concern who looks on."""
        if self._onlooking(root):
            self.connection.scheduler.submit(_key("look on", root), 6, self._look_on(root))

    def _look_on(self, root: Root) -> Work:
        for name in self._onlooking(root):
            document = self.documents.get(name)
            if document is not None:
                yield from self.onlookers.looking(root.snapshot, _text(name, document))
                self.publisher.publish(root, name)
        self.publisher.checked(root)

    def _keep_later(self, root: Root) -> None:
        """Write the index when nothing else is to be done, if that saves the next start much."""
        if len(root.unkept) >= _WORTH_KEEPING and self.diagnoses[id(root)].is_current:
            self.connection.scheduler.submit(_key("keep", root), 20, self._keep(root))

    def _keep(self, root: Root) -> Work:
        index = yield from root.keep(self.documents, self.diagnoses[id(root)].found)
        if not write_index(root.path, index) and not self._has_told_of_cache:
            self._has_told_of_cache = True
            self.connection.log(
                "The cache cannot be written; the next start reads all files again."
            )


def _text(name: str, document: OpenDocument) -> Change:
    return Change(name, document.text, document.version)


def _stopped(root: Root) -> str:
    return (
        f"Reading {root.path.name} was stopped, so nothing can be said of it. "
        f"The command {protocol.RESTART_INDEX} reads it."
    )


def _key(what: str, root: Root) -> str:
    return f"{what} {root.uri}"

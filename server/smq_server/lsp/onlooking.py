"""Open documents that only look at a workspace: read as if they were in it, seen by no other file.

A model that was never saved is one of them: it has the problems that it would have as a file of
the workspace, but nobody's query or model sees it before it has a path, because a draft mostly
begins as a copy and would make every file wrong that uses the names of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from smq.rules.check import Finding, workspace_rules
from smq.rules.diagnoses import Diagnoses, source_of
from smq.syntax import kind_of
from smq.workspace import Change, Snapshot


def is_untitled_model(name: str) -> bool:
    """Whether a document's name says that it is a model without a path."""
    return name.startswith("untitled:") and kind_of(name) == "yaml"


class Onlookers:
    """What each open document that only looks sees, and what is wrong in it."""

    def __init__(self, defect: Callable[[BaseException, str], object]) -> None:
        self._defect = defect
        self._known: dict[str, _Onlooker] = {}

    def snapshot(self, base: Snapshot, document: Change) -> Snapshot:
        """The workspace with the document in it, as both are now."""
        return self._at(base, document).snapshot

    def looking(self, base: Snapshot, document: Change) -> Generator[None, None, None]:
        """Find also what only looking at all files together finds, in steps."""
        return self._at(base, document).looking()

    def findings(self, base: Snapshot, document: Change) -> list[Finding]:
        """What is wrong in the document itself, and what `looking` has found."""
        onlooker = self._at(base, document)
        onlooker.look()
        return onlooker.diagnoses.findings(onlooker.snapshot, document.uri)

    def forget(self, name: str) -> None:
        self._known.pop(name, None)

    def _at(self, base: Snapshot, document: Change) -> _Onlooker:
        onlooker = self._known.get(document.uri)
        if onlooker is None:
            onlooker = _Onlooker(base, document, Diagnoses(self._defect))
            self._known[document.uri] = onlooker
        else:
            onlooker.follow(base, document)
        return onlooker


class _Onlooker:
    """One document."""

    def __init__(self, base: Snapshot, document: Change, diagnoses: Diagnoses) -> None:
        self._base = base
        self._document = document
        self._looked: Snapshot | None = None
        self._looked_wide: Snapshot | None = None
        self.snapshot = base.apply([document])
        self.diagnoses = diagnoses

    def follow(self, base: Snapshot, document: Change) -> None:
        """Take what has changed, in the workspace and in the document, and only that."""
        before = self._base
        if base is not before:
            if _is_near(before, base):
                name = self._document.uri
                changed = base.changed_files(before)
                files = {uri: file for uri, _, file in changed if uri != name}
                self.snapshot = self.snapshot.taking(files).with_catalog(base.catalog)
            else:
                self.snapshot = base.apply([document])
            self._base = base
        if document != self._document:
            self.snapshot = self.snapshot.apply([document])
            self._document = document

    def look(self) -> None:
        if self._looked is not self.snapshot:
            self._looked = self.snapshot
            self.diagnoses.look(self.snapshot, self._document.uri)

    def looking(self) -> Generator[None, None, None]:
        self.look()
        snapshot, before = self.snapshot, self._looked_wide
        if (
            before is not None
            and before.shares_graph(snapshot)
            and before.configuration == snapshot.configuration
        ):
            return
        for code in workspace_rules():
            yield
            self.diagnoses.look(snapshot, source_of(code))
        self._looked_wide = snapshot


def _is_near(before: Snapshot, after: Snapshot) -> bool:
    """Whether nothing but files is different, and all of them could be read."""
    return (
        before.configuration == after.configuration
        and before.has_refs_of(after)
        and before.unreadable == after.unreadable
    )

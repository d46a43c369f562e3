"""Telling the client about problems: pushed when they change, pulled when it asks.

Push always works. A client that pulls a document would show everything twice, so what it pulls is
not pushed any more, unless it stops asking.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from lsprotocol import types

from smq.rules.check import weigh
from smq.text import LineIndex
from smq_server.io.uris import uri_of
from smq_server.lsp import convert
from smq_server.lsp.diagnosing import Told, Wording
from smq_server.lsp.roots import Root

if TYPE_CHECKING:
    from smq.rules.check import Finding
    from smq.rules.diagnoses import Diagnoses
    from smq_server.lsp.connection import Connection
    from smq_server.lsp.roots import OpenDocuments

_PATIENCE = 1.0
"""Seconds a client that pulls has to ask again before a change is pushed to it after all."""


class Shown(Protocol):
    """What is told about: the workspaces, what is wrong in them, and documents as the client
    names them."""

    @property
    def connection(self) -> Connection: ...
    @property
    def documents(self) -> OpenDocuments: ...
    @property
    def roots(self) -> Sequence[Root]: ...
    @property
    def diagnoses(self) -> Mapping[int, Diagnoses]: ...
    def spelled(self, uri: str) -> str: ...
    def lines_of(self, uri: str) -> LineIndex | None: ...
    def findings_in(self, root: Root, name: str) -> list[Finding]: ...


class Publisher:
    """Pushes, and remembers what was pushed."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._connection = shown.connection
        self._told = Told()
        self._pulled: dict[str, bool] = {}
        self._configurations: dict[str, set[str]] = {}
        self.pulls_workspace = False
        self._refresh_is_due = False

    @property
    def wording(self) -> Wording:
        connection = self._connection
        return Wording(
            connection.client,
            connection.encoding,
            connection.settings.rules_url,
            self._shown.spelled,
            self._shown.lines_of,
        )

    # Push

    def publish(self, root: Root, name: str) -> None:
        """Tell what is known about a file, if that is news and the client does not pull it."""
        document = self._shown.documents.get(name)
        is_narrow = self._connection.settings.diagnostics_scope == "open"
        if document is None and is_narrow and not self._is_setting(root, name):
            self._send(name, None, [])
            return
        if document is not None and name in self._pulled:
            self._pulled[name] = False
            self._push_unless_pulled(root, name)
            return
        if document is None and self.pulls_workspace:
            return
        version = document.version if document is not None else None
        self._send(name, version, self.items(root, name))

    def items(self, root: Root, name: str) -> list[convert.Wire]:
        """The file's diagnostics, as they are now."""
        lines = self._shown.lines_of(name)
        if self._is_setting(root, name):
            problems = [p for p in root.configuration_problems if p.location.uri == name]
            weighed = weigh(root.snapshot, name, problems)
            return self.wording.diagnostics(lines or LineIndex(""), weighed)
        if lines is None or not root.is_indexed:
            # A file that could not be read: its one problem is at its beginning.
            lines = LineIndex("")
        return self.wording.diagnostics(lines, self._shown.findings_in(root, name))

    def settings_of(self, root: Root) -> set[str]:
        """The files that a workspace's configuration comes from, or has come from."""
        return self._configurations.get(root.uri, set())

    def _is_setting(self, root: Root, name: str) -> bool:
        return name in self.settings_of(root)

    def configuration(self, root: Root) -> None:
        """Tell what is wrong with the configuration file itself."""
        names = {problem.location.uri for problem in root.configuration_problems}
        if root.configuration_path is not None:
            names.add(uri_of(root.configuration_path))
        before = self.settings_of(root)
        self._configurations[root.uri] = names | before
        for name in sorted(names | before):
            self.publish(root, name)
        self._configurations[root.uri] = names

    def outside(self, name: str) -> None:
        """A document that takes no part in its workspace has no problems there."""
        document = self._shown.documents[name]
        self._send(name, document.version, [])

    def closed(self, name: str) -> None:
        """The client has closed a document: it must be told anew, without a version."""
        self._pulled.pop(name, None)
        if self._told.forget(name):
            self._notify(name, None, [])

    def take_back(self, names: Iterable[str]) -> None:
        for name in names:
            if self._told.forget(name):
                self._notify(name, None, [])

    def reworded(self) -> None:
        """Settings changed how or where problems are shown."""
        for root in self._shown.roots:
            if root.is_indexed:
                names = {*self._told.uris, *self._shown.diagnoses[id(root)].files()}
                for name in sorted(names & set(root.snapshot.uris)):
                    self.publish(root, name)

    def checked(self, root: Root) -> None:
        """All files have been looked at: clients that pull are told to ask again."""
        if self._refresh_is_due:
            self._refresh_is_due = False
            workspace = self._connection.client.workspace
            offered = workspace.diagnostics if workspace else None
            if offered is not None and offered.refresh_support:
                self._connection.request(types.WORKSPACE_DIAGNOSTIC_REFRESH)

    def _send(self, name: str, version: int | None, items: list[convert.Wire]) -> None:
        if self._told.is_news(name, version, items):
            self._notify(name, version, items)

    def _notify(self, name: str, version: int | None, items: list[convert.Wire]) -> None:
        params: convert.Wire = {"uri": self._shown.spelled(name), "diagnostics": items}
        if version is not None:
            params["version"] = version
        self._connection.notify(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)

    # Pull

    def pulled(self, name: str) -> None:
        """The client has asked for this document; from now on it is the one who asks."""
        self._pulled[name] = True
        if self._told.forget(name):
            self._notify(name, None, [])

    def pulled_workspace(self) -> None:
        if not self.pulls_workspace:
            self.pulls_workspace = True
            self.take_back([u for u in self._told.uris if u not in self._shown.documents])

    def report(self, root: Root, name: str, previous: str | None) -> convert.Wire:
        """The diagnostics of a file as a pulled report, whose id says what it holds."""
        items = self.items(root, name)
        # By content, so that an id means the same to every server of this version.
        digest = blake2b(json.dumps(items, sort_keys=True).encode(), digest_size=12).hexdigest()
        if previous == digest:
            return {"kind": "unchanged", "resultId": digest}
        return {"kind": "full", "resultId": digest, "items": items}

    def _push_unless_pulled(self, root: Root, name: str) -> None:
        self._refresh_is_due = True

        def push() -> None:
            document = self._shown.documents.get(name)
            if document is None or self._pulled.get(name, False) or name not in self._pulled:
                return
            del self._pulled[name]
            self.publish(root, name)

        self._connection.scheduler.later(_PATIENCE, push)

"""The one mutable object: what the client has opened and set, and each workspace's newest state.

Nothing of the core is imported with this module, because `initialize` is answered first; it comes
with the first document or with `initialized`, whichever is sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from smq_server.lsp.connection import Connection
from smq_server.lsp.settings import Settings
from smq_server.lsp.settings import read as read_settings

if TYPE_CHECKING:
    from smq.rules.check import Finding
    from smq.workspace import Snapshot
    from smq_server.lsp.roots import OpenDocument
    from smq_server.lsp.state import State
    from smq_server.lsp.view import View


class Session(Connection):
    """One client. Features ask `view(uri)`; everything that changes comes through `apply_…`."""

    def __init__(self, notify: Callable[[str, Any], object]) -> None:
        super().__init__(notify)
        self._state: State | None = None

    # The life of the session

    def initialize(self, params: types.InitializeParams) -> None:
        """Remember what the client is; imports nothing, answers fast."""
        # Folders and settings are read when the answer has gone out.
        self.client = params.capabilities
        self._params: types.InitializeParams | None = params
        self.settings, self._wrong = read_settings(params.initialization_options, Settings())

    def prepare(self) -> Iterator[None]:
        """Import what the first document will need, while the client is still busy starting."""
        _ = self.state
        yield
        from smq.rules import looking_rules

        looking_rules()
        yield
        import smq.sql.compile  # noqa: F401 - the first query is checked by compiling it

    def start(self) -> None:
        """Read the workspace; called once `initialized` says that the client listens."""
        for sentence in self._wrong:
            self.log(sentence, types.MessageType.Warning)
        self.state.open_folders()
        if not self.is_indexing:
            self.settled()

    @property
    def state(self) -> State:
        """All that needs the core, made when it is first asked for."""
        if self._state is None:
            # Not at the top: this brings the readers, the rules and with them the SQL library.
            from smq_server.lsp import convert
            from smq_server.lsp.state import State

            self.encoding = convert.encoding_of(self.client)
            self._state = State(self)
            assert self._params is not None
            self._state.take_folders(self._params)
        return self._state

    @property
    def is_started(self) -> bool:
        return self._state is not None

    @property
    def is_indexing(self) -> bool:
        """Whether some workspace has not been read yet."""
        return self._state is not None and self._state.is_indexing

    def stopped(self, uri: str | None) -> str | None:
        """Why there is no answer about a document, or about all: reading it has been stopped."""
        return self._state.stopped(uri) if self._state is not None else None

    @property
    def snapshot_id(self) -> int:
        return self._state.generation if self._state is not None else 0

    def generation(self, uri: str | None) -> int:
        """A number that is another one after each change of the document."""
        if uri is None or self._state is None:
            return 0
        return self._state.document_generation(uri)

    def tick(self) -> None:
        """A message came, so somebody is looking: the disk may be due, if nobody watches it."""
        if self._state is not None and not self.watches_disk:
            self._state.tick()
        if self.garbage.heard():
            self.scheduler.wake()

    # What features ask

    def view(self, uri: str) -> View | None:
        """A document among its workspace, at this moment; None when there is no such document."""
        return self.state.view(uri)

    def snapshots(self) -> Sequence[Snapshot]:
        """The newest snapshot of every workspace."""
        return [root.snapshot for root in self.state.roots]

    def findings(self, uri: str) -> list[Finding]:
        """What is wrong in a document now, for code actions and pull diagnostics."""
        return self.state.findings(uri)

    # What changes

    def apply_settings(self, values: object) -> None:
        """Take the client's settings; a wrong one keeps its value and is told once."""
        before = self.settings
        self.settings, wrong = read_settings(values, self.settings)
        for sentence in wrong:
            self.log(sentence, types.MessageType.Warning)
        if self.settings != before and self._state is not None:
            self._state.settings_changed(before)

    def open(self, uri: str, text: str, version: int | None, language: str = "") -> None:
        self.state.open(uri, text, version, language)

    def change(
        self,
        uri: str,
        version: int | None,
        changes: Sequence[types.TextDocumentContentChangeEvent],
    ) -> None:
        self.state.change(uri, version, changes)

    def close(self, uri: str) -> None:
        self.state.close(uri)

    def saved(self, uri: str, text: str | None) -> None:
        self.state.saved(uri, text)

    def files_changed(self, uris: Iterable[str]) -> None:
        self.state.files_changed(uris)

    def folders_changed(self, added: Iterable[str], removed: Iterable[str]) -> None:
        self.state.folders_changed(added, removed)

    def opened(self, uri: str) -> OpenDocument | None:
        return self.state.documents.get(self.state.canonical(uri))

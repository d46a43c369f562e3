"""What each workspace knows of its warehouse: a reader of the metadata cache beside the snapshot.

Readers work in threads of their own and come back to the loop with a new value; nothing here
waits, and nothing is asked of a network before the workspace has been read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from smq.catalog import Known, Unknown
from smq_server.io.warehouse import cache_location, open_reader
from smq_server.lsp.roots import Root

if TYPE_CHECKING:
    from smq_metasync.client import Reader, Status
    from smq_server.lsp.connection import Connection

_LOOK_AFTER = 10.0
"""Seconds after which a workspace without a cache is looked at again: one may have been made."""


class Warehouses:
    """The readers of all workspaces. Everything here runs on the event loop."""

    def __init__(
        self, connection: Connection, roots: Sequence[Root], changed: Callable[[Root], object]
    ) -> None:
        self._connection = connection
        self._roots = roots
        self._changed_catalog = changed
        """Called when a workspace that has been read knows something else of its warehouse."""
        self._readers: dict[int, tuple[Reader, tuple[str, bool]]] = {}
        self._looked: dict[int, float] = {}
        self._told: dict[int, str] = {}

    def open(self, root: Root) -> None:
        """Find the cache of a workspace, as it is configured now. Reads nothing."""
        self._looked[id(root)] = time.monotonic()
        location = cache_location(root.configuration, root.path, os.environ)
        trusted = self._connection.settings.trusted
        known = self._readers.get(id(root))
        if known is not None and known[1] == (location, trusted):
            return
        if not location:
            if known is not None:
                del self._readers[id(root)]
                self._take(root, Unknown())
            return
        reader = open_reader(
            location,
            root.path,
            offline=not trusted,
            changed=lambda: self._connection.from_thread(lambda: self._changed(root, reader)),
            background=self._connection.beside,
        )
        self._readers[id(root)] = reader, (location, trusted)
        if not isinstance(root.snapshot.catalog, Known):
            self._take(root, reader.current)

    def poll(self, root: Root) -> None:
        """Somebody looks at the workspace: see to it that what is known is not too old."""
        found = self._readers.get(id(root))
        if not root.is_indexed:
            return
        if found is not None:
            found[0].poll()
        elif time.monotonic() - self._looked.get(id(root), 0.0) > _LOOK_AFTER:
            self.open(root)

    def refresh(self) -> int:
        """Ask all stores now; how many there are."""
        for root in self._roots:
            self.open(root)
        readers = [reader for reader, _ in self._readers.values()]
        for reader in readers:
            reader.refresh()
        return len(readers)

    def close(self, root: Root) -> None:
        self._readers.pop(id(root), None)
        self._looked.pop(id(root), None)
        self._told.pop(id(root), None)

    def status(self, root: Root) -> tuple[Status, int | None] | None:
        """How a workspace's cache stands, and how many tables it has; None where there is none."""
        found = self._readers.get(id(root))
        if found is None:
            return None
        catalog = root.snapshot.catalog
        return found[0].status, len(catalog) if isinstance(catalog, Known) else None

    def _changed(self, root: Root, reader: Reader) -> None:
        current = self._readers.get(id(root))
        if current is not None and current[0] is reader:
            self._take(root, reader.current)

    def _take(self, root: Root, catalog: Known | Unknown) -> None:
        root.take_catalog(catalog)
        if root.is_indexed:
            self._changed_catalog(root)
        if isinstance(catalog, Unknown) and catalog.reason not in ("loading", "not-configured"):
            self._tell(
                root,
                f"Names are not compared with the warehouse. {catalog.detail}",
            )
        elif isinstance(catalog, Known) and catalog.state == "expired":
            self._tell(
                root, "The metadata cache is older than a day; `smq metasync sync` renews it."
            )

    def _tell(self, root: Root, sentence: str) -> None:
        """Say it once, until it is something else."""
        if self._told.get(id(root)) != sentence:
            self._told[id(root)] = sentence
            self._connection.log(f"{root.path.name}: {sentence}")

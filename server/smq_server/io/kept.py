"""Looking at a workspace again without looking at what has not changed since the last time.

Promises the findings of a run that knows nothing: a result is used only with the very texts,
settings and warehouse it was found with, or after what changed has been followed to every file
that it can have made right or wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from smq.workspace import File, Snapshot
from smq_server.io.forked import processes, share
from smq_server.io.index import (
    DAMAGE,
    NOTHING,
    Index,
    Piece,
    dump,
    found_key,
    load,
    pack,
    unpack_later,
    write_index,
)

if TYPE_CHECKING:
    from smq.graph.graph import SemanticGraph
    from smq.rules.check import Finding
    from smq.rules.diagnoses import Found
    from smq_server.io.files import Stamp

WORTH_KEEPING = 20
"""Files whose reading is not in the index yet; fewer are read faster than an index is written."""

WORTH_SHARING = 200
"""Files to look at; fewer are looked at by one process before another one has begun."""


@dataclass(slots=True)
class Kept:
    """The index of a workspace, and which of the files that were read now it does not have."""

    index: Index = NOTHING
    is_used: bool = True
    """Whether anything may be left for the next run."""
    unkept: set[str] = field(default_factory=set)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    fresh: dict[str, Piece] = field(default_factory=dict)
    """Readings of this run that are in the form of an index already."""


class Check:
    """One look at a workspace: at first what was known, then what had to be looked at again."""

    def __init__(self, kept: Kept, snapshot: Snapshot) -> None:
        # Here, because reading a workspace needs no rules.
        from smq.rules.diagnoses import Diagnoses

        self._kept = kept
        self._snapshot = snapshot
        self._diagnoses = Diagnoses(_raise)
        self._looked = 0
        self._key = found_key(
            "check", snapshot.configuration, snapshot.refs, snapshot.catalog.digest
        )
        before: Snapshot | None = None
        known = self._known()
        if known is not None:
            found, pending = known
            self._diagnoses.adopt(found, pending)
            before = self._before()
        self._diagnoses.change(before, snapshot)
        for _ in self._diagnoses.analyse(snapshot):
            pass

    def findings(self, uris: Sequence[str]) -> list[Finding]:
        """What is wrong in the given files, by file, position and code."""
        from smq.rules.diagnoses import is_rule

        wanted = frozenset(uris)
        sources = [s for s in self._diagnoses.pending(sorted(wanted)) if s in wanted or is_rule(s)]
        self._looked += len(sources)
        count = processes() if len(sources) >= WORTH_SHARING else 1
        if count > 1:
            # Every process needs the graph, and it is to be made once. What a query asks for is to
            # be worked out by the one that looks at the file that defines it.
            graph = self._snapshot.graph
            sources.sort(key=lambda source: (self._home(source, graph), source))
        for found in share(sources, self._look, count):
            for source, by_file in found.items():
                # What this process found has been noted by looking.
                if self._diagnoses.is_stale(source):
                    self._diagnoses.note(source, by_file)
        return [
            finding
            for uri in sorted(wanted)
            for finding in self._diagnoses.findings(self._snapshot, uri, wanted)
        ]

    def _look(self, sources: Sequence[str]) -> Found:
        for source in sources:
            self._diagnoses.look(self._snapshot, source)
        return {source: self._diagnoses.found.get(source, {}) for source in sources}

    def _home(self, source: str, graph: SemanticGraph) -> str:
        """The file that defines the first metric of a query file; else the source itself."""
        if source in self._snapshot:
            for query in self._snapshot.queries(source):
                for item in query.metrics:
                    metric = graph.metrics.get(item.text)
                    if metric is not None:
                        return metric.name_at.uri
        return source

    def keep(self, root: Path) -> None:
        """Leave what is known now for the next run, if that saves it more than it costs here.

        A cache that cannot be written costs the next run time and nobody a word.
        """
        files = dict(self._snapshot.files)
        if not self._kept.is_used or len(files) < WORTH_KEEPING:
            return
        if len(self._kept.unkept) < WORTH_KEEPING and self._looked < WORTH_KEEPING:
            return
        pieces: dict[str, Piece] = {}
        for uri, file in files.items():
            piece = self._kept.fresh.get(uri) or self._kept.index.pieces.get(uri)
            if piece is not None and piece.text == file.document.text:
                pieces[uri] = piece
            else:
                pieces[uri] = pack(file, self._kept.stamps.get(uri, (0, 0)))
        pending = tuple(self._diagnoses.pending(()))
        found = {
            source: by_file
            for source, by_file in self._diagnoses.found.items()
            if not self._diagnoses.is_stale(source)
        }
        write_index(root, self._kept.index.with_found(pieces, self._key, dump((found, pending))))

    def _known(self) -> tuple[Found, tuple[str, ...]] | None:
        data = self._kept.index.found.get(self._key)
        if data is None:
            return None
        try:
            found, pending = load(data)
        except DAMAGE:
            return None
        return found, pending

    def _before(self) -> Snapshot:
        """The files as they were when that was found: with those that are the same now."""
        now = self._snapshot
        files: dict[str, File] = {}
        for uri, piece in self._kept.index.pieces.items():
            same = uri in now and now.document(uri).text == piece.text
            files[uri] = now.file(uri) if same else unpack_later(uri, piece)
        return Snapshot(files, now.configuration, {}, now.refs, None, now.catalog)


def _raise(error: BaseException, where: str) -> None:
    error.add_note(where)
    raise error

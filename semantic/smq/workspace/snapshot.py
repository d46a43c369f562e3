"""The whole workspace at one moment: a value that every feature and rule is given.

Three levels are kept apart, so that a change re-does only what it must: a file's reading is a
value of its text; the graph is merged from the declarations of all files and stays the same
object while none of them changed; what compiling found lives as long as the graph it was found
with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from smq.catalog import CatalogSnapshot, Unknown
from smq.graph.symbols import Declarations, TableName
from smq.problem import Problem
from smq.query.written import WrittenQuery
from smq.syntax import Document, Parsed
from smq.text import LineIndex
from smq.workspace.configuration import Configuration
from smq.workspace.files import File, read_file

if TYPE_CHECKING:
    # The graph brings the SQL library, which formatting or listing files can do without.
    from smq.graph.graph import SemanticGraph


class Change(NamedTuple):
    """A document's new text, or None when the document is gone."""

    uri: str
    text: str | None
    version: int | None = None


@dataclass(slots=True)
class _Merged:
    """The graph, once somebody has asked for it; one for all snapshots that have equal ones."""

    graph: SemanticGraph | None = None
    before: SemanticGraph | None = None
    """The graph before some changes, until this one has been made from it."""
    changes: dict[str, tuple[Declarations, Declarations]] = field(default_factory=dict)
    """What the changed files declared then and declare now."""

    def changed(self, declared: dict[str, tuple[Declarations, Declarations]]) -> _Merged:
        """What is known of the graph after files have come to declare something else."""
        if self.graph is not None:
            return _Merged(None, self.graph, declared)
        if self.before is None:
            return _Merged()
        changes = dict(self.changes)
        for uri, (before, after) in declared.items():
            first = changes[uri][0] if uri in changes else before
            changes[uri] = first, after
        return _Merged(None, self.before, changes)


@dataclass(slots=True)
class _Memo:
    """What was computed on demand."""

    merged: _Merged = field(default_factory=_Merged)
    compiled: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    identity: object = field(default_factory=object)
    step: tuple[object, frozenset[str]] | None = None
    """Which snapshot this one was made from (its identity, not itself) by touching which files."""


class Snapshot:
    """Documents, their readings and the graph they make; never changes once built. `catalog` is
    what is known of the warehouse beside them.

    `problems(uri)` is what reading a file found, `compile_problems(uri)` what compiling its
    queries found. Raises KeyError for a URI that is not in the snapshot.
    """

    __slots__ = ("_catalog", "_configuration", "_files", "_memo", "_refs", "_unreadable")

    def __init__(
        self,
        files: Mapping[str, File],
        configuration: Configuration,
        unreadable: Mapping[str, Problem],
        refs: Mapping[str, TableName],
        memo: _Memo | None = None,
        catalog: CatalogSnapshot | None = None,
    ) -> None:
        self._catalog: CatalogSnapshot = catalog if catalog is not None else Unknown()
        self._files = files
        self._configuration = configuration
        self._unreadable = unreadable
        self._refs = refs
        self._memo = memo or _Memo()

    @property
    def catalog(self) -> CatalogSnapshot:
        return self._catalog

    @property
    def configuration(self) -> Configuration:
        return self._configuration

    @property
    def uris(self) -> tuple[str, ...]:
        """Every document, in the order of the URIs; also those that could not be read."""
        return tuple(sorted({*self._files, *self._unreadable}))

    @property
    def declarations(self) -> tuple[Declarations, ...]:
        """What each file declares, in the order of the URIs."""
        return tuple(self._files[uri].declarations for uri in sorted(self._files))

    @property
    def graph(self) -> SemanticGraph:
        """All declarations merged; built at the first use."""
        merged = self._memo.merged
        if merged.graph is None:
            before, merged.before = merged.before, None
            if before is not None:
                merged.graph = before.replaced(merged.changes.values())
            if merged.graph is None:
                # Here, because it brings the SQL library.
                from smq.graph.graph import SemanticGraph

                merged.graph = SemanticGraph.build(
                    self.declarations, self._configuration.default_schema, self._refs
                )
                if before is not None:
                    merged.graph.carry_over(before, merged.changes.values())
        return merged.graph

    def shares_graph(self, other: Snapshot) -> bool:
        """Whether both have the same graph, so that what was found with it holds for both."""
        return self._memo.merged is other._memo.merged

    @property
    def refs(self) -> Mapping[str, TableName]:
        """The physical names of dbt models, as far as a manifest says them."""
        return self._refs

    def has_refs_of(self, other: Snapshot) -> bool:
        """Whether dbt models have the same physical names in both."""
        return self._refs is other._refs or self._refs == other._refs

    def shares_file(self, other: Snapshot, uri: str) -> bool:
        """Whether a file was read alike in both: the same text, or the same failure."""
        mine, theirs = self._files.get(uri), other._files.get(uri)
        if mine is None or theirs is None:
            return mine is theirs and self._unreadable.get(uri) == other._unreadable.get(uri)
        return mine is theirs or mine.document.text == theirs.document.text

    def __contains__(self, uri: str) -> bool:
        return uri in self._files

    def file(self, uri: str) -> File:
        return self._files[uri]

    def parsed(self, uri: str) -> Parsed:
        return self._files[uri].parsed

    def document(self, uri: str) -> Document:
        return self._files[uri].document

    def lines(self, uri: str) -> LineIndex:
        return self._files[uri].lines

    def queries(self, uri: str) -> tuple[WrittenQuery, ...]:
        return self._files[uri].queries

    def problems(self, uri: str) -> tuple[Problem, ...]:
        unreadable = self._unreadable.get(uri)
        if unreadable is not None:
            return (unreadable,)
        return self._files[uri].problems

    def changed_files(self, other: Snapshot) -> Iterable[tuple[str, File | None, File | None]]:
        """The files that were read otherwise in an earlier snapshot: then, and now."""
        step = self._memo.step
        near = step is not None and step[0] is other._memo.identity
        for uri in step[1] if step and near else {*self._files, *other._files}:
            mine, theirs = self._files.get(uri), other._files.get(uri)
            if mine is not theirs:
                yield uri, theirs, mine

    @property
    def files(self) -> Iterable[tuple[str, File]]:
        return self._files.items()

    @property
    def unreadable(self) -> Mapping[str, Problem]:
        """Why files gave no text at all, by URI."""
        return self._unreadable

    def compile_problems(self, uri: str) -> tuple[Problem, ...]:
        """What compiling the file's queries finds, for the dialect and each target dialect."""
        if self.knows_names_only:
            return ()
        found = self._memo.compiled.get(uri)
        if found is None:
            found = tuple(self._compile(uri))
            self._memo.compiled[uri] = found
        return found

    def apply(self, changes: Iterable[Change]) -> Snapshot:
        """The snapshot after some documents changed; this one stays as it is."""
        read: dict[str, File | None] = {}
        for change in changes:
            before = read[change.uri] if change.uri in read else self._files.get(change.uri)
            if change.text is None:
                read[change.uri] = None
                continue
            document = Document(change.uri, change.text, change.version)
            if before is not None and before.document.text == change.text:
                read[change.uri] = before.with_document(document)
            else:
                read[change.uri] = read_file(document, before)
        return self.taking(read)

    def taking(self, read: Mapping[str, File | None]) -> Snapshot:
        """The snapshot with some files as they have been read already; None for one that is
        gone."""
        files = dict(self._files)
        unreadable = {uri: why for uri, why in self._unreadable.items() if uri not in read}
        declared: dict[str, tuple[Declarations, Declarations]] = {}
        for uri, after in read.items():
            before = self._files.get(uri)
            if after is None:
                files.pop(uri, None)
            else:
                files[uri] = after
            if _declared(before) != _declared(after):
                nothing = Declarations(uri)
                declared[uri] = (
                    before.declarations if before else nothing,
                    after.declarations if after else nothing,
                )
        touched = read.keys()
        memo = _Memo(step=(self._memo.identity, frozenset(touched)))
        if not declared:
            memo.merged = self._memo.merged
            memo.compiled = {u: p for u, p in self._memo.compiled.items() if u not in touched}
        else:
            memo.merged = self._memo.merged.changed(declared)
        return Snapshot(files, self._configuration, unreadable, self._refs, memo, self.catalog)

    def with_unreadable(self, problem: Problem) -> Snapshot:
        """The snapshot after a document turned out to be unreadable, and is lost."""
        uri = problem.location.uri
        without = self.apply([Change(uri, None)])
        lost = {**without._unreadable, uri: problem}
        return Snapshot(
            without._files, self._configuration, lost, self._refs, without._memo, self.catalog
        )

    def with_refs(self, refs: Mapping[str, TableName]) -> Snapshot:
        """The same documents with other physical names of dbt models."""
        memo = _Memo()
        return Snapshot(
            self._files, self._configuration, self._unreadable, refs, memo, self.catalog
        )

    def apart(self) -> Snapshot:
        """The same documents, and nothing remembered of what was found in them.

        For work in another thread: what two snapshots share, they may both be changing.
        """
        return Snapshot(
            self._files, self._configuration, self._unreadable, self._refs, None, self.catalog
        )

    def configured(self, configuration: Configuration) -> Snapshot:
        """The same documents under another configuration."""
        memo = _Memo()
        if configuration.default_schema == self._configuration.default_schema:
            memo.merged = self._memo.merged
        return Snapshot(
            self._files, configuration, self._unreadable, self._refs, memo, self.catalog
        )

    def with_catalog(self, catalog: CatalogSnapshot) -> Snapshot:
        """The same documents beside another state of the warehouse; the graph stays."""
        return Snapshot(
            self._files, self._configuration, self._unreadable, self._refs, self._memo, catalog
        )

    @property
    def has_models(self) -> bool:
        """Whether any file declares a model or a metric."""
        return any(f.declarations.models or f.declarations.metrics for f in self._files.values())

    @property
    def knows_names_only(self) -> bool:
        """Whether queries can be held to the names of the cache alone, because no file of this
        workspace defines any. They cannot be compiled here then."""
        catalog = self.catalog
        if isinstance(catalog, Unknown):
            # Names on their way are not wrong yet, and those of a cache that cannot be read may
            # all be right: unknown is not empty.
            return catalog.reason != "not-configured" and not self.has_models
        return bool(catalog.has_semantic and not self.has_models)

    def _compile(self, uri: str) -> Iterable[Problem]:
        queries = self._files[uri].queries
        if not queries:
            return
        # Here, because it brings the SQL library.
        from smq.query.read import MAX_FAULTS
        from smq.sql.compile import CompileOptions, compile_query

        configuration = self._configuration
        count = 0
        for dialect in dict.fromkeys((configuration.dialect, *configuration.target_dialects)):
            options = CompileOptions(dialect=dialect, written_dialect=configuration.dialect)
            for query in queries:
                if count > MAX_FAULTS:
                    yield Problem("SYN120", query.location, {"limit": MAX_FAULTS})
                    return
                problems = compile_query(query, self.graph, options).problems
                count += len(problems)
                yield from problems


def build(
    documents: Iterable[Document],
    configuration: Configuration | None = None,
    unreadable: Iterable[Problem] = (),
    refs: Mapping[str, TableName] | None = None,
    catalog: CatalogSnapshot | None = None,
) -> Snapshot:
    """Read all documents.

    `unreadable` are the problems of files that gave no text at all, `refs` the physical names
    of dbt models, where a manifest says them, `catalog` what is known of the warehouse.
    """
    files = {document.uri: read_file(document) for document in documents}
    lost = {problem.location.uri: problem for problem in unreadable}
    return Snapshot(files, configuration or Configuration(), lost, refs or {}, None, catalog)


def _declared(file: File | None) -> Declarations | None:
    """What the graph takes from a file; None stands for a file that gives it nothing."""
    if file is None or file.declarations == Declarations(file.declarations.uri):
        return None
    return file.declarations

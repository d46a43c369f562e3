"""One file: what its text says by itself, without any other file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from smq.graph.loaders import Earlier, Loaded, is_about_models, load_again
from smq.graph.symbols import Declarations, Metric, Sql
from smq.problem import Problem
from smq.query.read import read_queries
from smq.query.written import WrittenQuery
from smq.syntax import Document, Parsed, jsonc, yaml
from smq.text import LineIndex, Location, nfc

Reading = tuple[Declarations, tuple[WrittenQuery, ...], tuple[Problem, ...]]
"""What a file declares, the queries in it, and the problems that reading it found."""


class File:
    """A document with what was read from it; a value of its text alone.

    The tree of a file that nobody looks into may be forgotten: it is read again when it is asked
    for, to an equal one.
    """

    __slots__ = (
        "_lines",
        "_load",
        "_loaded",
        "_parsed",
        "_uses",
        "declarations",
        "document",
        "problems",
        "queries",
    )

    _load: Callable[[], Reading | None]
    declarations: Declarations
    queries: tuple[WrittenQuery, ...]
    problems: tuple[Problem, ...]
    """What reading it found, of syntax, shape and query structure."""

    def __init__(
        self,
        document: Document,
        parsed: Parsed | None,
        declarations: Declarations,
        queries: tuple[WrittenQuery, ...] = (),
        problems: tuple[Problem, ...] = (),
        loaded: Loaded | None = None,
    ) -> None:
        self.document = document
        self.declarations = declarations
        self.queries = queries
        self.problems = problems
        self._parsed = parsed
        self._loaded = loaded
        self._uses: str | None = None
        self._lines: LineIndex | None = None

    @classmethod
    def kept(cls, document: Document, load: Callable[[], Reading | None]) -> File:
        """A file whose reading somebody has kept: it is loaded when it is first asked for.

        `load` may give None for one that is lost; then the document is read again.
        """
        file = cls.__new__(cls)
        file.document = document
        file._load = load
        file._parsed = None
        file._loaded = None
        file._uses = None
        file._lines = None
        return file

    def __getattr__(self, name: str) -> Any:
        # Called for what a kept file has not loaded yet.
        if name not in ("declarations", "problems", "queries"):
            raise AttributeError(name)
        reading = self._load()
        if reading is None:
            reading = read_file(self.document).reading
        self.declarations, self.queries, self.problems = reading
        return getattr(self, name)

    @property
    def parsed(self) -> Parsed:
        if self._parsed is None:
            self._parsed = _parse(self.document)
        return self._parsed

    @property
    def tree(self) -> Parsed | None:
        """What was parsed, unless it has been forgotten."""
        return self._parsed

    @property
    def loaded(self) -> Loaded | None:
        """What it declares item by item, unless that has been forgotten."""
        return self._loaded

    @property
    def lines(self) -> LineIndex:
        if self._lines is None:
            # An editor that has opened the file says itself whether its text has a mark.
            is_from_disk = self.document.version is None
            self._lines = LineIndex(self.document.text, is_marked=is_from_disk)
        return self._lines

    @property
    def uses(self) -> str:
        """All texts of queries and metrics in which the file may name what others declare."""
        if self._uses is None:
            self._uses = nfc("\n".join(_uses(self)))
        return self._uses

    def with_document(self, document: Document) -> File:
        """The same reading under another version number of the same text."""
        parsed = replace(self._parsed, document=document) if self._parsed is not None else None
        reading = self.declarations, self.queries, self.problems
        return File(document, parsed, *reading, self._loaded)

    @property
    def reading(self) -> Reading:
        """All that was read from the text, apart from its tree."""
        return self.declarations, self.queries, self.problems

    def forget_tree(self) -> None:
        """Give back two thirds of the memory of a file that nobody has open."""
        if self.document.kind != "smq":
            self._parsed = None
            self._loaded = None


def read_file(document: Document, before: File | None = None) -> File:
    """Read one document; never raises for anything in its text.

    `before` is a reading of an earlier text, which makes it faster and changes nothing else.
    """
    nothing = Declarations(document.uri)
    parsed, earlier = _parse_again(document, before)
    if document.kind == "smq":
        queries, problems = read_queries(parsed)
        return File(document, parsed, nothing, queries, (*parsed.problems, *problems))
    if not is_about_models(parsed):
        # Other people's YAML is theirs to check, however odd it looks to our reader.
        return File(document, parsed, nothing)
    loaded = load_again(parsed, earlier)
    declarations, problems = loaded.declarations, (*parsed.problems, *loaded.problems)
    if before is not None and before.declarations == declarations:
        # The graph stays as it is then, and these are the very symbols that it has.
        declarations = before.declarations
    return File(document, parsed, declarations, (), problems, loaded)


def _is_json(document: Document) -> bool:
    return document.kind == "smq" or document.uri.lower().endswith(".json")


def _parse(document: Document) -> Parsed:
    return jsonc.parse(document) if _is_json(document) else yaml.parse(document)


def _parse_again(document: Document, before: File | None) -> tuple[Parsed, Earlier | None]:
    """The tree, and what of an earlier reading the loaders can use."""
    if before is None or before.tree is None or _is_json(document):
        return _parse(document), None
    parsed, splice = yaml.parse_again(document, before.tree)
    if splice is None or before.loaded is None:
        return parsed, None
    return parsed, Earlier(before.tree, before.loaded, splice)


def _uses(file: File) -> Iterator[str]:
    for query in file.queries:
        for items in (query.metrics, query.group_by, query.filters, query.order_by, query.joins):
            for item in items:
                yield item.text
    for symbol in (*file.declarations.metrics, *file.declarations.saved_queries):
        yield texts_of(symbol)


def texts_of(symbol: object) -> str:
    """All texts of a symbol in which it may name others, in the form that names have."""
    return nfc("\n".join(_texts(symbol)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Sql):
        yield value.text
    elif isinstance(value, Location):
        return
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)
    elif is_dataclass(value):
        for part in fields(value):
            # A definition's own name is no use of it.
            if part.name not in _SILENT and not (part.name == "name" and type(value) is Metric):
                yield from _texts(getattr(value, part.name))


_SILENT = frozenset({"label", "description", "node"})

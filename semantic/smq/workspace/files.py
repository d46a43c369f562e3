"""One file: what its text says by itself, without any other file."""

from __future__ import annotations

from dataclasses import dataclass, replace

from smq.graph.loaders import is_about_models, load
from smq.graph.symbols import Declarations
from smq.problem import Problem
from smq.query.read import read_queries
from smq.query.written import WrittenQuery
from smq.syntax import Document, Parsed, jsonc, yaml


@dataclass(frozen=True, slots=True)
class File:
    """A document with what was read from it; a value of its text alone."""

    parsed: Parsed
    declarations: Declarations
    queries: tuple[WrittenQuery, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What reading it found, of syntax, shape and query structure."""

    @property
    def document(self) -> Document:
        return self.parsed.document

    def with_document(self, document: Document) -> File:
        """The same reading under another version number of the same text."""
        return replace(self, parsed=replace(self.parsed, document=document))


def read_file(document: Document) -> File:
    """Read one document; never raises for anything in its text."""
    nothing = Declarations(document.uri)
    if document.kind == "smq":
        parsed = jsonc.parse(document)
        queries, problems = read_queries(parsed)
        return File(parsed, nothing, queries, (*parsed.problems, *problems))
    is_json = document.uri.lower().endswith(".json")
    parsed = jsonc.parse(document) if is_json else yaml.parse(document)
    if not is_about_models(parsed):
        # Other people's YAML is theirs to check, however odd it looks to our reader.
        return File(parsed, nothing)
    declarations, problems = load(parsed)
    return File(parsed, declarations, (), (*parsed.problems, *problems))

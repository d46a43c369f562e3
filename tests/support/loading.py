"""One model file through the loaders: what it declares, and what is wrong with it."""

from __future__ import annotations

from smq.graph.loaders import load
from smq.graph.symbols import (
    Declarations,
)
from smq.problem import Problem
from smq.syntax import Document, yaml
from smq.text import Location

URI = "file:///models/bank.yml"


def loaded(text: str) -> tuple[Declarations, tuple[Problem, ...]]:
    """What a file declares, and what its loader finds wrong."""
    return load(yaml.parse(Document(URI, text)))


def declared(text: str) -> Declarations:
    """What a faultless file declares."""
    declarations, problems = loaded(text)
    assert problems == ()
    return declarations


def at(text: str, location: Location | None) -> str:
    """The characters at a place in the file."""
    assert location is not None and location.uri == URI
    return location.span.cut(text)


def told(text: str) -> list[tuple[str, str]]:
    """The codes of what is wrong, each with the characters it is told at."""
    return [(p.code, at(text, p.location)) for p in loaded(text)[1]]

"""Reading typed values from the nodes of one YAML item.

A reader takes what is there and of the right kind, and leaves the rest alone: what is missing or
wrong has been reported by the check of the file's shape, and must not cost the item's siblings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Mapping_
from collections.abc import Sequence as Values
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar, cast

from smq.graph.fingerprint import pairs_of
from smq.graph.symbols import GRAINS, Sql, Symbol
from smq.problem import Problem
from smq.syntax import Mapping, Node, Pair, Scalar, Sequence, unaliased
from smq.text import Location, Span, nfc

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_DOC = re.compile(r"\{\{-?\s*doc\s*\(")
S = TypeVar("S", bound=Symbol)
Kept = Mapping_[str, Values[Symbol | None]]
_NOTHING_KEPT: Kept = MappingProxyType({})
_DURATION = re.compile(r"\s*(\d{1,9})\s+(\S+)\s*\Z")


@dataclass(slots=True)
class Reading:
    """One file being read: where it is, and the problems that reading it found."""

    uri: str
    problems: list[Problem] = field(default_factory=list)

    def location(self, node: Node) -> Location:
        """Where a value stands; of a text its content, without quotes."""
        span = node.content if isinstance(node, Scalar) else node.span
        return Location(self.uri, span)

    def report(self, code: str, location: Location, **facts: object) -> None:
        self.problems.append(Problem(code, location, facts))


class Fields:
    """The keys of one mapping, merged and aliased ones included.

    `kept` are the symbols that are known already, by the key of the list that declares them: one
    for each of its items, None for those that are to be read.
    """

    __slots__ = ("_pairs", "kept", "node", "reading")

    def __init__(self, reading: Reading, node: Mapping, kept: Kept = _NOTHING_KEPT) -> None:
        self.reading = reading
        self.node = node
        self.kept = kept
        self._pairs = pairs_of(node)

    def __contains__(self, key: str) -> bool:
        """True when the key has a value; `key:` with nothing behind it is as good as absent."""
        node = self.node_of(key)
        return node is not None and not (isinstance(node, Scalar) and node.value is None)

    @property
    def location(self) -> Location:
        """The whole item."""
        return Location(self.reading.uri, self.node.span)

    def pair(self, key: str) -> Pair | None:
        return self._pairs.get(key)

    def node_of(self, key: str) -> Node | None:
        pair = self._pairs.get(key)
        if pair is None:
            return None
        value = pair.value
        return value if type(value) is Scalar else unaliased(value)

    def scalar(self, key: str) -> Scalar | None:
        """The scalar under a key, unless it is null."""
        node = self.node_of(key)
        return node if isinstance(node, Scalar) and node.value is not None else None

    def text(self, key: str) -> str | None:
        """The text under a key; None when there is none or it is empty."""
        node = self.scalar(key)
        return (node.text or None) if node is not None else None

    def words(self, key: str) -> str | None:
        """Text for people. A template in it is reported: it is shown as it stands.

        dbt's `doc()` is no surprise in a description, and is left alone.
        """
        node = self.scalar(key)
        if node is None or not node.text:
            return None
        if "{" in node.text:
            for match in _TEMPLATE.finditer(node.text):
                if not _DOC.match(match[0]):
                    at = self.part(node, match.start(), match.end())
                    self.reading.report("MOD109", at, key=key, text=match[0])
        return node.text

    def name(self, key: str = "name") -> tuple[str, Location] | None:
        """A name in NFC and where it is written."""
        node = self.scalar(key)
        if node is None or not node.text:
            return None
        text = node.text
        return (text if text.isascii() else nfc(text)), Location(self.reading.uri, node.content)

    def names(self, key: str) -> tuple[str, ...]:
        """The names in a list, or the one name that stands in its place."""
        return tuple(nfc(node.text) for node in self.scalars(key))

    def scalars(self, key: str) -> Iterator[Scalar]:
        """The scalars in a list, or the one that stands in its place."""
        node = self.node_of(key)
        for item in node.items if isinstance(node, Sequence) else (node,):
            inner = unaliased(item)
            if isinstance(inner, Scalar) and inner.value is not None and inner.text:
                yield inner

    def flag(self, key: str) -> bool:
        node = self.scalar(key)
        return node is not None and node.value is True

    def is_false(self, key: str) -> bool:
        node = self.scalar(key)
        return node is not None and node.value is False

    def number(self, key: str) -> int | float | None:
        node = self.scalar(key)
        value = node.value if node is not None else None
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return value if is_number and not isinstance(value, str) else None

    def sql(self, key: str) -> Sql | None:
        """SQL text under a key; a number or true is SQL, too."""
        node = self.scalar(key)
        return self.sql_of(node) if node is not None and node.text.strip() else None

    def sql_of(self, node: Scalar) -> Sql:
        return Sql(node.text, Location(self.reading.uri, node.content), node)

    def inner(self, key: str) -> Fields | None:
        """The mapping under a key."""
        node = self.node_of(key)
        return Fields(self.reading, node) if isinstance(node, Mapping) else None

    def items(self, key: str) -> Iterator[Fields]:
        """The mappings in a list."""
        node = self.node_of(key)
        if isinstance(node, Sequence):
            for item in node.items:
                inner = item if type(item) is Mapping else unaliased(item)
                if isinstance(inner, Mapping):
                    yield Fields(self.reading, inner)

    def each(self, key: str, read: Callable[[Fields], S | None]) -> tuple[S, ...]:
        """What the mappings in a list declare, each as `read` makes it unless it is kept."""
        made: list[S | None] = []
        for known, fields in self._items(key):
            # Under its key there are only symbols of the kind that `read` makes.
            made.append(read(fields) if fields is not None else cast("S | None", known))
        return tuple([symbol for symbol in made if symbol is not None])

    def unkept(self, key: str) -> Iterator[Fields]:
        """The mappings in a list of which no symbol is kept."""
        return (fields for _, fields in self._items(key) if fields is not None)

    def _items(self, key: str) -> Iterator[tuple[Symbol | None, Fields | None]]:
        kept = self.kept.get(key)
        if kept is None:
            yield from ((None, fields) for fields in self.items(key))
            return
        node = self.node_of(key)
        items = node.items if isinstance(node, Sequence) else ()
        for known, item in zip(kept, items, strict=True):
            inner = unaliased(item) if known is None else None
            yield known, Fields(self.reading, inner) if isinstance(inner, Mapping) else None

    def duration(self, key: str) -> tuple[int, str] | None:
        """`7 days`, or {count: 7, granularity: day}, as (7, "day")."""
        inner = self.inner(key)
        if inner is not None:
            count, unit = inner.number("count"), inner.text("granularity")
            return (count, unit_of(unit)) if isinstance(count, int) and unit else None
        match = _DURATION.match(self.text(key) or "")
        return (int(match[1]), unit_of(match[2])) if match else None

    def part(self, node: Scalar, start: int, end: int) -> Location:
        """Where a range of a scalar's text stands in the file."""
        return Location(self.reading.uri, node.source(Span(start, end)))


_PLURALS: dict[str, str] = {f"{grain}s": grain for grain in GRAINS}


def unit_of(written: str) -> str:
    """A grain as the graph names it: `Days` is day; a custom grain stays as it is."""
    lowered = written.lower()
    return _PLURALS.get(lowered, lowered if f"{lowered}s" in _PLURALS else nfc(written))

"""An SMQ as it is written: its items with their places, before any name means anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from smq.syntax import Mapping, Scalar
from smq.text import Location, Span

ListKey = Literal["metrics", "groupBy", "filters", "orderBy", "joins"]
LIST_KEYS: tuple[ListKey, ...] = ("metrics", "groupBy", "filters", "orderBy", "joins")
KEYS = (*LIST_KEYS, "limit", "name", "description", "$schema")
SPELLINGS = {"group_by": "groupBy", "order_by": "orderBy"}


@dataclass(frozen=True, slots=True)
class Item:
    """One string of a list: `metrics[2]`.

    `text` is trimmed and its names are in NFC; `node` has the same text and maps its offsets to
    the file, so it may differ from the scalar of the tree.
    """

    text: str
    key: ListKey
    index: int
    uri: str
    node: Scalar

    @property
    def path(self) -> str:
        """`metrics[2]`; the origin that emitted SQL carries."""
        return f"{self.key}[{self.index}]"

    @property
    def location(self) -> Location:
        """The string's content, without its quotes."""
        return Location(self.uri, self.node.content)

    def part(self, start: int, end: int) -> Location:
        """Where a range of the text stands in the file."""
        return Location(self.uri, self.node.source(Span(start, end)))


@dataclass(frozen=True, slots=True)
class WrittenQuery:
    """One query object. Empty and null lists are empty tuples; `index` counts in its document.

    Repeated and blank items are left out, the others keep the index they are written at. Several
    `joins` of which the later ones continue the first are one item.
    """

    uri: str
    index: int
    node: Mapping | None
    metrics: tuple[Item, ...] = ()
    group_by: tuple[Item, ...] = ()
    filters: tuple[Item, ...] = ()
    order_by: tuple[Item, ...] = ()
    joins: tuple[Item, ...] = ()
    limit: int | None = None
    name: str | None = None
    description: str | None = None

    @property
    def location(self) -> Location:
        """The whole query object."""
        return Location(self.uri, self.node.span if self.node else Span(0, 0))

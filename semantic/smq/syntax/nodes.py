"""The tree both readers build: mappings, sequences, scalars, and holes as None.

Values are shared and must not be changed after the reader has returned them; the classes are
slotted and not frozen, because building a hundred thousand frozen ones costs twice the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as Values
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from smq.problem import Problem
from smq.text import SourceMap, Span, nfc

Style = Literal["plain", "single", "double", "literal", "folded"]
Value = str | int | float | bool | None

_new = tuple.__new__


@dataclass(slots=True, eq=False)
class Scalar:
    """A string, number, boolean or null.

    `value` is typed as the language's core schema says, `text` is the decoded text, `span` covers
    quotes and block indicators. `comment` counts in neither.
    """

    span: Span
    value: Value
    text: str
    style: Style = "plain"
    segments: tuple[tuple[int, int, int, int], ...] | None = None
    anchor: str | None = None
    tag: str | None = None

    @property
    def content(self) -> Span:
        """The source range of the decoded text, without quotes."""
        return self.source(Span(0, len(self.text)))

    @property
    def source_map(self) -> SourceMap:
        if self.segments is None:
            inset = 1 if self.style in ("single", "double") else 0
            return SourceMap.shifted(self.span.start + inset, len(self.text))
        return SourceMap(self.segments)

    def moved(self, by: int) -> Scalar:
        """The scalar so many characters further on, without its anchor."""
        start, end = self.span
        segments = self.segments
        if segments is not None:
            segments = tuple([(a, at + by, b, length) for a, at, b, length in segments])
        # A named tuple's own constructor costs twice this one.
        span = _new(Span, (start + by, end + by))
        return Scalar(span, self.value, self.text, self.style, segments, None, self.tag)

    def source(self, span: Span) -> Span:
        """Where a range of the decoded text stands in the file."""
        if self.segments is None:
            start = self.span.start + (1 if self.style in ("single", "double") else 0)
            return Span(start + span.start, start + span.end)
        return self.source_map.to_source(span)


class Later:
    """What a collection holds that nobody has asked for yet: entries of another tree, moved.

    A key that somebody presses moves all that stands behind it, and little of that is looked at
    before the next key.
    """

    __slots__ = ("by", "entries", "move")

    def __init__(self, entries: Any, by: int, move: Callable[[Any, int], Any]) -> None:
        self.entries = entries
        self.by = by
        self.move = move

    def fill(self, collection: Any, name: str) -> Any:
        """Give a collection its entries, under the name that it has for them."""
        # Two threads may come by here at once: either leaves entries that say the same.
        moved = self.move(self.entries, self.by)
        setattr(collection, name, moved)
        collection.later = None
        return moved


@dataclass(slots=True, eq=False)
class Sequence:
    """Items in order; a hole in broken text is None."""

    span: Span
    items: tuple[Node | None, ...]
    flow: bool = False
    anchor: str | None = None
    tag: str | None = None
    later: Later | None = field(default=None, init=False, repr=False)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            return _filled(self, name, "items")


@dataclass(slots=True, eq=False)
class Pair:
    """One key and its value; `value` is None where the text has nothing (yet)."""

    span: Span
    key: Scalar
    value: Node | None


@dataclass(slots=True, eq=False)
class Mapping:
    """Pairs in order, duplicates and merge keys (`<<`) kept as written."""

    span: Span
    pairs: tuple[Pair, ...]
    flow: bool = False
    anchor: str | None = None
    tag: str | None = None
    later: Later | None = field(default=None, init=False, repr=False)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            return _filled(self, name, "pairs")

    def pair(self, key: str) -> Pair | None:
        """The last pair with that key, as loaders take it; merged pairs give way to own ones."""
        found = None
        for pair in self.effective():
            if nfc(pair.key.text) == key:
                found = pair
        return found

    def get(self, key: str) -> Node | None:
        """The value under a key, aliases followed; None for a hole, a null-less gap, no key."""
        pair = self.pair(key)
        return unaliased(pair.value) if pair else None

    def effective(self) -> Iterator[Pair]:
        """Pairs with those of merge keys first, so that the last one wins.

        A mapping that is merged in along several ways comes once, where it wins most: files in
        which each mapping merges another twice stay as small as they look.
        """
        if not any(map(_is_merge, self.pairs)):
            yield from self.pairs
            return
        layers: list[Iterable[Pair]] = []
        waiting: list[Node | None] = [self]
        seen: set[int] = set()
        while waiting:
            mapping = unaliased(waiting.pop())
            if not isinstance(mapping, Mapping) or id(mapping) in seen:
                continue
            seen.add(id(mapping))
            layers.append([pair for pair in mapping.pairs if not _is_merge(pair)])
            for pair in mapping.pairs:
                if _is_merge(pair):
                    merged = unaliased(pair.value)
                    # Of several merged mappings the earlier ones win.
                    parts = merged.items if isinstance(merged, Sequence) else (merged,)
                    waiting.extend(reversed(parts))
        for layer in reversed(layers):
            yield from layer


def _filled(collection: Any, name: str, entries: str) -> Any:
    """The entries of a moved collection, when they are first asked for."""
    if name != entries:
        raise AttributeError(name)
    later = collection.later
    # When another thread has just been here, there is nothing left to do.
    return later.fill(collection, name) if later else object.__getattribute__(collection, name)


def _is_merge(pair: Pair) -> bool:
    return pair.key.text == "<<" and pair.key.style == "plain"


@dataclass(slots=True, eq=False)
class Alias:
    """`*name` in YAML; `target` is the anchored node, None when there is none."""

    span: Span
    name: str
    target: Node | None = None


Node = Scalar | Sequence | Mapping | Alias


def index_at(children: Values[Node | Pair | None], offset: int) -> int | None:
    """The index of the child whose span holds an offset; children stand as the text has them.

    A list of a hundred thousand items is not walked through for each thing that is said of one.
    """
    low, high = 0, len(children)
    while low < high:
        at = middle = (low + high) // 2
        while at > low and children[at] is None:
            at -= 1
        child = children[at]
        if child is None or offset >= child.span.end:
            low = middle + 1
        elif offset < child.span.start:
            high = at
        else:
            return at
    return None


def unaliased(node: Node | None) -> Node | None:
    """The node an alias stands for, through at most as many aliases as a file may chain."""
    for _ in range(64):
        if not isinstance(node, Alias):
            return node
        node = node.target
    return None


Kind = Literal["smq", "yaml", "other"]

MAX_QUERY = 2 * 1024 * 1024
MAX_MODELS = 32 * 1024 * 1024


def size_limit(uri: str) -> int:
    """How many bytes a file of this name may have, and how many characters are read.

    People and programs write queries by the thousand and not by the million. A model file may be
    larger: somebody may have made it from all tables of a warehouse.
    """
    return MAX_QUERY if kind_of(uri) == "smq" else MAX_MODELS


def kind_of(uri: str) -> Kind:
    lowered = uri.lower()
    if lowered.endswith(".smq.json"):
        return "smq"
    return "yaml" if lowered.endswith((".yml", ".yaml")) else "other"


@dataclass(frozen=True, slots=True)
class Document:
    """A file's text as it is, line ends and byte-order mark included."""

    uri: str
    text: str
    version: int | None = None

    @property
    def kind(self) -> Kind:
        return kind_of(self.uri)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a reader understood: one root for each YAML document, and what is wrong.

    `comments` are the spans of comments, in order; they feed silencing and "generate from
    comment". `complete` is False when reading stopped at a size or nesting limit.
    """

    document: Document
    roots: tuple[Node | None, ...]
    problems: tuple[Problem, ...] = ()
    comments: tuple[Span, ...] = field(default=())
    complete: bool = True
    bound: bool = False
    """Whether nodes may refer to one another, by anchors and aliases."""

    @property
    def root(self) -> Node | None:
        return self.roots[0] if self.roots else None


@dataclass(frozen=True, slots=True)
class Splice:
    """How a tree was made from an earlier one: one entry was read anew, the others were kept.

    `path` has the index of a pair or an item for each block on the way to that entry, from the
    root. Entries before the way are the same objects, those behind it say the same `by`
    characters further on.
    """

    path: tuple[int, ...]
    by: int

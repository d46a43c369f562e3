"""The state of one reading of JSONC, and how its tree grows.

The open container, what it waits for, and the containers around it on an explicit stack, so that
no depth of nesting can exhaust Python's own. The root is an array without brackets.
"""

from __future__ import annotations

from typing import NamedTuple

from smq.problem import Problem, Related
from smq.syntax.nodes import Document, Mapping, Node, Pair, Scalar, Sequence
from smq.text import Location, Span

MAX_DEPTH = 128
MAX_PROBLEMS = 1_000

# What the open container waits for. Up to NEXT an item or key may come.
FIRST, NEXT, COLON, VALUE, AFTER = range(5)

CLOSER = {True: "}", False: "]"}


class Frame(NamedTuple):
    """A container that waits while one inside it is read."""

    is_object: bool
    start: int
    pairs: list[Pair]
    items: list[Node | None]
    key: Scalar | None
    state: int
    implicit: bool


class State:
    """The state of one reading; see the module."""

    __slots__ = (
        "before",
        "comma",
        "comments",
        "complete",
        "document",
        "implicit",
        "is_object",
        "items",
        "key",
        "last",
        "pairs",
        "problems",
        "repaired",
        "repairs",
        "several",
        "skipping",
        "stack",
        "start",
        "state",
        "stopped",
        "text",
    )

    def __init__(self, document: Document) -> None:
        self.document = document
        self.text = document.text
        self.problems: list[Problem] = []
        self.comments: list[Span] = []
        self.stack: list[Frame] = []
        self.is_object = False
        self.start = -1
        self.pairs: list[Pair] = []
        self.items: list[Node | None] = []
        self.key: Scalar | None = None
        self.state = FIRST
        self.implicit = False  # an object whose `{` nobody wrote
        self.last = 0  # end of the last token that is no comment
        self.before = 0  # its value when the latest item of an array came
        self.comma = -1  # a comma between several roots
        self.several = False  # several roots have been reported
        self.repairs = 0
        self.repaired = -1
        self.skipping = 0  # brackets open below the nesting limit
        self.complete = True
        self.stopped = False

    # --- building -------------------------------------------------------------------------

    def report(
        self, code: str, start: int, end: int, related: tuple[Related, ...] = (), /, **args: object
    ) -> None:
        if self.stopped:
            return
        if len(self.problems) >= MAX_PROBLEMS:
            self.stopped = True
            self.complete = False
            code, args, related = "SYN120", {"limit": MAX_PROBLEMS}, ()
        place = Location(self.document.uri, Span(start, end))
        self.problems.append(Problem(code, place, args, related))

    def place(self, node: Node | None, end: int) -> None:
        """Put a value (None: a hole) where the container waits for one."""
        self.before = self.last
        self.last = end
        if self.is_object:
            key = self.key
            if self.state == VALUE and key is not None:
                self.pairs.append(Pair(Span(key.span.start, end), key, node))
                self.key = None
                self.state = AFTER
            elif isinstance(node, Scalar):
                self.key = node
                self.state = COLON
        else:
            self.items.append(node)
            self.state = AFTER

    def open(self, is_object: bool, start: int, implicit: bool = False) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self.report("SYN118", start, start + 1, limit=MAX_DEPTH)
            self.complete = False
            self.skipping = 1
            return
        self.stack.append(
            Frame(
                self.is_object,
                self.start,
                self.pairs,
                self.items,
                self.key,
                self.state,
                self.implicit,
            )
        )
        self.is_object, self.start, self.implicit = is_object, start, implicit
        self.pairs, self.items, self.key, self.state = [], [], None, FIRST
        self.last = start + (0 if implicit else 1)

    def close(self, end: int) -> None:
        """Close the open container and put it into the one around it."""
        node: Node
        if self.is_object:
            pairs = self.pairs
            if len(pairs) > 1 and len({pair.key.text for pair in pairs}) < len(pairs):
                self._report_duplicates()
            node = Mapping(Span(self.start, end), tuple(pairs), True)
        else:
            node = Sequence(Span(self.start, end), tuple(self.items), True)
        (
            self.is_object,
            self.start,
            self.pairs,
            self.items,
            self.key,
            self.state,
            self.implicit,
        ) = self.stack.pop()
        self.place(node, end)

    def _report_duplicates(self) -> None:
        first: dict[str, Pair] = {}
        for pair in self.pairs:
            earlier = first.setdefault(pair.key.text, pair)
            # A key that nobody wrote has been reported already.
            if earlier is pair or pair.key.span.start == pair.key.span.end:
                continue
            place = Location(self.document.uri, earlier.key.span)
            self.report(
                "QRY112",
                *pair.key.span,
                (Related(place, "The first one stands here."),),
                key=pair.key.text,
            )

    # --- the end --------------------------------------------------------------------------

    def finish(self) -> tuple[Node | None, ...]:
        """Close what is open at the end of the text and hand out the roots."""
        end = self.last
        if self.stack and not self.skipping:
            frames = [(self.is_object, self.start, self.implicit)]
            frames += [(f.is_object, f.start, f.implicit) for f in reversed(self.stack[1:])]
            written = [(is_object, start) for is_object, start, implicit in frames if not implicit]
            if written:
                closers = "".join(CLOSER[is_object] for is_object, _ in written)
                start = written[0][1]
                at = self.close_at()
                self.report(
                    "SYN102",
                    start,
                    start + 1,
                    open=self.text[start],
                    close=closers,
                    at=at,
                    file_end=1,
                )
        while self.stack:
            if self.is_object and self.key is not None:
                self.state = VALUE
                self.place(None, self.last)
            self.close(max(end, self.last))
        if self.comma >= 0 and self.state == AFTER:
            self.report("SYN106", self.comma, self.comma + 1)
        return tuple(self.items)

    def close_at(self) -> int:
        """Where a missing bracket belongs: before a comma that nothing follows."""
        comma = self.state == NEXT and self.text[self.last - 1] == ","
        return self.last - 1 if comma else self.last

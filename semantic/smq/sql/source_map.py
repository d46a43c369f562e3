"""Which part of a statement comes from what: stretches of the text with their sources.

The statement is written a second time with marks around every node that knows where it comes
from. The words of both texts are the same but for the marks, so each mark becomes a stretch of
the first. Nothing of the library's writer has to be touched for that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from smq.dialects import dialect as dialect_of
from smq.dialects.grammar import grammar
from smq.sql.render import render
from smq.sql.result import CompiledQuery
from smq.text import Span

Source = tuple[object, ...]
"""`("item", "metrics[0]")`, `("leaf", key)`, `("dimension", model, name)` and likewise `entity` and
`measure`, `("model", name)`, `("join", left, right, *entities)`, `("place", uri, start, end)`."""

_MARK = re.compile(r"(?i)smq_mark_(\d+)\Z")
_NAME = re.compile(r"smq_name((?:_\d+)+)\Z")
_ITEM = re.compile(r"(metrics|groupBy|filters|orderBy|joins)\[\d+\]\Z")
_BEFORE_JOIN = frozenset({"JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "OUTER"})
_BEFORE_OUTPUT = frozenset({",", "SELECT", "DISTINCT"})
_AFTER_KEY = frozenset({"DESC", "ASC", "NULLS", "FIRST", "LAST"})

Marks = Literal["values", "clauses", "names"]
"""What is marked: values inside expressions, too; only what stands in a clause; or that by the
names of columns where it can be, for writers that find equal expressions and merge them."""
_FINEST_FIRST: tuple[Marks, ...] = ("values", "clauses", "names")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the statement and what it comes from; parts nest, the wider ones come first."""

    span: Span
    sources: tuple[Source, ...]


def source_map(query: CompiledQuery) -> tuple[Part, ...]:
    """The parts of a query that was compiled with `trace`; in the order of the text.

    Where an engine's writing cannot be followed, the map is coarser, never wrong.
    """
    dialect = dialect_of(query.dialect)
    writer = grammar(dialect.sqlglot)
    plain = writer.tokenize(query.sql)
    for marks in _FINEST_FIRST:
        marker = _Marker(marks)
        tree = marker.marked(query.tree.copy())
        text = render(tree, dialect, copy=False)
        found = _aligned(plain, writer.tokenize(text), marker.sources)
        if found is not None:
            return _merged(found)
    return ()


def _merged(found: list[tuple[Span, Source]]) -> tuple[Part, ...]:
    by_span: dict[Span, dict[Source, None]] = {}
    for span, source in found:
        by_span.setdefault(span, {})[source] = None
    spans = sorted(by_span, key=lambda span: (span.start, -span.end))
    return tuple(Part(span, tuple(by_span[span])) for span in spans)


class _Marker:
    """Puts marks into a tree; `sources` are theirs, by number.

    One source has one mark, so that expressions that were equal still are: some writers compare.
    """

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.sources: list[tuple[str, Source]] = []
        self._numbers: dict[tuple[str, Source], int] = {}

    def marked(self, tree: exp.Expr) -> exp.Expr:
        # The innermost first, so that a node is still where it was when its turn comes.
        for node in reversed(list(tree.walk(bfs=False))):
            for source in _sources(node):
                self._mark(node, source)
        return tree

    def _mark(self, node: exp.Expr, source: Source) -> None:
        if isinstance(node, exp.Alias) and self.marks == "names":
            self._rename(node.args["alias"], "output", source)
        elif isinstance(node, exp.Alias):
            self._wrap(node.this, "item", source)
        elif isinstance(node, exp.Ordered):
            self._wrap(node.this, "key", source)
        elif isinstance(node, exp.Join):
            if node.args.get("on") is not None:
                self._wrap(node.args["on"], "on", source)
        elif isinstance(node, (exp.Table, exp.Subquery)):
            alias = node.args.get("alias")
            identifier = alias.this if alias is not None else node.this
            self._rename(identifier, "table", source)
        elif self._is_marked(node):
            self._wrap(node, "item" if source[0] == "item" else "value", source)

    def _is_marked(self, node: exp.Expr) -> bool:
        if self.marks == "values":
            return node.parent is not None
        return _is_in_clause(node) and not (
            self.marks == "names" and isinstance(node.parent, exp.Group)
        )

    def _rename(self, identifier: object, kind: str, source: Source) -> None:
        if isinstance(identifier, exp.Identifier):
            known = identifier.this if _NAME.match(identifier.this) else "smq_name"
            identifier.set("this", f"{known}_{self._number(kind, source)}")

    def _wrap(self, node: exp.Expr, kind: str, source: Source) -> None:
        while isinstance(node.parent, exp.Anonymous) and _MARK.match(str(node.parent.this)):
            node = node.parent
        if isinstance(node, exp.Star):
            return
        mark = exp.Anonymous(this=f"SMQ_MARK_{self._number(kind, source)}")
        node.replace(mark)
        mark.set("expressions", [node])

    def _number(self, kind: str, source: Source) -> int:
        number = self._numbers.get((kind, source))
        if number is None:
            number = self._numbers[kind, source] = len(self.sources)
            self.sources.append((kind, source))
        return number


def _sources(node: exp.Expr) -> tuple[Source, ...]:
    if not node._meta:  # Asking for `meta` would give every node one.
        return ()
    found: list[Source] = []
    origin, of = node.meta.get("origin"), node.meta.get("of")
    if isinstance(of, tuple):
        found.append(of)
    if isinstance(origin, str) and _ITEM.match(origin):
        found.append(("item", origin))
    return tuple(found)


def _is_in_clause(node: exp.Expr) -> bool:
    return isinstance(node.parent, (exp.Group, exp.Where, exp.Having, exp.Qualify, exp.And))


def _aligned(
    plain: Sequence[object], marked: Sequence[object], sources: list[tuple[str, Source]]
) -> list[tuple[Span, Source]] | None:
    """The parts, in offsets of the plain text; None where the words are not the same."""
    texts = [str(getattr(token, "text", "")) for token in plain]
    starts = [int(getattr(token, "start", 0)) for token in plain]
    ends = [int(getattr(token, "end", -1)) + 1 for token in plain]
    found: list[tuple[Span, Source]] = []
    opened: list[tuple[int, int]] = []
    """For each parenthesis that is open: the mark it belongs to or -1, and the word after it."""
    at = 0

    def add(number: int, first: int, last: int) -> None:
        kind, own = sources[number]
        first, last = _widened(kind, texts, first, last)
        found.append((Span(starts[first], ends[last]), own))

    words = [str(getattr(token, "text", "")) for token in marked]
    number = 0
    while number < len(words):
        word = words[number]
        mark = _MARK.match(word)
        if mark is not None and words[number + 1 : number + 2] == ["("]:
            opened.append((int(mark[1]), at))
            number += 2
            continue
        if word == ")" and opened and opened[-1][0] >= 0:
            marked_by, first = opened.pop()
            if at > first:
                add(marked_by, first, at - 1)
            number += 1
            continue
        if at >= len(texts):
            return None
        name = _NAME.match(word)
        if name is not None:
            for own in name[1].split("_")[1:]:
                add(int(own), at, at)
        elif word.casefold() != texts[at].casefold():
            return None
        if word == "(":
            opened.append((-1, at))
        elif word == ")" and opened:
            opened.pop()
        at += 1
        number += 1
    return found if at == len(texts) else None


def _widened(kind: str, texts: list[str], first: int, last: int) -> tuple[int, int]:
    """The words around a mark that belong to what was marked."""
    if kind == "item":
        after = [text.upper() for text in texts[last + 1 : last + 2]]
        if after == ["AS"]:
            return first, last + 2
        return first, last
    if kind == "key":
        while last + 1 < len(texts) and texts[last + 1].upper() in _AFTER_KEY:
            last += 1
        return first, last
    if kind == "table":
        if first >= 2 and texts[first - 1].upper() == "AS":
            first -= 2
            while first >= 2 and texts[first - 1] == ".":
                first -= 2
        return first, last
    if kind == "output":
        is_named_here = first >= 1 and texts[first - 1].upper() == "AS"
        return (_put_out(texts, first) if is_named_here else first), last
    if kind == "on":
        return _joined(texts, first), last
    return first, last


def _put_out(texts: list[str], first: int) -> int:
    """Where the column of a SELECT begins that has its name here."""
    at, depth = first - 1, 0
    while at > 0:
        if texts[at] in (")", "]"):
            depth += 1
        elif texts[at] in ("(", "["):
            depth -= 1
        elif depth == 0 and texts[at].upper() in _BEFORE_OUTPUT:
            break
        at -= 1
    # In `SELECT TOP 10 a AS b` no comma tells the column from what is before it.
    return first if texts[at + 1].upper() == "TOP" else at + 1


def _joined(texts: list[str], first: int) -> int:
    """Where the JOIN of an ON condition begins."""
    at, depth = first - 1, 0
    while at > 0:
        if texts[at] == ")":
            depth += 1
        elif texts[at] == "(":
            depth -= 1
            if depth < 0:
                return first
        elif depth == 0 and texts[at].upper() == "JOIN":
            while at > 0 and texts[at - 1].upper() in _BEFORE_JOIN:
                at -= 1
            return at
        at -= 1
    return first

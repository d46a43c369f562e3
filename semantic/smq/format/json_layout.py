"""The one layout of a query file.

Two spaces of indentation; a query's keys each on a line of their own and in the order of
`keys.py`; a list on one line when it fits into 100 columns and holds no comment, else one item on
each line; at most one blank line in a row; no trailing commas. Scalars are copied as they are
written, comments stay with what they stand above or behind.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field

from smq.format.keys import rank
from smq.format.width import MAX_COLUMNS, columns
from smq.syntax import Mapping, Node, Pair, Parsed, Sequence
from smq.text import Span

_INDENT = "  "
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(slots=True)
class _Comment:
    """`blank` says that a blank line stands before it, `inline` that its line goes on."""

    text: str
    blank: bool
    inline: bool = False


@dataclass(slots=True)
class _Child:
    """An item or a pair with the comments that belong to it."""

    node: Node
    pair: Pair | None
    lead: list[_Comment] = field(default_factory=list)
    blank: bool = False
    inner: list[str] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)

    @property
    def span(self) -> Span:
        return self.pair.span if self.pair else self.node.span

    @property
    def detached(self) -> bool:
        """Whether a comment above stands apart, and so may speak for more than this child."""
        apart = [comment.blank for comment in self.lead[1:]] + [self.blank]
        return bool(self.lead) and any(apart)


@dataclass(slots=True)
class _Container:
    children: list[_Child]
    opened: list[str] = field(default_factory=list)
    dangling: list[_Comment] = field(default_factory=list)

    @property
    def has_comments(self) -> bool:
        return bool(self.opened or self.dangling) or any(
            child.lead or child.inner or child.trail for child in self.children
        )


def lay_out(parsed: Parsed) -> str:
    """The whole text of a file without syntax errors, laid out."""
    return _Layout(parsed).file()


class _Layout:
    def __init__(self, parsed: Parsed) -> None:
        self.text = parsed.document.text
        self.comments = parsed.comments
        self.starts = [comment.start for comment in parsed.comments]
        self.roots = parsed.roots
        found = _LINE_END.search(self.text)
        self.newline = found[0] if found else "\n"

    def file(self) -> str:
        root = self.roots[0] if self.roots else None
        mark = "\ufeff" if self.text.startswith("\ufeff") else ""
        whole = _Container([_Child(root, None)] if root is not None else [])
        self._place(whole, len(mark), len(self.text), outermost=True)
        lines: list[str] = []
        if root is not None:
            self._child(lines, whole.children[0], "", last=True, first=True, query=True)
        for comment in whole.dangling:
            if comment.blank and lines:
                lines.append("")
            lines.append(comment.text)
        return mark + self.newline.join(lines) + (self.newline if lines else "")

    # --- containers -----------------------------------------------------------------------

    def _value(self, node: Node, indent: str, used: int, query: bool) -> list[str]:
        """The lines of a value; the first one goes on a line where `used` columns are taken."""
        if not isinstance(node, (Mapping, Sequence)):
            return [node.span.cut(self.text)]
        opened, closed = ("{", "}") if isinstance(node, Mapping) else ("[", "]")
        container = self._container(node)
        if not container.children and not container.has_comments:
            return [opened + closed]
        if not (query or self._has_comments(node.span)):
            line = self._one_line(node)
            if used + columns(line) <= MAX_COLUMNS:
                return [line]
        lines = [" ".join([opened, *container.opened])]
        children = container.children
        if query and isinstance(node, Mapping):
            children = _ordered(children)
        inner = indent + _INDENT
        within = query and isinstance(node, Sequence)
        for index, child in enumerate(children):
            last = index == len(children) - 1
            self._child(lines, child, inner, last=last, first=index == 0, query=within)
        for index, comment in enumerate(container.dangling):
            if comment.blank and (index or children):
                lines.append("")
            lines.append(inner + comment.text)
        lines.append(indent + closed)
        return lines

    def _child(
        self,
        lines: list[str],
        child: _Child,
        indent: str,
        *,
        last: bool,
        first: bool,
        query: bool,
    ) -> None:
        start = indent
        for index, comment in enumerate(child.lead):
            if comment.blank and not (first and index == 0) and start == indent:
                lines.append("")
            if comment.inline:
                start += comment.text + " "
            else:
                lines.append(start + comment.text)
                start = indent
        if child.blank and not (first and not child.lead) and start == indent:
            lines.append("")
        if child.pair is not None:
            start += " ".join([child.pair.key.span.cut(self.text) + ":", *child.inner]) + " "
        taken = columns(start) + (0 if last else 1)
        written = self._value(child.node, indent, taken, query)
        lines.append(start + written[0])
        lines.extend(written[1:])
        lines[-1] = " ".join([lines[-1] + ("" if last else ","), *child.trail])

    def _one_line(self, node: Node) -> str:
        if isinstance(node, Mapping):
            pairs = [
                f"{pair.key.span.cut(self.text)}: {self._one_line(pair.value)}"
                for pair in node.pairs
                if pair.value is not None
            ]
            return "{" + ", ".join(pairs) + "}"
        if isinstance(node, Sequence):
            items = [self._one_line(item) for item in node.items if item is not None]
            return "[" + ", ".join(items) + "]"
        return node.span.cut(self.text)

    # --- comments -------------------------------------------------------------------------

    def _container(self, node: Mapping | Sequence) -> _Container:
        if isinstance(node, Mapping):
            children = [_Child(p.value, p) for p in node.pairs if p.value is not None]
        else:
            children = [_Child(item, None) for item in node.items if item is not None]
        container = _Container(children)
        if self._has_comments(node.span) or children:
            self._place(container, node.span.start + 1, node.span.end - 1)
        for child in children:
            if child.pair is not None:
                self._place_inner(child, child.pair)
        return container

    def _has_comments(self, span: Span) -> bool:
        index = bisect_left(self.starts, span.start)
        return index < len(self.starts) and self.starts[index] < span.end

    def _between(self, start: int, end: int) -> list[Span]:
        return list(self.comments[bisect_left(self.starts, start) : bisect_left(self.starts, end)])

    def _place(self, container: _Container, start: int, end: int, outermost: bool = False) -> None:
        """Give each comment between the children to the child, or the bracket, it belongs to."""
        previous: _Child | None = None
        at = start
        for child in [*container.children, None]:
            stop = child.span.start if child else end
            # What follows the opening bracket, or a child, on its line belongs to it.
            trailing = not (outermost and previous is None)
            done = at
            comma = previous is None
            for comment in self._between(at, stop):
                text = comment.cut(self.text).rstrip() if self._is_line(comment) else ""
                text = text or comment.cut(self.text)
                breaks = self._breaks(done, comment.start)
                comma = comma or "," in self.text[done : comment.start]
                follows = self._next_on_line(comment, stop, child)
                done = comment.end
                trailing = trailing and breaks == 0 and not (follows and comma)
                if trailing:
                    (previous.trail if previous else container.opened).append(text)
                elif child is None:
                    container.dangling.append(_Comment(text, breaks > 1))
                else:
                    child.lead.append(_Comment(text, breaks > 1, follows))
            if child is not None:
                child.blank = self._breaks(done, stop) > 1
                at = child.span.end
            previous = child

    def _place_inner(self, child: _Child, pair: Pair) -> None:
        inside = self._between(pair.key.span.end, child.node.span.start)
        texts = [comment.cut(self.text).rstrip() for comment in inside]
        if any(self._is_line(comment) for comment in inside):
            # Nothing can follow it on its line, so it goes above the pair, like those before it.
            for comment in child.lead:
                comment.inline = False
            child.lead.extend(_Comment(text, False) for text in texts)
        else:
            child.inner.extend(texts)

    def _is_line(self, comment: Span) -> bool:
        return self.text.startswith("//", comment.start)

    def _breaks(self, start: int, end: int) -> int:
        return len(_LINE_END.findall(self.text, start, end))

    def _next_on_line(self, comment: Span, stop: int, child: _Child | None) -> bool:
        """Whether the child, maybe after further comments, follows on the comment's line."""
        if child is None or self._is_line(comment):
            return False
        return self._breaks(comment.end, stop) == 0


def _ordered(children: list[_Child]) -> list[_Child]:
    """The pairs of a query in their order, or as they are when moving one would not be safe."""
    ranks = [rank(child.pair.key.text) if child.pair else None for child in children]
    known = [place for place in ranks if place is not None]
    if known == sorted(known) and len(known) == len(ranks):
        return children
    if len(known) < len(ranks) or len(set(known)) < len(known):
        return children
    if any(child.detached for child in children):
        return children
    moved = [child for _, child in sorted(zip(known, children, strict=True), key=lambda p: p[0])]
    for child in moved:
        child.blank = False
        for comment in child.lead:
            comment.blank = False
    return moved

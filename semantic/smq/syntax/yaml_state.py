"""What the parts of the YAML reader share while one file is read: text, problems, anchors."""

from __future__ import annotations

from smq.problem import Problem, Related
from smq.syntax.nodes import Alias, Node, Pair, Scalar
from smq.syntax.yaml_values import may_be_typed, read_plain
from smq.text import Location, Span, nearest, nfc

MAX_PROBLEMS = 1_000
MAX_DEPTH = 200
# Faults that are counted after those that are told; a file with more of them is not worth reading.
MAX_UNTOLD = 20_000


class DamagedError(Exception):
    """Raised by `damage` while reading is speculative: the text does not fit this reading."""


class TooDeepError(Exception):
    """Raised when collections are nested deeper than anybody reads; reading stops there."""


class TooManyProblemsError(Exception):
    """Raised when nearly every line is at fault; reading stops there."""


class State:
    """The text being read, and all that is not a node.

    While `strict` is set, the first damage raises `DamagedError`, so that a reading can be tried
    and taken back with `mark` and `reset`.
    """

    __slots__ = (
        "_undo",
        "_untold",
        "anchors",
        "bound",
        "budget",
        "comments",
        "ending",
        "problems",
        "strict",
        "text",
        "uri",
    )

    def __init__(self, uri: str, text: str) -> None:
        self.uri = uri
        self.text = text
        self.problems: list[Problem] = []
        self.comments: list[Span] = []
        # A name without a node belongs to a collection that is still open.
        self.anchors: dict[str, Node | None] = {}
        self.bound = False
        """Whether some node has, or seemed to have, an anchor that others may refer to."""
        self.strict = False
        # Characters that may be read twice because a first reading did not fit.
        self.budget = len(text) + 20_000
        self._untold = 0
        # Set while what was read is put together, which is never too much.
        self.ending = False
        self._undo: list[tuple[str, bool, Node | None]] = []

    def report(
        self,
        code: str,
        start: int,
        end: int,
        /,
        *,
        related: tuple[Related, ...] = (),
        **args: object,
    ) -> None:
        """Add a problem that leaves no doubt about how the text is to be read."""
        self._add(Problem(code, Location(self.uri, Span(start, end)), args, related))

    def damage(self, code: str, start: int, end: int, /, **args: object) -> None:
        """Add a problem after which the rest is read by guessing what was meant."""
        if self.strict:
            raise DamagedError
        self._add(Problem(code, Location(self.uri, Span(start, end)), args))

    def _add(self, problem: Problem) -> None:
        count = len(self.problems)
        if count < MAX_PROBLEMS:
            self.problems.append(problem)
            return
        if count == MAX_PROBLEMS:
            self.problems.append(Problem("SYN244", problem.location, {"limit": MAX_PROBLEMS}))
        self._untold += 1
        if self._untold == MAX_UNTOLD and not self.ending:
            raise TooManyProblemsError

    def mark(self) -> tuple[int, int]:
        self._undo.clear()
        return len(self.problems), len(self.comments)

    def reset(self, mark: tuple[int, int]) -> None:
        problems, comments = mark
        del self.problems[problems:]
        del self.comments[comments:]
        for name, known, node in reversed(self._undo):
            if known:
                self.anchors[name] = node
            else:
                self.anchors.pop(name, None)
        self._undo.clear()

    def anchor(self, name: str, node: Node | None) -> None:
        """Let aliases of that name stand for `node`; None while the node is being read."""
        if self.strict:
            self._undo.append((name, name in self.anchors, self.anchors.get(name)))
        self.bound = True
        self.anchors[name] = node

    def alias(self, start: int, end: int) -> Alias:
        """The alias written at a range, `*` included, with what is wrong about it reported."""
        name = self.text[start + 1 : end]
        target = self.anchors.get(name)
        if target is None:
            if name in self.anchors:
                self.report("SYN221", start, end, name=name)
            else:
                # Comparing with every anchor is worth it only for a problem that will be shown.
                shown = len(self.problems) < MAX_PROBLEMS
                close = nearest(name, list(self.anchors)[-200:], limit=1) if shown else ()
                self.report("SYN220", start, end, name=name, nearest=close)
        return Alias(Span(start, end), name, target)

    def plain(self, start: int, text: str, tag: str | None = None) -> Scalar:
        """A plain scalar that stands in the source as it is, typed and checked."""
        span = Span(start, start + len(text))
        if tag is not None:
            return Scalar(span, tagged(text, tag), text, tag=tag)
        if not may_be_typed(text):
            return Scalar(span, text, text)
        value, legacy = read_plain(text)
        if legacy is not None:
            kind, spelled = legacy
            if kind == "date":
                self.report("SYN231", span.start, span.end, text=text)
            elif kind not in ("merge", "default"):
                self.report("SYN230", span.start, span.end, text=text, kind=kind, value=spelled)
        return Scalar(span, value, text)

    def withdraw_hint(self, span: Span) -> None:
        """Take back what was said about a plain scalar that turned out to go on."""
        if self.problems:
            last = self.problems[-1]
            if last.code in ("SYN230", "SYN231") and last.location.span == span:
                self.problems.pop()

    def key(self, node: Node) -> Scalar:
        """The node as a key. Only scalars name anything; of others the source text is kept."""
        if isinstance(node, Scalar):
            return node
        if isinstance(node, Alias):
            start, end = node.span
            if isinstance(node.target, Scalar):
                text = node.target.text
                whole = ((0, start, len(text), end - start),)
                return Scalar(node.span, node.target.value, text, segments=whole)
            behind_star = ((0, start + 1, len(node.name), len(node.name)),)
            return Scalar(node.span, node.name, node.name, segments=behind_star)
        written = node.span.cut(self.text)
        self.report("SYN224", node.span.start, node.span.end, text=written[:60])
        return Scalar(node.span, written, written, anchor=node.anchor, tag=node.tag)

    def check_keys(self, pairs: list[Pair]) -> None:
        """Report keys that one mapping has twice; most loaders keep the last without a word."""
        texts = [pair.key.text for pair in pairs]
        if not "".join(texts).isascii():
            texts = [nfc(text) for text in texts]
        if len(set(texts)) == len(texts):
            return
        first: dict[str, Pair] = {}
        for text, pair in zip(texts, pairs, strict=True):
            earlier = first.setdefault(text, pair)
            # Loaders merge every `<<`, and a key not yet written has no name to repeat.
            if len(self.problems) > MAX_PROBLEMS:
                return
            if earlier is pair or not text or (text == "<<" and pair.key.style == "plain"):
                continue
            span = pair.key.span
            place = Location(self.uri, earlier.key.span)
            self.report(
                "SYN219",
                span.start,
                span.end,
                related=(Related(place, "first written here"),),
                key=pair.key.text,
                first=tuple(earlier.span),
                again=tuple(pair.span),
            )


def tagged(text: str, tag: str) -> str | int | float | bool | None:
    """The value under one of YAML's own tags; other tags leave the text."""
    value = read_plain(text).value
    if tag in ("!!null", "!!bool", "!!int", "!!float"):
        if tag == "!!float" and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        return value
    return text


def set_properties(state: State, node: Node, anchor: str | None, tag: str | None) -> Node:
    """Give a finished node the anchor and the tag written before it."""
    if isinstance(node, Alias):
        return node
    if tag is not None:
        node.tag = tag
        if isinstance(node, Scalar):
            node.value = tagged(node.text, tag)
    if anchor is not None:
        node.anchor = anchor
        state.anchor(anchor, node)
    return node

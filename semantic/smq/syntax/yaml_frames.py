"""The block collections that are open while lines are read, and how they become nodes."""

from __future__ import annotations

from smq.syntax.nodes import Mapping, Node, Pair, Scalar, Sequence
from smq.syntax.yaml_state import MAX_DEPTH, State, TooDeepError, set_properties
from smq.text import Span

ROOT, MAP, SEQ = 0, 1, 2

# States of an explicit key: `?` was read, or `?` and the key behind it but no `:` yet.
NO_EXPLICIT, EXPLICIT_KEY, EXPLICIT_DONE = 0, 1, 2


class Frame:
    """An open mapping, sequence or document.

    `indent` is the column where its entries stand now. `proper` is the column where they should:
    the two differ after a line that was indented otherwise and still belongs here.
    """

    __slots__ = (
        "anchor",
        "end",
        "explicit",
        "indent",
        "items",
        "key",
        "kind",
        "loose",
        "node_anchor",
        "node_tag",
        "pairs",
        "proper",
        "props",
        "start",
        "tag",
        "waiting",
    )

    def __init__(self, kind: int, indent: int, start: int) -> None:
        self.kind = kind
        self.indent = indent
        self.proper = indent
        self.start = start
        # End of the last indicator: a hole has no end of its own.
        self.end = start
        self.pairs: list[Pair] = []
        self.items: list[Node | None] = []
        # The key read without a value yet, and whether a node may follow here.
        self.key: Scalar | None = None
        self.waiting = False
        self.explicit = NO_EXPLICIT
        # The last value was a guess, which a nested block would prove wrong.
        self.loose = False
        self.anchor: str | None = None
        self.tag: str | None = None
        # Anchor and tag for the awaited node, and where they end; -1 for none.
        self.node_anchor: str | None = None
        self.node_tag: str | None = None
        self.props = -1

    @property
    def last(self) -> Node | None:
        """The value or item read last."""
        if self.kind == MAP:
            return self.pairs[-1].value if self.pairs else None
        return self.items[-1] if self.items else None

    @property
    def first_key(self) -> str | None:
        key = self.pairs[0].key if self.pairs else self.key
        return key.text if key is not None else None


class Frames:
    """The stack of open collections, the document at its bottom."""

    __slots__ = ("_state", "stack")

    def __init__(self, state: State) -> None:
        self._state = state
        self.stack: list[Frame] = []
        self.restart(0)

    def restart(self, start: int) -> None:
        """Begin a document."""
        root = Frame(ROOT, -1, start)
        root.waiting = True
        self.stack[:] = [root]

    def push(self, kind: int, indent: int, start: int) -> Frame:
        """Open a collection as the awaited node of the innermost one."""
        stack = self.stack
        if len(stack) > MAX_DEPTH:
            raise TooDeepError(start)
        frame = Frame(kind, indent, start)
        parent = stack[-1]
        if parent.props >= 0:
            frame.anchor, frame.tag = parent.node_anchor, parent.node_tag
            parent.node_anchor = parent.node_tag = None
            parent.props = -1
        stack.append(frame)
        return frame

    def close_to(self, index: int) -> Frame:
        """Close all collections inside the one at `index`, and return that one."""
        stack = self.stack
        while len(stack) > index + 1:
            self.close()
        return stack[index]

    def close(self) -> None:
        frame = self.stack.pop()
        if frame.key is not None or frame.waiting:
            self.flush(frame)
        node: Node
        if frame.kind == MAP:
            pairs = frame.pairs
            if len(pairs) > 1:
                self._state.check_keys(pairs)
            end = pairs[-1].span.end if pairs else frame.end
            node = Mapping(Span(frame.start, end), tuple(pairs), False, frame.anchor, frame.tag)
        else:
            items = frame.items
            last = items[-1] if items else None
            end = last.span.end if last is not None else frame.end
            node = Sequence(Span(frame.start, end), tuple(items), False, frame.anchor, frame.tag)
        if frame.anchor is not None:
            self._state.anchor(frame.anchor, node)
        self.give(self.stack[-1], node)

    def give(self, frame: Frame, node: Node) -> None:
        """Make a node the awaited value, item, key or document of a frame."""
        if frame.props >= 0:
            node = set_properties(self._state, node, frame.node_anchor, frame.node_tag)
            frame.node_anchor = frame.node_tag = None
            frame.props = -1
        frame.waiting = False
        frame.loose = False
        if frame.kind != MAP:
            frame.items.append(node)
        elif frame.explicit == EXPLICIT_KEY:
            frame.key = self._state.key(node)
            frame.end = max(frame.end, frame.key.span.end)
            frame.explicit = EXPLICIT_DONE
        else:
            key = frame.key
            assert key is not None
            frame.pairs.append(Pair(Span(key.span.start, node.span.end), key, node))
            frame.key = None

    def flush(self, frame: Frame) -> None:
        """End the entry being read; without a value it keeps a hole."""
        empty: Node | None = None
        if frame.props >= 0:
            empty = set_properties(
                self._state,
                Scalar(Span(frame.props, frame.props), None, ""),
                frame.node_anchor,
                frame.node_tag,
            )
            frame.node_anchor = frame.node_tag = None
            frame.end = frame.props
            frame.props = -1
        if frame.kind == MAP:
            key = frame.key
            if key is None and frame.explicit == EXPLICIT_KEY:
                key = Scalar(Span(frame.end, frame.end), None, "")
            if key is not None:
                end = max(frame.end, key.span.end)
                frame.pairs.append(Pair(Span(key.span.start, end), key, empty))
            frame.key = None
            frame.explicit = NO_EXPLICIT
            frame.loose = False
        elif frame.waiting and (frame.kind == SEQ or empty is not None):
            frame.items.append(empty)
        frame.waiting = False

    def replace_last(self, frame: Frame, node: Node) -> None:
        """Put a longer reading in the place of the value or item read last."""
        if frame.kind == MAP:
            pair = frame.pairs[-1]
            frame.pairs[-1] = Pair(Span(pair.span.start, node.span.end), pair.key, node)
        else:
            frame.items[-1] = node
        if not isinstance(node, Scalar) or node.anchor is None:
            return
        self._state.anchor(node.anchor, node)

    def take_back(self, frame: Frame) -> Node | None:
        """Remove the value or item read last, so that the frame awaits it again."""
        frame.waiting = True
        if frame.kind != MAP:
            return frame.items.pop()
        pair = frame.pairs.pop()
        frame.key = pair.key
        frame.end = pair.key.span.end
        return pair.value

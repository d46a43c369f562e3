"""A diagram as SVG, laid out by ourselves: ranks from left to right, no library, no network.

A node's rank is the longest way to it from the left; within a rank nodes keep the order in which
they are read, moved down to stand beside what leads to them. The same diagram gives the same
bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from smq_server.cli.diagram import Diagram, Edge, Kind, Node
from smq_server.cli.findings.width import visible, width

_CHAR, _LINE = 7.3, 18
_PADDING = 12
_BETWEEN_RANKS, _BETWEEN_NODES = 64, 18
_MARGIN, _TITLE = 20, 34
_LONGEST = 64

_COLORS: dict[Kind, tuple[str, str]] = {
    "table": ("#eaf2fb", "#4a7fb5"),
    "leaf": ("#eef7ea", "#5b9346"),
    "combine": ("#f4f0fa", "#7d5fa8"),
    "filter": ("#fdf4e3", "#b98a2c"),
    "result": ("#ffffff", "#444444"),
}
_HEADED: tuple[Kind, ...] = ("table", "filter")
_STYLE = "font-family: ui-monospace, Menlo, Consolas, 'Noto Sans Mono CJK KR', monospace"


@dataclass(slots=True)
class _Box:
    node: Node
    lines: tuple[str, ...]
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def svg(drawn: Diagram) -> str:
    boxes = {node.id: _box(node) for node in drawn.nodes}
    ranks = _ranks(drawn)
    _place(drawn, boxes, ranks)
    right = max(box.x + box.width for box in boxes.values()) + _MARGIN
    right = max(right, width(drawn.title) * _CHAR * 1.1 + 2 * _MARGIN)
    bottom = max(box.y + box.height for box in boxes.values()) + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{right:.0f}" height="{bottom:.0f}" '
        f'viewBox="0 0 {right:.0f} {bottom:.0f}" role="img">',
        f"<title>{_text(drawn.title)}</title>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#666"/></marker></defs>',
        f'<rect width="{right:.0f}" height="{bottom:.0f}" fill="#ffffff"/>',
        f'<g style="{_STYLE}" font-size="12">',
        f'<text x="{_MARGIN}" y="{_MARGIN + 8}" font-weight="bold" font-size="13">'
        f"{_text(drawn.title)}</text>",
    ]
    for edge in drawn.edges:
        lines.extend(_edge(edge, boxes))
    for box in boxes.values():
        lines.extend(_drawn_box(box))
    lines.extend(["</g>", "</svg>"])
    return "\n".join(lines) + "\n"


def _box(node: Node) -> _Box:
    lines = tuple(_shortened(line) for line in node.lines)
    widest = max(map(width, lines), default=0)
    return _Box(node, lines, widest * _CHAR + 2 * _PADDING, len(lines) * _LINE + _PADDING)


def _ranks(drawn: Diagram) -> list[list[str]]:
    """Node ids by their longest distance from the left; the diagram has no cycles."""
    depth = {node.id: 0 for node in drawn.nodes}
    for _ in drawn.nodes:
        for edge in drawn.edges:
            depth[edge.end] = max(depth[edge.end], depth[edge.start] + 1)
    # What has no predecessor moves next to what it leads to, so that arrows stay short.
    ends = {edge.end for edge in drawn.edges}
    for node in drawn.nodes:
        following = [depth[edge.end] for edge in drawn.edges if edge.start == node.id]
        if node.id not in ends and following:
            depth[node.id] = min(following) - 1
    ranks: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in drawn.nodes:
        ranks[depth[node.id]].append(node.id)
    return ranks


def _place(drawn: Diagram, boxes: dict[str, _Box], ranks: Sequence[Sequence[str]]) -> None:
    x = float(_MARGIN)
    for rank in ranks:
        for key in rank:
            boxes[key].x = x
        widest = max((boxes[key].width for key in rank), default=0.0)
        labels = [
            width(edge.label) * _CHAR for edge in drawn.edges if edge.start in rank and edge.label
        ]
        x += widest + max(_BETWEEN_RANKS, *labels, 0.0) + 8
    for rank in ranks:
        y = float(_MARGIN + _TITLE)
        for key in rank:
            before = [boxes[edge.start].middle for edge in drawn.edges if edge.end == key]
            wished = sum(before) / len(before) - boxes[key].height / 2 if before else y
            boxes[key].y = max(y, wished)
            y = boxes[key].y + boxes[key].height + _BETWEEN_NODES


def _edge(edge: Edge, boxes: dict[str, _Box]) -> Iterator[str]:
    start, end = boxes[edge.start], boxes[edge.end]
    x1, y1, x2, y2 = start.x + start.width, start.middle, end.x, end.middle
    bend = (x2 - x1) / 2
    yield (
        f'<path d="M{x1:.1f} {y1:.1f} C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} '
        f'{x2:.1f} {y2:.1f}" fill="none" stroke="#666" marker-end="url(#arrow)"/>'
    )
    if edge.label:
        yield (
            f'<text x="{(x1 + x2) / 2:.1f}" y="{(y1 + y2) / 2 - 6:.1f}" text-anchor="middle" '
            f'fill="#666" font-size="11">{_text(edge.label)}</text>'
        )


def _drawn_box(box: _Box) -> Iterator[str]:
    fill, stroke = _COLORS[box.node.kind]
    corner = 14 if box.node.kind == "combine" else 4
    yield (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="{corner}" fill="{fill}" stroke="{stroke}"/>'
    )
    for number, line in enumerate(box.lines):
        weight = ' font-weight="bold"' if number == 0 and box.node.kind in _HEADED else ""
        y = box.y + _PADDING / 2 + _LINE * (number + 1) - 5
        yield f'<text x="{box.x + _PADDING:.1f}" y="{y:.1f}"{weight}>{_text(line)}</text>'


def _shortened(line: str) -> str:
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _text(text: str) -> str:
    return escape(visible(text))

"""The plan of a query as boxes and arrows, in the languages that draw such pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from smq_server.cli.explanation import STAGES, Explanation

Kind = Literal["table", "leaf", "combine", "filter", "result"]


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    kind: Kind
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    start: str
    end: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Diagram:
    """Edges go from what is read to what it becomes; nodes stand in the order of reading."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def diagram(explanation: Explanation) -> Diagram:
    """Tables to leaves, leaves to one combined grain, then the filters, then the result."""
    query = explanation.query
    nodes: list[Node] = []
    edges: list[Edge] = []
    leaves: list[str] = []
    for number, scan in enumerate(explanation.scans):
        base = f"t{number}"
        nodes.append(Node(base, "table", (scan.base, explanation.tables[scan.base])))
        reached = {scan.base: base}
        for position, step in enumerate(scan.joins):
            joined = f"t{number}_{position}"
            nodes.append(Node(joined, "table", (step.right, explanation.tables[step.right])))
            # An arrow to the table that it is joined to: every base row stays one row.
            edges.append(Edge(joined, reached.get(step.left, base), ", ".join(step.entities)))
            reached[step.right] = joined
        if explanation.written_joins:
            nodes.append(Node(f"j{number}", "table", ("written joins", explanation.written_joins)))
            edges.append(Edge(f"j{number}", base, "rows"))
        conditions = tuple(f"where {each}" for each in scan.filters)
        leaf = f"l{number}"
        nodes.append(Node(leaf, "leaf", (*(each.aggregate for each in scan.leaves), *conditions)))
        edges.append(Edge(base, leaf))
        leaves.append(leaf)
    last = leaves
    if len(leaves) > 1:
        by = ", ".join(explanation.grain)
        nodes.append(Node("combine", "combine", (f"by {by}" if by else "one row",)))
        edges.extend(Edge(leaf, "combine") for leaf in leaves)
        last = ["combine"]
    for number, (stage, filters) in enumerate(query.stages):
        if stage == "rows" or not filters:
            continue
        node = f"f{number}"
        texts = tuple(" ".join(each.split()) for each in filters)
        nodes.append(Node(node, "filter", (STAGES.get(stage, stage), *texts)))
        edges.extend(Edge(each, node) for each in last)
        last = [node]
    nodes.append(Node("result", "result", tuple(each.name for each in query.columns)))
    edges.extend(Edge(each, "result") for each in last)
    return Diagram(explanation.title, tuple(nodes), tuple(edges))


def mermaid(drawn: Diagram) -> str:
    return "".join(f"{line}\n" for line in _mermaid(drawn))


def dot(drawn: Diagram) -> str:
    """Graphviz; `dot -Tsvg` draws it."""
    return "".join(f"{line}\n" for line in _dot(drawn))


_MERMAID: dict[Kind, tuple[str, str]] = {
    "table": ("[(", ")]"),
    "leaf": ("[", "]"),
    "combine": ("([", "])"),
    "filter": ("{{", "}}"),
    "result": ("[[", "]]"),
}
_DOT: dict[Kind, str] = {
    "table": "cylinder",
    "leaf": "box",
    "combine": "ellipse",
    "filter": "hexagon",
    "result": "folder",
}


def _mermaid(drawn: Diagram) -> Iterator[str]:
    yield "---"
    # The front matter is YAML, which reads JSON strings.
    yield f"title: {json.dumps(drawn.title, ensure_ascii=False)}"
    yield "---"
    yield "flowchart LR"
    for node in drawn.nodes:
        before, after = _MERMAID[node.kind]
        label = "<br/>".join(map(_mermaid_text, node.lines))
        yield f'  {node.id}{before}"{label}"{after}'
    for edge in drawn.edges:
        label = f"|{_mermaid_text(edge.label)}|" if edge.label else ""
        yield f"  {edge.start} -->{label} {edge.end}"


def _mermaid_text(text: str) -> str:
    """Entities stand for what Mermaid and its Markdown would read as their own."""
    return "".join(
        char if char.isalnum() or char in " _.,:=/()'" else f"#{ord(char)};" for char in text
    )


def _dot(drawn: Diagram) -> Iterator[str]:
    yield "digraph query {"
    yield f"  label={_dot_text(drawn.title)};"
    yield "  rankdir=LR;"
    yield "  node [fontname=sans];"
    for node in drawn.nodes:
        yield f"  {node.id} [shape={_DOT[node.kind]}, label={_dot_text(*node.lines)}];"
    for edge in drawn.edges:
        label = f" [label={_dot_text(edge.label)}]" if edge.label else ""
        yield f"  {edge.start} -> {edge.end}{label};"
    yield "}"


def _dot_text(*lines: str) -> str:
    return '"' + "\\n".join(each.replace("\\", "\\\\").replace('"', '\\"') for each in lines) + '"'

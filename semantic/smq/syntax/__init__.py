"""Trees of JSON and YAML documents, with exact offsets, also of broken text.

Readers: `smq.syntax.jsonc.parse` and `smq.syntax.yaml.parse`. Both return `Parsed` and never
raise; what they could not read is a problem, and the rest of the file is in the tree.
"""

from smq.syntax.nodes import (
    Alias,
    Document,
    Mapping,
    Node,
    Pair,
    Parsed,
    Scalar,
    Sequence,
    Splice,
    Style,
    index_at,
    kind_of,
    size_limit,
    unaliased,
)

__all__ = [
    "Alias",
    "Document",
    "Mapping",
    "Node",
    "Pair",
    "Parsed",
    "Scalar",
    "Sequence",
    "Splice",
    "Style",
    "index_at",
    "kind_of",
    "size_limit",
    "unaliased",
]

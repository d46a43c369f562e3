"""Positions in text: spans, lines, edits, names, and the map from decoded scalars to source.

Offsets are code points into a document's text, half open. Lines and columns exist only in
`LineIndex`; encodings (UTF-8, UTF-16) only at the protocol's edge.
"""

from smq.text.edit import Edit, apply_edits
from smq.text.lines import Encoding, LineIndex
from smq.text.names import fold, is_nfc, nearest, nfc
from smq.text.source_map import SourceMap
from smq.text.span import Location, Span

__all__ = [
    "Edit",
    "Encoding",
    "LineIndex",
    "Location",
    "SourceMap",
    "Span",
    "apply_edits",
    "fold",
    "is_nfc",
    "nearest",
    "nfc",
]

"""One layout for query and model files, as edits that keep comments and meaning.

`format_document` is the same for the editor, the command line and editSmq; `json_edit` has the
small edits that fixes and code actions are made of.
"""

from __future__ import annotations

from smq.syntax import Parsed
from smq.text import Edit

__all__ = ["format_document"]


def format_document(parsed: Parsed) -> tuple[Edit, ...]:
    """The edits that lay a document out; none for one with syntax errors, or for YAML about
    anything else than semantic models.

    Formatting what was formatted changes nothing, and neither values nor comments are changed.
    """
    # Here, because rules bring `json_edit` into every process, and few of those lay out anything.
    from smq.format import json_layout, yaml_layout
    from smq.format.changes import changes

    if not parsed.complete or any(p.code.startswith("SYN") for p in parsed.problems):
        return ()
    document = parsed.document
    if document.kind == "smq":
        if not parsed.roots and not parsed.comments:
            return ()
        return changes(document.uri, document.text, json_layout.lay_out(parsed))
    if document.kind == "yaml" and yaml_layout.is_model_file(parsed):
        return changes(document.uri, document.text, yaml_layout.lay_out(parsed))
    return ()

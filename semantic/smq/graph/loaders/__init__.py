"""From the YAML of one file to the symbols it declares, whichever dialect it is written in.

Each item chooses its dialect by itself, so a file may mix them. What cannot be read is a problem
and nothing more: its siblings load.
"""

from __future__ import annotations

from smq.graph.fingerprint import pairs_of
from smq.graph.loaders.fields import Fields, Reading
from smq.graph.loaders.items import Earlier, Loaded, load_items
from smq.graph.loaders.time_spines import is_time_spine
from smq.graph.shape import SECTIONS
from smq.graph.symbols import Declarations
from smq.problem import Problem
from smq.syntax import Mapping, Node, Parsed, Scalar, Sequence, unaliased
from smq.text import nearest

__all__ = ["Earlier", "Loaded", "is_about_models", "load", "load_again"]

_LIKE_OURS = ("semantic_models", "saved_queries")


def load(parsed: Parsed) -> tuple[Declarations, tuple[Problem, ...]]:
    """What one file declares, and what is wrong with it as far as the file alone shows.

    A file that is not about semantic models gives empty declarations and no problems.
    """
    loaded = load_again(parsed)
    return loaded.declarations, loaded.problems


def load_again(parsed: Parsed, earlier: Earlier | None = None) -> Loaded:
    """The same, item by item; an earlier reading of the file makes it faster."""
    roots = [root for root in parsed.roots if isinstance(root, Mapping) and _is_about_models(root)]
    return load_items(parsed, roots, earlier)


def is_about_models(parsed: Parsed) -> bool:
    """True for a file that declares semantic models, metrics, sources, time spines or the like."""
    return any(isinstance(root, Mapping) and _is_about_models(root) for root in parsed.roots)


def _is_about_models(root: Mapping) -> bool:
    for key, pair in pairs_of(root).items():
        value = unaliased(pair.value)
        if key in SECTIONS:
            # dbt's files on plain models are not about semantics; a calendar among them is,
            # and so is a model that carries its semantics itself.
            if key == "models" and not _is_semantic(value):
                continue
            if _is_list_of_mappings(value) or _is_nothing(value):
                return True
            if key in _LIKE_OURS:
                return True
        elif _is_list_of_mappings(value) and nearest(key, _LIKE_OURS, 1, 0.75):
            # `semantic_model:` is a slip of the pen, and the file would be ignored in silence.
            return True
    return False


def _is_semantic(models: Node | None) -> bool:
    if not isinstance(models, Sequence):
        return False
    reading = Reading("")
    items = (unaliased(item) for item in models.items)
    found = (Fields(reading, item) for item in items if isinstance(item, Mapping))
    return any(is_time_spine(model) or "semantic_model" in model for model in found)


def _is_list_of_mappings(node: Node | None) -> bool:
    if not isinstance(node, Sequence):
        return False
    return not node.items or any(isinstance(unaliased(item), Mapping) for item in node.items)


def _is_nothing(node: Node | None) -> bool:
    return node is None or (isinstance(node, Scalar) and node.value is None)

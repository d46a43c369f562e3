"""From the YAML of one file to the symbols it declares, whichever dialect it is written in.

Each item chooses its dialect by itself, so a file may mix them. What cannot be read is a problem
and nothing more: its siblings load.
"""

from __future__ import annotations

from collections.abc import Iterator

from smq.graph.consistency import contradictions
from smq.graph.fingerprint import pairs_of
from smq.graph.loaders import dbt_classic, smq_yaml
from smq.graph.loaders.dbt_models import report_semantics_on_model
from smq.graph.loaders.fields import Fields, Reading
from smq.graph.loaders.saved_queries import read_saved_query
from smq.graph.loaders.sources import read_source
from smq.graph.loaders.time_spines import is_time_spine, read_time_spine
from smq.graph.shape import SECTIONS, check_shape
from smq.graph.symbols import Declarations, Metric, Model, SavedQuery, SourceTable, TimeSpine
from smq.problem import Problem
from smq.syntax import Mapping, Node, Parsed, Scalar, Sequence, unaliased
from smq.text import nearest

__all__ = ["is_about_models", "load"]

_LIKE_OURS = ("semantic_models", "saved_queries")


def load(parsed: Parsed) -> tuple[Declarations, tuple[Problem, ...]]:
    """What one file declares, and what is wrong with it as far as the file alone shows.

    A file that is not about semantic models gives empty declarations and no problems.
    """
    reading = Reading(parsed.document.uri)
    found = _Found()
    problems: list[Problem] = []
    for root in parsed.roots:
        if isinstance(root, Mapping) and _is_about_models(root):
            problems.extend(check_shape(parsed, root))
            _load_root(Fields(reading, root), found)
    declarations = found.declarations(reading.uri)
    problems += reading.problems
    problems += contradictions(declarations)
    return declarations, tuple(problems)


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


class _Found:
    def __init__(self) -> None:
        self.models: list[Model] = []
        self.metrics: list[Metric] = []
        self.metric_items: list[Fields] = []
        self.sources: list[SourceTable] = []
        self.time_spines: list[TimeSpine] = []
        self.saved_queries: list[SavedQuery] = []

    def declarations(self, uri: str) -> Declarations:
        # With one model in the file it is plain what its metrics are about.
        declared_with = self.models[0].name if len(self.models) == 1 else None
        for model in self.models:
            self.metrics.extend(dbt_classic.metrics_of_measures(model))
        for fields in self.metric_items:
            dialect = dbt_classic if dbt_classic.is_dbt_metric(fields) else smq_yaml
            metric = dialect.read_metric(fields, declared_with)
            if metric is not None:
                self.metrics.append(metric)
        return Declarations(
            uri,
            tuple(self.models),
            tuple(self.metrics),
            tuple(self.sources),
            tuple(self.time_spines),
            tuple(self.saved_queries),
        )


def _load_root(root: Fields, found: _Found) -> None:
    for fields in _enabled(root, "semantic_models"):
        dialect = dbt_classic if dbt_classic.is_dbt_model(fields) else smq_yaml
        model = dialect.read_model(fields)
        if model is not None:
            found.models.append(model)
    # Metrics wait, because what they are declared with depends on all models of the file.
    found.metric_items.extend(_enabled(root, "metrics"))
    for fields in root.items("sources"):
        found.sources.extend(read_source(fields))
    for fields in _enabled(root, "models"):
        report_semantics_on_model(fields)
        spine = read_time_spine(fields)
        if spine is not None:
            found.time_spines.append(spine)
    for fields in _enabled(root, "saved_queries"):
        query = read_saved_query(fields)
        if query is not None:
            found.saved_queries.append(query)


def _enabled(root: Fields, key: str) -> Iterator[Fields]:
    """The items of a list that dbt's `enabled: false` does not leave out."""
    for fields in root.items(key):
        config = fields.inner("config")
        if not fields.is_false("enabled") and not (config and config.is_false("enabled")):
            yield fields

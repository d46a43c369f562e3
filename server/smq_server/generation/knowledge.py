"""What a model is told of the semantic models: names, types, words about them and how they join.

Never rows, never SQL of the warehouse, and no path but one below the workspace. The texts of
people are put on one line between quotes, so that a description cannot look like our own words.
The same question over the same files gives the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from smq.graph.formula import expand
from smq.graph.graph import SemanticGraph
from smq.graph.leaves import Broken
from smq.graph.symbols import Dimension, Metric, Model, Symbol
from smq.workspace import Snapshot
from smq_server.generation.chat import estimated_tokens
from smq_server.generation.selection import Kind, SelectedFile, search, select_model_files

_LONGEST_WORDS = 240
"""Characters of a description; what is important stands at its beginning."""
_METRICS: tuple[Kind, ...] = ("metric",)
_FILES = 5
_FEW_METRICS = 500
_WHOLE_SHARE = 2
"""All models are shown if they take at most this part of the room: one in so many."""
_INDEX_SHARE = 4
"""The list of all metrics takes at most this part of the room: one in so many."""


@dataclass(frozen=True, slots=True)
class FileText:
    """A file of the workspace as a prompt shows it."""

    path: str
    text: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What was found for a question.

    `files` declare what the question is about, `related` holds what these need from other files,
    `index` the names of all other metrics, as far as there is room. `left_out` counts files that
    would have mattered but did not fit. Where `files` are all there are, `nearest` names those
    that the question is about.
    """

    files: tuple[FileText, ...]
    related: str
    index: str
    left_out: int = 0
    nearest: tuple[str, ...] = ()

    @property
    def reasons(self) -> dict[str, list[str]]:
        """Why each file was chosen."""
        chosen = (file for file in self.files if not self.nearest or file.path in self.nearest)
        return {file.path: list(file.reasons) for file in chosen}

    @property
    def text(self) -> str:
        """Everything, as it stands in a prompt."""
        parts = [f"## {file.path}\n{file.text}" for file in self.files]
        if self.related:
            parts.append(f"## related, from other files\n{self.related}")
        if self.index:
            parts.append(f"## other metrics\n{self.index}")
        if self.nearest:
            parts.append(f"## nearest to the question\n{', '.join(self.nearest)}")
        return "\n\n".join(parts) or "(There are no semantic models.)"


@dataclass(frozen=True, slots=True)
class NearMetric:
    """A metric that comes close to what was asked."""

    name: str
    label: str | None = None


def knowledge(question: str, snapshot: Snapshot, tokens: int) -> Knowledge:
    """What the question is about, the most telling first, in at most so many tokens."""
    return _Writer(snapshot, tokens).write(question)


def whole_or_near(question: str, snapshot: Snapshot, tokens: int) -> Knowledge:
    """All models where they are few, else what the question is about.

    All of them stand in one order, whatever is asked: an endpoint that keeps what it has read of
    the last prompt reads only the question anew.
    """
    return _Writer(snapshot, tokens).whole(question) or knowledge(question, snapshot, tokens)


def nearest_metrics(question: str, snapshot: Snapshot, limit: int = 5) -> tuple[NearMetric, ...]:
    """The metrics whose names and words are nearest to a question; maybe none."""
    found = search(question, snapshot, _METRICS, limit)
    return tuple(NearMetric(each.entry.name, each.entry.label) for each in found)


def path_shown(snapshot: Snapshot, uri: str) -> str:
    """A file's path below the workspace; of one outside, its name alone."""
    path = snapshot.configuration.relative_path(uri)
    return path.rpartition("/")[2] if path.startswith("/") or ":" in path else path


class _Writer:
    def __init__(self, snapshot: Snapshot, tokens: int) -> None:
        self._snapshot = snapshot
        self._graph = snapshot.graph
        self._left = tokens
        self._room_for_index = tokens // _INDEX_SHARE
        self._shown: set[tuple[str, str]] = set()

    def write(self, question: str) -> Knowledge:
        chosen = select_model_files(question, self._snapshot, _FILES)
        if not chosen:
            # Not a word is known: what there is may still show the model what there is not.
            uris = [d.uri for d in self._snapshot.declarations if d.models or d.metrics]
            chosen = tuple(SelectedFile(uri, 0.0, ()) for uri in uris[:_FILES])
        files: list[FileText] = []
        left_out = 0
        for file in chosen:
            text = self._file(file.uri)
            if not text:
                continue
            if not self._fits(text):
                left_out += 1
                continue
            reasons = tuple(f"{each.word}: {each.kind} {each.name}" for each in file.reasons)
            files.append(FileText(path_shown(self._snapshot, file.uri), text, reasons))
            self._mark(file.uri)
        related = self._related(question, [file.uri for file in chosen])
        return Knowledge(tuple(files), related, self._index(), left_out)

    def whole(self, question: str) -> Knowledge | None:
        """Every file, if there is room."""
        self._left //= _WHOLE_SHARE
        chosen = {
            file.uri: tuple(f"{each.word}: {each.kind} {each.name}" for each in file.reasons)
            for file in select_model_files(question, self._snapshot, _FILES)
        }
        files: dict[str, FileText] = {}
        for declared in self._snapshot.declarations:
            text = self._file(declared.uri) if declared.models or declared.metrics else ""
            if not text:
                continue
            if not self._fits(text):
                return None
            path = path_shown(self._snapshot, declared.uri)
            files[declared.uri] = FileText(path, text, chosen.get(declared.uri, ()))
        nearest = tuple(files[uri].path for uri in chosen if uri in files)
        in_order = sorted(files.values(), key=lambda file: file.path)
        return Knowledge(tuple(in_order), "", "", nearest=nearest)

    def _fits(self, text: str) -> bool:
        tokens = estimated_tokens(text) + 8
        if tokens > self._left:
            return False
        self._left -= tokens
        return True

    # Files

    def _file(self, uri: str) -> str:
        return "\n".join(self._lines(uri))

    def _lines(self, uri: str) -> Iterator[str]:
        for model, metric in self._declared(uri):
            if model is not None:
                yield self._model(model)
            if metric is not None:
                yield self._metric(metric)

    def _mark(self, uri: str) -> None:
        for model, metric in self._declared(uri):
            if model is not None:
                self._shown.add(("model", model.name))
            if metric is not None:
                self._shown.add(("metric", metric.name))

    def _declared(self, uri: str) -> Iterator[tuple[Model | None, Metric | None]]:
        declared = self._snapshot.file(uri).declarations if uri in self._snapshot else None
        if declared is None:
            return
        for model in declared.models:
            if self._graph.models.get(model.name) == model:
                yield model, None
        for metric in declared.metrics:
            if self._graph.metrics.get(metric.name) == metric:
                yield None, metric

    # What the files need

    def _related(self, question: str, uris: Iterable[str]) -> str:
        """Metrics over the models of the files, and models that their metrics reach."""
        models: dict[str, None] = {}
        metrics: dict[str, None] = {}
        for uri in uris:
            for model, metric in self._declared(uri):
                if model is not None:
                    models[model.name] = None
                if metric is not None:
                    metrics[metric.name] = None
        bases = {name: bases_of(self._graph, name, self._dialect) for name in metrics}
        needed = dict.fromkeys(base for found in bases.values() for base in found)
        lines: list[str] = []
        for name in needed:
            self._add_model(name, lines)
        if models:
            for name in self._candidates(question):
                if set(bases_of(self._graph, name, self._dialect)) & models.keys():
                    self._add(("metric", name), self._metric(self._graph.metrics[name]), lines)
        for start in (*needed, *models):
            for name in reachable(self._graph, start):
                self._add_model(name, lines)
        return "\n".join(lines)

    def _candidates(self, question: str) -> Iterable[str]:
        """Metrics that may be over the models: all of a small workspace, else the nearest ones."""
        if len(self._graph.metrics) <= _FEW_METRICS:
            return self._graph.metrics
        near = nearest_metrics(question, self._snapshot, limit=_FEW_METRICS // 10)
        return [each.name for each in near if each.name in self._graph.metrics]

    def _add_model(self, name: str, lines: list[str]) -> None:
        self._add(("model", name), self._model(self._graph.models[name]), lines)

    def _add(self, key: tuple[str, str], text: str, lines: list[str]) -> None:
        if key not in self._shown and self._fits(text):
            self._shown.add(key)
            lines.append(text)

    def _index(self) -> str:
        self._left = min(self._left, self._room_for_index)
        lines: list[str] = []
        for name in sorted(self._graph.metrics):
            metric = self._graph.metrics[name]
            self._add(("metric", name), f"metric {name}{_label(metric)}", lines)
        return "\n".join(lines)

    # Words

    @property
    def _dialect(self) -> str:
        return self._snapshot.configuration.dialect

    def _model(self, model: Model) -> str:
        lines = [f"model {model.name}{_words(model)}"]
        joins = [
            f"{edge.right} ({' + '.join(edge.entities)})" for edge in self._graph.edges(model.name)
        ]
        if joins:
            lines.append(f"  joins to-one: {', '.join(dict.fromkeys(joins))}")
        lines.extend(
            f"  dimension {model.name}__{dimension.name} {_type(dimension)}{_words(dimension)}"
            for dimension in model.dimensions
        )
        return "\n".join(lines)

    def _metric(self, metric: Metric) -> str:
        bases = bases_of(self._graph, metric.name, self._dialect)
        over = f" over {', '.join(bases)}" if bases else ""
        return f"metric {metric.name} [{metric.kind}{over}]{_words(metric)}"


def bases_of(graph: SemanticGraph, metric: str, dialect: str) -> tuple[str, ...]:
    """The models whose rows a metric aggregates; none when it cannot be computed."""
    known: dict[tuple[str, str], tuple[str, ...]] = graph.memo.setdefault("bases of metrics", {})
    found = known.get((metric, dialect))
    if found is None:
        formula = expand(graph, metric, dialect)
        leaves = () if isinstance(formula, Broken) else formula.leaves
        found = known[metric, dialect] = tuple(dict.fromkeys(leaf.base for leaf in leaves))
    return found


def reachable(graph: SemanticGraph, model: str) -> tuple[str, ...]:
    """The models that to-one joins lead to, the nearest first, without the model itself."""
    found = {model: None}
    frontier = [model]
    while frontier:
        name = frontier.pop(0)
        for edge in graph.edges(name):
            if edge.right not in found:
                found[edge.right] = None
                frontier.append(edge.right)
    return tuple(found)[1:]


def _type(dimension: Dimension) -> str:
    if dimension.is_time:
        return f"[time, {dimension.grain or 'day'}]"
    return f"[{dimension.data_type or 'categorical'}]"


def _words(symbol: Symbol) -> str:
    label = _label(symbol)
    if not symbol.description:
        return label
    text = one_line(symbol.description)
    return f"{label} — '{text}'"


def _label(symbol: Symbol) -> str:
    return f" '{one_line(symbol.label)}'" if symbol.label else ""


def one_line(text: str) -> str:
    """Somebody's text as one line that cannot end the block it stands in."""
    words = " ".join(text.split()).replace("<", "‹").replace(">", "›").replace("`", "'")
    return words if len(words) <= _LONGEST_WORDS else words[: _LONGEST_WORDS - 1] + "…"

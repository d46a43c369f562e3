"""The tools as plain functions over a served workspace; `server` gives them to the protocol."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from smq.dialects import UnknownDialectError
from smq.dialects import dialect as dialect_named
from smq.graph.symbols import Dimension
from smq.problem import Problem
from smq.query.edit import edit_document, edit_queries
from smq.rules import rules
from smq.sql.described import explained
from smq.sql.result import CompiledQuery
from smq.syntax import Document, kind_of
from smq.text import nearest, nfc
from smq.workspace import Change, Snapshot
from smq.workspace.reachable import ReachableDimension, Route, reachable_dimensions
from smq_server.generation.selection import search as search_words
from smq_server.generation.selection import select_model_files
from smq_server.io.failure import Failure
from smq_server.io.files import write_text
from smq_server.io.uris import uri_of
from smq_server.io.workspace import Workspace
from smq_server.mcp import shapes
from smq_server.mcp.judged import columns, compilation, judge, judge_document
from smq_server.mcp.running import Limits, Run, engine_dialect
from smq_server.mcp.served import Served

_MOST = 500


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query that only has to be run. `result` may take its time, and needs no lock."""

    run: Run
    query: CompiledQuery
    limit: int
    problems: tuple[shapes.Finding, ...]

    def result(self) -> shapes.RunResult:
        found = self.run.rows(self.query, self.limit)
        return shapes.RunResult(
            columns=columns(self.query),
            rows=found.rows,
            row_count=len(found.rows),
            is_truncated=found.is_truncated,
            sql=self.query.sql,
            seconds=found.seconds,
            estimated_bytes=found.estimated_bytes,
            problems=list(self.problems),
        )


class Tools:
    """Every tool raises Failure with a sentence for whoever called it.

    Only one works at a time, because graphs remember answers as they go; running a query on an
    engine is the exception, and does not hold the others up.
    """

    def __init__(
        self, served: Served, *, limits: Limits | None = None, may_write: bool = False
    ) -> None:
        self.served = served
        self.limits = limits
        """None: queries are not run."""
        self.may_write = may_write
        self._lock = threading.Lock()

    @property
    def working(self) -> AbstractContextManager[Any]:
        return self._lock

    # --- what there is

    def list_metrics(self, search: str = "", limit: int = 50, offset: int = 0) -> shapes.Metrics:
        snapshot = self._models().snapshot
        metrics = snapshot.graph.metrics
        names, scores = _ranked(search, snapshot, "metric", sorted(metrics))
        listed = [
            shapes.Metric(
                name=name,
                kind=metrics[name].kind,
                label=metrics[name].label,
                description=metrics[name].description,
                file=self.served.relative(metrics[name].name_at.uri),
                score=scores.get(name),
            )
            for name in _page(names, limit, offset)
        ]
        return shapes.Metrics(metrics=listed, total=len(names))

    def list_dimensions(
        self, metrics: Sequence[str] = (), search: str = "", limit: int = 50, offset: int = 0
    ) -> shapes.Dimensions:
        snapshot = self._models().snapshot
        if metrics:
            found = _reachable_by_all([nfc(name).strip() for name in metrics], snapshot)
        else:
            found = {
                f"{model.name}__{dimension.name}": (dimension, [])
                for model in sorted(snapshot.graph.models.values(), key=lambda each: each.name)
                for dimension in model.dimensions
            }
        names, _ = _ranked(search, snapshot, "dimension", list(found))
        listed = [
            shapes.Dimension(
                reference=name,
                type=found[name][0].data_type
                or ("time" if found[name][0].is_time else "categorical"),
                grain=found[name][0].grain,
                label=found[name][0].label,
                description=found[name][0].description,
                joins=found[name][1],
            )
            for name in _page(names, limit, offset)
        ]
        return shapes.Dimensions(dimensions=listed, total=len(names))

    def list_models(self, search: str = "", limit: int = 50, offset: int = 0) -> shapes.Models:
        snapshot = self._models().snapshot
        models = snapshot.graph.models
        names, _ = _ranked(search, snapshot, "model", sorted(models))
        listed = [
            shapes.Model(
                name=name,
                label=models[name].label,
                description=models[name].description,
                file=self.served.relative(models[name].name_at.uri),
                entities=[f"{each.name} ({each.kind})" for each in models[name].entities],
                dimensions=[f"{name}__{each.name}" for each in models[name].dimensions],
                measures=[each.name for each in models[name].measures],
            )
            for name in _page(names, limit, offset)
        ]
        return shapes.Models(models=listed, total=len(names))

    def select_model_files(
        self, question: str, limit: int = 3, content: bool = True
    ) -> shapes.Selection:
        snapshot = self._models().snapshot
        if not question.strip():
            raise Failure("`question` is empty")
        selected = select_model_files(question[:_LONGEST_QUESTION], snapshot, _bounded(limit, 20))
        return shapes.Selection(
            files=[
                shapes.SelectedFile(
                    file=self.served.relative(each.uri),
                    score=each.score,
                    reasons=[
                        f"{reason.word}: {reason.kind} {reason.name} ({reason.field})"
                        for reason in each.reasons[:8]
                    ],
                    content=snapshot.document(each.uri).text if content else None,
                )
                for each in selected
            ],
            all_files=self.model_files(),
        )

    def model_files(self) -> list[str]:
        declarations = self.served.workspace().snapshot.declarations
        uris = [each.uri for each in declarations if each.models or each.metrics]
        return [self.served.relative(uri) for uri in uris]

    def file_text(self, path: str) -> str:
        """The text of a model or query file. Raises Failure for any other file."""
        uri = uri_of(self.served.path_in(path))
        snapshot = self.served.workspace().snapshot
        if uri not in snapshot:
            raise Failure(f"'{path}' is no model or query file of the workspace")
        return snapshot.document(uri).text

    # --- what a query means

    def validate(self, queries: Sequence[Mapping[str, Any]]) -> shapes.Validation:
        judged = judge(queries, self._models().snapshot)
        return shapes.Validation(
            is_valid=all(each.is_valid for each in judged),
            queries=[
                shapes.Validated(
                    index=each.index, is_valid=each.is_valid, problems=list(each.problems)
                )
                for each in judged
            ],
        )

    def compile(
        self, queries: Sequence[Mapping[str, Any]], dialect: str | None = None
    ) -> shapes.Compilation:
        snapshot = self._models().snapshot
        target = _dialect(dialect, snapshot)
        return compilation(judge(queries, snapshot, target), target)

    def explain(self, query: Mapping[str, Any]) -> shapes.Explanation:
        snapshot = self._models().snapshot
        (judged,) = judge([query], snapshot)
        parts: list[shapes.ExplainedPart] = []
        for compiled in judged.compiled:
            assert judged.written is not None
            told = explained(compiled, judged.written, snapshot.graph, "", lambda _: None)
            kept = {name: told[name] for name in shapes.ExplainedPart.model_fields}
            for column in kept["columns"]:
                column.pop("defined_at")
            parts.append(shapes.ExplainedPart(**kept))
        return shapes.Explanation(
            is_valid=judged.is_valid, parts=parts, problems=list(judged.problems)
        )

    # --- changing queries

    def edit(
        self, queries: Sequence[Mapping[str, Any]], edits: Sequence[Mapping[str, Any]]
    ) -> shapes.Edited:
        snapshot = self._models().snapshot
        edited = edit_queries(list(queries), list(edits))
        if edited.mistakes:
            raise Failure("; ".join(map(str, edited.mistakes)))
        found = [query for query in edited.queries if isinstance(query, dict)]
        target = snapshot.configuration.dialect
        return shapes.Edited(
            queries=found, compilation=compilation(judge(found, snapshot, target), target)
        )

    def edit_file(
        self, file: str, edits: Sequence[Mapping[str, Any]], write: bool = False
    ) -> shapes.EditedFile:
        if write and not self.may_write:
            raise Failure("this server does not write files; it was started without --allow-write")
        workspace = self._models()
        path = self.served.path_in(file)
        uri = uri_of(path)
        if kind_of(path.name) != "smq" or uri not in workspace.snapshot:
            known = [self.served.relative(each) for each in workspace.snapshot.uris
                     if kind_of(each) == "smq"]  # fmt: skip
            raise Failure(f"there is no query file '{file}'{_hint(file, known)}")
        document = workspace.snapshot.document(uri)
        edited = edit_document(Document(uri, document.text), list(edits))
        if edited.mistakes:
            raise Failure("; ".join(map(str, edited.mistakes)))
        snapshot = workspace.snapshot.apply([Change(uri, edited.text)])
        target = snapshot.configuration.dialect
        judged = judge_document(uri, snapshot, target)
        if write and edited.text != document.text:
            write_text(path, edited.text)
        return shapes.EditedFile(
            file=self.served.relative(uri),
            text=edited.text,
            is_written=write and edited.text != document.text,
            compilation=compilation(judged, target),
        )

    # --- running

    def prepare(self, query: Mapping[str, Any], limit: int | None) -> Prepared:
        """Everything about running a query but the running."""
        if self.limits is None:
            raise Failure("this server does not run queries; it was started without --allow-run")
        workspace = self._models()
        snapshot = workspace.snapshot
        dialect = engine_dialect(snapshot)
        most = self.limits.rows
        wanted = most if limit is None else _bounded(limit, most)
        (judged,) = judge([query], snapshot, dialect, distribute=False)
        if not judged.is_valid or judged.written is None:
            told = "; ".join(each.message for each in judged.problems if each.severity == "error")
            raise Failure(f"the query does not compile: {told}")
        own = judged.written.limit
        # One more than is shown, to tell whether there are more.
        capped = dict(query, limit=wanted + 1 if own is None else min(own, wanted + 1))
        (limited,) = judge([capped], snapshot, dialect, distribute=False)
        run = Run(workspace, self.served.environ, self.limits)
        return Prepared(run, limited.compiled[0], wanted, judged.problems)

    # --- resources

    def overview(self) -> str:
        """The models and metrics with their files, as JSON."""
        graph = self._models().snapshot.graph
        found = {
            "files": self.model_files(),
            "models": {
                name: {"label": model.label, "file": self.served.relative(model.name_at.uri)}
                for name, model in sorted(graph.models.items())
            },
            "metrics": {
                name: {"label": metric.label, "file": self.served.relative(metric.name_at.uri)}
                for name, metric in sorted(graph.metrics.items())
            },
        }
        return json.dumps(found, ensure_ascii=False, indent=1)

    def _models(self) -> Workspace:
        workspace = self.served.workspace()
        if not workspace.has_models:
            raise Failure("there are no semantic models in the workspace; `smq init` starts some")
        return workspace


_LONGEST_QUESTION = 4_000


def _bounded(number: int, most: int) -> int:
    return max(0, min(number, most))


def _page(names: Sequence[str], limit: int, offset: int) -> Sequence[str]:
    start = max(0, offset)
    return names[start : start + _bounded(limit, _MOST)]


def _ranked(
    search: str, snapshot: Snapshot, kind: Any, names: list[str]
) -> tuple[list[str], dict[str, float]]:
    """The names that the words of a search may mean, best first; all of them without words."""
    if not search.strip():
        return names, {}
    scores = _found(search, snapshot, kind, names)
    return sorted(scores, key=lambda name: (-scores[name], name)), scores


def _found(text: str, snapshot: Snapshot, kind: Any, names: Iterable[str]) -> dict[str, float]:
    """The names that some words may mean, with scores; a part of a name is enough."""
    wanted = nfc(text).strip().casefold()
    known = dict.fromkeys(names)
    hits = search_words(text[:_LONGEST_QUESTION], snapshot, (kind,), _MOST)
    scores = {hit.entry.reference: hit.score for hit in hits if hit.entry.reference in known}
    for name in known:
        if wanted in name.casefold():
            scores[name] = scores.get(name, 0.0) + 1.0
    return scores


def _reachable_by_all(
    metrics: Sequence[str], snapshot: Snapshot
) -> dict[str, tuple[Dimension, list[str]]]:
    found: dict[str, tuple[Dimension, list[str]]] | None = None
    for metric in metrics:
        if metric not in snapshot.graph.metrics:
            raise Failure(f"Metric '{metric}' not found{_hint(metric, snapshot.graph.metrics)}")
        own: dict[str, tuple[Dimension, list[str]]] = {}
        for each in reachable_dimensions(snapshot.graph, metric, snapshot.configuration.dialect):
            if isinstance(each, Problem):
                words = rules()[each.code].words(each.args)
                raise Failure(f"{metric} cannot be computed: {words}")
            assert isinstance(each, ReachableDimension)
            own[each.name] = each.dimension, list(dict.fromkeys(map(_route, each.routes)))
        if found is None:
            found = own
        else:
            found = {
                name: (dimension, list(dict.fromkeys([*joins, *own[name][1]])))
                for name, (dimension, joins) in found.items()
                if name in own
            }
    return found or {}


def _route(route: Route) -> str:
    texts = [
        route.base + "".join(f" → {edge.right} ({' + '.join(edge.entities)})" for edge in path)
        for path in route.paths
    ]
    return texts[0] if len(texts) == 1 else "ambiguous: " + " or ".join(texts)


def _hint(name: str, known: Iterable[str]) -> str:
    close = nearest(name, known)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _dialect(name: str | None, snapshot: Snapshot) -> str:
    if name is None:
        return snapshot.configuration.dialect
    try:
        return dialect_named(name).name
    except UnknownDialectError as error:
        raise Failure(str(error)) from error

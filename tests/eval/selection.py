"""How many of the files that a question is about are among the first three that are selected.

The files that count are those that declare what an accepted answer names: its metrics, groups,
and the dimensions and measures of its filters and sort keys. Of several accepted answers the one
that fares best counts, as one right answer is enough. Where an answer needs more than three files,
three found are all that can be.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.eval.questions import Answer, Question, read, snapshot

from smq.graph.graph import SemanticGraph
from smq.query.bind import bind
from smq.query.bound import Query
from smq_server.generation.selection import select_model_files
from smq_server.io.uris import path_of

LIMIT = 3


@dataclass(frozen=True, slots=True)
class Selected:
    """What was selected for one question, against what it needs."""

    question: Question
    found: tuple[str, ...]
    needed: frozenset[str]
    recall: float
    seconds: float


def measure(questions: Sequence[Question]) -> list[Selected]:
    """Every question that has an answer."""
    return [_measure(each) for each in questions if each.accepted]


def _measure(question: Question) -> Selected:
    models = snapshot(question.workspace)
    started = time.perf_counter()
    selected = select_model_files(question.text, models, LIMIT)
    seconds = time.perf_counter() - started
    found = tuple(each.uri for each in selected)
    needs = [needed_files(answer, models.graph) for answer in question.accepted]
    best = max(needs, key=lambda needed: _recall(found, needed))
    return Selected(question, found, best, _recall(found, best), seconds)


def _recall(found: tuple[str, ...], needed: frozenset[str]) -> float:
    return len(needed.intersection(found)) / min(len(needed), LIMIT)


def needed_files(answer: Answer, graph: SemanticGraph) -> frozenset[str]:
    """The files that declare what an answer names."""
    files: set[str] = set()
    for written in read(answer):
        query = bind(written, graph, "duckdb").query
        assert query is not None, written
        files |= _metric_files(query, graph)
        files |= _member_files(query, graph)
    return frozenset(files)


def _metric_files(query: Query, graph: SemanticGraph) -> set[str]:
    texts = [item.text for items in (query.written.metrics, query.written.filters,
                                     query.written.order_by) for item in items]  # fmt: skip
    words = {word for text in texts for word in _names(text)}
    return {metric.name_at.uri for name, metric in graph.metrics.items() if name in words}


def _names(text: str) -> list[str]:
    return "".join(sign if sign.isalnum() or sign == "_" else " " for sign in text).split()


def _member_files(query: Query, graph: SemanticGraph) -> set[str]:
    refs = [group.ref for group in query.groups]
    for row_filter in query.row_filters:
        refs.extend(row_filter.condition.outer)
    return {graph.models[ref.model].name_at.uri for ref in refs if ref.model}


def table(measured: list[Selected]) -> str:
    """Recall by workspace and language, and each question that misses a file."""
    lines = [f"{'questions':<22}{'n':>5}{'recall@3':>10}{'complete':>10}{'ms':>8}"]
    groups: dict[str, list[Selected]] = {"all": measured}
    for each in measured:
        question = each.question
        groups.setdefault(f"{question.workspace} {question.language}", []).append(each)
        for kind in question.kinds:
            groups.setdefault(f"  {kind}", []).append(each)
    for name, members in groups.items():
        recall = sum(each.recall for each in members) / len(members)
        complete = sum(each.recall == 1 for each in members) / len(members)
        milliseconds = 1000 * sum(each.seconds for each in members) / len(members)
        lines.append(
            f"{name:<22}{len(members):>5}{recall:>10.3f}{complete:>10.3f}{milliseconds:>8.2f}"
        )
    lines.append("")
    for each in measured:
        if each.recall < 1:
            missing = ", ".join(sorted(_short(uri) for uri in each.needed.difference(each.found)))
            found = ", ".join(map(_short, each.found))
            lines.append(f"{each.question.id}  {each.question.text}")
            lines.append(f"    misses {missing}; found {found or 'nothing'}")
    return "\n".join(lines) + "\n"


def _short(uri: str) -> str:
    path = path_of(uri)
    return f"{path.parent.name}/{path.name}"

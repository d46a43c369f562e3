"""Texts to a semantic graph and to compiled SQL, through the real readers and the compiler."""

from __future__ import annotations

from collections.abc import Mapping

from smq.graph.graph import SemanticGraph
from smq.graph.loaders import load
from smq.problem import Problem, Severity
from smq.query.read import read_queries
from smq.rules.registry import find
from smq.sql.compile import CompileOptions, compile_query
from smq.sql.result import Compiled
from smq.syntax import Document, jsonc
from smq.syntax import yaml as yaml_reader


def load_workspace(
    files: Mapping[str, str], default_schema: str | None = None
) -> tuple[SemanticGraph, tuple[Problem, ...]]:
    """The graph of YAML files given as {path: text}, and what the readers found wrong."""
    declarations = []
    problems: list[Problem] = []
    for path, text in files.items():
        parsed = yaml_reader.parse(Document(path, text))
        found, wrong = load(parsed)
        declarations.append(found)
        problems += [*parsed.problems, *wrong]
    return SemanticGraph.build(declarations, default_schema), tuple(problems)


def compile_text(
    graph: SemanticGraph, text: str, options: CompileOptions | None = None
) -> list[Compiled]:
    """Each query of an SMQ document compiled; faults of structure belong to the first one.

    A query with an error of structure is not run, whatever the compiler could make of it.
    """
    parsed = jsonc.parse(Document("q.smq.json", text))
    queries, problems = read_queries(parsed)
    if not queries:
        return [Compiled((), (*parsed.problems, *problems))]
    compiled = [compile_query(query, graph, options or CompileOptions()) for query in queries]
    found = (*parsed.problems, *problems)
    fatal = any((rule := find(p.code)) and rule.severity is Severity.ERROR for p in found)
    first = compiled[0]
    compiled[0] = Compiled(() if fatal else first.queries, (*found, *first.problems))
    return compiled

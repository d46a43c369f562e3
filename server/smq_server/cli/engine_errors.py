"""An engine's refusal in the words of the workspace: which model, dimension or measure it is about.

An engine knows tables and columns of the SQL it was given. People wrote models, so the name at the
place of the error is looked up there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.graph.graph import SemanticGraph
from smq.graph.symbols import Model, Symbol, TableName
from smq.sql.result import CompiledQuery
from smq.text import LineIndex
from smq_metasync.engines import EngineError
from smq_server.cli.findings.report import Report
from smq_server.cli.findings.width import visible, width
from smq_server.cli.queries import Compilation

_PART = r'(?:"(?:[^"]|"")*"|`[^`]*`|\w+)'
_CHAIN = re.compile(rf"{_PART}(?:\s*\.\s*{_PART})*")
_WORD = re.compile(r"\w+")
_MOST = 5


def explained(
    error: EngineError, compilation: Compilation, query: CompiledQuery, report: Report
) -> str:
    """The error for a person: the engine's sentence, the place in the SQL, where it comes from."""
    lines = [f"{compilation.title(query)}", f"error: the engine refused the query: {error}"]
    lines += [f"    {visible(line)}" for line in error.detail.splitlines() if line.strip()]
    if error.offset is not None and error.offset < len(query.sql):
        lines += _frame(query.sql, error.offset)
        name = _name_at(query.sql, error.offset)
        if name:
            graph = compilation.workspace.snapshot.graph
            lines += _origins(name, query, graph, report)
    return "\n".join(lines) + "\n"


def _frame(sql: str, offset: int) -> Iterator[str]:
    index = LineIndex(sql)
    line, column = index.position(offset)
    text = index.line_text(line)
    match = _CHAIN.match(text, column)
    marked = match[0] if match else text[column : column + 1]
    number = str(line + 1)
    yield f"{number} | {visible(text)}"
    yield f"{'':{len(number)}} | {' ' * width(visible(text[:column]))}{'^' * max(1, width(marked))}"


def _name_at(sql: str, offset: int) -> str | None:
    """The last part of the dotted name at the offset: the column, or the table."""
    for match in _CHAIN.finditer(sql):
        if match.start() <= offset < match.end():
            parts = re.findall(_PART, match[0])
            return str(parts[-1]).strip('"`')
    return None


def _origins(
    name: str, query: CompiledQuery, graph: SemanticGraph, report: Report
) -> Iterator[str]:
    found = list(_tables(name, graph)) or list(_members(name, query, graph))
    for symbol, what in found[:_MOST]:
        place = report.place(symbol.name_at)
        yield f"  = {place.path}:{place.line}:{place.column}: {what}"
    if len(found) > _MOST:
        yield f"  = … and {len(found) - _MOST} more"


def _tables(name: str, graph: SemanticGraph) -> Iterator[tuple[Symbol, str]]:
    for model in graph.models.values():
        relation = graph.relation(model)
        if isinstance(relation, TableName) and relation.parts[-1].casefold() == name.casefold():
            table = ".".join(relation.parts)
            yield model, f"model '{model.name}' reads the table {table}"


def _members(name: str, query: CompiledQuery, graph: SemanticGraph) -> Iterator[tuple[Symbol, str]]:
    """What of the models that the query uses is defined with a column of that name."""
    used = {leaf.base for leaf in query.leaves}
    used.update(step.right for leaf in query.leaves for step in leaf.joins)
    for model in graph.models.values():
        if model.name in used:
            for kind, symbol, columns in _columns(model):
                if name in columns:
                    what = f"{kind} '{symbol.name}' of model '{model.name}' uses the column {name}"
                    yield symbol, what


def _columns(model: Model) -> Iterator[tuple[str, Symbol, set[str]]]:
    for kind, symbols in (
        ("dimension", model.dimensions),
        ("measure", model.measures),
        ("entity", model.entities),
    ):
        for symbol in symbols:
            text = symbol.expr.text if symbol.expr is not None else symbol.name
            yield kind, symbol, set(_WORD.findall(text))

"""An engine's refusal in the words of the workspace: which model, dimension or measure it is about.

An engine knows tables and columns of the SQL it was given. People wrote models, so the name at the
place of the error is looked up there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smq.graph.graph import SemanticGraph
from smq.graph.symbols import Symbol, TableName
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
        lines += _origins(_named_at(query.sql, error.offset), compilation, query, report)
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


def _named_at(sql: str, offset: int) -> str:
    """The dotted name at the offset, with its arguments if it is called; else nothing."""
    for match in _CHAIN.finditer(sql):
        if match.start() <= offset < match.end():
            return match[0] + _arguments(sql, match.end())
    return ""


def _arguments(sql: str, start: int) -> str:
    """The parentheses that begin there, with what is in them; nothing where none do."""
    depth = 0
    for position in range(start, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[position], 0)
        if depth <= 0:
            return sql[start : position + 1] if depth == 0 and position > start else ""
    return ""


def _origins(
    named: str, compilation: Compilation, query: CompiledQuery, report: Report
) -> Iterator[str]:
    graph = compilation.workspace.snapshot.graph
    if named.endswith(")"):
        found = list(_computed(named, query, graph))
    else:
        name = re.findall(_PART, named)[-1].strip('"`') if named else ""
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
    """What is defined with a column of that name."""
    for what, symbol, text in _used(query, graph):
        if name in _WORD.findall(text):
            yield symbol, f"{what} uses the column {name}"


def _computed(
    call: str, query: CompiledQuery, graph: SemanticGraph
) -> Iterator[tuple[Symbol, str]]:
    """What is defined by an expression that the call holds."""
    words = set(_WORD.findall(call))
    for what, symbol, text in _used(query, graph):
        own = set(_WORD.findall(text))
        if len(own) > 1 and own <= words:
            yield symbol, f"{what} is {' '.join(text.split())}"


def _used(query: CompiledQuery, graph: SemanticGraph) -> Iterator[tuple[str, Symbol, str]]:
    """The members of the models that the query reads, with the SQL that defines them."""
    names = {leaf.base for leaf in query.leaves}
    names.update(step.right for leaf in query.leaves for step in leaf.joins)
    for name, model in graph.models.items():
        if name not in names:
            continue
        for kind, symbols in (
            ("dimension", model.dimensions),
            ("measure", model.measures),
            ("entity", model.entities),
        ):
            for symbol in symbols:
                text = symbol.expr.text if symbol.expr is not None else symbol.name
                yield f"{kind} '{symbol.name}' of model '{name}'", symbol, text

"""How a query is computed, for people: its grain, leaves with their joins, filters and columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smq.sql.described import explained, models_of
from smq.sql.result import CompiledQuery, JoinStep, LeafReport
from smq_server import __version__
from smq_server.cli.findings.report import Report
from smq_server.cli.findings.width import width
from smq_server.cli.metadata import places
from smq_server.cli.queries import Compilation

VERSION = 1

STAGES: Mapping[str, str] = {
    "rows": "before aggregation, for every metric",
    "groups": "after aggregation",
    "windows": "after window functions",
}
"""What happens when, in the words of a person; stages the compiler adds are shown by name."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Leaves that read the same rows: one base, one set of joins, one set of filters."""

    leaves: tuple[LeafReport, ...]

    @property
    def base(self) -> str:
        return self.leaves[0].base

    @property
    def joins(self) -> tuple[JoinStep, ...]:
        return self.leaves[0].joins

    @property
    def filters(self) -> tuple[str, ...]:
        return tuple(" ".join(each.split()) for each in self.leaves[0].filters)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One compiled query with what its parts come from."""

    compilation: Compilation
    query: CompiledQuery
    lineage: Mapping[str, tuple[str, ...]]
    """For each output column the physical columns it is computed from."""
    tables: Mapping[str, str]
    """For each model the table it reads, or `a query` for a model that is one."""

    @property
    def title(self) -> str:
        return self.compilation.title(self.query)

    @property
    def scans(self) -> tuple[Scan, ...]:
        groups: dict[object, list[LeafReport]] = {}
        for report in self.query.leaves:
            groups.setdefault((report.base, report.joins, report.filters), []).append(report)
        return tuple(Scan(tuple(leaves)) for leaves in groups.values())

    @property
    def written_joins(self) -> str | None:
        """The query's own FROM clause, which then decides which rows there are."""
        clauses: list[str] = self.query.written.get("joins", [])
        return " ".join(clauses[0].split()) if clauses else None

    @property
    def grain(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.query.columns if each.kind == "dimension")


def explain(compilation: Compilation, query: CompiledQuery) -> Explanation:
    from smq.sql.lineage import lineage

    tables = models_of(query, compilation.workspace.snapshot.graph)
    return Explanation(compilation, query, lineage(query.tree), tables)


def document(explanations: list[Explanation], report: Report) -> dict[str, Any]:
    """The JSON of `explain-output.schema.json`."""
    return {
        "version": VERSION,
        "tool": {"name": "smq", "version": __version__},
        "queries": [_query(each, report) for each in explanations],
    }


def _query(explanation: Explanation, report: Report) -> dict[str, Any]:
    compilation = explanation.compilation
    graph = compilation.workspace.snapshot.graph
    return explained(
        explanation.query, compilation.written, graph, compilation.place, places(report)
    )


def text(explanation: Explanation) -> str:
    """The explanation to read from top to bottom, as the query is computed."""
    return "".join(f"{line}\n" for line in _lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    query = explanation.query
    yield explanation.title
    yield ""
    yield f"grain    {', '.join(explanation.grain) or 'one row'}"
    for scan in explanation.scans:
        yield from _scan(scan, explanation)
    yield from _filters(query)
    order = query.written.get("orderBy")
    if order:
        yield f"order    {', '.join(order)}"
    if query.written.get("limit") is not None:
        yield f"limit    {query.written['limit']:,}"
    yield "columns"
    widest = max(width(each.name) for each in query.columns)
    for each in query.columns:
        space = " " * (widest - width(each.name))
        origins = ", ".join(explanation.lineage.get(each.name, ())) or "no column"
        yield f"  {each.name}{space}  {each.kind:<10}  {origins}"


def _scan(scan: Scan, explanation: Explanation) -> Iterator[str]:
    written = explanation.written_joins
    if written:
        yield f"scan     {written}"
        yield f"  once   each row of {scan.base} ({explanation.tables[scan.base]}) in a group"
    else:
        yield f"scan     {scan.base} ({explanation.tables[scan.base]})"
    for step in scan.joins:
        table = explanation.tables[step.right]
        yield f"  join   {step.right} ({table}) on {joined_on(step)}"
    for condition in scan.filters:
        yield f"  where  {condition}"
    for report in scan.leaves:
        users = ", ".join(report.metrics)
        yield f"  leaf   {report.aggregate}{f'  for {users}' if users else ''}"


def _filters(query: CompiledQuery) -> Iterator[str]:
    for stage, filters in query.stages:
        # Row filters stand with every leaf already.
        if stage == "rows" and query.leaves:
            continue
        for condition in filters:
            yield f"filter   {' '.join(condition.split())}  ({STAGES.get(stage, stage)})"


def joined_on(step: JoinStep) -> str:
    return " and ".join(f"{step.left}.{left} = {step.right}.{right}" for left, right in step.on)

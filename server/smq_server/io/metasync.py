"""A workspace as a collection needs it: the plan, its names, and its queries as examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from smq.problem import Severity
from smq_metasync.examples import Ask, Candidate, from_file
from smq_metasync.plan import Plan, plan_of
from smq_metasync.service import Given
from smq_server.io.uris import display, path_of
from smq_server.io.workspace import Workspace


def plan_for(workspace: Workspace, environ: Mapping[str, str]) -> Plan:
    return plan_of(workspace.configuration, workspace.root, environ)


def given_by(workspace: Workspace, plan: Plan, ask: Ask | None = None) -> Given:
    """What the workspace adds to the warehouse's own words.

    Queries that do not compile, and files of examples that cannot be read, become warnings.
    """
    from smq_metasync.connect import dialect_of
    from smq_metasync.names import semantic_names

    wanted = plan.settings.examples
    warnings: list[dict[str, str]] = []
    candidates: list[Candidate] = []
    spoken = [known for name in plan.sources if (known := dialect_of(name))]
    dialect = spoken[0] if spoken else plan.dialect
    found: list[Candidate | str] = []
    if "curated" in wanted:
        for written in plan.settings.curated:
            found.extend(from_file(workspace.location.path(written), written))
    if "workspace" in wanted:
        found.extend(_queries(workspace, dialect))
    for each in found:
        if isinstance(each, str):
            warnings.append({"message": each, "kind": "example"})
        else:
            compiled = _with_sql(each, workspace, dialect) if not each.sql else each
            if isinstance(compiled, str):
                warnings.append({"message": compiled, "kind": "example"})
            else:
                candidates.append(compiled)
    return Given(semantic_names(workspace.snapshot), tuple(candidates), ask, tuple(warnings))


def _queries(workspace: Workspace, dialect: str) -> Iterator[Candidate | str]:
    """The queries that say in words what they ask."""
    from smq.sql.compile import CompileOptions, compile_query

    snapshot = workspace.snapshot
    options = CompileOptions(dialect, workspace.configuration.dialect)
    for uri in snapshot.uris:
        if uri not in snapshot:
            continue
        for query in snapshot.queries(uri):
            question = " ".join((query.description or "").split())
            if not question:
                continue
            place = display(path_of(uri))
            if any(_is_error(problem.code) for problem in snapshot.problems(uri)):
                yield f"{place} is no example, because it has errors; see `smq check`"
                break
            result = compile_query(query, snapshot.graph, options)
            if len(result.queries) != 1:
                yield f"{place} is no example, because it does not compile; see `smq check`"
                continue
            (compiled,) = result.queries
            yield Candidate(question, compiled.sql, "workspace", compiled.written, place=place)


def _with_sql(candidate: Candidate, workspace: Workspace, dialect: str) -> Candidate | str:
    """A curated example that gives SMQ only, with the SQL that it means."""
    from smq.query.read import queries_from_value
    from smq.rules import find
    from smq.sql.compile import CompileOptions, compile_query

    _, queries, problems = queries_from_value(dict(candidate.smq or {}))
    if len(queries) == 1:
        options = CompileOptions(dialect, workspace.configuration.dialect)
        result = compile_query(queries[0], workspace.snapshot.graph, options)
        if len(result.queries) == 1:
            return replace(candidate, sql=result.queries[0].sql)
        problems = (*problems, *result.problems)
    rules = [(find(problem.code), problem) for problem in problems]
    words = [rule.words(problem.args) for rule, problem in rules if rule is not None]
    reason = words[0] if words else "its SMQ is not one query."
    return f"the example '{candidate.question}' of {candidate.place} was left out: {reason}"


def _is_error(code: str) -> bool:
    from smq.rules import find

    rule = find(code)
    return rule is not None and rule.severity is Severity.ERROR

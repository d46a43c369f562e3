"""One generated case through the whole program and the oracle: who is right, and how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import duckdb
import sqlglot
from sqlglot import exp
from tests.support.duck_tables import create_tables, plain, same, unmatched
from tests.support.oracle import Answer
from tests.support.oracle_expressions import Value
from tests.support.oracle_files import query_json, world_yaml
from tests.support.strategies_queries import Case
from tests.support.workspace import compile_text, load_workspace

from smq.problem import Problem, Severity
from smq.rules.registry import find
from smq.sql.compile import CompileOptions
from smq.sql.result import Compiled

Rows = list[tuple[Value, ...]]


@dataclass
class Verdict:
    """`kind`: agree, wrong (other rows), refused (rows expected, a problem given), accepted (a
    problem expected, rows given), broken (the YAML did not load, or the SQL did not run)."""

    kind: str
    detail: str = ""
    report: str = ""

    @property
    def ok(self) -> bool:
        return self.kind == "agree"


@lru_cache(maxsize=1)
def connection() -> duckdb.DuckDBPyConnection:
    """One embedded database for all cases of a process; every case replaces its tables."""
    made = duckdb.connect(":memory:")
    # DuckDB 2.0 fails on some filters over empty tables while it propagates statistics.
    made.execute("SET disabled_optimizers = 'statistics_propagation'")
    return made


def errors(problems: Sequence[Problem]) -> list[Problem]:
    """The problems that keep a query from running."""
    found = []
    for problem in problems:
        rule = find(problem.code)
        assert rule is not None, f"{problem.code} has no rule"
        if rule.severity is Severity.ERROR:
            found.append(problem)
    return found


def faults(problems: Sequence[Problem]) -> list[str]:
    """What keeps YAML from being used. Names that are words of SQL are ill-advised, not unusable:
    queries put them in quotes, and so do our cases."""
    return [words(p) for p in errors(problems) if p.code not in ("MOD204", "MOD210")]


def words(problem: Problem) -> str:
    rule = find(problem.code)
    assert rule is not None, f"{problem.code} has no rule"
    return f"{problem.code} {rule.words(problem.args)}"


def one_select(sql: str, dialect: str = "duckdb") -> exp.Query:
    """The statement, which must be the only one and a query."""
    statements = [s for s in sqlglot.parse(sql, read=dialect) if s is not None]
    assert len(statements) == 1, f"{len(statements)} statements in {sql}"
    assert isinstance(statements[0], exp.Query), f"no SELECT: {sql}"
    return statements[0]


def judge(case: Case, *, dbt: bool = False, options: CompileOptions | None = None) -> Verdict:
    """Write the case as files, compile, run, and compare with what the oracle expects."""
    yaml_text, smq = world_yaml(case.world, dbt=dbt), query_json(case.query)
    graph, problems = load_workspace({"models.yml": yaml_text})
    if faults(problems):
        return Verdict("broken", "; ".join(faults(problems)), yaml_text)
    (compiled,) = compile_text(graph, smq, options or CompileOptions(dialect="duckdb"))
    verdict = _compare(case, compiled)
    if not verdict.ok:
        verdict.report = report(case, yaml_text, smq, compiled, verdict)
    return verdict


def _compare(case: Case, compiled: Compiled) -> Verdict:
    found = errors(compiled.problems)
    if bool(found) == bool(compiled.queries):
        return Verdict("broken", "queries must be empty exactly when there is an error")
    if case.expected is None:
        return Verdict("agree") if found else Verdict("accepted", case.reason)
    if found:
        return Verdict("refused", "; ".join(map(words, found)))
    if len(compiled.queries) != 1:
        return Verdict("wrong", f"{len(compiled.queries)} queries for one")
    sql = compiled.queries[0].sql
    one_select(sql)
    create_tables(connection(), case.world.tables)
    try:
        cursor = connection().execute(sql)
    except duckdb.Error as error:
        return Verdict("broken", f"DuckDB: {error}")
    names = [column[0] for column in cursor.description or ()]
    rows = [tuple(plain(value) for value in row) for row in cursor.fetchall()]
    described = [column.name for column in compiled.queries[0].columns]
    if described != names:
        return Verdict("wrong", f"metadata says {described}, the result has {names}")
    return compare_rows(case.expected, names, rows)


def compare_rows(expected: Answer, names: list[str], rows: Rows) -> Verdict:
    """Column names, rows, and their order as far as orderBy fixes it."""
    if len(names) != len(expected.columns) or any(
        wanted is not None and wanted != name
        for wanted, name in zip(expected.columns, names, strict=True)
    ):
        return Verdict("wrong", f"columns {names}, expected {expected.columns}")
    if len(rows) != len(expected.rows):
        return Verdict("wrong", f"{len(rows)} rows, expected {len(expected.rows)}")
    extra, missing = unmatched(rows, expected.unlimited)
    if extra:
        return Verdict("wrong", f"not expected: {extra}; missing: {missing}")
    return _compare_order(expected, rows)


def _compare_order(expected: Answer, rows: Rows) -> Verdict:
    """Row by row among ties: each got row must be one of those that may stand at its place."""
    if not expected.descending:
        return Verdict("agree")
    place = 0
    while place < len(rows):
        end = place
        while end < len(expected.order) and _tied(expected.order[end], expected.order[place]):
            end += 1
        extra, _ = unmatched(rows[place:end], expected.unlimited[place:end])
        if extra:
            return Verdict("wrong", f"out of order at row {place}: {extra}")
        place = end
    return Verdict("agree")


def _tied(left: tuple[Value, ...], right: tuple[Value, ...]) -> bool:
    return all(same(a, b) for a, b in zip(left, right, strict=True))


def report(case: Case, yaml_text: str, smq: str, compiled: Compiled, verdict: Verdict) -> str:
    """Everything a person needs to see, and nothing else."""
    parts = [f"{verdict.kind}: {verdict.detail}", "--- YAML", yaml_text, "--- SMQ", smq]
    for query in compiled.queries:
        parts += ["--- SQL", query.sql]
    parts += ["--- problems", *map(words, compiled.problems)] if compiled.problems else []
    parts.append("--- rows of the tables")
    for table in case.world.tables:
        parts.append(f"{table.name} ({', '.join(name for name, _ in table.columns)})")
        parts += ["  " + _row(tuple(row.values())) for row in table.rows]
    if case.expected is None:
        parts.append(f"--- expected: an error, {case.reason}")
    else:
        parts += ["--- expected", *map(_row, case.expected.rows)]
    if compiled.queries and verdict.kind == "wrong":
        got = connection().execute(compiled.queries[0].sql).fetchall()
        parts += ["--- got", *(_row(tuple(map(plain, row))) for row in got)]
    return "\n".join(parts)


def _row(values: Sequence[Value]) -> str:
    return "(" + ", ".join("NULL" if v is None else str(v) for v in values) + ")"

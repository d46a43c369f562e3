"""What an expression becomes for each engine that the workspace has to run on."""

from __future__ import annotations

from dataclasses import dataclass

from smq.dialects import dialect as dialect_of
from smq.ide.preview import traced
from smq.query.read import queries_from_value
from smq.query.written import WrittenQuery
from smq.rules import find
from smq.sql.compile import smallest_query
from smq.sql.source_map import source_map
from smq.workspace import Snapshot

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Rewriting:
    """`sql` is the expression in the engine's words; else `problem` says why there is none."""

    dialect: str
    sql: str
    problem: str


def rewritings(snapshot: Snapshot, query: WrittenQuery, path: str) -> tuple[Rewriting, ...]:
    """The target dialects that say an item (`metrics[0]`) in other words than the workspace's own,
    or cannot say it. Empty without target dialects."""
    configuration = snapshot.configuration
    targets = [d for d in configuration.target_dialects if d != configuration.dialect]
    if not targets:
        return ()
    own = _texts(snapshot, query, path, configuration.dialect)
    if own.problem:
        # What is wrong with the query itself is no fault of other engines.
        return ()
    found = []
    for target in dict.fromkeys(targets):
        texts = _texts(snapshot, query, path, target)
        if texts.sql != own.sql or texts.problem:
            found.append(texts)
    return tuple(found)


def of_metric(snapshot: Snapshot, metric: str) -> tuple[Rewriting, ...]:
    """The same for a metric that is asked for alone."""
    asked = smallest_query(snapshot.graph, metric, snapshot.configuration.dialect)
    _, queries, _ = queries_from_value(asked)
    return rewritings(snapshot, queries[0], "metrics[0]") if queries else ()


def as_markdown(found: tuple[Rewriting, ...]) -> str:
    lines = [f"- {each.dialect}: {each.problem or as_code(each.sql)}" for each in found]
    return "In other engines:\n\n" + "\n".join(lines) if lines else ""


def as_code(text: str) -> str:
    """A piece of code within a line of Markdown; some engines quote names in backticks."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _texts(snapshot: Snapshot, query: WrittenQuery, path: str, dialect: str) -> Rewriting:
    label = dialect_of(dialect).label
    result = traced(snapshot, query, dialect)
    if not result.queries:
        words = [
            rule.words(problem.args)
            for problem in result.problems
            if problem.code == "EXP120" and (rule := find(problem.code)) is not None
        ]
        return Rewriting(label, "", words[0] if words else "the query cannot be compiled")
    one = result.queries[0]
    for part in source_map(one):
        if ("item", path) in part.sources:
            text = " ".join(part.span.cut(one.sql).split())
            return Rewriting(label, text[:_LONGEST], "")
    return Rewriting(label, "", "")

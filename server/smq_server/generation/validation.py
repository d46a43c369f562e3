"""The judge of every strategy: what a model proposes becomes queries that compile, or problems.

Slips with one sure cure are cured and told. Everything else goes back to the model in the words
that people get too. Nothing that has not passed here is shown as a query or written anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smq.problem import Severity
from smq.rules.check import file_problems, weigh
from smq.rules.finding import Finding
from smq.rules.fixing import applicable
from smq.sql.compile import CompileOptions, compile_query
from smq.sql.result import Compiled
from smq.syntax.jsonc import parse
from smq.text import apply_edits
from smq.workspace import Change, Snapshot
from smq_server.generation.reading import plain
from smq_server.generation.wording import groups_wanted, numbers_in

_URI = "memory:///proposal.smq.json"
_ROUNDS = 24
_MOST_QUERIES = 8
_LONGEST = 20_000
_MOST_ITEMS = 60
"""Items of a query's lists together; no question asks for more, and each costs time."""
_OTHER_NAME = frozenset({"NAM101", "NAM110", "NAM111", "NAM114", "NAM115", "NAM120", "NAM121"})
"""Rules whose fix is another name: the model shall say which it meant."""
_KEYS = ("metrics", "groupBy", "filters", "orderBy", "limit", "joins")


@dataclass(frozen=True, slots=True)
class ValidQuery:
    """A query that compiles: as a value, in canonical keys, with its SQL and its columns."""

    smq: Mapping[str, Any]
    sql: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a proposal is worth. There are queries exactly when there are no problems.

    `adjustments` say what was changed on the way. `states` has one entry for each proposed query,
    as the tool `convertSmqToSql` reports it.
    """

    queries: tuple[ValidQuery, ...]
    problems: tuple[str, ...]
    adjustments: tuple[str, ...] = ()
    states: tuple[Mapping[str, Any], ...] = ()


def judge(
    proposed: Sequence[Any], question: str, snapshot: Snapshot, said: str | None = None
) -> Judged:
    """Judge the queries of a proposal together, against the question and the models.

    A query over models that do not connect becomes one query for each part. `said` is what a
    person has said, where `question` is a model's wording of a part of it.
    """
    if not proposed:
        return Judged((), ("There is no query in the answer.",))
    if len(proposed) > _MOST_QUERIES:
        return Judged((), (f"{len(proposed)} queries are too many; at most {_MOST_QUERIES}.",))
    queries: list[ValidQuery] = []
    problems: list[str] = []
    adjustments: list[str] = []
    states: list[Mapping[str, Any]] = []
    for number, value in enumerate(proposed):
        one = _judge_one(value, said or question, snapshot)
        place = f"query {number}: " if len(proposed) > 1 else ""
        problems.extend(place + problem for problem in one.problems)
        adjustments.extend(one.adjustments)
        queries.extend(one.queries)
        states.extend({"index": number, **state} for state in one.states)
    if not problems and not any(query.smq.get("groupBy") for query in queries):
        wanted = groups_wanted(question, snapshot)
        if wanted is not None:
            problems.append(
                f"The question says '{wanted}', so the result needs groups: put the dimension that "
                "is meant into groupBy."
            )
    return Judged(
        () if problems else tuple(queries),
        tuple(dict.fromkeys(problems)),
        tuple(dict.fromkeys(adjustments)),
        tuple(states),
    )


def canonical(value: Mapping[str, Any]) -> dict[str, Any]:
    """A query without what says nothing: nulls, empty lists and names of its own."""
    meta = ("name", "description", "$schema")
    return {
        key: inner
        for key, inner in value.items()
        if inner is not None and inner != [] and inner != [""] and key not in meta
    }


def _judge_one(value: Any, question: str, snapshot: Snapshot) -> Judged:
    if not isinstance(value, Mapping):
        return Judged((), ("A query is a JSON object with the key `metrics`.",), (), ({},))
    try:
        text = json.dumps(canonical(value), ensure_ascii=False, indent=2)
    except (TypeError, ValueError, RecursionError):
        return Judged((), ("The query is no JSON.",), (), ({},))
    items = sum(len(inner) for inner in value.values() if isinstance(inner, list))
    if len(text) > _LONGEST or items > _MOST_ITEMS:
        return Judged((), ("The query is too long: ask for less at once.",), (), ({},))
    adjustments: list[str] = []
    text, adjusted = _without_unsaid_limit(text, question)
    adjustments.extend(adjusted)
    with_query, cured = _cured(text, snapshot)
    adjustments.extend(cured)
    findings = [f for f in _findings(with_query) if f.severity is Severity.ERROR]
    compiled = _compile(with_query)
    problems = [worded(finding, with_query) for finding in findings if finding.code != "JOI112"]
    # A rule that is switched off does not make a query compile.
    if not compiled.queries and not problems:
        problems = [_words(problem.code, problem.args) for problem in compiled.problems]
    written = plain(with_query.parsed(_URI).root)
    if problems:
        state = {"smq": written, "errors": problems}
        return Judged((), tuple(problems), tuple(adjustments), (state,))
    queries = tuple(
        ValidQuery(_ordered(one.written), one.sql, tuple(column.name for column in one.columns))
        for one in compiled.queries
    )
    if len(queries) > 1:
        adjustments.append(
            "The metrics belong to models that no join connects, so there is one query for each."
        )
    state = {"smq": written, "sql": [query.sql for query in queries]}
    return Judged(queries, (), tuple(adjustments), (state,))


def _without_unsaid_limit(text: str, question: str) -> tuple[str, list[str]]:
    """A limit belongs to a question that says the number."""
    value = json.loads(text)
    limit = value.get("limit")
    if isinstance(limit, bool) or not isinstance(limit, int) or limit in numbers_in(question):
        return text, []
    del value["limit"]
    told = f"The limit of {limit} was left out: the question does not say that number."
    return json.dumps(value, ensure_ascii=False, indent=2), [told]


def _cured(text: str, snapshot: Snapshot) -> tuple[Snapshot, list[str]]:
    """The query among the models, with each slip cured that has one sure cure."""
    current = snapshot.apply([Change(_URI, text)])
    told: list[str] = []
    for _ in range(_ROUNDS):
        found = _first_cure(_findings(current), text)
        if found is None:
            break
        finding, text = found
        told.append(_cure_in_words(finding, current))
        current = current.apply([Change(_URI, text)])
    return current, told


def _first_cure(findings: Iterable[Finding], text: str) -> tuple[Finding, str] | None:
    for finding in findings:
        if finding.code in _OTHER_NAME:
            continue
        fix = applicable(finding)
        if fix is None or any(edit.uri != _URI for edit in fix.edits):
            continue
        cured = apply_edits(text, fix.edits)
        if cured != text:
            return finding, cured
    return None


def _findings(snapshot: Snapshot) -> list[Finding]:
    # Of this one query: what is wrong with the workspace is not the model's fault.
    return list(weigh(snapshot, _URI, file_problems(snapshot, _URI)))


def _compile(snapshot: Snapshot) -> Compiled:
    queries = snapshot.queries(_URI)
    if len(queries) != 1:
        return Compiled((), ())
    dialect = snapshot.configuration.dialect
    options = CompileOptions(dialect, dialect, distribute=True)
    return compile_query(queries[0], snapshot.graph, options)


def _cure_in_words(finding: Finding, snapshot: Snapshot) -> str:
    about = " ".join(finding.location.span.cut(snapshot.document(_URI).text).split())
    title = finding.fixes[0].title
    return f"Cured `{_short(about)}`: {title[:1].lower()}{title[1:]}."


def worded(finding: Finding, snapshot: Snapshot) -> str:
    """A finding as a person or a model can act on it: the text it is about, and the words."""
    uri, span = finding.location
    if uri not in snapshot:
        return finding.message
    about = " ".join(span.cut(snapshot.document(uri).text).split())
    return f"at `{_short(about)}`: {finding.message}" if about else finding.message


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


def _words(code: str, args: Mapping[str, object]) -> str:
    from smq.rules import find

    rule = find(code)
    return rule.words(args) if rule else code


def _ordered(written: Mapping[str, Any]) -> dict[str, Any]:
    kept = canonical(written)
    return {key: kept[key] for key in _KEYS if key in kept}


def formatted(queries: Sequence[Mapping[str, Any]], comment: str = "") -> str:
    """Queries as the text of a file, laid out as `smq fmt` does, below a comment."""
    from smq.format import format_document
    from smq.syntax import Document

    value = queries[0] if len(queries) == 1 else list(queries)
    head = "".join(f"// {line}\n" for line in comment.splitlines() if line.strip())
    text = head + json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    document = Document(_URI, text)
    return apply_edits(text, format_document(parse(document)))

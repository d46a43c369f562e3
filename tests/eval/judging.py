"""What an answer is worth, judged by what it means and not by its text.

First the meanings are compared (`smq.sql.meaning`), which needs no data and is sure. Two conditions
may still say the same in ways that cannot be seen to be equal, such as `> '2023-12-31'` and
`>= '2024-01-01'` on dates; then the rows on the example data decide, if the groups, the limit and
the number of columns are the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import permutations
from typing import Any, Literal

from tests.eval.questions import Answer, Question, Smq, read, workspace

from smq.query.written import WrittenQuery
from smq.sql.compile import compile_query
from smq.sql.meaning import Meaning, meaning_of
from smq_metasync.connect import connect

Verdict = Literal["exact", "equivalent", "valid", "failed"]
"""`exact`: written as an accepted answer, or rightly declined. `equivalent`: the same meaning or
the same rows. `valid`: it compiles and is something else, or answers what cannot be answered.
`failed`: there is no query."""


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    why: str = ""


def judge(question: Question, queries: Sequence[Mapping[str, Any]], declined: bool) -> Judgement:
    """Judge the queries that were made for a question; `declined` is a reasoned no."""
    if question.unanswerable is not None:
        if declined:
            return Judgement("exact", "declined")
        return Judgement("valid" if queries else "failed", "should have been declined")
    if declined:
        return Judgement("failed", "declined")
    if not queries:
        return Judgement("failed", "no query")
    given = tuple(_plain(query) for query in queries)
    if any(_same_set(given, answer, _written_alike) for answer in question.accepted):
        return Judgement("exact")
    name = question.workspace
    for compare, why in ((means_the_same, "meaning"), (gives_the_same_rows, "rows")):
        for answer in question.accepted:
            if _same_set(given, answer, partial(compare, name)):
                return Judgement("equivalent", why)
    return Judgement("valid")


def _same_set(given: Answer, accepted: Answer, same: Any) -> bool:
    """Whether each accepted query has a given one of its own, in any order."""
    if len(given) != len(accepted):
        return False
    return any(
        all(same(one, other) for one, other in zip(order, accepted, strict=True))
        for order in permutations(given)
    )


def _plain(query: Mapping[str, Any]) -> Smq:
    words = ("name", "description", "$schema")
    return {k: v for k, v in query.items() if k not in words and v not in (None, [], [""])}


def _written_alike(one: Smq, other: Smq) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def means_the_same(name: str, given: Smq, accepted: Smq) -> bool:
    found, wanted = _meaning(name, _key(given)), _meaning(name, _key(accepted))
    return found is not None and wanted is not None and found.answers(wanted)


def gives_the_same_rows(name: str, given: Smq, accepted: Smq) -> bool:
    found, wanted = _meaning(name, _key(given)), _meaning(name, _key(accepted))
    if found is None or wanted is None:
        return False
    # Rows of other groups could be equal by accident, and an order that is not asked for is free.
    if found.groups != wanted.groups or found.limit != wanted.limit:
        return False
    if len(found.outputs) != len(wanted.outputs):
        return False
    is_ordered = bool(wanted.order)
    one, other = (_columns(name, _key(each)) for each in (given, accepted))
    if not one or not one[0]:
        return False
    groups = len(wanted.groups)
    wanted_outputs = sorted(other[groups:], key=repr)
    for order in permutations(range(groups)):
        columns = [one[at] for at in order] + one[groups:]
        if is_ordered:
            same = columns[:groups] == other[:groups]
            if same and sorted(columns[groups:], key=repr) == wanted_outputs:
                return True
        elif _as_rows(columns, groups) == _as_rows(other, groups):
            return True
    return False


def _as_rows(columns: list[tuple[object, ...]], groups: int) -> list[str]:
    """Rows in one order, for results without one; outputs in the order of their values."""
    rows = zip(*columns, strict=True)
    return sorted(repr((row[:groups], sorted(map(repr, row[groups:])))) for row in rows)


def _key(query: Smq) -> str:
    return json.dumps(query, ensure_ascii=False, sort_keys=True)


@cache
def _written(key: str) -> WrittenQuery | None:
    try:
        queries = read([json.loads(key)])
    except ValueError:
        return None
    return queries[0] if queries else None


@cache
def _meaning(name: str, key: str) -> Meaning | None:
    written = _written(key)
    return meaning_of(written, workspace(name).snapshot.graph, "duckdb") if written else None


@cache
def _columns(name: str, key: str) -> list[tuple[object, ...]]:
    """The columns of the result, groups first and in their order; none for no rows."""
    place, written = workspace(name), _written(key)
    compiled = compile_query(written, place.snapshot.graph).queries if written else ()
    if not compiled:
        return []
    engine = connect(place.configuration.engine, place.root, {}, compiled[0].tables)
    try:
        rows = list(engine.run(compiled[0].sql).rows)
    finally:
        engine.close()
    return [tuple(map(_rounded, column)) for column in zip(*rows, strict=True)]


def _rounded(value: object) -> object:
    """Values as compared: 0.1 + 0.2 is 0.3, and 2 is 2.0."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    try:
        return f"{float(value):.9g}"  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)

"""Semantic diff: which queries mean something else after a change, and in what.

Two snapshots in, differences out: of the definitions of metrics, models and their members, and of
every query whose SQL is another one. Files are the same when their paths below the root are.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from smq.graph.symbols import (
    Dimension,
    Entity,
    Measure,
    Metric,
    Model,
    RefCall,
    SelectRelation,
    SourceCall,
    TableName,
)
from smq.ide.lineage import definition_of
from smq.ide.queries import compiled
from smq.query.written import WrittenQuery
from smq.rules import find
from smq.sql.lineage import calculations, lineage
from smq.sql.metadata import as_written
from smq.sql.result import Compiled, CompiledQuery, JoinStep, LeafReport
from smq.text import Location
from smq.workspace import File, Snapshot
from smq.workspace.affected import Difference as Reach
from smq.workspace.affected import difference as reach_of
from smq.workspace.affected import mentioning, seeing

Aspect = Literal[
    "columns",
    "grain",
    "aggregate",
    "source",
    "join",
    "filter",
    "order",
    "limit",
    "sql",
]
QueryChange = Literal["added", "removed", "changed", "broken", "mended"]
DefinitionChange = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is different about a query; `before` or `after` is empty for what is new or
    gone."""

    aspect: Aspect
    words: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class QueryDifference:
    """A query whose SQL is another one. `location` is where it stands now, or stood before."""

    path: str
    index: int
    name: str
    change: QueryChange
    differences: tuple[Difference, ...]
    before_sql: str | None
    after_sql: str | None
    problems: tuple[str, ...] = ()
    """Why it has no SQL any more, for a broken one."""
    location: Location | None = None
    edited: bool = False
    """Whether the query itself was changed, and not only what it names."""


@dataclass(frozen=True, slots=True)
class DefinitionDifference:
    """A metric, a model or a member that is defined differently: what caused the others."""

    kind: Literal["metric", "model", "dimension", "measure", "entity"]
    name: str
    change: DefinitionChange
    before: str
    after: str
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class SemanticDiff:
    """`unchanged` counts the queries that mean what they meant."""

    definitions: tuple[DefinitionDifference, ...]
    queries: tuple[QueryDifference, ...]
    unchanged: int

    @property
    def is_empty(self) -> bool:
        return not self.queries


def semantic_diff(before: Snapshot, after: Snapshot, dialect: str | None = None) -> SemanticDiff:
    """What is different after, compiled for each one's own dialect or for a given one."""
    steps = comparing(before, after, dialect)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: SemanticDiff = end.value
            return found


def comparing(
    before: Snapshot, after: Snapshot, dialect: str | None = None
) -> Generator[None, None, SemanticDiff]:
    """The same in small steps, for who has other things to do in between."""
    same_graph = before.graph is after.graph
    found: list[QueryDifference] = []
    unchanged = 0
    then, now = _by_path(before), _by_path(after)
    reached = yield from _reached(before, then, after, now)
    for path in sorted(path for path in {*then, *now} if path.endswith(_QUERIES)):
        if reached is not None and path not in reached:
            unchanged += len(after.queries(now[path]))
            continue
        old, new = _file(before, then.get(path)), _file(after, now.get(path))
        for earlier, later in _paired(old.queries if old else (), new.queries if new else ()):
            yield
            difference = _query(path, before, earlier, after, later, dialect)
            if difference is None:
                unchanged += 1
            else:
                found.append(difference)
    definitions: list[DefinitionDifference] = []
    if not same_graph:
        for each in _definitions(before, after):
            if each is None:
                yield
            else:
                definitions.append(each)
    return SemanticDiff(tuple(definitions), tuple(found), unchanged)


def _by_path(snapshot: Snapshot) -> dict[str, str]:
    relative = snapshot.configuration.relative_path
    return {relative(uri): uri for uri in snapshot.uris}


def _reached(
    before: Snapshot, then: dict[str, str], after: Snapshot, now: dict[str, str]
) -> Generator[None, None, frozenset[str] | None]:
    """The files whose queries may have other SQL: their texts, or what they name, are different.

    None where it is any file: calendars, declared tables or settings are other ones. Compiling two
    thousand queries twice takes half a minute, and an edit mostly concerns a few of them.
    """
    one, other = before.configuration, after.configuration
    if (one.dialect, one.default_schema) != (other.dialect, other.default_schema):
        return None
    if not before.has_refs_of(after):
        return None
    found: set[str] = set()
    changes: list[Reach] = []
    for path in {*then, *now}:
        old, new = _file(before, then.get(path)), _file(after, now.get(path))
        if old is new or (old and new and old.document.text == new.document.text):
            continue
        found.add(path)
        reach = reach_of(old, new)
        if reach.everything:
            return None
        changes.append(reach)
        yield
    models = {name for reach in changes for name in reach.models}
    if models:
        through = seeing(before.graph.models, after.graph.models, models)
        if through is None:
            return None
        changes.append(through)
        yield
    paths = {uri: path for path, uri in now.items()}
    for uri in mentioning(after.files, changes):
        if uri is None:
            yield
        else:
            found.add(paths[uri])
    return frozenset(found)


def _file(snapshot: Snapshot, uri: str | None) -> File | None:
    return snapshot.file(uri) if uri is not None and uri in snapshot else None


def _paired(
    old: Sequence[WrittenQuery], new: Sequence[WrittenQuery]
) -> Iterator[tuple[WrittenQuery | None, WrittenQuery | None]]:
    """Queries of one file that are the same one: by what they ask, by name, by their order."""
    left, right = list(old), list(new)
    pairs: list[tuple[WrittenQuery | None, WrittenQuery | None]] = []

    def take(key: Any) -> None:
        by_key: dict[object, list[WrittenQuery]] = {}
        for query in right:
            by_key.setdefault(key(query), []).append(query)
        for query in list(left):
            candidates = by_key.get(key(query), [])
            if candidates and key(query) is not None:
                other = candidates.pop(0)
                left.remove(query)
                right.remove(other)
                pairs.append((query, other))

    take(_identity)
    take(lambda query: query.name or query.description)
    for query in list(left):
        # An edited one: at the same place, and it still asks for one of the same metrics.
        asked = {item.text for item in query.metrics}
        for other in right:
            if other.index == query.index and asked & {item.text for item in other.metrics}:
                left.remove(query)
                right.remove(other)
                pairs.append((query, other))
                break
    pairs += [(query, None) for query in left]
    pairs += [(None, query) for query in right]
    return iter(sorted(pairs, key=lambda pair: (pair[1] or pair[0]).index))  # type: ignore[union-attr]


def _identity(query: WrittenQuery) -> str:
    asked = {key: value for key, value in as_written(query).items() if key not in _WORDS}
    return repr(sorted(asked.items(), key=lambda pair: pair[0]))


_WORDS = ("name", "description", "$schema")
_QUERIES = ".smq.json"


# One query.


def _query(
    path: str,
    before: Snapshot,
    old: WrittenQuery | None,
    after: Snapshot,
    new: WrittenQuery | None,
    dialect: str | None,
) -> QueryDifference | None:
    query = new or old
    assert query is not None
    then = compiled(before, old, dialect) if old is not None else Compiled((), ())
    now = compiled(after, new, dialect) if new is not None else Compiled((), ())
    difference = QueryDifference(
        path,
        query.index,
        query.name or query.description or ", ".join(item.text for item in query.metrics),
        "changed",
        (),
        _sql(then),
        _sql(now),
        location=query.location,
        edited=old is not None and new is not None and _identity(old) != _identity(new),
    )
    if old is None:
        return replace(difference, change="added", problems=_reasons(now))
    if new is None:
        return replace(difference, change="removed")
    if then.queries and not now.queries:
        return replace(difference, change="broken", problems=_reasons(now))
    if not then.queries:
        return replace(difference, change="mended") if now.queries else None
    if difference.before_sql == difference.after_sql:
        return None
    return replace(difference, differences=tuple(_differences(then.queries[0], now.queries[0])))


def _sql(result: Compiled) -> str | None:
    return "\n".join(one.sql for one in result.queries) if result.queries else None


def _reasons(result: Compiled) -> tuple[str, ...]:
    if result.queries:
        return ()
    return tuple(
        rule.words(problem.args)
        for problem in result.problems
        if (rule := find(problem.code)) is not None
    )


def _differences(old: CompiledQuery, new: CompiledQuery) -> Iterator[Difference]:
    found = [
        *_grain(old, new),
        *_columns(old, new),
        *_leaves(old, new),
        *_filters(old, new),
        *_stages(old, new),
        *_end(old, new),
        *_sources(old, new),
    ]
    if not found:
        found = [*_calculations(old, new), *_read(old, new)]
    if not found:
        found = [Difference("sql", "the SQL is written differently")]
    yield from dict.fromkeys(found)


def _grain(old: CompiledQuery, new: CompiledQuery) -> Iterator[Difference]:
    then = [c.written for c in old.columns if c.kind == "dimension"]
    now = [c.written for c in new.columns if c.kind == "dimension"]
    if then != now:
        before, after = ", ".join(then) or "one row", ", ".join(now) or "one row"
        yield Difference("grain", f"grain changed: {before} → {after}", before, after)


def _columns(old: CompiledQuery, new: CompiledQuery) -> Iterator[Difference]:
    then = {c.name: c for c in old.columns if c.kind != "dimension"}
    now = {c.name: c for c in new.columns if c.kind != "dimension"}
    for name in (each for each in now if each not in then):
        yield Difference("columns", f"column {name} added", "", name)
    for name in (each for each in then if each not in now):
        yield Difference("columns", f"column {name} removed", name, "")
    for name in (each for each in then if each in now):
        before, after = then[name].data_type, now[name].data_type
        if before != after and before and after:
            words = f"column {name} changed its type: {before} → {after}"
            yield Difference("columns", words, before, after)


def _leaves(old: CompiledQuery, new: CompiledQuery) -> Iterator[Difference]:
    """Aggregates with their joins and filters, compared where they serve the same columns."""
    then, now = _by_user(old), _by_user(new)
    for user in [*then, *(each for each in now if each not in then)]:
        before, after = then.get(user, []), now.get(user, [])
        texts, later = [leaf.aggregate for leaf in before], [leaf.aggregate for leaf in after]
        for text in (each for each in texts if each not in later):
            yield Difference("aggregate", f"{user} no longer computes {text}", text, "")
        for text in (each for each in later if each not in texts):
            yield Difference("aggregate", f"{user} computes {text}", "", text)
        for leaf in after:
            same = next((each for each in before if each.aggregate == leaf.aggregate), None)
            if same is not None:
                yield from _leaf(user, same, leaf)


def _by_user(query: CompiledQuery) -> dict[str, list[LeafReport]]:
    found: dict[str, list[LeafReport]] = {}
    for leaf in query.leaves:
        for user in leaf.metrics or (leaf.name,):
            found.setdefault(user, []).append(leaf)
    return found


def _filters(old: CompiledQuery, new: CompiledQuery) -> Iterator[Difference]:
    """Conditions on rows that aggregates gain and lose, each told once for all that do."""
    then, now = _by_user(old), _by_user(new)
    changes: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[str, None]] = {}
    for user in (each for each in then if each in now):
        before = {text for leaf in then[user] for text in leaf.filters}
        after = {text for leaf in now[user] for text in leaf.filters}
        if before != after:
            key = tuple(sorted(before - after)), tuple(sorted(after - before))
            changes.setdefault(key, {})[user] = None
    for (lost, gained), users in changes.items():
        who = ", ".join(users)
        left, right = (" and ".join(map(_flat, texts)) for texts in (lost, gained))
        if lost and gained:
            words = f"filter of {who} changed: {left} → {right}"
        elif gained:
            words = f"filter of {who} added: {right}"
        else:
            words = f"filter of {who} removed: {left}"
        yield Difference("filter", words, left, right)


def _leaf(user: str, old: LeafReport, new: LeafReport) -> Iterator[Difference]:
    if old.base != new.base:
        words = f"{user} counts the rows of {new.base}, no longer of {old.base}"
        yield Difference("source", words, old.base, new.base)
    then = {_joined(step): step for step in old.joins}
    now = {_joined(step): step for step in new.joins}
    for text in (each for each in now if each not in then):
        yield Difference("join", f"join added: {text}", "", text)
    for text in (each for each in then if each not in now):
        yield Difference("join", f"join removed: {text}", text, "")


def _joined(step: JoinStep) -> str:
    on = " and ".join(f"{step.left}.{left} = {step.right}.{right}" for left, right in step.on)
    return f"{step.left} → {step.right} on {on}"


_STAGES = {
    "rows": "before aggregation",
    "groups": "after aggregation",
    "windows": "after windows",
}


def _stages(old: CompiledQuery, new: CompiledQuery) -> Iterator[Difference]:
    then = {text: stage for stage, texts in old.stages for text in texts}
    now = {text: stage for stage, texts in new.stages for text in texts}
    for text, stage in now.items():
        before = then.get(text)
        if before is not None and before != stage:
            words = f"filter moved: {_flat(text)} applies {_STAGES[stage]}"
            yield Difference("filter", f"{words}, not {_STAGES[before]}", before, stage)
        if before is None and stage != "rows":
            yield Difference("filter", f"filter added {_STAGES[stage]}: {_flat(text)}", "", text)
    for text, stage in then.items():
        if text not in now and stage != "rows":
            yield Difference("filter", f"filter removed {_STAGES[stage]}: {_flat(text)}", text, "")


def _end(old: CompiledQuery, new: CompiledQuery) -> Iterator[Difference]:
    then, now = old.written.get("orderBy", []), new.written.get("orderBy", [])
    if then != now:
        before, after = ", ".join(then) or "none", ", ".join(now) or "none"
        yield Difference("order", f"order changed: {before} → {after}", before, after)
    first, last = old.written.get("limit"), new.written.get("limit")
    if first != last:
        before = "none" if first is None else str(first)
        after = "none" if last is None else str(last)
        yield Difference("limit", f"limit changed: {before} → {after}", before, after)


def _sources(old: CompiledQuery, new: CompiledQuery) -> Iterator[Difference]:
    """Columns whose names are the same and whose physical columns are not."""
    then, now = lineage(old.tree), lineage(new.tree)
    for name, columns in now.items():
        before = then.get(name)
        if before is not None and before != columns:
            left, right = ", ".join(before) or "nothing", ", ".join(columns) or "nothing"
            words = f"{name} is computed from {right}, no longer from {left}"
            yield Difference("source", words, left, right)
    if set(old.tables) != set(new.tables):
        left = ", ".join(sorted(set(old.tables) - set(new.tables)))
        right = ", ".join(sorted(set(new.tables) - set(old.tables)))
        words = " and ".join(
            part
            for part in (
                f"no longer reads {left}" if left else "",
                f"reads {right}" if right else "",
            )
            if part
        )
        yield Difference("source", words, left, right)


def _calculations(old: CompiledQuery, new: CompiledQuery) -> Iterator[Difference]:
    """Columns that the same aggregates are put together to in another way."""
    then, now = calculations(old.tree, old.dialect), calculations(new.tree, new.dialect)
    for name, after in now.items():
        before = then.get(name)
        if before is not None and before != after:
            words = f"{name} is calculated differently: {_short(before)} → {_short(after)}"
            yield Difference("sql", words, before, after)


def _read(old: CompiledQuery, new: CompiledQuery) -> Iterator[Difference]:
    """Physical columns that no output shows: filters and sort keys read them."""
    lost = ", ".join(each for each in old.columns_read if each not in new.columns_read)
    gained = ", ".join(each for each in new.columns_read if each not in old.columns_read)
    if lost and gained:
        yield Difference("source", f"reads {gained}, no longer {lost}", lost, gained)
    elif lost or gained:
        words = f"reads {gained}" if gained else f"no longer reads {lost}"
        yield Difference("source", words, lost, gained)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


_SHOWN = 160
"""Characters of SQL in one sentence."""


# Definitions.


def _definitions(before: Snapshot, after: Snapshot) -> Iterator[DefinitionDifference | None]:
    """What is defined otherwise; None in between, where something may be done meanwhile."""
    then, now = before.graph, after.graph
    for name in sorted({*then.models, *now.models}):
        earlier, later = then.models.get(name), now.models.get(name)
        if earlier is not later:
            yield from _model(earlier, later)
            yield None
    for name in sorted({*then.metrics, *now.metrics}):
        old, new = then.metrics.get(name), now.metrics.get(name)
        if old is new:
            continue
        yield None
        texts = [_metric_text(each) if each is not None else "" for each in (old, new)]
        if texts[0] != texts[1]:
            yield DefinitionDifference(
                "metric", name, _change(old, new), texts[0], texts[1], _place(new, old)
            )


def _model(old: Model | None, new: Model | None) -> Iterator[DefinitionDifference]:
    either = new or old
    assert either is not None
    texts = [_model_text(each) if each is not None else "" for each in (old, new)]
    if texts[0] != texts[1]:
        yield DefinitionDifference(
            "model", either.name, _change(old, new), texts[0], texts[1], _place(new, old)
        )
    if old is None or new is None:
        return
    groups: tuple[tuple[Any, Any, Any], ...] = (
        ("entity", old.entities, new.entities),
        ("dimension", old.dimensions, new.dimensions),
        ("measure", old.measures, new.measures),
    )
    for kind, earlier, later in groups:
        then = {member.name: member for member in earlier}
        now = {member.name: member for member in later}
        for name in dict.fromkeys((*then, *now)):
            first, last = then.get(name), now.get(name)
            words = [_member_text(each) if each is not None else "" for each in (first, last)]
            if words[0] != words[1]:
                yield DefinitionDifference(
                    kind,
                    f"{either.name}__{name}",
                    _change(first, last),
                    words[0],
                    words[1],
                    _place(last, first),
                )


def _change(old: object, new: object) -> DefinitionChange:
    if old is None:
        return "added"
    return "removed" if new is None else "changed"


def _place(*symbols: Any) -> Location | None:
    found = next((symbol for symbol in symbols if symbol is not None), None)
    return found.name_at if found is not None else None


def _model_text(model: Model) -> str:
    parts = [_relation_text(model)]
    if model.agg_time_dimension:
        parts.append(f"time {model.agg_time_dimension}")
    if model.primary_entity:
        parts.append(f"key {model.primary_entity}")
    return ", ".join(parts)


def _relation_text(model: Model) -> str:
    """The relation as it is written."""
    match model.relation:
        case TableName(parts):
            return ".".join(parts)
        case SourceCall(source, table):
            return f"{source}('{table}')"
        case RefCall(name):
            return f"ref('{name}')"
        case SelectRelation(sql):
            return _flat(sql.text)
    return "no table"


def _member_text(member: Dimension | Measure | Entity) -> str:
    text = _flat(member.expr.text) if member.expr is not None else member.name
    match member:
        case Entity():
            return f"{member.kind} key {text}"
        case Measure():
            extra = [member.agg_time_dimension or "", member.data_type or ""]
            if member.percentile is not None:
                extra.append(f"percentile {member.percentile}")
            if member.non_additive is not None:
                extra.append(f"not additive over {member.non_additive.dimension}")
            return ", ".join([f"{member.agg or 'no aggregation'} of {text}", *filter(None, extra)])
        case Dimension():
            kind = f"time by {member.grain}" if member.is_time and member.grain else ""
            return ", ".join(filter(None, [text, member.data_type or "", kind]))


def _metric_text(metric: Metric) -> str:
    only_filtered = metric.measure is not None and metric.measure.filters
    parts = [] if only_filtered else [definition_of(metric)]
    parts += [f"where {_flat(condition.sql.text)}" for condition in metric.filters]
    inputs = (metric.measure, metric.numerator, metric.denominator, *metric.inputs)
    for given in inputs:
        if given is None:
            continue
        parts += [f"{given.name} where {_flat(each.sql.text)}" for each in given.filters]
        if given.fill_nulls_with is not None:
            parts.append(f"{given.name} else {given.fill_nulls_with}")
        if given.offset_window:
            parts.append(f"{given.name} offset by {given.offset_window}")
        if given.offset_to_grain:
            parts.append(f"{given.name} from the start of the {given.offset_to_grain}")
    if metric.window is not None:
        keys = [*metric.window.partition_by, *metric.window.order_by]
        frame = f" {_flat(metric.window.frame.text)}" if metric.window.frame else ""
        parts.append(f"over {', '.join(key.text for key in keys)}{frame}")
    if metric.cumulative is not None:
        parts.append(str(metric.cumulative))
    if metric.conversion is not None:
        parts.append(f"conversion of {metric.conversion.base.name}")
    if metric.data_type:
        parts.append(f"as {metric.data_type}")
    return ", ".join(part for part in parts if part)


def _flat(text: str) -> str:
    return " ".join(text.split())

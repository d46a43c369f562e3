"""Completion in query files: what can be asked next, the surest first.

In `groupBy`, `filters` and `orderBy` the dimensions that *every* metric of the query can reach come
first, nearest first, with their join path. What is ambiguous or out of reach comes last and says
why. The lists are cut at a length an editor can show; the cut is said.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from smq.expr import parse_expression
from smq.graph.formula import Formula, expand
from smq.graph.graph import SemanticGraph
from smq.graph.references import METRIC_TIME, splits
from smq.graph.symbols import GRAINS, Dimension
from smq.ide.functions import FUNCTIONS
from smq.ide.spot import Spot, spot_at
from smq.query.written import KEYS, WrittenQuery
from smq.syntax import Scalar
from smq.text import Span, nfc
from smq.workspace import Snapshot

LIMIT = 200

Kind = Literal[
    "key",
    "metric",
    "model",
    "dimension",
    "time",
    "measure",
    "entity",
    "grain",
    "alias",
    "function",
    "keyword",
    "value",
    "snippet",
    "column",
    "source",
]


@dataclass(frozen=True, slots=True)
class Completion:
    """One offer: `insert` takes the place of `span`. Smaller `rank` comes first.

    `filter` is what the typed text is compared with, `insert` may hold `$0`-style places when
    `snippet`. `why_not` is set on what would not work, and says why.
    """

    label: str
    kind: Kind
    span: Span
    insert: str
    rank: int = 0
    detail: str = ""
    documentation: str = ""
    filter: str = ""
    snippet: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Completions:
    """The offers in their order; `incomplete` asks the client to ask again after more typing."""

    items: tuple[Completion, ...] = ()
    incomplete: bool = False


def completions(snapshot: Snapshot, uri: str, offset: int) -> Completions:
    """What can be written at an offset of a query file."""
    if uri not in snapshot or snapshot.document(uri).kind != "smq":
        return Completions()
    spot = spot_at(snapshot.parsed(uri), offset)
    if spot is None:
        return Completions()
    text = snapshot.document(uri).text
    typed = ""
    items: Iterator[Completion]
    if spot.kind == "document":
        items = _document(spot)
    elif spot.kind == "key":
        typed = text[spot.replace.start : offset].lstrip('"')
        items = _keys(snapshot, uri, spot, text)
    elif spot.kind == "value":
        typed = text[spot.replace.start : offset]
        items = _values(snapshot, uri, spot)
    else:
        return _items(snapshot, uri, spot, offset)
    return chosen(items, typed)


# Choosing and ordering.


def chosen(items: Iterator[Completion], typed: str) -> Completions:
    """The offers that fit what is typed, best first, at most as many as a list can show."""
    wanted = _letters(typed)
    found: list[tuple[tuple[int, int, str], Completion]] = []
    for item in items:
        match = _match(wanted, item)
        if match is not None:
            found.append(((item.rank, match, item.label), item))
    found.sort(key=lambda pair: pair[0])
    kept = tuple(replace(item, rank=number) for number, (_, item) in enumerate(found[:LIMIT]))
    return Completions(kept, len(found) > LIMIT)


def _match(wanted: str, item: Completion) -> int | None:
    """0 for a beginning, 1 for a part, 2 for letters in order; None when it does not fit.

    Hangul is compared letter by letter, so that a half-typed syllable finds its word.
    """
    if not wanted:
        return 0
    best: int | None = None
    for text in (item.filter or item.label, item.label, item.detail.split(" · ")[0]):
        letters = _letters(text)
        if letters.startswith(wanted):
            return 0
        if wanted in letters:
            best = 1
        elif best is None and _in_order(wanted, letters):
            best = 2
    return best


def _letters(text: str) -> str:
    return unicodedata.normalize("NFD", text).casefold()


def _in_order(wanted: str, letters: str) -> bool:
    remaining = iter(letters)
    return all(char in remaining for char in wanted)


# Documents, keys, values.


def _document(spot: Spot) -> Iterator[Completion]:
    body = '{\n  "metrics": ["$1"],\n  "groupBy": ["$2"]\n}$0'
    yield Completion("query", "snippet", spot.replace, body, detail="a new query", snippet=True)


_KEY_WORDS = {
    "metrics": ("what to compute", '["$0"]'),
    "groupBy": ("the grain: dimensions as model__dimension", '["$0"]'),
    "filters": ("conditions, all of which must hold", '["$0"]'),
    "orderBy": ("sort keys; a leading - descends", '["$0"]'),
    "limit": ("the most rows to return", "${0:10}"),
    "joins": ("one FROM … JOIN … clause instead of automatic joins", '["FROM $0"]'),
    "name": ("a name for the query", '"$0"'),
    "description": ("the question in words", '"$0"'),
    "$schema": ("the JSON Schema of this file", '"$0"'),
}


def _keys(snapshot: Snapshot, uri: str, spot: Spot, text: str) -> Iterator[Completion]:
    assert spot.query is not None
    present = {pair.key.text for pair in spot.query.pairs if pair.key is not spot.scalar}
    has_value = False
    if spot.scalar is not None:
        own = [pair for pair in spot.query.pairs if pair.key is spot.scalar]
        has_value = bool(own) and own[0].value is not None
    for number, key in enumerate(KEYS):
        if key in present:
            continue
        words, value = _KEY_WORDS[key]
        name = json.dumps(key).replace("$", "\\$")
        insert = name if has_value else f"{name}: {value}"
        yield Completion(key, "key", spot.replace, insert, number, words, filter=key, snippet=True)


def _values(snapshot: Snapshot, uri: str, spot: Spot) -> Iterator[Completion]:
    if spot.key == "limit":
        for number, value in enumerate(("10", "100", "1000", "null")):
            yield Completion(value, "value", spot.replace, value, number)
    elif spot.key in _KEY_WORDS and spot.scalar is None:
        words, value = _KEY_WORDS[spot.key]
        yield Completion(
            value.replace("$0", ""), "value", spot.replace, value, 0, words, snippet=True
        )


# Items of lists.


def _items(snapshot: Snapshot, uri: str, spot: Spot, offset: int) -> Completions:
    query = _written(snapshot, uri, spot)
    offers = _Offers(snapshot, query)
    if spot.scalar is None:
        # Between the strings: a whole string is offered, in quotes.
        quoted = (
            replace(item, insert=json.dumps(item.insert, ensure_ascii=False))
            for item in _whole(offers, spot, spot.replace, "")
            if not item.snippet
        )
        return chosen(quoted, "")
    content = spot.scalar.content
    before = _decoded_before(spot.scalar, offset)
    is_plain = _is_one_name(before) and _is_one_name(spot.scalar.text)
    if spot.key in ("groupBy", "orderBy") or (spot.key == "metrics" and is_plain):
        items = list(_whole(offers, spot, content, before))
        items += list(offers.grains(before, content))
        if spot.key == "metrics":
            items += list(offers.windows(content))
        return chosen(iter(items), before.lstrip("-") if spot.key == "orderBy" else before)
    word = _word_before(before)
    span = _word_span(spot.scalar, offset, word)
    return chosen(offers.in_expression(spot.key, word, span, before), word)


def _whole(offers: _Offers, spot: Spot, span: Span, typed: str) -> Iterator[Completion]:
    taken = _taken(spot)
    if spot.key == "metrics":
        yield from (item for item in offers.metrics(span) if item.label not in taken)
    elif spot.key == "groupBy":
        yield from (item for item in offers.dimensions(span) if item.label not in taken)
    elif spot.key == "orderBy":
        yield from offers.sort_keys(span, taken, typed.startswith("-"))
    elif spot.key == "filters":
        yield from offers.dimensions(span)
        yield from offers.metrics(span, rank=50)
    elif spot.key == "joins":
        yield from offers.clauses(span)


def _taken(spot: Spot) -> frozenset[str]:
    items = spot.sequence.items if spot.sequence else ()
    return frozenset(
        nfc(item.text) for item in items if isinstance(item, Scalar) and item is not spot.scalar
    )


def _written(snapshot: Snapshot, uri: str, spot: Spot) -> WrittenQuery | None:
    for query in snapshot.queries(uri):
        if query.node is spot.query:
            return query
    return None


def _decoded_before(scalar: Scalar, offset: int) -> str:
    decoded = scalar.source_map.to_decoded(offset)
    if decoded is None:
        return scalar.text if offset >= scalar.span.end else ""
    return scalar.text[:decoded]


def _is_one_name(text: str) -> bool:
    return all(char.isalnum() or char in "_." for char in text)


def _word_before(text: str) -> str:
    start = len(text)
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    return text[start:]


def _word_span(scalar: Scalar, offset: int, word: str) -> Span:
    decoded = scalar.source_map.to_decoded(offset)
    at = len(scalar.text) if decoded is None else decoded
    end = at
    while end < len(scalar.text) and (scalar.text[end].isalnum() or scalar.text[end] == "_"):
        end += 1
    return scalar.source(Span(at - len(word), end))


class _Offers:
    """The names that one query can take, ranked by what its metrics can reach."""

    def __init__(self, snapshot: Snapshot, query: WrittenQuery | None) -> None:
        self.graph: SemanticGraph = snapshot.graph
        self.dialect = snapshot.configuration.dialect
        self.query = query
        self.bases = self._bases()

    def _bases(self) -> dict[str, tuple[str, ...]]:
        """For each metric that the query names, the models whose rows it counts."""
        found: dict[str, tuple[str, ...]] = {}
        for item in self.query.metrics if self.query else ():
            names = [item.text]
            if item.text not in self.graph.metrics:
                names = [use.name for use in parse_expression(item.text, self.dialect).uses]
            for name in names:
                if name in self.graph.metrics:
                    found[name] = self._bases_of(name)
        return found

    def _bases_of(self, metric: str) -> tuple[str, ...]:
        formula = expand(self.graph, metric, self.dialect)
        if not isinstance(formula, Formula):
            return ()
        return tuple(dict.fromkeys(leaf.base for leaf in formula.leaves))

    # Metrics.

    def metrics(self, span: Span, rank: int = 0) -> Iterator[Completion]:
        """All metrics; those that reach the query's groups first."""
        wanted = self._group_models()
        for metric in self.graph.metrics.values():
            unreached = [
                model
                for model in wanted
                for base in self._bases_of(metric.name)
                if model not in self.graph.joins.distances(base)
            ]
            why = f"cannot be grouped by {unreached[0]}" if unreached else ""
            detail = " · ".join(
                part for part in (metric.label or "", metric.data_type or "", why) if part
            )
            yield Completion(
                metric.name,
                "metric",
                span,
                metric.name,
                rank + (90 if why else 0),
                detail,
                metric.description or "",
                f"{metric.name} {metric.label or ''}",
                why_not=why,
            )

    def _group_models(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for item in self.query.group_by if self.query else ():
            for left, _ in splits(item.text):
                if left in self.graph.models:
                    found[left] = None
                    break
        return tuple(found)

    def windows(self, span: Span) -> Iterator[Completion]:
        """A running total over the query's own metric and groups."""
        metric = next(iter(self.bases), None) or next(iter(self.graph.metrics), None)
        groups = [item.text for item in self.query.group_by] if self.query else []
        if metric is None:
            return
        order = groups[-1] if groups else "metric_time"
        body = f"SUM(${{1:{metric}}}) OVER (ORDER BY ${{2:{order}}}) AS ${{3:running_total}}"
        yield Completion(
            "running total",
            "snippet",
            span,
            body,
            95,
            "SUM(…) OVER (ORDER BY …)",
            "A window over the aggregated rows of this query.",
            snippet=True,
        )

    # Dimensions.

    def dimensions(self, span: Span, prefix: str = "") -> Iterator[Completion]:
        """Every dimension as `model__dimension`, what all metrics reach first."""
        for model in self.graph.models.values():
            rank, detail, why = self._reach(model.name)
            for dimension in model.dimensions:
                name = f"{model.name}__{dimension.name}"
                parts = [dimension.label or "", dimension.data_type or "", why or detail]
                yield Completion(
                    name,
                    "time" if dimension.is_time else "dimension",
                    span,
                    name,
                    rank,
                    " · ".join(part for part in parts if part),
                    dimension.description or "",
                    f"{name} {dimension.label or ''}",
                    why_not=why,
                )
        if self.bases and all(self._has_time(base) for b in self.bases.values() for base in b):
            yield Completion(
                METRIC_TIME,
                "time",
                span,
                METRIC_TIME,
                1,
                "each metric's own time",
                filter=METRIC_TIME,
            )

    def _has_time(self, base: str) -> bool:
        from smq.graph.formula import time_dimension

        return time_dimension(self.graph, self.graph.models[base]) is not None

    def _reach(self, model: str) -> tuple[int, str, str]:
        """(rank, join path, why not) of a model for the query's metrics."""
        distance, path = 0, ""
        for metric, bases in self.bases.items():
            for base in bases:
                paths = self.graph.paths(base, model)
                if not paths:
                    backwards = base in self.graph.joins.distances(model)
                    why = "would count rows several times" if backwards else "no to-one path"
                    return 90, "", f"not for {metric}: {why} from {base}"
                if len(paths) > 1:
                    return 80, "", f"ambiguous: {len(paths)} paths from {base}"
                if len(paths[0]) > distance:
                    distance = len(paths[0])
                    path = " → ".join((base, *(edge.right for edge in paths[0])))
        return 2 + min(distance, 9), path, ""

    def grains(self, typed: str, span: Span) -> Iterator[Completion]:
        """`model__dimension__grain` once the dimension is written."""
        for left, _ in [*splits(typed), (typed.rstrip("_"), "")]:
            dimension = self._dimension(left)
            own = None if left == METRIC_TIME else dimension.grain if dimension else None
            if left != METRIC_TIME and (dimension is None or not dimension.is_time):
                continue
            first = GRAINS.index(own) if own else GRAINS.index("second")
            for number, grain in enumerate(GRAINS[first:]):
                name = f"{left}__{grain}"
                yield Completion(name, "grain", span, name, number, f"by {grain}", filter=name)
            return

    def _dimension(self, name: str) -> Dimension | None:
        for left, right in splits(name):
            if left in self.graph.models:
                found = self.graph.index(left).dimensions.get(right)
                if found is not None:
                    return found
        return None

    # Sort keys, clauses, expressions.

    def sort_keys(
        self, span: Span, taken: frozenset[str], descending: bool
    ) -> Iterator[Completion]:
        names: dict[str, str] = {}
        for item in self.query.metrics if self.query else ():
            alias = parse_expression(item.text, self.dialect).alias
            names[alias or item.text] = "metric of this query"
        for item in self.query.group_by if self.query else ():
            names[item.text] = "group of this query"
        bare = {name.lstrip("-") for name in taken}
        for number, (name, detail) in enumerate(names.items()):
            if name in bare:
                continue
            if not descending:
                yield Completion(name, "alias", span, name, number, f"ascending · {detail}")
            label = f"-{name}"
            yield Completion(
                label, "alias", span, label, number, f"descending · {detail}", filter=name
            )
        for metric in self.metrics(span, rank=60):
            if metric.label not in names:
                sign = "-" if descending else ""
                yield replace(metric, label=sign + metric.label, insert=sign + metric.insert)

    def clauses(self, span: Span) -> Iterator[Completion]:
        """A whole FROM clause along the automatic joins, to start from."""
        for base in dict.fromkeys(base for bases in self.bases.values() for base in bases):
            clause = f"FROM {base}"
            for model in self._group_models():
                paths = self.graph.paths(base, model)
                for edge in paths[0] if paths else ():
                    pairs = " AND ".join(
                        f"{edge.left}__{left.name} = {edge.right}__{right.name}"
                        for left, right in edge.pairs
                    )
                    step = f" LEFT JOIN {edge.right} ON {pairs}"
                    if step not in clause:
                        clause += step
            yield Completion(clause, "snippet", span, clause, 0, "the automatic joins, written out")

    def in_expression(self, key: str, word: str, span: Span, before: str) -> Iterator[Completion]:
        """Names, functions and words of SQL inside an expression."""
        if key == "joins":
            yield from self._in_clause(span)
            return
        yield from self.dimensions(span)
        yield from self.metrics(span, rank=20 if key == "filters" else 0)
        yield from self.grains(word, span)
        for model in self.graph.models.values():
            rank, detail, why = self._reach(model.name)
            for measure in model.measures:
                name = f"{model.name}__{measure.name}"
                yield Completion(
                    name,
                    "measure",
                    span,
                    name,
                    rank + 30,
                    " · ".join(p for p in (measure.label or "", why or detail) if p),
                    measure.description or "",
                    why_not=why,
                )
        for function in FUNCTIONS.values():
            if function.group == "aggregate" and key == "filters":
                continue
            body = f"{function.name}($0)" if function.parameters else f"{function.name}()"
            yield Completion(
                function.name,
                "function",
                span,
                body,
                70,
                function.signature,
                function.text,
                snippet=True,
            )
        for word_ in (
            "AND",
            "OR",
            "NOT",
            "IN",
            "BETWEEN",
            "LIKE",
            "IS NULL",
            "IS NOT NULL",
            "OVER",
            "PARTITION BY",
            "ORDER BY",
            "AS",
        ):
            yield Completion(word_, "keyword", span, word_, 75)

    def _in_clause(self, span: Span) -> Iterator[Completion]:
        for model in self.graph.models.values():
            rank, detail, _ = self._reach(model.name)
            yield Completion(model.name, "model", span, model.name, rank, model.label or detail)
            for part in (*model.entities, *model.dimensions):
                name = f"{model.name}__{part.name}"
                yield Completion(name, "column", span, name, rank + 10, part.label or "")
        for word in ("FROM", "LEFT JOIN", "INNER JOIN", "RIGHT JOIN", "FULL JOIN", "ON", "AND"):
            yield Completion(word, "keyword", span, word, 1)

"""An index over the words of what model files declare, and how a question's words find it.

Scores are in the manner of BM25: a word counts by how few files have it. A name or label of which
a question says every word counts for more than one it only touches, and a description for less.
The index is a value of the declarations, and an unchanged file's part of it is made once.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from smq.graph.symbols import Declarations, Metric, Sql, Symbol
from smq.syntax import Mapping as MappingNode
from smq.syntax import Node, Scalar
from smq.syntax import Sequence as SequenceNode
from smq.text import nfc
from smq.text.name_index import NameIndex
from smq.workspace import Snapshot
from smq_server.generation.selection.words import (
    asked_words,
    grouping_words,
    pairs,
    vocabulary,
    words,
)

Kind = Literal["model", "metric", "dimension", "measure", "entity", "saved query"]
Field = Literal["name", "label", "synonym", "description", "value"]
How = Literal["word", "synonym", "part", "slip", "home"]

_KIND_WEIGHT: dict[Kind, float] = {
    "metric": 1.2,
    "model": 1.0,
    "dimension": 1.0,
    "measure": 0.4,
    "saved query": 0.5,
    "entity": 0.3,
}
_FIELD_WEIGHT: dict[Field, float] = {
    "name": 1.0,
    "label": 1.0,
    "synonym": 1.0,
    "value": 0.8,
    "description": 0.55,
}
_SYNONYM_LIKENESS = 0.85
_SLIP_LIKENESS = 0.7
_SLIP = 0.84
"""How alike, in letters, a word that nothing has is to the one that was probably meant."""
_SHORTEST_SLIP = {True: 5, False: 3}
"""Letters of a Latin word, syllables of a Korean one: shorter ones are near to too many."""
_LEAST_LIKENESS = 0.5
_COMMON = 0.6
"""From this likeness on, a file counts as having a word."""

_NUMBER_TO_GROUP_BY = 0.4
"""What metrics count for a word that a question groups by: 지점별 asks for no number."""

_FEW_FILES = 60
"""In so many files every word is looked for, however common it is."""

_QUOTED = re.compile(r"'([^']{1,40})'")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that a question can be about."""

    uri: str
    kind: Kind
    name: str
    model: str | None
    """The model it belongs to; None for models, metrics and saved queries."""
    label: str | None
    description: str | None

    @property
    def reference(self) -> str:
        """As a query writes it, or as people speak of it."""
        return f"{self.model}__{self.name}" if self.model else self.name


@dataclass(frozen=True, slots=True)
class Reason:
    """One word of the question and the best of what it found in a file."""

    word: str
    kind: Kind
    name: str
    field: Field
    how: How
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """What a word of the question found: the entry, where, how, and how much it counts."""

    entry: Entry
    field: Field
    how: How
    score: float


@dataclass(frozen=True, slots=True)
class Home:
    """A model that a metric is computed from."""

    uri: str
    name: str
    has_time: bool


@dataclass(frozen=True, slots=True)
class _Text:
    """One text of an entry, in words."""

    entry: Entry
    field: Field
    words: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A word of a question, how often it is said, and what it may be about."""

    word: str
    times: int
    hits: tuple[Hit, ...]


class Index:
    """The words of all files. `found` is what each word of a question finds."""

    __slots__ = (
        "_by_form",
        "_by_pair",
        "_common",
        "_declarations",
        "_file_count",
        "_homes",
        "_spelled",
        "_texts",
        "parts",
    )

    def __init__(
        self,
        parts: Mapping[str, tuple[_Text, ...]],
        declarations: tuple[Declarations, ...] = (),
    ) -> None:
        self._declarations = declarations
        self._homes: _Homes | None = None
        self._spelled: NameIndex | None = None
        self.parts = parts
        """The texts of each file, by URI."""
        self._texts = [text for uri in sorted(parts) for text in parts[uri]]
        self._file_count = sum(1 for part in parts.values() if part)
        self._by_form: dict[str, list[tuple[int, int]]] = {}
        latest: dict[str, tuple[str, int]] = {}
        for number, text in enumerate(self._texts):
            for position, forms in enumerate(text.words):
                for form in forms:
                    self._by_form.setdefault(form, []).append((number, position))
                    uri, count = latest.get(form, ("", 0))
                    if uri != text.entry.uri:
                        latest[form] = text.entry.uri, count + 1
        # What most of very many files have tells none of them from the others, and costs most.
        most = max(_FEW_FILES, self._file_count // 2)
        self._common = frozenset(form for form, (_, count) in latest.items() if count > most)
        self._by_pair: dict[str, list[str]] = {}
        for form in self._by_form:
            if "가" <= form[0] <= "힣":
                for pair in pairs(form):
                    self._by_pair.setdefault(pair, []).append(form)

    def found(self, question: str) -> list[Asked]:
        """The question's words in order, each once and with its hits, at most one for a text."""
        times = Counter(with_expressions(asked_words(question)))
        asked = list(times)
        matches = [self._matches(word, self._common) for word in asked]
        if not any(matches):
            matches = [self._matches(word, frozenset()) for word in asked]
        covered: dict[int, dict[int, float]] = {}
        for match in matches:
            for (number, position), (likeness, _) in match.items():
                positions = covered.setdefault(number, {})
                positions[position] = max(likeness, positions.get(position, 0.0))
        coverage = {
            number: sum(positions.values()) / len(self._texts[number].words)
            for number, positions in covered.items()
        }
        hits = [self._hits(match, coverage) for match in matches]
        found = {word[0]: each for word, each in zip(asked, hits, strict=True)}
        first, second = grouping_words(question)
        groups = {word for word in first if _names_a_thing(found.get(word, ()))}
        groups = groups or {word for word in second if _names_a_thing(found.get(word, ()))}
        for word in groups:
            found[word] = [_as_group(hit) for hit in found[word]]
        return [Asked(word[0], times[word], tuple(found[word[0]])) for word in asked]

    def homes(self, metric: Entry) -> tuple[Home, ...]:
        """The models whose rows a metric is computed from, as far as its own file tells."""
        if self._homes is None:
            self._homes = _Homes(self._declarations)
        return self._homes.of(metric.name)

    def _hits(
        self,
        match: Mapping[tuple[int, int], tuple[float, How]],
        coverage: Mapping[int, float],
    ) -> list[Hit]:
        best: dict[int, tuple[float, How]] = {}
        having: set[str] = set()
        for (number, _), (likeness, how) in match.items():
            if number not in best or likeness > best[number][0]:
                best[number] = likeness, how
            if likeness >= _COMMON:
                having.add(self._texts[number].entry.uri)
        rarity = math.log(1 + (self._file_count - len(having) + 0.5) / (len(having) + 0.5))
        hits: list[Hit] = []
        for number, (likeness, how) in best.items():
            text = self._texts[number]
            # Descriptions are long, so how much of one is said tells nothing.
            said = 0.5 if text.field in ("description", "value") else coverage[number]
            weight = _KIND_WEIGHT[text.entry.kind] * _FIELD_WEIGHT[text.field]
            score = rarity * likeness * weight * (0.4 + 0.6 * said)
            hits.append(Hit(text.entry, text.field, how, score))
        return hits

    def _matches(
        self, word: tuple[str, ...], without: Container[str]
    ) -> dict[tuple[int, int], tuple[float, How]]:
        """Where a word of the question stands in the texts, and how alike it is there."""
        alike: dict[str, tuple[float, How]] = {}

        def add(form: str, likeness: float, how: How) -> None:
            known = form in self._by_form and form not in without
            if known and (form not in alike or alike[form][0] < likeness):
                alike[form] = likeness, how

        for form in word:
            add(form, 1.0, "word")
        for form in word:
            for other in _synonyms().get(form, ()):
                add(other, _SYNONYM_LIKENESS, "synonym")
        for form in word:
            for other, likeness in self._compounds(form):
                add(other, likeness, "part")
            # 고객등급별 is about 등급, whatever that is called in the models.
            for part in _known_parts(form):
                for other in _synonyms().get(part, ()):
                    add(other, _SYNONYM_LIKENESS * len(part) / len(form), "synonym")
        if not alike:
            for other in self._meant(word[0]):
                add(other, _SLIP_LIKENESS, "slip")
                for same in _synonyms().get(other, ()):
                    add(same, _SLIP_LIKENESS * _SYNONYM_LIKENESS, "slip")
        places: dict[tuple[int, int], tuple[float, How]] = {}
        for form, (likeness, how) in alike.items():
            for place in self._by_form[form]:
                if place not in places or places[place][0] < likeness:
                    places[place] = likeness, how
        return places

    def _meant(self, word: str) -> tuple[str, ...]:
        """What a word that nothing has was probably meant to be."""
        if len(word) < _SHORTEST_SLIP[word.isascii()]:
            return ()
        if self._spelled is None:
            self._spelled = NameIndex({*self._by_form, *_synonyms()})
        return self._spelled.nearest(word, 2, _SLIP)

    def _compounds(self, form: str) -> Iterator[tuple[str, float]]:
        """Korean words that share a part with this one: 등급 and 고객등급."""
        if len(form) < 2 or not "가" <= form[0] <= "힣":
            return
        own = pairs(form)
        candidates = {other for pair in sorted(own) for other in self._by_pair.get(pair, ())}
        for other in sorted(candidates):
            shorter, longer = sorted((form, other), key=len)
            if shorter in longer:
                likeness = 0.5 + 0.4 * len(shorter) / len(longer)
            else:
                theirs = pairs(other)
                likeness = 2 * len(own & theirs) / (len(own) + len(theirs)) * 0.8
            if likeness >= _LEAST_LIKENESS:
                yield other, likeness


def _names_a_thing(hits: Iterable[Hit]) -> bool:
    """Whether a model or dimension is called so, which a question can group by."""
    return any(
        hit.entry.kind in ("model", "dimension") and hit.field in ("name", "label", "synonym")
        for hit in hits
    )


def _as_group(hit: Hit) -> Hit:
    if hit.entry.kind in ("metric", "measure"):
        return replace(hit, score=hit.score * _NUMBER_TO_GROUP_BY)
    return hit


def index_of(snapshot: Snapshot) -> Index:
    """The index of the snapshot's models and metrics; the last few are remembered."""
    declarations = snapshot.declarations
    for known, index in _remembered:
        if len(known) == len(declarations) and all(
            mine is theirs for mine, theirs in zip(known, declarations, strict=True)
        ):
            return index
    before: dict[int, tuple[_Text, ...]] = {}
    for known, index in _remembered:
        before |= {id(each): index.parts[each.uri] for each in known if each.uri in index.parts}
    parts: dict[str, tuple[_Text, ...]] = {}
    for declared in declarations:
        if declared.models or declared.metrics:
            part = before.get(id(declared))
            parts[declared.uri] = part if part is not None else tuple(_texts(declared, snapshot))
    made = Index(parts, declarations)
    _remembered.insert(0, (declarations, made))
    del _remembered[_KEPT:]
    return made


_KEPT = 2
_remembered: list[tuple[tuple[Declarations, ...], Index]] = []


class _Homes:
    """Metrics to models: by the measures and prefixes in their formulas, through other metrics."""

    def __init__(self, declarations: Iterable[Declarations]) -> None:
        self._models: dict[str, Home] = {}
        self._measures: dict[str, Home] = {}
        self._metrics: dict[str, Metric] = {}
        for declared in declarations:
            for model in declared.models:
                has_time = any(dimension.is_time for dimension in model.dimensions)
                home = Home(declared.uri, model.name, has_time)
                self._models.setdefault(model.name, home)
                for measure in model.measures:
                    self._measures.setdefault(measure.name, home)
            for metric in declared.metrics:
                self._metrics.setdefault(metric.name, metric)

    def of(self, name: str) -> tuple[Home, ...]:
        found: dict[Home, None] = {}
        waiting, seen = [name], {name}
        while waiting:
            metric = self._metrics.get(waiting.pop())
            if metric is None:
                continue
            for word in _mentioned(metric):
                # A prefix is told by the known models, never by where the first `__` is.
                ends = [at for at in range(len(word)) if word.startswith("__", at)]
                prefixes = [word[:at] for at in reversed(ends) if word[:at] in self._models]
                if prefixes:
                    found[self._models[prefixes[0]]] = None
                elif word in self._metrics and word != metric.name:
                    if word not in seen:
                        seen.add(word)
                        waiting.append(word)
                elif word in self._measures:
                    found[self._measures[word]] = None
        return tuple(found)


def _mentioned(metric: Metric) -> Iterator[str]:
    used = (metric.measure, metric.numerator, metric.denominator, *metric.inputs)
    yield from (each.name for each in used if each is not None)
    if metric.expr is not None:
        yield from _NAMES.findall(nfc(metric.expr.text))


_NAMES = re.compile(r"\w+")


# --- texts ----------------------------------------------------------------------------------------


def _texts(declared: Declarations, snapshot: Snapshot) -> Iterator[_Text]:
    synonyms = _own_synonyms(declared.uri, snapshot)
    for model in declared.models:
        yield from _of(Entry(*_entry(declared, "model", model, None)), synonyms)
        members: list[tuple[Kind, Sequence[Symbol]]] = [
            ("dimension", model.dimensions),
            ("measure", model.measures),
            ("entity", model.entities),
        ]
        for kind, symbols in members:
            for symbol in symbols:
                entry = Entry(*_entry(declared, kind, symbol, model.name))
                yield from _of(entry, synonyms)
                yield from _values(entry, (getattr(symbol, "expr", None),))
    for metric in declared.metrics:
        entry = Entry(*_entry(declared, "metric", metric, None))
        yield from _of(entry, synonyms)
        filters = [each.sql for each in metric.filters]
        for used in (metric.measure, metric.numerator, metric.denominator):
            filters.extend(each.sql for each in (used.filters if used else ()))
        yield from _values(entry, (metric.expr, *filters))
    for query in declared.saved_queries:
        yield from _of(Entry(*_entry(declared, "saved query", query, None)), synonyms)


def _entry(
    declared: Declarations, kind: Kind, symbol: Symbol, model: str | None
) -> tuple[str, Kind, str, str | None, str | None, str | None]:
    return declared.uri, kind, symbol.name, model, symbol.label, symbol.description


def _of(entry: Entry, synonyms: Mapping[str, tuple[str, ...]]) -> Iterator[_Text]:
    texts: list[tuple[Field, str | None]] = [
        ("name", entry.name),
        ("label", entry.label),
        ("description", entry.description),
        *(("synonym", each) for each in synonyms.get(entry.name, ())),
    ]
    for field, text in texts:
        found = words(text) if text else ()
        if found:
            yield _Text(entry, field, found)


def _values(entry: Entry, expressions: Iterable[Sql | None]) -> Iterator[_Text]:
    """The values that expressions compare with: whoever asks for 모바일 means their metric."""
    quoted = " ".join(
        value for sql in expressions if sql is not None for value in _QUOTED.findall(sql.text)
    )
    found = words(quoted)
    if found:
        yield _Text(entry, "value", found)


# --- synonyms -------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, tuple[str, ...]]:
    """For each form of a word, the forms of the words that mean the same."""
    groups = vocabulary()["synonyms"]
    found: dict[str, dict[str, None]] = {}
    for group in groups:
        # Of an expression of several words, each would mean too much alone.
        single = [spoken[0] for spoken in map(words, group) if len(spoken) == 1]
        for forms in single:
            for form in forms:
                for other in single:
                    found.setdefault(form, {}).update(dict.fromkeys(other))
    return {form: tuple(other for other in others if other != form)
            for form, others in found.items()}  # fmt: skip


def with_expressions(asked: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The words of a question, and for each expression of several that has a synonym of one word,
    such as "weighted average", that word."""
    found = list(asked)
    for expression, meant in _expressions():
        size = len(expression)
        for at in range(len(asked) - size + 1):
            said = asked[at : at + size]
            if all(set(one) & set(other) for one, other in zip(said, expression, strict=True)):
                found.extend(forms for forms in meant if forms not in found)
    return found


_Words = tuple[tuple[str, ...], ...]


@lru_cache(maxsize=1)
def _expressions() -> tuple[tuple[_Words, _Words], ...]:
    """Expressions of several words, each with the single words that mean the same."""
    found: list[tuple[_Words, _Words]] = []
    for group in vocabulary()["synonyms"]:
        spoken = [words(each) for each in group]
        single = tuple(each[0] for each in spoken if len(each) == 1)
        if single:
            # One is enough, as the others are its synonyms.
            found.extend((each, single[:1]) for each in spoken if len(each) > 1)
    return tuple(found)


@lru_cache(maxsize=4096)
def _known_parts(form: str) -> tuple[str, ...]:
    """The parts of a Korean compound that have synonyms, longest first."""
    if len(form) < 3 or not "가" <= form[0] <= "힣":
        return ()
    known = _synonyms()
    parts = [
        form[start:end]
        for start in range(len(form) - 1)
        for end in range(start + 2, len(form) + 1)
        if form[start:end] in known and end - start < len(form)
    ]
    return tuple(sorted(parts, key=lambda part: (-len(part), part)))


def _own_synonyms(uri: str, snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """`meta.synonyms` (also under dbt's `config`) of the items of a file, by their names."""
    text = snapshot.document(uri).text
    if "synonyms" not in text:
        # Reading a tree that was forgotten costs more than all else here.
        return {}
    found: dict[str, tuple[str, ...]] = {}
    waiting: list[Node | None] = [snapshot.parsed(uri).root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, SequenceNode):
            waiting.extend(node.items)
        elif isinstance(node, MappingNode):
            waiting.extend(pair.value for pair in node.pairs)
            name = node.get("name")
            if isinstance(name, Scalar):
                own = _listed(node)
                if own:
                    found[nfc(name.text)] = (*found.get(nfc(name.text), ()), *own)
    return found


def _listed(item: MappingNode) -> tuple[str, ...]:
    places: list[MappingNode] = []
    config = item.get("config")
    for holder in (item, config):
        meta = holder.get("meta") if isinstance(holder, MappingNode) else None
        if isinstance(meta, MappingNode):
            places.append(meta)
    found: list[str] = []
    for place in places:
        listed = place.get("synonyms")
        if isinstance(listed, Scalar):
            found.extend(part.strip() for part in listed.text.split(","))
        elif isinstance(listed, SequenceNode):
            found.extend(each.text for each in listed.items if isinstance(each, Scalar))
    return tuple(each for each in found if each)

"""Which model files a question is about, found by its words and not by a language model.

The same question over the same files gets the same answer, in milliseconds and for nothing, with
the reasons. `select_model_files` ranks files, `search` the metrics and dimensions in them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from smq.workspace import Snapshot
from smq_server.generation.selection.index import Entry, Field, Hit, How, Kind, Reason, index_of
from smq_server.generation.selection.words import time_word

__all__ = [
    "Entry",
    "Field",
    "Found",
    "How",
    "Kind",
    "Reason",
    "SelectedFile",
    "search",
    "select_model_files",
]

_KNOWN_OTHERWISE = 0.6
"""How much less a word counts for a metric when it is known as a dimension, and the reverse. A
word that is known as the same sort of thing counts only by how much better it is known."""

_NUMBERS = ("metric", "measure")

_HOME = 0.1
_HOME_IN_TIME = 0.6
"""What the model behind a metric counts, of the metric's own score: its dates are wanted when the
question is about time."""

_NEGLIGIBLE = 0.08
"""Of the likeliest thing's score; what adds less is hardly meant."""


@dataclass(frozen=True, slots=True)
class SelectedFile:
    """A model file, how much of the question it answers, and which words found what in it."""

    uri: str
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A metric, dimension, … that a search found, best first."""

    entry: Entry
    score: float
    reasons: tuple[Reason, ...]


def select_model_files(
    question: str, snapshot: Snapshot, limit: int = 3
) -> tuple[SelectedFile, ...]:
    """The files that declare what a question is about, the most telling first, at most `limit`.

    Together they should know every word of the question, so a file that adds a word comes before
    one that repeats what the files before it have. No file at all when no word is known.
    """
    index = index_of(snapshot)
    entries: dict[Entry, dict[str, Reason]] = {}
    asked = index.found(question)
    for each in asked:
        for hit in each.hits:
            _keep_best(entries.setdefault(hit.entry, {}), _reason(each.word, hit))
    meant = _meant(entries, {each.word: each.times for each in asked})
    moment = time_word(question)
    scores: dict[str, float] = {}
    reasons: dict[str, dict[tuple[str, str], Reason]] = {}
    for entry, gain in meant:
        scores[entry.uri] = scores.get(entry.uri, 0.0) + gain
        for reason in entries[entry].values():
            reasons.setdefault(entry.uri, {})[reason.word, reason.name] = reason
        for home in index.homes(entry) if entry.kind == "metric" else ():
            in_time = moment if home.has_time else None
            score = round((_HOME_IN_TIME if in_time else _HOME) * gain, 4)
            scores[home.uri] = scores.get(home.uri, 0.0) + score
            word = in_time or entry.name
            reason = Reason(word, "model", home.name, "name", "home", score)
            reasons.setdefault(home.uri, {})[word, home.name] = reason
    ranked = sorted(scores, key=lambda uri: (-round(scores[uri], 9), uri))
    chosen = [_selected(uri, scores[uri], reasons[uri].values()) for uri in ranked[:limit]]
    if len(chosen) < limit:
        chosen.extend(_touched(entries, set(scores), limit - len(chosen)))
    return tuple(chosen)


def _meant(
    entries: dict[Entry, dict[str, Reason]], times: Mapping[str, int]
) -> list[tuple[Entry, float]]:
    """What the question is most likely about, each with what it adds to those before it.

    The likeliest metric or dimension explains some of the words, the next one most of the rest,
    until nothing is left to explain. A word that is said twice can be explained twice.
    """
    found: list[tuple[Entry, float]] = []
    waiting = dict(entries)
    known: dict[tuple[str, bool], list[float]] = {}

    def before(word: str, is_number: bool) -> float:
        scores = known.get((word, is_number), [])
        return min(scores) if len(scores) >= times[word] else 0.0

    def gain(entry: Entry) -> float:
        is_number = entry.kind in _NUMBERS
        total = 0.0
        for word, reason in waiting[entry].items():
            otherwise = _KNOWN_OTHERWISE * before(word, not is_number)
            total += max(0.0, reason.score - max(before(word, is_number), otherwise))
        return total

    while waiting:
        gains = {entry: gain(entry) for entry in waiting}
        best = min(gains, key=lambda each: (-round(gains[each], 9), each.kind, each.reference))
        added = gains[best]
        if found and added < _NEGLIGIBLE * found[0][1]:
            break
        found.append((best, added))
        for word, reason in waiting.pop(best).items():
            key = word, best.kind in _NUMBERS
            scores = [*known.get(key, ()), reason.score]
            known[key] = sorted(scores, reverse=True)[: times[word]]
    return found


def _touched(
    entries: dict[Entry, dict[str, Reason]], without: set[str], limit: int
) -> list[SelectedFile]:
    """Files that the words of the question are in at all, for those who want more files."""
    files: dict[str, dict[str, Reason]] = {}
    for entry, reasons in entries.items():
        if entry.uri not in without:
            for reason in reasons.values():
                _keep_best(files.setdefault(entry.uri, {}), reason)
    selected = [
        _selected(uri, _NEGLIGIBLE * sum(each.score for each in reasons.values()), reasons.values())
        for uri, reasons in files.items()
    ]
    return sorted(selected, key=lambda each: (-each.score, each.uri))[:limit]


def _keep_best(reasons: dict[str, Reason], reason: Reason) -> None:
    if reason.word not in reasons or reasons[reason.word].score < reason.score:
        reasons[reason.word] = reason


def _selected(uri: str, score: float, reasons: Iterable[Reason]) -> SelectedFile:
    ordered = sorted(reasons, key=lambda each: (-each.score, each.word, each.name))
    return SelectedFile(uri, round(score, 4), tuple(ordered))


def search(
    text: str,
    snapshot: Snapshot,
    kinds: Collection[Kind] = ("metric", "dimension"),
    limit: int = 10,
) -> tuple[Found, ...]:
    """What is most likely meant by some words, best first; nothing when no word is known."""
    best: dict[Entry, dict[str, Reason]] = {}
    for each in index_of(snapshot).found(text):
        for hit in each.hits:
            if hit.entry.kind in kinds:
                _keep_best(best.setdefault(hit.entry, {}), _reason(each.word, hit))
    found = [
        Found(
            entry,
            round(sum(each.score for each in reasons.values()), 4),
            tuple(sorted(reasons.values(), key=lambda each: (-each.score, each.word))),
        )
        for entry, reasons in best.items()
    ]
    found.sort(key=lambda each: (-each.score, each.entry.kind, each.entry.reference))
    return tuple(found[:limit])


def _reason(word: str, hit: Hit) -> Reason:
    return Reason(
        word, hit.entry.kind, hit.entry.reference, hit.field, hit.how, round(hit.score, 4)
    )
